//! The syntax of pk: text → tokens → tree.
//!
//! [`parse()`] is the way in. It is total: every text, hostile ones too, gives a tree or errors, in linear time and
//! within [`Limits`]. This crate knows no types, no meaning of names, no devices, and it does no I/O.
//!
//! ```
//! let parsed = pk_grammar::parse("kernel twice(x: f32) -> f32 = 2.0 * x;", &pk_grammar::Limits::default());
//! assert!(parsed.errors.is_empty());
//! assert_eq!(parsed.ast.items.len(), 1);
//! ```
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod ast;
mod builder;
mod diagnose;
pub mod dump;
pub mod error;
mod feed;
mod hints;
pub mod lexer;
pub mod limits;
pub mod literal;
mod nesting;
pub mod operator;
mod parser;
pub mod pretty;
pub mod span;
#[cfg(test)]
mod tests;
pub mod token;
pub mod walk;

lalrpop_util::lalrpop_mod!(
    #[allow(
        clippy::all,
        clippy::allow_attributes_without_reason,
        unused,
        missing_docs,
        unreachable_pub,
        reason = "generated from pk.lalrpop"
    )]
    pk
);

pub use error::{SyntaxError, SyntaxErrorKind};
pub use limits::Limits;
pub use parser::{Parsed, parse};
