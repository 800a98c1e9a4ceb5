//! Failed launches in the user's terms: what a driver reports, shown in the source.

use crate::{
    driver::RunError,
    error::{Error, ErrorKind, Fault},
    source::Source,
};
use pk_compiler::{
    fault,
    ir::{FaultKind, Kernel},
};
use std::sync::Arc;

/// Why a launch of `kernel` for these sizes failed.
pub(crate) fn describe(error: RunError, kernel: &Kernel, sizes: &[i64], source: &Arc<Source>) -> Error {
    match error {
        RunError::Fault(fault) => describe_fault(&fault, kernel, sizes, source),
        RunError::Cancelled => Error::new(ErrorKind::Cancelled, "the launch was cancelled"),
        RunError::OutOfMemory { bytes } => Error::out_of_memory(bytes),
        RunError::TooLarge => Error::too_large(),
        RunError::BadJob => Error::internal(error),
    }
}

fn describe_fault(found: &fault::Fault, kernel: &Kernel, sizes: &[i64], source: &Arc<Source>) -> Error {
    let site = kernel.sites.iter().find(|(site, _)| *site == found.site);
    let (Some((_, site)), Some(diagnostic)) = (site, found.diagnostic(kernel, sizes)) else {
        return Error::internal(format!("a fault at the unknown site {}", found.site));
    };
    let element = (found.element < fault::Fault::OUTSIDE).then_some(found.element);
    let fault = Fault { span: site.span, element, index: found.index, length: found.length };
    Error::faulted(kind(site.kind), source, diagnostic, fault)
}

/// What kind of error a fault is for programs.
fn kind(fault: FaultKind) -> ErrorKind {
    match fault {
        FaultKind::OutOfBounds => ErrorKind::OutOfBounds,
        FaultKind::DivisionByZero => ErrorKind::DivisionByZero,
        FaultKind::EmptyReduction => ErrorKind::EmptyReduction,
        FaultKind::SizeMismatch => ErrorKind::Shape,
        FaultKind::NegativeSize => ErrorKind::NegativeSize,
        FaultKind::SizeOverflow => ErrorKind::TooLarge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outputs, Program, Value, testing};
    use insta::assert_snapshot;
    use pk_compiler::ir::{Arena, Builder, Site, SiteData};
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
        describe(RunError::Fault(fault::Fault { site, element, index: 7, length: 5 }), &kernel, &[], &source)
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
        let error = failure(FaultKind::SizeMismatch, fault::Fault::OUTSIDE, &["n", "m"]);
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
        f.pk:1:40: `n - 2` of an empty array
        f.pk:1:40: the size `n - 2` is 7
        ");
    }

    /// What every back end says of `text`, whose kernel is called with `args`.
    fn message(text: &str, args: &[Value<'_>]) -> String {
        let messages = testing::contexts().into_iter().map(|context| {
            let program = Program::compile(&context, text).unwrap_or_else(|error| panic!("{error:#}"));
            let kernel = program.kernels().next().expect("one kernel");
            format!("{:#}", kernel.call::<Outputs>(args.to_vec()).unwrap_err())
        });
        let messages: Vec<String> = messages.collect();
        assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
        messages[0].clone()
    }

    fn row(elements: &'static [f32]) -> Value<'static> {
        Value::array(elements, &[elements.len()]).expect("as many as it has")
    }

    #[test]
    fn scalar_code_is_no_element() {
        let text = "kernel f(p: [f32; n], i: i64) -> f32 = p[i] / 2.0;";
        assert_snapshot!(message(text, &[row(&[1.0, 2.0]), Value::scalar(7i64.into())]), @"
        error[E0503]: index 7 is outside of `p`, which has length 2
          ┌─ <text>:1:42
          │
        1 │ kernel f(p: [f32; n], i: i64) -> f32 = p[i] / 2.0;
          │                                          ^
          │
          = help: `x.get(i, default)` and the edge views accept any index
        ");
        let text = "kernel f(x: i64) -> i64 = 1 / x;";
        assert_snapshot!(message(text, &[Value::scalar(0i64.into())]), @"
        error[E0504]: division by zero
          ┌─ <text>:1:27
          │
        1 │ kernel f(x: i64) -> i64 = 1 / x;
          │                           ^^^^^
        ");
    }

    #[test]
    fn an_element_of_a_table_is_shown_by_axis() {
        let text = "kernel f(x: [f32; n]) -> [f32; n, n + 1] = [x[i + j] for i in 0..n, j in 0..n + 1];";
        assert_snapshot!(message(text, &[row(&[1.0, 2.0, 3.0])]), @"
        error[E0503]: index 3 is outside of `x`, which has length 3
          ┌─ <text>:1:47
          │
        1 │ kernel f(x: [f32; n]) -> [f32; n, n + 1] = [x[i + j] for i in 0..n, j in 0..n + 1];
          │                                               ^^^^^ in element [0, 3]
          │
          = help: `x.get(i, default)` and the edge views accept any index
        ");
    }

    #[test]
    fn a_path_is_a_name_and_an_expression_is_none() {
        let text = "kernel f(x: [f32; n], i: i64) -> f32 = {
            let pair = (low: x, high: (x, x));
            pair.high.1[i]
        };";
        assert_snapshot!(message(text, &[row(&[1.0]), Value::scalar(1i64.into())]), @"
        error[E0503]: index 1 is outside of `pair.high.1`, which has length 1
          ┌─ <text>:3:25
          │
        3 │             pair.high.1[i]
          │                         ^
          │
          = help: `x.get(i, default)` and the edge views accept any index
        ");
        let text = "kernel f(x: [f32; n], i: i64) -> f32 = reverse(2.0 * x)[i];";
        assert_snapshot!(message(text, &[row(&[1.0]), Value::scalar(1i64.into())]), @"
        error[E0503]: index 1 is outside of an array of length 1
          ┌─ <text>:1:57
          │
        1 │ kernel f(x: [f32; n], i: i64) -> f32 = reverse(2.0 * x)[i];
          │                                                         ^
          │
          = help: `x.get(i, default)` and the edge views accept any index
        ");
        let text = "kernel f(x: [f32; n], i: i64) -> f32 = sum(x[i..i + 2]);";
        assert_snapshot!(message(text, &[row(&[1.0]), Value::scalar(2i64.into())]), @"
        error[E0503]: index 2 is outside of `x`, which has length 1
          ┌─ <text>:1:46
          │
        1 │ kernel f(x: [f32; n], i: i64) -> f32 = sum(x[i..i + 2]);
          │                                              ^^^^^^^^
          │
          = help: `x.get(i, default)` and the edge views accept any index
        ");
    }

    #[test]
    fn nothing_has_no_elements() {
        let text =
            "kernel f(x: [f32; n]) -> [f32; 2] = { let near = wrap_edges(x); [near[i] for i in 0..2] };";
        assert_snapshot!(message(text, &[row(&[])]), @"
        error[E0503]: reading `x`, which is empty
          ┌─ <text>:1:50
          │
        1 │ kernel f(x: [f32; n]) -> [f32; 2] = { let near = wrap_edges(x); [near[i] for i in 0..2] };
          │                                                  ^^^^^^^^^^^^^ in element 0
          │
          = help: `x.get(i, default)` and `pad_edges(x, value)` have values even then
        ");
        let text = "kernel f(x: [f32; n], i: i64) -> f32 = x[i];";
        assert_snapshot!(message(text, &[row(&[]), Value::scalar(3i64.into())]), @"
        error[E0503]: reading `x`, which is empty
          ┌─ <text>:1:42
          │
        1 │ kernel f(x: [f32; n], i: i64) -> f32 = x[i];
          │                                          ^
          │
          = help: `x.get(i, default)` and `pad_edges(x, value)` have values even then
        ");
        let text = "kernel f(x: [f32; n]) -> i64 = argmax(x);";
        assert_snapshot!(message(text, &[row(&[])]), @"
        error[E0505]: `argmax` of an empty array
          ┌─ <text>:1:32
          │
        1 │ kernel f(x: [f32; n]) -> i64 = argmax(x);
          │                                ^^^^^^^^^
          │
          = help: test the length first: `if len(x) > 0 { … } else { … }`
        ");
    }

    #[test]
    fn the_way_out_of_nothing_is_one() -> crate::Result<()> {
        let text = "kernel f(x: [f32; n]) -> i64 = if len(x) > 0 { argmax(x) } else { -1 };";
        for context in testing::contexts() {
            let f = Program::compile(&context, text)?.kernel("f")?;
            assert_eq!((f.call::<i64>(row(&[]))?, f.call::<i64>(row(&[1.0, 2.0]))?), (-1, 1));
        }
        Ok(())
    }
}
