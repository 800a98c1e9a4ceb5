//! Launches that several threads share, among them those whose elements find what others left before.
//!
//! There each thread has bins of its own, which are merged in the end. What passes a filter in a range is put where the
//! range begins, as there is room for all elements, and moved down to its place when all ranges are done.

use super::Execution;
use crate::driver::{
    Few, RunError,
    cpu::{
        divide::{Range, Ranges},
        hand::{Faults, Hand, Scratch, merge_faults},
        jit::StepFunction,
    },
    pool::Pool,
};
use pk_compiler::{
    backend::cpu::fault::FaultRecord,
    plan::{ArraySize, Bins, LEAF, Launch, Running, Stop},
};
use smallvec::smallvec;
use std::{
    iter, mem, ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

impl Execution<'_, '_, '_> {
    /// Lets up to `helpers` workers take part. Code of a launch that may be shared gives nothing back in its frame but
    /// the counts of filters, and has no checks that could end it.
    pub(super) fn run_shared(
        &mut self,
        launch: &Launch,
        number: usize,
        ranges: &Ranges,
        helpers: usize,
    ) -> Result<(), RunError> {
        let faults = Mutex::new(mem::take(&mut self.faults));
        let (is_cancelled, failure) = (AtomicBool::new(false), Mutex::new(None));
        let nothing = Running::default();
        let shares = Shares::new(launch.running.as_ref().unwrap_or(&nothing));
        let bin_bytes = self.bin_bytes(shares.running)?;
        Pool::of_process().run(helpers, &|| {
            let mut scratch = Scratch::default();
            let sizes = self.scratch_sizes(launch).chain(bin_bytes.iter().copied().map(Ok));
            if let Err(error) = scratch.allocate(sizes) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            let mut found: Faults = smallvec![FaultRecord::default(); self.kernel.sites.len()];
            let mut frame = self.frame.clone();
            let mut hand = Hand { frame: &mut frame, faults: &mut found, scratch: &scratch };
            let function = self.code.function(number);
            // SAFETY: as in `run_alone`, with a copy of the frame and a fault table of the same length; the last pieces
            // of the scratch memory are the bins.
            let stop = unsafe { shares.work(&mut hand, &bin_bytes, function, ranges.iter(), self.cancel) };
            if stop.is_some() {
                is_cancelled.store(true, Ordering::Relaxed);
                ranges.end();
            }
            merge_faults(&mut faults.lock().unwrap_or_else(PoisonError::into_inner), &found);
            shares.keep(scratch);
        });
        self.faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            _ if is_cancelled.into_inner() => return Err(RunError::Cancelled),
            // Others did what a thread without memory could not.
            Some(error) if !ranges.are_taken() => return Err(error),
            _ => {}
        }
        let element_bytes = self.element_bytes(shares.running)?;
        // SAFETY: all ranges were taken, and whoever took one has computed it; the frame is the one that was copied.
        self.own_bins = unsafe { shares.join(&mut self.frame, &element_bytes) };
        Ok(())
    }

    /// The sizes of all bins that a thread has of its own.
    fn bin_bytes(&self, running: &Running) -> Result<Few<usize>, RunError> {
        running.bins.iter().map(|bins| self.bytes(bins.size.scalar, &bins.size.extents)).collect()
    }

    /// The size of an element of each array of each filter.
    fn element_bytes(&self, running: &Running) -> Result<Vec<Few<usize>>, RunError> {
        let bytes = |size: &ArraySize| self.bytes(size.scalar, &size.extents);
        let filters = running.filters.iter();
        filters.map(|filter| filter.arrays.iter().map(|(_, size)| bytes(size)).collect()).collect()
    }

    /// Whether threads may share a launch over so many leaves in order: merging their bins must not take longer than
    /// filling them.
    pub(super) fn may_share_running(&self, launch: &Launch, leaves: u64) -> Result<bool, RunError> {
        let Some(running) = &launch.running else { return Ok(false) };
        let mut bins = 0u64;
        for own in &running.bins {
            bins = bins.saturating_add(self.product(&own.size.extents)?);
        }
        Ok(bins.saturating_mul(4) <= leaves.saturating_mul(LEAF as u64))
    }

    /// Merges the bins that threads had of their own, if any had.
    pub(super) fn merge_bins(&mut self, number: usize) -> Result<(), RunError> {
        for scratch in mem::take(&mut self.own_bins) {
            let mut hand = Hand { frame: &mut self.frame, faults: &mut self.faults, scratch: &scratch };
            // SAFETY: as in `run_alone`; the scratch memory has the sizes that the plan gives to both launches.
            let stop = unsafe { hand.work(self.code.function(number), iter::once((0, 1)), self.cancel) };
            if stop.is_some() {
                return Err(RunError::Cancelled);
            }
        }
        Ok(())
    }
}

/// What passed each filter in a range.
struct Passed {
    /// The first element of the range.
    first: u64,
    counts: Few<u64>,
}

/// What the threads of a launch leave for its end.
pub(super) struct Shares<'p> {
    running: &'p Running,
    passed: Mutex<Vec<Passed>>,
    /// The scratch memory of each thread that has bins of its own.
    own: Mutex<Vec<Scratch>>,
}

impl<'p> Shares<'p> {
    pub(super) fn new(running: &'p Running) -> Shares<'p> {
        Shares { running, passed: Mutex::default(), own: Mutex::default() }
    }

    /// Computes ranges with bins in the scratch memory of `hand`, the last pieces of which have these sizes in bytes.
    ///
    /// # Safety
    ///
    /// As for [`Hand::work`], for the launch whose running state this is; nobody else has this scratch memory.
    pub(super) unsafe fn work(
        &self,
        hand: &mut Hand<'_>,
        bin_bytes: &[usize],
        function: StepFunction,
        ranges: impl Iterator<Item = Range>,
        cancel: &AtomicBool,
    ) -> Option<Stop> {
        let own = hand.scratch.addresses.len() - bin_bytes.len();
        for ((bins, address), bytes) in
            self.running.bins.iter().zip(&hand.scratch.addresses[own..]).zip(bin_bytes)
        {
            // SAFETY: the scratch memory has so many bytes at this address, and they are this thread's.
            unsafe { fill(bins, *address, *bytes) }
            hand.frame[bins.slot.0 as usize] = *address as u64;
        }
        if self.running.filters.is_empty() {
            // SAFETY: the caller promises it; the bins are as large as those that they stand for.
            return unsafe { hand.work(function, ranges, cancel) };
        }
        for range in ranges {
            let first = (range.0 * LEAF) as u64;
            for filter in &self.running.filters {
                hand.frame[filter.count.0 as usize] = first;
            }
            // SAFETY: the caller promises it; the bins are as large as those that they stand for, and an array for what
            // passes a filter has room for all elements of the range from its first on.
            let stop = unsafe { hand.work(function, iter::once(range), cancel) };
            if stop.is_some() {
                return stop;
            }
            let counts =
                self.running.filters.iter().map(|filter| hand.frame[filter.count.0 as usize] - first);
            self.passed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Passed { first, counts: counts.collect() });
        }
        None
    }

    /// Keeps the bins of a thread until they are merged.
    pub(super) fn keep(&self, scratch: Scratch) {
        if !self.running.bins.is_empty() {
            self.own.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        }
    }

    /// Moves what passed filters to its place and sets the counts in `frame`; gives the bins that are to be merged.
    /// `element_bytes` says how large the elements of each array of each filter are.
    ///
    /// # Safety
    ///
    /// All ranges of the launch must have been computed, and the slots of its arrays in `frame` be those that they were
    /// computed with.
    pub(super) unsafe fn join(self, frame: &mut [u64], element_bytes: &[Few<usize>]) -> Vec<Scratch> {
        let mut passed = self.passed.into_inner().unwrap_or_else(PoisonError::into_inner);
        passed.sort_unstable_by_key(|passed| passed.first);
        for (number, (filter, sizes)) in self.running.filters.iter().zip(element_bytes).enumerate() {
            let mut total = 0;
            for range in &passed {
                for ((slot, _), size) in filter.arrays.iter().zip(sizes) {
                    let array = frame[slot.0 as usize] as *mut u8;
                    let [from, to, len] =
                        [range.first, total, range.counts[number]].map(|count| count as usize * size);
                    // SAFETY: the elements were written there, and those before them have been moved below `to`.
                    unsafe { ptr::copy(array.wrapping_add(from), array.wrapping_add(to), len) }
                }
                total += range.counts[number];
            }
            frame[filter.count.0 as usize] = total;
        }
        self.own.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each of the bins at `address` its first value.
///
/// # Safety
///
/// `bytes` bytes can be written at `address`.
unsafe fn fill(bins: &Bins, address: *mut u8, bytes: usize) {
    let width = bins.size.scalar.bytes();
    let value = bins.identity.bits().to_le_bytes();
    for at in (0..bytes / width).map(|bin| bin * width) {
        // SAFETY: it ends at or before `bytes`; a scalar has at most 8 bytes.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), address.wrapping_add(at), width) }
    }
}
