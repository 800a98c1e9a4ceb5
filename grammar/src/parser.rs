//! From tokens to a tree, one item at a time.
//!
//! The words that start an item are reserved, so a text can be cut at them before it is parsed. A mistake, even a
//! bracket that is never closed, thus spoils no item but its own.

use std::ops::Range;

use crate::ast::Ast;
use crate::builder::Builder;
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::feed::{Control, feed};
use crate::lexer::{Lexed, Lexeme, tokenize};
use crate::limits::Limits;
use crate::pk::ItemParser;
use crate::span::Span;

/// A text, parsed as far as it could be.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree. Where there are errors, parts of it are missing or are error nodes.
    pub ast: Ast,
    /// The mistakes, in the order of the text; at most [`crate::error::MAX_ERRORS`].
    pub errors: Vec<SyntaxError>,
}

/// Parses `source`. Total: every text gives a tree or at least one error, in time linear in its length and without
/// recursion.
pub fn parse(source: &str, limits: &Limits) -> Parsed {
    let Lexed { tokens, docs, mut errors, is_cut } = tokenize(source, limits);
    if tokens.is_empty() && errors.is_empty() {
        errors.push(SyntaxError::new(SyntaxErrorKind::Empty, Span::default()));
    }
    if is_cut {
        return Parsed { ast: Ast::default(), errors: errors.into_sorted() };
    }
    let control = Control::new(limits.nesting);
    let mut builder = Builder::new(source, &tokens, errors, &control, limits);
    let parser = ItemParser::new();
    let mut docs = docs.into_iter().peekable();
    let mut at = 0;
    while at < tokens.len() && !control.is_stopped() {
        let item = at..next_item(&tokens, at + 1);
        at = item.end;
        builder.doc = docs.next_if(|(index, _)| *index == item.start).map(|(_, doc)| doc).unwrap_or_default();
        parse_item(&parser, &mut builder, item);
    }
    let Builder { ast, errors, .. } = builder;
    Parsed { ast, errors: errors.into_sorted() }
}

/// The index of the first token at or behind `from` that starts an item.
fn next_item(tokens: &[Lexeme<'_>], from: usize) -> usize {
    let rest = tokens[from..].iter();
    from + rest.take_while(|lexeme| !lexeme.token.starts_item()).count()
}

/// Adds the item made of the tokens `item` to the tree.
fn parse_item<'s>(parser: &ItemParser, builder: &mut Builder<'s>, item: Range<usize>) {
    let (tokens, control) = (builder.tokens, builder.control);
    (builder.item, builder.muted) = (item.clone(), 0);
    if !tokens[item.start].token.starts_item() {
        builder.complain_item(item.start);
    } else if let Err(complaint) = parser.parse(builder, feed(&tokens[item], control)) {
        builder.complain(complaint);
    }
}
