//! Results into files.

use crate::{
    Usage, npy,
    quote::{quote, quote_all},
};
use anyhow::{Context, Result, bail};
use pk::{Output, Outputs, signature::Signature};
use std::{
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
        return Ok(Target { result: 0, place: place(text)? });
    }
    if let Some((field, file)) = text.split_once('=')
        && let Some(result) = names.clone().position(|name| name == field)
    {
        return Ok(Target { result, place: place(file)? });
    }
    let message = format!(
        "{} names no result of kernel `{}`: write `FIELD=FILE` with one of {}",
        quote(&format!("--out {text}")),
        signature.name,
        quote_all(names)
    );
    Err(Usage(message))
}

fn place(text: &str) -> Result<Place, Usage> {
    match text {
        "-" => Ok(Place::Stdout),
        "" => Err(Usage("`--out` needs the name of a file".to_string())),
        _ => Ok(Place::File(PathBuf::from(text))),
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

/// Writes to where links lead. What is no file, as a device or a pipe, is written and not replaced, and so is a link to a
/// file that is not there yet.
fn write_file(output: &Output, path: &Path) -> io::Result<()> {
    let is_replaced = match fs::metadata(path) {
        Ok(metadata) => metadata.is_file(),
        Err(_) => !path.is_symlink(),
    };
    match is_replaced {
        true => {
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
            replace(&path, |file| write_npy(output, file))
        }
        false => {
            let file = File::options().write(true).create(true).truncate(false).open(path)?;
            write_npy(output, BufWriter::new(file))
        }
    }
}

/// Writes a file that is there only once it is whole: under another name, which then becomes its own. So a file that is
/// argument and result at once keeps its contents if anything fails.
fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let (temporary, file) = create_beside(path)?;
    let mut file = BufWriter::new(file);
    let written = write(&mut file).and_then(|()| file.flush());
    drop(file);
    let replaced =
        written.and_then(|()| keep_permissions(path, &temporary)).and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// A new file in the folder of `path`. A name may be left over from a process that was killed.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    const ATTEMPTS: u32 = 100;
    let mut attempt = 0;
    loop {
        let temporary = path.with_file_name(format!(".pkc-{}-{attempt}.tmp", std::process::id()));
        match File::options().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Gives `temporary` the permissions of the file that it is to replace, if there is one.
fn keep_permissions(path: &Path, temporary: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) => fs::set_permissions(temporary, metadata.permissions()),
        Err(_) => Ok(()),
    }
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

    #[test]
    fn leftovers_of_killed_processes_are_no_obstacle() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("y.npy");
        let (leftover, _) = create_beside(&path).expect("it is writable");
        replace(&path, |file| file.write_all(b"new")).expect("another name is free");
        assert_eq!(fs::read(&path).expect("it is there"), b"new");
        assert!(leftover.exists());
    }

    #[test]
    #[cfg(unix)]
    fn permissions_are_kept() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("y.npy");
        fs::write(&path, b"old").expect("it is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        replace(&path, |file| file.write_all(b"new")).expect("it is writable");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
    }
}
