//! The state of checking one body: scopes, expressions built so far, and the words of its errors.

use super::{items::Items, type_exprs::UNKNOWN_LENGTH};
use crate::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::{self, Expr, ExprId, ExprKind, Function, LocalId, Pattern, SizeCheck},
    scalar::Scalar,
    size::{Size, SizeVar},
    types::Type,
};
use pk_grammar::{
    ast::{self, Ast, PatternId, PatternKind},
    span::{Ident, Span, Symbol},
};
use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

/// Checks one body.
pub(super) struct Infer<'a> {
    pub(super) ast: &'a Ast,
    pub(super) source: &'a str,
    pub(super) items: &'a Items,
    pub(super) function: Function,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What is known of each local beside its type.
    pub(super) bindings: Vec<Binding>,
    /// The size names of the header.
    pub(super) size_names: HashMap<Symbol, SizeVar>,
    /// Unknown names that have been reported: one mistake is one error, however often the name stands.
    pub(super) unknown_names: HashSet<Symbol>,
    pub(super) literals: Vec<Literal>,
    pub(super) vars: super::unify::TypeVars,
    /// Types of literals that must turn out to be integers, where, and for what.
    pub(super) whole: Vec<(Type, Span, String)>,
    /// Shifts: the type of what is shifted, and the amount.
    pub(super) shifts: Vec<(Type, ExprId)>,
    /// How many bodies of closures, comprehensions and loops stand around; 0 at the top of a kernel.
    pub(super) depth: usize,
    /// Whether this is a kernel's body, not a function's, which may be called anywhere.
    pub(super) is_kernel: bool,
    /// How many arms of `if`, `&&` and `||` stand around.
    pub(super) arms: usize,
    /// Whether an array of unknown length is made here.
    pub(super) makes_unknown_length: bool,
    /// Conditions found since the last expression was built.
    pub(super) pending: Vec<SizeCheck>,
    scopes: HashMap<Symbol, Vec<LocalId>>,
    undo: Vec<Symbol>,
}

/// What is known of a local.
#[derive(Clone, Debug, Default)]
pub(super) struct Binding {
    /// Its value as a polynomial, for an `i64`.
    pub(super) size: Option<Size>,
    /// The expression of its `let`.
    pub(super) init: Option<ExprId>,
    /// Whether it is a parameter of a kernel.
    pub(super) is_kernel_param: bool,
    /// Whether it may be left unused without a warning.
    pub(super) is_quiet: bool,
    pub(super) is_used: bool,
    /// Whether it has one value for all elements, once that was asked: without this, names that are made of the one
    /// before twice would take exponential time.
    pub(super) is_uniform: Cell<Option<bool>>,
}

/// A literal whose type is settled when the body is finished.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) expr: ExprId,
    pub(super) value: LiteralValue,
}

#[derive(Clone, Debug)]
pub(super) enum LiteralValue {
    Int(i128),
    /// Decimal text, with a sign if negative, so that it is rounded once.
    Float(String),
}

impl<'a> Infer<'a> {
    pub(super) fn new(ast: &'a Ast, source: &'a str, items: &'a Items, name: &str) -> Infer<'a> {
        Infer {
            ast,
            source,
            items,
            function: Function { name: name.to_string(), ..Function::default() },
            diagnostics: Vec::new(),
            bindings: Vec::new(),
            size_names: HashMap::new(),
            literals: Vec::new(),
            vars: Default::default(),
            whole: Vec::new(),
            shifts: Vec::new(),
            unknown_names: HashSet::new(),
            depth: 0,
            is_kernel: false,
            arms: 0,
            makes_unknown_length: false,
            pending: Vec::new(),
            scopes: HashMap::new(),
            undo: Vec::new(),
        }
    }

    // Expressions.

    /// Adds an expression; conditions found since the last one belong to it.
    pub(super) fn push(&mut self, kind: ExprKind, ty: Type, span: Span) -> ExprId {
        let checks = std::mem::take(&mut self.pending);
        self.function.exprs.push(Expr { kind, ty, span, checks });
        ExprId(self.function.exprs.len() as u32 - 1)
    }

    /// Adds the expression that stands for one with an error.
    pub(super) fn push_error(&mut self, span: Span) -> ExprId {
        self.push(ExprKind::Error, Type::Error, span)
    }

    /// Reports `diagnostic` and adds the expression that stands for one with an error.
    pub(super) fn fail(&mut self, diagnostic: Diagnostic) -> ExprId {
        let span = diagnostic.span;
        self.diagnostics.push(diagnostic);
        self.push_error(span)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn expr(&self, id: ExprId) -> &Expr {
        self.function.expr(id)
    }

    /// The type of an expression as far as it is known now.
    pub(super) fn ty(&self, id: ExprId) -> Type {
        self.vars.resolve(&self.function.expr(id).ty)
    }

    pub(super) fn span(&self, id: ExprId) -> Span {
        self.function.expr(id).span
    }

    /// Whether an error in the expression has been reported.
    pub(super) fn has_error(&self, id: ExprId) -> bool {
        has_error(&self.ty(id))
    }

    // Scopes.

    pub(super) fn lookup(&self, name: Symbol) -> Option<LocalId> {
        self.scopes.get(&name)?.last().copied()
    }

    /// Names in scope, for suggestions.
    pub(super) fn local_names(&self) -> impl Iterator<Item = &str> {
        let shown = self.scopes.iter().filter(|(_, locals)| !locals.is_empty());
        shown.map(|(name, _)| self.ast.names.resolve(*name))
    }

    /// Runs `inner` in a scope of its own.
    pub(super) fn scoped<R>(&mut self, inner: impl FnOnce(&mut Self) -> R) -> R {
        let mark = self.undo.len();
        let result = inner(self);
        for name in self.undo.split_off(mark) {
            if let Some(local) = self.scopes.get_mut(&name).and_then(Vec::pop) {
                self.warn_unused(local);
            }
        }
        result
    }

    /// Runs `inner`, which is evaluated only on a condition, in a scope of its own.
    pub(super) fn arm<R>(&mut self, inner: impl FnOnce(&mut Self) -> R) -> R {
        self.arms += 1;
        let result = self.scoped(inner);
        self.arms -= 1;
        result
    }

    /// Whether what stands here is evaluated once, whatever the data are.
    pub(super) fn is_unconditional(&self) -> bool {
        self.is_kernel && self.depth == 0 && self.arms == 0
    }

    /// Runs `inner` in a scope whose values differ from element to element.
    pub(super) fn nested<R>(&mut self, inner: impl FnOnce(&mut Self) -> R) -> R {
        self.depth += 1;
        let result = self.scoped(inner);
        self.depth -= 1;
        result
    }

    fn warn_unused(&mut self, local: LocalId) {
        let (binding, data) = (&self.bindings[local.0 as usize], self.function.local(local));
        if binding.is_used || binding.is_quiet || data.name.starts_with('_') || has_error(&data.ty) {
            return;
        }
        let message = format!("`{}` is never used", data.name);
        let warning = Diagnostic::warning(Code::Unused, data.span, message)
            .help(format!("write `_{}` to keep it", data.name));
        self.report(warning);
    }

    pub(super) fn add_local(&mut self, name: &str, ty: Type, span: Span, binding: Binding) -> LocalId {
        self.function.locals.push(hir::Local { name: name.to_string(), ty, span });
        self.bindings.push(binding);
        LocalId(self.function.locals.len() as u32 - 1)
    }

    /// Adds a local that its name finds until the scope ends.
    pub(super) fn declare(&mut self, ident: pk_grammar::span::Ident, ty: Type, binding: Binding) -> LocalId {
        let ast = self.ast;
        let local = self.add_local(ast.names.resolve(ident.name), ty, ident.span, binding);
        self.scopes.entry(ident.name).or_default().push(local);
        self.undo.push(ident.name);
        local
    }

    /// Binds a pattern to a value of type `ty`; `binding` is what is known if the pattern is a single name.
    pub(super) fn bind(&mut self, pattern: PatternId, ty: &Type, binding: Binding) -> Pattern {
        let ast = self.ast;
        let pattern = ast.pattern(pattern);
        match &pattern.kind {
            PatternKind::Wildcard => Pattern::Wildcard,
            PatternKind::Name(name) => Pattern::Local(self.declare(*name, ty.clone(), binding)),
            PatternKind::Tuple(parts) => {
                self.reject_duplicates(parts.iter().copied());
                let types = self.pattern_fields(ty, parts.len(), pattern.span);
                let rest = Binding { is_quiet: binding.is_quiet, ..Binding::default() };
                let bound = parts.iter().zip(&types).map(|(part, ty)| self.bind(*part, ty, rest.clone()));
                Pattern::Tuple(bound.collect())
            }
        }
    }

    /// No name may stand twice among patterns that are bound together.
    pub(super) fn reject_duplicates(&mut self, parts: impl IntoIterator<Item = PatternId>) {
        let mut seen: Vec<Ident> = Vec::new();
        for part in parts {
            if let PatternKind::Name(name) = self.ast.pattern(part).kind {
                if let Some(first) = seen.iter().find(|other| other.name == name.name) {
                    let message = format!("`{}` is bound twice here", self.name(name.name));
                    self.report(Diagnostic::duplicate(name.span, first.span, message));
                }
                seen.push(name);
            }
        }
    }

    /// The types that a tuple pattern of `count` parts binds.
    fn pattern_fields(&mut self, ty: &Type, count: usize, span: Span) -> Vec<Type> {
        let ty = self.vars.resolve(ty);
        match &ty {
            Type::Tuple(tuple) if tuple.fields.len() == count => {
                return tuple.fields.iter().map(|field| field.ty.clone()).collect();
            }
            Type::Error => {}
            _ => {
                let message =
                    format!("this pattern has {count} parts, but the value is {}", self.describe(&ty));
                self.report(Diagnostic::error(Code::Pattern, span, message));
            }
        }
        vec![Type::Error; count]
    }

    // Words for messages.

    /// The text at `span`, for a help line; shortened if it is long.
    pub(super) fn text(&self, span: Span) -> String {
        const LONGEST: usize = 40;
        let text = self.source.get(span.range()).unwrap_or_default();
        match text.chars().count() > LONGEST || text.contains('\n') {
            true => "…".to_string(),
            false => text.to_string(),
        }
    }

    pub(super) fn name(&self, symbol: Symbol) -> &'a str {
        self.ast.names.resolve(symbol)
    }

    /// A type with an article or backticks, to stand in a sentence.
    pub(super) fn describe(&self, ty: &Type) -> String {
        match self.vars.resolve(ty) {
            Type::Var(var) => self.vars.kind(var).text().to_string(),
            ty => format!("`{}`", self.type_text(&ty)),
        }
    }

    /// A type as the language writes it.
    pub(super) fn type_text(&self, ty: &Type) -> String {
        match self.vars.resolve(ty) {
            Type::Error => "?".to_string(),
            Type::Scalar(scalar) => scalar.name().to_string(),
            Type::Var(var) => self.vars.kind(var).default_scalar().name().to_string(),
            Type::Tuple(tuple) => {
                let fields = tuple.fields.iter().map(|field| match &field.name {
                    Some(name) => format!("{name}: {}", self.type_text(&field.ty)),
                    None => self.type_text(&field.ty),
                });
                format!("({})", fields.collect::<Vec<_>>().join(", "))
            }
            Type::Array(array) => match &array.shape[..] {
                [length] if length.as_var() == Some(UNKNOWN_LENGTH) => {
                    format!("[{}]", self.type_text(&array.elem))
                }
                shape => format!("[{}; {}]", self.type_text(&array.elem), self.shape_text(shape)),
            },
        }
    }

    pub(super) fn shape_text(&self, shape: &[Size]) -> String {
        shape.iter().map(|size| self.function.size_text(size)).collect::<Vec<_>>().join(", ")
    }

    // Frequent demands.

    /// The scalar type of `ty`, deciding the type of a literal now; `None` after an error.
    pub(super) fn force(&mut self, ty: &Type) -> Option<Scalar> {
        match self.vars.resolve(ty) {
            Type::Scalar(scalar) => Some(scalar),
            Type::Var(var) => {
                let scalar = self.vars.kind(var).default_scalar();
                self.vars.bind(var, scalar);
                Some(scalar)
            }
            _ => None,
        }
    }

    /// Requires that the expression has this scalar type.
    pub(super) fn require_scalar(&mut self, id: ExprId, scalar: Scalar, role: &str) -> bool {
        let ty = self.ty(id);
        if ty.is_scalar_like() && self.vars.unify(&ty, &Type::Scalar(scalar)) {
            return true;
        }
        let message = format!("{role} is `{scalar}`, but this is {}", self.describe(&ty));
        let mut error = Diagnostic::error(Code::Mismatch, self.span(id), message);
        if let (Some(from), true) = (ty.as_scalar(), scalar.is_numeric())
            && from.is_numeric()
        {
            error = error.help(format!("write `{scalar}({})`", self.text(self.span(id))));
        }
        self.report(error);
        false
    }

    /// The array type of an expression, or an error that says what needs one.
    pub(super) fn require_array(
        &mut self,
        id: ExprId,
        role: &str,
    ) -> Option<std::sync::Arc<crate::types::ArrayType>> {
        match self.ty(id) {
            Type::Array(array) => Some(array),
            Type::Error => None,
            ty => {
                let message = format!("{role} is an array, but this is {}", self.describe(&ty));
                self.report(Diagnostic::error(Code::Mismatch, self.span(id), message));
                None
            }
        }
    }

    pub(super) fn ast_span(&self, id: ast::ExprId) -> Span {
        self.ast.expr(id).span
    }
}

/// Whether an error is anywhere in the type.
pub(super) fn has_error(ty: &Type) -> bool {
    match ty {
        Type::Error => true,
        Type::Tuple(tuple) => tuple.fields.iter().any(|field| has_error(&field.ty)),
        Type::Array(array) => has_error(&array.elem),
        _ => false,
    }
}
