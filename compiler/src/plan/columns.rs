//! Nests that reduce along columns: which they are.
//!
//! `[sum(a[k, j] for k in 0..n) for j in 0..m]` reads memory in strides if each element is reduced for itself. A back end
//! that takes neighbouring elements together reads rows instead; the memory for the partial results of a tile of columns
//! is part of the plan.
//!
//! `[sum(a[i, k] * b[k, j] for k in 0..l) for i in 0..n, j in 0..m]` reads the same `b[k, j]` for each `i`. A *band* of
//! rows `i` has them in common: they are copied once for a band and a few columns, side by side in the order in which
//! they are needed, and each is loaded once for several rows.

use super::Scratch;
use crate::ir::{Binary, Block, Body, Inst, Nest, Op, Order, Sink, Value};
use std::collections::HashSet;

/// How many columns are reduced together, or elements of a band.
pub const TILE: i64 = 1024;

/// The most columns of a band that are reduced together.
pub const BAND_COLUMNS: i64 = 16;

/// A nest that reduces along columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The reduction in its body.
    pub reduction: Inst,
    /// For each component of its folds, [`TILE`] cells of eight bytes for each lane of a leaf and for each level of the
    /// tree over leaves.
    pub cells: Scratch,
    /// What the rows of a band have in common: reads of the reduction's body, each with [`BAND_COLUMNS`] cells of eight
    /// bytes for each element of a leaf.
    pub shared: Vec<(Inst, Scratch)>,
}

/// The reduction in the body of `nest`, if it is one along columns.
pub(super) fn reduction_along_columns(body: &Body, nest: &Nest) -> Option<Inst> {
    let data = &body.blocks[nest.body];
    let is_map = |(sink, input): (&Sink, &Value)| matches!(sink, Sink::Map) && !body.ty(*input).is_array();
    if nest.sinks.len() != data.results.len() || !nest.sinks.iter().zip(&data.results).all(is_map) {
        return None;
    }
    let mut nests = data.insts.iter().filter(|inst| matches!(body.insts[**inst].op, Op::Nest(_)));
    let (&inst, None) = (nests.next()?, nests.next()) else { return None };
    let Op::Nest(reduction) = &body.insts[inst].op else { return None };
    let is_plain = |sink: &Sink| match sink {
        Sink::Reduce { fold, on_empty: None } => fold.order == Order::Interleaved,
        _ => false,
    };
    let is_plain_nest = reduction.dims.len() == 1 && reduction.sinks.iter().all(is_plain);
    if !is_plain_nest || folds_by_own_values(body, nest.body, reduction) {
        return None;
    }
    let column = *data.params.last()?;
    reads_along_columns(body, reduction.body, column).then_some(inst)
}

/// The reads in the body of `reduction`, which `nest` has, that move along its columns and do not depend on the index
/// before that. Their indices are sums and products of what is known outside of both.
pub(super) fn shared_reads(body: &Body, nest: &Nest, reduction: Inst) -> Vec<Inst> {
    let Op::Nest(inner) = &body.insts[reduction].op else { return Vec::new() };
    let [.., row, column] = body.blocks[nest.body].params[..] else { return Vec::new() };
    let mut own = own_values(body, nest.body);
    own.extend(own_values(body, inner.body));
    let indices = [nest.body, inner.body].map(|block| &body.blocks[block].params);
    let common = indices.into_iter().flatten().copied().filter(|index| *index != row).collect();
    let shared = Shared { body, own, common };
    let is_shared = |inst: &Inst| match &body.insts[*inst].op {
        Op::Index { array, indices, check: None } => {
            let moves = indices.split_last().is_some_and(|(last, _)| follows(body, *last, column));
            moves
                && !shared.own.contains(array)
                && indices.iter().all(|index| shared.is_known(*index, DEEPEST))
        }
        _ => false,
    };
    body.blocks[inner.body].insts.iter().copied().filter(is_shared).collect()
}

/// What the rows of a band have in common.
struct Shared<'a> {
    body: &'a Body,
    /// The values of a nest and of the reduction inside.
    own: HashSet<Value>,
    /// Those of them that are indices and the same in all rows.
    common: Vec<Value>,
}

/// The most operations in a row by which an index of a shared read is computed.
const DEEPEST: usize = 4;

impl Shared<'_> {
    fn is_known(&self, index: Value, depth: usize) -> bool {
        if !self.own.contains(&index) || self.common.contains(&index) {
            return true;
        }
        match self.body.def(index).map(|inst| &self.body.insts[inst].op) {
            Some(Op::Binary(Binary::Add | Binary::Sub | Binary::Mul, a, b)) if depth > 0 => {
                self.is_known(*a, depth - 1) && self.is_known(*b, depth - 1)
            }
            _ => false,
        }
    }
}

/// The values of `block`, of which constants are known elsewhere too.
fn own_values(body: &Body, block: Block) -> HashSet<Value> {
    let data = &body.blocks[block];
    let results = data.insts.iter().flat_map(|inst| &body.insts[*inst].results);
    let is_known = |value: &Value| body.constant(*value).is_some();
    data.params.iter().chain(results).copied().filter(|value| !is_known(value)).collect()
}

/// Whether what `reduction` combines with, operators and neutral elements, or how far it goes, hangs on values of
/// `block`, which are known only where a column is: the totals of a tile are combined elsewhere.
fn folds_by_own_values(body: &Body, block: Block, reduction: &Nest) -> bool {
    let own = own_values(body, block);
    let mut is_own = false;
    let mut visit = |value: Value| is_own |= own.contains(&value);
    reduction.dims.iter().for_each(|dim| visit(*dim));
    for fold in reduction.sinks.iter().filter_map(Sink::fold) {
        fold.neutral.iter().for_each(|neutral| visit(*neutral));
        body.for_each_use(fold.op, &mut visit);
    }
    is_own
}

/// Whether `block`, the body of a reduction, reads arrays whose last axis is that of the index `column`, and none whose
/// last axis is that of its own index.
fn reads_along_columns(body: &Body, block: Block, column: Value) -> bool {
    let row = body.blocks[block].params[0];
    let (mut along_columns, mut along_rows) = (false, false);
    for &inst in &body.blocks[block].insts {
        let Op::Index { indices, .. } = &body.insts[inst].op else { continue };
        let Some((last, outer)) = indices.split_last() else { continue };
        let moves_by_row = outer.iter().any(|index| follows(body, *index, row));
        along_columns |= follows(body, *last, column) && moves_by_row;
        let is_uniform = !indices.iter().any(|index| follows(body, *index, column));
        along_rows |= follows(body, *last, row) && !is_uniform;
    }
    along_columns && !along_rows
}

/// Whether `index` is `param`, or `param` shifted by something.
fn follows(body: &Body, index: Value, param: Value) -> bool {
    let shifted = |value: Value| match body.def(value).map(|inst| &body.insts[inst].op) {
        Some(Op::Binary(Binary::Add | Binary::Sub, a, b)) => *a == param || *b == param,
        _ => false,
    };
    index == param || shifted(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ir::{
            Builder, Kernel, Type,
            testing::{fold, kernel, nest},
        },
        plan,
    };
    use pk_dsl::scalar::Scalar;

    /// How many reads rows of `[sum(cube[index(p, i, k, j)] for k) for p, i, j]` share, if it reduces along columns.
    fn shared(index: impl FnOnce(&mut Builder, [Value; 4]) -> [Value; 3]) -> Option<usize> {
        let kernel: Kernel = kernel(1, &[(Scalar::F32, &[0, 0, 0])], |b, sizes, params| {
            let dims = [sizes[0]; 3];
            let ty = Type { scalar: Scalar::F32, shape: dims.to_vec() };
            nest(b, &dims, vec![Sink::Map], vec![ty], |b, at| {
                let zero = b.constant(0.0f32);
                let fold = fold(b, Binary::Add, zero, Order::Interleaved);
                let sinks = vec![Sink::Reduce { fold, on_empty: None }];
                nest(b, sizes, sinks, vec![Type::scalar(Scalar::F32)], |b, k| {
                    let indices = index(b, [at[0], at[1], k[0], at[2]]);
                    let read = Op::Index { array: params[0], indices: indices.to_vec(), check: None };
                    vec![b.single(read, Type::scalar(Scalar::F32))]
                })
            })
        });
        let plan = plan::cpu(&kernel);
        kernel.body.insts.iter().find_map(|(inst, _)| plan.columns(inst)).map(|columns| columns.shared.len())
    }

    #[test]
    fn rows_share_what_does_not_depend_on_them() {
        assert_eq!(shared(|_, [plane, _, k, column]| [plane, k, column]), Some(1));
        assert_eq!(shared(|_, [_, row, k, column]| [k, row, column]), Some(0));
        // Each row has a window of its own.
        let window = |b: &mut Builder, [plane, row, k, column]: [Value; 4]| {
            [plane, b.binary(Binary::Add, row, k), column]
        };
        assert_eq!(shared(window), Some(0));
        // This reads along rows.
        assert_eq!(shared(|_, [plane, _, k, column]| [plane, column, k]), None);
    }

    #[test]
    fn indices_of_shared_reads_are_short_sums_and_products() {
        let chain = |length: usize| {
            shared(move |b, [plane, _, k, column]| {
                let doubled = (0..length).fold(plane, |index, _| b.binary(Binary::Add, index, index));
                [doubled, b.binary(Binary::Sub, k, plane), b.binary(Binary::Add, column, doubled)]
            })
        };
        assert_eq!([0, DEEPEST - 1, DEEPEST].map(chain), [Some(1), Some(1), Some(0)]);
    }
}
