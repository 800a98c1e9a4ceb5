//! Texts that mean harm, each with what must become of it. `docs/safety.md` lists them by number.
//!
//! They go the whole way, through the interface of `pk`, called from a thread with a small stack. A refusal is short and
//! plain whatever the text contains; what is within the limits compiles and gives the right number.

use crate::{api, exhaustive::trial};
use libtest_mimic::Trial;
use pk::{Context, ErrorKind, Limits, Options, Program};
use pk_dsl::codes::Code;
use std::{panic, thread};

/// The stack of the thread that calls pk: far less than the main thread of a host has.
const STACK_BYTES: usize = 256 << 10;

/// What becomes of a text.
enum Wanted {
    /// These errors, in order.
    Codes(&'static [Code]),
    /// Errors of this kind alone.
    Only(Code),
    /// One error: the limit whose message contains this.
    Limit(&'static str),
    /// It compiles, and its kernel gives this for `x = 2`.
    Gives(f32),
}

use Wanted::{Codes, Gives, Limit, Only};

/// The number of the row and a name, the text, and what becomes of it.
type Row = (&'static str, fn() -> String, Wanted);

const MILLION: usize = 1_000_000;

/// Texts that are too deep, too tall or too long: 1 to 8.
const LARGE: &[Row] = &[
    ("01_open_brackets", || "(".repeat(MILLION), Limit("nested deeper")),
    ("01_brackets", || of(&around(100_000, "(", "x", ")")), Limit("nested deeper")),
    ("01_brackets_within", || of(&around(200, "(", "x", ")")), Gives(2.0)),
    ("02_minus", || of(&around(MILLION, "-", "x", "")), Limit("nested deeper")),
    ("02_not", || of(&around(MILLION, "!", "x", "")), Limit("nested deeper")),
    ("02_tilde", || of(&around(MILLION, "~", "x", "")), Codes(&[Code::Character])),
    ("02_minus_within", || of(&around(200, "-", "x", "")), Gives(2.0)),
    ("03_sum", || of(&around(500_000, "", "1", "+1")), Limit("tokens")),
    ("03_tall_sum", || of(&around(90_000, "", "x", "+x")), Limit("taller")),
    ("03_powers", || of(&around(90_000, "", "x", "**x")), Limit("nested deeper")),
    ("03_methods", || of(&around(30_000, "", "x", ".abs()")), Limit("taller")),
    ("03_sum_within", || of(&around(4000, "", "x", "+x")), Gives(8002.0)),
    ("04_else_if", || of(&around(40_000, "if x > 0.0 { x } else ", "{ x }", "")), Limit("tokens")),
    ("04_tall_else_if", || of(&around(15_000, "if x > 0.0 { x } else ", "{ x }", "")), Limit("taller")),
    ("04_else_if_within", || of(&around(500, "if x < 0.0 { -x } else ", "{ x }", "")), Gives(2.0)),
    ("05_lets", || block(&"let a = x;".repeat(100_000), "a"), Limit("tokens")),
    (
        "05_lets_within",
        || block(&format!("let a = x;{}", "let a = a+x;".repeat(20_000)), "a"),
        Gives(40_002.0),
    ),
    ("06_brackets_unclosed", || of(&"(".repeat(200)), Codes(&[Code::Syntax])),
    ("07_tokens", || "1 ".repeat(500_000), Limit("tokens")),
    ("08_name", || format!("kernel {}(x: f32) -> f32 = x;", "a".repeat(MILLION)), Limit("name longer")),
    (
        "08_parameters",
        || format!("kernel f({}) -> f32 = 1.0;", numbered(10_000, "p", ": f32, ")),
        Limit("parameters"),
    ),
    ("08_closures", || of(&around(50_000, "|a| ", "x", "")), Limit("nested deeper")),
];

/// Texts that are strange letter by letter: 9 to 14.
const STRANGE: &[Row] = &[
    ("09_digits", || of(&"9".repeat(MILLION)), Codes(&[Code::Literal])),
    ("09_fraction", || of(&format!("0.{}", "3".repeat(MILLION))), Gives(0.333_333_34)),
    ("09_small_exponent", || of("x + 1e-999999999"), Gives(2.0)),
    ("11_byte_order_mark", || format!("\u{feff}{}", of("x")), Gives(2.0)),
    ("11_two_byte_order_marks", || format!("\u{feff}\u{feff}{}", of("x")), Codes(&[Code::Character])),
    ("11_line_ends", || "kernel f(x: f32)\r\n->\rf32 = // one\r\nx;\n".to_string(), Gives(2.0)),
    ("11_line_separator", || of("x\u{2028}"), Codes(&[Code::Character])),
    ("11_nul_in_comment", || of("/* \0 */ x"), Codes(&[Code::Character])),
    ("11_bidi_in_comment", || of("/* \u{202e} */ x"), Codes(&[Code::Character])),
    ("11_combining", || of("x\u{301}"), Codes(&[Code::Character])),
    ("12_open_comments", || "/*".repeat(500_000), Codes(&[Code::Unterminated])),
    ("12_nested_comments", || of(&format!("{}x", around(250_000, "/*", " ", "*/"))), Gives(2.0)),
    ("12_string", || "\"kernel".to_string(), Codes(&[Code::Character])),
    ("13_escape_sequence", || of("x /* \u{1b}[2J\u{7} */"), Codes(&[Code::Character, Code::Character])),
    ("14_far_column", || format!("{}{}", " ".repeat(70_000), of("y")), Codes(&[Code::UnknownName])),
    ("14_far_line", || format!("{}{}", "\n".repeat(700_000), of("y")), Codes(&[Code::UnknownName])),
    ("14_end", || "kernel f(x: f32) -> f32 = ".to_string(), Codes(&[Code::Syntax])),
    ("14_nothing", String::new, Codes(&[Code::Empty])),
    ("14_comments", || "// one\n/* two */".to_string(), Codes(&[Code::Empty])),
];

/// Texts that mean too much: 15 to 19, and the number of errors of one text, 23.
const MEANT: &[Row] = &[
    ("15_cycle", || functions(999, |at| format!("g{}(x)", (at + 1) % 999), "x"), Codes(&[Code::Recursion])),
    ("15_chain_within", || functions(990, |at| chain(at, "g(x) + 1.0"), "g989(x)"), Gives(992.0)),
    ("16_doubling_calls", || functions(64, |at| chain(at, "g(g(x))"), "g63(x)"), Limit("operations")),
    ("16_doubling_within", || functions(12, |at| chain(at, "g(g(x))"), "g11(x)"), Gives(2050.0)),
    ("16_library_functions", || of(&around(4000, "", "x", " + pow(x, x)")), Limit("operations")),
    ("16_doubling_names", || block(&doubling_integers(), "[x for _ in 0..i63 + 1][0]"), Gives(2.0)),
    ("17_doubling_tuples", || doubling("(b, b)"), Only(Code::TypeTooLarge)),
    ("17_doubling_arrays", || doubling("[b, b]"), Only(Code::Rank)),
    ("17_nested_tuples", || doubling("(b,)"), Only(Code::TypeTooLarge)),
    ("17_doubling_names", || doubling_names() + &of("x"), Only(Code::TypeTooLarge)),
    (
        "18_polymorphism",
        || block("let p = |v| (v, v); let q = |v| p(p(v));", "x"),
        Codes(&[Code::Closure, Code::Closure]),
    ),
    ("19_tower", || of("x + f32(2 ** 2 ** 2 ** 30)"), Gives(3.0)),
    (
        "19_constant_loop",
        || format!("const A: f32 = loop s = 1.0 for _ in 0..1000000000000 {{ s / 2.0 }}; {}", of("x + A")),
        Limit("steps"),
    ),
    (
        "19_doubling_constants",
        || format!("const A0: f32 = 1.0; {} {}", doubling_constants(), of("x + A63")),
        Gives(9_223_372_000_000_000_000.0),
    ),
    ("19_shift", || of("x + f32(1 << 1000000)"), Codes(&[Code::ShiftAmount])),
    ("23_many_mistakes", || of(&numbered(100, "y", " + ")), Codes(&[Code::UnknownName; 20])),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (backend, context) in api::backends() {
        for (name, text, wanted) in [LARGE, STRANGE, MEANT].into_iter().flatten() {
            let test = move |context: &Context| on_small_stack(|| check(context, &text(), wanted));
            trials.push(trial(format!("faults/{backend}/{name}"), context.clone(), test));
        }
    }
    trials
}

/// Compiles and runs a text, which must become what is wanted.
fn check(context: &Context, text: &str, wanted: &Wanted) -> Result<(), String> {
    // The usual limits but for the time: a test runs without optimisation, and beside others.
    let limits = Limits { compile_seconds: 60, ..Limits::default() };
    let options = Options::new().limits(limits).name("hostile\u{1b}]0;name\u{7}.pk");
    let outcome = Program::compile_with(context, text, &options)
        .and_then(|program| program.kernel("f")?.call::<f32>(2.0f32));
    match (outcome, wanted) {
        (Ok(value), Gives(wanted)) if value == *wanted => Ok(()),
        (Ok(value), _) => Err(format!("gives {value}")),
        (Err(error), _) if error.kind() == ErrorKind::Internal => Err(error.to_string()),
        (Err(error), Codes(wanted)) => refused(&error, |found| found == *wanted, ""),
        (Err(error), Only(wanted)) => refused(&error, |found| found.iter().all(|code| code == wanted), ""),
        (Err(error), Limit(message)) => refused(&error, |found| found == [Code::Limit], message),
        (Err(error), Gives(_)) => Err(error.to_string()),
    }
}

/// The error is a diagnosis with the right codes, says this, and is short and plain.
fn refused(error: &pk::Error, is_right: impl Fn(&[Code]) -> bool, message: &str) -> Result<(), String> {
    let found: Vec<Code> = error.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
    let shown = format!("{error:#}");
    if found.is_empty() || !is_right(&found) || !shown.contains(message) {
        return Err(format!("another error: {found:?} {error}"));
    }
    if shown.len() > 1024 * found.len() {
        return Err(format!("an error of {} bytes", shown.len()));
    }
    match shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}') {
        true => Err(format!("an error that a terminal would obey: {shown:?}")),
        false => Ok(()),
    }
}

fn on_small_stack<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let caller = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        caller.expect("a thread").join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// A kernel of this expression.
fn of(expression: &str) -> String {
    format!("kernel f(x: f32) -> f32 = {expression};")
}

/// A kernel of these `let`s and this value.
fn block(lets: &str, value: &str) -> String {
    format!("kernel f(x: f32) -> f32 {{ {lets} {value} }}")
}

/// `middle` between so many openers and as many closers.
fn around(count: usize, open: &str, middle: &str, close: &str) -> String {
    [&open.repeat(count), middle, &close.repeat(count)].concat()
}

/// `name0 end name1 end …`.
fn numbered(count: usize, name: &str, end: &str) -> String {
    let names: Vec<String> = (0..count).map(|at| format!("{name}{at}")).collect();
    names.join(end) + end.trim_end_matches([' ', '+', ','])
}

/// The functions `g0`, `g1`, … with these bodies, and a kernel of this expression.
fn functions(count: usize, body: impl Fn(usize) -> String, expression: &str) -> String {
    let functions: String =
        (0..count).map(|at| format!("fn g{at}(x: f32) -> f32 = {};\n", body(at))).collect();
    functions + &of(expression)
}

/// `body` with the function before this one for `g`; the first one gives `x + 1`.
fn chain(at: usize, body: &str) -> String {
    match at {
        0 => "x + 1.0".to_string(),
        _ => body.replace('g', &format!("g{}", at - 1)),
    }
}

/// A chain of 64 `let`s, each made of the one before, `b`; nothing but the sizes of their types is wrong.
fn doubling(value: &str) -> String {
    let lets: String =
        (1..64).map(|at| format!("let _b{at} = {};", value.replace('b', &format!("_b{}", at - 1)))).collect();
    block(&format!("let _b0 = x;{lets}"), "x")
}

/// 63 names of types, each a pair of the one before.
fn doubling_names() -> String {
    let pair = |at: usize| format!("type T{at} = (T{0}, T{0});", at - 1);
    "type T0 = (f32, f32);".to_string() + &(1..64).map(pair).collect::<String>()
}

/// Constants, each the sum of the one before and itself: 2 to the power of its number.
fn doubling_constants() -> String {
    (1..64).map(|at| format!("const A{at}: f32 = A{0} + A{0};", at - 1)).collect()
}

/// A chain of 64 integers, each made of the one before twice; the last is 0.
fn doubling_integers() -> String {
    let next = |at: usize| format!("let i{at} = i{0} ^ i{0};", at - 1);
    "let i0 = i64(x);".to_string() + &(1..64).map(next).collect::<String>()
}
