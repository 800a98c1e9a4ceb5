//! Kernels with their code, and running them with checked arguments, as calls and launches both do.

use crate::{
    compile::LoadedCode,
    driver::{self, Destination, FaultPolicy, Job, PerResult, RunError, Sharing},
    error::{Error, ErrorKind, Result},
    fault,
    options::LaunchOptions,
    source::Source,
    thread::{self, Timer},
};
use pk_compiler::ir;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What can end a launch, or keep it from failing.
pub(crate) struct Control {
    /// There is none if nobody could set it.
    cancel: Option<Arc<AtomicBool>>,
    time_limit: Option<Duration>,
    faults: FaultPolicy,
    sharing: Sharing,
}

impl Control {
    /// With at most so many threads, if there is a bound.
    pub(crate) fn new(options: &LaunchOptions, threads: Option<usize>) -> Control {
        let is_limited = options.cancel.is_some() || options.time_limit.is_some();
        let cancel = is_limited.then(Arc::<AtomicBool>::default);
        if let (Some(token), Some(cancel)) = (&options.cancel, &cancel) {
            token.attach(cancel);
        }
        let faults = if options.ignore_faults { FaultPolicy::Ignore } else { FaultPolicy::Report };
        let sharing = Sharing { threads, piece: options.piece };
        Control { cancel, time_limit: options.time_limit, faults, sharing }
    }

    /// What ends the launch when it is set.
    pub(crate) fn cancel_flag(&mut self) -> Arc<AtomicBool> {
        self.cancel.get_or_insert_default().clone()
    }

    /// What a driver is told.
    pub(crate) fn job<'a, 'd>(
        &'a self,
        sizes: &'a [i64],
        args: &'a [driver::Arg<'a>],
        destinations: &'a mut [Option<&'d mut dyn Destination>],
    ) -> Job<'a, 'd> {
        Job {
            sizes,
            args,
            destinations,
            outputs: PerResult::new(),
            cancel: self.cancel.as_deref(),
            faults: self.faults,
            sharing: self.sharing,
        }
    }
}

/// A kernel with its code, and what its failures need to be told.
pub(crate) struct Loaded {
    code: LoadedCode,
    source: Arc<Source>,
}

impl Loaded {
    pub(crate) fn new(code: LoadedCode, source: Arc<Source>) -> Loaded {
        Loaded { code, source }
    }

    /// What it computes.
    pub(crate) fn ir(&self) -> &ir::Kernel {
        &self.code.kernel
    }

    /// Runs the kernel for a job that `control` made.
    pub(crate) fn run(&self, job: &mut Job<'_, '_>, control: &Control) -> Result<()> {
        let timer = match (control.time_limit, &control.cancel) {
            (Some(limit), Some(cancel)) => Some(Timer::start(limit, cancel.clone())?),
            _ => None,
        };
        let outcome = match control.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            true => Err(RunError::Cancelled),
            false => self.execute(job)?,
        };
        outcome.map_err(|error| match (error, timer) {
            (RunError::Cancelled, Some(timer)) if timer.has_fired() => {
                Error::new(ErrorKind::Timeout, "the launch took longer than its time limit")
            }
            (error, _) => fault::describe(error, &self.code.kernel, job.sizes, &self.source),
        })
    }

    fn execute(&self, job: &mut Job<'_, '_>) -> Result<Result<(), RunError>> {
        match self.code.executable.needs_big_stack() {
            true => thread::run_on_big_stack(|| self.code.executable.execute(job)),
            false => thread::contain_panics(|| self.code.executable.execute(job)),
        }
    }
}
