//! Bounds: checks that cannot fail are dropped, comparisons that cannot fail are decided.
//!
//! The walk carries what is known where it stands: that the extents of arrays that exist are not negative, that inside
//! a nest its extents are at least one, what the conditions around it and the checks before it say. The proofs are
//! in [`prove`]. A read that has lost its check must stay behind what proves it: see
//! [`is_speculable`](super::effects::is_speculable).

mod linear;
mod prove;

use crate::ir::{Block, Body, Inst, Kernel, Op, Value};
use pk_dsl::scalar::Const;
use prove::Prover;

/// Drops checks and decides comparisons; whether there were any.
pub(super) fn run(kernel: &mut Kernel) -> bool {
    let findings = Walk::over(kernel);
    let is_changed = !findings.is_empty();
    for (inst, finding) in findings {
        let op = &mut kernel.body.insts[inst].op;
        match (finding, op) {
            (Finding::Unneeded, Op::Index { check, .. } | Op::IntDiv { check, .. }) => *check = None,
            (Finding::Decided(holds), op) => *op = Op::Const(Const::from(holds)),
            _ => {}
        }
    }
    is_changed
}

/// What is known of an instruction.
enum Finding {
    /// Its check cannot fail.
    Unneeded,
    /// It is a comparison with this result.
    Decided(bool),
}

struct Walk<'a> {
    body: &'a Body,
    prover: Prover<'a>,
    findings: Vec<(Inst, Finding)>,
}

impl<'a> Walk<'a> {
    fn over(kernel: &'a Kernel) -> Vec<(Inst, Finding)> {
        let body = &kernel.body;
        let mut walk = Walk { body, prover: Prover::new(body), findings: Vec::new() };
        let params = &body.blocks[body.entry].params;
        // The launch checks both before anything runs.
        params[..kernel.signature.sizes.len()].iter().for_each(|size| walk.prover.learn_extent(*size, 0));
        walk.learn_shapes(params);
        walk.block(body.entry);
        walk.findings
    }

    /// Arrays that exist have no negative extents.
    fn learn_shapes(&mut self, values: &[Value]) {
        let body = self.body;
        for extent in values.iter().flat_map(|value| &body.ty(*value).shape) {
            self.prover.learn_extent(*extent, 0);
        }
    }

    fn block(&mut self, block: Block) {
        let body = self.body;
        for inst in &body.blocks[block].insts {
            self.inst(*inst);
            self.learn_shapes(&body.insts[*inst].results);
        }
    }

    fn inst(&mut self, inst: Inst) {
        let body = self.body;
        match &body.insts[inst].op {
            Op::Index { array, indices, check: Some(_) } => {
                let extents = &body.ty(*array).shape;
                if indices.iter().zip(extents).all(|(index, extent)| self.prover.is_inside(*index, *extent)) {
                    self.findings.push((inst, Finding::Unneeded));
                }
            }
            Op::IntDiv { rhs, check: Some(_), .. } if self.prover.is_nonzero(*rhs) => {
                self.findings.push((inst, Finding::Unneeded));
            }
            Op::Compare(op, a, b) if body.scalar(*a).is_int() => {
                if let Some(holds) = self.prover.decide(*op, *a, *b) {
                    self.findings.push((inst, Finding::Decided(holds)));
                }
            }
            Op::Check { cond, .. } => self.prover.learn(*cond, true),
            Op::If { cond, then, otherwise } => {
                self.inside(*then, |prover| prover.learn(*cond, true));
                self.inside(*otherwise, |prover| prover.learn(*cond, false));
            }
            Op::Nest(nest) => {
                self.inside(nest.body, |prover| {
                    nest.dims.iter().for_each(|dim| prover.learn_extent(*dim, 1))
                });
                nest.sinks
                    .iter()
                    .filter_map(|sink| sink.fold())
                    .for_each(|fold| self.inside(fold.op, |_| {}));
            }
            op => op.for_each_block(|block| self.inside(block, |_| {})),
        }
    }

    /// Walks over `block`, where what `learn` learns is known.
    fn inside(&mut self, block: Block, learn: impl FnOnce(&mut Prover<'_>)) {
        let mark = self.prover.mark();
        learn(&mut self.prover);
        self.block(block);
        self.prover.forget(mark);
    }
}
