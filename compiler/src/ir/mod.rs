//! The intermediate representation: pure scalar operations and nests.
//!
//! A [`Body`] is a tree of [`Block`]s in SSA form. A block is a sequence of instructions that may use every value
//! defined before it in the enclosing blocks; its results feed whatever owns it. Nothing has side effects but faults.
//! One instruction is parallel: the [`Nest`], which evaluates a block for each index of a domain and folds the results
//! by [`Sink`]s. Map, reduce, scan, filter and histogram, and any fusion of them, are nests that differ in their sinks.
//!
//! An array is a value with a shape; tuples of arrays and arrays of tuples are several values. Views (slices,
//! transposes, edge rules) do not exist here: lowering resolves them into the indices of the reads.
//!
//! No types of the surface language, no names of the user and no back end may enter this room.

mod builder;
mod entity;
pub mod print;
#[cfg(test)]
pub(crate) mod testing;
pub mod verify;
pub mod walk;

pub use builder::Builder;
pub use entity::{Arena, Block, Entity, Inst, Site, Value};

use pk_dsl::scalar::{Const, Scalar};
use pk_dsl::signature::Signature;
use pk_grammar::span::Span;

/// A compiled kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// How it looks from outside.
    pub signature: Signature,
    /// What it does.
    ///
    /// Parameters of the entry block: one `i64` for each size of the signature, then one value for each parameter.
    /// Results of the entry block: one value for each result of the signature.
    pub body: Body,
    /// The places where faults can arise, in the order of evaluation of the source. Passes never add or renumber
    /// sites, so that a fault has one name in every back end.
    pub sites: Arena<Site, SiteData>,
}

/// Blocks of instructions: the inside of a kernel or of a library function.
#[derive(Clone, Debug)]
pub struct Body {
    /// The values.
    pub values: Arena<Value, ValueData>,
    /// The instructions.
    pub insts: Arena<Inst, InstData>,
    /// The blocks.
    pub blocks: Arena<Block, BlockData>,
    /// Where evaluation starts.
    pub entry: Block,
}

impl Body {
    /// The type of `value`.
    pub fn ty(&self, value: Value) -> &Type {
        &self.values[value].ty
    }

    /// The scalar type of `value` or of its elements.
    pub fn scalar(&self, value: Value) -> Scalar {
        self.values[value].ty.scalar
    }

    /// The instruction that defines `value`, if none of a block's parameters is it.
    pub fn def(&self, value: Value) -> Option<Inst> {
        match self.values[value].def {
            Def::Result { inst, .. } => Some(inst),
            Def::Param { .. } => None,
        }
    }

    /// The constant that `value` is.
    pub fn constant(&self, value: Value) -> Option<Const> {
        match self.insts[self.def(value)?].op {
            Op::Const(constant) => Some(constant),
            _ => None,
        }
    }
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Of the value, or of its elements.
    pub scalar: Scalar,
    /// The extents of an array, outermost first; empty for a scalar. Each is an `i64` value of the entry block.
    pub shape: Vec<Value>,
}

impl Type {
    /// The type of a scalar value.
    pub fn scalar(scalar: Scalar) -> Type {
        Type { scalar, shape: Vec::new() }
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        !self.shape.is_empty()
    }
}

/// A value: its type and where it comes from.
#[derive(Clone, Debug)]
pub struct ValueData {
    /// Its type.
    pub ty: Type,
    /// Its definition.
    pub def: Def,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Def {
    /// A result of an instruction.
    Result {
        /// Which instruction.
        inst: Inst,
        /// Which of its results.
        index: u32,
    },
    /// A parameter of a block.
    Param {
        /// Which block.
        block: Block,
        /// Which of its parameters.
        index: u32,
    },
}

/// A block.
#[derive(Clone, Debug, Default)]
pub struct BlockData {
    /// Its parameters.
    pub params: Vec<Value>,
    /// Its instructions, in order.
    pub insts: Vec<Inst>,
    /// Its results.
    pub results: Vec<Value>,
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct InstData {
    /// What it does.
    pub op: Op,
    /// What it defines.
    pub results: Vec<Value>,
}

/// What an instruction does. Operands of one operation have one scalar type unless it says otherwise; except for
/// [`Op::If`], [`Op::Loop`], [`Op::Index`], [`Op::Array`] and [`Op::Nest`], all operands and results are scalars.
/// `scalar_ops` defines the bits.
#[derive(Clone, Debug)]
pub enum Op {
    /// A constant.
    Const(Const),
    /// One operand, result of the same type.
    Unary(Unary, Value),
    /// Two operands, result of the same type. Shifts and rotations take the amount modulo the width.
    Binary(Binary, Value, Value),
    /// Two operands, result `bool`. Floats compare as IEEE 754 says: all false with NaN, but `Ne`.
    Compare(Compare, Value, Value),
    /// `a * b + c` with one rounding; floats only.
    Fma(Value, Value, Value),
    /// The second operand where the first, a `bool`, holds, else the third. Both are evaluated.
    Select(Value, Value, Value),
    /// The operand as the result's type: between numbers as Rust's `as` does, `bool` to 0 or 1, number to `bool` by
    /// `!= 0`.
    Convert(Value),
    /// The operand's bits as a type of the same width.
    Bits(Value),
    /// Division of integers. A divisor of zero counts as one and is a fault at `check`, where there is one;
    /// `MIN / -1` is `MIN`, `MIN % -1` is 0.
    IntDiv {
        /// Quotient or remainder, and its rounding.
        op: IntDiv,
        /// Dividend.
        lhs: Value,
        /// Divisor.
        rhs: Value,
        /// The site of the fault; `None` where the divisor is known not to be zero.
        check: Option<Site>,
    },
    /// A library function, defined in IR: [`crate::math`].
    Call {
        /// Which one.
        routine: crate::math::Routine,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// The results of `then` if the condition holds, else those of `otherwise`. Only that block is evaluated, and only
    /// its faults arise. Results may be arrays.
    If {
        /// A `bool`.
        cond: Value,
        /// No parameters.
        then: Block,
        /// No parameters; results of the same types.
        otherwise: Block,
    },
    /// `carried = init; for i in start..end { if !cond(i, carried) break; carried = body(i, carried) }`.
    /// The results are the last carried values; they may be arrays.
    Loop {
        /// First index, `i64`.
        start: Value,
        /// One past the last index, `i64`.
        end: Value,
        /// The carried values before the first step.
        init: Vec<Value>,
        /// Parameters: the index and the carried values; one `bool` result.
        cond: Option<Block>,
        /// Parameters: the index and the carried values; results: the next carried values.
        body: Block,
    },
    /// An element of an array; one `i64` index for each axis. Outside the array the element is zero, and it is a fault
    /// at `check`; without `check` the indices are known to lie inside.
    Index {
        /// The array.
        array: Value,
        /// One index for each axis.
        indices: Vec<Value>,
        /// The site of the fault.
        check: Option<Site>,
    },
    /// A one-dimensional array of these scalars.
    Array(Vec<Value>),
    /// The parallel form.
    Nest(Nest),
    /// Ends the launch with a fault unless `cond` holds. Only in the entry block; no results.
    Check {
        /// A `bool`.
        cond: Value,
        /// The site of the fault.
        site: Site,
        /// `i64` values for the message: the two sizes of [`FaultKind::SizeMismatch`], the size of
        /// [`FaultKind::NegativeSize`].
        values: Vec<Value>,
    },
}

/// Operations on one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// Integers wrap; floats flip the sign bit.
    Neg,
    /// Bitwise; logical on `bool`. Not for floats.
    Not,
    /// Signed integers wrap (`abs(MIN) = MIN`); floats clear the sign bit.
    Abs,
    /// Correctly rounded. Floats only.
    Sqrt,
    /// Toward minus infinity. Floats only.
    Floor,
    /// Toward plus infinity. Floats only.
    Ceil,
    /// Toward zero. Floats only.
    Trunc,
    /// To nearest, ties to even. Floats only.
    Rint,
    /// Number of one bits. Integers only.
    Popcount,
    /// Number of leading zero bits, the width for zero. Integers only.
    Clz,
    /// Number of trailing zero bits, the width for zero. Integers only.
    Ctz,
}

/// Operations on two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// Integers wrap.
    Add,
    /// Integers wrap.
    Sub,
    /// Integers wrap.
    Mul,
    /// Floats only, correctly rounded.
    Div,
    /// Floats: IEEE 754-2019 minimum: NaN propagates, -0 < +0. On `bool` it is `And`.
    Min,
    /// Floats: IEEE 754-2019 maximum: NaN propagates, -0 < +0. On `bool` it is `Or`.
    Max,
    /// Bitwise; logical on `bool`. Not for floats.
    And,
    /// Bitwise; logical on `bool`. Not for floats.
    Or,
    /// Bitwise; logical on `bool`. Not for floats.
    Xor,
    /// Integers only.
    Shl,
    /// Arithmetic for signed integers, logical for unsigned ones.
    Shr,
    /// Integers only.
    Rotl,
    /// Integers only.
    Rotr,
    /// The magnitude of the first with the sign of the second. Floats only.
    Copysign,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// Divisions of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntDiv {
    /// Quotient, toward zero.
    Div,
    /// Remainder with the sign of the dividend.
    Rem,
    /// Quotient, toward minus infinity.
    DivFloor,
    /// Remainder with the sign of the divisor.
    ModFloor,
}

/// The parallel form: for each index of `dims`, row-major, evaluate `body` and feed its results to the sinks.
///
/// Parameters of `body`: one `i64` index for each dimension. The sinks take the results of `body` and define the
/// results of the instruction in order.
#[derive(Clone, Debug)]
pub struct Nest {
    /// The extents, outermost first; at least one. `i64` values of the entry block, never negative.
    pub dims: Vec<Value>,
    /// What is computed for one index.
    pub body: Block,
    /// Where its results go.
    pub sinks: Vec<Sink>,
}

/// What a nest does with results of its body. `k` is the fold's `width`.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Takes one result, a scalar or an array (its shape is the same for all indices); gives an array of shape
    /// `dims ++ shape`.
    Map,
    /// Takes `k` scalars; gives `k` scalars. One dimension only.
    Reduce {
        /// The operator.
        fold: Fold,
        /// The site of the fault of an empty domain; `None` if the neutral element is the result then.
        on_empty: Option<Site>,
    },
    /// Takes `k` scalars; gives `k` arrays of shape `dims`. One dimension only.
    Scan {
        /// The operator. The neutral element is element 0 of an exclusive scan and else takes no part.
        fold: Fold,
        /// Whether element `i` leaves out input `i`.
        exclusive: bool,
    },
    /// Takes a `bool` and `width` scalars or arrays; gives the number of indices for which the `bool` holds, an `i64`,
    /// and `width` arrays of the values there, in order; their first extent is that number. One dimension only, and
    /// only in the entry block.
    Filter {
        /// How many values follow the `bool`.
        width: usize,
    },
    /// Takes an `i64` bin and `k` scalars; gives `k` arrays of extent `bins`. Each bin starts as the neutral element;
    /// values fold into it in the order of the indices; a bin outside `0..bins` is skipped. One dimension only.
    ReduceByIndex {
        /// An `i64` value of the entry block, not negative.
        bins: Value,
        /// The operator.
        fold: Fold,
    },
}

/// An associative operator on tuples of scalars.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The value of an empty fold, one for each component; defined outside the nest.
    pub neutral: Vec<Value>,
    /// Parameters: the left components, then the right ones; results: the components.
    pub op: Block,
    /// Which tree combines the elements.
    pub order: Order,
}

impl Fold {
    /// The number of components.
    pub fn width(&self) -> usize {
        self.neutral.len()
    }

    /// The operation on component `at` of the left and of the right operand, in this order, that gives component `at` of
    /// the result; `None` if it takes more than one.
    pub fn operation(&self, body: &Body, at: usize) -> Option<Binary> {
        let block = &body.blocks[self.op];
        let sides = [block.params[at], block.params[self.width() + at]];
        match body.insts[body.def(block.results[at])?].op {
            Op::Binary(op, left, right) if [left, right] == sides => Some(op),
            _ => None,
        }
    }
}

/// The shape of the tree of a reduction; part of the program's meaning. See `tree` for the trees themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Lanes stride through a leaf: for operators whose order cannot matter.
    Interleaved,
    /// Lanes are contiguous: operand order is kept. Scans and histograms are always ordered.
    Ordered,
}

/// A place in the source where a fault can arise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteData {
    /// What goes wrong there.
    pub kind: FaultKind,
    /// Where.
    pub span: Span,
    /// A second place that the message shows, as of the other size.
    pub other: Option<Span>,
    /// For the message: the sizes as written, the array's name if it has one, or the name of the reduction.
    pub texts: Vec<String>,
}

/// What can go wrong when a kernel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// An index outside its array.
    OutOfBounds,
    /// An integer division by zero.
    DivisionByZero,
    /// A reduction without neutral element over nothing.
    EmptyReduction,
    /// Two sizes that must agree do not.
    SizeMismatch,
    /// A size is negative.
    NegativeSize,
    /// A product of sizes does not fit an `i64`.
    SizeOverflow,
}
