//! Small kernels for tests of passes.

use super::{DCE, Pass, SIMPLIFY, run};
use crate::deadline::Deadline;
use crate::ir::testing::{fold, i64_type, kernel};
use crate::ir::verify::verify;
use crate::ir::{Binary, Builder, Kernel, Nest, Op, Order, Sink, Type, Value};
use pk_dsl::scalar::Scalar;

/// What `passes` make of `kernel`.
pub(super) fn after(mut kernel: Kernel, passes: &[Pass]) -> String {
    verify(&kernel).expect("tests start with valid IR");
    run(&mut kernel, passes, &Deadline::default()).expect("there is no deadline");
    verify(&kernel).expect("passes keep IR valid");
    kernel.to_string()
}

/// A kernel of scalars of these types.
pub(super) fn scalars(params: &[Scalar], build: impl FnOnce(&mut Builder, &[Value]) -> Vec<Value>) -> Kernel {
    let params: Vec<(Scalar, &[usize])> = params.iter().map(|scalar| (*scalar, &[][..])).collect();
    kernel(0, &params, |builder, _, params| build(builder, params))
}

/// The instructions that compute what `build` gives, after simplification, in one line each, without the kernel around.
pub(super) fn simplified(params: &[Scalar], build: impl FnOnce(&mut Builder, &[Value]) -> Value) -> String {
    let text = after(scalars(params, |b, params| vec![build(b, params)]), &[SIMPLIFY, DCE]);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines[1..lines.len() - 1].join("; ")
}

/// `array[indices]`, known to lie inside.
pub(super) fn element(builder: &mut Builder, array: Value, indices: &[Value]) -> Value {
    let ty = Type::scalar(builder.body().scalar(array));
    builder.single(Op::Index { array, indices: indices.to_vec(), check: None }, ty)
}

/// The array over `dims` of what `build` gives for each index.
pub(super) fn map(
    builder: &mut Builder,
    dims: &[Value],
    build: impl FnOnce(&mut Builder, &[Value]) -> Value,
) -> Value {
    let body = builder.block(vec![i64_type(); dims.len()], |b, index| vec![build(b, index)]);
    let result = builder.body().blocks[body].results[0];
    let element = builder.body().ty(result).clone();
    let shape = [dims, &element.shape].concat();
    let nest = Nest { dims: dims.to_vec(), body, sinks: vec![Sink::Map] };
    builder.single(Op::Nest(nest), Type { scalar: element.scalar, shape })
}

/// The nest over `size` that reduces what `build` gives for each index by addition.
pub(super) fn sum(
    builder: &mut Builder,
    size: Value,
    build: impl FnOnce(&mut Builder, Value) -> Value,
) -> Value {
    let body = builder.block(vec![i64_type()], |b, index| vec![build(b, index[0])]);
    let scalar = builder.body().scalar(builder.body().blocks[body].results[0]);
    let neutral = builder.int(scalar, 0);
    let fold = fold(builder, Binary::Add, neutral, Order::Interleaved);
    let nest = Nest { dims: vec![size], body, sinks: vec![Sink::Reduce { fold, on_empty: None }] };
    builder.single(Op::Nest(nest), Type::scalar(scalar))
}
