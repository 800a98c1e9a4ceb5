//! Values outside of compiled code: arguments and results of a kernel in the interpreter.

use pk_dsl::scalar::{Const, Scalar};

/// A dense row-major array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The type of its elements.
    pub scalar: Scalar,
    /// Its extents, outermost first.
    pub shape: Vec<usize>,
    /// Its elements in native byte order, `scalar.bytes()` each; a `bool` is 0 or 1.
    pub bytes: Vec<u8>,
}

/// A scalar or an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// A scalar.
    Scalar(Const),
    /// An array.
    Array(Tensor),
}

impl Tensor {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at flat position `at`, which must lie inside.
    pub fn get(&self, at: usize) -> Const {
        let width = self.scalar.bytes();
        let mut bits = [0; 8];
        bits[..width].copy_from_slice(&self.bytes[at * width..(at + 1) * width]);
        Const::from_bits(self.scalar, u64::from_le_bytes(bits))
    }

    /// Sets the element at flat position `at`, which must lie inside.
    pub fn set(&mut self, at: usize, value: Const) {
        let width = self.scalar.bytes();
        self.bytes[at * width..(at + 1) * width].copy_from_slice(&value.bits().to_le_bytes()[..width]);
    }
}
