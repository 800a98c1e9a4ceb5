//! The pk compiler: typed HIR to IR, passes, plans and code. It touches no device, no file and no memory but its own.
#![forbid(unsafe_code)]

pub mod backend;
pub mod constants;
pub mod data;
pub mod deadline;
pub mod fault;
pub mod interp;
pub mod ir;
pub mod lower;
pub mod math;
pub mod pass;
pub mod plan;
pub mod scalar_ops;
pub mod tree;
pub mod work;
