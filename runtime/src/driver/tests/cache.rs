//! Kernels whose code is made from that of kernels before them.

use super::{Both, FaultPolicy, kernels::*, vector};
use crate::driver::cpu::Features;
use pk_compiler::ir::Unary;
use pk_dsl::scalar::Scalar;

#[test]
fn kernels_share_what_they_have_in_common() {
    let x: Vec<f32> = (0..3000).map(|i| (i % 17) as f32 - 7.5).collect();
    for features in [Features::Native, Features::Baseline, Features::Native] {
        for factor in [2.0, 3.0, 2.0, 0.5] {
            let kernel = sum_of_multiples(factor);
            let both = Both::with_features(&kernel, features);
            assert!(both.run(&[3000], &[vector(&x)], FaultPolicy::Report).is_ok());
        }
    }
}

#[test]
fn calls_of_helpers_find_them_in_every_kernel() {
    let rounded = |op: Unary| {
        kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            vec![map(b, sizes, (Scalar::F32, &[]), |b, i| {
                let x = read(b, params[0], i);
                b.unary(op, x)
            })]
        })
    };
    let x = [1.5f32, -2.5, 0.25, -0.75];
    // The oldest processors have no instruction for either, so the code calls one function or the other.
    for op in [Unary::Floor, Unary::Ceil, Unary::Floor] {
        let kernel = rounded(op);
        let both = Both::with_features(&kernel, Features::Baseline);
        assert!(both.run(&[4], &[vector(&x)], FaultPolicy::Report).is_ok());
    }
}
