//! Scans that run on from one range of leaves to the next (see [`RunsOn`]): one pass where a thread takes all ranges in
//! order, two where several threads share them.

use super::{emitter::Emitter, fold::Cells, nest::Loops};
use crate::{
    ir::{Sink, Value as IrValue},
    plan::{RunsOn, identity},
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC};

/// What a pass does with the elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// It folds them.
    Total,
    /// It folds and stores them.
    Store,
}

impl<'a> Emitter<'a, '_> {
    /// Leaves the totals of the leaves `begin..end` in `partials`.
    pub(super) fn running_totals(&mut self, loops: &Loops<'a>, partials: &[Cells], range: [Value; 2]) {
        let extent = self.value(loops.nest.dims[0]);
        self.for_range(range[0], range[1], &[], |e, number, _| {
            let leaf = e.leaf(number, extent);
            let nothing = e.identities(loops);
            let totals = e.run_on(loops, [leaf.start, leaf.end], &nothing, Pass::Total);
            partials.iter().zip(totals).for_each(|(cells, total)| e.store_cell(cells, number, &[total]));
            Vec::new()
        });
    }

    /// Stores the elements of the leaves `begin..end`. What precedes them is in the frame if this thread has computed it,
    /// else in `partials`.
    pub(super) fn running_elements(
        &mut self,
        loops: &Loops<'a>,
        running: &RunsOn,
        partials: &[Cells],
        [begin, end]: [Value; 2],
    ) {
        let extent = self.value(loops.nest.dims[0]);
        let start = self.leaf(begin, extent).start;
        let last = self.builder.ins().iadd_imm_s(end, -1);
        let stop = self.leaf(last, extent).end;
        let before = self.before_range(loops, running, partials, begin);
        let after = self.run_on(loops, [start, stop], &before, Pass::Store);
        self.store_slot(running.next, end);
        running.before.iter().zip(after).for_each(|(slot, value)| self.store_slot(*slot, value));
        self.first_elements(loops, [start, stop]);
    }

    /// The fold of all elements before leaf `begin`.
    fn before_range(
        &mut self,
        loops: &Loops<'a>,
        running: &RunsOn,
        partials: &[Cells],
        begin: Value,
    ) -> Vec<Value> {
        let next = self.load_address(running.next);
        let goes_on = self.icmp(IntCC::Equal, next, begin);
        let nothing = self.identities(loops);
        let types = self.types(&nothing);
        let own = |e: &mut Self| {
            let slots = running.before.iter().zip(&types);
            slots.map(|(slot, ty)| e.load_from(*ty, *slot)).collect::<Vec<_>>()
        };
        let of_others = |e: &mut Self| {
            let folds = loops.folds().zip(partials);
            folds.flat_map(|((_, fold), cells)| e.load_cell(fold, cells, begin)).collect()
        };
        let later = |e: &mut Self| e.if_else(goes_on, &types, own, of_others);
        self.if_else(begin, &types, later, |_| nothing)
    }

    /// Where an exclusive scan begins stands its neutral element, which need not be the identity.
    fn first_elements(&mut self, loops: &Loops<'a>, [start, stop]: [Value; 2]) {
        if !loops.folds().any(|(target, _)| target.is_exclusive()) {
            return;
        }
        let is_first = self.icmp_zero(start);
        let is_some = self.icmp(IntCC::SignedLessThan, start, stop);
        let shows_neutral = self.builder.ins().band(is_first, is_some);
        self.if_then(shows_neutral, |e| {
            for (target, fold) in loops.folds().filter(|(target, _)| target.is_exclusive()) {
                let neutral = e.all(&fold.neutral);
                e.store_elements(fold, &target.arrays, start, &neutral);
            }
        });
    }

    /// The identity of each fold.
    fn identities(&mut self, loops: &Loops<'a>) -> Vec<Value> {
        let identities = loops.folds().filter_map(|(_, fold)| identity::of_exact(self.body, fold));
        identities.collect::<Vec<_>>().into_iter().map(|identity| self.constant(identity)).collect()
    }

    /// Folds the elements `start..stop` to what is `before` them; gives the new folds.
    fn run_on(&mut self, loops: &Loops<'a>, range: [Value; 2], before: &[Value], pass: Pass) -> Vec<Value> {
        match loops.scan {
            Some(shape) => self.run_on_in_groups(loops, shape, range, before, pass),
            None => self.run_on_one_by_one(loops, range, before, pass),
        }
    }

    /// [`Emitter::run_on`] without vectors.
    pub(super) fn run_on_one_by_one(
        &mut self,
        loops: &Loops<'a>,
        [start, stop]: [Value; 2],
        before: &[Value],
        pass: Pass,
    ) -> Vec<Value> {
        self.for_range(start, stop, before, |e, flat, before| {
            let outer = e.enter_element(loops, flat);
            e.block_with(loops.nest.body, &[flat]);
            let inputs: Vec<IrValue> = loops.folds().flat_map(|(target, _)| target.inputs).copied().collect();
            let mut after = Vec::new();
            for (((_, fold), before), input) in loops.folds().zip(before).zip(inputs) {
                let input = e.value(input);
                after.extend(e.combine(fold, &[*before], &[input]));
            }
            if pass == Pass::Store {
                e.store_running(loops, flat, before, &after);
            }
            e.element = outer;
            after
        })
    }

    fn store_running(&mut self, loops: &Loops<'a>, flat: Value, before: &[Value], after: &[Value]) {
        let maps = loops.targets.iter().filter(|target| matches!(target.sink, Sink::Map));
        maps.for_each(|target| self.feed_map(target, flat, None));
        for ((target, fold), (before, after)) in loops.folds().zip(before.iter().zip(after)) {
            let shown = if target.is_exclusive() { *before } else { *after };
            self.store_elements(fold, &target.arrays, flat, &[shown]);
        }
    }
}
