//! A thread at work: what it needs to itself while it computes ranges of a launch.

use super::{divide::Range, jit::StepFunction};
use crate::driver::{ALIGNMENT, AlignedBytes, Few, RunError, fenv::DefaultEnvironment};
use pk_compiler::{
    backend::cpu::fault::FaultRecord,
    plan::{Slot, Stop},
};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, Ordering};

/// The slots of a plan; those of small kernels need no allocation.
pub(super) type Frame = SmallVec<[u64; 16]>;

/// A record for each site of a kernel.
pub(super) type Faults = Few<FaultRecord>;

/// The memory that code writes to besides the results, so that no two threads may share it.
pub(super) struct Hand<'a> {
    pub(super) frame: &'a mut [u64],
    pub(super) faults: &'a mut [FaultRecord],
    pub(super) scratch: &'a Scratch,
}

impl Hand<'_> {
    /// Computes ranges until none is left; gives why it ended before, if it did.
    ///
    /// # Safety
    ///
    /// `function` must be the code of a launch for which the frame, the fault table and the scratch memory have the
    /// lengths and contents that its plan asks for, and every range must lie inside of the launch's domain.
    pub(super) unsafe fn work(
        &mut self,
        function: StepFunction,
        ranges: impl Iterator<Item = Range>,
        cancel: &AtomicBool,
    ) -> Option<Stop> {
        let _environment = DefaultEnvironment::enter();
        for (begin, end) in ranges {
            if cancel.load(Ordering::Relaxed) {
                return Some(Stop::Cancel);
            }
            let (frame, faults) = (self.frame.as_mut_ptr(), self.faults.as_mut_ptr());
            // SAFETY: the caller promises what the function needs, and nobody else has this frame, these faults and
            // this scratch memory.
            unsafe { function(frame, self.scratch.addresses.as_ptr(), faults, begin, end) }
            match self.frame[Slot::STOPPED.0 as usize] {
                0 => {}
                reason if reason == Stop::Check as u64 => return Some(Stop::Check),
                _ => return Some(Stop::Cancel),
            }
        }
        None
    }
}

/// Takes over the faults of another thread: of each site, the one at the lowest element counts.
pub(super) fn merge_faults(known: &mut [FaultRecord], found: &[FaultRecord]) {
    for (known, found) in known.iter_mut().zip(found) {
        if found.is_raised != 0 && (known.is_raised == 0 || found.element < known.element) {
            *known = *found;
        }
    }
}

/// The scratch memory of one thread for one launch.
#[derive(Default)]
pub(super) struct Scratch {
    /// One for each scratch array.
    pub(super) addresses: Few<*mut u8>,
    /// What the addresses point into.
    block: Option<AlignedBytes>,
}

// SAFETY: the addresses point into its own block, and nothing is read or written through a shared reference.
unsafe impl Send for Scratch {}
// SAFETY: as above.
unsafe impl Sync for Scratch {}

impl Scratch {
    /// Makes memory for arrays of these sizes.
    pub(super) fn allocate(
        &mut self,
        sizes: impl Iterator<Item = Result<usize, RunError>>,
    ) -> Result<(), RunError> {
        let (mut offsets, mut end) = (Few::new(), 0usize);
        for bytes in sizes {
            offsets.push(end);
            let next = end.checked_add(bytes?).and_then(|end| end.checked_next_multiple_of(ALIGNMENT));
            end = next.ok_or(RunError::TooLarge)?;
        }
        if !offsets.is_empty() {
            let start = self.block.insert(allocate(end)?).as_mut_ptr();
            self.addresses.extend(offsets.into_iter().map(|offset| start.wrapping_add(offset)));
        }
        Ok(())
    }
}

pub(super) fn allocate(bytes: usize) -> Result<AlignedBytes, RunError> {
    AlignedBytes::with_room(bytes).ok_or(RunError::OutOfMemory { bytes: bytes as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_site_the_fault_at_the_lowest_element_counts() {
        let none = FaultRecord::default();
        let at = |element| FaultRecord { is_raised: 1, element, index: element as i64 + 1, length: 9 };
        let mut known = [none, none, at(5), at(5), at(5)];
        merge_faults(&mut known, &[none, at(7), none, at(4), at(6)]);
        assert_eq!(known, [none, at(7), at(5), at(4), at(5)]);
    }
}
