//! Folds and their trees (`tree` defines them): lanes of a leaf, the tree over leaves, prefixes.
//!
//! A value of a fold is a tuple, and *cells* hold many of them: eight bytes for each component, the cells of one
//! component side by side. Leaves are combined in two ways that give one tree. Where all leaf results are stored, by
//! strides that double in place. Where leaves come one after the other, by a binary counter: level `l` holds the
//! result of 2^l leaves, and a new leaf carries over as adding one to the number of leaves does.

use super::emitter::{Element, Emitter, MEMORY, lane_type};
use crate::{
    ir::{Fold, Order},
    plan::{LANES, LEVELS},
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC};

/// The size of a cell in bytes.
const CELL: i64 = 8;

/// Where values of one fold are kept.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// Those of each component.
    pub(super) components: Vec<Column>,
}

/// The cells of one component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The first cell is `offset` bytes after this address.
    base: Value,
    offset: i32,
    /// The size of a cell as a power of two.
    shift: u32,
}

/// The cells of one fold in scratch memory.
#[derive(Clone, Debug)]
pub(super) struct FoldCells {
    /// One value for each lane of the leaf at hand, packed as in an array.
    pub(super) lanes: Cells,
    /// Whether each lane holds the identity of the operator before its first element; else it holds anything.
    pub(super) lanes_are_full: bool,
    /// The binary counter: one value for each level.
    pub(super) totals: Cells,
    /// For each level in use, the fold of its total and of all that stand before it.
    pub(super) prefixes: Cells,
}

impl<'a> Emitter<'a, '_> {
    /// The cells of `width` components that follow each other at `base`, `stride` bytes apart.
    pub(super) fn cells(&mut self, base: Value, width: usize, stride: Value) -> Cells {
        let mut column = Column { base, offset: 0, shift: CELL.trailing_zeros() };
        let mut components = vec![column];
        for _ in 1..width {
            column.base = self.builder.ins().iadd(column.base, stride);
            components.push(column);
        }
        Cells { components }
    }

    /// Cuts the memory at `base` into the cells of `fold`, which begin after `offset` bytes.
    pub(super) fn fold_cells(&mut self, base: Value, mut offset: i32, fold: &Fold) -> FoldCells {
        let mut take = |count: i64| {
            let column = |_| {
                let column = Column { base, offset, shift: CELL.trailing_zeros() };
                offset += (count * CELL) as i32;
                column
            };
            Cells { components: (0..fold.width()).map(column).collect() }
        };
        let (mut lanes, totals, prefixes) = (take(LANES), take(LEVELS), take(LEVELS));
        for (column, neutral) in lanes.components.iter_mut().zip(&fold.neutral) {
            column.shift = self.body.scalar(*neutral).bytes().trailing_zeros();
        }
        FoldCells { lanes, lanes_are_full: false, totals, prefixes }
    }

    /// The address of cell `number`, less the offset of the column.
    fn cell(&mut self, column: Column, number: Value) -> Value {
        let offset = self.builder.ins().ishl_imm_u(number, i64::from(column.shift));
        self.builder.ins().iadd(column.base, offset)
    }

    /// The address of cell `number`.
    pub(super) fn cell_address(&mut self, column: Column, number: Value) -> Value {
        let address = self.cell(column, number);
        self.builder.ins().iadd_imm_s(address, i64::from(column.offset))
    }

    /// Reads cell `number`.
    pub(super) fn load_cell(&mut self, fold: &Fold, cells: &Cells, number: Value) -> Vec<Value> {
        let mut values = Vec::new();
        for (component, neutral) in cells.components.iter().zip(&fold.neutral) {
            let address = self.cell(*component, number);
            let ty = lane_type(self.body.scalar(*neutral));
            values.push(self.builder.ins().load(ty, MEMORY, address, component.offset));
        }
        values
    }

    /// Writes cell `number`.
    pub(super) fn store_cell(&mut self, cells: &Cells, number: Value, values: &[Value]) {
        for (component, value) in cells.components.iter().zip(values) {
            let address = self.cell(*component, number);
            self.builder.ins().store(MEMORY, *value, address, component.offset);
        }
    }

    /// The operator applied to `left` and `right`. Its operands are no elements, so its faults belong to none.
    pub(super) fn combine(&mut self, fold: &'a Fold, left: &[Value], right: &[Value]) -> Vec<Value> {
        let element = std::mem::replace(&mut self.element, Element::InFold);
        let results = self.block_with(fold.op, &[left, right].concat());
        self.element = element;
        results
    }

    /// Cell `left` becomes the combination of cells `left` and `right`.
    fn combine_cells(&mut self, fold: &'a Fold, cells: &Cells, left: Value, right: Value) {
        let a = self.load_cell(fold, cells, left);
        let b = self.load_cell(fold, cells, right);
        let combined = self.combine(fold, &a, &b);
        self.store_cell(cells, left, &combined);
    }

    /// Puts the element at position `at` of its leaf into its lane.
    pub(super) fn feed_lane(&mut self, fold: &'a Fold, cells: &FoldCells, at: Value, values: &[Value]) {
        let (lane, round) = match fold.order {
            Order::Interleaved => (self.lane_low(at), self.lane_high(at)),
            Order::Ordered => (self.lane_high(at), self.lane_low(at)),
        };
        let fed = |e: &mut Self| {
            let before = e.load_cell(fold, &cells.lanes, lane);
            e.combine(fold, &before, values)
        };
        let next = match cells.lanes_are_full {
            true => fed(self),
            false => {
                let is_first = self.icmp_zero(round);
                self.if_else(is_first, &self.types(values), |_| values.to_vec(), fed)
            }
        };
        self.store_cell(&cells.lanes, lane, &next);
    }

    fn lane_low(&mut self, at: Value) -> Value {
        self.builder.ins().band_imm_u(at, LANES - 1)
    }

    fn lane_high(&mut self, at: Value) -> Value {
        self.builder.ins().ushr_imm_u(at, i64::from(LANES.trailing_zeros()))
    }

    /// Combines the lanes of a leaf of `count` elements, at least one, into lane 0 and gives its value.
    pub(super) fn combine_lanes(&mut self, fold: &'a Fold, cells: &Cells, count: Value) -> Vec<Value> {
        match fold.order {
            Order::Interleaved => self.halve(fold, cells, count),
            Order::Ordered => {
                let count = self.builder.ins().iadd_imm_s(count, LANES - 1);
                let lanes = self.lane_high(count);
                self.combine_by_doubling(fold, cells, lanes);
            }
        }
        let zero = self.int(0);
        self.load_cell(fold, cells, zero)
    }

    /// The upper half of the lanes folds into the lower half until one is left; absent lanes are skipped.
    fn halve(&mut self, fold: &'a Fold, cells: &Cells, count: Value) {
        let (width, all) = (self.int(LANES / 2), self.int(LANES));
        let is_partial = self.icmp(IntCC::SignedLessThan, count, all);
        let present = self.builder.ins().select(is_partial, count, all);
        self.while_loop(
            &[width, present],
            |_, state| state[0],
            |e, state| {
                let (width, present) = (state[0], state[1]);
                let pairs = e.builder.ins().isub(present, width);
                let zero = e.int(0);
                e.for_range(zero, pairs, &[], |e, lane, _| {
                    let partner = e.builder.ins().iadd(lane, width);
                    e.combine_cells(fold, cells, lane, partner);
                    Vec::new()
                });
                let is_cut = e.icmp(IntCC::SignedGreaterThan, present, width);
                let present = e.builder.ins().select(is_cut, width, present);
                vec![e.builder.ins().ushr_imm_u(width, 1), present]
            },
        );
    }

    /// Combines cells `0..count` into cell 0: neighbours, then neighbours at distance 2, 4, …, which is the tree that
    /// splits at the largest power of two.
    pub(super) fn combine_by_doubling(&mut self, fold: &'a Fold, cells: &Cells, count: Value) {
        let one = self.int(1);
        self.while_loop(
            &[one],
            |e, state| e.icmp(IntCC::SignedLessThan, state[0], count),
            |e, state| {
                let stride = state[0];
                let twice = e.builder.ins().ishl_imm_u(stride, 1);
                let zero = e.int(0);
                e.while_loop(
                    &[zero, stride],
                    |e, pair| e.icmp(IntCC::SignedLessThan, pair[1], count),
                    |e, pair| {
                        e.combine_cells(fold, cells, pair[0], pair[1]);
                        pair.iter().map(|side| e.builder.ins().iadd(*side, twice)).collect()
                    },
                );
                vec![twice]
            },
        );
    }

    /// Adds the result of leaf `number` to the binary counter; gives the level at which it ended up.
    fn carry(
        &mut self,
        fold: &'a Fold,
        totals: &Cells,
        number: Value,
        leaf: &[Value],
    ) -> (Value, Vec<Value>) {
        let zero = self.int(0);
        let state: Vec<Value> = [&[zero], leaf].concat();
        let state = self.while_loop(
            &state,
            |e, state| {
                let rest = e.builder.ins().ushr(number, state[0]);
                e.builder.ins().band_imm_u(rest, 1)
            },
            |e, state| {
                let before = e.load_cell(fold, totals, state[0]);
                let combined = e.combine(fold, &before, &state[1..]);
                let level = e.builder.ins().iadd_imm_s(state[0], 1);
                [&[level], &combined[..]].concat()
            },
        );
        self.store_cell(totals, state[0], &state[1..]);
        (state[0], state[1..].to_vec())
    }

    /// Adds the result of leaf `number`, the number of those before it, for [`Emitter::counted_total`].
    pub(super) fn count_leaf(&mut self, fold: &'a Fold, cells: &FoldCells, number: Value, leaf: &[Value]) {
        self.carry(fold, &cells.totals, number, leaf);
    }

    /// The combination of all `count` leaves, at least one, that were added.
    pub(super) fn counted_total(&mut self, fold: &'a Fold, cells: &FoldCells, count: Value) -> Vec<Value> {
        let lowest = self.builder.ins().ctz(count);
        let total = self.load_cell(fold, &cells.totals, lowest);
        let next = self.builder.ins().iadd_imm_s(lowest, 1);
        let types = self.types(&total);
        let state = self.while_loop(
            &[&[next], &total[..]].concat(),
            |e, state| e.levels_from(count, state[0]),
            |e, state| {
                let rest = e.levels_from(count, state[0]);
                let is_used = e.builder.ins().band_imm_u(rest, 1);
                let add = |e: &mut Self| {
                    let before = e.load_cell(fold, &cells.totals, state[0]);
                    e.combine(fold, &before, &state[1..])
                };
                let total = e.if_else(is_used, &types, add, |_| state[1..].to_vec());
                let level = e.builder.ins().iadd_imm_s(state[0], 1);
                [&[level], &total[..]].concat()
            },
        );
        state[1..].to_vec()
    }

    /// The bits of `count` from `level` on; none from level 64 on, where the machine would start again at 0.
    pub(super) fn levels_from(&mut self, count: Value, level: Value) -> Value {
        let rest = self.builder.ins().ushr(count, level);
        let is_level = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, level, LEVELS);
        let zero = self.int(0);
        self.builder.ins().select(is_level, rest, zero)
    }

    /// Adds the total of leaf `number` of `leaves` for [`Emitter::prefix`]. Nothing follows the last leaf, and an operator
    /// that nobody asked for must not fault.
    pub(super) fn count_prefix(
        &mut self,
        fold: &'a Fold,
        cells: &FoldCells,
        (number, leaves): (Value, Value),
        leaf: &[Value],
    ) {
        let count = self.builder.ins().iadd_imm_s(number, 1);
        let is_followed = self.icmp(IntCC::SignedLessThan, count, leaves);
        self.if_then(is_followed, |e| {
            let (level, total) = e.carry(fold, &cells.totals, number, leaf);
            let prefix = e.extend_prefix(fold, cells, (level, count), &total);
            e.store_cell(&cells.prefixes, level, &prefix);
        });
    }

    /// The fold of the first `count` leaves, of which `total`, at `level` of the counter, is the last subtree.
    fn extend_prefix(
        &mut self,
        fold: &'a Fold,
        cells: &FoldCells,
        (level, count): (Value, Value),
        total: &[Value],
    ) -> Vec<Value> {
        let above = self.builder.ins().iadd_imm_s(level, 1);
        let rest = self.levels_from(count, above);
        let types = self.types(total);
        let extend = |e: &mut Self| {
            let distance = e.builder.ins().ctz(rest);
            let next = e.builder.ins().iadd(above, distance);
            let before = e.load_cell(fold, &cells.prefixes, next);
            e.combine(fold, &before, total)
        };
        self.if_else(rest, &types, extend, |_| total.to_vec())
    }

    /// The fold of the leaves before leaf `number`, which is not the first.
    pub(super) fn prefix(&mut self, fold: &Fold, cells: &FoldCells, number: Value) -> Vec<Value> {
        let level = self.builder.ins().ctz(number);
        self.load_cell(fold, &cells.prefixes, level)
    }
}
