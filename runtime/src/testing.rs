//! Kernels and contexts for the tests of this crate: built by hand, so that these tests need no front end.

use crate::{Backend, Context, Device, Kernel, compile::Module, program::Program};
use pk_compiler::ir::{
    Arena, Binary, Builder, Entity, FaultKind, Fold, Kernel as Ir, Nest, Op, Order, Sink, Site, SiteData,
    Type, Value,
};
use pk_dsl::{
    scalar::Scalar,
    signature::{Dim, ParamType, ResultType, Signature, SizeName, SizeSource},
    size::{Size, SizeVar},
};
use pk_grammar::span::Span;

/// A context on each device.
pub(crate) fn contexts() -> Vec<Context> {
    Device::all().iter().map(|device| Context::new(device).expect("the device is there")).collect()
}

/// A context on the device that is always there.
pub(crate) fn context() -> Context {
    Device::default_for(Backend::Interp).and_then(|device| Context::new(&device)).expect("always there")
}

/// The kernel on this context.
pub(crate) fn load(context: &Context, (text, ir): (&str, Ir)) -> Kernel {
    let name = ir.signature.name.clone();
    Program::new(context, Module::from_ir(text, vec![ir])).kernel(&name).expect("the only kernel")
}

const DOT: &str = "kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);";

/// The sum of the products.
pub(crate) fn dot() -> (&'static str, Ir) {
    let params = [(DOT, "x", "x: [f32; n]"), (DOT, "y", "y: [f32; n]")].map(array_param).to_vec();
    let signature = signature(DOT, "dot", params, vec![result(&[])]);
    let (mut builder, values) = entry(2);
    let body = builder.block(vec![Type::scalar(Scalar::I64)], |builder, index| {
        let [x, y] = [values[1], values[2]].map(|array| read(builder, array, index[0]));
        vec![builder.binary(Binary::Mul, x, y)]
    });
    let neutral = builder.constant(0.0f32);
    let op = builder.block(vec![Type::scalar(Scalar::F32); 2], |builder, values| {
        vec![builder.binary(Binary::Add, values[0], values[1])]
    });
    let fold = Fold { neutral: vec![neutral], op, order: Order::Interleaved };
    let sinks = vec![Sink::Reduce { fold, on_empty: None }];
    let nest = Op::Nest(Nest { dims: vec![values[0]], body, sinks });
    let sum = builder.single(nest, Type::scalar(Scalar::F32));
    (DOT, Ir { signature, body: builder.finish(vec![sum]), sites: Arena::default() })
}

const DOUBLE: &str = "kernel double(x: [f32; n]) -> [f32; n] = x + x;";

/// Each element twice.
pub(crate) fn double() -> (&'static str, Ir) {
    let params = vec![array_param((DOUBLE, "x", "x: [f32; n]"))];
    let n = Size::var(SizeVar(0));
    let signature = signature(DOUBLE, "double", params, vec![result(&[Some(n)])]);
    let (mut builder, values) = entry(1);
    let doubled = map(&mut builder, values[0], |builder, index| {
        let x = read(builder, values[1], index);
        builder.binary(Binary::Add, x, x)
    });
    (DOUBLE, Ir { signature, body: builder.finish(vec![doubled]), sites: Arena::default() })
}

const NEXT: &str = "kernel next(x: [f32; n]) -> [f32; n] = [x[i + 1] for i in 0..n];";

/// The element after each: the last access is outside.
pub(crate) fn next() -> (&'static str, Ir) {
    let params = vec![array_param((NEXT, "x", "x: [f32; n]"))];
    let n = Size::var(SizeVar(0));
    let signature = signature(NEXT, "next", params, vec![result(&[Some(n)])]);
    let mut sites = Arena::default();
    let span = find(NEXT, "x[i + 1]");
    let texts = vec!["x".to_string()];
    let site: Site = sites.push(SiteData { kind: FaultKind::OutOfBounds, span, other: None, texts });
    let (mut builder, values) = entry(1);
    let shifted = map(&mut builder, values[0], |builder, index| {
        let one = builder.constant(1i64);
        let next = builder.binary(Binary::Add, index, one);
        let read = Op::Index { array: values[1], indices: vec![next], check: Some(site) };
        builder.single(read, Type::scalar(Scalar::F32))
    });
    (NEXT, Ir { signature, body: builder.finish(vec![shifted]), sites })
}

const SPIN: &str = "kernel spin(x: [f32; n]) -> [f32; n] = map(x, |v| loop …);";

/// Each element after a loop of four million steps, which takes a while.
pub(crate) fn spin() -> (&'static str, Ir) {
    let params = vec![array_param((SPIN, "x", "x: [f32; n]"))];
    let n = Size::var(SizeVar(0));
    let signature = signature(SPIN, "spin", params, vec![result(&[Some(n)])]);
    let (mut builder, values) = entry(1);
    let spun = map(&mut builder, values[0], |builder, index| {
        let x = read(builder, values[1], index);
        let (start, end) = (builder.constant(0i64), builder.constant(4_000_000i64));
        let params = vec![Type::scalar(Scalar::I64), Type::scalar(Scalar::F32)];
        let body =
            builder.block(params, |builder, params| vec![builder.binary(Binary::Mul, params[1], params[1])]);
        builder.single(Op::Loop { start, end, init: vec![x], cond: None, body }, Type::scalar(Scalar::F32))
    });
    (SPIN, Ir { signature, body: builder.finish(vec![spun]), sites: Arena::default() })
}

const KEEP: &str = "kernel keep(x: [f32; n]) -> [f32] = x.filter(|v| bool(v));";

/// The elements other than zero.
pub(crate) fn keep() -> (&'static str, Ir) {
    let params = vec![array_param((KEEP, "x", "x: [f32; n]"))];
    let signature = signature(KEEP, "keep", params, vec![result(&[None])]);
    let (mut builder, values) = entry(1);
    let body = builder.block(vec![Type::scalar(Scalar::I64)], |builder, index| {
        let x = read(builder, values[1], index[0]);
        vec![builder.convert(x, Scalar::Bool), x]
    });
    let nest = Op::Nest(Nest { dims: vec![values[0]], body, sinks: vec![Sink::Filter { width: 1 }] });
    // The count, a result of the nest itself, is the extent of the other result.
    let count = Value::from_index(builder.body().values.len());
    let kept = Type { scalar: Scalar::F32, shape: vec![count] };
    let kept = builder.multi(nest, vec![Type::scalar(Scalar::I64), kept])[1];
    (KEEP, Ir { signature, body: builder.finish(vec![kept]), sites: Arena::default() })
}

/// A builder with a size and `arrays` parameters of one dimension.
fn entry(arrays: usize) -> (Builder, Vec<Value>) {
    let (mut builder, mut values) = Builder::new(vec![Type::scalar(Scalar::I64)]);
    let ty = Type { scalar: Scalar::F32, shape: vec![values[0]] };
    values.extend((0..arrays).map(|_| builder.entry_param(ty.clone())));
    (builder, values)
}

fn map(builder: &mut Builder, n: Value, element: impl FnOnce(&mut Builder, Value) -> Value) -> Value {
    let body =
        builder.block(vec![Type::scalar(Scalar::I64)], |builder, index| vec![element(builder, index[0])]);
    let ty = Type { scalar: Scalar::F32, shape: vec![n] };
    builder.single(Op::Nest(Nest { dims: vec![n], body, sinks: vec![Sink::Map] }), ty)
}

fn read(builder: &mut Builder, array: Value, index: Value) -> Value {
    let read = Op::Index { array, indices: vec![index], check: None };
    builder.single(read, Type::scalar(Scalar::F32))
}

fn array_param((text, name, declaration): (&str, &str, &str)) -> ParamType {
    let span = find(text, declaration);
    let size = span.end as usize - 2;
    let dim = Dim { size: Size::var(SizeVar(0)), span: Span::new(size, size + 1) };
    ParamType { name: name.to_string(), scalar: Scalar::F32, dims: vec![dim], span }
}

fn result(dims: &[Option<Size>]) -> ResultType {
    ResultType { name: String::new(), scalar: Scalar::F32, dims: dims.to_vec() }
}

fn signature(text: &str, name: &str, params: Vec<ParamType>, results: Vec<ResultType>) -> Signature {
    let bound_by = SizeSource::Axis { param: 0, axis: 0 };
    let sizes = vec![SizeName { name: "n".to_string(), bound_by, span: params[0].dims[0].span }];
    Signature { name: name.to_string(), doc: String::new(), sizes, params, results, span: find(text, name) }
}

fn find(text: &str, part: &str) -> Span {
    let start = text.find(part).expect("a part of the text");
    Span::new(start, start + part.len())
}
