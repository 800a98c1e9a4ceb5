//! A thread at work: what it needs to itself while it computes ranges of a launch.

use super::{divide::Ranges, jit::StepFunction};
use crate::driver::{AlignedBytes, RunError, fenv::DefaultEnvironment};
use pk_compiler::{
    backend::cpu::fault::FaultRecord,
    plan::{Slot, Stop},
};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, Ordering};

/// The slots of a plan; those of small kernels need no allocation.
pub(super) type Frame = SmallVec<[u64; 16]>;

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
        ranges: &Ranges,
        cancel: &AtomicBool,
    ) -> Option<Stop> {
        let _environment = DefaultEnvironment::enter();
        while let Some((begin, end)) = ranges.take() {
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
pub(super) struct Scratch {
    /// One for each scratch array.
    addresses: Vec<*mut u8>,
    /// What the addresses point into.
    _blocks: Vec<AlignedBytes>,
}

impl Scratch {
    /// Blocks of these sizes.
    pub(super) fn allocate(
        sizes: impl Iterator<Item = Result<usize, RunError>>,
    ) -> Result<Scratch, RunError> {
        let blocks = sizes.map(|bytes| zeroed(bytes?));
        let mut blocks = blocks.collect::<Result<Vec<_>, _>>()?;
        let addresses = blocks.iter_mut().map(AlignedBytes::as_mut_ptr).collect();
        Ok(Scratch { addresses, _blocks: blocks })
    }
}

pub(super) fn zeroed(bytes: usize) -> Result<AlignedBytes, RunError> {
    AlignedBytes::zeroed(bytes).ok_or(RunError::OutOfMemory { bytes: bytes as u64 })
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
