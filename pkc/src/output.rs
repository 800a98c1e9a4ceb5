//! Results into files.

use crate::{Usage, npy};
use anyhow::{Context, Result, bail};
use pk::{Output, Outputs, signature::Signature};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Where one result goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The position of the result.
    result: usize,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Stdout,
    File(PathBuf),
}

/// The targets that texts of the form `FILE` or `FIELD=FILE` name.
pub(crate) fn targets(signature: &Signature, texts: &[String]) -> Result<Vec<Target>, Usage> {
    let targets = texts.iter().map(|text| target(signature, text)).collect::<Result<Vec<Target>, Usage>>()?;
    for (at, target) in targets.iter().enumerate() {
        if targets[..at].iter().any(|earlier| earlier.place == target.place) {
            return Err(Usage("two results with the same `--out`".to_string()));
        }
    }
    Ok(targets)
}

fn target(signature: &Signature, text: &str) -> Result<Target, Usage> {
    let names = signature.results.iter().map(|result| result.name.as_str());
    if let [only] = &signature.results[..]
        && only.name.is_empty()
    {
        return Ok(Target { result: 0, place: place(text) });
    }
    if let Some((field, file)) = text.split_once('=')
        && let Some(result) = names.clone().position(|name| name == field)
    {
        return Ok(Target { result, place: place(file) });
    }
    let fields: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let message = format!(
        "`--out {text}` names no result of kernel `{}`: write `FIELD=FILE` with one of {}",
        signature.name,
        fields.join(", ")
    );
    Err(Usage(message))
}

fn place(text: &str) -> Place {
    match text {
        "-" => Place::Stdout,
        _ => Place::File(PathBuf::from(text)),
    }
}

/// Stores the results that have a target.
pub(crate) fn write_all(outputs: &Outputs, targets: &[Target]) -> Result<()> {
    for target in targets {
        let Some(output) = outputs.iter().nth(target.result) else {
            bail!("the kernel has fewer results than its signature says");
        };
        match &target.place {
            Place::Stdout => write_npy(output, BufWriter::new(io::stdout().lock()))?,
            Place::File(path) => write_file(output, path).with_context(|| path.display().to_string())?,
        }
    }
    Ok(())
}

fn write_npy(output: &Output, target: impl Write) -> io::Result<()> {
    npy::write(target, output.scalar(), output.shape(), output.bytes())
}

/// Writes to where links lead; what is no file, as a device or a pipe, is written and not replaced.
fn write_file(output: &Output, path: &Path) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => {
            write_npy(output, BufWriter::new(File::options().write(true).open(&path)?))
        }
        _ => replace(&path, |file| write_npy(output, file)),
    }
}

/// Writes a file that is there only once it is whole: under another name, which then becomes its own. So a file that is
/// argument and result at once keeps its contents if anything fails.
fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("no name of a file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let mut file = BufWriter::new(File::options().write(true).create_new(true).open(&temporary)?);
    let written = write(&mut file).and_then(|()| file.flush());
    drop(file);
    let replaced = written.and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("y.npy");
        replace(&path, |file| file.write_all(b"old")).expect("it is writable");
        let failed = replace(&path, |file| {
            file.write_all(b"ne")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(failed.map_err(|error| error.to_string()), Err("disk full".to_string()));
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
