//! The memory of reductions along columns, and the trees over lanes and leaves, which are computed in it.

use super::ColumnLoops;
use crate::{
    backend::cpu::{
        emitter::{Emitter, MEMORY},
        vector::{
            Group,
            control::{flat_types, flatten, unflatten},
            pack::Pack,
        },
    },
    plan::{LANES, LEVELS, TILE},
};
use cranelift_codegen::ir::{InstBuilder, Type, Value, condcodes::IntCC};

/// The size of a row of cells that has room for a whole tile.
pub(super) const TILE_BYTES: i64 = TILE * 8;

/// A row of cells: what one lane or one level has for each element.
#[derive(Clone, Copy)]
pub(super) enum Cells {
    /// Of this lane.
    Lane(Value),
    /// Of this level, from this position on.
    Level(Value, Value),
}

/// Elements whose cells are combined together: positions in rows of cells, a whole number of groups.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) width: Width,
    /// Where they begin in the cells of levels; in those of lanes they begin at 0.
    pub(super) levels_at: Value,
}

/// How many elements.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// As many, rounded up to groups.
    Elements(Value),
    /// So few groups that code is made for each.
    Groups(i64),
}

impl<'a> Emitter<'a, '_> {
    /// Runs `each` for the positions of `span`, group by group without overlap.
    fn each_group(&mut self, columns: &ColumnLoops<'a>, span: Span, mut each: impl FnMut(&mut Self, Value)) {
        let size = i64::from(columns.shape.group);
        let width = match span.width {
            Width::Elements(width) => width,
            Width::Groups(count) => {
                for number in 0..count {
                    let position = self.int(number * size);
                    each(self, position);
                }
                return;
            }
        };
        let zero = self.int(0);
        self.while_loop(
            &[zero],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], width),
            |e, at| {
                each(e, at[0]);
                vec![e.builder.ins().iadd_imm_s(at[0], size)]
            },
        );
    }

    /// The lanes of a leaf combine by halving into lane 0; absent lanes are skipped.
    pub(super) fn halve_rows(&mut self, columns: &ColumnLoops<'a>, span: Span, present: Value) {
        let width = self.int(LANES / 2);
        self.while_loop(
            &[width, present],
            |_, state| state[0],
            |e, state| {
                let (width, present) = (state[0], state[1]);
                let (zero, pairs) = (e.int(0), e.builder.ins().isub(present, width));
                e.for_range(zero, pairs, &[], |e, lane, _| {
                    let partner = e.builder.ins().iadd(lane, width);
                    let sides = [Cells::Lane(lane), Cells::Lane(partner)];
                    e.combine_rows(columns, span, sides, Cells::Lane(lane));
                    Vec::new()
                });
                let is_cut = e.icmp(IntCC::SignedGreaterThan, present, width);
                let present = e.builder.ins().select(is_cut, width, present);
                vec![e.builder.ins().ushr_imm_u(width, 1), present]
            },
        );
    }

    /// Adds lane 0, the result of leaf `number`, to the binary counter of levels.
    pub(super) fn carry_row(&mut self, columns: &ColumnLoops<'a>, span: Span, number: Value) {
        let zero = self.int(0);
        let level = self.while_loop(
            &[zero],
            |e, level| {
                let rest = e.builder.ins().ushr(number, level[0]);
                e.builder.ins().band_imm_u(rest, 1)
            },
            |e, level| {
                let lane = Cells::Lane(e.int(0));
                e.combine_rows(columns, span, [Cells::Level(level[0], span.levels_at), lane], lane);
                vec![e.builder.ins().iadd_imm_s(level[0], 1)]
            },
        );
        let lane = Cells::Lane(self.int(0));
        self.copy_row(columns, span, lane, Cells::Level(level[0], span.levels_at));
    }

    /// Combines the levels of `leaves` leaves into lane 0; the neutral element if there are none.
    pub(super) fn total_row(&mut self, columns: &ColumnLoops<'a>, span: Span, leaves: Value) {
        let lane = Cells::Lane(self.int(0));
        let neutral = |e: &mut Self| {
            e.each_group(columns, span, |e, position| {
                let mut group = Group::new(e, columns.shape, columns.nest.body);
                let neutral = columns.folds.iter().flat_map(|fold| &fold.neutral);
                let neutral: Vec<Pack> = neutral.map(|neutral| group.canonical(*neutral)).collect();
                e.store_columns(columns, lane, position, &neutral);
            });
            Vec::new()
        };
        let total = |e: &mut Self| {
            let lowest = e.builder.ins().ctz(leaves);
            e.copy_row(columns, span, Cells::Level(lowest, span.levels_at), lane);
            let next = e.builder.ins().iadd_imm_s(lowest, 1);
            e.while_loop(
                &[next],
                |e, level| e.levels_from(leaves, level[0]),
                |e, level| {
                    let rest = e.levels_from(leaves, level[0]);
                    let is_used = e.builder.ins().band_imm_u(rest, 1);
                    e.if_then(is_used, |e| {
                        e.combine_rows(columns, span, [Cells::Level(level[0], span.levels_at), lane], lane);
                    });
                    vec![e.builder.ins().iadd_imm_s(level[0], 1)]
                },
            );
            Vec::new()
        };
        self.if_else(leaves, &[], total, neutral);
    }

    /// What lanes have before their first element if this is the start, else what `cells` have at `position`.
    pub(super) fn start_or_cells(
        &mut self,
        columns: &ColumnLoops<'a>,
        is_start: Value,
        (cells, position): (Cells, Value),
    ) -> Vec<Pack> {
        let shape = columns.pack_shape(self);
        let start = |e: &mut Self| flatten(&e.start_lanes(columns.shape, &columns.folds, &shape));
        let load = |e: &mut Self| flatten(&e.load_columns(columns, cells, position));
        let values = self.if_else(is_start, &flat_types(&shape), start, load);
        unflatten(&shape, &values)
    }

    fn copy_row(&mut self, columns: &ColumnLoops<'a>, span: Span, from: Cells, to: Cells) {
        self.each_group(columns, span, |e, position| {
            let packs = e.load_columns(columns, from, position);
            e.store_columns(columns, to, position, &packs);
        });
    }

    fn combine_rows(&mut self, columns: &ColumnLoops<'a>, span: Span, sides: [Cells; 2], to: Cells) {
        self.each_group(columns, span, |e, position| {
            let [left, right] = sides.map(|side| e.load_columns(columns, side, position));
            let mut group = Group::new(e, columns.shape, columns.nest.body);
            let combined = group.combine_all(&columns.folds, &left, &right);
            e.store_columns(columns, to, position, &combined);
        });
    }

    /// What `cells` have for the group at `position`: a pack for each component of the folds.
    pub(super) fn load_columns(
        &mut self,
        columns: &ColumnLoops<'a>,
        cells: Cells,
        position: Value,
    ) -> Vec<Pack> {
        let mut packs = Vec::new();
        for (component, (lane, _)) in columns.pack_shape(self).into_iter().enumerate() {
            let address = self.column_address(columns, component, cells, position, lane);
            packs.push(self.load_pack(columns.shape.group, lane, (address, MEMORY)));
        }
        packs
    }

    pub(super) fn store_columns(
        &mut self,
        columns: &ColumnLoops<'a>,
        cells: Cells,
        position: Value,
        packs: &[Pack],
    ) {
        for (component, pack) in packs.iter().enumerate() {
            let address = self.column_address(columns, component, cells, position, pack.lane);
            self.store_pack(pack, address);
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
        let (row, position, first, size) = match cells {
            Cells::Lane(row) => (row, position, 0, columns.lane_bytes),
            Cells::Level(row, from) => {
                (row, self.builder.ins().iadd(from, position), LANES * TILE_BYTES, TILE_BYTES)
            }
        };
        let fixed = component as i64 * (LANES + LEVELS) * TILE_BYTES + first;
        let row = self.builder.ins().imul_imm_s(row, size);
        let offset = self.builder.ins().imul_imm_s(position, i64::from(lane.bytes()));
        let base = self.builder.ins().iadd_imm_s(columns.cells, fixed);
        let base = self.builder.ins().iadd(base, row);
        self.builder.ins().iadd(base, offset)
    }
}
