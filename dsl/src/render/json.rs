//! Diagnostics as JSON, for editors and other tools. Written by hand: a library for it would be the biggest dependency
//! of the language, and its comparisons with numbers would make the types of literals in host programs ambiguous.

use crate::diagnostic::{Diagnostic, Label, Severity};
use pk_grammar::span::Span;

/// The diagnostics as a JSON array of objects with `code`, `severity`, `message`, `span`, `label`, `labels` and
/// `help`. A span has byte offsets `start` and `end`, and the `line` and `column` of its start, counted from 1 in
/// characters.
///
/// ```
/// use pk_dsl::{codes::Code, diagnostic::Diagnostic, render::to_json};
/// use pk_grammar::span::Span;
///
/// let found = Diagnostic::error(Code::UnknownName, Span::new(4, 9), "unknown name `sqart`");
/// assert!(to_json("x + sqart", &[found]).contains(r#""code":"E0101""#));
/// ```
pub fn to_json(source: &str, diagnostics: &[Diagnostic]) -> String {
    let objects: Vec<String> = diagnostics.iter().map(|diagnostic| object(source, diagnostic)).collect();
    format!("[{}]", objects.join(","))
}

fn object(source: &str, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let label = |other: &Label| {
        format!(r#"{{"span":{},"message":{}}}"#, span(source, other.span), string(&other.message))
    };
    let labels: Vec<String> = diagnostic.others.iter().map(label).collect();
    format!(
        r#"{{"code":"{}","severity":"{severity}","message":{},"span":{},"label":{},"labels":[{}],"help":{}}}"#,
        diagnostic.code,
        string(&diagnostic.message),
        span(source, diagnostic.span),
        string(&diagnostic.label),
        labels.join(","),
        diagnostic.help.as_deref().map_or("null".to_string(), string),
    )
}

fn span(source: &str, span: Span) -> String {
    let before = &source.as_bytes()[..source.len().min(span.start as usize)];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // Every byte of a character but its first has the form 10xxxxxx.
    let column = 1 + before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    format!(r#"{{"start":{},"end":{},"line":{line},"column":{column}}}"#, span.start, span.end)
}

fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Code;
    use insta::assert_snapshot;

    #[test]
    fn every_part_has_its_field() {
        let found = Diagnostic::error(Code::MixedOperands, Span::new(5, 8), "mixed `f32` and `\u{1b}`")
            .label("here")
            .other(Span::new(0, 2), "an `f32`")
            .help("write \"f32(i)\"\n");
        assert_snapshot!(to_json("é\nab cd", &[found]), @r#"[{"code":"E0202","severity":"error","message":"mixed `f32` and `\u001b`","span":{"start":5,"end":8,"line":2,"column":3},"label":"here","labels":[{"span":{"start":0,"end":2,"line":1,"column":1},"message":"an `f32`"}],"help":"write \"f32(i)\"\u000a"}]"#);
    }

    #[test]
    fn a_span_past_the_end_has_the_last_position() {
        let found = Diagnostic::warning(Code::Unused, Span::new(90, 95), "unused");
        assert_snapshot!(to_json("a\nb", &[found]), @r#"[{"code":"W0901","severity":"warning","message":"unused","span":{"start":90,"end":95,"line":2,"column":2},"label":"","labels":[],"help":null}]"#);
        assert_eq!(to_json("", &[]), "[]");
    }
}
