//! Nests: the loops over a domain. A nest of the entry block is cut into ranges by its plan (`launch`); a nest inside
//! a block runs whole, here.

use super::{
    emitter::{Element, Emitter},
    sink::{Prefix, Target},
    vector::{self, Bands, ColumnLoops, Row, Rows, Shape},
};
use crate::{
    ir::{Fold, Inst, Nest, Sink, Site, Value as IrValue},
    plan::LEAF,
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC};
use pk_dsl::scalar::Const;

/// A nest and its sinks.
pub(super) struct Loops<'a> {
    pub(super) level: Level,
    pub(super) nest: &'a Nest,
    pub(super) targets: Vec<Target<'a>>,
    /// How groups of elements are computed at once, if they are.
    pub(super) shape: Option<Shape>,
    /// How the elements of scans that run on, or leaves of others side by side, are computed at once, if they are.
    pub(super) scan: Option<Shape>,
    /// How the columns are computed along which the nest reduces, if it does.
    pub(super) columns: Option<ColumnLoops<'a>>,
    /// How several rows are computed together that read the same along their columns, if there are such.
    pub(super) bands: Option<Bands<'a>>,
}

/// Where a nest stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Inside no other nest: faults belong to its elements.
    Outermost,
    /// Inside another nest: faults belong to the element of that.
    Inner,
}

impl<'a> Loops<'a> {
    /// The reductions, with the position of their target.
    pub(super) fn folds(&self) -> impl Iterator<Item = (&Target<'a>, &'a Fold)> {
        self.targets.iter().filter_map(|target| match target.sink {
            Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } => Some((target, fold)),
            Sink::Map | Sink::Filter { .. } | Sink::ReduceByIndex { .. } => None,
        })
    }
}

/// The elements of a leaf.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    pub(super) start: Value,
    pub(super) end: Value,
}

impl<'a> Emitter<'a, '_> {
    /// The nest of `inst`, element by element.
    pub(super) fn scalar_loops(&mut self, inst: Inst, nest: &'a Nest) -> Loops<'a> {
        let level = match self.element {
            Element::Outside => Level::Outermost,
            Element::At(_) | Element::InFold => Level::Inner,
        };
        let targets = self.targets(inst, nest);
        Loops { level, nest, targets, shape: None, scan: None, columns: None, bands: None }
    }

    /// The nest of `inst`, in vectors where it can be.
    pub(super) fn loops(&mut self, inst: Inst, nest: &'a Nest) -> Loops<'a> {
        let mut loops = self.scalar_loops(inst, nest);
        let level = loops.level;
        // The elements of an inner reduction are not visited in order and share one element of the nest around, for
        // which the first of several faults is to be reported.
        let folds = nest.sinks.iter().any(|sink| sink.fold().is_some());
        let is_ordered = level == Level::Inner && folds && self.body.has_sites(nest.body);
        if self.has_vectors && !is_ordered {
            loops.shape = vector::shape_of(self.body, nest);
        }
        if self.has_vectors && level == Level::Outermost {
            loops.scan = match self.plan.runs_on(inst) {
                Some(_) => vector::running_shape_of(self.body, nest),
                None => vector::scan_shape_of(self.body, nest),
            };
        }
        loops.columns = self.column_loops(inst, nest);
        loops.bands = self.band_loops(inst, nest);
        if loops.shape.is_some() && vector::have_identities(self.body, nest) {
            let cells = loops.targets.iter_mut().filter_map(|target| target.cells.as_mut());
            cells.for_each(|cells| cells.lanes_are_full = true);
        }
        loops
    }

    /// Emits a nest that is inside a block; gives its results.
    pub(super) fn inner_nest(&mut self, inst: Inst, nest: &'a Nest) -> Vec<Value> {
        let loops = self.loops(inst, nest);
        if loops.targets.iter().all(|target| matches!(target.sink, Sink::Map)) {
            let zero = self.int(0);
            self.inner_elements(&loops, &mut Vec::new(), zero);
            return loops.targets.into_iter().flat_map(|target| target.arrays).collect();
        }
        self.clear_all_bins(&loops);
        let zero = self.int(0);
        let extent = self.value(nest.dims[0]);
        let leaves = self.leaves(extent);
        let counts = vec![zero; loops.filters()];
        let counts = self.for_range(zero, leaves, &counts, |e, number, counts| {
            e.poll();
            let leaf = e.leaf(number, extent);
            let prefixes = e.inner_prefixes(&loops, number);
            let (folded, counts) = e.leaf_elements(&loops, leaf, counts, &prefixes);
            for ((target, fold), values) in loops.folds().zip(folded) {
                let Some(cells) = &target.cells else { continue };
                match target.sink {
                    Sink::Scan { .. } => e.count_prefix(fold, cells, (number, leaves), &values),
                    _ => e.count_leaf(fold, cells, number, &values),
                }
            }
            counts
        });
        self.inner_results(&loops, extent, leaves, counts)
    }

    /// Emits the loops of the dimensions that `indices` leaves open around the body.
    fn inner_elements(&mut self, loops: &Loops<'a>, indices: &mut Vec<Value>, flat: Value) {
        let Some(&extent) = loops.nest.dims.get(indices.len()) else {
            return self.map_element(loops, indices, flat);
        };
        let (zero, extent) = (self.int(0), self.value(extent));
        let row = self.builder.ins().imul(flat, extent);
        if indices.len() + 1 == loops.nest.dims.len() {
            let offset = if indices.is_empty() { None } else { Some(row) };
            return self.row_elements(loops, Row { outer: indices, range: [zero, extent], offset });
        }
        let (Some(bands), &[length]) = (&loops.bands, &loops.nest.dims[indices.len() + 1..]) else {
            return self.inner_rows(loops, indices, (row, extent));
        };
        let (outer, length) = (indices.clone(), self.value(length));
        let flat = self.builder.ins().imul(row, length);
        let rows = Rows { outer: &outer, range: [zero, extent], flat, length };
        self.bands_or(loops, bands, rows, |e| e.inner_rows(loops, indices, (row, extent)));
    }

    /// Emits the loops inside of a dimension of this extent; `row` is the flat index of its first element.
    fn inner_rows(&mut self, loops: &Loops<'a>, indices: &mut Vec<Value>, (row, extent): (Value, Value)) {
        let zero = self.int(0);
        self.for_range(zero, extent, &[], |e, index, _| {
            let flat = e.builder.ins().iadd(row, index);
            indices.push(index);
            e.inner_elements(loops, indices, flat);
            indices.pop();
            Vec::new()
        });
    }

    /// Emits the body for one element of a nest whose sinks are maps.
    pub(super) fn map_element(&mut self, loops: &Loops<'a>, indices: &[Value], flat: Value) {
        let outer = self.enter_element(loops, flat);
        let rows = self.offer_rows(&loops.targets, flat);
        self.block_with(loops.nest.body, indices);
        loops.targets.iter().zip(rows).for_each(|(target, row)| self.feed_map(target, flat, row));
        self.element = outer;
    }

    /// The prefix that leaf `number` of each scan continues, `None` for reductions.
    fn inner_prefixes(&mut self, loops: &Loops<'a>, number: Value) -> Vec<Option<Prefix>> {
        let mut prefixes = Vec::new();
        for (target, fold) in loops.folds() {
            let (Sink::Scan { .. }, Some(cells)) = (target.sink, &target.cells) else {
                prefixes.push(None);
                continue;
            };
            let zeros: Vec<Value> = fold.neutral.iter().map(|neutral| self.zero_like(*neutral)).collect();
            let types = self.types(&zeros);
            let is_some = self.builder.ins().icmp_imm_u(IntCC::NotEqual, number, 0);
            let values = self.if_else(is_some, &types, |e| e.prefix(fold, cells, number), |_| zeros);
            prefixes.push(Some(Prefix { is_some, values }));
        }
        prefixes
    }

    pub(super) fn zero_like(&mut self, value: IrValue) -> Value {
        self.constant(Const::zero(self.body.scalar(value)))
    }

    fn inner_results(
        &mut self,
        loops: &Loops<'a>,
        extent: Value,
        leaves: Value,
        counts: Vec<Value>,
    ) -> Vec<Value> {
        let mut counts = counts.into_iter();
        let mut results = Vec::new();
        for target in &loops.targets {
            match (target.sink, &target.cells) {
                (Sink::Reduce { fold, on_empty }, Some(cells)) => {
                    let total = |e: &mut Self| e.counted_total(fold, cells, leaves);
                    results.extend(self.total_or_neutral(fold, *on_empty, extent, total));
                }
                (Sink::Filter { .. }, _) => results.extend(counts.next()),
                _ => {}
            }
            results.extend(&target.arrays);
        }
        results
    }

    /// What `total` computes; for an empty domain the neutral element, or zero and a fault at `on_empty`.
    pub(super) fn total_or_neutral(
        &mut self,
        fold: &'a Fold,
        on_empty: Option<Site>,
        extent: Value,
        total: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Vec<Value> {
        let is_empty = self.icmp_zero(extent);
        let empty = match on_empty {
            None => self.all(&fold.neutral),
            Some(site) => {
                self.fault_if(is_empty, site, |e| (e.int(0), e.int(0)));
                fold.neutral.iter().map(|neutral| self.zero_like(*neutral)).collect()
            }
        };
        let types = self.types(&empty);
        self.if_else(is_empty, &types, |_| empty, total)
    }

    /// The number of leaves of a domain of `extent` elements.
    pub(super) fn leaves(&mut self, extent: Value) -> Value {
        let shift = i64::from(LEAF.trailing_zeros());
        let full = self.builder.ins().ushr_imm_u(extent, shift);
        let rest = self.builder.ins().band_imm_u(extent, LEAF - 1);
        let is_partial = self.builder.ins().icmp_imm_u(IntCC::NotEqual, rest, 0);
        let partial = self.builder.ins().uextend(cranelift_codegen::ir::types::I64, is_partial);
        self.builder.ins().iadd(full, partial)
    }

    /// Leaf `number` of a domain of `extent` elements.
    pub(super) fn leaf(&mut self, number: Value, extent: Value) -> Leaf {
        let start = self.builder.ins().ishl_imm_u(number, i64::from(LEAF.trailing_zeros()));
        let full = self.builder.ins().iadd_imm_s(start, LEAF);
        // Near the top of the range of indices the end of a full leaf wraps.
        let left = self.builder.ins().isub(extent, start);
        let is_partial = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, LEAF);
        let end = self.builder.ins().select(is_partial, extent, full);
        Leaf { start, end }
    }

    /// Emits the elements of one leaf of a one-dimensional nest. `counts` are the numbers of elements that passed its
    /// filters so far. Gives the leaf's result for each reduction and scan, and the new counts.
    pub(super) fn leaf_elements(
        &mut self,
        loops: &Loops<'a>,
        leaf: Leaf,
        counts: &[Value],
        prefixes: &[Option<Prefix>],
    ) -> (Vec<Vec<Value>>, Vec<Value>) {
        if let Some(shape) = loops.shape {
            return (self.grouped_leaf(loops, shape, leaf), Vec::new());
        }
        let mut carried = Vec::new();
        for (target, fold) in loops.folds() {
            if let Sink::Scan { .. } = target.sink {
                carried.extend(fold.neutral.iter().map(|neutral| self.zero_like(*neutral)));
            }
        }
        let scanned = carried.len();
        carried.extend(counts);
        let times = self.times_in_a_round(loops.nest);
        let carried = self.for_range_unrolled([leaf.start, leaf.end], times, &carried, |e, flat, carried| {
            e.leaf_element(loops, leaf, flat, carried.split_at(scanned), prefixes)
        });
        let (mut scanned, counts) = carried.split_at(scanned);
        let size = self.builder.ins().isub(leaf.end, leaf.start);
        let mut folded = Vec::new();
        for (target, fold) in loops.folds() {
            match (target.sink, &target.cells) {
                (Sink::Reduce { .. }, Some(cells)) => {
                    folded.push(self.combine_lanes(fold, &cells.lanes, size))
                }
                _ => folded.push(take(&mut scanned, fold.width()).to_vec()),
            }
        }
        (folded, counts.to_vec())
    }

    /// How many elements of `nest` a round of its scalar loop computes.
    fn times_in_a_round(&self, nest: &Nest) -> i64 {
        /// More instructions take longer than the jump back.
        const FEW: usize = 6;
        let is_plain =
            nest.sinks.iter().all(|sink| matches!(sink, Sink::ReduceByIndex { .. } | Sink::Filter { .. }));
        let mut count = 0;
        self.body.for_each_inst(nest.body, |_| count += 1);
        if is_plain && count <= FEW { 4 } else { 1 }
    }

    /// Emits the body for one element of a leaf and feeds its sinks; gives the carried values of scans and filters.
    pub(super) fn leaf_element(
        &mut self,
        loops: &Loops<'a>,
        leaf: Leaf,
        flat: Value,
        (mut scanned, mut counts): (&[Value], &[Value]),
        prefixes: &[Option<Prefix>],
    ) -> Vec<Value> {
        let outer = self.enter_element(loops, flat);
        let rows = self.offer_rows(&loops.targets, flat);
        self.block_with(loops.nest.body, &[flat]);
        let (mut next_scanned, mut next_counts) = (Vec::new(), Vec::new());
        let mut prefixes = prefixes.iter();
        for (target, row) in loops.targets.iter().zip(rows) {
            match (target.sink, &target.cells) {
                (Sink::Map, _) => self.feed_map(target, flat, row),
                (Sink::Reduce { fold, .. }, cells) => {
                    prefixes.next();
                    let at = self.builder.ins().isub(flat, leaf.start);
                    let values = self.all(target.inputs);
                    cells.iter().for_each(|cells| self.feed_lane(fold, cells, at, &values));
                }
                (Sink::Scan { fold, exclusive }, _) => {
                    let before = take(&mut scanned, fold.width());
                    let prefix = prefixes.next().and_then(Option::as_ref);
                    let scan = (fold, *exclusive);
                    next_scanned.extend(self.feed_scan(target, scan, (flat, leaf.start), before, prefix));
                }
                (Sink::Filter { .. }, _) => {
                    let count = take(&mut counts, 1)[0];
                    next_counts.push(self.feed_filter(target, count));
                }
                (Sink::ReduceByIndex { bins, fold }, _) => self.feed_bin(target, *bins, fold),
            }
        }
        self.element = outer;
        next_scanned.append(&mut next_counts);
        next_scanned
    }

    /// Lets faults belong to element `flat` if the nest is an outermost one; gives what they belonged to.
    pub(super) fn enter_element(&mut self, loops: &Loops<'a>, flat: Value) -> Element {
        match loops.level {
            Level::Outermost => std::mem::replace(&mut self.element, Element::At(flat)),
            Level::Inner => self.element,
        }
    }

    /// Gives the bins of all reductions by index their neutral elements.
    pub(super) fn clear_all_bins(&mut self, loops: &Loops<'a>) {
        for target in &loops.targets {
            if let Sink::ReduceByIndex { bins, fold } = target.sink {
                self.clear_bins(target, *bins, fold);
            }
        }
    }

    /// Merges a thread's own bins of all reductions by index into those of all threads.
    pub(super) fn merge_all_bins(&mut self, loops: &Loops<'a>) {
        let bins = loops.targets.iter().filter_map(|target| match target.sink {
            Sink::ReduceByIndex { bins, fold } => Some((target, *bins, fold)),
            _ => None,
        });
        let own = self.scratch[self.scratch.len() - bins.clone().count()..].to_vec();
        for ((target, bins, fold), own) in bins.zip(own) {
            self.merge_bins(target, own, bins, fold);
        }
    }
}

impl Loops<'_> {
    /// The number of filters.
    pub(super) fn filters(&self) -> usize {
        self.targets.iter().filter(|target| matches!(target.sink, Sink::Filter { .. })).count()
    }
}

/// Takes the first `count` of `values` off them.
fn take<'v>(values: &mut &'v [Value], count: usize) -> &'v [Value] {
    let (first, rest) = values.split_at(count);
    *values = rest;
    first
}
