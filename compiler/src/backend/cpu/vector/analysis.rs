//! Which bodies can be computed for a group of elements at once, and how large the group is.
//!
//! Each value of a body falls into a [`Class`] by how it differs between the elements of a group. The rules for linear
//! values mirror `linear`. What has no vector form, or would be slower in one, leaves its nest to scalar code.

use super::{pack::VECTOR_BYTES, places, scan::LEAVES};
use crate::{
    ir::{Binary, Block, Body, Fold, Inst, Nest, Op, Order, Sink, Unary, Value},
    math::{self, Routine},
    plan::BAND_COLUMNS,
};
use pk_dsl::scalar::Scalar;
use std::collections::HashMap;

/// How a value differs between the elements of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Not at all.
    Uniform,
    /// It grows by a constant; see `linear`.
    Linear(i64),
    /// In any way.
    Varying,
}

/// How many elements the main loop of a nest computes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::cpu) struct Shape {
    /// The number of elements of a group; each vector of a group is full.
    pub(super) group: u32,
    /// The width of a mask in bytes where ways meet.
    pub(super) mask_bytes: u32,
    /// The least number of elements that fill a vector of every type.
    pub(super) least: u32,
}

/// Above this many operations fewer vectors are in flight: registers run out, and the code is long.
const LIGHT: usize = 24;
const HEAVY: usize = 80;

/// The most operations on vectors of a group: what is longer takes long to compile and gains little.
const MOST_OPERATIONS: usize = 4000;

/// What an operation costs that goes element by element.
const BY_LANE: usize = 8;

/// The most elements of a group: the lanes of a leaf.
const MOST: u32 = 32;

/// The most rows of a band that are computed together.
const MOST_ROWS: u32 = 4;

/// The shape in which `nest` is computed, whose innermost index varies; `None` if it is left to scalar code.
pub(in crate::backend::cpu) fn shape_of(body: &Body, nest: &Nest) -> Option<Shape> {
    if is_long(body, nest.body) {
        return None;
    }
    let mut analysis = Analysis::new(body);
    let params = &body.blocks[nest.body].params;
    analysis.set(*params.last()?, Class::Linear(1));
    analysis.block(nest.body)?;
    let mut components = analysis.sinks(nest, is_reduction)?;
    for (component, is_place) in components.iter_mut().zip(places::of(body, nest)) {
        if is_place {
            *component = Scalar::I32;
        }
    }
    analysis.shape(&components)
}

/// The shape in which `nest` is computed, whose body holds a reduction along columns; `None` if it is left to other code.
pub(in crate::backend::cpu) fn columns_shape_of(body: &Body, nest: &Nest, reduction: Inst) -> Option<Shape> {
    let (analysis, components) = columns_analysis(body, nest, reduction)?;
    analysis.shape(&components)
}

/// The shape in which a band of rows of `nest` is computed, and how many rows at once; `None` if there is nothing to gain.
pub(super) fn band_shape_of(body: &Body, nest: &Nest, reduction: Inst) -> Option<(Shape, i64)> {
    let (analysis, components) = columns_analysis(body, nest, reduction)?;
    let (narrowest, widest) = (analysis.narrowest.min(VECTOR_BYTES), analysis.widest.max(1));
    let least = VECTOR_BYTES / narrowest;
    let group = least.max(2 * VECTOR_BYTES / widest);
    let shape = Shape { group, mask_bytes: widest.max(VECTOR_BYTES / group), least };
    let vectors = components.iter().map(|scalar| group * shape.lane_of(*scalar).bytes() / VECTOR_BYTES);
    // Half of the registers are for partial results.
    let rows = MOST_ROWS.min(8 / vectors.sum::<u32>().max(1));
    let fits = i64::from(group) <= BAND_COLUMNS && analysis.cost <= LIGHT && rows > 1;
    fits.then_some((shape, i64::from(rows)))
}

/// The analysis of a nest whose body holds a reduction along columns, and the types that this folds.
fn columns_analysis<'a>(body: &'a Body, nest: &Nest, reduction: Inst) -> Option<(Analysis<'a>, Vec<Scalar>)> {
    let Op::Nest(inner) = &body.insts[reduction].op else { return None };
    // Elements are not visited in order, but the first of several faults is to be reported.
    if is_long(body, nest.body) || body.has_sites(inner.body) {
        return None;
    }
    let mut analysis = Analysis::new(body);
    analysis.set(*body.blocks[nest.body].params.last()?, Class::Linear(1));
    let mut components = Vec::new();
    for &inst in &body.blocks[nest.body].insts {
        if inst != reduction {
            analysis.inst(inst)?;
            continue;
        }
        analysis.block(inner.body)?;
        components = analysis.sinks(inner, is_reduction)?;
        body.insts[inst].results.iter().for_each(|result| analysis.set(*result, Class::Varying));
    }
    analysis.sinks(nest, is_reduction)?;
    Some((analysis, components))
}

/// The shape in which leaves of `nest`, whose sinks are scans and maps, are computed side by side; `None` if it is left to
/// scalar code. The body is evaluated twice, so it must be cheap.
pub(in crate::backend::cpu) fn scan_shape_of(body: &Body, nest: &Nest) -> Option<Shape> {
    let is_scan = |sink: &Sink| matches!(sink, Sink::Scan { .. });
    if !nest.sinks.iter().any(is_scan) || is_long(body, nest.body) {
        return None;
    }
    let mut analysis = Analysis::new(body);
    analysis.set(*body.blocks[nest.body].params.last()?, Class::Linear(1));
    analysis.block(nest.body)?;
    analysis.sinks(nest, is_scan)?;
    let least = VECTOR_BYTES / analysis.narrowest.min(VECTOR_BYTES);
    let mask_bytes = analysis.widest.max(VECTOR_BYTES / LEAVES);
    // A scan of `bool` would be stored from masks.
    let are_numbers = nest.sinks.iter().filter_map(Sink::fold).flat_map(|fold| &fold.neutral);
    let are_numbers = are_numbers.map(|neutral| body.scalar(*neutral)).all(|scalar| scalar != Scalar::Bool);
    let is_cheap = analysis.cost <= LIGHT && least <= LEAVES && are_numbers;
    is_cheap.then_some(Shape { group: LEAVES, mask_bytes, least })
}

/// The shape in which neighbouring elements of scans that run on are computed; `None` if they are left to scalar code.
pub(in crate::backend::cpu) fn running_shape_of(body: &Body, nest: &Nest) -> Option<Shape> {
    if is_long(body, nest.body) {
        return None;
    }
    let mut analysis = Analysis::new(body);
    analysis.set(*body.blocks[nest.body].params.last()?, Class::Linear(1));
    analysis.block(nest.body)?;
    analysis.sinks(nest, |sink| matches!(sink, Sink::Scan { .. }))?;
    analysis.shape(&[])
}

/// Whether `sink` is a reduction whose lanes stride through a leaf, as the lanes of vectors do.
fn is_reduction(sink: &Sink) -> bool {
    matches!(sink, Sink::Reduce { fold, .. } if fold.order == Order::Interleaved)
}

struct Analysis<'a> {
    body: &'a Body,
    classes: HashMap<Value, Class>,
    /// How deep the walk is inside of loops.
    loops: usize,
    /// Whether the body is a library function's, whose branches are rare.
    is_routine: bool,
    cost: usize,
    widest: u32,
    narrowest: u32,
}

impl<'a> Analysis<'a> {
    fn new(body: &'a Body) -> Self {
        Analysis {
            body,
            classes: HashMap::new(),
            loops: 0,
            is_routine: false,
            cost: 0,
            widest: 0,
            narrowest: u32::MAX,
        }
    }

    fn set(&mut self, value: Value, class: Class) {
        self.classes.insert(value, class);
    }

    fn class(&self, value: Value) -> Class {
        self.classes.get(&value).copied().unwrap_or(Class::Uniform)
    }

    fn is_uniform(&self, value: Value) -> bool {
        self.class(value) == Class::Uniform
    }

    fn count(&mut self, scalar: Scalar) {
        let bytes = scalar.bytes() as u32;
        self.widest = self.widest.max(bytes);
        self.narrowest = self.narrowest.min(bytes);
    }

    /// A stored `bool` is a byte, however wide its mask was.
    fn count_stored(&mut self, value: Value) {
        self.count(self.body.scalar(value));
    }

    /// Counts what the sinks of `nest` take, maps or what `is_fold` accepts; gives the types that they fold.
    fn sinks(&mut self, nest: &Nest, is_fold: impl Fn(&Sink) -> bool) -> Option<Vec<Scalar>> {
        let body = self.body;
        let mut rest = &body.blocks[nest.body].results[..];
        let mut components = Vec::new();
        for sink in &nest.sinks {
            let (inputs, others) = rest.split_at(sink.takes());
            rest = others;
            match sink.fold() {
                Some(fold) if is_fold(sink) => {
                    self.operator(fold)?;
                    components.extend(fold.neutral.iter().map(|neutral| body.scalar(*neutral)));
                }
                None if matches!(sink, Sink::Map) && !body.ty(inputs[0]).is_array() => {}
                _ => return None,
            }
            inputs.iter().for_each(|input| self.count_stored(*input));
        }
        Some(components)
    }

    fn shape(&self, components: &[Scalar]) -> Option<Shape> {
        let in_flight = match self.cost {
            cost if cost <= LIGHT => 4,
            cost if cost <= HEAVY => 2,
            _ => 1,
        };
        let full = VECTOR_BYTES / self.narrowest.min(VECTOR_BYTES);
        let mut group = full.max(in_flight * VECTOR_BYTES / self.widest.max(1)).min(MOST);
        if !components.is_empty() {
            // The accumulators of light folds fill half of the registers.
            let bytes: u32 = components.iter().map(|scalar| scalar.bytes() as u32).sum();
            let bytes = bytes.max(self.widest);
            let most = if self.cost <= LIGHT { 8 } else { 4 * in_flight };
            group = MOST;
            while group > full && group * bytes / VECTOR_BYTES > most {
                group /= 2;
            }
        }
        let operations = self.cost * (group * self.widest.max(1)).div_ceil(VECTOR_BYTES) as usize;
        (group >= full && operations <= MOST_OPERATIONS).then_some(Shape {
            group,
            mask_bytes: self.widest.max(VECTOR_BYTES / group),
            least: full,
        })
    }

    fn block(&mut self, block: Block) -> Option<()> {
        let body = self.body;
        body.blocks[block].insts.iter().try_for_each(|inst| self.inst(*inst))
    }

    /// An operator is a block whose parameters all vary.
    fn operator(&mut self, fold: &Fold) -> Option<()> {
        let body = self.body;
        let mut is_plain = is_harmless(body, fold.op);
        body.for_each_inst(fold.op, |inst| {
            is_plain &= !matches!(body.insts[inst].op, Op::Call { .. } | Op::Loop { .. });
        });
        if !is_plain {
            return None;
        }
        body.blocks[fold.op].params.iter().for_each(|param| self.set(*param, Class::Varying));
        self.block(fold.op)
    }

    fn inst(&mut self, inst: Inst) -> Option<()> {
        let body = self.body;
        let data = &body.insts[inst];
        let class = self.class_of(&data.op);
        if class == Class::Uniform {
            return match data.op {
                Op::Nest(_) | Op::Array(_) => None,
                _ => Some(()),
            };
        }
        data.results.iter().for_each(|result| self.set(*result, class));
        if class == Class::Varying {
            self.cost += 1;
            self.varying(&data.op, &data.results)?;
        }
        Some(())
    }

    /// Counts an operation whose results vary; `None` if it has no vector form.
    fn varying(&mut self, op: &Op, results: &[Value]) -> Option<()> {
        let body = self.body;
        for result in results {
            if body.scalar(*result) != Scalar::Bool {
                self.count(body.scalar(*result));
            }
        }
        match op {
            Op::Const(_) | Op::Check { .. } | Op::Nest(_) | Op::Array(_) => None,
            Op::Index { array, .. } => {
                self.count(body.scalar(*array));
                (self.loops == 0).then_some(())
            }
            Op::IntDiv { check, .. } if self.loops > 0 && check.is_some() => None,
            Op::IntDiv { .. } | Op::Unary(Unary::Popcount | Unary::Clz | Unary::Ctz, _) => {
                self.cost += BY_LANE;
                Some(())
            }
            Op::Compare(_, a, _) | Op::Convert(a) => {
                self.count_operand(*a);
                Some(())
            }
            Op::Call { routine, .. } => self.call(*routine),
            Op::If { then, otherwise, .. } => {
                let is_rare = |block: Block| self.is_routine && !is_simple(body, block);
                [*then, *otherwise]
                    .into_iter()
                    .filter(|block| !is_rare(*block))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .try_for_each(|block| self.block(block))
            }
            Op::Loop { .. } => self.loop_inst(op),
            _ => Some(()),
        }
    }

    /// The operand of a comparison or conversion has its own width.
    fn count_operand(&mut self, value: Value) {
        if self.class(value) == Class::Varying && self.body.scalar(value) != Scalar::Bool {
            self.count(self.body.scalar(value));
        }
    }

    fn loop_inst(&mut self, op: &Op) -> Option<()> {
        let Op::Loop { start, end, init, cond, body: block } = op else { return None };
        let body = self.body;
        let has_arrays = init.iter().any(|value| body.ty(*value).is_array());
        if has_arrays || !self.is_uniform(*start) || !self.is_uniform(*end) {
            return None;
        }
        self.loops += 1;
        for block in cond.iter().chain([block]) {
            body.blocks[*block].params[1..].iter().for_each(|param| self.set(*param, Class::Varying));
            self.block(*block)?;
        }
        self.loops -= 1;
        Some(())
    }

    /// A library function all of whose arguments vary.
    fn call(&mut self, routine: Routine) -> Option<()> {
        let body = math::definition(routine);
        let mut inner = Analysis::new(body);
        inner.is_routine = true;
        inner.loops = self.loops;
        body.blocks[body.entry].params.iter().for_each(|param| inner.set(*param, Class::Varying));
        inner.block(body.entry)?;
        self.cost += inner.cost;
        self.widest = self.widest.max(inner.widest);
        self.narrowest = self.narrowest.min(inner.narrowest);
        Some(())
    }

    fn class_of(&self, op: &Op) -> Class {
        let mut varies = false;
        op.for_each_operand(|value| varies |= !self.is_uniform(value));
        op.for_each_block(|block| self.body.for_each_use(block, |value| varies |= !self.is_uniform(value)));
        if !varies {
            return Class::Uniform;
        }
        self.linear_class(op).unwrap_or(Class::Varying)
    }

    fn linear_class(&self, op: &Op) -> Option<Class> {
        let is_i64 = |value: Value| self.body.scalar(value) == Scalar::I64;
        match op {
            Op::Binary(op, a, b) if is_i64(*a) => {
                let constant = |value: Value| self.body.constant(value)?.as_int().map(|value| value as i64);
                step_of(*op, self.step(*a)?, self.step(*b)?, constant(*a), constant(*b)).map(Class::Linear)
            }
            Op::Compare(_, a, b) if is_i64(*a) => {
                let is_uniform = self.step(*a)? == 0 || self.step(*b)? == 0;
                self.step(*b)?;
                is_uniform.then_some(Class::Uniform)
            }
            Op::Select(cond, a, b) if is_i64(*a) && self.is_uniform(*cond) => {
                Some(Class::Linear(likelier_step(self.step(*a)?, self.step(*b)?)))
            }
            _ => None,
        }
    }

    fn step(&self, value: Value) -> Option<i64> {
        match self.class(value) {
            Class::Uniform => Some(0),
            Class::Linear(step) => Some(step),
            Class::Varying => None,
        }
    }
}

/// The greatest distance between neighbours for which values count as linear.
const LONGEST_STEP: u64 = 1 << 16;

/// The step of `op` of operands with these steps, if it has one; `None` for what is not linear.
pub(super) fn step_of(op: Binary, a: i64, b: i64, left: Option<i64>, right: Option<i64>) -> Option<i64> {
    let step = match op {
        Binary::Add => a.checked_add(b)?,
        Binary::Sub => a.checked_sub(b)?,
        Binary::Mul => a.checked_mul(right.unwrap_or(0))?.checked_add(b.checked_mul(left.unwrap_or(0))?)?,
        Binary::Min | Binary::Max if a == 0 || b == 0 => a + b,
        _ => return None,
    };
    let is_product_known = op != Binary::Mul || (a == 0 || right.is_some()) && (b == 0 || left.is_some());
    (is_product_known && step.unsigned_abs() <= LONGEST_STEP).then_some(step)
}

/// Which of two steps the values of an index have that is chosen at the edges of an array: away from them it moves.
pub(super) fn likelier_step(a: i64, b: i64) -> i64 {
    if a == 1 || b != 1 && a != 0 { a } else { b }
}

/// Whether evaluating `block` for elements that do not ask for it does no harm: it reads no array and cannot fault.
pub(super) fn is_harmless(body: &Body, block: Block) -> bool {
    let mut is_harmless = true;
    body.for_each_inst(block, |inst| is_harmless &= is_inst_harmless(&body.insts[inst].op));
    is_harmless
}

/// [`is_harmless`] for an operation and the blocks that it owns.
pub(super) fn is_op_harmless(body: &Body, op: &Op) -> bool {
    let mut is_op_harmless = is_inst_harmless(op);
    op.for_each_block(|block| is_op_harmless &= is_harmless(body, block));
    is_op_harmless
}

fn is_inst_harmless(op: &Op) -> bool {
    let mut is_harmless = !matches!(op, Op::Index { .. } | Op::Nest(_) | Op::Array(_) | Op::Check { .. });
    op.for_each_site(|_| is_harmless = false);
    is_harmless
}

/// The most instructions that are evaluated for all elements rather than branched around.
const SIMPLE: usize = 12;

/// Whether `block` is harmless and so short that a branch around it would cost more.
pub(super) fn is_simple(body: &Body, block: Block) -> bool {
    let mut count = 0;
    let mut is_plain = true;
    body.for_each_inst(block, |inst| {
        count += 1;
        is_plain &= !matches!(body.insts[inst].op, Op::Loop { .. } | Op::Call { .. } | Op::IntDiv { .. });
    });
    is_plain && count <= SIMPLE && is_harmless(body, block)
}

/// The most instructions of a body with vector code: what is longer gains nothing from the registers of the CPU.
const LONGEST: usize = 2000;

/// Whether `block` with its library functions has more than [`LONGEST`] instructions.
fn is_long(body: &Body, block: Block) -> bool {
    let mut count = 0;
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        for &inst in &body.blocks[block].insts {
            let op = &body.insts[inst].op;
            count += match op {
                Op::Call { routine, .. } => math::definition(*routine).insts.len(),
                _ => 1,
            };
            op.for_each_block(|inner| open.push(inner));
        }
        if count > LONGEST {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{
        Builder, Kernel, Type,
        testing::{fold, kernel, nest, read},
    };

    /// The shape of the one nest of a kernel.
    fn shape(kernel: &Kernel) -> Option<Shape> {
        let body = &kernel.body;
        body.insts.iter().find_map(|(_, data)| match &data.op {
            Op::Nest(nest) => Some(shape_of(body, nest)),
            _ => None,
        })?
    }

    /// `[build(x[i]) for i in 0..n]` of elements of `scalar`.
    fn map_of(scalar: Scalar, build: impl FnOnce(&mut Builder, Value) -> Value) -> Kernel {
        kernel(1, &[(scalar, &[0])], |b, sizes, params| {
            let ty = Type { scalar, shape: sizes.to_vec() };
            nest(b, sizes, vec![Sink::Map], vec![ty], |b, index| {
                let x = read(b, params[0], index[0]);
                vec![build(b, x)]
            })
        })
    }

    #[test]
    fn light_maps_keep_four_vectors_in_flight() {
        let double = |b: &mut Builder, x| b.binary(Binary::Add, x, x);
        let group = |scalar| shape(&map_of(scalar, double)).map(|shape| shape.group);
        assert_eq!(group(Scalar::F32), Some(16));
        assert_eq!(group(Scalar::F64), Some(8));
        // A vector holds 16 of them, and a group is no longer than a round of lanes.
        assert_eq!(group(Scalar::U8), Some(32));
    }

    #[test]
    fn the_results_of_a_sum_fill_half_of_the_registers() {
        let sum = |scalar| {
            kernel(1, &[(scalar, &[0])], |b, sizes, params| {
                let zero = b.constant(pk_dsl::scalar::Const::zero(scalar));
                let fold = fold(b, Binary::Add, zero, Order::Interleaved);
                let sinks = vec![Sink::Reduce { fold, on_empty: None }];
                nest(b, sizes, sinks, vec![Type::scalar(scalar)], |b, index| {
                    vec![read(b, params[0], index[0])]
                })
            })
        };
        assert_eq!(shape(&sum(Scalar::F32)).map(|shape| shape.group), Some(32));
        assert_eq!(shape(&sum(Scalar::F64)).map(|shape| shape.group), Some(16));
    }

    #[test]
    fn indices_are_linear_as_long_as_their_steps_are_known() {
        assert_eq!(step_of(Binary::Add, 1, 0, None, None), Some(1));
        assert_eq!(step_of(Binary::Sub, 0, 1, None, None), Some(-1));
        assert_eq!(step_of(Binary::Mul, 1, 0, None, Some(3)), Some(3));
        assert_eq!(step_of(Binary::Mul, 1, 0, None, None), None);
        assert_eq!(step_of(Binary::Mul, 1, 0, None, Some(1 << 40)), None);
        assert_eq!(step_of(Binary::Min, 0, 1, None, None), Some(1));
        assert_eq!(step_of(Binary::Min, 1, 1, None, None), None);
    }

    #[test]
    fn away_from_the_edges_an_index_moves_forward() {
        assert_eq!(likelier_step(1, 0), 1);
        assert_eq!(likelier_step(-1, 1), 1);
        assert_eq!(likelier_step(0, -1), -1);
    }
}
