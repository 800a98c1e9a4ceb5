//! What the grammar's actions call: each method makes one node. The grammar itself holds no logic.
//!
//! The builder keeps the tree within `Limits::height`, and it collects the errors. Names, types and the meaning of
//! nodes are not looked at.

use std::ops::Range;

use crate::ast::{
    Arg, Ast, BinaryOp, Comprehension, Expr, ExprId, ExprKind, FieldExpr, FieldType, ForRange, Function,
    IndexArg, Item, ItemKind, Let, Param, Pattern, PatternId, PatternKind, TypeExpr, TypeExprKind, TypeId,
    UnaryOp,
};
use crate::error::{Errors, LimitKind, SyntaxError, SyntaxErrorKind};
use crate::feed::Control;
use crate::hints;
use crate::lexer::Lexeme;
use crate::limits::Limits;
use crate::literal::{FloatLiteral, IntLiteral};
use crate::span::{Ident, Span};
use crate::walk::for_each_child;

/// The span `start..end`.
pub(crate) fn at(start: u32, end: u32) -> Span {
    Span { start, end }
}

/// What stood between round brackets: one thing, which may be just a thing in brackets, or a list.
pub(crate) enum Parens<T> {
    /// `(a)`
    One(T),
    /// `()`, `(a,)`, `(a, b)`
    Many(Vec<T>),
}

impl<T> Parens<T> {
    /// `(first, rest…)`
    pub(crate) fn list(first: T, mut rest: Vec<T>) -> Parens<T> {
        rest.insert(0, first);
        Parens::Many(rest)
    }
}

/// `list` with `last` behind it.
pub(crate) fn append<T>(mut list: Vec<T>, last: T) -> Vec<T> {
    list.push(last);
    list
}

/// One arm of an `if … else if …` chain.
pub(crate) struct IfArm {
    /// Where its `if` starts.
    pub(crate) start: u32,
    pub(crate) cond: ExprId,
    pub(crate) then: ExprId,
}

/// What may stand behind the `for` of a comprehension: ranges, and for calls named arguments behind them.
/// The grammar takes them in any order, since one token of look-ahead cannot keep them apart; the builder sorts.
pub(crate) enum Clause {
    /// `i in a..b`, `i in a..b if p`
    Range(ForRange, Option<ExprId>, Span),
    /// `axis: 1`
    Named(Arg),
}

/// What stands between the brackets of a call.
pub(crate) struct Args {
    pub(crate) list: Vec<Arg>,
    /// Where the comprehension without brackets stands, if that is the first of them.
    pub(crate) generator: Option<Span>,
}

/// What kernels and functions have in common.
pub(crate) struct Signature {
    pub(crate) name: Ident,
    pub(crate) generics: Vec<Ident>,
    pub(crate) params: Vec<Option<Param>>,
    pub(crate) result: TypeId,
    pub(crate) body: ExprId,
}

/// Makes the nodes of one tree.
pub(crate) struct Builder<'s> {
    pub(crate) ast: Ast,
    pub(crate) errors: Errors,
    /// The whole text.
    pub(crate) source: &'s str,
    /// The same, cut into tokens.
    pub(crate) tokens: &'s [Lexeme<'s>],
    /// The tokens of the item at hand.
    pub(crate) item: Range<usize>,
    /// Tokens of the item at hand before this one are not complained about: they follow another mistake.
    pub(crate) muted: usize,
    /// Whether an earlier item lacked a closing bracket, so that what closes it may stand behind a later one.
    pub(crate) is_unclosed: bool,
    /// Stops the parser, and tells it that there is progress.
    pub(crate) control: &'s Control,
    /// The doc comment of the item at hand.
    pub(crate) doc: String,
    pub(crate) limits: &'s Limits,
    functions: usize,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(
        source: &'s str,
        tokens: &'s [Lexeme<'s>],
        errors: Errors,
        control: &'s Control,
        limits: &'s Limits,
    ) -> Builder<'s> {
        Builder {
            ast: Ast::default(),
            errors,
            source,
            tokens,
            item: 0..0,
            muted: 0,
            is_unclosed: false,
            control,
            doc: String::new(),
            limits,
            functions: 0,
        }
    }

    pub(crate) fn ident(&mut self, text: &str, span: Span) -> Ident {
        self.control.progress();
        Ident { name: self.ast.names.intern(text), span }
    }

    /// Reports `error` and ends the parse: a passed limit makes all that follows worthless.
    fn give_up(&mut self, limit: LimitKind, allowed: usize, span: Span) {
        if !self.control.is_stopped() {
            self.errors.push(SyntaxError::new(SyntaxErrorKind::Limit { limit, allowed }, span));
            self.control.stop();
        }
    }
}

/// Items.
impl Builder<'_> {
    fn item(&mut self, span: Span, name: Ident, kind: ItemKind) {
        let doc = std::mem::take(&mut self.doc);
        self.ast.items.push(Item { kind, name, doc, span });
    }

    pub(crate) fn kernel(&mut self, span: Span, signature: Signature) {
        let (name, function) = self.function(signature);
        self.item(span, name, ItemKind::Kernel(function));
    }

    pub(crate) fn helper(&mut self, span: Span, signature: Signature) {
        let (name, function) = self.function(signature);
        self.item(span, name, ItemKind::Fn(function));
    }

    pub(crate) fn constant(&mut self, span: Span, name: Ident, ty: TypeId, value: ExprId) {
        self.item(span, name, ItemKind::Const { ty, value });
    }

    pub(crate) fn alias(&mut self, span: Span, name: Ident, ty: TypeId) {
        self.item(span, name, ItemKind::Type { ty });
    }

    fn function(&mut self, signature: Signature) -> (Ident, Function) {
        let Signature { name, generics, params, result, body } = signature;
        let params: Vec<Param> = params.into_iter().flatten().collect();
        if let Some(param) = params.get(self.limits.params) {
            self.give_up(LimitKind::Params, self.limits.params, param.name.span);
        }
        self.functions += 1;
        if self.functions > self.limits.functions {
            self.give_up(LimitKind::Functions, self.limits.functions, name.span);
        }
        (name, Function { generics, params, result, body })
    }
}

/// Types and patterns.
impl Builder<'_> {
    fn ty(&mut self, span: Span, kind: TypeExprKind) -> TypeId {
        self.control.progress();
        let id = TypeId(index(self.ast.types.len()));
        self.ast.types.push(TypeExpr { kind, span });
        id
    }

    pub(crate) fn named_type(&mut self, name: Ident) -> TypeId {
        self.ty(name.span, TypeExprKind::Name(name))
    }

    pub(crate) fn tuple_type(&mut self, span: Span, fields: Parens<FieldType>) -> TypeId {
        match fields {
            Parens::One(FieldType { name: None, ty }) => ty,
            Parens::One(field) => self.ty(span, TypeExprKind::Tuple(vec![field])),
            Parens::Many(fields) => self.ty(span, TypeExprKind::Tuple(fields)),
        }
    }

    pub(crate) fn array_type(&mut self, span: Span, elem: TypeId, sizes: Vec<ExprId>) -> TypeId {
        self.ty(span, TypeExprKind::Array { elem, sizes })
    }

    fn pattern(&mut self, span: Span, kind: PatternKind) -> PatternId {
        self.control.progress();
        let id = PatternId(index(self.ast.patterns.len()));
        self.ast.patterns.push(Pattern { kind, span });
        id
    }

    pub(crate) fn name_pattern(&mut self, name: Ident) -> PatternId {
        self.pattern(name.span, PatternKind::Name(name))
    }

    pub(crate) fn wildcard(&mut self, span: Span) -> PatternId {
        self.pattern(span, PatternKind::Wildcard)
    }

    pub(crate) fn tuple_pattern(&mut self, span: Span, parts: Parens<PatternId>) -> PatternId {
        match parts {
            Parens::One(pattern) => pattern,
            Parens::Many(parts) => self.pattern(span, PatternKind::Tuple(parts)),
        }
    }
}

/// Expressions.
impl Builder<'_> {
    pub(crate) fn expr(&mut self, span: Span, kind: ExprKind) -> ExprId {
        self.control.progress();
        let mut below = 0;
        for_each_child(&kind, |child| below = below.max(self.ast.expr(child).height));
        let id = ExprId(index(self.ast.exprs.len()));
        let node = if below < self.limits.height {
            Expr { kind, span, height: below + 1 }
        } else {
            self.give_up(LimitKind::Height, self.limits.height as usize, span);
            Expr { kind: ExprKind::Error, span, height: 1 }
        };
        self.ast.exprs.push(node);
        id
    }

    pub(crate) fn error_expr(&mut self, span: Span) -> ExprId {
        self.expr(span, ExprKind::Error)
    }

    pub(crate) fn int(&mut self, span: Span, literal: IntLiteral<'_>) -> ExprId {
        let suffix = self.suffix(span, literal.suffix);
        self.expr(span, ExprKind::Int { value: literal.value, suffix })
    }

    pub(crate) fn float(&mut self, span: Span, literal: FloatLiteral<'_>) -> ExprId {
        let suffix = self.suffix(span, literal.suffix);
        self.expr(span, ExprKind::Float { text: literal.text(), suffix })
    }

    /// The type at the end of the literal at `span`.
    fn suffix(&mut self, span: Span, text: &str) -> Option<Ident> {
        let start = span.end - index(text.len());
        (!text.is_empty()).then(|| self.ident(text, at(start, span.end)))
    }

    pub(crate) fn name(&mut self, name: Ident) -> ExprId {
        self.expr(name.span, ExprKind::Name(name))
    }

    pub(crate) fn unary(&mut self, span: Span, op: UnaryOp, operand: ExprId) -> ExprId {
        self.expr(span, ExprKind::Unary(op, operand))
    }

    pub(crate) fn binary(&mut self, span: Span, op: (BinaryOp, Span), lhs: ExprId, rhs: ExprId) -> ExprId {
        self.expr(span, ExprKind::Binary { op: op.0, op_span: op.1, lhs, rhs })
    }

    /// `lhs` is a comparison without brackets: an error, with one node for the rest of the chain.
    pub(crate) fn chained(&mut self, span: Span, op: (BinaryOp, Span), lhs: ExprId) -> ExprId {
        if !matches!(self.ast.expr(lhs).kind, ExprKind::Error) {
            let help = hints::chained(&self.ast, lhs, op.0);
            self.errors.push(SyntaxError::new(SyntaxErrorKind::ChainedComparison, op.1).with_help(help));
        }
        self.error_expr(span)
    }

    pub(crate) fn tuple(&mut self, span: Span, fields: Parens<FieldExpr>) -> ExprId {
        match fields {
            Parens::One(FieldExpr { name: None, value }) => value,
            Parens::One(field) => self.expr(span, ExprKind::Tuple(vec![field])),
            Parens::Many(fields) => self.expr(span, ExprKind::Tuple(fields)),
        }
    }

    pub(crate) fn call(&mut self, span: Span, callee: Ident, args: Args) -> ExprId {
        self.expr(span, ExprKind::Call { callee, args: args.list, is_method: false })
    }

    pub(crate) fn method(&mut self, span: Span, base: ExprId, callee: Ident, args: Args) -> ExprId {
        if let Some(place) = args.generator {
            let error = SyntaxError::new(SyntaxErrorKind::MisplacedComprehension, place);
            self.errors.push(error.with_help(hints::BRACKETS));
        }
        let mut args = args.list;
        args.insert(0, Arg { name: None, value: base });
        self.expr(span, ExprKind::Call { callee, args, is_method: true })
    }

    pub(crate) fn field(&mut self, span: Span, base: ExprId, name: Ident) -> ExprId {
        self.expr(span, ExprKind::Field { base, name })
    }

    pub(crate) fn tuple_field(&mut self, span: Span, base: ExprId, position: (u32, Span)) -> ExprId {
        // The token begins with the dot.
        let index_span = at(position.1.start + 1, position.1.end);
        self.expr(span, ExprKind::TupleField { base, index: position.0, index_span })
    }

    pub(crate) fn index(&mut self, span: Span, base: ExprId, indices: Vec<IndexArg>) -> ExprId {
        self.expr(span, ExprKind::Index { base, indices })
    }

    pub(crate) fn array(&mut self, span: Span, elements: Vec<ExprId>) -> ExprId {
        self.expr(span, ExprKind::Array(elements))
    }

    /// `[body for clauses]`
    pub(crate) fn comprehension(&mut self, span: Span, body: ExprId, clauses: Vec<Clause>) -> ExprId {
        self.sort_clauses(span, body, clauses).0
    }

    /// `body for clauses` between the round brackets of a call.
    pub(crate) fn generator(&mut self, start: u32, body: ExprId, clauses: Vec<Clause>) -> Args {
        let ends = clauses.iter().filter_map(|clause| match clause {
            Clause::Range(_, _, place) => Some(place.end),
            Clause::Named(_) => None,
        });
        let span = at(start, ends.max().unwrap_or(start));
        let (value, named) = self.sort_clauses(span, body, clauses);
        let mut list = vec![Arg { name: None, value }];
        list.extend(named);
        Args { list, generator: Some(span) }
    }

    /// Makes the comprehension at `span` of the ranges among `clauses`, and gives the named arguments behind them.
    fn sort_clauses(&mut self, span: Span, body: ExprId, clauses: Vec<Clause>) -> (ExprId, Vec<Arg>) {
        let (mut ranges, mut cond, mut named) = (Vec::new(), None, Vec::new());
        for clause in clauses {
            match clause {
                Clause::Named(arg) => named.push(arg),
                Clause::Range(range, test, place) => {
                    if cond.is_some() {
                        self.errors.push(SyntaxError::new(SyntaxErrorKind::MisplacedCondition, place));
                    } else if !named.is_empty() {
                        self.errors.push(SyntaxError::new(SyntaxErrorKind::MisplacedRange, place));
                    }
                    ranges.push(range);
                    cond = test;
                }
            }
        }
        let node = ExprKind::Comprehension(Comprehension { body, ranges, cond });
        (self.expr(span, node), named)
    }

    pub(crate) fn closure(&mut self, span: Span, params: Vec<PatternId>, body: ExprId) -> ExprId {
        self.expr(span, ExprKind::Closure { params, body })
    }

    /// `{ lets tail }`; without bindings the block is its value, as brackets are.
    pub(crate) fn block(&mut self, span: Span, lets: Vec<Option<Let>>, tail: ExprId) -> ExprId {
        let lets: Vec<Let> = lets.into_iter().flatten().collect();
        if lets.is_empty() { tail } else { self.expr(span, ExprKind::Block { lets, tail }) }
    }

    /// `if … else if … else otherwise`, which ends at `end`.
    pub(crate) fn if_chain(&mut self, arms: Vec<IfArm>, otherwise: ExprId, end: u32) -> ExprId {
        arms.into_iter().rev().fold(otherwise, |otherwise, IfArm { start, cond, then }| {
            self.expr(at(start, end), ExprKind::If { cond, then, otherwise })
        })
    }
}

/// An arena index; the number of nodes is bounded by that of tokens, which fits.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
