//! Places of elements in folds such as that of `argmax`, which carry the index of the element that they choose.
//!
//! Within a lane, elements come in the order of their places. So what an operator would do about elements that are equal
//! is decided when code is made, and places are only chosen between: then they need not be wider than a leaf is long.
//! In registers all lanes of a group have the place of its first element, to which each lane has its own distance.

use super::{Group, linear::Linear, pack::Pack};
use crate::ir::{Body, Fold, Nest, Op, Value as IrValue};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use pk_dsl::scalar::Scalar;

/// The parameters of `fold` that take the place of an element: what is on the left comes from an element before.
pub(super) fn pairs(body: &Body, fold: &Fold, inputs: &[IrValue], place: IrValue) -> Vec<(IrValue, IrValue)> {
    let params = &body.blocks[fold.op].params;
    let places = (0..inputs.len()).filter(|at| inputs[*at] == place);
    places.map(|at| (params[at], params[inputs.len() + at])).collect()
}

/// For each component that `nest`, of one dimension, reduces, whether it is the place of an element and only chosen.
pub(super) fn of(body: &Body, nest: &Nest) -> Vec<bool> {
    let block = &body.blocks[nest.body];
    let (mut rest, mut are_places) = (&block.results[..], Vec::new());
    for sink in &nest.sinks {
        let (inputs, others) = rest.split_at(sink.takes());
        rest = others;
        let Some(fold) = sink.fold() else { continue };
        let is_place =
            |(at, input): (usize, &IrValue)| block.params[..] == [*input] && is_only_chosen(body, fold, at);
        are_places.extend(inputs.iter().enumerate().map(is_place));
    }
    are_places
}

/// Whether the operator of `fold` does nothing with component `at`, an `i64`, but compare its two sides with each other
/// and choose one of them as its result.
fn is_only_chosen(body: &Body, fold: &Fold, at: usize) -> bool {
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
    /// The place of the first element of a group, an `i64` less than a leaf, in all lanes.
    pub(super) fn place_pack(&mut self, first: Value) -> Pack {
        let first = self.e.builder.ins().ireduce(types::I32, first);
        self.splat(Scalar::I32, first)
    }

    /// Places as indices; the leaf begins at `start`.
    pub(super) fn widened_places(&mut self, places: &Pack, start: Value) -> Pack {
        let wide = self.resize(places, 8, true);
        let distances = self.linear_pack(Linear { first: start, step: 1 });
        self.zip(&wide, &distances, types::I64, |g, a, b| g.e.builder.ins().iadd(a, b))
    }

    /// Indices as places; the leaf begins at `start`.
    pub(super) fn narrowed_places(&mut self, indices: &Pack, start: Value) -> Pack {
        let distances = self.linear_pack(Linear { first: start, step: 1 });
        let places = self.zip(indices, &distances, types::I64, |g, a, b| g.e.builder.ins().isub(a, b));
        self.resize(&places, 4, true)
    }
}
