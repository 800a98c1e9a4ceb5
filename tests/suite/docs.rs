//! The pk code in the documentation: ```` ```pk ```` blocks compile, ```` ```pk,E0201 ```` blocks give these codes.

use crate::{corpus, oracle};
use libtest_mimic::Trial;
use pk::Limits;
use pk_dsl::render::render;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in
        [corpus::root().to_path_buf(), corpus::root().join("docs")].iter().flat_map(|folder| pages(folder))
    {
        let name = path.strip_prefix(corpus::root()).unwrap_or(&path).display().to_string();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for block in blocks(&text) {
            trials.push(Trial::test(format!("docs/{name}:{}", block.line), move || Ok(check(&block)?)));
        }
    }
    trials
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut pages: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    pages.sort();
    pages
}

/// A block of pk code.
struct Block {
    line: usize,
    codes: Vec<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, Some(info)) if info == "pk" || info.starts_with("pk,") => {
                let codes = info.split(',').skip(1).map(|code| code.trim().to_string()).collect();
                open = Some(Block { line: number + 1, codes, text: String::new() });
            }
            (None, _) => {}
        }
    }
    blocks
}

fn check(block: &Block) -> Result<(), String> {
    let errors = oracle::compile(&block.text, &Limits::default()).err().unwrap_or_default();
    let codes: Vec<String> = errors.iter().map(|error| error.code.to_string()).collect();
    match codes == block.codes {
        true => Ok(()),
        false => Err(format!(
            "{:?} is stated, but there is {codes:?}:\n{}",
            block.codes,
            render(&block.text, "block", &errors, false)
        )),
    }
}
