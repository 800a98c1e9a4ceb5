//! `pkc doc`: a reference of the kernels of a file.

use super::{context, print};
use crate::cli::Doc;
use anyhow::Result;
use pk::{Backend, Kernel, Program, describe};
use std::fmt::Write;

pub(super) fn run(options: &Doc) -> Result<()> {
    let context = context(Some(Backend::Interp))?;
    let program = Program::from_file(&context, &options.file)?;
    let name = options.file.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!("# Kernels of `{name}`\n");
    for kernel in program.kernels() {
        section(&mut text, &kernel)?;
    }
    print(&text)
}

fn section(text: &mut String, kernel: &Kernel) -> std::fmt::Result {
    let signature = kernel.signature();
    write!(text, "\n## `{}`\n\n```pk\n{}\n```\n", signature.name, describe::signature(signature))?;
    match signature.doc.trim() {
        "" => Ok(()),
        doc => write!(text, "\n{doc}\n"),
    }
}
