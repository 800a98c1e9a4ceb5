//! Agreement of types: variables for the scalar types of literals, and the comparison of whole types.

use super::infer::{Infer, has_error};
use crate::{
    builtins::Bound,
    codes::Code,
    diagnostic::Diagnostic,
    hir::ExprId,
    scalar::Scalar,
    size::Size,
    types::{Field, Type, TypeVar},
};
use pk_grammar::span::Span;

/// The variables of one body.
#[derive(Debug, Default)]
pub(super) struct TypeVars {
    states: Vec<State>,
}

#[derive(Clone, Debug)]
enum State {
    Free(LiteralKind),
    Bound(Type),
}

/// What a variable may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LiteralKind {
    /// Any scalar.
    Any,
    /// Any number: an integer literal.
    Int,
    /// A float: a decimal literal.
    Float,
}

impl LiteralKind {
    /// What it is where nothing decides.
    pub(super) fn default_scalar(self) -> Scalar {
        match self {
            LiteralKind::Any | LiteralKind::Int => Scalar::I64,
            LiteralKind::Float => Scalar::F64,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            LiteralKind::Any => "a scalar",
            LiteralKind::Int => "an integer literal",
            LiteralKind::Float => "a decimal literal",
        }
    }

    fn admits(self, scalar: Scalar) -> bool {
        match self {
            LiteralKind::Any => true,
            LiteralKind::Int => scalar.is_numeric(),
            LiteralKind::Float => scalar.is_float(),
        }
    }

    fn merge(self, other: LiteralKind) -> LiteralKind {
        match (self, other) {
            (LiteralKind::Any, kind) | (kind, LiteralKind::Any) => kind,
            (LiteralKind::Int, LiteralKind::Int) => LiteralKind::Int,
            _ => LiteralKind::Float,
        }
    }
}

impl TypeVars {
    pub(super) fn fresh(&mut self, kind: LiteralKind) -> Type {
        self.states.push(State::Free(kind));
        Type::Var(TypeVar(self.states.len() as u32 - 1))
    }

    /// The type with variables replaced by what is known of them.
    pub(super) fn resolve(&self, ty: &Type) -> Type {
        match ty {
            Type::Var(var) => match &self.states[var.0 as usize] {
                State::Bound(bound) => self.resolve(bound),
                State::Free(_) => ty.clone(),
            },
            Type::Tuple(tuple) => Type::record(
                tuple
                    .fields
                    .iter()
                    .map(|f| Field { name: f.name.clone(), ty: self.resolve(&f.ty) })
                    .collect(),
            ),
            Type::Array(array) => Type::array(array.shape.clone(), self.resolve(&array.elem)),
            Type::Scalar(_) | Type::Error => ty.clone(),
        }
    }

    pub(super) fn kind(&self, var: TypeVar) -> LiteralKind {
        match &self.states[var.0 as usize] {
            State::Free(kind) => *kind,
            State::Bound(_) => LiteralKind::Any,
        }
    }

    pub(super) fn bind(&mut self, var: TypeVar, scalar: Scalar) {
        self.states[var.0 as usize] = State::Bound(Type::Scalar(scalar));
    }

    /// Narrows a free variable; `false` if nothing is left.
    pub(super) fn narrow(&mut self, var: TypeVar, kind: LiteralKind) {
        let merged = self.kind(var).merge(kind);
        self.states[var.0 as usize] = State::Free(merged);
    }

    /// Makes two scalar types one; `false` if they cannot be.
    pub(super) fn unify(&mut self, a: &Type, b: &Type) -> bool {
        match (self.resolve(a), self.resolve(b)) {
            (Type::Error, _) | (_, Type::Error) => true,
            (Type::Scalar(a), Type::Scalar(b)) => a == b,
            (Type::Var(a), Type::Var(b)) if a == b => true,
            (Type::Var(a), Type::Var(b)) => {
                let kind = self.kind(a).merge(self.kind(b));
                self.states[a.0 as usize] = State::Bound(Type::Var(b));
                self.states[b.0 as usize] = State::Free(kind);
                true
            }
            (Type::Var(var), Type::Scalar(scalar)) | (Type::Scalar(scalar), Type::Var(var)) => {
                let admits = self.kind(var).admits(scalar);
                if admits {
                    self.bind(var, scalar);
                }
                admits
            }
            _ => false,
        }
    }
}

/// How two types disagree.
pub(super) enum Disagreement {
    /// They differ in more than sizes.
    Kind,
    /// These sizes can never agree.
    Size(Size, Size),
}

impl Disagreement {
    pub(super) fn code(&self) -> Code {
        match self {
            Disagreement::Size(..) => Code::Shape,
            Disagreement::Kind => Code::Mismatch,
        }
    }
}

impl Infer<'_> {
    /// Makes two types one. Sizes that differ symbolically become conditions.
    pub(super) fn unify(&mut self, a: (&Type, Span), b: (&Type, Span)) -> Result<(), Disagreement> {
        let (left, right) = (self.vars.resolve(a.0), self.vars.resolve(b.0));
        match (&left, &right) {
            (Type::Error, _) | (_, Type::Error) => Ok(()),
            (Type::Tuple(x), Type::Tuple(y)) if x.fields.len() == y.fields.len() => {
                for (x, y) in x.fields.iter().zip(&y.fields) {
                    if x.name != y.name {
                        return Err(Disagreement::Kind);
                    }
                    self.unify((&x.ty, a.1), (&y.ty, b.1))?;
                }
                Ok(())
            }
            (Type::Array(x), Type::Array(y)) if x.shape.len() == y.shape.len() => {
                self.unify((&x.elem, a.1), (&y.elem, b.1))?;
                self.agree_shapes((&x.shape, a.1), (&y.shape, b.1))
            }
            _ if left.is_scalar_like() && right.is_scalar_like() && self.vars.unify(&left, &right) => Ok(()),
            _ => Err(Disagreement::Kind),
        }
    }

    /// Requires two shapes of one rank to agree.
    pub(super) fn agree_shapes(
        &mut self,
        a: (&[Size], Span),
        b: (&[Size], Span),
    ) -> Result<(), Disagreement> {
        for (x, y) in a.0.iter().zip(b.0) {
            if !self.agree_sizes((x, a.1), (y, b.1)) {
                return Err(Disagreement::Size(x.clone(), y.clone()));
            }
        }
        Ok(())
    }

    /// Requires an expression to have a type; `role` begins the message: "the result".
    pub(super) fn expect_type(&mut self, id: ExprId, wanted: (&Type, Span), role: &str) -> bool {
        let (found, span) = (self.ty(id), self.span(id));
        let Err(disagreement) = self.unify((&found, span), (wanted.0, wanted.1)) else {
            return true;
        };
        let message = format!("{role} is {}, but this is {}", self.describe(wanted.0), self.describe(&found));
        let mut error = Diagnostic::error(disagreement.code(), span, message);
        if wanted.1 != span {
            error = error.other(wanted.1, format!("{} comes from here", self.describe(wanted.0)));
        }
        if let Some(help) = self.mismatch_help(&found, wanted.0, span) {
            error = error.help(help);
        }
        self.report(error);
        false
    }

    /// The way out of a mismatch, where one is plain.
    pub(super) fn mismatch_help(&self, found: &Type, wanted: &Type, span: Span) -> Option<String> {
        let wanted = self.vars.resolve(wanted);
        match (found, &wanted) {
            (Type::Tuple(found), Type::Tuple(wanted)) => {
                let names: Vec<&str> =
                    wanted.fields.iter().filter_map(|field| field.name.as_deref()).collect();
                let is_named = found.fields.iter().any(|field| field.name.is_some());
                match (names.is_empty(), is_named) {
                    (false, _) => Some(format!("name the fields: `({}: …)`", names.join(": …, "))),
                    (true, true) => Some("leave out the names of the fields".to_string()),
                    (true, false) => None,
                }
            }
            _ => {
                let (from, to) = (found.elem().as_scalar()?, wanted.elem().as_scalar()?);
                let converts = from != to && to.is_numeric() && found.shape().len() == wanted.shape().len();
                converts.then(|| format!("write `{to}({})`", self.text(span)))
            }
        }
    }

    /// Requires that a scalar type, or the type of a literal, is in `bound`; `operation` names what needs it.
    pub(super) fn require_bound(&mut self, ty: &Type, bound: Bound, span: Span, operation: &str) -> bool {
        let ty = self.vars.resolve(ty);
        let admitted = match &ty {
            Type::Error => return true,
            Type::Scalar(scalar) => bound.admits(*scalar),
            Type::Var(var) => match (bound, self.vars.kind(*var)) {
                (Bound::Float, _) => {
                    self.vars.narrow(*var, LiteralKind::Float);
                    true
                }
                (Bound::Int | Bound::Word, LiteralKind::Float) => false,
                (Bound::Int, _) => {
                    self.vars.narrow(*var, LiteralKind::Int);
                    self.whole.push((ty.clone(), span, operation.to_string()));
                    true
                }
                (Bound::Word, _) => self.force(&ty).is_some_and(|scalar| bound.admits(scalar)),
                (Bound::Number | Bound::Wide, kind) => {
                    self.vars.narrow(*var, if kind == LiteralKind::Any { LiteralKind::Int } else { kind });
                    true
                }
                (Bound::Any, _) => true,
            },
            _ => false,
        };
        if !admitted && !has_error(&ty) {
            let message = format!("{operation} needs {}, but this is {}", bound.text(), self.describe(&ty));
            self.report(Diagnostic::error(Code::WrongOperand, span, message));
        }
        admitted
    }
}
