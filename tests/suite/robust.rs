//! Texts that nobody would write: none may panic, hang or overflow a stack, whatever else becomes of it.

use crate::{corpus, exhaustive::trial, generate::Random, oracle};
use libtest_mimic::Trial;
use pk::{Backend, Context, Device, ErrorKind, LaunchOptions, Limits, Outputs, Program, Value};
use pk_compiler::{deadline::Deadline, pass};
use pk_dsl::{codes::Code, diagnostic::Diagnostic, render::render, scalar::Scalar, signature::Signature};
use std::{
    panic,
    time::{Duration, Instant},
};

pub(crate) fn trials() -> Vec<Trial> {
    type Test = (&'static str, fn() -> Result<(), String>);
    const TESTS: &[Test] = &[
        ("unknown_names", || {
            let names: Vec<String> = (0..30_000).map(|at| format!("u{at}")).collect();
            refused(&expression(&format!("f32([{}][0])", names.join(", "))), Code::UnknownName)
        }),
        ("functions_take_linear_time", functions_take_linear_time),
        ("else_if_takes_linear_time", else_if_takes_linear_time),
        ("constant_folding_is_bounded", constant_folding_is_bounded),
        ("loops_can_be_stopped", loops_can_be_stopped),
        ("huge_arrays_are_refused", huge_arrays_are_refused),
        ("token_soups", token_soups),
        ("mutated_kernels", mutated_kernels),
    ];
    let context = Device::default_for(Backend::Interp).and_then(|device| Context::new(&device)).ok();
    let named = |(name, test): &Test| {
        let test = *test;
        trial(format!("robust/{name}"), context.clone(), move |_| test())
    };
    TESTS.iter().map(named).collect()
}

fn expression(text: &str) -> String {
    format!("kernel f(x: f32) -> f32 = {text};")
}

/// Checks and lowers a text, within a time that no honest text needs, and renders what is wrong with it.
fn survives(text: &str) -> Result<Result<(), Vec<Diagnostic>>, String> {
    let start = Instant::now();
    // The text of a failed test is worth more than the backtrace.
    let outcome = panic::catch_unwind(|| oracle::compile(text, &Limits::default()).map(|_| ()));
    let outcome = outcome.map_err(|_| "a panic".to_string())?;
    if let Err(errors) = &outcome {
        let shown = render(text, "hostile.pk", errors, false);
        if errors.is_empty() || errors.len() > 20 || shown.len() > 50_000 {
            return Err(format!("{} errors in {} bytes", errors.len(), shown.len()));
        }
        if shown.chars().any(|c| c.is_control() && c != '\n') {
            return Err("a control character in a message".to_string());
        }
    }
    match start.elapsed() < Duration::from_secs(60) {
        true => Ok(outcome),
        false => Err(format!("took {:?}", start.elapsed())),
    }
}

/// The text has an error of this kind.
fn refused(text: &str, code: Code) -> Result<(), String> {
    match survives(text)? {
        Ok(()) => Err("compiles".to_string()),
        Err(errors) if errors.iter().any(|error| error.code == code) => Ok(()),
        Err(errors) => Err(format!("is refused for another reason: {}", errors[0].message)),
    }
}

fn functions_take_linear_time() -> Result<(), String> {
    takes_linear_time(1_000, |count| {
        let functions: String =
            (0..count).map(|at| format!("fn _g{at}(x: f32) -> f32 = x * {at}.5 + x;\n")).collect();
        format!("{functions}kernel f(x: f32) -> f32 = x;")
    })
}

fn else_if_takes_linear_time() -> Result<(), String> {
    takes_linear_time(200, |count| {
        let arms: String = (0..count).map(|at| format!("if x < {at}.0 {{ x * {at}.5 }} else ")).collect();
        expression(&format!("{arms}{{ x }}"))
    })
}

/// Ten times the text takes not much more than ten times as long, optimised IR included.
fn takes_linear_time(count: usize, text: impl Fn(usize) -> String) -> Result<(), String> {
    let limits = Limits { functions: 1 << 20, ..Limits::default() };
    let time = |count: usize| {
        let text = text(count);
        let start = Instant::now();
        let compiled = oracle::compile(&text, &limits).map_err(|errors| errors[0].message.clone())?;
        for mut kernel in compiled.kernels {
            oracle::on_big_stack(|| pass::optimize(&mut kernel, &Deadline::default()))
                .map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(start.elapsed().as_secs_f64())
    };
    let (short, long) = (time(count)?.max(0.005), time(10 * count)?);
    // A quadratic algorithm would take 100 times as long; the rest is for a busy machine.
    if long < 50.0 * short { Ok(()) } else { Err(format!("{short} s, then {long} s")) }
}

fn constant_folding_is_bounded() -> Result<(), String> {
    for text in [
        "const A: i64 = 2 ** 2 ** 2 ** 30; kernel f() -> i64 = A;",
        "const A: i64 = loop s = 0 for i in 0..1000000000000 { s + i }; kernel f(n: i64) -> i64 = if n > 0 { n } else { A };",
        "kernel f(n: i64) -> i64 = if n > 0 { n } else { sum(i for i in 0..1000000000000) };",
        "const N: i64 = 4611686018427387904; kernel f(x: [f32; N]) -> [f32; N] = x;",
    ] {
        // Whether it compiles does not matter: that it ends does.
        let _ = survives(text)?;
    }
    Ok(())
}

fn loops_can_be_stopped() -> Result<(), String> {
    let text = "kernel f(n: i64) -> i64 = loop s = 0 for i in 0..n { s * 3 + i };";
    for device in Device::all() {
        let told = |error: pk::Error| format!("{error:#}");
        let program =
            Context::new(&device).and_then(|context| Program::compile(&context, text)).map_err(told)?;
        let limit = LaunchOptions::new().time_limit(Duration::from_millis(50));
        let start = Instant::now();
        let outcome = program.kernel("f").and_then(|kernel| kernel.call_with::<i64>(&limit, i64::MAX));
        match outcome {
            Err(error) if error.kind() == ErrorKind::Timeout && start.elapsed() < Duration::from_secs(20) => {
            }
            other => return Err(format!("{device}: {other:?} after {:?}", start.elapsed())),
        }
    }
    Ok(())
}

/// Results and arrays in between: none is made before its size is known to be possible.
fn huge_arrays_are_refused() -> Result<(), String> {
    for text in [
        "kernel f(n: i64, m: i64) -> [f64; n, m] = fill([n, m], 1.0);",
        "kernel f(n: i64, m: i64) -> f64 { let a = scan(f64(iota(n)), +); a[m] + a[0] }",
        "kernel f(n: i64, m: i64) -> i64 { let a = reduce_by_index(n, iota(3), iota(3), 0, +); a[1] + a[m] }",
        "kernel f(n: i64, m: i64) -> i64 { let a = [i * i ^ m for i in 0..n]; a[a[0]] }",
    ] {
        for device in Device::all() {
            refuses_huge(&device, text).map_err(|error| format!("{device}: {error} in {text}"))?;
        }
    }
    Ok(())
}

fn refuses_huge(device: &Device, text: &str) -> Result<(), String> {
    let compiled = Context::new(device).and_then(|context| Program::compile(&context, text));
    let kernel = compiled.and_then(|program| program.kernel("f")).map_err(|error| format!("{error:#}"))?;
    for sizes in [(i64::MAX, 2), (i64::MAX, 1), (1i64 << 47, 1i64 << 32), (1 << 48, 4), (1 << 46, 1)] {
        match kernel.call::<Outputs>(sizes) {
            Err(error) if is_too_much(&error) => {}
            other => return Err(format!("{sizes:?}: {:?}", other.map(|_| "a result"))),
        }
    }
    Ok(())
}

/// Whether an error says that something is too large, before or because memory was asked for.
fn is_too_much(error: &pk::Error) -> bool {
    matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::OutOfMemory)
}

/// Tokens in any order.
fn token_soups() -> Result<(), String> {
    const TOKENS: &str = "kernel fn const type let if else loop for in while by true false x y n f sum map scan filter \
        f32 i64 bool 0 1 2.5 1u8 ( ) [ ] { } , ; : . .. -> = || && == != < <= > >= | ^ & << >> + - * / % ** ! _ .0 axis";
    let tokens: Vec<&str> = TOKENS.split_whitespace().collect();
    let mut random = Random::new(1);
    for _ in 0..3_000 {
        let soup: Vec<&str> = (0..random.below(60)).map(|_| random.pick(&tokens)).collect();
        let soup = soup.join(" ");
        for text in [&soup, &format!("kernel f(x: [f32; n], y: i64) -> f32 = {soup};")] {
            // Whether it compiles does not matter: that nothing else happens does.
            let _ = survives(text).map_err(|error| format!("{error} in: {text}"))?;
        }
    }
    Ok(())
}

/// The kernels of this suite with a few of their tokens replaced by others, dropped or doubled; what still compiles runs.
fn mutated_kernels() -> Result<(), String> {
    let files = corpus::load()?;
    let mut random = Random::new(2);
    let contexts: Vec<Context> =
        Device::all().iter().filter_map(|device| Context::new(device).ok()).collect();
    for _ in 0..6 {
        for file in files.iter().filter(|file| file.is_run()) {
            let code: Vec<&str> = file.text.lines().filter(|line| !line.starts_with("//")).collect();
            let text = mutated(&code.join("\n"), &mut random);
            let context = random.below(contexts.len());
            if survives(&text).map_err(|error| format!("{error} in:\n{text}"))?.is_ok() {
                runs(&contexts[context], &text).map_err(|error| format!("{error} in:\n{text}"))?;
            }
        }
    }
    Ok(())
}

fn mutated(text: &str, random: &mut Random) -> String {
    let mut pieces: Vec<String> = Vec::new();
    for c in text.chars() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match pieces.last_mut().filter(|piece| is_word(c) && piece.ends_with(is_word)) {
            Some(piece) => piece.push(c),
            None => pieces.push(c.to_string()),
        }
    }
    for _ in 0..=random.below(3) {
        let (at, other) = (random.below(pieces.len()), random.below(pieces.len()));
        match random.below(4) {
            0 => pieces[at].clear(),
            1 => pieces[at] = pieces[other].clone(),
            2 => pieces.swap(at, other),
            _ => pieces[at] = ["0", "-1", "n", "f64", "+", "x"][random.below(6)].to_string(),
        }
    }
    pieces.concat()
}

/// Runs all kernels of a text on small arguments; faults and refusals are results like others.
fn runs(context: &Context, text: &str) -> Result<(), String> {
    let program = Program::compile(context, text).map_err(|error| format!("{error:#}"))?;
    for kernel in program.kernels() {
        for length in [0, 3] {
            let args = arguments(kernel.signature(), length);
            let limit = LaunchOptions::new().time_limit(Duration::from_secs(10));
            match kernel.call_with::<Outputs>(&limit, args) {
                Err(error) if error.kind() == ErrorKind::Internal => return Err(format!("{error:#}")),
                _ => {}
            }
        }
    }
    Ok(())
}

fn arguments(signature: &Signature, length: usize) -> Vec<Value<'static>> {
    let arg = |param: &pk_dsl::signature::ParamType| {
        let shape: Vec<usize> = param
            .dims
            .iter()
            .map(|dim| dim.size.as_constant().map_or(length, |size| size as usize))
            .collect();
        let one = pk_dsl::scalar::Const::from_int(
            if param.scalar == Scalar::Bool { Scalar::U8 } else { param.scalar },
            1,
        );
        if shape.is_empty() {
            return Value::scalar(pk_dsl::scalar::Const::from_bits(param.scalar, one.bits()));
        }
        let element = one.bits().to_le_bytes()[..param.scalar.bytes()].to_vec();
        let bytes = element.repeat(shape.iter().product());
        let fallback = || Value::scalar(one);
        Value::from_bytes(param.scalar, &shape, bytes.into()).unwrap_or_else(|_| fallback())
    };
    signature.params.iter().map(arg).collect()
}
