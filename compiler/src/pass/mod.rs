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
mod unroll;

use crate::{
    deadline::{Deadline, Passed},
    ir::{Kernel, verify::verify},
};

/// A transformation of kernels.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// What to call it.
    pub name: &'static str,
    /// What it does, in one line.
    pub description: &'static str,
    /// Does it; whether anything changed. Returns at once when the deadline has passed, whatever that leaves behind.
    pub run: fn(&mut Kernel, &Deadline) -> bool,
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

/// Replaces short loops by their steps.
pub const UNROLL: Pass =
    Pass { name: "unroll", description: "replace short loops by their steps", run: unroll::run };

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
    // After bounds, for the conditions that it has decided.
    SIMPLIFY,
    // Before fuse, so that what is the same for all elements of a nest stands outside and does not tie it to others.
    HOIST,
    // Before fuse, which keeps an array that something dead reads.
    DCE,
    FUSE,
    // Before simplify, for which the indices of the steps are constants.
    UNROLL,
    // What was forwarded meets what it was made for.
    SIMPLIFY,
    CSE,
    HOIST,
    DCE,
    // Last, to clear up after all others.
    COMPACT,
];

/// Runs [`PIPELINE`].
///
/// # Errors
///
/// As of [`run`].
pub fn optimize(kernel: &mut Kernel, deadline: &Deadline) -> Result<(), Passed> {
    run(kernel, PIPELINE, deadline)
}

/// Runs `passes` in order.
///
/// # Errors
///
/// [`Passed`] when the deadline has passed: the kernel then need not be valid.
pub fn run(kernel: &mut Kernel, passes: &[Pass], deadline: &Deadline) -> Result<(), Passed> {
    for pass in passes {
        (pass.run)(kernel, deadline);
        deadline.check()?;
        if cfg!(debug_assertions) {
            check(kernel, pass);
        }
    }
    Ok(())
}

/// Panics where `pass` has left a kernel that breaks the invariants: a bug of the pass, whatever the input.
fn check(kernel: &Kernel, pass: &Pass) {
    if let Err(error) = verify(kernel) {
        panic!("pass `{}` broke the kernel: {error}\n{kernel}", pass.name);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{after, element, map, sum};
    use super::*;
    use crate::ir::testing::{kernel, read};
    use crate::ir::{Binary, Builder, Unary, Value};
    use pk_dsl::scalar::Scalar;

    #[test]
    fn names_are_unique() {
        for (at, pass) in PIPELINE.iter().enumerate() {
            let same: Vec<&Pass> = PIPELINE[at..].iter().filter(|other| other.name == pass.name).collect();
            assert!(same.iter().all(|other| other.description == pass.description), "{}", pass.name);
        }
    }

    #[test]
    #[should_panic(expected = "pass `careless` broke the kernel")]
    fn a_pass_that_breaks_a_kernel_is_named() {
        let careless = Pass {
            name: "careless",
            description: "drops every instruction",
            run: |kernel, _| {
                let entry = kernel.body.entry;
                kernel.body.blocks[entry].insts.clear();
                true
            },
        };
        let mut kernel = testing::scalars(&[Scalar::F32], |b, params| vec![b.unary(Unary::Neg, params[0])]);
        let _ = run(&mut kernel, &[careless], &Deadline::default());
    }

    /// `x[index] * x[index]` for each index, checked.
    fn squares(b: &mut Builder, size: Value, x: Value) -> Value {
        map(b, &[size], |b, i| {
            let (left, right) = (read(b, x, i[0]), read(b, x, i[0]));
            b.binary(Binary::Mul, left, right)
        })
    }

    #[test]
    fn a_norm_is_one_pass_without_checks() {
        let norm = kernel(1, &[(Scalar::F64, &[0])], |b, sizes, params| {
            let squares = squares(b, sizes[0], params[0]);
            let total = sum(b, sizes[0], |b, i| read(b, squares, i));
            vec![b.unary(Unary::Sqrt, total)]
        });
        insta::assert_snapshot!(after(norm, PIPELINE), @"
        kernel test(v0: i64, v1: [f64; v0]) {
            v2: f64 = const 0.0
            v3: f64 = nest v0
                body(v4: i64) {
                    v5: f64 = index v1[v4]
                    v6: f64 = mul v5, v5
                    give v6
                }
                reduce(interleaved) v2 by(v7: f64, v8: f64) {
                    v9: f64 = add v7, v8
                    give v9
                }
            v10: f64 = sqrt v3
            give v10
        }
        ");
    }

    #[test]
    fn softmax_needs_one_row() {
        let softmax = kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
            vec![map(b, &sizes[..1], |b, row| {
                let at = |b: &mut Builder, column: Value| element(b, params[0], &[row[0], column]);
                let total = sum(b, sizes[1], |b, column| at(b, column));
                let shifted = map(b, &sizes[1..], |b, column| {
                    let value = at(b, column[0]);
                    let difference = b.binary(Binary::Sub, value, total);
                    b.unary(Unary::Sqrt, difference)
                });
                let norm = sum(b, sizes[1], |b, column| element(b, shifted, &[column]));
                map(b, &sizes[1..], |b, column| {
                    let value = element(b, shifted, column);
                    b.binary(Binary::Div, value, norm)
                })
            })]
        });
        insta::assert_snapshot!(after(softmax, PIPELINE), @"
        kernel test(v0: i64, v1: i64, v2: [f32; v0, v1]) {
            v3: [f32; v0, v1] = nest v0
                body(v4: i64) {
                    v5: f32 = const 0.0
                    v6: f32 = nest v1
                        body(v7: i64) {
                            v8: f32 = index v2[v4, v7]
                            give v8
                        }
                        reduce(interleaved) v5 by(v9: f32, v10: f32) {
                            v11: f32 = add v9, v10
                            give v11
                        }
                    v12: [f32; v1], v13: f32 = nest v1
                        body(v14: i64) {
                            v15: f32 = index v2[v4, v14]
                            v16: f32 = sub v15, v6
                            v17: f32 = sqrt v16
                            give v17, v17
                        }
                        map
                        reduce(interleaved) v5 by(v18: f32, v19: f32) {
                            v20: f32 = add v18, v19
                            give v20
                        }
                    v21: [f32; v1] = nest v1
                        body(v22: i64) {
                            v23: f32 = index v12[v22]
                            v24: f32 = div v23, v13
                            give v24
                        }
                        map
                    give v21
                }
                map
            give v3
        }
        ");
    }
}
