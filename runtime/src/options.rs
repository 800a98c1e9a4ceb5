//! What a caller can choose about compilations and launches.

use crate::parallelism;
use pk_grammar::limits::Limits;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How to compile a text.
///
/// ```
/// # use pk_runtime::{Limits, Options};
/// let options = Options::new().name("formula 7").limits(Limits { tokens: 500, ..Limits::default() });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(crate) name: Option<String>,
    pub(crate) limits: Limits,
}

impl Options {
    /// The defaults: safe limits, a text without a name.
    pub fn new() -> Options {
        Options::default()
    }

    /// What messages call the text, as a path or a title.
    pub fn name(mut self, name: impl Into<String>) -> Options {
        self.name = Some(name.into());
        self
    }

    /// How much the text may ask for. The defaults suit texts of strangers.
    pub fn limits(mut self, limits: Limits) -> Options {
        self.limits = limits;
        self
    }
}

/// How to run a kernel.
#[derive(Clone, Debug, Default)]
pub struct LaunchOptions {
    pub(crate) time_limit: Option<Duration>,
    pub(crate) ignore_faults: bool,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) threads: Option<usize>,
    pub(crate) piece: Option<u64>,
}

impl LaunchOptions {
    /// The defaults: no time limit, faults are errors.
    pub fn new() -> LaunchOptions {
        LaunchOptions::default()
    }

    /// Ends the launch with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) once it has run for so long.
    pub fn time_limit(mut self, limit: Duration) -> LaunchOptions {
        self.time_limit = Some(limit);
        self
    }

    /// Hands out results although a fault arose: an access outside an array gives zero, a division by zero divides
    /// by one. The checks themselves are never skipped.
    pub fn ignore_faults(mut self, ignore: bool) -> LaunchOptions {
        self.ignore_faults = ignore;
        self
    }

    /// Uses at most `threads` threads, the calling one among them, instead of as many as the context says. 0 is taken as
    /// 1, and more than 1024 as 1024. Results do not depend on it.
    pub fn threads(mut self, threads: usize) -> LaunchOptions {
        self.threads = Some(parallelism::clamp(threads));
        self
    }

    /// For tests of pk: hands out pieces of so many elements to threads, even if the work is too small to be shared.
    #[doc(hidden)]
    pub fn share_pieces_of(mut self, elements: u64) -> LaunchOptions {
        self.piece = Some(elements);
        self
    }

    /// Lets `token` end the launch.
    pub fn cancel_token(mut self, token: &CancelToken) -> LaunchOptions {
        self.cancel = Some(token.clone());
        self
    }
}

/// A handle that ends launches from another thread. Clones end the same launches.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Mutex<Attached>>);

#[derive(Debug, Default)]
struct Attached {
    is_cancelled: bool,
    /// One flag for each launch, because a time limit ends its own launch only.
    launches: Vec<Weak<AtomicBool>>,
}

impl CancelToken {
    /// A token that nothing has cancelled yet.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Ends every launch that has this token, now and later, with
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn cancel(&self) {
        let mut attached = self.lock();
        attached.is_cancelled = true;
        for flag in attached.launches.drain(..).filter_map(|flag| flag.upgrade()) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Whether [`CancelToken::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.lock().is_cancelled
    }

    /// Lets the token set `flag`.
    pub(crate) fn attach(&self, flag: &Arc<AtomicBool>) {
        let mut attached = self.lock();
        if attached.is_cancelled {
            flag.store(true, Ordering::Relaxed);
        }
        attached.launches.retain(|launch| launch.strong_count() > 0);
        attached.launches.push(Arc::downgrade(flag));
    }

    /// No code panics while it holds this lock, so that a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, Attached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_launches_before_and_after() {
        let token = CancelToken::new();
        let flags = [Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false))];
        token.attach(&flags[0]);
        assert!(!token.is_cancelled() && !flags[0].load(Ordering::Relaxed));
        token.clone().cancel();
        token.attach(&flags[1]);
        assert!(token.is_cancelled() && flags.iter().all(|flag| flag.load(Ordering::Relaxed)));
    }

    #[test]
    fn ended_launches_are_forgotten() {
        let token = CancelToken::new();
        (0..100).for_each(|_| token.attach(&Arc::new(AtomicBool::new(false))));
        assert_eq!(token.lock().launches.len(), 1);
    }
}
