//! The forms of expressions that are neither operators nor calls.

use super::{
    constants, foreign,
    infer::{Binding, Infer, Literal, LiteralValue},
    suggest,
    type_exprs::{Place, RESERVED_TYPES},
    unify::LiteralKind,
};
use crate::{
    builtins::{self, Bound},
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, Pattern, Range},
    scalar::{Const, Scalar},
    size::Size,
    types::{Field, Type},
};
use pk_grammar::{
    ast::{self, ExprKind as Syntax, PatternKind},
    span::{Ident, Span},
};

impl Infer<'_> {
    /// Checks an expression, bottom up.
    ///
    /// Conditions found before it stay with what stands around it: a part that is never evaluated, as the end of a
    /// slice, must not take them along.
    pub(super) fn infer(&mut self, id: ast::ExprId) -> ExprId {
        let mut outer = std::mem::take(&mut self.pending);
        let expr = self.infer_form(id);
        outer.append(&mut self.pending);
        self.pending = outer;
        expr
    }

    fn infer_form(&mut self, id: ast::ExprId) -> ExprId {
        let ast = self.ast;
        let expr = ast.expr(id);
        let span = expr.span;
        match &expr.kind {
            Syntax::Int { value, suffix } => self.int(i128::from(*value), *suffix, span),
            Syntax::Float { text, suffix } => self.float(text.to_string(), *suffix, span),
            Syntax::Bool(value) => {
                self.push(ExprKind::Const(Const::from(*value)), Type::Scalar(Scalar::Bool), span)
            }
            Syntax::Name(name) => self.infer_name(*name),
            Syntax::Unary(op, operand) => self.infer_unary(*op, *operand, span),
            Syntax::Binary { op, op_span, lhs, rhs } => self.infer_binary(*op, *op_span, *lhs, *rhs, span),
            Syntax::Tuple(fields) => self.infer_tuple(fields, span),
            Syntax::Array(elems) => self.infer_array(elems, span),
            Syntax::Comprehension(c) => self.infer_comprehension(c, span),
            Syntax::Call { callee, args, .. } => self.infer_call(*callee, args, span),
            Syntax::Field { base, name } => self.infer_field(*base, *name, span),
            Syntax::TupleField { base, index, index_span } => {
                self.infer_tuple_field(*base, *index, *index_span, span)
            }
            Syntax::Index { base, indices } => self.infer_index(*base, indices, span),
            Syntax::If { cond, then, otherwise } => self.infer_if(*cond, *then, *otherwise, span),
            Syntax::Block { lets, tail } => self.infer_block(lets, *tail, span),
            Syntax::Loop(l) => self.infer_loop(l, span),
            Syntax::Closure { .. } | Syntax::Operator(_) => self.fail(
                Diagnostic::error(Code::Closure, span, "a function may only stand as an argument")
                    .help("name it with `fn`, or write it where `map`, `reduce` or `filter` takes it"),
            ),
            Syntax::Error => self.push_error(span),
        }
    }

    // Literals.

    pub(super) fn int(&mut self, value: i128, suffix: Option<Ident>, span: Span) -> ExprId {
        self.literal(LiteralValue::Int(value), LiteralKind::Int, suffix, span)
    }

    pub(super) fn float(&mut self, text: String, suffix: Option<Ident>, span: Span) -> ExprId {
        self.literal(LiteralValue::Float(text), LiteralKind::Float, suffix, span)
    }

    fn literal(
        &mut self,
        value: LiteralValue,
        kind: LiteralKind,
        suffix: Option<Ident>,
        span: Span,
    ) -> ExprId {
        let ty = match suffix {
            None => self.vars.fresh(kind),
            Some(suffix) => match self.suffix_type(suffix, kind) {
                Ok(scalar) => Type::Scalar(scalar),
                Err(error) => return self.fail(error),
            },
        };
        // The value is settled with its type, in `finish`.
        let expr = self.push(ExprKind::Const(Const::zero(Scalar::I64)), ty, span);
        self.literals.push(Literal { expr, value });
        expr
    }

    fn suffix_type(&self, suffix: Ident, kind: LiteralKind) -> Result<Scalar, Diagnostic> {
        let text = self.name(suffix.name);
        if RESERVED_TYPES.contains(&text) {
            let message = format!("the type `{text}` is not supported yet");
            return Err(Diagnostic::error(Code::Unsupported, suffix.span, message));
        }
        let scalar = Scalar::from_name(text).filter(|scalar| match kind {
            LiteralKind::Float => scalar.is_float(),
            _ => scalar.is_numeric(),
        });
        scalar.ok_or_else(|| {
            Diagnostic::error(Code::Literal, suffix.span, format!("`{text}` is no type for this literal"))
        })
    }

    // Names.

    fn infer_name(&mut self, name: Ident) -> ExprId {
        if let Some(local) = self.lookup(name.name) {
            self.bindings[local.0 as usize].is_used = true;
            let ty = self.function.local(local).ty.clone();
            return self.push(ExprKind::Local(local), ty, name.span);
        }
        if let Some(&var) = self.size_names.get(&name.name) {
            return self.push(ExprKind::Size(Size::var(var)), Type::Scalar(Scalar::I64), name.span);
        }
        if let Some(&value) = self.items.const_sizes.get(&name.name) {
            let kind = ExprKind::Size(Size::constant(value));
            return self.push(kind, Type::Scalar(Scalar::I64), name.span);
        }
        if let Some(header) = self.items.functions.get(&name.name)
            && header.is_const
        {
            let (function, ty) =
                (header.id, self.foreign_type(&header.result.0.clone(), &[], header.sizes.clone()));
            let kind = ExprKind::Call { function, args: Vec::new(), sizes: Vec::new(), lifted: 0 };
            return self.push(kind, ty, name.span);
        }
        if !self.unknown_names.insert(name.name) {
            return self.push_error(name.span);
        }
        let error = self.unknown_name(name);
        self.fail(error)
    }

    fn unknown_name(&self, name: Ident) -> Diagnostic {
        let text = self.name(name.name);
        if let Some(builtin) = builtins::find(text) {
            return Diagnostic::error(
                Code::NotCallable,
                name.span,
                format!("`{text}` is a function, not a value"),
            )
            .help(format!("call it: `{text}{}`", builtin.signature));
        }
        if self.items.functions.contains_key(&name.name) || self.items.kernels.contains_key(&name.name) {
            return Diagnostic::error(
                Code::NotCallable,
                name.span,
                format!("`{text}` is a function, not a value"),
            )
            .help(format!("call it: `{text}(…)`"));
        }
        if Scalar::from_name(text).is_some() {
            return Diagnostic::error(
                Code::NotCallable,
                name.span,
                format!("`{text}` is a type, not a value"),
            )
            .help(format!("`{text}(x)` converts `x`"));
        }
        let sizes = self.size_names.keys().map(|name| self.ast.names.resolve(*name));
        let consts = self.items.functions.iter().filter(|(_, header)| header.is_const);
        let known = self.local_names().chain(sizes).chain(consts.map(|(_, header)| header.name.as_str()));
        let error = Diagnostic::error(Code::UnknownName, name.span, format!("nothing is named `{text}`"));
        let near = || suggest::nearest(text, known).map(|near| format!("did you mean `{near}`?"));
        let foreign = foreign::value(text).or_else(|| foreign::module(text)).map(str::to_string);
        match foreign.or_else(near) {
            Some(help) => error.help(help),
            None => error,
        }
    }

    // Tuples, arrays, fields.

    fn infer_tuple(&mut self, fields: &[ast::FieldExpr], span: Span) -> ExprId {
        let named = fields.iter().filter(|field| field.name.is_some()).count();
        if named != 0 && named != fields.len() {
            let message = "some fields of this tuple have names and some have none";
            return self
                .fail(Diagnostic::error(Code::Pattern, span, message).help("name all of them or none"));
        }
        let (mut parts, mut types) = (Vec::new(), Vec::<Field>::new());
        for field in fields {
            let name = field.name.map(|name| std::sync::Arc::<str>::from(self.name(name.name)));
            if let (Some(ident), Some(first)) =
                (field.name, types.iter().position(|other| other.name == name))
            {
                let message = format!("the field `{}` is given twice", self.name(ident.name));
                let first = fields[first].name.map_or(span, |name| name.span);
                self.report(Diagnostic::duplicate(ident.span, first, message));
            }
            let value = self.infer(field.value);
            parts.push(value);
            types.push(Field { name, ty: self.ty(value) });
        }
        let ty = self.limit_type(Type::record(types), span);
        self.push(ExprKind::Tuple(parts), ty, span)
    }

    fn infer_array(&mut self, elems: &[ast::ExprId], span: Span) -> ExprId {
        let parts: Vec<ExprId> = elems.iter().map(|elem| self.infer(*elem)).collect();
        let Some(&first) = parts.first() else {
            let error =
                Diagnostic::error(Code::Mismatch, span, "nothing says what an empty array is made of")
                    .help("`fill(0, v)` is an empty array of values like `v`");
            return self.fail(error);
        };
        for &part in &parts[1..] {
            let wanted = (&self.ty(first), self.span(first));
            self.expect_type(part, wanted, "an element of this array");
        }
        let ty = Type::array(vec![Size::constant(parts.len() as i64)], self.ty(first));
        let ty = self.limit_type(ty, span);
        self.push(ExprKind::Array(parts), ty, span)
    }

    fn infer_field(&mut self, base: ast::ExprId, name: Ident, span: Span) -> ExprId {
        if let Syntax::Name(type_name) = self.ast.expr(base).kind
            && self.lookup(type_name.name).is_none()
            && let Some(scalar) = Scalar::from_name(self.name(type_name.name))
        {
            return self.type_constant(scalar, name, span);
        }
        if self.reject_module(base) {
            return self.push_error(span);
        }
        let literal = match self.ast.expr(base).kind {
            Syntax::Int { value, .. } => foreign::cut_float(value, self.name(name.name)),
            _ => None,
        };
        let base = self.infer(base);
        let ty = self.ty(base);
        let text = self.name(name.name);
        let fields = ty.elem().fields().unwrap_or_default();
        if let Some(index) = fields.iter().position(|field| field.name.as_deref() == Some(text)) {
            let field = Type::array(ty.shape().to_vec(), fields[index].ty.clone());
            return self.push(ExprKind::Field(base, index), field, span);
        }
        if self.has_error(base) {
            return self.push_error(span);
        }
        let names: Vec<&str> = fields.iter().filter_map(|field| field.name.as_deref()).collect();
        let mut error = Diagnostic::error(
            Code::UnknownField,
            name.span,
            format!("{} has no field `{text}`", self.describe(&ty)),
        );
        if let Some(literal) = literal {
            error = error.help(format!("write `{literal}`: a point stands between digits"));
        } else if builtins::find(text).is_some() {
            error = error.help(format!("call it: `.{text}()`"));
        } else if let (Some(help), true) = (foreign::member(text), ty.fields().is_none()) {
            error = error.help(help);
        } else if let Some(near) = suggest::nearest(text, names.iter().copied()) {
            error = error.help(format!("did you mean `{near}`?"));
        } else if !names.is_empty() {
            error = error.help(format!("its fields are `{}`", names.join("`, `")));
        }
        self.fail(error)
    }

    fn type_constant(&mut self, scalar: Scalar, name: Ident, span: Span) -> ExprId {
        let text = self.name(name.name);
        if let Some(value) = constants::find(scalar, text) {
            return self.push(ExprKind::Const(value), Type::Scalar(scalar), span);
        }
        let error =
            Diagnostic::error(Code::UnknownField, name.span, format!("`{scalar}` has no constant `{text}`"));
        let known: Vec<&str> =
            constants::NAMES.iter().copied().filter(|name| constants::find(scalar, name).is_some()).collect();
        let help = match suggest::nearest(text, known.iter().copied()) {
            Some(near) => format!("did you mean `{scalar}.{near}`?"),
            None => format!("it has `{}`", known.join("`, `")),
        };
        self.fail(if known.is_empty() { error } else { error.help(help) })
    }

    fn infer_tuple_field(&mut self, base: ast::ExprId, index: u32, at: Span, span: Span) -> ExprId {
        let base = self.infer(base);
        let ty = self.ty(base);
        let fields = ty.elem().fields().unwrap_or_default();
        if let Some(field) = fields.get(index as usize) {
            let field = Type::array(ty.shape().to_vec(), field.ty.clone());
            return self.push(ExprKind::Field(base, index as usize), field, span);
        }
        if self.has_error(base) {
            return self.push_error(span);
        }
        let message = format!("{} has no field `{index}`", self.describe(&ty));
        self.fail(Diagnostic::error(Code::UnknownField, at, message))
    }

    // Control.

    fn infer_if(
        &mut self,
        cond: ast::ExprId,
        then: ast::ExprId,
        otherwise: ast::ExprId,
        span: Span,
    ) -> ExprId {
        let cond = self.infer(cond);
        let is_array = !self.ty(cond).shape().is_empty();
        if is_array {
            let message = "the condition of `if` is a single `bool`, but this is an array";
            let error = Diagnostic::error(Code::Mismatch, self.span(cond), message)
                .help("`select(c, a, b)` chooses element by element");
            self.report(error);
        } else {
            self.require_scalar(cond, Scalar::Bool, "the condition of `if`");
        }
        let then = self.arm(|infer| infer.infer(then));
        let otherwise = self.arm(|infer| infer.infer(otherwise));
        let wanted = (&self.ty(then), self.span(then));
        // Arms for an array as the condition are meant for `select`, which has other types.
        let agrees = !is_array && self.expect_type(otherwise, wanted, "the first arm of this `if`");
        let ty = if agrees { self.ty(then) } else { Type::Error };
        self.push(ExprKind::If { cond, then, otherwise }, ty, span)
    }

    fn infer_block(&mut self, lets: &[ast::Let], tail: ast::ExprId, span: Span) -> ExprId {
        self.scoped(|infer| {
            let lets = lets.iter().map(|binding| infer.infer_let(binding)).collect::<Vec<_>>();
            let tail = infer.infer(tail);
            let ty = infer.ty(tail);
            infer.push(ExprKind::Block { lets, tail }, ty, span)
        })
    }

    fn infer_let(&mut self, binding: &ast::Let) -> (Pattern, ExprId) {
        let value = self.infer(binding.value);
        if let Some(written) = binding.ty {
            let ty = self.lower_type(written, Place::Local);
            self.expect_type(value, (&ty, self.ast.ty(written).span), "this `let`");
        }
        let ty = self.ty(value);
        let size = self.polynomial(value);
        let pattern =
            self.bind(binding.pattern, &ty, Binding { size, init: Some(value), ..Binding::default() });
        (pattern, value)
    }

    fn infer_loop(&mut self, l: &ast::Loop, span: Span) -> ExprId {
        let init = self.infer(l.init);
        let (start, end) = (self.infer(l.range.start), self.infer(l.range.end));
        let counter = self.counter_type(start, end);
        self.nested(|infer| {
            let ty = infer.ty(init);
            let quiet = Binding { is_quiet: true, ..Binding::default() };
            let carried = infer.bind(l.pattern, &ty, quiet.clone());
            let index = infer.bind_index(l.range.pattern, &counter, quiet);
            let cond = l.cond.map(|cond| {
                let cond = infer.infer(cond);
                infer.require_scalar(cond, Scalar::Bool, "the condition of `while`");
                cond
            });
            let body = infer.infer(l.body);
            infer.expect_type(body, (&ty, infer.span(init)), "what this loop carries");
            let ty = infer.ty(init);
            infer.push(ExprKind::Loop { carried, init, index, start, end, cond, body }, ty, span)
        })
    }

    /// The type that a loop counts in: any integer type, that of its ends.
    fn counter_type(&mut self, start: ExprId, end: ExprId) -> Type {
        let ty = self.ty(start);
        let is_int = ty.is_scalar_like() && self.require_bound(&ty, Bound::Int, self.span(start), "a range");
        let wanted = (&self.vars.resolve(&ty), self.span(start));
        let agrees = is_int && self.expect_type(end, wanted, "the start of this range");
        if agrees { self.vars.resolve(&ty) } else { Type::Error }
    }

    /// An end of a range of indices.
    pub(super) fn infer_bound(&mut self, id: ast::ExprId) -> ExprId {
        let bound = self.infer(id);
        self.require_scalar(bound, Scalar::I64, "the end of a range");
        bound
    }

    /// Binds the counter of a range.
    fn bind_index(
        &mut self,
        pattern: ast::PatternId,
        ty: &Type,
        binding: Binding,
    ) -> Option<crate::hir::LocalId> {
        if let PatternKind::Tuple(_) = self.ast.pattern(pattern).kind {
            let span = self.ast.pattern(pattern).span;
            self.report(Diagnostic::error(Code::Pattern, span, "the counter of a range is one integer"));
            return None;
        }
        match self.bind(pattern, ty, binding) {
            Pattern::Local(local) => Some(local),
            _ => None,
        }
    }

    fn infer_comprehension(&mut self, c: &ast::Comprehension, span: Span) -> ExprId {
        if c.cond.is_some() {
            if c.ranges.len() > 1 {
                let error =
                    Diagnostic::error(Code::Unsupported, span, "`if` in a comprehension takes one index")
                        .help("make the array of all elements, `flatten` it and `filter` that");
                return self.fail(error);
            }
            self.reject_unknown_length(span);
        }
        self.reject_duplicates(c.ranges.iter().map(|range| range.pattern));
        let built = self.nested(|infer| {
            let ranges: Option<Vec<Range>> = c.ranges.iter().map(|range| infer.infer_range(range)).collect();
            let keep = c.cond.map(|cond| {
                let cond = infer.infer(cond);
                infer.require_scalar(cond, Scalar::Bool, "the condition of a comprehension");
                cond
            });
            let body = infer.infer(c.body);
            ranges.map(|ranges| (ranges, keep, body))
        });
        let Some((ranges, keep, body)) = built else {
            return self.push_error(span);
        };
        let mut shape: Vec<Size> = ranges.iter().map(|range| range.extent.clone()).collect();
        let elem = self.ty(body);
        if keep.is_some() {
            // The length is a variable that this expression itself defines: its id is the next one.
            shape = vec![self.unknown_length(span)];
        }
        let ty = self.limit_type(Type::array(shape, elem), span);
        self.push(ExprKind::Comprehension { ranges, keep, body }, ty, span)
    }

    fn infer_range(&mut self, range: &ast::ForRange) -> Option<Range> {
        let (start, end) = (self.infer_bound(range.start), self.infer_bound(range.end));
        let span = self.span(start).to(self.span(end));
        let extent = match self.has_error(start) || self.has_error(end) {
            true => None,
            false => self.range_extent(start, end, span),
        };
        let index = self.bind_index(
            range.pattern,
            &Type::Scalar(Scalar::I64),
            Binding { is_quiet: true, ..Binding::default() },
        );
        extent.map(|extent| Range { index, start, end, extent })
    }

    /// An array of unknown length may be made at the top of a kernel only.
    pub(super) fn reject_unknown_length(&mut self, span: Span) {
        self.makes_unknown_length = true;
        if self.depth > 0 || self.arms > 0 {
            let message = "an array of unknown length can be made only at the top of a kernel";
            let error = Diagnostic::error(Code::UnknownLength, span, message).help(
                "inside, choose with `if` or `select` and let the neutral element stand for what is left out",
            );
            self.report(error);
        }
    }

    /// The variable for the length of the array that the next expression makes.
    pub(super) fn unknown_length(&mut self, span: Span) -> Size {
        let next = ExprId(self.function.exprs.len() as u32);
        let kind = crate::hir::SizeKind::LengthOf(next);
        Size::var(self.size_var(kind, format!("len({})", self.text(span)), span, false))
    }
}
