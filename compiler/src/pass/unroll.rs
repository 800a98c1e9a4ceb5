//! Unrolling: a short loop that always takes the same few steps becomes the steps, which saves the counting, the jumps
//! and the looks at the cancel flag in between.
//!
//! Only loops over scalars whose steps are plain operations: what can fault, what reads memory and what has blocks
//! inside stays where it stands.

use super::effects::is_speculable;
use super::rewrite::{Copier, Replacements, add_inst};
use crate::deadline::Deadline;
use crate::ir::{Block, Body, Inst, Kernel, Op, Type, Value};
use pk_dsl::scalar::{Const, Scalar};

/// So many instructions come of a loop at most.
const MOST_INSTS: usize = 64;

/// Unrolls loops; whether there were any.
pub(super) fn run(kernel: &mut Kernel, deadline: &Deadline) -> bool {
    let body = &mut kernel.body;
    let mut blocks = Vec::new();
    body.for_each_block(body.entry, |block| blocks.push(block));
    let mut replacements = Replacements::default();
    let mut is_changed = false;
    for block in blocks {
        if deadline.has_passed() {
            return is_changed;
        }
        is_changed |= unroll_in(body, block, &mut replacements);
    }
    replacements.apply(body);
    is_changed
}

/// Unrolls the loops that stand in `block`; whether there were any.
fn unroll_in(body: &mut Body, block: Block, replacements: &mut Replacements) -> bool {
    let insts = std::mem::take(&mut body.blocks[block].insts);
    let mut out = Vec::with_capacity(insts.len());
    let mut is_changed = false;
    for inst in insts {
        let Some(steps) = Steps::of(body, inst) else {
            out.push(inst);
            continue;
        };
        let results = body.insts[inst].results.clone();
        let last = steps.unroll(body, &mut out);
        replacements.insert_all(&results, &last);
        is_changed = true;
    }
    body.blocks[block].insts = out;
    is_changed
}

/// The steps of a loop that can be unrolled.
struct Steps {
    indices: std::ops::Range<i64>,
    init: Vec<Value>,
    block: Block,
}

impl Steps {
    fn of(body: &Body, inst: Inst) -> Option<Steps> {
        let Op::Loop { start, end, init, cond: None, body: block } = &body.insts[inst].op else {
            return None;
        };
        let int = |value: &Value| i64::try_from(body.constant(*value)?.as_int()?).ok();
        let (start, end) = (int(start)?, int(end)?);
        let data = &body.blocks[*block];
        let count = usize::try_from(end.checked_sub(start)?).ok()?;
        // One more for the index of each step.
        let is_short = count.checked_mul(data.insts.len() + 1)? <= MOST_INSTS;
        // The body of a library function is long itself.
        let is_long = |inst: Inst| matches!(body.insts[inst].op, Op::Call { .. } | Op::IntDiv { .. });
        let is_plain = data.insts.iter().all(|inst| is_speculable(body, *inst) && !is_long(*inst));
        let are_scalars = init.iter().all(|value| !body.ty(*value).is_array());
        let is_whole = count > 0 && is_short && is_plain && are_scalars;
        is_whole.then(|| Steps { indices: start..end, init: init.clone(), block: *block })
    }

    /// Adds the instructions of all steps to `out`; gives what the last one carries.
    fn unroll(self, body: &mut Body, out: &mut Vec<Inst>) -> Vec<Value> {
        let data = body.blocks[self.block].clone();
        self.indices.fold(self.init, |carried, index| {
            let constant = Op::Const(Const::from_int(Scalar::I64, i128::from(index)));
            let constant = add_inst(body, constant, vec![Type::scalar(Scalar::I64)]);
            out.push(constant);
            let args = [&body.insts[constant].results, &carried[..]].concat();
            let mut copier = Copier::new(&data.params, &args);
            out.extend(copier.copy_insts(body, &data.insts));
            data.results.iter().map(|result| copier.get(*result)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{after, scalars};
    use super::super::{CSE, DCE, SIMPLIFY, UNROLL};
    use super::*;
    use crate::ir::{Binary, Builder};

    /// `v = v * v + i`, so many times.
    fn powers(b: &mut Builder, x: Value, range: [i128; 2]) -> Value {
        let [start, end] = range.map(|bound| b.int(Scalar::I64, bound));
        let types = vec![Type::scalar(Scalar::I64), Type::scalar(Scalar::I64)];
        let body = b.block(types.clone(), |b, params| {
            let square = b.binary(Binary::Mul, params[1], params[1]);
            vec![b.binary(Binary::Add, square, params[0])]
        });
        b.single(Op::Loop { start, end, init: vec![x], cond: None, body }, types[0].clone())
    }

    fn unrolled(range: [i128; 2]) -> String {
        let kernel = scalars(&[Scalar::I64], |b, params| vec![powers(b, params[0], range)]);
        after(kernel, &[UNROLL, SIMPLIFY, CSE, DCE])
    }

    #[test]
    fn a_short_loop_becomes_its_steps() {
        insta::assert_snapshot!(unrolled([1, 3]), @"
        kernel test(v0: i64) {
            v1: i64 = const 1
            v2: i64 = mul v0, v0
            v3: i64 = add v2, v1
            v4: i64 = const 2
            v5: i64 = mul v3, v3
            v6: i64 = add v5, v4
            give v6
        }
        ");
    }

    #[test]
    fn other_loops_stay() {
        for range in [[0, 1000], [0, 0], [3, 1], [0, i128::from(i64::MAX)]] {
            assert!(unrolled(range).contains("loop") || range[1] <= range[0], "{range:?}");
        }
    }
}
