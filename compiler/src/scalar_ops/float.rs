//! `f32` and `f64`: each operation rounds once, in its own type. Which NaN comes out is unspecified.

use super::ill_typed;
use crate::ir::{Binary, Unary};
use pk_dsl::scalar::{Const, Scalar};
use std::cmp::Ordering;

pub(super) fn unary(op: Unary, a: Const) -> Const {
    let sign = sign_bit(a.scalar());
    match op {
        // Operations on the sign touch no other bit, not even of a NaN.
        Unary::Neg => Const::from_bits(a.scalar(), a.bits() ^ sign),
        Unary::Abs => Const::from_bits(a.scalar(), a.bits() & !sign),
        Unary::Sqrt => apply(a, f32::sqrt, f64::sqrt),
        Unary::Floor => apply(a, f32::floor, f64::floor),
        Unary::Ceil => apply(a, f32::ceil, f64::ceil),
        Unary::Trunc => apply(a, f32::trunc, f64::trunc),
        Unary::Rint => apply(a, f32::round_ties_even, f64::round_ties_even),
        Unary::Not | Unary::Popcount | Unary::Clz | Unary::Ctz => ill_typed(op, &[a]),
    }
}

fn apply(a: Const, on_f32: fn(f32) -> f32, on_f64: fn(f64) -> f64) -> Const {
    match (a.as_f32(), a.as_f64()) {
        (Some(a), _) => on_f32(a).into(),
        (_, Some(a)) => on_f64(a).into(),
        _ => ill_typed("float", &[a]),
    }
}

pub(super) fn binary(op: Binary, a: Const, b: Const) -> Const {
    match op {
        Binary::Add => apply_pair(a, b, |a, b| a + b, |a, b| a + b),
        Binary::Sub => apply_pair(a, b, |a, b| a - b, |a, b| a - b),
        Binary::Mul => apply_pair(a, b, |a, b| a * b, |a, b| a * b),
        Binary::Div => apply_pair(a, b, |a, b| a / b, |a, b| a / b),
        Binary::Min => extreme(a, b, Ordering::Less),
        Binary::Max => extreme(a, b, Ordering::Greater),
        Binary::Copysign => {
            let sign = sign_bit(a.scalar());
            Const::from_bits(a.scalar(), a.bits() & !sign | b.bits() & sign)
        }
        Binary::And | Binary::Or | Binary::Xor => ill_typed(op, &[a, b]),
        Binary::Shl | Binary::Shr | Binary::Rotl | Binary::Rotr => ill_typed(op, &[a, b]),
    }
}

fn apply_pair(a: Const, b: Const, on_f32: fn(f32, f32) -> f32, on_f64: fn(f64, f64) -> f64) -> Const {
    match (a.as_f32().zip(b.as_f32()), a.as_f64().zip(b.as_f64())) {
        (Some((a, b)), _) => on_f32(a, b).into(),
        (_, Some((a, b))) => on_f64(a, b).into(),
        _ => ill_typed("floats", &[a, b]),
    }
}

/// The minimum of the two if `wanted` is `Less`, the maximum if it is `Greater`.
fn extreme(a: Const, b: Const, wanted: Ordering) -> Const {
    match order(a, b) {
        // A NaN propagates; only a NaN is unordered with itself.
        None if order(a, a).is_none() => a,
        None => b,
        // Equal values with different bits are the two zeros.
        Some(Ordering::Equal) => {
            let is_a_negative = a.bits() & sign_bit(a.scalar()) != 0;
            if is_a_negative == wanted.is_lt() { a } else { b }
        }
        Some(found) if found == wanted => a,
        Some(_) => b,
    }
}

/// How two floats compare; `None` with a NaN.
pub(super) fn order(a: Const, b: Const) -> Option<Ordering> {
    match (a.as_f32().zip(b.as_f32()), a.as_f64().zip(b.as_f64())) {
        (Some((a, b)), _) => a.partial_cmp(&b),
        (_, Some((a, b))) => a.partial_cmp(&b),
        _ => ill_typed("comparison", &[a, b]),
    }
}

pub(super) fn fma(a: Const, b: Const, c: Const) -> Const {
    let singles = (a.as_f32(), b.as_f32(), c.as_f32());
    let doubles = (a.as_f64(), b.as_f64(), c.as_f64());
    match (singles, doubles) {
        ((Some(a), Some(b), Some(c)), _) => a.mul_add(b, c).into(),
        (_, (Some(a), Some(b), Some(c))) => a.mul_add(b, c).into(),
        _ => ill_typed("fma", &[a, b, c]),
    }
}

pub(super) fn convert(a: Const, scalar: Scalar) -> Const {
    // Exact: every `f32` is an `f64`.
    let wide = match (a.as_f32(), a.as_f64()) {
        (Some(a), _) => f64::from(a),
        (_, Some(a)) => a,
        _ => ill_typed("float", &[a]),
    };
    match (scalar, scalar.int_range()) {
        (Scalar::Bool, _) => (wide != 0.0).into(),
        (Scalar::F32, _) => (wide as f32).into(),
        // `as` truncates, saturates and takes NaN to zero; what saturates in `i128` does so in `scalar` too.
        (_, Some((least, greatest))) => Const::from_int(scalar, (wide as i128).clamp(least, greatest)),
        (_, None) => wide.into(),
    }
}

fn sign_bit(scalar: Scalar) -> u64 {
    1 << (scalar.bits() - 1)
}

#[cfg(test)]
mod tests {
    use crate::{
        ir::{Binary, Unary},
        scalar_ops::{binary, convert, fma, unary},
    };
    use pk_dsl::scalar::{Const, Scalar};

    const INTERESTING: [f64; 14] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        2.5,
        1e-310,
        -127.9,
        128.0,
        255.9,
        3e9,
        -1e19,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];

    #[test]
    fn min_and_max_propagate_nan_and_order_zeros() {
        let nan = f32::NAN;
        for op in [Binary::Min, Binary::Max] {
            for (a, b) in [(nan, 1.0), (1.0, nan), (nan, nan), (nan, f32::NEG_INFINITY)] {
                assert!(binary(op, a.into(), b.into()).same(nan.into()), "{op:?} {a} {b}");
            }
        }
        for (a, b) in [(0.0, -0.0), (-0.0, 0.0)] {
            assert_eq!(binary(Binary::Min, f64::into(a), b.into()), Const::from(-0.0f64));
            assert_eq!(binary(Binary::Max, f64::into(a), b.into()), Const::from(0.0f64));
        }
        assert_eq!(binary(Binary::Min, (-0.0f32).into(), (-0.0f32).into()), Const::from(-0.0f32));
    }

    #[test]
    fn min_and_max_are_those_of_numbers() {
        for (a, b) in INTERESTING.into_iter().flat_map(|a| INTERESTING.map(|b| (a, b))) {
            if a != b {
                assert_eq!(binary(Binary::Min, a.into(), b.into()), Const::from(a.min(b)));
                assert_eq!(binary(Binary::Max, a.into(), b.into()), Const::from(a.max(b)));
            }
        }
    }

    #[test]
    fn floats_convert_as_rust_does() {
        for value in INTERESTING.into_iter().chain([f64::NAN]) {
            let to = |scalar| convert(value.into(), scalar);
            assert_eq!(to(Scalar::I8), Const::from(value as i8));
            assert_eq!(to(Scalar::U8), Const::from(value as u8));
            assert_eq!(to(Scalar::I32), Const::from(value as i32));
            assert_eq!(to(Scalar::U32), Const::from(value as u32));
            assert_eq!(to(Scalar::I64), Const::from(value as i64));
            assert_eq!(to(Scalar::U64), Const::from(value as u64));
            assert_eq!(to(Scalar::Bool), Const::from(value != 0.0));
            assert!(to(Scalar::F32).same((value as f32).into()));
            let single = value as f32;
            assert_eq!(convert(single.into(), Scalar::U64), Const::from(single as u64));
            assert!(convert(single.into(), Scalar::F64).same(f64::from(single).into()));
        }
    }

    #[test]
    fn operations_on_the_sign_keep_the_bits_of_nan() {
        let nan = Const::from_bits(Scalar::F32, 0x7fa0_0001);
        assert_eq!(unary(Unary::Neg, nan).bits(), 0xffa0_0001);
        assert_eq!(unary(Unary::Abs, unary(Unary::Neg, nan)), nan);
        assert_eq!(binary(Binary::Copysign, nan, (-1f32).into()).bits(), 0xffa0_0001);
        assert_eq!(unary(Unary::Neg, 0f64.into()), Const::from(-0.0f64));
    }

    #[test]
    fn roundings_keep_the_sign_of_zero() {
        let round = |op, value: f32| unary(op, value.into());
        assert_eq!(round(Unary::Rint, 2.5), Const::from(2f32));
        assert_eq!(round(Unary::Rint, -0.5), Const::from(-0.0f32));
        assert_eq!(round(Unary::Ceil, -0.5), Const::from(-0.0f32));
        assert_eq!(round(Unary::Floor, -0.5), Const::from(-1f32));
        assert_eq!(round(Unary::Trunc, -1.9), Const::from(-1f32));
    }

    #[test]
    fn fma_rounds_once() {
        let epsilon = f32::EPSILON;
        let (a, b) = (1.0 + epsilon, 1.0 - epsilon);
        // The product is 1 - epsilon^2; rounded first, the sum would be 0.
        assert_eq!(fma(a.into(), b.into(), (-1f32).into()), Const::from(-epsilon * epsilon));
        // The product is 2^-24 + 2^-60; rounded to f64 first, 1 + it would be a tie and go to 1.
        let (a, b) = (2f32.powi(-24) * (1.0 + 2f32.powi(-12)), 1.0 - 2f32.powi(-12) + 2f32.powi(-24));
        assert_eq!(fma(a.into(), b.into(), 1f32.into()), Const::from(1.0 + epsilon));
    }
}
