//! Currying: a nest over `i, j` that only a nest over `i` reads becomes a nest over `i` of nests over `j`.
//!
//! Then the two can merge, and the array of two dimensions is one row at a time. The outer dimensions may be any of the
//! producer's, in any order (`j` and then `i` for a reduction by columns), as long as every read agrees on them. Since
//! this changes at which element of the outermost nest something is evaluated, the producer must not be able to fault.

use crate::deadline::Deadline;
use crate::ir::{Block, Body, Inst, Nest, Op, Sink, Type, Value};
use crate::pass::effects::Faults;
use crate::pass::rewrite::{add_block, add_inst, set_params};
use std::collections::HashMap;

/// Curries nests of `block`; whether there were any.
pub(super) fn run(body: &mut Body, block: Block, deadline: &Deadline) -> bool {
    let mut is_changed = false;
    for (producer, consumer) in candidates(body, block) {
        if deadline.has_passed() {
            break;
        }
        if let Some(outer) = outer_dimensions(body, producer, consumer) {
            curry(body, producer, consumer, &outer);
            is_changed = true;
        }
    }
    is_changed
}

/// Nests of more than one dimension that cannot fault, each with the only instruction that uses its results.
fn candidates(body: &Body, block: Block) -> Vec<(Inst, Inst)> {
    let is_producer = |inst: &Inst| match &body.insts[*inst].op {
        Op::Nest(nest) => nest.dims.len() > 1 && nest.sinks.iter().all(|sink| matches!(sink, Sink::Map)),
        _ => false,
    };
    let mut producers = body.blocks[block].insts.clone();
    producers.retain(is_producer);
    if producers.is_empty() {
        return Vec::new();
    }
    let faults = Faults::within(body, block);
    let users = only_users(body, block, &producers);
    let user_of = |producer: Inst| users.get(&producer).copied().flatten();
    producers.retain(|producer| !faults.can_fault(*producer));
    producers.into_iter().filter_map(|producer| Some((producer, user_of(producer)?))).collect()
}

/// The one instruction of `block` that uses results of each of `producers`; `None` if there are more, or if it is the
/// block that uses them.
fn only_users(body: &Body, block: Block, producers: &[Inst]) -> HashMap<Inst, Option<Inst>> {
    let mut users: HashMap<Inst, Option<Inst>> = HashMap::new();
    let mut add = |value: Value, user: Option<Inst>| {
        if let Some(producer) = body.def(value).filter(|inst| producers.contains(inst)) {
            let known = users.entry(producer).or_insert(user);
            if *known != user {
                *known = None;
            }
        }
    };
    for inst in &body.blocks[block].insts {
        let op = &body.insts[*inst].op;
        op.for_each_operand(|value| add(value, Some(*inst)));
        op.for_each_block(|inner| body.for_each_use(inner, |value| add(value, Some(*inst))));
    }
    body.blocks[block].results.iter().for_each(|value| add(*value, None));
    users
}

/// For each dimension of `consumer` the dimension of `producer` that every read indexes with it.
fn outer_dimensions(body: &Body, producer: Inst, consumer: Inst) -> Option<Vec<usize>> {
    let (Op::Nest(from), Op::Nest(to)) = (&body.insts[producer].op, &body.insts[consumer].op) else {
        return None;
    };
    let reads = reads_of(body, producer, consumer)?;
    let indices = read_indices(body, *reads.first()?);
    let params = &body.blocks[to.body].params;
    let place = |param: &Value| indices[..from.dims.len()].iter().position(|index| index == param);
    let outer: Vec<usize> = params.iter().map(place).collect::<Option<_>>()?;
    let agree =
        |read: &Inst| outer.iter().zip(params).all(|(at, param)| read_indices(body, *read)[*at] == *param);
    let is_same_domain = outer.iter().zip(&to.dims).all(|(at, dim)| from.dims[*at] == *dim);
    (outer.len() < from.dims.len() && is_same_domain && reads.iter().all(agree)).then_some(outer)
}

/// The reads of results of `producer` in the body of `consumer`, if there is no other use of them.
fn reads_of(body: &Body, producer: Inst, consumer: Inst) -> Option<Vec<Inst>> {
    let results = &body.insts[producer].results;
    let Op::Nest(nest) = &body.insts[consumer].op else { return None };
    let mut reads = Vec::new();
    body.for_each_inst(nest.body, |inst| match &body.insts[inst].op {
        Op::Index { array, .. } if results.contains(array) => reads.push(inst),
        _ => {}
    });
    let mut uses = 0;
    let mut count = |value: Value| uses += usize::from(results.contains(&value));
    body.insts[consumer].op.for_each_operand(&mut count);
    body.insts[consumer].op.for_each_block(|block| body.for_each_use(block, &mut count));
    (uses == reads.len()).then_some(reads)
}

fn read_indices(body: &Body, read: Inst) -> &[Value] {
    match &body.insts[read].op {
        Op::Index { indices, .. } => indices,
        _ => &[],
    }
}

/// Makes `outer` the dimensions of `producer`, and the others those of a nest inside it.
fn curry(body: &mut Body, producer: Inst, consumer: Inst, outer: &[usize]) {
    let Op::Nest(nest) = body.insts[producer].op.clone() else { return };
    let inner: Vec<usize> = (0..nest.dims.len()).filter(|at| !outer.contains(at)).collect();
    let reads = reads_of(body, producer, consumer).unwrap_or_default();
    for read in reads {
        if let Op::Index { indices, .. } = &mut body.insts[read].op {
            permute(indices, outer, &inner);
        }
    }
    for result in body.insts[producer].results.clone() {
        permute(&mut body.values[result].ty.shape, outer, &inner);
    }
    let params = body.blocks[nest.body].params.clone();
    let pick =
        |values: &[Value], places: &[usize]| -> Vec<Value> { places.iter().map(|at| values[*at]).collect() };
    // The inner nest keeps the body, the parameters are shared out.
    let row = add_block(body, Vec::new());
    set_params(body, row, pick(&params, outer));
    set_params(body, nest.body, pick(&params, &inner));
    let types: Vec<Type> =
        body.insts[producer].results.iter().map(|result| row_type(body, *result, outer.len())).collect();
    let dims = pick(&nest.dims, &inner);
    let inner_nest =
        add_inst(body, Op::Nest(Nest { dims, body: nest.body, sinks: nest.sinks.clone() }), types);
    body.blocks[row].insts = vec![inner_nest];
    body.blocks[row].results = body.insts[inner_nest].results.clone();
    body.insts[producer].op = Op::Nest(Nest { dims: pick(&nest.dims, outer), body: row, sinks: nest.sinks });
}

/// The first items in a new order: those at `outer`, then those at `inner`; what follows stays.
fn permute(items: &mut Vec<Value>, outer: &[usize], inner: &[usize]) {
    let picked: Vec<Value> = outer.iter().chain(inner).map(|at| items[*at]).collect();
    items.splice(..picked.len(), picked);
}

/// The type of an element of `value` behind its first `depth` axes.
fn row_type(body: &Body, value: Value, depth: usize) -> Type {
    let ty = body.ty(value);
    Type { scalar: ty.scalar, shape: ty.shape[depth..].to_vec() }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{kernel, site};
    use crate::ir::{Binary, Builder, FaultKind, Kernel, Op, Site, Type, Value};
    use crate::pass::testing::{after, element, map, sum};
    use crate::pass::{DCE, FUSE};
    use pk_dsl::scalar::Scalar;

    /// Sums over the rows or columns of a matrix that a nest over all of it computes.
    fn sums(outer: usize, check: Option<Site>, is_result: bool) -> Kernel {
        kernel(2, &[(Scalar::F32, &[0, 1])], |b, sizes, params| {
            let powers = map(b, sizes, |b, index| {
                let op = Op::Index { array: params[0], indices: index.to_vec(), check };
                let value = b.single(op, Type::scalar(Scalar::F32));
                let square = b.binary(Binary::Mul, value, value);
                b.binary(Binary::Mul, square, value)
            });
            let total = map(b, &[sizes[outer]], |b, fixed| {
                sum(b, sizes[1 - outer], |b, moving| {
                    let at = if outer == 0 { [fixed[0], moving] } else { [moving, fixed[0]] };
                    element(b, powers, &at)
                })
            });
            if is_result { vec![total, powers] } else { vec![total] }
        })
    }

    #[test]
    fn a_matrix_reduced_by_rows_is_never_stored() {
        insta::assert_snapshot!(after(sums(0, None, false), &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [f32; v0, v1]) {
            v3: [f32; v0] = nest v0
                body(v4: i64) {
                    v5: f32 = const 0.0
                    v6: f32 = nest v1
                        body(v7: i64) {
                            v8: f32 = index v2[v4, v7]
                            v9: f32 = mul v8, v8
                            v10: f32 = mul v9, v8
                            give v10
                        }
                        reduce(interleaved) v5 by(v11: f32, v12: f32) {
                            v13: f32 = add v11, v12
                            give v13
                        }
                    give v6
                }
                map
            give v3
        }
        ");
    }

    #[test]
    fn a_matrix_reduced_by_columns_is_computed_by_columns() {
        insta::assert_snapshot!(after(sums(1, None, false), &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [f32; v0, v1]) {
            v3: [f32; v1] = nest v1
                body(v4: i64) {
                    v5: f32 = const 0.0
                    v6: f32 = nest v0
                        body(v7: i64) {
                            v8: f32 = index v2[v7, v4]
                            v9: f32 = mul v8, v8
                            v10: f32 = mul v9, v8
                            give v10
                        }
                        reduce(interleaved) v5 by(v11: f32, v12: f32) {
                            v13: f32 = add v11, v12
                            give v13
                        }
                    give v6
                }
                map
            give v3
        }
        ");
    }

    #[test]
    fn faults_keep_their_elements() {
        let faulting = sums(0, Some(site(FaultKind::OutOfBounds, 0)), false);
        let before = faulting.to_string();
        assert_eq!(after(faulting, &[FUSE]), before);
    }

    #[test]
    fn what_is_needed_as_a_whole_keeps_its_dimensions() {
        let needed = sums(0, None, true);
        let before = needed.to_string();
        assert_eq!(after(needed, &[FUSE]), before);
    }

    #[test]
    fn an_element_that_several_rows_need_is_computed_once() {
        let params: [(Scalar, &[usize]); 2] = [(Scalar::F32, &[0, 2]), (Scalar::F32, &[2, 1])];
        let product = kernel(3, &params, |b, sizes, params| {
            let cubed = |b: &mut Builder, array: Value, dims: [Value; 2]| {
                map(b, &dims, |b, index| {
                    let value = element(b, array, index);
                    let square = b.binary(Binary::Mul, value, value);
                    b.binary(Binary::Mul, square, value)
                })
            };
            let left = cubed(b, params[0], [sizes[0], sizes[2]]);
            let right = cubed(b, params[1], [sizes[2], sizes[1]]);
            vec![map(b, &sizes[..2], |b, index| {
                sum(b, sizes[2], |b, k| {
                    let (x, y) = (element(b, left, &[index[0], k]), element(b, right, &[k, index[1]]));
                    b.binary(Binary::Mul, x, y)
                })
            })]
        });
        let before = product.to_string();
        assert_eq!(after(product, &[FUSE]), before);
    }
}
