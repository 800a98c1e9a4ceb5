//! A kernel with its arguments in place, to be run again and again.

use pk::{Argument, Context, Kernel, Queue, RawBuffer, Result, Scalar, Value};
use std::time::{Duration, Instant};

/// An argument in place.
pub enum Arg {
    /// A scalar.
    Scalar(Value<'static>),
    /// An array.
    Array(RawBuffer),
}

/// A kernel, its arguments, and buffers for its results that every run writes again.
pub struct Subject {
    kernel: Kernel,
    queue: Queue,
    values: Vec<Value<'static>>,
    arrays: Vec<Shape>,
    results: Vec<RawBuffer>,
    first: Duration,
}

/// The type of an array.
struct Shape {
    scalar: Scalar,
    extents: Vec<usize>,
}

impl Shape {
    fn of(buffer: &RawBuffer) -> Result<Shape> {
        Ok(Shape { scalar: buffer.scalar(), extents: buffer.shape()? })
    }

    fn elements(&self) -> u64 {
        self.extents.iter().map(|extent| *extent as u64).product()
    }

    fn bytes(&self) -> u64 {
        self.elements() * self.scalar.bytes() as u64
    }
}

impl Subject {
    /// Runs the kernel once with these arguments.
    ///
    /// # Errors
    /// Those of the launch.
    pub fn new(context: &Context, kernel: &Kernel, args: &[Arg]) -> Result<Subject> {
        let (mut values, mut arrays) = (Vec::new(), Vec::new());
        for arg in args {
            match arg {
                Arg::Scalar(value) => values.push(value.clone()),
                Arg::Array(buffer) => {
                    values.push(buffer.into_value()?);
                    arrays.push(Shape::of(buffer)?);
                }
            }
        }
        let queue = context.default_queue();
        let start = Instant::now();
        let (results, event) = kernel.launch(&queue).args(values.clone()).run_with_results()?;
        event.wait()?;
        let first = start.elapsed();
        Ok(Subject { kernel: kernel.clone(), queue, values, arrays, results, first })
    }

    /// How long the first run took, with what was not ready before it.
    pub fn first(&self) -> Duration {
        self.first
    }

    /// Runs the kernel; the time is that of the kernel alone, without the queue.
    ///
    /// # Errors
    /// Those of the launch.
    pub fn run(&mut self) -> Result<Duration> {
        let launch = self.kernel.launch(&self.queue).args(self.values.clone());
        let event = self.results.iter_mut().fold(launch, |launch, buffer| launch.into_raw(buffer)).run()?;
        event.wait()?;
        Ok(event.elapsed().unwrap_or_default())
    }

    /// How many scalar operations a run takes.
    ///
    /// # Errors
    /// Those of the launch.
    pub fn operations(&self) -> Result<pk::Operations> {
        self.kernel.operations(self.values.clone())
    }

    /// The results of the last run.
    pub fn results(&self) -> &[RawBuffer] {
        &self.results
    }

    /// The bytes of the arguments that are arrays.
    pub fn bytes_in(&self) -> u64 {
        self.arrays.iter().map(Shape::bytes).sum()
    }

    /// The bytes of the results.
    ///
    /// # Errors
    /// Those of the last run.
    pub fn bytes_out(&self) -> Result<u64> {
        Ok(self.result_shapes()?.iter().map(Shape::bytes).sum())
    }

    /// The number of elements of the largest argument or result.
    ///
    /// # Errors
    /// Those of the last run.
    pub fn elements(&self) -> Result<u64> {
        let results = self.result_shapes()?;
        Ok(self.arrays.iter().chain(&results).map(Shape::elements).max().unwrap_or(1))
    }

    fn result_shapes(&self) -> Result<Vec<Shape>> {
        self.results.iter().map(Shape::of).collect()
    }
}
