//! Any number of threads, and any division of the work among them, gives the same bits, the same faults and the same
//! trees.

use super::{
    Both, Datum, Executable, FaultPolicy, Job, RunError, arguments, assert_same_outcome, datum, job,
    kernels::{array_type, composition, fold, int, kernel, map, nest, read, read_checked, reduce, site},
    random, random_floats, vector,
};
use crate::driver::Sharing;
use pk_compiler::{
    fault::Fault,
    ir::{Binary, Builder, FaultKind, Fold, Kernel, Op, Order, Sink, Type, Value},
    tree,
};
use pk_dsl::scalar::{Const, Scalar};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

const THREADS: [usize; 4] = [1, 2, 3, 7];
const PIECES: [u64; 5] = [1, 7, 100, 1024, 5000];

fn sharing(threads: usize, piece: u64) -> Sharing {
    Sharing { threads: Some(threads), piece: Some(piece) }
}

/// What compiled code gives if its work is divided like that.
fn outcome(
    executable: &Arc<dyn Executable>,
    kernel: &Kernel,
    job: Job<'_, '_>,
    sharing: Sharing,
) -> Result<Vec<Datum>, RunError> {
    let outputs = executable.run(Job { sharing, ..job })?;
    let scalars = kernel.signature.results.iter().map(|result| result.scalar);
    Ok(outputs.into_iter().zip(scalars).map(|(output, scalar)| datum(output, scalar)).collect())
}

/// Runs the kernel in the interpreter and with all divisions of the work; gives what all of them gave.
#[track_caller]
pub(super) fn run(
    kernel: &Kernel,
    sizes: &[i64],
    args: &[Datum],
    faults: FaultPolicy,
) -> Result<Vec<Datum>, RunError> {
    let both = Both::new(kernel);
    let wanted = both.run(sizes, args, faults);
    let args = arguments(args);
    for threads in THREADS {
        for piece in PIECES {
            let job = job(sizes, &args, faults);
            let found = outcome(&both.compiled, kernel, job, sharing(threads, piece));
            assert_same_outcome(&wanted, &found, kernel);
        }
    }
    wanted
}

#[test]
fn maps_of_elements_and_rows() {
    let elements = kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
        vec![map(b, sizes, (Scalar::F32, &[]), |b, i| {
            let x = read(b, params[0], i);
            b.binary(Binary::Div, x, x)
        })]
    });
    let rows = kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
        vec![map(b, &sizes[..1], (Scalar::F32, &sizes[1..]), |b, i| {
            let i = i[0];
            let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
            let total = reduce(b, sizes[1], sum, |b, j| vec![read(b, params[0], &[i, j])])[0];
            map(b, &sizes[1..], (Scalar::F32, &[]), |b, j| {
                let x = read(b, params[0], &[i, j[0]]);
                b.binary(Binary::Div, x, total)
            })
        })]
    });
    for kernel in [&elements, &rows] {
        for [n, m] in [[0, 3], [3, 0], [1, 1], [100, 37], [7, 1500]] {
            let args = [super::array(&[n, m], &random_floats(n * m, 3))];
            run(kernel, &[n as i64, m as i64], &args, FaultPolicy::Report).expect("nothing can fault");
        }
    }
}

#[test]
fn reductions_scans_filters_and_histograms() {
    let all = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let sinks = vec![
            Sink::Reduce { fold: composition(b), on_empty: None },
            Sink::Scan { fold: composition(b), exclusive: false },
            Sink::Map,
        ];
        let array = || array_type(Scalar::I64, sizes);
        let types = [vec![Type::scalar(Scalar::I64); 2], vec![array(), array(), array()]].concat();
        nest(b, sizes, sinks, types, |b, i| {
            let x = read(b, params[0], i);
            vec![x, x, x, x, x]
        })
    });
    let bins = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let bins = int(b, 10);
        let sinks = vec![Sink::ReduceByIndex { bins, fold: fold(b, Binary::Sub, 0i64, Order::Ordered) }];
        nest(b, sizes, sinks, vec![array_type(Scalar::I64, &[bins])], |b, i| {
            let x = read(b, params[0], i);
            let mask = int(b, 7);
            vec![b.binary(Binary::And, x, mask), x]
        })
    });
    for kernel in [&all, &bins] {
        for n in [0, 1, 1023, 1025, 10_000] {
            let elements: Vec<i64> = random(n, 5).map(|bits| bits as i64).collect();
            run(kernel, &[n as i64], &[vector(&elements)], FaultPolicy::Report).expect("nothing can fault");
        }
    }
}

/// An operator without any law: its value tells the whole tree of its operands, short of collisions.
fn node(left: u64, right: u64) -> u64 {
    (left ^ 0x9E37_79B9_7F4A_7C15)
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
        .rotate_left(29)
        .wrapping_add(right.wrapping_mul(0xA076_1D64_78BD_642F))
}

pub(super) fn node_fold(b: &mut Builder, order: Order) -> Fold {
    let neutral = vec![b.constant(0u64)];
    let op = b.block(vec![Type::scalar(Scalar::U64); 2], |b, sides| {
        let constants = [0x9E37_79B9_7F4A_7C15u64, 0xD6E8_FEB8_6659_FD93, 29, 0xA076_1D64_78BD_642F];
        let [mask, factor, amount, right_factor] = constants.map(|constant| b.constant(constant));
        let left = b.binary(Binary::Xor, sides[0], mask);
        let left = b.binary(Binary::Mul, left, factor);
        let left = b.binary(Binary::Rotl, left, amount);
        let right = b.binary(Binary::Mul, sides[1], right_factor);
        vec![b.binary(Binary::Add, left, right)]
    });
    Fold { neutral, op, order }
}

/// The trees of a reduction of each order and of a scan over `0..n`.
fn trees() -> Kernel {
    kernel(1, &[(Scalar::U64, &[0])], |b, sizes, params| {
        let sinks = vec![
            Sink::Reduce { fold: node_fold(b, Order::Interleaved), on_empty: None },
            Sink::Reduce { fold: node_fold(b, Order::Ordered), on_empty: None },
            Sink::Scan { fold: node_fold(b, Order::Ordered), exclusive: false },
        ];
        let scalar = Type::scalar(Scalar::U64);
        let types = vec![scalar.clone(), scalar, array_type(Scalar::U64, sizes)];
        nest(b, sizes, sinks, types, |b, i| vec![read(b, params[0], i); 3])
    })
}

#[test]
fn trees_are_those_of_the_specification() {
    let kernel = trees();
    let both = Both::new(&kernel);
    let mut numbers = random(600, 11);
    let mut below = |bound: u64| numbers.next().expect("enough of them") % bound;
    for _ in 0..100 {
        let (n, threads) = (1 + below(20_000) as usize, 1 + below(8) as usize);
        let magnitude = below(14);
        let piece = 1 + below(1 << magnitude);
        let elements: Vec<u64> = (0..n as u64).collect();
        let args = [vector(&elements)];
        let args = arguments(&args);
        let sizes = [n as i64];
        let job = job(&sizes, &args, FaultPolicy::Report);
        let found =
            outcome(&both.compiled, &kernel, job, sharing(threads, piece)).expect("nothing can fault");
        let reduction = |order| tree::reduce(n, order, |at| at as u64, node).expect("not empty");
        let scalar = |value: u64| Datum::Scalar(Const::from(value));
        let wanted = [
            scalar(reduction(Order::Interleaved)),
            scalar(reduction(Order::Ordered)),
            vector(&tree::scan(n, |at| at as u64, node)),
        ];
        assert!(found == wanted, "{n} elements, {threads} threads, pieces of {piece}");
    }
}

#[test]
fn the_lowest_element_is_reported() {
    let kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        vec![map(b, sizes, (Scalar::I64, &[]), |b, i| {
            let index = read(b, params[0], i);
            let found = read_checked(b, params[0], &[index], 0);
            b.binary(Binary::Add, found, index)
        })]
    });
    let n = 30_000usize;
    for bad in [vec![29_999], vec![5, 20_000], vec![12_345, 12_346], (0..n).collect()] {
        let mut indices = vec![1i64; n];
        bad.iter().for_each(|at| indices[*at] = n as i64 + *at as i64);
        let (element, index) = (bad[0] as u64, n as i64 + bad[0] as i64);
        let wanted = Fault { site: site(FaultKind::OutOfBounds, 0), element, index, length: n as i64 };
        let args = [vector(&indices)];
        assert_eq!(run(&kernel, &[n as i64], &args, FaultPolicy::Report), Err(RunError::Fault(wanted)));
        run(&kernel, &[n as i64], &args, FaultPolicy::Ignore).expect("faults are ignored");
    }
}

/// A loop that does not end in a life.
fn endless(b: &mut Builder, seed: Value) -> Value {
    let (start, end) = (int(b, 0), int(b, i64::MAX - 5));
    let i64s = Type::scalar(Scalar::I64);
    let body = b.block(vec![i64s.clone(); 2], |b, args| vec![b.binary(Binary::Rotl, args[1], args[0])]);
    b.single(Op::Loop { start, end, init: vec![seed], cond: None, body }, i64s)
}

#[test]
fn a_cancelled_launch_ends_on_all_threads() {
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, _| {
        vec![map(b, sizes, (Scalar::I64, &[]), |b, i| endless(b, i[0]))]
    });
    let both = Both::new(&kernel);
    let args = [vector(&[0.0f32; 9])];
    let args = arguments(&args);
    for threads in THREADS {
        let cancel = AtomicBool::new(false);
        let job = Job { cancel: Some(&cancel), ..job(&[9], &args, FaultPolicy::Report) };
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(10));
                cancel.store(true, Ordering::Relaxed);
            });
            let found = outcome(&both.compiled, &kernel, job, sharing(threads, 1));
            assert_eq!(found, Err(RunError::Cancelled));
        });
    }
}

#[test]
fn many_threads_may_launch_at_once() {
    let kernel = trees();
    let both = Both::new(&kernel);
    let elements: Vec<u64> = random(10_000, 1).collect();
    let args = [vector(&elements)];
    let args = arguments(&args);
    let launch = |threads, piece| {
        let job = job(&[10_000], &args, FaultPolicy::Report);
        outcome(&both.compiled, &kernel, job, sharing(threads, piece)).expect("nothing can fault")
    };
    let wanted = launch(1, 1);
    thread::scope(|scope| {
        for number in 0..64 {
            let (launch, wanted) = (&launch, &wanted);
            scope.spawn(move || {
                (0..5).for_each(|round| assert!(launch(1 + number % 7, 100 << round) == *wanted));
            });
        }
    });
}
