//! Expressions: names, tuples, control, calls, indexing, views.

use super::{
    At, Frame, Lowering, Repr, Unproven,
    arrays::{Array, Edges, Lifted, LiftedOp, Place, Source},
    layout::MOST_ELEMENTS,
};
use crate::ir::{Binary, Op, Type, Value};
use pk_dsl::{
    builtins::EdgeRule,
    hir::{Expr, ExprId, ExprKind, FoldKind, FunctionId, Index, LocalId, Pattern, View},
    scalar::Scalar,
    size::Size,
};
use pk_grammar::span::Span;
use std::rc::Rc;

impl<'a> Lowering<'a> {
    /// The value of an expression of the current function.
    pub(super) fn expr(&mut self, id: ExprId) -> Repr {
        let function = self.function();
        let data = function.expr(id);
        self.size_checks(data);
        if self.is_cut_short() {
            return self.cut_short(data);
        }
        match &data.kind {
            ExprKind::Error => Repr::Tuple(Vec::new()),
            ExprKind::Const(value) => Repr::Scalar(self.builder.constant(*value)),
            ExprKind::Local(local) => self.local(*local),
            ExprKind::Size(size) => Repr::Scalar(self.size(size)),
            ExprKind::Tuple(parts) => Repr::Tuple(parts.iter().map(|part| self.expr(*part)).collect()),
            ExprKind::Field(base, index) => self.field(*base, *index, data),
            ExprKind::Array(parts) => self.array_of(parts),
            ExprKind::Elementwise(op, args) => self.elementwise_expr(*op, args, data),
            ExprKind::Call { function, args, sizes, lifted } => {
                self.call_expr(id, *function, args, (sizes, *lifted), data)
            }
            ExprKind::If { cond, then, otherwise } => {
                let cond = self.expr(*cond).scalar();
                self.choose(cond, |l| l.expr(*then), |l| l.expr(*otherwise))
            }
            ExprKind::Block { lets, tail } => {
                for (pattern, value) in lets {
                    let repr = self.expr(*value);
                    let repr = self.reusable(repr);
                    self.bind(pattern, repr, Some(*value));
                }
                self.expr(*tail)
            }
            ExprKind::Loop { carried, init, index, start, end, cond, body } => {
                self.loop_expr((carried, *index), *init, (*start, *end), *cond, *body)
            }
            ExprKind::Index { array, indices } => self.index_expr(*array, indices),
            ExprKind::Get { array, indices, default } => self.get(*array, indices, *default),
            ExprKind::Comprehension { keep: Some(keep), ranges, body } => {
                self.filtered_comprehension(id, (ranges, *keep, *body))
            }
            ExprKind::Comprehension { .. } | ExprKind::Map { .. } => {
                let producer = self.producer(id);
                Repr::Array(self.settle_producer(&producer))
            }
            ExprKind::Fold { kind, array, neutral, op, commutative } => match kind {
                FoldKind::Reduce => self.reduce(*array, *neutral, op, *commutative, data.span),
                FoldKind::Scan => self.scan(*array, *neutral, op, false),
                FoldKind::Exscan => self.scan(*array, *neutral, op, true),
            },
            ExprKind::NamedFold { fold, array, axis } => self.named_fold(*fold, *array, *axis, data.span),
            ExprKind::Filter { array, keep } => self.filter_expr(id, *array, keep),
            ExprKind::ReduceByIndex { bins, index, values, neutral, op } => {
                self.reduce_by_index(bins, *index, *values, *neutral, op)
            }
            ExprKind::View(view) => self.view(view, data),
        }
    }

    /// The array that an expression is.
    pub(super) fn array(&mut self, id: ExprId) -> Array {
        match self.expr(id) {
            Repr::Array(array) => array,
            other => Array { shape: Vec::new(), source: Source::Fill(Rc::new(other)) },
        }
    }

    /// Past the limit nothing more is built; `lower` reports it.
    fn cut_short(&mut self, data: &Expr) -> Repr {
        fn zero(lowering: &mut Lowering<'_>, ty: &pk_dsl::types::Type) -> Repr {
            match ty {
                pk_dsl::types::Type::Tuple(tuple) => {
                    Repr::Tuple(tuple.fields.iter().map(|field| zero(lowering, &field.ty)).collect())
                }
                pk_dsl::types::Type::Array(array) => {
                    let element = zero(lowering, &array.elem);
                    let shape = array.shape.iter().map(|_| lowering.int(0)).collect();
                    Repr::Array(Array { shape, source: Source::Fill(Rc::new(element)) })
                }
                ty => {
                    let scalar = ty.as_scalar().unwrap_or(Scalar::I64);
                    Repr::Scalar(lowering.builder.constant(pk_dsl::scalar::Const::zero(scalar)))
                }
            }
        }
        zero(self, &data.ty)
    }

    // Names.

    /// The value of a local.
    pub(super) fn local(&mut self, local: LocalId) -> Repr {
        let Some(binding) = &self.frames[self.current].locals[local.0 as usize] else {
            return Repr::Scalar(self.bound_local(local));
        };
        if !self.in_entry || binding.is_in_entry {
            return binding.repr.clone();
        }
        // Code for sizes stands in the entry block, where values of inner blocks are unknown: it is made again there.
        match binding.init {
            Some(init) => self.expr(init),
            None => Repr::Scalar(self.bound_local(local)),
        }
    }

    /// The value of an `i64` parameter as the size that the caller gives.
    fn bound_local(&mut self, local: LocalId) -> Value {
        let function = self.function();
        let kind = pk_dsl::hir::SizeKind::Local(local);
        let index = function.sizes[..function.bound_sizes].iter().position(|data| data.kind == kind);
        match index {
            Some(index) => self.size(&Size::var(pk_dsl::size::SizeVar(index as u32))),
            None => {
                self.has_unknown_size = true;
                self.int(0)
            }
        }
    }

    /// The value in a form that a name may stand for.
    pub(super) fn reusable(&mut self, repr: Repr) -> Repr {
        match repr {
            Repr::Scalar(_) => repr,
            Repr::Tuple(parts) => Repr::Tuple(parts.into_iter().map(|part| self.reusable(part)).collect()),
            Repr::Array(array) if array.is_reusable() => Repr::Array(array),
            Repr::Array(array) => Repr::Array(self.settle_array(array)),
        }
    }

    pub(super) fn bind(&mut self, pattern: &Pattern, repr: Repr, init: Option<ExprId>) {
        match (pattern, repr) {
            (Pattern::Wildcard, _) => {}
            (Pattern::Local(local), repr) => self.bind_local(*local, repr, init),
            (Pattern::Tuple(patterns), Repr::Tuple(parts)) => {
                for (pattern, part) in patterns.iter().zip(parts) {
                    self.bind(pattern, part, None);
                }
            }
            // The checker has compared pattern and value.
            (Pattern::Tuple(_), _) => {}
        }
    }

    // Tuples and arrays.

    fn field(&mut self, base: ExprId, index: usize, data: &Expr) -> Repr {
        match self.expr(base) {
            Repr::Tuple(mut parts) => parts.swap_remove(index),
            Repr::Array(array) => {
                let array = match array.is_reusable() {
                    true => array,
                    false => self.settle_array(array),
                };
                Repr::Array(self.field_array(array, index, data))
            }
            scalar => scalar,
        }
    }

    /// The array of one field of an array of tuples.
    fn field_array(&mut self, array: Array, index: usize, data: &Expr) -> Array {
        if let Source::Stored(super::arrays::Tree::Tuple(parts)) = &array.source {
            let part = parts[index].clone();
            let shape = match part.leaves().first() {
                Some(leaf) => self.builder.body().ty(*leaf).shape.clone(),
                None => array.shape.clone(),
            };
            return Array { shape: shape[..data.ty.shape().len()].to_vec(), source: Source::Stored(part) };
        }
        let shape = data.ty.shape().iter().map(|size| self.size(size)).collect();
        Array { shape, source: Source::Field(Rc::new(array), index) }
    }

    fn array_of(&mut self, parts: &[ExprId]) -> Repr {
        let rows: Vec<Repr> = parts
            .iter()
            .map(|part| {
                let row = self.expr(*part);
                self.settle(row)
            })
            .collect();
        let mut shape = vec![self.int(rows.len() as i64)];
        if let Some(Repr::Array(row)) = rows.first() {
            shape.extend(&row.shape);
        }
        let array = Array { shape, source: Source::Elements(rows.into()) };
        match parts.len() > MOST_ELEMENTS as usize {
            true => Repr::Array(self.store(&array)),
            false => Repr::Array(array),
        }
    }

    // Control.

    fn loop_expr(
        &mut self,
        (carried, index): (&'a Pattern, Option<LocalId>),
        init: ExprId,
        (start, end): (ExprId, ExprId),
        cond: Option<ExprId>,
        body: ExprId,
    ) -> Repr {
        let init = self.expr(init);
        let init = self.settle(init);
        let (start, end) = (self.expr(start).scalar(), self.expr(end).scalar());
        let counter = Counter::new(self, start, end);
        let (layout, types) = (self.layout(&init), self.layout_types(&init));
        let first = self.flatten(init, &layout);
        let mut params = vec![Type::scalar(Scalar::I64)];
        params.extend(types.iter().cloned());
        let open = |lowering: &mut Self| {
            let (_, values) = lowering.builder.open_block(params.clone());
            if let Some(index) = index {
                let count = counter.value(lowering, values[0]);
                lowering.bind_local(index, Repr::Scalar(count), None);
            }
            let repr = lowering.rebuild(&mut values[1..].iter().copied(), &layout);
            lowering.bind(carried, repr, None);
        };
        let cond = cond.map(|cond| {
            open(self);
            let holds = self.expr(cond).scalar();
            self.builder.close_block(vec![holds])
        });
        open(self);
        let next = self.expr(body);
        let results = self.flatten(next, &layout);
        let body = self.builder.close_block(results);
        let op = Op::Loop { start: counter.start, end: counter.end, init: first, cond, body };
        let values = self.builder.multi(op, types);
        self.rebuild(&mut values.into_iter(), &layout)
    }

    // Calls.

    fn call_expr(
        &mut self,
        id: ExprId,
        function: FunctionId,
        args: &'a [ExprId],
        (sizes, lifted): (&[Size], usize),
        data: &'a Expr,
    ) -> Repr {
        let callee = &self.program.functions[function.0 as usize];
        if callee.constant.is_some() {
            let result = self.constant(function);
            self.record_length(id, &result);
            return result;
        }
        let values: Vec<Repr> = args.iter().map(|arg| self.expr(*arg)).collect();
        if lifted == 0 {
            let values = values.into_iter().map(|value| self.reusable(value)).collect();
            let result = self.inline(function, values, sizes.into());
            self.record_length(id, &result);
            return result;
        }
        let is_lifted = callee
            .params
            .iter()
            .zip(&values)
            .map(|(param, value)| callee.local(*param).ty.is_scalar_like() && matches!(value, Repr::Array(_)))
            .collect::<Vec<bool>>();
        let args: Vec<Repr> = values
            .into_iter()
            .zip(&is_lifted)
            .map(|(value, is)| if *is { value } else { self.reusable(value) })
            .collect();
        let shape = data.ty.shape().iter().map(|size| self.size(size)).collect();
        let op = LiftedOp::Call { function, is_lifted, sizes: sizes.into() };
        let lifted = Lifted { op, args, rank: lifted, span: data.span, frame: self.current };
        Repr::Array(Array { shape, source: Source::Lifted(Rc::new(lifted)) })
    }

    /// The value of a constant, computed in the entry block at its first use: it is known to have no faults.
    fn constant(&mut self, function: FunctionId) -> Repr {
        if let Some(known) = self.constants.get(&function) {
            return known.clone();
        }
        let unrolled = std::mem::replace(&mut self.unrolled, 1);
        let value = self.entry_block(|lowering| {
            let value = lowering.inline(function, Vec::new(), Rc::from([]));
            lowering.reusable(value)
        });
        self.unrolled = unrolled;
        self.constants.insert(function, value.clone());
        value
    }

    /// The value of a function's body for these arguments.
    pub(super) fn inline(&mut self, function: FunctionId, args: Vec<Repr>, sizes: Rc<[Size]>) -> Repr {
        let callee = &self.program.functions[function.0 as usize];
        self.frames.push(Frame::new(callee, Some((self.current, sizes))));
        let frame = self.frames.len() - 1;
        self.in_frame(frame, |lowering| {
            for (param, arg) in callee.params.iter().zip(args) {
                lowering.bind_local(*param, arg, None);
            }
            match callee.body {
                Some(body) => lowering.expr(body),
                None => Repr::Tuple(Vec::new()),
            }
        })
    }

    /// Notes the length of an array whose length its expression decides.
    fn record_length(&mut self, id: ExprId, repr: &Repr) {
        let length = match repr {
            Repr::Array(array) => array.shape.first().copied(),
            Repr::Tuple(parts) => parts.iter().find_map(|part| match part {
                Repr::Array(array) => array.shape.first().copied(),
                _ => None,
            }),
            Repr::Scalar(_) => None,
        };
        if let Some(length) = length {
            self.frames[self.current].lengths.insert(id, length);
        }
    }

    // Indexing.

    fn index_expr(&mut self, array: ExprId, indices: &'a [Index]) -> Repr {
        let mut base = self.array(array);
        let name = self.array_name(array);
        let mut places = Vec::with_capacity(indices.len());
        let mut shape = Vec::new();
        for (axis, index) in indices.iter().enumerate() {
            places.push(match index {
                Index::At(at) => {
                    let span = self.function().expr(*at).span;
                    let value = self.expr(*at).scalar();
                    Place::At(self.index_at(value, base.shape[axis], Unproven { span, array: name }))
                }
                Index::Slice { lo, length, step, is_inside } => {
                    shape.push(self.size(length));
                    let span = lo.map_or_else(Span::default, |lo| self.function().expr(lo).span);
                    let start = match lo {
                        Some(lo) => self.expr(*lo).scalar(),
                        None => self.int(0),
                    };
                    let unproven = (!is_inside).then_some(Unproven { span, array: name });
                    Place::From { start, step: *step, unproven }
                }
            });
        }
        let is_proven = places.iter().all(|place| match place {
            Place::At(at) => at.unproven.is_none(),
            Place::From { unproven, .. } => unproven.is_none(),
        });
        if !is_proven && !base.carries_checks() {
            base = self.store(&base);
        }
        let fixed: Vec<At> = places
            .iter()
            .filter_map(|place| match place {
                Place::At(at) => Some(*at),
                Place::From { .. } => None,
            })
            .collect();
        if fixed.len() == places.len() {
            return self.read(&base, &fixed);
        }
        shape.extend_from_slice(&base.shape[places.len()..]);
        Repr::Array(Array { shape, source: Source::Slice(Rc::new(base), places.into()) })
    }

    /// An index of a user; known to lie inside if it counts this very axis, or if both are constants.
    fn index_at(&self, value: Value, extent: Value, unproven: Unproven) -> At {
        let counts_axis = self.ranges.get(&value) == Some(&extent);
        let is_constant = match (self.known_int(value), self.known_int(extent)) {
            (Some(value), Some(extent)) => 0 <= value && value < extent,
            _ => false,
        };
        At { value, unproven: (!counts_axis && !is_constant).then_some(unproven) }
    }

    fn get(&mut self, array: ExprId, indices: &[ExprId], default: ExprId) -> Repr {
        let base = self.array(array);
        let values: Vec<Value> = indices.iter().map(|index| self.expr(*index).scalar()).collect();
        let default = self.expr(default);
        let default = self.settle(default);
        let shape = base.shape.clone();
        let is_inside = self.is_inside(&values, &shape);
        let at: Vec<At> = values.into_iter().map(At::inside).collect();
        self.choose(is_inside, |lowering| lowering.read(&base, &at), |_| default)
    }

    // Filters.

    fn filter_expr(&mut self, id: ExprId, array: ExprId, keep: &'a pk_dsl::hir::Lambda) -> Repr {
        let producer = self.producer(array);
        let extent = self.extents(&producer)[0];
        let kept = self.filter(extent, |lowering, at| {
            let element = lowering.element(&producer, &[at]);
            let element = lowering.reusable(element);
            let keep = lowering.apply(keep, vec![element.clone()]).scalar();
            (keep, element)
        });
        self.record_length(id, &Repr::Array(kept.clone()));
        Repr::Array(kept)
    }

    fn filtered_comprehension(
        &mut self,
        id: ExprId,
        (ranges, keep, body): (&'a [pk_dsl::hir::Range], ExprId, ExprId),
    ) -> Repr {
        let extent = self.size(&ranges[0].extent);
        let kept = self.filter(extent, |lowering, at| {
            lowering.bind_ranges(ranges, &[at]);
            let keep = lowering.expr(keep).scalar();
            // What is not kept is not evaluated, so that its faults do not arise.
            let element = lowering.choose(keep, |l| l.expr(body), |l| l.cut_short(l.function().expr(body)));
            (keep, element)
        });
        self.record_length(id, &Repr::Array(kept.clone()));
        Repr::Array(kept)
    }

    // Views.

    fn view(&mut self, view: &'a View, data: &'a Expr) -> Repr {
        if let View::Unzip(array) = view {
            return self.unzip(*array, data);
        }
        let shape: Vec<Value> = data.ty.shape().iter().map(|size| self.size(size)).collect();
        let source = match view {
            View::Iota => Source::Iota,
            View::Fill(value) => {
                let value = self.expr(*value);
                match self.reusable(value) {
                    Repr::Array(row) => Source::Broadcast(Rc::new(row)),
                    value => Source::Fill(Rc::new(value)),
                }
            }
            View::Zip(arrays) => Source::Zip(arrays.iter().map(|array| self.array(*array)).collect()),
            View::Concat(arrays) => Source::Concat(arrays.iter().map(|array| self.array(*array)).collect()),
            View::Reverse(array) => Source::Reverse(Rc::new(self.array(*array))),
            View::Transpose(array) => Source::Transpose(Rc::new(self.array(*array))),
            View::Reshape(array) => self.reshape(*array, &shape, data),
            View::Broadcast(value) => {
                let value = self.expr(*value);
                match self.reusable(value) {
                    Repr::Array(array) => Source::Broadcast(Rc::new(array)),
                    value => Source::Fill(Rc::new(value)),
                }
            }
            View::Edges { rule, array, pad } => self.edges(*rule, *array, *pad, data.span),
            View::Unzip(_) => Source::Iota,
        };
        Repr::Array(Array { shape, source })
    }

    /// Only one of two equal products need be checked where the other is that of an array in memory; but a view or a
    /// lifted operation may have any shape, so both are.
    fn reshape(&mut self, array: ExprId, shape: &[Value], data: &'a Expr) -> Source {
        let base = self.array(array);
        let function = self.function();
        let written = |sizes: &[Size]| {
            sizes.iter().map(|size| function.size_text(size)).collect::<Vec<_>>().join(" * ")
        };
        let (before, after) = (&function.expr(array).ty, &data.ty);
        self.product_check(&base.shape, written(before.shape()), data.span);
        self.product_check(shape, written(after.shape()), data.span);
        Source::Reshape(Rc::new(base))
    }

    fn edges(&mut self, rule: EdgeRule, array: ExprId, pad: Option<ExprId>, span: Span) -> Source {
        let base = self.array(array);
        let base = match base.carries_checks() {
            true => base,
            false => self.store(&base),
        };
        let pad = pad.map(|pad| {
            let pad = self.expr(pad);
            self.settle(pad)
        });
        let unproven = Unproven { span, array: self.array_name(array) };
        Source::Edges(Rc::new(Edges { rule, base, pad, unproven }))
    }

    fn unzip(&mut self, array: ExprId, data: &'a Expr) -> Repr {
        let array = self.array(array);
        let array = match array.is_reusable() {
            true => array,
            false => self.settle_array(array),
        };
        let fields = data.ty.fields().unwrap_or_default();
        let parts = (0..fields.len()).map(|index| {
            let field = Expr { ty: fields[index].ty.clone(), ..data.clone() };
            Repr::Array(self.field_array(array.clone(), index, &field))
        });
        Repr::Tuple(parts.collect())
    }
}

/// How a loop over a range of any integer type counts in `i64`.
#[derive(Clone, Copy)]
struct Counter {
    start: Value,
    end: Value,
    scalar: Scalar,
    /// What is added to the count, of a `u64`, whose values an `i64` may not hold.
    offset: Option<Value>,
}

impl Counter {
    fn new(lowering: &mut Lowering<'_>, start: Value, end: Value) -> Counter {
        let scalar = lowering.scalar_type(start);
        let builder = &mut lowering.builder;
        if scalar != Scalar::U64 {
            let (start, end) = (builder.convert(start, Scalar::I64), builder.convert(end, Scalar::I64));
            return Counter { start, end, scalar, offset: None };
        }
        // The distance, or 0 backwards; 2^63 rounds are as good as endless.
        let last = builder.binary(Binary::Max, start, end);
        let distance = builder.binary(Binary::Sub, last, start);
        let most = builder.constant(i64::MAX as u64);
        let rounds = builder.binary(Binary::Min, distance, most);
        let end = builder.convert(rounds, Scalar::I64);
        Counter { start: lowering.int(0), end, scalar, offset: Some(start) }
    }

    /// The value of the range at a count.
    fn value(self, lowering: &mut Lowering<'_>, count: Value) -> Value {
        let value = lowering.builder.convert(count, self.scalar);
        match self.offset {
            Some(offset) => lowering.builder.binary(Binary::Add, offset, value),
            None => value,
        }
    }
}
