//! **pk**: a small, embeddable language for data-parallel kernels.
pub use pk_runtime::*;
