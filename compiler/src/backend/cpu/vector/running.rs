//! Scans that run on, by groups of neighbouring elements.
//!
//! Where an operator is associative to the last bit, the prefixes of the values of a vector take a step for each power
//! of two below their number (Hillis and Steele's scan), and vectors depend on each other by one operation only.

use super::{
    Group, Operand, Shape,
    control::{flat_types, flatten, unflatten},
    linear::Linear,
    pack::{Pack, VECTOR_BYTES},
};
use crate::{
    backend::cpu::{emitter::Emitter, nest::Loops, running::Pass},
    ir::{Fold, Value as IrValue},
    plan::identity,
};
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, condcodes::IntCC, types};
use pk_dsl::scalar::Scalar;

impl<'a> Emitter<'a, '_> {
    /// Folds the elements `start..stop` to what is `before` them; gives the new folds. Groups that bail and the rest share
    /// one scalar loop.
    pub(in crate::backend::cpu) fn run_on_in_groups(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        [start, stop]: [Value; 2],
        before: &[Value],
        pass: Pass,
    ) -> Vec<Value> {
        let size = i64::from(shape.group);
        let state = self.running_state(loops, shape, before, pass);
        let packs: Vec<(Type, usize)> = state.iter().map(|pack| (pack.lane, pack.parts.len())).collect();
        let (head, params) = self.block_with_params(&[&[types::I64], &flat_types(&packs)[..]].concat());
        let (scalar, rest) = self.block_with_params(&[&[types::I64; 2], &flat_types(&packs)[..]].concat());
        let inside = self.builder.create_block();
        let last_start = self.builder.ins().iadd_imm_s(stop, -size);
        self.jump(head, &[&[start], &flatten(&state)[..]].concat());

        self.builder.switch_to_block(head);
        let (at, flat) = (params[0], &params[1..]);
        // The way out comes first, as in `grouped_row`.
        let is_past = self.icmp(IntCC::SignedGreaterThan, at, last_start);
        self.branch(is_past, scalar, &[&[at, stop], flat].concat(), inside, &[]);

        self.builder.switch_to_block(inside);
        let next = self.builder.ins().iadd_imm_s(at, size);
        let (after, bail) = self.run_on_group(loops, shape, at, &unflatten(&packs, flat), pass);
        self.jump(head, &[&[next], &flatten(&after)[..]].concat());
        if let Some(bail) = bail {
            self.builder.switch_to_block(bail);
            self.jump(scalar, &[&[at, next], flat].concat());
        }

        self.builder.switch_to_block(scalar);
        let folds = self.running_folds(loops, shape, &unflatten(&packs, &rest[2..]), pass);
        let folds = self.run_on_one_by_one(loops, [rest[0], rest[1]], &folds, pass);
        if bail.is_some() {
            let [done, again] = [0; 2].map(|_| self.builder.create_block());
            let is_done = self.icmp(IntCC::Equal, rest[1], stop);
            self.branch(is_done, done, &[], again, &[]);
            self.builder.switch_to_block(again);
            let state = self.running_state(loops, shape, &folds, pass);
            self.jump(head, &[&[rest[1]], &flatten(&state)[..]].concat());
            self.builder.switch_to_block(done);
        }
        folds
    }

    /// Emits the group at `at`; gives the state after it, and the block to which it bails.
    fn run_on_group(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        at: Value,
        before: &[Pack],
        pass: Pass,
    ) -> (Vec<Pack>, Option<Block>) {
        let outer_element = self.enter_element(loops, at);
        let param = self.body.blocks[loops.nest.body].params[0];
        let mut group = Group::new(self, shape, loops.nest.body);
        group.define(param, Operand::Linear(Linear { first: at, step: 1 }));
        group.block(loops.nest.body);
        if pass == Pass::Store {
            group.store_maps(&loops.targets, at);
        }
        let mut after = Vec::new();
        for ((target, fold), before) in loops.folds().zip(before) {
            let input = group.canonical(target.inputs[0]);
            if pass == Pass::Total {
                after.push(group.combine_one(fold, before, &input));
                continue;
            }
            let local = group.prefixes(fold, &input);
            let (shown, next) = group.continued(fold, before, &local, target.is_exclusive());
            group.store_scanned(target.outputs[0], target.arrays[0], at, shown);
            after.push(next);
        }
        let bail = group.bail;
        self.element = outer_element;
        (after, bail)
    }

    /// What is carried from group to group, for each scan: in the second pass the fold so far in all values of a vector,
    /// in the first a pack whose values fold to it.
    fn running_state(&mut self, loops: &Loops<'a>, shape: Shape, folds: &[Value], pass: Pass) -> Vec<Pack> {
        let mut state = Vec::new();
        for ((_, fold), value) in loops.folds().zip(folds) {
            let scalar = self.body.scalar(fold.neutral[0]);
            let bits = identity::bits(self.body, fold, 0).unwrap_or(0);
            let mut group = Group::new(self, shape, fold.op);
            let mut all = group.splat(scalar, *value);
            if pass == Pass::Total {
                let nothing = group.constant_pack(all.lane, bits);
                let first = group.shifted(all.parts[0], nothing.parts[0], all.lane, 1);
                all.parts = nothing.parts;
                all.parts[0] = first;
            } else {
                all.parts.truncate(1);
            }
            state.push(all);
        }
        state
    }

    /// The folds that `state` stands for.
    fn running_folds(&mut self, loops: &Loops<'a>, shape: Shape, state: &[Pack], pass: Pass) -> Vec<Value> {
        let mut folds = Vec::new();
        for ((_, fold), pack) in loops.folds().zip(state) {
            let scalar = self.body.scalar(fold.neutral[0]);
            let mut group = Group::new(self, shape, fold.op);
            let pack = match pass {
                Pass::Total => group.folded(fold, pack),
                Pass::Store => pack.clone(),
            };
            let last = group.lanes(&pack).pop();
            folds.extend(last.map(|lane| group.scalar_of_lane(scalar, lane)));
        }
        folds
    }
}

impl<'a> Group<'_, 'a, '_> {
    /// The operator of `fold`, which has one component, applied to packs.
    fn combine_one(&mut self, fold: &'a Fold, left: &Pack, right: &Pack) -> Pack {
        self.combine(fold, std::slice::from_ref(left), std::slice::from_ref(right)).swap_remove(0)
    }

    /// Each value folded to those before it in its vector.
    fn prefixes(&mut self, fold: &'a Fold, x: &Pack) -> Pack {
        let bits = identity::bits(self.e.body, fold, 0).unwrap_or(0);
        let nothing = self.constant_part(x.lane, |_| bits);
        let mut x = x.clone();
        let mut distance = 1;
        while distance < VECTOR_BYTES / x.lane.bytes() {
            let before = self.map(&x, x.lane, |g, part| g.shifted(nothing, part, x.lane, distance));
            x = self.combine_one(fold, &before, &x);
            distance *= 2;
        }
        x
    }

    /// The elements of a scan of which `local` are the prefixes in each vector, and the fold after them; `before` has the
    /// fold before them in all values.
    fn continued(&mut self, fold: &'a Fold, before: &Pack, local: &Pack, is_exclusive: bool) -> (Pack, Pack) {
        let lane = local.lane;
        let mut before = before.clone();
        let mut shown = Pack { lane, parts: Vec::new() };
        for part in &local.parts {
            let part = Pack { lane, parts: vec![*part] };
            let total = self.map(&part, lane, |g, part| g.last_lane(part, lane));
            let through = self.combine_one(fold, &before, &part);
            shown.parts.push(match is_exclusive {
                true => self.shifted(before.parts[0], through.parts[0], lane, 1),
                false => through.parts[0],
            });
            before = self.combine_one(fold, &before, &total);
        }
        (shown, before)
    }

    /// A vector whose last value is the fold of all values of `x`.
    fn folded(&mut self, fold: &'a Fold, x: &Pack) -> Pack {
        let one = |part: &Value| Pack { lane: x.lane, parts: vec![*part] };
        let mut all = one(&x.parts[0]);
        for part in &x.parts[1..] {
            all = self.combine_one(fold, &all, &one(part));
        }
        self.prefixes(fold, &all)
    }

    fn store_scanned(&mut self, output: IrValue, array: Value, at: Value, elements: Pack) {
        let scalar = self.e.body.scalar(output);
        let address = self.e.element_address(scalar, array, at);
        let elements = if scalar == Scalar::Bool { self.ones(&elements, 1) } else { elements };
        self.e.store_pack(&elements, address);
    }
}
