//! Sine, cosine and tangent.
//!
//! The argument is reduced to a quadrant and a rest within pi/4, see [`super::reduction`]; polynomials for sine and
//! cosine of the rest are both evaluated, and the quadrant selects.

use super::{
    coefficients::{COS, SIN},
    emit::Expr,
    floats::{Pair, flip_sign},
    reduction::reduce,
};

fn sin_rest(rest: Pair<'_>) -> Expr<'_> {
    let Pair { high, low } = rest;
    let square = high * high;
    high + (square * high).mul_add(square.polynomial(&SIN), low)
}

/// The low part of the rest would change it by a third of the last place at most.
fn cos_rest(rest: Pair<'_>) -> Expr<'_> {
    let square = rest.high * rest.high;
    square.mul_add(square.mul_add(square.polynomial(&COS), -0.5), 1.0)
}

/// The sine of the rest, to a few bits more than the working precision.
fn sin_pair(rest: Pair<'_>) -> Pair<'_> {
    let Pair { high, low } = rest;
    let square = high * high;
    let cubic = (square * high) * square.polynomial(&SIN);
    // The derivative, cos, to as many bits as the low part needs.
    Pair::fast_sum(high, low.mul_add(square.mul_add(-0.5, 1.0), cubic))
}

/// The cosine of the rest, to a few bits more than the working precision.
fn cos_pair(rest: Pair<'_>) -> Pair<'_> {
    let Pair { high, low } = rest;
    let square = high * high;
    let leading = square.mul_add(-0.5, 1.0);
    let rounding = square.mul_add(-0.5, 1.0 - leading);
    let quartic = (square * square).mul_add(square.polynomial(&COS), -high * low);
    Pair::fast_sum(leading, rounding + quartic)
}

/// The sign bit of a float where bit 1 of the quadrant is set.
fn quadrant_sign<'e>(quadrant: Expr<'e>, like: Expr<'e>) -> Expr<'e> {
    let width = i64::from(like.format().int.bits());
    ((quadrant & 2) << (width - 2)).bits_as(like.scalar())
}

/// The sine.
pub(super) fn sin(x: Expr<'_>) -> Expr<'_> {
    let reduced = reduce(x);
    let is_odd = (reduced.quadrant & 1).ne(0);
    let magnitude = is_odd.select(cos_rest(reduced.rest), sin_rest(reduced.rest));
    let signed = flip_sign(magnitude, quadrant_sign(reduced.quadrant, x));
    // The reduction loses the sign of zero.
    x.eq(0.0).select(x, signed)
}

/// The cosine.
pub(super) fn cos(x: Expr<'_>) -> Expr<'_> {
    let reduced = reduce(x);
    let is_odd = (reduced.quadrant & 1).ne(0);
    let magnitude = is_odd.select(sin_rest(reduced.rest), cos_rest(reduced.rest));
    flip_sign(magnitude, quadrant_sign(reduced.quadrant + 1, x))
}

/// The tangent.
pub(super) fn tan(x: Expr<'_>) -> Expr<'_> {
    let reduced = reduce(x);
    let (sin, cos) = (sin_pair(reduced.rest), cos_pair(reduced.rest));
    let is_odd = (reduced.quadrant & 1).ne(0);
    let numerator = Pair { high: is_odd.select(-cos.high, sin.high), low: is_odd.select(-cos.low, sin.low) };
    let denominator = Pair { high: is_odd.select(sin.high, cos.high), low: is_odd.select(sin.low, cos.low) };
    x.eq(0.0).select(x, numerator.over(denominator).value())
}
