//! The root of everything that belongs together: a device, and the buffers, queues and programs on it.

use crate::{
    argument::Value,
    buffer::{Buffer, RawBuffer},
    device::{Backend, Device},
    driver::{self, Driver, process},
    element::Element,
    error::{Error, ErrorKind, Result},
    kernel, parallelism,
    queue::Queue,
};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A device in use. Clones are handles to the same context.
///
/// ```
/// # use pk_runtime::*;
/// let context = Context::new(&Device::default_for(Backend::Interp)?)?;
/// let x = context.buffer_from(&[1.0f32, 2.0])?;
/// assert_eq!(x.to_vec()?, [1.0, 2.0]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    id: ContextId,
    device: Device,
    driver: Box<dyn Driver>,
    /// How many threads a launch may use, if somebody said so, or why what was said makes no sense.
    threads: Result<Option<usize>>,
    default_queue: OnceLock<Queue>,
    /// Threads do not survive a fork, so that a context must not be used in another process.
    process: u32,
}

/// Tells contexts apart, also after one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContextId(u64);

impl Context {
    /// A context on `device`. Its launches use as many threads as the environment variable `PK_THREADS` says, or else
    /// as many as the process may run at once.
    ///
    /// # Errors
    /// [`ErrorKind::BackendUnavailable`] if the device's back end does not work here, [`ErrorKind::InvalidOption`] if
    /// `PK_THREADS` is set and no whole number from 1.
    pub fn new(device: &Device) -> Result<Context> {
        let threads = parallelism::from_environment()?;
        Ok(Context::assemble(device.clone(), device.backend().driver()?, Ok(threads)))
    }

    /// As [`Context::new`], but launches use at most `threads` threads, the calling one among them, whatever `PK_THREADS`
    /// says. 0 is taken as 1, and more than 1024 as 1024. Results do not depend on it.
    ///
    /// # Errors
    /// [`ErrorKind::BackendUnavailable`] if the device's back end does not work here.
    pub fn with_threads(device: &Device, threads: usize) -> Result<Context> {
        let threads = Some(parallelism::clamp(threads));
        Ok(Context::assemble(device.clone(), device.backend().driver()?, Ok(threads)))
    }

    /// A context on this CPU, for machine code. What [`Context::new`] says of threads holds here too, but a wrong
    /// `PK_THREADS` is an error of the first compilation.
    #[cfg(feature = "cpu")]
    pub fn cpu() -> Context {
        let driver = Box::new(crate::driver::cpu::CpuDriver::default());
        Context::assemble(Device::cpu(), driver, parallelism::from_environment())
    }

    /// A context on `device` whose kernels `driver` runs.
    #[cfg(test)]
    pub(crate) fn with_driver(device: Device, driver: Box<dyn Driver>) -> Context {
        Context::assemble(device, driver, Ok(None))
    }

    fn assemble(device: Device, driver: Box<dyn Driver>, threads: Result<Option<usize>>) -> Context {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Context(Arc::new(Inner {
            id: ContextId(NEXT_ID.fetch_add(1, Ordering::Relaxed)),
            device,
            driver,
            threads,
            default_queue: OnceLock::new(),
            process: process::id(),
        }))
    }

    /// What its kernels run on.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// How many threads a launch may use, the calling one among them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`] if `PK_THREADS` is set and no whole number from 1.
    pub fn threads(&self) -> Result<usize> {
        let said = self.threads_said()?;
        Ok(match self.device().backend() {
            Backend::Interp => 1,
            Backend::Cpu => said.unwrap_or_else(parallelism::available),
        })
    }

    /// As [`Context::threads`]; `None` for as many as the process may use.
    pub(crate) fn threads_said(&self) -> Result<Option<usize>> {
        self.0.threads.clone()
    }

    /// A new queue, in order in itself, at once with others.
    pub fn queue(&self) -> Queue {
        Queue::new(self.id())
    }

    /// The queue of this context that is always the same.
    pub fn default_queue(&self) -> Queue {
        self.0.default_queue.get_or_init(|| self.queue()).clone()
    }

    /// A buffer with a copy of `elements`.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`].
    pub fn buffer_from<T: Element>(&self, elements: &[T]) -> Result<Buffer<T>> {
        self.buffer_from_shape(elements, &[elements.len()])
    }

    /// A buffer of this shape with a copy of `elements`, row-major.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if their number is not that of the shape, [`ErrorKind::OutOfMemory`].
    pub fn buffer_from_shape<T: Element>(&self, elements: &[T], shape: &[usize]) -> Result<Buffer<T>> {
        Buffer::copied(self.id(), elements, shape)
    }

    /// A buffer with a copy of a value, for programs that learn types only at run time. A scalar gives a buffer of one
    /// element.
    ///
    /// ```
    /// # use pk_runtime::*;
    /// # let context = Context::new(&Device::default_for(Backend::Interp)?)?;
    /// let program = Program::compile(&context, "kernel double(x: [f32; n]) -> [f32; n] = 2.0 * x;")?;
    /// let (double, queue) = (program.kernel("double")?, context.default_queue());
    /// let x = context.buffer_from_value(&Value::array(&[1.0f32, 2.0], &[2])?)?;
    /// let (mut results, _) = double.launch(&queue).arg(&x).run_with_results::<Vec<RawBuffer>>()?;
    /// assert_eq!(results[0].shape()?, [2]);
    /// double.launch(&queue).arg(&x).into_raw(&mut results[0]).run()?;
    /// let y: Option<Buffer<f32>> = results.remove(0).typed();
    /// assert_eq!(y.map(|y| y.to_vec()).transpose()?, Some(vec![2.0, 4.0]));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`]; those of the launch that was to write a buffer.
    pub fn buffer_from_value(&self, value: &Value<'_>) -> Result<RawBuffer> {
        match kernel::driver_arg(value)? {
            driver::Arg::Scalar(value) => {
                let mut bytes = [0; size_of::<u64>()];
                let bytes = &mut bytes[..value.scalar().bytes()];
                value.write_ne_bytes(bytes);
                RawBuffer::copied(self.id(), value.scalar(), &[], bytes)
            }
            driver::Arg::Array { shape, bytes } => {
                RawBuffer::copied(self.id(), value.0.arg_type().scalar(), shape, bytes)
            }
        }
    }

    /// A buffer of zeros, as a place for results.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::OutOfMemory`].
    pub fn zeros<T: Element>(&self, shape: &[usize]) -> Result<Buffer<T>> {
        Buffer::zeros(self.id(), shape)
    }

    pub(crate) fn id(&self) -> ContextId {
        self.0.id
    }

    pub(crate) fn driver(&self) -> &dyn Driver {
        &*self.0.driver
    }

    /// An error in a process that was forked off after the context was made.
    pub(crate) fn check_process(&self) -> Result<()> {
        match self.0.process == process::id() {
            true => Ok(()),
            false => {
                Err(Error::new(ErrorKind::Forked, "the context was made before this process was forked off"))
            }
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("device", &self.0.device).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_forked_process_is_told_that_it_is_one() {
        let context = testing::context();
        assert!(context.check_process().is_ok());
        let driver = context.device().backend().driver().expect("always there");
        let process = std::process::id() + 1;
        let device = context.device().clone();
        let forked = Inner {
            id: ContextId(0),
            device,
            driver,
            threads: Ok(None),
            default_queue: OnceLock::new(),
            process,
        };
        let double = testing::load(&Context(Arc::new(forked)), testing::double());
        assert_eq!(double.call::<Vec<f32>>(&[1.0f32]).unwrap_err().kind(), ErrorKind::Forked);
    }
    #[test]
    #[cfg(feature = "cpu")]
    fn contexts_at_work_at_once_share_one_pool() {
        let x: Vec<f32> = (0..300_000).map(|i| (i % 1000) as f32 * 0.1).collect();
        let text = "kernel total(x: [f32; n]) -> f32 = sum(sqrt(x * x + 1.0f32));";
        let total = |threads| -> Result<Vec<u32>> {
            let context = Context::with_threads(&Device::cpu(), threads)?;
            let kernel = crate::Program::compile(&context, text)?.kernel("total")?;
            (0..50).map(|_| kernel.call::<f32>(&x[..]).map(f32::to_bits)).collect()
        };
        let expected = total(1).expect("it runs")[0];
        std::thread::scope(|scope| {
            let hosts: Vec<_> = (1..=6).map(|threads| scope.spawn(move || total(threads))).collect();
            for host in hosts {
                let found = host.join().expect("no panic").expect("it runs");
                assert!(found.iter().all(|bits| *bits == expected));
            }
        });
    }
}
