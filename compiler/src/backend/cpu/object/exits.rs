//! The ends of a call: looking for faults, saying what went wrong, giving memory back.

use super::{messages::SITE_BYTES, status::Status, walk::Walk};
use crate::{
    backend::cpu::{emitter::MEMORY, fault::FaultRecord},
    fault::Fault,
};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

/// The offsets of the fields of `pk_fault`.
const FAULT_FIELDS: [i32; 4] = [0, 8, 16, 24];

impl Walk<'_, '_> {
    /// Goes to `fail` with the first fault that is on record, if there is one.
    pub(super) fn scan_faults(&mut self) {
        self.builder.switch_to_block(self.scan);
        let count = self.int(self.kernel.sites.len() as i64);
        let faults = self.builder.ins().iadd_imm_s(self.base, i64::from(self.layout.faults));
        self.for_each(count, |walk, number| {
            let record = walk.cell(faults, number, size_of::<FaultRecord>() as i64);
            let entry = walk.cell(walk.table, number, SITE_BYTES);
            let mut load =
                |base, offset: usize| walk.builder.ins().load(types::I64, MEMORY, base, offset as i32);
            let is_raised = load(record, offset_of!(FaultRecord, is_raised));
            let (status, text) = (load(entry, 0), load(entry, 8));
            let element = load(record, offset_of!(FaultRecord, element));
            let index = load(record, offset_of!(FaultRecord, index));
            let length = load(record, offset_of!(FaultRecord, length));
            let status = walk.builder.ins().ireduce(types::I32, status);
            let text = walk.builder.ins().iadd(walk.table, text);
            let next = walk.builder.create_block();
            let args = [status, text, element, index, length].map(Into::into);
            walk.builder.ins().brif(is_raised, walk.fail, &args, next, &[]);
            walk.builder.switch_to_block(next);
        });
    }

    /// Stores what `fail` was given where the caller wants it.
    pub(super) fn note_fault(&mut self) {
        self.builder.switch_to_block(self.fail);
        let params = self.builder.block_params(self.fail).to_vec();
        let store = self.builder.create_block();
        let status = [params[0].into()];
        self.builder.ins().brif(self.fault, store, &[], self.leave, &status);
        self.builder.switch_to_block(store);
        for (value, offset) in params[1..].iter().zip(FAULT_FIELDS) {
            self.builder.ins().store(MEMORY, *value, self.fault, offset);
        }
        self.builder.ins().jump(self.leave, &status);
    }

    pub(super) fn free_and_return(&mut self) {
        self.builder.switch_to_block(self.leave);
        let status = self.builder.block_params(self.leave)[0];
        if let Some([_, free]) = self.memory {
            let count = self.int(self.layout.owned_count);
            let owned = self.builder.ins().iadd_imm_s(self.base, i64::from(self.layout.owned));
            self.for_each(count, |walk, number| {
                let cell = walk.cell(owned, number, 8);
                let address = walk.builder.ins().load(types::I64, MEMORY, cell, 0);
                walk.builder.ins().call(free, &[address]);
            });
        }
        self.builder.ins().return_(&[status]);
    }

    /// Ends the call if `cond` is not 0, because of `value` if it is because of one.
    pub(super) fn fail_if(&mut self, cond: Value, status: Status, message: &str, value: Option<Value>) {
        let offset = self.messages.add(message);
        let [failure, next] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(failure);
        self.builder.ins().brif(cond, failure, &[], next, &[]);
        self.builder.switch_to_block(failure);
        let text = self.builder.ins().iadd_imm_s(self.table, offset);
        let status = self.builder.ins().iconst(types::I32, status as i64);
        let (outside, zero) = (self.int(Fault::OUTSIDE as i64), self.int(0));
        let args = [status, text, outside, value.unwrap_or(zero), zero].map(Into::into);
        self.builder.ins().jump(self.fail, &args);
        self.builder.switch_to_block(next);
    }
}
