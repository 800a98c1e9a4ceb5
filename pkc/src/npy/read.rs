//! Reading `.npy`.

use super::{
    NpyArray, NpyError,
    header::{Header, MAGIC, MAX_HEADER},
    order,
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// How much is read at once from sources that do not tell their length.
const CHUNK: usize = 1 << 20;

/// The array in a file, or in what is no file but has a path.
pub(crate) fn read_file(path: &Path) -> Result<NpyArray, NpyError> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|cause| system_error(0, cause))?;
    read(file, metadata.is_file().then_some(metadata.len()))
}

/// The array that `source` gives; `len` is how many bytes that will be, if known.
pub(crate) fn read(source: impl Read, len: Option<u64>) -> Result<NpyArray, NpyError> {
    let mut reader = Reader { source, offset: 0 };
    let header = reader.header(len)?;
    let start = reader.offset;
    let size = header.data_bytes().ok_or_else(|| {
        NpyError::new(start, format!("an array of shape {:?} is larger than the address space", header.shape))
    })?;
    if let Some(len) = len {
        check_len(start, size as u64, len)?;
    }
    // A length that was compared with that of the file is no lie.
    let mut bytes = reader.data(size, if len.is_some() { size } else { CHUNK })?;
    reader.end()?;
    if header.is_swapped {
        order::swap_bytes(&mut bytes, header.scalar.bytes());
    }
    if header.is_fortran && header.shape.len() > 1 {
        let ordered = order::to_row_major(&bytes, &header.shape, header.scalar.bytes());
        bytes = ordered.ok_or_else(|| no_memory(start, size))?;
    }
    Ok(NpyArray { scalar: header.scalar, shape: header.shape, bytes })
}

/// A source with a position.
struct Reader<R> {
    source: R,
    offset: u64,
}

impl<R: Read> Reader<R> {
    fn header(&mut self, len: Option<u64>) -> Result<Header, NpyError> {
        let magic: [u8; 6] = self.array("the magic string of a `.npy` file")?;
        if magic != *MAGIC {
            return Err(NpyError::new(0, "not a `.npy` file: it does not start with `\\x93NUMPY`"));
        }
        let [major, minor] = self.array("the version")?;
        let text_len = match (major, minor) {
            (1, 0) => u64::from(u16::from_le_bytes(self.array("the length of the header")?)),
            (2 | 3, 0) => u64::from(u32::from_le_bytes(self.array("the length of the header")?)),
            _ => return Err(NpyError::new(6, format!("unknown version {major}.{minor} of the format"))),
        };
        let start = self.offset;
        let is_beyond_file = len.is_some_and(|len| text_len > len.saturating_sub(start));
        if text_len > MAX_HEADER || is_beyond_file {
            let limit =
                if is_beyond_file { "than the file has left" } else { "than the 65536 that are read" };
            return Err(NpyError::new(8, format!("the header has {text_len} bytes, more {limit}")));
        }
        let mut text = vec![0; text_len as usize];
        self.fill(&mut text, "the header")?;
        Header::parse(&text, start)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], NpyError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    /// The next `size` bytes. Memory starts with `chunk` bytes and grows with what has arrived, so that a lie about the
    /// size costs nothing.
    fn data(&mut self, size: usize, chunk: usize) -> Result<Vec<u8>, NpyError> {
        let start = self.offset;
        let mut bytes = Vec::new();
        while bytes.len() < size {
            let have = bytes.len();
            let more = (size - have).min(have.max(chunk));
            bytes.try_reserve_exact(more).map_err(|_| no_memory(start, size))?;
            bytes.resize(have + more, 0);
            self.fill(&mut bytes[have..], &format!("{size} bytes of data"))?;
        }
        Ok(bytes)
    }

    fn fill(&mut self, target: &mut [u8], what: &str) -> Result<(), NpyError> {
        let mut filled = 0;
        while filled < target.len() {
            match self.source.read(&mut target[filled..]) {
                Ok(0) => return Err(NpyError::new(self.offset, format!("the file ends within {what}"))),
                Ok(count) => {
                    filled += count;
                    self.offset += count as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(system_error(self.offset, cause)),
            }
        }
        Ok(())
    }

    /// An error unless the source ends here.
    fn end(&mut self) -> Result<(), NpyError> {
        match self.source.by_ref().take(1).read_to_end(&mut Vec::new()) {
            Ok(0) => Ok(()),
            Ok(_) => Err(NpyError::new(self.offset, "the file goes on after its data")),
            Err(cause) => Err(system_error(self.offset, cause)),
        }
    }
}

/// An error unless data of `size` bytes at `start` fill a file of `len` bytes.
fn check_len(start: u64, size: u64, len: u64) -> Result<(), NpyError> {
    let end = start.saturating_add(size);
    if len < end {
        return Err(NpyError::new(len, format!("the file ends within {size} bytes of data")));
    }
    if len > end {
        return Err(NpyError::new(end, "the file goes on after its data"));
    }
    Ok(())
}

fn no_memory(offset: u64, size: usize) -> NpyError {
    NpyError::new(offset, format!("no memory for {size} bytes of data"))
}

fn system_error(offset: u64, cause: io::Error) -> NpyError {
    NpyError { cause: Some(cause), ..NpyError::new(offset, "cannot read") }
}
