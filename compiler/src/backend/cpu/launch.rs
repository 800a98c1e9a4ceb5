//! Launches: the outside of each function of a plan.

use super::{
    emitter::Emitter,
    fold::{Cells, FoldCells},
    helper::Helpers,
    nest::Loops,
    vector::{Row, Rows},
};
use crate::{
    ir::{Fold, Inst, Kernel, Op, Sink, Value as IrValue},
    plan::{Domain, Launch, Plan, Work},
};
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, Signature, Value, condcodes::IntCC, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::Module;

/// The signature of every function of a plan.
pub(super) fn signature(module: &dyn Module) -> Signature {
    let mut signature = module.make_signature();
    signature.params = vec![AbiParam::new(types::I64); 5];
    signature
}

/// Fills `function` with the code of `launch`.
pub(super) fn build(
    kernel: &Kernel,
    plan: &Plan,
    launch: &Launch,
    helpers: &Helpers,
    module: &mut dyn Module,
    function: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    let builder = FunctionBuilder::new(function, context);
    let (mut emitter, range) = Emitter::new(builder, module, helpers, kernel, plan, launch);
    emitter.work(launch, range);
    emitter.builder.ins().return_(&[]);
    emitter.builder.seal_all_blocks();
    let config = emitter.module.target_config();
    emitter.builder.finalize(config);
}

impl<'a> Emitter<'a, '_> {
    fn work(&mut self, launch: &Launch, range: [Value; 2]) {
        let work = &launch.work;
        if let Work::Serial(insts) = work {
            return insts.iter().for_each(|inst| self.serial(*inst));
        }
        let body = self.body;
        let Some((inst, nest)) = work.nest().and_then(|inst| match &body.insts[inst].op {
            Op::Nest(nest) => Some((inst, nest)),
            _ => None,
        }) else {
            return;
        };
        let loops = match work {
            Work::Prepare(_) | Work::Combine(_) | Work::Merge(_) => self.scalar_loops(inst, nest),
            _ => self.loops(inst, nest),
        };
        match (work, &launch.domain) {
            (Work::Prepare(_), _) => self.prepare(&loops),
            (Work::Merge(_), _) => self.merge_all_bins(&loops),
            (Work::Main(_), Domain::Elements(_)) => self.elements(&loops, range),
            (Work::Main(_), _) => self.leaf_range(inst, &loops, range),
            (Work::Combine(_), Domain::Once) => self.combine_leaves(inst, &loops, None),
            (Work::Combine(_), _) => self.combine_leaves(inst, &loops, Some(range)),
            (Work::Apply(_) | Work::Serial(_), _) => self.apply(inst, &loops, range),
        }
    }

    fn serial(&mut self, inst: Inst) {
        self.inst(inst);
        let body = self.body;
        self.store_results(&body.insts[inst].results);
    }

    /// Stores the scalars among `results` that others read into their slots.
    fn store_results(&mut self, results: &[IrValue]) {
        for &result in results {
            if let (false, Some(slot)) = (self.body.ty(result).is_array(), self.plan.slot(result)) {
                let value = self.value(result);
                self.store_slot(slot, value);
            }
        }
    }

    fn prepare(&mut self, loops: &Loops<'a>) {
        self.clear_all_bins(loops);
        let zero = self.int(0);
        self.store_counts(loops, &vec![zero; loops.filters()]);
    }

    /// Stores how many elements passed each filter.
    fn store_counts(&mut self, loops: &Loops<'a>, counts: &[Value]) {
        for (output, count) in count_outputs(loops).zip(counts) {
            if let Some(slot) = self.plan.slot(output) {
                self.store_slot(slot, *count);
            }
        }
    }

    fn load_counts(&mut self, loops: &Loops<'a>) -> Vec<Value> {
        let mut counts = Vec::new();
        for output in count_outputs(loops) {
            counts.push(match self.plan.slot(output) {
                Some(slot) => self.load_address(slot),
                None => self.int(0),
            });
        }
        counts
    }

    /// The elements of a range of flat indices, row by row.
    fn elements(&mut self, loops: &Loops<'a>, [begin, end]: [Value; 2]) {
        let extents = self.all(&loops.nest.dims);
        let Some((&row_length, outer)) = extents.split_last() else { return };
        if outer.is_empty() {
            return self.row_elements(loops, Row { outer: &[], range: [begin, end], offset: None });
        }
        // Dividing by an empty extent would trap, so an empty range ends here.
        let is_some = self.icmp(IntCC::SignedLessThan, begin, end);
        self.if_then(is_some, |e| {
            let mut state = vec![begin];
            state.extend(e.unflatten(begin, &extents));
            e.while_loop(
                &state,
                |e, state| e.icmp(IntCC::SignedLessThan, state[0], end),
                |e, state| e.next_rows(loops, state, (outer, row_length), end),
            );
        });
    }

    /// Emits whole rows in bands or what is left of one row; gives the position after it.
    fn next_rows(
        &mut self,
        loops: &Loops<'a>,
        state: &[Value],
        (outer, row_length): (&[Value], Value),
        end: Value,
    ) -> Vec<Value> {
        let rest = |e: &mut Self| e.rest_of_row(loops, state, (outer, row_length), end);
        let (Some(bands), [flat, outer_indices @ .., first]) = (&loops.bands, state) else {
            return rest(self);
        };
        let ([before @ .., row], [.., row_count]) = (outer_indices, outer) else { return rest(self) };
        let left = self.builder.ins().isub(end, *flat);
        let whole = self.builder.ins().udiv(left, row_length);
        let rows_left = self.builder.ins().isub(*row_count, *row);
        let count = self.builder.ins().smin(whole, rows_left);
        // Inside of a row no whole one begins.
        let zero = self.int(0);
        let count = self.builder.ins().select(*first, zero, count);
        let rows_end = self.builder.ins().iadd(*row, count);
        let rows = Rows { outer: before, range: [*row, rows_end], flat: *flat, length: row_length };
        let fits = self.fit_bands(bands, rows);
        let in_bands = |e: &mut Self| {
            e.bands(loops, bands, rows);
            let size = e.builder.ins().imul(count, row_length);
            let mut next = vec![e.builder.ins().iadd(*flat, size)];
            next.extend(e.row_after(outer_indices, outer, count));
            next.push(e.int(0));
            next
        };
        self.if_else(fits, &self.types(state), in_bands, rest)
    }

    /// Emits what is left of one row; gives the position after it.
    fn rest_of_row(
        &mut self,
        loops: &Loops<'a>,
        state: &[Value],
        (outer, row_length): (&[Value], Value),
        end: Value,
    ) -> Vec<Value> {
        let (flat, indices) = (state[0], &state[1..]);
        let (outer_indices, first) = (&indices[..outer.len()], indices[outer.len()]);
        let to_row_end = self.builder.ins().isub(row_length, first);
        let to_end = self.builder.ins().isub(end, flat);
        let is_cut = self.icmp(IntCC::SignedLessThan, to_end, to_row_end);
        let count = self.builder.ins().select(is_cut, to_end, to_row_end);
        let last = self.builder.ins().iadd(first, count);
        let offset = self.builder.ins().isub(flat, first);
        self.row_elements(loops, Row { outer: outer_indices, range: [first, last], offset: Some(offset) });
        let next_flat = self.builder.ins().iadd(flat, count);
        let mut next = vec![next_flat];
        let one = self.int(1);
        next.extend(self.row_after(outer_indices, outer, one));
        next.push(self.int(0));
        next
    }

    /// The outer indices of the row `count` rows after that at `indices`, no further than the first of the next plane.
    fn row_after(&mut self, indices: &[Value], extents: &[Value], count: Value) -> Vec<Value> {
        let zero = self.int(0);
        let mut carry = count;
        let mut next = Vec::new();
        for (index, extent) in indices.iter().zip(extents).rev() {
            let sum = self.builder.ins().iadd(*index, carry);
            let wraps = self.icmp(IntCC::Equal, sum, *extent);
            next.push(self.builder.ins().select(wraps, zero, sum));
            carry = self.builder.ins().uextend(types::I64, wraps);
        }
        next.reverse();
        next
    }

    /// The indices of flat index `flat`; no extent is 0.
    fn unflatten(&mut self, flat: Value, extents: &[Value]) -> Vec<Value> {
        let mut rest = flat;
        let mut indices = Vec::new();
        for extent in extents.iter().rev() {
            indices.push(self.builder.ins().urem(rest, *extent));
            rest = self.builder.ins().udiv(rest, *extent);
        }
        indices.reverse();
        indices
    }

    /// A range of leaves: feeds the sinks and leaves the results of reductions and scans for the tree over leaves.
    fn leaf_range(&mut self, inst: Inst, loops: &Loops<'a>, [begin, end]: [Value; 2]) {
        let extent = self.value(loops.nest.dims[0]);
        let leaves = self.leaves(extent);
        let partials = self.all_partials(inst, loops, leaves);
        if self.plan.runs_on(inst).is_some() {
            return self.running_totals(loops, &partials, [begin, end]);
        }
        if let Some(shape) = loops.scan {
            return self.scan_totals(loops, shape, &partials, [begin, end]);
        }
        let counts = self.load_counts(loops);
        let counts = self.for_range(begin, end, &counts, |e, number, counts| {
            let leaf = e.leaf(number, extent);
            let (folded, counts) = e.leaf_elements(loops, leaf, counts, &[]);
            for (cells, values) in partials.iter().zip(folded) {
                e.store_cell(cells, number, &values);
            }
            counts
        });
        self.store_counts(loops, &counts);
    }

    /// The leaf results of each reduction and scan.
    fn all_partials(&mut self, inst: Inst, loops: &Loops<'a>, leaves: Value) -> Vec<Cells> {
        let Some(buffer) = self.plan.partials(inst) else { return Vec::new() };
        let base = self.load_address(self.plan.buffers[buffer.0 as usize].slot);
        let mut first = 0;
        let mut all = Vec::new();
        for (_, fold) in loops.folds() {
            all.push(self.partials(base, first, fold.width(), leaves));
            first += fold.width();
        }
        all
    }

    /// Combines the leaf results: those of a range of leaves, if all are prefixes of scans, or all.
    fn combine_leaves(&mut self, inst: Inst, loops: &Loops<'a>, range: Option<[Value; 2]>) {
        let extent = self.value(loops.nest.dims[0]);
        let leaves = self.leaves(extent);
        let partials = self.all_partials(inst, loops, leaves);
        for ((target, fold), cells) in loops.folds().zip(partials) {
            match (target.sink, &target.cells) {
                (Sink::Reduce { on_empty, .. }, _) => {
                    let total = |e: &mut Self| {
                        e.combine_by_doubling(fold, &cells, leaves);
                        let zero = e.int(0);
                        e.load_cell(fold, &cells, zero)
                    };
                    let total = self.total_or_neutral(fold, *on_empty, extent, total);
                    target.outputs.iter().zip(total).for_each(|(output, value)| self.define(*output, value));
                    self.store_results(target.outputs);
                }
                (_, Some(counter)) => {
                    let range = range.unwrap_or_else(|| [self.int(0), leaves]);
                    self.totals_to_prefixes((fold, counter), &cells, range, leaves);
                }
                (_, None) => {}
            }
        }
    }

    /// Replaces the total of each leaf of a range but the first of all by the fold of the leaves before it; the counter
    /// knows those before the range.
    fn totals_to_prefixes(
        &mut self,
        (fold, counter): (&'a Fold, &FoldCells),
        cells: &Cells,
        [begin, end]: [Value; 2],
        leaves: Value,
    ) {
        self.for_range(begin, end, &[], |e, number, _| {
            let total = e.load_cell(fold, cells, number);
            e.if_then(number, |e| {
                let prefix = e.prefix(fold, counter, number);
                e.store_cell(cells, number, &prefix);
            });
            e.count_prefix(fold, counter, (number, leaves), &total);
            Vec::new()
        });
    }

    /// The second pass of scans.
    fn apply(&mut self, inst: Inst, loops: &Loops<'a>, [begin, end]: [Value; 2]) {
        let extent = self.value(loops.nest.dims[0]);
        let leaves = self.leaves(extent);
        let partials = self.all_partials(inst, loops, leaves);
        if let Some(running) = self.plan.runs_on(inst) {
            return self.running_elements(loops, running, &partials, [begin, end]);
        }
        if let Some(shape) = loops.scan {
            return self.scan_elements(loops, shape, &partials, [begin, end]);
        }
        self.for_range(begin, end, &[], |e, number, _| {
            // The first leaf has no prefix.
            e.if_then(number, |e| {
                let leaf = e.leaf(number, extent);
                for ((target, fold), cells) in loops.folds().zip(&partials) {
                    if let Sink::Scan { exclusive, .. } = target.sink {
                        let prefix = e.load_cell(fold, cells, number);
                        e.apply_prefix(target, (fold, *exclusive), [leaf.start, leaf.end], &prefix);
                    }
                }
            });
            Vec::new()
        });
    }
}

/// The results that count what passes, one for each filter.
fn count_outputs(loops: &Loops<'_>) -> impl Iterator<Item = IrValue> {
    let filters = loops.targets.iter().filter(|target| matches!(target.sink, Sink::Filter { .. }));
    filters.map(|target| target.outputs[0]).collect::<Vec<_>>().into_iter()
}
