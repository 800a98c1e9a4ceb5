//! Threads with a big stack that wait for the next task, so that a program which compiles kernel after kernel does not
//! wait for the system to make a thread, and to give it memory, each time.
//!
//! There is no queue: a task that finds no thread waiting gets a new one. What a task does, and what becomes of its
//! result, are none of this room's business.

use super::STACK_BYTES;
use crate::driver::process;
use std::{
    io,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

/// What a thread does; it must contain its panics, else the thread ends.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// How long a thread waits for a task before it ends, and gives back the stack that a deep program has used.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a thread looks for the next task before it sleeps until there is one. A program that has been checked is
/// often loaded at once, and the next one checked: on a virtual machine, where waking a thread takes long, small kernels
/// are ready a tenth earlier than with 50 µs.
const WATCH: Duration = Duration::from_micros(300);

/// How many threads wait at most.
const MOST_WAITING: usize = 2;

/// The threads that wait.
static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());

struct Waiting {
    thread: ThreadId,
    tasks: Sender<Task>,
}

/// Does `task` on a thread of its own; the system may refuse to make one.
pub(super) fn start(task: Task) -> io::Result<()> {
    let Some(task) = hand_over(task) else { return Ok(()) };
    thread::Builder::new().name("pk".to_string()).stack_size(STACK_BYTES).spawn(move || serve(task))?;
    Ok(())
}

/// Gives `task` to a thread that waits; gives it back if there is none.
fn hand_over(mut task: Task) -> Option<Task> {
    if !is_of_this_process() {
        return Some(task);
    }
    loop {
        let Some(waiting) = lock().pop() else { return Some(task) };
        match waiting.tasks.send(task) {
            Ok(()) => return None,
            Err(mpsc::SendError(refused)) => task = refused,
        }
    }
}

/// Does `task`, and then what it is given.
fn serve(task: Task) {
    task();
    let (sender, tasks) = mpsc::channel();
    while let Some(task) = wait(&sender, &tasks) {
        task();
    }
}

/// The next task of this thread; none if nobody needs it any more.
fn wait(sender: &Sender<Task>, tasks: &Receiver<Task>) -> Option<Task> {
    if !is_of_this_process() {
        return None;
    }
    let this = thread::current().id();
    {
        let mut waiting = lock();
        if waiting.len() >= MOST_WAITING {
            return None;
        }
        waiting.push(Waiting { thread: this, tasks: sender.clone() });
    }
    if let Ok(task) = receive(tasks, WATCH, PATIENCE) {
        return Some(task);
    }
    let mut waiting = lock();
    match waiting.iter().position(|waiting| waiting.thread == this) {
        Some(at) => {
            waiting.swap_remove(at);
            None
        }
        None => {
            // Somebody has taken it off in the last moment, and is about to send its task.
            drop(waiting);
            tasks.recv().ok()
        }
    }
}

/// What comes within `limit`; looks for it during the time `watch`, and then sleeps.
pub(super) fn receive<T>(
    receiver: &Receiver<T>,
    watch: Duration,
    limit: Duration,
) -> Result<T, RecvTimeoutError> {
    let start = Instant::now();
    while start.elapsed() < watch.min(limit) {
        if let Ok(received) = receiver.try_recv() {
            return Ok(received);
        }
        thread::yield_now();
    }
    receiver.recv_timeout(limit)
}

fn lock() -> MutexGuard<'static, Vec<Waiting>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads do not follow into a process that is forked off; there each task gets a thread that ends with it.
fn is_of_this_process() -> bool {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    let this = process::id();
    *PROCESS.get_or_init(|| this) == this
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread_of_a_task() -> ThreadId {
        let (sender, receiver) = mpsc::channel();
        let task = move || sender.send(thread::current().id()).expect("somebody waits");
        start(Box::new(task)).expect("a thread");
        receiver.recv().expect("the task is done")
    }

    #[test]
    fn threads_are_used_again_and_there_are_few() {
        let threads: std::collections::HashSet<ThreadId> = (0..1000).map(|_| thread_of_a_task()).collect();
        // A task may come before the thread of the last one waits.
        assert!(threads.len() < 500, "{}", threads.len());
        assert!(lock().len() <= MOST_WAITING);
    }

    #[test]
    fn a_task_never_waits_for_another() {
        let (open, closed) = mpsc::channel::<()>();
        let closed = std::sync::Arc::new(Mutex::new(closed));
        for _ in 0..8 {
            let closed = closed.clone();
            start(Box::new(move || assert!(closed.lock().expect("no panic").recv().is_err())))
                .expect("a thread");
        }
        thread_of_a_task();
        drop(open);
    }
}
