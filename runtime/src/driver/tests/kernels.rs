//! Building kernels without the front end.

use pk_compiler::ir::{
    Arena, Binary, Builder, Entity, FaultKind, Fold, Kernel, Nest, Op, Order, Sink, Site, SiteData, Type,
    Value,
};
use pk_dsl::{
    scalar::{Const, Scalar},
    signature::{Dim, ParamType, ResultType, Signature, SizeName, SizeSource},
    size::{Size, SizeVar},
};
use pk_grammar::span::Span;

/// A kernel with `size_count` sizes and parameters of these scalar types, each with the numbers of its sizes. `build`
/// gets the sizes and the parameters, and gives the results. There are four sites of each kind of fault: see [`site`].
pub(in crate::driver) fn kernel(
    size_count: usize,
    params: &[(Scalar, &[usize])],
    build: impl FnOnce(&mut Builder, &[Value], &[Value]) -> Vec<Value>,
) -> Kernel {
    let sizes = vec![Type::scalar(Scalar::I64); size_count];
    let types = params.iter().map(|(scalar, dims)| Type {
        scalar: *scalar,
        // The sizes are the first values of the body.
        shape: dims.iter().map(|dim| Value::from_index(*dim)).collect(),
    });
    let (mut builder, values) = Builder::new(sizes.into_iter().chain(types).collect());
    let results = build(&mut builder, &values[..size_count], &values[size_count..]);
    let body = builder.finish(results);
    let results = body.blocks[body.entry].results.iter().map(|result| ResultType {
        name: String::new(),
        scalar: body.scalar(*result),
        dims: vec![None; body.ty(*result).shape.len()],
    });
    let signature = Signature {
        name: "test".to_string(),
        doc: String::new(),
        sizes: (0..size_count).map(size_name).collect(),
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

fn size_name(number: usize) -> SizeName {
    let bound_by = SizeSource::Axis { param: 0, axis: 0 };
    SizeName { name: format!("n{number}"), bound_by, span: Span::default() }
}

fn param(scalar: Scalar, dims: &[usize]) -> ParamType {
    let dim = |size: &usize| Dim { size: Size::var(SizeVar(*size as u32)), span: Span::default() };
    ParamType { name: "x".to_string(), scalar, dims: dims.iter().map(dim).collect(), span: Span::default() }
}

const KINDS: [FaultKind; 5] = [
    FaultKind::OutOfBounds,
    FaultKind::DivisionByZero,
    FaultKind::EmptyReduction,
    FaultKind::SizeMismatch,
    FaultKind::NegativeSize,
];

/// The site of [`kernel`] of this kind with this number below four.
pub(in crate::driver) fn site(kind: FaultKind, number: usize) -> Site {
    let first = KINDS.iter().position(|each| *each == kind).unwrap_or(0) * 4;
    Site::from_index(first + number)
}

pub(in crate::driver) fn int(builder: &mut Builder, value: i64) -> Value {
    builder.constant(value)
}

/// `array[indices]` where the indices are known to lie inside.
pub(in crate::driver) fn read(builder: &mut Builder, array: Value, indices: &[Value]) -> Value {
    let ty = Type::scalar(builder.body().scalar(array));
    builder.single(Op::Index { array, indices: indices.to_vec(), check: None }, ty)
}

/// `array[indices]`, checked at the site for indices with this number.
pub(in crate::driver) fn read_checked(
    builder: &mut Builder,
    array: Value,
    indices: &[Value],
    number: usize,
) -> Value {
    let ty = Type::scalar(builder.body().scalar(array));
    builder.single(
        Op::Index { array, indices: indices.to_vec(), check: Some(site(FaultKind::OutOfBounds, number)) },
        ty,
    )
}

pub(in crate::driver) fn array_type(scalar: Scalar, shape: &[Value]) -> Type {
    Type { scalar, shape: shape.to_vec() }
}

/// A nest over `dims` whose sinks define results of these types.
pub(in crate::driver) fn nest(
    builder: &mut Builder,
    dims: &[Value],
    sinks: Vec<Sink>,
    results: Vec<Type>,
    build: impl FnOnce(&mut Builder, &[Value]) -> Vec<Value>,
) -> Vec<Value> {
    let body = builder.block(vec![Type::scalar(Scalar::I64); dims.len()], build);
    builder.multi(Op::Nest(Nest { dims: dims.to_vec(), body, sinks }), results)
}

/// `[build(indices) for indices in dims]`; an element is a scalar or an array of shape `row`.
pub(in crate::driver) fn map(
    builder: &mut Builder,
    dims: &[Value],
    (scalar, row): (Scalar, &[Value]),
    build: impl FnOnce(&mut Builder, &[Value]) -> Value,
) -> Value {
    let ty = array_type(scalar, &[dims, row].concat());
    nest(builder, dims, vec![Sink::Map], vec![ty], |b, indices| vec![build(b, indices)])[0]
}

/// The reduction of `build(i)` for `i` in `0..extent`.
pub(in crate::driver) fn reduce(
    builder: &mut Builder,
    extent: Value,
    fold: Fold,
    build: impl FnOnce(&mut Builder, Value) -> Vec<Value>,
) -> Vec<Value> {
    let types = fold.neutral.iter().map(|neutral| Type::scalar(builder.body().scalar(*neutral))).collect();
    let sinks = vec![Sink::Reduce { fold, on_empty: None }];
    nest(builder, &[extent], sinks, types, |b, indices| build(b, indices[0]))
}

/// The fold by `op` from `neutral`.
pub(in crate::driver) fn fold(
    builder: &mut Builder,
    op: Binary,
    neutral: impl Into<Const>,
    order: Order,
) -> Fold {
    let neutral = neutral.into();
    let ty = Type::scalar(neutral.scalar());
    // A neutral element stands outside of the nest, here in the entry block, so that inner nests may use it.
    let neutral = builder.constant(neutral);
    let op = builder.block(vec![ty.clone(), ty], |b, sides| vec![b.binary(op, sides[0], sides[1])]);
    Fold { neutral: vec![neutral], op, order }
}

/// The composition of functions `x -> a * x + b` over integers: associative, not commutative, two components.
pub(in crate::driver) fn composition(builder: &mut Builder) -> Fold {
    let ty = Type::scalar(Scalar::I64);
    let neutral = vec![int(builder, 1), int(builder, 0)];
    let op = builder.block(vec![ty; 4], |b, sides| {
        let (a, c) = (sides[0], sides[2]);
        let (first, second) = (sides[1], sides[3]);
        let product = b.binary(Binary::Mul, a, c);
        let scaled = b.binary(Binary::Mul, a, second);
        vec![product, b.binary(Binary::Add, scaled, first)]
    });
    Fold { neutral, op, order: Order::Ordered }
}

/// `sum(x * factor)`; the step that combines leaves is the same for all factors.
pub(in crate::driver) fn sum_of_multiples(factor: f32) -> Kernel {
    kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
        let sum = fold(b, Binary::Add, 0.0f32, Order::Interleaved);
        reduce(b, sizes[0], sum, |b, i| {
            let (x, factor) = (read(b, params[0], &[i]), b.constant(factor));
            vec![b.binary(Binary::Mul, x, factor)]
        })
    })
}
