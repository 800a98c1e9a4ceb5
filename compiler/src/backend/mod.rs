//! Code generation: one room for each target.
//!
//! A back end takes a kernel and its plan and gives code as data. It never fails on IR that the verifier accepts, and
//! it touches no device: loading and running the code is the runtime's business.

#[cfg(feature = "cpu")]
pub mod cpu;
