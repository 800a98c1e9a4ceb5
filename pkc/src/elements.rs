//! Arrays that grow element by element. Memory that cannot be had is an error.

use anyhow::{Result, anyhow};
use pk::{Const, Scalar, Value};
use std::borrow::Cow;

/// The elements of an array so far.
pub(crate) struct Elements {
    scalar: Scalar,
    bytes: Vec<u8>,
}

impl Elements {
    /// No elements of this type.
    pub(crate) fn new(scalar: Scalar) -> Elements {
        Elements { scalar, bytes: Vec::new() }
    }

    /// Their number.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / self.scalar.bytes()
    }

    /// Appends one, which must have the type of all.
    pub(crate) fn push(&mut self, value: Const) -> Result<()> {
        let (start, width) = (self.bytes.len(), self.scalar.bytes());
        self.bytes.try_reserve(width).map_err(|_| anyhow!("no memory for {} elements", self.len() + 1))?;
        self.bytes.resize(start + width, 0);
        value.write_ne_bytes(&mut self.bytes[start..]);
        Ok(())
    }

    /// All of them as an array of one dimension.
    pub(crate) fn into_value(self) -> Result<Value<'static>> {
        let shape = [self.len()];
        self.into_shaped(&shape)
    }

    /// All of them, row by row.
    pub(crate) fn into_shaped(self, shape: &[usize]) -> Result<Value<'static>> {
        Ok(Value::from_bytes(self.scalar, shape, Cow::Owned(self.bytes))?)
    }
}
