//! Merging: nests of one block over the same domain become one.
//!
//! A consumer merges with its producer if all it reads of it is the element of its own index; the read becomes the
//! result of the producer's body, and the array is dead unless something else reads it. Nests that do not depend on
//! each other merge if they have one dimension or read a common array, so that several reductions are one pass; but not
//! if one of them must run in sequence, which would slow the other down.

use super::graph::{Graph, Node, for_each_elementwise_read, mapped_results};
use crate::deadline::Deadline;
use crate::ir::{Block, BlockData, Body, Inst, Nest, Op, Sink, Value};
use crate::pass::effects::Faults;
use crate::pass::rewrite::{Replacements, set_results};
use std::collections::{HashMap, HashSet};

/// How many of the nests before it over the same domain a nest is tried with: keeps the work linear.
const WINDOW: usize = 8;

/// How many nests may become one: more would be one loop whose values no machine has registers for, and whose code
/// takes long to make.
const MOST_MEMBERS: usize = 64;

/// Merges nests of `block`; whether there were any.
pub(super) fn run(body: &mut Body, block: Block, deadline: &Deadline) -> bool {
    let nests = body.blocks[block].insts.iter().filter(|inst| as_nest(body, **inst).is_some()).count();
    if nests < 2 {
        return false;
    }
    let faults = Faults::within(body, block);
    let mut graph = Graph::new(body, block, &faults);
    find_groups(body, &mut graph, deadline);
    if deadline.has_passed() {
        return false;
    }
    let insts = graph.insts.clone();
    let order = graph.into_order();
    let is_changed = order.len() < insts.len();
    if is_changed {
        let groups = order.iter().map(|group| group.iter().map(|node| insts[*node]).collect::<Vec<_>>());
        body.blocks[block].insts = groups.map(|group| fuse(body, &group)).collect();
    }
    is_changed
}

fn as_nest(body: &Body, inst: Inst) -> Option<&Nest> {
    match &body.insts[inst].op {
        Op::Nest(nest) => Some(nest),
        _ => None,
    }
}

fn find_groups(body: &Body, graph: &mut Graph, deadline: &Deadline) {
    let mut by_domain: HashMap<Vec<Value>, Vec<Node>> = HashMap::new();
    for node in 0..graph.insts.len() {
        if deadline.has_passed() {
            return;
        }
        let Some(nest) = as_nest(body, graph.insts[node]) else { continue };
        let earlier = by_domain.entry(nest.dims.clone()).or_default();
        for candidate in earlier.iter().rev().take(WINDOW) {
            if is_worthwhile(body, graph, *candidate, node) {
                graph.merge(*candidate, node);
            }
        }
        // One node speaks for its group.
        earlier.retain(|other| !graph.group(node).contains(other));
        earlier.push(node);
    }
}

fn is_worthwhile(body: &Body, graph: &Graph, a: Node, b: Node) -> bool {
    if graph.group(a).len() + graph.group(b).len() > MOST_MEMBERS {
        return false;
    }
    if graph.are_linked(a, b) {
        return true;
    }
    let nests = |node| graph.group(node).iter().filter_map(|member| as_nest(body, graph.insts[*member]));
    if nests(a).chain(nests(b)).any(|nest| nest.sinks.iter().any(is_sequential)) {
        return false;
    }
    let is_flat = nests(a).all(|nest| nest.dims.len() == 1);
    is_flat || !arrays(body, nests(a)).is_disjoint(&arrays(body, nests(b)))
}

/// Whether elements pass through the sink one after another.
fn is_sequential(sink: &Sink) -> bool {
    matches!(sink, Sink::Scan { .. } | Sink::Filter { .. } | Sink::ReduceByIndex { .. })
}

/// The arrays that nests read.
fn arrays<'a>(body: &Body, nests: impl Iterator<Item = &'a Nest>) -> HashSet<Value> {
    let mut arrays = HashSet::new();
    for nest in nests {
        body.for_each_inst(nest.body, |inst| {
            if let Op::Index { array, .. } = &body.insts[inst].op {
                arrays.insert(*array);
            }
        });
    }
    arrays
}

/// One nest that does what all of `group` did, in order.
fn fuse(body: &mut Body, group: &[Inst]) -> Inst {
    let first = group[0];
    let Some(nest) = as_nest(body, first).filter(|_| group.len() > 1).cloned() else { return first };
    let mut fusion = Fusion {
        params: body.blocks[nest.body].params.clone(),
        block: BlockData::default(),
        sinks: Vec::new(),
        results: Vec::new(),
        elements: HashMap::new(),
        replacements: Replacements::default(),
    };
    group.iter().for_each(|inst| fusion.append(body, *inst));
    let Fusion { params, block, sinks, results, replacements, .. } = fusion;
    body.blocks[nest.body] = BlockData { params, ..block };
    set_results(body, first, results);
    replacements.apply_within(body, nest.body);
    body.insts[first].op = Op::Nest(Nest { sinks, ..nest });
    first
}

/// A nest in the making.
struct Fusion {
    params: Vec<Value>,
    block: BlockData,
    sinks: Vec<Sink>,
    results: Vec<Value>,
    /// Of each array that it maps, the element.
    elements: HashMap<Value, Value>,
    replacements: Replacements,
}

impl Fusion {
    /// Takes in the nest `inst`.
    fn append(&mut self, body: &mut Body, inst: Inst) {
        let Some(nest) = as_nest(body, inst).cloned() else { return };
        self.forward_reads(body, &nest);
        let BlockData { params, insts, results } = std::mem::take(&mut body.blocks[nest.body]);
        if params != self.params {
            self.replacements.insert_all(&params, &self.params);
        }
        for (array, element) in mapped_results(&nest, &body.insts[inst].results, &results) {
            self.elements.insert(array, element);
        }
        self.block.insts.extend(insts);
        self.block.results.extend(results);
        self.results.extend(&body.insts[inst].results);
        self.sinks.extend(nest.sinks);
    }

    /// Replaces what `consumer` reads of arrays mapped so far by their elements.
    fn forward_reads(&mut self, body: &mut Body, consumer: &Nest) {
        let mut reads = Vec::new();
        for_each_elementwise_read(body, consumer, |inst, array| {
            reads.extend(self.elements.get(&array).map(|element| (inst, *element)));
        });
        let mut gone = HashSet::new();
        for (inst, element) in reads {
            let Op::Index { array, indices, .. } = &mut body.insts[inst].op else { continue };
            indices.drain(..consumer.dims.len());
            match indices.is_empty() {
                // The element is an array, and this reads it.
                false => *array = element,
                true => {
                    self.replacements.insert(body.insts[inst].results[0], element);
                    gone.insert(inst);
                }
            }
        }
        if gone.is_empty() {
            return;
        }
        let mut blocks = Vec::new();
        body.for_each_block(consumer.body, |block| blocks.push(block));
        for block in blocks {
            body.blocks[block].insts.retain(|inst| !gone.contains(inst));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{fold, kernel, nest, read, site};
    use crate::ir::{Binary, Builder, Compare, FaultKind, Kernel, Op, Order, Sink, Type, Unary, Value};
    use crate::pass::testing::{after, element, map, sum};
    use crate::pass::{CSE, DCE, FUSE};
    use pk_dsl::scalar::Scalar;

    /// A kernel of `x: [f32; n]`.
    fn over_vector(build: impl FnOnce(&mut Builder, Value, Value) -> Vec<Value>) -> Kernel {
        kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| build(b, sizes[0], params[0]))
    }

    fn square(b: &mut Builder, size: Value, x: Value) -> Value {
        map(b, &[size], |b, index| {
            let value = element(b, x, index);
            let square = b.binary(Binary::Mul, value, value);
            let cube = b.binary(Binary::Mul, square, value);
            b.binary(Binary::Sub, cube, square)
        })
    }

    #[test]
    fn a_consumer_merges_with_its_producer_and_the_array_is_gone() {
        let dot = over_vector(|b, size, x| {
            let squares = square(b, size, x);
            vec![sum(b, size, |b, index| element(b, squares, &[index]))]
        });
        insta::assert_snapshot!(after(dot, &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: f32 = const 0.0
            v3: f32 = nest v0
                body(v4: i64) {
                    v5: f32 = index v1[v4]
                    v6: f32 = mul v5, v5
                    v7: f32 = mul v6, v5
                    v8: f32 = sub v7, v6
                    give v8
                }
                reduce(interleaved) v2 by(v9: f32, v10: f32) {
                    v11: f32 = add v9, v10
                    give v11
                }
            give v3
        }
        ");
    }

    #[test]
    fn reductions_over_one_domain_are_one_pass() {
        let moments = over_vector(|b, size, x| {
            let total = sum(b, size, |b, index| element(b, x, &[index]));
            let squares = sum(b, size, |b, index| {
                let value = element(b, x, &[index]);
                b.binary(Binary::Mul, value, value)
            });
            vec![total, squares]
        });
        insta::assert_snapshot!(after(moments, &[FUSE, CSE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: f32 = const 0.0
            v3: f32, v4: f32 = nest v0
                body(v5: i64) {
                    v6: f32 = index v1[v5]
                    v7: f32 = mul v6, v6
                    give v6, v7
                }
                reduce(interleaved) v2 by(v8: f32, v9: f32) {
                    v10: f32 = add v8, v9
                    give v10
                }
                reduce(interleaved) v2 by(v11: f32, v12: f32) {
                    v13: f32 = add v11, v12
                    give v13
                }
            give v3, v4
        }
        ");
    }

    #[test]
    fn hundreds_of_nests_are_not_one() {
        let sums = over_vector(|b, size, x| {
            let one = |b: &mut Builder| sum(b, size, |b, index| element(b, x, &[index]));
            let sums: Vec<Value> = (0..200).map(|_| one(b)).collect();
            sums.into_iter().reduce(|a, c| b.binary(Binary::Add, a, c)).into_iter().collect()
        });
        assert_eq!(after(sums, &[FUSE]).matches("= nest ").count(), 4);
    }

    #[test]
    fn what_needs_a_whole_reduction_stays_behind_it() {
        let normalized = over_vector(|b, size, x| {
            let total = sum(b, size, |b, index| element(b, x, &[index]));
            vec![map(b, &[size], |b, index| {
                let value = element(b, x, index);
                b.binary(Binary::Div, value, total)
            })]
        });
        let before = normalized.to_string();
        assert_eq!(after(normalized, &[FUSE]), before);
    }

    #[test]
    fn neighbours_are_no_elementwise_read() {
        let differences = over_vector(|b, size, x| {
            let squares = square(b, size, x);
            vec![map(b, &[size], |b, index| {
                let one = b.constant(1i64);
                let next = b.binary(Binary::Add, index[0], one);
                let (here, there) = (element(b, squares, index), read(b, squares, next));
                b.binary(Binary::Sub, there, here)
            })]
        });
        let before = differences.to_string();
        assert_eq!(after(differences, &[FUSE]), before);
    }

    #[test]
    fn what_stands_between_moves_out_of_the_way() {
        let between = over_vector(|b, size, x| {
            let squares = square(b, size, x);
            let zero = b.constant(0i64);
            let first = read(b, squares, zero);
            let one = b.constant(1.0f32);
            let shift = b.binary(Binary::Add, one, one);
            let total = sum(b, size, |b, index| {
                let value = element(b, squares, &[index]);
                b.binary(Binary::Add, value, shift)
            });
            vec![first, total]
        });
        insta::assert_snapshot!(after(between, &[FUSE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: i64 = const 0
            v3: f32 = const 1.0
            v4: f32 = add v3, v3
            v5: f32 = const 0.0
            v6: [f32; v0], v7: f32 = nest v0
                body(v8: i64) {
                    v9: f32 = index v1[v8]
                    v10: f32 = mul v9, v9
                    v11: f32 = mul v10, v9
                    v12: f32 = sub v11, v10
                    v13: f32 = add v12, v4
                    give v12, v13
                }
                map
                reduce(interleaved) v5 by(v14: f32, v15: f32) {
                    v16: f32 = add v14, v15
                    give v16
                }
            v17: f32 = index v6[v2] check s0
            give v17, v7
        }
        ");
    }

    #[test]
    fn nothing_that_can_fault_passes_a_check() {
        let build = |first_check| {
            over_vector(|b, size, x| {
                let reversed = map(b, &[size], |b, index| {
                    let mirrored = b.binary(Binary::Sub, size, index[0]);
                    let ty = Type::scalar(Scalar::F32);
                    b.single(Op::Index { array: x, indices: vec![mirrored], check: first_check }, ty)
                });
                let zero = b.constant(0i64);
                let cond = b.compare(Compare::Gt, size, zero);
                b.inst(
                    Op::Check { cond, site: site(FaultKind::NegativeSize, 0), values: vec![size] },
                    vec![],
                );
                vec![sum(b, size, |b, index| element(b, reversed, &[index]))]
            })
        };
        let faulting = build(Some(site(FaultKind::OutOfBounds, 0)));
        let before = faulting.to_string();
        assert_eq!(after(faulting, &[FUSE]), before);
        insta::assert_snapshot!(after(build(None), &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: i64 = const 0
            v3: bool = gt v0, v2
            check s16 unless v3 [v0]
            v4: f32 = const 0.0
            v5: f32 = nest v0
                body(v6: i64) {
                    v7: i64 = sub v0, v6
                    v8: f32 = index v1[v7]
                    give v8
                }
                reduce(interleaved) v4 by(v9: f32, v10: f32) {
                    v11: f32 = add v9, v10
                    give v11
                }
            give v5
        }
        ");
    }

    #[test]
    fn independent_matrices_merge_where_they_read_the_same() {
        let build = |shared: bool| {
            let params: [(Scalar, &[usize]); 2] = [(Scalar::F32, &[0, 1]), (Scalar::F32, &[0, 1])];
            kernel(2, &params, |b, sizes, params| {
                let arrays = if shared { [params[0]; 2] } else { [params[0], params[1]] };
                let negated = |b: &mut Builder, array| {
                    map(b, sizes, |b, index| {
                        let value = element(b, array, index);
                        b.unary(Unary::Neg, value)
                    })
                };
                arrays.map(|array| negated(b, array)).to_vec()
            })
        };
        let count = |text: String| text.matches("= nest").count();
        assert_eq!(count(after(build(true), &[FUSE])), 1);
        assert_eq!(count(after(build(false), &[FUSE])), 2);
    }

    #[test]
    fn a_filter_takes_its_producer_in_but_not_its_neighbours() {
        let positives = over_vector(|b, size, x| {
            let squares = square(b, size, x);
            let body = |b: &mut Builder, index: &[Value]| {
                let (value, zero) = (element(b, squares, index), b.constant(0.0f32));
                vec![b.compare(Compare::Gt, value, zero)]
            };
            let types = vec![Type::scalar(Scalar::I64)];
            let count = nest(b, &[size], vec![Sink::Filter { width: 0 }], types, body)[0];
            vec![count, sum(b, size, |b, index| element(b, x, &[index]))]
        });
        insta::assert_snapshot!(after(positives, &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: i64 = nest v0
                body(v3: i64) {
                    v4: f32 = index v1[v3]
                    v5: f32 = mul v4, v4
                    v6: f32 = mul v5, v4
                    v7: f32 = sub v6, v5
                    v8: f32 = const 0.0
                    v9: bool = gt v7, v8
                    give v9
                }
                filter(0)
            v10: f32 = const 0.0
            v11: f32 = nest v0
                body(v12: i64) {
                    v13: f32 = index v1[v12]
                    give v13
                }
                reduce(interleaved) v10 by(v14: f32, v15: f32) {
                    v16: f32 = add v14, v15
                    give v16
                }
            give v2, v11
        }
        ");
    }

    #[test]
    fn nests_of_a_row_merge_inside_the_nest_of_rows() {
        let rows = kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
            let total = map(b, &sizes[..1], |b, row| {
                let doubled = map(b, &sizes[1..], |b, column| {
                    let value = element(b, params[0], &[row[0], column[0]]);
                    let square = b.binary(Binary::Mul, value, value);
                    let cube = b.binary(Binary::Mul, square, value);
                    b.binary(Binary::Mul, cube, value)
                });
                sum(b, sizes[1], |b, column| element(b, doubled, &[column]))
            });
            vec![total]
        });
        insta::assert_snapshot!(after(rows, &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [f32; v0, v1]) {
            v3: [f32; v0] = nest v0
                body(v4: i64) {
                    v5: f32 = const 0.0
                    v6: f32 = nest v1
                        body(v7: i64) {
                            v8: f32 = index v2[v4, v7]
                            v9: f32 = mul v8, v8
                            v10: f32 = mul v9, v8
                            v11: f32 = mul v10, v8
                            give v11
                        }
                        reduce(interleaved) v5 by(v12: f32, v13: f32) {
                            v14: f32 = add v12, v13
                            give v14
                        }
                    give v6
                }
                map
            give v3
        }
        ");
    }

    #[test]
    fn inside_a_nest_two_faults_at_one_site_keep_their_order() {
        let build = |second_site| {
            kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
                let at = |b: &mut Builder, row: Value, column: Value, number| {
                    let check = Some(site(FaultKind::OutOfBounds, number));
                    let op = Op::Index { array: params[0], indices: vec![column, row], check };
                    b.single(op, Type::scalar(Scalar::F32))
                };
                vec![map(b, &sizes[..1], |b, row| {
                    let first = sum(b, sizes[1], |b, column| at(b, row[0], column, 0));
                    let second = sum(b, sizes[1], |b, column| at(b, row[0], column, second_site));
                    b.binary(Binary::Add, first, second)
                })]
            })
        };
        let nests = |kernel| after(kernel, &[FUSE]).matches("= nest").count();
        assert_eq!(nests(build(0)), 3);
        assert_eq!(nests(build(1)), 2);
    }

    #[test]
    fn several_kinds_of_sinks_share_a_nest() {
        let sinks = over_vector(|b, size, x| {
            let squares = square(b, size, x);
            let zero = b.constant(0.0f32);
            let scan = fold(b, Binary::Add, zero, Order::Ordered);
            let prefixes = nest(
                b,
                &[size],
                vec![Sink::Scan { fold: scan, exclusive: false }],
                vec![Type { scalar: Scalar::F32, shape: vec![size] }],
                |b, index| vec![element(b, squares, index)],
            );
            let total = sum(b, size, |b, index| element(b, squares, &[index]));
            vec![prefixes[0], total, squares]
        });
        insta::assert_snapshot!(after(sinks, &[FUSE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: f32 = const 0.0
            v3: f32 = const 0.0
            v4: [f32; v0], v5: [f32; v0], v6: f32 = nest v0
                body(v7: i64) {
                    v8: f32 = index v1[v7]
                    v9: f32 = mul v8, v8
                    v10: f32 = mul v9, v8
                    v11: f32 = sub v10, v9
                    give v11, v11, v11
                }
                map
                scan v2 by(v12: f32, v13: f32) {
                    v14: f32 = add v12, v13
                    give v14
                }
                reduce(interleaved) v3 by(v15: f32, v16: f32) {
                    v17: f32 = add v15, v16
                    give v17
                }
            give v5, v6, v4
        }
        ");
    }
}
