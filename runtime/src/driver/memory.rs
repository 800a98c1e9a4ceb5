//! Host memory for arrays: aligned for every vector unit, and allocated fallibly because its size is the user's.

use super::{Destination, pages, room};
use std::{
    alloc::{self, Layout},
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};

/// The alignment of every allocation: a cache line, the widest vector of any CPU.
pub(crate) const ALIGNMENT: usize = 64;

/// The alignment that allocators give to all. Asking them for more makes a small block take ten times as long.
const NATURAL_ALIGNMENT: usize = 16;

/// A fixed-size block of bytes at a multiple of 64, of which it shows those that are known to be written.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    /// An allocation with room for `capacity` bytes at the next multiple of 64; dangling if `capacity` is 0.
    allocation: NonNull<u8>,
    /// That multiple of 64.
    start: NonNull<u8>,
    capacity: usize,
    /// How many of the bytes are shown; at most `capacity`, all of them initialised.
    len: usize,
}

impl AlignedBytes {
    /// `len` zeros, or `None` if the host cannot give them.
    pub(crate) fn zeroed(len: usize) -> Option<AlignedBytes> {
        let mut block = AlignedBytes::allocate(len, alloc::alloc_zeroed)?;
        block.len = len;
        Some(block)
    }

    /// Room for `capacity` bytes, or `None` if the host cannot give it.
    pub(crate) fn with_room(capacity: usize) -> Option<AlignedBytes> {
        let mut block = AlignedBytes::allocate(capacity, alloc::alloc)?;
        room::spoil(block.room());
        Some(block)
    }

    /// A block that shows nothing.
    fn allocate(capacity: usize, allocate: unsafe fn(Layout) -> *mut u8) -> Option<AlignedBytes> {
        if capacity == 0 {
            let nowhere = NonNull::dangling();
            return Some(AlignedBytes { allocation: nowhere, start: nowhere, capacity, len: 0 });
        }
        let layout = layout(capacity)?;
        // SAFETY: `allocate` is a function of `std::alloc`, and the layout has a size other than zero.
        let allocation = NonNull::new(unsafe { allocate(layout) })?;
        let padding = allocation.addr().get().wrapping_neg() % ALIGNMENT;
        let start = NonNull::new(allocation.as_ptr().wrapping_add(padding))?;
        pages::ask_for_huge(start.as_ptr(), capacity);
        Some(AlignedBytes { allocation, start, capacity, len: 0 })
    }

    /// Shows the first `len` bytes, or all if there are not as many.
    ///
    /// # Safety
    ///
    /// Those must have been written.
    #[cfg(feature = "cpu")]
    pub(crate) unsafe fn show(&mut self, len: usize) {
        self.len = len.min(self.capacity);
    }

    /// The address of the first byte, for code that computes addresses itself.
    #[cfg(feature = "cpu")]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Destination for AlignedBytes {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self.len = 0;
        // SAFETY: `allocate` made `start` valid for `capacity` bytes; they may hold anything and are borrowed with `self`.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.capacity) }
    }

    unsafe fn set_filled(&mut self) {
        self.len = self.capacity;
    }

    fn bytes(&self) -> &[u8] {
        self
    }
}

/// An allocation in which `capacity` bytes begin at a multiple of [`ALIGNMENT`].
fn layout(capacity: usize) -> Option<Layout> {
    let size = capacity.checked_add(ALIGNMENT - NATURAL_ALIGNMENT)?;
    Layout::from_size_align(size, NATURAL_ALIGNMENT).ok()
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `len` initialised bytes, and they are borrowed with `self`.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: `start` is valid for `len` initialised bytes, and they are borrowed with `self`.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        if let (1.., Some(layout)) = (self.capacity, layout(self.capacity)) {
            // SAFETY: `allocation` was made with this very layout, and nothing uses it after the drop.
            unsafe { alloc::dealloc(self.allocation.as_ptr(), layout) }
        }
    }
}

// SAFETY: the block is owned by this value alone, like a `Box<[u8]>`.
unsafe impl Send for AlignedBytes {}

// SAFETY: a shared reference gives only reads of the bytes.
unsafe impl Sync for AlignedBytes {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_zeroed_and_writable() {
        for len in [1, 63, 64, 65, 5000] {
            let mut block = AlignedBytes::zeroed(len).expect("a small block");
            assert_eq!(block.as_ptr() as usize % ALIGNMENT, 0);
            assert!(block.len() == len && block.iter().all(|byte| *byte == 0));
            block[len - 1] = 7;
            assert_eq!(block.last(), Some(&7));
        }
    }

    #[test]
    fn an_empty_block_needs_no_memory() {
        assert!(AlignedBytes::zeroed(0).expect("nothing").is_empty());
        assert!(AlignedBytes::with_room(0).expect("nothing").room().is_empty());
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for len in [usize::MAX, isize::MAX as usize - 63] {
            assert!(AlignedBytes::zeroed(len).is_none() && AlignedBytes::with_room(len).is_none());
        }
    }

    #[test]
    fn only_what_was_written_is_shown() {
        let mut block = AlignedBytes::with_room(10).expect("a small block");
        assert!(block.is_empty());
        block.room().fill(MaybeUninit::new(7));
        // SAFETY: all ten bytes were written.
        unsafe { block.show(4) }
        assert_eq!(block[..], [7; 4]);
        // SAFETY: all ten bytes were written.
        unsafe { block.show(11) }
        assert_eq!(block[..], [7; 10]);
        block.room();
        assert!(block.is_empty());
    }
}
