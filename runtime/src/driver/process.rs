//! Which process this is, without asking the system each time.
//!
//! Threads do not follow into a process that is forked off, so every launch checks that it runs where its context was
//! made.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// The number of this process, 0 if it must be asked for.
static KNOWN: AtomicU32 = AtomicU32::new(0);

/// The number of this process, as [`std::process::id`] gives it.
pub(crate) fn id() -> u32 {
    match KNOWN.load(Ordering::Relaxed) {
        0 => ask(),
        id => id,
    }
}

#[cold]
fn ask() -> u32 {
    let id = process::id();
    if is_forgotten_by_forks() {
        KNOWN.store(id, Ordering::Relaxed);
    }
    id
}

/// Sees to it that a process that is forked off asks again; false if the system does not promise it.
#[cfg(unix)]
fn is_forgotten_by_forks() -> bool {
    use std::{ffi::c_int, sync::OnceLock};

    type Handler = Option<extern "C" fn()>;

    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }

    extern "C" fn forget() {
        KNOWN.store(0, Ordering::Relaxed);
    }

    static IS_SET: OnceLock<bool> = OnceLock::new();
    // SAFETY: the declaration is that of POSIX, and the handler only stores to an atomic, which is allowed in a process
    // that was forked off.
    *IS_SET.get_or_init(|| unsafe { pthread_atfork(None, None, Some(forget)) } == 0)
}

#[cfg(not(unix))]
fn is_forgotten_by_forks() -> bool {
    // There are no forks.
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::ffi::c_int;

    unsafe extern "C" {
        fn fork() -> c_int;
        fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
        fn _exit(status: c_int) -> !;
    }

    #[test]
    fn a_forked_process_has_a_number_of_its_own() {
        assert_eq!([id(), id()], [process::id(); 2]);
        let parent = id();
        // SAFETY: the child calls only what is allowed there: it looks at numbers and ends.
        let child = unsafe { fork() };
        if child == 0 {
            let is_right = id() == process::id() && id() != parent;
            // SAFETY: the call does not return, and needs nothing of what the fork left behind.
            unsafe { _exit(if is_right { 7 } else { 1 }) }
        }
        let mut status = 0;
        // SAFETY: the address is that of an integer of the right type.
        let ended = unsafe { waitpid(child, &mut status, 0) };
        assert_eq!((ended, status), (child, 7 << 8));
        assert_eq!(id(), parent);
    }
}
