//! Measuring kernels: seeded inputs, times, and the limits of the machine that they can be held against.
//!
//! `pkc bench` and pk's own benchmarks share this room. It uses nothing but the public interface of `pk`, so that it
//! measures what users get; what the numbers look like is the business of those who print them.
#![forbid(unsafe_code)]

pub mod limits;
pub mod random;
pub mod roofline;
pub mod subject;
pub mod times;
