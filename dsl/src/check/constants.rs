//! The constants that hang on a scalar type: `f32.pi`, `i64.max`.

use crate::scalar::{Const, Scalar};

/// The names that some type has.
pub(super) const NAMES: &[&str] = &["pi", "tau", "e", "inf", "nan", "eps", "min", "max"];

/// The constant `name` of `scalar`. `eps` is the distance from 1 to the next number; the `min` of a float is the least
/// finite number.
pub(super) fn find(scalar: Scalar, name: &str) -> Option<Const> {
    match scalar {
        Scalar::F32 => float32(name).map(Const::from),
        Scalar::F64 => float64(name).map(Const::from),
        _ => {
            let (min, max) = scalar.int_range()?;
            match name {
                "min" => Some(Const::from_int(scalar, min)),
                "max" => Some(Const::from_int(scalar, max)),
                _ => None,
            }
        }
    }
}

fn float32(name: &str) -> Option<f32> {
    use std::f32::consts;
    Some(match name {
        "pi" => consts::PI,
        "tau" => consts::TAU,
        "e" => consts::E,
        "inf" => f32::INFINITY,
        "nan" => f32::NAN,
        "eps" => f32::EPSILON,
        "min" => f32::MIN,
        "max" => f32::MAX,
        _ => return None,
    })
}

fn float64(name: &str) -> Option<f64> {
    use std::f64::consts;
    Some(match name {
        "pi" => consts::PI,
        "tau" => consts::TAU,
        "e" => consts::E,
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        "eps" => f64::EPSILON,
        "min" => f64::MIN,
        "max" => f64::MAX,
        _ => return None,
    })
}
