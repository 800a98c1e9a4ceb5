//! Kernels for tests of what consumes IR, built without the front end.

use super::{
    Arena, Binary, Block, Builder, Entity, FaultKind, Fold, Kernel, Nest, Op, Order, Site, SiteData, Type,
    Value,
};
use pk_dsl::{
    scalar::Scalar,
    signature::{Dim, ParamType, ResultType, Signature, SizeName, SizeSource},
    size::{Size, SizeVar},
};
use pk_grammar::span::Span;

/// A kernel with `size_count` sizes and parameters of these scalar types, each with the numbers of its sizes.
/// `build` gets the sizes and the parameters, and gives the results. There are four sites of each kind of fault:
/// see [`site`].
pub(crate) fn kernel(
    size_count: usize,
    params: &[(Scalar, &[usize])],
    build: impl FnOnce(&mut Builder, &[Value], &[Value]) -> Vec<Value>,
) -> Kernel {
    let sizes = vec![i64_type(); size_count];
    let param_type = |(scalar, dims): &(Scalar, &[usize])| {
        // The sizes are the first values of the body.
        Type { scalar: *scalar, shape: dims.iter().map(|dim| Value::from_index(*dim)).collect() }
    };
    let (mut builder, values) =
        Builder::new(sizes.into_iter().chain(params.iter().map(param_type)).collect());
    let (sizes, params_values) = values.split_at(size_count);
    let results = build(&mut builder, sizes, params_values);
    let body = builder.finish(results);
    let results = body.blocks[body.entry].results.iter().map(|result| ResultType {
        name: String::new(),
        scalar: body.scalar(*result),
        dims: vec![None; body.ty(*result).shape.len()],
    });
    let signature = Signature {
        name: "test".to_string(),
        doc: String::new(),
        sizes: (0..size_count).map(|size| size_name(size, params)).collect(),
        params: params.iter().map(|(scalar, dims)| param(*scalar, dims)).collect(),
        results: results.collect(),
        span: Span::default(),
    };
    let mut sites = Arena::default();
    for kind in KINDS.into_iter().flat_map(|kind| [kind; 4]) {
        sites.push(SiteData { kind, span: Span::default(), other: None, texts: Vec::new() });
    }
    Kernel { signature, body, sites }
}

const KINDS: [FaultKind; 5] = [
    FaultKind::OutOfBounds,
    FaultKind::DivisionByZero,
    FaultKind::EmptyReduction,
    FaultKind::SizeMismatch,
    FaultKind::NegativeSize,
];

/// The site of [`kernel`] of this kind with this number below four. Sites of a kind that [`FaultKind`] lists earlier
/// precede.
pub(crate) fn site(kind: FaultKind, number: usize) -> Site {
    let first = KINDS.iter().position(|each| *each == kind).unwrap_or(0) * 4;
    Site::from_index(first + number)
}

fn size_name(size: usize, params: &[(Scalar, &[usize])]) -> SizeName {
    let axis_of = |(param, (_, dims)): (usize, &(Scalar, &[usize]))| {
        dims.iter().position(|dim| *dim == size).map(|axis| SizeSource::Axis { param, axis })
    };
    let bound_by = params.iter().enumerate().find_map(axis_of).unwrap_or(SizeSource::Scalar { param: 0 });
    SizeName { name: format!("n{size}"), bound_by, span: Span::default() }
}

fn param(scalar: Scalar, dims: &[usize]) -> ParamType {
    let dim = |size: &usize| Dim { size: Size::var(SizeVar(*size as u32)), span: Span::default() };
    ParamType { name: "x".to_string(), scalar, dims: dims.iter().map(dim).collect(), span: Span::default() }
}

/// The type of indices.
pub(crate) fn i64_type() -> Type {
    Type::scalar(Scalar::I64)
}

/// `array[index]`, checked at the first site for indices.
pub(crate) fn read(builder: &mut Builder, array: Value, index: Value) -> Value {
    let ty = Type::scalar(builder.body().scalar(array));
    let check = Some(site(FaultKind::OutOfBounds, 0));
    builder.single(Op::Index { array, indices: vec![index], check }, ty)
}

/// A nest over `dims` whose sinks define results of these types.
pub(crate) fn nest(
    builder: &mut Builder,
    dims: &[Value],
    sinks: Vec<super::Sink>,
    results: Vec<Type>,
    build: impl FnOnce(&mut Builder, &[Value]) -> Vec<Value>,
) -> Vec<Value> {
    let body = builder.block(vec![i64_type(); dims.len()], build);
    builder.multi(Op::Nest(Nest { dims: dims.to_vec(), body, sinks }), results)
}

/// The fold by `op` from `neutral`.
pub(crate) fn fold(builder: &mut Builder, op: Binary, neutral: Value, order: Order) -> Fold {
    let scalar = builder.body().scalar(neutral);
    let op: Block =
        builder.block(vec![Type::scalar(scalar); 2], |b, sides| vec![b.binary(op, sides[0], sides[1])]);
    Fold { neutral: vec![neutral], op, order }
}
