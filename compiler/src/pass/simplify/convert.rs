//! Conversions, and conversions of conversions.

use super::{Outcome, Simplifier};
use crate::ir::{Op, Value};
use pk_dsl::scalar::Scalar;

impl Simplifier<'_> {
    pub(super) fn convert(&mut self, a: Value, to: Scalar) -> Outcome {
        let through = self.body.scalar(a);
        if through == to {
            return Outcome::value(a);
        }
        match self.op(a) {
            Some(&Op::Convert(inner)) if is_redundant(self.body.scalar(inner), through, to) => {
                match self.body.scalar(inner) == to {
                    true => Outcome::value(inner),
                    false => Outcome::Op(Op::Convert(inner)),
                }
            }
            _ => Outcome::Keep,
        }
    }

    pub(super) fn bits(&mut self, a: Value, to: Scalar) -> Outcome {
        if self.body.scalar(a) == to {
            return Outcome::value(a);
        }
        match self.op(a) {
            Some(&Op::Bits(inner)) => Outcome::Op(Op::Bits(inner)),
            _ => Outcome::Keep,
        }
    }
}

/// Whether `from` to `through` to `to` gives the bits of `from` to `to`.
fn is_redundant(from: Scalar, through: Scalar, to: Scalar) -> bool {
    if from.is_int() && through.is_int() && to.is_int() && to.bits() <= through.bits() {
        // The low bits survive both.
        return true;
    }
    // From a float an integer saturates, from an integer it wraps: the same only where the value fits.
    let may_saturate = through.is_float() && !from.is_float() && to.is_int();
    keeps_value(from, through) && (!may_saturate || keeps_value(from, to))
}

/// Whether every value of type `from` is one of type `to`.
pub(in crate::pass) fn keeps_value(from: Scalar, to: Scalar) -> bool {
    let precision = |float| if float == Scalar::F32 { 24 } else { 53 };
    match (from.int_range(), to.int_range()) {
        (Some((low, high)), Some((to_low, to_high))) => to_low <= low && high <= to_high,
        (Some((_, high)), None) => to.is_float() && high < 1 << precision(to),
        (None, _) if from == Scalar::Bool => true,
        (None, None) => from == to || (from, to) == (Scalar::F32, Scalar::F64),
        (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::testing::simplified;
    use crate::scalar_ops;
    use pk_dsl::scalar::Const;

    #[test]
    fn a_detour_that_keeps_the_value_is_left_out() {
        let of = |from, through, to| {
            simplified(&[from], |b, params| {
                let there = b.convert(params[0], through);
                b.convert(there, to)
            })
        };
        assert_eq!(of(Scalar::I8, Scalar::I64, Scalar::I8), "give v0");
        assert_eq!(of(Scalar::F32, Scalar::F64, Scalar::F32), "give v0");
        assert_eq!(of(Scalar::U8, Scalar::F32, Scalar::I64), "v1: i64 = convert v0; give v1");
        assert_eq!(of(Scalar::I64, Scalar::I32, Scalar::U8), "v1: u8 = convert v0; give v1");
        assert_eq!(of(Scalar::I32, Scalar::F32, Scalar::F64).matches("convert").count(), 2);
        assert_eq!(of(Scalar::I8, Scalar::F32, Scalar::U8).matches("convert").count(), 2);
    }

    /// Every rule against the definition, on the values at the edges of every type.
    #[test]
    fn a_detour_that_is_left_out_makes_no_difference() {
        let edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
        let floats = [0.5, -1.5, 3e9, 1e30, f64::NAN, f64::INFINITY, -0.0, 16_777_217.0];
        let patterns: Vec<u64> = edges
            .into_iter()
            .flat_map(|bits: u64| [bits, !bits, bits << 32])
            .chain(
                floats
                    .into_iter()
                    .flat_map(|float: f64| [float.to_bits(), u64::from((float as f32).to_bits())]),
            )
            .collect();
        let mut rules = 0;
        for from in Scalar::ALL {
            for through in Scalar::ALL {
                for to in Scalar::ALL.into_iter().filter(|to| is_redundant(from, through, *to)) {
                    rules += 1;
                    for bits in &patterns {
                        let value = Const::from_bits(from, *bits);
                        let detour = scalar_ops::convert(scalar_ops::convert(value, through), to);
                        let direct = scalar_ops::convert(value, to);
                        assert!(detour.same(direct), "{value} from {from} through {through} to {to}");
                    }
                }
            }
        }
        assert!(rules > 100);
    }
}
