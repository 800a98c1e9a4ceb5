//! A sign of life while something takes long.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does `work`; once it takes long, and somebody looks on, the terminal shows what and for how long.
pub(crate) fn during<R>(what: &str, work: impl FnOnce() -> R) -> R {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (working, ended) = mpsc::channel::<()>();
        // Without a thread the work is done all the same.
        let watcher = thread::Builder::new().spawn_scoped(scope, move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                show_until(what, &ended);
            }
        });
        let result = work();
        drop(working);
        drop(watcher);
        result
    })
}

fn show_until(what: &str, ended: &mpsc::Receiver<()>) {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").ok();
    let bar = ProgressBar::new_spinner().with_message(what.to_string()).with_elapsed(PATIENCE);
    if let Some(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    // The only thing that comes is the end.
    let _ = ended.recv();
    bar.finish_and_clear();
}
