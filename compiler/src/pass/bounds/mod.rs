//! Bounds: checks that cannot fail are dropped; comparisons, minima and maxima whose outcome is sure are decided.
//!
//! The walk carries what is known where it stands: that the extents of arrays that exist are not negative, that inside
//! a nest its extents are at least one, what the conditions around it and the checks before it say. The proofs are
//! in [`prove`]. A read that has lost its check must stay behind what proves it: see
//! [`is_speculable`](super::effects::is_speculable).

mod facts;
mod linear;
mod prove;

use super::rewrite::Replacements;
use crate::deadline::Deadline;
use crate::ir::{Binary, Block, Body, Compare, Inst, Kernel, Op, Value};
use pk_dsl::scalar::Const;
use prove::Prover;

/// Drops checks and decides comparisons; whether there were any.
pub(super) fn run(kernel: &mut Kernel, deadline: &Deadline) -> bool {
    let findings = Walk::over(kernel, deadline);
    let is_changed = !findings.is_empty();
    let body = &mut kernel.body;
    let mut replacements = Replacements::default();
    for (inst, finding) in findings {
        let data = &mut body.insts[inst];
        match (finding, &mut data.op) {
            (Finding::Unneeded, Op::Index { check, .. } | Op::IntDiv { check, .. }) => *check = None,
            (Finding::Decided(holds), op) => *op = Op::Const(Const::from(holds)),
            (Finding::Same(value), _) => replacements.insert_all(&data.results, &[value]),
            _ => {}
        }
    }
    replacements.apply(body);
    is_changed
}

/// What is known of an instruction.
enum Finding {
    /// Its check cannot fail.
    Unneeded,
    /// It is a comparison with this result.
    Decided(bool),
    /// It is a minimum or maximum, always this one of its operands.
    Same(Value),
}

struct Walk<'a> {
    body: &'a Body,
    deadline: &'a Deadline,
    prover: Prover<'a>,
    findings: Vec<(Inst, Finding)>,
}

impl<'a> Walk<'a> {
    fn over(kernel: &'a Kernel, deadline: &'a Deadline) -> Vec<(Inst, Finding)> {
        let body = &kernel.body;
        let mut walk = Walk { body, deadline, prover: Prover::new(body), findings: Vec::new() };
        let params = &body.blocks[body.entry].params;
        // The launch checks both before anything runs.
        params[..kernel.signature.sizes.len()].iter().for_each(|size| walk.prover.learn_extent(*size, 0));
        walk.learn_shapes(params);
        walk.block(body.entry);
        walk.findings
    }

    /// Arrays that exist have no negative extents.
    fn learn_shapes(&mut self, values: &[Value]) {
        let body = self.body;
        for extent in values.iter().flat_map(|value| &body.ty(*value).shape) {
            self.prover.learn_extent(*extent, 0);
        }
    }

    fn block(&mut self, block: Block) {
        let body = self.body;
        for inst in &body.blocks[block].insts {
            if self.deadline.has_passed() {
                return;
            }
            self.inst(*inst);
            self.learn_shapes(&body.insts[*inst].results);
        }
    }

    fn inst(&mut self, inst: Inst) {
        let body = self.body;
        match &body.insts[inst].op {
            Op::Index { array, indices, check: Some(_) } => {
                let extents = &body.ty(*array).shape;
                if indices.iter().zip(extents).all(|(index, extent)| self.prover.is_inside(*index, *extent)) {
                    self.findings.push((inst, Finding::Unneeded));
                }
            }
            Op::IntDiv { rhs, check: Some(_), .. } if self.prover.is_nonzero(*rhs) => {
                self.findings.push((inst, Finding::Unneeded));
            }
            Op::Compare(op, a, b) if body.scalar(*a).is_int() => {
                if let Some(holds) = self.prover.decide(*op, *a, *b) {
                    self.findings.push((inst, Finding::Decided(holds)));
                }
            }
            Op::Binary(op @ (Binary::Min | Binary::Max), a, b) if body.scalar(*a).is_int() => {
                let is_first_least = self.prover.decide(Compare::Le, *a, *b) == Some(true);
                if is_first_least || self.prover.decide(Compare::Ge, *a, *b) == Some(true) {
                    let is_first = is_first_least == (*op == Binary::Min);
                    self.findings.push((inst, Finding::Same(if is_first { *a } else { *b })));
                }
            }
            Op::Check { cond, .. } => self.prover.learn(*cond, true),
            Op::If { cond, then, otherwise } => {
                self.inside(*then, |prover| prover.learn(*cond, true));
                self.inside(*otherwise, |prover| prover.learn(*cond, false));
            }
            Op::Nest(nest) => {
                self.inside(nest.body, |prover| {
                    nest.dims.iter().for_each(|dim| prover.learn_extent(*dim, 1))
                });
                nest.sinks
                    .iter()
                    .filter_map(|sink| sink.fold())
                    .for_each(|fold| self.inside(fold.op, |_| {}));
            }
            op => op.for_each_block(|block| self.inside(block, |_| {})),
        }
    }

    /// Walks over `block`, where what `learn` learns is known.
    fn inside(&mut self, block: Block, learn: impl FnOnce(&mut Prover<'_>)) {
        let mark = self.prover.mark();
        learn(&mut self.prover);
        self.block(block);
        self.prover.forget(mark);
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{kernel, nest, read, site};
    use crate::ir::{Binary, Builder, Compare, FaultKind, IntDiv, Kernel, Op, Sink, Type, Value};
    use crate::pass::testing::{after, element, map, scalars};
    use crate::pass::{BOUNDS, CSE, DCE, SIMPLIFY};
    use pk_dsl::scalar::Scalar;

    /// How many checks stay in a kernel of `x: [f32; n]`.
    fn checks(build: impl FnOnce(&mut Builder, Value, Value) -> Value) -> usize {
        let kernel =
            kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| vec![build(b, sizes[0], params[0])]);
        count(kernel)
    }

    fn count(kernel: Kernel) -> usize {
        let text = after(kernel, &[CSE, BOUNDS]);
        text.lines().filter(|line| line.contains(" check s") && !line.contains(" unless ")).count()
    }

    /// `[x[index(i)] for i in 0..size]`
    fn gather(
        b: &mut Builder,
        size: Value,
        x: Value,
        index: impl FnOnce(&mut Builder, Value) -> Value,
    ) -> Value {
        map(b, &[size], |b, i| {
            let at = index(b, i[0]);
            read(b, x, at)
        })
    }

    fn plus(b: &mut Builder, value: Value, offset: i64) -> Value {
        let offset = b.constant(offset);
        b.binary(Binary::Add, value, offset)
    }

    #[test]
    fn the_index_of_a_nest_lies_inside() {
        assert_eq!(checks(|b, n, x| gather(b, n, x, |_, i| i)), 0);
        let reversed = |b: &mut Builder, n: Value, i: Value| {
            let last = plus(b, n, -1);
            b.binary(Binary::Sub, last, i)
        };
        assert_eq!(checks(|b, n, x| gather(b, n, x, |b, i| reversed(b, n, i))), 0);
    }

    #[test]
    fn its_neighbours_may_not() {
        assert_eq!(checks(|b, n, x| gather(b, n, x, |b, i| plus(b, i, 1))), 1);
        assert_eq!(checks(|b, n, x| gather(b, n, x, |b, i| plus(b, i, -1))), 1);
        assert_eq!(checks(|b, n, x| gather(b, n, x, |b, i| b.binary(Binary::Add, i, i))), 1);
    }

    #[test]
    fn a_shorter_domain_leaves_room_for_a_stencil() {
        let inner = |reach: i64, least: Option<i64>| {
            checks(move |b, n, x| {
                let mut size = plus(b, n, -4);
                if let Some(least) = least {
                    let least = b.constant(least);
                    size = b.binary(Binary::Max, size, least);
                }
                gather(b, size, x, |b, i| plus(b, i, reach))
            })
        };
        assert_eq!((inner(0, None), inner(4, None), inner(5, None)), (0, 0, 1));
        assert_eq!((inner(4, Some(0)), inner(5, Some(0)), inner(4, Some(1))), (0, 1, 1));
    }

    #[test]
    fn clamped_and_wrapped_indices_lie_inside() {
        let clamp = |b: &mut Builder, n: Value, index: Value| {
            let (zero, last) = (b.constant(0i64), plus(b, n, -1));
            let low = b.binary(Binary::Max, index, zero);
            b.binary(Binary::Min, low, last)
        };
        assert_eq!(
            checks(|b, n, x| gather(b, n, x, |b, i| {
                let next = plus(b, i, 7);
                clamp(b, n, next)
            })),
            0
        );
        // Nothing says that there is an element to clamp to.
        assert_eq!(
            checks(|b, n, x| {
                let at = clamp(b, n, n);
                read(b, x, at)
            }),
            1
        );
        assert_eq!(
            checks(|b, n, x| gather(b, n, x, |b, i| {
                let lhs = plus(b, i, -3);
                let check = Some(site(FaultKind::DivisionByZero, 0));
                b.single(Op::IntDiv { op: IntDiv::ModFloor, lhs, rhs: n, check }, Type::scalar(Scalar::I64))
            })),
            0
        );
    }

    #[test]
    fn conditions_and_checks_are_known() {
        let guarded = |op: Compare| {
            checks(move |b, n, x| {
                map(b, &[n], |b, i| {
                    let zero = b.constant(0i64);
                    let cond = b.compare(op, i[0], zero);
                    let then = b.block(vec![], |b, _| {
                        let before = plus(b, i[0], -1);
                        vec![read(b, x, before)]
                    });
                    let otherwise = b.block(vec![], |b, _| vec![b.constant(0.0f32)]);
                    b.single(Op::If { cond, then, otherwise }, Type::scalar(Scalar::F32))
                })
            })
        };
        assert_eq!((guarded(Compare::Gt), guarded(Compare::Ge), guarded(Compare::Ne)), (0, 1, 1));

        let checked = |least: i64| {
            checks(move |b, n, x| {
                let (zero, least) = (b.constant(0i64), b.constant(least));
                let cond = b.compare(Compare::Ge, n, least);
                b.inst(Op::Check { cond, site: site(FaultKind::NegativeSize, 0), values: vec![n] }, vec![]);
                read(b, x, zero)
            })
        };
        assert_eq!((checked(1), checked(0)), (0, 1));
    }

    #[test]
    fn a_loop_stays_in_its_range() {
        let summed = |from: i64, extra: i64| {
            checks(move |b, n, x| {
                let (start, end, init) = (b.constant(from), plus(b, n, extra), b.constant(0.0f32));
                let types = vec![Type::scalar(Scalar::I64), Type::scalar(Scalar::F32)];
                let body = b.block(types, |b, params| {
                    let value = read(b, x, params[0]);
                    vec![b.binary(Binary::Add, params[1], value)]
                });
                b.single(
                    Op::Loop { start, end, init: vec![init], cond: None, body },
                    Type::scalar(Scalar::F32),
                )
            })
        };
        assert_eq!((summed(0, 0), summed(2, -1), summed(-1, 0), summed(0, 1)), (0, 0, 1, 1));
    }

    #[test]
    fn a_clamp_that_does_nothing_is_gone() {
        let clamped = |offset: i64| {
            let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
                vec![gather(b, sizes[0], params[0], |b, i| {
                    let (zero, last, at) = (b.constant(0i64), plus(b, sizes[0], -1), plus(b, i, offset));
                    let low = b.binary(Binary::Max, at, zero);
                    b.binary(Binary::Min, low, last)
                })]
            });
            let text = after(kernel, &[SIMPLIFY, CSE, BOUNDS, DCE]);
            ["max", "min"].map(|op| text.contains(&format!("= {op} ")))
        };
        assert_eq!((clamped(-1), clamped(0), clamped(1)), ([true, false], [false; 2], [false, true]));
    }

    #[test]
    fn small_integers_keep_their_value_as_indices() {
        let bytes = |from: Scalar, bins: i64| {
            kernel(1, &[(from, &[0])], |b, sizes, params| {
                let extent = b.constant(bins);
                let table = map(b, &[extent], |b, i| b.convert(i[0], Scalar::F32));
                vec![map(b, sizes, |b, i| {
                    let byte = element(b, params[0], i);
                    let index = b.convert(byte, Scalar::I64);
                    read(b, table, index)
                })]
            })
        };
        let left = |from, bins| count(bytes(from, bins));
        assert_eq!((left(Scalar::U8, 256), left(Scalar::U8, 255), left(Scalar::I8, 256)), (0, 1, 1));
    }

    #[test]
    fn a_divisor_that_is_not_zero_needs_no_check() {
        let divided = |offset: i64| {
            kernel(1, &[(Scalar::F32, &[0])], |b, sizes, _| {
                let body = |b: &mut Builder, i: &[Value]| {
                    let rhs = plus(b, i[0], offset);
                    let check = Some(site(FaultKind::DivisionByZero, 0));
                    let op = Op::IntDiv { op: IntDiv::Div, lhs: sizes[0], rhs, check };
                    vec![b.single(op, Type::scalar(Scalar::I64))]
                };
                let ty = Type { scalar: Scalar::I64, shape: sizes.to_vec() };
                nest(b, sizes, vec![Sink::Map], vec![ty], body)
            })
        };
        assert_eq!((count(divided(1)), count(divided(0))), (0, 1));
    }

    #[test]
    fn comparisons_are_decided_in_types_that_do_not_wrap() {
        let decided = |scalar| {
            scalars(&[Scalar::U8], |b, params| {
                let wide = b.convert(params[0], scalar);
                let (one, limit) = (b.int(scalar, 1), b.int(scalar, 0));
                let sum = b.binary(Binary::Add, wide, one);
                vec![b.compare(Compare::Gt, sum, limit)]
            })
        };
        assert!(after(decided(Scalar::I16), &[BOUNDS]).contains("const true"));
        assert!(!after(decided(Scalar::U8), &[BOUNDS]).contains("const true"));
    }
}
