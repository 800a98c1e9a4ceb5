//! Every operation on every type it is for, at the edges of the type and on random bits.

use super::{
    Both, FaultPolicy, Features, constants,
    kernels::{array_type, kernel, nest, read},
    random, run,
};
use pk_compiler::{
    data::Datum,
    ir::{Binary, Builder, Compare, IntDiv, Kernel, Op, Sink, Type, Unary, Value},
    math::{MathFn, Routine},
};
use pk_dsl::scalar::{Const, Scalar};

const UNARIES: [Unary; 11] = [
    Unary::Neg,
    Unary::Not,
    Unary::Abs,
    Unary::Sqrt,
    Unary::Floor,
    Unary::Ceil,
    Unary::Trunc,
    Unary::Rint,
    Unary::Popcount,
    Unary::Clz,
    Unary::Ctz,
];

const BINARIES: [Binary; 14] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Min,
    Binary::Max,
    Binary::And,
    Binary::Or,
    Binary::Xor,
    Binary::Shl,
    Binary::Shr,
    Binary::Rotl,
    Binary::Rotr,
    Binary::Copysign,
];

const COMPARES: [Compare; 6] = [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge];

const INT_DIVS: [IntDiv; 4] = [IntDiv::Div, IntDiv::Rem, IntDiv::DivFloor, IntDiv::ModFloor];

fn unary_is_for(op: Unary, scalar: Scalar) -> bool {
    match op {
        Unary::Neg | Unary::Abs => scalar.is_numeric(),
        Unary::Not => !scalar.is_float(),
        Unary::Sqrt | Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint => scalar.is_float(),
        Unary::Popcount | Unary::Clz | Unary::Ctz => scalar.is_int(),
    }
}

fn binary_is_for(op: Binary, scalar: Scalar) -> bool {
    match op {
        Binary::Add | Binary::Sub | Binary::Mul => scalar.is_numeric(),
        Binary::Div | Binary::Copysign => scalar.is_float(),
        Binary::Min | Binary::Max => true,
        Binary::And | Binary::Or | Binary::Xor => !scalar.is_float(),
        Binary::Shl | Binary::Shr | Binary::Rotl | Binary::Rotr => scalar.is_int(),
    }
}

/// The kernel of three vectors that maps all operations on `scalar` over them.
fn all_operations(scalar: Scalar) -> Kernel {
    let vector: (Scalar, &[usize]) = (scalar, &[0]);
    kernel(1, &[vector; 3], |b, sizes, params| {
        let mut types = Vec::new();
        let body = b.block(vec![Type::scalar(Scalar::I64)], |b, index| {
            let operands: Vec<Value> = params.iter().map(|param| read(b, *param, index)).collect();
            let results = operations(b, scalar, [operands[0], operands[1], operands[2]]);
            types = results.iter().map(|value| array_type(b.body().scalar(*value), sizes)).collect();
            results
        });
        let sinks = vec![Sink::Map; types.len()];
        b.multi(Op::Nest(pk_compiler::ir::Nest { dims: sizes.to_vec(), body, sinks }), types)
    })
}

fn operations(b: &mut Builder, scalar: Scalar, [x, y, z]: [Value; 3]) -> Vec<Value> {
    let own = Type::scalar(scalar);
    let mut results = Vec::new();
    for op in UNARIES.into_iter().filter(|op| unary_is_for(*op, scalar)) {
        results.push(b.unary(op, x));
    }
    for op in BINARIES.into_iter().filter(|op| binary_is_for(*op, scalar)) {
        results.push(b.binary(op, x, y));
    }
    results.extend(COMPARES.map(|op| b.compare(op, x, y)));
    let is_less = b.compare(Compare::Lt, x, y);
    results.push(b.select(is_less, y, z));
    if scalar.is_float() {
        results.push(b.fma(x, y, z));
    }
    if scalar.is_int() {
        results
            .extend(INT_DIVS.map(|op| b.single(Op::IntDiv { op, lhs: x, rhs: y, check: None }, own.clone())));
        let constants = [7i128, 1, -1, -3].map(|value| b.int(scalar, value));
        for rhs in constants {
            results.extend(
                INT_DIVS.map(|op| b.single(Op::IntDiv { op, lhs: x, rhs, check: None }, own.clone())),
            );
        }
    }
    for to in Scalar::ALL {
        results.push(b.convert(x, to));
        let can_be_bits = to.bits() == scalar.bits() && to != Scalar::Bool && scalar != Scalar::Bool;
        if can_be_bits {
            results.push(b.bits(x, to));
        }
    }
    results
}

/// Values of `scalar` around which operations change their behaviour.
fn edges(scalar: Scalar) -> Vec<Const> {
    match scalar {
        Scalar::F32 => float_edges().iter().map(|value| Const::from(*value as f32)).collect(),
        Scalar::F64 => float_edges().into_iter().map(Const::from).collect(),
        Scalar::Bool => [false, true].map(Const::from).to_vec(),
        _ => {
            let (least, greatest) = scalar.int_range().expect("an integer type");
            let near =
                [least, least + 1, -2, -1, 0, 1, 2, 3, 31, 33, greatest / 2 + 1, greatest - 1, greatest];
            near.map(|value| Const::from_int(scalar, value)).to_vec()
        }
    }
}

fn float_edges() -> Vec<f64> {
    let mut values =
        vec![0.0, 0.5, 1.0, 1.5, 2.5, 127.5, 255.0, 256.5, 32768.0, 65535.5, 16777217.0, 1e30, 1e-40];
    values.extend([2147483647.0, 2147483648.0, 4294967295.0, 4294967296.0, 4503599627370497.5]);
    values.extend([9223372036854775807.0, 18446744073709551615.0, f64::MAX, f64::MIN_POSITIVE, 5e-324]);
    values.extend([f64::INFINITY, f64::NAN, 0.49999999999999994, f32::MAX.into(), f32::MIN_POSITIVE.into()]);
    let negative: Vec<f64> = values.iter().map(|value| -value).collect();
    values.extend(negative);
    values
}

/// All pairs of edges, and random bits; the third operand is another one.
fn operands(scalar: Scalar) -> [Vec<Const>; 3] {
    let edges = edges(scalar);
    let mut columns: [Vec<Const>; 3] = Default::default();
    for (at, x) in edges.iter().enumerate() {
        for (offset, y) in edges.iter().enumerate() {
            let third = edges[(at + 2 * offset) % edges.len()];
            columns.iter_mut().zip([*x, *y, third]).for_each(|(column, value)| column.push(value));
        }
    }
    for (at, bits) in random(3000, 1).enumerate() {
        columns[at % 3].push(Const::from_bits(scalar, bits));
    }
    columns
}

#[track_caller]
fn check_operations(scalar: Scalar, columns: &[Vec<Const>; 3]) {
    let n = columns[0].len();
    let args: Vec<Datum> =
        columns.iter().map(|column| constants(scalar, &[n], column.iter().copied())).collect();
    run(&all_operations(scalar), &[n as i64], &args).expect("nothing can fault");
}

#[test]
fn operations_on_all_types_at_their_edges() {
    for scalar in Scalar::ALL {
        check_operations(scalar, &operands(scalar));
    }
}

#[test]
fn a_cpu_without_rounding_and_fused_instructions_has_the_same_bits() {
    for scalar in [Scalar::F32, Scalar::F64] {
        let kernel = all_operations(scalar);
        let columns = operands(scalar);
        let n = columns[0].len();
        let args = columns.map(|column| constants(scalar, &[n], column.into_iter()));
        let both = Both::with_features(&kernel, Features::Baseline);
        both.run(&[n as i64], &args, FaultPolicy::Report).expect("nothing can fault");
    }
}

#[test]
fn operations_on_all_pairs_of_bytes() {
    for scalar in [Scalar::I8, Scalar::U8] {
        let pairs = (0..65536u64).map(|pair| (pair >> 8, pair & 255));
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (first, second) in pairs {
            x.push(Const::from_bits(scalar, first));
            y.push(Const::from_bits(scalar, second));
        }
        let z = x.clone();
        check_operations(scalar, &[x, y, z]);
    }
}

#[test]
fn a_bool_of_the_host_may_be_any_byte() {
    let kernel = kernel(1, &[(Scalar::Bool, &[0])], |b, sizes, params| {
        let types = vec![array_type(Scalar::I32, sizes)];
        nest(b, sizes, vec![Sink::Map], types, |b, index| {
            let flag = read(b, params[0], index);
            vec![b.convert(flag, Scalar::I32)]
        })
    });
    let mut tensor =
        pk_compiler::data::Tensor { scalar: Scalar::Bool, shape: vec![4], bytes: vec![0, 1, 2, 255] };
    let found = run(&kernel, &[4], &[Datum::Array(tensor.clone())]);
    tensor.bytes = [0i32, 1, 1, 1].iter().flat_map(|value| value.to_ne_bytes()).collect();
    tensor.scalar = Scalar::I32;
    assert_eq!(found, Ok(vec![Datum::Array(tensor)]));
}

#[test]
fn library_functions_are_inlined_with_their_own_bits() {
    for scalar in [Scalar::F32, Scalar::F64] {
        let functions = [MathFn::Exp, MathFn::Log, MathFn::Sin];
        let kernel = kernel(1, &[(scalar, &[0])], |b, sizes, params| {
            let types = vec![array_type(scalar, sizes); functions.len()];
            nest(b, sizes, vec![Sink::Map; functions.len()], types, |b, index| {
                let x = read(b, params[0], index);
                let call = |function| Op::Call { routine: Routine { function, scalar }, args: vec![x] };
                functions.map(|function| b.single(call(function), Type::scalar(scalar))).to_vec()
            })
        });
        let [x, ..] = operands(scalar);
        run(&kernel, &[x.len() as i64], &[constants(scalar, &[x.len()], x.into_iter())])
            .expect("nothing can fault");
    }
}
