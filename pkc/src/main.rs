//! The pk command line. The only crate of pk that prints, and that reads and writes files of data.
//!
//! It exits with 0 if all went well, with 1 if the program or the data is wrong, and with 2 if the command line is.
#![forbid(unsafe_code)]

mod archive;
mod argument;
mod cli;
mod column;
mod command;
mod elements;
mod inputs;
mod npy;
mod output;
mod progress;
mod quote;
mod report;
mod scalar;
mod show;

use clap::Parser;
use quote::plain;
use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return print_help_or_usage(&message),
    };
    match command::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// A mistake in the command line, as opposed to one in a file.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A command failed and has already said why.
#[derive(Debug)]
struct Reported;

impl std::fmt::Display for Reported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("see above")
    }
}

impl std::error::Error for Reported {}

fn print_help_or_usage(message: &clap::Error) -> ExitCode {
    // Nothing is left to be done if nobody listens.
    let _ = message.print();
    ExitCode::from(if message.use_stderr() { 2 } else { 0 })
}

/// Says what went wrong, and with which code to exit.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        complain(&format!("error: {}\n\nFor more information, try '--help'.\n", plain(&usage.to_string())));
        return ExitCode::from(2);
    }
    if error.is::<Reported>() {
        return ExitCode::FAILURE;
    }
    let is_closed_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_closed_pipe) {
        return ExitCode::SUCCESS;
    }
    match error.downcast_ref::<pk::Error>() {
        Some(error) => complain(&error.render(wants_color())),
        None => complain(&format!("error: {}\n", plain(&format!("{error:#}")))),
    }
    ExitCode::FAILURE
}

/// Writes to standard error.
fn complain(text: &str) {
    // Where complaints cannot be heard, the exit code must do.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whether messages should be in colour.
fn wants_color() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
