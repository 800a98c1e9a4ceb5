//! A source text with its name.

use pk_dsl::{diagnostic::Diagnostic, render};
use pk_grammar::span::Span;
use std::fmt;

/// A text and what to call it in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// A path, or a stand-in for one.
    pub(crate) name: String,
    /// The text itself.
    pub(crate) text: String,
}

impl Source {
    /// The diagnostics with the lines that they speak of.
    pub(crate) fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        render::render(&self.text, &self.name, diagnostics, color)
    }

    /// Where `span` starts, as `name:line:column`.
    pub(crate) fn place(&self, span: Span) -> impl fmt::Display + '_ {
        let before = self.text.get(..span.start as usize).unwrap_or(&self.text);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        fmt::from_fn(move |f| write!(f, "{}:{line}:{column}", self.name.escape_debug()))
    }
}
