//! Reductions, scans, filters and histograms of one vector.

use super::{
    kernels::{array_type, composition, fold, int, kernel, nest, read, reduce},
    random, random_floats, run, vector,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Builder, Compare, Fold, IntDiv, Kernel, Op, Order, Sink, Type, Value},
};
use pk_dsl::scalar::{Const, Scalar};

/// Lengths around every edge of lanes and leaves.
fn lengths() -> Vec<usize> {
    (0..=70).chain([1000, 1023, 1024, 1025, 2048, 3072, 5000, 7168, 7169]).collect()
}

fn sum_kernel(order: Order) -> Kernel {
    kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let sum = fold(b, Binary::Add, 0.0f32, order);
        reduce(b, sizes[0], sum, |b, i| vec![read(b, params[0], &[i])])
    })
}

#[test]
fn a_sum_is_a_sum() {
    let ones = vector(&[1.0f32; 5000]);
    for order in [Order::Interleaved, Order::Ordered] {
        assert_eq!(
            run(&sum_kernel(order), &[5000], std::slice::from_ref(&ones)),
            Ok(vec![Datum::Scalar(5000.0f32.into())])
        );
    }
}

#[test]
fn reductions_have_the_bits_of_the_tree_at_all_lengths() {
    for order in [Order::Interleaved, Order::Ordered] {
        let kernel = sum_kernel(order);
        for n in lengths() {
            let _ = run(&kernel, &[n as i64], &[vector(&random_floats(n, 7))]);
        }
    }
}
