//! Lifting: what takes scalars takes arrays of one shape too, element by element.

use super::{infer::Infer, unify::Disagreement};
use crate::{
    builtins::Elementwise,
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind},
    size::Size,
    types::Type,
};
use pk_grammar::span::Span;

impl Infer<'_> {
    /// The shape that operands in the places of scalars have in common; `None` after an error.
    pub(super) fn common_shape(&mut self, operands: &[ExprId], span: Span) -> Option<Vec<Size>> {
        let mut common: Option<(Vec<Size>, Span)> = None;
        for &operand in operands {
            let ty = self.ty(operand);
            if self.has_error(operand) {
                return None;
            }
            if !ty.elem().is_scalar_like() {
                let message =
                    format!("this takes scalars or arrays of scalars, but here is {}", self.describe(&ty));
                self.report(Diagnostic::error(Code::WrongOperand, self.span(operand), message));
                return None;
            }
            if ty.shape().is_empty() {
                continue;
            }
            let here = (ty.shape().to_vec(), self.span(operand));
            match &common {
                None => common = Some(here),
                Some(first) => {
                    let first = first.clone();
                    if !self.shapes_agree(&first, &here, span) {
                        return None;
                    }
                }
            }
        }
        Some(common.map_or_else(Vec::new, |(shape, _)| shape))
    }

    /// Requires two shapes to agree in rank and sizes.
    pub(super) fn shapes_agree(&mut self, a: &(Vec<Size>, Span), b: &(Vec<Size>, Span), span: Span) -> bool {
        let disagreement = match a.0.len() == b.0.len() {
            true => self.agree_shapes((&a.0, a.1), (&b.0, b.1)).err(),
            false => Some(Disagreement::Kind),
        };
        let (left, right) = (self.shape_text(&a.0), self.shape_text(&b.0));
        let error = match disagreement {
            None => return true,
            Some(Disagreement::Size(x, y)) => {
                let mut message = format!("the shapes `[{left}]` and `[{right}]` differ");
                if x.as_constant().is_none() || y.as_constant().is_none() {
                    let (x, y) = (self.function.size_text(&x), self.function.size_text(&y));
                    message = format!("{message}: `{x}` is never `{y}`");
                }
                Diagnostic::error(Code::Shape, span, message)
            }
            Some(Disagreement::Kind) => {
                let message = format!("the shapes `[{left}]` and `[{right}]` have different ranks");
                let larger = if a.0.len() > b.0.len() { &left } else { &right };
                Diagnostic::error(Code::Shape, span, message).help(format!(
                    "only scalars broadcast by themselves; `broadcast(x, [{larger}])` repeats an array"
                ))
            }
        };
        self.report(error.other(a.1, format!("shape `[{left}]`")).other(b.1, format!("shape `[{right}]`")));
        false
    }

    /// The elementwise expression of `operands`, whose element types have been checked.
    pub(super) fn push_elementwise(
        &mut self,
        op: Elementwise,
        operands: Vec<ExprId>,
        elem: Type,
        span: Span,
    ) -> ExprId {
        match self.common_shape(&operands, span) {
            Some(shape) => {
                let ty = Type::array(shape, elem);
                self.push(ExprKind::Elementwise(op, operands), ty, span)
            }
            None => self.push_error(span),
        }
    }

    /// The element type of an operand in the place of a scalar.
    pub(super) fn elem_type(&self, id: ExprId) -> Type {
        self.ty(id).elem().clone()
    }
}
