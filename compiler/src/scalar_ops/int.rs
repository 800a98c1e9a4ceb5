//! Integers and `bool`: computed in `i128`, where nothing overflows that matters, and wrapped.

use super::ill_typed;
use crate::ir::{Binary, IntDiv, Unary};
use pk_dsl::scalar::{Const, Scalar};

/// The value of an integer.
fn value(a: Const) -> i128 {
    a.as_int().unwrap_or_else(|| ill_typed("integer", &[a]))
}

pub(super) fn unary(op: Unary, a: Const) -> Const {
    let scalar = a.scalar();
    let width = scalar.bits();
    let result = match op {
        Unary::Neg => -value(a),
        Unary::Not => !value(a),
        Unary::Abs => value(a).abs(),
        Unary::Popcount => a.bits().count_ones().into(),
        // The bits are zero-extended to 64.
        Unary::Clz => (a.bits().leading_zeros() - (64 - width)).into(),
        Unary::Ctz => a.bits().trailing_zeros().min(width).into(),
        Unary::Sqrt | Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint => ill_typed(op, &[a]),
    };
    Const::from_int(scalar, result)
}

pub(super) fn binary(op: Binary, a: Const, b: Const) -> Const {
    let (left, right) = (value(a), value(b));
    let result = match op {
        Binary::Add => left + right,
        Binary::Sub => left - right,
        // Only the low 64 bits count, and those survive the wrapping of `u64::MAX * u64::MAX`.
        Binary::Mul => left.wrapping_mul(right),
        Binary::Min => left.min(right),
        Binary::Max => left.max(right),
        Binary::And => left & right,
        Binary::Or => left | right,
        Binary::Xor => left ^ right,
        Binary::Shl => left << amount(b),
        Binary::Shr => left >> amount(b),
        Binary::Rotr => i128::from(rotate_right(a, amount(b))),
        Binary::Rotl => i128::from(rotate_right(a, a.scalar().bits() - amount(b))),
        Binary::Div | Binary::Copysign => ill_typed(op, &[a, b]),
    };
    Const::from_int(a.scalar(), result)
}

/// A shift amount, modulo the width. All widths are powers of two, so that the sign does not matter.
fn amount(b: Const) -> u32 {
    (b.bits() % u64::from(b.scalar().bits())) as u32
}

/// The low bits of two copies of `a`, one above the other, shifted right by up to the width.
fn rotate_right(a: Const, amount: u32) -> u64 {
    let twice = u128::from(a.bits()) << a.scalar().bits() | u128::from(a.bits());
    (twice >> amount) as u64
}

pub(super) fn bool_unary(op: Unary, a: Const) -> Const {
    match op {
        Unary::Not => Const::from_bits(Scalar::Bool, a.bits() ^ 1),
        _ => ill_typed(op, &[a]),
    }
}

pub(super) fn bool_binary(op: Binary, a: Const, b: Const) -> Const {
    let bits = match op {
        Binary::And | Binary::Min => a.bits() & b.bits(),
        Binary::Or | Binary::Max => a.bits() | b.bits(),
        Binary::Xor => a.bits() ^ b.bits(),
        _ => ill_typed(op, &[a, b]),
    };
    Const::from_bits(Scalar::Bool, bits)
}

/// Division by another number than zero.
pub(super) fn divide(op: IntDiv, dividend: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (dividend / divisor, dividend % divisor);
    let is_rounded_up = remainder != 0 && (remainder < 0) != (divisor < 0);
    match op {
        IntDiv::Div => quotient,
        IntDiv::Rem => remainder,
        IntDiv::DivFloor if is_rounded_up => quotient - 1,
        IntDiv::DivFloor => quotient,
        IntDiv::ModFloor if is_rounded_up => remainder + divisor,
        IntDiv::ModFloor => remainder,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        ir::{Binary, IntDiv, Unary},
        scalar_ops::{binary, int_div, unary},
    };
    use pk_dsl::scalar::{Const, Scalar};

    /// Every pair of 8-bit operands, as `i8` and as `u8`.
    fn for_all_pairs(mut check_i8: impl FnMut(i8, i8), mut check_u8: impl FnMut(u8, u8)) {
        for (a, b) in (0..=255u8).flat_map(|a| (0..=255u8).map(move |b| (a, b))) {
            check_i8(a as i8, b as i8);
            check_u8(a, b);
        }
    }

    fn check_binary(op: Binary, on_i8: fn(i8, i8) -> i8, on_u8: fn(u8, u8) -> u8) {
        for_all_pairs(
            |a, b| assert_eq!(binary(op, a.into(), b.into()), on_i8(a, b).into(), "{op:?} {a} {b}"),
            |a, b| assert_eq!(binary(op, a.into(), b.into()), on_u8(a, b).into(), "{op:?} {a} {b}"),
        );
    }

    #[test]
    fn binaries_are_those_of_rust_on_all_bytes() {
        check_binary(Binary::Add, i8::wrapping_add, u8::wrapping_add);
        check_binary(Binary::Sub, i8::wrapping_sub, u8::wrapping_sub);
        check_binary(Binary::Mul, i8::wrapping_mul, u8::wrapping_mul);
        check_binary(Binary::Min, i8::min, u8::min);
        check_binary(Binary::Max, i8::max, u8::max);
        check_binary(Binary::And, |a, b| a & b, |a, b| a & b);
        check_binary(Binary::Or, |a, b| a | b, |a, b| a | b);
        check_binary(Binary::Xor, |a, b| a ^ b, |a, b| a ^ b);
    }

    #[test]
    fn shifts_and_rotations_take_the_amount_modulo_the_width() {
        check_binary(Binary::Shl, |a, b| a.wrapping_shl(b as u32), |a, b| a.wrapping_shl(b.into()));
        check_binary(Binary::Shr, |a, b| a.wrapping_shr(b as u32), |a, b| a.wrapping_shr(b.into()));
        check_binary(
            Binary::Rotl,
            |a, b| a.rotate_left(b as u32 % 8),
            |a, b| a.rotate_left(u32::from(b) % 8),
        );
        check_binary(
            Binary::Rotr,
            |a, b| a.rotate_right(b as u32 % 8),
            |a, b| a.rotate_right(u32::from(b) % 8),
        );
    }

    fn check_div(op: IntDiv, exact: fn(f64, f64) -> f64) {
        let check = |scalar: Scalar, a: Const, b: Const| {
            let (lhs, rhs) = (a.as_int().expect("an integer"), b.as_int().expect("an integer"));
            let divisor = if rhs == 0 { 1 } else { rhs };
            let expected = Const::from_int(scalar, exact(lhs as f64, divisor as f64) as i128);
            assert_eq!(int_div(op, a, b), (expected, rhs == 0), "{op:?} {lhs} {rhs}");
        };
        for_all_pairs(
            |a, b| check(Scalar::I8, a.into(), b.into()),
            |a, b| check(Scalar::U8, a.into(), b.into()),
        );
    }

    #[test]
    fn divisions_are_those_of_exact_quotients_on_all_bytes() {
        // Quotients of bytes are far enough from the next integer for f64 to round to the right side.
        check_div(IntDiv::Div, |a, b| (a / b).trunc());
        check_div(IntDiv::Rem, |a, b| a - b * (a / b).trunc());
        check_div(IntDiv::DivFloor, |a, b| (a / b).floor());
        check_div(IntDiv::ModFloor, |a, b| a - b * (a / b).floor());
    }

    #[test]
    fn unaries_are_those_of_rust_on_all_bytes() {
        let check = |op, on_i8: fn(i8) -> i8, on_u8: fn(u8) -> u8| {
            for a in 0..=255u8 {
                assert_eq!(unary(op, (a as i8).into()), on_i8(a as i8).into(), "{op:?} {a}");
                assert_eq!(unary(op, a.into()), on_u8(a).into(), "{op:?} {a}");
            }
        };
        check(Unary::Neg, i8::wrapping_neg, u8::wrapping_neg);
        check(Unary::Not, |a| !a, |a| !a);
        check(Unary::Abs, i8::wrapping_abs, |a| a);
        check(Unary::Popcount, |a| a.count_ones() as i8, |a| a.count_ones() as u8);
        check(Unary::Clz, |a| a.leading_zeros() as i8, |a| a.leading_zeros() as u8);
        check(Unary::Ctz, |a| a.trailing_zeros() as i8, |a| a.trailing_zeros() as u8);
    }

    #[test]
    fn the_widest_integers_wrap() {
        let (min, minus_one) = (Const::from(i64::MIN), Const::from(-1i64));
        assert_eq!(unary(Unary::Abs, min), min);
        assert_eq!(binary(Binary::Mul, min, minus_one), min);
        assert_eq!(int_div(IntDiv::Div, min, minus_one), (min, false));
        assert_eq!(int_div(IntDiv::Rem, min, minus_one), (Const::from(0i64), false));
        assert_eq!(binary(Binary::Mul, u64::MAX.into(), u64::MAX.into()), Const::from(1u64));
        assert_eq!(binary(Binary::Rotl, u64::MAX.into(), 0u64.into()), Const::from(u64::MAX));
        assert_eq!(binary(Binary::Shl, 1u64.into(), 127u64.into()), Const::from(1u64 << 63));
        assert_eq!(unary(Unary::Clz, 0u64.into()), Const::from(64u64));
    }

    #[test]
    fn bool_is_logical() {
        for (a, b) in [(false, false), (false, true), (true, false), (true, true)] {
            let apply = |op| binary(op, a.into(), b.into());
            assert_eq!([apply(Binary::And), apply(Binary::Min)], [Const::from(a && b); 2]);
            assert_eq!([apply(Binary::Or), apply(Binary::Max)], [Const::from(a || b); 2]);
            assert_eq!(apply(Binary::Xor), Const::from(a != b));
            assert_eq!(unary(Unary::Not, a.into()), Const::from(!a));
        }
    }
}
