//! Sizes: each polynomial becomes one value of the entry block.

use super::{Lowering, Repr};
use crate::ir::{Binary, Compare, IntDiv, Op, Type, Value};
use pk_dsl::{
    hir::{ExprId, SizeKind},
    scalar::Scalar,
    size::{Size, SizeVar},
};

/// Arithmetic of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SizeOp {
    Add,
    Mul,
    Max,
}

impl Lowering<'_> {
    /// The value of a size of the current function.
    pub(super) fn size(&mut self, size: &Size) -> Value {
        let mut sum = None;
        for (vars, factor) in size.terms() {
            let mut product = (factor != 1 || vars.is_empty()).then(|| self.int(factor));
            for &var in vars {
                let value = self.size_var(var);
                product = Some(match product {
                    Some(product) => self.size_op(SizeOp::Mul, product, value),
                    None => value,
                });
            }
            sum = match (sum, product) {
                (Some(sum), Some(product)) => Some(self.size_op(SizeOp::Add, sum, product)),
                (sum, product) => sum.or(product),
            };
        }
        match sum {
            Some(sum) => sum,
            None => self.int(0),
        }
    }

    /// An operation on sizes, in the entry block, done once.
    pub(super) fn size_op(&mut self, op: SizeOp, a: Value, b: Value) -> Value {
        if let (Some(x), Some(y)) = (self.known_int(a), self.known_int(b)) {
            return self.int(match op {
                SizeOp::Add => x.wrapping_add(y),
                SizeOp::Mul => x.wrapping_mul(y),
                SizeOp::Max => x.max(y),
            });
        }
        if let Some(known) = self.size_code.get(&(op, a, b)) {
            return *known;
        }
        let binary = match op {
            SizeOp::Add => Binary::Add,
            SizeOp::Mul => Binary::Mul,
            SizeOp::Max => Binary::Max,
        };
        let value = self.builder.in_entry(|builder| builder.binary(binary, a, b));
        self.size_code.insert((op, a, b), value);
        value
    }

    /// The value of a size variable of the current function.
    fn size_var(&mut self, var: SizeVar) -> Value {
        let index = var.0 as usize;
        let frame = &self.frames[self.current];
        if let Some(known) = frame.sizes[index] {
            return known;
        }
        let function = frame.function;
        let value = match (&frame.caller, &function.sizes[index].kind) {
            (Some((caller, sizes)), _) if index < function.bound_sizes => {
                let (caller, size) = (*caller, sizes[index].clone());
                self.in_frame(caller, |lowering| lowering.size(&size))
            }
            (_, SizeKind::NonNegative(size)) => {
                let size = self.size(size);
                let zero = self.int(0);
                self.size_op(SizeOp::Max, size, zero)
            }
            (_, SizeKind::Strided(size, step)) => {
                let size = self.size(size);
                self.step_count(size, *step)
            }
            (_, SizeKind::Value(expr)) => self.entry_value(*expr),
            (_, SizeKind::Local(local)) => {
                let local = *local;
                self.entry_block(|lowering| lowering.local(local).scalar())
            }
            (_, SizeKind::LengthOf(expr)) => match self.frames[self.current].lengths.get(expr) {
                Some(length) => *length,
                None => self.entry_value(*expr),
            },
            // The arguments bind every axis.
            (_, SizeKind::Axis { .. }) => self.int(0),
        };
        self.frames[self.current].sizes[index] = Some(value);
        value
    }

    /// `ceil(size / step)`, for a size that is not negative.
    fn step_count(&mut self, size: Value, step: i64) -> Value {
        self.entry_block(|lowering| {
            let (one, step) = (lowering.int(1), lowering.int(step));
            let last = lowering.builder.binary(Binary::Sub, size, one);
            let op = Op::IntDiv { op: IntDiv::DivFloor, lhs: last, rhs: step, check: None };
            let steps = lowering.builder.single(op, Type::scalar(Scalar::I64));
            lowering.builder.binary(Binary::Add, steps, one)
        })
    }

    /// The value of an expression that is the same for all elements, computed in the entry block.
    fn entry_value(&mut self, expr: ExprId) -> Value {
        let repr = self.entry_block(|lowering| lowering.expr(expr));
        match repr {
            Repr::Array(array) => array.shape[0],
            other => other.scalar(),
        }
    }

    /// Runs `build` with the cursor in the entry block.
    pub(super) fn entry_block<R>(&mut self, build: impl FnOnce(&mut Self) -> R) -> R {
        let outer = std::mem::replace(&mut self.in_entry, true);
        // `Builder::in_entry` lends the builder alone, but all of the lowering is needed here.
        let saved = self.builder.enter_entry();
        let result = build(self);
        self.builder.leave_entry(saved);
        self.in_entry = outer;
        result
    }

    /// Runs `build` in another frame.
    pub(super) fn in_frame<R>(&mut self, frame: usize, build: impl FnOnce(&mut Self) -> R) -> R {
        let outer = std::mem::replace(&mut self.current, frame);
        let result = build(self);
        self.current = outer;
        result
    }

    /// `a == b`, as the condition of a check.
    pub(super) fn compare(&mut self, op: Compare, a: Value, b: Value) -> Value {
        self.builder.compare(op, a, b)
    }
}
