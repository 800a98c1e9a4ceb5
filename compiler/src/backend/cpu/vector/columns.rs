//! Reductions along columns: the loops over a tile of neighbouring columns.
//!
//! For each lane of a leaf, the rows of the lane are folded group by group of columns, with the partial results in
//! registers; what the lanes leave is combined in memory, a row of the tile for each lane and for each level of the tree
//! over leaves. Rows in memory are as long as a whole number of groups, so that combining needs no rest.

use super::{
    Group, Operand, Row, Shape, columns_shape_of,
    control::{flat_types, flatten, unflatten},
    linear::Linear,
    pack::{Pack, VECTOR_BYTES},
};
use crate::{
    backend::cpu::{
        emitter::{Emitter, MEMORY},
        nest::{Leaf, Loops},
    },
    ir::{Fold, Inst, Nest, Op, Sink},
    plan::{LANES, LEVELS, TILE},
};
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, condcodes::IntCC, types};

/// A reduction along the columns of a nest.
pub(in crate::backend::cpu) struct ColumnLoops<'a> {
    /// The reduction.
    reduction: Inst,
    nest: &'a Nest,
    folds: Vec<&'a Fold>,
    shape: Shape,
    /// The address of its memory.
    cells: Value,
}

/// Columns that are computed together.
#[derive(Clone, Copy)]
struct Tile<'v> {
    row: Row<'v>,
    /// The first column and one past the last; at least a group.
    range: [Value; 2],
}

/// A row of cells of the tile: what one lane or one level has for each column.
#[derive(Clone, Copy)]
enum Cells {
    Lane(Value),
    Level(Value),
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
        let body = self.body;
        let Op::Nest(inner) = &body.insts[columns.reduction].op else { return None };
        let folds = inner.sinks.iter().filter_map(Sink::fold).collect();
        let cells = self.scratch[columns.cells.0 as usize];
        Some(ColumnLoops { reduction: columns.reduction, nest: inner, folds, shape, cells })
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
            let zero = e.int(0);
            e.for_range(zero, present, &[], |e, lane, _| {
                bails.extend(e.lane(loops, columns, tile, leaf, lane));
                Vec::new()
            });
            e.halve_rows(columns, tile, present);
            e.carry_row(columns, tile, number);
            Vec::new()
        });
        self.total_row(columns, tile, leaves);
        bails.extend(self.finish(loops, columns, tile));
        bails
    }

    /// Runs `each` for the first columns of groups that cover the tile; the last one overlaps the one before.
    fn covering_groups(
        &mut self,
        columns: &ColumnLoops<'a>,
        tile: Tile<'_>,
        each: impl FnOnce(&mut Self, Value),
    ) {
        let [begin, end] = tile.range;
        let size = i64::from(columns.shape.group);
        let last = self.builder.ins().iadd_imm_s(end, -size);
        self.while_loop(
            &[begin],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], end),
            |e, at| {
                let is_over = e.icmp(IntCC::SignedLessThan, last, at[0]);
                let start = e.builder.ins().select(is_over, last, at[0]);
                each(e, start);
                vec![e.builder.ins().iadd_imm_s(at[0], size)]
            },
        );
    }

    /// Runs `each` for the positions in the tile's rows of cells, group by group without overlap.
    fn padded_groups(
        &mut self,
        columns: &ColumnLoops<'a>,
        tile: Tile<'_>,
        each: impl FnOnce(&mut Self, Value),
    ) {
        let [begin, end] = tile.range;
        let width = self.builder.ins().isub(end, begin);
        let zero = self.int(0);
        self.while_loop(
            &[zero],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], width),
            |e, at| {
                each(e, at[0]);
                vec![e.builder.ins().iadd_imm_s(at[0], i64::from(columns.shape.group))]
            },
        );
    }

    /// Folds the rows of one lane of `leaf` into its cells; gives the block to which it bails.
    fn lane(
        &mut self,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        tile: Tile<'_>,
        leaf: Leaf,
        lane: Value,
    ) -> Option<Block> {
        let mut bail = None;
        let first = self.builder.ins().iadd(leaf.start, lane);
        self.covering_groups(columns, tile, |e, start| {
            let flat = e.flat_of(tile.row, start);
            let outer_element = e.enter_element(loops, flat);
            let mut group = Group::for_columns(e, loops, columns, tile, start);
            group.until(loops, columns.reduction);
            let folded = group.fold_rows(columns, first, leaf.end);
            bail = group.bail;
            e.element = outer_element;
            let position = e.builder.ins().isub(start, tile.range[0]);
            e.store_columns(columns, Cells::Lane(lane), position, &folded);
        });
        bail
    }

    /// The lanes of a leaf combine by halving into lane 0; absent lanes are skipped.
    fn halve_rows(&mut self, columns: &ColumnLoops<'a>, tile: Tile<'_>, present: Value) {
        let width = self.int(LANES / 2);
        self.while_loop(
            &[width, present],
            |_, state| state[0],
            |e, state| {
                let (width, present) = (state[0], state[1]);
                let (zero, pairs) = (e.int(0), e.builder.ins().isub(present, width));
                e.for_range(zero, pairs, &[], |e, lane, _| {
                    let partner = e.builder.ins().iadd(lane, width);
                    e.combine_rows(
                        columns,
                        tile,
                        [Cells::Lane(lane), Cells::Lane(partner)],
                        Cells::Lane(lane),
                    );
                    Vec::new()
                });
                let is_cut = e.icmp(IntCC::SignedGreaterThan, present, width);
                let present = e.builder.ins().select(is_cut, width, present);
                vec![e.builder.ins().ushr_imm_u(width, 1), present]
            },
        );
    }

    /// Adds lane 0, the result of leaf `number`, to the binary counter of levels.
    fn carry_row(&mut self, columns: &ColumnLoops<'a>, tile: Tile<'_>, number: Value) {
        let zero = self.int(0);
        let level = self.while_loop(
            &[zero],
            |e, level| {
                let rest = e.builder.ins().ushr(number, level[0]);
                e.builder.ins().band_imm_u(rest, 1)
            },
            |e, level| {
                let lane = Cells::Lane(e.int(0));
                e.combine_rows(columns, tile, [Cells::Level(level[0]), lane], lane);
                vec![e.builder.ins().iadd_imm_s(level[0], 1)]
            },
        );
        self.padded_groups(columns, tile, |e, position| {
            let lane = Cells::Lane(e.int(0));
            let total = e.load_columns(columns, lane, position);
            e.store_columns(columns, Cells::Level(level[0]), position, &total);
        });
    }

    /// Combines the levels of `leaves` leaves into lane 0; the neutral element if there are none.
    fn total_row(&mut self, columns: &ColumnLoops<'a>, tile: Tile<'_>, leaves: Value) {
        let lane = Cells::Lane(self.int(0));
        let neutral = |e: &mut Self| {
            e.padded_groups(columns, tile, |e, position| {
                let neutral = Group::new(e, columns.shape, columns.nest.body).neutrals(&columns.folds);
                e.store_columns(columns, lane, position, &neutral);
            });
            Vec::new()
        };
        let total = |e: &mut Self| {
            let lowest = e.builder.ins().ctz(leaves);
            e.padded_groups(columns, tile, |e, position| {
                let total = e.load_columns(columns, Cells::Level(lowest), position);
                e.store_columns(columns, lane, position, &total);
            });
            let next = e.builder.ins().iadd_imm_s(lowest, 1);
            e.while_loop(
                &[next],
                |e, level| e.levels_from(leaves, level[0]),
                |e, level| {
                    let rest = e.levels_from(leaves, level[0]);
                    let is_used = e.builder.ins().band_imm_u(rest, 1);
                    e.if_then(is_used, |e| {
                        e.combine_rows(columns, tile, [Cells::Level(level[0]), lane], lane);
                    });
                    vec![e.builder.ins().iadd_imm_s(level[0], 1)]
                },
            );
            Vec::new()
        };
        self.if_else(leaves, &[], total, neutral);
    }

    /// Computes what the body does with the totals in lane 0; gives the block to which it bails.
    fn finish(&mut self, loops: &Loops<'a>, columns: &ColumnLoops<'a>, tile: Tile<'_>) -> Option<Block> {
        let mut bail = None;
        self.covering_groups(columns, tile, |e, start| {
            let position = e.builder.ins().isub(start, tile.range[0]);
            let lane = Cells::Lane(e.int(0));
            let totals = e.load_columns(columns, lane, position);
            let body = e.body;
            let flat = e.flat_of(tile.row, start);
            let outer_element = e.enter_element(loops, flat);
            let mut group = Group::for_columns(e, loops, columns, tile, start);
            for &inst in &body.blocks[loops.nest.body].insts {
                match inst == columns.reduction {
                    true => group.set_all(&body.insts[inst].results, totals.clone()),
                    false => group.inst(inst),
                }
            }
            group.store_maps(&loops.targets, flat);
            bail = group.bail;
            e.element = outer_element;
        });
        bail
    }

    fn combine_rows(&mut self, columns: &ColumnLoops<'a>, tile: Tile<'_>, sides: [Cells; 2], to: Cells) {
        self.padded_groups(columns, tile, |e, position| {
            let [left, right] = sides.map(|side| e.load_columns(columns, side, position));
            let mut group = Group::new(e, columns.shape, columns.nest.body);
            let combined = group.combine_all(&columns.folds, &left, &right);
            e.store_columns(columns, to, position, &combined);
        });
    }

    fn load_columns(&mut self, columns: &ColumnLoops<'a>, cells: Cells, position: Value) -> Vec<Pack> {
        let mut packs = Vec::new();
        for (component, (lane, parts)) in columns.pack_shape(self).into_iter().enumerate() {
            let address = self.column_address(columns, component, cells, position, lane);
            let ty = super::pack::vector_of(lane);
            let load = |part: usize| {
                let offset = (part * VECTOR_BYTES as usize) as i32;
                self.builder.ins().load(ty, MEMORY, address, offset)
            };
            packs.push(Pack { lane, parts: (0..parts).map(load).collect() });
        }
        packs
    }

    fn store_columns(&mut self, columns: &ColumnLoops<'a>, cells: Cells, position: Value, packs: &[Pack]) {
        for (component, pack) in packs.iter().enumerate() {
            let address = self.column_address(columns, component, cells, position, pack.lane);
            for (part, value) in pack.parts.iter().enumerate() {
                self.builder.ins().store(MEMORY, *value, address, (part * VECTOR_BYTES as usize) as i32);
            }
        }
    }

    fn column_address(
        &mut self,
        columns: &ColumnLoops<'a>,
        component: usize,
        cells: Cells,
        position: Value,
        lane: Type,
    ) -> Value {
        const ROW: i64 = TILE * 8;
        let (row, first) = match cells {
            Cells::Lane(row) => (row, 0),
            Cells::Level(row) => (row, LANES),
        };
        let fixed = (component as i64 * (LANES + LEVELS) + first) * ROW;
        let row = self.builder.ins().imul_imm_s(row, ROW);
        let offset = self.builder.ins().imul_imm_s(position, i64::from(lane.bytes()));
        let base = self.builder.ins().iadd_imm_s(columns.cells, fixed);
        let base = self.builder.ins().iadd(base, row);
        self.builder.ins().iadd(base, offset)
    }
}

impl ColumnLoops<'_> {
    /// Lane type and number of parts of each component of the folds.
    fn pack_shape(&self, e: &Emitter<'_, '_>) -> Vec<(Type, usize)> {
        self.folds.iter().flat_map(|fold| e.pack_shape(fold, self.shape)).collect()
    }
}

impl<'e, 'a, 'b> Group<'e, 'a, 'b> {
    /// The group of columns from `start` on, with the parameters of the nest's body set.
    fn for_columns(
        e: &'e mut Emitter<'a, 'b>,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        tile: Tile<'_>,
        start: Value,
    ) -> Self {
        let params = &e.body.blocks[loops.nest.body].params;
        params.iter().zip(tile.row.outer).for_each(|(param, index)| e.define(*param, *index));
        let mut group = Group::new(e, columns.shape, loops.nest.body);
        group.define(params[tile.row.outer.len()], Operand::Linear(Linear { first: start, step: 1 }));
        group
    }

    /// Emits the instructions of the nest's body before `reduction`.
    fn until(&mut self, loops: &Loops<'a>, reduction: Inst) {
        let insts = &self.e.body.blocks[loops.nest.body].insts;
        insts.iter().take_while(|inst| **inst != reduction).for_each(|inst| self.inst(*inst));
    }

    /// Folds each [`LANES`]-th row from `first` on that lies before `end`; there is at least one.
    fn fold_rows(&mut self, columns: &ColumnLoops<'a>, first: Value, end: Value) -> Vec<Pack> {
        let shape = columns.pack_shape(self.e);
        let start = self.e.start_lanes(columns.shape, &columns.folds, &shape);
        let state_types = [&[types::I64], &flat_types(&shape)[..]].concat();
        let (head, params) = self.e.block_with_params(&state_types);
        let (exit, results) = self.e.block_with_params(&flat_types(&shape));
        self.e.jump(head, &[&[first], &flatten(&start)[..]].concat());
        self.e.builder.switch_to_block(head);
        let (at, before) = (params[0], unflatten(&shape, &params[1..]));
        let body = self.e.body;
        self.e.define(body.blocks[columns.nest.body].params[0], at);
        let inputs = self.block(columns.nest.body);
        let inputs: Vec<Pack> = inputs.iter().map(|input| self.canonical(*input)).collect();
        let is_first = self.e.icmp(IntCC::Equal, at, first);
        let after = self.fold_in(&columns.folds, is_first, &before, &inputs);
        let next = self.e.builder.ins().iadd_imm_s(at, LANES);
        let goes_on = self.e.icmp(IntCC::SignedLessThan, next, end);
        let after = flatten(&after);
        self.e.branch(goes_on, head, &[&[next], &after[..]].concat(), exit, &after);
        self.e.builder.switch_to_block(exit);
        unflatten(&shape, &results)
    }

    fn neutrals(&mut self, folds: &[&'a Fold]) -> Vec<Pack> {
        folds.iter().flat_map(|fold| &fold.neutral).map(|neutral| self.canonical(*neutral)).collect()
    }
}
