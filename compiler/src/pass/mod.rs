//! Passes over IR: kernel in, equivalent kernel out.
//!
//! Equivalent means the same bits and the same report of faults for every input (see [`fault`](crate::fault)): what can
//! fault is neither dropped nor moved to where it would fault otherwise, and sites keep their numbers. A pass is data;
//! what it works with is in `rewrite` and `effects`. No pass may know a back end.

mod bounds;
mod compact;
mod cse;
mod dce;
mod effects;
mod fuse;
mod hoist;
#[cfg(test)]
mod random;
mod rewrite;
mod simplify;
#[cfg(test)]
mod testing;

use crate::ir::{Kernel, verify::verify};

/// A transformation of kernels.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// What to call it.
    pub name: &'static str,
    /// What it does, in one line.
    pub description: &'static str,
    /// Does it; whether anything changed.
    pub run: fn(&mut Kernel) -> bool,
}

/// Folds constants, uses exact identities, decides what is known.
pub const SIMPLIFY: Pass = Pass {
    name: "simplify",
    description: "fold constants, use exact identities, decide known conditions",
    run: simplify::run,
};

/// Drops checks that cannot fail.
pub const BOUNDS: Pass = Pass {
    name: "bounds",
    description: "drop checks that cannot fail, decide comparisons",
    run: bounds::run,
};

/// Computes equal things once.
pub const CSE: Pass = Pass { name: "cse", description: "compute equal things once", run: cse::run };

/// Removes what nothing needs.
pub const DCE: Pass = Pass { name: "dce", description: "remove what nothing needs", run: dce::run };

/// Computes what is the same for all elements once.
pub const HOIST: Pass =
    Pass { name: "hoist", description: "compute what is the same for all elements once", run: hoist::run };

/// Makes one pass over memory of several.
pub const FUSE: Pass = Pass {
    name: "fuse",
    description: "merge nests, so that arrays between them are never stored",
    run: fuse::run,
};

/// Drops what is not reachable.
pub const COMPACT: Pass = Pass {
    name: "compact",
    description: "drop unreachable arena entries and renumber the rest",
    run: compact::run,
};

/// What [`optimize`] does, in order.
#[rustfmt::skip]
pub const PIPELINE: &[Pass] = &[
    SIMPLIFY,
    // After simplify, which gives equal computations one form.
    CSE,
    // After cse, which makes equal extents equal values; before hoist and fuse, which move only what cannot fault.
    BOUNDS,
    // Before fuse, so that what is the same for all elements of a nest stands outside and does not tie it to others.
    HOIST,
    // Before fuse, which keeps an array that something dead reads.
    DCE,
    FUSE,
    // What was forwarded meets what it was made for.
    SIMPLIFY,
    CSE,
    HOIST,
    DCE,
    // Last, to clear up after all others.
    COMPACT,
];

/// Runs [`PIPELINE`].
pub fn optimize(kernel: &mut Kernel) {
    run(kernel, PIPELINE);
}

/// Runs `passes` in order.
pub fn run(kernel: &mut Kernel, passes: &[Pass]) {
    for pass in passes {
        (pass.run)(kernel);
        if cfg!(debug_assertions) {
            check(kernel, pass);
        }
    }
}

/// Panics where `pass` has left a kernel that breaks the invariants: a bug of the pass, whatever the input.
fn check(kernel: &Kernel, pass: &Pass) {
    if let Err(error) = verify(kernel) {
        panic!("pass `{}` broke the kernel: {error}\n{kernel}", pass.name);
    }
}
