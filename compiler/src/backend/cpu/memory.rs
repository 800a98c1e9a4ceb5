//! Elements of arrays: addresses, loads, stores, copies.

use super::emitter::{Emitter, MEMORY, lane_type};
use crate::ir::{self, Entity, Site};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC};
use pk_dsl::scalar::{Const, Scalar};

impl Emitter<'_, '_> {
    /// Whether no code of the launch writes to `array`.
    pub(super) fn is_readonly(&self, array: ir::Value) -> bool {
        !self.is_in_routine && self.is_input[array.index()]
    }

    /// The value of type `scalar` at `address`. A `bool` of the host may be any byte, so it is made 0 or 1.
    pub(super) fn load(&mut self, scalar: Scalar, address: Value) -> Value {
        let ty = lane_type(scalar);
        let value = self.builder.ins().load(ty, MEMORY, address, 0);
        match scalar {
            Scalar::Bool => self.builder.ins().icmp_imm_u(IntCC::NotEqual, value, 0),
            _ => value,
        }
    }

    /// Stores `value` at `address`.
    pub(super) fn store(&mut self, value: Value, address: Value) {
        self.builder.ins().store(MEMORY, value, address, 0);
    }

    /// The address of element `flat` of an array of `scalar` at `base`.
    pub(super) fn element_address(&mut self, scalar: Scalar, base: Value, flat: Value) -> Value {
        let shift = i64::from(scalar.bytes().trailing_zeros());
        let offset = self.builder.ins().ishl_imm_u(flat, shift);
        self.builder.ins().iadd(base, offset)
    }

    /// The number of elements of an array of the type of `value`.
    pub(super) fn element_count(&mut self, value: ir::Value) -> Value {
        let body = self.body;
        self.product(&body.ty(value).shape)
    }

    /// The product of `extents`.
    pub(super) fn product(&mut self, extents: &[ir::Value]) -> Value {
        let mut product = self.int(1);
        for &extent in extents {
            let extent = self.value(extent);
            product = self.builder.ins().imul(product, extent);
        }
        product
    }

    /// Copies `count` elements.
    pub(super) fn copy(&mut self, scalar: Scalar, to: Value, from: Value, count: Value) {
        let zero = self.int(0);
        self.for_range(zero, count, &[], |e, at, _| {
            let source = e.element_address(scalar, from, at);
            let value = e.load(scalar, source);
            let target = e.element_address(scalar, to, at);
            e.store(value, target);
            Vec::new()
        });
    }

    /// Copies the array `value` to `place` unless it was written there in the first place.
    pub(super) fn put_array(&mut self, value: ir::Value, place: Value) {
        let from = self.value(value);
        if from != place {
            let count = self.element_count(value);
            self.copy(self.body.scalar(value), place, from, count);
        }
    }

    /// The element of `array` at `indices`; outside of the array zero and a fault at `check`.
    pub(super) fn index(&mut self, array: ir::Value, indices: &[ir::Value], check: Option<Site>) -> Value {
        let body = self.body;
        let scalar = body.scalar(array);
        let indices = self.all(indices);
        let extents = self.all(&body.ty(array).shape);
        let Some(site) = check else {
            return self.load_element(array, &indices, &extents);
        };
        let misses: Vec<Value> = indices
            .iter()
            .zip(&extents)
            .map(|(index, extent)| self.icmp(IntCC::UnsignedGreaterThanOrEqual, *index, *extent))
            .collect();
        let misses_any = self.any(&misses);
        let ty = lane_type(scalar);
        let outside = |e: &mut Self| {
            if let Some(block) = e.builder.current_block() {
                e.builder.set_cold_block(block);
            }
            let details = e.first_miss(&misses, &indices, &extents);
            e.record_fault(site, details);
            vec![e.constant(Const::zero(scalar))]
        };
        let inside = |e: &mut Self| vec![e.load_element(array, &indices, &extents)];
        self.if_else(misses_any, &[ty], outside, inside)[0]
    }

    fn load_element(&mut self, array: ir::Value, indices: &[Value], extents: &[Value]) -> Value {
        let scalar = self.body.scalar(array);
        let base = self.value(array);
        let address = self.address_at(scalar, base, indices, extents);
        self.load(scalar, address)
    }

    /// The address of the element of an array of `scalar` at `indices`. That of its row is computed first: mostly it is
    /// the last index that a loop moves.
    pub(super) fn address_at(
        &mut self,
        scalar: Scalar,
        base: Value,
        indices: &[Value],
        extents: &[Value],
    ) -> Value {
        let ([outer @ .., last], [others @ .., length]) = (indices, extents) else { return base };
        let row = match outer {
            [] => base,
            _ => {
                let row = self.flat_index(outer, others);
                let flat = self.builder.ins().imul(row, *length);
                self.element_address(scalar, base, flat)
            }
        };
        self.element_address(scalar, row, *last)
    }

    /// The row-major position of `indices`.
    pub(super) fn flat_index(&mut self, indices: &[Value], extents: &[Value]) -> Value {
        let mut flat = indices[0];
        for (index, extent) in indices.iter().zip(extents).skip(1) {
            let row = self.builder.ins().imul(flat, *extent);
            flat = self.builder.ins().iadd(row, *index);
        }
        flat
    }

    fn any(&mut self, conditions: &[Value]) -> Value {
        let mut any = conditions[0];
        for condition in &conditions[1..] {
            any = self.builder.ins().bor(any, *condition);
        }
        any
    }

    /// The index and the extent of the first axis that is missed.
    fn first_miss(&mut self, misses: &[Value], indices: &[Value], extents: &[Value]) -> (Value, Value) {
        let last = misses.len() - 1;
        let (mut index, mut extent) = (indices[last], extents[last]);
        for axis in (0..last).rev() {
            index = self.builder.ins().select(misses[axis], indices[axis], index);
            extent = self.builder.ins().select(misses[axis], extents[axis], extent);
        }
        (index, extent)
    }
}
