//! The reference pages that are generated from tables of the compiler, so that they cannot disagree with it.

use anyhow::{Context, Result};
use pk_dsl::{
    builtins::{BUILTINS, Builtin, Rule},
    codes::Code,
};

/// What makes the text of a page.
type Writer = fn() -> String;

/// Where the pages are, and what makes them.
const PAGES: [(&str, Writer); 2] =
    [("docs/reference/builtins.md", builtins), ("docs/reference/errors.md", errors)];

/// The groups of [`Code`]s, by their number divided by 100.
const GROUPS: [(u16, &str); 7] = [
    (0, "The text"),
    (1, "Names"),
    (2, "Types"),
    (3, "Shapes and sizes"),
    (4, "Values known at compile time"),
    (5, "Arguments and data, at launch"),
    (9, "Warnings"),
];

/// Writes all pages.
pub(crate) fn write() -> Result<()> {
    for (path, page) in PAGES {
        std::fs::write(crate::root().join(path), page()).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

/// Fails if a page is not what would be written.
pub(crate) fn check() -> Result<()> {
    let is_stale = |path: &str, page: Writer| {
        std::fs::read_to_string(crate::root().join(path)).ok().as_deref() != Some(&page())
    };
    let stale = PAGES.into_iter().filter(|(path, page)| is_stale(path, *page));
    let findings: Vec<String> =
        stale.map(|(path, _)| format!("{path} is out of date: run `cargo xtask reference`")).collect();
    crate::report(&findings)
}

const GENERATED: &str = "<!-- Written by `cargo xtask reference`; edit the table in dsl/src instead. -->\n";

fn builtins() -> String {
    let is_scalar = |builtin: &&Builtin| matches!(builtin.rule, Rule::Scalar { .. });
    let rows = |wanted: bool| -> String {
        BUILTINS.iter().filter(|builtin| is_scalar(builtin) == wanted).map(builtin_row).collect()
    };
    format!(
        "# Builtins\n\n{GENERATED}\n\
         `number` is any integer or float type, `int` any integer type, `float` is `f32` or `f64`.\n\
         What the words mean, and how functions lift over arrays, is told in [the language](../language.md).\n\n\
         ## On scalars, and element by element on arrays\n\n{HEAD}{}\n\
         The name of a type converts: `f32(x)`, `i64(x)`, `bool(x)`.\n\n\
         ## On arrays\n\n{HEAD}{}",
        rows(true),
        rows(false)
    )
}

const HEAD: &str = "| function | meaning |\n|---|---|\n";

fn builtin_row(builtin: &Builtin) -> String {
    format!("| `{}{}` | {} |\n", builtin.name, builtin.signature, cell(builtin.doc))
}

fn errors() -> String {
    let mut page = format!(
        "# Diagnostics\n\n{GENERATED}\n\
         Every message of pk carries one of these codes. Codes with `E` are errors, codes with `W` are warnings.\n"
    );
    for (group, title) in GROUPS {
        page += &format!("\n## {title}\n\n| code | meaning |\n|---|---|\n");
        let codes = Code::ALL.iter().filter(|code| code.number() / 100 == group);
        page.extend(codes.map(|code| format!("| `{code}` | {} |\n", cell(code.summary()))));
    }
    page
}

/// The text without what would end a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_belongs_to_a_group() {
        let page = errors();
        for code in Code::ALL {
            assert_eq!(page.matches(&format!("| `{code}` |")).count(), 1, "{code}");
        }
    }

    #[test]
    fn bars_do_not_end_a_cell() {
        insta::assert_snapshot!(cell("`& | ^ ||`"), @r"`& \| ^ \|\|`");
    }
}
