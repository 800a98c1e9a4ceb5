//! Queues: launches in order, on a thread of their own.

use crate::{context::ContextId, error::Result, event::Event, event::EventState, thread::STACK_BYTES};
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
    ///
    /// # Errors
    /// None today.
    pub fn finish(&self) -> Result<()> {
        if self.lock().is_none() {
            return Ok(());
        }
        let state = Arc::new(EventState::new(Arc::default()));
        let event = Event::new(state.clone());
        self.submit(Box::new(move || state.end(Ok(()))));
        event.wait()
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
    let builder = thread::Builder::new().name("pk-queue".to_string()).stack_size(STACK_BYTES);
    builder.spawn(run).ok().map(|_| sender)
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}
