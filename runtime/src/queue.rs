//! Queues: launches in order, on a thread of their own.

use crate::context::ContextId;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

/// Something to be done in turn. It must not panic.
type Work = Box<dyn FnOnce() + Send>;

/// Runs launches one after another, while the caller goes on. Clones are handles to the same queue.
///
/// Dropping the last handle does not end the launches in it; they keep alive what they need. A launch that reads what
/// a launch on another queue writes waits for that one.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    context: ContextId,
    /// Where the worker takes its work from; it starts with the first launch, and ends once this is gone.
    worker: Mutex<Option<mpsc::Sender<Work>>>,
}

impl Queue {
    pub(crate) fn new(context: ContextId) -> Queue {
        Queue(Arc::new(Inner { context, worker: Mutex::new(None) }))
    }

    /// Waits until everything queued so far has ended, well or not; each launch's event tells how.
    pub fn finish(&self) {
        if self.lock().is_none() {
            return;
        }
        let (pending, ended) = mpsc::channel::<()>();
        self.submit(Box::new(move || drop(pending)));
        // Nothing is ever sent: the wait ends with the sender.
        let _ = ended.recv();
    }

    pub(crate) fn context(&self) -> ContextId {
        self.0.context
    }

    /// Does `work` after everything submitted before.
    pub(crate) fn submit(&self, work: Work) {
        let mut worker = self.lock();
        if worker.is_none() {
            *worker = start_worker();
        }
        let rejected = match &*worker {
            Some(sender) => sender.send(work).map_err(|mpsc::SendError(work)| work).err(),
            None => Some(work),
        };
        // Without a thread there is nothing before it, and the caller does it.
        drop(worker);
        if let Some(work) = rejected {
            work();
        }
    }

    /// No code panics while it holds this lock, so that a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, Option<mpsc::Sender<Work>>> {
        self.0.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that does what is sent to it; `None` if the system gives none.
fn start_worker() -> Option<mpsc::Sender<Work>> {
    let (sender, receiver) = mpsc::channel::<Work>();
    let run = move || receiver.into_iter().for_each(|work| work());
    thread::Builder::new().name("pk-queue".to_string()).spawn(run).ok().map(|_| sender)
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn work_is_done_in_order_and_finish_waits_for_it() {
        let queue = testing::context().queue();
        queue.finish();
        let done = Arc::new(Mutex::new(Vec::new()));
        for number in 0..100 {
            let done = done.clone();
            queue.submit(Box::new(move || done.lock().expect("no panic").push(number)));
        }
        queue.finish();
        assert_eq!(*done.lock().expect("no panic"), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_queue_ends_with_its_last_handle_and_not_before_its_work() {
        let queue = testing::context().queue();
        let (sender, receiver) = mpsc::channel();
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().expect("no panic");
        let wait = gate.clone();
        queue.submit(Box::new(move || drop(wait.lock())));
        queue.submit(Box::new(move || sender.send(7).expect("the test waits")));
        drop(queue);
        drop(closed);
        assert_eq!(receiver.recv(), Ok(7));
    }
}
