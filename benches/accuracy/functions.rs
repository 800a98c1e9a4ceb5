//! The functions that are measured: what is true of them in `f32`, and which arguments they are tried at.

use crate::draws::{Draw, Format, Random};
use Draw::{Any, Exactly, Half, Near, Power, Scaled, Within};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI, SQRT_2};

/// A function of the library.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name in the language.
    pub(crate) name: &'static str,
    /// Its value in `f64`, which is the truth for `f32`.
    pub(crate) single: Single,
    /// How its arguments are drawn: each way as often as any other.
    draws: &'static [&'static [Draw]],
}

/// A function of one argument or two.
#[derive(Debug)]
pub(crate) enum Single {
    /// Of one.
    One(fn(f64) -> f64),
    /// Of two.
    Two(fn(f64, f64) -> f64),
}

impl Function {
    /// The number of its arguments.
    pub(crate) fn arity(&self) -> usize {
        self.draws.len()
    }

    /// So many random arguments; the second is zero for functions of one.
    pub(crate) fn draw(&self, format: Format, random: &mut Random, count: usize) -> Vec<[f64; 2]> {
        let pair = |index: usize| {
            let mut args = [0.0; 2];
            let mut turn = index;
            for (at, draws) in self.draws.iter().enumerate() {
                args[at] = draws[turn % draws.len()].draw(format, random, args[0]);
                turn /= draws.len();
            }
            args
        };
        (0..count).map(pair).collect()
    }
}

const ENDS: &[f64] = &[-103.97, -87.34, 88.72, -745.13, -708.4, 709.78, 1.0, -1.0];
const DECIMAL_ENDS: &[f64] = &[-45.15, -37.93, 38.53, -323.6, -307.65, 308.25];
const BINARY_ENDS: &[f64] = &[-150.0, -126.0, 128.0, -1075.0, -1022.0, 1024.0];
const SPECIAL: &[f64] =
    &[0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 2.0, 0.5, -2.0, 3.0];

const EXP: &[Draw] =
    &[Any, Within(-1.0, 1.0), Within(-10.0, 10.0), Within(-88.0, 89.0), Within(-746.0, 710.0), Near(ENDS)];
const EXP2: &[Draw] =
    &[Any, Within(-1.0, 1.0), Within(-150.0, 128.0), Within(-1075.0, 1024.0), Near(BINARY_ENDS)];
const EXP10: &[Draw] =
    &[Any, Within(-1.0, 1.0), Within(-45.0, 39.0), Within(-324.0, 309.0), Near(DECIMAL_ENDS)];
const LOG: &[Draw] = &[
    Any,
    Within(0.5, 2.0),
    Within(0.99, 1.01),
    Within(0.0, 100.0),
    Near(&[1.0, FRAC_1_SQRT_2, SQRT_2, f64::MIN_POSITIVE]),
];
const LOG1P: &[Draw] =
    &[Any, Within(-1.0, 2.0), Scaled(-60, 1), Near(&[-0.5, 1.0, SQRT_2 - 1.0, FRAC_1_SQRT_2 - 1.0, -1.0])];
const ANGLE: &[Draw] = &[
    Any,
    Within(-1.0, 1.0),
    Within(-10.0, 10.0),
    Within(-1e5, 1e5),
    Scaled(-30, 40),
    Near(&[FRAC_PI_2, PI, 3.0 * FRAC_PI_2, 2.0 * PI, 1e5 * PI, 0.5 * FRAC_PI_2, 131072.0, 1073741824.0]),
];
const SINE: &[Draw] =
    &[Within(-1.0, 1.0), Scaled(-40, -1), Within(0.4, 0.6), Near(&[0.5, -0.5, 1.0, -1.0]), Any];
const WIDE: &[Draw] = &[
    Any,
    Within(-1.0, 1.0),
    Within(-10.0, 10.0),
    Scaled(-30, 32),
    Near(&[1.0, -1.0, SQRT_2 - 1.0, SQRT_2 + 1.0, 8192.0, 1073741824.0]),
];
const HYPERBOLIC: &[Draw] =
    &[Any, Within(-1.0, 1.0), Within(-20.0, 20.0), Within(-711.0, 711.0), Scaled(-30, 3), Near(ENDS)];
const ABOVE_ONE: &[Draw] =
    &[Any, Within(1.0, 2.0), Within(1.0, 1.001), Within(1.0, 100.0), Near(&[1.0, 8192.0, 1073741824.0])];
const ERF: &[Draw] =
    &[Any, Within(-1.0, 1.0), Within(-6.5, 6.5), Scaled(-30, 2), Near(&[0.5, 1.0, 4.0, 5.9])];
const ERFC: &[Draw] =
    &[Any, Within(-1.0, 1.0), Within(-6.5, 10.5), Within(0.0, 27.3), Near(&[0.5, 1.0, 9.3, 26.5, 27.2])];
const BASE: &[Draw] = &[
    Any,
    Within(0.5, 2.0),
    Within(0.0, 100.0),
    Within(0.99, 1.01),
    Scaled(-20, 20),
    Near(&[1.0, FRAC_1_SQRT_2, SQRT_2]),
    Half(-20, 20),
    Exactly(SPECIAL),
];
const EXPONENT: &[Draw] = &[
    Power(-88.0, 89.0),
    Power(-1.0, 1.0),
    Within(-3.0, 3.0),
    Power(-104.0, -87.0),
    Power(-746.0, 710.0),
    Half(-40, 40),
    Any,
    Exactly(SPECIAL),
];
const SIDE: &[Draw] = &[Any, Within(-10.0, 10.0), Scaled(-60, 60), Scaled(-3, 3), Exactly(SPECIAL)];
const NUMBER: &[Draw] = &[Any, Within(-1000.0, 1000.0), Scaled(-30, 100), Exactly(SPECIAL)];

macro_rules! functions {
    ($($name:literal $kind:ident($single:expr) $($draws:ident)*;)*) => {
        &[$(Function { name: $name, single: Single::$kind($single), draws: &[$($draws),*] }),*]
    };
}

/// That of `libm` is wrong for great negative arguments.
fn acosh(x: f64) -> f64 {
    if x < 1.0 { f64::NAN } else { libm::acosh(x) }
}

/// All that are not one instruction of the machine.
pub(crate) const FUNCTIONS: &[Function] = functions! {
    "exp" One(libm::exp) EXP;
    "exp2" One(libm::exp2) EXP2;
    "exp10" One(libm::exp10) EXP10;
    "expm1" One(libm::expm1) EXP;
    "log" One(libm::log) LOG;
    "log2" One(libm::log2) LOG;
    "log10" One(libm::log10) LOG;
    "log1p" One(libm::log1p) LOG1P;
    "sin" One(libm::sin) ANGLE;
    "cos" One(libm::cos) ANGLE;
    "tan" One(libm::tan) ANGLE;
    "asin" One(libm::asin) SINE;
    "acos" One(libm::acos) SINE;
    "atan" One(libm::atan) WIDE;
    "sinh" One(libm::sinh) HYPERBOLIC;
    "cosh" One(libm::cosh) HYPERBOLIC;
    "tanh" One(libm::tanh) HYPERBOLIC;
    "asinh" One(libm::asinh) WIDE;
    "acosh" One(acosh) ABOVE_ONE;
    "atanh" One(libm::atanh) SINE;
    "cbrt" One(libm::cbrt) WIDE;
    "rsqrt" One(|x| 1.0 / x.sqrt()) LOG;
    "erf" One(libm::erf) ERF;
    "erfc" One(libm::erfc) ERFC;
    "pow" Two(libm::pow) BASE EXPONENT;
    "atan2" Two(libm::atan2) SIDE SIDE;
    "hypot" Two(libm::hypot) SIDE SIDE;
    "fmod" Two(libm::fmod) NUMBER NUMBER;
};
