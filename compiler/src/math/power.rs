//! Powers and roots.

use super::{
    coefficients::{
        LN_2_TRIMMED_HIGH, LN_2_TRIMMED_LOW, LOG_TAIL, RCBRT, RCBRT_2, RCBRT_4, THIRD_HIGH, THIRD_LOW,
    },
    emit::{Constant, Expr, binary_power},
    exp::exp_pair,
    floats::{Pair, SMALLEST_NORMAL, exponent_field, int_to_float, power_of_two, round_to_int, scale},
    log::{Split, split},
};
use pk_dsl::scalar::Scalar;

/// The natural logarithm of a positive finite `x` to some 12 bits more than the working precision: with
/// `s = (m - 1) / (m + 1)`, `log m = 2 s (1 + s^2/3 + s^4 T(s^2))`, where only the last term is in single numbers.
fn log_pair(x: Expr<'_>) -> Pair<'_> {
    let Split { exponent, mantissa } = split(x);
    let one = x.like(1.0);
    let numerator = Pair { high: mantissa - 1.0, low: x.like(0.0) };
    let s = numerator.over(Pair::fast_sum(one, mantissa));
    let square = s.times(s);
    let third = Pair { high: x.like(THIRD_HIGH), low: x.like(THIRD_LOW) };
    let cubic = square.times(third);
    let tail = (square.high * square.high) * square.high.polynomial(&LOG_TAIL);
    let series = Pair::fast_sum(cubic.high, cubic.low + tail);
    let double = Pair { high: s.high * 2.0, low: s.low * 2.0 };
    let higher = double.times(series);
    let fraction = Pair::fast_sum(double.high, higher.high);
    let fraction_low = fraction.low + (higher.low + double.low);
    let sum = Pair::fast_sum(exponent * LN_2_TRIMMED_HIGH, fraction.high);
    Pair::fast_sum(sum.high, sum.low + exponent.mul_add(LN_2_TRIMMED_LOW, fraction_low))
}

/// `x^y` for positive finite `x`.
fn positive_power<'e>(x: Expr<'e>, y: Expr<'e>) -> Expr<'e> {
    let log = log_pair(x);
    let product = Pair::product(log.high, y);
    let low = log.low.mul_add(y, product.low);
    // Beyond this the power is infinite or zero.
    let end = Constant { f32: 110.0, f64: 800.0 };
    let is_inside = product.high.abs().lt(end);
    let high = is_inside.select(product.high, x.like(end).copysign(product.high));
    let power = exp_pair(Pair { high, low: is_inside.select(low, x.like(0.0)) });
    scale(power.significand().value(), power.exponent)
}

/// `x^y`.
pub(super) fn pow<'e>(x: Expr<'e>, y: Expr<'e>) -> Expr<'e> {
    let magnitude = x.abs();
    let (zero, one) = (x.like(0.0), x.like(1.0));
    let half = y * 0.5;
    let is_integer = y.trunc().eq(y);
    let is_odd = is_integer & half.trunc().ne(half);
    let limit = |at_negative: f64, at_positive: f64| y.lt(0.0).select(at_negative, x.like(at_positive));
    let power = positive_power(magnitude, y);
    let power = magnitude.eq(0.0).select(limit(f64::INFINITY, 0.0), power);
    let power = magnitude.eq(f64::INFINITY).select(limit(0.0, f64::INFINITY), power);
    let power = magnitude.eq(1.0).select(one, power);
    let signed = is_odd.select(power.copysign(x), power);
    let is_undefined = x.lt(0.0) & magnitude.lt(f64::INFINITY) & !is_integer;
    let result = is_undefined.select(f64::NAN, signed);
    let result = (x.is_nan() | y.is_nan()).select(x + y, result);
    (x.eq(one) | y.eq(zero)).select(one, result)
}

/// The cube root: Newton's method for its reciprocal, which needs no division, and one last step for the root itself.
pub(super) fn cbrt(x: Expr<'_>) -> Expr<'_> {
    let format = x.format();
    let magnitude = x.abs();
    let is_subnormal = magnitude.lt(SMALLEST_NORMAL);
    let normal = is_subnormal.select(magnitude * binary_power(54), magnitude);
    let exponent = int_to_float(exponent_field(normal) - format.bias, x);
    let fraction = normal.to_bits() & ((1 << format.mantissa_bits) - 1);
    let mantissa = (fraction | x.like(1.0).to_bits()).bits_as(x.scalar());
    // The exponent divided by three, rounded down.
    let (third, root_exponent) = round_to_int((exponent - 1.0) * THIRD_HIGH);
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
        (z * THIRD_HIGH).mul_add(error, z)
    });
    let square = reciprocal * reciprocal;
    let root = x * square;
    let root_square = Pair::product(root, root);
    let rest = (-root_square.high).mul_add(root, x) - root_square.low * root;
    (square * THIRD_HIGH).mul_add(rest, root)
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
