//! How far the library functions are from the truth: `cargo bench --bench accuracy [-- [--sample] [NAME...]]`.
//!
//! Measures every function, or those named, and writes what it found into `docs/accuracy.md`. What runs is machine
//! code, through the public API; its bits are the same on every machine, and so is the page. An `f32` function of one
//! argument meets all 2^32 arguments, and its truth is the `f64` function of the crate `libm`, whose error is below
//! 2^-27 of a last place of `f32`. The truth of an `f64` function is that of MPFR with 160 bits (`truth.py`; it needs
//! `pip install gmpy2`). All of it takes about an hour of one core.
//!
//! With `--sample`, some of the `f32` arguments are tried, among them those that the page calls the worst, and the page
//! must agree with what is found; this takes seconds.

mod draws;
mod error;
mod functions;
mod page;

use draws::{Format, Random};
use error::{SINGLE, Worst};
use functions::{FUNCTIONS, Function, Single};
use page::{Page, Row};
use pk::{Context, Kernel, Program};
use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Errors above this are a finding.
const BAR: f64 = 1.5;
/// Arguments that one call of a kernel gets.
const BATCH: usize = 4096;
/// Random arguments of an `f64` function.
const DOUBLES: u64 = 10_000_000;
/// Random arguments of an `f32` function of two.
const PAIRS: u64 = 1 << 30;
/// With `--sample`, so few of each 1000 are tried.
const SAMPLE: u64 = 2;

/// A function in one format, to be measured.
type Job = (&'static Function, Format);

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let (options, names): (Vec<String>, Vec<String>) = args.into_iter().partition(|arg| arg.starts_with('-'));
    let is_sample = match options.as_slice() {
        [] => false,
        [option] if option == "--sample" => true,
        _ => return Err("usage: cargo bench --bench accuracy [-- [--sample] [NAME...]]".into()),
    };
    let wanted = |function: &&Function| names.is_empty() || names.iter().any(|name| name == function.name);
    let functions = FUNCTIONS.iter().filter(wanted);
    match is_sample {
        true => check(functions.map(|function| (function, Format::F32)).collect()),
        false => {
            measure(functions.flat_map(|function| Format::ALL.map(|format| (function, format))).collect())
        }
    }
}

/// Measures `jobs` and writes the page.
fn measure(jobs: Vec<Job>) -> Result<()> {
    let page = Mutex::new(Page::read()?);
    for_each(jobs, |(function, format)| {
        let worst = match format {
            Format::F32 => worst_single(function, &[], 1000)?,
            Format::F64 => worst_double(function)?,
        };
        let row = Row::new(function, format, &worst);
        println!("{row}");
        let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
        page.set(row);
        page.write()?;
        bounded(function, &worst)
    })
}

/// Fails if the page says anything but what a sample of the arguments, together with those on the page, shows.
fn check(jobs: Vec<Job>) -> Result<()> {
    let page = Page::read()?;
    for_each(jobs, |(function, format)| {
        let row = page
            .row(function, format)
            .ok_or_else(|| format!("{} is not in {}", function.name, page::PATH))?;
        let worst = worst_single(function, &row.args, SAMPLE)?;
        bounded(function, &worst)?;
        let found = Row::new(function, format, &worst);
        match found.agrees(row) {
            true => Ok(()),
            false => Err(format!("{} says `{row}`, but a sample gives `{found}`", page::PATH).into()),
        }
    })
}

fn bounded(function: &Function, worst: &Worst) -> Result<()> {
    match worst.error <= BAR {
        true => Ok(()),
        false => Err(format!("{} is off by {} at {:?}", function.name, worst.error, worst.args).into()),
    }
}

/// Does each of `jobs`, one for each core at a time, and joins what went wrong.
fn for_each(mut jobs: Vec<Job>, work: impl Fn(Job) -> Result<()> + Sync) -> Result<()> {
    jobs.reverse();
    let queue = Mutex::new(jobs);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let errors = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(job) = next() {
                    if let Err(error) = work(job) {
                        errors.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
                    }
                }
            });
        }
    });
    match errors.into_inner().unwrap_or_else(PoisonError::into_inner) {
        errors if errors.is_empty() => Ok(()),
        errors => Err(errors.join("\n").into()),
    }
}

/// The kernel that applies `function` to arrays.
fn kernel(function: &Function, format: Format) -> Result<Kernel> {
    let (name, scalar) = (function.name, format.name());
    let text = match function.single {
        Single::One(_) => format!("kernel k(x: [{scalar}; n]) -> [{scalar}; n] = {name}(x);"),
        Single::Two(_) => {
            // The language has an operator for it.
            let value = if name == "fmod" { "x % y".to_string() } else { format!("{name}(x, y)") };
            format!("kernel k(x: [{scalar}; n], y: [{scalar}; n]) -> [{scalar}; n] = {value};")
        }
    };
    Ok(Program::compile(&Context::cpu(), &text)?.kernel("k")?)
}

/// The greatest error of the `f32` function: at `first`, and at so many of each thousand of the other arguments.
fn worst_single(function: &Function, first: &[f64], per_mille: u64) -> Result<Worst> {
    let kernel = kernel(function, Format::F32)?;
    let mut worst = Worst::default();
    let first: Vec<f32> = first.iter().map(|&x| x as f32).collect();
    match function.single {
        Single::One(truth) => {
            let mut meet = |xs: &[f32]| -> Result<()> {
                let found: Vec<f32> = kernel.call((xs,))?;
                for (&x, &found) in xs.iter().zip(&found) {
                    worst.meet(SINGLE.error(found.into(), truth(x.into())), [x.into(), 0.0]);
                }
                Ok(())
            };
            meet(&first)?;
            let step = 1000 / per_mille as usize;
            for start in (0..1 << 32).step_by(step * BATCH) {
                let bits = (start..(start + step * BATCH).min(1 << 32)).step_by(step);
                let xs: Vec<f32> = bits.map(|bits| f32::from_bits(bits as u32)).collect();
                meet(&xs)?;
            }
        }
        Single::Two(truth) => {
            let mut meet = |xs: &[f32], ys: &[f32]| -> Result<()> {
                let found: Vec<f32> = kernel.call((xs, ys))?;
                for ((&x, &y), &found) in xs.iter().zip(ys).zip(&found) {
                    worst.meet(SINGLE.error(found.into(), truth(x.into(), y.into())), [x.into(), y.into()]);
                }
                Ok(())
            };
            if let [x, y] = first[..] {
                meet(&[x], &[y])?;
            }
            let mut random = Random::new(function.name);
            for _ in 0..PAIRS / 1000 * per_mille / BATCH as u64 {
                let pairs = function.draw(Format::F32, &mut random, BATCH);
                let (xs, ys): (Vec<f32>, Vec<f32>) =
                    pairs.into_iter().map(|[x, y]| (x as f32, y as f32)).unzip();
                meet(&xs, &ys)?;
            }
        }
    }
    Ok(worst)
}

/// The greatest error of the `f64` function on random arguments and those of the compiler's tests.
fn worst_double(function: &Function) -> Result<Worst> {
    let kernel = kernel(function, Format::F64)?;
    let arity = function.arity();
    let mut child = Command::new("python3")
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/benches/accuracy/truth.py"), function.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no pipe")?;
    let mut random = Random::new(function.name);
    let mut batch = draws::of_vectors(function)?;
    let mut count = 0;
    while count < DOUBLES {
        let (xs, ys): (Vec<f64>, Vec<f64>) = batch.iter().map(|&[x, y]| (x, y)).unzip();
        let found: Vec<f64> = match function.single {
            Single::One(_) => kernel.call((&xs,))?,
            Single::Two(_) => kernel.call((&xs, &ys))?,
        };
        let records = batch.iter().zip(&found).flat_map(|(args, found)| args[..arity].iter().chain([found]));
        input.write_all(&records.flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())?;
        count += batch.len() as u64;
        batch = function.draw(Format::F64, &mut random, BATCH);
    }
    drop(input);
    let mut answer = String::new();
    child.stdout.take().ok_or("no pipe")?.read_to_string(&mut answer)?;
    if !child.wait()?.success() {
        return Err(format!("truth.py failed for {}", function.name).into());
    }
    let numbers = answer.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>()?;
    let [error, args @ ..] = numbers.as_slice() else { return Err("truth.py gave no answer".into()) };
    let at = |index: usize| args.get(index).copied().unwrap_or(0.0);
    Ok(Worst { error: *error, args: [at(0), at(1)], count })
}
