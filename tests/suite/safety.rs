//! `docs/safety.md` says what is so: its limits are those of the code, and the tests that it names exist.

use crate::corpus;
use libtest_mimic::Trial;
use pk::Limits;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// `names` are those of all other trials.
pub(crate) fn trials(names: Vec<String>) -> Vec<Trial> {
    vec![
        Trial::test("safety/limits_are_those_of_the_code", || Ok(limits_agree(&page()?)?)),
        Trial::test("safety/named_tests_exist", move || Ok(tests_exist(&page()?, &names)?)),
    ]
}

fn page() -> Result<String, String> {
    fs::read_to_string(corpus::root().join("docs/safety.md")).map_err(|error| error.to_string())
}

/// The rows of all tables, cell by cell.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.map(|line| line.split(" | ").map(str::trim).collect())
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn limits_agree(page: &str) -> Result<(), String> {
    let stated: BTreeMap<&str, u64> = rows(page)
        .filter_map(|row| {
            let digits = row.get(1)?.replace(' ', "");
            Some((quoted(row[0]).next()?, digits.parse().ok()?))
        })
        .collect();
    match stated == limits() {
        true => Ok(()),
        false => Err(format!("the page states {stated:?}, the code has {:?}", limits())),
    }
}

/// Every field of the defaults; a new field does not compile until it stands here.
fn limits() -> BTreeMap<&'static str, u64> {
    let Limits {
        source_bytes,
        tokens,
        nesting,
        height,
        identifier_bytes,
        params,
        functions,
        ir_nodes,
        type_leaves,
        tuple_depth,
        fold_steps,
        code_bytes,
        compile_seconds,
    } = Limits::default();
    BTreeMap::from([
        ("source_bytes", source_bytes as u64),
        ("tokens", tokens as u64),
        ("nesting", nesting as u64),
        ("height", height.into()),
        ("identifier_bytes", identifier_bytes as u64),
        ("params", params as u64),
        ("functions", functions as u64),
        ("ir_nodes", ir_nodes as u64),
        ("type_leaves", type_leaves as u64),
        ("tuple_depth", tuple_depth as u64),
        ("fold_steps", fold_steps as u64),
        ("code_bytes", code_bytes as u64),
        ("compile_seconds", compile_seconds.into()),
    ])
}

fn tests_exist(page: &str, trials: &[String]) -> Result<(), String> {
    let functions = functions()?;
    let exists = |name: &str| match name.split_once('/') {
        Some((group, rest)) => trials.iter().any(|trial| is_named(trial, name, group, rest)),
        None => functions.contains(name),
    };
    let numbered = rows(page).filter_map(|row| Some((row[0].parse::<u32>().ok()?, *row.last()?)));
    let mut next = 1;
    for (number, tests) in numbered {
        if number != next || quoted(tests).next().is_none() {
            return Err(format!("row {number} stands in place {next}, or names no test"));
        }
        if let Some(missing) = quoted(tests).find(|name| !exists(name)) {
            return Err(format!("row {number}: there is no test {missing}"));
        }
        next += 1;
    }
    if next > 50 { Ok(()) } else { Err(format!("there are only {} rows", next - 1)) }
}

/// Whether the page may call the trial `name`: by its whole name, by that of its file, or by group and start.
fn is_named(trial: &str, name: &str, group: &str, rest: &str) -> bool {
    let is_of_group = || trial.strip_prefix(group).is_some_and(|tail| tail.contains(&format!("/{rest}")));
    trial == name || trial.ends_with(&format!("/{name}")) || is_of_group()
}

/// The names of all functions without parameters that follow an attribute `#[test]`.
fn functions() -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    for folder in ["compiler", "dsl", "grammar", "pkc", "runtime", "src"] {
        collect(&corpus::root().join(folder), &mut names).map_err(|error| error.to_string())?;
    }
    Ok(names)
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let tests =
                text.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
            names.extend(tests.map(|(name, _)| name.to_string()));
        }
    }
    Ok(())
}
