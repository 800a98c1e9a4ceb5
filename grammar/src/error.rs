//! Syntax errors as values: what is wrong, where, and what would help. No rendering, no codes: `pk-dsl` has those.
//!
//! Messages are lower case, without a full stop, with names in backticks. Text of the user is shortened and escaped
//! before it enters a message (see `quote`), so that no message can be made long or made to drive a terminal.

use std::fmt;

use crate::literal::NumberFault;
use crate::span::Span;

/// How many errors one parse keeps.
pub const MAX_ERRORS: usize = 20;

/// One mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where.
    pub span: Span,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl SyntaxError {
    /// An error without help.
    pub(crate) fn new(kind: SyntaxErrorKind, span: Span) -> SyntaxError {
        SyntaxError { kind, span, help: None }
    }

    /// The same with a help line.
    pub(crate) fn with_help(self, help: &str) -> SyntaxError {
        SyntaxError { help: Some(help.to_owned()), ..self }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for SyntaxError {}

/// The mistakes this crate can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// A token that cannot stand here.
    Unexpected {
        /// The token, quoted; or `end of file`.
        found: String,
        /// What could stand here, for people; empty where that would not help.
        expected: Vec<&'static str>,
    },
    /// A bracket that is open at the end of the text or of the item.
    Unclosed {
        /// The bracket.
        bracket: &'static str,
    },
    /// `if c { a }` without `else`.
    MissingElse,
    /// `a < b < c`
    ChainedComparison,
    /// A comprehension's `if` that is not behind its last range.
    MisplacedCondition,
    /// A range behind the named arguments of a call.
    MisplacedRange,
    /// `f(x, e for …)` or `x.f(e for …)`: the comprehension is not the only positional argument.
    MisplacedComprehension,
    /// A character that starts no token.
    Character(char),
    /// A control character or one that changes how the text around it is shown, anywhere in the text.
    Invisible(char),
    /// A name with a letter outside ASCII: the first such letter.
    NonAsciiName(char),
    /// A malformed number.
    Number(NumberFault),
    /// `"…"`
    Text,
    /// `/*` without its `*/`.
    UnterminatedComment,
    /// A text without a single item.
    Empty,
    /// A limit was passed.
    Limit {
        /// Which one.
        limit: LimitKind,
        /// Its value.
        allowed: usize,
    },
}

/// The limits that syntax can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// `Limits::source_bytes`
    SourceBytes,
    /// `Limits::tokens`
    Tokens,
    /// `Limits::nesting`
    Nesting,
    /// `Limits::height`
    Height,
    /// `Limits::identifier_bytes`
    IdentifierBytes,
    /// `Limits::params`
    Params,
    /// `Limits::functions`
    Functions,
}

impl fmt::Display for SyntaxErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SyntaxErrorKind::*;
        match self {
            Unexpected { found, expected } if expected.is_empty() => write!(f, "unexpected {found}"),
            Unexpected { found, expected } => write!(f, "expected {}, found {found}", Alternatives(expected)),
            Unclosed { bracket } => write!(f, "this `{bracket}` is never closed"),
            MissingElse => f.write_str("an `if` without `else`"),
            ChainedComparison => f.write_str("comparison operators cannot be chained"),
            MisplacedCondition => f.write_str("the `if` of a comprehension must follow its last range"),
            MisplacedRange => f.write_str("the ranges of a comprehension must stand before named arguments"),
            MisplacedComprehension => {
                f.write_str("a comprehension without brackets must be the only positional argument")
            }
            Character(c) => write!(f, "unknown character {}", Codepoint(*c)),
            Invisible(c) => write!(f, "the character {} is not allowed in a source text", Codepoint(*c)),
            NonAsciiName(c) => {
                write!(f, "names consist of ASCII letters, digits and `_`, not {}", Codepoint(*c))
            }
            Number(fault) => fault.fmt(f),
            Text => f.write_str("there are no strings in this language"),
            UnterminatedComment => f.write_str("this comment is never closed"),
            Empty => f.write_str("the text declares nothing"),
            Limit { limit, allowed } => limit.message(*allowed, f),
        }
    }
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberFault::NoDigits => "a number without digits",
            NumberFault::Digit => "a digit that is too large for the base of this number",
            NumberFault::Underscore => "an underscore in a number must stand between two digits",
            NumberFault::Exponent => "an exponent without digits",
            NumberFault::Suffix => "a number directly followed by letters that are no type for it",
            NumberFault::TooLarge => "an integer too large for any type",
            NumberFault::Field => "a dot must be followed by a plain field number, as in `t.0`, or by a name",
        })
    }
}

impl LimitKind {
    fn message(self, allowed: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitKind::SourceBytes => write!(f, "the text is longer than the limit of {allowed} bytes"),
            LimitKind::Tokens => write!(f, "the text has more than the limit of {allowed} tokens"),
            LimitKind::Nesting => write!(f, "nested deeper than the limit of {allowed} levels"),
            LimitKind::Height => write!(f, "an expression taller than the limit of {allowed} levels"),
            LimitKind::IdentifierBytes => write!(f, "a name longer than the limit of {allowed} bytes"),
            LimitKind::Params => write!(f, "more parameters than the limit of {allowed}"),
            LimitKind::Functions => write!(f, "more kernels and functions than the limit of {allowed}"),
        }
    }
}

/// `a`, `a or b`, `a, b or c`
struct Alternatives<'a>(&'a [&'static str]);

impl fmt::Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            let separator = match at {
                0 => "",
                _ if at + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

/// A character by number, and by shape where showing it does no harm.
struct Codepoint(char);

impl fmt::Display for Codepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Scripts that run from right to left would disorder the line.
        let is_tame = self.0.is_ascii_graphic() || (self.0 < '\u{590}' && self.0.is_alphanumeric());
        if is_tame {
            write!(f, "`{}` ", self.0)?;
        }
        write!(f, "U+{:04X}", u32::from(self.0))
    }
}

/// `text` between backticks, at most some forty bytes of it, with everything but plain ASCII escaped.
pub(crate) fn quote(text: &str) -> String {
    const MOST: usize = 32;
    let mut quoted = String::from("`");
    for c in text.chars() {
        if quoted.len() > MOST {
            quoted.push('…');
            break;
        }
        match c {
            ' '..='~' => quoted.push(c),
            other => quoted.extend(other.escape_unicode()),
        }
    }
    quoted.push('`');
    quoted
}

/// The errors of one parse: in the order they were found, at most [`MAX_ERRORS`], never two at one place.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    list: Vec<SyntaxError>,
}

impl Errors {
    /// Keeps `error`, unless there is one at its place already or there are enough.
    pub(crate) fn push(&mut self, error: SyntaxError) {
        let known = self.list.iter().any(|e| e.span.start == error.span.start);
        if !known && !self.is_full() {
            self.list.push(error);
        }
    }

    /// Keeps `error`, or lets the last one cover it too where it directly follows and is of the same sort:
    /// a run of unknown characters is one mistake.
    pub(crate) fn push_adjacent(&mut self, error: SyntaxError) {
        let same = |last: &SyntaxError| {
            last.span.end == error.span.start
                && std::mem::discriminant(&last.kind) == std::mem::discriminant(&error.kind)
        };
        match self.list.last_mut().filter(|last| same(last)) {
            Some(last) => last.span.end = error.span.end,
            None => self.push(error),
        }
    }

    /// Whether no more will be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MAX_ERRORS
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them lies within `span`.
    pub(crate) fn any_within(&self, span: Span) -> bool {
        self.list.iter().any(|e| span.start <= e.span.start && e.span.start < span.end)
    }

    /// All of them, in the order of the text.
    pub(crate) fn into_sorted(mut self) -> Vec<SyntaxError> {
        self.list.sort_by_key(|e| (e.span.start, e.span.end));
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_user_is_short_and_plain() {
        assert_eq!(quote("x"), "`x`");
        assert_eq!(quote("\u{1b}[31m"), "`\\u{1b}[31m`");
        assert!(quote(&"a".repeat(1000)).len() < 45);
        assert!(quote(&"\u{10ffff}".repeat(1000)).len() < 55);
    }

    #[test]
    fn alternatives_read_as_a_sentence() {
        let message =
            |expected| SyntaxErrorKind::Unexpected { found: "`x`".to_owned(), expected }.to_string();
        assert_eq!(message(vec![]), "unexpected `x`");
        assert_eq!(message(vec!["a name"]), "expected a name, found `x`");
        assert_eq!(message(vec!["`,`", "`;`", "`)`"]), "expected `,`, `;` or `)`, found `x`");
    }

    #[test]
    fn one_error_a_place_and_twenty_in_all() {
        let mut errors = Errors::default();
        let error = |at| SyntaxError::new(SyntaxErrorKind::Empty, Span::new(at, at + 1));
        for at in (0..100).rev() {
            errors.push(error(at));
            errors.push(error(at));
        }
        let sorted = errors.into_sorted();
        assert_eq!(sorted.len(), MAX_ERRORS);
        assert!(sorted.is_sorted_by_key(|error| error.span.start));
    }
}
