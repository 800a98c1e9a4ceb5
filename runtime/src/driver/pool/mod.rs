//! The pool: threads that wait for work, and help whoever has some.
//!
//! The owner of a job does it itself while workers join in, each calling the same function. Who comes late finds no
//! seat, so the owner never waits for a thread that the system has yet to wake. There is one job at a time: a second
//! one, from another thread or from inside the first, is done by its owner alone, so that nothing waits for the pool.
//!
//! Workers look for work for some microseconds after a job, and then sleep until the next. They live as long as the
//! process. What a job does, how it is cut up and who gets which piece are none of this room's business.

mod job;

use crate::{driver::process, parallelism};
use job::Job;
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a thread looks for what it waits for before it sleeps: about what waking it costs.
const PATIENCE: Duration = Duration::from_micros(50);

/// The stack of a worker. Only the part that is used takes memory.
pub(super) const STACK_BYTES: usize = 2 << 20;

/// Threads that help with one job at a time.
pub(super) struct Pool {
    state: Mutex<State>,
    /// `state.seats` for those who only look; changed under the lock.
    seats: AtomicUsize,
    /// `state.inside` for those who only look; changed under the lock.
    inside: AtomicUsize,
    /// Whether there are more threads than processors for them.
    is_crowded: AtomicBool,
    /// Workers sleep here.
    opened: Condvar,
    /// The owner of a job sleeps here.
    left: Condvar,
    /// The process of the workers: they do not follow into one that is forked off.
    process: OnceLock<u32>,
    /// The stack of a worker.
    stack_bytes: usize,
}

struct State {
    /// Whether somebody owns the pool.
    is_owned: bool,
    /// Whether the owner sleeps until nobody is inside.
    owner_sleeps: bool,
    /// What to do, as long as somebody owns the pool.
    job: Option<Job>,
    /// How many workers may still join.
    seats: usize,
    /// How many workers are doing the job.
    inside: usize,
    /// How many workers there are, and how many of them sleep.
    workers: usize,
    sleeping: usize,
    /// What a worker panicked with.
    panic: Option<Box<dyn Any + Send>>,
}

impl Pool {
    /// The pool of this process.
    pub(super) fn of_process() -> &'static Pool {
        static POOL: Pool = Pool::new(STACK_BYTES);
        &POOL
    }

    const fn new(stack_bytes: usize) -> Pool {
        let state = State {
            is_owned: false,
            owner_sleeps: false,
            job: None,
            seats: 0,
            inside: 0,
            workers: 0,
            sleeping: 0,
            panic: None,
        };
        Pool {
            state: Mutex::new(state),
            seats: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            is_crowded: AtomicBool::new(false),
            opened: Condvar::new(),
            left: Condvar::new(),
            process: OnceLock::new(),
            stack_bytes,
        }
    }

    /// Calls `work` here and, at the same time, on at most `helpers` workers; returns once every call has.
    ///
    /// A worker that comes when the call here has returned does not begin. With no worker at hand there is just the call
    /// here. A panic in any call is a panic here, when the others have returned.
    pub(super) fn run(&'static self, helpers: usize, work: &(dyn Fn() + Sync)) {
        if helpers == 0 || !self.is_of_this_process() || !self.own() {
            return work();
        }
        let _owner = Owner(self);
        let seats = self.hire(helpers);
        self.open(seats, work);
        {
            let _leaving = Leaving(self);
            work();
        }
        let panic = self.lock().panic.take();
        if let Some(panic) = panic {
            panic::resume_unwind(panic);
        }
    }

    fn is_of_this_process(&self) -> bool {
        let this = process::id();
        *self.process.get_or_init(|| this) == this
    }

    /// Takes the pool; false if it has an owner.
    fn own(&self) -> bool {
        let mut state = self.lock();
        !std::mem::replace(&mut state.is_owned, true)
    }

    /// Sees to it that there are `wanted` workers; gives how many of them there are. A system that gives no threads
    /// now may do so for the next job.
    fn hire(&'static self, wanted: usize) -> usize {
        let known = self.lock().workers;
        for number in known..wanted {
            let worker = thread::Builder::new().name("pk-worker".to_string()).stack_size(self.stack_bytes);
            if worker.spawn(move || self.work()).is_err() {
                return number;
            }
            self.lock().workers += 1;
            self.is_crowded.store(number + 2 > parallelism::available(), Ordering::Relaxed);
        }
        wanted
    }

    /// Lets `seats` workers begin; it must be closed before `work` ends to live.
    fn open(&self, seats: usize, work: &(dyn Fn() + Sync)) {
        let mut state = self.lock();
        // SAFETY: a job is called by workers that are inside only, and the owner stays in `run`, which has borrowed
        // `work`, until `close` has found nobody inside and no seat left.
        state.job = Some(unsafe { Job::new(work) });
        state.seats = seats;
        self.seats.store(seats, Ordering::Relaxed);
        let awake = state.workers - state.sleeping;
        let wanted = seats.saturating_sub(awake).min(state.sleeping);
        drop(state);
        (0..wanted).for_each(|_| self.opened.notify_one());
    }

    /// Lets no more workers begin, and waits for those who have.
    fn close(&self) {
        let mut state = self.lock();
        state.seats = 0;
        self.seats.store(0, Ordering::Relaxed);
        if state.inside > 0 {
            drop(state);
            self.look_until(|| self.inside.load(Ordering::Relaxed) == 0);
            state = self.lock();
        }
        while state.inside > 0 {
            state.owner_sleeps = true;
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.owner_sleeps = false;
        state.job = None;
    }

    /// What a worker does all its life.
    fn work(&self) {
        loop {
            self.look_until(|| self.seats.load(Ordering::Relaxed) > 0);
            let job = self.join();
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| job.call()));
            self.leave(outcome.err());
        }
    }

    /// Sleeps until there is a seat, and takes it.
    fn join(&self) -> Job {
        let mut state = self.lock();
        loop {
            if let (1.., Some(job)) = (state.seats, state.job) {
                state.seats -= 1;
                state.inside += 1;
                self.seats.store(state.seats, Ordering::Relaxed);
                self.inside.store(state.inside, Ordering::Relaxed);
                return job;
            }
            state.sleeping += 1;
            state = self.opened.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
    }

    fn leave(&self, panic: Option<Box<dyn Any + Send>>) {
        let mut state = self.lock();
        state.inside -= 1;
        self.inside.store(state.inside, Ordering::Relaxed);
        state.panic = state.panic.take().or(panic);
        if state.inside == 0 && state.owner_sleeps {
            self.left.notify_one();
        }
    }

    /// Returns when `is_there` holds, or when it is better to sleep.
    fn look_until(&self, is_there: impl Fn() -> bool) {
        // Looking keeps a processor from threads that have something to do, if there are not enough for all.
        if self.is_crowded.load(Ordering::Relaxed) {
            return;
        }
        let start = Instant::now();
        while !is_there() && start.elapsed() < PATIENCE {
            (0..16).for_each(|_| std::hint::spin_loop());
        }
    }

    /// No code panics while it holds this lock, so that a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the pool back, also from a panic.
struct Owner(&'static Pool);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().is_owned = false;
    }
}

/// Closes the job, also from a panic.
struct Leaving(&'static Pool);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests;
