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
