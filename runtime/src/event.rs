//! The end of a launch, to be waited for.

use crate::error::Result;
use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A launch on a queue. Clones are handles to the same launch; dropping them all does not end it.
#[derive(Clone)]
pub struct Event(Arc<EventState>);

/// What a launch and those who wait for it share.
pub(crate) struct EventState {
    progress: Mutex<Progress>,
    ended: Condvar,
    cancel: Arc<AtomicBool>,
}

enum Progress {
    Queued,
    Running(Instant),
    Ended { result: Result<()>, elapsed: Duration },
}

impl Event {
    pub(crate) fn new(state: Arc<EventState>) -> Event {
        Event(state)
    }

    /// Waits for the end of the launch. More waits, also from several threads, give the same answer.
    ///
    /// # Errors
    /// The error of the launch, if it failed.
    pub fn wait(&self) -> Result<()> {
        self.0.wait()
    }

    /// Waits for the end of the launch for at most `timeout`; gives whether it has ended.
    ///
    /// # Errors
    /// The error of the launch, if it failed.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        let progress = self.0.lock();
        let is_running = |progress: &mut Progress| !matches!(progress, Progress::Ended { .. });
        let waited = self.0.ended.wait_timeout_while(progress, timeout, is_running);
        let (progress, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*progress {
            Progress::Ended { result, .. } => result.clone().map(|()| true),
            _ => Ok(false),
        }
    }

    /// Whether the launch has ended, well or not.
    pub fn is_complete(&self) -> bool {
        matches!(*self.0.lock(), Progress::Ended { .. })
    }

    /// How long the kernel ran, without the time in the queue; `None` before the end of the launch.
    pub fn elapsed(&self) -> Option<Duration> {
        match *self.0.lock() {
            Progress::Ended { elapsed, .. } => Some(elapsed),
            _ => None,
        }
    }

    /// Ends the launch soon with [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), unless it has ended before.
    pub fn cancel(&self) {
        self.0.cancel.store(true, Ordering::Relaxed);
    }
}

impl EventState {
    pub(crate) fn new(cancel: Arc<AtomicBool>) -> EventState {
        EventState { progress: Mutex::new(Progress::Queued), ended: Condvar::new(), cancel }
    }

    /// Notes that the launch begins.
    pub(crate) fn start(&self) {
        *self.lock() = Progress::Running(Instant::now());
    }

    /// Notes that the launch has ended, and wakes those who wait.
    pub(crate) fn end(&self, result: Result<()>) {
        let mut progress = self.lock();
        let elapsed = match *progress {
            Progress::Running(start) => start.elapsed(),
            _ => Duration::ZERO,
        };
        *progress = Progress::Ended { result, elapsed };
        drop(progress);
        self.ended.notify_all();
    }

    pub(crate) fn wait(&self) -> Result<()> {
        let mut progress = self.lock();
        loop {
            if let Progress::Ended { result, .. } = &*progress {
                return result.clone();
            }
            progress = self.ended.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No code panics while it holds this lock, so that a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = match &*self.0.lock() {
            Progress::Queued => "queued",
            Progress::Running(_) => "running",
            Progress::Ended { result: Ok(()), .. } => "complete",
            Progress::Ended { result: Err(_), .. } => "failed",
        };
        f.debug_tuple("Event").field(&progress).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn all_waiters_get_the_same_answer() {
        let state = Arc::new(EventState::new(Arc::default()));
        let event = Event::new(state.clone());
        assert_eq!(event.wait_timeout(Duration::from_millis(1)).ok(), Some(false));
        assert_eq!(event.elapsed(), None);
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let event = event.clone();
                std::thread::spawn(move || event.wait().map_err(|error| error.kind()))
            })
            .collect();
        state.start();
        state.end(Err(Error::new(ErrorKind::Cancelled, "stop")));
        for waiter in waiters {
            assert_eq!(waiter.join().expect("no panic"), Err(ErrorKind::Cancelled));
        }
        assert!(event.is_complete() && event.elapsed().is_some());
        assert!(event.wait_timeout(Duration::ZERO).is_err() && event.wait().is_err());
    }
}
