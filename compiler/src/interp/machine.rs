//! Evaluation of blocks: every instruction but the nest.

use super::{FaultLog, RunError, Slot, slot};
use crate::{
    data::Tensor,
    fault::Fault,
    ir::{Block, Body, Entity, InstData, Op, Site, Value},
    math::{self, Routine},
    scalar_ops,
};
use pk_dsl::scalar::{Const, Scalar};
use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

/// A body and what its values are at the moment.
pub(super) struct Machine<'a> {
    body: &'a Body,
    /// One slot for each value of the body; a value evaluated again overwrites its slot.
    slots: Vec<Slot<'a>>,
    /// Slots of calls that have returned, to be used again.
    frames: Vec<Vec<Slot<'a>>>,
    /// Values on their way from one set of slots to another.
    moving: Vec<Slot<'a>>,
    cancel: Option<&'a AtomicBool>,
    /// How many steps are left, if they are bounded.
    pub(super) steps: Option<&'a Cell<u64>>,
    pub(super) faults: FaultLog,
}

/// The parts of [`Op::Loop`].
struct LoopParts<'a> {
    start: Value,
    end: Value,
    init: &'a [Value],
    cond: Option<Block>,
    body: Block,
}

impl<'a> Machine<'a> {
    pub(super) fn new(body: &'a Body, cancel: Option<&'a AtomicBool>) -> Machine<'a> {
        Machine {
            body,
            slots: vec![unset(); body.values.len()],
            frames: Vec::new(),
            moving: Vec::new(),
            cancel,
            steps: None,
            faults: FaultLog::default(),
        }
    }

    /// The results of the entry block for these parameters. All slots are empty afterwards.
    pub(super) fn evaluate(
        &mut self,
        params: impl Iterator<Item = Slot<'a>>,
    ) -> Result<Vec<Slot<'a>>, RunError> {
        let entry = &self.body.blocks[self.body.entry];
        for (param, slot) in entry.params.iter().zip(params) {
            self.set(*param, slot);
        }
        self.block(self.body.entry)?;
        let results = entry.results.iter().map(|result| self.slot(*result).clone()).collect();
        self.slots.clear();
        Ok(results)
    }

    /// Evaluates the instructions of `block`.
    pub(super) fn block(&mut self, block: Block) -> Result<(), RunError> {
        let body = self.body;
        self.spend(body.blocks[block].insts.len() + 1)?;
        body.blocks[block].insts.iter().try_for_each(|inst| self.inst(&body.insts[*inst]))
    }

    /// The results of `block`, as values.
    pub(super) fn results_of(&self, block: Block) -> &'a [Value] {
        &self.body.blocks[block].results
    }

    /// The parameters of `block`.
    pub(super) fn params_of(&self, block: Block) -> &'a [Value] {
        &self.body.blocks[block].params
    }

    pub(super) fn slot(&self, value: Value) -> &Slot<'a> {
        &self.slots[value.index()]
    }

    pub(super) fn set(&mut self, value: Value, slot: Slot<'a>) {
        self.slots[value.index()] = slot;
    }

    pub(super) fn set_scalar(&mut self, value: Value, scalar: impl Into<Const>) {
        self.set(value, Slot::Scalar(scalar.into()));
    }

    pub(super) fn scalar(&self, value: Value) -> Const {
        self.slot(value).scalar()
    }

    /// The value of an `i64`.
    pub(super) fn int(&self, value: Value) -> i64 {
        self.scalar(value).bits() as i64
    }

    pub(super) fn type_of(&self, value: Value) -> Scalar {
        self.body.scalar(value)
    }

    /// The sizes in the type of `value`.
    pub(super) fn sizes(&self, value: Value) -> &'a [Value] {
        &self.body.ty(value).shape
    }

    /// The values of sizes, which are never negative.
    pub(super) fn extents(&self, sizes: &[Value]) -> Result<Vec<usize>, RunError> {
        let extent = |size: &Value| usize::try_from(self.int(*size)).map_err(|_| RunError::TooLarge);
        sizes.iter().map(extent).collect()
    }

    /// Stops where the flag is up.
    pub(super) fn poll(&self) -> Result<(), RunError> {
        match self.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => Err(RunError::Cancelled),
            _ => Ok(()),
        }
    }

    /// Takes so many steps, if that many are left.
    fn spend(&self, steps: usize) -> Result<(), RunError> {
        if let Some(left) = self.steps {
            left.set(left.get().checked_sub(steps as u64).ok_or(RunError::TooManySteps)?);
        }
        Ok(())
    }

    /// Memory for an array of this shape; filling it is paid for here.
    pub(super) fn reserve(&self, scalar: Scalar, shape: Vec<usize>) -> Result<Tensor, RunError> {
        self.spend(slot::checked_product(shape.iter().copied())?)?;
        slot::reserved(scalar, shape)
    }

    fn inst(&mut self, inst: &'a InstData) -> Result<(), RunError> {
        let results = &inst.results[..];
        let scalar = match &inst.op {
            Op::Const(value) => *value,
            Op::Unary(op, a) => scalar_ops::unary(*op, self.scalar(*a)),
            Op::Binary(op, a, b) => scalar_ops::binary(*op, self.scalar(*a), self.scalar(*b)),
            Op::Compare(op, a, b) => scalar_ops::compare(*op, self.scalar(*a), self.scalar(*b)),
            Op::Fma(a, b, c) => scalar_ops::fma(self.scalar(*a), self.scalar(*b), self.scalar(*c)),
            Op::Select(cond, a, b) => {
                scalar_ops::select(self.scalar(*cond), self.scalar(*a), self.scalar(*b))
            }
            Op::Convert(a) => scalar_ops::convert(self.scalar(*a), self.type_of(results[0])),
            Op::Bits(a) => scalar_ops::bits(self.scalar(*a), self.type_of(results[0])),
            Op::IntDiv { op, lhs, rhs, check } => {
                let (value, by_zero) = scalar_ops::int_div(*op, self.scalar(*lhs), self.scalar(*rhs));
                if let (true, Some(site)) = (by_zero, check) {
                    self.faults.record(*site, 0, 0);
                }
                value
            }
            Op::Index { array, indices, check } => self.element(*array, indices, *check),
            Op::Call { routine, args } => return self.call(*routine, args, results),
            Op::If { cond, then, otherwise } => return self.branch(*cond, *then, *otherwise, results),
            Op::Loop { start, end, init, cond, body } => {
                let parts = LoopParts { start: *start, end: *end, init, cond: *cond, body: *body };
                return self.repeat(&parts, results);
            }
            Op::Array(elements) => return self.array(elements, results),
            Op::Nest(nest) => return self.nest(nest, results),
            Op::Check { cond, site, values } => return self.check(*cond, *site, values),
        };
        self.set_scalar(results[0], scalar);
        Ok(())
    }

    fn element(&mut self, array: Value, indices: &[Value], check: Option<Site>) -> Const {
        let tensor = self.slot(array).tensor();
        let mut at = 0;
        for (index, extent) in indices.iter().zip(&tensor.shape) {
            let index = self.int(*index);
            match usize::try_from(index) {
                Ok(index) if index < *extent => at = at * extent + index,
                _ => {
                    debug_assert!(check.is_some(), "an index that was proven to lie inside does not");
                    let (zero, length) = (Const::zero(tensor.scalar), *extent as i64);
                    if let Some(site) = check {
                        self.faults.record(site, index, length);
                    }
                    return zero;
                }
            }
        }
        tensor.get(at)
    }

    fn array(&mut self, elements: &[Value], results: &[Value]) -> Result<(), RunError> {
        let mut tensor = self.reserve(self.type_of(results[0]), vec![elements.len()])?;
        for element in elements {
            slot::append(&mut tensor, self.slot(*element))?;
        }
        self.set(results[0], Slot::array(tensor));
        Ok(())
    }

    fn call(&mut self, routine: Routine, args: &[Value], results: &[Value]) -> Result<(), RunError> {
        let callee: &'a Body = math::definition(routine);
        let mut frame = self.frames.pop().unwrap_or_default();
        if frame.len() < callee.values.len() {
            frame.resize(callee.values.len(), unset());
        }
        for (param, arg) in callee.blocks[callee.entry].params.iter().zip(args) {
            frame[param.index()] = self.slot(*arg).clone();
        }
        let caller = std::mem::replace(&mut self.body, callee);
        std::mem::swap(&mut self.slots, &mut frame);
        let outcome = self.block(callee.entry);
        self.body = caller;
        std::mem::swap(&mut self.slots, &mut frame);
        for (result, returned) in results.iter().zip(&callee.blocks[callee.entry].results) {
            self.set(*result, frame[returned.index()].clone());
        }
        self.frames.push(frame);
        outcome
    }

    fn branch(
        &mut self,
        cond: Value,
        then: Block,
        otherwise: Block,
        results: &[Value],
    ) -> Result<(), RunError> {
        let taken = if self.holds(cond) { then } else { otherwise };
        self.block(taken)?;
        self.assign(results, self.results_of(taken));
        Ok(())
    }

    fn repeat(&mut self, parts: &LoopParts<'a>, results: &[Value]) -> Result<(), RunError> {
        let (start, end) = (self.int(parts.start), self.int(parts.end));
        // The results hold the carried values between steps: nothing else reads them before the end.
        self.assign(results, parts.init);
        for index in start..end {
            self.poll()?;
            if let Some(cond) = parts.cond {
                self.enter(cond, index, results);
                self.block(cond)?;
                if !self.holds(self.results_of(cond)[0]) {
                    break;
                }
            }
            self.enter(parts.body, index, results);
            self.block(parts.body)?;
            self.assign(results, self.results_of(parts.body));
        }
        Ok(())
    }

    /// Sets the parameters of a block of a loop.
    fn enter(&mut self, block: Block, index: i64, carried: &[Value]) {
        if let [first, rest @ ..] = self.params_of(block) {
            self.set_scalar(*first, index);
            self.assign(rest, carried);
        }
    }

    fn check(&mut self, cond: Value, site: Site, values: &[Value]) -> Result<(), RunError> {
        if self.holds(cond) {
            return Ok(());
        }
        let value = |at: usize| values.get(at).map_or(0, |value| self.int(*value));
        let (index, length) = (value(0), value(1));
        self.faults.record(site, index, length);
        // The log knows better which fault to report: one that arose before may precede this one.
        Err(RunError::Fault(Fault { site, element: Fault::OUTSIDE, index, length }))
    }

    fn holds(&self, cond: Value) -> bool {
        self.scalar(cond).bits() != 0
    }

    /// Sets all of `to` to what `from` was before; the two may overlap.
    fn assign(&mut self, to: &[Value], from: &[Value]) {
        self.moving.extend(from.iter().map(|value| self.slots[value.index()].clone()));
        for (value, slot) in to.iter().zip(self.moving.drain(..)) {
            self.slots[value.index()] = slot;
        }
    }
}

/// What a slot holds before its value is evaluated.
fn unset<'a>() -> Slot<'a> {
    Slot::Scalar(Const::zero(Scalar::Bool))
}
