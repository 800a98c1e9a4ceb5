//! Rules for source files that no lint of rustc or clippy covers. What a lint can say is left to the lints.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Folders with Rust code.
const FOLDERS: [&str; 11] = [
    "benches", "compiler", "dsl", "examples", "grammar", "measure", "pkc", "runtime", "src", "tests", "xtask",
];

/// The roots of the crates that forbid `unsafe`: all but `pk-runtime`.
const SAFE_ROOTS: [&str; 7] = [
    "compiler/src/lib.rs",
    "dsl/src/lib.rs",
    "grammar/src/lib.rs",
    "measure/src/lib.rs",
    "pkc/src/main.rs",
    "src/lib.rs",
    "xtask/src/main.rs",
];

/// Where `unsafe` may stand.
const UNSAFE_ROOM: &str = "runtime/src/driver";

/// No file is longer than this.
const MAX_LINES: usize = 800;
/// Files longer than this are listed: they may have two subjects.
const MANY_LINES: usize = 400;

/// Fails if a file breaks a rule.
pub(crate) fn check() -> Result<()> {
    let mut findings = Vec::new();
    for path in rust_files()? {
        let text = std::fs::read_to_string(crate::root().join(&path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        findings.extend(findings_in(&path, &text));
        let lines = text.lines().count();
        if lines > MANY_LINES {
            println!("long: {} ({lines} lines)", path.display());
        }
    }
    crate::report(&findings)
}

/// Every Rust file of the workspace, relative to its root.
fn rust_files() -> Result<Vec<PathBuf>> {
    let root = crate::root();
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(root.join(&folder))
            .with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What is wrong with the file at `path`.
fn findings_in(path: &Path, text: &str) -> Vec<String> {
    let name = path.display().to_string();
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        findings.push(format!("{name}: {lines} lines, at most {MAX_LINES} are allowed"));
    }
    if !text.starts_with("//!") {
        findings.push(format!("{name}: does not begin with module docs (`//!`)"));
    }
    if SAFE_ROOTS.contains(&name.as_str()) && !text.contains("#![forbid(unsafe_code)]") {
        findings.push(format!("{name}: lacks `#![forbid(unsafe_code)]`"));
    }
    if name.starts_with("runtime/src") && !name.starts_with(UNSAFE_ROOM) {
        let is_unsafe = |line: &&str| line.contains("unsafe ") && !line.trim_start().starts_with("//");
        findings.extend(
            text.lines().find(is_unsafe).map(|_| format!("{name}: `unsafe` outside of {UNSAFE_ROOM}")),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn findings(path: &str, text: &str) -> String {
        findings_in(Path::new(path), text).join("\n")
    }

    #[test]
    fn files_without_docs_or_end_are_found() {
        assert_snapshot!(findings("dsl/src/types.rs", "//! Types.\n"), @"");
        assert_snapshot!(findings("dsl/src/types.rs", &"fn f() {}\n".repeat(801)), @"
        dsl/src/types.rs: 801 lines, at most 800 are allowed
        dsl/src/types.rs: does not begin with module docs (`//!`)
        ");
    }

    #[test]
    fn unsafe_stays_in_its_room() {
        let text = "//! Memory.\nunsafe fn f() {}\n";
        assert_snapshot!(findings("runtime/src/driver/memory.rs", text), @"");
        assert_snapshot!(findings("runtime/src/buffer.rs", text), @"runtime/src/buffer.rs: `unsafe` outside of runtime/src/driver");
        assert_snapshot!(findings("dsl/src/lib.rs", "//! Meaning.\n"), @"dsl/src/lib.rs: lacks `#![forbid(unsafe_code)]`");
    }
}
