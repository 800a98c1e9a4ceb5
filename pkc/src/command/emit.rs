//! `pkc emit`: the forms that a kernel takes on its way to code.

use super::{context, kernel, print};
use crate::cli::Emit;
use anyhow::{Context, Result};
use pk::{Backend, Limits, Program, Stage, syntax};

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

fn read(options: &Emit) -> Result<String> {
    std::fs::read_to_string(&options.file).with_context(|| options.file.display().to_string())
}
