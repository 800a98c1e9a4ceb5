//! Sizes of arrays: what an `i64` expression is as a polynomial, and when two sizes agree.

use super::infer::Infer;
use crate::signature::MAX_EXTENT;
use crate::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, LocalId, SizeCheck, SizeData, SizeKind},
    size::{Size, SizeVar},
};
use pk_grammar::span::Span;

impl Infer<'_> {
    /// The variable of this kind, made on first demand, so that equal kinds are equal variables.
    pub(super) fn size_var(&mut self, kind: SizeKind, name: String, span: Span, varies: bool) -> SizeVar {
        let known = self.function.sizes.iter().position(|data| data.kind == kind);
        let index = known.unwrap_or_else(|| {
            self.function.sizes.push(SizeData { kind, name, span, varies });
            self.function.sizes.len() - 1
        });
        SizeVar(index as u32)
    }

    /// The value of a local as a size.
    pub(super) fn local_size(&mut self, local: LocalId) -> Size {
        if let Some(size) = &self.bindings[local.0 as usize].size {
            return size.clone();
        }
        let (name, span) = (self.function.local(local).name.clone(), self.function.local(local).span);
        let varies = !self.is_uniform_local(local);
        let size = Size::var(self.size_var(SizeKind::Local(local), name, span, varies));
        self.bindings[local.0 as usize].size = Some(size.clone());
        size
    }

    /// The value of an `i64` expression as a polynomial, where it is one.
    pub(super) fn polynomial(&mut self, id: ExprId) -> Option<Size> {
        use crate::builtins::Elementwise;
        use pk_grammar::ast::{BinaryOp, UnaryOp};
        if !self.ty(id).is_scalar_like() {
            return None;
        }
        match self.expr(id).kind.clone() {
            ExprKind::Size(size) => Some(size),
            ExprKind::Local(local) => Some(self.local_size(local)),
            ExprKind::Const(_) => {
                self.int_literal(id).and_then(|value| i64::try_from(value).ok()).map(Size::constant)
            }
            ExprKind::Block { tail, .. } => self.polynomial(tail),
            ExprKind::Elementwise(Elementwise::Unary(UnaryOp::Neg), args) => {
                Size::constant(0).sub(&self.polynomial(args[0])?)
            }
            ExprKind::Elementwise(Elementwise::Binary(op), args) => {
                if !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul) {
                    return None;
                }
                let (a, b) = (self.polynomial(args[0])?, self.polynomial(args[1])?);
                match op {
                    BinaryOp::Add => a.add(&b),
                    BinaryOp::Sub => a.sub(&b),
                    _ => a.mul(&b),
                }
            }
            _ => None,
        }
    }

    /// The value of an `i64` expression as a size: a polynomial, or a variable for the value of an expression that is
    /// the same for all elements. `None` after an error.
    pub(super) fn symbolic(&mut self, id: ExprId) -> Option<Size> {
        if let Some(size) = self.polynomial(id) {
            return Some(size);
        }
        if self.has_error(id) {
            return None;
        }
        if !self.is_uniform(id) {
            self.report_irregular(id);
            return None;
        }
        let (name, span) = (self.text(self.span(id)), self.span(id));
        Some(Size::var(self.size_var(SizeKind::Value(id), name, span, false)))
    }

    fn report_irregular(&mut self, id: ExprId) {
        let error =
            Diagnostic::error(Code::Irregular, self.span(id), "this size may differ from element to element")
                .help(
                    "arrays inside arrays have one size for all; a `loop` may have a trip count that differs",
                );
        self.report(error);
    }

    /// The number of values in `lo..hi`.
    pub(super) fn range_extent(&mut self, lo: ExprId, hi: ExprId, span: Span) -> Option<Size> {
        let (start, end) = (self.symbolic(lo)?, self.symbolic(hi)?);
        let Some(difference) = end.sub(&start) else {
            self.report(Diagnostic::error(Code::Size, span, "this size is too large to reason about"));
            return None;
        };
        let extent = self.extent(difference, span)?;
        let is_launched = |size: &Size| self.is_tame(size) || size.as_constant().is_some();
        if !is_launched(&start) || !is_launched(&end) {
            let is_fixed = |size: &Size| size.vars().all(|var| !self.function.size(var).varies);
            if is_fixed(&start) && is_fixed(&end) {
                self.pending.push(SizeCheck::Range { lo: start, hi: end, span });
            }
        }
        Some(extent)
    }

    /// `size`, or 0 where it is negative; an error if it may differ from element to element.
    pub(super) fn extent(&mut self, size: Size, span: Span) -> Option<Size> {
        if size.vars().any(|var| self.function.size(var).varies) {
            let message =
                format!("the size `{}` may differ from element to element", self.function.size_text(&size));
            let error = Diagnostic::error(Code::Irregular, span, message).help(
                "arrays inside arrays have one size for all; a `loop` may have a trip count that differs",
            );
            self.report(error);
            return None;
        }
        if self.is_nonnegative(&size) {
            return Some(size);
        }
        if size.as_constant().is_some() {
            return Some(Size::constant(0));
        }
        let name = format!("max(0, {})", self.function.size_text(&size));
        Some(Size::var(self.size_var(SizeKind::NonNegative(size), name, span, false)))
    }

    /// Whether a size is at least zero whatever the arguments are, and is computed without overflow.
    pub(super) fn is_nonnegative(&self, size: &Size) -> bool {
        let is_plain = size.as_constant().is_some() || size.as_var().is_some();
        size.is_surely_nonnegative()
            && size.vars().all(|var| self.is_length(var))
            && (is_plain || self.is_tame(size))
    }

    /// Whether a variable is a length, and so not negative. The sizes of a kernel's signature are checked at launch.
    fn is_length(&self, var: SizeVar) -> bool {
        match self.function.size(var).kind {
            SizeKind::Axis { .. }
            | SizeKind::NonNegative(_)
            | SizeKind::Strided(..)
            | SizeKind::LengthOf(_) => true,
            SizeKind::Local(local) => {
                self.bindings[local.0 as usize].is_kernel_param
                    && (var.0 as usize) < self.function.bound_sizes
            }
            SizeKind::Value(_) => false,
        }
    }

    /// Whether a size cannot overflow an `i64`, nor can the difference of two such.
    fn is_tame(&self, size: &Size) -> bool {
        self.magnitude(size).is_some_and(|magnitude| magnitude < 1 << 62)
    }

    /// A bound on the magnitude of a size; `None` where there is none.
    fn magnitude(&self, size: &Size) -> Option<u128> {
        let mut sum = 0u128;
        for (vars, factor) in size.terms() {
            let mut product = u128::from(factor.unsigned_abs());
            for &var in vars {
                product = product.checked_mul(self.var_magnitude(var)?)?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    fn var_magnitude(&self, var: SizeVar) -> Option<u128> {
        match &self.function.size(var).kind {
            // What a function is given may be an array that exists only as a way to compute its elements.
            SizeKind::Axis { .. } if !self.is_kernel => None,
            SizeKind::Axis { .. } | SizeKind::LengthOf(_) => Some(u128::from(MAX_EXTENT)),
            SizeKind::NonNegative(size) | SizeKind::Strided(size, _) if self.is_tame(size) => {
                self.magnitude(size)
            }
            SizeKind::Local(_) if self.is_length(var) => Some(u128::from(MAX_EXTENT)),
            _ => None,
        }
    }

    /// Requires two sizes to agree; `false` if they never can. What cannot be decided becomes a condition.
    pub(super) fn agree_sizes(&mut self, a: (&Size, Span), b: (&Size, Span)) -> bool {
        let is_wildcard = |size: &Size| size.as_var() == Some(super::type_exprs::UNKNOWN_LENGTH);
        if a.0 == b.0 || is_wildcard(a.0) || is_wildcard(b.0) {
            return true;
        }
        if a.0.surely_differs(b.0) {
            return false;
        }
        let check = match (self.clamped(a.0), self.clamped(b.0)) {
            (Some(inner), _) if inner == *b.0 => SizeCheck::NonNegative(inner, b.1),
            (_, Some(inner)) if inner == *a.0 => SizeCheck::NonNegative(inner, a.1),
            _ => SizeCheck::Equal { left: (a.0.clone(), a.1), right: (b.0.clone(), b.1) },
        };
        if !self.pending.contains(&check) {
            self.pending.push(check);
        }
        true
    }

    /// The size inside `max(0, size)`.
    fn clamped(&self, size: &Size) -> Option<Size> {
        match &self.function.size(size.as_var()?).kind {
            SizeKind::NonNegative(inner) => Some(inner.clone()),
            _ => None,
        }
    }

    /// Whether the expression has one value for all elements, computable before any of them.
    pub(super) fn is_uniform(&self, id: ExprId) -> bool {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let kind = &self.expr(id).kind;
            match kind {
                ExprKind::Local(local) if !self.is_uniform_local(*local) => return false,
                ExprKind::Size(size) if size.vars().any(|var| self.function.size(var).varies) => {
                    return false;
                }
                _ => super::finish::for_each_operand(kind, &mut |operand| open.push(operand)),
            }
        }
        true
    }

    /// Whether a local has one value for all elements. A function's parameters have none but the `i64` ones, which
    /// each call gives as sizes.
    pub(super) fn is_uniform_local(&self, local: LocalId) -> bool {
        let binding = &self.bindings[local.0 as usize];
        if binding.is_kernel_param {
            return true;
        }
        if let Some(init) = binding.init {
            let is_uniform = binding.is_uniform.get().unwrap_or_else(|| self.is_uniform(init));
            binding.is_uniform.set(Some(is_uniform));
            return is_uniform;
        }
        let is_bound = |data: &SizeData| data.kind == SizeKind::Local(local);
        self.function.sizes[..self.function.bound_sizes].iter().any(is_bound)
    }
}
