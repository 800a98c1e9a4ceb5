//! What people who come from Python, NumPy, C or Rust write, and what it is called here.
//!
//! Each answer is a line of help for a name that nothing declares. A name that has no counterpart has no line: a wrong
//! hint is worse than none.

/// For a type.
pub(super) fn type_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "float" | "float32" | "single" => "f32",
        "double" | "float64" => "f64",
        "int" | "int32" => "i32",
        "long" | "int64" | "isize" => "i64",
        "int8" | "char" => "i8",
        "int16" | "short" => "i16",
        "uint8" | "byte" => "u8",
        "uint16" => "u16",
        "uint" | "uint32" => "u32",
        "uint64" | "usize" => "u64",
        "boolean" => "bool",
        "half" | "float16" => "f32",
        _ => return None,
    })
}

/// What `value.text` shall be where it is a number as C writes it, like `1.e5` or `1.f`.
pub(super) fn cut_float(value: u64, text: &str) -> Option<String> {
    let suffix = match text {
        "f" | "F" | "f32" => "f32",
        "f64" => "f64",
        _ if is_exponent(text) => text,
        _ => return None,
    };
    Some(format!("{value}.0{suffix}"))
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['e', 'E']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// For a function that has a counterpart by another name.
fn function_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "where" | "ifelse" => "select",
        "ln" => "log",
        "power" => "pow",
        "cumsum" | "accumulate" => "scan",
        "product" => "prod",
        "average" => "mean",
        "length" | "size" => "len",
        "arange" | "range" => "iota",
        "fabs" => "abs",
        "fold" | "foldl" => "reduce",
        "bincount" | "histogram" => "reduce_by_index",
        "compress" => "filter",
        "isnan" => "is_nan",
        "isinf" => "is_inf",
        "isfinite" => "is_finite",
        "mod" => "mod_floor",
        "ravel" => "flatten",
        "clip" => "clamp",
        "full" => "fill",
        "concatenate" | "hstack" => "concat",
        "maximum" | "fmax" | "fmaxf" => "max",
        "minimum" | "fmin" | "fminf" => "min",
        "popc" | "popcnt" | "count_ones" => "popcount",
        _ => return type_name(name),
    })
}

/// The help for a function.
pub(super) fn function(name: &str) -> Option<String> {
    let line = match name {
        "not" => "write `!x`",
        "dot" | "inner" | "vdot" => "write `sum(a * b)`",
        "matmul" | "mm" => {
            "the matrix product is spelled out: `[sum(a[i, l] * b[l, j] for l in 0..k) for i in 0..n, j in 0..m]`"
        }
        "norm" => "write `sqrt(sum(x * x))`",
        "var" => "write `mean((x - mean(x)) ** 2)`",
        "std" => "write `sqrt(mean((x - mean(x)) ** 2))`",
        "zeros" | "empty" => "write `fill(n, 0.0)`",
        "ones" => "write `fill(n, 1.0)`",
        "zeros_like" | "empty_like" => "write `fill(len(x), 0.0)`",
        "ones_like" => "write `fill(len(x), 1.0)`",
        "linspace" => "write `[a + (b - a) * f64(i) / f64(n - 1) for i in 0..n]`",
        "diff" => "write `x[1..] - x[..len(x) - 1]`",
        "roll" => "read `wrap_edges(x)`, which accepts any index",
        "iter" | "into_iter" | "collect" => "an array needs no iterator: `x.map(|v| v + 1.0)`",
        "print" | "printf" | "println" => "a kernel gives results and does nothing else",
        _ => return function_name(name).map(|name| format!("did you mean `{name}`?")),
    };
    Some(line.to_string())
}

/// The help for a value.
pub(super) fn value(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" => "did you mean `true`?",
        "False" => "did you mean `false`?",
        "nan" | "NaN" | "NAN" => "NaN is written `f32.nan`, and `is_nan(x)` finds it",
        "inf" | "INFINITY" => "infinity is written `f32.inf`",
        "pi" | "PI" | "M_PI" => "the constant is written `f32.pi`",
        "None" | "null" | "NULL" | "nullptr" => {
            "every value is there; `x.get(i, default)` has one for any index"
        }
        "threadIdx" | "blockIdx" | "blockDim" => "there are no threads: `[e for i in 0..n]` has an index",
        _ => return None,
    })
}

/// The help for a module, whose functions and constants stand alone here.
pub(super) fn module(name: &str) -> Option<&'static str> {
    match name {
        "np" | "numpy" | "math" | "cp" | "cupy" | "jnp" | "torch" | "std" => Some(
            "there are no modules: functions are called by their names alone, constants hang on a type (`f32.pi`)",
        ),
        _ => None,
    }
}

/// The help for a member of an array.
pub(super) fn member(name: &str) -> Option<&'static str> {
    Some(match name {
        "shape" | "size" | "length" => {
            "`len(x)` is the length of the first axis, and names in types are sizes"
        }
        "T" => "write `transpose(x)`",
        "ndim" | "dtype" => "a type says it: `[f32; n, m]`",
        _ => return None,
    })
}
