//! Launches as a host sees them: order, ownership, errors.

use super::*;
use crate::{
    Context,
    driver::{Driver, Executable, LoadError, RunError},
    testing,
};
use insta::assert_snapshot;
use pk_compiler::{deadline::Deadline, ir};
use std::{sync::mpsc, time::Duration};

#[test]
fn results_go_into_buffers() -> Result<()> {
    for context in testing::contexts() {
        let queue = context.default_queue();
        let (x, mut y) = (context.buffer_from(&[1.0f32, 2.0])?, context.zeros::<f32>(&[2])?);
        let double = testing::load(&context, testing::double());
        let event = double.launch(&queue).arg(&x).into(&mut y).run()?;
        assert_eq!(y.to_vec()?, [2.0, 4.0]);
        assert!(event.is_complete() && event.elapsed().is_some());
        let dot = testing::load(&context, testing::dot());
        let (sum, event) = dot.launch(&queue).args((&x, &y)).run_with_results::<Buffer<f32>>()?;
        event.wait()?;
        assert_eq!(sum.value()?, 10.0);
    }
    Ok(())
}

#[test]
fn a_buffer_may_be_argument_and_result() -> Result<()> {
    for context in testing::contexts() {
        let queues = [context.queue(), context.queue()];
        let double = testing::load(&context, testing::double());
        let mut x = context.buffer_from(&[1.0f32, 2.0])?;
        let before = x.view()?;
        // Each launch needs the one before, though they take turns on two queues.
        for step in 0..20 {
            let old = x.clone();
            let launch = double.launch(&queues[step % 2]).arg(&old);
            drop(old);
            launch.into(&mut x).run()?;
        }
        assert_eq!(x.to_vec()?, [1048576.0, 2097152.0]);
        assert_eq!(before.to_vec()?, [1.0, 2.0]);
    }
    Ok(())
}

#[test]
fn memory_of_contents_that_nobody_sees_is_used_again() -> Result<()> {
    let context = testing::context();
    let queue = context.queue();
    let double = testing::load(&context, testing::double());
    let (x, mut y) = (context.buffer_from(&[1.0f32; 100])?, context.zeros::<f32>(&[100])?);
    let address =
        |buffer: &Buffer<f32>| buffer.raw.contents.wait().map(|array| array.bytes.as_ptr() as usize);
    let first = address(&y)?;
    double.launch(&queue).arg(&x).into(&mut y).run()?.wait()?;
    assert_eq!(address(&y)?, first);
    let kept = y.clone();
    double.launch(&queue).arg(&x).into(&mut y).run()?.wait()?;
    assert_ne!(address(&y)?, address(&kept)?);
    Ok(())
}

#[test]
fn a_launch_returns_before_it_is_done_and_faults_come_with_the_wait() -> Result<()> {
    let context = testing::context();
    let queue = context.queue();
    let many = context.buffer_from(&vec![1.0f32; 100_000])?;
    let spin = testing::load(&context, testing::spin());
    let slow = spin.launch(&queue).arg(&many).run()?;
    let x = context.buffer_from(&[1.0f32])?;
    let mut y = context.zeros::<f32>(&[1])?;
    let next = testing::load(&context, testing::next());
    let faulty = next.launch(&queue).arg(&x).into(&mut y).run()?;
    let double = testing::load(&context, testing::double());
    let dependent = double.launch(&context.queue()).arg(&y).run()?;
    assert!(!slow.wait_timeout(Duration::from_millis(5))? && !faulty.is_complete());
    slow.cancel();
    assert_eq!(slow.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    for error in [faulty.wait().unwrap_err(), y.to_vec().unwrap_err(), dependent.wait().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::OutOfBounds);
    }
    queue.finish();
    Ok(())
}

#[test]
fn handles_may_be_dropped_in_any_order() -> Result<()> {
    for context in testing::contexts() {
        let double = testing::load(&context, testing::double());
        let queue = context.queue();
        let x = context.buffer_from(&[4.0f32])?;
        let (y, event) = double.launch(&queue).arg(&x).run_with_results::<Buffer<f32>>()?;
        drop((context, queue, double, x));
        event.wait()?;
        drop(event);
        assert_eq!(y.to_vec()?, [8.0]);
    }
    Ok(())
}

/// Keeps `queue` busy until what is returned is dropped.
fn hold(queue: &Queue) -> mpsc::Sender<()> {
    let (held, wait) = mpsc::channel();
    queue.submit(Box::new(move || {
        let _ = wait.recv();
    }));
    held
}

#[test]
fn a_launch_that_waits_its_turn_owns_all_it_needs() -> Result<()> {
    for context in testing::contexts() {
        let double = testing::load(&context, testing::double());
        let queue = context.queue();
        let held = hold(&queue);
        let x = context.buffer_from(&[4.0f32])?;
        let (y, event) = double.launch(&queue).arg(&x).run_with_results::<Buffer<f32>>()?;
        let (unwanted, _) = double.launch(&queue).arg(&y).run_with_results::<Buffer<f32>>()?;
        drop((context, queue, double, x, unwanted));
        assert!(!event.is_complete());
        drop(held);
        assert_eq!(y.to_vec()?, [8.0]);
    }
    Ok(())
}

#[test]
fn queues_that_wait_for_each_other_go_on() -> Result<()> {
    for context in testing::contexts() {
        let double = testing::load(&context, testing::double());
        let queues = [context.queue(), context.queue()];
        let held = [hold(&queues[0]), hold(&queues[1])];
        let mut last = context.buffer_from(&[1.0f32])?;
        for step in 0..10 {
            last = double.launch(&queues[step % 2]).arg(&last).run_with_results::<Buffer<f32>>()?.0;
        }
        drop(held);
        std::thread::scope(|scope| {
            queues.iter().chain(&queues).for_each(|queue| drop(scope.spawn(|| queue.finish())));
        });
        assert_eq!(last.to_vec()?, [1024.0]);
    }
    Ok(())
}

/// A back end with a bug.
struct Panicking;

impl Driver for Panicking {
    fn load(&self, _: Arc<ir::Kernel>, _: usize, _: &Deadline) -> Result<Arc<dyn Executable>, LoadError> {
        Ok(Arc::new(Panicking))
    }
}

impl Executable for Panicking {
    fn execute(&self, _: &mut driver::Job<'_, '_>) -> Result<(), RunError> {
        panic!("while it runs");
    }

    fn needs_big_stack(&self) -> bool {
        false
    }
}

#[test]
fn a_panic_is_the_error_of_its_launch_alone() -> Result<()> {
    let context = Context::with_driver(testing::context().device().clone(), Box::new(Panicking));
    let (queue, x) = (context.queue(), context.buffer_from(&[1.0f32])?);
    let double = testing::load(&context, testing::double());
    assert_eq!(double.call::<Vec<f32>>(&x).unwrap_err().kind(), ErrorKind::Internal);
    for _ in 0..2 {
        let (y, event) = double.launch(&queue).arg(&x).run_with_results::<Buffer<f32>>()?;
        for error in [event.wait().unwrap_err(), y.to_vec().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.to_string().ends_with("while it runs"), "{error}");
        }
    }
    Ok(())
}

#[test]
fn a_result_of_unknown_length_has_its_own() -> Result<()> {
    for context in testing::contexts() {
        let keep = testing::load(&context, testing::keep());
        let x = context.buffer_from(&[0.0f32, 5.0, 0.0, 6.0])?;
        let (y, _) = keep.launch(&context.default_queue()).arg(&x).run_with_results::<Buffer<f32>>()?;
        assert_eq!((y.shape()?, y.to_vec()?), (vec![2], vec![5.0, 6.0]));
    }
    Ok(())
}

#[test]
fn targets_and_queues_are_checked() -> Result<()> {
    let context = testing::context();
    let (queue, x) = (context.queue(), context.buffer_from(&[1.0f32, 2.0])?);
    let double = testing::load(&context, testing::double());
    let mut short = context.zeros::<f32>(&[1])?;
    let error = double.launch(&queue).arg(&x).into(&mut short).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert_snapshot!(error, @"the result of kernel `double` is `[f32; n]`, here `[f32; 2]`; the buffer given is `[f32; 1]`");
    let mut other = context.zeros::<f64>(&[2])?;
    let error = double.launch(&queue).arg(&x).into(&mut other).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ArgumentType);
    let mut foreign = testing::context().zeros::<f32>(&[2])?;
    let error = double.launch(&queue).arg(&x).into(&mut foreign).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignObject);
    let error = double.launch(&testing::context().queue()).arg(&x).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignObject);
    let (mut a, mut b) = (context.zeros::<f32>(&[2])?, context.zeros::<f32>(&[2])?);
    let error = double.launch(&queue).arg(&x).into(&mut a).into(&mut b).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ArgumentCount);
    Ok(())
}
