//! **pk** is a small, embeddable language for data-parallel kernels: a text goes in, checked; numbers come out, the
//! same bits on every device.
//!
//! # From a text to a number
//!
//! ```
//! let context = pk::Context::cpu();
//! let program = pk::Program::compile(&context, "kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);")?;
//! let dot = program.kernel("dot")?;
//! let (x, y) = (vec![1.0f32, 2.0, 3.0], vec![4.0f32, 5.0, 6.0]);
//! let result: f32 = dot.call((&x, &y))?;
//! assert_eq!(result, 32.0);
//! # Ok::<(), pk::Error>(())
//! ```
//!
//! [`Kernel::call`] takes scalars, slices, buffers and (with feature `ndarray`) views, and returns a scalar, a `Vec`, a
//! tuple of them, or [`Outputs`] if the types are not known until run time. Everything is checked before anything runs,
//! so that no call is unsafe.
//!
//! # Mistakes are shown in the source
//!
//! ```
//! # let context = pk::Context::cpu();
//! let error = pk::Program::compile(&context, "kernel norm(x: [f32; n]) -> f32 = sqart(sum(x * x));").unwrap_err();
//! assert_eq!(error.kind(), pk::ErrorKind::Compile);
//! let shown = format!("{error:#}");
//! assert!(shown.contains("did you mean `sqrt`?"), "{shown}");
//!
//! let program = pk::Program::compile(&context, "kernel at(x: [f32; n], i: i64) -> f32 = x[i];")?;
//! let error = program.kernel("at")?.call::<f32>((&[1.0f32, 2.0], 7i64)).unwrap_err();
//! assert_eq!(error.kind(), pk::ErrorKind::OutOfBounds);
//! assert_eq!(error.fault().map(|fault| (fault.index, fault.length)), Some((7, 2)));
//! # Ok::<(), pk::Error>(())
//! ```
//!
//! # Buffers, queues, events
//!
//! A launch on a [`Queue`] returns before it is done; the [`Event`] tells when. What a launch writes is a new value of
//! the buffer: launches queued before still see the old one, and those queued later wait for the new one, on whatever
//! queue they are.
//!
//! ```
//! let context = pk::Context::cpu();
//! let program = pk::Program::compile(&context, "kernel step(x: [f64; n]) -> [f64; n] = 0.5 * (x + 4.0 / x);")?;
//! let step = program.kernel("step")?;
//! let queue = context.queue();
//! let mut x = context.buffer_from(&[1.0f64, 3.0])?;
//! for _ in 0..6 {
//!     let now = x.clone();
//!     step.launch(&queue).arg(&now).into(&mut x).run()?;
//! }
//! assert_eq!(x.to_vec()?, [2.0, 2.0]);
//! # Ok::<(), pk::Error>(())
//! ```
//!
//! | pk | OpenCL | CUDA |
//! |---|---|---|
//! | [`Backend`] | platform | – |
//! | [`Device`] | device | device |
//! | [`Context`] | context | context |
//! | [`Queue`] | command queue | stream |
//! | [`Event`] | event | event |
//! | [`Buffer`] | buffer | device memory |
//! | [`Program`] | program | module |
//! | [`Kernel`] | kernel | function |
//!
//! # Features
//!
//! * `cpu` (default): machine code for this CPU, made by Cranelift. Without it, kernels run on the reference
//!   interpreter.
//! * `object`: kernels as object files, for programs that have no pk at run time.
//! * `ndarray`: arrays of the crate `ndarray` as arguments and results.
//!
//! Texts and data need no trust: see [`Limits`], [`LaunchOptions`] and [`ErrorKind`].
#![forbid(unsafe_code)]

pub use pk_dsl::{
    scalar::{Const, Scalar},
    signature,
};
pub use pk_runtime::{
    Argument, Arguments, Backend, Buffer, BufferView, CancelToken, Context, Device, DeviceInfo, Element,
    Error, ErrorKind, Event, Fault, FromBuffers, FromOutput, FromOutputs, Isa, Kernel, Launch, LaunchOptions,
    Limits, NUMERICS, Operations, Options, Output, Outputs, Program, Queue, RawBuffer, Result, Stage, Value,
    describe, syntax,
};

#[cfg(feature = "object")]
pub use pk_runtime::{Object, ObjectOptions, TargetCpu};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What is wrong with a text, and how that is shown.
pub mod diagnostic {
    pub use pk_dsl::{
        codes::Code,
        diagnostic::{Diagnostic, Label, Severity},
        render::{render, to_json},
    };
    pub use pk_grammar::span::Span;
}
