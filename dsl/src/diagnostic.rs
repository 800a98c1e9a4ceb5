//! Diagnostics: what is wrong with a text, where, and the way out. How they look is `render`'s business.

use crate::codes::Code;
use pk_grammar::span::Span;

/// One finding in a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of mistake; the reference explains each.
    pub code: Code,
    /// Whether it stops compilation.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, names in backticks.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to say at [`Diagnostic::span`] itself; may be empty.
    pub label: String,
    /// Other places that matter.
    pub others: Vec<Label>,
    /// The way out, where one is known.
    pub help: Option<String>,
}

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text has a meaning, perhaps not the intended one.
    Warning,
    /// The text has no meaning.
    Error,
}

/// A note at another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What to know about it.
    pub message: String,
}

impl Diagnostic {
    /// An error of this kind at this place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: String::new(),
            others: Vec::new(),
            help: None,
        }
    }

    /// The report of a name that stands again where it may stand once.
    pub fn duplicate(again: Span, first: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::Duplicate, again, message).other(first, "it stands here first")
    }

    /// A warning of this kind at this place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// The same, saying `label` at its place.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// The same, with a note at another place.
    pub fn other(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.others.push(Label { span, message: message.into() });
        self
    }

    /// The same, with a way out.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}
