//! Each test has a pool of its own, so that no other test owns it.

use super::*;
use crate::{error::ErrorKind, thread::contain_panics};
use std::sync::{
    Barrier,
    atomic::{AtomicU64, AtomicUsize},
};

fn wait(barrier: &Barrier) {
    barrier.wait();
}

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new(STACK_BYTES)))
}

#[test]
fn all_work_at_the_same_time() {
    let pool = pool();
    for helpers in [1, 2, 6, 3] {
        let barrier = Barrier::new(helpers + 1);
        // Nobody passes before all have come.
        pool.run(helpers, &|| wait(&barrier));
    }
    assert_eq!(pool.lock().workers, 6);
}

#[test]
fn idle_workers_sleep() {
    let pool = pool();
    let barrier = Barrier::new(4);
    pool.run(3, &|| wait(&barrier));
    while pool.lock().sleeping < 3 {
        thread::yield_now();
    }
    pool.run(3, &|| wait(&barrier));
}

#[test]
fn nobody_waits_for_workers_that_come_late() {
    let pool = pool();
    let calls = AtomicUsize::new(0);
    // Some of these are over before a worker is awake.
    for _ in 0..1000 {
        pool.run(3, &|| {
            calls.fetch_add(1, Ordering::Relaxed);
        });
    }
    let after = calls.load(Ordering::Relaxed);
    assert!((1000..=4000).contains(&after), "{after}");
    thread::sleep(Duration::from_millis(5));
    assert_eq!(calls.load(Ordering::Relaxed), after);
}

#[test]
fn without_helpers_the_caller_does_it() {
    let pool = pool();
    let caller = thread::current().id();
    pool.run(0, &|| assert_eq!(thread::current().id(), caller));
    assert_eq!(pool.lock().workers, 0);
}

#[test]
fn a_panic_of_any_thread_comes_to_the_owner_once_all_have_left() {
    let pool = pool();
    let caller = thread::current().id();
    for caller_panics in [false, true] {
        let (barrier, inside) = (Barrier::new(4), AtomicUsize::new(0));
        let work = || {
            inside.fetch_add(1, Ordering::Relaxed);
            barrier.wait();
            if (thread::current().id() == caller) == caller_panics {
                panic!("boom");
            }
            thread::sleep(Duration::from_millis(5));
            inside.fetch_sub(1, Ordering::Relaxed);
        };
        let error = contain_panics(|| pool.run(3, &work)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().ends_with("boom"), "{error}");
        assert_eq!(inside.into_inner(), if caller_panics { 1 } else { 3 });
    }
    let barrier = Barrier::new(4);
    pool.run(3, &|| wait(&barrier));
}

#[test]
fn a_job_inside_a_job_is_done_by_its_owner() {
    let pool = pool();
    let (barrier, inner) = (Barrier::new(3), AtomicUsize::new(0));
    pool.run(2, &|| {
        barrier.wait();
        let owner = thread::current().id();
        pool.run(2, &|| {
            assert_eq!(thread::current().id(), owner);
            inner.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(inner.into_inner(), 3);
}

#[test]
fn many_owners_at_once_all_get_their_work_done() {
    let pool = pool();
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| (0..50).for_each(|round| assert_eq!(sum_of_pieces(pool, 2, round), round * 10)));
        }
    });
}

#[test]
fn a_hundred_thousand_jobs() {
    let pool = pool();
    for round in 0..100_000u64 {
        // Now and then the workers get time to fall asleep.
        if round % 1000 == 0 {
            thread::sleep(Duration::from_micros(200));
        }
        assert_eq!(sum_of_pieces(pool, 1 + (round % 3) as usize, round), round * 10);
    }
}

/// `number * (0 + 1 + 2 + 3 + 4)`, a term for each piece.
fn sum_of_pieces(pool: &'static Pool, helpers: usize, number: u64) -> u64 {
    let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
    pool.run(helpers, &|| {
        while let piece @ 0..5 = next.fetch_add(1, Ordering::Relaxed) {
            sum.fetch_add(piece * number, Ordering::Relaxed);
        }
    });
    sum.into_inner()
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_system_without_threads_leaves_the_caller() {
    // No address space has room for such a stack.
    let pool: &'static Pool = Box::leak(Box::new(Pool::new(1 << 47)));
    let caller = thread::current().id();
    for _ in 0..3 {
        pool.run(3, &|| assert_eq!(thread::current().id(), caller));
    }
    assert_eq!(pool.lock().workers, 0);
}

#[test]
fn another_process_has_no_workers() {
    let pool = pool();
    pool.process.set(process::id() + 1).expect("a new pool");
    let caller = thread::current().id();
    pool.run(3, &|| assert_eq!(thread::current().id(), caller));
    assert_eq!(pool.lock().workers, 0);
}
