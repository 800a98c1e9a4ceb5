//! Errors in units in the last place of the true value.

/// The numbers of a float format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    /// Bits of a significand.
    digits: i32,
    /// The exponent of the last place of subnormal numbers.
    least: i32,
    /// The exponent of the power of two that overflows.
    overflow: i32,
}

/// Those of `f32`.
pub(crate) const SINGLE: Places = Places { digits: 24, least: -149, overflow: 128 };

impl Places {
    /// The error of `found` where `truth` is nearly exact: infinite where a NaN, an infinity or the sign of zero is
    /// wrong. A result that overflows counts as the power of two that does.
    pub(crate) fn error(self, found: f64, truth: f64) -> f64 {
        if found == truth && found != 0.0 || found.is_nan() && truth.is_nan() {
            return 0.0;
        }
        let is_wrong_zero =
            (found == 0.0 || truth == 0.0) && found.is_sign_negative() != truth.is_sign_negative();
        if found.is_nan() || truth.is_nan() || truth.is_infinite() || is_wrong_zero {
            return f64::INFINITY;
        }
        let end = power_of_two(self.overflow);
        let (found, truth) = (found.clamp(-end, end), truth.clamp(-end, end));
        (found - truth).abs() / power_of_two(self.last_place(truth))
    }

    fn last_place(self, x: f64) -> i32 {
        let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
        (exponent.min(self.overflow - 1) + 1 - self.digits).max(self.least)
    }
}

/// `2^exponent`, a normal number.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The greatest error met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worst {
    /// The error.
    pub(crate) error: f64,
    /// The arguments that gave it first.
    pub(crate) args: [f64; 2],
    /// How many arguments were tried.
    pub(crate) count: u64,
}

impl Worst {
    /// Counts in an error at `args`.
    pub(crate) fn meet(&mut self, error: f64, args: [f64; 2]) {
        self.count += 1;
        if error > self.error {
            (self.error, self.args) = (error, args);
        }
    }
}
