//! From what the generated parser complains about to what a person is told.
//!
//! Two jobs: to say in human words what was expected, and to keep quiet about mistakes that only follow from another
//! one. What to do about a mistake is in [`crate::hints`].

use std::convert::Infallible;

use lalrpop_util::{ErrorRecovery, ParseError};

use crate::builder::Builder;
use crate::error::{SyntaxError, SyntaxErrorKind, quote};
use crate::hints::{self, Place};
use crate::lexer::Lexeme;
use crate::span::Span;
use crate::token::Token;

/// A complaint of the generated parser.
pub(crate) type Complaint<'s> = ParseError<u32, Token<'s>, Infallible>;

impl<'s> Builder<'s> {
    /// Reports what lalrpop recovered from by dropping the tokens in `place`. Gives the place back.
    pub(crate) fn recovered(
        &mut self,
        place: Span,
        recovery: ErrorRecovery<u32, Token<'s>, Infallible>,
    ) -> Span {
        self.complain(recovery.error);
        let dropped = self.token_at(place.start)..self.token_at(place.end);
        // Where brackets were lost, the rest of the item will not fit whatever it says.
        let is_balanced = self.tokens[dropped.clone()].iter().fold(0_isize, |depth, lexeme| {
            depth + isize::from(lexeme.token.is_open()) - isize::from(lexeme.token.is_close())
        }) == 0;
        let goes_on = self.control.recover() && is_balanced;
        // What follows directly, such as the `}` behind a `;` that should not be there, belongs to the same mistake.
        let muted = if goes_on { dropped.end + 2 } else { self.item.end + 1 };
        self.muted = self.muted.max(muted);
        place
    }

    /// Reports `complaint`, unless it follows from a mistake that is known already.
    pub(crate) fn complain(&mut self, complaint: Complaint<'s>) {
        let (found, expected) = match complaint {
            ParseError::UnrecognizedToken { token, expected } => (self.token_at(token.0), expected),
            ParseError::UnrecognizedEof { expected, .. } => (self.item.end, expected),
            ParseError::ExtraToken { token } => (self.token_at(token.0), Vec::new()),
            ParseError::InvalidToken { .. } => return,
            ParseError::User { error } => match error {},
        };
        if self.control.is_stopped() || found < self.muted || self.follows_lexical_error(found) {
            return;
        }
        if expected.is_empty() {
            return self.complain_item(found);
        }
        let error = self.describe(found, &expected);
        self.errors.push(error);
        if self.errors.is_full() {
            self.control.stop();
        }
    }

    /// The index of the first token at or behind `offset`, at most the end of the item.
    fn token_at(&self, offset: u32) -> usize {
        let item = &self.tokens[self.item.clone()];
        self.item.start + item.partition_point(|lexeme| lexeme.span.start < offset)
    }

    /// Whether the lexer has left something out right before token `at`.
    fn follows_lexical_error(&self, at: usize) -> bool {
        let start = at.checked_sub(1).map_or(0, |previous| self.tokens[previous].span.end);
        let end = self.tokens.get(at).map_or(u32::MAX, |lexeme| lexeme.span.start);
        self.errors.any_within(Span { start, end })
    }

    /// The error for token `found`, where `expected` could have stood.
    fn describe(&mut self, found: usize, expected: &[String]) -> SyntaxError {
        let mut expected: Vec<&str> = expected.iter().map(|name| name.trim_matches('"')).collect();
        // An operator that stands alone makes the list long and is seldom meant.
        if expected.contains(&"integer") {
            expected.retain(|name| !is_infix(name));
        }
        let place = Place { expected: &expected, ..self.place(found) };
        if found == self.item.end
            && let Some(opener) = innermost_open(&self.tokens[self.item.clone()])
        {
            self.is_unclosed = true;
            let bracket = self.tokens[self.item.start + opener];
            let kind = SyntaxErrorKind::Unclosed { bracket: bracket.token.spelling() };
            return with_hint(SyntaxError::new(kind, bracket.span), hints::unclosed(&place));
        }
        let kind = if expected == ["else"] {
            SyntaxErrorKind::MissingElse
        } else {
            SyntaxErrorKind::Unexpected { found: self.show(found), expected: group(&expected) }
        };
        with_hint(SyntaxError::new(kind, self.span_of(found)), hints::hint(&place))
    }

    fn place(&self, found: usize) -> Place<'s> {
        Place { source: self.source, tokens: self.tokens, found, item: self.item.clone(), expected: &[] }
    }

    /// Where token `found` stands; behind the last one, the end of the text.
    fn span_of(&self, found: usize) -> Span {
        let end = self.tokens.last().map_or(0, |lexeme| lexeme.span.end);
        self.tokens.get(found).map_or(Span { start: end, end }, |lexeme| lexeme.span)
    }

    fn show(&self, found: usize) -> String {
        match self.tokens.get(found) {
            Some(lexeme) => quote(&self.source[lexeme.span.range()]),
            None => "the end of the text".to_owned(),
        }
    }

    /// Reports that something else than an item stands at token `found`.
    pub(crate) fn complain_item(&mut self, found: usize) {
        if self.is_unclosed || self.follows_lexical_error(found) {
            return;
        }
        let kind = SyntaxErrorKind::Unexpected { found: self.show(found), expected: vec!["an item"] };
        let error = SyntaxError::new(kind, self.span_of(found));
        self.errors.push(with_hint(error, hints::item_hint(&self.place(found))));
    }
}

fn with_hint(error: SyntaxError, hint: Option<&str>) -> SyntaxError {
    match hint {
        Some(hint) => error.with_help(hint),
        None => error,
    }
}

/// The index of the last bracket that nothing closes.
fn innermost_open(tokens: &[Lexeme<'_>]) -> Option<usize> {
    let mut open = Vec::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        if lexeme.token.is_open() {
            open.push(at);
        } else if lexeme.token.is_close() {
            open.pop();
        }
    }
    open.pop()
}

/// Whether `name` is a terminal that only ever goes between two operands.
fn is_infix(name: &str) -> bool {
    const INFIX: [&str; 18] =
        ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "^", "&", "<<", ">>", "+", "*", "/", "%", "**", ".."];
    INFIX.contains(&name)
}

/// Terminals that are named one by one.
const SINGLES: [(&str, &str); 15] = [
    ("let", "`let`"),
    ("=", "`=`"),
    (":", "`:`"),
    ("->", "`->`"),
    (",", "`,`"),
    (";", "`;`"),
    (")", "`)`"),
    ("]", "`]`"),
    ("}", "`}`"),
    ("..", "`..`"),
    ("in", "`in`"),
    ("else", "`else`"),
    ("for", "`for`"),
    ("while", "`while`"),
    ("by", "`by`"),
];

/// Terminals that also begin or go on with an expression; they are named only where there is none.
const OPENERS: [(&str, &str); 6] =
    [("(", "`(`"), ("[", "`[`"), ("{", "`{`"), ("|", "`|`"), ("<", "`<`"), (">", "`>`")];

/// What could stand at a place, in the words of people: groups first, then single tokens.
fn group(expected: &[&str]) -> Vec<&'static str> {
    const MOST: usize = 6;
    let has = |name: &str| expected.contains(&name);
    let (is_expr, is_operator) = (has("integer"), has("*") && !has("integer"));
    let is_type_or_pattern = !is_expr && has("name") && has("(");
    let mut names = Vec::new();
    if is_expr {
        names.push("an expression");
    } else if is_type_or_pattern {
        names.push(if has("_") { "a pattern" } else { "a type" });
    } else if has("name") {
        names.push("a name");
    }
    // Behind an operand a colon or a `for` is possible, but seldom what is missing.
    let is_rare = |name: &str| is_operator && matches!(name, ":" | "for");
    names.extend(SINGLES.iter().filter(|(name, _)| has(name) && !is_rare(name)).map(|(_, shown)| *shown));
    if is_operator {
        names.push("an operator");
        names.extend(has("{").then_some("`{`"));
    } else if !is_expr {
        let is_part = |name: &str| is_type_or_pattern && matches!(name, "(" | "[");
        names.extend(OPENERS.iter().filter(|(name, _)| has(name) && !is_part(name)).map(|(_, shown)| *shown));
    }
    names.truncate(MOST);
    names
}
