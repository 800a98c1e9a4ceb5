//! `pkc completions`: what a shell needs to complete commands.

use super::print;
use crate::cli::{Cli, Completions};
use anyhow::Result;
use clap::CommandFactory;

pub(super) fn run(options: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "pkc", &mut script);
    print(&String::from_utf8_lossy(&script))
}
