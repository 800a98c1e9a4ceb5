//! Conditions on sizes that the checker could not decide: checks in the entry block.

use super::{Lowering, Unproven, sizes::SizeOp};
use crate::ir::{Binary, Compare, FaultKind, IntDiv, Op, Site, SiteData, Type, Unary, Value};
use pk_dsl::{
    hir::{Expr, ExprKind, SizeCheck},
    scalar::Scalar,
    signature::MAX_EXTENT,
};
use pk_grammar::span::Span;

impl Lowering<'_> {
    /// Emits the checks that belong to an expression.
    pub(super) fn size_checks(&mut self, data: &Expr) {
        for check in &data.checks {
            self.entry_block(|lowering| lowering.size_check(check, data));
        }
    }

    fn size_check(&mut self, check: &SizeCheck, data: &Expr) {
        let function = self.function();
        match check {
            SizeCheck::Equal { left, right } => {
                let (a, b) = (self.size(&left.0), self.size(&right.0));
                if a == b {
                    return;
                }
                let cond = self.compare(Compare::Eq, a, b);
                let texts = vec![function.size_text(&left.0), function.size_text(&right.0)];
                let site =
                    SiteData { kind: FaultKind::SizeMismatch, span: left.1, other: Some(right.1), texts };
                self.check(cond, site, vec![a, b]);
            }
            SizeCheck::NonNegative(size, span) => {
                let (value, zero) = (self.size(size), self.int(0));
                let cond = self.compare(Compare::Ge, value, zero);
                let texts = vec![function.size_text(size)];
                let site = SiteData {
                    kind: FaultKind::NegativeSize,
                    span: *span,
                    other: None,
                    texts: texts.clone(),
                };
                self.check(cond, site, vec![value]);
                let most = self.int(MAX_EXTENT as i64);
                let cond = self.compare(Compare::Le, value, most);
                let site = SiteData { kind: FaultKind::SizeOverflow, span: *span, other: None, texts };
                self.check(cond, site, Vec::new());
            }
            SizeCheck::Slice { lo, count, length, span } => {
                let (lo, count, length) = (self.size(lo), self.size(count), self.size(length));
                let array = match &data.kind {
                    ExprKind::Index { array, .. } => self.array_name(*array),
                    _ => None,
                };
                self.slice_check(lo, count, length, Unproven { span: *span, array });
            }
            SizeCheck::Range { lo, hi, span } => {
                let text = format!("{} - {}", function.size_text(hi), function.size_text(lo));
                let (lo, hi) = (self.size(lo), self.size(hi));
                self.range_check(lo, hi, text, *span);
            }
        }
    }

    /// A slice lies inside its axis or is empty. Nothing here overflows where it matters: `length - lo` is asked for
    /// only where `lo` lies between 0 and `length`.
    fn slice_check(&mut self, lo: Value, count: Value, length: Value, slice: Unproven) {
        let zero = self.int(0);
        let is_empty = self.compare(Compare::Eq, count, zero);
        let is_above = self.compare(Compare::Ge, lo, zero);
        let is_below = self.compare(Compare::Le, lo, length);
        let starts_inside = self.builder.binary(Binary::And, is_above, is_below);
        let rest = self.builder.binary(Binary::Sub, length, lo);
        let has_room = self.compare(Compare::Le, count, rest);
        let is_inside = self.builder.binary(Binary::And, starts_inside, has_room);
        let cond = self.builder.binary(Binary::Or, is_empty, is_inside);
        let minus_one = self.int(-1);
        let past = self.builder.binary(Binary::Add, lo, count);
        let last = self.builder.binary(Binary::Add, past, minus_one);
        let bad = self.builder.select(starts_inside, last, lo);
        let site = self.access_site(slice);
        self.check_at(cond, site, vec![bad, length]);
    }

    /// The wrapped difference of two ends has the sign of the true one.
    fn range_check(&mut self, lo: Value, hi: Value, text: String, span: Span) {
        let zero = self.int(0);
        let difference = self.builder.binary(Binary::Sub, hi, lo);
        let is_forward = self.compare(Compare::Gt, hi, lo);
        let is_positive = self.compare(Compare::Gt, difference, zero);
        let differs = self.builder.binary(Binary::Xor, is_forward, is_positive);
        let cond = self.builder.unary(Unary::Not, differs);
        let site = SiteData { kind: FaultKind::SizeOverflow, span, other: None, texts: vec![text] };
        self.check(cond, site, Vec::new());
    }

    /// The product of a shape fits an `i64`. Reshaping relies on it: the products of two shapes agree modulo 2^64, and
    /// only sizes that are what they say keep every read inside.
    pub(super) fn product_check(&mut self, shape: &[Value], text: String, span: Span) {
        self.entry_block(|lowering| {
            let mut product = shape[0];
            for &extent in &shape[1..] {
                let next = lowering.size_op(SizeOp::Mul, product, extent);
                if lowering.known_int(product).is_none() || lowering.known_int(extent).is_none() {
                    let cond = lowering.is_exact_product(product, extent, next);
                    let texts = vec![text.clone()];
                    let site = SiteData { kind: FaultKind::SizeOverflow, span, other: None, texts };
                    lowering.check(cond, site, Vec::new());
                }
                product = next;
            }
        });
    }

    /// `a == 0 || product / a == b`, for sizes that are not negative.
    fn is_exact_product(&mut self, a: Value, b: Value, product: Value) -> Value {
        let zero = self.int(0);
        let is_nothing = self.compare(Compare::Eq, a, zero);
        let op = Op::IntDiv { op: IntDiv::Div, lhs: product, rhs: a, check: None };
        let quotient = self.builder.single(op, Type::scalar(Scalar::I64));
        let is_exact = self.compare(Compare::Eq, quotient, b);
        self.builder.binary(Binary::Or, is_nothing, is_exact)
    }

    fn check(&mut self, cond: Value, site: SiteData, values: Vec<Value>) {
        let site = self.sites.push(site);
        self.check_at(cond, site, values);
    }

    fn check_at(&mut self, cond: Value, site: Site, values: Vec<Value>) {
        self.builder.inst(Op::Check { cond, site, values }, Vec::new());
    }
}
