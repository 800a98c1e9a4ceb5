//! What each scalar operation of the IR does to constants: the one definition of their bits, which the interpreter and
//! constant folding use and every back end must match.
//!
//! Operands are typed as [`crate::ir::Op`] says; an ill-typed call is a bug of the compiler and panics. Nothing here
//! knows of arrays, faults or evaluation order.

mod float;
mod int;

use crate::ir::{Binary, Compare, IntDiv, Unary};
use pk_dsl::scalar::{Const, Scalar};
use std::{cmp::Ordering, fmt};

/// `op a`.
pub fn unary(op: Unary, a: Const) -> Const {
    match a.scalar() {
        Scalar::F32 | Scalar::F64 => float::unary(op, a),
        Scalar::Bool => int::bool_unary(op, a),
        _ => int::unary(op, a),
    }
}

/// `a op b`, both of one type.
pub fn binary(op: Binary, a: Const, b: Const) -> Const {
    match a.scalar() {
        _ if a.scalar() != b.scalar() => ill_typed(op, &[a, b]),
        Scalar::F32 | Scalar::F64 => float::binary(op, a, b),
        Scalar::Bool => int::bool_binary(op, a, b),
        _ => int::binary(op, a, b),
    }
}

/// `a op b` as a `bool`, both of one type.
pub fn compare(op: Compare, a: Const, b: Const) -> Const {
    let order = match (a.as_int(), b.as_int()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => float::order(a, b),
    };
    Const::from(match op {
        Compare::Eq => order == Some(Ordering::Equal),
        Compare::Ne => order != Some(Ordering::Equal),
        Compare::Lt => order.is_some_and(Ordering::is_lt),
        Compare::Le => order.is_some_and(Ordering::is_le),
        Compare::Gt => order.is_some_and(Ordering::is_gt),
        Compare::Ge => order.is_some_and(Ordering::is_ge),
    })
}

/// `a * b + c` of floats, rounded once.
pub fn fma(a: Const, b: Const, c: Const) -> Const {
    float::fma(a, b, c)
}

/// `a` if the `bool` `cond` holds, else `b`.
pub fn select(cond: Const, a: Const, b: Const) -> Const {
    match cond.as_bool() {
        Some(true) => a,
        Some(false) => b,
        None => ill_typed("select", &[cond, a, b]),
    }
}

/// `a` as `scalar`: between numbers as Rust's `as` does, `bool` to 0 or 1, number to `bool` by `!= 0`.
pub fn convert(a: Const, scalar: Scalar) -> Const {
    match a.as_int() {
        Some(value) => Const::from_int(scalar, value),
        None => float::convert(a, scalar),
    }
}

/// The bits of `a` as `scalar`, which has the same width.
pub fn bits(a: Const, scalar: Scalar) -> Const {
    Const::from_bits(scalar, a.bits())
}

/// Division of integers, and whether it was by zero. A divisor of zero counts as one.
pub fn int_div(op: IntDiv, a: Const, b: Const) -> (Const, bool) {
    match (a.as_int(), b.as_int()) {
        (Some(dividend), Some(divisor)) => {
            let by_zero = divisor == 0;
            let divisor = if by_zero { 1 } else { divisor };
            (Const::from_int(a.scalar(), int::divide(op, dividend, divisor)), by_zero)
        }
        _ => ill_typed(op, &[a, b]),
    }
}

fn ill_typed(op: impl fmt::Debug, operands: &[Const]) -> ! {
    panic!("ill-typed IR: {op:?} on {operands:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_convert_by_wrapping_and_round_once_to_floats() {
        let to = |value: i128, from, scalar| convert(Const::from_int(from, value), scalar);
        assert_eq!(to(-1, Scalar::I8, Scalar::U64), Const::from(u64::MAX));
        assert_eq!(to(0x1ff, Scalar::I32, Scalar::U8), Const::from(255u8));
        assert_eq!(to(0x100, Scalar::I32, Scalar::Bool), Const::from(true));
        assert_eq!(convert(Const::from(true), Scalar::I16), Const::from(1i16));
        assert_eq!(convert(Const::from(true), Scalar::F32), Const::from(1f32));
        // By way of f64 this would round twice and give 2^63 + 2^40.
        let tricky = (1 << 63) + (1 << 39) + 1;
        assert_eq!(to(tricky, Scalar::U64, Scalar::F32), Const::from(tricky as u64 as f32));
        assert_eq!(to(i64::MIN.into(), Scalar::I64, Scalar::F64), Const::from(-(2f64.powi(63))));
    }

    #[test]
    fn floats_compare_as_ieee_says() {
        let all = [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge];
        let truths = |a: f32, b: f32| all.map(|op| compare(op, a.into(), b.into()) == Const::from(true));
        assert_eq!(truths(f32::NAN, 1.0), [false, true, false, false, false, false]);
        assert_eq!(truths(-0.0, 0.0), [true, false, false, true, false, true]);
        assert_eq!(truths(1.0, f32::INFINITY), [false, true, true, true, false, false]);
    }

    #[test]
    fn integers_compare_by_value() {
        let less = |a: Const, b: Const| compare(Compare::Lt, a, b).as_bool();
        assert_eq!(less(Const::from(-1i8), Const::from(1i8)), Some(true));
        assert_eq!(less(Const::from(255u8), Const::from(1u8)), Some(false));
        assert_eq!(less(Const::from(false), Const::from(true)), Some(true));
    }

    #[test]
    fn bits_and_select_move_bits_unchanged() {
        let nan = Const::from_bits(Scalar::F32, 0xffc1_2345);
        assert_eq!(bits(nan, Scalar::I32).bits(), 0xffc1_2345);
        assert_eq!(bits(Const::from(u64::MAX), Scalar::F64).bits(), u64::MAX);
        let (a, b) = (Const::from(1i8), Const::from(2i8));
        assert_eq!([select(Const::from(true), a, b), select(Const::from(false), a, b)], [a, b]);
    }
}
