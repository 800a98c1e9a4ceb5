//! The deadline of a compilation: a flag that whoever waits for it sets when they wait no longer.
//!
//! Every stage whose work grows with the program asks for it, from loop to loop, and returns at once when it has passed.
//! What a stage leaves behind then need not be valid, and the errors it gives are read by nobody.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A flag that ends a compilation. Clones are one flag; a new one never passes by itself.
#[derive(Clone, Debug, Default)]
pub struct Deadline(Arc<AtomicBool>);

impl Deadline {
    /// From now on the deadline has passed.
    pub fn pass(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has passed; costs no more than a read of memory.
    pub fn has_passed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// As [`Deadline::has_passed`], for `?`.
    ///
    /// # Errors
    ///
    /// [`Passed`] if it has.
    pub fn check(&self) -> Result<(), Passed> {
        if self.has_passed() { Err(Passed) } else { Ok(()) }
    }
}

/// Work was given up because its [`Deadline`] had passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
pub struct Passed;
