//! Hoisting: what is the same for every element of a nest, or every step of a loop, is computed once, before it.
//!
//! Moved are scalar operations that may be evaluated where the source does not (the nest may have no elements), and
//! whole nests if they cannot fault and all they read lies inside its array whatever surrounds them. Constants stay,
//! and are copied to where a hoisted instruction needs them: carried in from outside they would cost a register.

use super::effects::{Faults, is_nonzero_constant, is_speculable};
use super::rewrite::{Copier, Table};
use crate::deadline::Deadline;
use crate::ir::{Block, Body, Def, Inst, Kernel, Nest, Op, Value};
use std::collections::HashMap;

/// Hoists out of nests, folds and loops; whether anything changed.
pub(super) fn run(kernel: &mut Kernel, deadline: &Deadline) -> bool {
    let faults = Faults::new(&kernel.body);
    let entry = kernel.body.entry;
    let homes = homes(&kernel.body);
    let mut hoister = Hoister { body: &mut kernel.body, deadline, faults, homes, is_changed: false };
    hoister.block(entry);
    hoister.is_changed
}

/// The block in which each value is defined.
fn homes(body: &Body) -> Table<Option<Block>> {
    let mut homes = Table::new(None);
    body.for_each_block(body.entry, |block| {
        let data = &body.blocks[block];
        let results = data.insts.iter().flat_map(|inst| &body.insts[*inst].results);
        data.params.iter().chain(results).for_each(|value| *homes.get_mut(*value) = Some(block));
    });
    homes
}

struct Hoister<'a> {
    body: &'a mut Body,
    deadline: &'a Deadline,
    faults: Faults,
    homes: Table<Option<Block>>,
    is_changed: bool,
}

impl Hoister<'_> {
    fn block(&mut self, block: Block) {
        let insts = std::mem::take(&mut self.body.blocks[block].insts);
        let mut out = Vec::with_capacity(insts.len());
        for inst in insts {
            if self.deadline.has_passed() {
                return;
            }
            let mut inner = Vec::new();
            self.body.insts[inst].op.for_each_block(|block| inner.push(block));
            let is_repeated = !matches!(self.body.insts[inst].op, Op::If { .. });
            for from in inner {
                // Inside out: what leaves an inner nest may leave this one too.
                self.block(from);
                if is_repeated {
                    self.hoist(from, block, &mut out);
                }
            }
            out.push(inst);
        }
        self.body.blocks[block].insts = out;
    }

    /// Moves what does not depend on anything in `from` to the end of `out`, which is the beginning of `to`.
    fn hoist(&mut self, from: Block, to: Block, out: &mut Vec<Inst>) {
        let insts = std::mem::take(&mut self.body.blocks[from].insts);
        let mut stay = Vec::with_capacity(insts.len());
        for inst in insts {
            match self.operands_from_outside(inst, from) {
                Some(constants) if self.is_movable(inst) => {
                    self.move_to(inst, &constants, to, out);
                    self.is_changed = true;
                }
                _ => stay.push(inst),
            }
        }
        self.body.blocks[from].insts = stay;
    }

    /// The constants of `block` that `inst` uses, if it uses nothing else of `block`.
    fn operands_from_outside(&self, inst: Inst, block: Block) -> Option<Vec<Value>> {
        let mut constants = Vec::new();
        let mut is_outside = true;
        let mut visit = |value: Value| {
            if *self.homes.get(value) != Some(block) {
                return;
            }
            match self.body.constant(value) {
                Some(_) => constants.push(value),
                None => is_outside = false,
            }
        };
        self.body.insts[inst].op.for_each_operand(&mut visit);
        let mut inner = Vec::new();
        self.body.insts[inst].op.for_each_block(|block| inner.push(block));
        inner.into_iter().for_each(|block| self.body.for_each_use(block, &mut visit));
        is_outside.then_some(constants)
    }

    fn is_movable(&self, inst: Inst) -> bool {
        match &self.body.insts[inst].op {
            Op::Const(_) => false,
            Op::Nest(nest) => !self.faults.can_fault(inst) && is_safe_anywhere(self.body, inst, nest),
            _ => is_speculable(self.body, inst),
        }
    }

    fn move_to(&mut self, inst: Inst, constants: &[Value], to: Block, out: &mut Vec<Inst>) {
        let defs: Vec<Inst> = constants.iter().filter_map(|value| self.body.def(*value)).collect();
        let mut copier = Copier::default();
        let copies = copier.copy_insts(self.body, &defs);
        let mut blocks = Vec::new();
        self.body.insts[inst].op.for_each_block(|block| blocks.push(block));
        self.body.insts[inst].op.map_operands(|value| copier.get(value));
        for block in blocks {
            copier.replace_uses(self.body, block);
        }
        let results = copies.iter().chain([&inst]).flat_map(|inst| self.body.insts[*inst].results.clone());
        results.collect::<Vec<_>>().into_iter().for_each(|value| *self.homes.get_mut(value) = Some(to));
        out.extend(copies);
        out.push(inst);
    }
}

/// Whether all that `inst`, the nest `nest`, reads and divides needs no knowledge about what surrounds it.
fn is_safe_anywhere(body: &Body, inst: Inst, nest: &Nest) -> bool {
    let mut dims = HashMap::from([(nest.body, nest.dims.clone())]);
    let mut is_safe = true;
    let mut visit = |inner: Inst| match &body.insts[inner].op {
        Op::Nest(nest) => {
            dims.insert(nest.body, nest.dims.clone());
        }
        Op::Index { array, indices, .. } => {
            let extents = &body.ty(*array).shape;
            is_safe &= indices.iter().zip(extents).all(|(index, extent)| match body.values[*index].def {
                Def::Param { block, index } => {
                    dims.get(&block).is_some_and(|dims| dims[index as usize] == *extent)
                }
                Def::Result { .. } => false,
            });
        }
        Op::IntDiv { rhs, .. } => is_safe &= is_nonzero_constant(body, *rhs),
        _ => {}
    };
    let mut blocks = Vec::new();
    body.insts[inst].op.for_each_block(|block| blocks.push(block));
    blocks.into_iter().for_each(|block| body.for_each_inst(block, &mut visit));
    is_safe
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{kernel, read};
    use crate::ir::{Binary, Builder, Compare, Kernel, Op, Type, Value};
    use crate::pass::testing::{after, element, map, sum};
    use crate::pass::{DCE, HOIST};
    use pk_dsl::scalar::Scalar;

    /// `[build(i) for i in 0..n]` for `x: [f32; n], y: [f32; m], f: f32`.
    fn over_vector(build: impl FnOnce(&mut Builder, [Value; 2], &[Value], Value) -> Value) -> Kernel {
        let params: [(Scalar, &[usize]); 3] = [(Scalar::F32, &[0]), (Scalar::F32, &[1]), (Scalar::F32, &[])];
        kernel(2, &params, |b, sizes, params| {
            vec![map(b, &sizes[..1], |b, i| build(b, [sizes[0], sizes[1]], params, i[0]))]
        })
    }

    fn stays(kernel: Kernel) -> bool {
        let before = kernel.to_string();
        after(kernel, &[HOIST]) == before
    }

    #[test]
    fn scalars_that_no_index_changes_move_out_with_their_constants() {
        let scaled = over_vector(|b, sizes, params, i| {
            let (half, size) = (b.constant(0.5f32), b.convert(sizes[0], Scalar::F32));
            let factor = b.binary(Binary::Mul, size, half);
            let value = element(b, params[0], &[i]);
            b.binary(Binary::Mul, value, factor)
        });
        insta::assert_snapshot!(after(scaled, &[HOIST, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [f32; v0], v3: [f32; v1], v4: f32) {
            v5: f32 = convert v0
            v6: f32 = const 0.5
            v7: f32 = mul v5, v6
            v8: [f32; v0] = nest v0
                body(v9: i64) {
                    v10: f32 = index v2[v9]
                    v11: f32 = mul v10, v7
                    give v11
                }
                map
            give v8
        }
        ");
    }

    #[test]
    fn a_reduction_of_everything_runs_once() {
        let normalized = over_vector(|b, sizes, params, i| {
            let total = sum(b, sizes[1], |b, j| element(b, params[1], &[j]));
            let value = element(b, params[0], &[i]);
            b.binary(Binary::Div, value, total)
        });
        insta::assert_snapshot!(after(normalized, &[HOIST, DCE]), @"
        kernel test(v0: i64, v1: i64, v2: [f32; v0], v3: [f32; v1], v4: f32) {
            v5: f32 = const 0.0
            v6: f32 = nest v1
                body(v7: i64) {
                    v8: f32 = index v3[v7]
                    give v8
                }
                reduce(interleaved) v5 by(v9: f32, v10: f32) {
                    v11: f32 = add v9, v10
                    give v11
                }
            v12: [f32; v0] = nest v0
                body(v13: i64) {
                    v14: f32 = index v2[v13]
                    v15: f32 = div v14, v6
                    give v15
                }
                map
            give v12
        }
        ");
    }

    #[test]
    fn what_can_fault_stays() {
        assert!(stays(over_vector(|b, sizes, params, _| read(b, params[1], sizes[0]))));
    }

    #[test]
    fn what_relies_on_where_it_stands_stays() {
        // That the array has a first element is known only inside.
        assert!(stays(over_vector(|b, _, params, _| {
            let zero = b.constant(0i64);
            element(b, params[0], &[zero])
        })));
        assert!(stays(over_vector(|b, sizes, params, i| {
            let zero = b.constant(0i64);
            let first = sum(b, sizes[1], |b, _| element(b, params[0], &[zero]));
            let value = element(b, params[0], &[i]);
            b.binary(Binary::Div, value, first)
        })));
    }

    #[test]
    fn what_is_done_in_one_arm_stays_in_it() {
        assert!(stays(over_vector(|b, sizes, params, i| {
            let cond = b.compare(Compare::Eq, i, sizes[1]);
            let then = b.block(vec![], |b, _| vec![sum(b, sizes[1], |b, j| element(b, params[1], &[j]))]);
            let otherwise = b.block(vec![], |_, _| vec![params[2]]);
            b.single(Op::If { cond, then, otherwise }, Type::scalar(Scalar::F32))
        })));
    }
}
