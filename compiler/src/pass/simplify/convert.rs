//! Conversions, and conversions of conversions.

use super::{Outcome, Simplifier};
use crate::ir::{Op, Value};
use pk_dsl::scalar::Scalar;

impl Simplifier<'_> {
    pub(super) fn convert(&mut self, a: Value, to: Scalar) -> Outcome {
        let through = self.body.scalar(a);
        if through == to {
            return Outcome::value(a);
        }
        match self.op(a) {
            Some(&Op::Convert(inner)) if is_redundant(self.body.scalar(inner), through, to) => {
                match self.body.scalar(inner) == to {
                    true => Outcome::value(inner),
                    false => Outcome::Op(Op::Convert(inner)),
                }
            }
            _ => Outcome::Keep,
        }
    }

    pub(super) fn bits(&mut self, a: Value, to: Scalar) -> Outcome {
        if self.body.scalar(a) == to {
            return Outcome::value(a);
        }
        match self.op(a) {
            Some(&Op::Bits(inner)) => Outcome::Op(Op::Bits(inner)),
            _ => Outcome::Keep,
        }
    }
}

/// Whether `from` to `through` to `to` gives the bits of `from` to `to`.
fn is_redundant(from: Scalar, through: Scalar, to: Scalar) -> bool {
    if from.is_int() && through.is_int() && to.is_int() && to.bits() <= through.bits() {
        // The low bits survive both.
        return true;
    }
    // From a float an integer saturates, from an integer it wraps: the same only where the value fits.
    let may_saturate = through.is_float() && !from.is_float() && to.is_int();
    keeps_value(from, through) && (!may_saturate || keeps_value(from, to))
}

/// Whether every value of type `from` is one of type `to`.
pub(in crate::pass) fn keeps_value(from: Scalar, to: Scalar) -> bool {
    let precision = |float| if float == Scalar::F32 { 24 } else { 53 };
    match (from.int_range(), to.int_range()) {
        (Some((low, high)), Some((to_low, to_high))) => to_low <= low && high <= to_high,
        (Some((_, high)), None) => to.is_float() && high < 1 << precision(to),
        (None, _) if from == Scalar::Bool => true,
        (None, None) => from == to || (from, to) == (Scalar::F32, Scalar::F64),
        (None, Some(_)) => false,
    }
}
