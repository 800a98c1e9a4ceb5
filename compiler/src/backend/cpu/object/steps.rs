//! The steps of a plan: arguments into slots, memory, calls.

use super::{status::Status, walk::Walk};
use crate::{
    backend::cpu::emitter::MEMORY,
    plan::{ArraySize, Buffer, Domain, Launch, Slot},
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use pk_dsl::scalar::Scalar;

/// Memory comes on the boundaries that the runtime's has.
const ALIGNMENT: i64 = 64;

impl Walk<'_, '_> {
    /// Puts the parameters of the entry block into their slots.
    pub(super) fn bind(&mut self) {
        let (kernel, plan) = (self.kernel, self.plan);
        let scalars =
            kernel.signature.params.iter().map(|param| param.dims.is_empty().then_some(param.scalar));
        let sizes = self.sizes.clone().into_iter().map(|value| (value, None));
        let values: Vec<_> = sizes.chain(self.args.clone().into_iter().zip(scalars)).collect();
        let body = &kernel.body;
        for (param, (value, scalar)) in body.blocks[body.entry].params.iter().zip(values) {
            let Some(slot) = plan.slot(*param) else { continue };
            let value = match scalar {
                Some(Scalar::Bool) => self.builder.ins().icmp_imm_s(IntCC::NotEqual, value, 0),
                _ => value,
            };
            self.store_slot(value, slot);
        }
        let cancel = self.builder.ins().iadd_imm_s(self.base, i64::from(self.layout.cancel));
        self.store_slot(cancel, Slot::CANCEL);
    }

    pub(super) fn allocate(&mut self, buffer: Buffer) {
        let data = &self.plan.buffers[buffer.0 as usize];
        let bytes = self.bytes(&data.size);
        let address = match data.result {
            Some(result) => self.results[result],
            None => self.calloc(bytes, buffer.0 as usize),
        };
        self.store_slot(address, data.slot);
    }

    /// Zeroed memory for the buffer or piece of scratch memory with this number.
    pub(super) fn calloc(&mut self, bytes: Value, number: usize) -> Value {
        let Some([calloc, _]) = self.memory else { return bytes };
        let one = self.int(1);
        let with_room = self.builder.ins().iadd_imm_s(bytes, ALIGNMENT);
        let call = self.builder.ins().call(calloc, &[one, with_room]);
        let address = self.builder.inst_results(call)[0];
        let is_null = self.builder.ins().icmp_imm_s(IntCC::Equal, address, 0);
        self.fail_if(is_null, Status::OutOfMemory, "out of memory", None);
        self.builder.ins().store(MEMORY, address, self.base, self.layout.owned_at(number));
        let above = self.builder.ins().iadd_imm_s(address, ALIGNMENT - 1);
        self.builder.ins().band_imm_s(above, -ALIGNMENT)
    }

    pub(super) fn release(&mut self, number: usize) {
        let Some([_, free]) = self.memory else { return };
        let (at, zero) = (self.layout.owned_at(number), self.int(0));
        let address = self.builder.ins().load(types::I64, MEMORY, self.base, at);
        self.builder.ins().call(free, &[address]);
        self.builder.ins().store(MEMORY, zero, self.base, at);
    }

    pub(super) fn run(&mut self, launch: &Launch, number: usize) {
        let units = match &launch.domain {
            // One thread does it all.
            Domain::OwnBins => return,
            Domain::Once => self.int(1),
            Domain::Elements(extents) => self.count(extents),
            Domain::Leaves(extent) | Domain::LeavesInOrder(extent) => self.leaves_of(*extent),
        };
        self.allocate_scratch(&launch.scratch);
        let [call, after] = [(); 2].map(|()| self.builder.create_block());
        let is_some = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, units, 0);
        self.builder.ins().brif(is_some, call, &[], after, &[]);
        self.builder.switch_to_block(call);
        let [scratch, faults] = [self.layout.scratch, self.layout.faults]
            .map(|offset| self.builder.ins().iadd_imm_s(self.base, i64::from(offset)));
        let begin = self.int(0);
        let step = self.steps[number];
        self.builder.ins().call(step, &[self.base, scratch, faults, begin, units]);
        let stopped = self.load_slot(types::I64, Slot::STOPPED);
        self.builder.ins().brif(stopped, self.scan, &[], after, &[]);
        self.builder.switch_to_block(after);
        (0..launch.scratch.len()).for_each(|number| self.release(self.layout.buffers + number));
    }

    pub(super) fn allocate_scratch(&mut self, sizes: &[ArraySize]) {
        for (number, size) in sizes.iter().enumerate() {
            let bytes = self.bytes(size);
            let address = self.calloc(bytes, self.layout.buffers + number);
            let at = self.layout.scratch + number as i32 * 8;
            self.builder.ins().store(MEMORY, address, self.base, at);
        }
    }
}
