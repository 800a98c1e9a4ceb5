//! Reductions along columns, at the edges of groups, tiles, lanes and leaves.

use super::{
    Both, FaultPolicy, constants,
    kernels::{fold, kernel, map, read, read_checked, reduce},
    random, random_floats, run,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Builder, Compare, Fold, Kernel, Op, Order, Type, Value},
};
use pk_dsl::scalar::Scalar;

/// `[reduce(body(row, column) for row) for column]` of a matrix of `scalar`.
fn columns(
    scalar: Scalar,
    fold: impl FnOnce(&mut Builder) -> Fold,
    body: impl FnOnce(&mut Builder, Value, [Value; 2]) -> Vec<Value>,
) -> Kernel {
    kernel(2, &[(scalar, &[0, 1])], |b, sizes, params| {
        let results = map(b, &[sizes[1]], (scalar, &[]), |b, at| {
            let fold = fold(b);
            reduce(b, sizes[0], fold, |b, row| body(b, params[0], [row, at[0]]))[0]
        });
        vec![results]
    })
}

fn floats(rows: usize, columns: usize) -> Datum {
    let values = random_floats(rows * columns, (rows * 31 + columns) as u64);
    constants(Scalar::F32, &[rows, columns], values.into_iter().map(Into::into))
}

fn integers(rows: usize, columns: usize) -> Datum {
    let values = random(rows * columns, rows as u64 + 1).map(|bits| ((bits >> 33) as i64 % 7).into());
    constants(Scalar::I64, &[rows, columns], values)
}

const SHAPES: [[usize; 2]; 16] = [
    [0, 40],
    [1, 1],
    [1, 33],
    [2, 31],
    [31, 32],
    [32, 64],
    [33, 65],
    [70, 70],
    [1023, 33],
    [1024, 40],
    [1025, 47],
    [2050, 34],
    [3073, 32],
    [40, 1024],
    [33, 1030],
    [5, 2100],
];

#[test]
fn sums_of_columns_have_the_bits_of_their_tree() {
    let kernel = columns(
        Scalar::F32,
        |b| fold(b, Binary::Add, 0.0f32, Order::Interleaved),
        |b, matrix, at| vec![read(b, matrix, &at)],
    );
    for [rows, columns] in SHAPES {
        let sizes = [rows as i64, columns as i64];
        run(&kernel, &sizes, &[floats(rows, columns)]).expect("nothing can fault");
    }
}

#[test]
fn places_of_the_greatest_elements_of_columns() {
    let kernel = columns(
        Scalar::I64,
        |b| {
            let ty = Type::scalar(Scalar::I64);
            let neutral = [i64::MIN, -1].map(|value| b.constant(value)).to_vec();
            let op = b.block(vec![ty; 4], |b, sides| {
                let is_left = b.compare(Compare::Ge, sides[0], sides[2]);
                let choose =
                    |b: &mut Builder, x, y| b.single(Op::Select(is_left, x, y), Type::scalar(Scalar::I64));
                vec![choose(b, sides[0], sides[2]), choose(b, sides[1], sides[3])]
            });
            Fold { neutral, op, order: Order::Interleaved }
        },
        |b, matrix, at| vec![read(b, matrix, &at), at[0]],
    );
    for [rows, columns] in SHAPES {
        let sizes = [rows as i64, columns as i64];
        run(&kernel, &sizes, &[integers(rows, columns)]).expect("nothing can fault");
    }
}

#[test]
fn a_column_that_faults_is_reported_with_its_first_element() {
    // Each column reads its neighbour to the right, which the last one has not.
    let kernel = columns(
        Scalar::I64,
        |b| fold(b, Binary::Add, 0i64, Order::Interleaved),
        |b, matrix, [row, column]| {
            let one = b.constant(1i64);
            let next = b.binary(Binary::Add, column, one);
            vec![read_checked(b, matrix, &[row, next], 0)]
        },
    );
    let both = Both::new(&kernel);
    for [rows, columns] in SHAPES {
        for policy in [FaultPolicy::Report, FaultPolicy::Ignore] {
            let found = both.run(&[rows as i64, columns as i64], &[integers(rows, columns)], policy);
            assert_eq!(found.is_err(), rows > 0 && policy == FaultPolicy::Report);
        }
    }
}
