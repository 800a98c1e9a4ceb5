//! Bands of rows that read the same along their columns, as those of a matrix product do.
//!
//! For a band and a group of columns, what all rows read is copied leaf by leaf, lane after lane: in place it would lie far
//! apart, at distances that are unkind to caches. Then block after block of a few rows is folded, with the partial results
//! of all its rows in registers, so that what was copied is loaded once for a block. How many rows a band has is bounded
//! by the cells for the tree over leaves. The last block overlaps the one before: it computes the same again.

use super::{
    ColumnLoops,
    cells::{Cells, Span, Width},
    fold::Run,
};
use crate::{
    backend::cpu::{
        emitter::{Emitter, MEMORY},
        nest::{Leaf, Loops},
        vector::{Group, Row, analysis::band_shape_of, pack::Pack},
    },
    ir::{Body, Inst, Nest, Value as IrValue},
    plan::{LANES, TILE},
};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC};
use std::collections::HashSet;

/// Rows in bands.
pub(in crate::backend::cpu) struct Bands<'a> {
    columns: ColumnLoops<'a>,
    /// How many rows a block has.
    block: i64,
    shared: Vec<SharedRead>,
    /// The instructions that read it.
    reading: Vec<Inst>,
}

/// A read that all rows have in common.
#[derive(Clone, Copy)]
pub(super) struct SharedRead {
    result: IrValue,
    /// The address of the copies.
    memory: Value,
}

/// Whole neighbouring rows of a nest.
#[derive(Clone, Copy)]
pub(in crate::backend::cpu) struct Rows<'v> {
    /// The indices of the dimensions before the last two.
    pub(in crate::backend::cpu) outer: &'v [Value],
    /// The index of the first row and one past that of the last.
    pub(in crate::backend::cpu) range: [Value; 2],
    /// The flat index of the first element.
    pub(in crate::backend::cpu) flat: Value,
    /// The number of columns.
    pub(in crate::backend::cpu) length: Value,
}

/// Columns of a band: a group of them.
#[derive(Clone, Copy)]
struct Part<'v> {
    rows: Rows<'v>,
    /// The first column.
    start: Value,
}

impl<'a> Emitter<'a, '_> {
    /// How rows of the nest of `inst` are computed together, if its plan says that they share what they read and vector
    /// code can do it.
    pub(in crate::backend::cpu) fn band_loops(&mut self, inst: Inst, nest: &'a Nest) -> Option<Bands<'a>> {
        let plan = self.plan.columns(inst).filter(|plan| self.has_vectors && !plan.shared.is_empty())?;
        let (shape, block) = band_shape_of(self.body, nest, plan.reduction)?;
        let mut columns = self.column_loops_of(plan, shape, 0)?;
        let widest = columns.pack_shape(self).into_iter().map(|(lane, _)| columns.pack_bytes(lane)).max()?;
        columns.lane_bytes = widest * block;
        let reads: Vec<Inst> = plan.shared.iter().map(|(read, _)| *read).collect();
        let reading = with_indices(self.body, nest, columns.nest, &reads);
        let shared = plan.shared.iter().map(|(read, memory)| SharedRead {
            result: self.body.insts[*read].results[0],
            memory: self.scratch[memory.0 as usize],
        });
        Some(Bands { columns, block, shared: shared.collect(), reading })
    }

    /// Emits the elements of `rows` band by band if that can be done, else `otherwise`.
    pub(in crate::backend::cpu) fn bands_or(
        &mut self,
        loops: &Loops<'a>,
        bands: &Bands<'a>,
        rows: Rows<'_>,
        otherwise: impl FnOnce(&mut Self),
    ) {
        let fits = self.fit_bands(bands, rows);
        let in_bands = |e: &mut Self| {
            e.bands(loops, bands, rows);
            Vec::new()
        };
        let one_by_one = |e: &mut Self| {
            otherwise(e);
            Vec::new()
        };
        self.if_else(fits, &[], in_bands, one_by_one);
    }

    /// Whether `rows` are enough for a block, and long enough for a group of columns.
    pub(in crate::backend::cpu) fn fit_bands(&mut self, bands: &Bands<'a>, rows: Rows<'_>) -> Value {
        let [first, end] = rows.range;
        let count = self.builder.ins().isub(end, first);
        let group = i64::from(bands.columns.shape.group);
        let [is_high, is_wide] = [(count, bands.block), (rows.length, group)]
            .map(|(size, least)| self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, size, least));
        self.builder.ins().band(is_high, is_wide)
    }

    /// Emits the elements of `rows`, which fit, band by band.
    pub(in crate::backend::cpu) fn bands(&mut self, loops: &Loops<'a>, bands: &Bands<'a>, rows: Rows<'_>) {
        let [first, end] = rows.range;
        let most = TILE / i64::from(bands.columns.shape.group);
        // A band as high as a block may follow, so it begins where that fits.
        let last = self.builder.ins().iadd_imm_s(end, -bands.block);
        self.while_loop(
            &[first],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], end),
            |e, at| {
                let begin = e.builder.ins().smin(at[0], last);
                let full = e.builder.ins().iadd_imm_s(begin, most);
                let band_end = e.builder.ins().smin(full, end);
                let skipped = e.builder.ins().isub(begin, first);
                let skipped = e.builder.ins().imul(skipped, rows.length);
                let flat = e.builder.ins().iadd(rows.flat, skipped);
                let band = Rows { range: [begin, band_end], flat, ..rows };
                let zero = e.int(0);
                e.covering_groups(&bands.columns, [zero, rows.length], |e, start, _| {
                    e.part_or_scalar(loops, bands, Part { rows: band, start });
                });
                vec![band_end]
            },
        );
    }

    fn part_or_scalar(&mut self, loops: &Loops<'a>, bands: &Bands<'a>, part: Part<'_>) {
        let bails = self.part(loops, bands, part);
        let exit = self.builder.create_block();
        self.jump(exit, &[]);
        if !bails.is_empty() {
            let scalar = self.builder.create_block();
            for bail in bails {
                self.builder.switch_to_block(bail);
                self.jump(scalar, &[]);
            }
            self.builder.switch_to_block(scalar);
            let end = self.builder.ins().iadd_imm_s(part.start, i64::from(bands.columns.shape.group));
            self.for_range(part.rows.range[0], part.rows.range[1], &[], |e, index, _| {
                let (outer, offset) = e.row_of(part, index);
                let row = Row { outer: &outer, range: [part.start, end], offset: Some(offset) };
                e.scalar_row(loops, row, row.range);
                Vec::new()
            });
            self.jump(exit, &[]);
        }
        self.builder.switch_to_block(exit);
    }

    /// The outer indices of the row with this index, and the flat index of its first element.
    fn row_of(&mut self, part: Part<'_>, index: Value) -> (Vec<Value>, Value) {
        let number = self.builder.ins().isub(index, part.rows.range[0]);
        let skipped = self.builder.ins().imul(number, part.rows.length);
        let flat = self.builder.ins().iadd(part.rows.flat, skipped);
        ([part.rows.outer, &[index]].concat(), flat)
    }

    /// Emits a group of columns of a band; gives the blocks to which it bails.
    fn part(&mut self, loops: &Loops<'a>, bands: &Bands<'a>, part: Part<'_>) -> Vec<Block> {
        let mut bails = Vec::new();
        let columns = &bands.columns;
        let leaves = self.each_leaf(columns, |e, number, leaf, present| {
            let count = e.builder.ins().isub(leaf.end, leaf.start);
            let rounded = e.builder.ins().iadd_imm_s(count, LANES - 1);
            let steps = e.builder.ins().ushr_imm_u(rounded, i64::from(LANES.trailing_zeros()));
            e.share(loops, bands, part, (leaf, steps));
            e.covering(bands.block, part.rows.range, |e, row, _| {
                bails.extend(e.row_block(loops, bands, (part, row), (leaf, present, steps)));
                let span = e.span_of(bands, part, row);
                e.halve_rows(columns, span, present);
                e.carry_row(columns, span, number);
            });
        });
        self.covering(bands.block, part.rows.range, |e, row, _| {
            let span = e.span_of(bands, part, row);
            e.total_row(columns, span, leaves);
            let (zero, block) = (e.int(0), e.int(bands.block));
            e.for_range(zero, block, &[], |e, number, _| {
                let index = e.builder.ins().iadd(row, number);
                let (outer, flat) = e.row_of(part, index);
                let flat = e.builder.ins().iadd(flat, part.start);
                let position = e.builder.ins().imul_imm_s(number, i64::from(columns.shape.group));
                bails.extend(e.finish(loops, columns, (&outer, part.start, flat), position));
                Vec::new()
            });
        });
        bails
    }

    /// The elements of the block of `part` that begins with the row of this index.
    fn span_of(&mut self, bands: &Bands<'a>, part: Part<'_>, row: Value) -> Span {
        let number = self.builder.ins().isub(row, part.rows.range[0]);
        let levels_at = self.builder.ins().imul_imm_s(number, i64::from(bands.columns.shape.group));
        Span { width: Width::Groups(bands.block), levels_at }
    }

    /// Copies what the rows of `part` read in `leaf`, of which a lane has up to so many elements.
    fn share(&mut self, loops: &Loops<'a>, bands: &Bands<'a>, part: Part<'_>, (leaf, steps): (Leaf, Value)) {
        self.for_range(leaf.start, leaf.end, &[], |e, index, _| {
            let place = e.builder.ins().isub(index, leaf.start);
            let lane = e.builder.ins().band_imm_u(place, LANES - 1);
            let step = e.builder.ins().ushr_imm_u(place, i64::from(LANES.trailing_zeros()));
            let first = e.builder.ins().imul(lane, steps);
            let number = e.builder.ins().iadd(first, step);
            let body = e.body;
            e.define(body.blocks[bands.columns.nest.body].params[0], index);
            let mut group = Group::for_columns(e, loops, &bands.columns, part.rows.outer, part.start);
            bands.reading.iter().for_each(|inst| group.inst(*inst));
            let packs: Vec<Pack> = bands.shared.iter().map(|read| group.canonical(read.result)).collect();
            for (read, pack) in bands.shared.iter().zip(packs) {
                let address = e.shared_address(&bands.columns, read, number);
                e.store_pack(&pack, address);
            }
            Vec::new()
        });
    }

    /// Where copy `number` of a group is.
    fn shared_address(&mut self, columns: &ColumnLoops<'a>, read: &SharedRead, number: Value) -> Value {
        let bytes = columns.shared_bytes(self, read);
        let offset = self.builder.ins().imul_imm_s(number, bytes);
        self.builder.ins().iadd(read.memory, offset)
    }

    /// Folds the elements of `leaf` for the rows of a block, the first of which has the index `row`, into the cells of
    /// their lanes; gives the blocks to which it bails.
    fn row_block(
        &mut self,
        loops: &Loops<'a>,
        bands: &Bands<'a>,
        (part, row): (Part<'_>, Value),
        (leaf, present, steps): (Leaf, Value, Value),
    ) -> Vec<Block> {
        let columns = &bands.columns;
        let (mut contexts, mut bails) = (Vec::new(), Vec::new());
        for number in 0..bands.block {
            let index = self.builder.ins().iadd_imm_s(row, number);
            let (outer, flat) = self.row_of(part, index);
            let flat = self.builder.ins().iadd(flat, part.start);
            let (context, bail) = self.column_context(loops, columns, (&outer, part.start, flat));
            contexts.push(context);
            bails.extend(bail);
        }
        let zero = self.int(0);
        self.for_range(zero, present, &[], |e, lane, _| {
            let first = e.builder.ins().iadd(leaf.start, lane);
            let at = e.builder.ins().imul(lane, steps);
            let copies = bands.shared.iter().map(|read| e.shared_address(columns, read, at)).collect();
            let run = Run { first, range: [first, leaf.end], shared: &bands.shared, copies };
            let start = e.start_lanes(columns.shape, &columns.folds, &columns.pack_shape(e));
            let before: Vec<Pack> = contexts.iter().flat_map(|_| start.clone()).collect();
            let (folded, others) = e.fold_run(loops, columns, &contexts, &before, run);
            bails.extend(others);
            for (number, packs) in folded.chunks(start.len()).enumerate() {
                let position = e.int(number as i64 * i64::from(columns.shape.group));
                e.store_columns(columns, Cells::Lane(lane), position, packs);
            }
            Vec::new()
        });
        bails
    }

    /// What is at `addresses`: copies of what rows share, each with the value that it is.
    pub(super) fn load_shared(
        &mut self,
        columns: &ColumnLoops<'a>,
        shared: &[SharedRead],
        addresses: &[Value],
    ) -> Vec<(IrValue, Pack)> {
        let load = |(read, address): (&SharedRead, &Value)| {
            let lane = columns.shape.lane_of(self.body.scalar(read.result));
            (read.result, self.load_pack(columns.shape.group, lane, (*address, MEMORY)))
        };
        shared.iter().zip(addresses).map(load).collect()
    }
}

impl ColumnLoops<'_> {
    /// How many bytes a copy of `read` has.
    pub(super) fn shared_bytes(&self, e: &Emitter<'_, '_>, read: &SharedRead) -> i64 {
        self.pack_bytes(self.shape.lane_of(e.body.scalar(read.result)))
    }
}

/// The instructions that `reads`, of the body of `reduction` in `nest`, take, those that compute their indices first.
fn with_indices(body: &Body, nest: &Nest, reduction: &Nest, reads: &[Inst]) -> Vec<Inst> {
    let insts = [nest.body, reduction.body].map(|block| &body.blocks[block].insts);
    let mut wanted = HashSet::new();
    let mut needed: Vec<Inst> = Vec::new();
    for &inst in insts.into_iter().flatten().rev() {
        let data = &body.insts[inst];
        if reads.contains(&inst) || data.results.iter().any(|result| wanted.contains(result)) {
            data.op.for_each_operand(|operand| {
                wanted.insert(operand);
            });
            needed.push(inst);
        }
    }
    needed.reverse();
    needed
}
