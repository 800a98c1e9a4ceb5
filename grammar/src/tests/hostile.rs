//! Texts made to break a compiler: each gives one error in linear time, and no stack grows with them.
//!
//! They run on a thread with a small stack, so that any recursion shows.

use std::time::Instant;

use crate::error::{LimitKind, SyntaxErrorKind};
use crate::{Limits, Parsed, dump, parse, pretty};

const MILLION: usize = 1_000_000;

/// Parses, prints and drops on a stack of 128 KiB, with room for texts of any length.
fn parse_small(text: String, limits: Limits) -> Vec<SyntaxErrorKind> {
    let run = move || {
        let Parsed { ast, errors } = parse(&text, &limits);
        let printed = pretty::print(&ast);
        drop((printed, dump::ast(&ast), ast));
        for error in &errors {
            assert!(error.to_string().len() < 1024, "{}", error.to_string().len());
        }
        errors.into_iter().map(|error| error.kind).collect()
    };
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(run);
    thread.expect("a thread").join().expect("no panic")
}

/// The only error of `text`.
#[track_caller]
fn only_error(text: String) -> SyntaxErrorKind {
    let limits = Limits { source_bytes: 16 << 20, ..Limits::default() };
    let errors = parse_small(text, limits);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().expect("one error")
}

#[track_caller]
fn passes(text: String, expected: LimitKind) {
    match only_error(text) {
        SyntaxErrorKind::Limit { limit, .. } => assert_eq!(limit, expected),
        other => panic!("{other:?}"),
    }
}

/// `fn f() -> T = body;`
fn body(text: &str) -> String {
    format!("fn f() -> T = {text};")
}

#[test]
fn deep_nesting_is_refused_at_the_257th_level() {
    for opener in
        ["(", "[", "{", "f(", "x[", "- ", "!", "x**", "|a| ", "|a, b| ", "if ", "loop a = ", "-(", "{0}+("]
    {
        for count in [257, MILLION] {
            passes(body(&opener.repeat(count)), LimitKind::Nesting);
        }
    }
    let at = parse(&"(".repeat(MILLION), &Limits::default()).errors[0].span.start;
    assert_eq!(at, 256);
}

#[test]
fn nesting_within_the_limit_is_read() {
    let nested = |open: &str, close: &str| body(&format!("{}x{}", open.repeat(256), close.repeat(256)));
    for (open, close) in
        [("(", ")"), ("-", ""), ("f(", ")"), ("x**", ""), ("|a| ", ""), ("[", "]"), ("{", "}")]
    {
        assert_eq!(parse_small(nested(open, close), Limits::default()), []);
    }
    assert_eq!(parse_small(nested("{let a = ", "; a}"), Limits::default()), []);
    assert_eq!(parse_small(nested("if x {", "} else {y}"), Limits::default()), []);
    assert_eq!(parse_small(nested("(1, ", ",)"), Limits::default()), []);
}

#[test]
fn types_and_patterns_nest_within_the_limit_too() {
    passes(format!("type A = {}", "[".repeat(MILLION)), LimitKind::Nesting);
    passes(format!("type A = {}", "(x: ".repeat(100_000)), LimitKind::Nesting);
    passes(body(&format!("{{ let {}", "(".repeat(MILLION))), LimitKind::Nesting);
}

#[test]
fn tall_trees_are_refused_by_height() {
    passes(body(&format!("1{}", "+1".repeat(90_000))), LimitKind::Height);
    passes(body(&format!("x{}", ".a".repeat(90_000))), LimitKind::Height);
    passes(body(&format!("x{}", "[0]".repeat(60_000))), LimitKind::Height);
    passes(
        body(&format!("if x {{ 1 }}{} else {{ 2 }}", " else if x { 1 }".repeat(20_000))),
        LimitKind::Height,
    );
    let chain = body(&format!("if x {{ 1 }}{} else {{ 2 }}", " else if x { 1 }".repeat(3000)));
    assert_eq!(parse_small(chain, Limits::default()), []);
    assert_eq!(parse_small(body(&format!("1{}", "+1".repeat(4000))), Limits::default()), []);
}

#[test]
fn long_texts_are_refused_by_tokens() {
    passes(body(&format!("1{}", "+1".repeat(MILLION))), LimitKind::Tokens);
    passes(
        body(&format!("if x {{ 1 }}{} else {{ 2 }}", " else if x { 1 }".repeat(100_000))),
        LimitKind::Tokens,
    );
    passes("1 ".repeat(MILLION), LimitKind::Tokens);
    let limits = Limits::default();
    let longest = parse(&" ".repeat(limits.source_bytes), &limits).errors;
    assert_eq!(longest[0].kind, SyntaxErrorKind::Empty);
    let longer = parse(&" ".repeat(limits.source_bytes + 1), &limits).errors;
    let kind = SyntaxErrorKind::Limit { limit: LimitKind::SourceBytes, allowed: limits.source_bytes };
    assert_eq!(longer.into_iter().map(|error| error.kind).collect::<Vec<_>>(), [kind]);
}

#[test]
fn long_lists_are_read() {
    let lets = format!("fn f() -> T {{ {} x }}", "let a = x;".repeat(30_000));
    assert_eq!(parse_small(lets, Limits::default()), []);
    assert_eq!(parse_small(body(&format!("[{}]", "1,".repeat(90_000))), Limits::default()), []);
    assert_eq!(parse_small("type A = T;".repeat(39_000), Limits::default()), []);
}

#[test]
fn names_parameters_and_functions_are_bounded() {
    passes(body(&"a".repeat(MILLION)), LimitKind::IdentifierBytes);
    assert_eq!(parse_small(body(&"a".repeat(256)), Limits::default()), []);
    let params = |count| format!("fn f({}) -> T = x;", "p: T, ".repeat(count));
    assert_eq!(parse_small(params(64), Limits::default()), []);
    passes(params(65), LimitKind::Params);
    passes(params(10_000), LimitKind::Params);
    assert_eq!(parse_small("fn f() -> T = x;".repeat(1000), Limits::default()), []);
    passes("fn f() -> T = x;".repeat(1001), LimitKind::Functions);
}

#[test]
fn long_numbers_are_read_once() {
    assert!(matches!(only_error(body(&"9".repeat(MILLION))), SyntaxErrorKind::Number(_)));
    let float = format!("{}.5", "9".repeat(MILLION / 2));
    assert_eq!(parse_small(body(&float), Limits::default()), []);
    assert_eq!(parse_small(body("1e999999999"), Limits::default()), []);
}

#[test]
fn comments_nest_without_recursion() {
    let nested = format!("{}{}", "/*".repeat(MILLION), "*/".repeat(MILLION));
    assert_eq!(only_error(nested), SyntaxErrorKind::Empty);
    assert_eq!(only_error("/*".repeat(MILLION)), SyntaxErrorKind::UnterminatedComment);
}

#[test]
fn texts_without_items_are_empty() {
    for text in ["", "\u{feff}", " \r\n\t", "// only this", "/* and this */", "/// or this"] {
        assert_eq!(only_error(text.to_owned()), SyntaxErrorKind::Empty);
    }
}

#[test]
fn recovery_is_on_a_leash() {
    let deep = "f(".repeat(250);
    for tail in ["1 ", ",", ";", "a b,", ") (", "else ", "let ", "}", "in "] {
        let text = body(&format!("{deep}{}", tail.repeat(150_000 / tail.len())));
        let start = Instant::now();
        assert!(!parse_small(text, Limits::default()).is_empty());
        assert!(start.elapsed().as_secs() < 5, "{tail:?} took {:?}", start.elapsed());
    }
}

#[test]
fn time_is_linear() {
    let shapes: [fn(usize) -> String; 6] = [
        |n| "fn f() -> T = x;\n".repeat(n / 4),
        |n| body(&format!("[{}]", "a * b + 1.5,".repeat(n / 2))),
        |n| format!("fn f() -> T {{ {} x }}", "let a = g(x, y);".repeat(n / 2)),
        |n| body(&"a b, ".repeat(n)),
        |n| "@ ".repeat(n),
        |n| body(&",".repeat(4 * n)),
    ];
    let limits =
        Limits { functions: usize::MAX, tokens: usize::MAX, source_bytes: usize::MAX, ..Limits::default() };
    let time = |text: &str| {
        let once = || {
            let start = Instant::now();
            parse(text, &limits);
            start.elapsed().as_secs_f64()
        };
        (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    for shape in shapes {
        let (short, long) = (time(&shape(1_000)), time(&shape(40_000)));
        // Forty times the text. A quadratic step would show as 1600, and a busy machine as some hundred.
        assert!(long / short < 600.0, "{:?}: {short} {long}", &shape(1)[..]);
    }
}
