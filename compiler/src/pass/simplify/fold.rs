//! Constant folding, with the interpreter's own definitions of the operations.

use crate::ir::{Body, Inst, Op};
use crate::scalar_ops;
use pk_dsl::scalar::{Const, Scalar};

/// What `inst` gives, of type `scalar`, if its operands are constants. A division by zero is a fault, not a constant.
pub(super) fn fold(body: &Body, inst: Inst, scalar: Scalar) -> Option<Const> {
    let constant = |value| body.constant(value);
    Some(match body.insts[inst].op {
        Op::Unary(op, a) => scalar_ops::unary(op, constant(a)?),
        Op::Binary(op, a, b) => scalar_ops::binary(op, constant(a)?, constant(b)?),
        Op::Compare(op, a, b) => scalar_ops::compare(op, constant(a)?, constant(b)?),
        Op::Fma(a, b, c) => scalar_ops::fma(constant(a)?, constant(b)?, constant(c)?),
        Op::Select(cond, a, b) => scalar_ops::select(constant(cond)?, constant(a)?, constant(b)?),
        Op::Convert(a) => scalar_ops::convert(constant(a)?, scalar),
        Op::Bits(a) => scalar_ops::bits(constant(a)?, scalar),
        Op::IntDiv { op, lhs, rhs, .. } => match scalar_ops::int_div(op, constant(lhs)?, constant(rhs)?) {
            (value, false) => value,
            (_, true) => return None,
        },
        _ => return None,
    })
}
