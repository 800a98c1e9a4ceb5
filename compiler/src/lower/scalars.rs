//! Scalar operations: one arm for each operator and scalar builtin.

use super::{Lowering, Repr};
use crate::{
    ir::{Binary, Compare, FaultKind, IntDiv, Op, Type, Unary, Value},
    math::{self, MathFn, Routine},
};
use pk_dsl::{
    builtins::{Elementwise, ScalarFn},
    hir::{Expr, ExprId},
    scalar::{Const, Scalar},
};
use pk_grammar::{
    ast::{BinaryOp, UnaryOp},
    span::Span,
};
use std::rc::Rc;

impl<'a> Lowering<'a> {
    /// An elementwise expression: computed now if it is a scalar, else when it is read.
    pub(super) fn elementwise_expr(&mut self, op: Elementwise, args: &'a [ExprId], data: &'a Expr) -> Repr {
        use super::arrays::{Array, Lifted, LiftedOp, Source};
        if data.ty.shape().is_empty() {
            if let (Elementwise::Binary(logic @ (BinaryOp::AndThen | BinaryOp::OrElse)), [lhs, rhs]) =
                (op, args)
            {
                return self.short_circuit(logic, *lhs, *rhs);
            }
            let operands: Vec<Value> = args.iter().map(|arg| self.expr(*arg).scalar()).collect();
            return self.elementwise(op, &operands, data.span);
        }
        let args: Vec<Repr> = args.iter().map(|arg| self.expr(*arg)).collect();
        let shape = data.ty.shape().iter().map(|size| self.size(size)).collect();
        let op = LiftedOp::Elementwise(op);
        let rank = data.ty.shape().len();
        let lifted = Lifted { op, args, rank, span: data.span, frame: self.current };
        Repr::Array(Array { shape, source: Source::Lifted(Rc::new(lifted)) })
    }

    /// `a && b` and `a || b` evaluate `b` only where it decides.
    fn short_circuit(&mut self, op: BinaryOp, lhs: ExprId, rhs: ExprId) -> Repr {
        let lhs = self.expr(lhs).scalar();
        match op {
            BinaryOp::AndThen => {
                self.choose(lhs, |l| l.expr(rhs), |l| Repr::Scalar(l.builder.constant(false)))
            }
            _ => self.choose(lhs, |l| Repr::Scalar(l.builder.constant(true)), |l| l.expr(rhs)),
        }
    }

    /// A scalar operation on scalars.
    pub(super) fn elementwise(&mut self, op: Elementwise, operands: &[Value], span: Span) -> Repr {
        let value = match (op, operands) {
            (Elementwise::Unary(UnaryOp::Neg), [x]) => self.builder.unary(Unary::Neg, *x),
            (Elementwise::Unary(UnaryOp::Not), [x]) => self.builder.unary(Unary::Not, *x),
            (Elementwise::Binary(op), [a, b]) => self.binary(op, *a, *b, span),
            (Elementwise::PowerOf(exponent), [x]) => self.power_of(*x, exponent),
            (Elementwise::Convert(scalar), [x]) => self.builder.convert(*x, scalar),
            (Elementwise::Function(function), operands) => return self.function_of(function, operands, span),
            // The checker has counted the operands.
            (_, operands) => operands[0],
        };
        Repr::Scalar(value)
    }

    fn binary(&mut self, op: BinaryOp, a: Value, b: Value, span: Span) -> Value {
        let scalar = self.scalar_type(a);
        let simple = match op {
            BinaryOp::Add => Binary::Add,
            BinaryOp::Sub => Binary::Sub,
            BinaryOp::Mul => Binary::Mul,
            BinaryOp::Div if scalar.is_float() => Binary::Div,
            BinaryOp::BitAnd | BinaryOp::AndThen => Binary::And,
            BinaryOp::BitOr | BinaryOp::OrElse => Binary::Or,
            BinaryOp::BitXor => Binary::Xor,
            BinaryOp::Shl => return self.shift(Binary::Shl, a, b),
            BinaryOp::Shr => return self.shift(Binary::Shr, a, b),
            BinaryOp::Eq => return self.builder.compare(Compare::Eq, a, b),
            BinaryOp::Ne => return self.builder.compare(Compare::Ne, a, b),
            BinaryOp::Lt => return self.builder.compare(Compare::Lt, a, b),
            BinaryOp::Le => return self.builder.compare(Compare::Le, a, b),
            BinaryOp::Gt => return self.builder.compare(Compare::Gt, a, b),
            BinaryOp::Ge => return self.builder.compare(Compare::Ge, a, b),
            BinaryOp::Div => return self.int_div(IntDiv::Div, a, b, span),
            BinaryOp::Rem if scalar.is_float() => return self.call(MathFn::Fmod, scalar, &[a, b]),
            BinaryOp::Rem => return self.int_div(IntDiv::Rem, a, b, span),
            BinaryOp::Pow => return self.power(a, b),
        };
        self.builder.binary(simple, a, b)
    }

    /// The amount counts modulo the width, so that converting it to the type of what is shifted loses nothing.
    fn shift(&mut self, op: Binary, value: Value, amount: Value) -> Value {
        let amount = self.builder.convert(amount, self.scalar_type(value));
        self.builder.binary(op, value, amount)
    }

    fn int_div(&mut self, op: IntDiv, lhs: Value, rhs: Value, span: Span) -> Value {
        let check = Some(self.site(FaultKind::DivisionByZero, span));
        let ty = Type::scalar(self.scalar_type(lhs));
        self.builder.single(Op::IntDiv { op, lhs, rhs, check }, ty)
    }

    /// A library function with one result.
    pub(super) fn call(&mut self, function: MathFn, scalar: Scalar, args: &[Value]) -> Value {
        self.routine(Routine { function, scalar }, args)[0]
    }

    fn routine(&mut self, routine: Routine, args: &[Value]) -> Vec<Value> {
        self.called_insts += math::expanded_insts(routine);
        let results = routine.results().into_iter().map(Type::scalar).collect();
        self.builder.multi(Op::Call { routine, args: args.to_vec() }, results)
    }

    fn function_of(&mut self, function: ScalarFn, operands: &[Value], span: Span) -> Repr {
        let scalar = self.scalar_type(operands[0]);
        if let Some(function) = library(function) {
            return Repr::Scalar(self.call(function, scalar, operands));
        }
        let value = match (function, operands) {
            (ScalarFn::Uniform2, args) => return self.random_tuple(MathFn::Uniform2, Scalar::F64, args),
            (ScalarFn::Philox, args) => return self.random_tuple(MathFn::Philox, Scalar::U32, args),
            (ScalarFn::Uniform, args) => self.call(MathFn::Uniform, Scalar::F64, args),
            (ScalarFn::Normal, args) => self.call(MathFn::Normal, Scalar::F64, args),
            (ScalarFn::UniformF32, args) => self.call(MathFn::UniformF32, Scalar::F32, args),
            (ScalarFn::Abs, [x]) => match scalar.is_float() || scalar.is_signed_int() {
                true => self.builder.unary(Unary::Abs, *x),
                false => *x,
            },
            (ScalarFn::Sign, [x]) => self.sign(*x, scalar),
            (ScalarFn::Min, [a, b]) => self.builder.binary(Binary::Min, *a, *b),
            (ScalarFn::Max, [a, b]) => self.builder.binary(Binary::Max, *a, *b),
            (ScalarFn::Clamp, [x, lo, hi]) => {
                let above = self.builder.binary(Binary::Max, *x, *lo);
                self.builder.binary(Binary::Min, above, *hi)
            }
            (ScalarFn::Select, [c, a, b]) => self.builder.select(*c, *a, *b),
            (ScalarFn::Fma, [a, b, c]) => self.builder.fma(*a, *b, *c),
            (ScalarFn::Floor, [x]) => self.builder.unary(Unary::Floor, *x),
            (ScalarFn::Ceil, [x]) => self.builder.unary(Unary::Ceil, *x),
            (ScalarFn::Trunc, [x]) => self.builder.unary(Unary::Trunc, *x),
            (ScalarFn::Rint, [x]) => self.builder.unary(Unary::Rint, *x),
            (ScalarFn::Round, [x]) => self.round(*x, scalar),
            (ScalarFn::Fract, [x]) => {
                let whole = self.builder.unary(Unary::Trunc, *x);
                self.builder.binary(Binary::Sub, *x, whole)
            }
            (ScalarFn::Copysign, [x, y]) => self.builder.binary(Binary::Copysign, *x, *y),
            (ScalarFn::IsNan, [x]) => self.builder.compare(Compare::Ne, *x, *x),
            (ScalarFn::IsInf, [x]) => self.compare_magnitude(Compare::Eq, *x, scalar),
            (ScalarFn::IsFinite, [x]) => self.compare_magnitude(Compare::Lt, *x, scalar),
            (ScalarFn::DivFloor, [a, b]) => self.int_div(IntDiv::DivFloor, *a, *b, span),
            (ScalarFn::ModFloor, [a, b]) => self.int_div(IntDiv::ModFloor, *a, *b, span),
            (ScalarFn::Popcount, [x]) => self.builder.unary(Unary::Popcount, *x),
            (ScalarFn::Clz, [x]) => self.builder.unary(Unary::Clz, *x),
            (ScalarFn::Ctz, [x]) => self.builder.unary(Unary::Ctz, *x),
            (ScalarFn::Rotl, [x, amount]) => self.shift(Binary::Rotl, *x, *amount),
            (ScalarFn::Rotr, [x, amount]) => self.shift(Binary::Rotr, *x, *amount),
            (ScalarFn::Bits, [x]) => self.builder.bits(*x, unsigned_of(scalar)),
            (ScalarFn::FromBits, [x]) => {
                let float = if scalar == Scalar::U32 { Scalar::F32 } else { Scalar::F64 };
                self.builder.bits(*x, float)
            }
            (ScalarFn::Sqrt, [x]) => self.builder.unary(Unary::Sqrt, *x),
            (ScalarFn::Rsqrt, [x]) => {
                let root = self.builder.unary(Unary::Sqrt, *x);
                let one = self.builder.int(scalar, 1);
                self.builder.binary(Binary::Div, one, root)
            }
            // The checker has counted the operands.
            (_, operands) => operands[0],
        };
        Repr::Scalar(value)
    }

    fn random_tuple(&mut self, function: MathFn, scalar: Scalar, args: &[Value]) -> Repr {
        let values = self.routine(Routine { function, scalar }, args);
        Repr::Tuple(values.into_iter().map(Repr::Scalar).collect())
    }

    /// Zeros and NaN are neither above nor below zero and give themselves.
    fn sign(&mut self, x: Value, scalar: Scalar) -> Value {
        let zero = self.builder.constant(Const::zero(scalar));
        let one = self.builder.int(scalar, 1);
        let is_positive = self.builder.compare(Compare::Gt, x, zero);
        let mut sign = self.builder.select(is_positive, one, x);
        if scalar.is_float() || scalar.is_signed_int() {
            let minus_one = self.builder.int(scalar, -1);
            let is_negative = self.builder.compare(Compare::Lt, x, zero);
            sign = self.builder.select(is_negative, minus_one, sign);
        }
        sign
    }

    /// Halves away from zero: the truncation, one further if half or more is left. The difference is exact.
    fn round(&mut self, x: Value, scalar: Scalar) -> Value {
        let whole = self.builder.unary(Unary::Trunc, x);
        let rest = self.builder.binary(Binary::Sub, x, whole);
        let rest = self.builder.unary(Unary::Abs, rest);
        let half = match scalar {
            Scalar::F32 => self.builder.constant(0.5f32),
            _ => self.builder.constant(0.5f64),
        };
        let is_far = self.builder.compare(Compare::Ge, rest, half);
        let one = self.builder.int(scalar, 1);
        let step = self.builder.binary(Binary::Copysign, one, x);
        let further = self.builder.binary(Binary::Add, whole, step);
        self.builder.select(is_far, further, whole)
    }

    fn compare_magnitude(&mut self, op: Compare, x: Value, scalar: Scalar) -> Value {
        let magnitude = self.builder.unary(Unary::Abs, x);
        let infinity = match scalar {
            Scalar::F32 => self.builder.constant(f32::INFINITY),
            _ => self.builder.constant(f64::INFINITY),
        };
        self.builder.compare(op, magnitude, infinity)
    }
}

fn unsigned_of(scalar: Scalar) -> Scalar {
    match scalar.bytes() {
        1 => Scalar::U8,
        2 => Scalar::U16,
        4 => Scalar::U32,
        _ => Scalar::U64,
    }
}

/// The library function of a builtin on floats.
fn library(function: ScalarFn) -> Option<MathFn> {
    Some(match function {
        ScalarFn::Cbrt => MathFn::Cbrt,
        ScalarFn::Exp => MathFn::Exp,
        ScalarFn::Exp2 => MathFn::Exp2,
        ScalarFn::Exp10 => MathFn::Exp10,
        ScalarFn::Expm1 => MathFn::Expm1,
        ScalarFn::Log => MathFn::Log,
        ScalarFn::Log2 => MathFn::Log2,
        ScalarFn::Log10 => MathFn::Log10,
        ScalarFn::Log1p => MathFn::Log1p,
        ScalarFn::Pow => MathFn::Pow,
        ScalarFn::Hypot => MathFn::Hypot,
        ScalarFn::Sin => MathFn::Sin,
        ScalarFn::Cos => MathFn::Cos,
        ScalarFn::Tan => MathFn::Tan,
        ScalarFn::Asin => MathFn::Asin,
        ScalarFn::Acos => MathFn::Acos,
        ScalarFn::Atan => MathFn::Atan,
        ScalarFn::Atan2 => MathFn::Atan2,
        ScalarFn::Sinh => MathFn::Sinh,
        ScalarFn::Cosh => MathFn::Cosh,
        ScalarFn::Tanh => MathFn::Tanh,
        ScalarFn::Asinh => MathFn::Asinh,
        ScalarFn::Acosh => MathFn::Acosh,
        ScalarFn::Atanh => MathFn::Atanh,
        ScalarFn::Erf => MathFn::Erf,
        ScalarFn::Erfc => MathFn::Erfc,
        _ => return None,
    })
}
