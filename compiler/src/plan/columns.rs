//! Nests that reduce along columns: which they are.
//!
//! `[sum(a[k, j] for k in 0..n) for j in 0..m]` reads memory in strides if each element is reduced for itself. A back end
//! that takes neighbouring elements together reads rows instead; the memory for the partial results of a tile of columns
//! is part of the plan.

use super::Scratch;
use crate::ir::{Binary, Block, Body, Inst, Nest, Op, Order, Sink, Value};
use std::collections::HashSet;

/// How many columns are reduced together.
pub const TILE: i64 = 1024;

/// A nest that reduces along columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The reduction in its body.
    pub reduction: Inst,
    /// For each component of its folds, [`TILE`] cells of eight bytes for each lane of a leaf and for each level of the
    /// tree over leaves.
    pub cells: Scratch,
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

/// Whether what `reduction` combines with, operators and neutral elements, or how far it goes, hangs on values of
/// `block`, which are known only where a column is: the totals of a tile are combined elsewhere.
fn folds_by_own_values(body: &Body, block: Block, reduction: &Nest) -> bool {
    let data = &body.blocks[block];
    let results = data.insts.iter().flat_map(|inst| &body.insts[*inst].results);
    let is_known = |value: &Value| body.constant(*value).is_some();
    let own: HashSet<Value> =
        data.params.iter().chain(results).copied().filter(|value| !is_known(value)).collect();
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
