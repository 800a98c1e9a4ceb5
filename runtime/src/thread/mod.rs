//! Threads of pk's own: with a stack that deep programs cannot overflow, in the default floating-point environment, and
//! with panics that stay inside.
//!
//! A panic is a mistake of pk itself, and becomes an error of kind [`ErrorKind::Internal`]. The process's panic hook is
//! called before that and by default prints to the standard error stream: the hook belongs to the host, so pk neither
//! replaces nor silences it. A host that is built with `panic = "abort"` ends with a panic.

mod worker;

use crate::{
    driver::fenv::DefaultEnvironment,
    error::{Error, ErrorKind, Result},
};
use pk_compiler::deadline::Deadline;
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// The stages of the compiler and the interpreter recurse along the program, up to its limits. The system gives
/// memory to the part of the stack that is used.
pub(crate) const STACK_BYTES: usize = 64 << 20;

/// How long to look for a result before sleeping until it comes. A small kernel is ready before, and waking a thread on
/// an idle processor can take a tenth of the time that its compilation does.
const WATCH: Duration = Duration::from_millis(1);

/// The result of `work`, done on a thread with a big stack, whatever stack the caller has.
pub(crate) fn run_on_big_stack<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("pk".to_string()).stack_size(STACK_BYTES);
        let work = || in_default_environment(work);
        let worker = builder.spawn_scoped(scope, work).map_err(no_thread)?;
        worker.join().map_err(|panic| panicked(&*panic))
    })
}

/// As [`run_on_big_stack`], but gives up after `limit`: from then on the deadline that `work` gets has passed, and the
/// work ends by itself, with what it owns, as soon as it has seen that.
pub(crate) fn run_within<R: Send + 'static>(
    limit: Duration,
    work: impl FnOnce(&Deadline) -> R + Send + 'static,
) -> Result<R> {
    let deadline = Deadline::default();
    let own = deadline.clone();
    let (sender, receiver) = mpsc::channel();
    let task = move || {
        let result = contain_panics(|| in_default_environment(|| work(&own)));
        // Nobody waits any more if that took too long.
        let _ = sender.send(result);
    };
    worker::start(Box::new(task)).map_err(no_thread)?;
    match worker::receive(&receiver, WATCH, limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            deadline.pass();
            Err(late(limit))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::internal("a thread ended without a result")),
    }
}

/// The error of a compilation that took longer than `limit`.
pub(crate) fn late(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("the compilation took longer than {limit:?}"))
}

/// A new thread has the environment of the one that started it.
fn in_default_environment<R>(work: impl FnOnce() -> R) -> R {
    let _environment = DefaultEnvironment::enter();
    work()
}

/// The result of `work`; a panic in it is an error.
pub(crate) fn contain_panics<R>(work: impl FnOnce() -> R) -> Result<R> {
    // What a panic left half done is dropped with the launch, and locks are taken over from it.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic))
}

/// Sets a flag unless it is dropped in time.
pub(crate) struct Timer {
    /// The thread waits for this to go.
    _armed: mpsc::Sender<()>,
    fired: Arc<AtomicBool>,
}

impl Timer {
    /// Sets `flag` after `limit`.
    pub(crate) fn start(limit: Duration, flag: Arc<AtomicBool>) -> Result<Timer> {
        let (armed, disarmed) = mpsc::channel();
        let fired = Arc::new(AtomicBool::new(false));
        let has_fired = fired.clone();
        let wait = move || {
            if let Err(mpsc::RecvTimeoutError::Timeout) = disarmed.recv_timeout(limit) {
                has_fired.store(true, Ordering::Release);
                flag.store(true, Ordering::Release);
            }
        };
        thread::Builder::new().name("pk-timer".to_string()).spawn(wait).map_err(no_thread)?;
        Ok(Timer { _armed: armed, fired })
    }

    /// Whether it has set its flag.
    pub(crate) fn has_fired(&self) -> bool {
        self.fired.load(Ordering::Acquire)
    }
}

fn no_thread(cause: std::io::Error) -> Error {
    Error::caused(ErrorKind::OutOfMemory, format!("the system gives no thread: {cause}"), cause)
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    Error::internal(message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = run_on_big_stack(|| panic!("boom {}", 1)).map(|(): ()| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().ends_with("report it with the program: boom 1"), "{error}");
        assert!(
            contain_panics(|| panic!("boom")).map(|(): ()| ()).unwrap_err().to_string().ends_with("boom")
        );
    }

    #[test]
    fn long_work_is_given_up() {
        let limit = Duration::from_secs(60);
        assert_eq!(run_within(limit, |_| 7).ok(), Some(7));
        let error = run_within(limit, |_| panic!("boom")).map(|(): ()| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        let (open, closed) = mpsc::channel::<()>();
        let work = move |deadline: &Deadline| {
            while !deadline.has_passed() {
                thread::yield_now();
            }
            drop(open);
        };
        let error = run_within(Duration::from_millis(5), work).unwrap_err();
        assert_eq!(error.to_string(), "the compilation took longer than 5ms");
        // The other end is closed once the work has seen that it is over.
        assert!(closed.recv().is_err());
    }

    #[test]
    fn deep_recursion_fits() {
        fn depth(n: u32) -> u64 {
            let frame = std::hint::black_box([u64::from(n); 32]);
            if n == 0 { frame[0] } else { depth(n - 1) + frame[31] }
        }
        let small = thread::Builder::new().stack_size(64 << 10);
        let sum = small.spawn(|| run_on_big_stack(|| depth(50_000))).expect("a thread").join();
        assert_eq!(sum.expect("no overflow").expect("no panic"), 50_000 * 50_001 / 2);
    }

    #[test]
    fn a_timer_fires_only_if_it_lives() {
        let flag = Arc::new(AtomicBool::new(false));
        drop(Timer::start(Duration::from_secs(3600), flag.clone()).expect("a thread"));
        // The thread ends and lets go of the flag long before the hour is over.
        while Arc::strong_count(&flag) > 1 {
            thread::yield_now();
        }
        assert!(!flag.load(Ordering::Acquire));
        let timer = Timer::start(Duration::from_millis(1), flag.clone()).expect("a thread");
        while !flag.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert!(timer.has_fired());
    }
}
