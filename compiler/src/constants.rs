//! The constants of a program, evaluated once, when it is compiled.
//!
//! The interpreter evaluates them, so they have the bits that a run would give. A constant of scalars becomes its value.
//! One with arrays stays an expression, which a kernel that uses it evaluates once per launch; but from here on it is
//! known to have no fault. Only constants are evaluated here: folding inside of kernels is the passes' business.

use crate::{
    data::Datum,
    deadline::Deadline,
    interp::{self, RunError},
    lower::lower_constant,
};
use pk_dsl::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::{Expr, ExprId, ExprKind, Function, FunctionId, Program},
    scalar::Const,
    types::Type,
};
use pk_grammar::{limits::Limits, span::Span};
use std::cell::Cell;

/// Evaluates all constants of a checked program; those of scalars are replaced by their values.
///
/// # Errors
///
/// A diagnostic for the first constant that has a fault, needs too much memory, or takes the last of
/// [`Limits::fold_steps`]; any, if the deadline passes.
pub fn evaluate(program: &mut Program, limits: &Limits, deadline: &Deadline) -> Result<(), Vec<Diagnostic>> {
    let steps = Cell::new(limits.fold_steps as u64);
    for index in 0..program.functions.len() {
        let Some(span) = program.functions[index].constant else { continue };
        let kernel = lower_constant(program, FunctionId(index as u32), limits, deadline)?;
        let function = &mut program.functions[index];
        let name = &function.name;
        let values = interp::evaluate(&kernel, &steps).map_err(|error| {
            let report = match error {
                RunError::Fault(fault) => fault.diagnostic(&kernel, &[]),
                _ => None,
            };
            vec![match report {
                Some(report) => report.other(span, format!("while the constant `{name}` is evaluated")),
                None => refusal(error, name, span, limits),
            }]
        })?;
        replace(function, &values);
    }
    Ok(())
}

/// Why a constant that has no fault has no value.
fn refusal(error: RunError, name: &str, span: Span, limits: &Limits) -> Diagnostic {
    let message = match error {
        RunError::TooManySteps => {
            format!("the constants up to `{name}` take more than {} steps to evaluate", limits.fold_steps)
        }
        error => format!("the constant `{name}` has no value: {error}"),
    };
    Diagnostic::error(Code::Limit, span, message)
        .help("compute it in the kernel, or in the host, which passes it as a parameter")
}

/// Makes the body the value, if that is made of scalars.
fn replace(function: &mut Function, values: &[Datum]) {
    let Some(body) = function.body.map(|body| function.expr(body)) else { return };
    let scalars: Option<Vec<Const>> = values.iter().map(scalar).collect();
    let Some(scalars) = scalars else { return };
    let mut exprs = Vec::new();
    let value = literal(&body.ty, &mut scalars.into_iter(), body.span, &mut exprs);
    let (name, constant) = (std::mem::take(&mut function.name), function.constant);
    *function = Function { name, constant, exprs, body: value, ..Function::default() };
}

fn scalar(value: &Datum) -> Option<Const> {
    match value {
        Datum::Scalar(value) => Some(*value),
        Datum::Array(_) => None,
    }
}

/// Adds the expression of this type whose scalars are the next of `values`.
fn literal(
    ty: &Type,
    values: &mut impl Iterator<Item = Const>,
    span: Span,
    exprs: &mut Vec<Expr>,
) -> Option<ExprId> {
    let kind = match ty.fields() {
        Some(fields) => {
            let parts = fields.iter().map(|field| literal(&field.ty, values, span, exprs));
            ExprKind::Tuple(parts.collect::<Option<_>>()?)
        }
        None => ExprKind::Const(values.next()?),
    };
    exprs.push(Expr { kind, ty: ty.clone(), span, checks: Vec::new() });
    Some(ExprId(exprs.len() as u32 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn evaluated(text: &str, fold_steps: usize) -> Result<Program, Vec<Diagnostic>> {
        let limits = Limits { fold_steps, ..Limits::default() };
        let mut program = pk_dsl::check(text, &limits)?.program;
        evaluate(&mut program, &limits, &Deadline::default())?;
        Ok(program)
    }

    #[test]
    fn scalars_become_values_and_arrays_stay() {
        let text = "const PAIR: (f32, bool) = (0.5 * 3.0, ROW[1] > 1); const ROW: [i64; 2] = 2 * [1, 2];
            kernel f() -> f32 = PAIR.0;";
        let program = evaluated(text, 1_000).expect("no faults");
        assert_snapshot!(program.to_string(), @"
        fn ROW()
          Binary(Mul): [i64; 2]
            2: i64
            array: [i64; 2]
              1: i64
              2: i64

        fn PAIR()
          tuple: (f32, bool)
            1.5: f32
            true: bool

        kernel f()
          field 0: f32
            call PAIR: (f32, bool)
        ");
    }

    #[test]
    fn steps_are_shared_by_all_constants() {
        let text = |count: usize| {
            let one = |at| format!("const A{at}: i64 = loop s = 0 for i in 0..100 {{ s + i }};");
            (0..count).map(one).chain(["kernel f() -> i64 = A0;".to_string()]).collect::<String>()
        };
        assert!(evaluated(&text(1), 1_000).is_ok());
        let errors = evaluated(&text(9), 1_000).expect_err("more than 1000 steps");
        assert_eq!(errors[0].code, Code::Limit);
    }
}
