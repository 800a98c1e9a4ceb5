//! Proofs that a linear form is never negative.
//!
//! A value is expanded into a sum of others only as far as the sum cannot wrap ([`Prover::exact`]), so that a form *is*
//! the value, as a mathematical integer. What remains are atoms: each has a range of numbers, by its type and its
//! definition, and often bounds that are forms again, such as `n - 1` for the index of a nest over `n`. A proof puts
//! bounds for atoms until the numbers decide.

use super::{facts::Facts, linear::Linear};
use crate::ir::{Binary, Block, Body, Compare, Def, Inst, IntDiv, Op, Unary, Value};
use crate::pass::simplify::keeps_value;
use pk_dsl::scalar::Scalar;
use std::collections::HashMap;

/// How many bounds one proof may put in.
const MAX_STEPS: u32 = 64;

/// How many bounds in a row may be put in.
const MAX_DEPTH: u32 = 6;

/// How many operations of an expression are looked into: without this, sums of one value with itself, each of the one
/// before, would be expanded into exponentially many terms.
const MAX_OPERATIONS: u32 = 64;

/// What is known at one place of a body.
pub(super) struct Prover<'a> {
    body: &'a Body,
    /// Who owns each block.
    owners: HashMap<Block, Inst>,
    /// Forms that are not negative where the walk stands.
    facts: Facts,
    /// Values that are not zero where the walk stands.
    nonzero: Vec<Value>,
}

/// The ways to bound an atom: each has a form, and a condition that may be taken for granted with it.
struct Bounds {
    forms: Vec<(Linear, Option<(Value, bool)>)>,
    /// Whether the atom is one of the forms, so that what is to be proven must hold with each; otherwise each form is a
    /// bound.
    is_split: bool,
}

impl<'a> Prover<'a> {
    pub(super) fn new(body: &'a Body) -> Prover<'a> {
        let mut owners = HashMap::new();
        body.for_each_inst(body.entry, |inst| {
            body.insts[inst].op.for_each_block(|block| {
                owners.insert(block, inst);
            });
        });
        Prover { body, owners, facts: Facts::default(), nonzero: Vec::new() }
    }

    /// How much is known; for [`Prover::forget`].
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.facts.len(), self.nonzero.len())
    }

    /// Forgets what has been learnt since `mark`.
    pub(super) fn forget(&mut self, (facts, nonzero): (usize, usize)) {
        self.facts.truncate(facts);
        self.nonzero.truncate(nonzero);
    }

    /// From here on the size `extent` is at least `least`.
    pub(super) fn learn_extent(&mut self, extent: Value, least: i128) {
        let fact = self.extent(extent).plus(-least);
        self.facts.add(fact);
    }

    /// From here on `cond` is `holds`.
    pub(super) fn learn(&mut self, cond: Value, holds: bool) {
        match (self.op(cond), holds) {
            (Some(&Op::Unary(Unary::Not, inner)), _) => self.learn(inner, !holds),
            (Some(&Op::Binary(Binary::And, a, b)), true) | (Some(&Op::Binary(Binary::Or, a, b)), false) => {
                self.learn(a, holds);
                self.learn(b, holds);
            }
            (Some(&Op::Compare(op, a, b)), _) if self.body.scalar(a).is_int() => {
                self.learn_compare(op, a, b, holds)
            }
            _ => {}
        }
    }

    fn learn_compare(&mut self, op: Compare, a: Value, b: Value, holds: bool) {
        if matches!((op, holds), (Compare::Ne, true) | (Compare::Eq, false))
            && self.body.constant(b).and_then(|zero| zero.as_int()) == Some(0)
        {
            self.nonzero.push(a);
        }
        for (greater, less, by) in inequalities(op, a, b, holds) {
            if let Some(fact) = self.exact(greater).minus(&self.exact(less)) {
                self.facts.add(fact.plus(-by));
            }
        }
    }

    /// Whether `index` lies inside an axis of length `extent`, which belongs to an array that exists.
    ///
    /// The index may wrap: its form `e` and the form `n` of the extent are taken modulo 2^64. If `0 <= e` and
    /// `e <= n - 1` hold of the forms and `n` is the extent itself, then `e` has no room to wrap.
    pub(super) fn is_inside(&mut self, index: Value, extent: Value) -> bool {
        let (index, extent) = (self.modular(index, &mut MAX_OPERATIONS.clone()), self.extent(extent));
        let Some(room) = extent.plus(-1).minus(&index) else { return false };
        let mark = self.mark();
        self.facts.add(extent);
        let is_inside = self.is_nonnegative(&index) && self.is_nonnegative(&room);
        self.forget(mark);
        is_inside
    }

    /// Whether `value` is surely not zero.
    pub(super) fn is_nonzero(&mut self, value: Value) -> bool {
        if self.nonzero.contains(&value) {
            return true;
        }
        let form = self.exact(value);
        let negated = Linear::constant(0).minus(&form);
        self.is_nonnegative(&form.plus(-1))
            || negated.is_some_and(|negated| self.is_nonnegative(&negated.plus(-1)))
    }

    /// Whether `a op b` is surely true or surely false.
    pub(super) fn decide(&mut self, op: Compare, a: Value, b: Value) -> Option<bool> {
        [true, false].into_iter().find(|holds| {
            let inequalities = inequalities(op, a, b, *holds);
            !inequalities.is_empty()
                && inequalities.into_iter().all(|(greater, less, by)| {
                    let difference = self.exact(greater).minus(&self.exact(less));
                    difference.is_some_and(|difference| self.is_nonnegative(&difference.plus(-by)))
                })
        })
    }

    fn is_nonnegative(&mut self, form: &Linear) -> bool {
        self.prove(form, MAX_DEPTH, &mut MAX_STEPS.clone())
    }

    fn prove(&mut self, form: &Linear, depth: u32, steps: &mut u32) -> bool {
        if self.is_obvious(form) {
            return true;
        }
        if depth == 0 {
            return false;
        }
        // Innermost first: its bounds are made of values defined outside of it.
        for (atom, factor) in form.terms().iter().rev() {
            let Some(bounds) = self.bounds(*atom, *factor > 0) else { continue };
            if *steps == 0 {
                return false;
            }
            *steps -= 1;
            let mut is_proven = |(bound, cond): &(Linear, Option<(Value, bool)>)| {
                let Some(form) = form.substitute(*atom, bound) else { return false };
                let mark = self.mark();
                cond.iter().for_each(|(cond, holds)| self.learn(*cond, *holds));
                let is_impossible = bounds.is_split && !self.learn_equality(*atom, bound);
                let is_proven = is_impossible || self.prove(&form, depth - 1, steps);
                self.forget(mark);
                is_proven
            };
            let is_proven = match bounds.is_split {
                true => bounds.forms.iter().all(&mut is_proven),
                false => bounds.forms.iter().any(&mut is_proven),
            };
            if is_proven {
                return true;
            }
        }
        false
    }

    /// From here on `atom` is `form`; `false` if that contradicts what is known.
    fn learn_equality(&mut self, atom: Value, form: &Linear) -> bool {
        let facts = self.facts.about(atom).filter_map(|fact| fact.substitute(atom, form));
        let facts: Vec<Linear> = facts.collect();
        let is_possible = facts.iter().all(|fact| fact.range(|value| self.numbers(value)).1 >= 0);
        facts.into_iter().for_each(|fact| self.facts.add(fact));
        is_possible
    }

    /// Whether numbers decide, with the help of at most one fact. One about other values would be of no help.
    fn is_obvious(&self, form: &Linear) -> bool {
        let is_nonnegative = |form: &Linear| form.range(|value| self.numbers(value)).0 >= 0;
        let is_enough = |fact: &Linear| form.minus(fact).is_some_and(|rest| is_nonnegative(&rest));
        is_nonnegative(form)
            || form.terms().iter().flat_map(|(value, _)| self.facts.about(*value)).any(is_enough)
    }

    /// Lower or upper bounds of an atom.
    fn bounds(&self, atom: Value, is_lower: bool) -> Option<Bounds> {
        let bound = |form: Linear| Some(Bounds { forms: vec![(form, None)], is_split: false });
        let op = match self.body.values[atom].def {
            Def::Param { block, index } => {
                return self.param_bound(block, index as usize, is_lower).and_then(bound);
            }
            Def::Result { inst, .. } => &self.body.insts[inst].op,
        };
        match *op {
            Op::Binary(op @ (Binary::Min | Binary::Max), a, b) => {
                let forms = [a, b].map(|value| (self.exact(value), None)).to_vec();
                Some(Bounds { forms, is_split: is_lower == (op == Binary::Min) })
            }
            Op::Select(cond, a, b) => {
                let forms = vec![(self.exact(a), Some((cond, true))), (self.exact(b), Some((cond, false)))];
                Some(Bounds { forms, is_split: true })
            }
            Op::IntDiv { op: IntDiv::ModFloor, rhs, .. } => match is_lower {
                true if self.is_obvious(&self.exact(rhs)) => bound(Linear::constant(0)),
                false if self.is_obvious(&self.exact(rhs).plus(-1)) => bound(self.exact(rhs).plus(-1)),
                _ => None,
            },
            _ => None,
        }
    }

    fn param_bound(&self, block: Block, index: usize, is_lower: bool) -> Option<Linear> {
        match &self.body.insts[*self.owners.get(&block)?].op {
            Op::Nest(nest) if nest.body == block => Some(match is_lower {
                true => Linear::constant(0),
                false => self.extent(nest.dims[index]).plus(-1),
            }),
            Op::Loop { start, end, .. } if index == 0 => Some(match is_lower {
                true => self.exact(*start),
                false => self.exact(*end).plus(-1),
            }),
            _ => None,
        }
    }

    /// The form of a size that is known not to be negative. Where the sum cannot leave -2^63..2^64, wrapping would make
    /// it negative, so it does not.
    fn extent(&self, value: Value) -> Linear {
        let form = self.modular(value, &mut MAX_OPERATIONS.clone());
        let (low, high) = form.range(|value| self.numbers(value));
        match low >= -(1 << 63) && high < 1 << 64 {
            true => form,
            false => Linear::atom(value),
        }
    }

    /// A form that is the value of `value`.
    fn exact(&self, value: Value) -> Linear {
        self.exact_to(value, &mut MAX_OPERATIONS.clone())
    }

    fn exact_to(&self, value: Value, operations: &mut u32) -> Linear {
        let form = self.modular(value, operations);
        let (low, high) = form.range(|value| self.numbers(value));
        match self.body.scalar(value).int_range() {
            Some((least, greatest)) if least <= low && high <= greatest => form,
            _ => Linear::atom(value),
        }
    }

    /// A form that is the value of `value` modulo 2^width.
    fn modular(&self, value: Value, operations: &mut u32) -> Linear {
        let atom = || Linear::atom(value);
        if *operations == 0 {
            return atom();
        }
        *operations -= 1;
        let mut form = |value| self.modular(value, operations);
        let sum = match self.op(value) {
            Some(Op::Const(constant)) => constant.as_int().map(Linear::constant),
            Some(&Op::Binary(Binary::Add, a, b)) => form(a).add_scaled(&form(b), 1),
            Some(&Op::Binary(Binary::Sub, a, b)) => form(a).minus(&form(b)),
            Some(&Op::Unary(Unary::Neg, a)) => Linear::constant(0).minus(&form(a)),
            Some(&Op::Binary(Binary::Mul, a, b)) => {
                let factor = self.body.constant(b).and_then(|factor| factor.as_int());
                factor.and_then(|factor| Linear::constant(0).add_scaled(&form(a), factor))
            }
            Some(&Op::Convert(a)) if self.keeps_int(a, self.body.scalar(value)) => {
                Some(self.exact_to(a, operations))
            }
            _ => None,
        };
        sum.unwrap_or_else(atom)
    }

    fn keeps_int(&self, from: Value, to: Scalar) -> bool {
        let from = self.body.scalar(from);
        from.is_int() && to.is_int() && keeps_value(from, to)
    }

    /// The least and the greatest number that an atom can be.
    fn numbers(&self, value: Value) -> (i128, i128) {
        let by_type = self.body.scalar(value).int_range().unwrap_or((0, 1));
        let by_definition = match self.body.values[value].def {
            Def::Param { block, index } => self.param_numbers(block, index as usize),
            Def::Result { inst, .. } => {
                self.result_numbers(&self.body.insts[inst].op, self.body.scalar(value))
            }
        };
        let (least, greatest) = by_definition.unwrap_or(by_type);
        (self.facts.least_of(value).map_or(least, |by_facts| by_facts.max(least)), greatest)
    }

    fn param_numbers(&self, block: Block, index: usize) -> Option<(i128, i128)> {
        match &self.body.insts[*self.owners.get(&block)?].op {
            Op::Nest(nest) if nest.body == block => {
                let extent = self.body.constant(nest.dims[index]).and_then(|extent| extent.as_int());
                Some((0, extent.unwrap_or(i128::from(i64::MAX)) - 1))
            }
            _ => None,
        }
    }

    fn result_numbers(&self, op: &Op, to: Scalar) -> Option<(i128, i128)> {
        let int = |value: Value| self.body.constant(value).and_then(|constant| constant.as_int());
        match *op {
            Op::Convert(a) => match self.body.scalar(a) {
                Scalar::Bool => Some((0, 1)),
                from if !from.is_signed_int() && self.keeps_int(a, to) => from.int_range(),
                _ => None,
            },
            Op::Unary(Unary::Popcount | Unary::Clz | Unary::Ctz, _) => Some((0, 64)),
            Op::Binary(Binary::And, _, mask) => int(mask).filter(|mask| *mask >= 0).map(|mask| (0, mask)),
            Op::IntDiv { op, rhs, .. } => match (op, int(rhs).filter(|divisor| *divisor > 0)?) {
                (IntDiv::ModFloor, divisor) => Some((0, divisor - 1)),
                (IntDiv::Rem, divisor) => Some((1 - divisor, divisor - 1)),
                _ => None,
            },
            _ => None,
        }
    }

    fn op(&self, value: Value) -> Option<&'a Op> {
        self.body.def(value).map(|inst| &self.body.insts[inst].op)
    }
}

/// What follows from `a op b` being `holds`: pairs `(greater, less, by)` with `greater >= less + by`.
fn inequalities(op: Compare, a: Value, b: Value, holds: bool) -> Vec<(Value, Value, i128)> {
    match (op, holds) {
        (Compare::Eq, true) | (Compare::Ne, false) => vec![(a, b, 0), (b, a, 0)],
        (Compare::Eq, false) | (Compare::Ne, true) => Vec::new(),
        (Compare::Lt, true) | (Compare::Ge, false) => vec![(b, a, 1)],
        (Compare::Le, true) | (Compare::Gt, false) => vec![(b, a, 0)],
        (Compare::Gt, true) | (Compare::Le, false) => vec![(a, b, 1)],
        (Compare::Ge, true) | (Compare::Lt, false) => vec![(a, b, 0)],
    }
}
