//! The `.pk` files under `tests/kernels`.

use crate::header::{self, Header};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A test file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Its path under `tests/kernels` without extension, as `reduce/dot`.
    pub(crate) name: String,
    /// All of its text.
    pub(crate) text: String,
    /// What it states of itself.
    pub(crate) header: Header,
}

impl File {
    /// Whether it lies in the folder `folder` of `tests/kernels`, at any depth.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether it must compile and run.
    pub(crate) fn is_run(&self) -> bool {
        !self.is_in("error") && !self.is_in("warning")
    }

    /// How diagnostics call it.
    pub(crate) fn source_name(&self) -> String {
        format!("{}.pk", self.name)
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All test files, in order of name.
pub(crate) fn load() -> Result<Vec<Arc<File>>, String> {
    let folder = root().join("tests/kernels");
    let mut paths = Vec::new();
    find(&folder, &mut paths).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    paths.sort();
    paths.iter().map(|path| read(&folder, path)).collect()
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "pk") {
            found.push(path);
        }
    }
    Ok(())
}

fn read(folder: &Path, path: &Path) -> Result<Arc<File>, String> {
    let told = |error: String| format!("{}: {error}", path.display());
    let bytes = fs::read(path).map_err(|error| told(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| told(error.to_string()))?;
    let name = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let name = name.to_string_lossy().replace('\\', "/");
    let header = header::parse(&text).map_err(told)?;
    Ok(Arc::new(File { name, text, header }))
}
