//! `pkc bench`: how fast a kernel is.

use super::{context, kernel, print, warn};
use crate::{cli::Bench, inputs, progress, report::Report};
use anyhow::Result;
use pk::{Context, Kernel, Program};
use pk_measure::{
    roofline::Machine,
    subject::Subject,
    times::{Budget, Times},
};
use std::time::{Duration, Instant};

pub(super) fn run(options: &Bench) -> Result<()> {
    let start = Instant::now();
    let context = limited(context(options.backend.map(Into::into))?, options)?;
    let program = Program::from_file(&context, &options.file)?;
    let kernel = kernel(&program, options.kernel.as_deref())?;
    kernel.prepare()?;
    let compile = start.elapsed();
    warn(&program, &options.file);
    let report = progress::during("measuring", || measure(options, &context, &kernel, compile))?;
    print(&if options.json { report.json() } else { report.table() })
}

/// The context with as many threads as the command line says.
fn limited(context: Context, options: &Bench) -> Result<Context> {
    match options.threads {
        Some(threads) => Ok(Context::with_threads(context.device(), threads.get())?),
        None => Ok(context),
    }
}

fn measure(options: &Bench, context: &Context, kernel: &Kernel, compile: Duration) -> Result<Report> {
    let inputs = inputs::Options { args: &options.args, sizes: &options.sizes, seed: options.seed };
    let args = inputs::place(context, kernel.signature(), &inputs)?;
    let mut subject = Subject::new(context, kernel, &args)?;
    let budget = Budget { time: options.time, runs: options.runs.get() };
    let times = Times::take(budget, || subject.run())?;
    Ok(Report {
        kernel: kernel.name().to_string(),
        device: context.device().to_string(),
        threads: context.threads()?,
        compile,
        cold: compile + subject.first(),
        elements: subject.elements()?,
        roofline: Machine::new(context).roofline(&subject, times.min())?,
        times,
    })
}
