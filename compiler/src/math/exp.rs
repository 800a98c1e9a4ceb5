//! Exponential functions.
//!
//! `x` is reduced to `n ln 2 + r` with |r| to ln 2 / 2 (W. J. Cody and W. Waite, *Software Manual for the Elementary
//! Functions*, 1980), a polynomial gives `e^r`, and two multiplications by powers of two scale it, so that overflow
//! and gradual underflow round right.

use super::{
    coefficients::{EXP, EXP2, EXP10, LN_2_HIGH, LN_2_LOW, LOG2_10, LOG2_E, LOG10_2_HIGH, LOG10_2_LOW},
    emit::{Constant, Expr},
    floats::{Pair, clamp, power_of_two, round_to_int, scale},
};

/// `2^exponent * (1 + fraction)`, where the parts of the fraction may overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exponential<'e> {
    /// An integer of the float's width.
    pub(super) exponent: Expr<'e>,
    /// Between -0.3 and 0.42.
    pub(super) fraction: Pair<'e>,
}

/// Arguments below which `e^x` is zero and above which it is infinite, each by less than an octave.
const EXP_LOW: Constant = Constant { f32: -104.0, f64: -746.0 };
const EXP_HIGH: Constant = Constant { f32: 89.0, f64: 710.0 };

/// The same for `2^x`.
pub(super) const EXP2_LOW: Constant = Constant { f32: -151.0, f64: -1076.0 };
pub(super) const EXP2_HIGH: Constant = Constant { f32: 129.0, f64: 1025.0 };

/// `e^x`.
pub(super) fn exp(x: Expr<'_>) -> Expr<'_> {
    let x = clamp(x, EXP_LOW, EXP_HIGH);
    let (exponent, fraction) = reduced(x);
    scale(1.0 + fraction, exponent)
}

/// `e^x`, which must be a normal number.
pub(super) fn exp_normal(x: Expr<'_>) -> Expr<'_> {
    let (exponent, fraction) = reduced(x);
    let power = power_of_two(exponent, x);
    power.mul_add(fraction, power)
}

/// `e^x = 2^exponent * (1 + fraction)` where that is finite and not zero.
fn reduced(x: Expr<'_>) -> (Expr<'_>, Expr<'_>) {
    let (n, exponent) = round_to_int(x * LOG2_E);
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    (exponent, (r * r).mul_add(r.polynomial(&EXP), r))
}

/// `e^(x.high + x.low)`, to a few bits more than the working precision. `x` must lie where `e^x` is finite and not
/// zero, and its low part must be small.
pub(super) fn exp_pair(x: Pair<'_>) -> Exponential<'_> {
    let (n, exponent) = round_to_int(x.high * LOG2_E);
    let tail = n.mul_add(-LN_2_LOW, x.low);
    let r = Pair::fast_sum(n.mul_add(-LN_2_HIGH, x.high), tail);
    let square = r.high * r.high;
    let low = square.mul_add(r.high.polynomial(&EXP), r.low);
    Exponential { exponent, fraction: Pair { high: r.high, low } }
}

impl<'e> Exponential<'e> {
    /// Without the power of two, as a pair.
    pub(super) fn significand(self) -> Pair<'e> {
        let sum = Pair::fast_sum(self.fraction.high.like(1.0), self.fraction.high);
        Pair::fast_sum(sum.high, sum.low + self.fraction.low)
    }
}

/// `2^x`.
pub(super) fn exp2(x: Expr<'_>) -> Expr<'_> {
    let x = clamp(x, EXP2_LOW, EXP2_HIGH);
    let (n, exponent) = round_to_int(x);
    let r = x - n;
    scale(r.mul_add(r.polynomial(&EXP2), 1.0), exponent)
}

/// `10^x`.
pub(super) fn exp10(x: Expr<'_>) -> Expr<'_> {
    let low = Constant { f32: -46.0, f64: -324.0 };
    let high = Constant { f32: 39.0, f64: 309.0 };
    let x = clamp(x, low, high);
    let (n, exponent) = round_to_int(x * LOG2_10);
    let r = n.mul_add(-LOG10_2_LOW, n.mul_add(-LOG10_2_HIGH, x));
    scale(r.mul_add(r.polynomial(&EXP10), 1.0), exponent)
}

/// `e^x - 1`.
pub(super) fn expm1(x: Expr<'_>) -> Expr<'_> {
    let low = Constant { f32: -20.0, f64: -40.0 };
    let bounded = clamp(x, low, EXP_HIGH);
    let zero = x.like(0.0);
    let Exponential { exponent, fraction } = exp_pair(Pair { high: bounded, low: zero });
    // Half of the result, so that the power stays finite where the result is.
    let power = power_of_two(exponent - 1, x);
    let half = power.mul_add(fraction.high, power - 0.5) + power * fraction.low;
    // Halving loses bits of subnormal numbers and the sign of zero; the result is the argument there.
    let tiny = Constant::binary_powers(-26, -55);
    x.abs().lt(tiny).select(x, half + half)
}
