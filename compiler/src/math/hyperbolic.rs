//! Hyperbolic functions and their inverses, by the exponential and the logarithm in more than working precision.

use super::{
    coefficients::{SINH, TANH},
    emit::{Constant, Expr},
    exp::{exp_normal, exp_pair},
    floats::{Pair, at_most, power_of_two},
    log::log_sum,
};

/// `e^x / 4` and `e^-x / 4` of an `x` that is not negative: quarters, so that no part overflows before the result does.
fn quarters(magnitude: Expr<'_>) -> (Pair<'_>, Expr<'_>) {
    // Here the sum has overflowed already.
    let end = Constant { f32: 89.5, f64: 710.5 };
    let bounded = at_most(magnitude, end);
    let power = exp_pair(Pair { high: bounded, low: bounded.like(0.0) });
    let scale = power_of_two(power.exponent - 2, bounded);
    let Pair { high, low } = power.significand();
    let rising = Pair { high: high * scale, low: low * scale };
    (rising, 0.0625 / rising.high)
}

/// The hyperbolic sine.
pub(super) fn sinh(x: Expr<'_>) -> Expr<'_> {
    let magnitude = x.abs();
    let (rising, falling) = quarters(magnitude);
    let half = rising.high + (rising.low - falling);
    let square = magnitude * magnitude;
    let near = (magnitude * square).mul_add(square.polynomial(&SINH), magnitude);
    magnitude.lt(1.0).select(near, half + half).copysign(x)
}

/// The hyperbolic cosine.
pub(super) fn cosh(x: Expr<'_>) -> Expr<'_> {
    let (rising, falling) = quarters(x.abs());
    let half = rising.high + (rising.low + falling);
    half + half
}

/// The hyperbolic tangent: a polynomial near zero, else `1 - 2 / (e^(2|x|) + 1)`.
pub(super) fn tanh(x: Expr<'_>) -> Expr<'_> {
    // From here on the result is 1.
    let end = Constant { f32: 10.0, f64: 22.0 };
    let magnitude = x.abs();
    let bounded = at_most(magnitude, end);
    let far = 1.0 - 2.0 / (exp_normal(bounded + bounded) + 1.0);
    let square = magnitude * magnitude;
    let near = (magnitude * square).mul_add(square.polynomial(&TANH), magnitude);
    magnitude.lt(0.625).select(near, far).copysign(x)
}

/// From here on `sqrt(x^2 + 1)` is `x` to working precision, and its square does not yet overflow.
const LARGE: Constant = Constant { f32: 8192.0, f64: 1073741824.0 };

/// The inverse hyperbolic sine: `log(1 + x + x^2 / (1 + sqrt(x^2 + 1)))`.
pub(super) fn asinh(x: Expr<'_>) -> Expr<'_> {
    let magnitude = x.abs();
    let zero = x.like(0.0);
    let is_large = magnitude.gt(LARGE);
    let bounded = is_large.select(0.0, magnitude);
    let square = bounded * bounded;
    let excess = square / ((square + 1.0).sqrt() + 1.0);
    let first = Pair::sum(x.like(1.0), bounded);
    let second = Pair::sum(first.high, excess);
    let high = is_large.select(magnitude, second.high);
    let result = log_sum(high, first.low + second.low, is_large.select(1.0, zero));
    magnitude.lt(f64::INFINITY).select(result, magnitude).copysign(x)
}

/// The inverse hyperbolic cosine: `log(x + sqrt((x - 1) (x + 1)))`.
pub(super) fn acosh(x: Expr<'_>) -> Expr<'_> {
    let zero = x.like(0.0);
    let is_large = x.gt(LARGE);
    let bounded = is_large.select(2.0, x);
    let below = bounded - 1.0;
    let above = Pair::sum(bounded, x.like(1.0));
    let square = Pair::product(below, above.high);
    let root = square.high.sqrt();
    let rest = (-root).mul_add(root, square.high) + below.mul_add(above.low, square.low);
    let root_low = rest / (root + root);
    let sum = Pair::sum(bounded, root);
    let high = is_large.select(x, sum.high);
    let low = is_large.select(0.0, sum.low + root_low);
    let result = log_sum(high, low, is_large.select(1.0, zero));
    let result = x.lt(f64::INFINITY).select(result, x);
    let limit = x.eq(1.0).select(0.0, x.like(f64::NAN));
    x.gt(1.0).select(result, limit)
}

/// The inverse hyperbolic tangent: `log(1 + 2 x / (1 - x)) / 2`.
pub(super) fn atanh(x: Expr<'_>) -> Expr<'_> {
    let magnitude = x.abs();
    let numerator = Pair { high: magnitude + magnitude, low: x.like(0.0) };
    let quotient = numerator.over(Pair::fast_sum(x.like(1.0), -magnitude));
    let sum = Pair::sum(x.like(1.0), quotient.high);
    let result = log_sum(sum.high, sum.low + quotient.low, x.like(0.0)) * 0.5;
    let limit = magnitude.eq(1.0).select(f64::INFINITY, x.like(f64::NAN));
    magnitude.lt(1.0).select(result, limit).copysign(x)
}
