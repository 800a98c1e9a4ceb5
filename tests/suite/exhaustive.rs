//! Every pair of 8-bit numbers through every binary operator, and every 8-bit and 16-bit number through every
//! conversion: 65 536 elements each. What must come out is computed here, by the arithmetic of Rust.

use crate::{api, oracle, outcome::Outcome, run::agreed, value::tensor};
use libtest_mimic::Trial;
use pk::{Context, Limits};
use pk_compiler::data::Datum;
use pk_dsl::scalar::{Const, Scalar};

/// How an operator is written, whether it gives a `bool`, and what it computes.
type Operator = (&'static str, bool, fn(i128, i128, Scalar) -> i128);

const OPERATORS: &[Operator] = &[
    ("a + b", false, |a, b, _| a + b),
    ("a - b", false, |a, b, _| a - b),
    ("a * b", false, |a, b, _| a * b),
    // A divisor of zero counts as one.
    ("a / b", false, |a, b, _| a / if b == 0 { 1 } else { b }),
    ("a % b", false, |a, b, _| a % if b == 0 { 1 } else { b }),
    ("div_floor(a, b)", false, |a, b, _| (a - modulo(a, b)) / if b == 0 { 1 } else { b }),
    ("mod_floor(a, b)", false, |a, b, _| modulo(a, b)),
    ("a & b", false, |a, b, _| a & b),
    ("a | b", false, |a, b, _| a | b),
    ("a ^ b", false, |a, b, _| a ^ b),
    ("a << b", false, |a, b, _| a << (b & 7)),
    ("a >> b", false, |a, b, _| a >> (b & 7)),
    ("rotl(a, b)", false, |a, b, _| i128::from((a as u8).rotate_left((b & 7) as u32))),
    ("rotr(a, b)", false, |a, b, _| i128::from((a as u8).rotate_right((b & 7) as u32))),
    ("min(a, b)", false, |a, b, _| a.min(b)),
    ("max(a, b)", false, |a, b, _| a.max(b)),
    ("a ** b", false, power),
    ("a == b", true, |a, b, _| i128::from(a == b)),
    ("a != b", true, |a, b, _| i128::from(a != b)),
    ("a < b", true, |a, b, _| i128::from(a < b)),
    ("a <= b", true, |a, b, _| i128::from(a <= b)),
    ("a > b", true, |a, b, _| i128::from(a > b)),
    ("a >= b", true, |a, b, _| i128::from(a >= b)),
];

/// The remainder with the sign of the divisor.
fn modulo(a: i128, b: i128) -> i128 {
    let b = if b == 0 { 1 } else { b };
    (a % b + b) % b
}

/// A power that wraps; of a negative exponent, what is left of the inverse in whole numbers.
fn power(base: i128, exponent: i128, scalar: Scalar) -> i128 {
    let wrap = |value: i128| Const::from_int(scalar, value).as_int().unwrap_or_default();
    match (exponent, base) {
        (0.., _) => (0..exponent).fold(1, |product, _| wrap(product * base)),
        (_, 1) => 1,
        (_, -1) => {
            if exponent % 2 == 0 {
                1
            } else {
                -1
            }
        }
        _ => 0,
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (backend, context) in api::backends() {
        for scalar in [Scalar::I8, Scalar::U8] {
            for operator in OPERATORS {
                let name = format!("exhaustive/{backend}/{scalar}/{}", operator.0);
                trials.push(trial(name, context.clone(), move |context| binary(context, scalar, operator)));
            }
        }
        for from in [Scalar::Bool, Scalar::I8, Scalar::U8, Scalar::I16, Scalar::U16] {
            for to in Scalar::ALL {
                let name = format!("exhaustive/{backend}/{from}/{to}");
                trials.push(trial(name, context.clone(), move |context| convert(context, from, to)));
            }
        }
    }
    trials
}

/// A trial on a context, ignored where there is none.
pub(crate) fn trial(
    name: String,
    context: Option<Context>,
    test: impl FnOnce(&Context) -> Result<(), String> + Send + 'static,
) -> Trial {
    let is_missing = context.is_none();
    Trial::test(name, move || Ok(context.map_or(Ok(()), |context| test(&context))?))
        .with_ignored_flag(is_missing)
}

fn binary(context: &Context, scalar: Scalar, (text, gives_bool, compute): &Operator) -> Result<(), String> {
    let result = if *gives_bool { Scalar::Bool } else { scalar };
    let text = format!(
        "fn op(a: {scalar}, b: {scalar}) -> {result} = {text};
         kernel f(a: [{scalar}; n], b: [{scalar}; n]) -> [{result}; n] = op(a, b);"
    );
    let pairs: Vec<(Const, Const)> = (0..1u64 << 16)
        .map(|bits| (Const::from_bits(scalar, bits & 0xff), Const::from_bits(scalar, bits >> 8)))
        .collect();
    let column = |values: Vec<Const>| Datum::Array(tensor(scalar, vec![values.len()], &values));
    let args = [
        column(pairs.iter().map(|pair| pair.0).collect()),
        column(pairs.iter().map(|pair| pair.1).collect()),
    ];
    let expected = pairs.iter().map(|(a, b)| {
        let (a, b) = (a.as_int().unwrap_or_default(), b.as_int().unwrap_or_default());
        Const::from_int(result, compute(a, b, scalar))
    });
    gives(context, &text, &args, &expected.collect::<Vec<_>>())
}

fn convert(context: &Context, from: Scalar, to: Scalar) -> Result<(), String> {
    let text = format!("kernel f(x: [{from}; n]) -> [{to}; n] = {to}(x);");
    let count = if from == Scalar::Bool { 2 } else { 1u64 << from.bits() };
    let values: Vec<Const> = (0..count).map(|bits| Const::from_bits(from, bits)).collect();
    let expected = values.iter().map(|value| {
        let value = value.as_int().unwrap_or_default();
        if to == Scalar::Bool { Const::from(value != 0) } else { Const::from_int(to, value) }
    });
    let expected: Vec<Const> = expected.collect();
    gives(context, &text, &[Datum::Array(tensor(from, vec![values.len()], &values))], &expected)
}

/// The kernel of `text` must give these elements, and the oracle too. Faults are looked at elsewhere.
fn gives(context: &Context, text: &str, args: &[Datum], expected: &[Const]) -> Result<(), String> {
    let limits = Limits::default();
    let compiled = oracle::compile(text, &limits).map_err(|errors| format!("{errors:?}"))?;
    let kernel = api::compile(context, text, None, &limits)?;
    let outcome = agreed(&kernel, compiled.kernel(None)?, args, true)?;
    let Outcome::Values(values) = &outcome else { return Err(outcome.to_string()) };
    let [Datum::Array(found)] = &values[..] else { return Err("one array is wanted".to_string()) };
    match (0..expected.len()).find(|at| found.get(*at) != expected[*at]) {
        None => Ok(()),
        Some(at) => {
            let arg = |arg: &Datum| match arg {
                Datum::Array(array) => array.get(at).to_string(),
                Datum::Scalar(value) => value.to_string(),
            };
            let args: Vec<String> = args.iter().map(arg).collect();
            Err(format!("of {} comes {}, not {}", args.join(", "), found.get(at), expected[at]))
        }
    }
}
