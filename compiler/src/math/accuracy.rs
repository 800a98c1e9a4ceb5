//! Tests of the accuracy of the library functions, against the files in `vectors` and the host's own functions.

use super::{MathFn, Routine, definition};
use crate::interp::eval;
use pk_dsl::scalar::{Const, Scalar};

/// Bounds of the error of each function as `f32` and as `f64`, in units in the last place of the true result: the
/// greatest that searches found (`docs/accuracy.md`), rounded up by less than a tenth.
const BOUNDS: [(MathFn, [f64; 2]); 27] = [
    (MathFn::Exp, [1.05, 1.0]),
    (MathFn::Exp2, [0.9, 0.85]),
    (MathFn::Exp10, [1.0, 0.95]),
    (MathFn::Expm1, [1.4, 1.35]),
    (MathFn::Log, [0.85, 0.85]),
    (MathFn::Log2, [0.75, 0.75]),
    (MathFn::Log10, [0.65, 0.65]),
    (MathFn::Log1p, [0.9, 0.85]),
    (MathFn::Sin, [1.25, 1.2]),
    (MathFn::Cos, [1.25, 1.2]),
    (MathFn::Tan, [1.1, 1.0]),
    (MathFn::Asin, [1.2, 1.1]),
    (MathFn::Acos, [1.15, 1.05]),
    (MathFn::Atan, [0.8, 0.8]),
    (MathFn::Atan2, [1.0, 0.85]),
    (MathFn::Sinh, [0.8, 0.8]),
    (MathFn::Cosh, [0.9, 0.9]),
    (MathFn::Tanh, [1.35, 1.35]),
    (MathFn::Asinh, [1.25, 1.2]),
    (MathFn::Acosh, [0.8, 0.8]),
    (MathFn::Atanh, [1.05, 1.05]),
    (MathFn::Pow, [1.0, 1.15]),
    (MathFn::Cbrt, [0.55, 0.55]),
    (MathFn::Hypot, [0.8, 0.55]),
    (MathFn::Erf, [1.25, 1.25]),
    (MathFn::Erfc, [1.5, 1.45]),
    (MathFn::Fmod, [0.0, 0.0]),
];

fn bound(routine: Routine) -> f64 {
    let (_, [single, double]) =
        BOUNDS.into_iter().find(|(function, _)| *function == routine.function).expect("in the table");
    if routine.scalar == Scalar::F32 { single } else { double }
}

fn to_f64(float: Const) -> f64 {
    float.as_f64().or(float.as_f32().map(f64::from)).expect("a float")
}

/// The last place of `x`, finite, in the format of `scalar`.
fn last_place(scalar: Scalar, x: f64) -> f64 {
    let (digits, least) = if scalar == Scalar::F32 { (24, -149) } else { (53, -1074) };
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    // In two steps: the last place may be subnormal.
    let place = (exponent + 1 - digits).max(least);
    2f64.powi(place / 2) * 2f64.powi(place - place / 2)
}

/// The error of `found` in units in the last place, where `residue` of them more than `nearest` is true.
fn error(found: Const, nearest: f64, residue: f64) -> f64 {
    let value = to_f64(found);
    match value == nearest || value.is_nan() && nearest.is_nan() {
        true => residue.abs(),
        false if value.is_finite() && nearest.is_finite() => {
            ((value - nearest) / last_place(found.scalar(), nearest) - residue).abs()
        }
        false => f64::INFINITY,
    }
}

/// A line of a file in `vectors`.
struct Vector {
    scalar: Scalar,
    args: Vec<Const>,
    nearest: f64,
    residue: f64,
}

fn parse(line: &str) -> Vector {
    let words: Vec<_> = line.split(' ').collect();
    let [format, numbers @ .., residue] = words.as_slice() else { panic!("{line}") };
    let scalar = Scalar::from_name(format).expect("a type");
    let float = |word: &&str| Const::from_bits(scalar, u64::from_str_radix(word, 16).expect("bits"));
    let mut numbers: Vec<_> = numbers.iter().map(float).collect();
    let nearest = to_f64(numbers.pop().expect("a result"));
    Vector { scalar, args: numbers, nearest, residue: residue.parse().expect("a residue") }
}

#[test]
fn no_function_exceeds_its_bound_on_its_vectors() {
    for (function, _) in BOUNDS {
        let path = format!("{}/src/math/vectors/{}.txt", env!("CARGO_MANIFEST_DIR"), function.name());
        let text = std::fs::read_to_string(&path).expect(&path);
        for line in text.lines() {
            let Vector { scalar, args, nearest, residue } = parse(line);
            let routine = Routine { function, scalar };
            let found = eval(definition(routine), &args)[0];
            let error = error(found, nearest, residue);
            assert!(error <= bound(routine), "{function:?} {line}: {found}, off by {error}");
        }
        assert!(text.lines().count() >= 200, "{path} is too short");
    }
}

/// The function of the host in `f64`, of which the error is nothing in `f32`.
fn host(function: MathFn) -> Option<fn(f64) -> f64> {
    Some(match function {
        MathFn::Exp => f64::exp,
        MathFn::Exp2 => f64::exp2,
        MathFn::Exp10 => |x| 10f64.powf(x),
        MathFn::Expm1 => f64::exp_m1,
        MathFn::Log => f64::ln,
        MathFn::Log2 => f64::log2,
        MathFn::Log10 => f64::log10,
        MathFn::Log1p => f64::ln_1p,
        MathFn::Sin => f64::sin,
        MathFn::Cos => f64::cos,
        MathFn::Tan => f64::tan,
        MathFn::Asin => f64::asin,
        MathFn::Acos => f64::acos,
        MathFn::Atan => f64::atan,
        MathFn::Sinh => f64::sinh,
        MathFn::Cosh => f64::cosh,
        MathFn::Tanh => f64::tanh,
        MathFn::Cbrt => f64::cbrt,
        _ => return None,
    })
}

fn host_of_two(function: MathFn) -> Option<fn(f64, f64) -> f64> {
    Some(match function {
        MathFn::Pow => f64::powf,
        MathFn::Atan2 => f64::atan2,
        MathFn::Hypot => f64::hypot,
        MathFn::Fmod => |x, y| x % y,
        _ => return None,
    })
}

fn assert_near_host(function: MathFn, args: &[f32], reference: f64) {
    let routine = Routine { function, scalar: Scalar::F32 };
    let consts: Vec<_> = args.iter().map(|&arg| Const::from(arg)).collect();
    let found = eval(definition(routine), &consts)[0];
    let nearest = f64::from(reference as f32);
    let residue = match nearest.is_finite() {
        true => (reference - nearest) / last_place(Scalar::F32, reference),
        false => 0.0,
    };
    let error = error(found, nearest, residue);
    assert!(error <= bound(routine), "{function:?} {args:?}: {found} for {reference}, off by {error}");
}

/// Prime, so that a sweep of all bit patterns by this step meets all kinds of numbers.
const STEP: usize = 1_000_003;

#[test]
fn no_function_exceeds_its_bound_on_a_sweep_of_f32() {
    for function in MathFn::ALL {
        let Some(reference) = host(function) else { continue };
        for bits in (0..=u32::MAX).step_by(STEP) {
            let x = f32::from_bits(bits);
            assert_near_host(function, &[x], reference(f64::from(x)));
        }
    }
}

#[test]
fn no_function_of_two_exceeds_its_bound_on_a_sweep_of_f32() {
    for function in MathFn::ALL {
        let Some(reference) = host_of_two(function) else { continue };
        for bits in (0..=u32::MAX).step_by(STEP) {
            // All numbers against all, then numbers near one against moderate ones.
            let near_one = 1.0 + f32::from_bits(bits >> 9 | 0x3f00_0000) / 4.0;
            let moderate = (bits.reverse_bits() as i32) as f32 * 2f32.powi(-24);
            for (x, y) in [(f32::from_bits(bits), f32::from_bits(bits.reverse_bits())), (near_one, moderate)]
            {
                assert_near_host(function, &[x, y], reference(f64::from(x), f64::from(y)));
            }
        }
    }
}
