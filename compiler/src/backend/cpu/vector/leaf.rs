//! The loop over the groups of a leaf of a reduction, and the tree over its lanes.
//!
//! A group has a divisor of the number of lanes as its size, and a *pass* over the leaf takes each group of one set of
//! lanes, so that the partial results of the pass stay in registers. Between passes they are in the cells of the fold.

use super::{
    Group, Operand, Shape,
    control::{flat_types, flatten, unflatten},
    identity,
    linear::Linear,
    pack::{Pack, VECTOR_BYTES},
    places,
};
use crate::{
    backend::cpu::{
        emitter::{Element, Emitter, Lanes, MEMORY},
        fold::FoldCells,
        nest::{Leaf, Loops},
    },
    ir::Fold,
    plan::LANES,
};
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, condcodes::IntCC, types};
use pk_dsl::scalar::Scalar;

/// The folds of a nest.
struct Folds<'a> {
    /// Each with its cells.
    all: Vec<(&'a Fold, FoldCells)>,
    /// For each of their components, whether it is the place of an element. In registers a place counts from the start
    /// of the leaf, in 32 bits.
    is_place: Vec<bool>,
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
        let param = self.body.blocks[loops.nest.body].params[0];
        let components = loops.folds().flat_map(|(target, fold)| {
            let inputs = target.inputs.iter().enumerate();
            inputs.map(move |(at, input)| (fold, at, *input))
        });
        let is_place =
            components.map(|(fold, at, input)| input == param && places::is_only_chosen(self.body, fold, at));
        let folds = Folds { all, is_place: is_place.collect() };
        let count = self.builder.ins().isub(leaf.end, leaf.start);
        let rounds = self.builder.ins().band_imm_s(count, -LANES);
        let whole_end = self.builder.ins().iadd(leaf.start, rounds);
        let (zero, passes) = (self.int(0), self.int(LANES / i64::from(shape.group)));
        self.for_range(zero, passes, &[], |e, pass, _| {
            e.pass(loops, shape, &folds, (leaf, whole_end), pass);
            Vec::new()
        });
        self.scalar_elements(loops, leaf, [whole_end, leaf.end]);
        let results: Vec<Type> = folds.all.iter().flat_map(|(fold, _)| self.fold_types(fold)).collect();
        let values = self.if_else(
            rounds,
            &results,
            |e| folds.all.iter().flat_map(|(fold, cells)| e.halve_vectors(fold, cells, shape)).collect(),
            |e| {
                folds
                    .all
                    .iter()
                    .flat_map(|(fold, cells)| e.combine_lanes(fold, &cells.lanes, count))
                    .collect()
            },
        );
        let mut values = values.into_iter();
        folds.all.iter().map(|(fold, _)| values.by_ref().take(fold.width()).collect()).collect()
    }

    fn fold_types(&self, fold: &Fold) -> Vec<Type> {
        fold.neutral.iter().map(|neutral| self.ty(self.body.scalar(*neutral))).collect()
    }

    /// Feeds the elements `begin..end` of `leaf` one by one, whose lanes are in their cells.
    fn scalar_elements(&mut self, loops: &Loops<'a>, leaf: Leaf, [begin, end]: [Value; 2]) {
        self.for_range(begin, end, &[], |e, flat, _| e.leaf_element(loops, leaf, flat, (&[], &[]), &[]));
    }

    /// Emits pass number `pass` over the rounds of `leaf` that end at `whole_end`.
    fn pass(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        folds: &Folds<'a>,
        (leaf, whole_end): (Leaf, Value),
        pass: Value,
    ) {
        let first_lane = self.builder.ins().imul_imm_s(pass, i64::from(shape.group));
        let first = self.builder.ins().iadd(leaf.start, first_lane);
        let [inside, exit] = [0; 2].map(|_| self.builder.create_block());
        let packs = self.lane_shape(folds, shape);
        let state_types = [&[types::I64], &flat_types(&packs)[..]].concat();
        let (head, params) = self.block_with_params(&state_types);
        let operators: Vec<&'a Fold> = folds.all.iter().map(|(fold, _)| *fold).collect();
        let start = self.start_lanes(shape, &operators, &packs);
        self.jump(head, &[&[first], &flatten(&start)[..]].concat());

        self.builder.switch_to_block(head);
        let (at, before) = (params[0], unflatten(&packs, &params[1..]));
        let goes_on = self.icmp(IntCC::SignedLessThan, at, whole_end);
        self.branch(goes_on, inside, &[], exit, &[]);

        self.builder.switch_to_block(inside);
        let is_first = self.icmp(IntCC::Equal, at, first);
        let next_at = self.builder.ins().iadd_imm_s(at, LANES);
        let (after, bail) = self.fold_group(loops, shape, folds, (leaf, at, is_first), &before);
        self.jump(head, &[&[next_at], &flatten(&after)[..]].concat());

        if let Some(bail) = bail {
            self.builder.switch_to_block(bail);
            let is_later = self.icmp_zero(is_first);
            self.if_then(is_later, |e| e.store_lanes(shape, folds, (leaf, first_lane), &before));
            let end = self.builder.ins().iadd_imm_s(at, i64::from(shape.group));
            self.scalar_elements(loops, leaf, [at, end]);
            let after = self.load_lanes(shape, folds, (leaf, first_lane));
            self.jump(head, &[&[next_at], &flatten(&after)[..]].concat());
        }

        self.builder.switch_to_block(exit);
        let is_some = self.icmp(IntCC::SignedLessThan, leaf.start, whole_end);
        self.if_then(is_some, |e| e.store_lanes(shape, folds, (leaf, first_lane), &before));
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

    /// Lane type and number of parts of each component of `folds` in registers.
    fn lane_shape(&self, folds: &Folds<'a>, shape: Shape) -> Vec<(Type, usize)> {
        let shapes = folds.all.iter().flat_map(|(fold, _)| self.pack_shape(fold, shape));
        let shapes = shapes.zip(&folds.is_place).map(|((lane, parts), is_place)| match is_place {
            true => (types::I32, parts / 2),
            false => (lane, parts),
        });
        shapes.collect()
    }

    pub(super) fn pack_shape(&self, fold: &Fold, shape: Shape) -> Vec<(Type, usize)> {
        let lanes = fold.neutral.iter().map(|neutral| {
            let lane = shape.lane_of(self.body.scalar(*neutral));
            (lane, (shape.group * lane.bytes() / VECTOR_BYTES) as usize)
        });
        lanes.collect()
    }

    /// What lanes of this form hold before the first element: the identity of their operator, if it has one.
    pub(super) fn start_lanes(
        &mut self,
        shape: Shape,
        folds: &[&'a Fold],
        packs: &[(Type, usize)],
    ) -> Vec<Pack> {
        let body = self.body;
        let components = folds.iter().flat_map(|fold| vec![identity::bits(body, fold); fold.width()]);
        let mut group = Group::new(self, shape, body.entry);
        let starts = packs.iter().zip(components);
        starts.map(|((lane, _), bits)| group.constant_pack(*lane, bits.unwrap_or(0))).collect()
    }

    /// Stores the lanes of `leaf` from `first_lane` on.
    fn store_lanes(
        &mut self,
        shape: Shape,
        folds: &Folds<'a>,
        (leaf, first_lane): (Leaf, Value),
        lanes: &[Pack],
    ) {
        let mut group = Group::new(self, shape, self.body.entry);
        let components =
            folds.all.iter().flat_map(|(fold, cells)| fold.neutral.iter().zip(&cells.lanes.components));
        for (((neutral, (base, _)), pack), is_place) in components.zip(lanes).zip(&folds.is_place) {
            let scalar = group.e.body.scalar(*neutral);
            let address = group.e.element_address(scalar, *base, first_lane);
            match scalar {
                Scalar::Bool => {
                    let ones = group.ones(pack, 1);
                    group.store_parts(&ones, address);
                }
                _ if *is_place => {
                    let places = group.widened_places(pack, leaf.start);
                    group.store_parts(&places, address);
                }
                _ => group.store_parts(pack, address),
            }
        }
    }

    fn load_lanes(
        &mut self,
        shape: Shape,
        folds: &Folds<'a>,
        (leaf, first_lane): (Leaf, Value),
    ) -> Vec<Pack> {
        let mut lanes = Vec::new();
        for (fold, cells) in &folds.all {
            let mut group = Group::new(self, shape, fold.op);
            lanes.extend(group.load_fold(fold, cells, first_lane));
        }
        let mut group = Group::new(self, shape, self.body.entry);
        let lanes = lanes.into_iter().zip(&folds.is_place).map(|(pack, is_place)| match is_place {
            true => group.narrowed_places(&pack, leaf.start),
            false => pack,
        });
        lanes.collect()
    }

    /// Combines all lanes of a leaf from their cells: by vectors as long as they are full.
    fn halve_vectors(&mut self, fold: &'a Fold, cells: &FoldCells, shape: Shape) -> Vec<Value> {
        let mut size = LANES as u32 / 2;
        let sized = |size: u32| Shape { group: size, ..shape };
        let [low, high] = [0, i64::from(size)].map(|lane| {
            let lane = self.int(lane);
            Group::new(self, sized(size), fold.op).load_fold(fold, cells, lane)
        });
        let mut lanes = Group::new(self, sized(size), fold.op).combine(fold, &low, &high);
        while size / 2 >= shape.least {
            size /= 2;
            let [low, high] = [0, 1].map(|half| lanes.iter().map(|pack| pack.half(half)).collect::<Vec<_>>());
            lanes = Group::new(self, sized(size), fold.op).combine(fold, &low, &high);
        }
        let mut group = Group::new(self, sized(size), fold.op);
        let columns: Vec<Vec<Value>> = lanes
            .iter()
            .zip(&fold.neutral)
            .map(|(pack, neutral)| group.scalars(group.e.body.scalar(*neutral), pack))
            .collect();
        let mut rows: Vec<Vec<Value>> =
            (0..size as usize).map(|at| columns.iter().map(|column| column[at]).collect()).collect();
        while rows.len() > 1 {
            let right = rows.split_off(rows.len() / 2);
            rows = rows.iter().zip(&right).map(|(a, b)| self.combine(fold, a, b)).collect();
        }
        rows.swap_remove(0)
    }
}

impl<'a> Group<'_, 'a, '_> {
    /// The lanes of `folds` after they took `inputs`. The first time these are the inputs themselves, unless all operators
    /// have an identity from which the lanes started.
    pub(super) fn fold_in(
        &mut self,
        folds: &[&'a Fold],
        is_first: Value,
        before: &[Pack],
        inputs: &[Pack],
    ) -> Vec<Pack> {
        if folds.iter().all(|fold| identity::bits(self.e.body, fold).is_some()) {
            return self.combine_all(folds, before, inputs);
        }
        let packs: Vec<(Type, usize)> = inputs.iter().map(|pack| (pack.lane, pack.parts.len())).collect();
        let [first, later] = [0; 2].map(|_| self.e.builder.create_block());
        let (merge, params) = self.e.block_with_params(&flat_types(&packs));
        self.e.branch(is_first, first, &[], later, &[]);
        self.e.builder.switch_to_block(first);
        self.e.jump(merge, &flatten(inputs));
        self.e.builder.switch_to_block(later);
        let after = self.combine_all(folds, before, inputs);
        self.e.jump(merge, &flatten(&after));
        self.e.builder.switch_to_block(merge);
        unflatten(&packs, &params)
    }

    /// The operators of `folds` applied to the packs of their components.
    pub(super) fn combine_all(&mut self, folds: &[&'a Fold], left: &[Pack], right: &[Pack]) -> Vec<Pack> {
        let (mut combined, mut done) = (Vec::new(), 0);
        for fold in folds {
            let range = done..done + fold.width();
            combined.extend(self.combine(fold, &left[range.clone()], &right[range]));
            done += fold.width();
        }
        combined
    }

    /// The operator applied to packs.
    pub(super) fn combine(&mut self, fold: &'a Fold, left: &[Pack], right: &[Pack]) -> Vec<Pack> {
        let element = std::mem::replace(&mut self.e.element, Element::InFold);
        let results = self.block_with(fold.op, [left, right].concat());
        self.e.element = element;
        results.iter().map(|result| self.canonical(*result)).collect()
    }

    /// The lanes from `first_lane` on, in canonical form.
    fn load_fold(&mut self, fold: &Fold, cells: &FoldCells, first_lane: Value) -> Vec<Pack> {
        let mut packs = Vec::new();
        for (neutral, (base, _)) in fold.neutral.iter().zip(&cells.lanes.components) {
            let scalar = self.e.body.scalar(*neutral);
            let address = self.e.element_address(scalar, *base, first_lane);
            let pack = self.load_parts(scalar, address, MEMORY);
            let pack = self.loaded(scalar, pack);
            packs.push(match scalar {
                Scalar::Bool => self.mask_as(&pack, self.mask_bytes),
                _ => pack,
            });
        }
        packs
    }

    /// The values of a pack as scalar code has them.
    pub(super) fn scalars(&mut self, scalar: Scalar, pack: &Pack) -> Vec<Value> {
        let lanes = self.lanes(pack);
        if scalar != Scalar::Bool {
            return lanes;
        }
        let bit = |lane: Value| {
            let byte = match pack.lane {
                types::I8 => lane,
                _ => self.e.builder.ins().ireduce(types::I8, lane),
            };
            self.e.builder.ins().band_imm_u(byte, 1)
        };
        lanes.into_iter().map(bit).collect()
    }
}

impl Group<'_, '_, '_> {
    /// The pack of values as scalar code has them.
    pub(super) fn pack_of_scalars(&mut self, scalar: Scalar, lanes: &[Value]) -> Pack {
        if scalar != Scalar::Bool {
            return self.join(Lanes::ONE.ty(scalar), lanes);
        }
        let lane = super::pack::int_of(self.mask_bytes);
        let lanes: Vec<Value> = lanes.iter().map(|value| self.lane_of_bool(*value, lane)).collect();
        self.join(lane, &lanes)
    }
}

impl Pack {
    /// The lower (0) or the upper (1) half of the values.
    fn half(&self, which: usize) -> Pack {
        let middle = self.parts.len() / 2;
        let parts = if which == 0 { &self.parts[..middle] } else { &self.parts[middle..] };
        Pack { lane: self.lane, parts: parts.to_vec() }
    }
}

impl Shape {
    /// The type of a lane of `scalar` where ways meet.
    pub(super) fn lane_of(self, scalar: Scalar) -> Type {
        match scalar {
            Scalar::Bool => super::pack::int_of(self.mask_bytes),
            _ => Lanes::ONE.ty(scalar),
        }
    }
}
