//! The plan for one address space: a nest of the entry block is a step of its own, all between two nests is one step.

use super::{
    ArraySize, ArraySource, Bins, Buffer, BufferData, Domain, Extent, Filtered, Home, LEAF, Launch, OwnParts,
    Plan, ResultSource, Slot, SlotContent, Step, Work,
    cost::{Cost, Estimator},
    home::{Content, Homes},
    identity, index,
    running::{RunsOn, runs_on},
};
use crate::ir::{Fold, Inst, Kernel, Nest, Op, Sink, Type, Value};
use pk_dsl::scalar::Scalar;

/// The plan of `kernel`.
pub fn cpu(kernel: &Kernel) -> Plan {
    let mut planner = Planner::new(kernel);
    let parts = planner.partition();
    planner.assign_slots(&parts);
    planner.assign_buffers();
    for part in &parts {
        planner.schedule(part);
    }
    planner.set_results();
    planner.add_releases();
    planner.plan
}

/// Instructions of the entry block that become one step: a nest, or instructions without nests between them.
struct Part {
    insts: Vec<Inst>,
    /// The values of the entry block whose slots its code reads.
    inputs: Vec<Value>,
}

struct Planner<'a> {
    kernel: &'a Kernel,
    plan: Plan,
    /// For each instruction of the entry block, the number of its part.
    part_of: Vec<Option<usize>>,
    /// Whether a value is defined in the entry block.
    is_entry_value: Vec<bool>,
}

impl<'a> Planner<'a> {
    fn new(kernel: &'a Kernel) -> Self {
        let body = &kernel.body;
        let (values, insts) = (body.values.len(), body.insts.len());
        let plan = Plan {
            slots: vec![SlotContent::Cancel, SlotContent::Stopped],
            buffers: Vec::new(),
            steps: Vec::new(),
            results: Vec::new(),
            homes: vec![None; values],
            value_slots: vec![None; values],
            carried: vec![None; values],
            partials: vec![None; insts],
            cells: vec![None; insts],
            columns: vec![None; insts],
            runs_on: vec![None; insts],
        };
        let mut is_entry_value = vec![false; values];
        let entry = &body.blocks[body.entry];
        let results = entry.insts.iter().flat_map(|inst| &body.insts[*inst].results);
        entry.params.iter().chain(results).for_each(|value| is_entry_value[index(*value)] = true);
        Planner { kernel, plan, part_of: vec![None; insts], is_entry_value }
    }

    /// Cuts the entry block into parts. Constants belong to none: each function makes its own.
    fn partition(&mut self) -> Vec<Part> {
        let body = &self.kernel.body;
        let mut parts: Vec<Part> = Vec::new();
        let mut is_open = false;
        for &inst in &body.blocks[body.entry].insts {
            let is_nest = match &body.insts[inst].op {
                Op::Const(_) => continue,
                op => matches!(op, Op::Nest(_)),
            };
            let is_same_part = is_open && !is_nest && !self.sizes_depend_on(inst, parts.len() - 1);
            if !is_same_part {
                parts.push(Part { insts: Vec::new(), inputs: Vec::new() });
            }
            let last = parts.len() - 1;
            parts[last].insts.push(inst);
            self.part_of[index(inst)] = Some(last);
            is_open = !is_nest;
        }
        for (number, part) in parts.iter_mut().enumerate() {
            part.inputs = self.inputs(number, &part.insts);
        }
        parts
    }

    /// Whether memory that `inst` needs has a size that the part computes, so that the host must stop between the two.
    fn sizes_depend_on(&self, inst: Inst, part: usize) -> bool {
        let mut depends = false;
        self.for_each_type(inst, |ty| {
            depends |= ty.shape.iter().any(|extent| self.is_defined_by(*extent, part));
        });
        depends
    }

    fn is_defined_by(&self, value: Value, part: usize) -> bool {
        self.kernel.body.def(value).is_some_and(|inst| self.part_of[index(inst)] == Some(part))
    }

    /// Calls `visit` with the type of each value that `inst` and the blocks inside it define.
    fn for_each_type(&self, inst: Inst, mut visit: impl FnMut(&Type)) {
        let body = &self.kernel.body;
        body.insts[inst].results.iter().for_each(|value| visit(body.ty(*value)));
        body.insts[inst].op.for_each_block(|block| {
            body.for_each_block(block, |block| {
                let data = &body.blocks[block];
                let results = data.insts.iter().flat_map(|inst| &body.insts[*inst].results);
                data.params.iter().chain(results).for_each(|value| visit(body.ty(*value)));
            });
        });
    }

    /// The values of the entry block that the code of a part finds in slots, each once: what others compute, and the
    /// addresses of its own arrays.
    fn inputs(&self, part: usize, insts: &[Inst]) -> Vec<Value> {
        let body = &self.kernel.body;
        let mut is_known = vec![false; body.values.len()];
        let mut inputs = Vec::new();
        let mut visit = |value: Value| {
            for &value in std::iter::once(&value).chain(&body.ty(value).shape) {
                let is_own = self.is_defined_by(value, part) && !body.ty(value).is_array();
                let is_input = self.is_entry_value[index(value)] && !is_own && body.constant(value).is_none();
                if is_input && !std::mem::replace(&mut is_known[index(value)], true) {
                    inputs.push(value);
                }
            }
        };
        for &inst in insts {
            let data = &body.insts[inst];
            data.op.for_each_operand(&mut visit);
            data.results.iter().for_each(|value| visit(*value));
            data.op.for_each_block(|block| body.for_each_use(block, &mut visit));
        }
        inputs
    }

    fn assign_slots(&mut self, parts: &[Part]) {
        let body = &self.kernel.body;
        let entry = &body.blocks[body.entry];
        entry.params.iter().for_each(|param| self.add_slot(*param));
        parts.iter().flat_map(|part| &part.inputs).for_each(|value| self.add_slot(*value));
        for &inst in &entry.insts {
            let Op::Nest(nest) = &body.insts[inst].op else { continue };
            nest.dims.iter().for_each(|extent| self.add_slot(*extent));
        }
        for (_, data) in body.values.iter() {
            data.ty.shape.iter().for_each(|extent| self.add_slot(*extent));
        }
        entry.results.iter().for_each(|result| self.add_slot(*result));
    }

    /// Gives `value` a slot unless it has one or is a constant.
    fn add_slot(&mut self, value: Value) {
        if self.plan.slot(value).is_none() && self.kernel.body.constant(value).is_none() {
            self.plan.value_slots[index(value)] = Some(self.new_slot(SlotContent::Value(value)));
        }
    }

    fn new_slot(&mut self, content: SlotContent) -> Slot {
        self.plan.slots.push(content);
        Slot(self.plan.slots.len() as u32 - 1)
    }

    /// Gives each array that the entry block defines a buffer.
    fn assign_buffers(&mut self) {
        let body = &self.kernel.body;
        for &inst in &body.blocks[body.entry].insts {
            let data = &body.insts[inst];
            for &value in data.results.iter().filter(|value| body.ty(**value).is_array()) {
                self.add_slot(value);
                let mut size = self.array_size(value);
                if let (Op::Nest(nest), true) = (&data.op, self.is_filter_result(inst, value)) {
                    // How many elements pass is known too late: there is room for all.
                    size.extents[0] = self.extent(nest.dims[0]);
                }
                let slot = self.slot_of(value);
                let buffer = self.new_buffer(slot, size);
                self.plan.homes[index(value)] = Some(Home::Buffer(buffer));
            }
        }
    }

    fn new_buffer(&mut self, slot: Slot, size: ArraySize) -> Buffer {
        self.plan.buffers.push(BufferData { slot, size, result: None });
        Buffer(self.plan.buffers.len() as u32 - 1)
    }

    fn is_filter_result(&self, inst: Inst, value: Value) -> bool {
        let body = &self.kernel.body;
        let extent = body.ty(value).shape[0];
        body.def(extent) == Some(inst)
    }

    /// The slot of a value of the entry block that is no constant.
    fn slot_of(&mut self, value: Value) -> Slot {
        self.add_slot(value);
        self.plan.slot(value).unwrap_or(Slot::STOPPED)
    }

    fn extent(&self, value: Value) -> Extent {
        let constant = self.kernel.body.constant(value).and_then(|constant| constant.as_int());
        match (constant, self.plan.slot(value)) {
            (None, Some(slot)) => Extent::Slot(slot),
            (constant, _) => Extent::Constant(constant.unwrap_or(0) as i64),
        }
    }

    /// Adds the steps of `part`.
    fn schedule(&mut self, part: &Part) {
        for &inst in &part.insts {
            for &value in &self.kernel.body.insts[inst].results {
                if let Some(Home::Buffer(buffer)) = self.plan.home(value) {
                    self.plan.steps.push(Step::Allocate(buffer));
                }
            }
        }
        let scratch = self.assign_homes(part);
        let launch = |work, domain, cost| {
            let (inputs, scratch) = (part.inputs.clone(), scratch.clone());
            Launch { work, domain, inputs, scratch, cost, follows: false, suffices: false, own: None }
        };
        match &self.kernel.body.insts[part.insts[0]].op {
            Op::Nest(nest) => self.schedule_nest(part.insts[0], nest, launch),
            _ => self.run(launch(Work::Serial(part.insts.clone()), Domain::Once, Cost::default())),
        }
    }

    /// Adds a launch.
    fn run(&mut self, launch: Launch) {
        self.plan.steps.push(Step::Run(launch));
    }

    /// Finds places for the arrays inside `part`; gives the scratch memory that they need.
    fn assign_homes(&mut self, part: &Part) -> Vec<ArraySize> {
        let mut homes = Homes {
            body: &self.kernel.body,
            homes: &mut self.plan.homes,
            carried: &mut self.plan.carried,
            cells: &mut self.plan.cells,
            columns: &mut self.plan.columns,
            scratch: Vec::new(),
        };
        part.insts.iter().for_each(|inst| homes.assign_inside(*inst));
        let contents = homes.scratch;
        let sizes = contents.into_iter().map(|content| match content {
            Content::Array(value) => self.array_size(value),
            Content::Cells(count) => {
                ArraySize { scalar: Scalar::U64, extents: vec![Extent::Constant(count)] }
            }
        });
        sizes.collect()
    }

    fn array_size(&self, value: Value) -> ArraySize {
        let ty = self.kernel.body.ty(value);
        ArraySize { scalar: ty.scalar, extents: ty.shape.iter().map(|value| self.extent(*value)).collect() }
    }

    fn schedule_nest(&mut self, inst: Inst, nest: &Nest, launch: impl Fn(Work, Domain, Cost) -> Launch) {
        let once = |work| launch(work, Domain::Once, Cost::default());
        let (element, prefixes) = self.costs(nest);
        let extents: Vec<Extent> = nest.dims.iter().map(|extent| self.extent(*extent)).collect();
        let extent = extents[0];
        if nest.sinks.iter().all(|sink| matches!(sink, Sink::Map)) {
            return self.run(launch(Work::Main(inst), Domain::Elements(extents), element));
        }
        let components = nest.folded_components();
        if components > 0 {
            let size = ArraySize {
                scalar: Scalar::U64,
                extents: vec![leaves_of(extent), Extent::Constant(components)],
            };
            let slot = self.new_slot(SlotContent::Partials(inst));
            let buffer = self.new_buffer(slot, size);
            self.plan.partials[index(inst)] = Some(buffer);
            self.plan.steps.push(Step::Allocate(buffer));
        }
        if has_running_state(nest) {
            self.schedule_in_order(inst, nest, element, &launch);
        } else {
            self.run(launch(Work::Main(inst), Domain::Leaves(extent), element));
        }
        if self.is_combined_by_range(nest) {
            return self.schedule_by_range(inst, nest, extent, launch);
        }
        if components > 0 {
            self.run(once(Work::Combine(inst)));
        }
        if nest.sinks.iter().any(|sink| matches!(sink, Sink::Scan { .. })) {
            self.run(launch(Work::Apply(inst), Domain::Leaves(extent), prefixes));
        }
    }

    /// The launches of a nest whose elements find what those before them left.
    fn schedule_in_order(
        &mut self,
        inst: Inst,
        nest: &Nest,
        element: Cost,
        launch: &impl Fn(Work, Domain, Cost) -> Launch,
    ) {
        let parts = self.own_parts(inst, nest);
        let bins: Vec<ArraySize> =
            parts.iter().flat_map(|parts| &parts.bins).map(|bins| bins.size.clone()).collect();
        let extent = self.extent(nest.dims[0]);
        self.run(launch(Work::Prepare(inst), Domain::Once, Cost::default()));
        let main = launch(Work::Main(inst), Domain::LeavesInOrder(extent), element);
        self.run(Launch { own: parts, ..main });
        if !bins.is_empty() {
            let mut merge = launch(Work::Merge(inst), Domain::OwnBins, Cost::default());
            merge.scratch.extend(bins);
            self.run(merge);
        }
    }

    /// What threads that share `nest` have of their own, if they can.
    fn own_parts(&mut self, inst: Inst, nest: &Nest) -> Option<OwnParts> {
        let body = &self.kernel.body;
        let mut parts = OwnParts::default();
        let mut outputs = &body.insts[inst].results[..];
        for sink in &nest.sinks {
            let (own, rest) = outputs.split_at(sink.gives());
            outputs = rest;
            match sink {
                Sink::Filter { .. } => parts.filters.push(self.filtered(own)?),
                Sink::ReduceByIndex { fold, .. } => parts.bins.push(self.own_bins(fold, own)?),
                _ => {}
            }
        }
        Some(parts)
    }

    /// The results of a filter: the number of elements, and the arrays of them.
    fn filtered(&mut self, outputs: &[Value]) -> Option<Filtered> {
        let (count, arrays) = outputs.split_first()?;
        let element = |value: &Value| {
            let ArraySize { scalar, extents } = self.array_size(*value);
            Some((self.plan.slot(*value)?, ArraySize { scalar, extents: extents[1..].to_vec() }))
        };
        Some(Filtered {
            count: self.plan.slot(*count)?,
            arrays: arrays.iter().map(element).collect::<Option<_>>()?,
        })
    }

    /// The bins of a fold whose operator gives the same bits in any order.
    fn own_bins(&self, fold: &Fold, outputs: &[Value]) -> Option<Bins> {
        let &[array] = outputs else { return None };
        let identity = identity::of_exact(&self.kernel.body, fold)?;
        Some(Bins { slot: self.plan.slot(array)?, size: self.array_size(array), identity })
    }

    /// Adds what follows the first pass of scans whose prefixes are combined by range.
    fn schedule_by_range(
        &mut self,
        inst: Inst,
        nest: &Nest,
        extent: Extent,
        launch: impl Fn(Work, Domain, Cost) -> Launch,
    ) {
        let (element, prefixes) = self.costs(nest);
        let runs_on = runs_on(&self.kernel.body, nest, &element);
        if runs_on {
            let running = self.slots_between_ranges(inst, nest.folded_components());
            self.plan.runs_on[index(inst)] = Some(running);
        }
        let combine = launch(Work::Combine(inst), Domain::LeavesInOrder(extent), Cost::default());
        let cost = if runs_on { element } else { prefixes };
        let apply = launch(Work::Apply(inst), Domain::Leaves(extent), cost);
        self.run(Launch { follows: true, ..combine });
        self.run(Launch { follows: true, suffices: runs_on, ..apply });
    }

    /// Slots for what precedes a range of the scans of `inst`, which have so many components.
    fn slots_between_ranges(&mut self, inst: Inst, components: i64) -> RunsOn {
        let mut slot = || self.new_slot(SlotContent::RunsOn(inst));
        RunsOn { next: slot(), before: (0..components).map(|_| slot()).collect() }
    }

    /// Whether the prefixes of a range of leaves are known without the leaves behind it: all folds are scans. An operator
    /// that can fault would report another fault if it were called in another order.
    fn is_combined_by_range(&self, nest: &Nest) -> bool {
        let body = &self.kernel.body;
        let mut folds = nest.sinks.iter().filter_map(Sink::fold).peekable();
        folds.peek().is_some()
            && folds.all(|fold| !body.has_sites(fold.op))
            && nest.sinks.iter().all(|sink| matches!(sink, Sink::Map | Sink::Scan { .. }))
    }

    /// What an element of `nest` costs, and what it costs once more to apply the prefixes of its scans.
    fn costs(&self, nest: &Nest) -> (Cost, Cost) {
        let estimator = Estimator { body: &self.kernel.body, extent: |value| self.extent(value) };
        (estimator.element(nest), estimator.prefixes(nest))
    }

    fn set_results(&mut self) {
        let body = &self.kernel.body;
        let results = &body.blocks[body.entry].results;
        for (position, &value) in results.iter().enumerate() {
            let ty = body.ty(value);
            let source = match (body.constant(value), ty.is_array()) {
                (Some(constant), _) => ResultSource::Constant(constant),
                (None, false) => ResultSource::Scalar(ty.scalar, self.slot_of(value)),
                (None, true) => ResultSource::Array {
                    source: self.array_source(value, &results[..position]),
                    scalar: ty.scalar,
                    shape: ty.shape.iter().map(|extent| self.extent(*extent)).collect(),
                },
            };
            if let ResultSource::Array { source: ArraySource::Buffer(buffer), .. } = source {
                self.plan.buffers[buffer.0 as usize].result = Some(position);
            }
            self.plan.results.push(source);
        }
    }

    /// The source of the result `value`, which the results `earlier` precede.
    fn array_source(&self, value: Value, earlier: &[Value]) -> ArraySource {
        let body = &self.kernel.body;
        let same = earlier.iter().position(|result| *result == value);
        match (self.plan.home(value), same) {
            (_, Some(number)) => ArraySource::Result(number),
            (Some(Home::Buffer(buffer)), None) => ArraySource::Buffer(buffer),
            (_, None) => {
                let params = &body.blocks[body.entry].params[self.kernel.signature.sizes.len()..];
                ArraySource::Param(params.iter().position(|param| *param == value).unwrap_or(0))
            }
        }
    }

    /// Frees each buffer that is no result after the last step that may touch it.
    fn add_releases(&mut self) {
        let mut last_use: Vec<Option<usize>> = vec![None; self.plan.buffers.len()];
        for (at, step) in self.plan.steps.iter().enumerate() {
            for buffer in self.buffers_of(step) {
                last_use[buffer.0 as usize] = Some(at);
            }
        }
        let mut releases = vec![Vec::new(); self.plan.steps.len()];
        for (number, (data, last)) in self.plan.buffers.iter().zip(last_use).enumerate() {
            if let (None, Some(at)) = (data.result, last) {
                releases[at].push(Step::Release(Buffer(number as u32)));
            }
        }
        let steps = std::mem::take(&mut self.plan.steps);
        let with_releases = steps.into_iter().zip(releases);
        self.plan.steps =
            with_releases.flat_map(|(step, after)| std::iter::once(step).chain(after)).collect();
    }

    fn buffers_of(&self, step: &Step) -> Vec<Buffer> {
        let launch = match step {
            Step::Allocate(buffer) | Step::Release(buffer) => return vec![*buffer],
            Step::Run(launch) => launch,
        };
        let partials = launch.work.nest().and_then(|nest| self.plan.partials(nest));
        let arrays = launch.inputs.iter().filter_map(|value| match self.plan.home(*value) {
            Some(Home::Buffer(buffer)) => Some(buffer),
            _ => None,
        });
        arrays.chain(partials).collect()
    }
}

/// The number of leaves of a domain of `extent` elements.
fn leaves_of(extent: Extent) -> Extent {
    match extent {
        Extent::Constant(count) => Extent::Constant(count.div_euclid(LEAF) + i64::from(count % LEAF != 0)),
        Extent::Slot(slot) | Extent::LeavesOf(slot) => Extent::LeavesOf(slot),
    }
}

/// Whether an element of `nest` finds what the elements before it left.
fn has_running_state(nest: &Nest) -> bool {
    nest.sinks.iter().any(|sink| matches!(sink, Sink::Filter { .. } | Sink::ReduceByIndex { .. }))
}
