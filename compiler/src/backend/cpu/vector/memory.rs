//! Reads and writes of a group: contiguous ones as vectors, others element by element.
//!
//! Whatever an access needs to be safe is tested before it; a group for which the test fails is given up, so that scalar
//! code finds the fault.

use super::{
    Group, Operand,
    linear::Linear,
    pack::{Pack, VECTOR_BYTES, vector_of},
};
use crate::{
    backend::cpu::emitter::{Emitter, MEMORY, lane_type},
    ir::{Site, Value as IrValue},
};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, condcodes::IntCC, types};
use pk_dsl::scalar::Scalar;

impl Group<'_, '_, '_> {
    /// The elements of `array` at `indices`.
    pub(super) fn index(&mut self, array: IrValue, indices: &[IrValue], check: Option<Site>) -> Pack {
        self.require_all_active();
        let body = self.e.body;
        let extents = self.e.all(&body.ty(array).shape);
        let mut operands = Vec::new();
        for (index, extent) in indices.iter().zip(&extents) {
            let operand = self.operand(*index);
            if check.is_some() {
                self.require_inside(&operand, *extent);
            }
            operands.push(operand);
        }
        let scalar = body.scalar(array);
        let base = self.e.value(array);
        let linear: Option<Vec<Linear>> = operands.iter().map(|index| self.as_linear(index)).collect();
        let pack = match linear {
            Some(indices) => {
                let is_movable = check.is_none() && self.guards == 0 && self.e.is_readonly(array);
                let flags = if is_movable { MEMORY.with_readonly().with_can_move() } else { MEMORY };
                self.load_linear(scalar, base, &indices, &extents, flags)
            }
            None => self.gather(scalar, base, &operands, &extents),
        };
        self.loaded(scalar, pack)
    }

    /// Gives the group up unless the index of each element lies inside `0..extent`.
    fn require_inside(&mut self, index: &Operand, extent: Value) {
        let above = IntCC::UnsignedGreaterThanOrEqual;
        let misses = match index {
            Operand::Pack(pack) => {
                let bound = self.splat(Scalar::I64, extent);
                let misses =
                    self.zip(pack, &bound, types::I64, |g, a, b| g.e.builder.ins().icmp(above, a, b));
                self.any(&misses)
            }
            Operand::Constant(_) | Operand::Uniform(_) => {
                let Some(Linear { first, .. }) = self.as_linear(index) else { return };
                self.e.icmp(above, first, extent)
            }
            Operand::Linear(linear) => {
                // A group is far shorter than an index that wraps is away from any extent.
                let last = self.last(*linear);
                let [first, last] = [linear.first, last].map(|index| self.e.icmp(above, index, extent));
                self.e.builder.ins().bor(first, last)
            }
        };
        self.bail_if(misses);
    }

    fn load_linear(
        &mut self,
        scalar: Scalar,
        base: Value,
        indices: &[Linear],
        extents: &[Value],
        flags: MemFlagsData,
    ) -> Pack {
        let firsts: Vec<Value> = indices.iter().map(|index| index.first).collect();
        let address = self.e.address_at(scalar, base, &firsts, extents);
        let (last, outer) = indices.split_last().map_or((0, &[][..]), |(last, outer)| (last.step, outer));
        match (last, outer.iter().all(|index| index.step == 0)) {
            (1, true) => self.load_parts(scalar, address, flags),
            (-1, true) => self.load_reversed(scalar, address, flags),
            _ => self.load_strided(scalar, address, indices, extents),
        }
    }

    pub(super) fn load_parts(&mut self, scalar: Scalar, address: Value, flags: MemFlagsData) -> Pack {
        let lane = lane_type(scalar);
        self.e.load_pack(self.size, lane, (address, flags))
    }

    /// Elements that lie before each other; `address` is that of the first.
    fn load_reversed(&mut self, scalar: Scalar, address: Value, flags: MemFlagsData) -> Pack {
        let distance = i64::from(self.size - 1) * scalar.bytes() as i64;
        let lowest = self.e.builder.ins().iadd_imm_s(address, -distance);
        let mut pack = self.load_parts(scalar, lowest, flags);
        pack.parts.reverse();
        self.map(&pack, pack.lane, |g, part| g.reversed(part, pack.lane))
    }

    /// Elements at one distance from each other.
    fn load_strided(&mut self, scalar: Scalar, first: Value, indices: &[Linear], extents: &[Value]) -> Pack {
        let steps: Vec<Value> = indices.iter().map(|index| self.e.int(index.step)).collect();
        let step = self.e.flat_index(&steps, extents);
        let stride = self.e.builder.ins().imul_imm_s(step, scalar.bytes() as i64);
        let lane = lane_type(scalar);
        let mut address = first;
        let mut lanes = Vec::new();
        for at in 0..self.size {
            if at > 0 {
                address = self.e.builder.ins().iadd(address, stride);
            }
            lanes.push(self.e.builder.ins().load(lane, MEMORY, address, 0));
        }
        self.join(lane, &lanes)
    }

    fn gather(&mut self, scalar: Scalar, base: Value, indices: &[Operand], extents: &[Value]) -> Pack {
        let mut columns = Vec::new();
        for index in indices {
            columns.push(match index {
                Operand::Pack(pack) => self.lanes(pack),
                _ => {
                    let pack = self.pack_of(Scalar::I64, index.clone());
                    self.lanes(&pack)
                }
            });
        }
        let lane = lane_type(scalar);
        let mut lanes = Vec::new();
        for at in 0..self.size as usize {
            let indices: Vec<Value> = columns.iter().map(|column| column[at]).collect();
            let address = self.e.address_at(scalar, base, &indices, extents);
            lanes.push(self.e.builder.ins().load(lane, MEMORY, address, 0));
        }
        self.join(lane, &lanes)
    }

    /// A `bool` of the host may be any byte.
    pub(super) fn loaded(&mut self, scalar: Scalar, pack: Pack) -> Pack {
        match scalar {
            Scalar::Bool => self.is_nonzero(&pack),
            _ => pack,
        }
    }

    /// Stores the elements of `value` side by side.
    pub(super) fn store(&mut self, value: IrValue, address: Value) {
        let scalar = self.e.body.scalar(value);
        let pack = self.pack(value);
        let pack = match scalar {
            Scalar::Bool => self.ones(&pack, 1),
            _ => pack,
        };
        self.e.store_pack(&pack, address);
    }
}

impl Emitter<'_, '_> {
    /// The pack of `size` values of type `lane` at an address.
    pub(super) fn load_pack(
        &mut self,
        size: u32,
        lane: Type,
        (address, flags): (Value, MemFlagsData),
    ) -> Pack {
        let load = |part: u32| {
            let offset = (part * VECTOR_BYTES) as i32;
            self.builder.ins().load(vector_of(lane), flags, address, offset)
        };
        Pack { lane, parts: (0..size * lane.bytes() / VECTOR_BYTES).map(load).collect() }
    }

    /// Stores the values of `pack` side by side.
    pub(super) fn store_pack(&mut self, pack: &Pack, address: Value) {
        for (at, part) in pack.parts.iter().enumerate() {
            self.builder.ins().store(MEMORY, *part, address, (at as u32 * VECTOR_BYTES) as i32);
        }
    }
}
