//! The header of a `.npy` file: magic string, version, length, and a Python dictionary of three keys.

use super::NpyError;
use pk::Scalar;

/// What every file starts with.
pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest header that is read: more than NumPy itself writes or trusts.
pub(super) const MAX_HEADER: u64 = 64 << 10;

/// The most dimensions of an array, as in NumPy.
const MAX_RANK: usize = 32;

/// What the dictionary says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) scalar: Scalar,
    /// Whether the bytes of an element stand in the order of other machines.
    pub(super) is_swapped: bool,
    /// Whether the first axis is the one that varies fastest.
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads the dictionary `text`, which starts at `offset` of the file.
    pub(super) fn parse(text: &[u8], offset: u64) -> Result<Header, NpyError> {
        if text.last() != Some(&b'\n') {
            let end = offset + text.len() as u64;
            return Err(NpyError::new(end, "the header does not end with a line feed"));
        }
        Parser { text, at: 0, offset }.dictionary()
    }

    /// The size of the data; `None` if that is more than an address space.
    pub(super) fn data_bytes(&self) -> Option<usize> {
        let is_empty = self.shape.contains(&0);
        let count = match is_empty {
            true => 0,
            false => self.shape.iter().try_fold(1usize, |count, extent| count.checked_mul(*extent))?,
        };
        count.checked_mul(self.scalar.bytes()).filter(|bytes| isize::try_from(*bytes).is_ok())
    }
}

/// A cursor in the dictionary.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    offset: u64,
}

/// A type as the dictionary names it.
struct Descr {
    scalar: Scalar,
    is_swapped: bool,
}

impl Parser<'_> {
    fn dictionary(mut self) -> Result<Header, NpyError> {
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.accept(b'}') {
            let start = self.position();
            let key = self.string()?;
            self.expect(b':')?;
            let is_new = match key.as_str() {
                "descr" => descr.replace(self.descr()?).is_none(),
                "fortran_order" => is_fortran.replace(self.boolean()?).is_none(),
                "shape" => shape.replace(self.shape()?).is_none(),
                _ => return Err(NpyError::new(start, format!("unknown key `{key}` in the header"))),
            };
            if !is_new {
                return Err(NpyError::new(start, format!("key `{key}` twice in the header")));
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        self.end()?;
        let missing = |key| NpyError::new(self.offset, format!("no key `{key}` in the header"));
        let Descr { scalar, is_swapped } = descr.ok_or_else(|| missing("descr"))?;
        let is_fortran = is_fortran.ok_or_else(|| missing("fortran_order"))?;
        Ok(Header { scalar, is_swapped, is_fortran, shape: shape.ok_or_else(|| missing("shape"))? })
    }

    /// The value of `descr`, which for types that pk does not have is no string.
    fn descr(&mut self) -> Result<Descr, NpyError> {
        self.skip_space();
        let start = self.position();
        if let Some(b'[' | b'(') = self.text.get(self.at) {
            return Err(NpyError::new(
                start,
                "unsupported type: records and arrays as elements are not read",
            ));
        }
        let text = self.string()?;
        parse_descr(&text).map_err(|what| NpyError::new(start, what))
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        self.skip_space();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("`True` or `False`"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.accept(b')') {
            if shape.len() == MAX_RANK {
                return Err(self.unexpected("at most 32 dimensions"));
            }
            shape.push(self.extent()?);
            // `(3)` is a number in Python, not a tuple, so that the first comma must be there.
            if shape.len() == 1 {
                self.expect(b',')?;
            } else if !self.accept(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn extent(&mut self) -> Result<usize, NpyError> {
        self.skip_space();
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = &self.text[self.at..self.at + digits];
        let extent = std::str::from_utf8(text).ok().filter(|text| !text.is_empty());
        let extent = extent.ok_or_else(|| self.unexpected("a length"))?.parse();
        let extent = extent.map_err(|_| self.unexpected("a length that fits the address space"))?;
        self.at += digits;
        Ok(extent)
    }

    /// A quoted string; no escapes, as no key and no supported type has any.
    fn string(&mut self) -> Result<String, NpyError> {
        self.skip_space();
        let quote = match self.text.get(self.at) {
            Some(quote @ (b'\'' | b'"')) => *quote,
            _ => return Err(self.unexpected("a string")),
        };
        let rest = &self.text[self.at + 1..];
        let len = rest.iter().take(64).position(|byte| *byte == quote);
        let len = len.ok_or_else(|| self.unexpected("a string of less than 64 bytes"))?;
        self.at += len + 2;
        Ok(rest[..len].escape_ascii().to_string())
    }

    fn end(&mut self) -> Result<(), NpyError> {
        self.skip_space();
        match self.at == self.text.len() {
            true => Ok(()),
            false => Err(self.unexpected("the end of the header")),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), NpyError> {
        match self.accept(byte) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{}`", char::from(byte)))),
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_there = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    fn unexpected(&self, expected: &str) -> NpyError {
        let found = match self.text.get(self.at) {
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            Some(byte) => format!("`{}`", byte.escape_ascii()),
            None => "its end".to_string(),
        };
        NpyError::new(self.position(), format!("bad header: expected {expected}, found {found}"))
    }
}

fn parse_descr(text: &str) -> Result<Descr, String> {
    let unsupported =
        || format!("unsupported type `{text}`: save it as bool, an integer type, float32 or float64");
    let (order, name) = text.split_at_checked(1).ok_or_else(unsupported)?;
    if name.starts_with('O') {
        let why = "arrays of Python objects are refused: reading one would run code from the file";
        return Err(why.to_string());
    }
    let scalar = match name {
        "b1" => Scalar::Bool,
        "i1" => Scalar::I8,
        "i2" => Scalar::I16,
        "i4" => Scalar::I32,
        "i8" => Scalar::I64,
        "u1" => Scalar::U8,
        "u2" => Scalar::U16,
        "u4" => Scalar::U32,
        "u8" => Scalar::U64,
        "f4" => Scalar::F32,
        "f8" => Scalar::F64,
        _ => return Err(unsupported()),
    };
    let is_swapped = match order {
        "<" => cfg!(target_endian = "big"),
        ">" => cfg!(target_endian = "little"),
        "=" => false,
        "|" if scalar.bytes() == 1 => false,
        _ => return Err(unsupported()),
    };
    Ok(Descr { scalar, is_swapped: is_swapped && scalar.bytes() > 1 })
}
