//! Reductions, scans and histograms, with an operator or with a name.

use super::{
    At, Lowering, Repr,
    arrays::{Array, Source},
    layout::Layout,
    nests::Producer,
};
use crate::ir::{
    Binary, Block, Compare, FaultKind, Fold, Nest, Op, Order, Sink, Site, SiteData, Type, Value,
};
use pk_dsl::{
    builtins::NamedFold,
    hir::{ExprId, Lambda},
    scalar::{Const, Scalar},
    size::Size,
};
use pk_grammar::span::Span;

impl<'a> Lowering<'a> {
    // Folds with an operator.

    pub(super) fn reduce(
        &mut self,
        array: ExprId,
        neutral: Option<ExprId>,
        op: &'a Lambda,
        commutative: bool,
        span: Span,
    ) -> Repr {
        let producer = self.producer(array);
        let extent = self.extents(&producer)[0];
        let neutral = neutral.map(|neutral| self.neutral(neutral));
        let on_empty = neutral.is_none().then(|| self.site(FaultKind::EmptyReduction, span));
        let (body, element) = self.fold_body(&producer, extent);
        let layout = self.layout(&element);
        let types = self.layout_types(&element);
        let results = self.flatten(element, &layout);
        self.builder.close_block(results);
        let neutral = self.neutral_values(neutral, &layout, &types);
        let order = if commutative { Order::Interleaved } else { Order::Ordered };
        let op = self.operator(op, &layout, &types);
        let fold = Fold { neutral, op, order };
        let nest = Nest { dims: vec![extent], body, sinks: vec![Sink::Reduce { fold, on_empty }] };
        let values = self.builder.multi(Op::Nest(nest), types);
        self.rebuild(&mut values.into_iter(), &layout)
    }

    pub(super) fn scan(
        &mut self,
        array: ExprId,
        neutral: Option<ExprId>,
        op: &'a Lambda,
        exclusive: bool,
    ) -> Repr {
        let producer = self.producer(array);
        let extent = self.extents(&producer)[0];
        let neutral = neutral.map(|neutral| self.neutral(neutral));
        let (body, element) = self.fold_body(&producer, extent);
        let layout = self.layout(&element);
        let types = self.layout_types(&element);
        let results = self.flatten(element, &layout);
        self.builder.close_block(results);
        let neutral = self.neutral_values(neutral, &layout, &types);
        let op = self.operator(op, &layout, &types);
        let fold = Fold { neutral, op, order: Order::Ordered };
        let nest = Nest { dims: vec![extent], body, sinks: vec![Sink::Scan { fold, exclusive }] };
        let arrays = types.iter().map(|ty| Type { scalar: ty.scalar, shape: vec![extent] }).collect();
        let values = self.builder.multi(Op::Nest(nest), arrays);
        Repr::Array(self.columns(vec![extent], values, &layout))
    }

    pub(super) fn reduce_by_index(
        &mut self,
        bins: &Size,
        index: ExprId,
        values: ExprId,
        neutral: ExprId,
        op: &'a Lambda,
    ) -> Repr {
        let bins = self.size(bins);
        let (index, values) = (self.producer(index), self.producer(values));
        let neutral = self.neutral(neutral);
        let extent = self.extents(&index)[0];
        let (body, at) = self.open_nest(&[extent]);
        let bin = self.element(&index, &at).scalar();
        let element = self.element(&values, &at);
        let element = self.settle_components(element);
        let (layout, types) = (self.layout(&element), self.layout_types(&element));
        let mut results = vec![bin];
        results.extend(self.flatten(element, &layout));
        self.builder.close_block(results);
        let neutral = self.neutral_values(Some(neutral), &layout, &types);
        let op = self.operator(op, &layout, &types);
        let fold = Fold { neutral, op, order: Order::Ordered };
        let nest = Nest { dims: vec![extent], body, sinks: vec![Sink::ReduceByIndex { bins, fold }] };
        let arrays = types.iter().map(|ty| Type { scalar: ty.scalar, shape: vec![bins] }).collect();
        let values = self.builder.multi(Op::Nest(nest), arrays);
        Repr::Array(self.columns(vec![bins], values, &layout))
    }

    /// Opens the body of a fold's nest and computes the element.
    fn fold_body(&mut self, producer: &Producer<'a>, extent: Value) -> (Block, Repr) {
        let (body, at) = self.open_nest(&[extent]);
        let element = self.element(producer, &at);
        (body, self.settle_components(element))
    }

    /// The value with every array unrolled, however far unrolling has gone: a fold combines scalars. The checker lets
    /// only small arrays come here.
    fn settle_components(&mut self, element: Repr) -> Repr {
        let outer = std::mem::replace(&mut self.unrolled, 1);
        let settled = self.settle(element);
        self.unrolled = outer;
        settled
    }

    fn neutral(&mut self, neutral: ExprId) -> Repr {
        let neutral = self.expr(neutral);
        self.settle_components(neutral)
    }

    /// The components of the neutral element; zeros where there is none.
    fn neutral_values(&mut self, neutral: Option<Repr>, layout: &Layout, types: &[Type]) -> Vec<Value> {
        match neutral {
            Some(neutral) => self.flatten(neutral, layout),
            None => types.iter().map(|ty| self.builder.constant(Const::zero(ty.scalar))).collect(),
        }
    }

    /// The block of an operator on values of this layout.
    fn operator(&mut self, op: &'a Lambda, layout: &Layout, types: &[Type]) -> Block {
        let (_, params) = self.builder.open_block([types, types].concat());
        let (left, right) = params.split_at(types.len());
        let left = self.rebuild(&mut left.iter().copied(), layout);
        let right = self.rebuild(&mut right.iter().copied(), layout);
        let combined = self.apply(op, vec![left, right]);
        let results = self.flatten(combined, layout);
        self.builder.close_block(results)
    }

    /// The array of elements of this layout whose components are `values`, arrays all of them.
    fn columns(&mut self, shape: Vec<Value>, values: Vec<Value>, layout: &Layout) -> Array {
        fn column(values: &mut impl Iterator<Item = Value>, shape: &[Value], layout: &Layout) -> Array {
            let part = |array: Array| Repr::Array(array);
            match layout {
                Layout::Tuple(parts) => {
                    let arrays = parts.iter().map(|part| column(values, shape, part)).collect();
                    Array { shape: shape.to_vec(), source: Source::Zip(arrays) }
                }
                Layout::Elements(extents, rows) => {
                    let rows: Vec<Repr> = rows.iter().map(|row| part(column(values, shape, row))).collect();
                    let rank = extents.len() + shape.len();
                    let stacked = [&extents[..1], shape, &extents[1..]].concat();
                    debug_assert_eq!(stacked.len(), rank);
                    let array = Array { shape: stacked.clone(), source: Source::Elements(rows.into()) };
                    let mut swapped = stacked;
                    swapped.swap(0, 1);
                    Array { shape: swapped, source: Source::Transpose(array.into()) }
                }
                _ => match values.next() {
                    Some(value) => Array::stored(shape.to_vec(), value),
                    None => Array { shape: shape.to_vec(), source: Source::Iota },
                },
            }
        }
        column(&mut values.into_iter(), &shape, layout)
    }

    // Folds with a name.

    pub(super) fn named_fold(&mut self, fold: NamedFold, array: ExprId, axis: usize, span: Span) -> Repr {
        let producer = self.producer(array);
        let extents = self.extents(&producer);
        if axis == 0 && extents.len() == 1 {
            return self.fold_first_axis(fold, &producer, extents[0], span);
        }
        let array = match producer {
            Producer::Array(array) => array,
            producer => self.settle_producer(&producer),
        };
        self.fold_axis(fold, array, axis, span)
    }

    /// Over the only index of a producer; its values may be rows.
    fn fold_first_axis(
        &mut self,
        fold: NamedFold,
        producer: &Producer<'a>,
        extent: Value,
        span: Span,
    ) -> Repr {
        let is_row = match producer {
            Producer::Array(array) => array.shape.len() > 1,
            _ => true,
        };
        if !is_row {
            let (body, element) = self.fold_body(producer, extent);
            return self.close_named_folds(fold, (body, extent), element, span);
        }
        let (body, at) = self.open_nest(&[extent]);
        let element = self.element(producer, &at);
        let element = self.settle(element);
        if let Repr::Array(row) = &element
            && !matches!(row.source, Source::Elements(_))
        {
            // A row of unknown length: stored as a matrix, then folded column by column.
            self.discard_block(body);
            let array = self.store_producer(producer, &[extent]);
            return self.fold_axis(fold, array, 0, span);
        }
        self.close_named_folds(fold, (body, extent), element, span)
    }

    /// Forgets the open body of a nest that is not built after all; `dce` drops what nothing refers to.
    fn discard_block(&mut self, _body: Block) {
        self.builder.close_block(Vec::new());
    }

    /// Over one axis of a matrix: a fold for each index of the others.
    fn fold_axis(&mut self, fold: NamedFold, array: Array, axis: usize, span: Span) -> Repr {
        let mut outer = array.shape.clone();
        let extent = outer.remove(axis);
        if outer.is_empty() {
            return self.fold_first_axis(fold, &Producer::Array(array), extent, span);
        }
        let array = match array.is_reusable() {
            true => array,
            false => self.settle_array(array),
        };
        let (body, outer_at) = self.open_nest(&outer);
        let (inner, at) = self.open_nest(&[extent]);
        let mut indices: Vec<At> = outer_at;
        indices.insert(axis, at[0]);
        let element = self.read(&array, &indices);
        let result = self.close_named_folds(fold, (inner, extent), element, span).scalar();
        self.builder.close_block(vec![result]);
        let ty = Type { scalar: self.scalar_type(result), shape: outer.clone() };
        let nest = Nest { dims: outer.clone(), body, sinks: vec![Sink::Map] };
        let value = self.builder.single(Op::Nest(nest), ty);
        Repr::Array(Array::stored(outer, value))
    }

    /// Closes the body of a nest with folds of every scalar of `element`.
    fn close_named_folds(
        &mut self,
        fold: NamedFold,
        (body, extent): (Block, Value),
        element: Repr,
        span: Span,
    ) -> Repr {
        let layout = self.layout(&element);
        let scalars = self.flatten(element, &layout);
        let scalar = scalars.first().map_or(Scalar::I64, |value| self.scalar_type(*value));
        let inputs = self.fold_inputs(fold, scalar, scalars, body);
        let width = inputs.first().map_or(1, Vec::len);
        let types: Vec<Type> = inputs.iter().flatten().map(|v| Type::scalar(self.scalar_type(*v))).collect();
        self.builder.close_block(inputs.concat());
        let mut sinks = Vec::with_capacity(inputs.len());
        for _ in &inputs {
            let on_empty = self.emptiness_site(fold, span);
            sinks.push(Sink::Reduce { fold: self.named_operator(fold, scalar), on_empty });
        }
        let values = self.builder.multi(Op::Nest(Nest { dims: vec![extent], body, sinks }), types);
        let results: Vec<Value> =
            values.chunks(width).map(|values| self.fold_output(fold, values, extent)).collect();
        self.rebuild(&mut results.into_iter(), &layout)
    }

    /// The site of a named fold that nothing has no value for.
    fn emptiness_site(&mut self, fold: NamedFold, span: Span) -> Option<Site> {
        let name = match fold {
            NamedFold::Argmin => "argmin",
            NamedFold::Argmax => "argmax",
            _ => return None,
        };
        let texts = vec![name.to_string()];
        Some(self.sites.push(SiteData { kind: FaultKind::EmptyReduction, span, other: None, texts }))
    }

    /// What a named fold combines for each scalar: it, converted; with its index for `argmin` and `argmax`.
    fn fold_inputs(
        &mut self,
        fold: NamedFold,
        scalar: Scalar,
        scalars: Vec<Value>,
        body: Block,
    ) -> Vec<Vec<Value>> {
        let accumulator = accumulator(fold, scalar);
        let index = self.builder.body().blocks[body].params[0];
        scalars
            .into_iter()
            .map(|value| match fold {
                NamedFold::Argmin | NamedFold::Argmax => vec![value, index],
                _ => vec![self.builder.convert(value, accumulator)],
            })
            .collect()
    }

    fn fold_output(&mut self, fold: NamedFold, values: &[Value], extent: Value) -> Value {
        match fold {
            NamedFold::Argmin | NamedFold::Argmax => values[1],
            NamedFold::Mean => {
                let count = self.builder.convert(extent, self.scalar_type(values[0]));
                self.builder.binary(Binary::Div, values[0], count)
            }
            _ => values[0],
        }
    }

    fn named_operator(&mut self, fold: NamedFold, scalar: Scalar) -> Fold {
        if matches!(fold, NamedFold::Argmin | NamedFold::Argmax) {
            return self.arg_operator(fold, scalar);
        }
        let scalar = accumulator(fold, scalar);
        let neutral = self.builder.constant(neutral_of(fold, scalar));
        let op = match fold {
            NamedFold::Sum | NamedFold::Mean | NamedFold::Count => Binary::Add,
            NamedFold::Prod => Binary::Mul,
            NamedFold::Min => Binary::Min,
            NamedFold::Max => Binary::Max,
            NamedFold::Any => Binary::Or,
            _ => Binary::And,
        };
        let block = self.builder.block(vec![Type::scalar(scalar); 2], |builder, params| {
            vec![builder.binary(op, params[0], params[1])]
        });
        Fold { neutral: vec![neutral], op: block, order: Order::Interleaved }
    }

    /// The better of two values with their indices: the first NaN before all, then the value, then the lower index.
    fn arg_operator(&mut self, fold: NamedFold, scalar: Scalar) -> Fold {
        let zero = self.builder.constant(Const::zero(scalar));
        let none = self.builder.constant(0i64);
        let pair = [Type::scalar(scalar), Type::scalar(Scalar::I64)];
        let block = self.builder.block([&pair[..], &pair[..]].concat(), |builder, params| {
            let [a, i, b, j] = params else { return Vec::new() };
            let compare = if fold == NamedFold::Argmin { Compare::Lt } else { Compare::Gt };
            let mut is_better = builder.compare(compare, *b, *a);
            let mut is_equal = builder.compare(Compare::Eq, *b, *a);
            if scalar.is_float() {
                let a_is_nan = builder.compare(Compare::Ne, *a, *a);
                let b_is_nan = builder.compare(Compare::Ne, *b, *b);
                let a_is_number = builder.unary(crate::ir::Unary::Not, a_is_nan);
                let wins = builder.binary(Binary::And, b_is_nan, a_is_number);
                is_better = builder.binary(Binary::Or, is_better, wins);
                let both = builder.binary(Binary::And, a_is_nan, b_is_nan);
                is_equal = builder.binary(Binary::Or, is_equal, both);
            }
            let is_earlier = builder.compare(Compare::Lt, *j, *i);
            let wins_tie = builder.binary(Binary::And, is_equal, is_earlier);
            let takes_right = builder.binary(Binary::Or, is_better, wins_tie);
            vec![builder.select(takes_right, *b, *a), builder.select(takes_right, *j, *i)]
        });
        Fold { neutral: vec![zero, none], op: block, order: Order::Interleaved }
    }
}

/// The type in which a named fold of `scalar` combines.
fn accumulator(fold: NamedFold, scalar: Scalar) -> Scalar {
    match fold {
        NamedFold::Sum | NamedFold::Prod if scalar.is_signed_int() => Scalar::I64,
        NamedFold::Sum | NamedFold::Prod if scalar.is_int() => Scalar::U64,
        NamedFold::Mean if scalar.is_int() => Scalar::F64,
        NamedFold::Count => Scalar::I64,
        _ => scalar,
    }
}

/// The result of a named fold of nothing.
fn neutral_of(fold: NamedFold, scalar: Scalar) -> Const {
    let extreme = |float32: f32, float64: f64, int: i128| match scalar {
        Scalar::F32 => Const::from(float32),
        Scalar::F64 => Const::from(float64),
        scalar => Const::from_int(scalar, int),
    };
    let (min, max) = scalar.int_range().unwrap_or_default();
    match fold {
        NamedFold::Prod => Const::from_int(scalar, 1),
        NamedFold::Min => extreme(f32::INFINITY, f64::INFINITY, max),
        NamedFold::Max => extreme(f32::NEG_INFINITY, f64::NEG_INFINITY, min),
        NamedFold::All => Const::from(true),
        _ => Const::zero(scalar),
    }
}
