//! What the elements of a nest cost: a guess, good enough to tell a microsecond from a millisecond.
//!
//! The weights are those of vector code for 32-bit scalars in a cache. Nothing but the time that a launch takes may
//! depend on them.

use super::Extent;
use crate::ir::{Binary, Block, Body, Fold, Nest, Op, Sink, Unary, Value};

/// An operation on a 32-bit scalar, in picoseconds.
const OPERATION: u64 = 50;
/// Reading or writing one from or to an array.
const ACCESS: u64 = 100;
/// A quotient or a root.
const DIVISION: u64 = 200;
/// A division of integers, which no vector unit has.
const INT_DIVISION: u64 = 2000;
/// A library function.
const CALL: u64 = 1000;
/// How often a loop is repeated that says it only when it runs.
const ROUNDS: i64 = 16;

/// What one element costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// In picoseconds, without `inner`.
    own: u64,
    /// What is done for each index of a domain inside.
    inner: Vec<(Vec<Extent>, Cost)>,
}

impl Cost {
    /// In picoseconds; `extent` gives the numbers that the host knows.
    pub fn picoseconds(&self, extent: &impl Fn(Extent) -> u64) -> u64 {
        let inner = self.inner.iter().map(|(extents, cost)| {
            let count = extents.iter().fold(1u64, |count, each| count.saturating_mul(extent(*each)));
            count.saturating_mul(cost.picoseconds(extent))
        });
        inner.fold(self.own, u64::saturating_add)
    }

    /// In picoseconds, if it does not depend on any extent.
    pub(super) fn flat(&self) -> Option<u64> {
        self.inner.is_empty().then_some(self.own)
    }

    fn add(&mut self, picoseconds: u64) {
        self.own = self.own.saturating_add(picoseconds);
    }
}

/// Looks at the code of a kernel.
pub(super) struct Estimator<'a, F> {
    pub(super) body: &'a Body,
    /// How the host knows a value of the entry block.
    pub(super) extent: F,
}

impl<F: Fn(Value) -> Extent> Estimator<'_, F> {
    /// What one element of `nest` costs: its body and what its sinks do with the results.
    pub(super) fn element(&self, nest: &Nest) -> Cost {
        let mut cost = self.block(nest.body);
        let results = &self.body.blocks[nest.body].results;
        for result in results.iter().filter(|result| !self.body.ty(**result).is_array()) {
            cost.add(ACCESS * self.width(*result));
        }
        for fold in nest.sinks.iter().filter_map(Sink::fold) {
            self.add_block(&mut cost, fold.op);
        }
        cost
    }

    /// What it costs to combine one element with the prefixes of the scans of `nest`.
    pub(super) fn prefixes(&self, nest: &Nest) -> Cost {
        let mut cost = Cost::default();
        for sink in &nest.sinks {
            if let Sink::Scan { fold, .. } = sink {
                cost.add(2 * ACCESS * self.fold_width(fold));
                self.add_block(&mut cost, fold.op);
            }
        }
        cost
    }

    fn block(&self, block: Block) -> Cost {
        let mut cost = Cost::default();
        self.add_block(&mut cost, block);
        cost
    }

    fn add_block(&self, cost: &mut Cost, block: Block) {
        for &inst in &self.body.blocks[block].insts {
            let data = &self.body.insts[inst];
            let width = data.results.first().map_or(1, |result| self.width(*result));
            match &data.op {
                Op::If { then, otherwise, .. } => {
                    // Vector code evaluates both.
                    self.add_block(cost, *then);
                    self.add_block(cost, *otherwise);
                }
                Op::Loop { start, end, cond, body, .. } => {
                    let rounds = self.rounds(*start, *end, cond.is_some());
                    let mut step = self.block(*body);
                    cond.iter().for_each(|cond| self.add_block(&mut step, *cond));
                    cost.inner.push((vec![rounds], step));
                }
                Op::Nest(nest) => {
                    let extents = nest.dims.iter().map(|extent| (self.extent)(*extent)).collect();
                    cost.inner.push((extents, self.element(nest)));
                }
                op => cost.add(weight(op) * width),
            }
        }
    }

    fn rounds(&self, start: Value, end: Value, may_end_early: bool) -> Extent {
        let known = |value| self.body.constant(value).and_then(|constant| constant.as_int());
        match (known(start), known(end)) {
            (Some(start), Some(end)) if !may_end_early => {
                Extent::Constant(i64::try_from(end.saturating_sub(start).max(0)).unwrap_or(i64::MAX))
            }
            _ => Extent::Constant(ROUNDS),
        }
    }

    fn fold_width(&self, fold: &Fold) -> u64 {
        fold.neutral.iter().map(|component| self.width(*component)).sum()
    }

    /// How many 32-bit scalars one of this type weighs.
    fn width(&self, value: Value) -> u64 {
        self.body.scalar(value).bytes().div_ceil(4) as u64
    }
}

/// What an operation without blocks costs on 32-bit scalars.
fn weight(op: &Op) -> u64 {
    match op {
        Op::Const(_) => 0,
        Op::Index { .. } => ACCESS,
        Op::Array(items) => ACCESS * items.len() as u64,
        Op::Call { .. } => CALL,
        Op::IntDiv { .. } => INT_DIVISION,
        Op::Unary(Unary::Sqrt, _) | Op::Binary(Binary::Div, ..) => DIVISION,
        _ => OPERATION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ir::{
            Order, Type,
            testing::{fold, kernel, nest, read},
        },
        plan,
    };
    use pk_dsl::scalar::Scalar;

    /// What an element of the only nest of the entry block costs, if each size is 1000.
    fn cost(kernel: &crate::ir::Kernel) -> u64 {
        let plan = plan::cpu(kernel);
        let launch = plan.launches().next().expect("a launch");
        launch.cost.picoseconds(&|extent| match extent {
            Extent::Constant(count) => count as u64,
            Extent::Slot(_) | Extent::LeavesOf(_) => 1000,
        })
    }

    #[test]
    fn elements_cost_what_their_bodies_do() {
        let light = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            let ty = Type { scalar: Scalar::F32, shape: sizes.to_vec() };
            nest(b, sizes, vec![Sink::Map], vec![ty], |b, i| {
                let x = read(b, params[0], i[0]);
                vec![b.binary(Binary::Add, x, x)]
            })
        });
        assert_eq!(cost(&light), 2 * ACCESS + OPERATION);
    }

    #[test]
    fn what_is_inside_counts_as_often_as_it_is_done() {
        let rows = kernel(2, &[(Scalar::F64, &[1])], |b, sizes, params| {
            let ty = Type { scalar: Scalar::F64, shape: vec![sizes[0]] };
            nest(b, &sizes[..1], vec![Sink::Map], vec![ty], |b, _| {
                let zero = b.constant(0.0f64);
                let fold = fold(b, Binary::Add, zero, Order::Interleaved);
                let sinks = vec![Sink::Reduce { fold, on_empty: None }];
                nest(b, &sizes[1..], sinks, vec![Type::scalar(Scalar::F64)], |b, j| {
                    vec![read(b, params[0], j[0])]
                })
            })
        });
        assert_eq!(cost(&rows), 1000 * 2 * (2 * ACCESS + OPERATION) + 2 * ACCESS);
    }
}
