//! Failed launches in the user's terms: what a driver reports, shown in the source.

use crate::{
    driver::RunError,
    error::{Error, ErrorKind, Fault},
    source::Source,
};
use pk_compiler::{
    fault,
    ir::{FaultKind, Kernel, SiteData},
};
use pk_dsl::{codes::Code, diagnostic::Diagnostic};
use std::sync::Arc;

/// Why a launch of `kernel` failed.
pub(crate) fn describe(error: RunError, kernel: &Kernel, source: &Arc<Source>) -> Error {
    match error {
        RunError::Fault(fault) => describe_fault(&fault, kernel, source),
        RunError::Cancelled => Error::new(ErrorKind::Cancelled, "the launch was cancelled"),
        RunError::OutOfMemory { bytes } => Error::out_of_memory(bytes),
        RunError::TooLarge => Error::too_large(),
        RunError::BadJob => Error::internal(error),
    }
}

fn describe_fault(found: &fault::Fault, kernel: &Kernel, source: &Arc<Source>) -> Error {
    let Some((_, site)) = kernel.sites.iter().find(|(site, _)| *site == found.site) else {
        return Error::internal(format!("a fault at the unknown site {}", found.site));
    };
    let (kind, diagnostic) = diagnose(found, site);
    let element = (found.element != fault::Fault::IN_FOLD).then_some(found.element);
    let fault = Fault { span: site.span, element, index: found.index, length: found.length };
    Error::faulted(kind, source, diagnostic, fault)
}

fn diagnose(found: &fault::Fault, site: &SiteData) -> (ErrorKind, Diagnostic) {
    let text = |at: usize| site.texts.get(at).map_or("?", String::as_str);
    let error = |code, message: String| Diagnostic::error(code, site.span, message);
    let (index, length) = (found.index, found.length);
    let (kind, diagnostic) = match site.kind {
        FaultKind::OutOfBounds => (ErrorKind::OutOfBounds, out_of_bounds(found, site)),
        FaultKind::DivisionByZero => (
            ErrorKind::DivisionByZero,
            error(Code::DivisionByZero, "division by zero".to_string()).label(in_element(found)),
        ),
        FaultKind::EmptyReduction => (
            ErrorKind::EmptyReduction,
            error(Code::EmptyReduction, "reduction of an empty array".to_string())
                .label("has no neutral element")
                .help("give a neutral element: `reduce(x, neutral, f)`"),
        ),
        FaultKind::SizeMismatch => (
            ErrorKind::Shape,
            error(Code::SizeMismatch, format!("`{}` is {index}, but `{}` is {length}", text(0), text(1)))
                .label(format!("{index} here")),
        ),
        FaultKind::NegativeSize => (
            ErrorKind::NegativeSize,
            error(Code::NegativeSize, format!("the size `{}` is {index}", text(0)))
                .label("must not be negative"),
        ),
        FaultKind::SizeOverflow => {
            (ErrorKind::TooLarge, error(Code::TooLarge, format!("the size `{}` is too large", text(0))))
        }
    };
    let note = if site.kind == FaultKind::SizeMismatch { format!("{length} here") } else { String::new() };
    (kind, site.other.into_iter().fold(diagnostic, |diagnostic, other| diagnostic.other(other, note.clone())))
}

fn out_of_bounds(found: &fault::Fault, site: &SiteData) -> Diagnostic {
    // In a fold there is no one index to speak of.
    if found.element == fault::Fault::IN_FOLD {
        return Diagnostic::error(Code::OutOfBounds, site.span, "an index outside its array")
            .label("in the operator of a reduction");
    }
    let (index, length) = (found.index, found.length);
    let message = match site.texts.first() {
        Some(name) => format!("index {index} is outside of `{name}`, which has length {length}"),
        None => format!("index {index} is outside of an array of length {length}"),
    };
    Diagnostic::error(Code::OutOfBounds, site.span, message)
        .label(in_element(found))
        .help("`x.get(i, default)` and the edge views accept any index")
}

fn in_element(found: &fault::Fault) -> String {
    match found.element {
        fault::Fault::IN_FOLD => "in the operator of a reduction".to_string(),
        element => format!("in element {element}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use pk_compiler::ir::{Arena, Builder, Site};
    use pk_dsl::signature::Signature;
    use pk_grammar::span::Span;

    const TEXT: &str = "kernel f(x: [f32; n], i: i64) -> f32 = x[i];";

    fn failure(kind: FaultKind, element: u64, texts: &[&str]) -> Error {
        let mut sites = Arena::default();
        let site: Site = sites.push(SiteData {
            kind,
            span: Span::new(39, 43),
            other: (kind == FaultKind::SizeMismatch).then_some(Span::new(18, 19)),
            texts: texts.iter().map(|text| text.to_string()).collect(),
        });
        let signature = Signature {
            name: "f".to_string(),
            doc: String::new(),
            sizes: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            span: Span::default(),
        };
        let kernel = Kernel { signature, body: Builder::new(Vec::new()).0.finish(Vec::new()), sites };
        let source = Arc::new(Source { name: "f.pk".to_string(), text: TEXT.to_string() });
        describe(RunError::Fault(fault::Fault { site, element, index: 7, length: 5 }), &kernel, &source)
    }

    #[test]
    fn an_index_is_shown_with_its_array() {
        let error = failure(FaultKind::OutOfBounds, 3, &["x"]);
        assert_eq!(error.kind(), ErrorKind::OutOfBounds);
        let fault = error.fault().expect("a fault");
        assert_eq!((fault.element, fault.index, fault.length), (Some(3), 7, 5));
        assert_snapshot!(format!("{error:#}"), @"
        error[E0503]: index 7 is outside of `x`, which has length 5
          ┌─ f.pk:1:40
          │
        1 │ kernel f(x: [f32; n], i: i64) -> f32 = x[i];
          │                                        ^^^^ in element 3
          │
          = help: `x.get(i, default)` and the edge views accept any index
        ");
    }

    #[test]
    fn sizes_are_shown_at_both_places() {
        let error = failure(FaultKind::SizeMismatch, 0, &["n", "m"]);
        assert_eq!(error.kind(), ErrorKind::Shape);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0506]: `n` is 7, but `m` is 5
          ┌─ f.pk:1:40
          │
        1 │ kernel f(x: [f32; n], i: i64) -> f32 = x[i];
          │                   -                    ^^^^ 7 here
          │                   │
          │                   5 here
        ");
    }

    #[test]
    fn every_kind_of_fault_has_its_words() {
        let kinds = [FaultKind::DivisionByZero, FaultKind::EmptyReduction, FaultKind::NegativeSize];
        let words = kinds.map(|kind| failure(kind, fault::Fault::IN_FOLD, &["n - 2"]).to_string());
        assert_snapshot!(words.join("\n"), @"
        f.pk:1:40: division by zero
        f.pk:1:40: reduction of an empty array
        f.pk:1:40: the size `n - 2` is 7
        ");
    }
}
