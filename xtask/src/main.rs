//! Development tasks of pk: `cargo xtask TASK`.
//!
//! A task checks or generates what neither the compiler nor clippy can, and needs no tool but cargo. What users run
//! belongs into `pkc`.
#![forbid(unsafe_code)]

mod aarch64;
mod dependencies;
mod examples;
mod peers;
mod reference;
mod tidy;

use anyhow::{Result, bail};
use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask TASK

  reference [--check]   write docs/reference from the tables in pk-dsl, or see whether it is up to date
  examples              run every console transcript of README.md and examples/README.md
  tidy                  check the length of files, their module docs, and where `unsafe` stands
  dependencies          check which crates use which, and what comes in from outside
  aarch64 [FILTER…]     build the tests for AArch64 and run them in an emulator; says what that takes
  bench-peers [FILTER…] [--threads N] [--passes N] [--with COMMAND] [--rest SECONDS] [--install] [--write]
                        run our workloads beside the systems that users would choose instead: on N threads, or on one
                        and on all; each started with COMMAND before it, as `chrt -f 10`, and a rest for others after
                        each workload. --install puts what Python can have into target/bench-peers; --write puts the
                        tables into benches/README.md";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<String>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Findings are for people; a backtrace, which `Debug` would show, says nothing about them.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["reference"] => reference::write(),
        ["reference", "--check"] => reference::check(),
        ["examples"] => examples::run(),
        ["tidy"] => tidy::check(),
        ["dependencies"] => dependencies::check(),
        ["aarch64", ref filters @ ..] => aarch64::run(filters),
        ["bench-peers", ref options @ ..] => peers::run(options),
        _ => bail!("{USAGE}"),
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.parent().map(PathBuf::from).unwrap_or(folder)
}

/// An error that lists `findings`, if there are any.
fn report(findings: &[String]) -> Result<()> {
    match findings {
        [] => Ok(()),
        _ => bail!("{}", findings.join("\n")),
    }
}
