//! Branches and loops, of scalars and of arrays, inside and outside of nests.

use super::{
    kernels::{array_type, fold, int, kernel, map, nest, read, reduce},
    random_floats, run, scalar, vector,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Block, Builder, Compare, Kernel, Op, Order, Sink, Type, Value},
};
use pk_dsl::scalar::Scalar;

const I64: (Scalar, &[Value]) = (Scalar::I64, &[]);

fn if_op(
    b: &mut Builder,
    cond: Value,
    then: impl FnOnce(&mut Builder) -> Vec<Value>,
    otherwise: impl FnOnce(&mut Builder) -> Vec<Value>,
) -> Vec<Value> {
    let then = b.block(Vec::new(), |b, _| then(b));
    let otherwise = b.block(Vec::new(), |b, _| otherwise(b));
    let results = &b.body().blocks[then].results;
    let types = results.iter().map(|value| b.body().ty(*value).clone()).collect();
    b.multi(Op::If { cond, then, otherwise }, types)
}

fn loop_op(
    b: &mut Builder,
    range: [Value; 2],
    init: Vec<Value>,
    cond: impl FnOnce(&mut Builder, &[Value]) -> Option<Value>,
    step: impl FnOnce(&mut Builder, &[Value]) -> Vec<Value>,
) -> Vec<Value> {
    let types: Vec<Type> = init.iter().map(|value| b.body().ty(*value).clone()).collect();
    let params = || [&[Type::scalar(Scalar::I64)], &types[..]].concat();
    let mut holds = None;
    let cond = b.block(params(), |b, args| {
        holds = cond(b, args);
        holds.into_iter().collect()
    });
    let cond: Option<Block> = holds.map(|_| cond);
    let body = b.block(params(), |b, args| step(b, args));
    b.multi(Op::Loop { start: range[0], end: range[1], init, cond, body }, types)
}

#[test]
fn a_loop_with_an_early_exit_for_each_element() {
    // The number of Collatz steps.
    let kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| {
        let steps = map(b, sizes, I64, |b, at| {
            let x = read(b, params[0], at);
            let (zero, limit) = (int(b, 0), int(b, 1000));
            let is_going = |b: &mut Builder, args: &[Value]| {
                let one = int(b, 1);
                Some(b.compare(Compare::Ne, args[1], one))
            };
            loop_op(b, [zero, limit], vec![x, zero], is_going, |b, args| {
                let (one, three) = (int(b, 1), int(b, 3));
                let bit = b.binary(Binary::And, args[1], one);
                let is_odd = b.compare(Compare::Eq, bit, one);
                let half = b.binary(Binary::Shr, args[1], one);
                let next = if_op(
                    b,
                    is_odd,
                    |b| {
                        let product = b.binary(Binary::Mul, args[1], three);
                        vec![b.binary(Binary::Add, product, one)]
                    },
                    |_| vec![half],
                );
                vec![next[0], b.binary(Binary::Add, args[2], one)]
            })[1]
        });
        vec![steps]
    });
    let found = run(&kernel, &[5], &[vector(&[1i64, 2, 3, 6, 27])]);
    assert_eq!(found, Ok(vec![vector(&[0i64, 1, 7, 8, 111])]));
}

/// One step of a smoothing: the mean of an element and its successor, cyclically.
fn smooth(b: &mut Builder, n: Value, x: Value) -> Value {
    map(b, &[n], (Scalar::F32, &[]), |b, i| {
        let one = int(b, 1);
        let next = b.binary(Binary::Add, i[0], one);
        let wraps = b.compare(Compare::Eq, next, n);
        let zero = int(b, 0);
        let next = b.select(wraps, zero, next);
        let (left, right) = (read(b, x, i), read(b, x, &[next]));
        let sum = b.binary(Binary::Add, left, right);
        let half = b.constant(0.5f32);
        b.binary(Binary::Mul, sum, half)
    })
}

/// Two vectors, smoothed and swapped in each of `steps` rounds, with a third that stays and one that is doubled in
/// place.
fn rounds(b: &mut Builder, n: Value, steps: Value, x: Value, y: Value) -> Vec<Value> {
    let zero = int(b, 0);
    loop_op(
        b,
        [zero, steps],
        vec![x, y, x, y],
        |_, _| None,
        |b, args| {
            let smoothed = smooth(b, n, args[1]);
            let doubled = map(b, &[n], (Scalar::F32, &[]), |b, i| {
                let x = read(b, args[4], i);
                b.binary(Binary::Add, x, x)
            });
            vec![args[2], smoothed, args[3], doubled]
        },
    )
}

#[test]
fn loops_carry_arrays_in_the_entry_block() {
    let kernel =
        kernel(2, &[(Scalar::F32, &[0]), (Scalar::F32, &[0]), (Scalar::I64, &[])], |b, sizes, params| {
            rounds(b, sizes[0], params[2], params[0], params[1])
        });
    for steps in 0..5i64 {
        let args = [vector(&random_floats(9, 1)), vector(&random_floats(9, 2)), scalar(steps)];
        run(&kernel, &[9, 0], &args).expect("nothing can fault");
    }
}

#[test]
fn loops_carry_arrays_in_nests() {
    // As many rounds as the index says.
    let kernel =
        kernel(2, &[(Scalar::F32, &[0]), (Scalar::F32, &[0]), (Scalar::I64, &[1])], |b, sizes, params| {
            let (n, m) = (sizes[0], sizes[1]);
            let types = vec![array_type(Scalar::F32, &[m, n]); 4];
            nest(b, &[m], vec![Sink::Map; 4], types, |b, at| rounds(b, n, at[0], params[0], params[1]))
        });
    let steps = vector(&[0i64; 6]);
    let args = [vector(&random_floats(9, 1)), vector(&random_floats(9, 2)), steps];
    run(&kernel, &[9, 6], &args).expect("nothing can fault");
}

/// `if c { smooth(x) } else { x }`, nested twice, where the inner one makes one array and takes another.
fn choose(b: &mut Builder, n: Value, [first, second]: [Value; 2], x: Value) -> Vec<Value> {
    if_op(
        b,
        first,
        |b| {
            let own = smooth(b, n, x);
            let inner = if_op(b, second, |b| vec![smooth(b, n, own)], |_| vec![x]);
            vec![own, inner[0]]
        },
        |b| vec![x, smooth(b, n, x)],
    )
}

#[test]
fn branches_give_arrays_in_the_entry_block() {
    let params: [(Scalar, &[usize]); 3] = [(Scalar::F32, &[0]), (Scalar::Bool, &[]), (Scalar::Bool, &[])];
    let kernel =
        kernel(1, &params, |b, sizes, params| choose(b, sizes[0], [params[1], params[2]], params[0]));
    for (first, second) in [(false, false), (false, true), (true, false), (true, true)] {
        let args = [vector(&random_floats(7, 1)), scalar(first), scalar(second)];
        run(&kernel, &[7], &args).expect("nothing can fault");
    }
}

fn choices_in_nests() -> Kernel {
    let params: [(Scalar, &[usize]); 3] = [(Scalar::F32, &[0]), (Scalar::Bool, &[1]), (Scalar::Bool, &[1])];
    kernel(2, &params, |b, sizes, params| {
        let (n, m) = (sizes[0], sizes[1]);
        let row = array_type(Scalar::F32, &[m, n]);
        let types = vec![row.clone(), row, array_type(Scalar::F32, &[m])];
        nest(b, &[m], vec![Sink::Map; 3], types, |b, at| {
            let flags = [read(b, params[1], at), read(b, params[2], at)];
            let rows = choose(b, n, flags, params[0]);
            let hidden = choose(b, n, flags, params[0]);
            let sum = fold(b, Binary::Add, 0.0f32, Order::Ordered);
            let total = reduce(b, n, sum, |b, i| vec![read(b, hidden[1], &[i])]);
            vec![rows[0], rows[1], total[0]]
        })
    })
}

#[test]
fn branches_give_arrays_in_nests() {
    let first = vector(&[false, false, true, true, true]);
    let second = vector(&[false, true, false, true, true]);
    let args = [vector(&random_floats(7, 1)), first, second];
    run(&choices_in_nests(), &[7, 5], &args).expect("nothing can fault");
}

#[test]
fn small_arrays_are_values() {
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let three = int(b, 3);
        let shape = array_type(Scalar::F32, &[three]);
        let table = [1.0f32, 10.0, 100.0].map(|value| b.constant(value));
        let table = b.single(Op::Array(table.to_vec()), shape.clone());
        let rows = map(b, sizes, (Scalar::F32, &[three]), |b, at| {
            let x = read(b, params[0], at);
            let square = b.binary(Binary::Mul, x, x);
            let own = b.single(Op::Array(vec![x, square, x]), shape);
            map(b, &[three], (Scalar::F32, &[]), |b, j| {
                let (left, right) = (read(b, own, j), read(b, table, j));
                b.binary(Binary::Mul, left, right)
            })
        });
        vec![rows, table]
    });
    let found = run(&kernel, &[2], &[vector(&[2.0f32, 3.0])]).expect("nothing can fault");
    let Datum::Array(rows) = &found[0] else { panic!("an array") };
    assert_eq!(
        (0..6).map(|at| rows.get(at).as_f32().unwrap_or(0.0)).collect::<Vec<_>>(),
        [2.0, 40.0, 200.0, 3.0, 90.0, 300.0]
    );
}

#[test]
fn an_array_whose_element_is_an_operand_array() {
    // The body's result is an array from outside, so each row is a copy.
    let kernel = kernel(2, &[(Scalar::F32, &[0]), (Scalar::I64, &[1])], |b, sizes, params| {
        vec![map(b, &sizes[1..], (Scalar::F32, &sizes[..1]), |_, _| params[0])]
    });
    run(&kernel, &[5, 4], &[vector(&random_floats(5, 3)), vector(&[0i64; 4])]).expect("nothing can fault");
}
