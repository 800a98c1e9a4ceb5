//! The syntax tree: what was written, nothing of what it means.
//!
//! Nodes lie in arenas and refer to each other by index, so that dropping a tree never recurses, however deep the
//! text nests. Types and checks are the business of `pk-dsl`; none may enter here.

use crate::span::{Ident, Interner, Span};

/// An index into [`Ast::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExprId(pub u32);

/// An index into [`Ast::patterns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PatternId(pub u32);

/// An index into [`Ast::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(pub u32);

/// One source text, parsed.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    /// The declarations, in the order of the text.
    pub items: Vec<Item>,
    /// All expressions.
    pub exprs: Vec<Expr>,
    /// All patterns.
    pub patterns: Vec<Pattern>,
    /// All written types.
    pub types: Vec<TypeExpr>,
    /// All identifiers.
    pub names: Interner,
}

impl Ast {
    /// The expression `id`.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// The pattern `id`.
    pub fn pattern(&self, id: PatternId) -> &Pattern {
        &self.patterns[id.0 as usize]
    }

    /// The written type `id`.
    pub fn ty(&self, id: TypeId) -> &TypeExpr {
        &self.types[id.0 as usize]
    }
}

/// A declaration.
#[derive(Clone, Debug)]
pub struct Item {
    /// Which one.
    pub kind: ItemKind,
    /// What it declares.
    pub name: Ident,
    /// The `///` lines above it, without the slashes, joined by newlines.
    pub doc: String,
    /// From the keyword to the end.
    pub span: Span,
}

/// The four declarations.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `kernel name(…) -> T = e;`
    Kernel(Function),
    /// `fn name(…) -> T = e;`
    Fn(Function),
    /// `const NAME: T = e;`
    Const {
        /// Its type.
        ty: TypeId,
        /// Its value.
        value: ExprId,
    },
    /// `type Name = T;`
    Type {
        /// What the name stands for.
        ty: TypeId,
    },
}

/// What kernels and functions share.
#[derive(Clone, Debug)]
pub struct Function {
    /// `<T, …>`, empty where there are none.
    pub generics: Vec<Ident>,
    /// The parameters.
    pub params: Vec<Param>,
    /// The result type.
    pub result: TypeId,
    /// The body.
    pub body: ExprId,
}

/// `name: T`
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeId,
}

/// A type as written.
#[derive(Clone, Debug)]
pub struct TypeExpr {
    /// Which form.
    pub kind: TypeExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of types.
#[derive(Clone, Debug)]
pub enum TypeExprKind {
    /// `f32`, `Moments`, `T`
    Name(Ident),
    /// `(A, B)` or `(x: A, y: B)`; also `()`.
    Tuple(Vec<FieldType>),
    /// `[T; n, m]`; no sizes for `[T]`.
    Array {
        /// The element.
        elem: TypeId,
        /// The sizes, outermost first.
        sizes: Vec<SizeExpr>,
    },
    /// Stands where a syntax error was.
    Error,
}

/// A field of a tuple type.
#[derive(Clone, Copy, Debug)]
pub struct FieldType {
    /// The name, of a record.
    pub name: Option<Ident>,
    /// The type.
    pub ty: TypeId,
}

/// A size as written: names, integer literals and `+ - *` of them. It is an ordinary expression in the arena;
/// the checker accepts only those forms.
pub type SizeExpr = ExprId;

/// A pattern: what `let`, closures and `loop` bind.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Which form.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of patterns.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// `_`
    Wildcard,
    /// `x`
    Name(Ident),
    /// `(a, b)`
    Tuple(Vec<PatternId>),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Which form.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// The height of the tree below it, counting operands of left-deep chains too; at least 1.
    pub height: u32,
}

/// The forms of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `1`, `0xff`, `1_000u8`: digits without underscores and suffix, radix apart.
    Int {
        /// The value; a literal past `u64` is a syntax error.
        value: u64,
        /// `i32` of `1i32`; may be a float type: `1f32`.
        suffix: Option<Ident>,
    },
    /// `1.5`, `2.5e-3f32`: the decimal text without underscores and suffix, so that it is rounded once, to its type.
    Float {
        /// What Rust's `str::parse::<f32>` and `::<f64>` accept.
        text: Box<str>,
        /// `f32` of `2.5f32`.
        suffix: Option<Ident>,
    },
    /// `true`, `false`
    Bool(bool),
    /// `x`
    Name(Ident),
    /// `-e`, `!e`
    Unary(UnaryOp, ExprId),
    /// `a + b`, `a && b`, `a < b`
    Binary {
        /// Which operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left operand.
        lhs: ExprId,
        /// Right operand.
        rhs: ExprId,
    },
    /// `(a, b)`, `(x: 1, y: 2)`, `()`. A parenthesised expression is no node of its own.
    Tuple(Vec<FieldExpr>),
    /// `[a, b, c]`; `[]` too, the checker refuses it.
    Array(Vec<ExprId>),
    /// `[e for i in a..b, j in c..d if p]`
    Comprehension(Comprehension),
    /// `f(a, axis: 1)` and `x.f(a)`, which is `f(x, a)`.
    Call {
        /// The function's name.
        callee: Ident,
        /// The arguments; of a method call the receiver is the first.
        args: Vec<Arg>,
        /// Whether it was written `x.f(…)`.
        is_method: bool,
    },
    /// `t.name`, `f32.pi`
    Field {
        /// The tuple, or the name of a type.
        base: ExprId,
        /// The field.
        name: Ident,
    },
    /// `t.0`
    TupleField {
        /// The tuple.
        base: ExprId,
        /// The position.
        index: u32,
        /// Where the number stands.
        index_span: Span,
    },
    /// `x[i, 1..n, ..]`
    Index {
        /// The array.
        base: ExprId,
        /// One for each leading axis.
        indices: Vec<IndexArg>,
    },
    /// `if c { a } else { b }`
    If {
        /// The condition.
        cond: ExprId,
        /// Where it holds.
        then: ExprId,
        /// Where it does not. A chain `else if` nests here.
        otherwise: ExprId,
    },
    /// `{ let p = e; … tail }`
    Block {
        /// The bindings, in order.
        lets: Vec<Let>,
        /// The value.
        tail: ExprId,
    },
    /// `loop pat = init for i in a..b while c { next }`
    Loop(Loop),
    /// `|a, b| e`
    Closure {
        /// The parameters.
        params: Vec<PatternId>,
        /// The value.
        body: ExprId,
    },
    /// An operator standing alone as an argument: `reduce(0, +)`.
    Operator(BinaryOp),
    /// Stands where a syntax error was.
    Error,
}

/// `let p: T = e;`
#[derive(Clone, Copy, Debug)]
pub struct Let {
    /// What is bound.
    pub pattern: PatternId,
    /// The type, where it is written.
    pub ty: Option<TypeId>,
    /// The value.
    pub value: ExprId,
}

/// `[e for i in a..b, … if p]`, or the same as the only argument of a call.
#[derive(Clone, Debug)]
pub struct Comprehension {
    /// The element.
    pub body: ExprId,
    /// The axes, outermost first; at least one.
    pub ranges: Vec<ForRange>,
    /// `if p`
    pub cond: Option<ExprId>,
}

/// `for i in a..b`
#[derive(Clone, Copy, Debug)]
pub struct ForRange {
    /// `i`, or `_`
    pub pattern: PatternId,
    /// First value.
    pub start: ExprId,
    /// One past the last value.
    pub end: ExprId,
}

/// `loop pat = init for i in a..b while c { next }`
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// What is carried from step to step.
    pub pattern: PatternId,
    /// Its value before the first step.
    pub init: ExprId,
    /// The bound.
    pub range: ForRange,
    /// `while c`
    pub cond: Option<ExprId>,
    /// The next value.
    pub body: ExprId,
}

/// A field of a tuple expression.
#[derive(Clone, Copy, Debug)]
pub struct FieldExpr {
    /// The name, of a record.
    pub name: Option<Ident>,
    /// The value.
    pub value: ExprId,
}

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// `axis` of `axis: 1`.
    pub name: Option<Ident>,
    /// The value. `f(e for i in a..b)` gives a [`ExprKind::Comprehension`] here.
    pub value: ExprId,
}

/// One place between the brackets of `x[…]`.
#[derive(Clone, Copy, Debug)]
pub enum IndexArg {
    /// `i`
    At(ExprId),
    /// `lo..hi by step`, each part optional; `..` is the whole axis.
    Slice {
        /// First index.
        lo: Option<ExprId>,
        /// One past the last index.
        hi: Option<ExprId>,
        /// Distance between two taken elements.
        step: Option<ExprId>,
        /// Where the slice stands.
        span: Span,
    },
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `||`
    OrElse,
    /// `&&`
    AndThen,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `&`
    BitAnd,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `**`
    Pow,
}
