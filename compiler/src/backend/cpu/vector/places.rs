//! Places of elements in folds such as that of `argmax`, which carry the index of the element that they choose.
//!
//! Within a lane, elements come in the order of their places. So what an operator would do about elements that are equal
//! is decided when code is made, and places are only chosen between: then they need not be wider than a leaf is long.

use super::{Group, pack::Pack};
use crate::ir::{Body, Fold, Op, Value as IrValue};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use pk_dsl::scalar::Scalar;

/// The parameters of `fold` that take the place of an element: what is on the left comes from an element before.
pub(super) fn pairs(body: &Body, fold: &Fold, inputs: &[IrValue], place: IrValue) -> Vec<(IrValue, IrValue)> {
    let params = &body.blocks[fold.op].params;
    let places = (0..inputs.len()).filter(|at| inputs[*at] == place);
    places.map(|at| (params[at], params[inputs.len() + at])).collect()
}

/// Whether the operator of `fold` does nothing with component `at`, an `i64`, but compare its two sides with each other
/// and choose one of them as its result.
pub(super) fn is_only_chosen(body: &Body, fold: &Fold, at: usize) -> bool {
    let block = &body.blocks[fold.op];
    let sides = [block.params[at], block.params[fold.width() + at]];
    let result = block.results[at];
    let mut is_chosen = block
        .results
        .iter()
        .enumerate()
        .all(|(other, value)| (other == at || *value != result) && !sides.contains(value));
    for &inst in &block.insts {
        let data = &body.insts[inst];
        let is_choice = match data.op {
            Op::Compare(_, a, b) => sides.contains(&a) && sides.contains(&b),
            Op::Select(_, a, b) => sides.contains(&a) && sides.contains(&b) && data.results[0] == result,
            _ => false,
        };
        let mut uses_it = false;
        let mut visit = |value: IrValue| uses_it |= sides.contains(&value) || value == result;
        data.op.for_each_operand(&mut visit);
        data.op.for_each_block(|block| body.for_each_use(block, &mut visit));
        is_chosen &= is_choice || !uses_it;
    }
    is_chosen && body.def(result).is_some_and(|inst| matches!(body.insts[inst].op, Op::Select(..)))
}

impl Group<'_, '_, '_> {
    /// The places of the elements of a group, of which `first`, an `i64`, is the first; less than a leaf.
    pub(super) fn place_pack(&mut self, first: Value) -> Pack {
        let first = self.e.builder.ins().ireduce(types::I32, first);
        let base = self.e.builder.ins().splat(types::I32X4, first);
        let parts = (0..self.size / 4).map(|part| {
            let offsets = self.constant_part(types::I32, |at| u64::from(4 * part + at));
            self.e.builder.ins().iadd(base, offsets)
        });
        Pack { lane: types::I32, parts: parts.collect() }
    }

    /// Places that count from the start of a leaf, as indices.
    pub(super) fn widened_places(&mut self, places: &Pack, start: Value) -> Pack {
        let wide = self.resize(places, 8, true);
        let start = self.splat(Scalar::I64, start);
        self.zip(&wide, &start, types::I64, |g, a, b| g.e.builder.ins().iadd(a, b))
    }

    /// Indices as places that count from the start of their leaf.
    pub(super) fn narrowed_places(&mut self, indices: &Pack, start: Value) -> Pack {
        let start = self.splat(Scalar::I64, start);
        let places = self.zip(indices, &start, types::I64, |g, a, b| g.e.builder.ins().isub(a, b));
        self.resize(&places, 4, true)
    }
}
