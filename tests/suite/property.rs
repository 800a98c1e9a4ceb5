//! Random programs: the oracle, the optimiser and each back end must agree on every one, for all lengths from 0 to 70.
//!
//! `PK_PROPERTY_SEEDS=1000..2000` tries other programs than the usual ones; a failure names its seed and shows the text.

use crate::{
    api,
    exhaustive::trial,
    generate::{self, Generated},
    oracle, run,
};
use libtest_mimic::Trial;
use pk::{Context, Limits};
use pk_dsl::render::render;
use std::ops::Range;

/// Programs of one trial.
const BATCH: u64 = 5;

/// Longer than two lanes and a bit, so that every remainder of a vector and of a lane occurs.
const MAX_LENGTH: usize = 70;

pub(crate) fn trials() -> Vec<Trial> {
    let seeds = seeds();
    let mut trials = Vec::new();
    for (backend, context) in api::backends() {
        for first in seeds.clone().step_by(BATCH as usize) {
            let batch = first..seeds.end.min(first + BATCH);
            let name = format!("property/{backend}/{first}");
            trials.push(trial(name, context.clone(), move |context| {
                batch.clone().try_for_each(|seed| agrees(context, seed))
            }));
        }
    }
    trials
}

fn seeds() -> Range<u64> {
    let chosen = std::env::var("PK_PROPERTY_SEEDS").ok();
    let range = chosen.as_deref().and_then(|text| text.split_once(".."));
    let range = range.and_then(|(from, to)| Some(from.trim().parse().ok()?..to.trim().parse().ok()?));
    range.unwrap_or(0..100)
}

fn agrees(context: &Context, seed: u64) -> Result<(), String> {
    let program = generate::program(seed);
    check(context, &program, seed).map_err(|error| format!("seed {seed}: {error}\n{}", program.text))
}

fn check(context: &Context, program: &Generated, seed: u64) -> Result<(), String> {
    let limits = Limits::default();
    let compiled = oracle::compile(&program.text, &limits);
    let compiled = compiled.map_err(|errors| render(&program.text, "generated", &errors, false))?;
    let (oracle, kernel) = (compiled.kernel(None)?, api::compile(context, &program.text, None, &limits)?);
    for length in 0..=MAX_LENGTH {
        let args = program.args(length, seed ^ length as u64);
        let ignore_faults = length % 2 == 1;
        run::agreed(&kernel, oracle, &args, ignore_faults)
            .map_err(|error| format!("length {length}: {error}"))?;
    }
    Ok(())
}
