//! The end of a body: literals get their types and values, and what callers must know is computed.

use super::infer::{Infer, Literal, LiteralValue};
use crate::{
    builtins::Bound,
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    hir::{ExprId, ExprKind, Index, View},
    scalar::{Const, Scalar},
    size::SizeVar,
    types::{Type, TypeVar},
};

impl Infer<'_> {
    /// Settles all types. After this, no variable is left in the function.
    pub(super) fn finish(&mut self) {
        self.warn_wide_literals();
        self.check_whole();
        self.check_shifts();
        for index in 0..self.function.exprs.len() {
            let ty = self.settle(&self.function.exprs[index].ty.clone());
            self.function.exprs[index].ty = ty;
        }
        for index in 0..self.function.locals.len() {
            let ty = self.settle(&self.function.locals[index].ty.clone());
            self.function.locals[index].ty = ty;
        }
        for literal in std::mem::take(&mut self.literals) {
            self.settle_literal(&literal);
            self.literals.push(literal);
        }
    }

    /// Literals that had to be integers may have met a float later.
    fn check_whole(&mut self) {
        for (ty, span, operation) in std::mem::take(&mut self.whole) {
            let scalar = self.force(&ty);
            if scalar.is_some_and(|scalar| !scalar.is_int()) {
                self.require_bound(&ty, Bound::Int, span, &operation);
            }
        }
    }

    /// A literal amount is less than the width of what is shifted, which a later use may have decided.
    fn check_shifts(&mut self) {
        for (shifted, amount) in std::mem::take(&mut self.shifts) {
            if let (Some(scalar), Some(value)) = (self.force(&shifted), self.int_literal(amount))
                && !(0..i128::from(scalar.bits())).contains(&value)
            {
                let message = format!("a shift of `{scalar}` is by 0 to {}", scalar.bits() - 1);
                self.report(Diagnostic::error(Code::ShiftAmount, self.span(amount), message));
            }
        }
    }

    /// The type with every free variable replaced by its default.
    fn settle(&mut self, ty: &Type) -> Type {
        for var in free_vars(&self.vars.resolve(ty)) {
            let scalar = self.vars.kind(var).default_scalar();
            self.vars.bind(var, scalar);
        }
        self.vars.resolve(ty)
    }

    /// Warns of literals that are `f64` only because nothing else decides.
    fn warn_wide_literals(&mut self) {
        let mut warned: Vec<TypeVar> = Vec::new();
        for literal in self.literals.clone() {
            let Type::Var(var) = self.ty(literal.expr) else { continue };
            if self.vars.kind(var).default_scalar() != Scalar::F64 || warned.contains(&var) {
                continue;
            }
            warned.push(var);
            let span = self.span(literal.expr);
            let warning = Diagnostic::warning(
                Code::WideLiteral,
                span,
                "nothing decides the type of this literal, so it is `f64`",
            )
            .help(format!("write `{0}f64` to keep it, `{0}f32` to make it narrow", self.text(span)));
            self.report(warning);
        }
    }

    fn settle_literal(&mut self, literal: &Literal) {
        let Type::Scalar(scalar) = self.expr(literal.expr).ty else { return };
        let value = match &literal.value {
            LiteralValue::Int(value) => exact_int(scalar, *value),
            LiteralValue::Float(text) => parse_float(scalar, text),
        };
        match value {
            Some(value) => self.function.exprs[literal.expr.0 as usize].kind = ExprKind::Const(value),
            None => {
                let span = self.span(literal.expr);
                let mut error = Diagnostic::error(
                    Code::Literal,
                    span,
                    format!("this literal has no exact place in `{scalar}`"),
                );
                if let Some((min, max)) = scalar.int_range() {
                    error = error.help(format!("`{scalar}` holds {min} to {max}"));
                } else if matches!(literal.value, LiteralValue::Float(_)) {
                    error = Diagnostic::error(
                        Code::Literal,
                        span,
                        format!("this literal is too large for `{scalar}`"),
                    )
                    .help(format!("infinity is written `{scalar}.inf`"));
                } else {
                    error = error.help("write it with a decimal point to have it rounded");
                }
                self.report(error);
            }
        }
    }

    /// The value of an integer literal.
    pub(super) fn int_literal(&self, id: ExprId) -> Option<i128> {
        if let ExprKind::Const(value) = &self.expr(id).kind {
            if let Ok(at) = self.literals.binary_search_by_key(&id, |literal| literal.expr) {
                return match self.literals[at].value {
                    LiteralValue::Int(value) => Some(value),
                    LiteralValue::Float(_) => None,
                };
            }
            return value.as_int();
        }
        None
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The value of the body, if it is a constant integer: what may stand in sizes.
    pub(super) fn constant_value(&mut self) -> Option<i64> {
        let body = self.function.body?;
        let is_i64 = self.expr(body).ty == Type::Scalar(Scalar::I64);
        is_i64.then(|| self.polynomial(body)).flatten()?.as_constant()
    }

    /// Expressions and height of the tree once all calls are expanded; both saturate.
    pub(super) fn expanded_size(&self) -> (usize, usize) {
        let (mut nodes, mut callee_height) = (0usize, 0usize);
        let mut heights = Vec::with_capacity(self.function.exprs.len());
        let mut tallest = 0;
        for expr in &self.function.exprs {
            nodes = nodes.saturating_add(1);
            let mut height = 0;
            for_each_operand(&expr.kind, &mut |operand| {
                height = height.max(heights.get(operand.0 as usize).copied().unwrap_or(0));
            });
            if let ExprKind::Call { function, .. } = &expr.kind {
                let callee = self.items.functions.values().find(|header| header.id == *function);
                // A constant is evaluated once, so its uses are no larger than a name.
                let expanded = callee.filter(|header| !header.is_const).map_or(0, |header| header.nodes);
                nodes = nodes.saturating_add(expanded);
                callee_height = callee_height.max(callee.map_or(0, |header| header.height));
            }
            heights.push(height + 1);
            tallest = tallest.max(height + 1);
        }
        (nodes, callee_height.saturating_add(tallest))
    }

    /// Every size variable of the locals and sizes below an expression.
    pub(super) fn vars_below(&self, root: ExprId) -> Vec<SizeVar> {
        let mut vars = Vec::new();
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            match &self.expr(id).kind {
                ExprKind::Size(size) => vars.extend(size.vars()),
                ExprKind::Local(local) => {
                    let binding = &self.bindings[local.0 as usize];
                    vars.extend(binding.size.iter().flat_map(|size| size.vars()));
                    open.extend(binding.init);
                }
                kind => for_each_operand(kind, &mut |operand| open.push(operand)),
            }
        }
        vars
    }
}

fn free_vars(ty: &Type) -> Vec<TypeVar> {
    match ty {
        Type::Var(var) => vec![*var],
        Type::Tuple(tuple) => tuple.fields.iter().flat_map(|field| free_vars(&field.ty)).collect(),
        Type::Array(array) => free_vars(&array.elem),
        Type::Scalar(_) | Type::Error => Vec::new(),
    }
}

/// The integer as `scalar`, if that is exact.
fn exact_int(scalar: Scalar, value: i128) -> Option<Const> {
    let converted = Const::from_int(scalar, value);
    let is_exact = match scalar {
        Scalar::Bool => false,
        Scalar::F32 => converted.as_f32().is_some_and(|float| float as i128 == value),
        Scalar::F64 => converted.as_f64().is_some_and(|float| float as i128 == value),
        _ => converted.as_int() == Some(value),
    };
    is_exact.then_some(converted)
}

/// The decimal text rounded once, to its type; `None` if it overflows.
fn parse_float(scalar: Scalar, text: &str) -> Option<Const> {
    match scalar {
        Scalar::F32 => text.parse::<f32>().ok().filter(|value| value.is_finite()).map(Const::from),
        Scalar::F64 => text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Const::from),
        _ => None,
    }
}

/// Calls `visit` for each operand of an expression, bodies of closures included.
pub(crate) fn for_each_operand(kind: &ExprKind, visit: &mut impl FnMut(ExprId)) {
    match kind {
        ExprKind::Error | ExprKind::Const(_) | ExprKind::Local(_) | ExprKind::Size(_) => {}
        ExprKind::Tuple(parts) | ExprKind::Array(parts) | ExprKind::Elementwise(_, parts) => {
            parts.iter().copied().for_each(visit);
        }
        ExprKind::Call { args, .. } => args.iter().copied().for_each(visit),
        ExprKind::Field(base, _) => visit(*base),
        ExprKind::If { cond, then, otherwise } => [*cond, *then, *otherwise].into_iter().for_each(visit),
        ExprKind::Block { lets, tail } => {
            lets.iter().for_each(|(_, value)| visit(*value));
            visit(*tail);
        }
        ExprKind::Loop { init, start, end, cond, body, .. } => {
            [*init, *start, *end, *body].into_iter().for_each(&mut *visit);
            cond.iter().copied().for_each(visit);
        }
        ExprKind::Index { array, indices } => {
            visit(*array);
            for index in indices {
                match index {
                    Index::At(at) => visit(*at),
                    Index::Slice { lo, .. } => lo.iter().copied().for_each(&mut *visit),
                }
            }
        }
        ExprKind::Get { array, indices, default } => {
            visit(*array);
            indices.iter().copied().for_each(&mut *visit);
            visit(*default);
        }
        ExprKind::Comprehension { ranges, keep, body } => {
            ranges.iter().for_each(|range| [range.start, range.end].into_iter().for_each(&mut *visit));
            keep.iter().copied().for_each(&mut *visit);
            visit(*body);
        }
        ExprKind::Map { arrays, function } => {
            arrays.iter().copied().for_each(&mut *visit);
            visit(function.body);
        }
        ExprKind::Fold { array, neutral, op, .. } => {
            visit(*array);
            neutral.iter().copied().for_each(&mut *visit);
            visit(op.body);
        }
        ExprKind::NamedFold { array, .. } => visit(*array),
        ExprKind::Filter { array, keep } => [*array, keep.body].into_iter().for_each(visit),
        ExprKind::ReduceByIndex { index, values, neutral, op, .. } => {
            [*index, *values, *neutral, op.body].into_iter().for_each(visit);
        }
        ExprKind::View(view) => for_each_viewed(view, visit),
    }
}

fn for_each_viewed(view: &View, visit: &mut impl FnMut(ExprId)) {
    match view {
        View::Iota => {}
        View::Zip(arrays) | View::Concat(arrays) => arrays.iter().copied().for_each(visit),
        View::Unzip(array)
        | View::Fill(array)
        | View::Reverse(array)
        | View::Transpose(array)
        | View::Reshape(array)
        | View::Broadcast(array) => visit(*array),
        View::Edges { array, pad, .. } => {
            visit(*array);
            pad.iter().copied().for_each(visit);
        }
    }
}
