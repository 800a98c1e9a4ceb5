//! Drivers against each other: every kernel here runs in the interpreter and as compiled code, and both must give the
//! same bits and report the same faults.

mod bands;
mod cache;
mod columns;
mod control;
mod faults;
mod folds;
pub(super) mod kernels;
mod launches;
mod nests;
mod random;
mod scalars;
mod scans;
mod shared;
mod threads;

use super::{
    Arg, Driver, Executable, FaultPolicy, Job, Output, PerResult, RunError,
    cpu::{CpuDriver, Features},
    interp::InterpDriver,
};
use pk_compiler::{
    data::{Datum, Tensor},
    deadline::Deadline,
    ir::{Kernel, verify::verify},
    plan,
};
use pk_dsl::scalar::{Const, Scalar};
use std::sync::Arc;

/// A kernel, ready on both drivers.
struct Both<'a> {
    kernel: &'a Kernel,
    interpreted: Arc<dyn Executable>,
    compiled: Arc<dyn Executable>,
}

impl Both<'_> {
    #[track_caller]
    fn new(kernel: &Kernel) -> Both<'_> {
        Both::with_features(kernel, Features::Native)
    }

    #[track_caller]
    fn with_features(kernel: &Kernel, features: Features) -> Both<'_> {
        verify(kernel).expect("tests run valid IR");
        let load = |driver: &dyn Driver| {
            driver
                .load(Arc::new(kernel.clone()), 1 << 20, &Deadline::default())
                .expect("valid kernels compile")
        };
        let (interpreted, compiled) = (load(&InterpDriver), load(&CpuDriver { features }));
        Both { kernel, interpreted, compiled }
    }

    /// Runs the kernel on both drivers, compares, and gives what the compiled code gave.
    #[track_caller]
    fn run(&self, sizes: &[i64], args: &[Datum], faults: FaultPolicy) -> Result<Vec<Datum>, RunError> {
        let outcome = |executable: &Arc<dyn Executable>| {
            let outputs = executable.run(job(sizes, &arguments(args), faults))?;
            let scalars = self.kernel.signature.results.iter().map(|result| result.scalar);
            Ok(outputs.into_iter().zip(scalars).map(|(output, scalar)| datum(output, scalar)).collect())
        };
        let (wanted, found) = (outcome(&self.interpreted), outcome(&self.compiled));
        assert_same_outcome(&wanted, &found, self.kernel);
        found
    }
}

/// Runs `kernel` once as [`Both`] does; faults are reported.
#[track_caller]
fn run(kernel: &Kernel, sizes: &[i64], args: &[Datum]) -> Result<Vec<Datum>, RunError> {
    Both::new(kernel).run(sizes, args, FaultPolicy::Report)
}

#[track_caller]
fn assert_same_outcome(
    wanted: &Result<Vec<Datum>, RunError>,
    found: &Result<Vec<Datum>, RunError>,
    kernel: &Kernel,
) {
    match (wanted, found) {
        (Ok(wanted), Ok(found)) => assert_same(wanted, found, kernel),
        _ => assert_eq!(wanted, found, "{kernel}\n{}", plan::cpu(kernel)),
    }
}

fn arguments(args: &[Datum]) -> Vec<Arg<'_>> {
    let args = args.iter().map(|arg| match arg {
        Datum::Scalar(value) => Arg::Scalar(*value),
        Datum::Array(tensor) => Arg::Array { shape: &tensor.shape, bytes: &tensor.bytes },
    });
    args.collect()
}

fn job<'a>(sizes: &'a [i64], args: &'a [Arg<'a>], faults: FaultPolicy) -> Job<'a, 'a> {
    Job { sizes, args, faults, ..Job::default() }
}

impl dyn Executable + '_ {
    /// The outputs of this job.
    pub(super) fn run(&self, mut job: Job<'_, '_>) -> Result<PerResult<Output>, RunError> {
        self.execute(&mut job)?;
        Ok(job.outputs)
    }
}

fn datum(output: Output, scalar: Scalar) -> Datum {
    match output {
        Output::Scalar(value) => Datum::Scalar(value),
        Output::Array(array) => {
            Datum::Array(Tensor { scalar, shape: array.shape.into_vec(), bytes: array.bytes.to_vec() })
        }
        Output::InPlace => panic!("no destinations were given"),
    }
}

#[track_caller]
fn assert_same(wanted: &[Datum], found: &[Datum], kernel: &Kernel) {
    assert_eq!(wanted.len(), found.len());
    for (number, (wanted, found)) in wanted.iter().zip(found).enumerate() {
        match (wanted, found) {
            (Datum::Scalar(wanted), Datum::Scalar(found)) => {
                assert!(wanted.same(*found), "result {number}: {wanted} wanted, {found} found\n{kernel}");
            }
            (Datum::Array(wanted), Datum::Array(found)) => {
                assert_eq!((wanted.scalar, &wanted.shape), (found.scalar, &found.shape), "result {number}");
                let different = (0..wanted.len()).find(|at| !wanted.get(*at).same(found.get(*at)));
                let values = different.map(|at| (at, wanted.get(at), found.get(at)));
                assert_eq!(values, None, "result {number}: (element, wanted, found)\n{kernel}");
            }
            _ => panic!("result {number}: one is a scalar, the other an array"),
        }
    }
}

/// An array of this shape.
fn array<T: Into<Const> + Copy>(shape: &[usize], elements: &[T]) -> Datum {
    let scalar = elements.first().map_or(Scalar::I64, |first| (*first).into().scalar());
    constants(scalar, shape, elements.iter().map(|element| (*element).into()))
}

/// A vector.
fn vector<T: Into<Const> + Copy>(elements: &[T]) -> Datum {
    array(&[elements.len()], elements)
}

fn constants(scalar: Scalar, shape: &[usize], elements: impl Iterator<Item = Const>) -> Datum {
    let count = shape.iter().product::<usize>();
    let mut tensor = Tensor { scalar, shape: shape.to_vec(), bytes: vec![0; count * scalar.bytes()] };
    elements.enumerate().for_each(|(at, element)| tensor.set(at, element));
    Datum::Array(tensor)
}

fn scalar(value: impl Into<Const>) -> Datum {
    Datum::Scalar(value.into())
}

/// Numbers that look random: a linear congruential generator, so that failures repeat.
fn random(count: usize, seed: u64) -> impl Iterator<Item = u64> + use<> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) ^ state
    })
    .take(count)
}

/// `count` numbers from -1 to 1.
fn random_floats(count: usize, seed: u64) -> Vec<f32> {
    random(count, seed).map(|bits| (bits % 65536) as f32 / 32768.0 - 1.0).collect()
}
