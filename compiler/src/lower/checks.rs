//! Conditions on sizes that the checker could not decide: checks in the entry block.

use super::{Lowering, sizes::SizeOp};
use crate::ir::{Binary, Compare, FaultKind, Op, SiteData, Value};
use pk_dsl::hir::SizeCheck;
use pk_grammar::span::Span;

impl Lowering<'_> {
    /// Emits the checks that belong to an expression.
    pub(super) fn size_checks(&mut self, checks: &[SizeCheck]) {
        for check in checks {
            self.entry_block(|lowering| lowering.size_check(check));
        }
    }

    fn size_check(&mut self, check: &SizeCheck) {
        let function = self.function();
        match check {
            SizeCheck::Equal { left, right } => {
                let (a, b) = (self.size(&left.0), self.size(&right.0));
                if a == b {
                    return;
                }
                let cond = self.compare(Compare::Eq, a, b);
                let texts = vec![function.size_text(&left.0), function.size_text(&right.0)];
                let site = SiteData {
                    kind: FaultKind::SizeMismatch,
                    span: left.1,
                    other: Some(right.1),
                    texts,
                };
                self.check(cond, site, vec![a, b]);
            }
            SizeCheck::NonNegative(size, span) => {
                let (value, zero) = (self.size(size), self.int(0));
                let cond = self.compare(Compare::Ge, value, zero);
                let texts = vec![function.size_text(size)];
                let site = SiteData { kind: FaultKind::NegativeSize, span: *span, other: None, texts };
                self.check(cond, site, vec![value]);
            }
            SizeCheck::Slice { lo, hi, length, span } => {
                let (lo, hi, length) = (self.size(lo), self.size(hi), self.size(length));
                self.slice_check(lo, hi, length, *span);
            }
        }
    }

    /// A slice lies inside its axis or is empty.
    fn slice_check(&mut self, lo: Value, hi: Value, length: Value, span: Span) {
        let zero = self.int(0);
        let is_empty = self.compare(Compare::Le, hi, lo);
        let starts_inside = self.compare(Compare::Ge, lo, zero);
        let ends_inside = self.compare(Compare::Le, hi, length);
        let is_inside = self.builder.binary(Binary::And, starts_inside, ends_inside);
        let cond = self.builder.binary(Binary::Or, is_empty, is_inside);
        let one = self.int(-1);
        let last = self.size_op(SizeOp::Add, hi, one);
        let bad = self.builder.select(starts_inside, last, lo);
        let site = SiteData { kind: FaultKind::OutOfBounds, span, other: None, texts: Vec::new() };
        self.check(cond, site, vec![bad, length]);
    }

    fn check(&mut self, cond: Value, site: SiteData, values: Vec<Value>) {
        let site = self.sites.push(site);
        self.builder.inst(Op::Check { cond, site, values }, Vec::new());
    }
}
