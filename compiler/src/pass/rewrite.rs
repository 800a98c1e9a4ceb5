//! What every rewriting pass does to a body: replace values, add instructions, copy blocks.
//!
//! Which rewriting is right is decided elsewhere.

use crate::ir::{
    Block, BlockData, Body, Def, Entity, Fold, Inst, InstData, Op, Sink, Type, Value, ValueData,
};
use pk_dsl::scalar::Scalar;
use std::collections::HashMap;

/// Values that stand for others, collected while a pass walks and applied once at its end, so that a pass costs one
/// sweep however much it finds.
#[derive(Debug, Default)]
pub(super) struct Replacements {
    by: HashMap<Value, Value>,
}

impl Replacements {
    /// From now on `new` stands for `old`.
    pub(super) fn insert(&mut self, old: Value, new: Value) {
        let new = self.get(new);
        debug_assert!(old != new, "{old} would stand for itself");
        self.by.insert(old, new);
    }

    /// From now on each of `new` stands for its partner in `old`.
    pub(super) fn insert_all(&mut self, old: &[Value], new: &[Value]) {
        debug_assert_eq!(old.len(), new.len());
        old.iter().zip(new).for_each(|(old, new)| self.insert(*old, *new));
    }

    /// What stands for `value`; itself if nothing else does.
    pub(super) fn get(&self, mut value: Value) -> Value {
        while let Some(&by) = self.by.get(&value) {
            value = by;
        }
        value
    }

    /// Replaces every use in `block` and in all blocks inside it.
    pub(super) fn apply_within(&self, body: &mut Body, block: Block) {
        if !self.by.is_empty() {
            replace_uses(body, block, |value| self.get(value));
        }
    }

    /// Replaces every use in `body`: operands, results of blocks, and extents in types.
    pub(super) fn apply(&self, body: &mut Body) {
        if self.by.is_empty() {
            return;
        }
        for inst in body.insts.keys() {
            body.insts[inst].op.map_operands(|value| self.get(value));
        }
        for block in body.blocks.keys() {
            body.blocks[block].results.iter_mut().for_each(|value| *value = self.get(*value));
        }
        for value in body.values.keys() {
            body.values[value].ty.shape.iter_mut().for_each(|extent| *extent = self.get(*extent));
        }
    }
}

/// Replaces each use of a value in `block` and in all blocks inside it by what `map` gives for it.
fn replace_uses(body: &mut Body, block: Block, map: impl Fn(Value) -> Value) {
    let mut blocks = Vec::new();
    body.for_each_block(block, |block| blocks.push(block));
    for block in blocks {
        let BlockData { params, insts, .. } = body.blocks[block].clone();
        for inst in &insts {
            body.insts[*inst].op.map_operands(&map);
        }
        let results = insts.iter().flat_map(|inst| body.insts[*inst].results.clone());
        let defined: Vec<Value> = params.into_iter().chain(results).collect();
        for value in defined {
            body.values[value].ty.shape.iter_mut().for_each(|extent| *extent = map(*extent));
        }
        body.blocks[block].results.iter_mut().for_each(|value| *value = map(*value));
    }
}

/// Adds an instruction to the arena, not to a block: where it goes is the caller's business.
pub(super) fn add_inst(body: &mut Body, op: Op, types: Vec<Type>) -> Inst {
    let inst = body.insts.push(InstData { op, results: Vec::new() });
    let results = types.into_iter().enumerate().map(|(index, ty)| {
        let def = Def::Result { inst, index: index as u32 };
        body.values.push(ValueData { ty, def })
    });
    body.insts[inst].results = results.collect();
    inst
}

/// Adds a scalar instruction to the arena; its result.
pub(super) fn add_scalar(body: &mut Body, op: Op, scalar: Scalar) -> (Inst, Value) {
    let inst = add_inst(body, op, vec![Type::scalar(scalar)]);
    (inst, body.insts[inst].results[0])
}

/// Gives `inst` these results, in order.
pub(super) fn set_results(body: &mut Body, inst: Inst, results: Vec<Value>) {
    for (index, &value) in results.iter().enumerate() {
        body.values[value].def = Def::Result { inst, index: index as u32 };
    }
    body.insts[inst].results = results;
}

/// Gives `block` these parameters, in order.
pub(super) fn set_params(body: &mut Body, block: Block, params: Vec<Value>) {
    for (index, &value) in params.iter().enumerate() {
        body.values[value].def = Def::Param { block, index: index as u32 };
    }
    body.blocks[block].params = params;
}

/// Adds an empty block with parameters of these types.
pub(super) fn add_block(body: &mut Body, params: Vec<Type>) -> Block {
    let block = body.blocks.push(BlockData::default());
    let params = params.into_iter().enumerate().map(|(index, ty)| {
        body.values.push(ValueData { ty, def: Def::Param { block, index: index as u32 } })
    });
    body.blocks[block].params = params.collect();
    block
}

/// Copies instructions with the blocks inside them, giving every copy new values.
#[derive(Debug, Default)]
pub(super) struct Copier {
    copies: HashMap<Value, Value>,
}

impl Copier {
    /// A copier that reads each of `old` as its partner in `new`.
    pub(super) fn new(old: &[Value], new: &[Value]) -> Copier {
        Copier { copies: old.iter().copied().zip(new.iter().copied()).collect() }
    }

    /// What stands for `value` in the copies.
    pub(super) fn get(&self, value: Value) -> Value {
        self.copies.get(&value).copied().unwrap_or(value)
    }

    /// Copies instructions; the copies stand in no block yet.
    pub(super) fn copy_insts(&mut self, body: &mut Body, insts: &[Inst]) -> Vec<Inst> {
        insts.iter().map(|inst| self.copy_inst(body, *inst)).collect()
    }

    /// Uses the copies in `block` and in all blocks inside it.
    pub(super) fn replace_uses(&self, body: &mut Body, block: Block) {
        if !self.copies.is_empty() {
            replace_uses(body, block, |value| self.get(value));
        }
    }

    fn copy_inst(&mut self, body: &mut Body, inst: Inst) -> Inst {
        let InstData { mut op, results } = body.insts[inst].clone();
        op.map_operands(|value| self.get(value));
        map_blocks(&mut op, |block| self.copy_block(body, block));
        let types = results.iter().map(|result| self.copy_type(body, *result)).collect();
        let copy = add_inst(body, op, types);
        self.copies.extend(results.into_iter().zip(body.insts[copy].results.iter().copied()));
        copy
    }

    fn copy_block(&mut self, body: &mut Body, block: Block) -> Block {
        let params = body.blocks[block].params.clone();
        let types = params.iter().map(|param| self.copy_type(body, *param)).collect();
        let copy = add_block(body, types);
        self.copies.extend(params.into_iter().zip(body.blocks[copy].params.iter().copied()));
        let insts = body.blocks[block].insts.clone();
        let insts = self.copy_insts(body, &insts);
        let results = body.blocks[block].results.iter().map(|result| self.get(*result)).collect();
        body.blocks[copy].insts = insts;
        body.blocks[copy].results = results;
        copy
    }

    fn copy_type(&self, body: &Body, value: Value) -> Type {
        let ty = body.ty(value);
        Type { scalar: ty.scalar, shape: ty.shape.iter().map(|extent| self.get(*extent)).collect() }
    }
}

/// Replaces each block that `op` owns by what `map` gives for it, in order of evaluation.
pub(super) fn map_blocks(op: &mut Op, mut map: impl FnMut(Block) -> Block) {
    let mut replace = |block: &mut Block| *block = map(*block);
    match op {
        Op::If { then, otherwise, .. } => [then, otherwise].into_iter().for_each(replace),
        Op::Loop { cond, body, .. } => cond.iter_mut().chain([body]).for_each(replace),
        Op::Nest(nest) => {
            replace(&mut nest.body);
            nest.sinks.iter_mut().filter_map(fold_mut).for_each(|fold| replace(&mut fold.op));
        }
        _ => {}
    }
}

fn fold_mut(sink: &mut Sink) -> Option<&mut Fold> {
    match sink {
        Sink::Map | Sink::Filter { .. } => None,
        Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } | Sink::ReduceByIndex { fold, .. } => Some(fold),
    }
}

/// A value for each entity of an arena; `default` where none was set. Grows as it is written.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    items: Vec<T>,
    default: T,
}

impl<T: Clone> Table<T> {
    /// A table in which everything is `default`.
    pub(super) fn new(default: T) -> Table<T> {
        Table { items: Vec::new(), default }
    }

    /// What stands for `key`.
    pub(super) fn get(&self, key: impl Entity) -> &T {
        self.items.get(key.index()).unwrap_or(&self.default)
    }

    /// What stands for `key`, to be changed.
    pub(super) fn get_mut(&mut self, key: impl Entity) -> &mut T {
        if key.index() >= self.items.len() {
            self.items.resize(key.index() + 1, self.default.clone());
        }
        &mut self.items[key.index()]
    }
}
