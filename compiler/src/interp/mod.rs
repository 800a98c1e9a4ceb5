//! The reference interpreter: what a kernel means, as directly as the IR says it. It is the oracle of all tests and the
//! back end of last resort.
//!
//! Everything is evaluated in order, element by element; the order in which folds combine comes from [`crate::tree`],
//! the bits of operations from [`crate::scalar_ops`]. Arrays live in memory that is asked for, never assumed. No fusion,
//! no threads and no other cleverness may enter: what is fast must not be the judge of what is right.

mod fault_log;
mod machine;
mod nest;
mod sink;
mod slot;
#[cfg(test)]
mod tests;

use crate::{
    data::Datum,
    fault::Fault,
    ir::{Body, Kernel},
};
use fault_log::FaultLog;
use machine::Machine;
use pk_dsl::scalar::Const;
use slot::Slot;
use std::{cell::Cell, sync::atomic::AtomicBool};

/// Why a kernel has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A fault, the one that `fault` says is to be reported.
    #[error("fault at site {} in element {}", .0.site, .0.element)]
    Fault(Fault),
    /// There is no room for an array.
    #[error("out of memory: an array takes {bytes} bytes")]
    OutOfMemory {
        /// The size of the array.
        bytes: usize,
    },
    /// The size of an array or of a domain passes what the machine can address.
    #[error("a size passes what this machine can address")]
    TooLarge,
    /// The flag was raised.
    #[error("the launch was cancelled")]
    Cancelled,
    /// All steps of [`evaluate`] are taken.
    #[error("evaluation takes too many steps")]
    TooManySteps,
}

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Ends the launch soon after it becomes true.
    pub cancel: Option<&'a AtomicBool>,
    /// Give results in spite of faults. A failed check still ends the launch.
    pub ignore_faults: bool,
}

/// The results of `kernel` for these arguments, which must match its signature, and these values of its sizes.
pub fn run(kernel: &Kernel, args: &[Datum], sizes: &[i64]) -> Result<Vec<Datum>, RunError> {
    run_with(kernel, args, sizes, &Options::default())
}

/// As [`run`], with options.
pub fn run_with(
    kernel: &Kernel,
    args: &[Datum],
    sizes: &[i64],
    options: &Options<'_>,
) -> Result<Vec<Datum>, RunError> {
    let machine = Machine::new(&kernel.body, options.cancel);
    let sizes = sizes.iter().map(|size| Slot::Scalar(Const::from(*size)));
    let params = sizes.chain(args.iter().map(Slot::from_argument));
    finish(machine, params, options.ignore_faults)
}

/// The results of `kernel`, which has no parameters, in at most `steps` steps, of which those taken are taken off: an
/// instruction, a block and an element of an array is one each.
pub fn evaluate(kernel: &Kernel, steps: &Cell<u64>) -> Result<Vec<Datum>, RunError> {
    let mut machine = Machine::new(&kernel.body, None);
    machine.steps = Some(steps);
    finish(machine, std::iter::empty(), false)
}

fn finish<'a>(
    mut machine: Machine<'a>,
    params: impl Iterator<Item = Slot<'a>>,
    ignore_faults: bool,
) -> Result<Vec<Datum>, RunError> {
    let outcome = machine.evaluate(params);
    let FaultLog { first, .. } = machine.faults;
    match (outcome, first) {
        (Err(RunError::Fault(_)), Some(fault)) => Err(RunError::Fault(fault)),
        (Err(error), _) => Err(error),
        (Ok(_), Some(fault)) if !ignore_faults => Err(RunError::Fault(fault)),
        // By now the machine is gone, so that arrays that nothing else shares move without a copy.
        (Ok(results), _) => results.into_iter().map(Slot::into_result).collect(),
    }
}

/// The results of a body of scalars, such as a library function.
///
/// # Panics
///
/// If a constant table in it cannot be allocated.
pub fn eval(body: &Body, args: &[Const]) -> Vec<Const> {
    let results = Machine::new(body, None).evaluate(args.iter().map(|arg| Slot::Scalar(*arg)));
    let results = results.expect("a body of scalars needs next to no memory and has no checks");
    results.iter().map(Slot::scalar).collect()
}
