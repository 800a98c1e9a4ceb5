//! The one error type of the public interface.
//!
//! An error says what kind it is (for programs), what happened in a line (`{}`, for logs) and, where a source text is
//! concerned, shows the place in it (`{:#}`, for people).

use crate::source::Source;
use pk_dsl::diagnostic::{Diagnostic, Severity};
use pk_grammar::span::Span;
use std::{fmt, sync::Arc};

/// What an operation of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not work. Cheap to clone.
///
/// ```
/// # use pk_runtime::*;
/// let context = Context::new(&Device::default_for(Backend::Interp)?)?;
/// let error = Program::compile(&context, "kernel f(x: f32) -> f32 = sqart(x);").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Compile);
/// assert!(format!("{error:#}").contains("sqart(x)"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Arc<Repr>);

struct Repr {
    kind: ErrorKind,
    message: String,
    report: Option<Report>,
    fault: Option<Fault>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

struct Report {
    source: Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text of the program has mistakes: [`Error::diagnostics`].
    Compile,
    /// The program has no kernel of that name, or several where one was asked for.
    UnknownKernel,
    /// A kernel was given too many or too few arguments, or buffers for its results.
    ArgumentCount,
    /// An argument or a buffer for a result has another type than the kernel's.
    ArgumentType,
    /// Shapes do not agree with each other or with the kernel's.
    Shape,
    /// The results were asked for as a type that they do not have.
    ResultType,
    /// A size or shape is negative.
    NegativeSize,
    /// An index lay outside its array: [`Error::fault`].
    OutOfBounds,
    /// An integer was divided by zero.
    DivisionByZero,
    /// A reduction without neutral element met an empty array.
    EmptyReduction,
    /// An array would be larger than an address space.
    TooLarge,
    /// The host has no memory, or no thread, left.
    OutOfMemory,
    /// A buffer, queue or kernel belongs to another context.
    ForeignObject,
    /// The back end is not compiled in or does not work on this machine.
    BackendUnavailable,
    /// The launch was cancelled.
    Cancelled,
    /// A launch took longer than its time limit, or a compilation than its [`Limits`](crate::Limits) allow.
    Timeout,
    /// The context was made before this process was forked off; threads do not survive that.
    Forked,
    /// An option or a variable of the environment has a value that means nothing.
    InvalidOption,
    /// pk cannot yet do with this kernel what was asked for.
    Unsupported,
    /// A file could not be read.
    Io,
    /// pk itself has a mistake. If it was a panic, the process's panic hook has seen it, which by default prints it.
    Internal,
}

/// The fault that ended a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the source.
    pub span: Span,
    /// In which element of the outermost array that was being computed, counted row by row; `None` outside of arrays and
    /// inside the operator of a reduction.
    pub element: Option<u64>,
    /// The index of an access outside its array, or the first of two sizes.
    pub index: i64,
    /// The length of the axis of that access, or the second of two sizes.
    pub length: i64,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Repr { kind, message: message.into(), report: None, fault: None, cause: None }))
    }

    /// An error that something else caused.
    pub(crate) fn caused(
        kind: ErrorKind,
        message: impl Into<String>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Error {
        let cause: Option<Box<dyn std::error::Error + Send + Sync>> = Some(Box::new(cause));
        Error(Arc::new(Repr { kind, message: message.into(), report: None, fault: None, cause }))
    }

    /// What `diagnostics`, of which there is at least one, say about `source`.
    pub(crate) fn diagnosed(kind: ErrorKind, source: &Arc<Source>, diagnostics: Vec<Diagnostic>) -> Error {
        Error::reported(kind, source, diagnostics, None)
    }

    /// A fault of a launch.
    pub(crate) fn faulted(
        kind: ErrorKind,
        source: &Arc<Source>,
        diagnostic: Diagnostic,
        fault: Fault,
    ) -> Error {
        Error::reported(kind, source, vec![diagnostic], Some(fault))
    }

    /// A mistake of pk's own.
    pub(crate) fn internal(what: impl fmt::Display) -> Error {
        let message = format!("internal error of pk, please report it with the program: {what}");
        Error::new(ErrorKind::Internal, message)
    }

    pub(crate) fn out_of_memory(bytes: u64) -> Error {
        Error::new(ErrorKind::OutOfMemory, format!("no memory for an array of {bytes} bytes"))
    }

    pub(crate) fn too_large() -> Error {
        Error::new(ErrorKind::TooLarge, "an array is too large for the address space")
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The findings in the source text that make up this error: all of them after a failed compilation, one for a
    /// fault or for shapes that do not agree, none for errors that concern no text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        self.0.report.as_ref().map_or(&[], |report| &report.diagnostics)
    }

    /// The text that [`Error::diagnostics`] point into.
    pub fn source_text(&self) -> Option<&str> {
        self.0.report.as_ref().map(|report| report.source.text.as_str())
    }

    /// What is known about the fault, if a fault it was.
    pub fn fault(&self) -> Option<Fault> {
        self.0.fault
    }

    /// The error as `{:#}` prints it, in colour if asked for.
    pub fn render(&self, color: bool) -> String {
        match &self.0.report {
            Some(report) => report.source.render(&report.diagnostics, color),
            None => format!("error: {}\n", self.0.message),
        }
    }

    fn reported(
        kind: ErrorKind,
        source: &Arc<Source>,
        diagnostics: Vec<Diagnostic>,
        fault: Option<Fault>,
    ) -> Error {
        let message = summary(source, &diagnostics);
        let report = Some(Report { source: source.clone(), diagnostics });
        Error(Arc::new(Repr { kind, message, report, fault, cause: None }))
    }
}

/// The first error in a line.
fn summary(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let more = match errors.clone().count() {
        0 | 1 => String::new(),
        2 => " (and 1 more error)".to_string(),
        count => format!(" (and {} more errors)", count - 1),
    };
    errors.take(1).map(|first| format!("{}: {}{more}", source.place(first.span), first.message)).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.alternate() {
            true => f.write_str(self.render(false).trim_end()),
            false => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:#}", self.0.kind, self)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use pk_dsl::codes::Code;

    #[test]
    fn the_short_form_is_a_line_and_the_long_one_shows_the_source() {
        let text = "kernel f() -> f32 =\n  a + b;".to_string();
        let source = Arc::new(Source { name: "f.pk".to_string(), text });
        let unknown = |at, name| {
            Diagnostic::error(Code::UnknownName, Span::new(at, at + 1), format!("unknown name `{name}`"))
        };
        let error = Error::diagnosed(ErrorKind::Compile, &source, vec![unknown(22, "a"), unknown(26, "b")]);
        assert_snapshot!(error, @"f.pk:2:3: unknown name `a` (and 1 more error)");
        assert_snapshot!(format!("{error:#}"), @"
        error[E0101]: unknown name `a`
          ┌─ f.pk:2:3
          │
        2 │   a + b;
          │   ^

        error[E0101]: unknown name `b`
          ┌─ f.pk:2:7
          │
        2 │   a + b;
          │       ^
        ");
        assert_eq!(error.diagnostics().len(), 2);
    }

    #[test]
    fn a_cause_is_kept() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::caused(ErrorKind::Io, "cannot read `x.pk`", cause);
        assert_eq!(format!("{error:#}"), "error: cannot read `x.pk`");
        assert!(std::error::Error::source(&error).is_some());
    }
}
