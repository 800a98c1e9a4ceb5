//! Control flow of a group: branches become blends, loops run until the last element has left them.
//!
//! A mask says which elements are active. What must not be evaluated for the others (reads, checked divisions) gives the
//! group up unless all are active.

use super::{
    Group, Operand, analysis,
    pack::{Pack, VECTOR_BYTES, canonical_lane, vector_of},
};
use crate::{
    ir::{Block, InstData, Value as IrValue},
    math::{self, Routine},
};
use cranelift_codegen::ir::{InstBuilder, Type, Value, condcodes::IntCC, types};
use pk_dsl::scalar::Scalar;

impl<'a> Group<'_, 'a, '_> {
    /// Gives the group up if `cond` is not 0: from here on its elements are computed one by one.
    pub(super) fn bail_if(&mut self, cond: Value) {
        let bail = match self.bail {
            Some(bail) => bail,
            None => *self.bail.insert(self.e.builder.create_block()),
        };
        let go_on = self.e.builder.create_block();
        self.e.builder.ins().brif(cond, bail, &[], go_on, &[]);
        self.e.builder.switch_to_block(go_on);
    }

    /// Gives the group up unless all of its elements are active.
    pub(super) fn require_all_active(&mut self) {
        if let Some(active) = self.active.clone() {
            let is_partial = self.any_not(&active);
            self.bail_if(is_partial);
        }
    }

    /// Emits a library function in place of its call.
    pub(super) fn call(&mut self, routine: Routine, args: &[IrValue]) -> Vec<Pack> {
        let args: Vec<Pack> = args.iter().map(|arg| self.pack(*arg)).collect();
        let definition = math::definition(routine);
        let forms = std::mem::take(&mut self.forms);
        let values = std::mem::replace(&mut self.e.values, vec![None; definition.values.len()]);
        let caller = std::mem::replace(&mut self.e.body, definition);
        let was_in_routine = std::mem::replace(&mut self.e.is_in_routine, true);
        let top = std::mem::replace(&mut self.top, definition.entry);
        let results = self.block_with(definition.entry, args);
        let results: Vec<Pack> = results.iter().map(|result| self.pack(*result)).collect();
        self.e.body = caller;
        self.e.values = values;
        self.e.is_in_routine = was_in_routine;
        self.forms = forms;
        self.top = top;
        results
    }

    pub(super) fn if_inst(&mut self, data: &'a InstData, cond: IrValue, arms: [Block; 2]) -> Vec<Pack> {
        match self.operand(cond) {
            Operand::Pack(mask) => self.masked_if(data, &mask, arms),
            _ => {
                let cond = self.e.value(cond);
                self.uniform_if(data, cond, arms)
            }
        }
    }

    /// All elements take one way.
    fn uniform_if(&mut self, data: &'a InstData, cond: Value, arms: [Block; 2]) -> Vec<Pack> {
        let shape = self.pack_shape(&data.results);
        let [then, otherwise] = arms.map(|_| self.e.builder.create_block());
        let (merge, params) = self.e.block_with_params(&flat_types(&shape));
        self.e.builder.ins().brif(cond, then, &[], otherwise, &[]);
        for (entry, arm) in [(then, arms[0]), (otherwise, arms[1])] {
            self.e.builder.switch_to_block(entry);
            let values = self.arm(arm);
            self.e.jump(merge, &values);
        }
        self.e.builder.switch_to_block(merge);
        unflatten(&shape, &params)
    }

    /// The results of an arm in the form that merges take.
    fn arm(&mut self, block: Block) -> Vec<Value> {
        self.guards += 1;
        let results = self.block(block);
        let results: Vec<Pack> = results.iter().map(|result| self.canonical(*result)).collect();
        self.guards -= 1;
        flatten(&results)
    }

    fn masked_if(&mut self, data: &'a InstData, mask: &Pack, arms: [Block; 2]) -> Vec<Pack> {
        let negated = self.negated(mask);
        let [then, otherwise] = [(mask, arms[0]), (&negated, arms[1])].map(|(mask, arm)| {
            if analysis::is_simple(self.e.body, arm) {
                let results = self.block(arm);
                return results.iter().map(|result| self.canonical(*result)).collect();
            }
            self.guarded_arm(data, mask, arm)
        });
        let pairs = then.iter().zip(&otherwise);
        pairs.map(|(a, b): (&Pack, &Pack)| self.blend(mask, a, b)).collect()
    }

    /// An arm that is evaluated only if an element takes it; zeros otherwise.
    fn guarded_arm(&mut self, data: &'a InstData, mask: &Pack, arm: Block) -> Vec<Pack> {
        let active = match self.active.clone() {
            Some(outer) => self.both(outer, mask.clone()),
            None => mask.clone(),
        };
        let is_taken = self.any(&active);
        let shape = self.pack_shape(&data.results);
        if self.e.is_in_routine {
            // Library functions branch for rare arguments only.
            self.bail_if(is_taken);
            return self.zeros(&shape);
        }
        let [inside, outside] = [0; 2].map(|_| self.e.builder.create_block());
        let (merge, params) = self.e.block_with_params(&flat_types(&shape));
        self.e.builder.ins().brif(is_taken, inside, &[], outside, &[]);
        self.e.builder.switch_to_block(outside);
        let zeros = self.zeros(&shape);
        self.e.jump(merge, &flatten(&zeros));
        self.e.builder.switch_to_block(inside);
        let outer = self.active.replace(active);
        let values = self.arm(arm);
        self.active = outer;
        self.e.jump(merge, &values);
        self.e.builder.switch_to_block(merge);
        unflatten(&shape, &params)
    }

    /// A loop that ends when no element goes on. Elements that have left it keep their values, if anybody asks for them.
    pub(super) fn loop_inst(
        &mut self,
        [start, end]: [Value; 2],
        init: &[IrValue],
        (cond, body): (Option<Block>, Block),
        is_used: &[bool],
    ) -> Vec<Pack> {
        let mut state: Vec<Pack> = init.iter().map(|value| self.canonical(*value)).collect();
        let outer = self.active.clone();
        if cond.is_some() {
            let all = self.constant_mask(self.mask_bytes, true);
            state.push(outer.as_ref().map_or(all, |outer| self.mask_as(outer, self.mask_bytes)));
        }
        let shape: Vec<(Type, usize)> = state.iter().map(|pack| (pack.lane, pack.parts.len())).collect();
        let types = [&[types::I64], &flat_types(&shape)[..]].concat();
        let (head, params) = self.e.block_with_params(&types);
        let [tested, inside, exit] = [0; 3].map(|_| self.e.builder.create_block());
        self.e.jump(head, &[&[start], &flatten(&state)[..]].concat());
        self.e.builder.switch_to_block(head);
        self.guards += 1;
        let (index, packs) = (params[0], unflatten(&shape, &params[1..]));
        let (carried, active) = packs.split_at(init.len());
        let in_range = self.e.icmp(IntCC::SignedLessThan, index, end);
        self.e.builder.ins().brif(in_range, tested, &[], exit, &[]);
        self.e.builder.switch_to_block(tested);
        let active = match (cond, active.first()) {
            (Some(cond), Some(active)) => {
                let active = self.still_active(cond, index, carried, active);
                let is_any = self.any(&active);
                self.e.builder.ins().brif(is_any, inside, &[], exit, &[]);
                self.e.builder.switch_to_block(inside);
                Some(active)
            }
            _ => None,
        };
        if !self.e.is_in_routine {
            self.e.poll();
        }
        let mut next = self.loop_step(body, index, carried, active.as_ref(), is_used);
        next.extend(active);
        let index = self.e.builder.ins().iadd_imm_s(index, 1);
        self.e.jump(head, &[&[index], &flatten(&next)[..]].concat());
        self.e.builder.switch_to_block(exit);
        self.guards -= 1;
        self.active = outer;
        carried.to_vec()
    }

    fn still_active(&mut self, cond: Block, index: Value, carried: &[Pack], active: &Pack) -> Pack {
        self.active = Some(active.clone());
        let results = self.loop_block(cond, index, carried);
        let goes_on = self.pack(results[0]);
        let both = self.both(active.clone(), goes_on);
        self.mask_as(&both, self.mask_bytes)
    }

    /// The carried values after a step; `active` are the elements that take it, all if `None`.
    fn loop_step(
        &mut self,
        body: Block,
        index: Value,
        carried: &[Pack],
        active: Option<&Pack>,
        is_used: &[bool],
    ) -> Vec<Pack> {
        if active.is_some() {
            self.active = active.cloned();
        }
        let results = self.loop_block(body, index, carried);
        let mut next = Vec::new();
        for ((result, before), is_used) in results.iter().zip(carried).zip(is_used) {
            let after = self.canonical(*result);
            next.push(match active {
                Some(active) if *is_used => self.blend(active, &after, before),
                _ => after,
            });
        }
        next
    }

    /// Emits a block of a loop; its first parameter is the index, which is one for all elements.
    fn loop_block(&mut self, block: Block, index: Value, carried: &[Pack]) -> Vec<IrValue> {
        let body = self.e.body;
        let params = &body.blocks[block].params;
        self.e.define(params[0], index);
        params[1..].iter().zip(carried).for_each(|(param, pack)| self.set(*param, pack.clone()));
        self.block(block)
    }

    /// The form of a value where ways meet: a pack, a `bool` of one width.
    pub(super) fn canonical(&mut self, value: IrValue) -> Pack {
        let pack = self.pack(value);
        match self.e.body.scalar(value) {
            Scalar::Bool => self.mask_as(&pack, self.mask_bytes),
            _ => pack,
        }
    }

    /// Lane type and number of parts of each of `values` in canonical form.
    fn pack_shape(&self, values: &[IrValue]) -> Vec<(Type, usize)> {
        let shape = values.iter().map(|value| {
            let lane = canonical_lane(self.e.body.scalar(*value), self.mask_bytes);
            (lane, (self.size * lane.bytes() / VECTOR_BYTES) as usize)
        });
        shape.collect()
    }

    fn zeros(&mut self, shape: &[(Type, usize)]) -> Vec<Pack> {
        shape.iter().map(|(lane, _)| self.constant_pack(*lane, 0)).collect()
    }
}

pub(super) fn flat_types(shape: &[(Type, usize)]) -> Vec<Type> {
    shape.iter().flat_map(|(lane, count)| vec![vector_of(*lane); *count]).collect()
}

pub(super) fn flatten(packs: &[Pack]) -> Vec<Value> {
    packs.iter().flat_map(|pack| pack.parts.iter().copied()).collect()
}

pub(super) fn unflatten(shape: &[(Type, usize)], values: &[Value]) -> Vec<Pack> {
    let mut rest = values;
    let mut packs = Vec::new();
    for (lane, count) in shape {
        let (parts, others) = rest.split_at(*count);
        packs.push(Pack { lane: *lane, parts: parts.to_vec() });
        rest = others;
    }
    packs
}
