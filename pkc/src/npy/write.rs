//! Writing `.npy`.

use super::header::MAGIC;
use pk::Scalar;
use std::io::{self, Write};

/// Writes a row-major array with elements in native byte order, in version 1.0 of the format, as NumPy does.
pub(crate) fn write(mut target: impl Write, scalar: Scalar, shape: &[usize], bytes: &[u8]) -> io::Result<()> {
    let mut header = dictionary(scalar, shape);
    let before = MAGIC.len() + 4;
    let padding = 63 - (before + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let len =
        u16::try_from(header.len()).map_err(|_| io::Error::other("too many dimensions for a header"))?;
    target.write_all(MAGIC)?;
    target.write_all(&[1, 0])?;
    target.write_all(&len.to_le_bytes())?;
    target.write_all(header.as_bytes())?;
    target.write_all(bytes)?;
    target.flush()
}

fn dictionary(scalar: Scalar, shape: &[usize]) -> String {
    let order = match (scalar.bytes(), cfg!(target_endian = "big")) {
        (1, _) => '|',
        (_, false) => '<',
        (_, true) => '>',
    };
    let kind = match scalar {
        Scalar::Bool => 'b',
        _ if scalar.is_float() => 'f',
        _ if scalar.is_signed_int() => 'i',
        _ => 'u',
    };
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    // A tuple of one keeps its comma: `(3,)`.
    let extents = if shape.len() == 1 { extents.trim_end() } else { extents.trim_end_matches(", ") };
    let width = scalar.bytes();
    format!("{{'descr': '{order}{kind}{width}', 'fortran_order': False, 'shape': ({extents}), }}")
}
