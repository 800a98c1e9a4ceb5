//! Steps on float expressions that several functions share: rounding, scaling by powers of two, and sums and
//! products with their rounding errors.
//!
//! The error-free steps are Knuth's two-sum, Dekker's fast two-sum and the fused product (J.-M. Muller et al.,
//! *Handbook of Floating-Point Arithmetic*, 2nd ed., chapter 4). No function may be defined here.

use super::emit::{Expr, Operand};

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
        let product = Pair::product(self.high, other.high);
        let cross = self.high.mul_add(other.low, self.low * other.high);
        Pair::fast_sum(product.high, product.low + cross)
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
    let magic = x.like(rounding_magic(x));
    let shifted = x + magic;
    (shifted - magic, shifted.to_bits() - magic.to_bits())
}

/// An integer expression as a float `like` another one, exact below a quarter of the format's precision.
pub(super) fn int_to_float<'e>(int: Expr<'e>, like: Expr<'e>) -> Expr<'e> {
    let magic = like.like(rounding_magic(like));
    (int + magic.to_bits()).bits_as(like.scalar()) - magic
}

fn rounding_magic(x: Expr<'_>) -> f64 {
    1.5 * f64::from(x.format().mantissa_bits).exp2()
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
    let (low, high) = (x.like(low), x.like(high));
    let below = x.lt(low).select(low, x);
    below.gt(high).select(high, below)
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
