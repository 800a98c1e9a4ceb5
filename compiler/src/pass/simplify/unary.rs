//! Operations on one operand that undo or repeat another.

use super::{Outcome, Simplifier};
use crate::ir::{Binary, Op, Unary, Value};

impl Simplifier<'_> {
    pub(super) fn unary(&mut self, op: Unary, a: Value) -> Outcome {
        match (op, self.op(a)) {
            (Unary::Neg, Some(&Op::Unary(Unary::Neg, inner)))
            | (Unary::Not, Some(&Op::Unary(Unary::Not, inner))) => Outcome::value(inner),
            (Unary::Abs, Some(&Op::Unary(Unary::Abs, _))) => Outcome::value(a),
            (Unary::Abs, Some(&Op::Unary(Unary::Neg, inner))) => Outcome::Op(Op::Unary(Unary::Abs, inner)),
            // The difference of integers wraps, so its sign may be changed; that of floats may be zero, which has one.
            (Unary::Neg, Some(&Op::Binary(Binary::Sub, x, y))) if self.body.scalar(a).is_int() => {
                Outcome::Op(Op::Binary(Binary::Sub, y, x))
            }
            (Unary::Not, Some(&Op::Compare(compare, x, y))) => self.not_compare(compare, x, y),
            (
                Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint,
                Some(Op::Unary(Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint, _)),
            ) => Outcome::value(a),
            _ => Outcome::Keep,
        }
    }
}
