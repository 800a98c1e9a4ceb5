//! Comparisons and selections.

use super::{Outcome, Simplifier};
use crate::ir::{Binary, Compare, Op, Unary, Value};
use crate::scalar_ops;
use pk_dsl::scalar::{Const, Scalar};

impl Simplifier<'_> {
    pub(super) fn compare(&mut self, op: Compare, a: Value, b: Value) -> Outcome {
        if self.body.constant(a).is_some() && self.body.constant(b).is_none() {
            return Outcome::Op(Op::Compare(mirrored(op), b, a));
        }
        let scalar = self.body.scalar(a);
        // A NaN is not even equal to itself.
        if a == b && !scalar.is_float() {
            let holds = matches!(op, Compare::Eq | Compare::Le | Compare::Ge);
            return Outcome::constant(holds.into());
        }
        match scalar {
            Scalar::Bool => self.compare_bool(op, a, b),
            _ if scalar.is_int() => self.compare_offset(op, a, b),
            _ => Outcome::Keep,
        }
    }

    fn compare_bool(&self, op: Compare, a: Value, b: Value) -> Outcome {
        match (op, self.body.constant(b).and_then(Const::as_bool)) {
            (Compare::Eq, Some(true)) | (Compare::Ne, Some(false)) => Outcome::value(a),
            (Compare::Eq, Some(false)) | (Compare::Ne, Some(true)) => Outcome::Op(Op::Unary(Unary::Not, a)),
            _ => Outcome::Keep,
        }
    }

    /// `x + c == b` as `x == b - c` for constants; only equality survives the wrapping.
    fn compare_offset(&mut self, op: Compare, a: Value, b: Value) -> Outcome {
        let Some(&Op::Binary(Binary::Add, x, c)) = self.op(a) else { return Outcome::Keep };
        match (op, self.body.constant(c), self.body.constant(b)) {
            (Compare::Eq | Compare::Ne, Some(c), Some(b)) => {
                let difference = self.add_constant(scalar_ops::binary(Binary::Sub, b, c));
                Outcome::Op(Op::Compare(op, x, difference))
            }
            _ => Outcome::Keep,
        }
    }

    /// `!(x op y)`: the opposite comparison, unless a NaN makes both false.
    pub(super) fn not_compare(&self, op: Compare, x: Value, y: Value) -> Outcome {
        match (op, self.body.scalar(x).is_float()) {
            (Compare::Eq | Compare::Ne, _) | (_, false) => Outcome::Op(Op::Compare(opposite(op), x, y)),
            _ => Outcome::Keep,
        }
    }

    pub(super) fn select(&mut self, cond: Value, a: Value, b: Value) -> Outcome {
        if a == b {
            return Outcome::value(a);
        }
        match (self.body.constant(cond).and_then(Const::as_bool), self.op(cond)) {
            (Some(true), _) => return Outcome::value(a),
            (Some(false), _) => return Outcome::value(b),
            (None, Some(&Op::Unary(Unary::Not, inner))) => return Outcome::Op(Op::Select(inner, b, a)),
            _ => {}
        }
        match self.body.scalar(a) {
            Scalar::Bool => self.select_bool(cond, a, b),
            _ => Outcome::Keep,
        }
    }

    fn select_bool(&mut self, cond: Value, a: Value, b: Value) -> Outcome {
        let constant = |value| self.body.constant(value).and_then(Const::as_bool);
        match (constant(a), constant(b)) {
            (Some(true), Some(false)) => Outcome::value(cond),
            (Some(false), Some(true)) => Outcome::Op(Op::Unary(Unary::Not, cond)),
            (Some(true), _) => Outcome::Op(Op::Binary(Binary::Or, cond, b)),
            (_, Some(false)) => Outcome::Op(Op::Binary(Binary::And, cond, a)),
            (Some(false), _) => {
                let not = self.add(Op::Unary(Unary::Not, cond), Scalar::Bool);
                Outcome::Op(Op::Binary(Binary::And, not, b))
            }
            (_, Some(true)) => {
                let not = self.add(Op::Unary(Unary::Not, cond), Scalar::Bool);
                Outcome::Op(Op::Binary(Binary::Or, not, a))
            }
            _ => Outcome::Keep,
        }
    }

    /// A check that holds checks nothing.
    pub(super) fn check(&self, cond: Value) -> Outcome {
        match self.body.constant(cond).and_then(Const::as_bool) {
            Some(true) => Outcome::Values(Vec::new()),
            _ => Outcome::Keep,
        }
    }
}

/// The comparison with its sides exchanged.
fn mirrored(op: Compare) -> Compare {
    match op {
        Compare::Eq | Compare::Ne => op,
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
    }
}

/// The comparison that holds where `op` does not, of operands that are ordered.
fn opposite(op: Compare) -> Compare {
    match op {
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
        Compare::Lt => Compare::Ge,
        Compare::Le => Compare::Gt,
        Compare::Gt => Compare::Le,
        Compare::Ge => Compare::Lt,
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::{Binary, Compare, Unary};
    use crate::pass::testing::simplified;
    use pk_dsl::scalar::Scalar;

    #[test]
    fn a_value_is_equal_to_itself_unless_it_may_be_nan() {
        let of = |scalar, op| simplified(&[scalar], |b, params| b.compare(op, params[0], params[0]));
        assert_eq!(of(Scalar::I8, Compare::Le), "v1: bool = const true; give v1");
        assert_eq!(of(Scalar::I8, Compare::Lt), "v1: bool = const false; give v1");
        assert_eq!(of(Scalar::F32, Compare::Eq), "v1: bool = eq v0, v0; give v1");
    }

    #[test]
    fn negation_reverses_what_nan_does_not_spoil() {
        let of = |scalar, op| {
            simplified(&[scalar; 2], |b, params| {
                let comparison = b.compare(op, params[0], params[1]);
                b.unary(Unary::Not, comparison)
            })
        };
        assert_eq!(of(Scalar::I32, Compare::Lt), "v2: bool = ge v0, v1; give v2");
        assert_eq!(of(Scalar::F32, Compare::Eq), "v2: bool = ne v0, v1; give v2");
        assert_eq!(of(Scalar::F32, Compare::Lt), "v2: bool = lt v0, v1; v3: bool = not v2; give v3");
    }

    #[test]
    fn offsets_move_over_equality_alone() {
        let of = |op| {
            simplified(&[Scalar::I32], |b, params| {
                let (one, three) = (b.int(Scalar::I32, 1), b.int(Scalar::I32, 3));
                let sum = b.binary(Binary::Add, params[0], one);
                b.compare(op, three, sum)
            })
        };
        assert_eq!(of(Compare::Eq), "v1: i32 = const 2; v2: bool = eq v0, v1; give v2");
        assert!(of(Compare::Lt).contains("gt") && of(Compare::Lt).contains("add"));
    }

    #[test]
    fn selections() {
        let of = |a: Option<bool>, b: Option<bool>| {
            simplified(&[Scalar::Bool; 3], |builder, params| {
                let a = a.map_or(params[1], |a| builder.constant(a));
                let b = b.map_or(params[2], |b| builder.constant(b));
                builder.select(params[0], a, b)
            })
        };
        assert_eq!(of(Some(true), Some(false)), "give v0");
        assert_eq!(of(Some(false), Some(true)), "v3: bool = not v0; give v3");
        assert_eq!(of(Some(true), None), "v3: bool = or v0, v2; give v3");
        assert_eq!(of(None, Some(false)), "v3: bool = and v0, v1; give v3");
        assert_eq!(of(Some(false), None), "v3: bool = not v0; v4: bool = and v3, v2; give v4");
        assert_eq!(of(None, None), "v3: bool = select v0, v1, v2; give v3");
        let of_equal = simplified(&[Scalar::Bool, Scalar::F32], |b, params| {
            let not = b.unary(Unary::Not, params[0]);
            b.select(not, params[1], params[1])
        });
        assert_eq!(of_equal, "give v1");
    }
}
