//! Numbers: from the word the lexer cut out to its value, or to what is wrong with it.
//!
//! Integers are read here, since only their size can be wrong. Floats stay text, so that the checker rounds them
//! once, to the type it finds for them.

/// An integer literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntLiteral<'s> {
    /// Its value.
    pub value: u64,
    /// `i32` of `1i32`; empty where there is none.
    pub suffix: &'s str,
}

/// A float literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatLiteral<'s> {
    /// The decimal text, underscores included.
    pub digits: &'s str,
    /// `f32` of `2.5f32`; empty where there is none.
    pub suffix: &'s str,
}

impl FloatLiteral<'_> {
    /// The decimal text without underscores: what `str::parse::<f64>` accepts.
    pub fn text(&self) -> Box<str> {
        self.digits.chars().filter(|&c| c != '_').collect::<String>().into_boxed_str()
    }
}

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// `0x` with nothing behind it.
    NoDigits,
    /// `0b12`
    Digit,
    /// `1_`, `1__0`, `0x_1`
    Underscore,
    /// `1e`, `1e+`
    Exponent,
    /// `1km`, `2.5i32`, `0xffz`: letters that are no type the literal could have.
    Suffix,
    /// More than 2⁶⁴ − 1.
    TooLarge,
    /// `t.0x1`, `.5f32`
    Field,
}

/// The types an integer literal may name. The checker refuses those it cannot compute with.
const INT_SUFFIXES: [&str; 8] = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
/// The types a literal with or without a fraction may name.
const FLOAT_SUFFIXES: [&str; 6] = ["f16", "bf16", "f32", "f64", "c64", "c128"];

/// Reads `1`, `0xff`, `0b1u8`, `1_000i64`.
pub(crate) fn int(text: &str) -> Result<IntLiteral<'_>, NumberFault> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        _ => (10, text),
    };
    let is_digit = |c: char| c == '_' || c.is_digit(radix.max(10));
    let end = digits.find(|c| !is_digit(c)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    if radix == 10 && matches!(suffix, "e" | "E") {
        return Err(NumberFault::Exponent);
    }
    if !suffix.is_empty() && !INT_SUFFIXES.contains(&suffix) && !FLOAT_SUFFIXES.contains(&suffix) {
        return Err(NumberFault::Suffix);
    }
    if digits.is_empty() {
        return Err(NumberFault::NoDigits);
    }
    check_underscores(digits)?;
    Ok(IntLiteral { value: accumulate(digits, radix)?, suffix })
}

/// The value of `digits`. Goes on past an overflow, so that a wrong digit behind it is still named.
fn accumulate(digits: &str, radix: u32) -> Result<u64, NumberFault> {
    let mut value = Some(0_u64);
    for c in digits.chars().filter(|&c| c != '_') {
        let digit = c.to_digit(radix).ok_or(NumberFault::Digit)?;
        value = value.and_then(|v| v.checked_mul(radix.into())?.checked_add(digit.into()));
    }
    value.ok_or(NumberFault::TooLarge)
}

/// Reads `1.5`, `1e-3`, `2.5e3f32`.
pub(crate) fn float(text: &str) -> Result<FloatLiteral<'_>, NumberFault> {
    let is_mantissa = |c: char| c.is_ascii_digit() || matches!(c, '_' | '.');
    let mut end = text.find(|c| !is_mantissa(c)).unwrap_or(text.len());
    check_underscores(&text[..end])?;
    if text[end..].starts_with(['e', 'E']) {
        let sign = text[end + 1..].starts_with(['+', '-']) as usize;
        let start = end + 1 + sign;
        let exponent = &text[start..];
        let length = exponent.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(exponent.len());
        if length == 0 {
            return Err(NumberFault::Exponent);
        }
        check_underscores(&exponent[..length])?;
        end = start + length;
    }
    let (digits, suffix) = text.split_at(end);
    if !suffix.is_empty() && !FLOAT_SUFFIXES.contains(&suffix) {
        return Err(NumberFault::Suffix);
    }
    Ok(FloatLiteral { digits, suffix })
}

/// Reads the `.0` of `t.0`.
pub(crate) fn field(text: &str) -> Result<u32, NumberFault> {
    let digits = &text[1..];
    let canonical = digits == "0" || !digits.starts_with('0');
    if !canonical || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberFault::Field);
    }
    digits.parse().map_err(|_| NumberFault::TooLarge)
}

/// An underscore must stand between two digits.
fn check_underscores(digits: &str) -> Result<(), NumberFault> {
    let mut previous = '_';
    for c in digits.chars() {
        if !c.is_ascii_hexdigit() && !previous.is_ascii_hexdigit() {
            return Err(NumberFault::Underscore);
        }
        previous = c;
    }
    if previous == '_' { Err(NumberFault::Underscore) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::NumberFault::*;
    use super::*;

    #[test]
    fn integers() {
        let value = |text| int(text).map(|literal| (literal.value, literal.suffix));
        assert_eq!(value("0"), Ok((0, "")));
        assert_eq!(value("1_000_000"), Ok((1_000_000, "")));
        assert_eq!(value("0xFFu8"), Ok((255, "u8")));
        // The base decides: these letters are digits.
        assert_eq!(value("0x1f32"), Ok((0x1f32, "")));
        assert_eq!(value("0b1010i64"), Ok((10, "i64")));
        assert_eq!(value("0o17"), Ok((15, "")));
        assert_eq!(value("1bf16"), Ok((1, "bf16")));
        assert_eq!(value("18446744073709551615"), Ok((u64::MAX, "")));
    }

    #[test]
    fn malformed_integers() {
        let fault = |text| int(text).unwrap_err();
        assert_eq!(fault("18446744073709551616"), TooLarge);
        assert_eq!(fault("0x"), NoDigits);
        assert_eq!(fault("0xu8"), NoDigits);
        assert_eq!(fault("0b12"), Digit);
        assert_eq!(fault("0o8"), Digit);
        assert_eq!(fault("1_"), Underscore);
        assert_eq!(fault("1__0"), Underscore);
        assert_eq!(fault("1_u8"), Underscore);
        assert_eq!(fault("0x_1"), Underscore);
        assert_eq!(fault("1e"), Exponent);
        assert_eq!(fault("12km"), Suffix);
        assert_eq!(fault("1i128"), Suffix);
        assert_eq!(fault("0xffz"), Suffix);
    }

    #[test]
    fn floats() {
        let parts = |text| float(text).map(|literal| (literal.text(), literal.suffix));
        assert_eq!(parts("1_0.2_5"), Ok(("10.25".into(), "")));
        assert_eq!(parts("2.5e-3f32"), Ok(("2.5e-3".into(), "f32")));
        assert_eq!(parts("1E+9c128"), Ok(("1E+9".into(), "c128")));
        assert_eq!(float("1.5i32"), Err(Suffix));
        assert_eq!(float("1.5e"), Err(Exponent));
        assert_eq!(float("1.5e_1"), Err(Underscore));
        assert_eq!(float("1_.5"), Err(Underscore));
        assert_eq!(float("1.5_"), Err(Underscore));
        assert_eq!(float("1.5x"), Err(Suffix));
    }

    #[test]
    fn fields() {
        assert_eq!(field(".0"), Ok(0));
        assert_eq!(field(".12"), Ok(12));
        assert_eq!(field(".01"), Err(Field));
        assert_eq!(field(".1_0"), Err(Field));
        assert_eq!(field(".5f32"), Err(Field));
        assert_eq!(field(".4294967296"), Err(TooLarge));
    }
}
