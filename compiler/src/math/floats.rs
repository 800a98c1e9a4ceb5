//! Steps on float expressions that several functions share: rounding, scaling by powers of two, and sums and
//! products with their rounding errors.
//!
//! The error-free steps are Knuth's two-sum, Dekker's fast two-sum and the fused product (J.-M. Muller et al.,
//! *Handbook of Floating-Point Arithmetic*, 2nd ed., chapter 4). No function may be defined here.

use super::emit::{Constant, Expr, Operand, binary_power};

/// Positive numbers below it are subnormal.
pub(super) const SMALLEST_NORMAL: Constant = Constant { f32: f32::MIN_POSITIVE, f64: f64::MIN_POSITIVE };

/// An unevaluated sum: `high` is the sum rounded, or nearly, and `low` the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'e> {
    /// The leading part.
    pub(super) high: Expr<'e>,
    /// The trailing part.
    pub(super) low: Expr<'e>,
}

impl<'e> Pair<'e> {
    /// `a + b` exactly.
    pub(super) fn sum(a: Expr<'e>, b: Expr<'e>) -> Pair<'e> {
        let high = a + b;
        let b_part = high - a;
        Pair { high, low: (a - (high - b_part)) + (b - b_part) }
    }

    /// `a + b` exactly if `|a| >= |b|`, or if `a` is a multiple of the last place of `b`.
    pub(super) fn fast_sum(a: Expr<'e>, b: Expr<'e>) -> Pair<'e> {
        let high = a + b;
        Pair { high, low: b - (high - a) }
    }

    /// `a * b` exactly, unless it underflows.
    pub(super) fn product(a: Expr<'e>, b: impl Operand<'e>) -> Pair<'e> {
        let b = a.like(b);
        let high = a * b;
        Pair { high, low: a.mul_add(b, -high) }
    }

    /// The product with another pair, to nearly twice the working precision.
    pub(super) fn times(self, other: Pair<'e>) -> Pair<'e> {
        let Pair { high, low } = self.times_loosely(other);
        Pair::fast_sum(high, low)
    }

    /// The same, but the low part may exceed the last place of the high one.
    pub(super) fn times_loosely(self, other: Pair<'e>) -> Pair<'e> {
        let product = Pair::product(self.high, other.high);
        let cross = self.high.mul_add(other.low, self.low * other.high);
        Pair { high: product.high, low: product.low + cross }
    }

    /// The quotient by another pair, rounded: one division for the quotient, one for its error.
    pub(super) fn over(self, other: Pair<'e>) -> Pair<'e> {
        let high = self.high / other.high;
        let rest = (-high).mul_add(other.high, self.high) + (-high).mul_add(other.low, self.low);
        Pair { high, low: rest / other.high }
    }

    /// The sum, rounded.
    pub(super) fn value(self) -> Expr<'e> {
        self.high + self.low
    }
}

/// `x` rounded to an integer, ties to even, as a float and as an integer of the same width; `|x|` must be below a
/// quarter of the format's precision, 2^21 or 2^50.
///
/// The sum with 1.5 * 2^mantissa_bits has the integer in its low bits: no conversion is needed, which vector units
/// lack for 64-bit integers.
pub(super) fn round_to_int<'e>(x: Expr<'e>) -> (Expr<'e>, Expr<'e>) {
    let magic = rounding_magic(x);
    let shifted = x + magic;
    (shifted - magic, shifted.to_bits() - x.bits_of(magic))
}

/// An integer expression as a float `like` another one, exact below a quarter of the format's precision.
pub(super) fn int_to_float<'e>(int: Expr<'e>, like: Expr<'e>) -> Expr<'e> {
    let magic = rounding_magic(like);
    (int + like.bits_of(magic)).bits_as(like.scalar()) - magic
}

fn rounding_magic(x: Expr<'_>) -> Constant {
    Constant::new(1.5 * binary_power(x.format().mantissa_bits as i32))
}

/// 2^exponent as a float `like` another one; the exponent must be that of a normal number.
pub(super) fn power_of_two<'e>(exponent: Expr<'e>, like: Expr<'e>) -> Expr<'e> {
    let format = like.format();
    ((exponent + format.bias) << i64::from(format.mantissa_bits)).bits_as(like.scalar())
}

/// `x * 2^exponent`, rounded once; the exponent may be up to twice that of a normal number.
pub(super) fn scale<'e>(x: Expr<'e>, exponent: Expr<'e>) -> Expr<'e> {
    let format = x.format();
    let power = |biased: Expr<'e>| (biased << i64::from(format.mantissa_bits)).bits_as(x.scalar());
    let biased = exponent + 2 * format.bias;
    // A logical shift: vector units have no arithmetic one for 64-bit integers.
    let half = (biased.bits_as(format.unsigned) >> 1).bits_as(format.int);
    x * power(half) * power(biased - half)
}

/// The exponent field of a float without sign, as an integer of its width.
pub(super) fn exponent_field<'e>(x: Expr<'e>) -> Expr<'e> {
    let format = x.format();
    // A logical shift: vector units have no arithmetic one for 64-bit integers.
    (x.bits_as(format.unsigned) >> i64::from(format.mantissa_bits)).bits_as(format.int)
}

/// `x` no less than `low` and no greater than `high`; NaN stays NaN.
pub(super) fn clamp<'e>(x: Expr<'e>, low: impl Operand<'e>, high: impl Operand<'e>) -> Expr<'e> {
    let low = x.like(low);
    at_most(x.lt(low).select(low, x), high)
}

/// `x` no greater than `high`; NaN stays NaN.
pub(super) fn at_most<'e>(x: Expr<'e>, high: impl Operand<'e>) -> Expr<'e> {
    // In this form, `a < b ? a : b`, a minimum is one instruction on x86-64.
    let high = x.like(high);
    high.lt(x).select(high, x)
}

/// `x` with its sign flipped where `sign` has the sign bit set.
pub(super) fn flip_sign<'e>(x: Expr<'e>, sign: Expr<'e>) -> Expr<'e> {
    (x.to_bits() ^ sign_bit(sign)).bits_as(x.scalar())
}

/// The sign bit of `x` in place, as an integer of the same width; all other bits zero.
pub(super) fn sign_bit<'e>(x: Expr<'e>) -> Expr<'e> {
    let bits = i64::from(x.format().int.bits());
    x.to_bits() & (-1 << (bits - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{interp::eval, math::emit::Emitter};
    use pk_dsl::scalar::{Const, Scalar};

    /// The value of `write` at these arguments.
    fn at(args: &[f32], write: impl for<'e> Fn(&[Expr<'e>]) -> Vec<Expr<'e>>) -> Vec<Const> {
        let body = Emitter::body(&vec![Scalar::F32; args.len()], |_, args| write(args));
        eval(&body, &args.iter().map(|&arg| Const::from(arg)).collect::<Vec<_>>())
    }

    fn pair_at(a: f32, b: f32, write: impl for<'e> Fn([Expr<'e>; 2]) -> Pair<'e>) -> (f64, f64) {
        let parts = at(&[a, b], |args| {
            let Pair { high, low } = write([args[0], args[1]]);
            vec![high, low]
        });
        let [high, low] = [0, 1].map(|index| parts[index].as_f32().map_or(f64::NAN, f64::from));
        (high, low)
    }

    const NUMBERS: [f32; 6] = [1.0, -1.234_567_9, 3.141_592_7e-3, 16_777_215.0, -7.654_321e4, 0.1];

    #[test]
    fn sums_and_products_are_exact() {
        for (a, b) in NUMBERS.into_iter().flat_map(|a| NUMBERS.map(|b| (a, b))) {
            // Both are exact in f64 for these numbers.
            let (sum, product) = (f64::from(a) + f64::from(b), f64::from(a) * f64::from(b));
            let (high, low) = pair_at(a, b, |[a, b]| Pair::sum(a, b));
            assert_eq!((high, high + low), (f64::from(sum as f32), sum), "{a} + {b}");
            let (high, low) = pair_at(a, b, |[a, b]| Pair::product(a, b));
            assert_eq!((high, high + low), (f64::from(product as f32), product), "{a} * {b}");
            let (large, small) = if a.abs() > b.abs() { (a, b) } else { (b, a) };
            assert_eq!(
                pair_at(large, small, |[a, b]| Pair::fast_sum(a, b)),
                pair_at(a, b, |[a, b]| Pair::sum(a, b)),
                "{a} + {b}"
            );
        }
    }

    #[test]
    fn quotients_of_pairs_have_nearly_twice_the_precision() {
        for (a, b) in NUMBERS.into_iter().flat_map(|a| NUMBERS.map(|b| (a, b))) {
            let (high, low) = pair_at(a, b, |[a, b]| {
                let zero = a.like(0.0);
                Pair { high: a, low: zero }.over(Pair { high: b, low: zero })
            });
            let quotient = f64::from(a) / f64::from(b);
            assert!(((high + low) / quotient - 1.0).abs() < 2f64.powi(-45), "{a} / {b}");
        }
    }

    #[test]
    fn scaling_rounds_once() {
        for (x, exponent) in NUMBERS.into_iter().flat_map(|x| (-250..=250).map(move |e| (x, e))) {
            let scaled = at(&[x], |args| vec![scale(args[0], args[0].to_bits().like(exponent))]);
            let expected = (f64::from(x) * 2f64.powi(exponent as i32)) as f32;
            assert_eq!(scaled, [expected.into()], "{x} * 2^{exponent}");
        }
    }

    #[test]
    fn rounding_to_an_integer_is_to_even_and_reversible() {
        for x in [0.5, 1.5, 2.5, -0.5, -1.5, 2_097_151.0, -2_097_151.0, 1e-30, 1234.567] {
            let found = at(&[x], |args| {
                let (float, int) = round_to_int(args[0]);
                vec![float, int, int_to_float(int, args[0])]
            });
            let rounded = x.round_ties_even();
            // The sum with the magic number loses the sign of zero.
            let float = Const::from(rounded + 0.0);
            assert_eq!(found, [float, (rounded as i32).into(), float], "{x}");
        }
    }
}
