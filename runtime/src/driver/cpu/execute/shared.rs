//! Launches that several threads share, among them those whose elements find what others left before.
//!
//! There each thread has bins of its own, which are merged in the end, and arrays of its own for what passes filters in a
//! range: it is copied to its place as soon as all ranges before it know how much passed in them.

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
    plan::{ArraySize, Bins, LEAF, Launch, OwnParts, Stop},
};
use smallvec::smallvec;
use std::{
    iter, mem, ptr,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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
        let nothing = OwnParts::default();
        let parts = launch.own.as_ref().unwrap_or(&nothing);
        let shares = Shares::new(parts, self.own_sizes(parts, ranges)?);
        Pool::of_process().run(helpers, &|| {
            let mut scratch = Scratch::default();
            let sizes = self.scratch_sizes(launch).chain(shares.sizes.scratch());
            if let Err(error) = scratch.allocate(sizes) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            let mut found: Faults = smallvec![FaultRecord::default(); self.kernel.sites.len()];
            let mut frame = self.frame.clone();
            let mut hand = Hand { frame: &mut frame, faults: &mut found, scratch: &scratch };
            let function = self.code.function(number);
            // SAFETY: as in `run_alone`, with a copy of the frame and a fault table of the same length.
            let stop = unsafe { shares.work(&mut hand, function, ranges.iter(), self.cancel) };
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
        self.own_bins = shares.join(&mut self.frame);
        Ok(())
    }

    /// The sizes of what a thread has of its own.
    fn own_sizes(&self, parts: &OwnParts, ranges: &Ranges) -> Result<OwnSizes, RunError> {
        let bytes = |size: &ArraySize| self.bytes(size.scalar, &size.extents);
        let bins = parts.bins.iter().map(|bins| bytes(&bins.size)).collect::<Result<_, _>>()?;
        let filters = parts.filters.iter();
        let elements = filters.map(|filter| filter.arrays.iter().map(|(_, size)| bytes(size)).collect());
        let range = usize::try_from(ranges.piece()).ok().and_then(|leaves| leaves.checked_mul(LEAF as usize));
        Ok(OwnSizes {
            bins,
            elements: elements.collect::<Result<_, _>>()?,
            range: range.ok_or(RunError::TooLarge)?,
        })
    }

    /// Whether threads may share a launch over so many leaves in order: merging their bins must not take longer than
    /// filling them.
    pub(super) fn may_share_in_order(&self, launch: &Launch, leaves: u64) -> Result<bool, RunError> {
        let Some(parts) = &launch.own else { return Ok(false) };
        let mut bins = 0u64;
        for own in &parts.bins {
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

/// The sizes in bytes of what a thread has of its own.
struct OwnSizes {
    /// Of all its bins.
    bins: Few<usize>,
    /// Of an element of each array of each filter.
    elements: Vec<Few<usize>>,
    /// How many elements a range has at most.
    range: usize,
}

impl OwnSizes {
    /// What is needed behind the scratch memory of the launch: bins, and arrays for what passes filters in a range.
    fn scratch(&self) -> impl Iterator<Item = Result<usize, RunError>> {
        let rows = self.elements.iter().flatten();
        let arrays = rows.map(|bytes| bytes.checked_mul(self.range).ok_or(RunError::TooLarge));
        self.bins.iter().copied().map(Ok).chain(arrays)
    }

    fn count(&self) -> usize {
        self.bins.len() + self.elements.iter().map(|arrays| arrays.len()).sum::<usize>()
    }
}

/// What threads that share a launch tell each other.
struct Shares<'p> {
    parts: &'p OwnParts,
    sizes: OwnSizes,
    line: Mutex<Line>,
    has_moved: Condvar,
    /// The scratch memory of each thread that has bins of its own.
    own: Mutex<Vec<Scratch>>,
}

/// Ranges know the places of what passed when all before them do.
struct Line {
    /// The first element of the range whose turn it is.
    next: u64,
    /// What passed each filter before it.
    totals: Few<u64>,
    /// Whether a range was given up, so that those behind it wait in vain.
    is_broken: bool,
}

impl<'p> Shares<'p> {
    fn new(parts: &'p OwnParts, sizes: OwnSizes) -> Shares<'p> {
        let totals = parts.filters.iter().map(|_| 0).collect();
        let line = Mutex::new(Line { next: 0, totals, is_broken: false });
        Shares { parts, sizes, line, has_moved: Condvar::new(), own: Mutex::default() }
    }

    /// Computes ranges, with what is a thread's own in the last pieces of the scratch memory of `hand`.
    ///
    /// # Safety
    ///
    /// As for [`Hand::work`], for the launch that is shared; the scratch memory ends with pieces of the
    /// sizes in `self`, the ranges are no longer than those allow, and each begins where one before it ends.
    unsafe fn work(
        &self,
        hand: &mut Hand<'_>,
        function: StepFunction,
        ranges: impl Iterator<Item = Range>,
        cancel: &AtomicBool,
    ) -> Option<Stop> {
        let first_own = hand.scratch.addresses.len() - self.sizes.count();
        let (bins, arrays) = hand.scratch.addresses[first_own..].split_at(self.sizes.bins.len());
        for ((own, address), bytes) in self.parts.bins.iter().zip(bins).zip(&self.sizes.bins) {
            // SAFETY: the scratch memory has so many bytes at this address, and they are this thread's.
            unsafe { fill(own, *address, *bytes) }
            hand.frame[own.slot.0 as usize] = *address as u64;
        }
        if self.parts.filters.is_empty() {
            // SAFETY: the caller promises it; the bins are as large as those that they stand for.
            return unsafe { hand.work(function, ranges, cancel) };
        }
        let slots =
            self.parts.filters.iter().flat_map(|filter| &filter.arrays).map(|(slot, _)| slot.0 as usize);
        let places: Few<u64> = slots.clone().map(|slot| hand.frame[slot]).collect();
        let _guard = GiveUpOnPanic(self);
        slots.zip(arrays).for_each(|(slot, own)| hand.frame[slot] = *own as u64);
        for range in ranges {
            for filter in &self.parts.filters {
                hand.frame[filter.count.0 as usize] = 0;
            }
            // SAFETY: the caller promises it; the thread's own arrays have room for all elements of a range.
            let stop = unsafe { hand.work(function, iter::once(range), cancel) };
            if stop.is_some() {
                self.give_up();
                return stop;
            }
            let counts =
                self.parts.filters.iter().map(|filter| hand.frame[filter.count.0 as usize]).collect();
            let before = self.take_place(range, &counts)?;
            // SAFETY: so many elements are in the thread's own arrays, and those of the launch, which have room for all
            // elements, have nothing at these places yet.
            unsafe { self.put(arrays, &places, &before, &counts) }
        }
        None
    }

    /// Waits for the ranges before; gives how many elements passed each filter in all of them, or nothing if one of them
    /// was given up.
    fn take_place(&self, range: Range, counts: &Few<u64>) -> Option<Few<u64>> {
        let [first, end] = [range.0, range.1].map(|leaf| (leaf * LEAF) as u64);
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let is_waiting = |line: &mut Line| line.next != first && !line.is_broken;
        let mut line = self.has_moved.wait_while(line, is_waiting).unwrap_or_else(PoisonError::into_inner);
        if line.is_broken {
            return None;
        }
        let before = line.totals.clone();
        line.totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        line.next = end;
        self.has_moved.notify_all();
        Some(before)
    }

    /// Lets nobody wait any more.
    fn give_up(&self) {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).is_broken = true;
        self.has_moved.notify_all();
    }

    /// Copies what passed filters from `own` arrays to those at `places`, behind so many elements.
    ///
    /// # Safety
    ///
    /// `own` has so many elements of each array, and there is room for them at their places, which nobody else uses.
    unsafe fn put(&self, own: &[*mut u8], places: &[u64], before: &[u64], counts: &[u64]) {
        let mut arrays = own.iter().zip(places);
        for ((sizes, before), count) in self.sizes.elements.iter().zip(before).zip(counts) {
            for (size, (own, place)) in sizes.iter().zip(&mut arrays) {
                let [offset, bytes] = [before, count].map(|count| *count as usize * size);
                let place = (*place as *mut u8).wrapping_add(offset);
                // SAFETY: the caller promises it.
                unsafe { ptr::copy_nonoverlapping(own.cast_const(), place, bytes) }
            }
        }
    }

    /// Keeps the bins of a thread until they are merged.
    fn keep(&self, scratch: Scratch) {
        if !self.parts.bins.is_empty() {
            self.own.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        }
    }

    /// Sets the counts in `frame`; gives the bins that are to be merged.
    fn join(self, frame: &mut [u64]) -> Vec<Scratch> {
        let line = self.line.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (filter, total) in self.parts.filters.iter().zip(line.totals) {
            frame[filter.count.0 as usize] = total;
        }
        self.own.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets nobody wait for a thread that panics.
struct GiveUpOnPanic<'s, 'p>(&'s Shares<'p>);

impl Drop for GiveUpOnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.give_up();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use pk_compiler::plan::{Filtered, Slot};

    #[test]
    fn nobody_waits_for_a_thread_that_panicked() {
        let filters = vec![Filtered { count: Slot(2), arrays: Vec::new() }];
        let parts = OwnParts { filters, bins: Vec::new() };
        let sizes = OwnSizes { bins: Few::new(), elements: vec![Few::new()], range: 1024 };
        let shares = Shares::new(&parts, sizes);
        let counts: Few<u64> = [7].into_iter().collect();
        assert_eq!(shares.take_place((0, 1), &counts).as_deref(), Some(&[0][..]));
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                let _guard = GiveUpOnPanic(&shares);
                panic!("before the second range has its place");
            });
            assert!(shares.take_place((2, 3), &counts).is_none());
            assert!(first.join().is_err());
        });
    }
}
