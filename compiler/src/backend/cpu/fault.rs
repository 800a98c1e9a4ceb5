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

    /// Notes a fault unless one at the same or a lower element stands there. Selects rather than branches: whoever calls
    /// this has left the hot path with one block, which can be told to be cold.
    pub(super) fn record_fault(&mut self, site: Site, (index, length): (Value, Value)) {
        let base = site.index() as i32 * SIZE;
        let (zero, one) = (self.int(0), self.int(1));
        let (element, index, length) = match self.element {
            Element::Outside => (self.int(Fault::OUTSIDE as i64), index, length),
            Element::At(element) => (element, index, length),
            Element::InFold => (self.int(Fault::IN_FOLD as i64), zero, zero),
        };
        let [is_raised, known] = [IS_RAISED, ELEMENT].map(|field| self.load_fault_field(base + field));
        let is_first = self.icmp(IntCC::Equal, is_raised, zero);
        let is_lower = self.icmp(IntCC::UnsignedLessThan, element, known);
        let is_news = self.builder.ins().bor(is_first, is_lower);
        for (field, value) in [(IS_RAISED, one), (ELEMENT, element), (INDEX, index), (LENGTH, length)] {
            let before = self.load_fault_field(base + field);
            let after = self.builder.ins().select(is_news, value, before);
            self.builder.ins().store(MEMORY, after, self.faults, base + field);
        }
    }

    fn load_fault_field(&mut self, offset: i32) -> Value {
        self.builder.ins().load(types::I64, MEMORY, self.faults, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_fault_only_once_it_is_raised() {
        let site = Site::from_index(3);
        assert_eq!(FaultRecord::default().fault(site), None);
        let record = FaultRecord { is_raised: 1, element: 5, index: -1, length: 4 };
        assert_eq!(record.fault(site), Some(Fault { site, element: 5, index: -1, length: 4 }));
    }
}
