//! The error function and its complement.
//!
//! To 1, `erf(x) = x + x P(x^2)`; from there on, `erf(x) = 1 - e^L(x)`, which has few bits to lose.
//! From 1/2 on, `erfc(x) = e^(-x^2) / (1 + 2 x) (1 + Q(t))` with
//! `t = (x - 3) / (x + 3)`: the map of M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of
//! (1 + 2 x) exp(x^2) erfc x", Math. Comp. 36 (1981).

use super::{
    coefficients::{ERF, ERFC, LOG_ERFC},
    emit::{Constant, Expr},
    exp::{exp_normal, exp_pair},
    floats::{Pair, at_most, scale},
};

/// `erf(x)` for |x| to 1.
fn erf_near(x: Expr<'_>) -> Expr<'_> {
    x.mul_add((x * x).polynomial(&ERF), x)
}

/// `erfc(x)` for `x` from 1/2 on.
fn erfc_far(x: Expr<'_>) -> Expr<'_> {
    // From here on the result is zero.
    let end = Constant { f32: 10.1, f64: 27.3 };
    let x = at_most(x, end);
    let t = (x - 3.0) / (x + 3.0);
    let square = Pair::product(x, x);
    let power = exp_pair(Pair { high: -square.high, low: -square.low });
    let denominator = Pair::fast_sum(x + x, x.like(1.0));
    let quotient = power.significand().over(denominator);
    let q = t.polynomial(&ERFC);
    let product = quotient.high + (quotient.high.mul_add(q, quotient.low));
    scale(product, power.exponent)
}

/// The error function.
pub(super) fn erf(x: Expr<'_>) -> Expr<'_> {
    let magnitude = x.abs();
    // From here on the result is 1.
    let end = Constant { f32: 4.0, f64: 6.0 };
    let far = 1.0 - exp_normal(at_most(magnitude, end).polynomial(&LOG_ERFC));
    magnitude.gt(1.0).select(far, erf_near(magnitude)).copysign(x)
}

/// The complement of the error function, `1 - erf(x)`.
pub(super) fn erfc(x: Expr<'_>) -> Expr<'_> {
    let magnitude = x.abs();
    let far = erfc_far(magnitude);
    let far = x.lt(0.0).select(2.0 - far, far);
    magnitude.gt(0.5).select(far, 1.0 - erf_near(x))
}
