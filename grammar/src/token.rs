//! The words of pk: what logos cuts the text into, and how each word is spelled.
//!
//! Only what one word alone decides belongs here. What needs its neighbours (brackets, the contextual `by`, the
//! limits) is done in [`crate::lexer`].

use std::fmt;

use logos::{Lexer, Logos, Skip};

use crate::literal::{self, FloatLiteral, IntLiteral, NumberFault};

/// Why a piece of text is no word of the language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// A character that starts no token.
    #[default]
    Character,
    /// A name with a letter outside ASCII.
    NonAsciiName,
    /// A malformed number.
    Number(NumberFault),
    /// `"…"` or `'…'`.
    Text,
    /// `/*` without its `*/`.
    UnterminatedComment,
}

/// The `///` lines seen since the last token; the lexer takes them when an item begins.
#[derive(Debug, Default)]
pub struct DocLines(pub(crate) Option<String>);

/// A word of the language.
///
/// The comments and the white space between words are skipped; `///` lines are put aside for the item below them.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(extras = DocLines)]
#[logos(error = Fault)]
#[logos(skip r"[ \t\r\n]+")]
#[logos(skip(r"//[^\n\r]*", line_comment, allow_greedy = true))]
#[logos(skip(r"/\*", block_comment))]
pub enum Token<'s> {
    /// `kernel`
    #[token("kernel")]
    Kernel,
    /// `fn`
    #[token("fn")]
    Fn,
    /// `const`
    #[token("const")]
    Const,
    /// `type`
    #[token("type")]
    Type,
    /// `let`
    #[token("let")]
    Let,
    /// `if`
    #[token("if")]
    If,
    /// `else`
    #[token("else")]
    Else,
    /// `loop`
    #[token("loop")]
    Loop,
    /// `for`
    #[token("for")]
    For,
    /// `in`
    #[token("in")]
    In,
    /// `while`
    #[token("while")]
    While,
    /// `true`
    #[token("true")]
    True,
    /// `false`
    #[token("false")]
    False,
    /// `by` where it gives the step of a slice; elsewhere it is an ordinary name. The lexer decides by place.
    By,

    /// A name.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*", name, priority = 2)]
    Name(&'s str),
    /// `_`
    #[token("_", priority = 10)]
    Underscore,
    /// `1`, `0xff`, `1_000u8`
    #[regex(r"[0-9][0-9A-Za-z_]*", |lex| literal::int(lex.slice()).map_err(Fault::Number), priority = 3)]
    Int(IntLiteral<'s>),
    /// `1.5`, `2.5e-3f32`, `1e9`
    #[regex(
        r"[0-9][0-9_]*(\.[0-9][0-9A-Za-z_]*|(\.[0-9][0-9_]*)?[eE][+-][0-9][0-9A-Za-z_]*|[eE][0-9][0-9A-Za-z_]*)",
        |lex| literal::float(lex.slice()).map_err(Fault::Number),
        priority = 20
    )]
    Float(FloatLiteral<'s>),
    /// `.0` of `t.0`: one token, so that `t.0.1` is two fields and not the float `0.1`.
    #[regex(r"\.[0-9][0-9A-Za-z_]*", |lex| literal::field(lex.slice()).map_err(Fault::Number))]
    DotInt(u32),

    /// `(`
    #[token("(")]
    OpenParen,
    /// `)`
    #[token(")")]
    CloseParen,
    /// `[`
    #[token("[")]
    OpenBracket,
    /// `]`
    #[token("]")]
    CloseBracket,
    /// `{`
    #[token("{")]
    OpenBrace,
    /// `}`
    #[token("}")]
    CloseBrace,
    /// `,`
    #[token(",")]
    Comma,
    /// `;`
    #[token(";")]
    Semicolon,
    /// `:`
    #[token(":")]
    Colon,
    /// `.`
    #[token(".")]
    Dot,
    /// `..`
    #[token("..")]
    DotDot,
    /// `->`
    #[token("->")]
    Arrow,
    /// `=`
    #[token("=")]
    Assign,

    /// `||`
    #[token("||")]
    OrElse,
    /// `&&`
    #[token("&&")]
    AndThen,
    /// `==`
    #[token("==")]
    Eq,
    /// `!=`
    #[token("!=")]
    Ne,
    /// `<`
    #[token("<")]
    Lt,
    /// `<=`
    #[token("<=")]
    Le,
    /// `>`
    #[token(">")]
    Gt,
    /// `>=`
    #[token(">=")]
    Ge,
    /// `|`
    #[token("|")]
    Pipe,
    /// `^`
    #[token("^")]
    Caret,
    /// `&`
    #[token("&")]
    Amp,
    /// `<<`
    #[token("<<")]
    Shl,
    /// `>>`
    #[token(">>")]
    Shr,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `**`
    #[token("**")]
    StarStar,
    /// `!`
    #[token("!")]
    Bang,

    /// Never made: here strings, which the language lacks, and words outside ASCII are caught whole.
    #[regex(r#""([^"\n\\]|\\[^\n])*"?"#, no_text)]
    #[regex(r"'([^'\n\\]|\\[^\n])*'?", no_text)]
    #[regex(r"[^\x00-\x7f]", beyond_ascii)]
    Text,
}

impl Token<'_> {
    /// Whether an item begins here. These words are reserved, so they stand nowhere else.
    pub fn starts_item(self) -> bool {
        matches!(self, Token::Kernel | Token::Fn | Token::Const | Token::Type)
    }

    /// Whether an operand may end here, so that an operator may follow.
    pub(crate) fn ends_operand(self) -> bool {
        use Token::*;
        matches!(
            self,
            Name(_)
                | Underscore
                | Int(_)
                | Float(_)
                | DotInt(_)
                | True
                | False
                | CloseParen
                | CloseBracket
                | CloseBrace
        )
    }

    /// Whether this is `(`, `[` or `{`.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Token::OpenParen | Token::OpenBracket | Token::OpenBrace)
    }

    /// Whether this is `)`, `]` or `}`.
    pub(crate) fn is_close(self) -> bool {
        matches!(self, Token::CloseParen | Token::CloseBracket | Token::CloseBrace)
    }

    /// The fixed spelling, or a word for the class (`name`, `integer`, `float`) where there is none.
    /// The grammar names its terminals the same way.
    pub fn spelling(self) -> &'static str {
        use Token::*;
        match self {
            Kernel => "kernel",
            Fn => "fn",
            Const => "const",
            Type => "type",
            Let => "let",
            If => "if",
            Else => "else",
            Loop => "loop",
            For => "for",
            In => "in",
            While => "while",
            True => "true",
            False => "false",
            By => "by",
            Name(_) => "name",
            Underscore => "_",
            Int(_) => "integer",
            Float(_) => "float",
            DotInt(_) => "field number",
            Text => "text",
            other => other.punctuation(),
        }
    }

    /// The spelling of the rest: brackets, punctuation and operators.
    fn punctuation(self) -> &'static str {
        use Token::*;
        match self {
            OpenParen => "(",
            CloseParen => ")",
            OpenBracket => "[",
            CloseBracket => "]",
            OpenBrace => "{",
            CloseBrace => "}",
            Comma => ",",
            Semicolon => ";",
            Colon => ":",
            Dot => ".",
            DotDot => "..",
            Arrow => "->",
            Assign => "=",
            OrElse => "||",
            AndThen => "&&",
            Eq => "==",
            Ne => "!=",
            Lt => "<",
            Le => "<=",
            Gt => ">",
            Ge => ">=",
            Pipe => "|",
            Caret => "^",
            Amp => "&",
            Shl => "<<",
            Shr => ">>",
            Plus => "+",
            Minus => "-",
            Star => "*",
            Slash => "/",
            Percent => "%",
            StarStar => "**",
            Bang => "!",
            _ => "",
        }
    }
}

impl fmt::Display for Token<'_> {
    /// The token as it would be written; names in full, so callers who show it to people shorten it first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Name(name) => f.write_str(name),
            Token::Int(int) => write!(f, "{}{}", int.value, int.suffix),
            Token::Float(float) => write!(f, "{}{}", float.digits, float.suffix),
            Token::DotInt(index) => write!(f, ".{index}"),
            other => f.write_str(other.spelling()),
        }
    }
}

/// Refuses a string or a character.
fn no_text<'s>(_: &mut Lexer<'s, Token<'s>>) -> Result<(), Fault> {
    Err(Fault::Text)
}

/// Refuses a word that begins outside ASCII.
fn beyond_ascii<'s>(lex: &mut Lexer<'s, Token<'s>>) -> Result<(), Fault> {
    if !lex.slice().starts_with(char::is_alphabetic) {
        return Err(Fault::Character);
    }
    swallow_word(lex);
    Err(Fault::NonAsciiName)
}

/// Refuses a name that goes on outside ASCII.
fn name<'s>(lex: &mut Lexer<'s, Token<'s>>) -> Result<&'s str, Fault> {
    let rest = lex.remainder();
    if rest.as_bytes().first().is_none_or(u8::is_ascii) || !rest.starts_with(char::is_alphanumeric) {
        return Ok(lex.slice());
    }
    swallow_word(lex);
    Err(Fault::NonAsciiName)
}

/// Takes in the rest of a word: one word, one error.
fn swallow_word<'s>(lex: &mut Lexer<'s, Token<'s>>) {
    let rest = lex.remainder();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    lex.bump(end);
}

/// Skips a `//` comment; puts a `///` line aside for the item below.
fn line_comment<'s>(lex: &mut Lexer<'s, Token<'s>>) -> Skip {
    let line = lex.slice();
    // As in Rust, four slashes are a rule across the page, not documentation.
    if let Some(text) = line.strip_prefix("///").filter(|text| !text.starts_with('/')) {
        let text = text.strip_prefix(' ').unwrap_or(text).trim_end();
        match &mut lex.extras.0 {
            Some(doc) => {
                doc.push('\n');
                doc.push_str(text);
            }
            none => *none = Some(text.to_owned()),
        }
    }
    Skip
}

/// Skips a `/* … */` comment. They nest; a counter does it, since text may nest them a million deep.
fn block_comment<'s>(lex: &mut Lexer<'s, Token<'s>>) -> Result<Skip, Fault> {
    let rest = lex.remainder().as_bytes();
    let (mut at, mut depth) = (0, 1_usize);
    while depth > 0 {
        match rest.get(at..at + 2) {
            Some(b"/*") => (at, depth) = (at + 2, depth + 1),
            Some(b"*/") => (at, depth) = (at + 2, depth - 1),
            Some(_) => at += 1,
            None => {
                lex.bump(rest.len());
                return Err(Fault::UnterminatedComment);
            }
        }
    }
    lex.bump(at);
    Ok(Skip)
}
