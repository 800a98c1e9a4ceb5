//! Conversions between scalar types: as Rust's `as`, which saturates from floats and rounds once to floats.

use super::emitter::{Emitter, lane_type};
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use pk_dsl::scalar::{Const, Scalar};

impl Emitter<'_, '_> {
    /// `x` of type `from` as `to`.
    pub(super) fn convert(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        match (from.is_float(), to.is_float()) {
            _ if from == to => x,
            (_, false) if to == Scalar::Bool => self.is_nonzero(from, x),
            (false, false) => self.resize(from, to, x),
            (false, true) => self.int_to_float(from, to, x),
            (true, false) => self.float_to_int(to, x),
            (true, true) if to == Scalar::F64 => self.builder.ins().fpromote(types::F64, x),
            (true, true) => self.builder.ins().fdemote(types::F32, x),
        }
    }

    /// The bits of `x` of type `from` as `to`, which has the same width.
    pub(super) fn reinterpret(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        match (from.is_float(), to.is_float()) {
            _ if to == Scalar::Bool => self.is_nonzero(from, x),
            (true, false) | (false, true) => {
                let ty = lane_type(to);
                self.builder.ins().bitcast(ty, MemFlagsData::new(), x)
            }
            _ => x,
        }
    }

    fn is_nonzero(&mut self, from: Scalar, x: Value) -> Value {
        let zero = self.constant(Const::zero(from));
        match from.is_float() {
            true => self.builder.ins().fcmp(FloatCC::NotEqual, x, zero),
            false => self.icmp(IntCC::NotEqual, x, zero),
        }
    }

    fn resize(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        let ty = lane_type(to);
        match from.bits().cmp(&to.bits()) {
            std::cmp::Ordering::Greater => self.builder.ins().ireduce(ty, x),
            std::cmp::Ordering::Equal => x,
            std::cmp::Ordering::Less if from.is_signed_int() => self.builder.ins().sextend(ty, x),
            std::cmp::Ordering::Less => self.builder.ins().uextend(ty, x),
        }
    }

    fn int_to_float(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        let ty = lane_type(to);
        // All but `u64` fit into `i64`, from which every CPU converts with one rounding.
        let wide = self.resize(from, Scalar::I64, x);
        match from {
            Scalar::U64 => self.builder.ins().fcvt_from_uint(ty, wide),
            _ => self.builder.ins().fcvt_from_sint(ty, wide),
        }
    }

    fn float_to_int(&mut self, to: Scalar, x: Value) -> Value {
        // CPUs convert to 32 and 64 bits; what is narrower saturates once more.
        let wide = if to.bits() == 64 { types::I64 } else { types::I32 };
        let value = match to.is_signed_int() {
            true => self.builder.ins().fcvt_to_sint_sat(wide, x),
            false => self.builder.ins().fcvt_to_uint_sat(wide, x),
        };
        let Some((least, greatest)) = to.int_range().filter(|_| to.bits() < 32) else {
            return value;
        };
        let greatest = self.builder.ins().iconst(wide, greatest as i64);
        let clamped = match to.is_signed_int() {
            true => {
                let least = self.builder.ins().iconst(wide, i64::from(least as i32 as u32));
                let is_greater = self.icmp(IntCC::SignedGreaterThan, value, greatest);
                let value = self.builder.ins().select(is_greater, greatest, value);
                let is_less = self.icmp(IntCC::SignedLessThan, value, least);
                self.builder.ins().select(is_less, least, value)
            }
            false => {
                let is_greater = self.icmp(IntCC::UnsignedGreaterThan, value, greatest);
                self.builder.ins().select(is_greater, greatest, value)
            }
        };
        let ty = lane_type(to);
        self.builder.ins().ireduce(ty, clamped)
    }
}
