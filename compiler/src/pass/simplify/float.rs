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

#[cfg(test)]
mod tests {
    use crate::ir::{Binary, Unary};
    use crate::pass::testing::simplified;
    use pk_dsl::scalar::Scalar;

    fn is_gone(op: Binary, constant: f32) -> bool {
        let text = simplified(&[Scalar::F32], |b, params| {
            let constant = b.constant(constant);
            b.binary(op, params[0], constant)
        });
        text == "give v0"
    }

    #[test]
    fn only_the_exact_neutral_constants() {
        assert!(is_gone(Binary::Add, -0.0) && is_gone(Binary::Sub, 0.0));
        assert!(is_gone(Binary::Mul, 1.0) && is_gone(Binary::Div, 1.0));
        assert!(!is_gone(Binary::Add, 0.0) && !is_gone(Binary::Sub, -0.0) && !is_gone(Binary::Mul, 0.0));
        assert!(!is_gone(Binary::Min, f32::INFINITY) && !is_gone(Binary::Max, f32::NEG_INFINITY));
    }

    #[test]
    fn a_power_of_two_divides_by_multiplication() {
        let divided = |divisor: f32| {
            simplified(&[Scalar::F32], |b, params| {
                let divisor = b.constant(divisor);
                b.binary(Binary::Div, params[0], divisor)
            })
        };
        assert_eq!(divided(4.0), "v1: f32 = const 0.25; v2: f32 = mul v0, v1; give v2");
        assert_eq!(divided(-0.5), "v1: f32 = const -2.0; v2: f32 = mul v0, v1; give v2");
        for inexact in [3.0, 0.1, 0.0, f32::INFINITY, f32::NAN, f32::MIN_POSITIVE / 2.0, 2f32.powi(127)] {
            assert!(divided(inexact).contains("div"), "{inexact}");
        }
    }

    #[test]
    fn signs_are_absorbed_and_sums_stay_as_they_are() {
        let of = |op| {
            simplified(&[Scalar::F64; 2], |b, params| {
                let negated = params.iter().map(|param| b.unary(Unary::Neg, *param)).collect::<Vec<_>>();
                b.binary(op, negated[0], negated[1])
            })
        };
        assert_eq!(of(Binary::Mul), "v2: f64 = mul v0, v1; give v2");
        assert_eq!(of(Binary::Sub), "v2: f64 = neg v0; v3: f64 = add v2, v1; give v3");
        let regrouped = simplified(&[Scalar::F64], |b, params| {
            let (one, two) = (b.constant(1.0f64), b.constant(2.0f64));
            let sum = b.binary(Binary::Add, params[0], one);
            b.binary(Binary::Add, sum, two)
        });
        assert_eq!(regrouped.matches("add").count(), 2);
        let difference = simplified(&[Scalar::F64], |b, params| b.binary(Binary::Sub, params[0], params[0]));
        assert!(difference.contains("sub"));
    }
}
