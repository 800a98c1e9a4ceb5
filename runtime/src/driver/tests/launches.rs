//! What a launch takes from its host and gives back to it.

use super::{
    Arg, Driver, FaultPolicy, Job, Output, PerResult, RunError, arguments, array, job,
    kernels::{fold, int, kernel, map, read, reduce},
    vector,
};
use crate::driver::{Destination, Executable, Room, cpu::CpuDriver, interp::InterpDriver};
use pk_compiler::{
    data::Datum,
    deadline::Deadline,
    ir::{Binary, Builder, Kernel, Op, Order, Type, Value},
};
use pk_dsl::scalar::{Const, Scalar};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const I32: (Scalar, &[Value]) = (Scalar::I32, &[]);

/// `x + 1` and `x` itself, each twice.
fn successors() -> Kernel {
    kernel(1, &[(Scalar::I32, &[0])], |b, sizes, params| {
        let next = map(b, sizes, I32, |b, i| {
            let one = b.constant(1i32);
            let x = read(b, params[0], i);
            b.binary(Binary::Add, x, one)
        });
        vec![next, params[0], next, params[0]]
    })
}

fn both(kernel: &Kernel) -> [Arc<dyn Executable>; 2] {
    let kernel = Arc::new(kernel.clone());
    let drivers: [&dyn Driver; 2] = [&InterpDriver, &CpuDriver::default()];
    drivers.map(|driver| {
        driver.load(kernel.clone(), 1 << 20, &Deadline::default()).expect("valid kernels compile")
    })
}

/// Room for three numbers.
fn room() -> Room<i32> {
    Room::new(3).expect("a few bytes")
}

fn bytes(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

#[test]
fn results_go_where_the_host_wants_them() {
    let args = [vector(&[4i32, 5, 6])];
    let args = arguments(&args);
    let (same, next) = (bytes(&[4, 5, 6]), bytes(&[5, 6, 7]));
    for executable in both(&successors()) {
        for given in 0..16 {
            let is_given = |at: usize| given >> at & 1 == 1;
            let mut memory: [Room<i32>; 4] = std::array::from_fn(|_| room());
            let destinations = memory.iter_mut().enumerate();
            let mut destinations: PerResult<Option<&mut dyn Destination>> =
                destinations.map(|(at, room)| is_given(at).then_some(room as _)).collect();
            let job = Job { destinations: &mut destinations, ..job(&[3], &args, FaultPolicy::Report) };
            let outputs = executable.run(job).expect("nothing can fault");
            drop(destinations);
            for (at, (output, wanted)) in outputs.iter().zip([&next, &same, &next, &same]).enumerate() {
                let found = match output {
                    Output::Array(array) => {
                        assert_eq!(array.shape[..], [3]);
                        &array.bytes
                    }
                    Output::InPlace => memory[at].bytes(),
                    Output::Scalar(_) => panic!("an array"),
                };
                let is_in_place = matches!(output, Output::InPlace);
                assert_eq!((found, is_in_place), (&wanted[..], is_given(at)), "{at} of {given}");
            }
        }
    }
}

#[test]
fn a_destination_of_the_wrong_length_is_refused() {
    let args = [vector(&[4i32, 5, 6])];
    let args = arguments(&args);
    for executable in both(&successors()) {
        for result in 0..4 {
            let mut memory = Room::<u8>::new(11).expect("a few bytes");
            let given: &mut dyn Destination = &mut memory;
            let mut destinations: Vec<_> = (0..result).map(|_| None).chain([Some(given)]).collect();
            let job = Job { destinations: &mut destinations, ..job(&[3], &args, FaultPolicy::Report) };
            assert_eq!(executable.run(job).err(), Some(RunError::BadJob));
            assert_eq!(memory.bytes(), []);
        }
    }
}

#[test]
fn arguments_may_lie_at_any_address() {
    let mut memory = [0; 16];
    memory[1..13].copy_from_slice(&bytes(&[7, 8, 9]));
    for executable in both(&successors()) {
        let args = [Arg::Array { shape: &[3], bytes: &memory[1..13] }];
        let outputs = executable.run(Job { sizes: &[3], args: &args, ..Job::default() });
        let outputs = outputs.expect("nothing can fault");
        let Output::Array(next) = &outputs[0] else { panic!("an array") };
        assert_eq!(next.bytes[..], bytes(&[8, 9, 10]));
    }
}

#[test]
fn jobs_that_do_not_fit_are_refused() {
    let elements = bytes(&[1, 2, 3]);
    let array = |shape: &'static [usize], count: usize| Arg::Array { shape, bytes: &elements[..count] };
    let bad: [(&[i64], Vec<Arg<'_>>); 10] = [
        (&[3], vec![]),
        (&[], vec![array(&[3], 12)]),
        (&[4], vec![array(&[3], 12)]),
        (&[-3], vec![array(&[3], 12)]),
        (&[3], vec![array(&[3], 11)]),
        (&[3], vec![array(&[3, 1], 12)]),
        (&[3], vec![array(&[], 4)]),
        (&[3], vec![array(&[3], 12), array(&[3], 12)]),
        (&[3], vec![Arg::Scalar(Const::from(3i32))]),
        (&[1 << 62], vec![array(&[1 << 62], 0)]),
    ];
    for executable in both(&successors()) {
        for (sizes, args) in &bad {
            let job = Job { sizes, args, ..Job::default() };
            assert_eq!(executable.run(job).err(), Some(RunError::BadJob), "{sizes:?} {args:?}");
        }
    }
}

/// `[0; size]` of `i32`, for a size that is an argument.
fn zeros_kernel() -> Kernel {
    kernel(1, &[(Scalar::I64, &[])], |b, _, params| vec![map(b, &[params[0]], I32, |b, _| b.constant(0i32))])
}

#[test]
fn sizes_that_no_machine_has_are_errors() {
    for executable in both(&zeros_kernel()) {
        let run = |size: i64| {
            let args = [Arg::Scalar(Const::from(size))];
            executable.run(Job { sizes: &[0], args: &args, ..Job::default() }).err()
        };
        assert_eq!(run(1), None);
        assert_eq!(run(i64::MAX), Some(RunError::TooLarge));
        assert_eq!(run(i64::MAX / 4), Some(RunError::OutOfMemory { bytes: (i64::MAX / 4 * 4) as u64 }));
        assert_eq!(run(-1), Some(RunError::TooLarge));
    }
}

const FOREVER: i64 = i64::MAX - 5;

/// A sum over so many elements that it does not end in a life.
fn endless_sum(b: &mut Builder, _: Value) -> Value {
    let forever = int(b, FOREVER);
    let sum = fold(b, Binary::Xor, 0i64, Order::Interleaved);
    reduce(b, forever, sum, |_, i| vec![i])[0]
}

/// A loop that does not end in a life.
fn endless_loop(b: &mut Builder, seed: Value) -> Value {
    let (start, end) = (int(b, 0), int(b, FOREVER));
    let i64s = Type::scalar(Scalar::I64);
    let body = b.block(vec![i64s.clone(); 2], |b, args| vec![b.binary(Binary::Rotl, args[1], args[0])]);
    b.single(Op::Loop { start, end, init: vec![seed], cond: None, body }, i64s)
}

#[test]
fn a_launch_that_is_cancelled_ends() {
    let bodies: [fn(&mut Builder, Value) -> Value; 2] = [endless_sum, endless_loop];
    for body in bodies {
        let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, _| {
            vec![map(b, sizes, (Scalar::I64, &[]), |b, i| body(b, i[0]))]
        });
        for executable in both(&kernel) {
            assert_eq!(cancelled_soon(&*executable, &[vector(&[0.0f32; 3])]), Some(RunError::Cancelled));
        }
    }
}

fn cancelled_soon(executable: &dyn Executable, args: &[Datum]) -> Option<RunError> {
    let cancel = AtomicBool::new(false);
    let args = arguments(args);
    let job = Job { cancel: Some(&cancel), ..job(&[3], &args, FaultPolicy::Report) };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            cancel.store(true, Ordering::Relaxed);
        });
        executable.run(job).err()
    })
}

#[test]
fn one_executable_serves_many_threads() {
    let [_, executable] = both(&successors());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let executable = &executable;
            scope.spawn(move || {
                for round in 0..50 {
                    let x = thread * 1000 + round;
                    let outputs = executable.run(job(&[1], &arguments(&[vector(&[x])]), FaultPolicy::Report));
                    let outputs = outputs.expect("nothing can fault");
                    let Output::Array(next) = &outputs[0] else { panic!("an array") };
                    assert_eq!(next.bytes[..], bytes(&[x + 1]));
                }
            });
        }
    });
}

#[test]
fn code_outlives_its_driver_and_is_freed_with_its_last_owner() {
    let kernel = Arc::new(successors());
    for _ in 0..200 {
        let executable = CpuDriver::default()
            .load(kernel.clone(), 1 << 20, &Deadline::default())
            .expect("valid kernels compile");
        let other = executable.clone();
        drop(executable);
        let args = [array(&[0], &[0i32; 0])];
        let _ = other.run(job(&[0], &arguments(&args), FaultPolicy::Report));
    }
}
