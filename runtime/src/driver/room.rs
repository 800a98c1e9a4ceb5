//! Where arrays go: memory that is not cleared, as a driver writes every byte of it, and that shows nothing before.

use super::{RunError, pages};
use bytemuck::Pod;
use pk_dsl::scalar::Scalar;
use std::{any::Any, fmt, mem::MaybeUninit, slice};

/// Memory for an array, which a driver fills.
pub(crate) trait Destination: Any + fmt::Debug + Send + Sync {
    /// All the bytes, to be written; none of them is shown any more.
    fn room(&mut self) -> &mut [MaybeUninit<u8>];

    /// Shows the bytes.
    ///
    /// # Safety
    ///
    /// All of them must have been written.
    unsafe fn set_filled(&mut self);

    /// The bytes that are shown: all or none.
    fn bytes(&self) -> &[u8];
}

/// Copies the elements of an array to where they are wanted.
pub(crate) fn fill(target: &mut dyn Destination, scalar: Scalar, bytes: &[u8]) -> Result<(), RunError> {
    let room = target.room();
    if room.len() != bytes.len() {
        return Err(RunError::BadJob);
    }
    match scalar {
        // A host's `bool` may be any byte, pk's is 0 or 1.
        Scalar::Bool => room.iter_mut().zip(bytes).for_each(|(to, from)| {
            to.write(u8::from(*from != 0));
        }),
        _ => {
            room.write_copy_of_slice(bytes);
        }
    }
    // SAFETY: the lengths are equal, so each byte has its value from `bytes`.
    unsafe { target.set_filled() }
    Ok(())
}

/// Lets tests see what nobody wrote: new memory often is zero by chance.
pub(super) fn spoil(room: &mut [MaybeUninit<u8>]) {
    /// Enough for any test; more would take memory that may never be used.
    const MOST: usize = 1 << 20;
    if cfg!(debug_assertions) {
        let spoiled = room.len().min(MOST);
        room[..spoiled].fill(MaybeUninit::new(0xA5));
    }
}

/// A vector to be: it has no elements until a driver has written all of them.
#[derive(Debug)]
pub(crate) struct Room<T> {
    /// Its capacity is at least `len`.
    elements: Vec<T>,
    len: usize,
}

impl<T: Pod> Room<T> {
    /// Room for `len` elements; `None` if the host cannot give it.
    pub(crate) fn new(len: usize) -> Option<Room<T>> {
        let mut elements = Vec::new();
        elements.try_reserve_exact(len).ok()?;
        let mut room = Room { elements, len };
        let spare = room.spare();
        pages::ask_for_huge(spare.as_mut_ptr().cast(), spare.len());
        spoil(spare);
        Some(room)
    }

    /// The elements, which leave; none if they have not been written.
    pub(crate) fn take(&mut self) -> Vec<T> {
        self.len = 0;
        std::mem::take(&mut self.elements)
    }

    fn spare(&mut self) -> &mut [MaybeUninit<u8>] {
        self.elements.clear();
        let spare = &mut self.elements.spare_capacity_mut()[..self.len];
        let (start, bytes) = (spare.as_mut_ptr(), size_of_val(spare));
        // SAFETY: these are the bytes of `spare`, borrowed as long, and may hold anything both as elements and as bytes.
        unsafe { slice::from_raw_parts_mut(start.cast(), bytes) }
    }
}

impl<T: Pod + fmt::Debug + Send + Sync> Destination for Room<T> {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self.spare()
    }

    unsafe fn set_filled(&mut self) {
        // SAFETY: the capacity is at least `len`, the caller promises that the elements are written, and any bytes are a
        // value of a `Pod` type.
        unsafe { self.elements.set_len(self.len) }
    }

    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_before_it_is_written() {
        let mut room = Room::<u16>::new(2).expect("four bytes");
        assert_eq!((room.room().len(), room.bytes()), (4, &[][..]));
        assert_eq!(fill(&mut room, Scalar::U16, &[1, 0, 2]), Err(RunError::BadJob));
        assert_eq!(room.bytes(), []);
        assert_eq!(fill(&mut room, Scalar::U16, &[1, 0, 2, 0]), Ok(()));
        assert_eq!(room.bytes(), [1, 0, 2, 0]);
        assert_eq!(room.take(), [1u16, 2].map(u16::from_le));
        assert_eq!(room.take(), []);
    }

    #[test]
    fn what_is_written_anew_is_hidden() {
        let mut room = Room::<u8>::new(2).expect("two bytes");
        assert_eq!(fill(&mut room, Scalar::Bool, &[7, 0]), Ok(()));
        assert_eq!(room.bytes(), [1, 0]);
        room.room();
        assert_eq!(room.take(), []);
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for len in [usize::MAX, isize::MAX as usize, usize::MAX / 8 + 1] {
            assert!(Room::<f64>::new(len).is_none(), "{len}");
        }
    }
}
