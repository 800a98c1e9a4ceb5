//! Functions as arguments: closures, names of functions and builtins, operators.

use super::{
    binary,
    calls::Args,
    infer::{Binding, Infer},
};
use crate::{
    builtins::{self, ArrayFn, Elementwise, NamedFold, Rule, ScalarFn},
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, Lambda, LocalId, Pattern},
    types::Type,
};
use pk_grammar::{
    ast::{self, BinaryOp, ExprKind as Syntax},
    span::Span,
};

impl Infer<'_> {
    /// The function at `id` applied to parameters of these types; `None` after an error.
    pub(super) fn lambda(&mut self, id: ast::ExprId, params: &[Type], role: &str) -> Option<Lambda> {
        let ast = self.ast;
        let expr = ast.expr(id);
        self.nested(|infer| match &expr.kind {
            Syntax::Closure { params: patterns, body } => infer.closure(patterns, *body, params, expr.span),
            Syntax::Operator(op) => {
                infer.eta(params, expr.span, |infer, operands| infer.apply_operator(*op, operands, expr.span))
            }
            Syntax::Name(name) if infer.lookup(name.name).is_none() => {
                infer.eta(params, expr.span, |infer, operands| {
                    infer.call(*name, Args::of_exprs(operands, name.span), name.span)
                })
            }
            Syntax::Error => None,
            _ => {
                let message = format!("{role} is a function: a closure, a name or an operator");
                let error = Diagnostic::error(Code::Closure, expr.span, message)
                    .help("a closure is written `|a, b| a + b`");
                infer.report(error);
                None
            }
        })
    }

    fn closure(
        &mut self,
        patterns: &[ast::PatternId],
        body: ast::ExprId,
        params: &[Type],
        span: Span,
    ) -> Option<Lambda> {
        if patterns.len() != params.len() {
            let message =
                format!("this closure takes {}, but it gets {}", count(patterns.len()), params.len());
            let error = Diagnostic::error(Code::ArgumentCount, span, message);
            let error = match (patterns.len(), params) {
                (many, [Type::Tuple(tuple)]) if tuple.fields.len() == many => {
                    error.help("take the tuple apart: `|(a, b)| …`")
                }
                _ => error,
            };
            self.report(error);
            return None;
        }
        self.reject_duplicates(patterns.iter().copied());
        let quiet = Binding { is_quiet: true, ..Binding::default() };
        let bound =
            patterns.iter().zip(params).map(|(pattern, ty)| self.bind(*pattern, ty, quiet.clone())).collect();
        let body = self.infer(body);
        (!self.has_error(body)).then_some(Lambda { params: bound, body })
    }

    /// A closure around something that is called by name.
    fn eta(
        &mut self,
        params: &[Type],
        span: Span,
        build: impl FnOnce(&mut Self, &[ExprId]) -> ExprId,
    ) -> Option<Lambda> {
        let locals: Vec<LocalId> =
            params.iter().map(|ty| self.add_local("_", ty.clone(), span, Binding::default())).collect();
        let operands: Vec<ExprId> = locals
            .iter()
            .zip(params)
            .map(|(local, ty)| self.push(ExprKind::Local(*local), ty.clone(), span))
            .collect();
        let body = build(self, &operands);
        let params = locals.into_iter().map(Pattern::Local).collect();
        (!self.has_error(body)).then_some(Lambda { params, body })
    }

    /// The associative operator at `id` on values of type `ty`, and whether its form says that order does not matter.
    pub(super) fn fold_operator(&mut self, id: ast::ExprId, ty: &Type) -> Option<(Lambda, bool)> {
        let op = self.lambda(id, &[ty.clone(), ty.clone()], "the operator")?;
        let wanted = (&self.vars.resolve(ty), self.ast_span(id));
        if !self.expect_type(op.body, wanted, "an operator on these values") {
            return None;
        }
        let is_commutative = self.is_commutative(&op);
        Some((op, is_commutative))
    }

    /// Whether an operator applies commutative operations component by component.
    fn is_commutative(&self, op: &Lambda) -> bool {
        let [left, right] = &op.params[..] else { return false };
        let mut paths = Paths::default();
        paths.add(left, 0, &mut Vec::new());
        paths.add(right, 1, &mut Vec::new());
        self.combines(&paths, op.body, &mut Vec::new())
    }

    /// Whether `id` combines the components at `path` of both operands by a commutative operation.
    fn combines(&self, paths: &Paths, id: ExprId, path: &mut Vec<usize>) -> bool {
        match &self.expr(id).kind {
            ExprKind::Block { lets, tail } if lets.is_empty() => self.combines(paths, *tail, path),
            ExprKind::Tuple(parts) => parts.iter().enumerate().all(|(index, part)| {
                path.push(index);
                let combines = self.combines(paths, *part, path);
                path.pop();
                combines
            }),
            ExprKind::Elementwise(op, args) if is_commutative_op(*op) => {
                let sides: Vec<_> = args.iter().filter_map(|arg| paths.of(self, *arg)).collect();
                let [(left_side, left), (right_side, right)] = &sides[..] else { return false };
                left_side != right_side && left == path && right == path
            }
            _ => false,
        }
    }

    /// The neutral element of an operator that has one by itself.
    pub(super) fn derived_neutral(&self, id: ast::ExprId) -> Option<NamedFold> {
        match &self.ast.expr(id).kind {
            Syntax::Operator(op) => named_fold(*op),
            Syntax::Name(name) if self.lookup(name.name).is_none() => {
                match builtins::find(self.name(name.name))?.rule {
                    Rule::Array(ArrayFn::Named(fold @ (NamedFold::Min | NamedFold::Max))) => Some(fold),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn is_commutative_op(op: Elementwise) -> bool {
    match op {
        Elementwise::Binary(op) => binary::is_commutative(op),
        Elementwise::Function(function) => matches!(function, ScalarFn::Min | ScalarFn::Max),
        _ => false,
    }
}

/// The fold that an operator alone makes, whose neutral element is known.
fn named_fold(op: BinaryOp) -> Option<NamedFold> {
    match op {
        BinaryOp::Add | BinaryOp::BitOr | BinaryOp::BitXor => Some(NamedFold::Sum),
        BinaryOp::Mul => Some(NamedFold::Prod),
        BinaryOp::BitAnd | BinaryOp::AndThen => Some(NamedFold::All),
        BinaryOp::OrElse => Some(NamedFold::Any),
        _ => None,
    }
}

/// Which component of which operand each local of a closure's patterns is.
#[derive(Debug, Default)]
struct Paths {
    locals: Vec<(LocalId, usize, Vec<usize>)>,
}

impl Paths {
    fn add(&mut self, pattern: &Pattern, side: usize, path: &mut Vec<usize>) {
        match pattern {
            Pattern::Wildcard => {}
            Pattern::Local(local) => self.locals.push((*local, side, path.clone())),
            Pattern::Tuple(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    path.push(index);
                    self.add(part, side, path);
                    path.pop();
                }
            }
        }
    }

    /// The side and path of a read of a component.
    fn of(&self, infer: &Infer<'_>, id: ExprId) -> Option<(usize, Vec<usize>)> {
        let (local, rest) = binary::component(infer, id)?;
        let (_, side, path) = self.locals.iter().find(|(other, ..)| *other == local)?;
        Some((*side, [&path[..], &rest].concat()))
    }
}

pub(super) fn count(number: usize) -> String {
    match number {
        1 => "1 argument".to_string(),
        _ => format!("{number} arguments"),
    }
}
