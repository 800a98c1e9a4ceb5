//! Where arrays that instructions define have their memory.
//!
//! An array is written straight to the place where its consumer wants it if it is a result of the very block that
//! defines it and the consumer says where: a row of a nest's result, the next value of a loop's array, a buffer. Else
//! it has scratch memory of its own, one piece for each value, because a value of a block is dead when the block is
//! evaluated again. What a loop carries does not die then, so it has two buffers, read and written in turn.

use super::{
    Columns, Home, Scratch,
    columns::{BAND_COLUMNS, TILE, reduction_along_columns, shared_reads},
    index,
};
use crate::{
    ir::{Block, Body, Inst, Nest, Op, Sink, Value},
    plan::{CELLS, LANES, LEAF, LEVELS},
};

/// Assigns homes inside one step of a plan.
pub(super) struct Homes<'a> {
    pub(super) body: &'a Body,
    /// The homes so far, by value.
    pub(super) homes: &'a mut [Option<Home>],
    /// The buffers of carried arrays, by parameter of the loop's body.
    pub(super) carried: &'a mut [Option<[Scratch; 2]>],
    /// The cells of folds, by nest.
    pub(super) cells: &'a mut [Option<Scratch>],
    /// The memory of reductions along columns, by the nest around them.
    pub(super) columns: &'a mut [Option<Columns>],
    /// The scratch memory of the step.
    pub(super) scratch: Vec<Content>,
}

/// What scratch memory is for.
pub(super) enum Content {
    /// An array.
    Array(Value),
    /// So many cells.
    Cells(i64),
}

impl Homes<'_> {
    /// Assigns homes to all arrays inside `inst`, whose own results have theirs.
    pub(super) fn assign_inside(&mut self, inst: Inst) {
        let body = self.body;
        let data = &body.insts[inst];
        match &data.op {
            Op::If { then, otherwise, .. } => {
                let wanted: Vec<bool> =
                    data.results.iter().map(|value| self.has_own_memory(*value)).collect();
                self.assign_block(*then, &wanted);
                self.assign_block(*otherwise, &wanted);
            }
            Op::Loop { cond, body: step, .. } => {
                for &param in &body.blocks[*step].params {
                    if body.ty(param).is_array() {
                        let mut add = || self.add_scratch(Content::Array(param));
                        self.carried[index(param)] = Some([add(), add()]);
                    }
                }
                cond.iter().for_each(|cond| self.assign_block(*cond, &[]));
                self.assign_block(*step, &vec![true; body.blocks[*step].results.len()]);
            }
            Op::Nest(nest) => {
                let width = nest.folded_components();
                if width > 0 {
                    self.cells[index(inst)] = Some(self.add_scratch(Content::Cells(width * CELLS)));
                }
                self.columns[index(inst)] = self.add_columns(nest);
                let wanted: Vec<bool> = nest
                    .sinks
                    .iter()
                    .flat_map(|sink| std::iter::repeat_n(matches!(sink, Sink::Map), sink.takes()))
                    .collect();
                self.assign_block(nest.body, &wanted);
                let folds = nest.sinks.iter().filter_map(Sink::fold);
                folds.for_each(|fold| self.assign_block(fold.op, &[]));
            }
            _ => {}
        }
    }

    /// The memory of the reduction in `nest`, if it is one along columns.
    fn add_columns(&mut self, nest: &Nest) -> Option<Columns> {
        let reduction = reduction_along_columns(self.body, nest)?;
        let Op::Nest(inner) = &self.body.insts[reduction].op else { return None };
        let cells = inner.folded_components() * TILE * (LANES + LEVELS);
        let cells = self.add_scratch(Content::Cells(cells));
        let shared = shared_reads(self.body, nest, reduction);
        let with_memory = |read| (read, self.add_scratch(Content::Cells(LEAF * BAND_COLUMNS)));
        Some(Columns { reduction, cells, shared: shared.into_iter().map(with_memory).collect() })
    }

    /// Assigns homes inside `block`; `wanted` says for which of its results the consumer gives the place.
    fn assign_block(&mut self, block: Block, wanted: &[bool]) {
        let body = self.body;
        let data = &body.blocks[block];
        for &inst in &data.insts {
            for &value in body.insts[inst].results.iter().filter(|value| body.ty(**value).is_array()) {
                let mut positions = (0..data.results.len()).filter(|at| data.results[*at] == value);
                let is_wanted = match (positions.next(), positions.next()) {
                    (Some(only), None) => wanted.get(only).copied().unwrap_or(false),
                    _ => false,
                };
                self.homes[index(value)] = Some(self.choose(&body.insts[inst].op, value, is_wanted));
            }
            self.assign_inside(inst);
        }
    }

    fn choose(&mut self, op: &Op, value: Value, is_wanted: bool) -> Home {
        match op {
            // The result of a loop is in one of the loop's own two buffers.
            Op::Loop { .. } => Home::Alias,
            _ if is_wanted => Home::InPlace,
            Op::If { .. } => Home::Alias,
            _ => Home::Scratch(self.add_scratch(Content::Array(value))),
        }
    }

    fn has_own_memory(&self, value: Value) -> bool {
        matches!(self.homes[index(value)], Some(Home::Buffer(_) | Home::InPlace))
    }

    fn add_scratch(&mut self, content: Content) -> Scratch {
        self.scratch.push(content);
        Scratch(self.scratch.len() as u32 - 1)
    }
}

impl Nest {
    /// The number of components that the reductions and scans fold: what one leaf leaves for the tree over leaves.
    pub(super) fn folded_components(&self) -> i64 {
        let widths = self.sinks.iter().map(|sink| match sink {
            Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } => fold.width() as i64,
            Sink::Map | Sink::Filter { .. } | Sink::ReduceByIndex { .. } => 0,
        });
        widths.sum()
    }
}
