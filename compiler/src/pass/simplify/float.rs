//! Identities of floats: only those that hold for every input, with signed zeros, infinities and NaN.

use super::{Outcome, Simplifier};
use crate::ir::{Binary, Op, Unary, Value};
use pk_dsl::scalar::Const;

impl Simplifier<'_> {
    pub(super) fn float_binary(&mut self, op: Binary, a: Value, b: Value) -> Outcome {
        match self.body.constant(b).and_then(as_float) {
            Some(constant) => self.with_float(op, a, b, constant),
            None => self.with_signs(op, a, b),
        }
    }

    /// `a op b`, where `b` is `constant`.
    fn with_float(&mut self, op: Binary, a: Value, b: Value, constant: f64) -> Outcome {
        let is_negative_zero = constant == 0.0 && constant.is_sign_negative();
        let is_positive_zero = constant == 0.0 && constant.is_sign_positive();
        match op {
            Binary::Add if is_negative_zero => Outcome::value(a),
            Binary::Sub if is_positive_zero => Outcome::value(a),
            Binary::Mul | Binary::Div if constant == 1.0 => Outcome::value(a),
            Binary::Mul | Binary::Div if constant == -1.0 => Outcome::Op(Op::Unary(Unary::Neg, a)),
            Binary::Div => match self.body.constant(b).and_then(exact_reciprocal) {
                Some(reciprocal) => {
                    let factor = self.add_constant(reciprocal);
                    Outcome::Op(Op::Binary(Binary::Mul, a, factor))
                }
                None => Outcome::Keep,
            },
            _ => Outcome::Keep,
        }
    }

    /// Changes of sign, which are exact, absorbed by the operation.
    fn with_signs(&self, op: Binary, a: Value, b: Value) -> Outcome {
        if a == b && matches!(op, Binary::Min | Binary::Max | Binary::Copysign) {
            return Outcome::value(a);
        }
        match (op, self.negated(a), self.negated(b)) {
            (Binary::Add, _, Some(b)) => Outcome::Op(Op::Binary(Binary::Sub, a, b)),
            (Binary::Sub, _, Some(b)) => Outcome::Op(Op::Binary(Binary::Add, a, b)),
            (Binary::Mul | Binary::Div, Some(a), Some(b)) => Outcome::Op(Op::Binary(op, a, b)),
            _ => Outcome::Keep,
        }
    }

    /// What `value` is the negative of.
    fn negated(&self, value: Value) -> Option<Value> {
        match self.op(value) {
            Some(&Op::Unary(Unary::Neg, inner)) => Some(inner),
            _ => None,
        }
    }
}

fn as_float(constant: Const) -> Option<f64> {
    constant.as_f64().or_else(|| constant.as_f32().map(f64::from))
}

/// `1 / constant`, if `constant` is a power of two and neither is subnormal: then a division by the one and a
/// multiplication with the other round the same number.
fn exact_reciprocal(constant: Const) -> Option<Const> {
    let is_power = |is_normal: bool, mantissa: u64| is_normal && mantissa == 0;
    if let Some(float) = constant.as_f32() {
        let reciprocal = 1.0 / float;
        let mantissa = u64::from(float.to_bits()) & ((1 << 23) - 1);
        return (is_power(float.is_normal(), mantissa) && reciprocal.is_normal()).then(|| reciprocal.into());
    }
    let float = constant.as_f64()?;
    let reciprocal = 1.0 / float;
    let mantissa = float.to_bits() & ((1 << 52) - 1);
    (is_power(float.is_normal(), mantissa) && reciprocal.is_normal()).then(|| reciprocal.into())
}
