//! Each file on each back end, compared with what its header states and, bit by bit, with the oracle.

use crate::{
    api,
    corpus::File,
    header::Case,
    oracle::{self, Compiled},
    outcome::Outcome,
    value,
};
use libtest_mimic::Trial;
use pk::{Context, LaunchOptions};
use pk_compiler::{data::Datum, ir::Kernel};
use pk_dsl::{diagnostic::Diagnostic, render::render, signature::Signature};
use std::sync::Arc;
use toml::Table;

/// Numbers of threads, and the number of elements that a thread gets at a time.
const DIVISIONS: [(usize, u64); 4] = [(1, 5), (2, 1), (3, 64), (7, 3)];

pub(crate) fn trials(files: &[Arc<File>]) -> Vec<Trial> {
    let runs: Vec<&Arc<File>> = files.iter().filter(|file| file.is_run()).collect();
    let mut trials = Vec::new();
    for file in &runs {
        let file = Arc::clone(file);
        trials.push(Trial::test(format!("oracle/{}", file.name), move || Ok(stated(&file)?)));
    }
    for (backend, context) in api::backends() {
        for file in &runs {
            let (file, context) = (Arc::clone(file), context.clone());
            let name = format!("run/{backend}/{}", file.name);
            let is_missing = context.is_none();
            let test =
                move || Ok(context.map_or(Ok(()), |context| run_unless_skipped(&file, backend, &context))?);
            trials.push(Trial::test(name, test).with_ignored_flag(is_missing));
        }
    }
    trials
}

/// Compiles a file for the oracle; its warnings must be those that its header states.
pub(crate) fn compile(file: &File) -> Result<Compiled, String> {
    let shown = |diagnostics: &[Diagnostic]| render(&file.text, &file.source_name(), diagnostics, false);
    let compiled = oracle::compile(&file.text, &file.header.limits).map_err(|errors| shown(&errors))?;
    let warnings: Vec<String> = compiled.warnings.iter().map(|warning| warning.code.to_string()).collect();
    match warnings == file.header.warning {
        true => Ok(compiled),
        false => Err(format!("these warnings are not stated:\n{}", shown(&compiled.warnings))),
    }
}

/// The arguments of a case, in the order of the parameters.
pub(crate) fn arguments(signature: &Signature, args: &Table) -> Result<Vec<Datum>, String> {
    if let Some(key) = args.keys().find(|key| signature.params.iter().all(|param| param.name != **key)) {
        return Err(format!("`args` has `{key}`, which is no parameter"));
    }
    let arg = |param: &pk_dsl::signature::ParamType| {
        let value = args.get(&param.name).ok_or_else(|| format!("`args` lacks `{}`", param.name))?;
        value::parse(value, param.scalar, param.dims.len())
            .map_err(|error| format!("`{}`: {error}", param.name))
    };
    signature.params.iter().map(arg).collect()
}

/// The oracle must give what the header states.
fn stated(file: &File) -> Result<(), String> {
    let compiled = compile(file)?;
    let kernel = compiled.kernel(file.header.kernel.as_deref())?;
    if file.header.cases.is_empty() {
        return Err("the header states no case".to_string());
    }
    for_each_case(file, |case| {
        let args = arguments(&kernel.signature, &case.args)?;
        let outcome = oracle::run(kernel, &args, case.ignore_faults)?;
        outcome.is_stated(case, &kernel.signature, &file.text)
    })
}

/// A listed skip must go on failing, so that no excuse outlives its reason.
fn run_unless_skipped(file: &File, backend: &str, context: &Context) -> Result<(), String> {
    match (file.header.skip.get(backend), run(file, context)) {
        (None, result) => result,
        (Some(_), Err(_)) => Ok(()),
        (Some(reason), Ok(())) => Err(format!("passes, though it is skipped: {reason}")),
    }
}

fn run(file: &File, context: &Context) -> Result<(), String> {
    let compiled = compile(file)?;
    let oracle = compiled.kernel(file.header.kernel.as_deref())?;
    let kernel = api::compile(context, &file.text, file.header.kernel.as_deref(), &file.header.limits)?;
    for_each_case(file, |case| {
        let args = arguments(kernel.signature(), &case.args)?;
        let outcome = agreed(&kernel, oracle, &args, case.ignore_faults)?;
        for (threads, piece) in DIVISIONS {
            let options = LaunchOptions::new().threads(threads).share_pieces_of(piece);
            let divided = api::run_with(&kernel, &args, options.ignore_faults(case.ignore_faults))?;
            divided
                .same_as(&outcome)
                .map_err(|error| format!("{threads} threads, pieces of {piece}: {error}"))?;
        }
        outcome.is_stated(case, kernel.signature(), &file.text)
    })
}

/// What `kernel` gives, which must be what the oracle gives.
pub(crate) fn agreed(
    kernel: &pk::Kernel,
    oracle: &Kernel,
    args: &[Datum],
    ignore_faults: bool,
) -> Result<Outcome, String> {
    let outcome = api::run(kernel, args, ignore_faults)?;
    outcome.same_as(&oracle::run(oracle, args, ignore_faults)?)?;
    Ok(outcome)
}

fn for_each_case(file: &File, mut check: impl FnMut(&Case) -> Result<(), String>) -> Result<(), String> {
    for (number, case) in file.header.cases.iter().enumerate() {
        check(case).map_err(|error| format!("case {}: {error}", number + 1))?;
    }
    Ok(())
}
