//! `pkc build`: kernels as an object file, a static library and a header, for programs without pk.

use super::{context, print, warn};
use crate::{Usage, archive::archive, cli::Build};
use anyhow::{Context, Result};
use pk::{Backend, ErrorKind, ObjectOptions, Program};
use std::{fs, path::Path};

pub(super) fn run(options: &Build) -> Result<()> {
    let program = Program::from_file(&context(Some(Backend::Interp))?, &options.file)?;
    warn(&program, &options.file);
    if program.kernels().len() == 0 {
        return Err(Usage("the program has no kernel".to_string()).into());
    }
    let stem = options.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut how = ObjectOptions::new(&stem);
    if let Some(prefix) = &options.prefix {
        how = how.prefix(prefix);
    }
    if let Some(cpu) = options.cpu {
        how = how.cpu(cpu.into());
    }
    let kernels: Vec<&str> = options.kernels.iter().map(String::as_str).collect();
    let object = program.object(&kernels, &how).map_err(explain)?;
    let library = archive(&format!("{stem}.o"), &object.bytes, &object.symbols)
        .context("the code is too large for a static library")?;
    fs::create_dir_all(&options.output)
        .with_context(|| format!("{}: cannot make the folder", options.output.display()))?;
    let files = [
        (format!("{stem}.o"), &object.bytes[..]),
        (format!("lib{stem}.a"), &library),
        (format!("{stem}.h"), object.header.as_bytes()),
    ];
    for (name, contents) in files {
        let path = options.output.join(name);
        fs::write(&path, contents).with_context(|| format!("{}: cannot write", path.display()))?;
        print(&format!("{}\n", shown(&path)))?;
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    crate::quote::plain(&path.display().to_string())
}

/// Says the way out where the library does not know it.
fn explain(error: pk::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::UnknownKernel | ErrorKind::InvalidOption => Usage(error.to_string()).into(),
        ErrorKind::Unsupported => anyhow::anyhow!("{error}; name the kernels to build, without this one"),
        _ => error.into(),
    }
}
