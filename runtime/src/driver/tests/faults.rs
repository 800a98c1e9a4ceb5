//! Faults: both drivers report the same one, and go on in the same way when told to ignore it.

use super::{
    Both, Datum, FaultPolicy, RunError, array,
    kernels::{fold, int, kernel, map, nest, read, read_checked, reduce, site},
    run, scalar, vector,
};
use pk_compiler::{
    fault::Fault,
    ir::{Binary, Builder, FaultKind, Fold, IntDiv, Kernel, Op, Order, Sink, Type, Value},
};
use pk_dsl::scalar::Scalar;

const I64: (Scalar, &[Value]) = (Scalar::I64, &[]);

#[track_caller]
fn check(kernel: &Kernel, sizes: &[i64], args: &[Datum], wanted: Fault) {
    assert_eq!(run(kernel, sizes, args), Err(RunError::Fault(wanted)));
    let ignoring = Both::new(kernel).run(sizes, args, FaultPolicy::Ignore);
    ignoring.expect("faults are ignored");
}

/// `[table[index[i]] for i]`.
fn gather() -> Kernel {
    kernel(2, &[(Scalar::I64, &[0]), (Scalar::I64, &[1])], |b, sizes, params| {
        let gathered = map(b, &sizes[..1], I64, |b, i| {
            let index = read(b, params[0], i);
            read_checked(b, params[1], &[index], 0)
        });
        vec![gathered]
    })
}

#[test]
fn the_lowest_element_is_reported_with_its_index_and_length() {
    let table = vector(&[10i64, 20, 30]);
    let kernel = gather();
    for (bad, index) in [(3, 3), (-1, -1), (i64::MAX, i64::MAX), (i64::MIN, i64::MIN)] {
        let indices = vector(&[0i64, 2, bad, 1, 99]);
        let wanted = Fault { site: site(FaultKind::OutOfBounds, 0), element: 2, index, length: 3 };
        check(&kernel, &[5, 3], &[indices, table.clone()], wanted);
    }
    let found = run(&kernel, &[2, 3], &[vector(&[2i64, 0]), table]);
    assert_eq!(found, Ok(vec![vector(&[30i64, 10])]));
}

#[test]
fn the_lowest_element_wins_across_chunks() {
    let mut indices = vec![0i64; 70_000];
    indices[66_000] = 7;
    indices[69_999] = 8;
    let wanted = Fault { site: site(FaultKind::OutOfBounds, 0), element: 66_000, index: 7, length: 1 };
    check(&gather(), &[70_000, 1], &[vector(&indices), vector(&[5i64])], wanted);
}

#[test]
fn the_first_missed_axis_is_reported() {
    let kernel =
        kernel(3, &[(Scalar::I64, &[0, 1]), (Scalar::I64, &[2]), (Scalar::I64, &[2])], |b, sizes, params| {
            let gathered = map(b, &sizes[2..], I64, |b, i| {
                let (row, column) = (read(b, params[1], i), read(b, params[2], i));
                read_checked(b, params[0], &[row, column], 0)
            });
            vec![gathered]
        });
    let matrix = array(&[2, 3], &[1i64, 2, 3, 4, 5, 6]);
    for (row, column, index, length) in [(0, 3, 3, 3), (2, 0, 2, 2), (2, 3, 2, 2), (-5, -6, -5, 2)] {
        let args = [matrix.clone(), vector(&[0i64, row]), vector(&[0i64, column])];
        let wanted = Fault { site: site(FaultKind::OutOfBounds, 0), element: 1, index, length };
        check(&kernel, &[2, 3, 2], &args, wanted);
    }
}

#[test]
fn the_lowest_site_wins_over_lower_elements() {
    let kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let second = map(b, sizes, I64, |b, i| read_checked(b, params[0], &[i[0]], 1));
        let third = map(b, sizes, I64, |b, i| {
            let x = read(b, params[0], i);
            read_checked(b, params[0], &[x], 0)
        });
        let shifted = map(b, sizes, I64, |b, i| {
            let one = int(b, 1);
            let next = b.binary(Binary::Add, i[0], one);
            read_checked(b, params[0], &[next], 1)
        });
        vec![second, third, shifted]
    });
    let wanted = Fault { site: site(FaultKind::OutOfBounds, 0), element: 2, index: 9, length: 3 };
    check(&kernel, &[3], &[vector(&[0i64, 1, 9])], wanted);
    let wanted = Fault { site: site(FaultKind::OutOfBounds, 1), element: 2, index: 3, length: 3 };
    check(&kernel, &[3], &[vector(&[0i64, 1, 2])], wanted);
}

#[test]
fn division_by_zero_in_inner_nests_belongs_to_the_outer_element() {
    let kernel = kernel(2, &[(Scalar::I64, &[0, 1])], |b, sizes, params| {
        let sums = map(b, &sizes[..1], I64, |b, i| {
            let sum = fold(b, Binary::Add, 0i64, Order::Ordered);
            reduce(b, sizes[1], sum, |b, j| {
                let x = read(b, params[0], &[i[0], j]);
                let hundred = int(b, 100);
                let check = Some(site(FaultKind::DivisionByZero, 0));
                let op = Op::IntDiv { op: IntDiv::Div, lhs: hundred, rhs: x, check };
                vec![b.single(op, Type::scalar(Scalar::I64))]
            })[0]
        });
        vec![sums]
    });
    let wanted = Fault { site: site(FaultKind::DivisionByZero, 0), element: 1, index: 0, length: 0 };
    check(&kernel, &[3, 2], &[array(&[3, 2], &[1i64, 2, 3, 0, 0, 0])], wanted);
}

/// Division as an operator, which faults at the one site for divisions.
fn checked_division(b: &mut Builder) -> Fold {
    let neutral = vec![int(b, 1)];
    let i64s = Type::scalar(Scalar::I64);
    let op = b.block(vec![i64s.clone(); 2], |b, sides| {
        let check = Some(site(FaultKind::DivisionByZero, 0));
        let op = Op::IntDiv { op: IntDiv::Div, lhs: sides[0], rhs: sides[1], check };
        vec![b.single(op, i64s)]
    });
    Fold { neutral, op, order: Order::Ordered }
}

#[test]
fn faults_in_operators_belong_to_no_element() {
    let kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let sinks = vec![
            Sink::Reduce { fold: checked_division(b), on_empty: None },
            Sink::Scan { fold: checked_division(b), exclusive: true },
        ];
        let types = vec![Type::scalar(Scalar::I64), Type { scalar: Scalar::I64, shape: sizes.to_vec() }];
        nest(b, sizes, sinks, types, |b, i| {
            let x = read(b, params[0], i);
            vec![x, x]
        })
    });
    let wanted =
        Fault { site: site(FaultKind::DivisionByZero, 0), element: Fault::IN_FOLD, index: 0, length: 0 };
    check(&kernel, &[3], &[vector(&[8i64, 0, 2])], wanted);
    run(&kernel, &[3], &[vector(&[0i64, 2, 2])]).expect("no divisor is zero");
}

#[test]
fn an_operator_is_not_applied_where_nobody_asks_for_it() {
    // The total of the last leaf precedes nothing: combining it would divide by zero.
    let kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let sinks = vec![Sink::Scan { fold: checked_division(b), exclusive: true }];
        let types = vec![Type { scalar: Scalar::I64, shape: sizes.to_vec() }];
        nest(b, sizes, sinks, types, |b, i| vec![read(b, params[0], i)])
    });
    for n in [1024, 1025, 2047, 2048, 3073, 4096] {
        let mut elements = vec![1i64; n];
        elements[(n - 1) / 1024 * 1024] = 0;
        let _ = run(&kernel, &[n as i64], &[vector(&elements)]);
    }
}

fn maximum_of_something() -> Kernel {
    kernel(2, &[(Scalar::I64, &[0, 1])], |b, sizes, params| {
        let greatest = map(b, &sizes[..1], I64, |b, i| {
            let fold = fold(b, Binary::Max, 5i64, Order::Interleaved);
            let sinks = vec![Sink::Reduce { fold, on_empty: Some(site(FaultKind::EmptyReduction, 1)) }];
            nest(b, &sizes[1..], sinks, vec![Type::scalar(Scalar::I64)], |b, j| {
                vec![read(b, params[0], &[i[0], j[0]])]
            })[0]
        });
        let fold = fold(b, Binary::Max, 5i64, Order::Interleaved);
        let sinks = vec![Sink::Reduce { fold, on_empty: Some(site(FaultKind::EmptyReduction, 2)) }];
        let all = nest(b, &sizes[..1], sinks, vec![Type::scalar(Scalar::I64)], |b, i| {
            vec![read(b, greatest, &[i[0]])]
        });
        vec![greatest, all[0]]
    })
}

#[test]
fn empty_reductions() {
    let empty = |shape: &[usize]| super::constants(Scalar::I64, shape, std::iter::empty());
    let kernel = maximum_of_something();
    let wanted = Fault { site: site(FaultKind::EmptyReduction, 1), element: 0, index: 0, length: 0 };
    check(&kernel, &[2, 0], &[empty(&[2, 0])], wanted);
    let wanted = Fault { site: site(FaultKind::EmptyReduction, 2), element: Fault::OUTSIDE, ..wanted };
    check(&kernel, &[0, 3], &[empty(&[0, 3])], wanted);
}

#[test]
fn a_failed_check_ends_the_launch() {
    let kernel =
        kernel(2, &[(Scalar::I64, &[0]), (Scalar::Bool, &[]), (Scalar::I64, &[1])], |b, sizes, params| {
            let gathered = map(b, &sizes[..1], I64, |b, i| {
                let index = read(b, params[0], i);
                read_checked(b, params[2], &[index], 3)
            });
            let values = vec![sizes[0], sizes[1]];
            let op = Op::Check { cond: params[1], site: site(FaultKind::SizeMismatch, 0), values };
            b.inst(op, Vec::new());
            // Without the check this would be too large for any memory.
            let huge = int(b, 1 << 60);
            let rest = map(b, &[huge], I64, |_, i| i[0]);
            vec![gathered, rest]
        });
    let table = vector(&[1i64, 2]);
    let both = Both::new(&kernel);
    let run_for = |index: i64, holds: bool, faults| {
        both.run(&[1, 2], &[vector(&[index]), scalar(holds), table.clone()], faults)
    };
    let mismatch =
        Fault { site: site(FaultKind::SizeMismatch, 0), element: Fault::OUTSIDE, index: 1, length: 2 };
    assert_eq!(run_for(0, false, FaultPolicy::Report), Err(RunError::Fault(mismatch)));
    assert_eq!(run_for(0, false, FaultPolicy::Ignore), Err(RunError::Fault(mismatch)));
    // What arose before may precede it.
    let outside = Fault { site: site(FaultKind::OutOfBounds, 3), element: 0, index: 2, length: 2 };
    assert_eq!(run_for(2, false, FaultPolicy::Report), Err(RunError::Fault(outside)));
}
