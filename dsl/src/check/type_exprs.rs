//! From types as written to types.

use super::{
    foreign,
    infer::{Infer, has_error},
    suggest,
};
use crate::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::SizeKind,
    scalar::Scalar,
    size::{Size, SizeVar},
    types::{Field, Type},
};
use pk_grammar::{
    ast::{self, BinaryOp, ExprKind, FieldType, TypeExprKind, TypeId},
    span::{Ident, Span},
};

/// Stands for the length of `[T]` until a value with that type is at hand; agrees with every size.
pub(super) const UNKNOWN_LENGTH: SizeVar = SizeVar(u32::MAX);

/// Types of the language that are not there yet.
pub(super) const RESERVED_TYPES: &[&str] = &["f16", "bf16", "c64", "c128"];

/// Where a type stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A parameter: names in sizes are bound here.
    Param(usize),
    /// A result: `[T]` may stand here.
    Result,
    /// A `let`, a constant.
    Local,
}

impl Infer<'_> {
    /// The type written at `id`.
    pub(super) fn lower_type(&mut self, id: TypeId, place: Place) -> Type {
        self.lower_type_in(id, place, 0)
    }

    fn lower_type_in(&mut self, id: TypeId, place: Place, depth: usize) -> Type {
        if depth > self.items.limits.tuple_depth {
            return self.fail_type(Code::TypeTooLarge, self.ast.ty(id).span, "this type nests too deeply");
        }
        let ast = self.ast;
        let ty = ast.ty(id);
        let lowered = match &ty.kind {
            TypeExprKind::Name(name) => self.named_type(*name),
            TypeExprKind::Tuple(fields) => self.tuple_type(fields, place, depth),
            TypeExprKind::Array { elem, sizes } => {
                let inner = self.lower_type_in(*elem, place, depth + 1);
                let shape = self.shape_of(sizes, place, ty.span);
                shape.map_or(Type::Error, |shape| Type::array(shape, inner))
            }
            TypeExprKind::Error => Type::Error,
        };
        self.limit_type(lowered, ty.span)
    }

    /// The type, or an error if it has too many parts or levels.
    pub(super) fn limit_type(&mut self, ty: Type, span: Span) -> Type {
        const MAX_RANK: usize = 8;
        if has_error(&ty) {
            // It grew out of one that has been reported.
            return if ty.leaves() > self.items.limits.type_leaves { Type::Error } else { ty };
        }
        if ty.leaves() > self.items.limits.type_leaves {
            let message = format!("this type has more than {} parts", self.items.limits.type_leaves);
            return self.fail_type(Code::TypeTooLarge, span, &message);
        }
        if ty.depth() > self.items.limits.tuple_depth {
            return self.fail_type(Code::TypeTooLarge, span, "this type nests too deeply");
        }
        if ty.shape().len() > MAX_RANK {
            let message = format!("this array has {} dimensions; the most is {MAX_RANK}", ty.shape().len());
            return self.fail_type(Code::Rank, span, &message);
        }
        ty
    }

    fn fail_type(&mut self, code: Code, span: Span, message: &str) -> Type {
        self.report(Diagnostic::error(code, span, message));
        Type::Error
    }

    fn named_type(&mut self, name: Ident) -> Type {
        let text = self.name(name.name);
        if let Some(alias) = self.items.aliases.get(&name.name) {
            return alias.clone();
        }
        if let Some(scalar) = Scalar::from_name(text) {
            return Type::Scalar(scalar);
        }
        if RESERVED_TYPES.contains(&text) {
            return self.fail_type(
                Code::Unsupported,
                name.span,
                &format!("the type `{text}` is not supported yet"),
            );
        }
        if !self.unknown_names.insert(name.name) {
            return Type::Error;
        }
        let aliases = self.items.aliases.keys().map(|alias| self.ast.names.resolve(*alias));
        let known = aliases.chain(Scalar::ALL.iter().map(|scalar| scalar.name()));
        let mut error = Diagnostic::error(Code::UnknownName, name.span, format!("no type is named `{text}`"));
        if let Some(near) = foreign::type_name(text).or_else(|| suggest::nearest(text, known)) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
        Type::Error
    }

    fn tuple_type(&mut self, fields: &[FieldType], place: Place, depth: usize) -> Type {
        let mut lowered: Vec<Field> = Vec::new();
        for field in fields {
            let name = field.name.map(|name| std::sync::Arc::<str>::from(self.name(name.name)));
            if let (Some(ident), Some(text)) = (field.name, &name)
                && let Some(first) = lowered.iter().position(|other| other.name.as_ref() == Some(text))
            {
                let message = format!("the field `{text}` is declared twice");
                let first = fields[first].name.map_or(ident.span, |name| name.span);
                self.report(Diagnostic::duplicate(ident.span, first, message));
            }
            let ty = self.lower_type_in(field.ty, place, depth + 1);
            lowered.push(Field { name, ty });
        }
        Type::record(lowered)
    }

    fn shape_of(&mut self, sizes: &[ast::ExprId], place: Place, span: Span) -> Option<Vec<Size>> {
        if !sizes.is_empty() {
            // Every size is looked at even if one has an error, so that all errors are reported.
            let shape: Vec<_> =
                (0..).zip(sizes).map(|(axis, size)| self.written_size(*size, place, axis)).collect();
            return shape.into_iter().collect();
        }
        if place == Place::Result {
            return Some(vec![Size::var(UNKNOWN_LENGTH)]);
        }
        let error = Diagnostic::error(Code::UnknownLength, span, "an array here needs a size")
            .help("name it: `[f32; n]`; only a result may have a length known at run time alone");
        self.report(error);
        None
    }

    /// A size as written in a type. A name that stands alone in a parameter is bound there on first sight.
    pub(super) fn written_size(&mut self, id: ast::ExprId, place: Place, axis: usize) -> Option<Size> {
        let ast = self.ast;
        let expr = ast.expr(id);
        if let (ExprKind::Name(name), Place::Param(param)) = (&expr.kind, place)
            && self.known_size(*name).is_none()
            && self.lookup(name.name).is_none()
            && !self.items.functions.get(&name.name).is_some_and(|header| header.is_const)
        {
            let kind = SizeKind::Axis { param, axis };
            let var = self.size_var(kind, self.name(name.name).to_string(), name.span, false);
            self.size_names.insert(name.name, var);
            return Some(Size::var(var));
        }
        let size = self.size_expr(id)?;
        if size.as_constant().is_some_and(|value| value < 0) {
            self.report(Diagnostic::error(Code::Size, expr.span, "a size cannot be negative"));
            return None;
        }
        Some(size)
    }

    fn known_size(&mut self, name: Ident) -> Option<Size> {
        if let Some(&var) = self.size_names.get(&name.name) {
            return Some(Size::var(var));
        }
        if let Some(local) = self.lookup(name.name) {
            let is_size = self.function.local(local).ty == Type::Scalar(Scalar::I64);
            return is_size.then(|| self.local_size(local));
        }
        let value = *self.items.const_sizes.get(&name.name)?;
        Some(Size::constant(value))
    }

    fn size_expr(&mut self, id: ast::ExprId) -> Option<Size> {
        let ast = self.ast;
        let expr = ast.expr(id);
        let size = match &expr.kind {
            ExprKind::Int { value, suffix: None } => i64::try_from(*value).ok().map(Size::constant),
            ExprKind::Name(name) => {
                let known = self.known_size(*name);
                if known.is_none() {
                    self.report_unknown_size(*name);
                    return None;
                }
                known
            }
            ExprKind::Binary { op, lhs, rhs, .. } => {
                let (lhs, rhs) = (self.size_expr(*lhs), self.size_expr(*rhs));
                let (lhs, rhs) = (lhs?, rhs?);
                match op {
                    BinaryOp::Add => lhs.add(&rhs),
                    BinaryOp::Sub => lhs.sub(&rhs),
                    BinaryOp::Mul => lhs.mul(&rhs),
                    _ => None,
                }
            }
            ExprKind::Error => return None,
            _ => None,
        };
        if size.is_none() {
            let error = Diagnostic::error(Code::Size, expr.span, "this is no size")
                .help("a size is a name, an integer, or `+`, `-` and `*` of them");
            self.report(error);
        }
        size
    }

    /// The report of a size that names a local of another type than `i64`; nothing if that has an error of its own.
    pub(super) fn no_size(&self, name: Ident) -> Option<Diagnostic> {
        let local = self.function.local(self.lookup(name.name)?);
        let (text, ty) = (self.name(name.name), self.type_text(&local.ty));
        if has_error(&local.ty) {
            return None;
        }
        let help = match local.ty.as_scalar().is_some_and(Scalar::is_int) {
            true => format!("declare it as `{text}: i64`, or give one of them another name"),
            false => "give one of them another name".to_string(),
        };
        let error =
            Diagnostic::error(Code::Size, name.span, format!("a size is `i64`, but `{text}` is `{ty}`"))
                .label("a size here")
                .other(local.span, format!("`{ty}` here"))
                .help(help);
        Some(error)
    }

    fn report_unknown_size(&mut self, name: Ident) {
        if !self.unknown_names.insert(name.name) {
            return;
        }
        let text = self.name(name.name);
        if self.lookup(name.name).is_some() {
            let error = self.no_size(name);
            self.diagnostics.extend(error);
            return;
        }
        if self.items.functions.get(&name.name).is_some_and(|header| header.is_const) {
            let message = format!("the constant `{text}` is no size that is known at compile time");
            let error = Diagnostic::error(Code::NotConst, name.span, message)
                .help("a constant that is a size is an `i64`, made of integers with `+`, `-` and `*`");
            self.report(error);
            return;
        }
        let message = format!("nothing gives the size `{text}` a value");
        let mut error = Diagnostic::error(Code::UnknownName, name.span, message).help(format!(
            "a size gets its value where it stands alone in a parameter, as in `x: [f32; {text}]` or `{text}: i64`"
        ));
        let known = self.size_names.keys().map(|name| self.ast.names.resolve(*name));
        if let Some(near) = suggest::nearest(text, known) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
    }
}
