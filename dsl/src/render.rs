//! Diagnostics as text and as JSON. The only room that knows codespan-reporting.
//!
//! Whatever stands in a source text, a path or a message, the output holds no control characters but line feeds (and
//! the colours asked for), and no line of the source is shown at more than a screen's width.

mod excerpt;
mod json;

pub use json::to_json;

use crate::diagnostic::{Diagnostic, Severity};
use codespan_reporting::{diagnostic as report, term};
use excerpt::Excerpt;

/// The diagnostics as a person reads them, with the lines of `source` that they speak of; `name` names the source.
///
/// ```
/// use pk_dsl::{codes::Code, diagnostic::Diagnostic, render::render};
/// use pk_grammar::span::Span;
///
/// let found = Diagnostic::error(Code::UnknownName, Span::new(4, 8), "unknown name `sqart`");
/// let text = render("x + sqart", "norm.pk", &[found], false);
/// assert!(text.starts_with("error[E0101]: unknown name `sqart`"));
/// ```
pub fn render(source: &str, name: &str, diagnostics: &[Diagnostic], color: bool) -> String {
    let config = term::Config::default();
    let mut text = String::new();
    for diagnostic in diagnostics {
        let excerpt = Excerpt::new(source, &excerpt::escape(name), diagnostic);
        let report = report(diagnostic, &excerpt);
        // Both writers take everything, and the excerpt has every line of every label.
        let _ = match color {
            false => {
                let mut plain = String::new();
                let written = term::emit_to_string(&mut plain, &config, &excerpt, &report);
                plain.lines().for_each(|line| text.extend([line.trim_end(), "\n"]));
                written
            }
            true => {
                let mut ansi = term::termcolor::Ansi::new(Vec::new());
                let written = term::emit_to_write_style(&mut ansi, &config, &excerpt, &report);
                text.push_str(&String::from_utf8_lossy(&ansi.into_inner()));
                written
            }
        };
    }
    text
}

fn report(diagnostic: &Diagnostic, excerpt: &Excerpt) -> report::Diagnostic<()> {
    let severity = match diagnostic.severity {
        Severity::Warning => report::Severity::Warning,
        Severity::Error => report::Severity::Error,
    };
    let primary = report::Label::primary((), excerpt.shown(diagnostic.span))
        .with_message(excerpt::escape(&diagnostic.label));
    let others = diagnostic.others.iter().map(|other| {
        report::Label::secondary((), excerpt.shown(other.span)).with_message(excerpt::escape(&other.message))
    });
    report::Diagnostic::new(severity)
        .with_code(diagnostic.code.to_string())
        .with_message(excerpt::escape(&diagnostic.message))
        .with_labels(std::iter::once(primary).chain(others).collect())
        .with_notes(diagnostic.help.iter().map(|help| help_note(help)).collect())
}

/// The way out as a note; its line breaks are meant.
fn help_note(help: &str) -> String {
    let lines: Vec<String> = help.lines().map(excerpt::escape).collect();
    format!("help: {}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Code;
    use insta::assert_snapshot;
    use pk_grammar::span::Span;

    fn error(start: usize, end: usize) -> Diagnostic {
        Diagnostic::error(Code::Mismatch, Span::new(start, end), "expected `f32`, found `i64`").label("`i64`")
    }

    fn show(source: &str, diagnostic: Diagnostic) -> String {
        render(source, "dot.pk", &[diagnostic], false)
    }

    #[test]
    fn labels_and_help_are_shown() {
        let source = "kernel f(x: f32, n: i64) -> f32 =\n    x * n;\n";
        let found = error(42, 43).other(Span::new(17, 23), "declared here").help("write `f32(n)`");
        assert_snapshot!(show(source, found), @"
        error[E0201]: expected `f32`, found `i64`
          ┌─ dot.pk:2:9
          │
        1 │ kernel f(x: f32, n: i64) -> f32 =
          │                  ------ declared here
        2 │     x * n;
          │         ^ `i64`
          │
          = help: write `f32(n)`
        ");
    }

    #[test]
    fn control_characters_are_escaped_everywhere() {
        let found = error(1, 2).help("no \u{1b}[31m");
        let text = render("a\u{1b}[2J\u{202e}b\r\nc", "a\u{7}\n.pk", &[found], false);
        assert_snapshot!(text, @r"
        error[E0201]: expected `f32`, found `i64`
          ┌─ a\u{7}\u{a}.pk:1:2
          │
        1 │ a\u{1b}[2J\u{202e}b
          │  ^^^^^^ `i64`
          │
          = help: no \u{1b}[31m
        ");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }

    #[test]
    fn long_lines_are_clipped_around_the_place() {
        let source = format!("{}bad{}", "x".repeat(70_000), "y".repeat(70_000));
        let text = show(&source, error(70_000, 70_003));
        assert!(text.contains("dot.pk:1:70001"), "{text}");
        assert!(text.contains("bad"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 250), "{text}");
    }

    #[test]
    fn any_span_can_be_shown() {
        for source in
            ["", "\n", "a", "é\n\u{1F980}", "\u{feff}a\r\n\r\n", "one\ntwo\nthree\nfour\nfive\nsix\nseven"]
        {
            for start in 0..12 {
                for end in [0, start, start + 1, start + 30, usize::MAX] {
                    let found = error(start, end).other(Span::new(end, start), "here");
                    let text = show(source, found);
                    assert!(
                        text.contains("E0201") && text.contains("dot.pk:"),
                        "{source:?} {start}..{end}:\n{text}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        assert_snapshot!(show("kernel f(", error(9, 9)), @"
        error[E0201]: expected `f32`, found `i64`
          ┌─ dot.pk:1:10
          │
        1 │ kernel f(
          │          ^ `i64`
        ");
    }

    #[test]
    fn colour_is_there_only_if_asked_for() {
        let found = error(0, 1);
        assert!(render("abc", "a.pk", std::slice::from_ref(&found), true).contains('\u{1b}'));
        assert!(!render("abc", "a.pk", &[found], false).contains('\u{1b}'));
    }
}
