//! The root of everything that belongs together: a device, and the buffers, queues and programs on it.

use crate::{
    buffer::Buffer,
    device::Device,
    driver::Driver,
    element::Element,
    error::{Error, ErrorKind, Result},
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
    default_queue: OnceLock<Queue>,
    /// Threads do not survive a fork, so that a context must not be used in another process.
    process: u32,
}

/// Tells contexts apart, also after one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContextId(u64);

impl Context {
    /// A context on `device`.
    ///
    /// # Errors
    /// [`ErrorKind::BackendUnavailable`] if the device's back end does not work here.
    pub fn new(device: &Device) -> Result<Context> {
        Ok(Context::with_driver(device.clone(), device.backend().driver()?))
    }

    /// A context on this CPU, for machine code.
    #[cfg(feature = "cpu")]
    pub fn cpu() -> Context {
        Context::with_driver(Device::cpu(), Box::new(crate::driver::cpu::CpuDriver::default()))
    }

    /// A context on `device` whose kernels `driver` runs.
    pub(crate) fn with_driver(device: Device, driver: Box<dyn Driver>) -> Context {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Context(Arc::new(Inner {
            id: ContextId(NEXT_ID.fetch_add(1, Ordering::Relaxed)),
            device,
            driver,
            default_queue: OnceLock::new(),
            process: std::process::id(),
        }))
    }

    /// What its kernels run on.
    pub fn device(&self) -> &Device {
        &self.0.device
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
        match self.0.process == std::process::id() {
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
        let forked = Inner { id: ContextId(0), device, driver, default_queue: OnceLock::new(), process };
        let double = testing::load(&Context(Arc::new(forked)), testing::double());
        assert_eq!(double.call::<Vec<f32>>(&[1.0f32]).unwrap_err().kind(), ErrorKind::Forked);
    }
}
