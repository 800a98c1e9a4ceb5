//! The typed tree: names are resolved, every expression has its type, literals are constants, lifting is explicit.
//! Functions are still calls; lowering inlines them.

use crate::{
    builtins::{EdgeRule, Elementwise, NamedFold},
    scalar::Const,
    signature::Signature,
    size::{Size, SizeVar},
    types::Type,
};
use pk_grammar::span::Span;

/// A checked program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Helper functions and constants; a constant is a function without parameters. Callees come before callers.
    pub functions: Vec<Function>,
    /// The kernels in the order of the text.
    pub kernels: Vec<Kernel>,
}

/// An entry point.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// How it looks from outside.
    pub signature: Signature,
    /// What it does.
    pub function: Function,
}

/// Index into [`Program::functions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId(pub u32);

/// Index into [`Function::locals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalId(pub u32);

/// Index into [`Function::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// The body of a kernel or function.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where its name stands, if it is a constant.
    pub constant: Option<Span>,
    /// The parameters, in order.
    pub params: Vec<LocalId>,
    /// Everything that is bound in it.
    pub locals: Vec<Local>,
    /// Its size variables. The first [`Function::bound_sizes`] get their values from the arguments: of a kernel, those
    /// of its signature; of a function, the axes of its parameters and all `i64` parameters.
    pub sizes: Vec<SizeData>,
    /// How many of the size variables the arguments bind.
    pub bound_sizes: usize,
    /// All expressions; operands come before what uses them.
    pub exprs: Vec<Expr>,
    /// The value.
    pub body: Option<ExprId>,
}

impl Function {
    /// The expression `id`.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// The local `id`.
    pub fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }

    /// The size variable `var`.
    pub fn size(&self, var: SizeVar) -> &SizeData {
        &self.sizes[var.0 as usize]
    }

    /// Writes `size` with the names of this function; a length that only a run decides is `_`.
    pub fn size_text(&self, size: &Size) -> String {
        let mut text = String::new();
        let name = |var: SizeVar| self.sizes.get(var.0 as usize).map_or("_", |data| data.name.as_str());
        // Writing to a `String` cannot fail.
        let _ = size.write(&mut text, name);
        text
    }
}

/// A bound name.
#[derive(Clone, Debug)]
pub struct Local {
    /// As written; `_` for the parameters of closures that the checker makes.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it is bound.
    pub span: Span,
}

/// A size variable.
#[derive(Clone, Debug)]
pub struct SizeData {
    /// What it stands for.
    pub kind: SizeKind,
    /// How messages write it.
    pub name: String,
    /// Where it comes from.
    pub span: Span,
    /// Whether it may differ from element to element, so that no array may have this size.
    pub varies: bool,
}

/// What a size variable stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeKind {
    /// The length of an axis of a parameter.
    Axis {
        /// Index of the parameter.
        param: usize,
        /// The axis.
        axis: usize,
    },
    /// The value of an `i64` local.
    Local(LocalId),
    /// The size, or 0 where it is negative: the length of a range.
    NonNegative(Size),
    /// How many steps of this width the size, which is not negative, has: the length of a slice with a step.
    Strided(Size, i64),
    /// The value of an `i64` expression that is the same for all elements.
    Value(ExprId),
    /// The length of the array of unknown length that this expression makes.
    LengthOf(ExprId),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
    /// Conditions on sizes that must hold before it is evaluated and that could not be decided.
    pub checks: Vec<SizeCheck>,
}

/// A condition on sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeCheck {
    /// Two sizes agree.
    Equal {
        /// One size and where it comes from.
        left: (Size, Span),
        /// The other.
        right: (Size, Span),
    },
    /// A size is not negative.
    NonNegative(Size, Span),
    /// A slice lies inside its axis, or is empty: `0 <= lo` and `lo + count <= length`.
    Slice {
        /// First index.
        lo: Size,
        /// How many indices from the first one on, not negative.
        count: Size,
        /// Of the axis.
        length: Size,
        /// Where the slice stands.
        span: Span,
    },
    /// The distance of the ends of a range fits an `i64`.
    Range {
        /// First value.
        lo: Size,
        /// One past the last value.
        hi: Size,
        /// Where the range stands.
        span: Span,
    },
}

/// A pattern.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// Binds nothing.
    Wildcard,
    /// Binds the value.
    Local(LocalId),
    /// Binds the fields.
    Tuple(Vec<Pattern>),
}

/// A function that stands as an argument.
#[derive(Clone, Debug)]
pub struct Lambda {
    /// One for each argument.
    pub params: Vec<Pattern>,
    /// The value.
    pub body: ExprId,
}

/// The forms of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Stands where an error was reported; never in a program that is handed out.
    Error,
    /// A constant.
    Const(Const),
    /// A local's value.
    Local(LocalId),
    /// A size as an `i64`.
    Size(Size),
    /// A tuple; the names are in the type.
    Tuple(Vec<ExprId>),
    /// A field of a tuple; of an array of tuples, the array of that field.
    Field(ExprId, usize),
    /// An array of these elements.
    Array(Vec<ExprId>),
    /// A scalar operation, for each element of the array operands; scalar operands are the same for all. The shape
    /// is that of the type.
    Elementwise(Elementwise, Vec<ExprId>),
    /// A call. `lifted` axes of the type are those of arrays that stand in the place of scalars.
    Call {
        /// The function.
        function: FunctionId,
        /// One for each parameter.
        args: Vec<ExprId>,
        /// The values of the function's size variables that its arguments bind.
        sizes: Vec<Size>,
        /// How many leading axes the call is mapped over.
        lifted: usize,
    },
    /// A choice; only the chosen arm is evaluated.
    If {
        /// A `bool`.
        cond: ExprId,
        /// Where it holds.
        then: ExprId,
        /// Where it does not.
        otherwise: ExprId,
    },
    /// Bindings and a value.
    Block {
        /// The bindings, in order.
        lets: Vec<(Pattern, ExprId)>,
        /// The value.
        tail: ExprId,
    },
    /// The bounded loop.
    Loop {
        /// What is carried.
        carried: Pattern,
        /// Its first value.
        init: ExprId,
        /// The counter.
        index: Option<LocalId>,
        /// First value of the counter.
        start: ExprId,
        /// One past its last value.
        end: ExprId,
        /// Goes on while this holds.
        cond: Option<ExprId>,
        /// The next value.
        body: ExprId,
    },
    /// Elements, rows or slices of an array; axes not mentioned are taken whole.
    Index {
        /// The array.
        array: ExprId,
        /// One for each leading axis.
        indices: Vec<Index>,
    },
    /// `get(x, i, …, default)`.
    Get {
        /// The array.
        array: ExprId,
        /// One for each axis.
        indices: Vec<ExprId>,
        /// The value outside.
        default: ExprId,
    },
    /// `[e for i in a..b, … if p]`
    Comprehension {
        /// The axes, outermost first.
        ranges: Vec<Range>,
        /// Keeps the elements where it holds; one axis only.
        keep: Option<ExprId>,
        /// The element.
        body: ExprId,
    },
    /// `map(x, …, f)`, over the first axis.
    Map {
        /// The arrays.
        arrays: Vec<ExprId>,
        /// Takes one element of each.
        function: Lambda,
    },
    /// `reduce`, `scan`, `exscan`, over the first axis.
    Fold {
        /// Which of the three.
        kind: FoldKind,
        /// The array.
        array: ExprId,
        /// The value of an empty fold.
        neutral: Option<ExprId>,
        /// The operator.
        op: Lambda,
        /// Whether the text says that the order of operands does not matter.
        commutative: bool,
    },
    /// `sum`, `min`, `argmax` and their like.
    NamedFold {
        /// Which one.
        fold: NamedFold,
        /// The array.
        array: ExprId,
        /// The axis that goes.
        axis: usize,
    },
    /// `filter(x, p)`
    Filter {
        /// The array.
        array: ExprId,
        /// Whether an element stays.
        keep: Lambda,
    },
    /// `reduce_by_index(bins, index, values, neutral, op)`
    ReduceByIndex {
        /// The number of bins.
        bins: Size,
        /// The bin of each value.
        index: ExprId,
        /// The values.
        values: ExprId,
        /// The value of an empty bin.
        neutral: ExprId,
        /// The operator.
        op: Lambda,
    },
    /// An array whose elements are those of others, elsewhere.
    View(View),
}

/// The three folds with an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// To one value.
    Reduce,
    /// To all prefixes.
    Scan,
    /// To all prefixes, without the element itself.
    Exscan,
}

/// One axis of a comprehension.
#[derive(Clone, Debug)]
pub struct Range {
    /// The index.
    pub index: Option<LocalId>,
    /// Its first value.
    pub start: ExprId,
    /// One past its last value.
    pub end: ExprId,
    /// How many values it takes.
    pub extent: Size,
}

/// One place between the brackets of `x[…]`.
#[derive(Clone, Debug)]
pub enum Index {
    /// One element of the axis.
    At(ExprId),
    /// Some of them.
    Slice {
        /// The first.
        lo: Option<ExprId>,
        /// How many.
        length: Size,
        /// The distance between two; positive.
        step: i64,
        /// Whether a condition in `checks`, or a proof, has ensured that all lie inside.
        is_inside: bool,
    },
}

/// Structure without arithmetic.
#[derive(Clone, Debug)]
pub enum View {
    /// Arrays side by side: an array of tuples.
    Zip(Vec<ExprId>),
    /// An array of tuples as a tuple of arrays.
    Unzip(ExprId),
    /// `0, 1, …`
    Iota,
    /// One value everywhere.
    Fill(ExprId),
    /// The first axis backwards.
    Reverse(ExprId),
    /// The first two axes exchanged.
    Transpose(ExprId),
    /// Another shape with the same elements in row-major order.
    Reshape(ExprId),
    /// One after the other along the first axis.
    Concat(Vec<ExprId>),
    /// The array for each index of new leading axes.
    Broadcast(ExprId),
    /// An array that can be read at any index.
    Edges {
        /// What lies outside.
        rule: EdgeRule,
        /// The array.
        array: ExprId,
        /// The value of [`EdgeRule::Pad`].
        pad: Option<ExprId>,
    },
}
