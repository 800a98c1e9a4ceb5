//! Texts of the user in messages: short, and without anything that a terminal obeys.

/// The most characters of a text that a message repeats.
const MAX_CHARS: usize = 60;

/// `text` between backticks, shortened.
pub(crate) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", plain(&shown))
}

/// The first names of a long list, each quoted.
pub(crate) fn quote_all<T: AsRef<str>>(names: impl ExactSizeIterator<Item = T>) -> String {
    const MAX_NAMES: usize = 20;
    let rest = names.len().saturating_sub(MAX_NAMES);
    let mut shown: Vec<String> = names.take(MAX_NAMES).map(|name| quote(name.as_ref())).collect();
    if rest > 0 {
        shown.push(format!("… ({rest} more)"));
    }
    shown.join(", ")
}

/// `text` with everything escaped that would move the cursor, change colours or turn the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_obeyed(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_short_and_plain() {
        assert_eq!(quote("a\x1b[31m\n\u{202e}\"ü"), r#"`a\u{1b}[31m\n\u{202e}"ü`"#);
        assert_eq!(quote(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
        assert_eq!(quote_all(["a", "b"].into_iter()), "`a`, `b`");
        let names: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        assert!(quote_all(names.iter()).ends_with("`19`, … (980 more)"));
    }
}
