//! Huge pages for large blocks of memory.
//!
//! A processor knows the places of some thousand pages; those of a large array are far more, so that a pass over it waits
//! for translations unless the pages are large. On most Linux systems memory has them only where a program asks.

/// Blocks from this size on get them, as NumPy's do; smaller ones would waste more than they win.
const LEAST: usize = 4 << 20;

/// Asks for huge pages in the `len` bytes at `start`, which is the start of memory that the caller owns. They hold what
/// they held, however the system answers.
#[cfg(target_os = "linux")]
pub(super) fn ask_for_huge(start: *mut u8, len: usize) {
    use std::ffi::{c_int, c_void};

    /// Any page size of a supported processor divides it.
    const PAGE: usize = 1 << 16;
    /// `MADV_HUGEPAGE` of `<linux/mman.h>`.
    const HUGE: c_int = 14;

    unsafe extern "C" {
        fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
    }

    if len < LEAST {
        return;
    }
    let skipped = start.addr().wrapping_neg() % PAGE;
    let whole = (len - skipped) & !(PAGE - 1);
    // SAFETY: the declaration is that of the C library, the pages lie inside of the caller's memory, and this advice changes
    // neither what they hold nor who may use them. If the system refuses, pages stay small.
    let _ = unsafe { madvise(start.wrapping_add(skipped).cast(), whole, HUGE) };
}

#[cfg(not(target_os = "linux"))]
pub(super) fn ask_for_huge(_: *mut u8, _: usize) {
    // Nothing to ask for.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_holds_what_it_held() {
        for len in [0, 1, LEAST - 1, LEAST, LEAST + 12_345] {
            let mut block: Vec<u8> = (0..len).map(|at| at as u8).collect();
            ask_for_huge(block.as_mut_ptr(), len);
            assert!(block.iter().enumerate().all(|(at, byte)| *byte == at as u8));
        }
    }
}
