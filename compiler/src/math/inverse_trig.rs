//! Inverse trigonometric functions: a polynomial near zero, and identities that lead there.

use super::{
    coefficients::{ASIN, ATAN, FRAC_PI_2_HIGH, FRAC_PI_2_MIDDLE},
    emit::{Constant, Expr},
    floats::{Pair, sign_bit},
};

/// `asin |x|` for |x| to 1/2, else `2 asin(sqrt((1 - |x|) / 2))`, as a leading part and a correction.
struct Arc<'e> {
    is_far: Expr<'e>,
    angle: Pair<'e>,
}

fn arc(x: Expr<'_>) -> Arc<'_> {
    let magnitude = x.abs();
    let is_far = magnitude.gt(0.5);
    let square = is_far.select((1.0 - magnitude) * 0.5, magnitude * magnitude);
    let sine = is_far.select(square.sqrt(), magnitude);
    let correction = (sine * square) * square.polynomial(&ASIN);
    let factor = is_far.select(2.0, x.like(1.0));
    Arc { is_far, angle: Pair { high: sine * factor, low: correction * factor } }
}

/// `quarter_turns * pi/2 + sign * angle`, for a number of quarter turns from {0, 1/2, 1, 3/2, 2} and a sign of 1 or -1.
fn turned<'e>(quarter_turns: Expr<'e>, sign: Expr<'e>, angle: Pair<'e>) -> Expr<'e> {
    let base = Pair::product(quarter_turns, FRAC_PI_2_HIGH);
    let base_low = quarter_turns.mul_add(FRAC_PI_2_MIDDLE, base.low);
    let sum = Pair::fast_sum(base.high, sign * angle.high);
    sum.high + (sum.low + sign.mul_add(angle.low, base_low))
}

/// The inverse sine.
pub(super) fn asin(x: Expr<'_>) -> Expr<'_> {
    let Arc { is_far, angle } = arc(x);
    let sign = is_far.select(-1.0, x.like(1.0));
    turned(is_far.select(1.0, x.like(0.0)), sign, angle).copysign(x)
}

/// The inverse cosine.
pub(super) fn acos(x: Expr<'_>) -> Expr<'_> {
    let Arc { is_far, angle } = arc(x);
    let is_negative = x.lt(0.0);
    let far_turns = is_negative.select(2.0, x.like(0.0));
    let sign = (is_negative ^ is_far).select(1.0, x.like(-1.0));
    turned(is_far.select(far_turns, x.like(1.0)), sign, angle)
}

/// The angle of the point `(x, y)`, neither of them negative; where `mirrored` holds, that of `(-x, y)`.
fn direction<'e>(y: Expr<'e>, x: Expr<'e>, mirrored: Option<Expr<'e>>) -> Expr<'e> {
    let is_swapped = y.gt(x);
    let (small, large) = (is_swapped.select(x, y), is_swapped.select(y, x));
    let (zero, one) = (x.like(0.0), x.like(1.0));
    // Nearer to the diagonal than to the axis: the angle is measured from there.
    let is_diagonal = small.gt(large * (std::f64::consts::SQRT_2 - 1.0)) | small.eq(f64::INFINITY);
    let choose = |diagonal: Pair<'e>, axis: Expr<'e>| Pair {
        high: is_diagonal.select(diagonal.high, axis),
        low: is_diagonal.select(diagonal.low, zero),
    };
    let numerator = choose(Pair::fast_sum(-large, small), small);
    let denominator = choose(Pair::fast_sum(large, small), large);
    let ratio = numerator.over(denominator);
    // Equal operands may be both zero or both infinite.
    let quotient = small.eq(large).select(0.0, ratio.high);
    // The error of a zero quotient is NaN where the denominator is infinite.
    let quotient_low = quotient.eq(0.0).select(0.0, ratio.low);
    let square = quotient * quotient;
    let correction = (quotient * square).mul_add(square.polynomial(&ATAN), quotient_low);
    let turns = is_diagonal.select(0.5, zero);
    let turns = is_swapped.select(1.0 - turns, turns);
    let sign = is_swapped.select(-1.0, one);
    let (turns, sign) = match mirrored {
        Some(mirrored) => (mirrored.select(2.0 - turns, turns), mirrored.select(-sign, sign)),
        None => (turns, sign),
    };
    turned(turns, sign, Pair { high: quotient, low: correction })
}

/// The inverse tangent.
pub(super) fn atan(x: Expr<'_>) -> Expr<'_> {
    direction(x.abs(), x.like(1.0), None).copysign(x)
}

/// The angle of the point `(x, y)`.
pub(super) fn atan2<'e>(y: Expr<'e>, x: Expr<'e>) -> Expr<'e> {
    // So large that the sum of both could overflow.
    let large = Constant::binary_powers(126, 1022);
    let overflows = x.abs().gt(large) | y.abs().gt(large);
    let factor = overflows.select(0.25, x.like(1.0));
    let is_left = sign_bit(x).ne(0);
    direction(y.abs() * factor, x.abs() * factor, Some(is_left)).copysign(y)
}
