//! The remainder of a division of floats, which is always exact.

use super::{
    emit::{Expr, binary_power},
    floats::{exponent_field, scale},
};
use pk_dsl::scalar::Scalar;

/// `x - trunc(x / y) * y`, with the sign of `x`.
pub(super) fn fmod<'e>(x: Expr<'e>, y: Expr<'e>) -> Expr<'e> {
    let (dividend, divisor) = (x.abs(), y.abs());
    let quotient = dividend / divisor;
    // If the quotient is an integer by rounding up, the remainder is short of one divisor.
    let rest = (-quotient.trunc()).mul_add(divisor, dividend);
    let near = rest.lt(0.0).select(rest + divisor, rest);
    let near = dividend.lt(divisor).select(dividend, near);
    let is_inexact = quotient.ge(binary_power(x.format().mantissa_bits as i32));
    let is_far = is_inexact & dividend.lt(f64::INFINITY) & divisor.gt(0.0);
    let [result] = x.emitter().rarely(is_far, [near], || [long_division(dividend, divisor)]);
    result.copysign(x)
}

/// A positive finite float as integers: `significand * 2^exponent`, up to a bias of the exponent.
struct Parts<'e> {
    significand: Expr<'e>,
    exponent: Expr<'e>,
}

fn parts(x: Expr<'_>) -> Parts<'_> {
    let format = x.format();
    let width = i64::from(format.mantissa_bits);
    let field = exponent_field(x).to(Scalar::I64);
    let fraction = x.to_bits().to(Scalar::U64) & ((1 << width) - 1);
    let is_subnormal = field.eq(0);
    let significand = is_subnormal.select(fraction, fraction | (1 << width));
    Parts { significand, exponent: is_subnormal.select(1, field) }
}

/// The remainder of positive finite floats by long division of their significands, as many bits at a time as 64-bit
/// integers hold beside a significand.
fn long_division<'e>(dividend: Expr<'e>, divisor: Expr<'e>) -> Expr<'e> {
    let format = dividend.format();
    let emitter = dividend.emitter();
    let (dividend_parts, divisor_parts) = (parts(dividend), parts(divisor));
    let modulus = divisor_parts.significand;
    let distance = (dividend_parts.exponent - divisor_parts.exponent).bits_as(Scalar::U64);
    let chunk = 63 - i64::from(format.mantissa_bits);
    let first = distance.remainder(distance.like(chunk));
    let steps = (distance - first).quotient(distance.like(chunk)).bits_as(Scalar::I64);
    let rest = (dividend_parts.significand.remainder(modulus) << first).remainder(modulus);
    let [rest] = emitter.repeat(steps, [rest], |[rest]| [(rest << chunk).remainder(modulus)]);
    let exponent = divisor_parts.exponent.to(format.int) - (format.bias + i64::from(format.mantissa_bits));
    scale(rest.to(dividend.scalar()), exponent)
}

#[cfg(test)]
mod tests {
    use crate::{
        interp::eval,
        math::{MathFn, Routine, definition},
    };
    use pk_dsl::scalar::{Const, Scalar};

    #[test]
    fn remainders_are_those_of_the_host() {
        let body = definition(Routine { function: MathFn::Fmod, scalar: Scalar::F64 });
        let step = 0x0031_4159_2653_5897;
        for bits in (0..=u64::MAX).step_by(step) {
            // A divisor of any size, and one up to 1023 octaves smaller.
            for divisor in [f64::from_bits(bits.reverse_bits()), f64::from_bits((bits & !(1 << 63)) >> 1)] {
                let dividend = f64::from_bits(bits);
                let found = eval(body, &[dividend.into(), divisor.into()])[0];
                assert!(found.same(Const::from(dividend % divisor)), "{dividend:e} % {divisor:e}: {found}");
            }
        }
    }
}
