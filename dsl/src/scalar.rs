//! The scalar types and their constants. What an operation does to a constant is defined in `pk-compiler`
//! (`scalar_ops`), once, for the interpreter and for constant folding.

use std::fmt;

/// A scalar type. `f16`, `bf16`, `c64` and `c128` are reserved words of the language, not yet types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    /// One byte, 0 or 1.
    Bool,
    /// Two's complement, wrapping.
    I8,
    /// Two's complement, wrapping.
    I16,
    /// Two's complement, wrapping.
    I32,
    /// Two's complement, wrapping; the type of indices and sizes.
    I64,
    /// Unsigned, wrapping.
    U8,
    /// Unsigned, wrapping.
    U16,
    /// Unsigned, wrapping.
    U32,
    /// Unsigned, wrapping.
    U64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Scalar {
    /// Every scalar type, in the order of the language reference.
    pub const ALL: [Scalar; 11] = [
        Scalar::Bool,
        Scalar::I8,
        Scalar::I16,
        Scalar::I32,
        Scalar::I64,
        Scalar::U8,
        Scalar::U16,
        Scalar::U32,
        Scalar::U64,
        Scalar::F32,
        Scalar::F64,
    ];

    /// Its spelling in the language.
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::I8 => "i8",
            Scalar::I16 => "i16",
            Scalar::I32 => "i32",
            Scalar::I64 => "i64",
            Scalar::U8 => "u8",
            Scalar::U16 => "u16",
            Scalar::U32 => "u32",
            Scalar::U64 => "u64",
            Scalar::F32 => "f32",
            Scalar::F64 => "f64",
        }
    }

    /// The type spelt `name`.
    pub fn from_name(name: &str) -> Option<Scalar> {
        Scalar::ALL.into_iter().find(|scalar| scalar.name() == name)
    }

    /// Size in memory.
    pub fn bytes(self) -> usize {
        match self {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 => 8,
        }
    }

    /// Width in bits as an operand: 8 to 64 (`bool` counts 8).
    pub fn bits(self) -> u32 {
        self.bytes() as u32 * 8
    }

    /// `f32` or `f64`.
    pub fn is_float(self) -> bool {
        matches!(self, Scalar::F32 | Scalar::F64)
    }

    /// One of the eight integer types.
    pub fn is_int(self) -> bool {
        !self.is_float() && self != Scalar::Bool
    }

    /// One of the four signed integer types.
    pub fn is_signed_int(self) -> bool {
        matches!(self, Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64)
    }

    /// An integer or float type.
    pub fn is_numeric(self) -> bool {
        self != Scalar::Bool
    }

    /// The least and greatest value of an integer type.
    pub fn int_range(self) -> Option<(i128, i128)> {
        if !self.is_int() {
            return None;
        }
        let bits = self.bits();
        Some(match self.is_signed_int() {
            true => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
            false => (0, (1i128 << bits) - 1),
        })
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value of a scalar type, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Const {
    scalar: Scalar,
    bits: u64,
}

impl Const {
    /// The value of type `scalar` with these bits; bits above its width are dropped, `bool` is any bit set.
    pub fn from_bits(scalar: Scalar, bits: u64) -> Const {
        let bits = match scalar {
            Scalar::Bool => u64::from(bits != 0),
            _ if scalar.bits() == 64 => bits,
            _ => bits & ((1 << scalar.bits()) - 1),
        };
        Const { scalar, bits }
    }

    /// The integer `value` wrapped to `scalar`, or rounded to it if it is a float type (ties to even).
    pub fn from_int(scalar: Scalar, value: i128) -> Const {
        match scalar {
            Scalar::F32 => Const::from(value as f32),
            Scalar::F64 => Const::from(value as f64),
            _ => Const::from_bits(scalar, value as u64),
        }
    }

    /// Zero, `false`.
    pub fn zero(scalar: Scalar) -> Const {
        Const { scalar, bits: 0 }
    }

    /// The value of type `scalar` that lies in memory as `bytes`, of which there are `scalar.bytes()`.
    pub fn from_ne_bytes(scalar: Scalar, bytes: &[u8]) -> Const {
        let mut bits = [0; 8];
        let start = if cfg!(target_endian = "big") { 8 - bytes.len() } else { 0 };
        bits[start..start + bytes.len()].copy_from_slice(bytes);
        Const::from_bits(scalar, u64::from_ne_bytes(bits))
    }

    /// Writes the value as it lies in memory: all of `target`, which has the length `self.scalar().bytes()`.
    pub fn write_ne_bytes(self, target: &mut [u8]) {
        let bits = self.bits.to_ne_bytes();
        let start = if cfg!(target_endian = "big") { 8 - target.len() } else { 0 };
        target.copy_from_slice(&bits[start..start + target.len()]);
    }

    /// Its type.
    pub fn scalar(self) -> Scalar {
        self.scalar
    }

    /// Its bits, zero-extended.
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// Its value, if it is an integer or a `bool`.
    pub fn as_int(self) -> Option<i128> {
        match self.scalar {
            Scalar::F32 | Scalar::F64 => None,
            scalar if scalar.is_signed_int() => {
                let shift = 64 - scalar.bits();
                Some(i128::from(((self.bits << shift) as i64) >> shift))
            }
            _ => Some(i128::from(self.bits)),
        }
    }

    /// Its value, if it is an `f32`.
    pub fn as_f32(self) -> Option<f32> {
        (self.scalar == Scalar::F32).then(|| f32::from_bits(self.bits as u32))
    }

    /// Its value, if it is an `f64`.
    pub fn as_f64(self) -> Option<f64> {
        (self.scalar == Scalar::F64).then(|| f64::from_bits(self.bits))
    }

    /// Its value, if it is a `bool`.
    pub fn as_bool(self) -> Option<bool> {
        (self.scalar == Scalar::Bool).then_some(self.bits != 0)
    }

    /// Equal bits, where any NaN equals any NaN: the sense in which pk promises the same bits everywhere.
    pub fn same(self, other: Const) -> bool {
        let both_nan = match (self.scalar, other.scalar) {
            (Scalar::F32, Scalar::F32) => [self, other].iter().all(|c| c.as_f32().is_some_and(f32::is_nan)),
            (Scalar::F64, Scalar::F64) => [self, other].iter().all(|c| c.as_f64().is_some_and(f64::is_nan)),
            _ => false,
        };
        self == other || both_nan
    }
}

macro_rules! const_from {
    ($($ty:ty => $scalar:ident, $value:ident => $bits:expr;)*) => {$(
        impl From<$ty> for Const {
            fn from($value: $ty) -> Const {
                Const::from_bits(Scalar::$scalar, $bits)
            }
        }
    )*};
}
const_from! {
    bool => Bool, v => u64::from(v);
    i8 => I8, v => v as u64;
    i16 => I16, v => v as u64;
    i32 => I32, v => v as u64;
    i64 => I64, v => v as u64;
    u8 => U8, v => u64::from(v);
    u16 => U16, v => u64::from(v);
    u32 => U32, v => u64::from(v);
    u64 => U64, v => v;
    f32 => F32, v => u64::from(v.to_bits());
    f64 => F64, v => v.to_bits();
}

/// Prints the value as the language writes it, with the fewest digits that read back as the same bits.
impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scalar {
            Scalar::Bool => write!(f, "{}", self.bits != 0),
            Scalar::F32 => write!(f, "{:?}", f32::from_bits(self.bits as u32)),
            Scalar::F64 => write!(f, "{:?}", f64::from_bits(self.bits)),
            _ => write!(f, "{}", self.as_int().unwrap_or_default()),
        }
    }
}
