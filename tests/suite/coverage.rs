//! That nothing of the language is without a test: each code, each builtin, each operator.

use crate::corpus::File;
use libtest_mimic::Trial;
use pk_dsl::{builtins::BUILTINS, codes::Code};
use std::{collections::BTreeSet, sync::Arc};

pub(crate) fn trials(files: &[Arc<File>]) -> Vec<Trial> {
    let files: Arc<[Arc<File>]> = files.into();
    let test = |name: &str, missing: fn(&[Arc<File>]) -> Vec<String>| {
        let files = Arc::clone(&files);
        Trial::test(format!("coverage/{name}"), move || match &missing(&files)[..] {
            [] => Ok(()),
            missing => Err(format!("no file tests {}", missing.join(", ")).into()),
        })
    };
    vec![
        test("codes", missing_codes),
        test("builtins", missing_builtins),
        test("operators", missing_operators),
    ]
}

fn missing_codes(files: &[Arc<File>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    for file in files {
        let faults = file.header.cases.iter().filter_map(|case| case.fault.as_ref());
        seen.extend(faults.map(|fault| fault.code.clone()));
        seen.extend(file.header.error.iter().chain(&file.header.warning).cloned());
    }
    Code::ALL.iter().map(Code::to_string).filter(|code| !seen.contains(code)).collect()
}

fn missing_builtins(files: &[Arc<File>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_run()) {
        seen.extend(words(&code(file)).map(String::from));
    }
    BUILTINS.iter().map(|builtin| builtin.name.to_string()).filter(|name| !seen.contains(name)).collect()
}

fn missing_operators(files: &[Arc<File>]) -> Vec<String> {
    const OPERATORS: [&str; 19] = [
        "||", "&&", "==", "!=", "<", "<=", ">", ">=", "|", "^", "&", "<<", ">>", "+", "-", "*", "/", "%",
        "**",
    ];
    let texts: Vec<String> = files.iter().filter(|file| file.is_run()).map(|file| code(file)).collect();
    let is_used = |operator: &str| texts.iter().any(|text| text.contains(&format!(" {operator} ")));
    OPERATORS.into_iter().filter(|operator| !is_used(operator)).map(String::from).collect()
}

/// The text of a file without its comments.
fn code(file: &File) -> String {
    file.text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}
