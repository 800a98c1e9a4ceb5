//! What `cargo xtask bench-peers` asks of us and of every peer. After a first line with a name and a version, for each line `ID` on standard input, a line on standard
//! output with the identifier, the seconds of a run, and the digest of the results; or the identifier, `-` and why not.

use crate::{
    Result,
    workload::{self, Workload},
};
use pk::{Context, Element, RawBuffer, Scalar};
use pk_measure::{
    subject::Subject,
    times::{Budget, Times},
};
use std::{
    io::{self, Write},
    time::Duration,
};

/// A sample lasts at least so long, that the clock is exact; short runs are repeated and averaged.
const SAMPLE: Duration = Duration::from_millis(2);

const BUDGET: Budget = Budget { time: Duration::from_millis(200), runs: 3 };

pub(crate) fn run(context: &Context) -> Result<()> {
    let workloads = workload::all()?;
    // The workload of the last line, because each comes several times.
    let mut ready: Option<(String, Subject)> = None;
    println!("ready pk {}", env!("CARGO_PKG_VERSION"));
    for id in io::stdin().lines() {
        let id = id?;
        if ready.as_ref().is_none_or(|(last, _)| *last != id) {
            drop(ready.take());
            ready = prepare(context, &workloads, &id)?.map(|subject| (id.clone(), subject));
        }
        let answer = match &mut ready {
            Some((_, subject)) => answer(subject)?,
            None => "- no such workload".to_string(),
        };
        println!("{id} {answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn prepare(context: &Context, workloads: &[Workload], id: &str) -> Result<Option<Subject>> {
    let Some(workload) = workloads.iter().find(|workload| workload.id == id) else { return Ok(None) };
    let kernel = workload.kernel(context)?;
    Ok(Some(Subject::new(context, &kernel, &workload.args(context, &kernel)?)?))
}

fn answer(subject: &mut Subject) -> Result<String> {
    let repeats = SAMPLE.as_nanos() / subject.run()?.as_nanos().max(1) + 1;
    let repeats = u32::try_from(repeats)?;
    let times = Times::take(BUDGET, || {
        (0..repeats).try_fold(Duration::ZERO, |sum, _| Ok(sum + subject.run()?)).map(|sum| sum / repeats)
    });
    let mut answer = format!("{:e}", times.map_err(|error: pk::Error| error)?.min().as_secs_f64());
    for result in subject.results() {
        digest(result)?.iter().for_each(|number| answer += &format!(" {number:e}"));
    }
    Ok(answer)
}

/// The length of a result, its sum and that of its magnitudes, and its first, middle and last element.
fn digest(result: &RawBuffer) -> Result<[f64; 6]> {
    let numbers = match result.scalar() {
        Scalar::F32 => numbers(result, |x: f32| x.into()),
        Scalar::F64 => numbers(result, |x: f64| x),
        Scalar::I32 => numbers(result, |x: i32| x.into()),
        Scalar::I64 => numbers(result, |x: i64| x as f64),
        Scalar::U32 => numbers(result, |x: u32| x.into()),
        scalar => return Err(format!("a result of type `{scalar}`").into()),
    }?;
    let at = |position: usize| numbers.get(position).copied().unwrap_or_default();
    let (sum, magnitudes) = (numbers.iter().sum(), numbers.iter().map(|x| x.abs()).sum());
    let len = numbers.len();
    Ok([len as f64, sum, magnitudes, at(0), at(len / 2), at(len.saturating_sub(1))])
}

fn numbers<T: Element>(result: &RawBuffer, convert: fn(T) -> f64) -> Result<Vec<f64>> {
    let typed = result.clone().typed::<T>().ok_or("a result of another type")?;
    Ok(typed.to_vec()?.into_iter().map(convert).collect())
}
