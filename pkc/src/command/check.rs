//! `pkc check`: mistakes and warnings, for people or for tools.

use super::{context, print, warn};
use crate::{Reported, cli::Check};
use anyhow::Result;
use pk::{Backend, ErrorKind, Program, diagnostic};

pub(super) fn run(options: &Check) -> Result<()> {
    let context = context(Some(Backend::Interp))?;
    match (Program::from_file(&context, &options.file), options.json) {
        (Ok(program), false) => {
            warn(&program, &options.file);
            Ok(())
        }
        (Ok(program), true) => print_json(program.source_text(), program.warnings()),
        (Err(error), true) if error.kind() == ErrorKind::Compile => {
            print_json(error.source_text().unwrap_or_default(), error.diagnostics())?;
            Err(Reported.into())
        }
        (Err(error), _) => Err(error.into()),
    }
}

fn print_json(source: &str, findings: &[diagnostic::Diagnostic]) -> Result<()> {
    print(&format!("{}\n", diagnostic::to_json(source, findings)))
}
