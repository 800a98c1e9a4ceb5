//! The one table of builtins: name, arguments, type rule, meaning, documentation.
//!
//! The checker reads the rules, the reference page prints the rows, lowering gives each its code. A new scalar builtin
//! is a row here, an arm in `pk_compiler::lower::scalar` and a `.pk` test.

use crate::scalar::Scalar;
use pk_grammar::ast::{BinaryOp, UnaryOp};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// How the reference writes its arguments and result.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// Its type rule.
    pub rule: Rule,
}

/// How a builtin is checked.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// On scalars, and lifted over arrays.
    Scalar {
        /// What it computes.
        function: ScalarFn,
        /// The types that `T` may be.
        bound: Bound,
        /// The parameters.
        params: &'static [Param],
        /// The result.
        result: ResultRule,
    },
    /// On arrays; each has a rule of its own in the checker.
    Array(ArrayFn),
}

/// What the type `T` of a scalar builtin may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Any scalar.
    Any,
    /// An integer or float.
    Number,
    /// `f32` or `f64`.
    Float,
    /// One of the eight integers.
    Int,
    /// `u32` or `u64`.
    Word,
    /// `i32`, `u32`, `f32`, `i64`, `u64` or `f64`.
    Wide,
}

impl Bound {
    /// Whether `scalar` is one of these.
    pub fn admits(self, scalar: Scalar) -> bool {
        match self {
            Bound::Any => true,
            Bound::Number => scalar.is_numeric(),
            Bound::Float => scalar.is_float(),
            Bound::Int => scalar.is_int(),
            Bound::Word => matches!(scalar, Scalar::U32 | Scalar::U64),
            Bound::Wide => scalar.is_numeric() && scalar.bytes() >= 4,
        }
    }

    /// How messages call it.
    pub fn text(self) -> &'static str {
        match self {
            Bound::Any => "a scalar",
            Bound::Number => "a number",
            Bound::Float => "`f32` or `f64`",
            Bound::Int => "an integer",
            Bound::Word => "`u32` or `u64`",
            Bound::Wide => "a number of 32 or 64 bits",
        }
    }
}

/// The type of a parameter of a scalar builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// The type that all such parameters share.
    T,
    /// An integer of any type.
    AnyInt,
    /// This type.
    Is(Scalar),
}

/// The type of the result of a scalar builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultRule {
    /// The type of the arguments.
    T,
    /// The unsigned integer of the width of `T`.
    BitsOfT,
    /// The float of the width of `T`.
    FloatOfT,
    /// This type.
    Is(Scalar),
    /// A tuple of so many of this type.
    Tuple(Scalar, usize),
}

/// A scalar operation as HIR has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementwise {
    /// A prefix operator.
    Unary(UnaryOp),
    /// An infix operator on operands of one type; shifts take any integer on the right.
    Binary(BinaryOp),
    /// `x ** k` with a literal integer `k`.
    PowerOf(i64),
    /// A conversion.
    Convert(Scalar),
    /// A scalar builtin.
    Function(ScalarFn),
}

/// The scalar builtins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table documents each by its name")]
pub enum ScalarFn {
    Abs,
    Sign,
    Min,
    Max,
    Clamp,
    Select,
    Fma,
    Floor,
    Ceil,
    Round,
    Trunc,
    Rint,
    Fract,
    Copysign,
    IsNan,
    IsInf,
    IsFinite,
    DivFloor,
    ModFloor,
    Popcount,
    Clz,
    Ctz,
    Rotl,
    Rotr,
    Bits,
    FromBits,
    Sqrt,
    Rsqrt,
    Cbrt,
    Exp,
    Exp2,
    Exp10,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Pow,
    Hypot,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Atan2,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    Erfc,
    Uniform,
    Uniform2,
    UniformF32,
    Normal,
    Philox,
}

/// The array builtins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table documents each by its name")]
pub enum ArrayFn {
    Map,
    Reduce,
    Scan,
    Exscan,
    Named(NamedFold),
    Filter,
    ReduceByIndex,
    Zip,
    Unzip,
    Iota,
    Fill,
    Reverse,
    Transpose,
    Reshape,
    Flatten,
    Concat,
    Len,
    Broadcast,
    Edges(EdgeRule),
    Get,
}

/// The reductions that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamedFold {
    /// Integers in 64 bits.
    Sum,
    /// Integers in 64 bits.
    Prod,
    /// NaN propagates; of nothing, the greatest value.
    Min,
    /// NaN propagates; of nothing, the least value.
    Max,
    /// Of `bool`.
    Any,
    /// Of `bool`.
    All,
    /// Of `bool`.
    Count,
    /// Integers give `f64`.
    Mean,
    /// The lowest index wins, the first NaN before all.
    Argmin,
    /// The lowest index wins, the first NaN before all.
    Argmax,
}

/// What an edge view gives outside of its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeRule {
    /// The nearest element.
    Clamp,
    /// The array repeated.
    Wrap,
    /// The array mirrored, its edges repeated.
    Mirror,
    /// One value.
    Pad,
}

/// The builtin called `name`.
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

const fn scalar(
    name: &'static str,
    signature: &'static str,
    function: ScalarFn,
    bound: Bound,
    params: &'static [Param],
    result: ResultRule,
    doc: &'static str,
) -> Builtin {
    Builtin { name, signature, doc, rule: Rule::Scalar { function, bound, params, result } }
}

/// A function of one float.
const fn float(name: &'static str, function: ScalarFn, doc: &'static str) -> Builtin {
    scalar(name, "(x: float) -> float", function, Bound::Float, &[Param::T], ResultRule::T, doc)
}

/// A predicate on one float.
const fn test(name: &'static str, function: ScalarFn, doc: &'static str) -> Builtin {
    let result = ResultRule::Is(Scalar::Bool);
    scalar(name, "(x: float) -> bool", function, Bound::Float, &[Param::T], result, doc)
}

/// A function of two arguments of one type.
const fn two(name: &'static str, function: ScalarFn, bound: Bound, doc: &'static str) -> Builtin {
    let signature = match bound {
        Bound::Float => "(x: float, y: float) -> float",
        Bound::Int => "(x: int, y: int) -> int",
        _ => "(x: number, y: number) -> number",
    };
    scalar(name, signature, function, bound, &[Param::T, Param::T], ResultRule::T, doc)
}

/// A function of the bits of one integer.
const fn bitwise(name: &'static str, function: ScalarFn, doc: &'static str) -> Builtin {
    scalar(name, "(x: int) -> int", function, Bound::Int, &[Param::T], ResultRule::T, doc)
}

/// A rotation.
const fn rotation(name: &'static str, function: ScalarFn, doc: &'static str) -> Builtin {
    let params = &[Param::T, Param::AnyInt];
    scalar(name, "(x: int, amount: int) -> int", function, Bound::Int, params, ResultRule::T, doc)
}

/// A random number for a seed and a counter.
const fn random(
    name: &'static str,
    signature: &'static str,
    function: ScalarFn,
    result: ResultRule,
    doc: &'static str,
) -> Builtin {
    const PARAMS: &[Param] = &[Param::Is(Scalar::U64), Param::Is(Scalar::I64)];
    scalar(name, signature, function, Bound::Any, PARAMS, result, doc)
}

const fn array(name: &'static str, signature: &'static str, function: ArrayFn, doc: &'static str) -> Builtin {
    Builtin { name, signature, doc, rule: Rule::Array(function) }
}

const T: Param = Param::T;
const SCALAR_ARRAY: &str = "(x: [number; n, …], axis: 0) -> number";
const BOOL_ARRAY: &str = "(x: [bool; n, …], axis: 0)";

/// Every builtin, in the order of the reference.
#[rustfmt::skip] // A row of the table is a line or two.
pub const BUILTINS: &[Builtin] = &[
    // Arithmetic.
    scalar("abs", "(x: number) -> number", ScalarFn::Abs, Bound::Number, &[T], ResultRule::T,
        "The magnitude. `abs` of the least integer is itself."),
    scalar("sign", "(x: number) -> number", ScalarFn::Sign, Bound::Number, &[T], ResultRule::T,
        "-1, 0 or 1 as `x` is negative, zero or positive; zeros and NaN give themselves."),
    scalar("clamp", "(x: number, lo: number, hi: number) -> number", ScalarFn::Clamp, Bound::Number, &[T, T, T],
        ResultRule::T, "`min(max(x, lo), hi)`."),
    scalar("select", "(c: bool, a: T, b: T) -> T", ScalarFn::Select, Bound::Any,
        &[Param::Is(Scalar::Bool), T, T], ResultRule::T,
        "`a` where `c` holds, else `b`; both are evaluated. `if` evaluates only one, and takes a single `bool`."),
    scalar("fma", "(a: float, b: float, c: float) -> float", ScalarFn::Fma, Bound::Float, &[T, T, T], ResultRule::T,
        "`a * b + c`, rounded once."),
    float("floor", ScalarFn::Floor, "The greatest integer not above `x`."),
    float("ceil", ScalarFn::Ceil, "The least integer not below `x`."),
    float("round", ScalarFn::Round, "The nearest integer, halves away from zero."),
    float("rint", ScalarFn::Rint, "The nearest integer, halves to the even one."),
    float("trunc", ScalarFn::Trunc, "`x` without its fraction."),
    float("fract", ScalarFn::Fract, "`x - trunc(x)`."),
    two("copysign", ScalarFn::Copysign, Bound::Float, "The magnitude of `x` with the sign of `y`."),
    test("is_nan", ScalarFn::IsNan, "Whether `x` is not a number."),
    test("is_inf", ScalarFn::IsInf, "Whether `x` is infinite."),
    test("is_finite", ScalarFn::IsFinite, "Whether `x` is neither infinite nor NaN."),
    two("div_floor", ScalarFn::DivFloor, Bound::Int, "The quotient rounded toward minus infinity, as Python's `//`."),
    two("mod_floor", ScalarFn::ModFloor, Bound::Int, "The remainder with the sign of `y`, as Python's `%`."),
    // Bits.
    bitwise("popcount", ScalarFn::Popcount, "The number of one bits."),
    bitwise("clz", ScalarFn::Clz, "The number of leading zero bits; the width for 0."),
    bitwise("ctz", ScalarFn::Ctz, "The number of trailing zero bits; the width for 0."),
    rotation("rotl", ScalarFn::Rotl, "The bits rotated to the left, by `amount` modulo the width."),
    rotation("rotr", ScalarFn::Rotr, "The bits rotated to the right, by `amount` modulo the width."),
    scalar("bits", "(x: float or int) -> uint", ScalarFn::Bits, Bound::Number, &[T], ResultRule::BitsOfT,
        "The bits as an unsigned integer of the same width."),
    scalar("from_bits", "(x: u32 or u64) -> float", ScalarFn::FromBits, Bound::Word, &[T], ResultRule::FloatOfT,
        "The float with these bits: `f32` of `u32`, `f64` of `u64`."),
    // Roots, exponentials, logarithms.
    float("sqrt", ScalarFn::Sqrt, "The square root, correctly rounded."),
    float("rsqrt", ScalarFn::Rsqrt, "`1 / sqrt(x)`, rounded twice."),
    float("cbrt", ScalarFn::Cbrt, "The cube root."),
    two("hypot", ScalarFn::Hypot, Bound::Float, "`sqrt(x*x + y*y)` without overflow in between."),
    float("exp", ScalarFn::Exp, "e to the `x`."),
    float("exp2", ScalarFn::Exp2, "2 to the `x`."),
    float("exp10", ScalarFn::Exp10, "10 to the `x`."),
    float("expm1", ScalarFn::Expm1, "`exp(x) - 1`, exact near 0."),
    float("log", ScalarFn::Log, "The natural logarithm."),
    float("log2", ScalarFn::Log2, "The logarithm to base 2."),
    float("log10", ScalarFn::Log10, "The logarithm to base 10."),
    float("log1p", ScalarFn::Log1p, "`log(1 + x)`, exact near 0."),
    two("pow", ScalarFn::Pow, Bound::Float, "`x` to the `y`, with the special cases of C."),
    // Angles.
    float("sin", ScalarFn::Sin, "The sine of `x` radians."),
    float("cos", ScalarFn::Cos, "The cosine of `x` radians."),
    float("tan", ScalarFn::Tan, "The tangent of `x` radians."),
    float("asin", ScalarFn::Asin, "The angle in -π/2 to π/2 whose sine is `x`."),
    float("acos", ScalarFn::Acos, "The angle in 0 to π whose cosine is `x`."),
    float("atan", ScalarFn::Atan, "The angle in -π/2 to π/2 whose tangent is `x`."),
    two("atan2", ScalarFn::Atan2, Bound::Float, "The angle of the point with ordinate `x` and abscissa `y`."),
    float("sinh", ScalarFn::Sinh, "The hyperbolic sine."),
    float("cosh", ScalarFn::Cosh, "The hyperbolic cosine."),
    float("tanh", ScalarFn::Tanh, "The hyperbolic tangent."),
    float("asinh", ScalarFn::Asinh, "The inverse hyperbolic sine."),
    float("acosh", ScalarFn::Acosh, "The inverse hyperbolic cosine."),
    float("atanh", ScalarFn::Atanh, "The inverse hyperbolic tangent."),
    float("erf", ScalarFn::Erf, "The error function."),
    float("erfc", ScalarFn::Erfc, "`1 - erf(x)`, exact for large `x`."),
    // Random numbers.
    random("uniform", "(seed: u64, i: i64) -> f64", ScalarFn::Uniform, ResultRule::Is(Scalar::F64),
        "A number in [0, 1) from 53 random bits, the same for the same arguments everywhere (Philox4x32-10)."),
    random("uniform2", "(seed: u64, i: i64) -> (f64, f64)", ScalarFn::Uniform2, ResultRule::Tuple(Scalar::F64, 2),
        "Two independent numbers in [0, 1)."),
    random("uniform_f32", "(seed: u64, i: i64) -> f32", ScalarFn::UniformF32, ResultRule::Is(Scalar::F32),
        "A number in [0, 1) from 24 random bits."),
    random("normal", "(seed: u64, i: i64) -> f64", ScalarFn::Normal, ResultRule::Is(Scalar::F64),
        "A number of the standard normal distribution."),
    random("philox", "(seed: u64, i: i64) -> (u32, u32, u32, u32)", ScalarFn::Philox,
        ResultRule::Tuple(Scalar::U32, 4), "Four random words."),
    // Map and folds.
    array("map", "(x: [T; n], …, f) -> [U; n]", ArrayFn::Map,
        "`f` of each element of one or more arrays of one length. The elements of a matrix are its rows."),
    array("reduce", "(x: [T; n], neutral: T, op) -> T", ArrayFn::Reduce,
        "All elements combined by an associative `op`; `neutral` is the result for no elements. It may be left out for \
         `+ * & | ^ && || min max`. The tree is fixed; `commutative: true` allows the faster one for a closure."),
    array("scan", "(x: [T; n], neutral: T, op) -> [T; n]", ArrayFn::Scan,
        "All prefixes combined by an associative `op`, each with its last element."),
    array("exscan", "(x: [T; n], neutral: T, op) -> [T; n]", ArrayFn::Exscan,
        "All prefixes combined by an associative `op`, each without its last element; the first is `neutral`."),
    array("sum", SCALAR_ARRAY, ArrayFn::Named(NamedFold::Sum), "The sum; integers add in 64 bits."),
    array("prod", SCALAR_ARRAY, ArrayFn::Named(NamedFold::Prod), "The product; integers multiply in 64 bits."),
    array("min", "(x: [number; n, …], axis: 0) or (x: number, y: number)", ArrayFn::Named(NamedFold::Min),
        "The least element, or the lesser of two. NaN wins, -0 is less than 0; of nothing, the greatest value."),
    array("max", "(x: [number; n, …], axis: 0) or (x: number, y: number)", ArrayFn::Named(NamedFold::Max),
        "The greatest element, or the greater of two. NaN wins, 0 is greater than -0; of nothing, the least value."),
    array("any", BOOL_ARRAY, ArrayFn::Named(NamedFold::Any), "Whether some element holds."),
    array("all", BOOL_ARRAY, ArrayFn::Named(NamedFold::All), "Whether every element holds."),
    array("count", BOOL_ARRAY, ArrayFn::Named(NamedFold::Count), "How many elements hold, an `i64`."),
    array("mean", SCALAR_ARRAY, ArrayFn::Named(NamedFold::Mean),
        "The sum divided by the length; integers give `f64`; of nothing, NaN."),
    array("argmin", SCALAR_ARRAY, ArrayFn::Named(NamedFold::Argmin),
        "The index of the least element, an `i64`; the lowest of equal ones, the first NaN before all."),
    array("argmax", SCALAR_ARRAY, ArrayFn::Named(NamedFold::Argmax),
        "The index of the greatest element, an `i64`; the lowest of equal ones, the first NaN before all."),
    array("filter", "(x: [T; n], keep) -> [T]", ArrayFn::Filter,
        "The elements for which `keep` holds, in order. Only at the top of a kernel."),
    array("reduce_by_index", "(bins: i64, index: [i64; n], values: [T; n], neutral: T, op) -> [T; bins]",
        ArrayFn::ReduceByIndex,
        "For each bin, `neutral` and the values of that index combined in order; an index outside is skipped."),
    // Structure.
    array("zip", "(x: [T; n], y: [U; n], …) -> [(T, U, …); n]", ArrayFn::Zip, "Arrays as one array of tuples."),
    array("unzip", "(x: [(T, U, …); n]) -> ([T; n], [U; n], …)", ArrayFn::Unzip, "An array of tuples as arrays."),
    array("iota", "(n: i64) -> [i64; n]", ArrayFn::Iota, "`0, 1, …, n - 1`."),
    array("fill", "(n: i64, v: T) -> [T; n]", ArrayFn::Fill, "`v`, `n` times; `[n, m]` gives a matrix."),
    array("reverse", "(x: [T; n]) -> [T; n]", ArrayFn::Reverse, "The first axis backwards."),
    array("transpose", "(x: [T; n, m, …]) -> [T; m, n, …]", ArrayFn::Transpose, "The first two axes exchanged."),
    array("reshape", "(x: [T; …], [n, m, …]) -> [T; n, m, …]", ArrayFn::Reshape,
        "The same elements in row-major order in another shape."),
    array("flatten", "(x: [T; n, m, …]) -> [T; n * m * …]", ArrayFn::Flatten, "All elements in row-major order."),
    array("concat", "(x: [T; n], y: [T; m], …) -> [T; n + m + …]", ArrayFn::Concat,
        "One after the other along the first axis."),
    array("len", "(x: [T; n, …]) -> i64", ArrayFn::Len, "The length of the first axis."),
    array("broadcast", "(x: T, [n, …]) -> [T; n, …]", ArrayFn::Broadcast,
        "`x`, a scalar or an array whose shape ends the new one, repeated along new leading axes."),
    array("clamp_edges", "(x: [T; …]) -> [T; …]", ArrayFn::Edges(EdgeRule::Clamp),
        "A view for any index: outside, the nearest element."),
    array("wrap_edges", "(x: [T; …]) -> [T; …]", ArrayFn::Edges(EdgeRule::Wrap),
        "A view for any index: outside, the array repeats."),
    array("mirror_edges", "(x: [T; …]) -> [T; …]", ArrayFn::Edges(EdgeRule::Mirror),
        "A view for any index: outside, the array is mirrored, with the edge repeated: -1 is 0, -2 is 1."),
    array("pad_edges", "(x: [T; …], v: T) -> [T; …]", ArrayFn::Edges(EdgeRule::Pad),
        "A view for any index: outside, `v`."),
    array("get", "(x: [T; n, …], i: i64, …, default: T) -> T", ArrayFn::Get,
        "The element at the indices, or `default` outside."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_no_types() {
        for (at, builtin) in BUILTINS.iter().enumerate() {
            assert!(BUILTINS[..at].iter().all(|other| other.name != builtin.name), "{}", builtin.name);
            assert!(Scalar::from_name(builtin.name).is_none(), "{}", builtin.name);
        }
    }

    #[test]
    fn every_row_is_documented() {
        for builtin in BUILTINS {
            assert!(builtin.doc.ends_with('.'), "{}", builtin.name);
            assert!(builtin.signature.starts_with('('), "{}", builtin.name);
        }
    }
}
