//! Reductions, scans, filters and histograms of one vector.

use super::{
    Both, FaultPolicy, array,
    kernels::{array_type, composition, fold, int, kernel, map, nest, read, read_checked, reduce},
    random, random_floats, run, vector,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Builder, Compare, Entity, Fold, IntDiv, Kernel, Nest, Op, Order, Sink, Type, Value},
};
use pk_dsl::scalar::Scalar;

/// Lengths around every edge of lanes and leaves.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=70).chain([1000, 1023, 1024, 1025, 2048, 3072, 5000, 7168, 7169, 9300])
}

fn random_ints(count: usize, seed: u64) -> Vec<i64> {
    random(count, seed).map(|bits| bits as i64 >> 3).collect()
}

fn sum_kernel(order: Order) -> Kernel {
    kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let sum = fold(b, Binary::Add, 0.0f32, order);
        reduce(b, sizes[0], sum, |b, i| vec![read(b, params[0], &[i])])
    })
}

/// The kernel of one vector of `i64` whose one nest has the sinks that `sinks` gives for its length, fed by `body` with
/// the elements.
fn over_ints(
    sinks: impl FnOnce(&mut Builder, Value) -> (Vec<Sink>, Vec<Type>),
    body: impl FnOnce(&mut Builder, Value) -> Vec<Value>,
) -> Kernel {
    kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let (sinks, types) = sinks(b, sizes[0]);
        nest(b, sizes, sinks, types, |b, index| {
            let element = read(b, params[0], index);
            body(b, element)
        })
    })
}

#[track_caller]
fn run_at_all_lengths(kernel: &Kernel) {
    let both = Both::new(kernel);
    for n in lengths() {
        let args = [vector(&random_ints(n, n as u64))];
        both.run(&[n as i64], &args, FaultPolicy::Report).expect("nothing can fault");
    }
}

#[track_caller]
fn run_floats_at_all_lengths(kernel: &Kernel) {
    let both = Both::new(kernel);
    for n in lengths() {
        let args = [vector(&random_floats(n, 7))];
        both.run(&[n as i64], &args, FaultPolicy::Report).expect("nothing can fault");
    }
}

#[test]
fn the_sum_of_ones_is_their_number() {
    for order in [Order::Interleaved, Order::Ordered] {
        let ones = [vector(&[1.0f32; 5000])];
        assert_eq!(run(&sum_kernel(order), &[5000], &ones), Ok(vec![Datum::Scalar(5000.0f32.into())]));
    }
}

#[test]
fn sums_have_the_bits_of_their_tree() {
    for order in [Order::Interleaved, Order::Ordered] {
        run_floats_at_all_lengths(&sum_kernel(order));
    }
}

#[test]
fn a_reduction_of_pairs_keeps_the_order_of_operands() {
    let sinks = |b: &mut Builder, _| {
        let sink = Sink::Reduce { fold: composition(b), on_empty: None };
        (vec![sink], vec![Type::scalar(Scalar::I64); 2])
    };
    let kernel = over_ints(sinks, |b, element| {
        let offset = int(b, 3);
        vec![element, offset]
    });
    run_at_all_lengths(&kernel);
    // 2(7x + 3) + 3.
    let found = run(&kernel, &[2], &[vector(&[2i64, 7])]);
    assert_eq!(found, Ok(vec![Datum::Scalar(14i64.into()), Datum::Scalar(9i64.into())]));
}

/// Floats among which there are zeros of both signs and many that are equal.
fn coarse_floats(count: usize) -> Vec<f32> {
    random_floats(count, 3).into_iter().map(|x| (4.0 * x).round() / 4.0).collect()
}

#[track_caller]
fn run_coarse_floats_at_all_lengths(kernel: &Kernel) {
    let both = Both::new(kernel);
    for n in lengths() {
        for elements in [coarse_floats(n), vec![-0.0; n], vec![f32::NEG_INFINITY; n]] {
            both.run(&[n as i64], &[vector(&elements)], FaultPolicy::Report).expect("nothing can fault");
        }
    }
}

#[test]
fn a_reduction_may_have_an_operation_for_each_component() {
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let neutral = vec![b.constant(0.0f32), b.constant(7.0f32), int(b, 1)];
        let (f32s, i64s) = (Type::scalar(Scalar::F32), Type::scalar(Scalar::I64));
        let types = [&f32s, &f32s, &i64s].repeat(2).into_iter().cloned().collect();
        let op = b.block(types, |b, sides| {
            let ops = [Binary::Add, Binary::Max, Binary::Xor];
            ops.iter().enumerate().map(|(at, op)| b.binary(*op, sides[at], sides[at + 3])).collect()
        });
        let fold = Fold { neutral, op, order: Order::Interleaved };
        reduce(b, sizes[0], fold, |b, i| {
            let x = read(b, params[0], &[i]);
            vec![x, x, i]
        })
    });
    run_coarse_floats_at_all_lengths(&kernel);
}

#[test]
fn of_equal_elements_the_first_is_found() {
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let neutral = vec![b.constant(0.0f32), int(b, 0)];
        let (f32s, i64s) = (Type::scalar(Scalar::F32), Type::scalar(Scalar::I64));
        let op = b.block(vec![f32s.clone(), i64s.clone(), f32s, i64s], |b, sides| {
            let is_greater = b.compare(Compare::Gt, sides[2], sides[0]);
            let is_equal = b.compare(Compare::Eq, sides[2], sides[0]);
            let is_before = b.compare(Compare::Lt, sides[3], sides[1]);
            let is_first = b.binary(Binary::And, is_equal, is_before);
            let is_chosen = b.binary(Binary::Or, is_greater, is_first);
            vec![b.select(is_chosen, sides[2], sides[0]), b.select(is_chosen, sides[3], sides[1])]
        });
        let fold = Fold { neutral, op, order: Order::Interleaved };
        reduce(b, sizes[0], fold, |b, i| vec![read(b, params[0], &[i]), i])
    });
    run_coarse_floats_at_all_lengths(&kernel);
}

#[test]
fn scans_of_pairs_and_numbers() {
    for exclusive in [false, true] {
        let sinks = |b: &mut Builder, n| {
            let sum = fold(b, Binary::Sub, 5i64, Order::Ordered);
            let sinks =
                vec![Sink::Scan { fold: composition(b), exclusive }, Sink::Scan { fold: sum, exclusive }];
            (sinks, vec![array_type(Scalar::I64, &[n]); 3])
        };
        let kernel = over_ints(sinks, |_, element| vec![element, element, element]);
        run_at_all_lengths(&kernel);
    }
}

#[test]
fn float_scans_have_the_bits_of_their_tree() {
    for exclusive in [false, true] {
        let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            let fold = fold(b, Binary::Add, 0.5f32, Order::Ordered);
            let sinks = vec![Sink::Scan { fold, exclusive }];
            let types = vec![array_type(Scalar::F32, sizes)];
            nest(b, sizes, sinks, types, |b, index| vec![read(b, params[0], index)])
        });
        run_floats_at_all_lengths(&kernel);
    }
}

#[test]
fn scans_beside_maps_find_the_faults_of_all_leaves() {
    let kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let sum = fold(b, Binary::Add, 0i64, Order::Ordered);
        let sinks = vec![Sink::Map, Sink::Scan { fold: sum, exclusive: false }];
        let types = vec![array_type(Scalar::I64, sizes); 2];
        nest(b, sizes, sinks, types, |b, index| {
            let x = read(b, params[0], index);
            let y = read_checked(b, params[0], &[x], 0);
            vec![y, y]
        })
    });
    let both = Both::new(&kernel);
    let n = 9 * 1024 + 7;
    for fault in [None, Some(0), Some(1500), Some(5000), Some(n - 1)] {
        let mut indices: Vec<i64> = random_ints(n, 5).into_iter().map(|x| x.rem_euclid(n as i64)).collect();
        if let Some(at) = fault {
            indices[at] = -1;
        }
        for policy in [FaultPolicy::Report, FaultPolicy::Ignore] {
            let found = both.run(&[n as i64], &[vector(&indices)], policy);
            assert_eq!(found.is_err(), fault.is_some() && policy == FaultPolicy::Report);
        }
    }
}

fn is_odd(b: &mut Builder, x: Value) -> Value {
    let one = int(b, 1);
    let bit = b.binary(Binary::And, x, one);
    b.compare(Compare::Eq, bit, one)
}

/// The odd elements of a vector and a row for each, `[x, x + 1, x + 2]`.
pub(super) fn odd_kernel() -> Kernel {
    kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let three = int(b, 3);
        let i64s = Type::scalar(Scalar::I64);
        let body = b.block(vec![i64s.clone()], |b, index| {
            let x = read(b, params[0], index);
            let passes = is_odd(b, x);
            let row = map(b, &[three], (Scalar::I64, &[]), |b, j| b.binary(Binary::Add, x, j[0]));
            vec![passes, x, row]
        });
        // The extent of the columns is the nest's own first result: the next value to be made.
        let count = Value::from_index(b.body().values.len());
        let types = [&[count][..], &[count, three]].map(|shape| array_type(Scalar::I64, shape));
        let sinks = vec![Sink::Filter { width: 2 }];
        let nest = Op::Nest(Nest { dims: sizes.to_vec(), body, sinks });
        b.multi(nest, [i64s].into_iter().chain(types).collect())
    })
}

#[test]
fn filters_keep_the_order_of_what_passes() {
    let kernel = odd_kernel();
    run_at_all_lengths(&kernel);
    let found = run(&kernel, &[4], &[vector(&[3i64, 4, 6, 9])]);
    let rows = array(&[2, 3], &[3i64, 4, 5, 9, 10, 11]);
    assert_eq!(found, Ok(vec![Datum::Scalar(2i64.into()), vector(&[3i64, 9]), rows]));
}

#[test]
fn a_filter_counts_on_across_chunks() {
    let n = 70_000;
    let elements: Vec<i64> = (0..n).collect();
    let found = run(&odd_kernel(), &[n], &[vector(&elements)]).expect("nothing can fault");
    assert_eq!(found[0], Datum::Scalar((n / 2).into()));
}

#[test]
fn histograms_fold_in_order_and_skip_what_has_no_bin() {
    let sinks = |b: &mut Builder, _| {
        let bins = int(b, 5);
        let last = fold(b, Binary::Sub, 100i64, Order::Ordered);
        let sinks = vec![
            Sink::ReduceByIndex { bins, fold: last },
            Sink::ReduceByIndex { bins, fold: composition(b) },
        ];
        (sinks, vec![array_type(Scalar::I64, &[bins]); 3])
    };
    let kernel = over_ints(sinks, |b, x| {
        let seven = int(b, 7);
        let op = Op::IntDiv { op: IntDiv::Rem, lhs: x, rhs: seven, check: None };
        let bin = b.single(op, Type::scalar(Scalar::I64));
        vec![bin, x, bin, x, x]
    });
    run_at_all_lengths(&kernel);
    let found = run(&kernel, &[4], &[vector(&[1i64, 8, -1, 6])]).expect("nothing can fault");
    assert_eq!(found[0], vector(&[100i64, 91, 100, 100, 100]));
}

#[test]
fn one_nest_feeds_sinks_of_all_kinds() {
    let sinks = |b: &mut Builder, n| {
        let bins = int(b, 3);
        let sum = |b: &mut Builder, order| fold(b, Binary::Add, 0i64, order);
        let sinks = vec![
            Sink::Reduce { fold: sum(b, Order::Interleaved), on_empty: None },
            Sink::Scan { fold: sum(b, Order::Ordered), exclusive: true },
            Sink::Map,
            Sink::ReduceByIndex { bins, fold: sum(b, Order::Ordered) },
            Sink::Reduce { fold: composition(b), on_empty: None },
            Sink::Filter { width: 0 },
            Sink::Scan { fold: sum(b, Order::Ordered), exclusive: false },
        ];
        let number = Type::scalar(Scalar::I64);
        let row = array_type(Scalar::I64, &[n]);
        let bins = array_type(Scalar::I64, &[bins]);
        let types =
            vec![number.clone(), row.clone(), row.clone(), bins, number.clone(), number.clone(), number, row];
        (sinks, types)
    };
    let kernel = over_ints(sinks, |b, x| {
        let three = int(b, 3);
        let bin = b.binary(Binary::And, x, three);
        let odd = is_odd(b, x);
        vec![x, x, x, bin, x, x, bin, odd, x]
    });
    run_at_all_lengths(&kernel);
}

#[test]
fn an_operator_may_hold_a_loop_and_read_arrays() {
    // The greater of two indices by the value that a table has there.
    let kernel = kernel(2, &[(Scalar::I64, &[0]), (Scalar::F32, &[1])], |b, sizes, params| {
        let i64s = Type::scalar(Scalar::I64);
        let neutral = vec![int(b, 0)];
        let op = b.block(vec![i64s; 2], |b, sides| {
            let values = [sides[0], sides[1]].map(|side| read(b, params[1], &[side]));
            let is_greater = b.compare(Compare::Ge, values[0], values[1]);
            vec![b.select(is_greater, sides[0], sides[1])]
        });
        let fold = Fold { neutral, op, order: Order::Ordered };
        reduce(b, sizes[0], fold, |b, i| vec![read(b, params[0], &[i])])
    });
    let table = random_floats(1000, 5);
    let both = Both::new(&kernel);
    for n in lengths() {
        let indices: Vec<i64> = random(n, 11).map(|bits| (bits % 1000) as i64).collect();
        let args = [vector(&indices), vector(&table)];
        both.run(&[n as i64, 1000], &args, FaultPolicy::Report).expect("nothing can fault");
    }
}
