//! Linear values: indices that grow by a constant from element to element.
//!
//! They cost one scalar for a whole group and make reads of neighbours contiguous. What depends on where an index stands
//! — comparisons, clamping, wrapping at the edges of an array — is decided once for the group: if its first and its last
//! element agree, all do; if not, the group is given up to scalar code. [`super::analysis::Class`] follows the same rules.

use super::{Group, Operand, analysis, pack::Pack};
use crate::ir::{Binary, Compare};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};

/// `first + k * step` for element `k` of a group, as an `i64`; sums wrap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    pub(super) first: Value,
    pub(super) step: i64,
}

impl Group<'_, '_, '_> {
    /// The value for the last element.
    pub(super) fn last(&mut self, linear: Linear) -> Value {
        let distance = linear.step * i64::from(self.size - 1);
        self.e.builder.ins().iadd_imm_s(linear.first, distance)
    }

    pub(super) fn linear_pack(&mut self, linear: Linear) -> Pack {
        let base = self.e.builder.ins().splat(types::I64X2, linear.first);
        let parts = (0..self.size / 2).map(|part| {
            let lane = |at: u32| i64::from(2 * part + at).wrapping_mul(linear.step) as u64;
            let offsets = self.constant_part(types::I64, lane);
            self.e.builder.ins().iadd(base, offsets)
        });
        Pack { lane: types::I64, parts: parts.collect() }
    }

    /// The least and the greatest value; gives the group up where sums wrap in between.
    fn bounds(&mut self, linear: Linear) -> [Value; 2] {
        let last = self.last(linear);
        let [low, high] = if linear.step >= 0 { [linear.first, last] } else { [last, linear.first] };
        let wraps = self.e.icmp(IntCC::SignedGreaterThan, low, high);
        self.bail_if(wraps);
        [low, high]
    }

    /// An operation on `i64` operands of which one is linear and none a pack, if its result is linear or uniform.
    pub(super) fn linear_binary(&mut self, op: Binary, a: &Operand, b: &Operand) -> Option<Operand> {
        let (x, y) = (self.as_linear(a)?, self.as_linear(b)?);
        let step = analysis::step_of(op, x.step, y.step, constant_of(a), constant_of(b))?;
        let first = match op {
            Binary::Add => self.e.builder.ins().iadd(x.first, y.first),
            Binary::Sub => self.e.builder.ins().isub(x.first, y.first),
            Binary::Mul => self.e.builder.ins().imul(x.first, y.first),
            Binary::Min | Binary::Max => {
                let (moving, bound) = if x.step != 0 { (x, y.first) } else { (y, x.first) };
                let [low, high] = self.bounds(moving);
                let is_bound = match op {
                    Binary::Min => self.e.icmp(IntCC::SignedGreaterThan, high, bound),
                    _ => self.e.icmp(IntCC::SignedLessThan, low, bound),
                };
                self.bail_if(is_bound);
                moving.first
            }
            _ => return None,
        };
        Some(Operand::Linear(Linear { first, step }))
    }

    /// A comparison of a linear and a uniform `i64`; one `bool` for the whole group.
    pub(super) fn linear_compare(&mut self, op: Compare, a: &Operand, b: &Operand) -> Option<Operand> {
        let (x, y) = (self.as_linear(a)?, self.as_linear(b)?);
        // The step of a linear value may be 0 as well, so steps do not tell which side moves.
        let (moving, bound, is_left) = match (x.step, y.step) {
            (_, 0) => (x, y.first, true),
            (0, _) => (y, x.first, false),
            _ => return None,
        };
        let [low, high] = self.bounds(moving);
        if let Compare::Eq | Compare::Ne = op {
            let above = self.e.icmp(IntCC::SignedLessThanOrEqual, low, bound);
            let below = self.e.icmp(IntCC::SignedLessThanOrEqual, bound, high);
            let meets = self.e.builder.ins().band(above, below);
            self.bail_if(meets);
            let never = i64::from(op == Compare::Ne);
            return Some(Operand::Uniform(self.e.builder.ins().iconst(types::I8, never)));
        }
        let mut at = |edge: Value| {
            let (lhs, rhs) = if is_left { (edge, bound) } else { (bound, edge) };
            self.e.compare(op, pk_dsl::scalar::Scalar::I64, lhs, rhs)
        };
        let (on_low, on_high) = (at(low), at(high));
        let differ = self.e.icmp(IntCC::NotEqual, on_low, on_high);
        self.bail_if(differ);
        Some(Operand::Uniform(on_low))
    }

    /// A choice between `i64` operands of which one is linear and none a pack. Where their steps differ, the group is
    /// given up unless the choice falls on the likelier one.
    pub(super) fn linear_select(&mut self, cond: Value, a: &Operand, b: &Operand) -> Option<Operand> {
        let (x, y) = (self.as_linear(a)?, self.as_linear(b)?);
        if x.step == y.step {
            let first = self.e.builder.ins().select(cond, x.first, y.first);
            return Some(Operand::Linear(Linear { first, step: x.step }));
        }
        let step = analysis::likelier_step(x.step, y.step);
        let is_unlikely = match step == x.step {
            true => self.e.icmp_zero(cond),
            false => cond,
        };
        self.bail_if(is_unlikely);
        Some(Operand::Linear(if step == x.step { x } else { y }))
    }

    /// A uniform value is linear with step 0; a pack is not linear.
    pub(super) fn as_linear(&mut self, operand: &Operand) -> Option<Linear> {
        match operand {
            Operand::Pack(_) => None,
            Operand::Constant(constant) => {
                let first = self.e.constant(*constant);
                Some(Linear { first, step: 0 })
            }
            Operand::Uniform(value) => Some(Linear { first: *value, step: 0 }),
            Operand::Linear(linear) => Some(*linear),
        }
    }
}

fn constant_of(operand: &Operand) -> Option<i64> {
    match operand {
        Operand::Constant(constant) => constant.as_int().map(|value| value as i64),
        _ => None,
    }
}
