//! Sinks of nests: where the results of a body go.

use super::{
    emitter::Emitter,
    fold::{Cells, FoldCells},
};
use crate::{
    ir::{Fold, Inst, Nest, Sink, Value as IrValue},
    plan::CELLS,
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC};

/// A sink with what code needs to feed it.
pub(super) struct Target<'a> {
    pub(super) sink: &'a Sink,
    /// The results of the nest's body that it takes.
    pub(super) inputs: &'a [IrValue],
    /// The results of the nest that it gives.
    pub(super) outputs: &'a [IrValue],
    /// The addresses of its arrays, one for each output that is an array.
    pub(super) arrays: Vec<Value>,
    /// The cells of its fold, if it reduces or scans.
    pub(super) cells: Option<FoldCells>,
}

impl Target<'_> {
    /// Whether it is a scan whose elements leave out their inputs.
    pub(super) fn is_exclusive(&self) -> bool {
        matches!(self.sink, Sink::Scan { exclusive: true, .. })
    }
}

/// The prefix that a leaf of a scan continues.
pub(super) struct Prefix {
    /// Whether there is one; the first leaf has none.
    pub(super) is_some: Value,
    /// Its components; any values if there is none.
    pub(super) values: Vec<Value>,
}

impl<'a> Emitter<'a, '_> {
    /// The sinks of `nest`, whose instruction is `inst`.
    pub(super) fn targets(&mut self, inst: Inst, nest: &'a Nest) -> Vec<Target<'a>> {
        let body = self.body;
        let inputs = &body.blocks[nest.body].results[..];
        let outputs = &body.insts[inst].results[..];
        let (mut first_input, mut first_output) = (0, 0);
        let cells = self.plan.cells(inst).map(|scratch| self.scratch[scratch.0 as usize]);
        let mut offset = 0;
        let mut targets = Vec::new();
        for sink in &nest.sinks {
            let outputs = &outputs[first_output..first_output + sink.gives()];
            let arrays = outputs.iter().filter(|value| body.ty(**value).is_array());
            let arrays = arrays.map(|value| self.place_or_null(*value)).collect();
            let fold_cells = match (sink, cells) {
                (Sink::Reduce { fold, .. } | Sink::Scan { fold, .. }, Some(base)) => {
                    let cells = self.fold_cells(base, offset, fold);
                    // The limit on the size of a kernel keeps this far below 2^31.
                    offset += (fold.width() as i64 * CELLS * 8) as i32;
                    Some(cells)
                }
                _ => None,
            };
            let inputs = &inputs[first_input..first_input + sink.takes()];
            targets.push(Target { sink, inputs, outputs, arrays, cells: fold_cells });
            first_input += sink.takes();
            first_output += sink.gives();
        }
        targets
    }

    /// Before the body: tells it where the arrays of element `flat` may be written. Gives the place for each target whose
    /// elements are arrays.
    pub(super) fn offer_rows(&mut self, targets: &[Target<'a>], flat: Value) -> Vec<Option<Value>> {
        let mut rows = Vec::new();
        for target in targets {
            let is_array = self.body.ty(target.inputs[0]).is_array();
            let row = match (target.sink, is_array) {
                (Sink::Map, true) => Some(self.row(target, flat)),
                _ => None,
            };
            self.offer_place(target.inputs[0], row);
            rows.push(row);
        }
        rows
    }

    /// The address of element `flat` of a map whose elements are arrays.
    fn row(&mut self, target: &Target<'a>, flat: Value) -> Value {
        let count = self.element_count(target.inputs[0]);
        let position = self.builder.ins().imul(flat, count);
        self.element_address(self.body.scalar(target.inputs[0]), target.arrays[0], position)
    }

    /// Puts `input` of the body at position `flat` of `array`.
    fn put(&mut self, input: IrValue, array: Value, flat: Value) {
        let scalar = self.body.scalar(input);
        if self.body.ty(input).is_array() {
            let count = self.element_count(input);
            let position = self.builder.ins().imul(flat, count);
            let row = self.element_address(scalar, array, position);
            return self.put_array(input, row);
        }
        let value = self.value(input);
        let address = self.element_address(scalar, array, flat);
        self.store(value, address);
    }

    /// Feeds a map with element `flat`, whose place is `row` if it is an array.
    pub(super) fn feed_map(&mut self, target: &Target<'a>, flat: Value, row: Option<Value>) {
        match row {
            Some(row) => self.put_array(target.inputs[0], row),
            None => self.put(target.inputs[0], target.arrays[0], flat),
        }
    }

    /// Feeds a filter, `count` elements of which passed so far; gives their new number.
    pub(super) fn feed_filter(&mut self, target: &Target<'a>, count: Value) -> Value {
        let passes = self.value(target.inputs[0]);
        let (rows, scalars): (Vec<_>, Vec<_>) = target.inputs[1..]
            .iter()
            .zip(&target.arrays)
            .partition(|(input, _)| self.body.ty(**input).is_array());
        // A scalar is stored before it is known to pass: there is room for all, and no branch to mispredict.
        scalars.into_iter().for_each(|(input, array)| self.put(*input, *array, count));
        if !rows.is_empty() {
            self.if_then(passes, |e| {
                rows.into_iter().for_each(|(input, array)| e.put(*input, *array, count))
            });
        }
        let more = self.builder.ins().iadd_imm_s(count, 1);
        self.builder.ins().select(passes, more, count)
    }

    /// Feeds the bins of a reduction by index.
    pub(super) fn feed_bin(&mut self, target: &Target<'a>, bins: IrValue, fold: &'a Fold) {
        let bin = self.value(target.inputs[0]);
        let count = self.value(bins);
        let is_inside = self.icmp(IntCC::UnsignedLessThan, bin, count);
        let values = self.all(&target.inputs[1..]);
        self.if_mostly(is_inside, |e| {
            let addresses = e.element_addresses(fold, &target.arrays, bin);
            let before = e.load_each(fold, &addresses);
            let after = e.combine(fold, &before, &values);
            addresses.iter().zip(after).for_each(|(address, value)| e.store(value, *address));
        });
    }

    /// Gives each bin the neutral element.
    pub(super) fn clear_bins(&mut self, target: &Target<'a>, bins: IrValue, fold: &'a Fold) {
        let neutral = self.all(&fold.neutral);
        let (zero, count) = (self.int(0), self.value(bins));
        self.for_range(zero, count, &[], |e, bin, _| {
            e.store_elements(fold, &target.arrays, bin, &neutral);
            Vec::new()
        });
    }

    /// Merges bins that hold the identity of `fold`, or more, into those of `target`.
    pub(super) fn merge_bins(&mut self, target: &Target<'a>, own: Value, bins: IrValue, fold: &'a Fold) {
        let (zero, count) = (self.int(0), self.value(bins));
        self.for_range(zero, count, &[], |e, bin, _| {
            let addresses = e.element_addresses(fold, &target.arrays, bin);
            let own = e.element_addresses(fold, &[own], bin);
            let [all, own] = [&addresses, &own].map(|addresses| e.load_each(fold, addresses));
            let merged = e.combine(fold, &all, &own);
            addresses.iter().zip(merged).for_each(|(address, value)| e.store(value, *address));
            Vec::new()
        });
    }

    /// Feeds a scan with element `flat`, whose leaf begins at `start`; `before` is the fold of the leaf so far. Gives the
    /// new fold of the leaf.
    pub(super) fn feed_scan(
        &mut self,
        target: &Target<'a>,
        (fold, is_exclusive): (&'a Fold, bool),
        (flat, start): (Value, Value),
        before: &[Value],
        prefix: Option<&Prefix>,
    ) -> Vec<Value> {
        let values = self.all(target.inputs);
        let types = self.types(&values);
        let is_first = self.icmp(IntCC::Equal, flat, start);
        let after = self.if_else(is_first, &types, |_| values.clone(), |e| e.combine(fold, before, &values));
        let shown = match is_exclusive {
            false => self.continue_prefix(fold, prefix, &after),
            true => {
                let first = |e: &mut Self| e.prefix_or_neutral(fold, prefix);
                self.if_else(is_first, &types, first, |e| e.continue_prefix(fold, prefix, before))
            }
        };
        self.store_elements(fold, &target.arrays, flat, &shown);
        after
    }

    fn continue_prefix(&mut self, fold: &'a Fold, prefix: Option<&Prefix>, local: &[Value]) -> Vec<Value> {
        let Some(prefix) = prefix else { return local.to_vec() };
        let types = self.types(local);
        self.if_else(prefix.is_some, &types, |e| e.combine(fold, &prefix.values, local), |_| local.to_vec())
    }

    fn prefix_or_neutral(&mut self, fold: &'a Fold, prefix: Option<&Prefix>) -> Vec<Value> {
        let neutral = self.all(&fold.neutral);
        let Some(prefix) = prefix else { return neutral };
        let pairs = prefix.values.iter().zip(neutral);
        pairs
            .map(|(prefixed, neutral)| self.builder.ins().select(prefix.is_some, *prefixed, neutral))
            .collect()
    }

    /// Applies the prefix of a leaf, `start..end`, to what the first pass of a scan stored.
    pub(super) fn apply_prefix(
        &mut self,
        target: &Target<'a>,
        (fold, is_exclusive): (&'a Fold, bool),
        [start, end]: [Value; 2],
        prefix: &[Value],
    ) {
        let mut first = start;
        if is_exclusive {
            self.store_elements(fold, &target.arrays, start, prefix);
            first = self.builder.ins().iadd_imm_s(start, 1);
        }
        self.for_range(first, end, &[], |e, flat, _| {
            let addresses = e.element_addresses(fold, &target.arrays, flat);
            let local = e.load_each(fold, &addresses);
            let shown = e.combine(fold, prefix, &local);
            addresses.iter().zip(shown).for_each(|(address, value)| e.store(value, *address));
            Vec::new()
        });
    }

    pub(super) fn store_elements(&mut self, fold: &Fold, arrays: &[Value], flat: Value, values: &[Value]) {
        let addresses = self.element_addresses(fold, arrays, flat);
        addresses.iter().zip(values).for_each(|(address, value)| self.store(*value, *address));
    }

    fn element_addresses(&mut self, fold: &Fold, arrays: &[Value], flat: Value) -> Vec<Value> {
        let pairs = arrays.iter().zip(&fold.neutral);
        pairs.map(|(array, neutral)| self.element_address(self.body.scalar(*neutral), *array, flat)).collect()
    }

    fn load_each(&mut self, fold: &Fold, addresses: &[Value]) -> Vec<Value> {
        let pairs = addresses.iter().zip(&fold.neutral);
        pairs.map(|(address, neutral)| self.load(self.body.scalar(*neutral), *address)).collect()
    }

    /// The leaf results of `target`, the components of whose fold begin at `first` of all that the nest folds.
    pub(super) fn partials(&mut self, base: Value, first: usize, width: usize, leaves: Value) -> Cells {
        let stride = self.builder.ins().ishl_imm_u(leaves, 3);
        let offset = self.builder.ins().imul_imm_s(stride, first as i64);
        let start = self.builder.ins().iadd(base, offset);
        self.cells(start, width, stride)
    }
}
