//! Packs: the values of one scalar for all elements of a group, as 128-bit vectors, and how they change their width.
//!
//! A `bool` is a *mask*: integers of any width, all ones or all zeros. Its width is that of the comparison that made it,
//! and changes where another is needed.

use super::{Group, Operand};
use crate::backend::cpu::emitter::lane_type;
use cranelift_codegen::ir::{
    Endianness, InstBuilder, MemFlagsData, Opcode, Type, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use pk_dsl::scalar::{Const, Scalar};

/// The width of a vector in bytes: what every target of Cranelift has.
pub(super) const VECTOR_BYTES: u32 = 16;

/// One value for each element of a group.
#[derive(Clone, Debug)]
pub(super) struct Pack {
    /// The type of one value.
    pub(super) lane: Type,
    /// The vectors, first elements first.
    pub(super) parts: Vec<Value>,
}

impl Pack {
    /// How many values a part has.
    fn lanes_of_part(&self) -> usize {
        (VECTOR_BYTES / self.lane.bytes()) as usize
    }
}

/// The vector of values of type `lane`.
pub(super) fn vector_of(lane: Type) -> Type {
    lane.by(VECTOR_BYTES / lane.bytes()).unwrap_or(lane)
}

/// The type of a lane of `scalar` where ways meet, with masks of this width.
pub(super) fn canonical_lane(scalar: Scalar, mask_bytes: u32) -> Type {
    match scalar {
        Scalar::Bool => int_of(mask_bytes),
        _ => lane_type(scalar),
    }
}

/// The integer type of that many bytes.
pub(super) fn int_of(bytes: u32) -> Type {
    Type::int_with_byte_size(bytes as u16).unwrap_or(types::I64)
}

impl Group<'_, '_, '_> {
    /// Applies `op` to each part; the results have lanes of type `lane`.
    pub(super) fn map(
        &mut self,
        x: &Pack,
        lane: Type,
        mut op: impl FnMut(&mut Self, Value) -> Value,
    ) -> Pack {
        Pack { lane, parts: x.parts.iter().map(|part| op(self, *part)).collect() }
    }

    /// Applies `op` to the parts of `a` and `b`, which have one width; the results have lanes of type `lane`.
    pub(super) fn zip(
        &mut self,
        a: &Pack,
        b: &Pack,
        lane: Type,
        mut op: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Pack {
        let parts = a.parts.iter().zip(&b.parts).map(|(a, b)| op(self, *a, *b)).collect();
        Pack { lane, parts }
    }

    /// As many parts of lanes of type `lane` as the group needs, all `part`.
    pub(super) fn repeat(&self, lane: Type, part: Value) -> Pack {
        let count = self.size * lane.bytes() / VECTOR_BYTES;
        Pack { lane, parts: vec![part; count as usize] }
    }

    /// A vector constant whose lanes have these bits.
    pub(super) fn constant_part(&mut self, lane: Type, bits: impl Fn(u32) -> u64) -> Value {
        let bytes = lane.bytes();
        let lanes = 0..VECTOR_BYTES / bytes;
        let data: Vec<u8> = lanes.flat_map(|at| bits(at).to_le_bytes()[..bytes as usize].to_vec()).collect();
        let constant = self.e.builder.func.dfg.constants.insert(data.into());
        self.e.builder.ins().vconst(vector_of(lane), constant)
    }

    /// The same bits in all lanes.
    pub(super) fn constant_pack(&mut self, lane: Type, bits: u64) -> Pack {
        let part = self.constant_part(lane, |_| bits);
        self.repeat(lane, part)
    }

    /// The mask that holds everywhere or nowhere.
    pub(super) fn constant_mask(&mut self, bytes: u32, holds: bool) -> Pack {
        self.constant_pack(int_of(bytes), if holds { u64::MAX } else { 0 })
    }

    /// The constant in all lanes.
    pub(super) fn constant(&mut self, constant: Const) -> Pack {
        match constant.scalar() {
            Scalar::Bool => self.constant_mask(self.mask_bytes, constant.bits() != 0),
            scalar => self.constant_pack(lane_type(scalar), constant.bits()),
        }
    }

    /// The value of type `scalar` in all lanes.
    pub(super) fn splat(&mut self, scalar: Scalar, value: Value) -> Pack {
        let (lane, value) = match scalar {
            Scalar::Bool => {
                let lane = int_of(self.mask_bytes);
                (lane, self.lane_of_bool(value, lane))
            }
            _ => (lane_type(scalar), value),
        };
        let part = self.e.builder.ins().splat(vector_of(lane), value);
        self.repeat(lane, part)
    }

    /// All ones where the scalar `bool` holds, else zero.
    pub(super) fn lane_of_bool(&mut self, value: Value, lane: Type) -> Value {
        let wide = match lane {
            types::I8 => value,
            _ => self.e.builder.ins().uextend(lane, value),
        };
        self.e.builder.ins().ineg(wide)
    }

    /// An operand of type `scalar`, whatever its form, as a pack.
    pub(super) fn pack_of(&mut self, scalar: Scalar, operand: Operand) -> Pack {
        match operand {
            Operand::Pack(pack) => pack,
            Operand::Constant(constant) => self.constant(constant),
            Operand::Uniform(value) => self.splat(scalar, value),
            Operand::Linear(linear) => self.linear_pack(linear),
        }
    }

    /// Vectors of other lanes with the same bits.
    pub(super) fn cast(&mut self, part: Value, lane: Type) -> Value {
        let ty = vector_of(lane);
        if self.e.builder.func.dfg.value_type(part) == ty {
            return part;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.e.builder.ins().bitcast(ty, flags, part)
    }

    /// The same bits as lanes of another type of the same width.
    pub(super) fn cast_pack(&mut self, x: &Pack, lane: Type) -> Pack {
        self.map(x, lane, |g, part| g.cast(part, lane))
    }

    /// Picks 16 of the bytes of `a` and `b`, which count as 0–15 and 16–31; the result has lanes of type `lane`.
    pub(super) fn pick_bytes(&mut self, a: Value, b: Value, lane: Type, bytes: [u8; 16]) -> Value {
        let (a, b) = (self.cast(a, types::I8), self.cast(b, types::I8));
        let mask = self.e.builder.func.dfg.immediates.push(bytes.to_vec().into());
        let picked = self.e.builder.ins().shuffle(a, b, mask);
        self.cast(picked, lane)
    }

    /// The upper half of `part`, in the lower half.
    pub(super) fn upper_half(&mut self, part: Value, lane: Type) -> Value {
        self.pick_bytes(part, part, lane, std::array::from_fn(|at| 8 + at as u8 % 8))
    }

    /// The lanes of `part` in reverse order.
    pub(super) fn reversed(&mut self, part: Value, lane: Type) -> Value {
        let bytes = lane.bytes() as u8;
        let pick = |at: usize| (VECTOR_BYTES as u8 - bytes) - at as u8 / bytes * bytes + at as u8 % bytes;
        self.pick_bytes(part, part, lane, std::array::from_fn(pick))
    }

    /// The lanes of `part` further up by `count`; below stand the last lanes of `low`.
    pub(super) fn shifted(&mut self, low: Value, part: Value, lane: Type, count: u32) -> Value {
        let distance = (count * lane.bytes()) as u8;
        self.pick_bytes(low, part, lane, std::array::from_fn(|at| VECTOR_BYTES as u8 - distance + at as u8))
    }

    /// The last lane of `part` in all lanes.
    pub(super) fn last_lane(&mut self, part: Value, lane: Type) -> Value {
        let bytes = lane.bytes() as u8;
        let pick = |at: usize| VECTOR_BYTES as u8 - bytes + at as u8 % bytes;
        self.pick_bytes(part, part, lane, std::array::from_fn(pick))
    }

    /// Integers of twice the width.
    pub(super) fn widen(&mut self, x: &Pack, is_signed: bool) -> Pack {
        let lane = int_of(x.lane.bytes() * 2);
        let mut parts = Vec::new();
        for &part in &x.parts {
            let halves = match is_signed {
                true => [self.e.builder.ins().swiden_low(part), self.e.builder.ins().swiden_high(part)],
                false => [self.e.builder.ins().uwiden_low(part), self.e.builder.ins().uwiden_high(part)],
            };
            parts.extend(halves);
        }
        Pack { lane, parts }
    }

    /// Integers of half the width: the lower bits.
    pub(super) fn narrow(&mut self, x: &Pack) -> Pack {
        let (wide, half) = (x.lane.bytes() as u8, x.lane.bytes() as u8 / 2);
        let lane = int_of(u32::from(half));
        let bytes = std::array::from_fn(|at| at as u8 / half * wide + at as u8 % half);
        let parts = x.parts.chunks(2).map(|pair| {
            let (low, high) = (pair[0], pair[pair.len() - 1]);
            self.pick_bytes(low, high, lane, bytes)
        });
        Pack { lane, parts: parts.collect() }
    }

    /// Integers of `bytes` bytes: sign- or zero-extended, or the lower bits.
    pub(super) fn resize(&mut self, x: &Pack, bytes: u32, is_signed: bool) -> Pack {
        let mut x = x.clone();
        while x.lane.bytes() < bytes {
            x = self.widen(&x, is_signed);
        }
        while x.lane.bytes() > bytes {
            x = self.narrow(&x);
        }
        x
    }

    /// The mask with lanes of `bytes` bytes.
    pub(super) fn mask_as(&mut self, mask: &Pack, bytes: u32) -> Pack {
        self.resize(mask, bytes, true)
    }

    /// Two masks with lanes of one width.
    pub(super) fn same_width(&mut self, a: Pack, b: Pack) -> (Pack, Pack) {
        let bytes = a.lane.bytes().max(b.lane.bytes());
        (self.mask_as(&a, bytes), self.mask_as(&b, bytes))
    }

    /// Where both masks hold.
    pub(super) fn both(&mut self, a: Pack, b: Pack) -> Pack {
        let (a, b) = self.same_width(a, b);
        self.zip(&a, &b, a.lane, |g, a, b| g.e.builder.ins().band(a, b))
    }

    /// Where the mask does not hold.
    pub(super) fn negated(&mut self, mask: &Pack) -> Pack {
        self.map(mask, mask.lane, |g, part| g.e.builder.ins().bnot(part))
    }

    /// Other than 0 where the mask holds for any element.
    pub(super) fn any(&mut self, mask: &Pack) -> Value {
        let mut parts = mask.parts.clone();
        while parts.len() > 1 {
            let pairs = parts.chunks(2).map(|pair| match pair {
                [a, b] => self.e.builder.ins().bor(*a, *b),
                _ => pair[0],
            });
            parts = pairs.collect();
        }
        self.e.builder.ins().vhigh_bits(types::I32, parts[0])
    }

    /// Other than 0 where the mask does not hold for all elements.
    pub(super) fn any_not(&mut self, mask: &Pack) -> Value {
        let negated = self.negated(mask);
        self.any(&negated)
    }

    /// `a` where the mask holds, else `b`; they have one lane type.
    pub(super) fn blend(&mut self, mask: &Pack, a: &Pack, b: &Pack) -> Pack {
        let (mask, lane) = (self.mask_as(mask, a.lane.bytes()), a.lane);
        let mut parts = Vec::new();
        for ((mask, a), b) in mask.parts.iter().zip(&a.parts).zip(&b.parts) {
            parts.push(self.chosen(*mask, *a, *b, lane));
        }
        Pack { lane, parts }
    }

    /// `a` where a lane of `mask` is all ones, `b` where it is zero.
    fn chosen(&mut self, mask: Value, a: Value, b: Value, lane: Type) -> Value {
        if self.e.module.isa().name() != "x64" || self.is_comparison_of(mask, lane) {
            let mask = self.cast(mask, lane);
            return self.e.builder.ins().bitselect(mask, a, b);
        }
        // What Cranelift does not know for a mask takes three instructions there; `blendv` looks at the highest bit only.
        let bits = if lane.bytes() < 4 { types::I8 } else { int_of(lane.bytes()) };
        let [mask, a, b] = [mask, a, b].map(|part| self.cast(part, bits));
        let blended = self.e.builder.ins().blendv(mask, a, b);
        self.cast(blended, lane)
    }

    /// Whether `mask` is a comparison that Cranelift makes one instruction with a choice between values of type `lane`.
    fn is_comparison_of(&self, mask: Value, lane: Type) -> bool {
        let dfg = &self.e.builder.func.dfg;
        let opcode = dfg.value_def(mask).inst().map(|inst| dfg.insts[inst].opcode());
        match opcode {
            Some(Opcode::Fcmp) => true,
            Some(Opcode::Icmp) => lane.is_int(),
            _ => false,
        }
    }

    /// The values of a pack as scalars.
    pub(super) fn lanes(&mut self, x: &Pack) -> Vec<Value> {
        let count = x.lanes_of_part();
        let mut lanes = Vec::new();
        for &part in &x.parts {
            lanes.extend((0..count).map(|at| self.e.builder.ins().extractlane(part, at as u8)));
        }
        lanes
    }

    /// The pack of these scalars.
    pub(super) fn join(&mut self, lane: Type, lanes: &[Value]) -> Pack {
        let count = (VECTOR_BYTES / lane.bytes()) as usize;
        let parts = lanes.chunks(count).map(|lanes| {
            let first = self.e.builder.ins().splat(vector_of(lane), lanes[0]);
            let rest = lanes.iter().enumerate().skip(1);
            rest.fold(first, |part, (at, value)| self.e.builder.ins().insertlane(part, *value, at as u8))
        });
        Pack { lane, parts: parts.collect() }
    }

    /// Applies an operation on scalars to the elements one after the other.
    pub(super) fn by_lane(
        &mut self,
        lane: Type,
        inputs: &[&Pack],
        mut op: impl FnMut(&mut Self, &[Value]) -> Value,
    ) -> Pack {
        let columns: Vec<Vec<Value>> = inputs.iter().map(|input| self.lanes(input)).collect();
        let mut results = Vec::new();
        for at in 0..self.size as usize {
            let args: Vec<Value> = columns.iter().map(|column| column[at]).collect();
            results.push(op(self, &args));
        }
        self.join(lane, &results)
    }

    /// 1 where the mask holds, else 0, as integers of `bytes` bytes.
    pub(super) fn ones(&mut self, mask: &Pack, bytes: u32) -> Pack {
        let mask = self.mask_as(mask, bytes);
        let one = self.constant_pack(mask.lane, 1);
        self.zip(&mask, &one, mask.lane, |g, a, b| g.e.builder.ins().band(a, b))
    }

    /// The mask of what is not 0.
    pub(super) fn is_nonzero(&mut self, x: &Pack) -> Pack {
        let zero = self.constant_pack(x.lane, 0);
        let mask = int_of(x.lane.bytes());
        self.zip(x, &zero, mask, |g, a, b| match x.lane.is_float() {
            true => g.e.builder.ins().fcmp(FloatCC::NotEqual, a, b),
            false => g.e.builder.ins().icmp(IntCC::NotEqual, a, b),
        })
    }
}
