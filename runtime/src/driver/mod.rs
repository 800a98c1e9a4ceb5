//! How a kernel runs: the neutral interface between the runtime and the back ends.
//!
//! A [`Driver`] turns IR into an [`Executable`], an executable runs [`Job`]s. Both are object-safe, and a job speaks of
//! bytes and scalars only, so that nothing above this room knows which back end it uses.
//!
//! Checking arguments and saying what is wrong in the user's terms is the work of the rooms above; a driver only refuses
//! a job that would be unsafe to run ([`RunError::BadJob`]). No source text, no diagnostics and no typed buffers may
//! enter here.

#[cfg(feature = "cpu")]
pub(crate) mod cpu;
pub(crate) mod fenv;
mod fits;
pub(crate) mod interp;
mod memory;
mod pages;
#[cfg(feature = "cpu")]
mod pool;
pub(crate) mod process;
pub(crate) mod room;
#[cfg(test)]
pub(crate) mod tests;

#[cfg(feature = "cpu")]
pub(crate) use memory::ALIGNMENT;
pub(crate) use memory::AlignedBytes;
pub(crate) use room::{Destination, Room};

use pk_compiler::{deadline::Deadline, fault::Fault, ir::Kernel};
use pk_dsl::scalar::Const;
use smallvec::SmallVec;
use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

/// A back end that can run kernels.
pub(crate) trait Driver: Send + Sync {
    /// Makes `kernel` ready to run, with at most `code_bytes` of generated code; gives up when the deadline has passed.
    fn load(
        &self,
        kernel: Arc<Kernel>,
        code_bytes: usize,
        deadline: &Deadline,
    ) -> Result<Arc<dyn Executable>, LoadError>;
}

/// A kernel that is ready to run, from any number of threads at once.
pub(crate) trait Executable: Send + Sync {
    /// Runs it once and adds its results to those of the job.
    fn execute(&self, job: &mut Job<'_, '_>) -> Result<(), RunError>;

    /// Whether [`Executable::execute`] may need more of the stack than every thread of a host has.
    fn needs_big_stack(&self) -> bool;
}

/// A vector that most often has but a few elements, and then needs no memory of its own: a call of a small kernel takes no
/// longer than a few allocations.
pub(crate) type Few<T> = SmallVec<[T; 4]>;

/// The extents of an array, outermost first. Few arrays have a rank above 2.
pub(crate) type Shape = SmallVec<[usize; 2]>;

/// One for each result of a kernel, of which most have one.
pub(crate) type PerResult<T> = SmallVec<[T; 1]>;

/// One launch.
#[derive(Debug, Default)]
pub(crate) struct Job<'a, 'd> {
    /// The values of the signature's size variables.
    pub sizes: &'a [i64],
    /// One argument for each parameter.
    pub args: &'a [Arg<'a>],
    /// Where results go: for each result, the memory that takes it. A missing or `None` entry means that the driver
    /// allocates. The length must be that of the array; scalars and arrays of unknown length have none. After an error
    /// it may be filled or not.
    pub destinations: &'a mut [Option<&'d mut dyn Destination>],
    /// The results in the order of the signature, none before the launch has ended.
    pub outputs: PerResult<Output>,
    /// Ends the launch early once it is set; polled often enough that no kernel can outrun it for long. A time limit is
    /// a timer that sets it.
    pub cancel: Option<&'a AtomicBool>,
    /// What becomes of a launch in which faults arose.
    pub faults: FaultPolicy,
    /// How its work may be divided among threads. Results do not depend on it.
    #[cfg_attr(not(feature = "cpu"), expect(dead_code, reason = "the interpreter uses one thread"))]
    pub sharing: Sharing,
}

/// How the work of a launch may be divided among threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// How many threads may work at once, the caller's among them; `None` for as many as the process may use.
    pub threads: Option<usize>,
    /// For tests: pieces of so many elements, even if the work is too small to be worth the trouble.
    pub piece: Option<u64>,
}

/// An argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arg<'a> {
    /// A scalar of the parameter's type.
    Scalar(Const),
    /// A dense row-major array of the parameter's type in native byte order, at any alignment. A byte of a `bool` array
    /// counts as `true` unless it is 0.
    Array {
        /// Its extents, outermost first.
        shape: &'a [usize],
        /// Its elements.
        bytes: &'a [u8],
    },
}

/// What becomes of a launch in which faults arose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FaultPolicy {
    /// It returns [`RunError::Fault`] and no outputs.
    #[default]
    Report,
    /// It returns its outputs, with the values that stand for faulting operations; only a failed check, without which
    /// there is nothing to compute, is still an error.
    Ignore,
}

/// A result.
#[derive(Debug)]
pub(crate) enum Output {
    /// A scalar.
    Scalar(Const),
    /// An array for which there was no destination; in a box as it is rare and large.
    Array(Box<OutputArray>),
    /// An array that has filled the job's destination.
    InPlace,
}

/// An array that a driver allocated.
#[derive(Debug)]
pub(crate) struct OutputArray {
    /// Its extents, outermost first.
    pub shape: Shape,
    /// Its elements.
    pub bytes: AlignedBytes,
}

/// Why a kernel cannot be made ready.
#[cfg_attr(not(feature = "cpu"), expect(dead_code, reason = "the interpreter loads every kernel"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoadError {
    /// The back end does not work on this machine.
    Unavailable(String),
    /// The kernel needs more code than it may have.
    TooLarge {
        /// What it may have.
        code_bytes: usize,
    },
    /// A part of the kernel would take too long to compile.
    TooComplex,
    /// The deadline has passed.
    Late,
    /// The system gives no memory for code.
    OutOfMemory(String),
    /// Something that pk itself got wrong.
    Internal(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Unavailable(why) => write!(f, "this back end is not available: {why}"),
            LoadError::TooLarge { code_bytes } => {
                write!(f, "the kernel needs more than {code_bytes} bytes of code")
            }
            LoadError::TooComplex => f.write_str("a part of the kernel would take too long to compile"),
            LoadError::Late => f.write_str("the deadline has passed"),
            LoadError::OutOfMemory(why) => f.write_str(why),
            LoadError::Internal(what) => write!(f, "internal error in code generation: {what}"),
        }
    }
}

impl std::error::Error for LoadError {}

/// Why a launch has no outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunError {
    /// A fault arose.
    Fault(Fault),
    /// [`Job::cancel`] was set.
    Cancelled,
    /// The host has no memory for an array of that many bytes.
    OutOfMemory {
        /// The size of the request.
        bytes: u64,
    },
    /// An array would have more bytes than an address space.
    TooLarge,
    /// The arguments do not fit the kernel; the caller should have seen that.
    BadJob,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Fault(fault) => write!(f, "fault at site {} in element {}", fault.site, fault.element),
            RunError::Cancelled => f.write_str("the launch was cancelled"),
            RunError::OutOfMemory { bytes } => write!(f, "out of memory: {bytes} bytes asked for"),
            RunError::TooLarge => f.write_str("an array is too large for the address space"),
            RunError::BadJob => f.write_str("the arguments do not fit the kernel"),
        }
    }
}

impl std::error::Error for RunError {}
