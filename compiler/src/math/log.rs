//! Logarithms.
//!
//! `x` is split as `2^k m` with `m` from sqrt(1/2) to sqrt 2. With `f = m - 1` and `s = f / (2 + f)`,
//! `log m = f - f^2/2 + s (f^2/2 + R(s^2))`, where a polynomial gives R: the leading terms are exact or nearly so
//! (W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980).

use super::{
    coefficients::{
        LN_2_TRIMMED_HIGH, LN_2_TRIMMED_LOW, LOG, LOG2_OF_E_HIGH, LOG2_OF_E_LOW, LOG10_2_TRIMMED_HIGH,
        LOG10_2_TRIMMED_LOW, LOG10_OF_E_HIGH, LOG10_OF_E_LOW,
    },
    emit::{Expr, binary_power},
    floats::{Pair, SMALLEST_NORMAL, exponent_field, int_to_float},
};
use pk_dsl::scalar::Scalar;
use std::f32::consts::FRAC_1_SQRT_2;

/// `2^exponent * mantissa`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split<'e> {
    /// An integer, as a float.
    pub(super) exponent: Expr<'e>,
    /// From sqrt(1/2) to sqrt 2.
    pub(super) mantissa: Expr<'e>,
}

/// Splits `x`, which must be positive and finite; of any other the parts mean nothing.
pub(super) fn split(x: Expr<'_>) -> Split<'_> {
    let format = x.format();
    let lift = format.mantissa_bits + 1;
    let is_subnormal = x.lt(SMALLEST_NORMAL);
    let bits = is_subnormal.select(x * binary_power(lift as i32), x).to_bits();
    let width = i64::from(format.mantissa_bits);
    // Adding it carries into the exponent from sqrt 2 on.
    let carry = match x.scalar() {
        Scalar::F32 => i64::from(1f32.to_bits() - FRAC_1_SQRT_2.to_bits()),
        _ => (1f64.to_bits() - std::f64::consts::FRAC_1_SQRT_2.to_bits()) as i64,
    };
    let exponent = exponent_field((bits + carry).bits_as(x.scalar())) - format.bias;
    let mantissa = (bits - (exponent << width)).bits_as(x.scalar());
    let lifted = is_subnormal.select(-f64::from(lift), x.like(0.0));
    Split { exponent: int_to_float(exponent, x) + lifted, mantissa }
}

/// `log m` in parts: `f`, `f^2/2` and `s (f^2/2 + R)`.
struct Terms<'e> {
    f: Expr<'e>,
    half_square: Expr<'e>,
    rest: Expr<'e>,
}

fn terms(mantissa: Expr<'_>) -> Terms<'_> {
    let f = mantissa - 1.0;
    let half_square = f * 0.5 * f;
    let s = f / (f + 2.0);
    let z = s * s;
    Terms { f, half_square, rest: s * z.mul_add(z.polynomial(&LOG), half_square) }
}

/// `log m`, to a few bits more than the working precision.
fn log_mantissa(mantissa: Expr<'_>) -> Pair<'_> {
    let Terms { f, half_square, rest } = terms(mantissa);
    let square_error = (f * 0.5).mul_add(f, -half_square);
    let leading = Pair::fast_sum(f, -half_square);
    Pair::fast_sum(leading.high, leading.low + (rest - square_error))
}

/// `result` where `x` is positive and finite, else the limit or NaN.
fn in_domain<'e>(x: Expr<'e>, result: Expr<'e>) -> Expr<'e> {
    let result = x.lt(f64::INFINITY).select(result, x);
    let result = x.eq(0.0).select(f64::NEG_INFINITY, result);
    x.lt(0.0).select(f64::NAN, result)
}

/// `log((x + low) 2^octaves)` for positive finite `x` and a `low` below its last place; no care is taken of other `x`.
pub(super) fn log_sum<'e>(x: Expr<'e>, low: Expr<'e>, octaves: Expr<'e>) -> Expr<'e> {
    let Split { exponent, mantissa } = split(x);
    let exponent = exponent + octaves;
    let Terms { f, half_square, rest } = terms(mantissa);
    let small = rest + exponent.mul_add(LN_2_TRIMMED_LOW, low / x);
    exponent.mul_add(LN_2_TRIMMED_HIGH, f - (half_square - small))
}

/// The natural logarithm.
pub(super) fn log(x: Expr<'_>) -> Expr<'_> {
    let Split { exponent, mantissa } = split(x);
    let Terms { f, half_square, rest } = terms(mantissa);
    let small = exponent.mul_add(LN_2_TRIMMED_LOW, rest);
    in_domain(x, exponent.mul_add(LN_2_TRIMMED_HIGH, f - (half_square - small)))
}

/// The logarithm to base 2, exact for powers of two.
pub(super) fn log2(x: Expr<'_>) -> Expr<'_> {
    let Split { exponent, mantissa } = split(x);
    let scale = Pair { high: x.like(LOG2_OF_E_HIGH), low: x.like(LOG2_OF_E_LOW) };
    let fraction = log_mantissa(mantissa).times(scale);
    let sum = Pair::fast_sum(exponent, fraction.high);
    in_domain(x, sum.high + (sum.low + fraction.low))
}

/// The logarithm to base 10.
pub(super) fn log10(x: Expr<'_>) -> Expr<'_> {
    let Split { exponent, mantissa } = split(x);
    let scale = Pair { high: x.like(LOG10_OF_E_HIGH), low: x.like(LOG10_OF_E_LOW) };
    let fraction = log_mantissa(mantissa).times(scale);
    let sum = Pair::fast_sum(exponent * LOG10_2_TRIMMED_HIGH, fraction.high);
    in_domain(x, sum.high + (sum.low + exponent.mul_add(LOG10_2_TRIMMED_LOW, fraction.low)))
}

/// `log(1 + x)`.
pub(super) fn log1p(x: Expr<'_>) -> Expr<'_> {
    let sum = Pair::sum(x.like(1.0), x);
    let result = in_domain(sum.high, log_sum(sum.high, sum.low, x.like(0.0)));
    // The sum loses the sign of zero.
    x.eq(0.0).select(x, result)
}

#[cfg(test)]
mod tests {
    use crate::{
        interp::eval,
        math::{MathFn, Routine, definition},
    };
    use pk_dsl::scalar::Scalar;

    #[test]
    fn binary_powers_and_logarithms_are_exact() {
        for exponent in -1074..=1023 {
            let (small, power) =
                (f64::from(exponent), 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2));
            for (function, x, y) in [(MathFn::Exp2, small, power), (MathFn::Log2, power, small)] {
                let routine = Routine { function, scalar: Scalar::F64 };
                assert_eq!(eval(definition(routine), &[x.into()]), [y.into()], "{function:?} {x}");
            }
        }
    }

    #[test]
    fn decimal_logarithms_of_powers_of_ten_are_exact() {
        let routine = Routine { function: MathFn::Log10, scalar: Scalar::F64 };
        for exponent in 0..=22 {
            let (power, small) = (10f64.powi(exponent), f64::from(exponent));
            assert_eq!(eval(definition(routine), &[power.into()]), [small.into()], "{power}");
        }
    }
}
