//! Operations on packs: which have an instruction for a vector, and how the others are put together.
//!
//! `scalar_ops` defines the bits. What Cranelift has no vector form for on every target goes element by element.

use super::{
    Group, Operand,
    pack::{Pack, int_of},
};
use crate::{
    backend::cpu::{
        emitter::lane_type,
        helper::Function,
        scalar::{float_condition, int_condition},
    },
    ir::{Binary, Compare, IntDiv, Site, Unary, Value as IrValue},
};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use pk_dsl::scalar::{Const, Scalar};

impl Group<'_, '_, '_> {
    pub(super) fn unary(&mut self, op: Unary, scalar: Scalar, x: &Pack) -> Pack {
        let lane = x.lane;
        match op {
            // As this instruction it becomes part of a fused product that it goes into.
            Unary::Neg if scalar.is_float() => self.map(x, lane, |g, part| g.e.builder.ins().fneg(part)),
            Unary::Neg => self.map(x, lane, |g, part| g.e.builder.ins().ineg(part)),
            Unary::Not => self.negated(x),
            Unary::Abs if scalar.is_float() => {
                self.with_sign_bits(x, |g, x, signs| g.e.builder.ins().band_not(x, signs))
            }
            Unary::Abs if scalar.is_signed_int() => self.map(x, lane, |g, part| g.e.builder.ins().iabs(part)),
            Unary::Abs => x.clone(),
            Unary::Sqrt => self.map(x, lane, |g, part| g.e.builder.ins().sqrt(part)),
            Unary::Floor => self.round(Function::Floor, scalar, x),
            Unary::Ceil => self.round(Function::Ceil, scalar, x),
            Unary::Trunc => self.round(Function::Trunc, scalar, x),
            Unary::Rint => self.round(Function::Nearest, scalar, x),
            Unary::Popcount | Unary::Clz | Unary::Ctz => {
                self.by_lane(lane, &[x], |g, args| g.e.unary(op, scalar, args[0]))
            }
        }
    }

    /// Applies `op` to the bits of floats and a mask of their sign bits.
    fn with_sign_bits(&mut self, x: &Pack, op: impl Fn(&mut Self, Value, Value) -> Value) -> Pack {
        let bits = int_of(x.lane.bytes());
        let signs = self.constant_part(bits, |_| 1 << (bits.bits() - 1));
        self.map(x, x.lane, |g, part| {
            let cast = g.cast(part, bits);
            let result = op(g, cast, signs);
            g.cast(result, x.lane)
        })
    }

    fn round(&mut self, function: Function, scalar: Scalar, x: &Pack) -> Pack {
        if self.e.helpers.get(function, scalar).is_some() {
            return self.by_lane(x.lane, &[x], |g, args| g.e.round(function, scalar, args[0]));
        }
        self.map(x, x.lane, |g, part| g.e.round(function, scalar, part))
    }

    pub(super) fn fma(&mut self, scalar: Scalar, a: &Pack, b: &Pack, c: &Pack) -> Pack {
        if self.e.helpers.get(Function::Fma, scalar).is_some() {
            return self.by_lane(a.lane, &[a, b, c], |g, args| g.e.fma(scalar, args[0], args[1], args[2]));
        }
        let parts = a.parts.iter().zip(&b.parts).zip(&c.parts);
        let parts = parts.map(|((a, b), c)| self.e.builder.ins().fma(*a, *b, *c));
        Pack { lane: a.lane, parts: parts.collect() }
    }

    /// An operation on operands of type `scalar`.
    pub(super) fn binary(&mut self, op: Binary, scalar: Scalar, a: Operand, b: Operand) -> Pack {
        match op {
            Binary::Shl | Binary::Shr | Binary::Rotl | Binary::Rotr => self.shift(op, scalar, a, b),
            _ => {
                let (a, b) = (self.pack_of(scalar, a), self.pack_of(scalar, b));
                match scalar {
                    Scalar::Bool => self.bool_binary(op, a, b),
                    Scalar::F32 | Scalar::F64 => self.float_binary(op, scalar, &a, &b),
                    _ => self.int_binary(op, scalar, &a, &b),
                }
            }
        }
    }

    fn bool_binary(&mut self, op: Binary, a: Pack, b: Pack) -> Pack {
        let (a, b) = self.same_width(a, b);
        self.zip(&a, &b, a.lane, |g, a, b| g.e.binary(op, Scalar::Bool, a, b))
    }

    fn float_binary(&mut self, op: Binary, scalar: Scalar, a: &Pack, b: &Pack) -> Pack {
        if op != Binary::Copysign {
            return self.zip(a, b, a.lane, |g, a, b| g.e.binary(op, scalar, a, b));
        }
        let magnitude = self.with_sign_bits(a, |g, x, signs| g.e.builder.ins().band_not(x, signs));
        let sign = self.with_sign_bits(b, |g, x, signs| g.e.builder.ins().band(x, signs));
        let bits = int_of(a.lane.bytes());
        let (magnitude, sign) = (self.cast_pack(&magnitude, bits), self.cast_pack(&sign, bits));
        let joined = self.zip(&magnitude, &sign, bits, |g, a, b| g.e.builder.ins().bor(a, b));
        self.cast_pack(&joined, a.lane)
    }

    fn int_binary(&mut self, op: Binary, scalar: Scalar, a: &Pack, b: &Pack) -> Pack {
        let is_signed = scalar.is_signed_int();
        match op {
            Binary::Mul if a.lane == types::I8 => {
                let (a, b) = (self.widen(a, false), self.widen(b, false));
                let products = self.zip(&a, &b, types::I16, |g, a, b| g.e.builder.ins().imul(a, b));
                self.narrow(&products)
            }
            Binary::Min | Binary::Max => self.zip(a, b, a.lane, |g, a, b| match (op, is_signed) {
                (Binary::Min, true) => g.e.builder.ins().smin(a, b),
                (Binary::Min, false) => g.e.builder.ins().umin(a, b),
                (_, true) => g.e.builder.ins().smax(a, b),
                (_, false) => g.e.builder.ins().umax(a, b),
            }),
            _ => self.zip(a, b, a.lane, |g, a, b| g.e.binary(op, scalar, a, b)),
        }
    }

    /// Vectors shift by one amount for all elements.
    fn shift(&mut self, op: Binary, scalar: Scalar, a: Operand, amount: Operand) -> Pack {
        let a = self.pack_of(scalar, a);
        let amount = match amount {
            Operand::Constant(constant) => self.e.constant(constant),
            Operand::Uniform(value) => value,
            Operand::Pack(_) | Operand::Linear(_) => {
                let amount = self.pack_of(scalar, amount);
                return self
                    .by_lane(a.lane, &[&a, &amount], |g, args| g.e.binary(op, scalar, args[0], args[1]));
            }
        };
        let rotates_left = match op {
            Binary::Rotl => true,
            Binary::Rotr => false,
            _ => return self.map(&a, a.lane, |g, part| g.e.binary(op, scalar, part, amount)),
        };
        // Amounts count modulo the width, so a rotation by 0 joins a value with itself.
        let back = self.e.builder.ins().ineg(amount);
        let (left, right) = if rotates_left { (amount, back) } else { (back, amount) };
        self.map(&a, a.lane, |g, part| {
            let high = g.e.builder.ins().ishl(part, left);
            let low = g.e.builder.ins().ushr(part, right);
            g.e.builder.ins().bor(high, low)
        })
    }

    pub(super) fn compare(&mut self, op: Compare, scalar: Scalar, a: Pack, b: Pack) -> Pack {
        if scalar == Scalar::Bool {
            return self.compare_bools(op, a, b);
        }
        let mask = int_of(a.lane.bytes());
        self.zip(&a, &b, mask, |g, a, b| match scalar.is_float() {
            true => g.e.builder.ins().fcmp(float_condition(op), a, b),
            false => g.e.builder.ins().icmp(int_condition(op, scalar), a, b),
        })
    }

    /// `false` is less than `true`, of which a mask has all bits set.
    fn compare_bools(&mut self, op: Compare, a: Pack, b: Pack) -> Pack {
        let (a, b) = self.same_width(a, b);
        self.zip(&a, &b, a.lane, |g, a, b| g.e.builder.ins().icmp(int_condition(op, Scalar::U8), a, b))
    }

    /// Division of integers: no target has it for vectors.
    pub(super) fn int_div(&mut self, op: IntDiv, lhs: IrValue, rhs: IrValue, check: Option<Site>) -> Pack {
        let scalar = self.e.body.scalar(lhs);
        let (x, y) = (self.pack(lhs), self.pack(rhs));
        let divisor = self.e.body.constant(rhs);
        if check.is_some() {
            self.require_all_active();
            let is_some = self.is_nonzero(&y);
            let is_zero = self.any_not(&is_some);
            self.bail_if(is_zero);
        }
        self.by_lane(x.lane, &[&x, &y], |g, args| {
            let rhs = divisor.map_or(args[1], |divisor| g.e.constant(divisor));
            g.e.int_div(op, scalar, args[0], rhs, divisor)
        })
    }

    /// `x` of type `from` as `to`.
    pub(super) fn convert(&mut self, from: Scalar, to: Scalar, x: &Pack) -> Pack {
        let lane = lane_type(to);
        match (from.is_float(), to.is_float()) {
            _ if from == to => x.clone(),
            _ if to == Scalar::Bool => self.is_nonzero(x),
            _ if from == Scalar::Bool => self.bool_to_number(to, x),
            (false, false) => self.resize(x, lane.bytes(), from.is_signed_int()),
            (false, true) => self.int_to_float(from, to, x),
            (true, false) => self.float_to_int(from, to, x),
            (true, true) if to == Scalar::F64 => self.promote(x),
            (true, true) => self.demote(x),
        }
    }

    fn bool_to_number(&mut self, to: Scalar, mask: &Pack) -> Pack {
        let lane = lane_type(to);
        let one = match to {
            Scalar::F32 => u64::from(1f32.to_bits()),
            Scalar::F64 => 1f64.to_bits(),
            _ => 1,
        };
        let bits = int_of(lane.bytes());
        let mask = self.mask_as(mask, lane.bytes());
        let one = self.constant_pack(bits, one);
        let number = self.zip(&mask, &one, bits, |g, a, b| g.e.builder.ins().band(a, b));
        self.cast_pack(&number, lane)
    }

    fn promote(&mut self, x: &Pack) -> Pack {
        self.each_half(x, types::F64, |g, half| g.e.builder.ins().fvpromote_low(half))
    }

    /// Applies `op`, which looks at the lower half of a vector, to both halves of each part.
    fn each_half(&mut self, x: &Pack, lane: Type, op: impl Fn(&mut Self, Value) -> Value) -> Pack {
        let mut parts = Vec::new();
        for &part in &x.parts {
            let upper = self.upper_half(part, x.lane);
            parts.extend([op(self, part), op(self, upper)]);
        }
        Pack { lane, parts }
    }

    fn demote(&mut self, x: &Pack) -> Pack {
        let lower_halves = std::array::from_fn(|at| if at < 8 { at as u8 } else { 8 + at as u8 });
        let parts = x.parts.chunks(2).map(|pair| {
            let [low, high] = [pair[0], pair[pair.len() - 1]].map(|part| self.e.builder.ins().fvdemote(part));
            self.pick_bytes(low, high, types::F32, lower_halves)
        });
        Pack { lane: types::F32, parts: parts.collect() }
    }

    fn int_to_float(&mut self, from: Scalar, to: Scalar, x: &Pack) -> Pack {
        if from.bits() == 64 {
            let lane = lane_type(to);
            return self.by_lane(lane, &[x], |g, args| g.e.convert(from, to, args[0]));
        }
        let x = self.resize(x, 4, from.is_signed_int());
        let is_signed = from != Scalar::U32;
        if to == Scalar::F32 {
            return self.map(&x, types::F32, |g, part| match is_signed {
                true => g.e.builder.ins().fcvt_from_sint(types::F32X4, part),
                false => g.e.builder.ins().fcvt_from_uint(types::F32X4, part),
            });
        }
        self.each_half(&x, types::F64, |g, half| match is_signed {
            true => {
                let wide = g.e.builder.ins().swiden_low(half);
                g.e.builder.ins().fcvt_from_sint(types::F64X2, wide)
            }
            false => {
                let wide = g.e.builder.ins().uwiden_low(half);
                g.e.builder.ins().fcvt_from_uint(types::F64X2, wide)
            }
        })
    }

    fn float_to_int(&mut self, from: Scalar, to: Scalar, x: &Pack) -> Pack {
        if from == Scalar::F64 || to.bits() == 64 {
            let lane = lane_type(to);
            return self.by_lane(lane, &[x], |g, args| g.e.convert(from, to, args[0]));
        }
        let is_signed = to.is_signed_int();
        let wide = self.map(x, types::I32, |g, part| match is_signed {
            true => g.e.builder.ins().fcvt_to_sint_sat(types::I32X4, part),
            false => g.e.builder.ins().fcvt_to_uint_sat(types::I32X4, part),
        });
        let Some((least, greatest)) = to.int_range().filter(|_| to.bits() < 32) else { return wide };
        let word = if is_signed { Scalar::I32 } else { Scalar::U32 };
        let [least, greatest] = [least, greatest].map(|bound| self.constant(Const::from_int(word, bound)));
        let clamped = self.int_binary(Binary::Min, word, &wide, &greatest);
        let clamped = self.int_binary(Binary::Max, word, &clamped, &least);
        self.resize(&clamped, to.bits() / 8, is_signed)
    }

    /// The bits of `x` of type `from` as `to`, which has the same width.
    pub(super) fn reinterpret(&mut self, from: Scalar, to: Scalar, x: &Pack) -> Pack {
        match (from, to) {
            _ if from == to => x.clone(),
            (_, Scalar::Bool) => self.is_nonzero(x),
            (Scalar::Bool, _) => self.ones(x, 1),
            _ => self.cast_pack(x, lane_type(to)),
        }
    }
}
