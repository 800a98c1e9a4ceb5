//! What an instruction may do besides giving its results, and what it costs: where it can fault, whether it may be
//! evaluated where the source does not evaluate it, how much work it is.

use crate::ir::{Binary, Block, Body, Inst, Op, Site, Unary, Value};
use std::collections::HashMap;

/// The sites at which each instruction, with the blocks inside it, can fault.
#[derive(Debug)]
pub(super) struct Faults {
    /// Only of those that can fault.
    sites: HashMap<Inst, Vec<Site>>,
}

impl Faults {
    /// Of every instruction of `body`.
    pub(super) fn new(body: &Body) -> Faults {
        Faults::within(body, body.entry)
    }

    /// Of every instruction in `block` and in all blocks inside it.
    pub(super) fn within(body: &Body, block: Block) -> Faults {
        let mut order = Vec::new();
        body.for_each_inst(block, |inst| order.push(inst));
        let mut sites: HashMap<Inst, Vec<Site>> = HashMap::new();
        // An instruction stands before those of its blocks, so that backwards their sites are known.
        for inst in order.into_iter().rev() {
            let mut own = Vec::new();
            let op = &body.insts[inst].op;
            op.for_each_site(|site| own.push(site));
            op.for_each_block(|block| {
                let inner = body.blocks[block].insts.iter().filter_map(|inner| sites.get(inner));
                own.extend(inner.flatten());
            });
            if !own.is_empty() {
                own.sort_unstable();
                own.dedup();
                sites.insert(inst, own);
            }
        }
        Faults { sites }
    }

    /// Whether `inst` can fault.
    pub(super) fn can_fault(&self, inst: Inst) -> bool {
        !self.sites(inst).is_empty()
    }

    /// Where `inst` can fault, in order.
    pub(super) fn sites(&self, inst: Inst) -> &[Site] {
        self.sites.get(&inst).map_or(&[], Vec::as_slice)
    }
}

/// Whether `inst` may be evaluated where the source does not evaluate it: a scalar operation that no operands make
/// fault. A read or a division without check is not one: it relies on where it stands.
pub(super) fn is_speculable(body: &Body, inst: Inst) -> bool {
    match &body.insts[inst].op {
        Op::Const(_)
        | Op::Unary(..)
        | Op::Binary(..)
        | Op::Compare(..)
        | Op::Fma(..)
        | Op::Select(..)
        | Op::Convert(_)
        | Op::Bits(_)
        | Op::Call { .. } => true,
        Op::IntDiv { rhs, .. } => is_nonzero_constant(body, *rhs),
        Op::If { .. }
        | Op::Loop { .. }
        | Op::Index { .. }
        | Op::Array(_)
        | Op::Nest(_)
        | Op::Check { .. } => false,
    }
}

/// Whether `value` is a constant integer other than zero.
pub(super) fn is_nonzero_constant(body: &Body, value: Value) -> bool {
    body.constant(value).and_then(|constant| constant.as_int()).is_some_and(|int| int != 0)
}

/// The cost of an instruction whose blocks are evaluated an unknown number of times, or that moves an array.
pub(super) const UNBOUNDED: u32 = 1000;

/// Roughly how many simple operations `inst` is worth; at least [`UNBOUNDED`] where that is not known.
pub(super) fn cost(body: &Body, inst: Inst) -> u32 {
    let data = &body.insts[inst];
    let is_int = || data.results.first().is_some_and(|result| body.scalar(*result).is_int());
    match &data.op {
        Op::Const(_) | Op::Bits(_) => 0,
        Op::Unary(Unary::Sqrt, _) => 8,
        Op::Unary(Unary::Popcount | Unary::Clz | Unary::Ctz, _) => 2,
        Op::Unary(..) | Op::Compare(..) | Op::Select(..) | Op::Fma(..) => 1,
        Op::Convert(operand) if is_int() && body.scalar(*operand).is_float() => 3,
        Op::Convert(_) => 1,
        Op::Binary(Binary::Div, ..) => 8,
        Op::Binary(Binary::Min | Binary::Max, ..) => 2,
        Op::Binary(..) => 1,
        Op::IntDiv { .. } => 16,
        Op::Call { .. } => 24,
        Op::Index { .. } => 4,
        Op::If { .. } | Op::Loop { .. } | Op::Array(_) | Op::Nest(_) | Op::Check { .. } => UNBOUNDED,
    }
}

/// The costs of instructions together.
pub(super) fn total_cost(body: &Body, insts: &[Inst]) -> u32 {
    insts.iter().fold(0, |sum, inst| sum.saturating_add(cost(body, *inst)))
}

/// Whether `inst` does nothing but give scalars, so that a copy of its results is a copy of it.
pub(super) fn gives_scalars(body: &Body, inst: Inst) -> bool {
    body.insts[inst].results.iter().all(|result| !body.ty(*result).is_array())
}
