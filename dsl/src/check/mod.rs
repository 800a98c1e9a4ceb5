//! The checker: from the syntax tree to typed HIR.
//!
//! `items` turns declarations into signatures and orders functions so that callees come first; `Infer` then checks one
//! body at a time, bottom up, with variables for the types of literals. Errors are collected, never thrown: an
//! expression that has one gets the type `Error`, which agrees with everything, so that a mistake is reported once.
//! Nothing here knows what an operation computes.

mod arrays;
mod binary;
mod calls;
mod constants;
mod exprs;
mod finish;
mod foreign;
mod graph;
mod indexing;
mod infer;
mod items;
mod lambdas;
mod lift;
mod sizes;
mod suggest;
mod type_exprs;
mod unify;

pub(crate) use finish::for_each_operand;

use crate::{diagnostic::Diagnostic, diagnostic::Severity, hir::Program};
use pk_grammar::{ast::Ast, limits::Limits};

/// Checks a parsed program. The diagnostics are in the order of the text; the program is complete if none is an error.
pub(crate) fn check(ast: &Ast, source: &str, limits: &Limits) -> (Program, Vec<Diagnostic>) {
    let (program, mut diagnostics) = items::Checker::new(ast, source, limits).run();
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity == Severity::Warning));
    diagnostics.dedup();
    (program, diagnostics)
}
