//! Scalars as texts.

use crate::quote::quote;
use anyhow::{Result, anyhow};
use pk::{Const, Scalar};

/// A scalar of this type as the language writes it, but with a sign and without a suffix.
pub(crate) fn parse(scalar: Scalar, text: &str) -> Result<Const> {
    let value = without_separators(text).and_then(|digits| match scalar {
        Scalar::Bool => digits.parse().ok().map(|value: bool| Const::from(value)),
        Scalar::F32 => parse_float(&digits).map(|value: f32| Const::from(value)),
        Scalar::F64 => parse_float(&digits).map(|value: f64| Const::from(value)),
        _ => parse_int(&digits)
            .filter(|value| scalar.int_range().is_some_and(|(min, max)| (min..=max).contains(value)))
            .map(|value| Const::from_int(scalar, value)),
    });
    value.ok_or_else(|| match text {
        "" => anyhow!("nothing stands where `{scalar}` is wanted"),
        _ => anyhow!("{} is no `{scalar}`", quote(text)),
    })
}

/// `text` without underscores, which may stand only between two digits.
fn without_separators(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let is_separator = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    let is_right = text.match_indices('_').all(|(at, _)| is_separator(at));
    is_right.then(|| text.replace('_', ""))
}

fn parse_int(digits: &str) -> Option<i128> {
    let (sign, magnitude) = digits.strip_prefix('-').map_or((1, digits), |magnitude| (-1, magnitude));
    let value = match magnitude.strip_prefix("0x") {
        // `from_str_radix` would take a sign here.
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => i128::from_str_radix(hex, 16),
        Some(_) => return None,
        None => magnitude.parse(),
    };
    value.ok().filter(|value| *value >= 0).map(|value| sign * value)
}

/// A number too large for its type is an error, not infinity; that has its own name.
fn parse_float<T: std::str::FromStr + Into<f64> + Copy>(digits: &str) -> Option<T> {
    let value: T = digits.parse().ok()?;
    let is_infinite = value.into().is_infinite();
    (!is_infinite || digits.to_ascii_lowercase().contains("inf")).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(scalar: Scalar, text: &str) -> Option<String> {
        parse(scalar, text).ok().map(|value| value.to_string())
    }

    #[test]
    fn scalars_fit_their_types() {
        assert_eq!(parsed(Scalar::I8, "-128"), Some("-128".to_string()));
        assert_eq!(parsed(Scalar::I8, "128"), None);
        assert_eq!(parsed(Scalar::U64, "0xffff_ffff_ffff_ffff"), Some("18446744073709551615".to_string()));
        assert_eq!(parsed(Scalar::U8, "-1"), None);
        assert_eq!(parsed(Scalar::F32, "1e-3"), Some("0.001".to_string()));
        assert_eq!(parsed(Scalar::F32, "1e39"), None);
        assert_eq!(parsed(Scalar::F32, "-inf"), Some("-inf".to_string()));
        assert_eq!(parsed(Scalar::Bool, "true"), Some("true".to_string()));
        assert_eq!(parsed(Scalar::Bool, "1"), None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "--1", "0x", "0x-1", "0x+1", "_1", "1_", "1__0", "1 ", "1.0", "1e3", "\u{663}"]
        {
            assert_eq!(parsed(Scalar::I32, text), None, "{text}");
        }
        for text in ["", ".", "1e", "0x1p3", "1f32", "1,5", "1_.0", "nan(1)"] {
            assert_eq!(parsed(Scalar::F64, text), None, "{text}");
        }
    }
}
