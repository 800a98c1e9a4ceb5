//! Filters and bins that several threads share.

use super::{
    FaultPolicy,
    folds::odd_kernel,
    kernels::{array_type, fold, int, kernel, nest, read},
    random, threads, vector,
};
use pk_compiler::{
    ir::{Binary, Kernel, Order, Sink, Type},
    plan,
};
use pk_dsl::scalar::{Const, Scalar};

const OPS: [Binary; 7] =
    [Binary::Add, Binary::Mul, Binary::Min, Binary::Max, Binary::And, Binary::Or, Binary::Xor];

/// Runs the kernel with all divisions of arrays of many lengths.
fn check(kernel: &Kernel) {
    for n in [0, 1, 1023, 1024, 1025, 5000, 10_000] {
        let elements: Vec<i64> = random(n, 11).map(|bits| bits as i64).collect();
        let args = [vector(&elements)];
        threads::run(kernel, &[n as i64], &args, FaultPolicy::Report).expect("nothing can fault");
    }
}

/// Folds of `x` in ten bins, each of which begins at `start`, and the sum of all.
fn bins(op: Binary, scalar: Scalar, start: Const) -> Kernel {
    kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let ten = int(b, 10);
        let sinks = vec![
            Sink::ReduceByIndex { bins: ten, fold: fold(b, op, start, Order::Ordered) },
            Sink::Reduce { fold: fold(b, Binary::Add, 0i64, Order::Interleaved), on_empty: None },
            Sink::ReduceByIndex { bins: ten, fold: fold(b, Binary::Xor, 0i64, Order::Ordered) },
        ];
        let types =
            vec![array_type(scalar, &[ten]), Type::scalar(Scalar::I64), array_type(Scalar::I64, &[ten])];
        nest(b, sizes, sinks, types, |b, i| {
            let x = read(b, params[0], i);
            let mask = int(b, 15);
            let bin = b.binary(Binary::And, x, mask);
            let value = b.convert(x, scalar);
            vec![bin, value, x, bin, x]
        })
    })
}

#[test]
fn what_passes_is_moved_to_its_place() {
    check(&odd_kernel());
}

#[test]
fn bins_of_integers_are_merged() {
    for scalar in [Scalar::I8, Scalar::U16, Scalar::I32, Scalar::U64] {
        for op in OPS {
            let kernel = bins(op, scalar, Const::from_int(scalar, 3));
            assert!(plan::cpu(&kernel).to_string().contains("merge"), "{kernel}");
            check(&kernel);
        }
    }
}

#[test]
fn bins_that_depend_on_the_order_are_not() {
    for (op, scalar) in [(Binary::Add, Scalar::F32), (Binary::Sub, Scalar::I32)] {
        let kernel = bins(op, scalar, Const::from_int(scalar, 3));
        assert!(!plan::cpu(&kernel).to_string().contains("merge"), "{kernel}");
        check(&kernel);
    }
}
