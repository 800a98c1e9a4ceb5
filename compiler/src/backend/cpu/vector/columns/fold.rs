//! What is done for one lane of a leaf: its elements are folded, for a group of columns of one or several rows at once.

use super::{ColumnLoops, bands::SharedRead};
use crate::{
    backend::cpu::{
        emitter::Emitter,
        nest::Loops,
        vector::{
            Group, Operand,
            control::{flat_types, flatten, unflatten},
            linear::Linear,
            pack::Pack,
        },
    },
    ir::{Entity, Value as IrValue},
    plan::LANES,
};
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, condcodes::IntCC, types};
use std::collections::HashMap;

/// What the body of the reduction finds: the values of the nest's body before it, for a group of columns of one row.
pub(super) struct Context {
    forms: HashMap<IrValue, Operand>,
    uniform: Vec<(IrValue, Value)>,
}

/// Elements of one lane of a leaf: each [`LANES`]-th of a range; there is at least one.
pub(super) struct Run<'s> {
    /// The first of the lane.
    pub(super) first: Value,
    pub(super) range: [Value; 2],
    /// What has been read for all rows.
    pub(super) shared: &'s [SharedRead],
    /// For each of `shared`, the address of the copy for the first element of the run.
    pub(super) copies: Vec<Value>,
}

impl<'a> Emitter<'a, '_> {
    /// Emits the instructions of the nest's body before the reduction, for the group of columns from `start` on in the
    /// row with these outer indices; gives the block to which it bails, too.
    pub(super) fn column_context(
        &mut self,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        (outer, start, flat): (&[Value], Value, Value),
    ) -> (Context, Option<Block>) {
        let outer_element = self.enter_element(loops, flat);
        let body = self.body;
        let data = &body.blocks[loops.nest.body];
        let before = data.insts.iter().take_while(|inst| **inst != columns.reduction);
        let mut group = Group::for_columns(self, loops, columns, outer, start);
        before.clone().for_each(|inst| group.inst(*inst));
        let (forms, bail) = (std::mem::take(&mut group.forms), group.bail);
        let results = before.flat_map(|inst| &body.insts[*inst].results);
        let known = data.params.iter().chain(results);
        let uniform = known.filter_map(|value| Some((*value, self.values[value.index()]?)));
        let uniform = uniform.collect();
        self.element = outer_element;
        (Context { forms, uniform }, bail)
    }

    /// Folds the elements of `run` into the lanes `before` of the rows of `contexts`; gives the lanes after it, and the
    /// blocks to which it bails.
    pub(super) fn fold_run(
        &mut self,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        contexts: &[Context],
        before: &[Pack],
        run: Run<'_>,
    ) -> (Vec<Pack>, Vec<Block>) {
        let shape: Vec<(Type, usize)> = before.iter().map(|pack| (pack.lane, pack.parts.len())).collect();
        let places = [&run.range[..1], &run.copies[..]].concat();
        let state_types = [&vec![types::I64; places.len()], &flat_types(&shape)[..]].concat();
        let (head, params) = self.block_with_params(&state_types);
        let (exit, results) = self.block_with_params(&flat_types(&shape));
        self.jump(head, &[&places[..], &flatten(before)].concat());

        self.builder.switch_to_block(head);
        let (places, before) = params.split_at(places.len());
        let (at, before) = (places[0], unflatten(&shape, before));
        let shared = self.load_shared(columns, run.shared, &places[1..]);
        let is_first = self.icmp(IntCC::Equal, at, run.first);
        let (after, bails) = self.fold_element(loops, columns, contexts, (at, is_first), &before, &shared);
        let sizes = run.shared.iter().map(|read| columns.shared_bytes(self, read));
        let steps: Vec<i64> = std::iter::once(LANES).chain(sizes).collect();
        let next = places.iter().zip(steps).map(|(at, step)| self.builder.ins().iadd_imm_s(*at, step));
        let next: Vec<Value> = next.collect();
        let goes_on = self.icmp(IntCC::SignedLessThan, next[0], run.range[1]);
        let after = flatten(&after);
        self.branch(goes_on, head, &[&next[..], &after].concat(), exit, &after);
        self.builder.switch_to_block(exit);
        (unflatten(&shape, &results), bails)
    }

    /// Takes the element at this index into the lanes `before` of all rows of `contexts`, which have `shared`; gives the
    /// lanes after it, and the blocks to which it bails.
    fn fold_element(
        &mut self,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        contexts: &[Context],
        (at, is_first): (Value, Value),
        before: &[Pack],
        shared: &[(IrValue, Pack)],
    ) -> (Vec<Pack>, Vec<Block>) {
        let body = self.body;
        self.define(body.blocks[columns.nest.body].params[0], at);
        let (mut after, mut bails) = (Vec::new(), Vec::new());
        for (context, before) in contexts.iter().zip(before.chunks(before.len() / contexts.len())) {
            let mut group = Group::resume(self, loops, columns, context);
            shared.iter().for_each(|(result, pack)| group.set(*result, pack.clone()));
            after.extend(group.fold_row(columns, is_first, before, shared));
            bails.extend(group.bail);
        }
        (after, bails)
    }
}

impl<'e, 'a, 'b> Group<'e, 'a, 'b> {
    /// The group of columns from `start` on, with the parameters of the nest's body set.
    pub(super) fn for_columns(
        e: &'e mut Emitter<'a, 'b>,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        outer: &[Value],
        start: Value,
    ) -> Self {
        let params = &e.body.blocks[loops.nest.body].params;
        params.iter().zip(outer).for_each(|(param, index)| e.define(*param, *index));
        let mut group = Group::new(e, columns.shape, loops.nest.body);
        if let Some(column) = params.last() {
            group.define(*column, Operand::Linear(Linear { first: start, step: 1 }));
        }
        group
    }

    /// The group of columns of `context`.
    fn resume(
        e: &'e mut Emitter<'a, 'b>,
        loops: &Loops<'a>,
        columns: &ColumnLoops<'a>,
        context: &Context,
    ) -> Self {
        context.uniform.iter().for_each(|(value, code)| e.define(*value, *code));
        let mut group = Group::new(e, columns.shape, loops.nest.body);
        group.forms = context.forms.clone();
        group
    }

    /// Emits the body of the reduction, of which `known` are set, and takes its results into the lanes `before`.
    fn fold_row(
        &mut self,
        columns: &ColumnLoops<'a>,
        is_first: Value,
        before: &[Pack],
        known: &[(IrValue, Pack)],
    ) -> Vec<Pack> {
        let body = self.e.body;
        let data = &body.blocks[columns.nest.body];
        let is_known = |value: &IrValue| known.iter().any(|(known, _)| known == value);
        for &inst in data.insts.iter().filter(|inst| !body.insts[**inst].results.iter().any(is_known)) {
            self.inst(inst);
        }
        let inputs: Vec<Pack> = data.results.iter().map(|input| self.canonical(*input)).collect();
        self.fold_in(&columns.folds, is_first, before, &inputs)
    }
}

impl ColumnLoops<'_> {
    /// How many bytes a group has in packs of such lanes.
    pub(super) fn pack_bytes(&self, lane: Type) -> i64 {
        i64::from(self.shape.group * lane.bytes())
    }

    /// Lane type and number of parts of each component of the folds.
    pub(super) fn pack_shape(&self, e: &Emitter<'_, '_>) -> Vec<(Type, usize)> {
        self.folds.iter().flat_map(|fold| e.pack_shape(fold, self.shape)).collect()
    }
}
