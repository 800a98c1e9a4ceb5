//! Scans whose operator is associative to the last bit: they run on from one range to the next.

use super::{
    Both, FaultPolicy, Features, constants,
    kernels::{array_type, fold, int, kernel, nest, read},
    random, threads,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Kernel, Order, Sink},
};
use pk_dsl::scalar::{Const, Scalar};

const OPERATORS: [Binary; 7] =
    [Binary::Add, Binary::Mul, Binary::Min, Binary::Max, Binary::And, Binary::Or, Binary::Xor];

fn operators(scalar: Scalar) -> impl Iterator<Item = Binary> {
    let is_logical = |op: &Binary| !matches!(op, Binary::Add | Binary::Mul);
    OPERATORS.into_iter().filter(move |op| scalar != Scalar::Bool || is_logical(op))
}

fn scalars() -> impl Iterator<Item = Scalar> {
    Scalar::ALL.into_iter().filter(|scalar| !scalar.is_float())
}

/// The scans, inclusive and exclusive, of the last `n` elements of a vector of `m`, and these elements. Their neutral
/// element is no identity.
fn scans(scalar: Scalar, op: Binary) -> Kernel {
    kernel(2, &[(scalar, &[1])], |b, sizes, params| {
        let skipped = b.binary(Binary::Sub, sizes[1], sizes[0]);
        let scan = |b: &mut _, exclusive| {
            let neutral = Const::from_bits(scalar, 1);
            Sink::Scan { fold: fold(b, op, neutral, Order::Ordered), exclusive }
        };
        let sinks = vec![scan(b, false), Sink::Map, scan(b, true)];
        let types = vec![array_type(scalar, &sizes[..1]); 3];
        nest(b, &sizes[..1], sinks, types, |b, index| {
            let at = b.binary(Binary::Add, index[0], skipped);
            let x = read(b, params[0], &[at]);
            vec![x, x, x]
        })
    })
}

/// Elements of which products do not vanish.
fn elements(scalar: Scalar, count: usize) -> Datum {
    let values = random(count, 3 * count as u64).map(|bits| match scalar {
        Scalar::Bool => Const::from_bits(scalar, bits >> 5 & 1),
        _ => Const::from_bits(scalar, bits | 1),
    });
    constants(scalar, &[count], values)
}

#[test]
fn scans_run_on_at_all_lengths_and_offsets() {
    for scalar in scalars() {
        for op in operators(scalar) {
            let kernel = scans(scalar, op);
            let both = Both::new(&kernel);
            for n in (0..=70).chain([1023, 1024, 1025, 3000]) {
                for offset in 0..if n < 1000 { 4 } else { 1 } {
                    let args = [elements(scalar, n + offset)];
                    let sizes = [n as i64, (n + offset) as i64];
                    both.run(&sizes, &args, FaultPolicy::Report).expect("nothing can fault");
                }
            }
        }
    }
}

#[test]
fn scans_run_on_without_vectors() {
    for (scalar, op) in [(Scalar::I32, Binary::Add), (Scalar::U8, Binary::Max), (Scalar::Bool, Binary::Xor)] {
        let kernel = scans(scalar, op);
        let both = Both::with_features(&kernel, Features::Baseline);
        for n in [0, 1, 70, 1024, 5000] {
            both.run(&[n, n], &[elements(scalar, n as usize)], FaultPolicy::Report)
                .expect("nothing can fault");
        }
    }
}

#[test]
fn scans_run_on_however_they_are_divided() {
    let cases = [
        (Scalar::I32, Binary::Add),
        (Scalar::U8, Binary::Mul),
        (Scalar::I64, Binary::Min),
        (Scalar::Bool, Binary::Or),
    ];
    for (scalar, op) in cases {
        for n in [0, 1, 1023, 1025, 20_000] {
            let args = [elements(scalar, n)];
            threads::run(&scans(scalar, op), &[n as i64; 2], &args, FaultPolicy::Report)
                .expect("nothing can fault");
        }
    }
}

#[test]
fn a_rare_path_interrupts_a_scan() {
    // At the edge of a vector the index is held back, which vector code leaves to scalar code.
    let kernel = kernel(1, &[(Scalar::I32, &[0])], |b, sizes, params| {
        let sum = fold(b, Binary::Add, 0i32, Order::Ordered);
        let sinks = vec![Sink::Scan { fold: sum, exclusive: false }];
        nest(b, sizes, sinks, vec![array_type(Scalar::I32, sizes)], |b, index| {
            let (one, zero) = (int(b, 1), int(b, 0));
            let before = b.binary(Binary::Sub, index[0], one);
            let at = b.binary(Binary::Max, before, zero);
            vec![read(b, params[0], &[at])]
        })
    });
    for n in [1, 16, 17, 100, 1024, 20_000] {
        let args = [elements(Scalar::I32, n)];
        threads::run(&kernel, &[n as i64], &args, FaultPolicy::Report).expect("nothing can fault");
    }
}
