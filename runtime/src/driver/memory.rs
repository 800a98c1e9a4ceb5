//! Host memory for arrays: aligned for every vector unit, and allocated fallibly because its size is the user's.

use std::{
    alloc::{self, Layout},
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

/// The alignment of every allocation: a cache line, the widest vector of any CPU.
const ALIGNMENT: usize = 64;

/// A fixed-size, zero-initialised block of bytes at a multiple of 64.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    /// Dangling if `capacity` is 0, else an allocation of `capacity` bytes, all initialised.
    start: NonNull<u8>,
    capacity: usize,
    /// How many of the bytes are shown; at most `capacity`.
    len: usize,
}

impl AlignedBytes {
    /// `len` zeros, or `None` if the host cannot give them.
    pub(crate) fn zeroed(len: usize) -> Option<AlignedBytes> {
        if len == 0 {
            return Some(AlignedBytes { start: NonNull::dangling(), capacity: 0, len: 0 });
        }
        let layout = layout(len)?;
        // SAFETY: the layout has a size, `len`, other than zero.
        let start = unsafe { alloc::alloc_zeroed(layout) };
        Some(AlignedBytes { start: NonNull::new(start)?, capacity: len, len })
    }

    /// Shows only the first `len` bytes from now on; longer than it is changes nothing.
    #[cfg(feature = "cpu")]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The address of the first byte, for code that computes addresses itself.
    #[cfg(feature = "cpu")]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.start.as_ptr()
    }
}

fn layout(len: usize) -> Option<Layout> {
    Layout::from_size_align(len, ALIGNMENT).ok()
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `capacity >= len` initialised bytes, and they are borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: `start` is valid for `capacity >= len` initialised bytes, and they are borrowed with `self`.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        if let (1.., Some(layout)) = (self.capacity, layout(self.capacity)) {
            // SAFETY: `start` came from `alloc_zeroed` with this very layout, and nothing uses it after the drop.
            unsafe { alloc::dealloc(self.start.as_ptr(), layout) }
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
            assert!(block.iter().all(|byte| *byte == 0));
            block[len - 1] = 7;
            assert_eq!(block.last(), Some(&7));
        }
    }

    #[test]
    fn an_empty_block_needs_no_memory() {
        assert!(AlignedBytes::zeroed(0).expect("nothing").is_empty());
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert!(AlignedBytes::zeroed(usize::MAX).is_none());
        assert!(AlignedBytes::zeroed(isize::MAX as usize - 63).is_none());
    }

    #[test]
    fn truncation_only_shortens() {
        let mut block = AlignedBytes::zeroed(10).expect("a small block");
        block.truncate(4);
        block.truncate(8);
        assert_eq!(block.len(), 4);
    }
}
