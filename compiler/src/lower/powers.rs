//! `**`: by squaring where the exponent is a literal or the base an integer, else the library's `pow`.

use super::Lowering;
use crate::{
    ir::{Binary, Compare, Op, Type, Value},
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
        let exponent = self.builder.convert(exponent, Scalar::I64);
        self.int_power(base, exponent, scalar)
    }

    /// Wrapping, by right-to-left squaring: 63 steps at most. A negative exponent gives `1 / base ** -exponent`
    /// truncated: 0 but for 1 and -1, whose powers repeat with period 2.
    fn int_power(&mut self, base: Value, exponent: Value, scalar: Scalar) -> Value {
        let (zero, one) = (self.builder.constant(0i64), self.builder.int(scalar, 1));
        let parity = self.builder.constant(1i64);
        let is_negative = self.builder.compare(Compare::Lt, exponent, zero);
        let odd = self.builder.binary(Binary::And, exponent, parity);
        let steps = self.builder.select(is_negative, odd, exponent);
        let power = self.squaring_loop(base, steps, one, scalar);
        let is_unit = self.is_unit(base, one, scalar);
        let nothing = self.builder.int(scalar, 0);
        let inverse = self.builder.select(is_unit, power, nothing);
        self.builder.select(is_negative, inverse, power)
    }

    fn is_unit(&mut self, base: Value, one: Value, scalar: Scalar) -> Value {
        let is_one = self.builder.compare(Compare::Eq, base, one);
        if !scalar.is_signed_int() {
            return is_one;
        }
        let minus_one = self.builder.int(scalar, -1);
        let is_minus_one = self.builder.compare(Compare::Eq, base, minus_one);
        self.builder.binary(Binary::Or, is_one, is_minus_one)
    }

    fn squaring_loop(&mut self, base: Value, exponent: Value, one: Value, scalar: Scalar) -> Value {
        const BITS: i64 = 63;
        let (start, end) = (self.builder.constant(0i64), self.builder.constant(BITS));
        let carried = [Scalar::I64, scalar, scalar, Scalar::I64].map(Type::scalar);
        let cond = self.builder.block(carried.to_vec(), |builder, params| {
            let zero = builder.constant(0i64);
            vec![builder.compare(Compare::Ne, params[3], zero)]
        });
        let body = self.builder.block(carried.to_vec(), |builder, params| {
            let (power, square, rest) = (params[1], params[2], params[3]);
            let (zero, one) = (builder.constant(0i64), builder.constant(1i64));
            let low = builder.binary(Binary::And, rest, one);
            let is_set = builder.compare(Compare::Ne, low, zero);
            let product = builder.binary(Binary::Mul, power, square);
            let power = builder.select(is_set, product, power);
            let square = builder.binary(Binary::Mul, square, square);
            vec![power, square, builder.binary(Binary::Shr, rest, one)]
        });
        let init = vec![one, base, exponent];
        let op = Op::Loop { start, end, init, cond: Some(cond), body };
        self.builder.multi(op, carried[1..].to_vec())[0]
    }
}
