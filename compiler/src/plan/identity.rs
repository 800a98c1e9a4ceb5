//! Operators with an identity: a value that changes no other, to the last bit, so that a fold can start from it.
//!
//! The neutral element of a fold is what an empty fold gives, and need not be one: that of a sum is 0, but 0 + -0 is 0.

use crate::ir::{Binary, Body, Fold};
use pk_dsl::scalar::{Const, Scalar};

/// The bits of the identity of component `at` of `fold` in each lane, if it is one operation that has one. A mask has all
/// bits set where `true` stands.
pub(crate) fn bits(body: &Body, fold: &Fold, at: usize) -> Option<u64> {
    identity(fold.operation(body, at)?, body.scalar(fold.neutral[at]))
}

/// The identity of `fold`, if it is one operation that gives the same bits in any order and in any bracketing: the
/// operators of integers and truth values that have an identity do.
pub(crate) fn of_exact(body: &Body, fold: &Fold) -> Option<Const> {
    let [neutral] = fold.neutral[..] else { return None };
    let scalar = body.scalar(neutral);
    let bits = bits(body, fold, 0).filter(|_| !scalar.is_float())?;
    Some(Const::from_bits(scalar, bits))
}

fn identity(op: Binary, scalar: Scalar) -> Option<u64> {
    let float = |value: f64| match scalar {
        Scalar::F32 => u64::from((value as f32).to_bits()),
        _ => value.to_bits(),
    };
    if scalar.is_float() {
        return match op {
            Binary::Add => Some(float(-0.0)),
            Binary::Mul => Some(float(1.0)),
            Binary::Min => Some(float(f64::INFINITY)),
            Binary::Max => Some(float(f64::NEG_INFINITY)),
            _ => None,
        };
    }
    let int = |value: i128| Const::from_int(scalar, value).bits();
    match (op, scalar.int_range()) {
        (Binary::And, _) | (Binary::Min, None) => Some(u64::MAX),
        (Binary::Or | Binary::Xor, _) | (Binary::Max, None) => Some(0),
        (Binary::Add, Some(_)) => Some(0),
        (Binary::Mul, Some(_)) => Some(int(1)),
        (Binary::Min, Some((_, greatest))) => Some(int(greatest)),
        (Binary::Max, Some((least, _))) => Some(int(least)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar_ops;

    #[test]
    fn an_identity_changes_nothing() {
        let ops = [Binary::Add, Binary::Mul, Binary::Min, Binary::Max, Binary::And, Binary::Or, Binary::Xor];
        for scalar in Scalar::ALL {
            let values =
                [0, 1, 2, 127, 1 << 31, 0x8000_0000_0000_0000, u64::MAX, 0x7f80_0000, 1f64.to_bits()];
            for value in values.map(|bits| Const::from_bits(scalar, bits)) {
                for op in ops {
                    let Some(bits) = identity(op, scalar) else { continue };
                    let bits = if scalar == Scalar::Bool { bits & 1 } else { bits };
                    let start = Const::from_bits(scalar, bits);
                    let found = scalar_ops::binary(op, start, value);
                    let is_nan = match scalar {
                        Scalar::F32 => f32::from_bits(value.bits() as u32).is_nan(),
                        Scalar::F64 => f64::from_bits(value.bits()).is_nan(),
                        _ => false,
                    };
                    assert!(is_nan || found.bits() == value.bits(), "{op:?} {start:?} {value:?}");
                }
            }
        }
    }
}
