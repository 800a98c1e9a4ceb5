//! How long it takes from a text to a first result: `cargo bench --bench latency`.
//!
//! Two cases matter to whoever embeds pk: a process that starts, compiles one kernel, runs it and ends; and one more
//! kernel in a process that is already warm. Throughput is not measured here.

use pk::{Context, Program};
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// So many elements go through each kernel.
const LEN: usize = 1000;

/// The argument that makes this program the process to be measured.
const COLD: &str = "--cold-process";

const TEXT: &str = "kernel norm(x: [f32; n], y: [f32; n]) -> f32 = sum(sqrt(x * x + y * y));";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    if args.any(|arg| arg == COLD) {
        std::hint::black_box(run(&Context::cpu(), TEXT)?);
        return Ok(());
    }
    println!("sum(sqrt(x * x + y * y)) on {LEN} elements, from text to result");
    report("cold process, start to exit", 50, 5.0, |_| cold_process())?;
    let context = Context::cpu();
    run(&context, TEXT)?;
    report("one more kernel", 200, 1.0, |round| another_kernel(&context, round))
}

/// Starts this program once more and waits for its end.
fn cold_process() -> Result<()> {
    let status = Command::new(std::env::current_exe()?).arg(COLD).status()?;
    if status.success() { Ok(()) } else { Err(format!("the process failed: {status}").into()) }
}

/// Compiles and runs a kernel whose text was not seen before.
fn another_kernel(context: &Context, round: usize) -> Result<()> {
    let text = TEXT.replace("x * x", &format!("x * x * {round}.0"));
    std::hint::black_box(run(context, &text)?);
    Ok(())
}

fn run(context: &Context, text: &str) -> Result<f32> {
    let x: [f32; LEN] = std::array::from_fn(|i| i as f32);
    let program = Program::compile(context, text)?;
    Ok(program.kernel("norm")?.call((&x, &x))?)
}

/// Measures `rounds` calls and prints the median, the best and the bar in milliseconds.
fn report(name: &str, rounds: usize, bar: f64, mut call: impl FnMut(usize) -> Result<()>) -> Result<()> {
    let mut times: Vec<Duration> = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let start = Instant::now();
        call(round)?;
        times.push(start.elapsed());
    }
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (best, median) = (milliseconds(times[0]), milliseconds(times[rounds / 2]));
    println!("{name:28} median {median:6.3} ms   best {best:6.3} ms   bar {bar} ms");
    Ok(())
}
