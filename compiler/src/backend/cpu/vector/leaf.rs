//! The loop over the groups of a leaf of a reduction, and the tree over its lanes.
//!
//! A group has a divisor of the number of lanes as its size, and a *pass* over the leaf takes each group of one set of
//! lanes, so that the partial results of the pass stay in registers. Between passes they are in the cells of the fold.

use super::{
    Group, Operand, Shape,
    control::{flat_types, flatten, unflatten},
    linear::Linear,
    pack::Pack,
    places,
};
use crate::{
    backend::cpu::{
        emitter::{Emitter, lane_type},
        fold::FoldCells,
        nest::{Leaf, Loops},
    },
    ir::Fold,
    plan::LANES,
};
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, condcodes::IntCC, types};

/// The folds of a nest.
pub(super) struct Folds<'a> {
    /// Each with its cells.
    pub(super) all: Vec<(&'a Fold, FoldCells)>,
    /// For each of their components, whether it is a place, which in registers has 32 bits.
    pub(super) is_place: Vec<bool>,
}

impl<'a> Emitter<'a, '_> {
    /// Emits the elements of `leaf` of a nest whose sinks are reductions and maps; gives the leaf's result for each
    /// reduction.
    pub(in crate::backend::cpu) fn grouped_leaf(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        leaf: Leaf,
    ) -> Vec<Vec<Value>> {
        let all = loops.folds().filter_map(|(target, fold)| Some((fold, target.cells.clone()?))).collect();
        let folds = Folds { all, is_place: places::of(self.body, loops.nest) };
        let count = self.builder.ins().isub(leaf.end, leaf.start);
        let rounds = self.builder.ins().band_imm_s(count, -LANES);
        let whole_end = self.builder.ins().iadd(leaf.start, rounds);
        self.passes(loops, shape, &folds, (leaf, whole_end));
        let values = match folds.all.iter().all(|(_, cells)| cells.lanes_are_full) {
            true => self.halve_all(&folds, shape),
            false => {
                let results: Vec<Type> =
                    folds.all.iter().flat_map(|(fold, _)| self.fold_types(fold)).collect();
                self.if_else(
                    rounds,
                    &results,
                    |e| e.halve_all(&folds, shape),
                    |e| e.combine_all_lanes(&folds, count),
                )
            }
        };
        let mut values = values.into_iter();
        folds.all.iter().map(|(fold, _)| values.by_ref().take(fold.width()).collect()).collect()
    }

    fn fold_types(&self, fold: &Fold) -> Vec<Type> {
        fold.neutral.iter().map(|neutral| lane_type(self.body.scalar(*neutral))).collect()
    }

    /// Combines the lanes of a leaf of `count` elements, maybe too few for all lanes.
    fn combine_all_lanes(&mut self, folds: &Folds<'a>, count: Value) -> Vec<Value> {
        folds.all.iter().flat_map(|(fold, cells)| self.combine_lanes(fold, &cells.lanes, count)).collect()
    }

    /// Feeds all elements of `leaf` to the cells of its lanes: in passes over the rounds, which end at `whole_end`, the
    /// rest one by one. Groups that bail and the rest share one scalar loop, which goes on with the next round unless
    /// it was at the end of the leaf.
    fn passes(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        folds: &Folds<'a>,
        (leaf, whole_end): (Leaf, Value),
    ) {
        let packs = self.lane_shape(folds, shape);
        let state_types = [&[types::I64], &flat_types(&packs)[..]].concat();
        let [inside, exit] = [0; 2].map(|_| self.builder.create_block());
        let (pass, first_lane) = self.block_with_params(&[types::I64]);
        let (head, params) = self.block_with_params(&state_types);
        let (scalar, range) = self.block_with_params(&[types::I64; 2]);
        let first_lane = first_lane[0];
        let zero = self.int(0);
        self.jump(pass, &[zero]);

        self.builder.switch_to_block(pass);
        let first = self.builder.ins().iadd(leaf.start, first_lane);
        let operators: Vec<&'a Fold> = folds.all.iter().map(|(fold, _)| *fold).collect();
        let start = self.start_lanes(shape, &operators, &packs);
        self.jump(head, &[&[first], &flatten(&start)[..]].concat());

        self.builder.switch_to_block(head);
        let (at, before) = (params[0], unflatten(&packs, &params[1..]));
        // The way out comes first, as in `grouped_row`.
        let is_past = self.icmp(IntCC::SignedGreaterThanOrEqual, at, whole_end);
        self.branch(is_past, exit, &[], inside, &[]);

        self.builder.switch_to_block(inside);
        let is_first = self.icmp(IntCC::Equal, at, first);
        let next_at = self.builder.ins().iadd_imm_s(at, LANES);
        let (after, bail) = self.fold_group(loops, shape, folds, (leaf, at, is_first), &before);
        self.jump(head, &[&[next_at], &flatten(&after)[..]].concat());

        if let Some(bail) = bail {
            self.builder.switch_to_block(bail);
            self.store_lanes(shape, folds, (leaf, first_lane), &before);
            let end = self.builder.ins().iadd_imm_s(at, i64::from(shape.group));
            self.jump(scalar, &[at, end]);
        }

        self.builder.switch_to_block(exit);
        self.store_lanes(shape, folds, (leaf, first_lane), &before);
        if i64::from(shape.group) == LANES {
            self.jump(scalar, &[whole_end, leaf.end]);
        } else {
            let next_lane = self.builder.ins().iadd_imm_s(first_lane, i64::from(shape.group));
            let is_last = self.builder.ins().icmp_imm_s(IntCC::Equal, next_lane, LANES);
            self.branch(is_last, scalar, &[whole_end, leaf.end], pass, &[next_lane]);
        }

        self.builder.switch_to_block(scalar);
        self.for_range(range[0], range[1], &[], |e, flat, _| {
            e.leaf_element(loops, leaf, flat, (&[], &[]), &[])
        });
        if bail.is_some() {
            let [done, again] = [0; 2].map(|_| self.builder.create_block());
            let is_done = self.icmp(IntCC::Equal, range[1], leaf.end);
            self.branch(is_done, done, &[], again, &[]);
            self.builder.switch_to_block(again);
            let next_at = self.builder.ins().iadd_imm_s(range[0], LANES);
            let after = self.load_lanes(shape, folds, (leaf, first_lane));
            self.jump(head, &[&[next_at], &flatten(&after)[..]].concat());
            self.builder.switch_to_block(done);
        }
    }

    /// Emits the body for the group at `at` and gives the lanes after it, and the block to which it bails; `before` are
    /// the lanes of the rounds before.
    fn fold_group(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        folds: &Folds<'a>,
        (leaf, at, is_first): (Leaf, Value, Value),
        before: &[Pack],
    ) -> (Vec<Pack>, Option<Block>) {
        let body = self.body;
        let outer_element = self.enter_element(loops, at);
        let param = body.blocks[loops.nest.body].params[0];
        let mut group = Group::new(self, shape, loops.nest.body);
        group.define(param, Operand::Linear(Linear { first: at, step: 1 }));
        group.block(loops.nest.body);
        group.store_maps(&loops.targets, at);
        let folded = loops.folds().flat_map(|(target, _)| target.inputs);
        let place = group.e.builder.ins().isub(at, leaf.start);
        let inputs = folded.zip(&folds.is_place).map(|(input, is_place)| match is_place {
            true => group.place_pack(place),
            false => group.canonical(*input),
        });
        let inputs: Vec<Pack> = inputs.collect();
        let operators: Vec<&'a Fold> = folds.all.iter().map(|(fold, _)| *fold).collect();
        let pairs = loops.folds().map(|(target, fold)| places::pairs(body, fold, target.inputs, param));
        group.ordered = pairs.flatten().collect();
        let after = group.fold_in(&operators, is_first, before, &inputs);
        let bail = group.bail;
        self.element = outer_element;
        (after, bail)
    }
}
