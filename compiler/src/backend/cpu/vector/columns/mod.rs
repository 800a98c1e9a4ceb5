//! Reductions along columns: the loops over a tile of neighbouring columns.
//!
//! For each lane of a leaf, its elements are folded group by group of columns, with the partial results in registers
//! (`fold`); what the lanes leave is combined in memory (`cells`), a row of the tile for each lane and for each level of
//! the tree over leaves. Rows in memory are as long as a whole number of groups, so that combining needs no rest.
//!
//! Where rows of the nest have what they read in common, several of them are computed together (`bands`).

mod bands;
mod cells;
mod fold;

pub(in crate::backend::cpu) use bands::{Bands, Rows};

use super::{Group, Row, Shape, columns_shape_of};
use crate::{
    backend::cpu::{
        emitter::Emitter,
        nest::{Leaf, Loops},
    },
    ir::{Fold, Inst, Nest, Op, Sink},
    plan::{Columns, LANES, TILE},
};
use cells::{Cells, Span, TILE_BYTES, Width};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC};
use fold::Run;

/// A reduction along the columns of a nest.
pub(in crate::backend::cpu) struct ColumnLoops<'a> {
    /// The reduction.
    reduction: Inst,
    nest: &'a Nest,
    folds: Vec<&'a Fold>,
    shape: Shape,
    /// The address of its memory.
    cells: Value,
    /// How many bytes a lane has in it.
    lane_bytes: i64,
}

/// How many elements of a lane are folded at once. Each comes from another place in memory, and a CPU foresees what is read
/// next at only so many of them.
const RUN: i64 = 8;

/// Columns that are computed together.
#[derive(Clone, Copy)]
struct Tile<'v> {
    row: Row<'v>,
    /// The first column and one past the last; at least a group.
    range: [Value; 2],
}

impl<'a> Emitter<'a, '_> {
    /// The loops of the nest of `inst`, if its plan says that it reduces along columns and vector code can do it.
    pub(in crate::backend::cpu) fn column_loops(
        &mut self,
        inst: Inst,
        nest: &'a Nest,
    ) -> Option<ColumnLoops<'a>> {
        let columns = self.plan.columns(inst).filter(|_| self.has_vectors)?;
        let shape = columns_shape_of(self.body, nest, columns.reduction)?;
        self.column_loops_of(columns, shape, TILE_BYTES)
    }

    fn column_loops_of(&self, columns: &Columns, shape: Shape, lane_bytes: i64) -> Option<ColumnLoops<'a>> {
        let body = self.body;
        let Op::Nest(nest) = &body.insts[columns.reduction].op else { return None };
        let folds = nest.sinks.iter().filter_map(Sink::fold).collect();
        let cells = self.scratch[columns.cells.0 as usize];
        Some(ColumnLoops { reduction: columns.reduction, nest, folds, shape, cells, lane_bytes })
    }

    /// Emits the elements of `row` tile by tile; scalar code takes tiles narrower than a group and those that bail.
    pub(super) fn column_row(&mut self, loops: &Loops<'a>, row: Row<'_>, columns: &ColumnLoops<'a>) {
        let [begin, end] = row.range;
        self.while_loop(
            &[begin],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], end),
            |e, at| {
                let full = e.builder.ins().iadd_imm_s(at[0], TILE);
                let is_last = e.icmp(IntCC::SignedLessThan, end, full);
                let tile_end = e.builder.ins().select(is_last, end, full);
                let tile = Tile { row, range: [at[0], tile_end] };
                e.tile_or_scalar(loops, columns, tile);
                vec![tile_end]
            },
        );
    }

    fn tile_or_scalar(&mut self, loops: &Loops<'a>, columns: &ColumnLoops<'a>, tile: Tile<'_>) {
        let [begin, end] = tile.range;
        let width = self.builder.ins().isub(end, begin);
        let [wide, scalar, exit] = [0; 3].map(|_| self.builder.create_block());
        let group = i64::from(columns.shape.group);
        let is_narrow = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, width, group);
        self.branch(is_narrow, scalar, &[], wide, &[]);
        self.builder.switch_to_block(wide);
        let bails = self.tile(loops, columns, tile);
        self.jump(exit, &[]);
        for bail in bails {
            self.builder.switch_to_block(bail);
            self.jump(scalar, &[]);
        }
        self.builder.switch_to_block(scalar);
        self.scalar_row(loops, tile.row, tile.range);
        self.jump(exit, &[]);
        self.builder.switch_to_block(exit);
    }

    /// Emits a tile; gives the blocks to which it bails.
    fn tile(&mut self, loops: &Loops<'a>, columns: &ColumnLoops<'a>, tile: Tile<'_>) -> Vec<Block> {
        let mut bails = Vec::new();
        let [begin, end] = tile.range;
        let width = Width::Elements(self.builder.ins().isub(end, begin));
        let span = Span { width, levels_at: self.int(0) };
        let leaves = self.each_leaf(columns, |e, number, leaf, present| {
            let zero = e.int(0);
            e.for_range(zero, present, &[], |e, lane, _| {
                bails.extend(e.lane(loops, columns, tile, (leaf, lane)));
                Vec::new()
            });
            e.halve_rows(columns, span, present);
            e.carry_row(columns, span, number);
        });
        self.total_row(columns, span, leaves);
        self.covering_groups(columns, tile.range, |e, start, position| {
            let flat = e.flat_of(tile.row, start);
            bails.extend(e.finish(loops, columns, (tile.row.outer, start, flat), position));
        });
        bails
    }

    /// Runs `each` for the leaves of the reduction: the number, the leaf, and how many lanes have elements. Gives the
    /// number of leaves.
    fn each_leaf(
        &mut self,
        columns: &ColumnLoops<'a>,
        each: impl FnOnce(&mut Self, Value, Leaf, Value),
    ) -> Value {
        let extent = self.value(columns.nest.dims[0]);
        let leaves = self.leaves(extent);
        let zero = self.int(0);
        self.for_range(zero, leaves, &[], |e, number, _| {
            e.poll();
            let leaf = e.leaf(number, extent);
            let count = e.builder.ins().isub(leaf.end, leaf.start);
            let all = e.int(LANES);
            let is_short = e.icmp(IntCC::SignedLessThan, count, all);
            let present = e.builder.ins().select(is_short, count, all);
            each(e, number, leaf, present);
            Vec::new()
        });
        leaves
    }

    /// [`Emitter::covering`] for groups of columns.
    fn covering_groups(
        &mut self,
        columns: &ColumnLoops<'a>,
        range: [Value; 2],
        each: impl FnOnce(&mut Self, Value, Value),
    ) {
        self.covering(i64::from(columns.shape.group), range, each);
    }

    /// Runs `each` for the first of each `size` numbers, so that all from `begin` to `end`, at least `size`, are covered;
    /// the last ones overlap those before. `each` also gets a position that differs by `size`.
    fn covering(&mut self, size: i64, [begin, end]: [Value; 2], each: impl FnOnce(&mut Self, Value, Value)) {
        let last = self.builder.ins().iadd_imm_s(end, -size);
        self.while_loop(
            &[begin],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], end),
            |e, at| {
                let is_over = e.icmp(IntCC::SignedLessThan, last, at[0]);
                let start = e.builder.ins().select(is_over, last, at[0]);
                let position = e.builder.ins().isub(at[0], begin);
                each(e, start, position);
                vec![e.builder.ins().iadd_imm_s(at[0], size)]
            },
        );
    }

    /// Folds the elements of one lane of `leaf` into its cells, run by run; gives the blocks to which it bails.
    fn lane(
        &mut self,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        tile: Tile<'_>,
        (leaf, lane): (Leaf, Value),
    ) -> Vec<Block> {
        let mut bails = Vec::new();
        let (first, cells) = (self.builder.ins().iadd(leaf.start, lane), Cells::Lane(lane));
        self.while_loop(
            &[first],
            |e, from| e.icmp(IntCC::SignedLessThan, from[0], leaf.end),
            |e, from| {
                let next = e.builder.ins().iadd_imm_s(from[0], RUN * LANES);
                let end = e.builder.ins().smin(next, leaf.end);
                let is_start = e.icmp(IntCC::Equal, from[0], first);
                e.covering_groups(columns, tile.range, |e, start, position| {
                    let flat = e.flat_of(tile.row, start);
                    let (context, bail) = e.column_context(loops, columns, (tile.row.outer, start, flat));
                    let before = e.start_or_cells(columns, is_start, (cells, position));
                    let run = Run { first, range: [from[0], end], shared: &[], copies: Vec::new() };
                    let (folded, others) = e.fold_run(loops, columns, &[context], &before, run);
                    bails.extend(bail.into_iter().chain(others));
                    e.store_columns(columns, cells, position, &folded);
                });
                vec![next]
            },
        );
        bails
    }

    /// Computes what the body does with the totals that are at `position` in lane 0, for the group of columns from `start`
    /// on in the row with these outer indices; gives the block to which it bails.
    fn finish(
        &mut self,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        (outer, start, flat): (&[Value], Value, Value),
        position: Value,
    ) -> Option<Block> {
        let lane = Cells::Lane(self.int(0));
        let totals = self.load_columns(columns, lane, position);
        let body = self.body;
        let outer_element = self.enter_element(loops, flat);
        let mut group = Group::for_columns(self, loops, columns, outer, start);
        for &inst in &body.blocks[loops.nest.body].insts {
            match inst == columns.reduction {
                true => group.set_all(&body.insts[inst].results, totals.clone()),
                false => group.inst(inst),
            }
        }
        group.store_maps(&loops.targets, flat);
        let bail = group.bail;
        self.element = outer_element;
        bail
    }
}
