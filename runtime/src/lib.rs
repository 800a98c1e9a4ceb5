//! Running kernels: devices, contexts, programs, buffers and queues.
//!
//! Everything a host program sees of pk is defined here and shown by the façade crate `pk`. Whatever a kernel or its
//! data are, no function of this crate panics, blocks for ever or touches memory that is not its own. The drivers are
//! the only code of pk with `unsafe`; no syntax tree enters this crate, and nothing here prints.

mod argument;
mod bind;
mod buffer;
mod compile;
mod context;
pub mod describe;
mod device;
mod driver;
mod element;
mod error;
mod event;
mod fault;
mod host;
mod kernel;
mod launch;
mod loaded;
#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "object")]
mod object;
mod options;
mod output;
mod parallelism;
mod program;
mod queue;
mod source;
pub mod syntax;
#[cfg(test)]
mod testing;
mod thread;

pub use argument::{Argument, Arguments, Value};
pub use buffer::{Buffer, BufferView, RawBuffer};
pub use compile::{Isa, Stage};
pub use context::Context;
pub use device::{Backend, Device, DeviceInfo};
pub use element::Element;
pub use error::{Error, ErrorKind, Fault, Result};
pub use event::Event;
pub use kernel::Kernel;
pub use launch::{FromBuffers, Launch};
#[cfg(feature = "object")]
pub use object::{Object, ObjectOptions, TargetCpu};
pub use options::{CancelToken, LaunchOptions, Options};
pub use output::{FromOutput, FromOutputs, Output, Outputs};
pub use pk_compiler::work::Operations;
pub use pk_grammar::limits::Limits;
pub use program::Program;
pub use queue::Queue;

/// The version of the arithmetic: programs give the same bits as long as it stays the same.
pub const NUMERICS: u32 = 1;
