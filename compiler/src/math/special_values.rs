//! Tests of the special values that C99 Annex F prescribes, in both formats.

use super::{MathFn, Routine, definition};
use crate::interp::eval;
use pk_dsl::scalar::{Const, Scalar};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

const EXPONENTIAL: &[(f64, f64)] =
    &[(0.0, 1.0), (-0.0, 1.0), (-INF, 0.0), (INF, INF), (NAN, NAN), (1e4, INF), (-1e4, 0.0)];
const LOGARITHM: &[(f64, f64)] =
    &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)];
const ONE_ARGUMENT: &[(MathFn, &[(f64, f64)])] = &[
    (MathFn::Exp, EXPONENTIAL),
    (MathFn::Exp2, EXPONENTIAL),
    (MathFn::Exp10, EXPONENTIAL),
    (
        MathFn::Expm1,
        &[(0.0, 0.0), (-0.0, -0.0), (-INF, -1.0), (INF, INF), (NAN, NAN), (1e4, INF), (-1e4, -1.0)],
    ),
    (MathFn::Log, LOGARITHM),
    (MathFn::Log2, LOGARITHM),
    (MathFn::Log10, LOGARITHM),
    (
        MathFn::Log1p,
        &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-2.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)],
    ),
    (MathFn::Sin, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    (MathFn::Cos, &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    (MathFn::Tan, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    (MathFn::Asin, &[(0.0, 0.0), (-0.0, -0.0), (1.0, FRAC_PI_2), (-1.0, -FRAC_PI_2), (1.5, NAN), (NAN, NAN)]),
    (MathFn::Acos, &[(1.0, 0.0), (-1.0, PI), (0.0, FRAC_PI_2), (-1.5, NAN), (-INF, NAN), (NAN, NAN)]),
    (
        MathFn::Atan,
        &[(0.0, 0.0), (-0.0, -0.0), (1.0, FRAC_PI_4), (INF, FRAC_PI_2), (-INF, -FRAC_PI_2), (NAN, NAN)],
    ),
    (
        MathFn::Sinh,
        &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN), (1e4, INF), (-1e4, -INF)],
    ),
    (MathFn::Cosh, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (NAN, NAN), (1e4, INF), (-1e4, INF)]),
    (
        MathFn::Tanh,
        &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (1e4, 1.0), (-1e4, -1.0)],
    ),
    (MathFn::Asinh, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN)]),
    (MathFn::Acosh, &[(1.0, 0.0), (0.5, NAN), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)]),
    (
        MathFn::Atanh,
        &[(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (-INF, NAN), (NAN, NAN)],
    ),
    (
        MathFn::Cbrt,
        &[(0.0, 0.0), (-0.0, -0.0), (8.0, 2.0), (-27.0, -3.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    ),
    (MathFn::Erf, &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (30.0, 1.0)]),
    (
        MathFn::Erfc,
        &[(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (30.0, 0.0), (-30.0, 2.0)],
    ),
];

const ATAN2: &[(f64, f64, f64)] = &[
    (0.0, -0.0, PI),
    (-0.0, -0.0, -PI),
    (0.0, 0.0, 0.0),
    (-0.0, 0.0, -0.0),
    (0.0, -1.0, PI),
    (-0.0, -1.0, -PI),
    (0.0, 1.0, 0.0),
    (-0.0, 1.0, -0.0),
    (-1.0, 0.0, -FRAC_PI_2),
    (1.0, -0.0, FRAC_PI_2),
    (1.0, -INF, PI),
    (-1.0, -INF, -PI),
    (1.0, INF, 0.0),
    (-1.0, INF, -0.0),
    (INF, 1.0, FRAC_PI_2),
    (-INF, -1.0, -FRAC_PI_2),
    (INF, -INF, 3.0 * FRAC_PI_4),
    (-INF, -INF, -3.0 * FRAC_PI_4),
    (INF, INF, FRAC_PI_4),
    (-INF, INF, -FRAC_PI_4),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
];

const POW: &[(f64, f64, f64)] = &[
    (0.0, -3.0, INF),
    (-0.0, -3.0, -INF),
    (-0.0, -2.0, INF),
    (0.0, -INF, INF),
    (-0.0, 3.0, -0.0),
    (0.0, 3.0, 0.0),
    (-0.0, 2.0, 0.0),
    (-0.0, 0.5, 0.0),
    (-1.0, INF, 1.0),
    (-1.0, -INF, 1.0),
    (1.0, NAN, 1.0),
    (1.0, INF, 1.0),
    (NAN, 0.0, 1.0),
    (NAN, -0.0, 1.0),
    (INF, 0.0, 1.0),
    (-2.0, 0.5, NAN),
    (-8.0, 3.0, -512.0),
    (0.5, -INF, INF),
    (2.0, -INF, 0.0),
    (0.5, INF, 0.0),
    (-2.0, INF, INF),
    (-INF, -3.0, -0.0),
    (-INF, -2.0, 0.0),
    (-INF, 3.0, -INF),
    (-INF, 0.5, INF),
    (INF, -0.5, 0.0),
    (INF, 2.0, INF),
    (NAN, 1.0, NAN),
    (2.0, NAN, NAN),
    (-1.0, NAN, NAN),
    (10.0, 400.0, INF),
    (-10.0, -401.0, -0.0),
];

const HYPOT: &[(f64, f64, f64)] = &[
    (INF, NAN, INF),
    (NAN, -INF, INF),
    (3.0, -4.0, 5.0),
    (-0.0, -0.0, 0.0),
    (-2.0, 0.0, 2.0),
    (NAN, 1.0, NAN),
    (0.0, NAN, NAN),
];

const FMOD: &[(f64, f64, f64)] = &[
    (0.0, 3.0, 0.0),
    (-0.0, 3.0, -0.0),
    (INF, 3.0, NAN),
    (3.0, 0.0, NAN),
    (-INF, -0.0, NAN),
    (3.0, INF, 3.0),
    (-3.0, -INF, -3.0),
    (-6.0, 3.0, -0.0),
    (5.5, -2.0, 1.5),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
];

fn float(scalar: Scalar, x: f64) -> Const {
    if scalar == Scalar::F32 { Const::from(x as f32) } else { Const::from(x) }
}

/// Equal bits, any NaN counting as any other.
fn assert_value(function: MathFn, args: &[f64], expected: f64) {
    for scalar in [Scalar::F32, Scalar::F64] {
        let consts: Vec<_> = args.iter().map(|&arg| float(scalar, arg)).collect();
        let found = eval(definition(Routine { function, scalar }), &consts)[0];
        assert!(found.same(float(scalar, expected)), "{function:?} {args:?} as {scalar}: {found}");
    }
}

#[test]
fn functions_of_one_argument() {
    for &(function, cases) in ONE_ARGUMENT {
        cases.iter().for_each(|&(x, expected)| assert_value(function, &[x], expected));
    }
}

#[test]
fn functions_of_two_arguments() {
    let tables = [(MathFn::Atan2, ATAN2), (MathFn::Pow, POW), (MathFn::Hypot, HYPOT), (MathFn::Fmod, FMOD)];
    for (function, cases) in tables {
        cases.iter().for_each(|&(x, y, expected)| assert_value(function, &[x, y], expected));
    }
}
