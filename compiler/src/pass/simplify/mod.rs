//! Simplification: constants are folded, identities that are exact are used, conditions that are known are decided.
//!
//! Exact means: the same bits for every input, any NaN counting as any other. So `x + 0.0` stays (it turns -0.0 into
//! 0.0), `x * 0.0` stays, and floats are never reassociated. No rule looks at more than an operation and the
//! definitions of its operands; what needs the ranges of values is the business of [`bounds`](super::bounds).

mod control;
mod convert;
mod float;
mod fold;
mod integer;
mod logic;
mod unary;

pub(super) use convert::keeps_value;

use super::rewrite::{Replacements, add_scalar};
use crate::deadline::Deadline;
use crate::ir::{Binary, Block, Body, Inst, Kernel, Op, Value};
use pk_dsl::scalar::{Const, Scalar};

/// Simplifies the whole kernel; whether anything changed.
pub(super) fn run(kernel: &mut Kernel, deadline: &Deadline) -> bool {
    let entry = kernel.body.entry;
    let mut simplifier = Simplifier {
        body: &mut kernel.body,
        deadline,
        added: Vec::new(),
        replacements: Replacements::default(),
        is_changed: false,
    };
    simplifier.block(entry);
    simplifier.replacements.apply(simplifier.body);
    simplifier.is_changed
}

/// What to do with an instruction.
#[derive(Debug)]
enum Outcome {
    /// Nothing.
    Keep,
    /// Drop it: these values are its results.
    Values(Vec<Value>),
    /// It does this instead, with the same results.
    Op(Op),
}

impl Outcome {
    fn value(value: Value) -> Outcome {
        Outcome::Values(vec![value])
    }

    fn constant(constant: Const) -> Outcome {
        Outcome::Op(Op::Const(constant))
    }

    /// What `next` says, if this says nothing.
    fn or_else(self, next: impl FnOnce() -> Outcome) -> Outcome {
        match self {
            Outcome::Keep => next(),
            decided => decided,
        }
    }
}

/// Walks the blocks in order of evaluation: what an instruction uses is simplified before it.
struct Simplifier<'a> {
    body: &'a mut Body,
    deadline: &'a Deadline,
    /// Instructions that the rule in progress wants before the one it looks at.
    added: Vec<Inst>,
    replacements: Replacements,
    is_changed: bool,
}

impl Simplifier<'_> {
    fn block(&mut self, block: Block) {
        let mut pending = std::mem::take(&mut self.body.blocks[block].insts);
        pending.reverse();
        let mut done = Vec::with_capacity(pending.len());
        while let Some(inst) = pending.pop() {
            if self.deadline.has_passed() {
                return;
            }
            self.body.insts[inst].op.map_operands(|value| self.replacements.get(value));
            self.inner_blocks(inst);
            match self.simplify(inst) {
                Outcome::Keep => {
                    done.push(inst);
                    continue;
                }
                Outcome::Values(values) => {
                    self.replacements.insert_all(&self.body.insts[inst].results, &values)
                }
                Outcome::Op(op) => {
                    self.body.insts[inst].op = op;
                    pending.push(inst);
                }
            }
            self.is_changed = true;
            pending.extend(self.added.drain(..).rev());
        }
        self.body.blocks[block].insts = done;
        self.body.blocks[block].results.iter_mut().for_each(|value| *value = self.replacements.get(*value));
    }

    fn inner_blocks(&mut self, inst: Inst) {
        self.replace_invariant_carries(inst);
        let mut blocks = Vec::new();
        self.body.insts[inst].op.for_each_block(|block| blocks.push(block));
        blocks.into_iter().for_each(|block| self.block(block));
    }

    fn simplify(&mut self, inst: Inst) -> Outcome {
        let scalar = self.body.insts[inst].results.first().map(|result| self.body.scalar(*result));
        if let Some(constant) = scalar.and_then(|scalar| fold::fold(self.body, inst, scalar)) {
            return Outcome::constant(constant);
        }
        // A rule holds no borrow of the operation it may replace; only lists of operands make this copy cost anything.
        let op = self.body.insts[inst].op.clone();
        match (op, scalar) {
            (Op::Unary(op, a), _) => self.unary(op, a),
            (Op::Binary(op, a, b), _) => self.binary(op, a, b),
            (Op::Compare(op, a, b), _) => self.compare(op, a, b),
            (Op::Select(cond, a, b), _) => self.select(cond, a, b),
            (Op::Convert(a), Some(to)) => self.convert(a, to),
            (Op::Bits(a), Some(to)) => self.bits(a, to),
            (Op::IntDiv { op, lhs, rhs, check }, _) => self.int_div(op, lhs, rhs, check),
            (Op::If { cond, then, otherwise }, _) => self.conditional(inst, cond, [then, otherwise]),
            (Op::Loop { start, end, init, .. }, _) => self.sequential(start, end, init),
            (Op::Index { array, indices, .. }, _) => self.index(array, &indices),
            (Op::Check { cond, .. }, _) => self.check(cond),
            _ => Outcome::Keep,
        }
    }

    fn binary(&mut self, op: Binary, a: Value, b: Value) -> Outcome {
        // One place for the constant halves the rules and lets equal operations look equal.
        if is_commutative(op) && self.body.constant(a).is_some() && self.body.constant(b).is_none() {
            return Outcome::Op(Op::Binary(op, b, a));
        }
        match self.body.scalar(a) {
            Scalar::F32 | Scalar::F64 => self.float_binary(op, a, b),
            _ => self.integer_binary(op, a, b),
        }
    }

    /// The operation that defines `value`.
    fn op(&self, value: Value) -> Option<&Op> {
        self.body.def(value).map(|inst| &self.body.insts[inst].op)
    }

    fn int(&self, value: Value) -> Option<i128> {
        self.body.constant(value).and_then(Const::as_int)
    }

    /// A new instruction before the one that is simplified; its result.
    fn add(&mut self, op: Op, scalar: Scalar) -> Value {
        let (inst, value) = add_scalar(self.body, op, scalar);
        self.added.push(inst);
        value
    }

    fn add_constant(&mut self, constant: Const) -> Value {
        self.add(Op::Const(constant), constant.scalar())
    }
}

/// Whether the operands may change places.
pub(super) fn is_commutative(op: Binary) -> bool {
    use Binary::{Add, And, Max, Min, Mul, Or, Xor};
    matches!(op, Add | Mul | Min | Max | And | Or | Xor)
}
