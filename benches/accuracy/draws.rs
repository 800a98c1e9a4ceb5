//! Arguments to try: random ones from where a function is interesting, and those of the compiler's tests.

use crate::{Result, functions::Function};

/// A float format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

impl Format {
    /// All of them.
    pub(crate) const ALL: [Format; 2] = [Format::F32, Format::F64];

    /// Its name as a type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::F32 => "f32",
            Format::F64 => "f64",
        }
    }

    fn with_bits(self, bits: u64) -> f64 {
        match self {
            Format::F32 => f32::from_bits(bits as u32).into(),
            Format::F64 => f64::from_bits(bits),
        }
    }

    /// `x` rounded, and moved by so many last places.
    fn near(self, x: f64, places: i64) -> f64 {
        match self {
            Format::F32 => f32::from_bits((x as f32).to_bits().wrapping_add(places as u32)).into(),
            Format::F64 => f64::from_bits(x.to_bits().wrapping_add(places as u64)),
        }
    }

    fn round(self, x: f64) -> f64 {
        self.near(x, 0)
    }
}

/// A way to draw an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Draw {
    /// Any bits, so that exponents are uniform; NaN and infinities too.
    Any,
    /// Uniform between these.
    Within(f64, f64),
    /// Of either sign, with a binary exponent between these.
    Scaled(i32, i32),
    /// An integer between these, or a half.
    Half(i64, i64),
    /// Within a few thousand last places of one of these.
    Near(&'static [f64]),
    /// One of these.
    Exactly(&'static [f64]),
    /// Such that the other argument to this power has a natural logarithm between these.
    Power(f64, f64),
}

impl Draw {
    /// An argument behind `other`, if it is the second.
    pub(crate) fn draw(self, format: Format, random: &mut Random, other: f64) -> f64 {
        let drawn = match self {
            Draw::Any => format.with_bits(random.bits()),
            Draw::Within(low, high) => random.within(low, high),
            Draw::Scaled(low, high) => {
                let magnitude =
                    libm::scalbn(random.within(1.0, 2.0), random.int(low.into(), high.into()) as i32);
                if random.int(0, 1) == 0 { magnitude } else { -magnitude }
            }
            Draw::Half(low, high) => random.int(2 * low, 2 * high) as f64 / 2.0,
            Draw::Near(values) => format.near(random.one_of(values), random.int(-4000, 4000)),
            Draw::Exactly(values) => random.one_of(values),
            Draw::Power(low, high) => random.within(low, high) / libm::log(other.abs()),
        };
        format.round(drawn)
    }
}

/// Random numbers, always the same (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Numbers that depend on `name`.
    pub(crate) fn new(name: &str) -> Random {
        Random(name.bytes().fold(0, |seed, byte| seed * 257 + u64::from(byte)))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64)
    }

    fn int(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1) as u64) as i64
    }

    fn one_of(&mut self, values: &[f64]) -> f64 {
        values[self.int(0, values.len() as i64 - 1) as usize]
    }
}

/// The `f64` arguments of the compiler's tests, of which the second is zero for functions of one.
pub(crate) fn of_vectors(function: &Function) -> Result<Vec<[f64; 2]>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/compiler/src/math/vectors");
    // `rsqrt` is a division and a square root of the machine, which need no such tests.
    let text = match function.name {
        "rsqrt" => String::new(),
        name => std::fs::read_to_string(format!("{folder}/{name}.txt"))?,
    };
    let lines = text.lines().filter_map(|line| line.strip_prefix("f64 "));
    let args = lines.map(|line| -> Result<[f64; 2]> {
        let mut args = [0.0; 2];
        for (arg, word) in args[..function.arity()].iter_mut().zip(line.split(' ')) {
            *arg = f64::from_bits(u64::from_str_radix(word, 16)?);
        }
        Ok(args)
    });
    args.collect()
}
