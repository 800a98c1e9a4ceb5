//! `pkc emit`: the forms that a kernel takes on its way to code.

use super::{context, kernel, print};
use crate::cli::Emit;
use anyhow::{Context, Result, bail};
use pk::{Backend, Limits, Program, Stage, syntax};
use std::{fs::File, io::Read};

pub(super) fn run(options: &Emit) -> Result<()> {
    let stage = Stage::from(options.stage);
    let text = match stage {
        // A text has these forms whether or not it makes sense.
        Stage::Tokens => syntax::tokens(&read(options)?, &Limits::default()),
        Stage::Ast => syntax::tree(&read(options)?, &Limits::default()),
        _ => {
            let context = context(Some(Backend::Interp))?;
            let program = Program::from_file(&context, &options.file)?;
            let kernel = kernel(&program, options.kernel.as_deref())?;
            program.emit_for(kernel.name(), stage, options.isa.into())?
        }
    };
    print(&text)
}

/// The text, which must be within the limit that it would meet as a program: what lies at the path may be endless.
fn read(options: &Emit) -> Result<String> {
    let limit = Limits::default().source_bytes;
    let mut text = String::new();
    let read =
        File::open(&options.file).and_then(|file| file.take(limit as u64 + 1).read_to_string(&mut text));
    read.with_context(|| format!("{}: cannot read", options.file.display()))?;
    match text.len() <= limit {
        true => Ok(text),
        false => bail!("{}: the text is longer than the limit of {limit} bytes", options.file.display()),
    }
}
