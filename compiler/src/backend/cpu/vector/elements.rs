//! The loop over the groups of a range of elements whose sinks are maps.

use super::{Group, Operand, Shape, linear::Linear};
use crate::backend::cpu::{emitter::Emitter, nest::Loops};
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
        let [begin, end] = row.range;
        match loops.shape {
            Some(shape) => self.grouped_row(loops, row, shape),
            None => self.scalar_row(loops, row, begin, end),
        }
    }

    fn flat_of(&mut self, row: Row<'_>, index: Value) -> Value {
        row.offset.map_or(index, |offset| self.builder.ins().iadd(offset, index))
    }

    fn scalar_row(&mut self, loops: &Loops<'a>, row: Row<'_>, begin: Value, end: Value) {
        self.for_range(begin, end, &[], |e, index, _| {
            let flat = e.flat_of(row, index);
            e.map_element(loops, &[row.outer, &[index]].concat(), flat);
            Vec::new()
        });
    }

    /// Whole groups, then one that ends with the row and overlaps the one before; scalar code for rows shorter than a
    /// group and for groups that bail.
    fn grouped_row(&mut self, loops: &Loops<'a>, row: Row<'_>, shape: Shape) {
        let [begin, end] = row.range;
        let size = i64::from(shape.group);
        let last_start = self.builder.ins().iadd_imm_s(end, -size);
        let i64s = |count| vec![types::I64; count];
        let (head, at) = self.block_with_params(&i64s(1));
        let (group, start) = self.block_with_params(&i64s(1));
        let (scalar, part) = self.block_with_params(&i64s(2));
        let [tail, no_tail, exit] = [0; 3].map(|_| self.builder.create_block());
        self.jump(head, &[begin]);
        self.builder.switch_to_block(head);
        let fits = self.icmp(IntCC::SignedLessThanOrEqual, at[0], last_start);
        self.branch(fits, group, &[at[0]], tail, &[]);

        self.builder.switch_to_block(tail);
        let is_rest = self.icmp(IntCC::SignedLessThan, at[0], end);
        let is_long = self.icmp(IntCC::SignedGreaterThanOrEqual, last_start, begin);
        let overlaps = self.builder.ins().band(is_rest, is_long);
        self.branch(overlaps, group, &[last_start], no_tail, &[]);
        self.builder.switch_to_block(no_tail);
        self.branch(is_rest, scalar, &[at[0], end], exit, &[]);

        self.builder.switch_to_block(group);
        let next = self.builder.ins().iadd_imm_s(start[0], size);
        let bail = self.map_group(loops, row, shape, start[0]);
        self.jump(head, &[next]);
        if let Some(bail) = bail {
            self.builder.switch_to_block(bail);
            self.jump(scalar, &[start[0], next]);
        }

        self.builder.switch_to_block(scalar);
        self.scalar_row(loops, row, part[0], part[1]);
        self.jump(head, &[part[1]]);
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
        for target in &loops.targets {
            let scalar = body.scalar(target.inputs[0]);
            let address = group.e.element_address(scalar, target.arrays[0], flat);
            group.store(target.inputs[0], address);
        }
        let bail = group.bail;
        self.element = outer_element;
        bail
    }
}
