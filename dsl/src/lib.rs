//! The meaning of pk: from text to typed HIR, and all diagnostics. Pure: no input, no output, no back end.
//!
//! [`check`] is the way in; [`builtins`] is the one table of builtins; [`render`] turns diagnostics into text.
#![forbid(unsafe_code)]

pub mod builtins;
mod check;
pub mod codes;
pub mod diagnostic;
pub mod hir;
pub mod print;
pub mod render;
pub mod scalar;
pub mod signature;
pub mod size;
mod syntax;
pub mod types;

use diagnostic::{Diagnostic, Severity};
use pk_grammar::limits::Limits;

/// A program without errors.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it means.
    pub program: hir::Program,
    /// What may not be intended.
    pub warnings: Vec<Diagnostic>,
}

/// How many diagnostics one check gives at most; the rest is most often a consequence.
const MAX_DIAGNOSTICS: usize = 20;

/// Parses and checks a program.
///
/// ```
/// let limits = pk_grammar::limits::Limits::default();
/// let errors = pk_dsl::check("kernel half(x: f32) -> f32 = x / 2;", &limits);
/// assert!(errors.is_ok());
/// let errors = pk_dsl::check("kernel half(x: f32) -> f32 = y / 2;", &limits).unwrap_err();
/// assert_eq!(errors[0].message, "nothing is named `y`");
/// ```
///
/// # Errors
///
/// Every mistake found, in the order of the text, at most 20. A text with syntax errors is not checked further.
pub fn check(source: &str, limits: &Limits) -> Result<Checked, Vec<Diagnostic>> {
    let parsed = pk_grammar::parse(source, limits);
    if !parsed.errors.is_empty() {
        return Err(parsed.errors.iter().map(syntax::diagnostic).collect());
    }
    let (program, mut diagnostics) = check::check(&parsed.ast, source, limits);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        diagnostics.truncate(MAX_DIAGNOSTICS);
        return Err(diagnostics);
    }
    if program.kernels.is_empty() {
        let span = pk_grammar::span::Span::default();
        let error = Diagnostic::error(codes::Code::Empty, span, "the text declares no kernel")
            .help("a kernel is what the host calls: `kernel name(x: [f32; n]) -> f32 = sum(x);`");
        return Err(vec![error]);
    }
    diagnostics.truncate(MAX_DIAGNOSTICS);
    Ok(Checked { program, warnings: diagnostics })
}
