//! Nests of several dimensions and nests inside nests.

use super::{
    array,
    kernels::{array_type, composition, fold, int, kernel, map, nest, read, reduce},
    random_floats, run, vector,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Builder, Compare, Kernel, Op, Order, Sink, Type, Value},
    math::{MathFn, Routine},
};
use pk_dsl::scalar::Scalar;

const F32: (Scalar, &[Value]) = (Scalar::F32, &[]);

fn sum_of(b: &mut Builder, extent: Value, body: impl FnOnce(&mut Builder, Value) -> Value) -> Value {
    let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
    reduce(b, extent, sum, |b, i| vec![body(b, i)])[0]
}

fn matrix(rows: usize, columns: usize, seed: u64) -> Datum {
    super::constants(
        Scalar::F32,
        &[rows, columns],
        random_floats(rows * columns, seed).into_iter().map(Into::into),
    )
}

#[test]
fn a_product_of_matrices() {
    let kernel = kernel(3, &[(Scalar::F32, &[0, 1]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        let product = map(b, &[sizes[0], sizes[2]], F32, |b, at| {
            let (i, j) = (at[0], at[1]);
            sum_of(b, sizes[1], |b, l| {
                let left = read(b, params[0], &[i, l]);
                let right = read(b, params[1], &[l, j]);
                b.binary(Binary::Mul, left, right)
            })
        });
        vec![product]
    });
    for (n, k, m) in [(1, 1, 1), (2, 3, 4), (5, 33, 7), (3, 1100, 2), (0, 3, 4), (2, 0, 2), (2, 3, 0)] {
        let args = [matrix(n, k, 1), matrix(k, m, 2)];
        run(&kernel, &[n as i64, k as i64, m as i64], &args).expect("nothing can fault");
    }
    let (left, right) = (array(&[1, 2], &[1.0f32, 2.0]), array(&[2, 1], &[3.0f32, 4.0]));
    assert_eq!(run(&kernel, &[1, 2, 1], &[left, right]), Ok(vec![array(&[1, 1], &[11.0f32])]));
}

#[test]
fn the_softmax_of_each_row() {
    let kernel = kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
        let (rows, columns) = (sizes[0], sizes[1]);
        let row_type = (Scalar::F32, &[columns][..]);
        let softmax = map(b, &[rows], row_type, |b, at| {
            let greatest = fold(b, Binary::Max, f32::NEG_INFINITY, Order::Interleaved);
            let greatest = reduce(b, columns, greatest, |b, j| vec![read(b, params[0], &[at[0], j])])[0];
            let e = map(b, &[columns], F32, |b, j| {
                let x = read(b, params[0], &[at[0], j[0]]);
                let distance = b.binary(Binary::Sub, x, greatest);
                let routine = Routine { function: MathFn::Exp, scalar: Scalar::F32 };
                b.single(Op::Call { routine, args: vec![distance] }, Type::scalar(Scalar::F32))
            });
            let total = sum_of(b, columns, |b, j| read(b, e, &[j]));
            map(b, &[columns], F32, |b, j| {
                let x = read(b, e, j);
                b.binary(Binary::Div, x, total)
            })
        });
        vec![softmax]
    });
    for (rows, columns) in [(1, 1), (3, 5), (2, 1025), (0, 4), (4, 0)] {
        let args = [matrix(rows, columns, 3)];
        run(&kernel, &[rows as i64, columns as i64], &args).expect("nothing can fault");
    }
}

#[test]
fn domains_of_three_dimensions_in_row_major_order() {
    let kernel =
        kernel(3, &[(Scalar::I64, &[0]), (Scalar::I64, &[1]), (Scalar::I64, &[2])], |b, sizes, _| {
            let places = map(b, sizes, (Scalar::I64, &[]), |b, at| {
                let hundred = int(b, 100);
                let outer = b.binary(Binary::Mul, at[0], hundred);
                let outer = b.binary(Binary::Add, outer, at[1]);
                let outer = b.binary(Binary::Mul, outer, hundred);
                b.binary(Binary::Add, outer, at[2])
            });
            vec![places]
        });
    for shape in [[2, 3, 4], [1, 1, 1], [40, 50, 60], [3, 0, 2], [7, 1, 90]] {
        let args = shape.map(vector_of_zeros);
        let found = run(&kernel, &shape.map(|extent| extent as i64), &args).expect("nothing can fault");
        if shape == [2, 3, 4] {
            let Datum::Array(places) = &found[0] else { panic!("an array") };
            assert_eq!(places.get(23).as_int(), Some(10203));
        }
    }
}

fn vector_of_zeros(extent: usize) -> Datum {
    super::constants(Scalar::I64, &[extent], std::iter::empty())
}

#[test]
fn rows_of_rows_go_to_their_places() {
    // An element is a matrix, made by a nest in a nest, and returned also transposed through a copy.
    let kernel = kernel(2, &[(Scalar::F32, &[0]), (Scalar::F32, &[1])], |b, sizes, params| {
        let (n, m) = (sizes[0], sizes[1]);
        let shape = (Scalar::F32, &[m, m][..]);
        let types = vec![array_type(Scalar::F32, &[n, m, m]); 2];
        nest(b, &[n], vec![Sink::Map; 2], types, |b, at| {
            let x = read(b, params[0], at);
            let outer = map(b, &[m], (shape.0, &shape.1[1..]), |b, i| {
                let y = read(b, params[1], i);
                let scaled = b.binary(Binary::Mul, x, y);
                map(b, &[m], F32, |b, j| {
                    let z = read(b, params[1], j);
                    b.binary(Binary::Sub, scaled, z)
                })
            });
            let transposed = map(b, &[m, m], F32, |b, at| read(b, outer, &[at[1], at[0]]));
            vec![outer, transposed]
        })
    });
    for (n, m) in [(1, 1), (3, 4), (70, 5), (2, 0)] {
        let floats = |count, seed| {
            super::constants(Scalar::F32, &[count], random_floats(count, seed).into_iter().map(Into::into))
        };
        run(&kernel, &[n as i64, m as i64], &[floats(n, 5), floats(m, 6)]).expect("nothing can fault");
    }
}

/// For each row: an exclusive and an inclusive scan of pairs, a histogram, and the total.
fn row_statistics() -> Kernel {
    kernel(2, &[(Scalar::I64, &[0, 1])], |b, sizes, params| {
        let (rows, columns) = (sizes[0], sizes[1]);
        let bins = int(b, 4);
        let row = array_type(Scalar::I64, &[columns]);
        let inner =
            vec![row.clone(), row.clone(), row, array_type(Scalar::I64, &[bins]), Type::scalar(Scalar::I64)];
        let outer =
            inner.iter().map(|ty| array_type(ty.scalar, &[&[rows], &ty.shape[..]].concat())).collect();
        nest(b, &[rows], vec![Sink::Map; 5], outer, |b, at| {
            let sum = |b: &mut Builder| fold(b, Binary::Add, 0i64, Order::Ordered);
            let sinks = vec![
                Sink::Scan { fold: composition(b), exclusive: true },
                Sink::Scan { fold: sum(b), exclusive: false },
                Sink::ReduceByIndex { bins, fold: sum(b) },
                Sink::Reduce { fold: sum(b), on_empty: None },
            ];
            nest(b, &[columns], sinks, inner, |b, j| {
                let x = read(b, params[0], &[at[0], j[0]]);
                let three = int(b, 3);
                let bin = b.binary(Binary::And, x, three);
                vec![x, j[0], x, bin, x, x]
            })
        })
    })
}

#[test]
fn folds_inside_of_nests() {
    let kernel = row_statistics();
    for (rows, columns) in [(2, 0), (3, 1), (2, 40), (2, 1024), (2, 1025), (2, 5000), (1, 7169), (0, 9)] {
        let elements = (0..rows * columns).map(|at| pk_dsl::scalar::Const::from(at as i64 * 7 % 1001 - 500));
        let arg = super::constants(Scalar::I64, &[rows, columns], elements);
        run(&kernel, &[rows as i64, columns as i64], &[arg]).expect("nothing can fault");
    }
}

#[test]
fn an_element_that_is_read_as_well_as_returned() {
    // Rows normalised by their own sum, where the row itself is a result too, twice.
    let kernel = kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
        let columns = sizes[1];
        let types = vec![
            array_type(Scalar::F32, sizes),
            array_type(Scalar::F32, sizes),
            array_type(Scalar::F32, &sizes[..1]),
        ];
        nest(b, &sizes[..1], vec![Sink::Map; 3], types, |b, at| {
            let row = map(b, &[columns], F32, |b, j| {
                let x = read(b, params[0], &[at[0], j[0]]);
                b.binary(Binary::Mul, x, x)
            });
            let total = sum_of(b, columns, |b, j| read(b, row, &[j]));
            vec![row, row, total]
        })
    });
    run(&kernel, &[5, 9], &[matrix(5, 9, 8)]).expect("nothing can fault");
}

#[test]
fn steps_see_what_earlier_steps_computed() {
    // mean, then deviations, then their greatest; the parameter and an intermediate array are results too.
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let (n, x) = (sizes[0], params[0]);
        let total = sum_of(b, n, |b, i| read(b, x, &[i]));
        let count = b.convert(n, Scalar::F32);
        let mean = b.binary(Binary::Div, total, count);
        let deviations = map(b, &[n], F32, |b, i| {
            let x = read(b, x, i);
            b.binary(Binary::Sub, x, mean)
        });
        let hidden = map(b, &[n], F32, |b, i| {
            let d = read(b, deviations, i);
            b.binary(Binary::Mul, d, d)
        });
        let greatest = fold(b, Binary::Max, 0.0f32, Order::Interleaved);
        let greatest = reduce(b, n, greatest, |b, i| vec![read(b, hidden, &[i])])[0];
        let seven = b.constant(7u8);
        vec![x, deviations, deviations, greatest, mean, n, seven]
    });
    for n in [1, 5, 100, 3000] {
        run(&kernel, &[n as i64], &[vector(&random_floats(n, 4))]).expect("nothing can fault");
    }
}

#[test]
fn a_nest_over_a_computed_size() {
    let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let two = int(b, 2);
        let inner = b.binary(Binary::Sub, sizes[0], two);
        let sums = map(b, &[inner], F32, |b, i| {
            let two = int(b, 2);
            let next = b.binary(Binary::Add, i[0], two);
            let (left, right) = (read(b, params[0], i), read(b, params[0], &[next]));
            b.binary(Binary::Add, left, right)
        });
        vec![sums]
    });
    let found = run(&kernel, &[4], &[vector(&[1.0f32, 2.0, 3.0, 4.0])]);
    assert_eq!(found, Ok(vec![vector(&[4.0f32, 6.0])]));
}

#[test]
fn nearest_centres() {
    // argmin over pairs of a distance that is itself a sum: three levels.
    let kernel = kernel(3, &[(Scalar::F32, &[0, 2]), (Scalar::F32, &[1, 2])], |b, sizes, params| {
        let nearest = map(b, &sizes[..1], (Scalar::I64, &[]), |b, i| {
            let types = [Scalar::F32, Scalar::I64].map(Type::scalar);
            let neutral = vec![b.constant(f32::INFINITY), int(b, -1)];
            let op = b.block([types.clone(), types].concat(), |b, sides| {
                let keeps = b.compare(Compare::Le, sides[0], sides[2]);
                vec![b.select(keeps, sides[0], sides[2]), b.select(keeps, sides[1], sides[3])]
            });
            let fold = pk_compiler::ir::Fold { neutral, op, order: Order::Ordered };
            reduce(b, sizes[1], fold, |b, c| {
                let distance = sum_of(b, sizes[2], |b, d| {
                    let (p, q) = (read(b, params[0], &[i[0], d]), read(b, params[1], &[c, d]));
                    let difference = b.binary(Binary::Sub, p, q);
                    b.binary(Binary::Mul, difference, difference)
                });
                vec![distance, c]
            })[1]
        });
        vec![nearest]
    });
    run(&kernel, &[50, 40, 3], &[matrix(50, 3, 1), matrix(40, 3, 2)]).expect("nothing can fault");
}
