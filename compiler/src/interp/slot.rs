//! What the interpreter holds for a value of the IR, and the memory of arrays.

use super::RunError;
use crate::data::{Datum, Tensor};
use pk_dsl::scalar::{Const, Scalar};
use std::rc::Rc;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Slot<'a> {
    /// A scalar.
    Scalar(Const),
    /// An array of the caller.
    Input(&'a Tensor),
    /// An array made here; shared, since `if` and `loop` pass arrays on.
    Array(Rc<Tensor>),
}

impl<'a> Slot<'a> {
    pub(super) fn from_argument(argument: &'a Datum) -> Slot<'a> {
        match argument {
            Datum::Scalar(value) => Slot::Scalar(*value),
            Datum::Array(tensor) => Slot::Input(tensor),
        }
    }

    pub(super) fn into_result(self) -> Result<Datum, RunError> {
        Ok(match self {
            Slot::Scalar(value) => Datum::Scalar(value),
            Slot::Input(tensor) => Datum::Array(copy(tensor)?),
            Slot::Array(shared) => match Rc::try_unwrap(shared) {
                Ok(tensor) => Datum::Array(tensor),
                Err(shared) => Datum::Array(copy(&shared)?),
            },
        })
    }

    pub(super) fn array(tensor: Tensor) -> Slot<'a> {
        Slot::Array(Rc::new(tensor))
    }

    /// The scalar that it is.
    pub(super) fn scalar(&self) -> Const {
        match self {
            Slot::Scalar(value) => *value,
            Slot::Input(_) | Slot::Array(_) => unreachable!("ill-typed IR: an array where a scalar belongs"),
        }
    }

    /// The array that it is.
    pub(super) fn tensor(&self) -> &Tensor {
        match self {
            Slot::Scalar(_) => unreachable!("ill-typed IR: a scalar where an array belongs"),
            Slot::Input(tensor) => tensor,
            Slot::Array(tensor) => tensor,
        }
    }
}

fn copy(tensor: &Tensor) -> Result<Tensor, RunError> {
    let mut bytes = Vec::new();
    reserve(&mut bytes, tensor.bytes.len())?;
    bytes.extend_from_slice(&tensor.bytes);
    Ok(Tensor { scalar: tensor.scalar, shape: tensor.shape.clone(), bytes })
}

/// An array of this shape to [`append`] to, its memory reserved.
pub(super) fn reserved(scalar: Scalar, shape: Vec<usize>) -> Result<Tensor, RunError> {
    let mut bytes = Vec::new();
    reserve(&mut bytes, checked_product(shape.iter().copied().chain([scalar.bytes()]))?)?;
    Ok(Tensor { scalar, shape, bytes })
}

/// Gives `tensor`, which has no elements yet, all that its shape asks for.
pub(super) fn fill(tensor: &mut Tensor, value: Const) -> Result<(), RunError> {
    (0..tensor.len()).try_for_each(|_| append(tensor, &Slot::Scalar(value)))
}

/// Adds an element, or an array of elements, at the end of the memory of `tensor`; its shape is the caller's business.
pub(super) fn append(tensor: &mut Tensor, slot: &Slot<'_>) -> Result<(), RunError> {
    let end = tensor.bytes.len();
    match slot {
        Slot::Scalar(value) => {
            let width = tensor.scalar.bytes();
            reserve(&mut tensor.bytes, width)?;
            tensor.bytes.resize(end + width, 0);
            tensor.set(end / width, *value);
        }
        Slot::Input(_) | Slot::Array(_) => {
            let part = &slot.tensor().bytes;
            reserve(&mut tensor.bytes, part.len())?;
            tensor.bytes.extend_from_slice(part);
        }
    }
    Ok(())
}

/// The product of extents, no more than the greatest size of memory.
pub(super) fn checked_product(extents: impl IntoIterator<Item = usize>) -> Result<usize, RunError> {
    let mut product = Some(1usize);
    for extent in extents {
        // Nothing is nothing, however large the other extents are.
        if extent == 0 {
            return Ok(0);
        }
        product = product.and_then(|product| product.checked_mul(extent));
    }
    product.filter(|product| isize::try_from(*product).is_ok()).ok_or(RunError::TooLarge)
}

fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<(), RunError> {
    let wanted = bytes.len().saturating_add(more);
    bytes.try_reserve(more).map_err(|_| RunError::OutOfMemory { bytes: wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_cannot_be_had_is_an_error() {
        let bytes = (isize::MAX - 7) as usize;
        assert_eq!(reserved(Scalar::U8, vec![bytes]).err(), Some(RunError::OutOfMemory { bytes }));
        assert_eq!(reserved(Scalar::I16, vec![bytes]).err(), Some(RunError::TooLarge));
        assert_eq!(reserved(Scalar::U8, vec![1 << 40, 1 << 40]).err(), Some(RunError::TooLarge));
        assert_eq!(checked_product([0, 1 << 40, 1 << 40]), Ok(0));
        assert_eq!(checked_product([1 << 40, 1 << 40, 0]), Ok(0));
    }

    #[test]
    fn shared_arrays_are_copied_and_unshared_ones_moved() {
        let mut tensor = reserved(Scalar::I16, vec![3]).expect("small");
        fill(&mut tensor, Const::from(7i16)).expect("small");
        let slot = Slot::array(tensor);
        let copy = slot.clone().into_result();
        assert_eq!(copy, slot.into_result());
        let Ok(Datum::Array(tensor)) = copy else { panic!("an array stays one") };
        assert_eq!((tensor.shape.as_slice(), tensor.get(2)), (&[3][..], Const::from(7i16)));
    }
}
