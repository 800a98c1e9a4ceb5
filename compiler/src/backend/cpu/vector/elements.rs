//! The loop over the groups of a range of elements whose sinks are maps.

use super::{Group, Operand, Shape, linear::Linear};
use crate::{
    backend::cpu::{emitter::Emitter, nest::Loops, sink::Target},
    ir::Sink,
};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};

/// A range of the innermost index of a nest.
#[derive(Clone, Copy)]
pub(in crate::backend::cpu) struct Row<'v> {
    /// The indices of the other dimensions.
    pub(in crate::backend::cpu) outer: &'v [Value],
    /// The first index and one past the last.
    pub(in crate::backend::cpu) range: [Value; 2],
    /// What makes an index of the row a flat one, if they differ.
    pub(in crate::backend::cpu) offset: Option<Value>,
}

impl<'a> Emitter<'a, '_> {
    /// Emits the elements of `row`: by groups if the nest has a vector shape.
    pub(in crate::backend::cpu) fn row_elements(&mut self, loops: &Loops<'a>, row: Row<'_>) {
        match (&loops.columns, loops.shape) {
            (Some(columns), _) => self.column_row(loops, row, columns),
            (None, Some(shape)) => self.grouped_row(loops, row, shape),
            (None, None) => self.scalar_row(loops, row, row.range),
        }
    }

    pub(super) fn flat_of(&mut self, row: Row<'_>, index: Value) -> Value {
        row.offset.map_or(index, |offset| self.builder.ins().iadd(offset, index))
    }

    pub(super) fn scalar_row(&mut self, loops: &Loops<'a>, row: Row<'_>, [begin, end]: [Value; 2]) {
        self.for_range(begin, end, &[], |e, index, _| {
            let flat = e.flat_of(row, index);
            e.map_element(loops, &[row.outer, &[index]].concat(), flat);
            Vec::new()
        });
    }

    /// Whole groups, the last of which ends with the row and may overlap the one before; scalar code for rows shorter than
    /// a group and for groups that bail. The way out of a loop comes first: then Cranelift lays what is inside next to its
    /// head, and moves out of it what does not change.
    fn grouped_row(&mut self, loops: &Loops<'a>, row: Row<'_>, shape: Shape) {
        let [begin, end] = row.range;
        let size = i64::from(shape.group);
        let last_start = self.builder.ins().iadd_imm_s(end, -size);
        let (head, at) = self.block_with_params(&[types::I64]);
        let (scalar, part) = self.block_with_params(&[types::I64; 2]);
        let [inside, exit] = [0; 2].map(|_| self.builder.create_block());
        self.jump(head, &[begin]);
        self.builder.switch_to_block(head);
        let start = self.builder.ins().smin(at[0], last_start);
        let is_short = self.icmp(IntCC::SignedLessThan, start, begin);
        self.branch(is_short, scalar, &[begin, end], inside, &[]);

        self.builder.switch_to_block(inside);
        let next = self.builder.ins().iadd_imm_s(start, size);
        let bail = self.map_group(loops, row, shape, start);
        let is_done = self.icmp(IntCC::SignedGreaterThanOrEqual, next, end);
        self.branch(is_done, exit, &[], head, &[next]);
        if let Some(bail) = bail {
            self.builder.switch_to_block(bail);
            self.jump(scalar, &[start, next]);
        }

        self.builder.switch_to_block(scalar);
        self.scalar_row(loops, row, [part[0], part[1]]);
        if bail.is_some() {
            let is_done = self.icmp(IntCC::SignedGreaterThanOrEqual, part[1], end);
            self.branch(is_done, exit, &[], head, &[part[1]]);
        } else {
            self.jump(exit, &[]);
        }
        self.builder.switch_to_block(exit);
    }

    /// Emits the group at `start`; gives the block to which it bails.
    fn map_group(&mut self, loops: &Loops<'a>, row: Row<'_>, shape: Shape, start: Value) -> Option<Block> {
        let body = self.body;
        let flat = self.flat_of(row, start);
        let outer_element = self.enter_element(loops, flat);
        let params = &body.blocks[loops.nest.body].params;
        params.iter().zip(row.outer).for_each(|(param, index)| self.define(*param, *index));
        let mut group = Group::new(self, shape, loops.nest.body);
        group.define(params[row.outer.len()], Operand::Linear(Linear { first: start, step: 1 }));
        group.block(loops.nest.body);
        group.store_maps(&loops.targets, flat);
        let bail = group.bail;
        self.element = outer_element;
        bail
    }
}

impl<'a> Group<'_, 'a, '_> {
    /// Stores what the maps among `targets` take, for the group that begins at `flat`.
    pub(super) fn store_maps(&mut self, targets: &[Target<'a>], flat: Value) {
        for target in targets.iter().filter(|target| matches!(target.sink, Sink::Map)) {
            let scalar = self.e.body.scalar(target.inputs[0]);
            let address = self.e.element_address(scalar, target.arrays[0], flat);
            self.store(target.inputs[0], address);
        }
    }
}
