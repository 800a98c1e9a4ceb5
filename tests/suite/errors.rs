//! Files that must not compile, or not without a warning: their codes, and their messages as snapshots.

use crate::{
    corpus::{self, File},
    oracle, run,
};
use libtest_mimic::Trial;
use pk_dsl::{diagnostic::Diagnostic, render::render};
use std::sync::Arc;

pub(crate) fn trials(files: &[Arc<File>]) -> Vec<Trial> {
    let of = |folder: &'static str, test: fn(&File) -> Result<(), String>| {
        files.iter().filter(move |file| file.is_in(folder)).map(move |file| {
            let file = Arc::clone(file);
            Trial::test(file.name.clone(), move || Ok(test(&file)?))
        })
    };
    of("error", fails).chain(of("warning", warns)).collect()
}

fn fails(file: &File) -> Result<(), String> {
    let Err(errors) = oracle::compile(&file.text, &file.header.limits) else {
        return Err("compiles, though it must not".to_string());
    };
    expect(file, &errors, &file.header.error)
}

fn warns(file: &File) -> Result<(), String> {
    let compiled = run::compile(file)?;
    expect(file, &compiled.warnings, &file.header.warning)
}

/// The codes must be those stated, the messages those of the snapshot.
fn expect(file: &File, found: &[Diagnostic], stated: &[String]) -> Result<(), String> {
    let shown = render(&file.text, &file.source_name(), found, false);
    let codes: Vec<String> = found.iter().map(|diagnostic| diagnostic.code.to_string()).collect();
    if stated.is_empty() || codes != stated {
        return Err(format!("{stated:?} is stated, but there is {codes:?}:\n{shown}"));
    }
    snapshot("errors", file, &shown);
    Ok(())
}

/// Compares `text` with the snapshot of this file in the folder `folder`, and panics where they differ.
pub(crate) fn snapshot(folder: &str, file: &File, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(corpus::root().join("tests/snapshots").join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(format!("tests/kernels/{}", file.source_name()));
    let name = file.name.replace('/', "__");
    settings.bind(|| insta::assert_snapshot!(name, text));
}
