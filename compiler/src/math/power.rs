//! Powers and roots.

use super::{
    coefficients::{
        EXP2, LOG2_TAIL, RCBRT, RCBRT_2, RCBRT_4, THIRD, TWICE_LOG2_E_HIGH, TWICE_LOG2_E_LOW,
        TWO_THIRDS_LOG2_E_HIGH, TWO_THIRDS_LOG2_E_LOW,
    },
    emit::{Constant, Expr, binary_power},
    exp::{EXP2_HIGH, EXP2_LOW},
    floats::{
        Pair, SMALLEST_NORMAL, clamp, exponent_field, int_to_float, power_of_two, round_to_int, scale,
        sign_bit,
    },
    log::{Split, split},
};
use pk_dsl::scalar::Scalar;

/// The binary logarithm of a positive finite `x` to some 12 bits more than the working precision: with
/// `s = (m - 1) / (m + 1)`, `log2 m = s (a + s^2 (b + s^2 T(s^2)))`, where only the innermost product is in single
/// numbers.
fn log2_pair(x: Expr<'_>) -> Pair<'_> {
    let Split { exponent, mantissa } = split(x);
    let s = atanh_argument(mantissa);
    let square = s.high * s.high;
    let square_low = (s.high + s.high).mul_add(s.low, s.high.mul_add(s.high, -square));
    let tail = square * square.polynomial(&LOG2_TAIL);
    let inner = Pair::fast_sum(x.like(TWO_THIRDS_LOG2_E_HIGH), tail);
    let inner = Pair { high: inner.high, low: inner.low + TWO_THIRDS_LOG2_E_LOW };
    let higher = Pair { high: square, low: square_low }.times_loosely(inner);
    let outer = Pair::fast_sum(x.like(TWICE_LOG2_E_HIGH), higher.high);
    let outer = Pair { high: outer.high, low: outer.low + (higher.low + TWICE_LOG2_E_LOW) };
    let fraction = s.times_loosely(outer);
    let sum = Pair::fast_sum(exponent, fraction.high);
    Pair { high: sum.high, low: sum.low + fraction.low }
}

/// `(m - 1) / (m + 1)`, by one division.
fn atanh_argument(mantissa: Expr<'_>) -> Pair<'_> {
    let numerator = mantissa - 1.0;
    let denominator = Pair::fast_sum(mantissa.like(1.0), mantissa);
    let reciprocal = 1.0 / denominator.high;
    let high = numerator * reciprocal;
    let rest = (-high).mul_add(denominator.low, (-high).mul_add(denominator.high, numerator));
    Pair { high, low: rest * reciprocal }
}

/// `x^y` for `x` that is not negative, unless `y` is zero or `x` is 1 and `y` NaN.
fn positive_power<'e>(x: Expr<'e>, y: Expr<'e>) -> Expr<'e> {
    let log = log2_pair(x);
    let log_high = x.lt(f64::INFINITY).select(log.high, x);
    let log_high = x.eq(0.0).select(f64::NEG_INFINITY, log_high);
    // Beyond these, every power but that of 1 is infinite or zero.
    let y = clamp(y, -Constant::binary_powers(40, 70), Constant::binary_powers(40, 70));
    let product = Pair::product(log_high, y);
    let low = log.low.mul_add(y, product.low);
    let high = clamp(product.high, EXP2_LOW, EXP2_HIGH);
    let low = high.eq(product.high).select(low, x.like(0.0));
    let (n, exponent) = round_to_int(high);
    let r = (high - n) + low;
    scale(r.mul_add(r.polynomial(&EXP2), 1.0), exponent)
}

/// `x^y`.
pub(super) fn pow<'e>(x: Expr<'e>, y: Expr<'e>) -> Expr<'e> {
    let magnitude = x.abs();
    let one = x.like(1.0);
    let half = y * 0.5;
    let is_integer = y.trunc().eq(y);
    let is_odd = is_integer & half.trunc().ne(half);
    let power = positive_power(magnitude, y);
    let sign = is_odd.select(sign_bit(x), x.bits_of(Constant::new(0.0)));
    let signed = (power.to_bits() | sign).bits_as(x.scalar());
    let is_undefined = x.lt(0.0) & x.gt(f64::NEG_INFINITY) & !is_integer;
    let result = is_undefined.select(f64::NAN, signed);
    (x.eq(one) | y.eq(0.0)).select(one, result)
}

/// The cube root: Newton's method for its reciprocal, which needs no division, and one last step for the root itself.
pub(super) fn cbrt(x: Expr<'_>) -> Expr<'_> {
    let format = x.format();
    let magnitude = x.abs();
    let is_subnormal = magnitude.lt(SMALLEST_NORMAL);
    let normal = is_subnormal.select(magnitude * binary_power(54), magnitude);
    let exponent = int_to_float(exponent_field(normal) - format.bias, x);
    let fraction = normal.to_bits() & ((1 << format.mantissa_bits) - 1);
    let mantissa = (fraction | x.bits_of(Constant::new(1.0))).bits_as(x.scalar());
    // The exponent divided by three, rounded down.
    let (third, root_exponent) = round_to_int((exponent - 1.0) * THIRD);
    let rest = exponent - third * 3.0;
    let by_rest = |at_zero: Constant, at_one: Constant, at_two: Constant| {
        rest.eq(1.0).select(at_one, rest.eq(2.0).select(at_two, x.like(at_zero)))
    };
    let [one, two, four] = [1.0, 2.0, 4.0].map(Constant::new);
    let argument = mantissa * by_rest(one, two, four);
    let start = mantissa.polynomial(&RCBRT) * by_rest(one, RCBRT_2, RCBRT_4);
    let root = refine_root(argument, start);
    let unlift = is_subnormal.select(-18, root_exponent.like(0));
    let result = root * power_of_two(root_exponent + unlift, x);
    (magnitude.gt(0.0) & magnitude.lt(f64::INFINITY)).select(result.copysign(x), x)
}

/// The cube root of `x` from 14 bits of its reciprocal.
fn refine_root<'e>(x: Expr<'e>, reciprocal: Expr<'e>) -> Expr<'e> {
    let steps = if x.scalar() == Scalar::F32 { 1 } else { 2 };
    let reciprocal = (0..steps).fold(reciprocal, |z, _| {
        let error = (-x * z * z).mul_add(z, 1.0);
        (z * THIRD).mul_add(error, z)
    });
    let square = reciprocal * reciprocal;
    let root = x * square;
    let root_square = Pair::product(root, root);
    let rest = (-root_square.high).mul_add(root, x) - root_square.low * root;
    (square * THIRD).mul_add(rest, root)
}

/// `sqrt(x^2 + y^2)` without overflow or underflow on the way.
pub(super) fn hypot<'e>(x: Expr<'e>, y: Expr<'e>) -> Expr<'e> {
    let (x, y) = (x.abs(), y.abs());
    let is_swapped = x.lt(y);
    let (large, small) = (is_swapped.select(y, x), is_swapped.select(x, y));
    let (low, high) = (Constant::binary_powers(-40, -400), Constant::binary_powers(50, 400));
    let (up, down) = (Constant::binary_powers(90, 700), Constant::binary_powers(-90, -700));
    let by_size = |at_small: Constant, at_large: Constant| {
        large.lt(low).select(at_small, large.gt(high).select(at_large, x.like(1.0)))
    };
    let factor = by_size(up, down);
    let (large_square, small_square) =
        (Pair::product(large * factor, large * factor), Pair::product(small * factor, small * factor));
    let sum = Pair::fast_sum(large_square.high, small_square.high);
    let sum_low = sum.low + (large_square.low + small_square.low);
    let root = sum.high.sqrt();
    let rest = (-root).mul_add(root, sum.high) + sum_low;
    let result = (root + rest / (root + root)) * by_size(down, up);
    let result = (large.eq(0.0) & small.eq(0.0)).select(0.0, result);
    (x.eq(f64::INFINITY) | y.eq(f64::INFINITY)).select(f64::INFINITY, result)
}

/// `base^exponent` of integers, wrapping, by squaring. A negative exponent gives the reciprocal of the power, rounded
/// toward zero: 1 for 1, 1 or -1 for -1, else 0.
pub(super) fn pow_int<'e>(base: Expr<'e>, exponent: Expr<'e>) -> Expr<'e> {
    let bits = exponent.bits_as(Scalar::U64);
    let steps = bits.like(64) - bits.leading_zeros();
    let steps = steps.bits_as(Scalar::I64);
    let emitter = base.emitter();
    // The bits of a negative exponent have its parity, which is all that powers of 1 and -1 ask for.
    let [power, ..] = emitter.repeat(steps, [base.like(1), base, bits], |[power, square, bits]| {
        let is_set = (bits & 1).ne(0);
        [is_set.select(power * square, power), square * square, bits >> 1]
    });
    let is_unit = base.eq(1);
    let is_unit = if base.scalar().is_signed_int() { is_unit | base.eq(-1) } else { is_unit };
    (exponent.lt(0) & !is_unit).select(0, power)
}

#[cfg(test)]
mod tests {
    use crate::{
        interp::eval,
        math::{MathFn, Routine, definition},
    };
    use pk_dsl::scalar::Const;

    fn pow_int(base: Const, exponent: i64) -> Const {
        let routine = Routine { function: MathFn::PowInt, scalar: base.scalar() };
        eval(definition(routine), &[base, Const::from(exponent)])[0]
    }

    #[test]
    fn integer_powers_wrap_like_repeated_products() {
        for scalar in MathFn::PowInt.scalars() {
            for base in [-128, -7, -1, 0, 1, 2, 3, 10, 127, 255, 1 << 40] {
                let base = Const::from_int(*scalar, base);
                let mut expected = 1i128;
                for exponent in 0..70 {
                    let wrapped = Const::from_int(*scalar, expected);
                    assert_eq!(pow_int(base, exponent), wrapped, "{base} ** {exponent} as {scalar}");
                    let factor = base.as_int().expect("an integer");
                    expected = wrapped.as_int().expect("an integer").wrapping_mul(factor);
                }
            }
        }
    }

    #[test]
    fn negative_integer_powers_are_truncated_reciprocals() {
        for exponent in [-1, -2, -3, i64::MIN, i64::MIN + 1] {
            let minus_one = if exponent % 2 == 0 { 1i8 } else { -1 };
            for (base, expected) in [(1, 1), (-1, minus_one), (0, 0), (2, 0), (-2, 0), (i8::MIN, 0)] {
                assert_eq!(pow_int(base.into(), exponent), expected.into(), "{base} ** {exponent}");
            }
            for (base, expected) in [(1u8, 1u8), (255, 0), (0, 0)] {
                assert_eq!(pow_int(base.into(), exponent), expected.into(), "{base} ** {exponent}");
            }
        }
    }
}
