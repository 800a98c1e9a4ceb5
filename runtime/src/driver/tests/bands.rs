//! Reductions along columns whose rows share what they read, as in a product of matrices, at the edges of blocks, bands,
//! groups, lanes and leaves.

use super::{
    Both, Datum, FaultPolicy, Job, RunError, arguments, constants, job,
    kernels::{array_type, fold, int, kernel, map, nest, read, read_checked, reduce},
    random, random_floats,
    threads::{node_fold, run},
};
use pk_compiler::{
    ir::{Binary, Builder, Compare, Fold, Kernel, Order, Sink, Type, Value},
    plan,
};
use pk_dsl::scalar::{Const, Scalar};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// `[reduce(body(a[i, k], b[k, j], [i, k, j]) for k) for i, j]`; the sizes are those of `i`, `k` and `j`.
fn products(
    scalar: Scalar,
    fold: impl FnOnce(&mut Builder) -> Fold,
    body: impl FnOnce(&mut Builder, [Value; 2], [Value; 3]) -> Vec<Value>,
) -> Kernel {
    kernel(3, &[(scalar, &[0, 1]), (scalar, &[1, 2])], |b, sizes, params| {
        let fold = fold(b);
        let types =
            fold.neutral.iter().map(|neutral| array_type(b.body().scalar(*neutral), &[sizes[0], sizes[2]]));
        let types: Vec<Type> = types.collect();
        nest(b, &[sizes[0], sizes[2]], vec![Sink::Map; types.len()], types, |b, at| {
            let (row, column) = (at[0], at[1]);
            reduce(b, sizes[1], fold, |b, k| {
                let x = read(b, params[0], &[row, k]);
                let y = read(b, params[1], &[k, column]);
                body(b, [x, y], [row, k, column])
            })
        })
    })
}

/// The matrices of [`products`].
fn matrices(scalar: Scalar, [n, l, m]: [usize; 3]) -> [Datum; 2] {
    [[n, l], [l, m]].map(|shape| matrix(scalar, shape))
}

fn matrix(scalar: Scalar, shape: [usize; 2]) -> Datum {
    let count = shape[0] * shape[1];
    let seed = (shape[0] * 31 + shape[1]) as u64;
    let element = |bits: u64| match scalar {
        Scalar::F64 => Const::from((bits % 65536) as f64 / 32768.0 - 1.0),
        Scalar::Bool => Const::from(bits.is_multiple_of(3)),
        _ => Const::from_bits(scalar, bits >> 7),
    };
    match scalar {
        Scalar::F32 => constants(scalar, &shape, random_floats(count, seed).into_iter().map(Into::into)),
        _ => constants(scalar, &shape, random(count, seed).map(element)),
    }
}

const SHAPES: [[usize; 3]; 16] = [
    [0, 3, 8],
    [3, 5, 8],
    [4, 0, 9],
    [4, 1, 8],
    [4, 3, 7],
    [5, 31, 9],
    [7, 32, 16],
    [9, 33, 17],
    [4, 1023, 8],
    [4, 1024, 8],
    [4, 1025, 9],
    [130, 3, 8],
    [259, 5, 9],
    [4, 2050, 8],
    [12, 7, 1],
    [65, 5, 33],
];

#[track_caller]
fn run_shapes(kernel: &Kernel, scalar: Scalar) {
    let both = Both::new(kernel);
    for shape in SHAPES {
        let (sizes, args) = (shape.map(|size| size as i64), matrices(scalar, shape));
        both.run(&sizes, &args, FaultPolicy::Report).expect("nothing can fault");
    }
}

fn product(b: &mut Builder, [x, y]: [Value; 2], _: [Value; 3]) -> Vec<Value> {
    vec![b.binary(Binary::Mul, x, y)]
}

fn sum(scalar: Scalar) -> impl FnOnce(&mut Builder) -> Fold {
    move |b| fold(b, Binary::Add, Const::zero(scalar), Order::Interleaved)
}

#[test]
fn products_have_the_bits_of_their_tree() {
    for scalar in [Scalar::F32, Scalar::F64, Scalar::I32, Scalar::I64, Scalar::U16, Scalar::U8] {
        let kernel = products(scalar, sum(scalar), product);
        let plan = plan::cpu(&kernel).to_string();
        assert!(plan.contains("in bands that share"), "{plan}");
        run_shapes(&kernel, scalar);
    }
}

#[test]
fn an_operator_without_laws_tells_its_tree() {
    let kernel = products(Scalar::U64, |b| node_fold(b, Order::Interleaved), product);
    run_shapes(&kernel, Scalar::U64);
}

#[test]
fn rows_may_be_divided_in_any_way() {
    let kernel = products(Scalar::F32, sum(Scalar::F32), product);
    for shape in SHAPES {
        let (sizes, args) = (shape.map(|size| size as i64), matrices(Scalar::F32, shape));
        run(&kernel, &sizes, &args, FaultPolicy::Report).expect("nothing can fault");
    }
}

#[test]
fn several_components_of_several_widths() {
    let both = |b: &mut Builder| {
        let neutral = vec![b.constant(0.0f32), b.constant(i64::MIN), b.constant(false)];
        let types: Vec<Type> =
            [Scalar::F32, Scalar::I64, Scalar::Bool].repeat(2).into_iter().map(Type::scalar).collect();
        let op = b.block(types, |b, sides| {
            vec![
                b.binary(Binary::Add, sides[0], sides[3]),
                b.binary(Binary::Max, sides[1], sides[4]),
                b.binary(Binary::Xor, sides[2], sides[5]),
            ]
        });
        Fold { neutral, op, order: Order::Interleaved }
    };
    let kernel = products(Scalar::F32, both, |b, [x, y], [row, k, _]| {
        let place = b.binary(Binary::Xor, row, k);
        let is_less = b.compare(Compare::Lt, x, y);
        vec![b.binary(Binary::Mul, x, y), place, is_less]
    });
    run_shapes(&kernel, Scalar::F32);
}

#[test]
fn flags_are_shared_too() {
    let count = |b: &mut Builder| fold(b, Binary::Add, 0i32, Order::Interleaved);
    let kernel = products(Scalar::Bool, count, |b, [x, y], _| {
        let are_both = b.binary(Binary::And, x, y);
        vec![b.convert(are_both, Scalar::I32)]
    });
    run_shapes(&kernel, Scalar::Bool);
}

#[test]
fn shared_reads_stand_where_their_indices_say() {
    // b[l - 1 - k, j] and b[k, 0 + j], beside b[k, j].
    let kernel = kernel(3, &[(Scalar::F32, &[0, 1]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        vec![map(b, &[sizes[0], sizes[2]], (Scalar::F32, &[]), |b, at| {
            let (row, column) = (at[0], at[1]);
            let (one, zero) = (int(b, 1), int(b, 0));
            let top = b.binary(Binary::Sub, sizes[1], one);
            let same = b.binary(Binary::Add, zero, column);
            let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
            reduce(b, sizes[1], sum, |b, k| {
                let mirrored = b.binary(Binary::Sub, top, k);
                let x = read(b, params[0], &[row, k]);
                let y = read(b, params[1], &[mirrored, column]);
                let z = read(b, params[1], &[k, same]);
                let product = b.binary(Binary::Mul, x, y);
                vec![b.binary(Binary::Add, product, z)]
            })[0]
        })]
    });
    run_shapes(&kernel, Scalar::F32);
}

#[test]
fn rows_before_and_after_the_reduction_keep_their_own_values() {
    let kernel = kernel(3, &[(Scalar::F32, &[0, 1]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        vec![map(b, &[sizes[0], sizes[2]], (Scalar::F32, &[]), |b, at| {
            let (row, column) = (at[0], at[1]);
            let place = b.binary(Binary::Mul, row, column);
            let scale = b.convert(place, Scalar::F32);
            let shift = b.convert(row, Scalar::F32);
            let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
            let total = reduce(b, sizes[1], sum, |b, k| {
                let x = read(b, params[0], &[row, k]);
                let y = read(b, params[1], &[k, column]);
                let product = b.binary(Binary::Mul, x, y);
                let scaled = b.binary(Binary::Mul, product, scale);
                vec![b.binary(Binary::Add, scaled, shift)]
            })[0];
            b.binary(Binary::Div, total, scale)
        })]
    });
    run_shapes(&kernel, Scalar::F32);
}

#[test]
fn groups_that_bail_are_computed_anew() {
    // b[k, min(j + 1, m - 1)] leaves its group at the right edge.
    let kernel = kernel(3, &[(Scalar::F32, &[0, 1]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        vec![map(b, &[sizes[0], sizes[2]], (Scalar::F32, &[]), |b, at| {
            let (row, column) = (at[0], at[1]);
            let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
            reduce(b, sizes[1], sum, |b, k| {
                let one = int(b, 1);
                let (next, last) = (b.binary(Binary::Add, column, one), b.binary(Binary::Sub, sizes[2], one));
                let next = b.binary(Binary::Min, next, last);
                let x = read(b, params[0], &[row, k]);
                let y = read(b, params[1], &[k, column]);
                let z = read(b, params[1], &[k, next]);
                let product = b.binary(Binary::Mul, x, y);
                vec![b.binary(Binary::Add, product, z)]
            })[0]
        })]
    });
    run_shapes(&kernel, Scalar::F32);
}

#[test]
fn the_first_element_that_faults_is_reported() {
    let kernel = kernel(3, &[(Scalar::I64, &[0, 1]), (Scalar::I64, &[1, 2])], |b, sizes, params| {
        vec![map(b, &[sizes[0], sizes[2]], (Scalar::I64, &[]), |b, at| {
            let (row, column) = (at[0], at[1]);
            // Above row 60 this is outside of the first matrix, below it is not, if that has so many columns.
            let before = b.binary(Binary::Sub, row, sizes[1]);
            let zero = int(b, 0);
            let before = b.binary(Binary::Max, before, zero);
            let before = read_checked(b, params[0], &[row, before], 0);
            let sum = fold(b, Binary::Add, 0i64, Order::Interleaved);
            let total = reduce(b, sizes[1], sum, |b, k| {
                let x = read(b, params[0], &[row, k]);
                let y = read(b, params[1], &[k, column]);
                let product = b.binary(Binary::Mul, x, y);
                vec![b.binary(Binary::Add, product, before)]
            })[0];
            let after = b.binary(Binary::Add, row, column);
            let after = read_checked(b, params[1], &[zero, after], 1);
            b.binary(Binary::Xor, total, after)
        })]
    });
    for shape in SHAPES {
        for policy in [FaultPolicy::Report, FaultPolicy::Ignore] {
            let found = run(&kernel, &shape.map(|size| size as i64), &matrices(Scalar::I64, shape), policy);
            let faults = shape[0] > 1 && policy == FaultPolicy::Report;
            assert_eq!(found.is_err(), faults, "{shape:?}");
        }
    }
}

#[test]
fn products_inside_of_nests() {
    // For each p, as a plane of the nest and in a nest inside: the product of a and b, times p.
    let scaled = |b: &mut Builder, sizes: &[Value], params: &[Value], [plane, row, column]: [Value; 3]| {
        let factor = b.convert(plane, Scalar::F32);
        let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
        reduce(b, sizes[1], sum, |b, k| {
            let x = read(b, params[0], &[row, k]);
            let y = read(b, params[1], &[k, column]);
            let product = b.binary(Binary::Mul, x, y);
            vec![b.binary(Binary::Mul, product, factor)]
        })[0]
    };
    let kernel = kernel(3, &[(Scalar::F32, &[0, 1]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        let three = int(b, 3);
        let rows = [sizes[0], sizes[2]];
        let planes = map(b, &[three, sizes[0], sizes[2]], (Scalar::F32, &[]), |b, at| {
            scaled(b, sizes, params, [at[0], at[1], at[2]])
        });
        let nested = map(b, &[three], (Scalar::F32, &rows), |b, plane| {
            map(b, &rows, (Scalar::F32, &[]), |b, at| scaled(b, sizes, params, [plane[0], at[0], at[1]]))
        });
        vec![planes, nested]
    });
    run_shapes(&kernel, Scalar::F32);
}

#[test]
fn a_product_that_is_cancelled_ends() {
    let kernel = kernel(3, &[(Scalar::F32, &[0]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        vec![map(b, &[sizes[0], sizes[2]], (Scalar::F32, &[]), |b, at| {
            let x = read(b, params[0], &at[..1]);
            let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
            reduce(b, sizes[1], sum, |b, k| {
                let y = read(b, params[1], &[k, at[1]]);
                vec![b.binary(Binary::Mul, x, y)]
            })[0]
        })]
    });
    let (n, l) = (1 << 13, 1 << 17);
    let args = [matrix(Scalar::F32, [n, 1]), matrix(Scalar::F32, [l, 8])];
    let Datum::Array(mut factors) = args[0].clone() else { panic!("an array") };
    factors.shape = vec![n];
    let args = [Datum::Array(factors), args[1].clone()];
    let (both, cancel) = (Both::new(&kernel), AtomicBool::new(false));
    let sizes = [n as i64, l as i64, 8];
    let args = arguments(&args);
    let job = Job { cancel: Some(&cancel), ..job(&sizes, &args, FaultPolicy::Report) };
    let found = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            cancel.store(true, Ordering::Relaxed);
        });
        both.compiled.run(job)
    });
    assert_eq!(found.err(), Some(RunError::Cancelled));
}
