//! `**`: by squaring where the exponent is a literal, else the library's powers.

use super::Lowering;
use crate::{
    ir::{Binary, Compare, Value},
    math::MathFn,
};
use pk_dsl::scalar::Scalar;

impl Lowering<'_> {
    /// `x ** exponent` by left-to-right binary powering.
    pub(super) fn power_of(&mut self, x: Value, exponent: i64) -> Value {
        let scalar = self.scalar_type(x);
        let magnitude = exponent.unsigned_abs();
        let one = self.builder.int(scalar, 1);
        if magnitude == 0 {
            return one;
        }
        let mut power = x;
        for bit in (0..magnitude.ilog2()).rev() {
            power = self.builder.binary(Binary::Mul, power, power);
            if magnitude >> bit & 1 == 1 {
                power = self.builder.binary(Binary::Mul, power, x);
            }
        }
        match exponent < 0 {
            true => self.builder.binary(Binary::Div, one, power),
            false => power,
        }
    }

    /// `base ** exponent` where neither is a literal.
    pub(super) fn power(&mut self, base: Value, exponent: Value) -> Value {
        let scalar = self.scalar_type(base);
        if scalar.is_float() {
            let exponent = self.builder.convert(exponent, scalar);
            return self.call(MathFn::Pow, scalar, &[base, exponent]);
        }
        let exponent = match self.scalar_type(exponent) {
            Scalar::U64 => self.reduce_exponent(exponent),
            _ => exponent,
        };
        let exponent = self.builder.convert(exponent, Scalar::I64);
        self.call(MathFn::PowInt, scalar, &[base, exponent])
    }

    /// An exponent that an `i64` holds, with the same power of every 64-bit integer: the powers of an odd one repeat
    /// after 2^62 steps, and those of an even one are 0 from the 64th on.
    fn reduce_exponent(&mut self, exponent: Value) -> Value {
        const PERIOD: u64 = 1 << 62;
        let (most, period) = (self.builder.constant(i64::MAX as u64), self.builder.constant(PERIOD));
        let mask = self.builder.constant(PERIOD - 1);
        let phase = self.builder.binary(Binary::And, exponent, mask);
        let reduced = self.builder.binary(Binary::Or, phase, period);
        let is_large = self.builder.compare(Compare::Gt, exponent, most);
        self.builder.select(is_large, reduced, exponent)
    }
}
