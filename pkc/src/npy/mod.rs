//! NumPy's `.npy` files, read and written without trust in them.
//!
//! Reading is total: every sequence of bytes gives an array or an error that names the offset, and no more memory is
//! asked for than the bytes that are there justify. The header is a Python literal, of which only the three keys that a
//! header may have are understood; nothing is ever evaluated, and arrays of pickled objects are refused.

mod header;
mod order;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{read, read_file};
pub(crate) use write::write;

use pk::Scalar;
use std::fmt;

/// A dense row-major array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NpyArray {
    /// The type of its elements.
    pub(crate) scalar: Scalar,
    /// Its extents, outermost first; empty for a single element.
    pub(crate) shape: Vec<usize>,
    /// Its elements in native byte order.
    pub(crate) bytes: Vec<u8>,
}

/// Why bytes are no array.
#[derive(Debug)]
pub(crate) struct NpyError {
    /// The offset of the byte at which that showed.
    offset: u64,
    what: String,
    /// The failure of the system, if it is one.
    cause: Option<std::io::Error>,
}

impl NpyError {
    fn new(offset: u64, what: impl Into<String>) -> NpyError {
        NpyError { offset, what: what.into(), cause: None }
    }
}

impl fmt::Display for NpyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.offset, &self.cause) {
            // What could not even be opened has no place to speak of.
            (0, Some(_)) => f.write_str(&self.what),
            (offset, _) => write!(f, "{} (at byte {offset})", self.what),
        }
    }
}

impl std::error::Error for NpyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
