//! Memory of the host that results live in, once a launch has ended.

use crate::{
    driver::AlignedBytes,
    error::{Error, Result},
};
use pk_dsl::scalar::Scalar;

/// A dense row-major array.
#[derive(Debug)]
pub(crate) struct HostArray {
    /// The type of its elements.
    pub(crate) scalar: Scalar,
    /// Its extents, outermost first; empty for a scalar, which is one element.
    pub(crate) shape: Vec<usize>,
    /// Its elements in native byte order.
    pub(crate) bytes: AlignedBytes,
}

impl HostArray {
    /// An array of zeros.
    pub(crate) fn zeroed(scalar: Scalar, shape: &[usize]) -> Result<HostArray> {
        let len = byte_len(scalar, shape)?;
        let bytes = AlignedBytes::zeroed(len).ok_or_else(|| Error::out_of_memory(len as u64))?;
        Ok(HostArray { scalar, shape: shape.to_vec(), bytes })
    }
}

/// How many elements an array of this shape has.
pub(crate) fn element_count(shape: &[usize]) -> Result<usize> {
    // An extent of zero makes the array empty, however large the others are.
    if shape.contains(&0) {
        return Ok(0);
    }
    shape.iter().try_fold(1usize, |count, extent| count.checked_mul(*extent)).ok_or_else(Error::too_large)
}

/// How many bytes an array of this shape has; it fits an `isize`, as every allocation must.
pub(crate) fn byte_len(scalar: Scalar, shape: &[usize]) -> Result<usize> {
    let bytes = element_count(shape)?.checked_mul(scalar.bytes()).ok_or_else(Error::too_large)?;
    isize::try_from(bytes).map(|_| bytes).map_err(|_| Error::too_large())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn lengths_are_checked() {
        assert_eq!(byte_len(Scalar::F64, &[]).ok(), Some(8));
        assert_eq!(byte_len(Scalar::F64, &[3, 0, usize::MAX, usize::MAX]).ok(), Some(0));
        for shape in [&[usize::MAX][..], &[isize::MAX as usize / 8 + 1], &[1 << 32, 1 << 32]] {
            assert_eq!(byte_len(Scalar::F64, shape).unwrap_err().kind(), ErrorKind::TooLarge, "{shape:?}");
        }
    }
}
