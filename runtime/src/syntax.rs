//! A text as the parser sees it, for people who look into the compiler. These forms exist for texts with mistakes too.

use pk_grammar::{dump, limits::Limits};

/// The tokens of `text`, one a line, each with its place in bytes.
///
/// ```
/// # use pk_runtime::{Limits, syntax};
/// assert_eq!(syntax::tokens("a + 1", &Limits::default()).lines().count(), 3);
/// ```
pub fn tokens(text: &str, limits: &Limits) -> String {
    dump::tokens(text, limits)
}

/// The syntax tree of `text`, as far as it could be read, one node a line.
pub fn tree(text: &str, limits: &Limits) -> String {
    dump::ast(&pk_grammar::parse(text, limits).ast)
}
