//! Nests: storing arrays, comprehensions, maps, filters.

use super::{
    At, Lowering, Repr,
    arrays::{Array, Source, Tree},
    layout::{Layout, MOST_ELEMENTS},
};
use crate::ir::{Entity, Nest, Op, Sink, Type, Value};
use pk_dsl::{
    hir::{ExprId, ExprKind, Lambda, Range},
    scalar::Scalar,
};
use std::rc::Rc;

/// Something that has a value for each index.
#[derive(Clone, Debug)]
pub(super) enum Producer<'a> {
    /// An array.
    Array(Array),
    /// A comprehension or map of the current frame, to be evaluated where it is consumed.
    Comprehension {
        ranges: &'a [Range],
        body: ExprId,
        extents: Vec<Value>,
    },
    Map {
        arrays: Vec<Array>,
        function: &'a Lambda,
        extent: Value,
    },
}

impl<'a> Lowering<'a> {
    /// The array stored in IR arrays.
    pub(super) fn store(&mut self, array: &Array) -> Array {
        match &array.source {
            Source::Stored(_) => array.clone(),
            Source::Elements(rows) => self.store_rows(array, rows),
            _ => self.copy(array),
        }
    }

    /// A new stored array with the elements of `array`.
    pub(super) fn copy(&mut self, array: &Array) -> Array {
        let readable = match &array.source {
            Source::Elements(rows) => self.store_rows(array, rows),
            _ => array.clone(),
        };
        self.store_producer(&Producer::Array(readable), &array.shape)
    }

    /// An unrolled array as IR arrays: its scalars side by side if that is all it has, else row after row.
    fn store_rows(&mut self, array: &Array, rows: &[Repr]) -> Array {
        let mut flat = Vec::new();
        let is_flat = flatten_rows(rows, &mut flat);
        if is_flat && array.shape.len() == 1 {
            return self.store_scalars(array, &flat);
        }
        let view = if is_flat {
            let count = self.int(flat.len() as i64);
            let row = Array { shape: vec![count], source: Source::Elements(flat.into()) };
            Source::Reshape(Rc::new(self.store(&row)))
        } else {
            let one = self.int(1);
            let parts = rows.iter().map(|row| match row {
                Repr::Array(row) => {
                    let shape = [&[one], &row.shape[..]].concat();
                    Array { shape, source: Source::Broadcast(Rc::new(row.clone())) }
                }
                row => Array { shape: vec![one], source: Source::Fill(Rc::new(row.clone())) },
            });
            Source::Concat(parts.collect())
        };
        let view = Array { shape: array.shape.clone(), source: view };
        self.store_producer(&Producer::Array(view), &array.shape)
    }

    /// A row of scalars, or of tuples of scalars.
    fn store_scalars(&mut self, array: &Array, rows: &[Repr]) -> Array {
        let layout = self.layout(&rows[0]);
        let columns: Vec<Vec<Value>> = rows.iter().map(|row| self.flatten(row.clone(), &layout)).collect();
        let leaves = (0..columns[0].len()).map(|leaf| {
            let elements: Vec<Value> = columns.iter().map(|column| column[leaf]).collect();
            let ty = Type { scalar: self.scalar_type(elements[0]), shape: array.shape.clone() };
            self.builder.single(Op::Array(elements), ty)
        });
        let leaves: Vec<Value> = leaves.collect();
        let tree = tree_of(&layout, &mut leaves.into_iter());
        Array { shape: array.shape.clone(), source: Source::Stored(tree) }
    }

    /// The values of a producer stored in IR arrays of this leading shape.
    pub(super) fn store_producer(&mut self, producer: &Producer<'a>, dims: &[Value]) -> Array {
        let (body, at) = self.open_nest(dims);
        let element = self.element(producer, &at);
        let element = self.store_parts(element);
        let (layout, types) = (self.layout(&element), self.layout_types(&element));
        let results = self.flatten(element, &layout);
        self.builder.close_block(results);
        let types: Vec<Type> = types
            .into_iter()
            .map(|ty| Type { scalar: ty.scalar, shape: [dims, &ty.shape].concat() })
            .collect();
        let sinks = vec![Sink::Map; types.len()];
        let values = self.builder.multi(Op::Nest(Nest { dims: dims.to_vec(), body, sinks }), types);
        let shape = match &layout {
            Layout::Stored(row, _) => [dims, row].concat(),
            _ => dims.to_vec(),
        };
        let tree = tree_of(&layout, &mut values.into_iter());
        Array { shape, source: Source::Stored(tree) }
    }

    /// The value with every array stored, whatever its size: what a nest can take.
    fn store_parts(&mut self, repr: Repr) -> Repr {
        match repr {
            Repr::Scalar(_) => repr,
            Repr::Tuple(parts) => Repr::Tuple(parts.into_iter().map(|part| self.store_parts(part)).collect()),
            Repr::Array(array) => Repr::Array(self.store(&array)),
        }
    }

    /// Opens the body of a nest; its indices are known to lie inside.
    pub(super) fn open_nest(&mut self, dims: &[Value]) -> (crate::ir::Block, Vec<At>) {
        let (body, indices) = self.builder.open_block(vec![Type::scalar(Scalar::I64); dims.len()]);
        self.ranges.extend(indices.iter().copied().zip(dims.iter().copied()));
        (body, indices.into_iter().map(At::inside).collect())
    }

    /// What `expr` makes, to be consumed at once, once for each index: not stored if it need not be.
    pub(super) fn producer(&mut self, expr: ExprId) -> Producer<'a> {
        let function = self.function();
        let data = function.expr(expr);
        self.size_checks(data);
        match &data.kind {
            ExprKind::Comprehension { ranges, keep: None, body } => {
                let extents = ranges.iter().map(|range| self.size(&range.extent)).collect();
                Producer::Comprehension { ranges, body: *body, extents }
            }
            ExprKind::Map { arrays, function } => {
                let arrays: Vec<Array> = arrays.iter().map(|array| self.array(*array)).collect();
                let extent = arrays[0].shape[0];
                Producer::Map { arrays, function, extent }
            }
            _ => Producer::Array(self.array(expr)),
        }
    }

    /// The extents of a producer's own indices.
    pub(super) fn extents(&self, producer: &Producer<'a>) -> Vec<Value> {
        match producer {
            Producer::Array(array) => array.shape.clone(),
            Producer::Comprehension { extents, .. } => extents.clone(),
            Producer::Map { extent, .. } => vec![*extent],
        }
    }

    /// The value for these indices, which lie inside.
    pub(super) fn element(&mut self, producer: &Producer<'a>, at: &[At]) -> Repr {
        match producer {
            Producer::Array(array) => self.read(array, at),
            Producer::Comprehension { ranges, body, .. } => {
                self.bind_ranges(ranges, at);
                self.expr(*body)
            }
            Producer::Map { arrays, function, .. } => {
                let rows: Vec<Repr> = arrays.iter().map(|array| self.read(array, &at[..1])).collect();
                self.apply(function, rows)
            }
        }
    }

    /// Binds the indices of a comprehension.
    pub(super) fn bind_ranges(&mut self, ranges: &[Range], at: &[At]) {
        for (range, at) in ranges.iter().zip(at) {
            let start = self.expr(range.start).scalar();
            let Some(index) = range.index else { continue };
            let value = match self.known_int(start) {
                Some(0) => at.value,
                _ => self.builder.binary(crate::ir::Binary::Add, start, at.value),
            };
            self.bind_local(index, Repr::Scalar(value), None);
        }
    }

    /// The value of a closure for these arguments.
    pub(super) fn apply(&mut self, lambda: &'a Lambda, args: Vec<Repr>) -> Repr {
        for (pattern, arg) in lambda.params.iter().zip(args) {
            let arg = self.reusable(arg);
            self.bind(pattern, arg, None);
        }
        self.expr(lambda.body)
    }

    /// The array that a producer makes, small ones unrolled.
    pub(super) fn settle_producer(&mut self, producer: &Producer<'a>) -> Array {
        let extents = self.extents(producer);
        if let Producer::Array(array) = producer {
            return self.settle_array(array.clone());
        }
        match self.small_count(&extents) {
            Some(count) => self.unroll_producer(producer, &extents, count),
            None => self.store_producer(producer, &extents),
        }
    }

    /// How many values a one-dimensional producer unrolls to.
    fn small_count(&self, extents: &[Value]) -> Option<usize> {
        let [extent] = extents else { return None };
        let count = self.known_int(*extent).filter(|count| (1..=MOST_ELEMENTS).contains(count))? as usize;
        let is_top = self.builder.is_in_entry();
        (!is_top && self.may_unroll(count)).then_some(count)
    }

    fn unroll_producer(&mut self, producer: &Producer<'a>, extents: &[Value], count: usize) -> Array {
        let rows = self.unroll_rows(count, |lowering, at| lowering.element(producer, &[at]));
        let mut shape = extents.to_vec();
        if let Some(Repr::Array(row)) = rows.first() {
            shape.extend(&row.shape);
        }
        Array { shape, source: Source::Elements(rows.into()) }
    }

    // Filters: only in the entry block.

    /// The elements for which `keep` holds, and their number.
    pub(super) fn filter(
        &mut self,
        extent: Value,
        build: impl FnOnce(&mut Self, At) -> (Value, Repr),
    ) -> Array {
        let (body, at) = self.open_nest(&[extent]);
        let (keep, element) = build(self, at[0]);
        let element = self.store_parts(element);
        let (layout, types) = (self.layout(&element), self.layout_types(&element));
        let mut results = vec![keep];
        results.extend(self.flatten(element, &layout));
        self.builder.close_block(results);
        // The count is the first result of the instruction, so its id is the next one.
        let count = Value::from_index(self.builder.body().values.len());
        let mut all = vec![Type::scalar(Scalar::I64)];
        all.extend(
            types.iter().map(|ty| Type { scalar: ty.scalar, shape: [&[count], &ty.shape[..]].concat() }),
        );
        let sinks = vec![Sink::Filter { width: types.len() }];
        let values = self.builder.multi(Op::Nest(Nest { dims: vec![extent], body, sinks }), all);
        let mut columns = values.into_iter().skip(1);
        let mut shape = vec![count];
        if let Layout::Stored(row, _) = &layout {
            shape.extend(row);
        }
        Array { shape, source: Source::Stored(tree_of(&layout, &mut columns)) }
    }
}

/// Appends the scalars and tuples of scalars of unrolled rows; `false` if there is anything else, or nothing.
fn flatten_rows(rows: &[Repr], flat: &mut Vec<Repr>) -> bool {
    fn is_scalars(repr: &Repr) -> bool {
        match repr {
            Repr::Scalar(_) => true,
            Repr::Tuple(parts) => parts.iter().all(is_scalars),
            Repr::Array(_) => false,
        }
    }
    !rows.is_empty()
        && rows.iter().all(|row| match row {
            Repr::Array(Array { source: Source::Elements(inner), .. }) => flatten_rows(inner, flat),
            row => {
                flat.push(row.clone());
                is_scalars(row)
            }
        })
}

/// The tree of stored arrays whose elements, or rows, have this layout.
fn tree_of(layout: &Layout, values: &mut impl Iterator<Item = Value>) -> Tree {
    match layout {
        Layout::Tuple(parts) => Tree::Tuple(parts.iter().map(|part| tree_of(part, values)).collect()),
        Layout::Stored(_, tree) => super::layout::rebuild_tree(values, tree),
        _ => values.next().map_or_else(|| Tree::Tuple(Rc::new([])), Tree::Leaf),
    }
}
