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
        if let Some(holds) = self.body.constant(cond).and_then(Const::as_bool) {
            return self.splice(if holds { arms[0] } else { arms[1] });
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

#[cfg(test)]
mod tests {
    use crate::ir::testing::{kernel, read};
    use crate::ir::{Binary, Builder, Op, Type, Unary, Value};
    use crate::pass::SIMPLIFY;
    use crate::pass::testing::{after, simplified};
    use pk_dsl::scalar::Scalar;

    fn conditional(b: &mut Builder, cond: Value, arms: [&dyn Fn(&mut Builder) -> Value; 2]) -> Value {
        let [then, otherwise] = arms.map(|arm| b.block(vec![], |b, _| vec![arm(b)]));
        b.single(Op::If { cond, then, otherwise }, Type::scalar(Scalar::F32))
    }

    #[test]
    fn a_known_condition_decides() {
        let text = simplified(&[Scalar::F32], |b, params| {
            let cond = b.constant(false);
            let arms: [&dyn Fn(&mut Builder) -> Value; 2] =
                [&|_| params[0], &|b| b.unary(Unary::Sqrt, params[0])];
            conditional(b, cond, arms)
        });
        assert_eq!(text, "v1: f32 = sqrt v0; give v1");
    }

    #[test]
    fn cheap_arms_are_both_evaluated() {
        let of = |roots: usize| {
            simplified(&[Scalar::Bool, Scalar::F32], |b, params| {
                let root = |b: &mut Builder| (0..roots).fold(params[1], |x, _| b.unary(Unary::Sqrt, x));
                conditional(b, params[0], [&root, &|_| params[1]])
            })
        };
        assert_eq!(of(2), "v2: f32 = sqrt v1; v3: f32 = sqrt v2; v4: f32 = select v0, v3, v1; give v4");
        assert!(of(3).contains("= if v0"));
    }

    #[test]
    fn an_arm_that_can_fault_keeps_its_condition() {
        let guarded = kernel(1, &[(Scalar::F32, &[0]), (Scalar::Bool, &[])], |b, sizes, params| {
            let element = |b: &mut Builder| read(b, params[0], sizes[0]);
            vec![conditional(b, params[1], [&element, &|b| b.constant(0.0f32)])]
        });
        let before = guarded.to_string();
        assert_eq!(after(guarded, &[SIMPLIFY]), before);
    }

    fn powers(range: [i64; 2], is_invariant: bool) -> String {
        simplified(&[Scalar::I64], |b, params| {
            let [start, end] = range.map(|end| b.constant(end));
            let types = vec![Type::scalar(Scalar::I64); 3];
            let body = b.block(types.clone(), |b, steps| {
                let factor = if is_invariant { steps[1] } else { b.binary(Binary::Xor, steps[1], steps[2]) };
                vec![factor, b.binary(Binary::Mul, steps[1], steps[2])]
            });
            let op = Op::Loop { start, end, init: vec![params[0], start], cond: None, body };
            b.multi(op, types[1..].to_vec())[1]
        })
    }

    #[test]
    fn a_loop_without_steps_gives_what_it_starts_with() {
        assert_eq!(powers([3, 3], false), "v1: i64 = const 3; give v1");
        assert!(powers([3, 4], false).contains("loop"));
    }

    #[test]
    fn a_carry_that_never_changes_is_no_carry() {
        assert!(powers([0, 9], true).contains("from v1; do"), "{}", powers([0, 9], true));
        assert!(powers([0, 9], false).contains("from v0, v1; do"), "{}", powers([0, 9], false));
    }

    #[test]
    fn elements_of_literal_arrays() {
        let of = |at: i64| {
            simplified(&[Scalar::F32; 2], |b, params| {
                let (extent, at) = (b.constant(2i64), b.constant(at));
                let ty = Type { scalar: Scalar::F32, shape: vec![extent] };
                let pair = b.single(Op::Array(params.to_vec()), ty);
                read(b, pair, at)
            })
        };
        assert_eq!(of(1), "give v1");
        assert!(of(2).contains("check"));
    }
}
