//! What it costs to start a kernel that is compiled already: `cargo bench --bench dispatch`.
//!
//! Kernels over next to nothing show the time of a call itself, and what it takes to let a second thread join and leave.
//! Throughput is not measured here.

use pk::{Context, Kernel, LaunchOptions, Program};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often calls are timed.
const SAMPLES: usize = 1000;
/// How many calls are timed at once, where one takes no longer than looking at the clock.
const MANY: u32 = 100;

const TEXT: &str = "
    kernel half(x: f32) -> f32 = 0.5 * x;
    kernel double(x: [f32; n]) -> [f32; n] = 2.0 * x;
    kernel slow(x: [f32; n]) -> [f32; n] = x.map(|v| loop r = v for _ in 0..10000 { 0.5 * (r + v) });
    kernel saxpy(a: f32, x: [f32; n], y: [f32; n]) -> [f32; n] = a * x + y;
";

fn main() -> Result<()> {
    let program = Program::compile(&Context::cpu(), TEXT)?;
    let kernel = |name| program.kernel(name);
    let (half, double, slow, saxpy) = (kernel("half")?, kernel("double")?, kernel("slow")?, kernel("saxpy")?);
    let alone = LaunchOptions::new().threads(1);
    sample("call with a scalar", MANY, || halved(&half))?;
    sample("call, n = 1 (bar: 0.25)", MANY, || mapped(&double, &alone, &[1.0]))?;
    let shared = LaunchOptions::new().threads(2).share_pieces_of(1);
    // One element for each of two threads takes as long as one element, and what it takes to bring them together.
    let one = sample("a slow element", 1, || mapped(&slow, &alone, &[1.0]))?;
    let two = sample("two of them on 2 threads", 1, || mapped(&slow, &shared, &[1.0, 2.0]))?;
    println!("{:36} {:8.3} µs", "of it dispatch and join (bar: 10)", microseconds(two.saturating_sub(one)));
    let (x, y) = (vec![1.5f32; 1000], vec![2.5f32; 1000]);
    let kernel = sample("saxpy, n = 1000", MANY, || saxpied(&saxpy, &x, &y))?;
    let mut out = vec![0.0f32; 1000];
    let bare = sample("the bare loop in Rust", MANY, || {
        bare_saxpy(black_box(2.0), black_box(&x), black_box(&y), black_box(&mut out));
        Ok(())
    })?;
    println!("{:36} {:8.2}", "ratio (bar: 2)", kernel.as_secs_f64() / bare.as_secs_f64());
    Ok(())
}

fn halved(kernel: &Kernel) -> Result<()> {
    black_box(kernel.call::<f32>(1.0f32)?);
    Ok(())
}

fn mapped(kernel: &Kernel, options: &LaunchOptions, x: &[f32]) -> Result<()> {
    black_box(kernel.call_with::<Vec<f32>>(options, x)?);
    Ok(())
}

fn saxpied(kernel: &Kernel, x: &[f32], y: &[f32]) -> Result<()> {
    black_box(kernel.call::<Vec<f32>>((2.0f32, x, y))?);
    Ok(())
}

#[inline(never)]
fn bare_saxpy(a: f32, x: &[f32], y: &[f32], out: &mut [f32]) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        *out = a * x + y;
    }
}

/// Prints and gives the median time of a call, `calls` of which are timed at once.
fn sample(name: &str, calls: u32, mut call: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let start = Instant::now();
        for _ in 0..calls {
            call()?;
        }
        times.push(start.elapsed() / calls);
    }
    times.sort();
    let median = times[SAMPLES / 2];
    println!("{name:36} {:8.3} µs   best {:8.3} µs", microseconds(median), microseconds(times[0]));
    Ok(median)
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
