//! Each kind of instruction, sink and fault on small kernels, against results worked out by other means.

use super::{Options, RunError, eval};
use crate::{
    data::{Datum, Tensor},
    fault::Fault,
    ir::{
        Binary, Builder, Compare, Entity, FaultKind, Fold, IntDiv, Kernel, Nest, Op, Order, Sink, Type,
        Value,
        testing::{fold, i64_type, kernel, nest, read, site},
        verify::verify,
    },
    math::{MathFn, Routine, definition},
    tree,
};
use pk_dsl::scalar::{Const, Scalar};
use std::sync::atomic::AtomicBool;

fn run_with(
    kernel: &Kernel,
    args: &[Datum],
    sizes: &[i64],
    options: &Options<'_>,
) -> Result<Vec<Datum>, RunError> {
    verify(kernel).expect("tests run valid IR");
    super::run_with(kernel, args, sizes, options)
}

fn run(kernel: &Kernel, args: &[Datum], sizes: &[i64]) -> Result<Vec<Datum>, RunError> {
    run_with(kernel, args, sizes, &Options::default())
}

fn array<T: Into<Const> + Copy>(shape: &[usize], elements: &[T]) -> Datum {
    let scalar = elements.first().map_or(Scalar::I64, |first| (*first).into().scalar());
    let bytes = vec![0; elements.len() * scalar.bytes()];
    let mut tensor = Tensor { scalar, shape: shape.to_vec(), bytes };
    elements.iter().enumerate().for_each(|(at, element)| tensor.set(at, (*element).into()));
    Datum::Array(tensor)
}

fn vector<T: Into<Const> + Copy>(elements: &[T]) -> Datum {
    array(&[elements.len()], elements)
}

fn scalar(value: impl Into<Const>) -> Datum {
    Datum::Scalar(value.into())
}

fn vector_type(scalar: Scalar, size: Value) -> Type {
    Type { scalar, shape: vec![size] }
}

/// The kernel of one vector `x: [i64; n]` whose one nest over `n` has these sinks; `build` gets `x[i]` and `i`.
fn over_vector(
    sinks: impl FnOnce(&mut Builder, Value) -> (Vec<Sink>, Vec<Type>),
    build: impl FnOnce(&mut Builder, Value, Value) -> Vec<Value>,
) -> Kernel {
    kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let (sinks, types) = sinks(b, sizes[0]);
        nest(b, sizes, sinks, types, |b, index| {
            let element = read(b, params[0], index[0]);
            build(b, element, index[0])
        })
    })
}

#[test]
fn one_nest_feeds_sinks_of_all_kinds() {
    let kernel = over_vector(
        |b, n| {
            let (zero, bins) = (b.int(Scalar::I64, 0), b.int(Scalar::I64, 3));
            let sum = |b: &mut Builder| fold(b, Binary::Add, zero, Order::Ordered);
            let sinks = vec![
                Sink::Map,
                Sink::Reduce { fold: sum(b), on_empty: None },
                Sink::Scan { fold: sum(b), exclusive: false },
                Sink::Scan { fold: sum(b), exclusive: true },
                Sink::ReduceByIndex { bins, fold: sum(b) },
            ];
            let vector = vector_type(Scalar::I64, n);
            let by_bin = vector_type(Scalar::I64, bins);
            (sinks, vec![vector.clone(), i64_type(), vector.clone(), vector, by_bin])
        },
        |b, x, i| {
            let square = b.binary(Binary::Mul, x, x);
            // The bins are 0, 1, 2, 3 and -1: the last two are skipped.
            vec![square, x, x, x, i, x]
        },
    );
    let results = run(&kernel, &[vector(&[5i64, -2, 7, 4])], &[4]).expect("no faults");
    let expected = [
        vector(&[25i64, 4, 49, 16]),
        scalar(14i64),
        vector(&[5i64, 3, 10, 14]),
        vector(&[0i64, 5, 3, 10]),
        vector(&[5i64, -2, 7]),
    ];
    assert_eq!(results, expected);
}

#[test]
fn folds_follow_the_trees() {
    let n = 5000;
    let value = |at: usize| 1.0 / (at as f32 + 1.0);
    for order in [Order::Interleaved, Order::Ordered] {
        let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            let zero = b.constant(0f32);
            let sum = fold(b, Binary::Add, zero, order);
            let prefixes = fold(b, Binary::Add, zero, Order::Ordered);
            let sinks = vec![
                Sink::Reduce { fold: sum, on_empty: None },
                Sink::Scan { fold: prefixes, exclusive: false },
            ];
            let types = vec![Type::scalar(Scalar::F32), vector_type(Scalar::F32, sizes[0])];
            nest(b, sizes, sinks, types, |b, index| {
                let x = read(b, params[0], index[0]);
                vec![x, x]
            })
        });
        let elements: Vec<f32> = (0..n).map(value).collect();
        let results = run(&kernel, &[vector(&elements)], &[n as i64]).expect("no faults");
        let sum = tree::reduce(n, order, value, |a, b| a + b).expect("not empty");
        assert_eq!(results, [scalar(sum), vector(&tree::scan(n, value, |a, b| a + b))]);
    }
}

#[test]
fn filters_keep_scalars_and_rows_in_order() {
    let kernel = kernel(2, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let sinks = vec![Sink::Filter { width: 2 }];
        let body = b.block(vec![i64_type()], |b, index| {
            let x = read(b, params[0], index[0]);
            let zero = b.int(Scalar::I64, 0);
            let keep = b.compare(Compare::Gt, x, zero);
            let row = vec![vector_type(Scalar::I64, sizes[1])];
            let row = nest(b, &sizes[1..], vec![Sink::Map], row, |b, j| vec![b.binary(Binary::Add, x, j[0])]);
            vec![keep, x, row[0]]
        });
        // The extent of the columns is the nest's own first result: the next value to be made.
        let count = Value::from_index(b.body().values.len());
        let columns = [vec![count], vec![count, sizes[1]]].map(|shape| Type { scalar: Scalar::I64, shape });
        let types = [i64_type()].into_iter().chain(columns).collect();
        b.multi(Op::Nest(Nest { dims: vec![sizes[0]], body, sinks }), types)
    });
    let results = run(&kernel, &[vector(&[3i64, -1, 0, 8])], &[4, 2]).expect("no faults");
    assert_eq!(results, [scalar(2i64), vector(&[3i64, 8]), array(&[2, 2], &[3i64, 4, 8, 9])]);
    let results = run(&kernel, &[vector(&[-3i64])], &[1, 2]).expect("no faults");
    assert_eq!(results[2], array::<i64>(&[0, 2], &[]));
}

#[test]
fn nests_inside_nests_see_the_outer_index() {
    // The sum of each row of a matrix, and its transpose.
    let kernel = kernel(2, &[(Scalar::I64, &[0, 1])], |b, sizes, params| {
        let at = |b: &mut Builder, i, j| {
            b.single(Op::Index { array: params[0], indices: vec![i, j], check: None }, i64_type())
        };
        let zero = b.int(Scalar::I64, 0);
        let rows = vec![vector_type(Scalar::I64, sizes[0])];
        let sums = nest(b, &sizes[..1], vec![Sink::Map], rows, |b, i| {
            let fold = fold(b, Binary::Add, zero, Order::Interleaved);
            let sum = vec![Sink::Reduce { fold, on_empty: None }];
            nest(b, &sizes[1..], sum, vec![i64_type()], |b, j| vec![at(b, i[0], j[0])])
        });
        let ty = Type { scalar: Scalar::I64, shape: vec![sizes[1], sizes[0]] };
        let transposed =
            nest(b, &[sizes[1], sizes[0]], vec![Sink::Map], vec![ty], |b, ij| vec![at(b, ij[1], ij[0])]);
        vec![sums[0], transposed[0]]
    });
    let matrix = array(&[2, 3], &[1i64, 2, 3, 40, 50, 60]);
    let results = run(&kernel, &[matrix], &[2, 3]).expect("no faults");
    assert_eq!(results, [vector(&[6i64, 150]), array(&[3, 2], &[1i64, 40, 2, 50, 3, 60])]);
}

#[test]
fn loops_carry_values_all_at_once_and_stop_early() {
    // Fibonacci numbers while they are below the limit: the swap shows a step that reads what it overwrites.
    let kernel = kernel(0, &[(Scalar::I64, &[]), (Scalar::I64, &[])], |b, _, params| {
        let (steps, limit) = (params[0], params[1]);
        let (zero, one) = (b.int(Scalar::I64, 0), b.int(Scalar::I64, 1));
        let cond = b.block(vec![i64_type(); 3], |b, p| vec![b.compare(Compare::Lt, p[2], limit)]);
        let body = b.block(vec![i64_type(); 3], |b, p| vec![p[2], b.binary(Binary::Add, p[1], p[2])]);
        let parts = Op::Loop { start: zero, end: steps, init: vec![zero, one], cond: Some(cond), body };
        b.multi(parts, vec![i64_type(); 2])
    });
    let run = |steps: i64, limit: i64| run(&kernel, &[scalar(steps), scalar(limit)], &[]).expect("no faults");
    assert_eq!(run(10, 1000), [scalar(55i64), scalar(89i64)]);
    assert_eq!(run(10, 20), [scalar(13i64), scalar(21i64)]);
    assert_eq!(run(-1, 20), [scalar(0i64), scalar(1i64)]);
}

#[test]
fn only_the_branch_taken_is_evaluated() {
    // `if x[i] == 7 { x[i] / 0 } else { i }`.
    let kernel = over_vector(
        |_, n| (vec![Sink::Map], vec![vector_type(Scalar::I64, n)]),
        |b, x, i| {
            let seven = b.int(Scalar::I64, 7);
            let is_seven = b.compare(Compare::Eq, x, seven);
            let zero = b.int(Scalar::I64, 0);
            let then = b.block(vec![], |b, _| {
                let check = Some(site(FaultKind::DivisionByZero, 0));
                vec![b.single(Op::IntDiv { op: IntDiv::Div, lhs: x, rhs: zero, check }, i64_type())]
            });
            let otherwise = b.block(vec![], |_, _| vec![i]);
            b.multi(Op::If { cond: is_seven, then, otherwise }, vec![i64_type()])
        },
    );
    assert_eq!(run(&kernel, &[vector(&[5i64, 6])], &[2]), Ok(vec![vector(&[0i64, 1])]));
    let fault = Fault { site: site(FaultKind::DivisionByZero, 0), element: 1, index: 0, length: 0 };
    assert_eq!(run(&kernel, &[vector(&[5i64, 7])], &[2]), Err(RunError::Fault(fault)));
    let options = Options { ignore_faults: true, ..Options::default() };
    let results = run_with(&kernel, &[vector(&[5i64, 7])], &[2], &options);
    assert_eq!(results, Ok(vec![vector(&[0i64, 7])]));
}

#[test]
fn arrays_pass_through_branches_loops_and_tables() {
    let kernel = kernel(0, &[(Scalar::Bool, &[])], |b, _, params| {
        let three = b.int(Scalar::I64, 3);
        let ty = vector_type(Scalar::I64, three);
        let table = |b: &mut Builder, values: [i128; 3]| {
            let values = values.map(|value| b.int(Scalar::I64, value)).to_vec();
            b.single(Op::Array(values), vector_type(Scalar::I64, three))
        };
        let (odd, even) = (table(b, [1, 3, 5]), table(b, [2, 4, 6]));
        let then = b.block(vec![], |_, _| vec![odd]);
        let otherwise = b.block(vec![], |_, _| vec![even]);
        let chosen = b.single(Op::If { cond: params[0], then, otherwise }, ty.clone());
        let zero = b.int(Scalar::I64, 0);
        let body = b.block(vec![i64_type(), ty.clone()], |b, carried| {
            let sink = vec![Sink::Map];
            nest(b, &[three], sink, vec![ty.clone()], |b, i| {
                let x = read(b, carried[1], i[0]);
                vec![b.binary(Binary::Mul, x, x)]
            })
        });
        let parts = Op::Loop { start: zero, end: three, init: vec![chosen], cond: None, body };
        let power = b.single(parts, ty.clone());
        vec![chosen, power, power]
    });
    let results = run(&kernel, &[scalar(true)], &[]).expect("no faults");
    let power = vector(&[1i64, 6561, 390_625]);
    assert_eq!(results, [vector(&[1i64, 3, 5]), power.clone(), power]);
    assert_eq!(run(&kernel, &[scalar(false)], &[]).expect("no faults")[0], vector(&[2i64, 4, 6]));
}

#[test]
fn the_fault_at_the_lowest_site_and_then_the_lowest_element_is_reported() {
    let kernel = kernel(1, &[(Scalar::I64, &[0]), (Scalar::I64, &[0])], |b, sizes, params| {
        let types = vec![vector_type(Scalar::I64, sizes[0])];
        nest(b, sizes, vec![Sink::Map], types, |b, i| {
            let divisor = read(b, params[1], i[0]);
            let check = Some(site(FaultKind::DivisionByZero, 0));
            let quotient =
                b.single(Op::IntDiv { op: IntDiv::Div, lhs: i[0], rhs: divisor, check }, i64_type());
            let at = read(b, params[0], i[0]);
            let found = read(b, params[1], at);
            vec![b.binary(Binary::Add, quotient, found)]
        })
    });
    let fault_of = |indices: &[i64], divisors: &[i64]| {
        let args = [vector(indices), vector(divisors)];
        match run(&kernel, &args, &[indices.len() as i64]) {
            Err(RunError::Fault(fault)) => Some(fault),
            _ => None,
        }
    };
    let bounds =
        |element, index| Some(Fault { site: site(FaultKind::OutOfBounds, 0), element, index, length: 4 });
    assert_eq!(fault_of(&[0, 1, 2, 3], &[1, 1, 1, 1]), None);
    assert_eq!(fault_of(&[0, 1, 4, -1], &[1, 1, 1, 1]), bounds(2, 4));
    assert_eq!(fault_of(&[0, 1, 2, i64::MIN], &[0, 1, 1, 1]), bounds(3, i64::MIN));
    let by_zero = Fault { site: site(FaultKind::DivisionByZero, 0), element: 1, index: 0, length: 0 };
    assert_eq!(fault_of(&[0, 1, 2, 3], &[1, 0, 0, 1]), Some(by_zero));
}

#[test]
fn the_axis_that_an_index_misses_first_gives_the_length() {
    let kernel = kernel(2, &[(Scalar::F64, &[0, 1]), (Scalar::I64, &[])], |b, _, params| {
        let check = Some(site(FaultKind::OutOfBounds, 2));
        let (array, indices) = (params[0], vec![params[1], params[1]]);
        vec![b.single(Op::Index { array, indices, check }, Type::scalar(Scalar::F64))]
    });
    let matrix = array(&[3, 2], &[0.5f64; 6]);
    let fault = |index, length| {
        RunError::Fault(Fault {
            site: site(FaultKind::OutOfBounds, 2),
            element: Fault::OUTSIDE,
            index,
            length,
        })
    };
    let run = |index: i64| run(&kernel, &[matrix.clone(), scalar(index)], &[3, 2]);
    assert_eq!(run(1), Ok(vec![scalar(0.5f64)]));
    assert_eq!(run(2), Err(fault(2, 2)));
    assert_eq!(run(3), Err(fault(3, 3)));
}

/// A sum that divides by zero whenever its operator is applied.
fn faulty_sum(b: &mut Builder) -> Fold {
    let zero = b.int(Scalar::I64, 0);
    let op = b.block(vec![i64_type(); 2], |b, sides| {
        let check = Some(site(FaultKind::DivisionByZero, 1));
        vec![b.single(Op::IntDiv { op: IntDiv::Rem, lhs: sides[0], rhs: zero, check }, i64_type())]
    });
    Fold { neutral: vec![zero], op, order: Order::Ordered }
}

#[test]
fn a_fault_in_an_operator_has_no_element() {
    let kernel = over_vector(
        |b, _| (vec![Sink::Reduce { fold: faulty_sum(b), on_empty: None }], vec![i64_type()]),
        |_, x, _| vec![x],
    );
    let expected =
        Fault { site: site(FaultKind::DivisionByZero, 1), element: Fault::IN_FOLD, index: 0, length: 0 };
    assert_eq!(run(&kernel, &[vector(&[1i64, 2])], &[2]), Err(RunError::Fault(expected)));
    // One element is its own sum: the operator is not applied.
    assert_eq!(run(&kernel, &[vector(&[1i64])], &[1]), Ok(vec![scalar(1i64)]));
}

#[test]
fn empty_reductions_give_the_neutral_element_or_a_fault() {
    let reduce = |on_empty| {
        over_vector(
            |b, _| {
                let one = b.int(Scalar::I64, 1);
                let fold = fold(b, Binary::Mul, one, Order::Interleaved);
                (vec![Sink::Reduce { fold, on_empty }], vec![i64_type()])
            },
            |_, x, _| vec![x],
        )
    };
    let empty = [vector::<i64>(&[])];
    assert_eq!(run(&reduce(None), &empty, &[0]), Ok(vec![scalar(1i64)]));
    let site = site(FaultKind::EmptyReduction, 0);
    let fault = Fault { site, element: Fault::OUTSIDE, index: 0, length: 0 };
    assert_eq!(run(&reduce(Some(site)), &empty, &[0]), Err(RunError::Fault(fault)));
    let options = Options { ignore_faults: true, ..Options::default() };
    assert_eq!(run_with(&reduce(Some(site)), &empty, &[0], &options), Ok(vec![scalar(0i64)]));
}

#[test]
fn a_failed_check_ends_the_launch_with_the_lowest_fault_so_far() {
    let kernel = kernel(2, &[(Scalar::I64, &[0]), (Scalar::I64, &[])], |b, sizes, params| {
        let found = read(b, params[0], params[1]);
        let cond = b.compare(Compare::Eq, sizes[0], sizes[1]);
        let site = site(FaultKind::SizeMismatch, 0);
        b.inst(Op::Check { cond, site, values: sizes.to_vec() }, vec![]);
        vec![found]
    });
    let run = |sizes: [i64; 2], index: i64| {
        let options = Options { ignore_faults: true, ..Options::default() };
        run_with(&kernel, &[vector(&[8i64, 9]), scalar(index)], &sizes, &options)
    };
    assert_eq!(run([2, 2], 1), Ok(vec![scalar(9i64)]));
    let mismatch =
        Fault { site: site(FaultKind::SizeMismatch, 0), element: Fault::OUTSIDE, index: 2, length: 3 };
    assert_eq!(run([2, 3], 1), Err(RunError::Fault(mismatch)));
    let earlier =
        Fault { site: site(FaultKind::OutOfBounds, 0), element: Fault::OUTSIDE, index: 5, length: 2 };
    assert_eq!(run([2, 3], 5), Err(RunError::Fault(earlier)));
}

#[test]
fn launches_that_cannot_end_well_end_early() {
    let iota = kernel(1, &[], |b, sizes, _| {
        let ty = vector_type(Scalar::I64, sizes[0]);
        nest(b, sizes, vec![Sink::Map], vec![ty], |_, i| vec![i[0]])
    });
    let bytes = (1 << 60) - 8;
    assert_eq!(run(&iota, &[], &[(1 << 57) - 1]), Err(RunError::OutOfMemory { bytes }));
    assert_eq!(run(&iota, &[], &[1 << 61]), Err(RunError::TooLarge));
    let raised = AtomicBool::new(true);
    let options = Options { cancel: Some(&raised), ..Options::default() };
    assert_eq!(run_with(&iota, &[], &[1], &options), Err(RunError::Cancelled));
    assert_eq!(run_with(&iota, &[], &[0], &options), Ok(vec![vector::<i64>(&[])]));
}

#[test]
fn calls_evaluate_the_definition() {
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let types = vec![vector_type(Scalar::F32, sizes[0])];
        nest(b, sizes, vec![Sink::Map], types, |b, i| {
            let mut x = read(b, params[0], i[0]);
            for function in [MathFn::Sin, MathFn::Exp] {
                let routine = Routine { function, scalar: Scalar::F32 };
                x = b.single(Op::Call { routine, args: vec![x] }, Type::scalar(Scalar::F32));
            }
            vec![x]
        })
    });
    let elements = [0f32, 1.0, -2.5, 1e30];
    let apply = |function, x| eval(definition(Routine { function, scalar: Scalar::F32 }), &[x])[0];
    let expected = elements.map(|x| apply(MathFn::Exp, apply(MathFn::Sin, x.into())));
    assert_eq!(run(&kernel, &[vector(&elements)], &[4]), Ok(vec![vector(&expected)]));
    assert_eq!(expected[0], Const::from(1f32));
}

#[test]
fn bodies_of_scalars_evaluate_alone() {
    let (mut b, params) = Builder::new(vec![Type::scalar(Scalar::F64); 2]);
    let bits = b.bits(params[0], Scalar::U64);
    let wide = b.convert(params[1], Scalar::U64);
    let sum = b.binary(Binary::Add, bits, wide);
    let next = b.bits(sum, Scalar::F64);
    let fused = b.fma(params[0], params[1], next);
    let is_less = b.compare(Compare::Lt, params[0], next);
    let larger = b.select(is_less, next, params[0]);
    let body = b.finish(vec![next, fused, larger]);
    let next = f64::from_bits(2f64.to_bits() + 3);
    let expected = [next, 2f64.mul_add(3.0, next), next].map(Const::from);
    assert_eq!(eval(&body, &[2f64.into(), 3f64.into()]), expected);
}
