//! Sine, cosine and tangent.
//!
//! The argument is reduced to a quadrant and a rest within pi/4, see [`super::reduction`]; polynomials for sine and
//! cosine of the rest are both evaluated, and the quadrant selects.

use super::{
    coefficients::{COS, SIN},
    emit::Expr,
    floats::{Pair, flip_sign},
    reduction::{Reduced, reduce},
};

/// `sin(rest)` as a leading part and a correction.
fn sin_rest(rest: Pair<'_>) -> Pair<'_> {
    let Pair { high, low } = rest;
    let square = high * high;
    let cubic = (square * high) * square.polynomial(&SIN);
    // The derivative, cos, to as many bits as the low part needs.
    let low = low.mul_add(square.mul_add(-0.5, 1.0), cubic);
    Pair { high, low }
}

/// `cos(rest)` as a leading part and a correction.
fn cos_rest(rest: Pair<'_>) -> Pair<'_> {
    let Pair { high, low } = rest;
    let square = high * high;
    let leading = square.mul_add(-0.5, 1.0);
    let rounding = (1.0 - leading) - square * 0.5;
    let quartic = (square * square).mul_add(square.polynomial(&COS), -high * low);
    Pair { high: leading, low: rounding + quartic }
}

/// The sign bit of a float where bit 1 of the quadrant is set.
fn quadrant_sign<'e>(quadrant: Expr<'e>, like: Expr<'e>) -> Expr<'e> {
    let width = i64::from(like.format().int.bits());
    ((quadrant & 2) << (width - 2)).bits_as(like.scalar())
}

/// The sine.
pub(super) fn sin(x: Expr<'_>) -> Expr<'_> {
    let Reduced { quadrant, rest } = reduce(x);
    let is_odd = (quadrant & 1).ne(0);
    let magnitude = is_odd.select(cos_rest(rest).value(), sin_rest(rest).value());
    let signed = flip_sign(magnitude, quadrant_sign(quadrant, x));
    // The reduction loses the sign of zero.
    x.eq(0.0).select(x, signed)
}

/// The cosine.
pub(super) fn cos(x: Expr<'_>) -> Expr<'_> {
    let Reduced { quadrant, rest } = reduce(x);
    let is_odd = (quadrant & 1).ne(0);
    let magnitude = is_odd.select(sin_rest(rest).value(), cos_rest(rest).value());
    flip_sign(magnitude, quadrant_sign(quadrant + 1, x))
}

/// The tangent.
pub(super) fn tan(x: Expr<'_>) -> Expr<'_> {
    let Reduced { quadrant, rest } = reduce(x);
    let (sin, cos) = (sin_rest(rest), cos_rest(rest));
    let (sin, cos) = (Pair::fast_sum(sin.high, sin.low), Pair::fast_sum(cos.high, cos.low));
    let is_odd = (quadrant & 1).ne(0);
    let numerator = Pair { high: is_odd.select(-cos.high, sin.high), low: is_odd.select(-cos.low, sin.low) };
    let denominator = Pair { high: is_odd.select(sin.high, cos.high), low: is_odd.select(sin.low, cos.low) };
    x.eq(0.0).select(x, numerator.over(denominator).value())
}
