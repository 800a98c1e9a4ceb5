//! Random kernels, before and after passes: the same bits and the same faults.

use super::{PIPELINE, Pass, run};
use crate::data::{Datum, Tensor};
use crate::deadline::Deadline;
use crate::interp::{self, RunError};
use crate::ir::verify::verify;
use crate::ir::{
    Arena, Binary, Block, Builder, Compare, Entity, FaultKind, Fold, IntDiv, Kernel, Nest, Op, Order, Sink,
    Site, SiteData, Type, Unary, Value, testing,
};
use pk_dsl::scalar::{Const, Scalar};
use pk_grammar::span::Span;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Writes a random kernel, instruction by instruction, out of the values that are in scope.
struct Writer<'a> {
    random: Random,
    builder: &'a mut Builder,
    /// What may be used here.
    scope: Vec<Value>,
    /// Extents for nests, all values of the entry.
    extents: Vec<Value>,
    /// Indices of the nests around, with the extents that they run over.
    indices: Vec<(Value, Value)>,
    depth: usize,
    sites: Vec<FaultKind>,
}

const SCALARS: [Scalar; 4] = [Scalar::I64, Scalar::I32, Scalar::F32, Scalar::Bool];

impl Writer<'_> {
    fn site(&mut self, kind: FaultKind) -> Site {
        // Now and then two places have one site, as two uses of one helper function may.
        let equal: Vec<usize> = (0..self.sites.len()).filter(|site| self.sites[*site] == kind).collect();
        if !equal.is_empty() && self.random.one_in(8) {
            return Site::from_index(self.random.pick(&equal));
        }
        self.sites.push(kind);
        Site::from_index(self.sites.len() - 1)
    }

    /// A scalar in scope, or a constant.
    fn scalar(&mut self, scalar: Scalar) -> Value {
        let body = self.builder.body();
        let fits = |value: &&Value| *body.ty(**value) == Type::scalar(scalar);
        let known: Vec<Value> = self.scope.iter().filter(fits).copied().collect();
        // The latest are the likeliest, so that things depend on each other.
        match known.len() {
            count if count > 0 && !self.random.one_in(4) => {
                known[count - 1 - self.random.below(count.min(4))]
            }
            _ => self.constant(scalar),
        }
    }

    /// A value of this type, new if there is none.
    fn value(&mut self, ty: &Type) -> Value {
        let dims = &ty.shape[..];
        let fits = |value: &&Value| self.builder.body().ty(**value) == ty;
        match self.scope.iter().rev().find(fits) {
            _ if dims.is_empty() => self.scalar(ty.scalar),
            Some(known) if !self.random.one_in(4) => *known,
            _ => {
                let outside = self.indices.len();
                let body = self.nest_body(dims, &[Type::scalar(ty.scalar)]);
                self.indices.truncate(outside);
                let nest = Nest { dims: dims.to_vec(), body, sinks: vec![Sink::Map] };
                self.builder.single(Op::Nest(nest), ty.clone())
            }
        }
    }

    fn constant(&mut self, scalar: Scalar) -> Value {
        let constant = match scalar {
            Scalar::Bool => Const::from(self.random.one_in(2)),
            Scalar::F32 => {
                Const::from(self.random.pick(&[0.0, -0.0, 1.0, -1.0, 2.0, 0.1, f32::NAN, f32::INFINITY]))
            }
            _ => Const::from_int(scalar, self.random.pick(&[0, 1, 2, 3, -1, 7])),
        };
        self.builder.constant(constant)
    }

    fn array(&mut self) -> Option<Value> {
        let body = self.builder.body();
        let arrays: Vec<Value> =
            self.scope.iter().filter(|value| body.ty(**value).is_array()).copied().collect();
        let latest = arrays.len().min(4);
        match self.random.one_in(3) {
            _ if arrays.is_empty() => None,
            true => Some(self.random.pick(&arrays)),
            false => Some(arrays[arrays.len() - 1 - self.random.below(latest)]),
        }
    }

    fn statements(&mut self, count: usize) {
        for _ in 0..count {
            let results = self.statement();
            self.scope.extend(results);
        }
    }

    fn statement(&mut self) -> Vec<Value> {
        match self.random.below(16) {
            0..=3 => vec![self.operation()],
            4 => vec![self.conversion()],
            5 => vec![self.division()],
            6..=8 => self.index().into_iter().collect(),
            9 if self.depth < 4 => self.conditional(),
            10 if self.depth < 4 => self.sequential(),
            11..=14 if self.depth < 3 => self.nest(),
            15 if self.depth == 0 => self.check(),
            _ => vec![self.operation()],
        }
    }

    fn check(&mut self) -> Vec<Value> {
        let (size, least) = (self.extent(), self.constant(Scalar::I64));
        let cond = self.builder.compare(Compare::Ge, size, least);
        let site = self.site(FaultKind::NegativeSize);
        self.builder.multi(Op::Check { cond, site, values: vec![size] }, Vec::new())
    }

    fn operation(&mut self) -> Value {
        let scalar = self.random.pick(&SCALARS);
        let (a, b) = (self.scalar(scalar), self.scalar(scalar));
        match self.random.below(6) {
            0 => self.builder.compare(
                self.random.pick(&[Compare::Eq, Compare::Ne, Compare::Lt, Compare::Ge]),
                a,
                b,
            ),
            1 => {
                let cond = self.scalar(Scalar::Bool);
                self.builder.select(cond, a, b)
            }
            2 if scalar != Scalar::Bool => self.builder.unary(self.random.pick(&[Unary::Neg, Unary::Abs]), a),
            2 => self.builder.unary(Unary::Not, a),
            _ => self.builder.binary(self.random.pick(binaries(scalar)), a, b),
        }
    }

    fn conversion(&mut self) -> Value {
        let from = self.random.pick(&SCALARS);
        let (operand, to) = (self.scalar(from), self.random.pick(&SCALARS));
        self.builder.convert(operand, to)
    }

    fn division(&mut self) -> Value {
        let scalar = self.random.pick(&[Scalar::I64, Scalar::I32]);
        let lhs = self.scalar(scalar);
        let rhs = if self.random.one_in(4) { self.scalar(scalar) } else { self.builder.int(scalar, 3) };
        let op = self.random.pick(&[IntDiv::Div, IntDiv::Rem, IntDiv::DivFloor, IntDiv::ModFloor]);
        let check = Some(self.site(FaultKind::DivisionByZero));
        self.builder.single(Op::IntDiv { op, lhs, rhs, check }, Type::scalar(scalar))
    }

    fn index(&mut self) -> Option<Value> {
        let array = self.array()?;
        let ty = self.builder.body().ty(array).clone();
        let indices: Vec<(Value, bool)> = ty.shape.iter().map(|extent| self.index_along(*extent)).collect();
        let is_inside = indices.iter().all(|(_, is_inside)| *is_inside);
        let check = (!is_inside || self.random.one_in(2)).then(|| self.site(FaultKind::OutOfBounds));
        let indices = indices.into_iter().map(|(index, _)| index).collect();
        Some(self.builder.single(Op::Index { array, indices, check }, Type::scalar(ty.scalar)))
    }

    /// Mostly something close to where a program would read, and whether it surely lies inside.
    fn index_along(&mut self, extent: Value) -> (Value, bool) {
        let fitting: Vec<Value> =
            self.indices.iter().filter(|(_, of)| *of == extent).map(|(index, _)| *index).collect();
        if !fitting.is_empty() && !self.random.one_in(6) {
            return (self.random.pick(&fitting), true);
        }
        let base = self.scalar(Scalar::I64);
        let index = match self.random.below(8) {
            0 => {
                let offset = self.constant(Scalar::I64);
                self.builder.binary(Binary::Add, base, offset)
            }
            1 => base,
            2 => {
                let check = Some(self.site(FaultKind::DivisionByZero));
                let op = Op::IntDiv { op: IntDiv::ModFloor, lhs: base, rhs: extent, check };
                self.builder.single(op, testing::i64_type())
            }
            _ => {
                let (zero, one) = (self.builder.constant(0i64), self.builder.constant(1i64));
                let last = self.builder.binary(Binary::Sub, extent, one);
                let low = self.builder.binary(Binary::Max, base, zero);
                self.builder.binary(Binary::Min, low, last)
            }
        };
        (index, false)
    }

    fn nest_body(&mut self, dims: &[Value], results: &[Type]) -> Block {
        let (_, params) = self.builder.open_block(vec![testing::i64_type(); dims.len()]);
        self.indices.extend(params.iter().copied().zip(dims.iter().copied()));
        self.fill_block(params, results)
    }

    /// A block of random statements with results of these types.
    fn block(&mut self, params: Vec<Type>, results: &[Type]) -> Block {
        let (_, params) = self.builder.open_block(params);
        self.fill_block(params, results)
    }

    fn fill_block(&mut self, params: Vec<Value>, results: &[Type]) -> Block {
        let outside = self.scope.len();
        self.scope.extend(params);
        self.depth += 1;
        let count = self.random.below(5);
        self.statements(count);
        let results = results.iter().map(|ty| self.value(ty)).collect();
        self.depth -= 1;
        self.scope.truncate(outside);
        self.builder.close_block(results)
    }

    /// Types of what blocks hand on: mostly scalars, now and then an array.
    fn types(&mut self, most: usize) -> Vec<Type> {
        let count = 1 + self.random.below(most);
        let ty = |_| {
            let scalar = self.random.pick(&SCALARS);
            let shape = if self.random.one_in(6) { vec![self.extent()] } else { Vec::new() };
            Type { scalar, shape }
        };
        (0..count).map(ty).collect()
    }

    fn conditional(&mut self) -> Vec<Value> {
        let (cond, results) = (self.scalar(Scalar::Bool), self.types(2));
        let then = self.block(Vec::new(), &results);
        let otherwise = self.block(Vec::new(), &results);
        self.builder.multi(Op::If { cond, then, otherwise }, results)
    }

    fn sequential(&mut self) -> Vec<Value> {
        let carries = self.types(2);
        let (start, end) = (self.constant(Scalar::I64), self.constant(Scalar::I64));
        let init = carries.iter().map(|ty| self.value(ty)).collect();
        let params: Vec<Type> = [testing::i64_type()].into_iter().chain(carries.clone()).collect();
        let cond = self.random.one_in(2).then(|| self.block(params.clone(), &types(&[Scalar::Bool])));
        let body = self.block(params, &carries);
        self.builder.multi(Op::Loop { start, end, init, cond, body }, carries)
    }

    fn nest(&mut self) -> Vec<Value> {
        let rank = 1 + usize::from(self.random.one_in(3));
        let dims: Vec<Value> = (0..rank).map(|_| self.extent()).collect();
        let (mut sinks, mut takes, mut gives) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=self.random.below(2) {
            self.sink(&dims, &mut sinks, &mut takes, &mut gives);
        }
        let outside = self.indices.len();
        let body = self.nest_body(&dims, &takes);
        self.indices.truncate(outside);
        let has_filter = sinks.iter().any(|sink| matches!(sink, Sink::Filter { .. }));
        let results = self.builder.multi(Op::Nest(Nest { dims, body, sinks }), gives);
        if has_filter {
            self.extents.push(results[0]);
        }
        results
    }

    /// Mostly the same two, so that domains meet.
    fn extent(&mut self) -> Value {
        let likely = if self.random.one_in(4) { self.extents.len() } else { 2 };
        self.extents[self.random.below(likely)]
    }

    fn sink(&mut self, dims: &[Value], sinks: &mut Vec<Sink>, takes: &mut Vec<Type>, gives: &mut Vec<Type>) {
        let scalar = self.random.pick(&SCALARS);
        let choice = if dims.len() > 1 { 0 } else { self.random.below(8) };
        let array = |shape: &[Value]| Type { scalar, shape: shape.to_vec() };
        match choice {
            3 | 4 => {
                takes.push(Type::scalar(scalar));
                gives.push(Type::scalar(scalar));
                let on_empty = self.random.one_in(3).then(|| self.site(FaultKind::EmptyReduction));
                sinks.push(Sink::Reduce { fold: self.fold(scalar), on_empty });
            }
            5 => {
                takes.push(Type::scalar(scalar));
                gives.push(array(dims));
                sinks.push(Sink::Scan { fold: self.fold(scalar), exclusive: self.random.one_in(2) });
            }
            6 => {
                takes.extend(types(&[Scalar::I64, scalar]));
                let bins = self.extents[0];
                gives.push(array(&[bins]));
                sinks.push(Sink::ReduceByIndex { bins, fold: self.fold(scalar) });
            }
            // The arrays of a filter have an extent that the filter itself defines: no array, only the count.
            7 if self.depth == 0 && sinks.is_empty() => {
                takes.push(Type::scalar(Scalar::Bool));
                gives.push(testing::i64_type());
                sinks.push(Sink::Filter { width: 0 });
            }
            _ => {
                let inner = if self.random.one_in(4) { vec![self.extent()] } else { Vec::new() };
                gives.push(array(&[dims, &inner].concat()));
                takes.push(Type { scalar, shape: inner });
                sinks.push(Sink::Map);
            }
        }
    }

    fn fold(&mut self, scalar: Scalar) -> Fold {
        let neutral = vec![self.constant(scalar)];
        let op = self.block(types(&[scalar; 2]), &types(&[scalar]));
        Fold { neutral, op, order: self.random.pick(&[Order::Ordered, Order::Interleaved]) }
    }
}

fn binaries(scalar: Scalar) -> &'static [Binary] {
    use Binary::{Add, And, Div, Max, Min, Mul, Or, Shl, Sub, Xor};
    match scalar {
        Scalar::Bool => &[And, Or, Xor],
        Scalar::F32 | Scalar::F64 => &[Add, Sub, Mul, Div, Min, Max],
        _ => &[Add, Sub, Mul, Min, Max, And, Shl],
    }
}

fn types(scalars: &[Scalar]) -> Vec<Type> {
    scalars.iter().map(|scalar| Type::scalar(*scalar)).collect()
}

/// A kernel of `x: [f32; n0], y: [i64; n0], a: [f32; n0, n1], s: i64, f: f32`.
fn random_kernel(seed: u64) -> Kernel {
    let mut sites = Vec::new();
    let params: [(Scalar, &[usize]); 5] = [
        (Scalar::F32, &[0]),
        (Scalar::I64, &[0]),
        (Scalar::F32, &[0, 1]),
        (Scalar::I64, &[]),
        (Scalar::F32, &[]),
    ];
    let mut kernel = testing::kernel(2, &params, |builder, sizes, params| {
        let mut extents = sizes.to_vec();
        extents.extend([0i64, 3].map(|extent| builder.constant(extent)));
        let scope = sizes.iter().chain(params).copied().collect();
        let mut writer = Writer {
            random: Random(seed),
            builder,
            scope,
            extents,
            indices: Vec::new(),
            depth: 0,
            sites: Vec::new(),
        };
        let inputs = writer.scope.len();
        let count = 3 + writer.random.below(20);
        writer.statements(count);
        sites = writer.sites.clone();
        let computed = writer.scope[inputs..].to_vec();
        (0..3).filter(|_| !computed.is_empty()).map(|_| writer.random.pick(&computed)).collect()
    });
    kernel.sites = Arena::default();
    for kind in sites {
        kernel.sites.push(SiteData { kind, span: Span::default(), other: None, texts: Vec::new() });
    }
    kernel
}

fn arguments(random: &mut Random, [rows, columns]: [usize; 2]) -> Vec<Datum> {
    let mut tensor = |scalar: Scalar, shape: &[usize]| {
        let len = shape.iter().product::<usize>();
        let mut tensor = Tensor { scalar, shape: shape.to_vec(), bytes: vec![0; len * scalar.bytes()] };
        (0..len).for_each(|at| tensor.set(at, Const::from_int(scalar, random.below(7) as i128 - 1)));
        Datum::Array(tensor)
    };
    let arrays =
        [tensor(Scalar::F32, &[rows]), tensor(Scalar::I64, &[rows]), tensor(Scalar::F32, &[rows, columns])];
    let scalars = [Const::from(random.below(4) as i64), Const::from(0.1f32)].map(Datum::Scalar);
    arrays.into_iter().chain(scalars).collect()
}

fn is_same(a: &Result<Vec<Datum>, RunError>, b: &Result<Vec<Datum>, RunError>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_datum(a, b)),
        (Err(a), Err(b)) => a == b,
        _ => false,
    }
}

fn is_same_datum(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Scalar(a), Datum::Scalar(b)) => a.same(*b),
        (Datum::Array(a), Datum::Array(b)) => {
            a.shape == b.shape && (0..a.len()).all(|at| a.get(at).same(b.get(at)))
        }
        _ => false,
    }
}

/// Runs `passes` on random kernels; how many of the launches had a result, and how many a fault.
fn check_passes(seeds: std::ops::Range<u64>, passes: &[Pass]) -> (usize, usize) {
    let (mut results, mut faults) = (0, 0);
    for seed in seeds {
        let before = random_kernel(seed);
        verify(&before).expect("a valid kernel");
        let mut after = before.clone();
        run(&mut after, passes, &Deadline::default()).expect("there is no deadline");
        for sizes in [[0, 2], [1, 1], [2, 3], [5, 0], [4, 3]] {
            let args = arguments(&mut Random(seed), sizes);
            let sizes = sizes.map(|size| size as i64);
            let launch = |kernel, ignore_faults| {
                let options = interp::Options { ignore_faults, ..Default::default() };
                interp::run_with(kernel, &args, &sizes, &options)
            };
            for ignore_faults in [true, false] {
                let (expected, got) = (launch(&before, ignore_faults), launch(&after, ignore_faults));
                assert!(
                    is_same(&expected, &got),
                    "seed {seed}, sizes {sizes:?}\n{before}\nbecame\n{after}\n{expected:?}\nbecame\n{got:?}"
                );
            }
            let expected = launch(&before, false);
            match expected {
                Ok(_) => results += 1,
                Err(_) => faults += 1,
            }
        }
    }
    (results, faults)
}

#[test]
fn each_pass_keeps_bits_and_faults() {
    for pass in PIPELINE {
        check_passes(0..40, &[*pass]);
    }
}

#[test]
fn the_pipeline_keeps_bits_and_faults() {
    let (results, faults) = check_passes(100..500, PIPELINE);
    assert!(results > 200 && faults > 200, "{results} results, {faults} faults");
}
