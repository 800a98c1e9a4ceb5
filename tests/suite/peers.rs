//! What numexpr and PyOpenCL do wrong, each as a test of what pk does instead: sums that lose a third, types that change
//! under the hands, crashes of the host.

use crate::{api, exhaustive::trial};
use libtest_mimic::Trial;
use pk::{Context, ErrorKind, Outputs, Program, Value};

pub(crate) fn trials() -> Vec<Trial> {
    type Test = (&'static str, fn(&Context) -> Result<(), String>);
    const TESTS: &[Test] = &[
        ("sum_of_tenths_is_accurate", sum_of_tenths_is_accurate),
        ("sum_of_integers_does_not_wrap", sum_of_integers_does_not_wrap),
        ("reductions_may_stand_anywhere", reductions_may_stand_anywhere),
        ("literals_do_not_widen", literals_do_not_widen),
        ("division_by_zero_is_an_error", division_by_zero_is_an_error),
        ("short_array_is_refused", short_array_is_refused),
        ("wrong_element_type_is_refused", wrong_element_type_is_refused),
        ("index_far_outside_is_an_error", index_far_outside_is_an_error),
        ("any_name_is_a_name", any_name_is_a_name),
        ("wrong_neutral_element_does_no_harm", wrong_neutral_element_does_no_harm),
        ("many_kernels_compile_quickly", many_kernels_compile_quickly),
    ];
    let mut trials = Vec::new();
    for (backend, context) in api::backends() {
        for (name, test) in TESTS {
            trials.push(trial(format!("peers/{backend}/{name}"), context.clone(), test));
        }
    }
    trials
}

fn kernel(context: &Context, text: &str) -> Result<pk::Kernel, String> {
    api::compile(context, text, None, &pk::Limits::default())
}

fn equal<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{found:?} instead of {wanted:?}")) }
}

fn told(error: pk::Error) -> String {
    format!("{error:#}")
}

/// numexpr: 37.5 % low for 2^25 elements, as a running sum in `f32` stands still at 2^21.
fn sum_of_tenths_is_accurate(context: &Context) -> Result<(), String> {
    // The interpreter is slow; a running sum is already off by a thousandth here.
    let count = if context.device().backend() == pk::Backend::Interp { 1 << 18 } else { 1 << 25 };
    let sum = kernel(context, "kernel f(x: [f32; n]) -> f32 = sum(x);")?;
    let found: f32 = sum.call(&vec![0.1f32; count]).map_err(told)?;
    let exact = f64::from(0.1f32) * count as f64;
    let error = (f64::from(found) - exact).abs() / exact;
    if error < 1e-6 { Ok(()) } else { Err(format!("{found} instead of {exact}")) }
}

/// numexpr: the sum of four times `INT32_MAX` is -4.
fn sum_of_integers_does_not_wrap(context: &Context) -> Result<(), String> {
    let sum = kernel(context, "kernel f(x: [i32; n]) -> i64 = sum(x);")?;
    equal(sum.call(&[i32::MAX; 4]).map_err(told)?, 4 * i64::from(i32::MAX))
}

/// numexpr: "reduction operations must occur last".
fn reductions_may_stand_anywhere(context: &Context) -> Result<(), String> {
    let text = "kernel f(x: [f64; n]) -> (f64, f64, f64) = (sum(x * x) * 2.0, -sum(x), sum(x) + max(x));";
    equal(kernel(context, text)?.call(&[1.0, 2.0, 3.0]).map_err(told)?, (28.0, -6.0, 9.0))
}

/// numexpr: `2.0*x + y` of two `f32` arrays is `f64`.
fn literals_do_not_widen(context: &Context) -> Result<(), String> {
    let text = "kernel f(x: [f32; n], y: [f32; n]) -> [f32; n] = 2.0 * x + y;";
    let found: Vec<f32> = kernel(context, text)?.call((&[0.1f32], &[0.2f32])).map_err(told)?;
    equal(found, vec![2.0f32 * 0.1 + 0.2])
}

/// numexpr: `i // 0` is 0, without a word. PyOpenCL: `7 / 0` is 7.
fn division_by_zero_is_an_error(context: &Context) -> Result<(), String> {
    let divide = kernel(context, "kernel f(x: [i32; n], d: i32) -> [i32; n] = x / d;")?;
    match divide.call::<Vec<i32>>((&[7], 0)) {
        Ok(found) => Err(format!("{found:?} instead of an error")),
        Err(error) => equal(error.kind(), ErrorKind::DivisionByZero),
    }
}

/// PyOpenCL: a result array that is too short kills the process.
fn short_array_is_refused(context: &Context) -> Result<(), String> {
    let add = kernel(context, "kernel f(x: [f32; n], y: [f32; n]) -> [f32; n] = x + y;")?;
    match add.call::<Vec<f32>>((&[1.0f32; 1000], &[1.0f32; 10])) {
        Ok(_) => Err("a result instead of an error".to_string()),
        Err(error) => equal(error.kind(), ErrorKind::Shape),
    }?;
    let (x, mut short) =
        (context.zeros::<f32>(&[1000]).map_err(told)?, context.zeros::<f32>(&[10]).map_err(told)?);
    match add.launch(&context.default_queue()).arg(&x).arg(&x).into(&mut short).run() {
        Ok(_) => Err("a launch into a short buffer".to_string()),
        Err(error) => equal(error.kind(), ErrorKind::Shape),
    }
}

/// PyOpenCL: an `f64` array given for `float *x` is read as garbage.
fn wrong_element_type_is_refused(context: &Context) -> Result<(), String> {
    let twice = kernel(context, "kernel f(x: [f32; n]) -> [f32; n] = x + x;")?;
    match twice.call::<Vec<f32>>(&[1.0f64, 2.0]) {
        Ok(found) => Err(format!("{found:?} instead of an error")),
        Err(error) => equal(error.kind(), ErrorKind::ArgumentType),
    }
}

/// PyOpenCL: `x[i + 100000000]` is a segmentation fault.
fn index_far_outside_is_an_error(context: &Context) -> Result<(), String> {
    let far = kernel(context, "kernel f(x: [f32; n]) -> [f32; n] = [x[i + 100000000] for i in 0..n];")?;
    match far.call::<Vec<f32>>(&[1.0f32, 2.0]) {
        Ok(found) => Err(format!("{found:?} instead of an error")),
        Err(error) => {
            equal(error.kind(), ErrorKind::OutOfBounds)?;
            let fault = error.fault().ok_or("an error without its place")?;
            equal((fault.element, fault.index, fault.length), (Some(0), 100_000_000, 2))
        }
    }
}

/// PyOpenCL: an argument named `n` is declared twice in a file that the user never wrote.
fn any_name_is_a_name(context: &Context) -> Result<(), String> {
    for name in
        ["n", "i", "size", "float", "half", "restrict", "__global", "main", "NULL", "v0", "block0", "self"]
    {
        let text = format!("kernel {name}({name}: [f32; m]) -> [f32; m] = {name} + 1.0;");
        let found: Vec<f32> = kernel(context, &text)?.call(&[1.0f32]).map_err(told)?;
        equal(found, vec![2.0])?;
    }
    Ok(())
}

/// PyOpenCL: with the neutral element 1, a sum of 1000 ones is 2024.
fn wrong_neutral_element_does_no_harm(context: &Context) -> Result<(), String> {
    let sum = kernel(context, "kernel f(x: [i64; n]) -> i64 = reduce(x, 1, +);")?;
    equal(sum.call::<i64>(&[1i64; 1000]).map_err(told)?, 1000)?;
    equal(sum.call::<i64>(&[0i64; 0]).map_err(told)?, 1)
}

/// PyOpenCL: about half a second for each kernel.
fn many_kernels_compile_quickly(context: &Context) -> Result<(), String> {
    let start = std::time::Instant::now();
    for factor in 0..20 {
        let text = format!("kernel f(x: [f32; n]) -> f32 = sum(x * {factor}.5);");
        let program = Program::compile(context, &text).map_err(told)?;
        let outputs: Outputs = program
            .kernel("f")
            .and_then(|kernel| kernel.call(vec![Value::array(&[1.0f32, 1.0], &[2])?]))
            .map_err(told)?;
        let found =
            outputs.get("").and_then(|output| output.element(0)).and_then(pk_dsl::scalar::Const::as_f32);
        equal(found, Some(2.0 * (factor as f32 + 0.5)))?;
    }
    // Generous, for a build without optimisation on a busy machine.
    let seconds = start.elapsed().as_secs_f64();
    if seconds < 10.0 { Ok(()) } else { Err(format!("20 kernels took {seconds} s")) }
}
