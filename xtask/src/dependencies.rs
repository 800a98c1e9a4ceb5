//! Which crates may use which: the direction between the rooms of pk, and what comes in from outside.

use anyhow::{Context, Result, bail};
use std::{collections::BTreeSet, process::Command};

/// Every crate with those of pk that it may use. A line may only name crates of earlier lines.
const LAYERS: [(&str, &str, &[&str]); 8] = [
    ("pk-grammar", "grammar", &[]),
    ("pk-dsl", "dsl", &["pk-grammar"]),
    ("pk-compiler", "compiler", &["pk-grammar", "pk-dsl"]),
    ("pk-runtime", "runtime", &["pk-grammar", "pk-dsl", "pk-compiler"]),
    ("pk", ".", &["pk-grammar", "pk-dsl", "pk-runtime"]),
    ("pk-measure", "measure", &["pk"]),
    ("pkc", "pkc", &["pk", "pk-measure"]),
    ("xtask", "xtask", &["pk-dsl"]),
];

/// The library and all that it uses must stay below this many crates.
const MAX_CRATES: usize = 90;

/// Crates that run a C or C++ compiler, or look for libraries that one made.
const FOREIGN: [&str; 5] = ["bindgen", "cc", "cmake", "pkg-config", "vcpkg"];

/// Fails if a crate uses what it must not.
pub(crate) fn check() -> Result<()> {
    let mut findings = Vec::new();
    for (name, folder, allowed) in LAYERS {
        let path = crate::root().join(folder).join("Cargo.toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let used = own_dependencies(&text).with_context(|| format!("{} is no manifest", path.display()))?;
        let wrong = used.iter().filter(|used| !allowed.contains(&used.as_str()));
        findings.extend(wrong.map(|used| format!("{name} must not depend on {used}")));
    }
    let library = tree("normal")?;
    println!("the library and its dependencies: {} crates", library.len());
    if library.len() >= MAX_CRATES {
        findings.push(format!("{} crates, fewer than {MAX_CRATES} are allowed", library.len()));
    }
    let built = tree("normal,build")?;
    let foreign = FOREIGN.iter().filter(|name| built.contains(**name));
    findings.extend(foreign.map(|name| format!("the default build must not need `{name}`")));
    crate::report(&findings)
}

/// The crates of pk that a manifest names as dependencies; those of its tests do not count.
fn own_dependencies(manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = manifest.parse()?;
    let dependencies = manifest.get("dependencies").and_then(|table| table.as_table());
    let names = dependencies.into_iter().flat_map(|table| table.keys());
    Ok(names.filter(|name| LAYERS.iter().any(|(own, ..)| own == name)).cloned().collect())
}

/// The names of all crates below `pk` that the given kinds of dependency reach.
fn tree(edges: &str) -> Result<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--package", "pk", "--prefix", "none", "--edges", edges])
        .current_dir(crate::root())
        .output()?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.lines().filter_map(crate_of).collect())
}

/// `logos v0.16.1` of `logos v0.16.1 (proc-macro) (*)`, or the name alone of a crate that counts by name.
fn crate_of(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    Some(if FOREIGN.contains(&name) { name.to_string() } else { format!("{name} {version}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_only_name_earlier_ones() {
        for (at, (name, _, allowed)) in LAYERS.iter().enumerate() {
            assert!(allowed.iter().all(|used| LAYERS[..at].iter().any(|(own, ..)| own == used)), "{name}");
        }
    }

    #[test]
    fn only_dependencies_of_the_library_count() -> Result<()> {
        let manifest =
            "[dependencies]\npk-dsl = { workspace = true }\nlogos = \"1\"\n[dev-dependencies]\npk = \"1\"\n";
        assert_eq!(own_dependencies(manifest)?, ["pk-dsl"]);
        Ok(())
    }

    #[test]
    fn two_versions_are_two_crates() {
        assert_eq!(crate_of("syn v2.0.1 (*)").as_deref(), Some("syn v2.0.1"));
        assert_eq!(crate_of("cc v1.0.0").as_deref(), Some("cc"));
        assert_eq!(crate_of(""), None);
    }
}
