//! How much a text may ask for. Passing a limit is an error with a place, never a crash.
//!
//! One set for all stages: this crate looks at the first group, the later stages at the second.

use std::time::Duration;

/// Bounds on a source text and on what may be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the text in bytes; above 4 GiB nothing is accepted, whatever stands here.
    pub source_bytes: usize,
    /// Number of tokens.
    pub tokens: usize,
    /// Open brackets, and operators, closures and headers that wait for their right side, at any one place.
    pub nesting: usize,
    /// Height of one expression's tree. Long chains (`1 + 1 + …`, `else if …`) are flat to read but tall as trees,
    /// and later stages recurse along them.
    pub height: u32,
    /// Length of a name in bytes.
    pub identifier_bytes: usize,
    /// Parameters of one kernel or function.
    pub params: usize,
    /// Kernels and functions of one text.
    pub functions: usize,

    /// Operations of one kernel once all calls are expanded, those of library functions too.
    pub ir_nodes: usize,
    /// Scalars one type may consist of.
    pub type_leaves: usize,
    /// Tuples within tuples.
    pub tuple_depth: usize,
    /// Steps of evaluation at compile time.
    pub fold_steps: usize,
    /// Generated code in bytes.
    pub code_bytes: usize,
    /// Seconds one compilation may take.
    pub compile_seconds: u32,
}

impl Limits {
    /// [`Limits::compile_seconds`] as a duration.
    pub fn compile_time(&self) -> Duration {
        Duration::from_secs(self.compile_seconds.into())
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            source_bytes: 1 << 20,
            tokens: 200_000,
            nesting: 256,
            height: 4096,
            identifier_bytes: 256,
            params: 64,
            functions: 1_000,
            ir_nodes: 200_000,
            type_leaves: 256,
            tuple_depth: 32,
            fold_steps: 1_000_000,
            code_bytes: 16 << 20,
            compile_seconds: 5,
        }
    }
}
