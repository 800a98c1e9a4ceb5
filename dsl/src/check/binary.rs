//! Operators.

use super::{infer::Infer, unify::LiteralKind};
use crate::{
    builtins::{Bound, Elementwise},
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind},
    scalar::Scalar,
    types::Type,
};
use pk_grammar::{
    ast::{self, BinaryOp, ExprKind as Syntax, UnaryOp},
    operator::binary_symbol as spelling,
    span::Span,
};

impl Infer<'_> {
    pub(super) fn infer_unary(&mut self, op: UnaryOp, operand: ast::ExprId, span: Span) -> ExprId {
        // A sign belongs to its literal, so that the least integer can be written and -0.0 keeps its sign.
        if op == UnaryOp::Neg {
            match &self.ast.expr(operand).kind {
                Syntax::Int { value, suffix } => return self.int(-i128::from(*value), *suffix, span),
                Syntax::Float { text, suffix } => return self.float(format!("-{text}"), *suffix, span),
                _ => {}
            }
        }
        let operand = self.infer(operand);
        let elem = self.elem_type(operand);
        let is_allowed = match op {
            UnaryOp::Neg => self.check_negation(&elem, operand),
            UnaryOp::Not => self.check_not(&elem, operand),
        };
        if !is_allowed {
            return self.push_error(span);
        }
        let elem = self.vars.resolve(&elem);
        self.push_elementwise(Elementwise::Unary(op), vec![operand], elem, span)
    }

    fn check_negation(&mut self, elem: &Type, operand: ExprId) -> bool {
        if elem.as_scalar().is_some_and(|scalar| scalar.is_int() && !scalar.is_signed_int()) {
            let message = format!("{} has no negative values", self.describe(elem));
            let error = Diagnostic::error(Code::WrongOperand, self.span(operand), message)
                .help("write `0 - x` to have it wrap");
            self.report(error);
            return false;
        }
        self.require_bound(elem, Bound::Number, self.span(operand), "`-`")
    }

    fn check_not(&mut self, elem: &Type, operand: ExprId) -> bool {
        if elem.as_scalar() == Some(Scalar::Bool) {
            return true;
        }
        self.require_bound(elem, Bound::Int, self.span(operand), "`!`")
    }

    pub(super) fn infer_binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        lhs: ast::ExprId,
        rhs: ast::ExprId,
        span: Span,
    ) -> ExprId {
        let lhs = self.infer(lhs);
        let rhs = match op {
            BinaryOp::AndThen | BinaryOp::OrElse => self.arm(|infer| infer.infer(rhs)),
            _ => self.infer(rhs),
        };
        self.apply_binary(op, op_span, lhs, rhs, span)
    }

    /// The operator on two checked operands.
    pub(super) fn apply_binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        lhs: ExprId,
        rhs: ExprId,
        span: Span,
    ) -> ExprId {
        if self.has_error(lhs) || self.has_error(rhs) {
            return self.push_error(span);
        }
        if !self.are_scalar_operands(op, lhs, rhs) {
            return self.push_error(span);
        }
        match op {
            BinaryOp::Pow => return self.apply_power(lhs, rhs, span),
            BinaryOp::Shl | BinaryOp::Shr => return self.apply_shift(op, lhs, rhs, span),
            _ => {}
        }
        let (left, right) = (self.elem_type(lhs), self.elem_type(rhs));
        if !self.vars.unify(&left, &right) {
            let error = self.mixed_operands(op, op_span, lhs, rhs);
            return self.fail_at(error, span);
        }
        let elem = self.vars.resolve(&left);
        if !self.check_operand_type(op, &elem, lhs) || !self.check_divisor(op, rhs) {
            return self.push_error(span);
        }
        let elem = match op {
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                Type::Scalar(Scalar::Bool)
            }
            _ => self.vars.resolve(&elem),
        };
        self.push_elementwise(Elementwise::Binary(op), vec![lhs, rhs], elem, span)
    }

    fn fail_at(&mut self, error: Diagnostic, span: Span) -> ExprId {
        self.report(error);
        self.push_error(span)
    }

    fn are_scalar_operands(&mut self, op: BinaryOp, lhs: ExprId, rhs: ExprId) -> bool {
        for operand in [lhs, rhs] {
            if !self.elem_type(operand).is_scalar_like() {
                let message =
                    format!("`{}` has no meaning for {}", spelling(op), self.describe(&self.ty(operand)));
                let error = Diagnostic::error(Code::WrongOperand, self.span(operand), message)
                    .help("take the fields one by one");
                self.report(error);
                return false;
            }
        }
        true
    }

    fn check_operand_type(&mut self, op: BinaryOp, elem: &Type, lhs: ExprId) -> bool {
        let (span, name) = (self.span(lhs), format!("`{}`", spelling(op)));
        let is_bool = elem.as_scalar() == Some(Scalar::Bool);
        match op {
            BinaryOp::OrElse | BinaryOp::AndThen => {
                if !is_bool {
                    let message = format!("{name} needs `bool`, but this is {}", self.describe(elem));
                    self.report(Diagnostic::error(Code::WrongOperand, span, message));
                }
                is_bool
            }
            BinaryOp::BitXor if self.is_float(elem) => {
                let message = format!("`^` needs an integer, but this is {}", self.describe(elem));
                let error =
                    Diagnostic::error(Code::WrongOperand, span, message).help("a power is written `x ** 2`");
                self.report(error);
                false
            }
            BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => {
                is_bool || self.require_bound(elem, Bound::Int, span, &name)
            }
            BinaryOp::Eq | BinaryOp::Ne => true,
            _ => self.require_bound(elem, Bound::Number, span, &name),
        }
    }

    fn is_float(&self, ty: &Type) -> bool {
        match ty {
            Type::Var(var) => self.vars.kind(*var) == LiteralKind::Float,
            ty => ty.as_scalar().is_some_and(Scalar::is_float),
        }
    }

    /// A literal zero never divides an integer.
    fn check_divisor(&mut self, op: BinaryOp, rhs: ExprId) -> bool {
        if !matches!(op, BinaryOp::Div | BinaryOp::Rem) || self.int_literal(rhs) != Some(0) {
            return true;
        }
        let elem = self.elem_type(rhs);
        let is_int = match &elem {
            Type::Var(var) => self.vars.kind(*var) == LiteralKind::Int,
            elem => elem.as_scalar().is_some_and(Scalar::is_int),
        };
        if is_int {
            let message = "this divides an integer by zero";
            self.report(Diagnostic::error(Code::ZeroDivisor, self.span(rhs), message));
        }
        !is_int
    }

    fn apply_shift(&mut self, op: BinaryOp, lhs: ExprId, rhs: ExprId, span: Span) -> ExprId {
        let (left, right) = (self.elem_type(lhs), self.elem_type(rhs));
        let name = format!("`{}`", spelling(op));
        if !self.require_bound(&left, Bound::Int, self.span(lhs), &name) {
            return self.push_error(span);
        }
        // A literal amount takes the type of what is shifted; any other may have its own.
        if matches!(self.vars.resolve(&right), Type::Var(_)) {
            self.vars.unify(&right, &left);
        }
        if !self.require_bound(&right, Bound::Int, self.span(rhs), &name) {
            return self.push_error(span);
        }
        let elem = self.vars.resolve(&left);
        self.shifts.push((elem.clone(), rhs));
        self.push_elementwise(Elementwise::Binary(op), vec![lhs, rhs], elem, span)
    }

    fn apply_power(&mut self, lhs: ExprId, rhs: ExprId, span: Span) -> ExprId {
        let (left, right) = (self.elem_type(lhs), self.elem_type(rhs));
        if !self.require_bound(&left, Bound::Number, self.span(lhs), "`**`") {
            return self.push_error(span);
        }
        let exponent = self.int_literal(rhs).and_then(|value| i64::try_from(value).ok());
        let is_free = matches!(&right, Type::Var(var) if self.vars.kind(*var) == LiteralKind::Int);
        if let (Some(exponent), true) = (exponent, is_free || right.as_scalar().is_some_and(Scalar::is_int)) {
            let is_int = !matches!(&left, Type::Scalar(scalar) if scalar.is_float())
                && !matches!(&left, Type::Var(var) if self.vars.kind(*var) == LiteralKind::Float);
            if exponent < 0 && is_int {
                let error = Diagnostic::error(
                    Code::WrongOperand,
                    self.span(rhs),
                    "an integer has no negative powers",
                )
                .help(format!("write `f64({}) ** {exponent}`", self.text(self.span(lhs))));
                return self.fail_at(error, span);
            }
            // The literal is an integer whatever the base is.
            self.vars.unify(&right, &Type::Scalar(Scalar::I64));
            return self.push_elementwise(Elementwise::PowerOf(exponent), vec![lhs], left, span);
        }
        let is_int_exponent = right.as_scalar().is_some_and(Scalar::is_int);
        if is_int_exponent || self.vars.unify(&left, &right) {
            let elem = self.vars.resolve(&left);
            return self.push_elementwise(Elementwise::Binary(BinaryOp::Pow), vec![lhs, rhs], elem, span);
        }
        let error = self.mixed_operands(BinaryOp::Pow, span, lhs, rhs);
        self.fail_at(error, span)
    }

    fn mixed_operands(&self, op: BinaryOp, op_span: Span, lhs: ExprId, rhs: ExprId) -> Diagnostic {
        let (left, right) = (self.elem_type(lhs), self.elem_type(rhs));
        let message = format!(
            "the operands of `{}` are {} and {}",
            spelling(op),
            self.describe(&left),
            self.describe(&right)
        );
        let error = Diagnostic::error(Code::MixedOperands, op_span, message)
            .label("no implicit conversion")
            .other(self.span(lhs), format!("this is {}", self.describe(&self.ty(lhs))))
            .other(self.span(rhs), format!("this is {}", self.describe(&self.ty(rhs))));
        match self.conversion_help((lhs, &left), (rhs, &right)) {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// Converting the integer beside a float; else the operand whose values all fit the other type; else the left one.
    fn conversion_help(&self, left: (ExprId, &Type), right: (ExprId, &Type)) -> Option<String> {
        let (from, to) = match (left.1.as_scalar(), right.1.as_scalar()) {
            (Some(l), Some(r)) if l.is_numeric() && r.is_numeric() => {
                let is_left_wider = if l.is_float() == r.is_float() { widens(r, l) } else { l.is_float() };
                if is_left_wider { (right.0, l) } else { (left.0, r) }
            }
            (Some(scalar), None) if matches!(right.1, Type::Var(_)) && scalar.is_int() => {
                (left.0, Scalar::F64)
            }
            (None, Some(scalar)) if matches!(left.1, Type::Var(_)) && scalar.is_int() => {
                (right.0, Scalar::F64)
            }
            _ => return None,
        };
        Some(format!("write `{to}({})`", self.text(self.span(from))))
    }
}

/// Whether every value of `from` is a value of `to`; both are integers or both are floats.
fn widens(from: Scalar, to: Scalar) -> bool {
    match (from.int_range(), to.int_range()) {
        (Some((low, high)), Some((min, max))) => min <= low && high <= max,
        _ => from.bytes() <= to.bytes(),
    }
}

/// The operator as the body of a closure of two parameters.
impl Infer<'_> {
    pub(super) fn apply_operator(&mut self, op: BinaryOp, operands: &[ExprId], span: Span) -> ExprId {
        match operands {
            [lhs, rhs] => self.apply_binary(op, span, *lhs, *rhs, span),
            _ => {
                let message =
                    format!("`{}` takes two operands, but gets {} here", spelling(op), operands.len());
                self.fail(Diagnostic::error(Code::ArgumentCount, span, message))
            }
        }
    }
}

/// Whether the order of an operator's operands does not matter.
pub(super) fn is_commutative(op: BinaryOp) -> bool {
    use BinaryOp::{Add, AndThen, BitAnd, BitOr, BitXor, Mul, OrElse};
    matches!(op, Add | Mul | BitAnd | BitOr | BitXor | AndThen | OrElse)
}

/// Whether an expression is a plain read of a local, or of a field of one: the local and the path of fields.
pub(super) fn component(infer: &Infer<'_>, id: ExprId) -> Option<(crate::hir::LocalId, Vec<usize>)> {
    match &infer.expr(id).kind {
        ExprKind::Local(local) => Some((*local, Vec::new())),
        ExprKind::Field(base, index) => {
            let (local, mut path) = component(infer, *base)?;
            path.push(*index);
            Some((local, path))
        }
        _ => None,
    }
}
