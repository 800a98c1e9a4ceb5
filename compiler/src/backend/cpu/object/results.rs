//! Results: what the launches left goes where the caller wants it.

use super::walk::Walk;
use crate::{
    backend::cpu::emitter::{MEMORY, lane_type},
    plan::{ArraySource, Extent, ResultSource},
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC};
use pk_dsl::scalar::{Const, Scalar};

impl Walk<'_, '_> {
    /// Stores each result that the launches have not put into its place.
    pub(super) fn write_results(&mut self) {
        let plan = self.plan;
        for (number, source) in plan.results.iter().enumerate() {
            let place = self.results[number];
            let value = match source {
                ResultSource::Constant(value) => self.constant(*value),
                ResultSource::Scalar(scalar, slot) => self.load_slot(lane_type(*scalar), *slot),
                ResultSource::Array { source, scalar, shape } => {
                    self.write_array(*source, (*scalar, shape), place);
                    continue;
                }
            };
            self.builder.ins().store(MEMORY, value, place, 0);
        }
    }

    fn write_array(&mut self, source: ArraySource, (scalar, shape): (Scalar, &[Extent]), place: Value) {
        let from = match source {
            // The launches wrote to the caller's memory.
            ArraySource::Buffer(_) => return,
            ArraySource::Param(number) => self.args[number],
            ArraySource::Result(number) => self.results[number],
        };
        let count = self.count(shape);
        self.for_each(count, |walk, number| {
            let source = walk.cell(from, number, scalar.bytes() as i64);
            let value = walk.builder.ins().load(lane_type(scalar), MEMORY, source, 0);
            // A host's `bool` may be any byte, pk's is 0 or 1.
            let value = match scalar {
                Scalar::Bool => walk.builder.ins().icmp_imm_s(IntCC::NotEqual, value, 0),
                _ => value,
            };
            let target = walk.cell(place, number, scalar.bytes() as i64);
            walk.builder.ins().store(MEMORY, value, target, 0);
        });
    }

    fn constant(&mut self, value: Const) -> Value {
        let bits = value.bits();
        match value.scalar() {
            Scalar::F32 => self.builder.ins().f32const(f32::from_bits(bits as u32)),
            Scalar::F64 => self.builder.ins().f64const(f64::from_bits(bits)),
            scalar => {
                let ty = lane_type(scalar);
                // Narrow constants hold no more than their own bits.
                let mask = u64::MAX >> (64 - ty.bits());
                self.builder.ins().iconst(ty, (bits & mask) as i64)
            }
        }
    }
}
