//! Values as lists of IR values and back, for what blocks take and give: arms, loops, operators.

use super::{
    Lowering, Repr,
    arrays::{Array, Source, Tree},
};
use crate::ir::{Type, Value};

/// The most elements of an array that lives in registers.
pub(super) const MOST_ELEMENTS: i64 = 16;

/// How the IR values of a [`Repr`] are put together.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    Scalar,
    Tuple(Vec<Layout>),
    /// An unrolled array.
    Elements(Vec<Value>, Vec<Layout>),
    /// A stored array.
    Stored(Vec<Value>, Tree),
}

impl Lowering<'_> {
    /// The value with every array stored or unrolled, so that it can be read again and again.
    pub(super) fn settle(&mut self, repr: Repr) -> Repr {
        match repr {
            Repr::Scalar(_) => repr,
            Repr::Tuple(parts) => Repr::Tuple(parts.into_iter().map(|part| self.settle(part)).collect()),
            Repr::Array(array) => Repr::Array(self.settle_array(array)),
        }
    }

    /// The array stored, or unrolled if it is small.
    pub(super) fn settle_array(&mut self, array: Array) -> Array {
        match self.unroll_count(&array) {
            Some(count) => self.unroll(&array, count),
            None => self.store(&array),
        }
    }

    /// How many rows to unroll an array to, if it is small and unrolling has not yet gone far.
    fn unroll_count(&self, array: &Array) -> Option<usize> {
        let extents = array.shape.iter().map(|extent| self.known_int(*extent));
        let total = extents.into_iter().try_fold(1i64, |total, extent| total.checked_mul(extent?))?;
        let count = usize::try_from(self.known_int(array.shape[0])?).ok()?;
        let is_small = total <= MOST_ELEMENTS && count > 0;
        (is_small && self.may_unroll(count)).then_some(count)
    }

    /// The array as a row of its elements.
    pub(super) fn unroll(&mut self, array: &Array, count: usize) -> Array {
        if matches!(array.source, Source::Elements(_)) {
            return array.clone();
        }
        let rows = self.unroll_rows(count, |lowering, at| lowering.read(array, &[at]));
        Array { shape: array.shape.clone(), source: Source::Elements(rows.into()) }
    }

    /// Whether code may be repeated so many times more.
    pub(super) fn may_unroll(&self, count: usize) -> bool {
        const MOST_COPIES: usize = 64;
        self.unrolled.saturating_mul(count) <= MOST_COPIES
    }

    /// The settled rows for the indices `0..count`.
    pub(super) fn unroll_rows(
        &mut self,
        count: usize,
        mut row: impl FnMut(&mut Self, super::At) -> Repr,
    ) -> Vec<Repr> {
        self.unrolled *= count;
        let mut rows = Vec::with_capacity(count);
        for index in 0..count {
            let index = self.int(index as i64);
            let row = row(self, super::At::inside(index));
            rows.push(self.settle(row));
        }
        self.unrolled /= count;
        rows
    }

    /// How a settled value is put together.
    pub(super) fn layout(&self, repr: &Repr) -> Layout {
        match repr {
            Repr::Scalar(_) => Layout::Scalar,
            Repr::Tuple(parts) => Layout::Tuple(parts.iter().map(|part| self.layout(part)).collect()),
            Repr::Array(array) => match &array.source {
                Source::Elements(rows) => {
                    Layout::Elements(array.shape.clone(), rows.iter().map(|row| self.layout(row)).collect())
                }
                Source::Stored(tree) => Layout::Stored(array.shape.clone(), tree.clone()),
                // Only settled values are asked.
                _ => Layout::Tuple(Vec::new()),
            },
        }
    }

    /// The IR values of `repr`, put together as `layout` says.
    pub(super) fn flatten(&mut self, repr: Repr, layout: &Layout) -> Vec<Value> {
        match (repr, layout) {
            (Repr::Scalar(value), _) => vec![value],
            (Repr::Tuple(parts), Layout::Tuple(layouts)) => {
                parts.into_iter().zip(layouts).flat_map(|(part, layout)| self.flatten(part, layout)).collect()
            }
            (Repr::Array(array), Layout::Elements(_, layouts)) => {
                let array = self.unroll(&array, layouts.len());
                let Source::Elements(rows) = array.source else { return Vec::new() };
                rows.iter().zip(layouts).flat_map(|(row, layout)| self.flatten(row.clone(), layout)).collect()
            }
            (Repr::Array(array), Layout::Stored(shape, _)) => {
                // Sizes that only a check proved equal are still two values; the copy has the layout's.
                let is_same = array.shape == *shape;
                let array = Array { shape: shape.clone(), source: array.source };
                match is_same {
                    true => self.store(&array).leaves(),
                    false => self.copy(&array).leaves(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// The IR types of a layout.
    pub(super) fn layout_types(&self, repr: &Repr) -> Vec<Type> {
        match repr {
            Repr::Scalar(value) => vec![self.builder.body().ty(*value).clone()],
            Repr::Tuple(parts) => parts.iter().flat_map(|part| self.layout_types(part)).collect(),
            Repr::Array(array) => match &array.source {
                Source::Elements(rows) => rows.iter().flat_map(|row| self.layout_types(row)).collect(),
                _ => array.leaves().iter().map(|leaf| self.builder.body().ty(*leaf).clone()).collect(),
            },
        }
    }

    /// The value that `values` are, put together as `layout` says.
    pub(super) fn rebuild(&self, values: &mut impl Iterator<Item = Value>, layout: &Layout) -> Repr {
        match layout {
            Layout::Scalar => values.next().map_or_else(|| Repr::Tuple(Vec::new()), Repr::Scalar),
            Layout::Tuple(parts) => {
                Repr::Tuple(parts.iter().map(|part| self.rebuild(values, part)).collect())
            }
            Layout::Elements(shape, rows) => {
                let rows: Vec<Repr> = rows.iter().map(|row| self.rebuild(values, row)).collect();
                Repr::Array(Array { shape: shape.clone(), source: Source::Elements(rows.into()) })
            }
            Layout::Stored(shape, tree) => {
                let tree = rebuild_tree(values, tree);
                Repr::Array(Array { shape: shape.clone(), source: Source::Stored(tree) })
            }
        }
    }
}

/// The same tree of other values.
pub(super) fn rebuild_tree(values: &mut impl Iterator<Item = Value>, tree: &Tree) -> Tree {
    match tree {
        Tree::Leaf(old) => Tree::Leaf(values.next().unwrap_or(*old)),
        Tree::Tuple(parts) => Tree::Tuple(parts.iter().map(|part| rebuild_tree(values, part)).collect()),
    }
}
