//! Reduction of an argument modulo pi/2.
//!
//! Up to a bound: the multiple of pi/2 is subtracted in three parts with fused operations (Cody and Waite). Beyond:
//! the product with the digits of 2/pi is formed in integers, of which only those that matter for the quadrant and
//! the fraction are taken (M. Payne and R. Hanek, "Radian reduction for trigonometric functions", SIGNUM 1983).

use super::{
    coefficients::{FRAC_2_PI, FRAC_PI_2_HIGH, FRAC_PI_2_LOW, FRAC_PI_2_MIDDLE, TWO_OVER_PI},
    emit::{Constant, Expr, binary_power},
    floats::{Pair, flip_sign, round_to_int, sign_bit},
};
use pk_dsl::scalar::Scalar;

/// `x = quadrant * pi/2 + rest`, where only the two low bits of the quadrant are right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reduced<'e> {
    /// An integer of the float's width.
    pub(super) quadrant: Expr<'e>,
    /// Within pi/4 or a little more; NaN for an infinite `x`.
    pub(super) rest: Pair<'e>,
}

/// Up to here the three parts of pi/2 suffice for the number nearest to a multiple of it.
const BOUND: Constant = Constant { f32: 131072.0, f64: 1073741824.0 };

/// Reduces `x`.
pub(super) fn reduce(x: Expr<'_>) -> Reduced<'_> {
    let near = reduce_near(x);
    let magnitude = x.abs();
    let is_far = magnitude.gt(BOUND) & magnitude.lt(f64::INFINITY);
    let common = [near.quadrant, near.rest.high, near.rest.low];
    let [quadrant, high, low] = x.emitter().rarely(is_far, common, || {
        let far = reduce_far(x);
        [far.quadrant, far.rest.high, far.rest.low]
    });
    Reduced { quadrant, rest: Pair { high, low } }
}

fn reduce_near(x: Expr<'_>) -> Reduced<'_> {
    let (n, quadrant) = round_to_int(x * FRAC_2_PI);
    let rest = n.mul_add(-FRAC_PI_2_HIGH, x);
    let middle = Pair::product(n, FRAC_PI_2_MIDDLE);
    let sum = Pair::fast_sum(rest, -middle.high);
    let low = n.mul_add(-FRAC_PI_2_LOW, sum.low - middle.low);
    Reduced { quadrant, rest: Pair { high: sum.high, low } }
}

/// The sizes of the integer product for a float format.
struct Layout {
    /// 32-bit limbs of the significand.
    significand: usize,
    /// 64-bit words of 2/pi that are multiplied: enough that the bits behind them change no result.
    window: usize,
    /// Bits of the index of the first of these words.
    index_bits: u32,
}

fn reduce_far(x: Expr<'_>) -> Reduced<'_> {
    let format = x.format();
    let layout = match x.scalar() {
        Scalar::F32 => Layout { significand: 1, window: 2, index_bits: 2 },
        _ => Layout { significand: 2, window: 3, index_bits: 5 },
    };
    let magnitude = x.abs().to_bits().bits_as(format.unsigned).to(Scalar::U64);
    let width = i64::from(format.mantissa_bits);
    let significand = (magnitude & ((1 << width) - 1)) | (1 << width);
    let exponent = (magnitude >> width) - (format.bias + width);
    // The first digit of the window, times the last place of the argument, is worth two quadrants.
    let window = digits_from(exponent + (WORD_BITS - 2), &layout);
    let product = low_product(&limbs(&[significand])[2 - layout.significand..], &limbs(&window));
    let words: Vec<_> = product.chunks(2).map(|pair| (pair[0] << 32) | pair[1]).collect();
    let turn = (words[0] << 2) | (words[1] >> 62);
    // The fraction is signed: at half a quadrant or more, the next quadrant is nearer.
    let quadrant = (words[0] >> 62) + (turn >> 63);
    let rest = match x.scalar() {
        Scalar::F32 => fraction_f32(turn, x),
        _ => fraction_f64(turn, (words[1] << 2) | (words[2] >> 62), x),
    };
    let half_pi = Pair { high: x.like(FRAC_PI_2_HIGH), low: x.like(FRAC_PI_2_MIDDLE) };
    let rest = rest.times(half_pi);
    signed(x, quadrant.to(format.int), rest)
}

/// Of the reduction of `|x|`, that of `x`.
fn signed<'e>(x: Expr<'e>, quadrant: Expr<'e>, rest: Pair<'e>) -> Reduced<'e> {
    let quadrant = x.lt(0.0).select(-quadrant, quadrant);
    let sign = sign_bit(x).bits_as(x.scalar());
    Reduced { quadrant, rest: Pair { high: flip_sign(rest.high, sign), low: flip_sign(rest.low, sign) } }
}

const WORD_BITS: i64 = 64;
/// The shift that divides by [`WORD_BITS`].
const WORD_SHIFT: i64 = 6;

/// The words of the window that starts at bit `at` of the digits of 2/pi, which one word of zeros precedes.
fn digits_from<'e>(at: Expr<'e>, layout: &Layout) -> Vec<Expr<'e>> {
    let available = layout.window + (1 << layout.index_bits);
    let digits = std::iter::once(&0).chain(&TWO_OVER_PI).take(available);
    let mut words: Vec<_> = digits.map(|&word| at.like(word as i64)).collect();
    // Selections instead of a table: a shift by 2^step words for each bit of the word index.
    for step in (0..layout.index_bits).rev() {
        let distance = 1 << step;
        let shifts = ((at >> (WORD_SHIFT + i64::from(step))) & 1).ne(0);
        words = (0..layout.window + distance)
            .map(|index| match words.get(index + distance) {
                Some(&far) => shifts.select(far, words[index]),
                None => words[index],
            })
            .collect();
    }
    let shift = at & (WORD_BITS - 1);
    let shift_back = shift.like(WORD_BITS - 1) - shift;
    // In two steps: a shift by the full width would be one by nothing.
    words.windows(2).map(|pair| (pair[0] << shift) | ((pair[1] >> 1) >> shift_back)).collect()
}

/// The 32-bit halves of words, each in 64 bits, most significant first.
fn limbs<'e>(words: &[Expr<'e>]) -> Vec<Expr<'e>> {
    words.iter().flat_map(|&word| [word >> 32, word & 0xffff_ffff]).collect()
}

/// The product of two numbers of 32-bit limbs modulo 2^32 to the limbs of `b`; most significant first.
fn low_product<'e>(a: &[Expr<'e>], b: &[Expr<'e>]) -> Vec<Expr<'e>> {
    let zero = b[0].like(0);
    let mut product = vec![zero; b.len()];
    for (row, &factor) in a.iter().rev().enumerate() {
        let mut carry = zero;
        for column in (row..b.len()).rev() {
            let at = column - row;
            // At most 2^64 - 1.
            let sum = factor * b[column] + product[at] + carry;
            product[at] = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
    }
    product
}

/// `turn / 2^64` as a pair, of a signed `turn`.
fn fraction_f32<'e>(turn: Expr<'e>, like: Expr<'e>) -> Pair<'e> {
    let turn = turn.bits_as(Scalar::I64);
    let high = (turn >> 42).to(like.scalar()) * binary_power(-22);
    let middle = ((turn >> 21) & 0x1f_ffff).to(like.scalar()) * binary_power(-43);
    let low = (turn & 0x1f_ffff).to(like.scalar()) * binary_power(-64);
    let sum = Pair::sum(high, middle);
    Pair::fast_sum(sum.high, sum.low + low)
}

/// `(turn + next / 2^64) / 2^64` as a pair, of a signed `turn`.
fn fraction_f64<'e>(turn: Expr<'e>, next: Expr<'e>, like: Expr<'e>) -> Pair<'e> {
    let high = (turn.bits_as(Scalar::I64) >> 21).to(like.scalar()) * binary_power(-43);
    let middle = (((turn & 0x1f_ffff) << 22) | (next >> 42)).to(like.scalar()) * binary_power(-86);
    let low = (next & 0x3ff_ffff_ffff).to(like.scalar()) * binary_power(-128);
    let sum = Pair::sum(high, middle);
    Pair::fast_sum(sum.high, sum.low + low)
}
