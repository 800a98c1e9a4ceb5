//! What a run gives, in a form in which runs of different back ends are compared.

use crate::{
    header::{Case, FaultPattern},
    value,
};
use pk_compiler::data::{Datum, Tensor};
use pk_dsl::{
    scalar::Const,
    signature::{ResultType, Signature},
};
use pk_grammar::span::Span;
use std::fmt;
use toml::{Table, Value};

/// What a run gives.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The results in order.
    Values(Vec<Datum>),
    /// The fault that is reported.
    Fault(SeenFault),
    /// The arguments do not fit the kernel, so that nothing runs.
    Refused(String),
}

/// A fault as a user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenFault {
    pub(crate) code: String,
    pub(crate) span: Span,
    pub(crate) element: Option<u64>,
    pub(crate) index: i64,
    pub(crate) length: i64,
}

impl Outcome {
    /// An error unless both are the same, bit by bit, where any NaN equals any NaN.
    pub(crate) fn same_as(&self, oracle: &Outcome) -> Result<(), String> {
        let is_same = match (self, oracle) {
            (Outcome::Values(left), Outcome::Values(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
            }
            (Outcome::Fault(left), Outcome::Fault(right)) => left == right,
            (Outcome::Refused(left), Outcome::Refused(right)) => left == right,
            _ => false,
        };
        match is_same {
            true => Ok(()),
            false => Err(format!(
                "the oracle gives\n  {oracle}\nand not\n  {self}{}",
                first_difference(self, oracle)
            )),
        }
    }

    /// An error unless it is what `case` states.
    pub(crate) fn is_stated(&self, case: &Case, signature: &Signature, text: &str) -> Result<(), String> {
        match (self, &case.fault, &case.output) {
            (Outcome::Values(values), None, Some(output)) => {
                values_are_stated(values, output, signature, case.rtol)
            }
            (Outcome::Fault(fault), Some(stated), None) => fault_is_stated(fault, stated, text),
            (Outcome::Refused(code), Some(stated), None) if *code == stated.code => Ok(()),
            (_, None, None) => Err("the case states neither `output` nor `fault`".to_string()),
            (_, Some(_), Some(_)) => Err("the case states both `output` and `fault`".to_string()),
            (_, Some(stated), None) => {
                Err(format!("the fault {} is stated, the run gives\n  {self}", stated.code))
            }
            (_, None, Some(_)) => Err(format!("a result is stated, the run gives\n  {self}")),
        }
    }
}

fn fault_is_stated(fault: &SeenFault, stated: &FaultPattern, text: &str) -> Result<(), String> {
    let range = fault.span.start as usize..fault.span.end as usize;
    let place = text.get(range).unwrap_or_default();
    let fits = fault.code == stated.code
        && stated.text.as_ref().is_none_or(|stated| stated == place)
        && stated.element.is_none_or(|stated| u64::try_from(stated).ok() == fault.element)
        && stated.index.is_none_or(|stated| stated == fault.index)
        && stated.length.is_none_or(|stated| stated == fault.length);
    match fits {
        true => Ok(()),
        false => Err(format!("{stated:?} is stated, the run gives\n  {fault:?} at `{place}`")),
    }
}

fn values_are_stated(
    values: &[Datum],
    output: &Value,
    signature: &Signature,
    rtol: f64,
) -> Result<(), String> {
    let results = &signature.results;
    if let ([result], [found]) = (&results[..], values)
        && result.name.is_empty()
    {
        return value_is_stated(found, output, result, rtol);
    }
    let table = output.as_table().ok_or("`output` must be a table, for there are several results")?;
    if let Some(key) = table.keys().find(|key| results.iter().all(|result| result.name != **key)) {
        return Err(format!("`output` states `{key}`, which is no result"));
    }
    for (result, found) in results.iter().zip(values) {
        let stated =
            table.get(&result.name).ok_or_else(|| format!("`output` does not state `{}`", result.name))?;
        value_is_stated(found, stated, result, rtol)
            .map_err(|error| format!("`{}`: {error}", result.name))?;
    }
    Ok(())
}

fn value_is_stated(found: &Datum, stated: &Value, result: &ResultType, rtol: f64) -> Result<(), String> {
    if let (Value::Table(table), Datum::Array(found)) = (stated, found)
        && table.contains_key("at")
    {
        return elements_are_stated(found, table, rtol);
    }
    let stated = value::parse(stated, result.scalar, result.dims.len())?;
    match close(found, &stated, rtol) {
        true => Ok(()),
        false => Err(format!("stated is\n  {}\nbut the run gives\n  {}", Shown(&stated), Shown(found))),
    }
}

/// `{ shape = 5000, at = [[0, 1.5], [4999, 2.5]] }`: a few elements of a long array, each by its position.
fn elements_are_stated(found: &Tensor, table: &Table, rtol: f64) -> Result<(), String> {
    let shape = value::shape(table.get("shape").ok_or("`at` needs a `shape`")?)?;
    if shape != found.shape {
        return Err(format!("the shape {shape:?} is stated, the run gives {:?}", found.shape));
    }
    let pairs = table.get("at").and_then(Value::as_array).ok_or("`at` must be a list of pairs")?;
    for pair in pairs {
        let Some([position, stated]) = pair.as_array().map(Vec::as_slice) else {
            return Err(format!("`{pair}` is no pair of a position and a value"));
        };
        let position = position.as_integer().and_then(|position| usize::try_from(position).ok());
        let position =
            position.filter(|position| *position < found.len()).ok_or("a position lies outside")?;
        let stated = value::parse_scalar(stated, found.scalar)?;
        if !close_scalars(found.get(position), stated, rtol) {
            return Err(format!("element {position} is {}, stated is {stated}", found.get(position)));
        }
    }
    Ok(())
}

fn same(left: &Datum, right: &Datum) -> bool {
    compare(left, right, Const::same)
}

fn close(left: &Datum, right: &Datum, rtol: f64) -> bool {
    compare(left, right, |left, right| close_scalars(left, right, rtol))
}

fn compare(left: &Datum, right: &Datum, is_same: impl Fn(Const, Const) -> bool) -> bool {
    match (left, right) {
        (Datum::Scalar(left), Datum::Scalar(right)) => is_same(*left, *right),
        (Datum::Array(left), Datum::Array(right)) => {
            left.scalar == right.scalar
                && left.shape == right.shape
                && (0..left.len()).all(|at| is_same(left.get(at), right.get(at)))
        }
        _ => false,
    }
}

fn close_scalars(left: Const, right: Const, rtol: f64) -> bool {
    let float = |value: Const| value.as_f64().or(value.as_f32().map(f64::from));
    left.same(right)
        || float(left)
            .zip(float(right))
            .is_some_and(|(left, right)| (left - right).abs() <= rtol * right.abs())
}

/// Where two results differ first, for long arrays.
fn first_difference(left: &Outcome, right: &Outcome) -> String {
    let (Outcome::Values(left), Outcome::Values(right)) = (left, right) else { return String::new() };
    for (result, pair) in left.iter().zip(right).enumerate() {
        if let (Datum::Array(left), Datum::Array(right)) = pair
            && left.shape == right.shape
            && let Some(at) = (0..left.len()).find(|at| !left.get(*at).same(right.get(*at)))
        {
            return format!(
                "\nresult {result} differs first at {at}: {} and {}",
                right.get(at),
                left.get(at)
            );
        }
    }
    String::new()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Values(values) => {
                let values: Vec<String> = values.iter().map(|value| Shown(value).to_string()).collect();
                write!(f, "{}", values.join(", "))
            }
            Outcome::Fault(fault) => write!(f, "{fault:?}"),
            Outcome::Refused(code) => write!(f, "a refusal of the arguments, {code}"),
        }
    }
}

/// A value in the words of a failed test, shortened.
struct Shown<'a>(&'a Datum);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 40;
        match self.0 {
            Datum::Scalar(value) => write!(f, "{value} of {}", value.scalar()),
            Datum::Array(array) => {
                let elements: Vec<String> =
                    (0..array.len().min(MOST)).map(|at| array.get(at).to_string()).collect();
                let rest = if array.len() > MOST { ", …" } else { "" };
                write!(f, "[{}{rest}] of {}, shape {:?}", elements.join(", "), array.scalar, array.shape)
            }
        }
    }
}
