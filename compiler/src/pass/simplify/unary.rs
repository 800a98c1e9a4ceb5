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

#[cfg(test)]
mod tests {
    use crate::ir::{Binary, Unary};
    use crate::pass::testing::simplified;
    use pk_dsl::scalar::Scalar;

    fn twice(scalar: Scalar, first: Unary, second: Unary) -> String {
        simplified(&[scalar], |b, params| {
            let once = b.unary(first, params[0]);
            b.unary(second, once)
        })
    }

    #[test]
    fn what_is_undone_or_done_already() {
        assert_eq!(twice(Scalar::F32, Unary::Neg, Unary::Neg), "give v0");
        assert_eq!(twice(Scalar::F32, Unary::Neg, Unary::Abs), "v1: f32 = abs v0; give v1");
        assert_eq!(twice(Scalar::F64, Unary::Floor, Unary::Trunc), "v1: f64 = floor v0; give v1");
        assert_eq!(twice(Scalar::I8, Unary::Abs, Unary::Neg).matches("i8 = ").count(), 2);
    }

    #[test]
    fn only_the_difference_of_integers_changes_sign_by_order() {
        let of = |scalar| {
            simplified(&[scalar; 2], |b, params| {
                let difference = b.binary(Binary::Sub, params[0], params[1]);
                b.unary(Unary::Neg, difference)
            })
        };
        assert_eq!(of(Scalar::I32), "v2: i32 = sub v1, v0; give v2");
        assert!(of(Scalar::F32).contains("neg"));
    }
}
