//! Tests of the crate as a whole, and what the tests at the foot of each file share.

mod hostile;
mod messages;
mod programs;

use crate::ast::{Ast, ItemKind};
use crate::{Limits, Parsed, parse, pretty};

/// The tree of a text that must be sound.
#[track_caller]
pub(crate) fn parse_ok(text: &str) -> Ast {
    let Parsed { ast, errors } = parse(text, &Limits::default());
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
    ast
}

/// A sound expression, printed.
#[track_caller]
pub(crate) fn parse_expr(text: &str) -> String {
    let ast = parse_ok(&format!("fn f() -> T = {text};"));
    match &ast.items[..] {
        [item] => match &item.kind {
            ItemKind::Fn(function) => pretty::print_expr(&ast, function.body),
            other => panic!("{other:?}"),
        },
        items => panic!("{} items", items.len()),
    }
}

/// The errors of a text, a line each: place, text there, message; and the help below.
pub(crate) fn errors_of(text: &str) -> String {
    let mut lines = Vec::new();
    for error in parse(text, &Limits::default()).errors {
        let place = error.span.range();
        lines.push(format!("{place:?} {:?}: {error}", &text[place.clone()]));
        lines.extend(error.help.map(|help| format!("  help: {help}")));
    }
    lines.join("\n")
}
