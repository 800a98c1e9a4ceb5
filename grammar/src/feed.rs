//! Feeds tokens to the generated parser and keeps its error recovery on a leash.
//!
//! lalrpop's recovery looks through the whole parser stack for each token it drops, which on hostile text is
//! quadratic. In a sound text only a short run of tokens can pass without some node being made (openers and prefix
//! operators, bounded by `Limits::nesting`). A longer run means recovery; the feed then ends the item, as it does after
//! too many mistakes.

use std::cell::Cell;

use crate::error::MAX_ERRORS;
use crate::lexer::Lexeme;
use crate::token::Token;

/// Tokens that may pass without a node being made, beyond what the nesting allows.
const PATIENCE: usize = 512;

/// Mistakes after which an item is given up.
const MOST_RECOVERIES: usize = 2 * MAX_ERRORS;

/// What the feed and the builder, which the parser keeps apart, have to tell each other.
#[derive(Debug)]
pub(crate) struct Control {
    /// Tokens since the last node.
    idle: Cell<usize>,
    patience: usize,
    recoveries: Cell<usize>,
    is_stopped: Cell<bool>,
}

impl Control {
    /// For texts that nest at most `nesting` deep.
    pub(crate) fn new(nesting: usize) -> Control {
        let patience = nesting.saturating_mul(2).saturating_add(PATIENCE);
        Control { idle: Cell::new(0), patience, recoveries: Cell::new(0), is_stopped: Cell::new(false) }
    }

    /// A node was made.
    pub(crate) fn progress(&self) {
        self.idle.set(0);
    }

    /// The parser has recovered from a mistake; whether it may go on with this item.
    pub(crate) fn recover(&self) -> bool {
        self.recoveries.set(self.recoveries.get() + 1);
        self.recoveries.get() < MOST_RECOVERIES
    }

    /// No further token is wanted, of no item.
    pub(crate) fn stop(&self) {
        self.is_stopped.set(true);
    }

    /// Whether no further token is wanted.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }

    /// Begins an item.
    fn reset(&self) {
        self.idle.set(0);
        self.recoveries.set(0);
    }

    /// Counts one token; whether it may pass.
    fn admit(&self) -> bool {
        self.idle.set(self.idle.get() + 1);
        let is_patient = self.idle.get() <= self.patience && self.recoveries.get() < MOST_RECOVERIES;
        is_patient && !self.is_stopped.get()
    }
}

/// What lalrpop takes for a token.
pub(crate) type Word<'s> = (u32, Token<'s>, u32);

/// `tokens` as lalrpop wants them.
pub(crate) fn feed<'s>(tokens: &'s [Lexeme<'s>], control: &'s Control) -> impl Iterator<Item = Word<'s>> {
    control.reset();
    let admitted = tokens.iter().take_while(|_| control.admit());
    admitted.map(|lexeme| (lexeme.span.start, lexeme.token, lexeme.span.end))
}
