//! How much a kernel has to do: scalar operations by type, counted from the IR without running it.
//!
//! This serves benchmarks, not code: nothing that is compiled may depend on a count.

use crate::{
    ir::{Binary, Block, Body, Entity, Fold, Inst, Kernel, Nest, Op, Sink, Value},
    math::{self, Routine},
};
use pk_dsl::scalar::{Const, Scalar};
use std::collections::HashMap;

/// How many scalar operations a call takes.
///
/// What computes a number from numbers is one operation: arithmetic, comparison, conversion, and operations on bits;
/// `fma` is two. Choices, reads and writes are none. A mathematical function counts as the operations that it consists
/// of, on its usual path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operations {
    counts: [u64; Scalar::ALL.len()],
    is_exact: bool,
}

impl Operations {
    /// How many have operands of this type.
    pub fn of(&self, scalar: Scalar) -> u64 {
        self.counts[scalar as usize]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether the data have no say in the counts. Where they have, a loop with `while` counts all of its steps and an
    /// `if` the longer branch; a loop of which not even that is known counts one step.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    fn none() -> Operations {
        Operations { counts: [0; Scalar::ALL.len()], is_exact: true }
    }

    fn some(scalar: Scalar, count: u64) -> Operations {
        let mut operations = Operations::none();
        operations.counts[scalar as usize] = count;
        operations
    }

    fn add(&mut self, other: &Operations) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.is_exact &= other.is_exact;
    }

    fn times(mut self, factor: Known) -> Operations {
        self.counts.iter_mut().for_each(|count| *count = count.saturating_mul(factor.count));
        self.is_exact &= factor.is_exact || self.counts.iter().all(|count| *count == 0);
        self
    }
}

/// A number of repetitions.
#[derive(Clone, Copy)]
struct Known {
    count: u64,
    is_exact: bool,
}

/// The operations of a call with these values of the size variables and of the parameters that are scalars.
pub fn count(kernel: &Kernel, sizes: &[i64], params: &[Option<Const>]) -> Operations {
    let mut counter = Counter::new(&kernel.body, false);
    let sizes = sizes.iter().map(|size| Some(i128::from(*size)));
    let params = params.iter().map(|param| param.and_then(Const::as_int));
    let entry = &kernel.body.blocks[kernel.body.entry];
    for (value, known) in entry.params.iter().zip(sizes.chain(params)) {
        counter.set(*value, known.map(Range::point));
    }
    counter.block(kernel.body.entry)
}

/// The least and the greatest value that an integer can have.
#[derive(Clone, Copy)]
struct Range {
    least: i128,
    greatest: i128,
}

impl Range {
    fn point(value: i128) -> Range {
        Range { least: value, greatest: value }
    }

    fn apply(op: Binary, a: Range, b: Range) -> Option<Range> {
        let (least, greatest) = match op {
            Binary::Add => (a.least + b.least, a.greatest + b.greatest),
            Binary::Sub => (a.least - b.greatest, a.greatest - b.least),
            Binary::Mul if a.least >= 0 && b.least >= 0 => (a.least * b.least, a.greatest * b.greatest),
            Binary::Min => (a.least.min(b.least), a.greatest.min(b.greatest)),
            Binary::Max => (a.least.max(b.least), a.greatest.max(b.greatest)),
            _ => return None,
        };
        Some(Range { least, greatest })
    }
}

/// Counts the operations of one body.
struct Counter<'a> {
    body: &'a Body,
    ranges: Vec<Option<Range>>,
    routines: HashMap<Routine, Operations>,
    /// Inside of a mathematical function branches are for rare arguments, so that the shorter one counts.
    is_routine: bool,
}

impl<'a> Counter<'a> {
    fn new(body: &'a Body, is_routine: bool) -> Counter<'a> {
        Counter { body, ranges: vec![None; body.values.len()], routines: HashMap::new(), is_routine }
    }

    fn set(&mut self, value: Value, range: Option<Range>) {
        // What does not fit an `i64` wraps, which no range follows.
        let fits =
            |range: &Range| [range.least, range.greatest].iter().all(|end| i64::try_from(*end).is_ok());
        self.ranges[value.index()] = range.filter(fits);
    }

    fn range(&self, value: Value) -> Option<Range> {
        self.ranges[value.index()]
    }

    fn block(&mut self, block: Block) -> Operations {
        let mut sum = Operations::none();
        for inst in &self.body.blocks[block].insts {
            sum.add(&self.inst(*inst));
            self.follow(*inst);
        }
        sum
    }

    fn inst(&mut self, inst: Inst) -> Operations {
        match &self.body.insts[inst].op {
            Op::Unary(_, a) | Op::Binary(_, a, _) | Op::Compare(_, a, _) | Op::Convert(a) => self.one(*a, 1),
            Op::IntDiv { lhs, .. } => self.one(*lhs, 1),
            Op::Fma(a, ..) => self.one(*a, 2),
            Op::Call { routine, .. } => self.routine(*routine),
            Op::If { then, otherwise, .. } => self.branches(*then, *otherwise),
            Op::Loop { start, end, cond, body, .. } => self.steps(*start, *end, *cond, *body),
            Op::Nest(nest) => self.nest(nest),
            Op::Const(_)
            | Op::Select(..)
            | Op::Bits(_)
            | Op::Index { .. }
            | Op::Array(_)
            | Op::Check { .. } => Operations::none(),
        }
    }

    fn one(&self, operand: Value, count: u64) -> Operations {
        match self.body.scalar(operand) {
            Scalar::Bool => Operations::none(),
            scalar => Operations::some(scalar, count),
        }
    }

    fn routine(&mut self, routine: Routine) -> Operations {
        if let Some(known) = self.routines.get(&routine) {
            return known.clone();
        }
        let body = math::definition(routine);
        let mut counted = Counter::new(body, true).block(body.entry);
        counted.is_exact = true;
        self.routines.insert(routine, counted.clone());
        counted
    }

    fn branches(&mut self, then: Block, otherwise: Block) -> Operations {
        let (then, otherwise) = (self.block(then), self.block(otherwise));
        let is_same = then.counts == otherwise.counts;
        let mut chosen = match (then.total() > otherwise.total()) != self.is_routine {
            true => then,
            false => otherwise,
        };
        chosen.is_exact &= is_same;
        chosen
    }

    fn steps(&mut self, start: Value, end: Value, cond: Option<Block>, body: Block) -> Operations {
        let (start, end) = (self.range(start), self.range(end));
        let index = self.body.blocks[body].params[0];
        let steps = start.zip(end).map(|(start, end)| Range {
            least: (end.least - start.greatest).max(0),
            greatest: (end.greatest - start.least).max(0),
        });
        self.set(
            index,
            start.zip(end).map(|(start, end)| Range { least: start.least, greatest: end.greatest }),
        );
        let mut step = self.block(body);
        if let Some(cond) = cond {
            step.add(&self.block(cond));
        }
        step.times(Known {
            count: steps.map_or(1, |steps| u64::try_from(steps.greatest).unwrap_or(u64::MAX)),
            is_exact: cond.is_none() && steps.is_some_and(|steps| steps.least == steps.greatest),
        })
    }

    fn nest(&mut self, nest: &Nest) -> Operations {
        let mut elements = Known { count: 1, is_exact: true };
        for (dim, index) in nest.dims.iter().zip(&self.body.blocks[nest.body].params) {
            let extent = self.range(*dim);
            let count = extent.map_or(1, |extent| u64::try_from(extent.greatest).unwrap_or(0));
            elements.count = elements.count.saturating_mul(count);
            elements.is_exact &= extent.is_some_and(|extent| extent.least == extent.greatest);
            self.set(*index, extent.map(|extent| Range { least: 0, greatest: extent.greatest - 1 }));
        }
        let mut element = self.block(nest.body);
        for Fold { op, .. } in nest.sinks.iter().filter_map(Sink::fold) {
            element.add(&self.block(*op));
        }
        element.times(elements)
    }

    /// Notes what is known of the results of an instruction.
    fn follow(&mut self, inst: Inst) {
        let data = &self.body.insts[inst];
        let range = match &data.op {
            Op::Const(value) => value.as_int().map(Range::point),
            Op::Convert(a) if self.body.scalar(data.results[0]).is_int() => self.range(*a),
            Op::Binary(op, a, b) => {
                self.range(*a).zip(self.range(*b)).and_then(|(a, b)| Range::apply(*op, a, b))
            }
            Op::Nest(nest) => return self.follow_filters(nest, &data.results),
            _ => None,
        };
        if let [result] = data.results[..] {
            self.set(result, range);
        }
    }

    /// A filter keeps at most all elements.
    fn follow_filters(&mut self, nest: &Nest, results: &[Value]) {
        let mut at = 0;
        for sink in &nest.sinks {
            if let (Sink::Filter { .. }, Some(extent)) = (sink, self.range(nest.dims[0])) {
                self.set(results[at], Some(Range { least: 0, greatest: extent.greatest }));
            }
            at += sink.gives();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::Deadline;
    use pk_grammar::limits::Limits;

    /// The counts of the types that occur, and `?` if the data have a say.
    fn counted(text: &str, sizes: &[i64], params: &[Option<Const>]) -> String {
        let limits = Limits::default();
        let checked = pk_dsl::check(text, &limits).expect("a valid text");
        let mut kernel = crate::lower::lower(&checked.program, 0, &limits, &Deadline::default())
            .expect("within the limits");
        crate::pass::optimize(&mut kernel, &Deadline::default()).expect("there is no deadline");
        let operations = count(&kernel, sizes, params);
        let types = Scalar::ALL.into_iter().filter(|scalar| operations.of(*scalar) > 0);
        let counts: Vec<String> = types.map(|scalar| format!("{} {scalar}", operations.of(scalar))).collect();
        format!("{}{}", counts.join(", "), if operations.is_exact() { "" } else { " ?" })
    }

    #[test]
    fn elements_times_operations() {
        for (text, sizes, expected) in [
            ("kernel k(x: [f32; n]) -> [f32; n] = 2.0 * x + 1.0;", &[10][..], "20 f32"),
            ("kernel k(x: [f64; n]) -> [f64; n] = fma(x, x, x);", &[10], "20 f64"),
            ("kernel k(x: [f32; n]) -> f32 = sum(x * x);", &[10], "20 f32"),
            ("kernel k(x: [f32; n, m]) -> [f32; n] = sum(x, axis: 1);", &[3, 5], "15 f32"),
            ("kernel k(x: [u8; n]) -> [u16; n] = u16(x);", &[7], "7 u8"),
            ("kernel k(x: [f32; n]) -> [f32; n] = x;", &[10], ""),
        ] {
            assert_eq!(counted(text, sizes, &[]), expected, "{text}");
        }
    }

    #[test]
    fn loops_count_their_steps() {
        let text =
            "kernel k(x: [f32; n], s: i64) -> [f32; n] = x.map(|v| loop a = v for _ in 0..s { a * a });";
        assert_eq!(counted(text, &[10], &[None, Some(Const::from(7i64))]), "70 f32");
        assert_eq!(counted(text, &[10], &[None, None]), "10 f32 ?");
        let triangle =
            "kernel k(x: [f32; n]) -> [f32; n] = [loop a = x[i] for _ in 0..i { a * a } for i in 0..n];";
        assert_eq!(counted(triangle, &[10], &[None]), "90 f32 ?");
    }

    #[test]
    fn what_data_decide_counts_in_full() {
        for (text, expected) in [
            (
                "kernel k(x: [f32; n]) -> [f32; n] = x.map(|v| loop a = v for _ in 0..4 while a < 9.0 { a * a });",
                "80 f32 ?",
            ),
            ("kernel k(x: [f32; n]) -> f32 = { let y = x.filter(|v| v > 0.0); sum(y * y) };", "30 f32 ?"),
        ] {
            assert_eq!(counted(text, &[10], &[None]), expected, "{text}");
        }
    }

    #[test]
    fn functions_count_as_their_usual_path() {
        let sine = counted("kernel k(x: [f32; n]) -> [f32; n] = sin(x);", &[1], &[None]);
        let exp = counted("kernel k(x: [f32; n]) -> [f32; n] = exp(x);", &[1], &[None]);
        for text in [sine, exp] {
            assert!(!text.ends_with('?'), "{text}");
            let floats = text.split(", ").find_map(|part| part.strip_suffix(" f32")?.parse::<u64>().ok());
            assert!(floats.is_some_and(|count| (8..60).contains(&count)), "{text}");
        }
    }
}
