//! Inlining of cheap producers: an index range, a filled array, a conversion or a copy is computed where it is read.
//!
//! Such an array may be computed many times over, so there is a limit on its cost: [`MAX_COST`] is a read of memory and
//! one more operation, since the read of the array itself is saved. If the array must exist anyway, because something
//! else than reads uses it, only what needs no memory is worth computing again. A producer that can fault stays, and so
//! does a read that is not known to lie inside its array.

use crate::deadline::Deadline;
use crate::ir::{Block, Body, Inst, Op, Sink, Value};
use crate::pass::effects::{is_speculable, total_cost};
use crate::pass::rewrite::{Copier, Replacements};
use std::collections::{HashMap, HashSet};

/// What computing an element again may cost.
const MAX_COST: u32 = 5;

/// Inlines cheap producers everywhere; whether there were any.
pub(super) fn run(body: &mut Body, deadline: &Deadline) -> bool {
    let mut uses = Uses::of(body);
    let mut producers = Vec::new();
    body.for_each_inst(body.entry, |inst| match &body.insts[inst].op {
        Op::Nest(nest) if nest.sinks.iter().any(|sink| matches!(sink, Sink::Map)) => producers.push(inst),
        _ => {}
    });
    let mut replacements = Replacements::default();
    let mut is_changed = false;
    for producer in producers {
        if deadline.has_passed() {
            break;
        }
        for element in cheap_elements(body, &replacements, producer, &uses) {
            let reads = uses.reads.remove(&element.array).unwrap_or_default();
            is_changed |= !reads.is_empty();
            inline(body, &mut replacements, &element, &reads);
        }
    }
    replacements.apply(body);
    is_changed
}

/// How arrays are used.
struct Uses {
    /// Reads known to lie inside, and the blocks in which they stand.
    reads: HashMap<Value, Vec<(Block, Inst)>>,
    /// How often each value is used at all.
    counts: HashMap<Value, usize>,
}

impl Uses {
    fn of(body: &Body) -> Uses {
        let mut uses = Uses { reads: HashMap::new(), counts: HashMap::new() };
        body.for_each_use(body.entry, |value| {
            if body.ty(value).is_array() {
                *uses.counts.entry(value).or_default() += 1;
            }
        });
        body.for_each_block(body.entry, |block| {
            for inst in &body.blocks[block].insts {
                if let Op::Index { array, check: None, .. } = &body.insts[*inst].op {
                    uses.reads.entry(*array).or_default().push((block, *inst));
                }
            }
        });
        uses
    }

    fn are_all_reads(&self, array: Value) -> bool {
        self.reads.get(&array).map_or(0, Vec::len) == self.counts.get(&array).copied().unwrap_or(0)
    }
}

/// An array whose elements are cheap.
struct Element {
    array: Value,
    /// The indices of the element.
    params: Vec<Value>,
    /// What computes it.
    insts: Vec<Inst>,
    result: Value,
}

/// The results of `producer` that are worth inlining.
fn cheap_elements(body: &mut Body, replacements: &Replacements, producer: Inst, uses: &Uses) -> Vec<Element> {
    let Op::Nest(nest) = body.insts[producer].op.clone() else { return Vec::new() };
    // What has been inlined into this producer counts for its cost.
    replacements.apply_within(body, nest.body);
    let block = &body.blocks[nest.body];
    let mut elements = Vec::new();
    let (mut given, mut taken) = (0, 0);
    for sink in &nest.sinks {
        let (array, result) = (body.insts[producer].results.get(given), block.results[taken]);
        given += sink.gives();
        taken += sink.takes();
        let (Sink::Map, Some(array), false) = (sink, array, body.ty(result).is_array()) else { continue };
        let Some(insts) = slice(body, nest.body, result) else { continue };
        let needs_memory = insts.iter().any(|inst| matches!(body.insts[*inst].op, Op::Index { .. }));
        if total_cost(body, &insts) <= MAX_COST && (!needs_memory || uses.are_all_reads(*array)) {
            elements.push(Element { array: *array, params: block.params.clone(), insts, result });
        }
    }
    elements
}

/// The instructions of `block` that compute `result`, if none of them can fault and none owns blocks.
fn slice(body: &Body, block: Block, result: Value) -> Option<Vec<Inst>> {
    let mut needed = HashSet::from([result]);
    let mut insts = Vec::new();
    for inst in body.blocks[block].insts.iter().rev() {
        let data = &body.insts[*inst];
        if !data.results.iter().any(|value| needed.contains(value)) {
            continue;
        }
        if !is_speculable(body, *inst) && !matches!(data.op, Op::Index { check: None, .. }) {
            return None;
        }
        data.op.for_each_operand(|value| {
            needed.insert(value);
        });
        insts.push(*inst);
    }
    insts.reverse();
    Some(insts)
}

fn inline(body: &mut Body, replacements: &mut Replacements, element: &Element, reads: &[(Block, Inst)]) {
    let mut by_block: HashMap<Block, HashSet<Inst>> = HashMap::new();
    for (block, read) in reads {
        by_block.entry(*block).or_default().insert(*read);
    }
    let mut blocks: Vec<Block> = reads.iter().map(|(block, _)| *block).collect();
    blocks.dedup();
    for block in blocks {
        let Some(reads) = by_block.remove(&block) else { continue };
        let insts = std::mem::take(&mut body.blocks[block].insts);
        let mut out = Vec::with_capacity(insts.len() + reads.len());
        for inst in insts {
            match &body.insts[inst].op {
                Op::Index { indices, .. } if reads.contains(&inst) => {
                    let mut copier = Copier::new(&element.params, &indices.clone());
                    out.extend(copier.copy_insts(body, &element.insts));
                    replacements.insert(body.insts[inst].results[0], copier.get(element.result));
                }
                _ => out.push(inst),
            }
        }
        body.blocks[block].insts = out;
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{kernel, read};
    use crate::ir::{Binary, Builder, Kernel, Value};
    use crate::pass::testing::{after, element, map, sum};
    use crate::pass::{DCE, FUSE};
    use pk_dsl::scalar::Scalar;

    /// `[sum(produced[j] for j in 0..m) for i in 0..n]` for `x: [i32; m]`.
    fn read_by_all(
        is_checked: bool,
        is_result: bool,
        produce: impl FnOnce(&mut Builder, Value, Value) -> Value,
    ) -> Kernel {
        kernel(2, &[(Scalar::I32, &[1]), (Scalar::F32, &[0])], |b, sizes, params| {
            let produced = map(b, &sizes[1..], |b, index| produce(b, params[0], index[0]));
            let sums = map(b, &sizes[..1], |b, _| {
                sum(b, sizes[1], |b, at| match is_checked {
                    true => read(b, produced, at),
                    false => element(b, produced, &[at]),
                })
            });
            if is_result { vec![sums, produced] } else { vec![sums] }
        })
    }

    fn converted(b: &mut Builder, x: Value, index: Value) -> Value {
        let value = element(b, x, &[index]);
        b.convert(value, Scalar::F64)
    }

    #[test]
    fn an_index_range_is_never_stored() {
        insta::assert_snapshot!(after(read_by_all(false, false, |_, _, index| index), &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [i32; v1], v3: [f32; v0]) {
            v4: [i64; v0] = nest v0
                body(v5: i64) {
                    v6: i64 = const 0
                    v7: i64 = nest v1
                        body(v8: i64) {
                            give v8
                        }
                        reduce(interleaved) v6 by(v9: i64, v10: i64) {
                            v11: i64 = add v9, v10
                            give v11
                        }
                    give v7
                }
                map
            give v4
        }
        ");
    }

    #[test]
    fn a_conversion_is_done_where_it_is_read() {
        insta::assert_snapshot!(after(read_by_all(false, false, converted), &[FUSE, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [i32; v1], v3: [f32; v0]) {
            v4: [f64; v0] = nest v0
                body(v5: i64) {
                    v6: f64 = const 0.0
                    v7: f64 = nest v1
                        body(v8: i64) {
                            v9: i32 = index v2[v8]
                            v10: f64 = convert v9
                            give v10
                        }
                        reduce(interleaved) v6 by(v11: f64, v12: f64) {
                            v13: f64 = add v11, v12
                            give v13
                        }
                    give v7
                }
                map
            give v4
        }
        ");
    }

    #[test]
    fn what_is_stored_anyway_is_read() {
        let stored = read_by_all(false, true, converted);
        let before = stored.to_string();
        assert_eq!(after(stored, &[FUSE]), before);
    }

    #[test]
    fn a_read_that_may_miss_the_array_needs_the_array() {
        let checked = read_by_all(true, false, converted);
        let before = checked.to_string();
        assert_eq!(after(checked, &[FUSE]), before);
    }

    #[test]
    fn what_costs_more_than_a_read_is_computed_once() {
        let costly = read_by_all(false, false, |b, x, index| {
            let value = converted(b, x, index);
            b.binary(Binary::Div, value, value)
        });
        let before = costly.to_string();
        assert_eq!(after(costly, &[FUSE]), before);
    }
}
