//! The lanes of a leaf: what they start from, their cells, and the tree over them.

use super::{
    Group, Shape,
    control::{flat_types, flatten, unflatten},
    leaf::Folds,
    pack::{Pack, VECTOR_BYTES, canonical_lane},
};
use crate::{
    backend::cpu::{
        emitter::{Element, Emitter, MEMORY, lane_type},
        fold::FoldCells,
        nest::Leaf,
    },
    ir::{Body, Fold, Nest},
    plan::{LANES, identity},
};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use pk_dsl::scalar::Scalar;

/// Whether the operators of all folds of `nest` have an identity, from which lanes can start.
pub(in crate::backend::cpu) fn have_identities(body: &Body, nest: &Nest) -> bool {
    nest.sinks.iter().filter_map(|sink| sink.fold()).all(|fold| has_identities(body, fold))
}

/// Whether each component of `fold` has an identity.
fn has_identities(body: &Body, fold: &Fold) -> bool {
    (0..fold.width()).all(|at| identity::bits(body, fold, at).is_some())
}

impl<'a> Emitter<'a, '_> {
    /// Lane type and number of parts of each component of `folds` in registers.
    pub(super) fn lane_shape(&self, folds: &Folds<'a>, shape: Shape) -> Vec<(Type, usize)> {
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
        let components =
            folds.iter().flat_map(|fold| (0..fold.width()).map(|at| identity::bits(body, fold, at)));
        let mut group = Group::new(self, shape, body.entry);
        let starts = packs.iter().zip(components);
        starts.map(|((lane, _), bits)| group.constant_pack(*lane, bits.unwrap_or(0))).collect()
    }

    /// Stores the lanes of `leaf` from `first_lane` on.
    pub(super) fn store_lanes(
        &mut self,
        shape: Shape,
        folds: &Folds<'a>,
        (leaf, first_lane): (Leaf, Value),
        lanes: &[Pack],
    ) {
        let mut group = Group::new(self, shape, self.body.entry);
        let components =
            folds.all.iter().flat_map(|(fold, cells)| fold.neutral.iter().zip(&cells.lanes.components));
        for (((neutral, column), pack), is_place) in components.zip(lanes).zip(&folds.is_place) {
            let scalar = group.e.body.scalar(*neutral);
            let address = group.e.cell_address(*column, first_lane);
            match scalar {
                Scalar::Bool => {
                    let ones = group.ones(pack, 1);
                    group.e.store_pack(&ones, address);
                }
                _ if *is_place => {
                    let places = group.widened_places(pack, leaf.start);
                    group.e.store_pack(&places, address);
                }
                _ => group.e.store_pack(pack, address),
            }
        }
    }

    pub(super) fn load_lanes(
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

    /// Combines all lanes of each fold of a leaf.
    pub(super) fn halve_all(&mut self, folds: &Folds<'a>, shape: Shape) -> Vec<Value> {
        folds.all.iter().flat_map(|(fold, cells)| self.halve_vectors(fold, cells, shape)).collect()
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
        if folds.iter().all(|fold| has_identities(self.e.body, fold)) {
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
        for (neutral, column) in fold.neutral.iter().zip(&cells.lanes.components) {
            let scalar = self.e.body.scalar(*neutral);
            let address = self.e.cell_address(*column, first_lane);
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
        lanes.into_iter().map(|lane| self.scalar_of_lane(scalar, lane)).collect()
    }

    /// The value of a lane as scalar code has it.
    pub(super) fn scalar_of_lane(&mut self, scalar: Scalar, lane: Value) -> Value {
        if scalar != Scalar::Bool {
            return lane;
        }
        let byte = match self.e.builder.func.dfg.value_type(lane) {
            types::I8 => lane,
            _ => self.e.builder.ins().ireduce(types::I8, lane),
        };
        self.e.builder.ins().band_imm_u(byte, 1)
    }
}

impl Group<'_, '_, '_> {
    /// The pack of values as scalar code has them.
    pub(super) fn pack_of_scalars(&mut self, scalar: Scalar, lanes: &[Value]) -> Pack {
        if scalar != Scalar::Bool {
            return self.join(lane_type(scalar), lanes);
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
        canonical_lane(scalar, self.mask_bytes)
    }
}
