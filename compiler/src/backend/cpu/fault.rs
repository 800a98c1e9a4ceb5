//! Faults: a predictable branch to a cold block that notes the fault and goes on.

use super::emitter::{Element, Emitter, MEMORY};
use crate::{
    fault::Fault,
    ir::{Entity, Site},
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};

/// What code notes about one site: the fault at the lowest element so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRecord {
    /// 1 if a fault arose there.
    pub is_raised: u64,
    /// See [`Fault::element`].
    pub element: u64,
    /// See [`Fault::index`].
    pub index: i64,
    /// See [`Fault::length`].
    pub length: i64,
}

impl FaultRecord {
    /// The fault that a record of `site` tells of.
    pub fn fault(&self, site: Site) -> Option<Fault> {
        let FaultRecord { element, index, length, .. } = *self;
        (self.is_raised != 0).then_some(Fault { site, element, index, length })
    }
}

const SIZE: i32 = size_of::<FaultRecord>() as i32;
const IS_RAISED: i32 = std::mem::offset_of!(FaultRecord, is_raised) as i32;
const ELEMENT: i32 = std::mem::offset_of!(FaultRecord, element) as i32;
const INDEX: i32 = std::mem::offset_of!(FaultRecord, index) as i32;
const LENGTH: i32 = std::mem::offset_of!(FaultRecord, length) as i32;

impl Emitter<'_, '_> {
    /// Notes a fault at `site` if `cond` is not 0; `details` computes the index and the length.
    pub(super) fn fault_if(
        &mut self,
        cond: Value,
        site: Site,
        details: impl FnOnce(&mut Self) -> (Value, Value),
    ) {
        self.if_rarely(cond, |e| {
            let details = details(e);
            e.record_fault(site, details);
        });
    }

    /// Notes a fault unless one at the same or a lower element stands there.
    pub(super) fn record_fault(&mut self, site: Site, (index, length): (Value, Value)) {
        let base = site.index() as i32 * SIZE;
        let zero = self.int(0);
        let (element, index, length) = match self.element {
            Element::Outside => (zero, index, length),
            Element::At(element) => (element, index, length),
            Element::InFold => (self.int(Fault::IN_FOLD as i64), zero, zero),
        };
        let faults = self.faults;
        let is_raised = self.builder.ins().load(types::I64, MEMORY, faults, base + IS_RAISED);
        let known = self.builder.ins().load(types::I64, MEMORY, faults, base + ELEMENT);
        let is_first = self.icmp(IntCC::Equal, is_raised, zero);
        let is_lower = self.icmp(IntCC::UnsignedLessThan, element, known);
        let is_news = self.builder.ins().bor(is_first, is_lower);
        self.if_then(is_news, |e| {
            let one = e.int(1);
            for (offset, value) in [(IS_RAISED, one), (ELEMENT, element), (INDEX, index), (LENGTH, length)] {
                e.builder.ins().store(MEMORY, value, faults, base + offset);
            }
        });
    }
}
