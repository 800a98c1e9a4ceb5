//! Syntax errors as diagnostics: which code each kind has.

use crate::{codes::Code, diagnostic::Diagnostic};
use pk_grammar::{SyntaxError, SyntaxErrorKind};

/// The diagnostic for a syntax error.
pub(crate) fn diagnostic(error: &SyntaxError) -> Diagnostic {
    use SyntaxErrorKind as Kind;
    let code = match error.kind {
        Kind::Character(_) | Kind::Invisible(_) | Kind::NonAsciiName(_) | Kind::Text => Code::Character,
        Kind::Number(_) => Code::Literal,
        Kind::UnterminatedComment => Code::Unterminated,
        Kind::ChainedComparison => Code::Chained,
        Kind::Empty => Code::Empty,
        Kind::Limit { .. } => Code::Limit,
        _ => Code::Syntax,
    };
    let diagnostic = Diagnostic::error(code, error.span, error.to_string());
    match &error.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
