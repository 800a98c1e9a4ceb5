//! Hoisting: what is the same for every element of a nest, or every step of a loop, is computed once, before it.
//!
//! Moved are scalar operations that may be evaluated where the source does not (the nest may have no elements), and
//! whole nests if they cannot fault and all they read lies inside its array whatever surrounds them. Constants stay,
//! and are copied to where a hoisted instruction needs them: carried in from outside they would cost a register.

use super::effects::{Faults, is_nonzero_constant, is_speculable};
use super::rewrite::{Copier, Table};
use crate::ir::{Block, Body, Def, Inst, Kernel, Nest, Op, Value};
use std::collections::HashMap;

/// Hoists out of nests, folds and loops; whether anything changed.
pub(super) fn run(kernel: &mut Kernel) -> bool {
    let faults = Faults::new(&kernel.body);
    let entry = kernel.body.entry;
    let homes = homes(&kernel.body);
    let mut hoister = Hoister { body: &mut kernel.body, faults, homes, is_changed: false };
    hoister.block(entry);
    hoister.is_changed
}

/// The block in which each value is defined.
fn homes(body: &Body) -> Table<Option<Block>> {
    let mut homes = Table::new(None);
    body.for_each_block(body.entry, |block| {
        let data = &body.blocks[block];
        let results = data.insts.iter().flat_map(|inst| &body.insts[*inst].results);
        data.params.iter().chain(results).for_each(|value| *homes.get_mut(*value) = Some(block));
    });
    homes
}

struct Hoister<'a> {
    body: &'a mut Body,
    faults: Faults,
    homes: Table<Option<Block>>,
    is_changed: bool,
}

impl Hoister<'_> {
    fn block(&mut self, block: Block) {
        let insts = std::mem::take(&mut self.body.blocks[block].insts);
        let mut out = Vec::with_capacity(insts.len());
        for inst in insts {
            let mut inner = Vec::new();
            self.body.insts[inst].op.for_each_block(|block| inner.push(block));
            let is_repeated = !matches!(self.body.insts[inst].op, Op::If { .. });
            for from in inner {
                // Inside out: what leaves an inner nest may leave this one too.
                self.block(from);
                if is_repeated {
                    self.hoist(from, block, &mut out);
                }
            }
            out.push(inst);
        }
        self.body.blocks[block].insts = out;
    }

    /// Moves what does not depend on anything in `from` to the end of `out`, which is the beginning of `to`.
    fn hoist(&mut self, from: Block, to: Block, out: &mut Vec<Inst>) {
        let insts = std::mem::take(&mut self.body.blocks[from].insts);
        let mut stay = Vec::with_capacity(insts.len());
        for inst in insts {
            match self.operands_from_outside(inst, from) {
                Some(constants) if self.is_movable(inst) => {
                    self.move_to(inst, &constants, to, out);
                    self.is_changed = true;
                }
                _ => stay.push(inst),
            }
        }
        self.body.blocks[from].insts = stay;
    }

    /// The constants of `block` that `inst` uses, if it uses nothing else of `block`.
    fn operands_from_outside(&self, inst: Inst, block: Block) -> Option<Vec<Value>> {
        let mut constants = Vec::new();
        let mut is_outside = true;
        let mut visit = |value: Value| {
            if *self.homes.get(value) != Some(block) {
                return;
            }
            match self.body.constant(value) {
                Some(_) => constants.push(value),
                None => is_outside = false,
            }
        };
        self.body.insts[inst].op.for_each_operand(&mut visit);
        let mut inner = Vec::new();
        self.body.insts[inst].op.for_each_block(|block| inner.push(block));
        inner.into_iter().for_each(|block| self.body.for_each_use(block, &mut visit));
        is_outside.then_some(constants)
    }

    fn is_movable(&self, inst: Inst) -> bool {
        match &self.body.insts[inst].op {
            Op::Const(_) => false,
            Op::Nest(nest) => !self.faults.can_fault(inst) && is_safe_anywhere(self.body, inst, nest),
            _ => is_speculable(self.body, inst),
        }
    }

    fn move_to(&mut self, inst: Inst, constants: &[Value], to: Block, out: &mut Vec<Inst>) {
        let defs: Vec<Inst> = constants.iter().filter_map(|value| self.body.def(*value)).collect();
        let mut copier = Copier::default();
        let copies = copier.copy_insts(self.body, &defs);
        let mut blocks = Vec::new();
        self.body.insts[inst].op.for_each_block(|block| blocks.push(block));
        self.body.insts[inst].op.map_operands(|value| copier.get(value));
        for block in blocks {
            copier.replace_uses(self.body, block);
        }
        let results = copies.iter().chain([&inst]).flat_map(|inst| self.body.insts[*inst].results.clone());
        results.collect::<Vec<_>>().into_iter().for_each(|value| *self.homes.get_mut(value) = Some(to));
        out.extend(copies);
        out.push(inst);
    }
}

/// Whether all that `inst`, the nest `nest`, reads and divides needs no knowledge about what surrounds it.
fn is_safe_anywhere(body: &Body, inst: Inst, nest: &Nest) -> bool {
    let mut dims = HashMap::from([(nest.body, nest.dims.clone())]);
    let mut is_safe = true;
    let mut visit = |inner: Inst| match &body.insts[inner].op {
        Op::Nest(nest) => {
            dims.insert(nest.body, nest.dims.clone());
        }
        Op::Index { array, indices, .. } => {
            let extents = &body.ty(*array).shape;
            is_safe &= indices.iter().zip(extents).all(|(index, extent)| match body.values[*index].def {
                Def::Param { block, index } => {
                    dims.get(&block).is_some_and(|dims| dims[index as usize] == *extent)
                }
                Def::Result { .. } => false,
            });
        }
        Op::IntDiv { rhs, .. } => is_safe &= is_nonzero_constant(body, *rhs),
        _ => {}
    };
    let mut blocks = Vec::new();
    body.insts[inst].op.for_each_block(|block| blocks.push(block));
    blocks.into_iter().for_each(|block| body.for_each_inst(block, &mut visit));
    is_safe
}
