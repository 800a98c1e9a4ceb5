//! Operations on scalars. What they mean is defined in `scalar_ops`; here stands how that is said without traps.

use super::{emitter::Emitter, helper::Function};
use crate::ir::{Binary, Compare, IntDiv, Unary};
use cranelift_codegen::ir::{
    InstBuilder, Value,
    condcodes::{FloatCC, IntCC},
};
use pk_dsl::scalar::{Const, Scalar};

impl Emitter<'_, '_> {
    pub(super) fn unary(&mut self, op: Unary, scalar: Scalar, x: Value) -> Value {
        match op {
            Unary::Neg if scalar.is_float() => self.builder.ins().fneg(x),
            Unary::Neg => self.builder.ins().ineg(x),
            Unary::Not if scalar == Scalar::Bool => self.builder.ins().bxor_imm_u(x, 1),
            Unary::Not => self.builder.ins().bnot(x),
            Unary::Abs if scalar.is_float() => self.builder.ins().fabs(x),
            Unary::Abs if scalar.is_signed_int() => self.int_abs(scalar, x),
            Unary::Abs => x,
            Unary::Sqrt => self.builder.ins().sqrt(x),
            Unary::Floor => self.round(Function::Floor, scalar, x),
            Unary::Ceil => self.round(Function::Ceil, scalar, x),
            Unary::Trunc => self.round(Function::Trunc, scalar, x),
            Unary::Rint => self.round(Function::Nearest, scalar, x),
            Unary::Popcount => self.builder.ins().popcnt(x),
            Unary::Clz => self.builder.ins().clz(x),
            Unary::Ctz => self.builder.ins().ctz(x),
        }
    }

    fn int_abs(&mut self, scalar: Scalar, x: Value) -> Value {
        let zero = self.constant(Const::zero(scalar));
        let is_negative = self.icmp(IntCC::SignedLessThan, x, zero);
        let negated = self.builder.ins().ineg(x);
        self.builder.ins().select(is_negative, negated, x)
    }

    pub(super) fn round(&mut self, function: Function, scalar: Scalar, x: Value) -> Value {
        if let Some(result) = self.call_helper(function, scalar, &[x]) {
            return result;
        }
        match function {
            Function::Floor => self.builder.ins().floor(x),
            Function::Ceil => self.builder.ins().ceil(x),
            Function::Trunc => self.builder.ins().trunc(x),
            Function::Nearest | Function::Fma => self.builder.ins().nearest(x),
        }
    }

    pub(super) fn fma(&mut self, scalar: Scalar, a: Value, b: Value, c: Value) -> Value {
        match self.call_helper(Function::Fma, scalar, &[a, b, c]) {
            Some(result) => result,
            None => self.builder.ins().fma(a, b, c),
        }
    }

    /// Calls a helper if the CPU lacks the instruction.
    fn call_helper(&mut self, function: Function, scalar: Scalar, args: &[Value]) -> Option<Value> {
        let id = self.helpers.get(function, scalar)?;
        let callee = self.module.declare_func_in_func(id, self.builder.func);
        let call = self.builder.ins().call(callee, args);
        Some(self.builder.inst_results(call)[0])
    }

    pub(super) fn binary(&mut self, op: Binary, scalar: Scalar, a: Value, b: Value) -> Value {
        match scalar {
            Scalar::F32 | Scalar::F64 => self.float_binary(op, a, b),
            Scalar::Bool => self.bool_binary(op, a, b),
            _ => self.int_binary(op, scalar, a, b),
        }
    }

    fn float_binary(&mut self, op: Binary, a: Value, b: Value) -> Value {
        match op {
            Binary::Add => self.builder.ins().fadd(a, b),
            Binary::Sub => self.builder.ins().fsub(a, b),
            Binary::Mul => self.builder.ins().fmul(a, b),
            Binary::Div => self.builder.ins().fdiv(a, b),
            // Cranelift's are those of IEEE 754-2019, as the language's are.
            Binary::Min => self.builder.ins().fmin(a, b),
            Binary::Max => self.builder.ins().fmax(a, b),
            Binary::Copysign => self.builder.ins().fcopysign(a, b),
            Binary::And | Binary::Or | Binary::Xor => self.not_in_ir(a),
            Binary::Shl | Binary::Shr | Binary::Rotl | Binary::Rotr => self.not_in_ir(a),
        }
    }

    fn bool_binary(&mut self, op: Binary, a: Value, b: Value) -> Value {
        match op {
            Binary::And | Binary::Min => self.builder.ins().band(a, b),
            Binary::Or | Binary::Max => self.builder.ins().bor(a, b),
            Binary::Xor => self.builder.ins().bxor(a, b),
            _ => self.not_in_ir(a),
        }
    }

    fn int_binary(&mut self, op: Binary, scalar: Scalar, a: Value, b: Value) -> Value {
        match op {
            Binary::Add => self.builder.ins().iadd(a, b),
            Binary::Sub => self.builder.ins().isub(a, b),
            Binary::Mul => self.builder.ins().imul(a, b),
            Binary::Min => self.choose_if(int_condition(Compare::Lt, scalar), a, b),
            Binary::Max => self.choose_if(int_condition(Compare::Gt, scalar), a, b),
            Binary::And => self.builder.ins().band(a, b),
            Binary::Or => self.builder.ins().bor(a, b),
            Binary::Xor => self.builder.ins().bxor(a, b),
            // Cranelift takes amounts modulo the width, as the language does.
            Binary::Shl => self.builder.ins().ishl(a, b),
            Binary::Shr if scalar.is_signed_int() => self.builder.ins().sshr(a, b),
            Binary::Shr => self.builder.ins().ushr(a, b),
            Binary::Rotl => self.builder.ins().rotl(a, b),
            Binary::Rotr => self.builder.ins().rotr(a, b),
            Binary::Div | Binary::Copysign => self.not_in_ir(a),
        }
    }

    fn choose_if(&mut self, code: IntCC, a: Value, b: Value) -> Value {
        let is_first = self.icmp(code, a, b);
        self.builder.ins().select(is_first, a, b)
    }

    /// For operations on types that the verifier refuses.
    fn not_in_ir(&self, operand: Value) -> Value {
        debug_assert!(false, "an operation on a type that it is not for");
        operand
    }

    pub(super) fn compare(&mut self, op: Compare, scalar: Scalar, a: Value, b: Value) -> Value {
        match scalar.is_float() {
            true => self.builder.ins().fcmp(float_condition(op), a, b),
            false => self.icmp(int_condition(op, scalar), a, b),
        }
    }

    /// Integer division; `divisor` is the divisor if it is a constant.
    pub(super) fn int_div(
        &mut self,
        op: IntDiv,
        scalar: Scalar,
        lhs: Value,
        rhs: Value,
        divisor: Option<Const>,
    ) -> Value {
        let rhs = self.harmless_divisor(scalar, lhs, rhs, divisor);
        match (op, scalar.is_signed_int()) {
            (IntDiv::Div | IntDiv::DivFloor, false) => self.builder.ins().udiv(lhs, rhs),
            (IntDiv::Rem | IntDiv::ModFloor, false) => self.builder.ins().urem(lhs, rhs),
            (IntDiv::Div, true) => self.builder.ins().sdiv(lhs, rhs),
            (IntDiv::Rem, true) => self.builder.ins().srem(lhs, rhs),
            (IntDiv::DivFloor, true) => self.div_floor(scalar, lhs, rhs),
            (IntDiv::ModFloor, true) => self.mod_floor(scalar, lhs, rhs),
        }
    }

    /// The divisor, but 1 for zero, by the language's rule, and 1 for -1 under the least integer, whose quotient is
    /// itself: the machine traps on both.
    fn harmless_divisor(&mut self, scalar: Scalar, lhs: Value, rhs: Value, divisor: Option<Const>) -> Value {
        if divisor.and_then(|divisor| divisor.as_int()).is_some_and(|divisor| divisor != 0 && divisor != -1) {
            return rhs;
        }
        let [zero, one] =
            [0, 1].map(|value| Const::from_int(scalar, value)).map(|value| self.constant(value));
        let mut is_bad = self.icmp(IntCC::Equal, rhs, zero);
        if let (true, Some((least, _))) = (scalar.is_signed_int(), scalar.int_range()) {
            let [least, minus_one] =
                [least, -1].map(|value| Const::from_int(scalar, value)).map(|value| self.constant(value));
            let is_least = self.icmp(IntCC::Equal, lhs, least);
            let is_minus_one = self.icmp(IntCC::Equal, rhs, minus_one);
            let overflows = self.builder.ins().band(is_least, is_minus_one);
            is_bad = self.builder.ins().bor(is_bad, overflows);
        }
        self.builder.ins().select(is_bad, one, rhs)
    }

    fn div_floor(&mut self, scalar: Scalar, lhs: Value, rhs: Value) -> Value {
        let quotient = self.builder.ins().sdiv(lhs, rhs);
        let remainder = self.builder.ins().srem(lhs, rhs);
        let is_above = self.rounds_up(scalar, remainder, rhs);
        let one = self.constant(Const::from_int(scalar, 1));
        let lower = self.builder.ins().isub(quotient, one);
        self.builder.ins().select(is_above, lower, quotient)
    }

    fn mod_floor(&mut self, scalar: Scalar, lhs: Value, rhs: Value) -> Value {
        let remainder = self.builder.ins().srem(lhs, rhs);
        let has_wrong_sign = self.rounds_up(scalar, remainder, rhs);
        let shifted = self.builder.ins().iadd(remainder, rhs);
        self.builder.ins().select(has_wrong_sign, shifted, remainder)
    }

    /// Whether truncation rounded up: there is a remainder, and its sign is not the divisor's.
    fn rounds_up(&mut self, scalar: Scalar, remainder: Value, divisor: Value) -> Value {
        let zero = self.constant(Const::zero(scalar));
        let is_inexact = self.icmp(IntCC::NotEqual, remainder, zero);
        let signs = self.builder.ins().bxor(remainder, divisor);
        let differ = self.icmp(IntCC::SignedLessThan, signs, zero);
        self.builder.ins().band(is_inexact, differ)
    }
}

pub(super) fn int_condition(op: Compare, scalar: Scalar) -> IntCC {
    match (op, scalar.is_signed_int()) {
        (Compare::Eq, _) => IntCC::Equal,
        (Compare::Ne, _) => IntCC::NotEqual,
        (Compare::Lt, true) => IntCC::SignedLessThan,
        (Compare::Le, true) => IntCC::SignedLessThanOrEqual,
        (Compare::Gt, true) => IntCC::SignedGreaterThan,
        (Compare::Ge, true) => IntCC::SignedGreaterThanOrEqual,
        (Compare::Lt, false) => IntCC::UnsignedLessThan,
        (Compare::Le, false) => IntCC::UnsignedLessThanOrEqual,
        (Compare::Gt, false) => IntCC::UnsignedGreaterThan,
        (Compare::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
    }
}

pub(super) fn float_condition(op: Compare) -> FloatCC {
    match op {
        Compare::Eq => FloatCC::Equal,
        Compare::Ne => FloatCC::NotEqual,
        Compare::Lt => FloatCC::LessThan,
        Compare::Le => FloatCC::LessThanOrEqual,
        Compare::Gt => FloatCC::GreaterThan,
        Compare::Ge => FloatCC::GreaterThanOrEqual,
    }
}
