//! A borrowed function that other threads call.

/// A function of its owner's, which workers call while the owner waits.
#[derive(Clone, Copy)]
pub(super) struct Job(&'static (dyn Fn() + Sync));

impl Job {
    /// # Safety
    ///
    /// Neither the value nor a copy may be called once `work` is no longer borrowed.
    pub(super) unsafe fn new(work: &(dyn Fn() + Sync)) -> Job {
        // SAFETY: only the lifetime changes, and the caller promises not to rely on the longer one.
        Job(unsafe { std::mem::transmute::<&(dyn Fn() + Sync), &'static (dyn Fn() + Sync)>(work) })
    }

    pub(super) fn call(self) {
        (self.0)();
    }
}
