//! Conditionals, loops and reads whose outcome is known or that are cheaper as scalar code.

use super::{Outcome, Simplifier};
use crate::ir::{Block, Inst, InstData, Op, Value};
use crate::pass::effects::{gives_scalars, is_speculable, total_cost};
use pk_dsl::scalar::Const;

/// Both arms of a conditional are evaluated and one is selected if together they cost no more than this: a branch that
/// is predicted badly costs about as much, and straight code is what lanes need.
const MAX_SPECULATED_COST: u32 = 16;

impl Simplifier<'_> {
    pub(super) fn conditional(&mut self, inst: Inst, cond: Value, arms: [Block; 2]) -> Outcome {
        match self.body.constant(cond).and_then(Const::as_bool) {
            Some(holds) => return self.splice(if holds { arms[0] } else { arms[1] }),
            None => {}
        }
        if gives_scalars(self.body, inst) && self.is_cheap(arms) {
            return self.evaluate_both(cond, arms);
        }
        self.replace_equal_results(inst, arms);
        Outcome::Keep
    }

    /// The instructions of `block` in place of what owns it.
    fn splice(&mut self, block: Block) -> Outcome {
        let insts = std::mem::take(&mut self.body.blocks[block].insts);
        self.added.extend(insts);
        Outcome::Values(self.body.blocks[block].results.clone())
    }

    fn is_cheap(&self, arms: [Block; 2]) -> bool {
        let arms = arms.map(|block| &self.body.blocks[block].insts[..]);
        arms.iter().map(|insts| total_cost(self.body, insts)).sum::<u32>() <= MAX_SPECULATED_COST
            && arms.into_iter().flatten().all(|inst| is_speculable(self.body, *inst))
    }

    fn evaluate_both(&mut self, cond: Value, arms: [Block; 2]) -> Outcome {
        let [then, otherwise] = arms.map(|block| {
            self.splice(block);
            self.body.blocks[block].results.clone()
        });
        let results = then.into_iter().zip(otherwise).map(|(a, b)| {
            let scalar = self.body.scalar(a);
            self.add(Op::Select(cond, a, b), scalar)
        });
        Outcome::Values(results.collect())
    }

    fn replace_equal_results(&mut self, inst: Inst, [then, otherwise]: [Block; 2]) {
        for (index, &result) in self.body.insts[inst].results.iter().enumerate() {
            let of_arm = |block| self.replacements.get(self.body.blocks[block].results[index]);
            if of_arm(then) == of_arm(otherwise) && self.replacements.get(result) == result {
                self.replacements.insert(result, of_arm(then));
            }
        }
    }

    pub(super) fn sequential(&mut self, start: Value, end: Value, init: Vec<Value>) -> Outcome {
        match (self.int(start), self.int(end)) {
            (Some(start), Some(end)) if start >= end => Outcome::Values(init),
            _ => Outcome::Keep,
        }
    }

    /// Uses the first value of each carry that a step of a loop hands on as it is; the carry itself is then dead.
    pub(super) fn replace_invariant_carries(&mut self, inst: Inst) {
        let InstData { op: Op::Loop { init, cond, body, .. }, results } = &self.body.insts[inst] else {
            return;
        };
        for (index, &first) in init.iter().enumerate() {
            // The parameters are the index and the carries.
            let param = self.body.blocks[*body].params[index + 1];
            if self.body.blocks[*body].results[index] != param || first == param {
                continue;
            }
            let in_cond = cond.map(|block| self.body.blocks[block].params[index + 1]);
            for value in [param, results[index]].into_iter().chain(in_cond) {
                if self.replacements.get(value) == value {
                    self.replacements.insert(value, first);
                }
            }
        }
    }

    /// An element of a literal array at a known place.
    pub(super) fn index(&self, array: Value, indices: &[Value]) -> Outcome {
        let (Some(Op::Array(elements)), [index]) = (self.op(array), indices) else { return Outcome::Keep };
        let at = self.int(*index).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| elements.get(at)).map_or(Outcome::Keep, |element| Outcome::value(*element))
    }
}
