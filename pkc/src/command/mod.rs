//! The commands, one file each.

mod bench;
mod build;
mod check;
mod completions;
mod devices;
mod doc;
mod emit;
mod run;

use crate::{
    Usage,
    cli::Command,
    quote::{quote, quote_all},
};
use anyhow::Result;
use pk::{Backend, Context, Device, Kernel, Program};
use std::io::{self, Write};

/// Does what the command line asks for.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Check(options) => check::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Emit(options) => emit::run(&options),
        Command::Devices => devices::run(),
        Command::Doc(options) => doc::run(&options),
        Command::Completions(options) => completions::run(&options),
    }
}

/// A context on the given back end, or on the fastest there is.
fn context(backend: Option<Backend>) -> Result<Context> {
    let device = match backend {
        Some(backend) => Some(Device::default_for(backend)?),
        None => Device::all().into_iter().next(),
    };
    let device = device.ok_or_else(|| anyhow::anyhow!("there is no device"))?;
    Ok(Context::new(&device)?)
}

/// The kernel of this name, or the only one.
fn kernel(program: &Program, name: Option<&str>) -> Result<Kernel> {
    let names: Vec<String> = program.kernels().map(|kernel| kernel.name().to_string()).collect();
    let names = quote_all(names.iter());
    let mut candidates = program.kernels().filter(|kernel| name.is_none_or(|name| kernel.name() == name));
    match (candidates.next(), candidates.next(), name) {
        (Some(kernel), None, _) => Ok(kernel),
        (None, _, Some(name)) => Err(Usage(format!("no kernel {}; there is {names}", quote(name))).into()),
        (None, _, None) => Err(Usage("the program has no kernel".to_string()).into()),
        (Some(_), Some(_), _) => Err(Usage(format!("which kernel? There is {names}")).into()),
    }
}

/// Prints warnings to standard error.
fn warn(program: &Program, file: &std::path::Path) {
    let name = file.display().to_string();
    let warnings = program.warnings();
    let color = crate::wants_color();
    crate::complain(&pk::diagnostic::render(program.source_text(), &name, warnings, color));
}

/// Writes to standard output.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}
