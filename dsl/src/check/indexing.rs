//! `x[…]`: elements, rows, slices, gathers.

use super::infer::Infer;
use crate::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, Index, Lambda, Pattern, SizeCheck, SizeKind, View},
    scalar::Scalar,
    size::Size,
    types::Type,
};
use pk_grammar::{
    ast::{self, ExprKind as Syntax, IndexArg},
    span::Span,
};

impl Infer<'_> {
    pub(super) fn infer_index(&mut self, base: ast::ExprId, indices: &[IndexArg], span: Span) -> ExprId {
        let array = self.infer(base);
        let Type::Array(ty) = self.ty(array) else {
            return self.index_no_array(array, indices, span);
        };
        if indices.len() > ty.shape.len() {
            let message = format!("{} indices for an array of rank {}", indices.len(), ty.shape.len());
            return self.fail(Diagnostic::error(Code::Rank, span, message));
        }
        let mut places = Vec::with_capacity(indices.len());
        let mut shape = Vec::new();
        let is_total = self.is_total(array);
        for (index, extent) in indices.iter().zip(&ty.shape) {
            let place = match index {
                IndexArg::At(at) => self.index_at(*at, extent, is_total),
                IndexArg::Slice { lo, hi, step, span } => {
                    self.index_slice((*lo, *hi, *step), *span, extent, is_total)
                }
            };
            if let Some(Index::Slice { length, .. }) = &place {
                shape.push(length.clone());
            }
            places.push(place);
        }
        let Some(places) = places.into_iter().collect::<Option<Vec<Index>>>() else {
            return self.push_error(span);
        };
        shape.extend_from_slice(&ty.shape[indices.len()..]);
        let elem = ty.elem.clone();
        match self.gathered(&places) {
            Some(at) => self.gather(array, places, at, (shape, elem), span),
            None => self.push(ExprKind::Index { array, indices: places }, Type::array(shape, elem), span),
        }
    }

    fn index_no_array(&mut self, base: ExprId, indices: &[IndexArg], span: Span) -> ExprId {
        for index in indices {
            if let IndexArg::At(at) = index {
                self.infer(*at);
            }
        }
        if self.has_error(base) {
            return self.push_error(span);
        }
        let message = format!("{} cannot be indexed", self.describe(&self.ty(base)));
        let mut error = Diagnostic::error(Code::WrongOperand, span, message);
        if self.ty(base).fields().is_some() {
            error = error.help("a field of a tuple is read with a dot: `t.0`");
        }
        self.fail(error)
    }

    fn index_at(&mut self, at: ast::ExprId, extent: &Size, is_total: bool) -> Option<Index> {
        let at = self.infer(at);
        if self.has_error(at) {
            return None;
        }
        if self.ty(at).shape().is_empty() {
            if !self.require_scalar(at, Scalar::I64, "an index") {
                return None;
            }
            if !is_total {
                self.check_constant_index(at, extent);
            }
            return Some(Index::At(at));
        }
        let ty = self.ty(at);
        if ty.elem().as_scalar() == Some(Scalar::Bool) {
            let error = Diagnostic::error(
                Code::Mismatch,
                self.span(at),
                "an index is `i64`, but this is an array of `bool`",
            )
            .help("`filter(x, |v| …)` keeps the elements for which a condition holds");
            self.report(error);
            return None;
        }
        let wanted = Type::array(ty.shape().to_vec(), Type::Scalar(Scalar::I64));
        self.expect_type(at, (&wanted, self.span(at)), "an array of indices").then_some(Index::At(at))
    }

    /// A constant index that always lies outside is an error.
    fn check_constant_index(&mut self, at: ExprId, extent: &Size) {
        let Some(value) = self.int_literal(at) else { return };
        let is_outside = value < 0 || extent.as_constant().is_some_and(|extent| value >= i128::from(extent));
        if !is_outside {
            return;
        }
        let length = self.function.size_text(extent);
        let message = format!("index {value} is outside of an axis of length `{length}`");
        let mut error = Diagnostic::error(Code::ConstIndex, self.span(at), message);
        let from_end = i64::try_from(value).ok().and_then(|value| extent.add(&Size::constant(value)));
        if let (true, Some(from_end)) = (value < 0, from_end) {
            let meant = self.function.size_text(&from_end);
            error = error.help(format!("negative indices do not count from the end: write `{meant}`"));
        }
        self.report(error);
    }

    fn index_slice(
        &mut self,
        (lo, hi, step): (Option<ast::ExprId>, Option<ast::ExprId>, Option<ast::ExprId>),
        span: Span,
        extent: &Size,
        is_total: bool,
    ) -> Option<Index> {
        let lo = lo.map(|lo| self.infer_bound(lo));
        let hi = hi.map(|hi| self.infer_bound(hi));
        if [lo, hi].into_iter().flatten().any(|bound| self.has_error(bound)) {
            return None;
        }
        let step = self.slice_step(step)?;
        let start = lo.map_or(Some(Size::constant(0)), |lo| self.slice_bound(lo))?;
        let end = hi.map_or(Some(extent.clone()), |hi| self.slice_bound(hi))?;
        let Some(difference) = end.sub(&start) else {
            self.report(Diagnostic::error(Code::Size, span, "this size is too large to reason about"));
            return None;
        };
        let whole = self.extent(difference, span)?;
        let length = self.strided_length(&whole, step, span)?;
        let is_inside = is_total || self.slice_is_inside((&start, &end, &whole), extent, span);
        Some(Index::Slice { lo, length, step, is_inside })
    }

    /// A bound of a slice may differ from element to element, if the length does not.
    fn slice_bound(&mut self, id: ExprId) -> Option<Size> {
        self.polynomial(id).or_else(|| self.symbolic(id))
    }

    fn slice_step(&mut self, step: Option<ast::ExprId>) -> Option<i64> {
        let Some(step) = step else { return Some(1) };
        let (value, code) = match self.ast.expr(step).kind {
            Syntax::Int { value, .. } => (i64::try_from(value).ok().filter(|value| *value > 0), Code::Size),
            _ => (None, Code::NotConst),
        };
        if value.is_none() {
            let error = Diagnostic::error(
                code,
                self.ast_span(step),
                "the step of a slice is a positive integer literal",
            )
            .help("`reverse(x)` goes backwards");
            self.report(error);
        }
        value
    }

    /// `ceil(length / step)`.
    fn strided_length(&mut self, length: &Size, step: i64, span: Span) -> Option<Size> {
        if step == 1 {
            return Some(length.clone());
        }
        if let Some(length) = length.as_constant() {
            return Some(Size::constant(length / step + i64::from(length % step != 0)));
        }
        let name = format!("len({})", self.text(span));
        Some(Size::var(self.size_var(SizeKind::Strided(length.clone(), step), name, span, false)))
    }

    /// Whether a slice lies inside its axis, by proof or by a condition; else each read is checked.
    fn slice_is_inside(&mut self, (lo, hi, count): (&Size, &Size, &Size), extent: &Size, span: Span) -> bool {
        let starts_inside = self.is_nonnegative(lo);
        let ends_inside = extent.sub(hi).is_some_and(|rest| self.is_nonnegative(&rest));
        if starts_inside && ends_inside {
            return true;
        }
        let is_fixed = |infer: &Self, size: &Size| {
            size.vars().all(|var| match infer.function.size(var).kind {
                SizeKind::Local(local) => infer.bindings[local.0 as usize].is_kernel_param,
                _ => !infer.function.size(var).varies,
            })
        };
        // A condition is checked at launch, so it must not be that of an arm that is not taken.
        if !self.is_unconditional() || !is_fixed(self, lo) || !is_fixed(self, hi) {
            return false;
        }
        let check = SizeCheck::Slice { lo: lo.clone(), count: count.clone(), length: extent.clone(), span };
        self.pending.push(check);
        true
    }

    /// Whether every index of the array has a value: whether it is an edge view, or a part of one as long as that.
    fn is_total(&self, id: ExprId) -> bool {
        match &self.expr(id).kind {
            ExprKind::View(View::Edges { .. }) => true,
            ExprKind::View(View::Transpose(array)) | ExprKind::Field(array, _) => self.is_total(*array),
            ExprKind::Local(local) => {
                self.bindings[local.0 as usize].init.is_some_and(|init| self.is_total(init))
            }
            // A slice has a length of its own.
            ExprKind::Index { array, indices } => {
                indices.iter().all(|index| matches!(index, Index::At(_))) && self.is_total(*array)
            }
            _ => false,
        }
    }

    /// Which index is an array of indices.
    fn gathered(&self, places: &[Index]) -> Option<usize> {
        places.iter().position(|place| matches!(place, Index::At(at) if !self.ty(*at).shape().is_empty()))
    }

    /// `x[idx]` is `idx.map(|i| x[i])`.
    fn gather(
        &mut self,
        array: ExprId,
        mut places: Vec<Index>,
        at: usize,
        (shape, elem): (Vec<Size>, Type),
        span: Span,
    ) -> ExprId {
        let Index::At(indices) = places[at] else { return self.push_error(span) };
        let index_shape = self.ty(indices).shape().to_vec();
        if index_shape.len() > 1 || places.len() > 1 {
            let error = Diagnostic::error(
                Code::Unsupported,
                span,
                "one array of indices of one dimension may stand alone here",
            )
            .help("write a comprehension: `[x[a[k], b[k]] for k in 0..n]`");
            return self.fail(error);
        }
        let i64_type = Type::Scalar(Scalar::I64);
        let local = self.hidden_local(i64_type.clone(), span);
        let index = self.push(ExprKind::Local(local), i64_type, span);
        places[at] = Index::At(index);
        let row = Type::array(shape, elem);
        let body = self.push(ExprKind::Index { array, indices: places }, row.clone(), span);
        let function = Lambda { params: vec![Pattern::Local(local)], body };
        let ty = self.limit_type(Type::array(index_shape, row), span);
        self.push(ExprKind::Map { arrays: vec![indices], function }, ty, span)
    }
}
