//! Compaction: arena entries that nothing refers to are dropped, the rest is renumbered in order of appearance.
//!
//! Passes drop instructions from blocks and leave them in the arenas; the last pass of the pipeline clears up, so that
//! tables indexed by value or instruction are small.

use super::rewrite::map_blocks;
use crate::deadline::Deadline;
use crate::ir::{Arena, Block, BlockData, Body, Def, Entity, Inst, InstData, Kernel, Value, ValueData};

/// Drops what is not reachable; whether there was any.
pub(super) fn run(kernel: &mut Kernel, _: &Deadline) -> bool {
    let body = &kernel.body;
    let numbers = Numbers::of(body);
    let is_changed = numbers.values.len() < body.values.len()
        || numbers.insts.len() < body.insts.len()
        || numbers.blocks.len() < body.blocks.len();
    if is_changed {
        kernel.body = numbers.renumber(body);
    }
    is_changed
}

/// The entities that are reachable, in their new order.
#[derive(Default)]
struct Numbers {
    values: Vec<Value>,
    insts: Vec<Inst>,
    blocks: Vec<Block>,
}

impl Numbers {
    fn of(body: &Body) -> Numbers {
        let mut numbers = Numbers::default();
        body.for_each_block(body.entry, |block| {
            let data = &body.blocks[block];
            numbers.blocks.push(block);
            numbers.values.extend(&data.params);
            for inst in &data.insts {
                numbers.insts.push(*inst);
                numbers.values.extend(&body.insts[*inst].results);
            }
        });
        numbers
    }

    fn renumber(&self, body: &Body) -> Body {
        let value = by_old_number(&self.values, body.values.len());
        let inst = by_old_number(&self.insts, body.insts.len());
        let block = by_old_number(&self.blocks, body.blocks.len());
        Body {
            values: collect(&self.values, |old| {
                let ValueData { mut ty, def } = body.values[old].clone();
                ty.shape.iter_mut().for_each(|extent| *extent = value(*extent));
                let def = match def {
                    Def::Result { inst: by, index } => Def::Result { inst: inst(by), index },
                    Def::Param { block: of, index } => Def::Param { block: block(of), index },
                };
                ValueData { ty, def }
            }),
            insts: collect(&self.insts, |old| {
                let InstData { mut op, results } = body.insts[old].clone();
                op.map_operands(&value);
                map_blocks(&mut op, &block);
                InstData { op, results: results.into_iter().map(&value).collect() }
            }),
            blocks: collect(&self.blocks, |old| {
                let BlockData { params, insts, results } = body.blocks[old].clone();
                BlockData {
                    params: params.into_iter().map(&value).collect(),
                    insts: insts.into_iter().map(&inst).collect(),
                    results: results.into_iter().map(&value).collect(),
                }
            }),
            entry: block(body.entry),
        }
    }
}

/// From old ids to new ones. What is unreachable keeps its number, which nothing asks for.
fn by_old_number<K: Entity>(reachable: &[K], len: usize) -> impl Fn(K) -> K {
    let mut numbers: Vec<K> = (0..len).map(K::from_index).collect();
    for (new, old) in reachable.iter().enumerate() {
        numbers[old.index()] = K::from_index(new);
    }
    move |old| numbers[old.index()]
}

fn collect<K: Entity, V>(reachable: &[K], item: impl Fn(K) -> V) -> Arena<K, V> {
    let mut arena = Arena::default();
    reachable.iter().for_each(|old| {
        arena.push(item(*old));
    });
    arena
}

#[cfg(test)]
mod tests {
    use super::{Deadline, run};
    use crate::ir::{Binary, Entity};
    use crate::pass::DCE;
    use crate::pass::testing::scalars;
    use pk_dsl::scalar::Scalar;

    #[test]
    fn what_is_left_is_numbered_without_gaps() {
        let mut kernel = scalars(&[Scalar::I64], |b, params| {
            let unused = b.block(vec![], |b, _| vec![b.binary(Binary::Add, params[0], params[0])]);
            assert_eq!(unused.index(), 1);
            let one = b.constant(1i64);
            b.binary(Binary::Sub, params[0], one);
            vec![b.binary(Binary::Mul, params[0], one)]
        });
        (DCE.run)(&mut kernel, &Deadline::default());
        let text = kernel.to_string();
        assert!(run(&mut kernel, &Deadline::default()));
        let body = &kernel.body;
        assert_eq!((body.values.len(), body.insts.len(), body.blocks.len()), (3, 2, 1));
        assert_eq!(kernel.to_string(), text);
        assert!(!run(&mut kernel, &Deadline::default()));
    }
}
