//! `pkc run`: a kernel on real data.

use super::{context, kernel, print, warn};
use crate::{argument, cli::Run, output, progress, show};
use anyhow::Result;
use pk::{LaunchOptions, Outputs, Program};

pub(super) fn run(options: &Run) -> Result<()> {
    let context = context(options.backend.map(Into::into))?;
    let program = Program::from_file(&context, &options.file)?;
    warn(&program, &options.file);
    let kernel = kernel(&program, options.kernel.as_deref())?;
    // A mistake in the command line is told before the work, not after it.
    let targets = output::targets(kernel.signature(), &options.outs)?;
    let args = progress::during("reading", || argument::read_all(kernel.signature(), &options.args))?;
    let running = format!("running `{}`", kernel.name());
    let launch = options
        .threads
        .map_or_else(LaunchOptions::new, |threads| LaunchOptions::new().threads(threads.get()));
    let outputs: Outputs = progress::during(&running, || kernel.call_with(&launch, args))?;
    match targets.is_empty() {
        true => print(&show::outputs(&outputs)),
        false => output::write_all(&outputs, &targets),
    }
}
