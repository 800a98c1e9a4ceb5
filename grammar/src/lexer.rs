//! From the text to a list of tokens: everything that can be said without a grammar.
//!
//! Errors are collected and lexing goes on, with a stand-in for a malformed word so that the parser does not stumble
//! over the same mistake. Only a passed limit ends the list early. Grammar does not enter here, except for the two
//! things tokens need their neighbours for: the contextual `by` and the depth (see `nesting.rs`).

use logos::Logos;

use crate::error::{Errors, LimitKind, SyntaxError, SyntaxErrorKind};
use crate::limits::Limits;
use crate::literal::{IntLiteral, NumberFault};
use crate::nesting::Nesting;
use crate::span::Span;
use crate::token::{Fault, Token};

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lexeme<'s> {
    /// The token.
    pub token: Token<'s>,
    /// Where it stands.
    pub span: Span,
}

/// A text cut into tokens.
#[derive(Debug)]
pub(crate) struct Lexed<'s> {
    /// The tokens.
    pub(crate) tokens: Vec<Lexeme<'s>>,
    /// The doc comments, each with the index of the token that starts its item; in order.
    pub(crate) docs: Vec<(usize, String)>,
    /// What was wrong.
    pub(crate) errors: Errors,
    /// Whether the list ends before the text does, because a limit was passed.
    pub(crate) is_cut: bool,
}

/// Cuts `source` into tokens.
pub(crate) fn tokenize<'s>(source: &'s str, limits: &Limits) -> Lexed<'s> {
    let mut lexed = Lexed { tokens: Vec::new(), docs: Vec::new(), errors: Errors::default(), is_cut: false };
    let longest = limits.source_bytes.min(u32::MAX as usize);
    if source.len() > longest {
        let error = limit_error(LimitKind::SourceBytes, longest, Span::new(0, 0));
        lexed.errors.push(error);
        lexed.is_cut = true;
        return lexed;
    }
    find_invisible(source, &mut lexed.errors);
    if let Err(limit) = fill(source, limits, &mut lexed) {
        lexed.errors.push(limit);
        lexed.is_cut = true;
    }
    lexed
}

/// Appends the tokens of `source`; stops with the error of a passed limit.
fn fill<'s>(source: &'s str, limits: &Limits, lexed: &mut Lexed<'s>) -> Result<(), SyntaxError> {
    const BYTE_ORDER_MARK: char = '\u{feff}';
    let mut words = Token::lexer(source);
    if source.starts_with(BYTE_ORDER_MARK) {
        words.bump(BYTE_ORDER_MARK.len_utf8());
    }
    let mut nesting = Nesting::new();
    let mut previous = None;
    while let Some(word) = words.next() {
        let span = Span::new(words.span().start, words.span().end);
        let doc = words.extras.0.take();
        let token = match word {
            Ok(Token::Name("by")) if nesting.is_by_keyword(previous) && !ends_index(words.remainder()) => {
                Token::By
            }
            Ok(Token::Name(name)) if name.len() > limits.identifier_bytes => {
                lexed.errors.push(limit_error(LimitKind::IdentifierBytes, limits.identifier_bytes, span));
                NAMELESS
            }
            Ok(word) => word,
            Err(fault) => {
                report(fault, words.slice(), span, previous, &mut lexed.errors);
                match stand_in(fault) {
                    Some(word) => word,
                    None => continue,
                }
            }
        };
        if lexed.tokens.len() >= limits.tokens {
            return Err(limit_error(LimitKind::Tokens, limits.tokens, span));
        }
        if nesting.advance(previous, token) > limits.nesting {
            return Err(limit_error(LimitKind::Nesting, limits.nesting, span));
        }
        if let Some(doc) = doc.filter(|_| token.starts_item()) {
            lexed.docs.push((lexed.tokens.len(), doc));
        }
        lexed.tokens.push(Lexeme { token, span });
        previous = Some(token);
    }
    Ok(())
}

/// Stands for a name that was refused.
const NAMELESS: Token<'static> = Token::Name("_");

/// Whether `rest` goes on with the end of an index: a `by` before it has no step and must be a name.
fn ends_index(rest: &str) -> bool {
    rest.trim_start().starts_with([',', ']'])
}

fn limit_error(limit: LimitKind, allowed: usize, span: Span) -> SyntaxError {
    SyntaxError::new(SyntaxErrorKind::Limit { limit, allowed }, span)
}

/// What the parser gets in place of a word that is none, so that the mistake is reported once.
fn stand_in(fault: Fault) -> Option<Token<'static>> {
    match fault {
        Fault::Character | Fault::UnterminatedComment => None,
        Fault::NonAsciiName => Some(NAMELESS),
        Fault::Number(NumberFault::Field) => Some(Token::DotInt(0)),
        Fault::Number(_) | Fault::Text => Some(Token::Int(IntLiteral { value: 0, suffix: "" })),
    }
}

/// Reports `text`, which is no word.
fn report(fault: Fault, text: &str, span: Span, previous: Option<Token<'_>>, errors: &mut Errors) {
    let first = text.chars().next().unwrap_or_default();
    let (kind, help) = match fault {
        // These have been reported for the text as a whole.
        Fault::Character if is_invisible(first) => return,
        Fault::Character => (SyntaxErrorKind::Character(first), character_help(first)),
        Fault::NonAsciiName => {
            let letter = text.chars().find(|c| !c.is_ascii()).unwrap_or(first);
            (SyntaxErrorKind::NonAsciiName(letter), None)
        }
        Fault::Number(fault) => (SyntaxErrorKind::Number(fault), number_help(fault, previous)),
        Fault::Text => (SyntaxErrorKind::Text, None),
        Fault::UnterminatedComment => {
            let opener = Span { start: span.start, end: span.start + 2 };
            return errors.push(SyntaxError::new(SyntaxErrorKind::UnterminatedComment, opener));
        }
    };
    errors.push_adjacent(SyntaxError { kind, span, help: help.map(str::to_owned) });
}

fn character_help(c: char) -> Option<&'static str> {
    match c {
        '?' => Some("a choice is written `if c { a } else { b }`"),
        '~' => Some("the bits of an integer are flipped with `!`"),
        '#' => Some("a comment starts with `//`"),
        '@' => Some(
            "the matrix product is spelled out: `[sum(a[i, l] * b[l, j] for l in 0..k) for i in 0..n, j in 0..m]`",
        ),
        '×' | '·' => Some("multiplication is written `*`"),
        '−' | '–' => Some("minus is written `-`"),
        '≤' => Some("write `<=`"),
        '≥' => Some("write `>=`"),
        '≠' => Some("write `!=`"),
        _ => None,
    }
}

fn number_help(fault: NumberFault, previous: Option<Token<'_>>) -> Option<&'static str> {
    match fault {
        NumberFault::Suffix => {
            Some("types that may follow a number: `i8` … `i64`, `u8` … `u64`, `f32`, `f64`")
        }
        NumberFault::TooLarge => {
            Some("the largest integer is 18446744073709551615; a float has a dot: `1.0e30`")
        }
        NumberFault::Field if !previous.is_some_and(Token::ends_operand) => {
            Some("a float has digits on both sides of the dot: `0.5`")
        }
        _ => None,
    }
}

/// Reports control characters, line separators and characters that change the direction of text, wherever they stand:
/// in a comment too they can make a text look like another one.
fn find_invisible(source: &str, errors: &mut Errors) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    if source.bytes().all(is_plain) {
        return;
    }
    for (at, c) in source.char_indices().filter(|&(_, c)| is_invisible(c)) {
        let span = Span::new(at, at + c.len_utf8());
        errors.push_adjacent(SyntaxError::new(SyntaxErrorKind::Invisible(c), span));
        if errors.is_full() {
            return;
        }
    }
}

fn is_invisible(c: char) -> bool {
    let is_space = matches!(c, '\t' | '\n' | '\r');
    let is_bidi =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_line_break = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() && !is_space || is_bidi || is_line_break
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump;

    /// The tokens of `text`, one blank between them.
    fn words(text: &str) -> String {
        let dump = dump::tokens(text, &Limits::default());
        let words = dump.lines().map(|line| line.rsplit(' ').next().unwrap_or_default());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The messages for `text`.
    fn messages(text: &str) -> Vec<String> {
        let errors = tokenize(text, &Limits::default()).errors.into_sorted();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn dots() {
        assert_eq!(words("0..n"), "0 .. n");
        assert_eq!(words("1.5..2.5"), "1.5 .. 2.5");
        assert_eq!(words("t.0.1"), "t .0 .1");
        assert_eq!(words("t.0..5"), "t .0 .. 5");
        assert_eq!(words("1..2"), "1 .. 2");
        assert_eq!(words("1.abs()"), "1 . abs ( )");
        assert_eq!(words(".5."), ".5 .");
    }

    #[test]
    fn numbers_end_where_they_should() {
        assert_eq!(words("1e-3 1e3 1-3 0x1e-3 1.5e3f32"), "1e-3 1e3 1 - 3 30 - 3 1.5e3f32");
        assert_eq!(messages("1e-x"), ["an exponent without digits"]);
        assert_eq!(messages("1km 0x 1_").len(), 3);
        assert_eq!(messages("\"text\" 'c' \"open"), ["there are no strings in this language"; 3]);
    }

    #[test]
    fn longest_operator_wins() {
        assert_eq!(
            words("a**b<<c<=d->e||f|g&&h&i==j=k!=l!m>>n>=o"),
            "a ** b << c <= d -> e || f | g && h & i == j = k != l ! m >> n >= o"
        );
    }

    #[test]
    fn by_is_a_keyword_in_slices_only() {
        let is_keyword = |text: &str| {
            let tokens = tokenize(text, &Limits::default()).tokens;
            tokens.iter().filter(|lexeme| lexeme.token == Token::By).count()
        };
        assert_eq!(is_keyword("x[a..b by 2]"), 1);
        assert_eq!(is_keyword("x[.. by 2, by..by by by]"), 2);
        assert_eq!(is_keyword("x[..by] x[.. by , 1]"), 0);
        assert_eq!(is_keyword("fn by(by: i64) -> T = x.by + [by for by in 0..by];"), 0);
    }

    #[test]
    fn white_space_and_comments_are_skipped() {
        assert_eq!(words("\u{feff}a\r\nb\rc\td // x\r\n/* y /* z */ */ e // end"), "a b c d e");
        assert_eq!(messages("a /* b /* c */"), ["this comment is never closed"]);
        assert!(messages("// größe «»").is_empty());
    }

    #[test]
    fn doc_comments_stay_with_their_item() {
        let docs = |text| tokenize(text, &Limits::default()).docs;
        assert_eq!(docs("/// a\r\n///b\n//// no\n// no\nfn"), [(0, "a\nb".to_owned())]);
        assert_eq!(docs("/// lost\nx /// lost\n + fn").len(), 0);
    }

    #[test]
    fn strange_characters_are_named() {
        assert_eq!(messages("a @@@ b"), ["unknown character `@` U+0040"]);
        assert_eq!(
            messages("gr\u{f6}\u{df}e"),
            ["names consist of ASCII letters, digits and `_`, not `ö` U+00F6"]
        );
        assert_eq!(messages("\u{391}"), ["names consist of ASCII letters, digits and `_`, not `Α` U+0391"]);
        assert_eq!(messages("a\0\0b"), ["the character U+0000 is not allowed in a source text"]);
        assert_eq!(messages("a\u{1b}[m"), ["the character U+001B is not allowed in a source text"]);
        assert_eq!(messages("// \u{202e}"), ["the character U+202E is not allowed in a source text"]);
        assert_eq!(messages("/* \u{2028} */"), ["the character U+2028 is not allowed in a source text"]);
        assert_eq!(messages("a\u{a0}b"), ["unknown character U+00A0"]);
        assert_eq!(messages("a \u{feff}"), ["unknown character U+FEFF"]);
    }
}
