//! The memory that a call has on its stack.

use crate::{
    backend::cpu::fault::FaultRecord,
    ir::Kernel,
    plan::{Launch, Plan, Slot},
};

/// Where in the memory on the stack what stands, in bytes; every part is a number of 8-byte cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameLayout {
    /// The byte that the slot [`Slot::CANCEL`] points to.
    pub(super) cancel: i32,
    /// The addresses of the scratch memory of the current launch.
    pub(super) scratch: i32,
    /// What `calloc` gave for each buffer and each piece of scratch memory, 0 if nothing is to be freed.
    pub(super) owned: i32,
    /// How many of those there are.
    pub(super) owned_count: i64,
    /// How many of those are buffers; scratch memory follows.
    pub(super) buffers: usize,
    /// The fault table.
    pub(super) faults: i32,
    /// How large all of it is.
    pub(super) size: i32,
}

impl FrameLayout {
    /// The memory for `plan`, a plan of `kernel`; `None` if it is more than `most` bytes.
    pub(super) fn new(kernel: &Kernel, plan: &Plan, most: usize) -> Option<FrameLayout> {
        let scratch = plan.launches().map(|launch: &Launch| launch.scratch.len()).max().unwrap_or(0);
        let buffers = plan.buffers.len();
        let records = kernel.sites.len() * (size_of::<FaultRecord>() / 8);
        // Slots come first, so that a slot's number is its place.
        let parts = [plan.slots.len(), 1, scratch, buffers + scratch, records];
        let mut offsets = [0; 6];
        for (at, cells) in parts.into_iter().enumerate() {
            offsets[at + 1] = cells.checked_mul(8).and_then(|bytes: usize| bytes.checked_add(offsets[at]))?;
        }
        let size = offsets[5];
        if size > most {
            return None;
        }
        let offsets = offsets.map(|offset| offset as i32);
        Some(FrameLayout {
            cancel: offsets[1],
            scratch: offsets[2],
            owned: offsets[3],
            owned_count: (buffers + scratch) as i64,
            buffers,
            faults: offsets[4],
            size: offsets[5],
        })
    }

    /// Where a slot is.
    pub(super) fn slot(&self, slot: Slot) -> i32 {
        slot.0 as i32 * 8
    }

    /// Where the memory of a buffer, or of the scratch memory with this number after them, is noted.
    pub(super) fn owned_at(&self, number: usize) -> i32 {
        self.owned + number as i32 * 8
    }
}
