//! Counter-based random numbers: Philox4x32-10 (J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random
//! numbers: as easy as 1, 2, 3", SC'11).
//!
//! The seed is the key and the index is the counter, both split into 32-bit words, low word first; the two upper
//! words of the counter are zero. So each pair of seed and index has its own four words, whatever the order in which
//! they are asked for.

use super::{
    emit::{Emitter, Expr, binary_power},
    log::log,
    trig::cos,
};
use pk_dsl::scalar::Scalar;

const ROUNDS: usize = 10;
const MULTIPLIERS: [i64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [i64; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The low and high half of a 64-bit integer.
fn halves(word: Expr<'_>) -> [Expr<'_>; 2] {
    let word = word.bits_as(Scalar::U64);
    [word.to(Scalar::U32), (word >> 32).to(Scalar::U32)]
}

/// The product of a word and a constant: its low and high half.
fn multiply(word: Expr<'_>, factor: i64) -> [Expr<'_>; 2] {
    halves(word.to(Scalar::U64) * factor)
}

/// Ten rounds of Philox4x32.
fn rounds<'e>(mut counter: [Expr<'e>; 4], mut key: [Expr<'e>; 2]) -> [Expr<'e>; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0] + KEY_STEPS[0], key[1] + KEY_STEPS[1]];
        }
        let [low_0, high_0] = multiply(counter[0], MULTIPLIERS[0]);
        let [low_1, high_1] = multiply(counter[2], MULTIPLIERS[1]);
        counter = [high_1 ^ counter[1] ^ key[0], low_1, high_0 ^ counter[3] ^ key[1], low_0];
    }
    counter
}

/// The four words of a seed and an index.
pub(super) fn philox<'e>(emitter: &'e Emitter, seed: Expr<'e>, index: Expr<'e>) -> [Expr<'e>; 4] {
    let zero = emitter.int(Scalar::U32, 0);
    let [low, high] = halves(index);
    rounds([low, high, zero, zero], halves(seed))
}

/// A number from 0 to 1, without 1: the upper 53 bits of two words, low word first.
fn unit_f64<'e>(low: Expr<'e>, high: Expr<'e>) -> Expr<'e> {
    let word = (high.to(Scalar::U64) << 32) | low.to(Scalar::U64);
    (word >> 11).to(Scalar::F64) * binary_power(-53)
}

/// A number from 0 to 1, without 1, from words 0 and 1.
pub(super) fn uniform<'e>(emitter: &'e Emitter, seed: Expr<'e>, index: Expr<'e>) -> Expr<'e> {
    let [low, high, ..] = philox(emitter, seed, index);
    unit_f64(low, high)
}

/// Two numbers from 0 to 1, without 1: that of [`uniform`], and one from words 2 and 3.
pub(super) fn uniform2<'e>(emitter: &'e Emitter, seed: Expr<'e>, index: Expr<'e>) -> [Expr<'e>; 2] {
    let words = philox(emitter, seed, index);
    [unit_f64(words[0], words[1]), unit_f64(words[2], words[3])]
}

/// An `f32` from 0 to 1, without 1: the upper 24 bits of word 0.
pub(super) fn uniform_f32<'e>(emitter: &'e Emitter, seed: Expr<'e>, index: Expr<'e>) -> Expr<'e> {
    let [word, ..] = philox(emitter, seed, index);
    (word >> 8).to(Scalar::F32) * binary_power(-24)
}

/// A standard normal number: `sqrt(-2 log(1 - u)) cos(2 pi v)` of the two numbers of [`uniform2`] (G. E. P. Box and
/// M. E. Muller, Ann. Math. Stat. 29, 1958).
pub(super) fn normal<'e>(emitter: &'e Emitter, seed: Expr<'e>, index: Expr<'e>) -> Expr<'e> {
    let [u, v] = uniform2(emitter, seed, index);
    let radius = (log(1.0 - u) * -2.0).sqrt();
    radius * cos(v * std::f64::consts::TAU)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        interp::eval,
        math::{MathFn, Routine, definition},
    };
    use pk_dsl::scalar::Const;

    /// The known-answer vectors of the authors' library Random123 (`kat_vectors`): counter, key, words.
    const KNOWN: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ];

    #[test]
    fn rounds_give_the_published_words() {
        let body = Emitter::body(&[Scalar::U32; 6], |_, words| {
            rounds([words[0], words[1], words[2], words[3]], [words[4], words[5]]).to_vec()
        });
        for (counter, key, words) in KNOWN {
            let args: Vec<_> = counter.iter().chain(&key).map(|&word| Const::from(word)).collect();
            assert_eq!(eval(&body, &args), words.map(Const::from));
        }
    }

    fn draw(function: MathFn, scalar: Scalar, seed: u64, index: i64) -> Vec<Const> {
        eval(definition(Routine { function, scalar }), &[seed.into(), index.into()])
    }

    #[test]
    fn seed_and_index_are_key_and_counter_low_word_first() {
        let (seed, index) = (0x0123_4567_89ab_cdef, -2);
        let body = Emitter::body(&[Scalar::U32; 2], |emitter, key| {
            let [low, high, zero] = [-2, -1, 0].map(|word| emitter.int(Scalar::U32, word));
            rounds([low, high, zero, zero], [key[0], key[1]]).to_vec()
        });
        let expected = eval(&body, &[0x89ab_cdef_u32.into(), 0x0123_4567_u32.into()]);
        assert_eq!(draw(MathFn::Philox, Scalar::U32, seed, index), expected);
    }

    #[test]
    fn uniform_numbers_are_the_upper_bits_of_the_words() {
        for index in 0..50 {
            let words: Vec<u64> =
                draw(MathFn::Philox, Scalar::U32, 7, index).iter().map(|word| word.bits()).collect();
            let unit = |low: u64, high: u64| Const::from(((high << 32 | low) >> 11) as f64 / 2f64.powi(53));
            let pair = [unit(words[0], words[1]), unit(words[2], words[3])];
            assert_eq!(draw(MathFn::Uniform2, Scalar::F64, 7, index), pair);
            assert_eq!(draw(MathFn::Uniform, Scalar::F64, 7, index), pair[..1]);
            let single = Const::from((words[0] >> 8) as f32 / 2f32.powi(24));
            assert_eq!(draw(MathFn::UniformF32, Scalar::F32, 7, index), [single]);
        }
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let count = 4000;
        let numbers = (0..count).filter_map(|i| draw(MathFn::Normal, Scalar::F64, 1, i)[0].as_f64());
        let (sum, squares) = numbers.fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
        let (mean, variance) = (sum / count as f64, squares / count as f64);
        // Some four standard deviations of either estimate.
        assert!(mean.abs() < 0.064 && (variance - 1.0).abs() < 0.09, "{mean} {variance}");
    }
}
