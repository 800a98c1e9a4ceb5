//! Blocks and instructions: the dispatch over all operations.

use super::emitter::{Emitter, lane_type};
use crate::{
    ir::{Block, Body, Entity, Inst, InstData, IntDiv, Op, Site, Value as IrValue},
    math::{self, Routine},
    plan::{Home, Stop},
};
use cranelift_codegen::ir::{InstBuilder, Type, Value, condcodes::IntCC, types};

impl<'a> Emitter<'a, '_> {
    /// Emits the instructions of `block`, whose parameters are defined; gives its results.
    pub(super) fn block(&mut self, block: Block) -> Vec<Value> {
        let data = &self.body.blocks[block];
        data.insts.iter().for_each(|inst| self.inst(*inst));
        self.all(&data.results)
    }

    /// Emits `block` with `args` for its parameters.
    pub(super) fn block_with(&mut self, block: Block, args: &[Value]) -> Vec<Value> {
        let params = &self.body.blocks[block].params;
        params.iter().zip(args).for_each(|(param, arg)| self.define(*param, *arg));
        self.block(block)
    }

    /// Emits an instruction.
    pub(super) fn inst(&mut self, inst: Inst) {
        let body: &'a Body = self.body;
        let data = &body.insts[inst];
        let single = match &data.op {
            Op::Const(constant) => self.constant(*constant),
            Op::Unary(op, a) => {
                let x = self.value(*a);
                self.unary(*op, body.scalar(*a), x)
            }
            Op::Binary(op, a, b) => {
                let (x, y) = (self.value(*a), self.value(*b));
                self.binary(*op, body.scalar(*a), x, y)
            }
            Op::Compare(op, a, b) => {
                let (x, y) = (self.value(*a), self.value(*b));
                self.compare(*op, body.scalar(*a), x, y)
            }
            Op::Fma(a, b, c) => {
                let (x, y, z) = (self.value(*a), self.value(*b), self.value(*c));
                self.fma(body.scalar(*a), x, y, z)
            }
            Op::Select(cond, a, b) => {
                let (cond, x, y) = (self.value(*cond), self.value(*a), self.value(*b));
                self.builder.ins().select(cond, x, y)
            }
            Op::Convert(a) => {
                let x = self.value(*a);
                self.convert(body.scalar(*a), body.scalar(data.results[0]), x)
            }
            Op::Bits(a) => {
                let x = self.value(*a);
                self.reinterpret(body.scalar(*a), body.scalar(data.results[0]), x)
            }
            Op::IntDiv { op, lhs, rhs, check } => self.checked_int_div(*op, *lhs, *rhs, *check),
            Op::Index { array, indices, check } => self.index(*array, indices, *check),
            Op::Array(items) => self.array(data.results[0], items),
            Op::Call { routine, args } => {
                let results = self.call(*routine, args);
                return self.define_all(&data.results, results);
            }
            Op::If { cond, then, otherwise } => {
                let results = self.if_inst(data, *cond, *then, *otherwise);
                return self.define_all(&data.results, results);
            }
            Op::Loop { start, end, init, cond, body } => {
                let blocks = LoopBlocks { cond: *cond, body: *body };
                let results = self.loop_inst(data, [*start, *end], init, blocks);
                return self.define_all(&data.results, results);
            }
            Op::Nest(nest) => {
                let results = self.inner_nest(inst, nest);
                return self.define_all(&data.results, results);
            }
            Op::Check { cond, site, values } => return self.check(*cond, *site, values),
        };
        self.define(data.results[0], single);
    }

    fn define_all(&mut self, values: &[IrValue], codes: Vec<Value>) {
        values.iter().zip(codes).for_each(|(value, code)| self.define(*value, code));
    }

    fn checked_int_div(&mut self, op: IntDiv, lhs: IrValue, rhs: IrValue, check: Option<Site>) -> Value {
        let (x, y) = (self.value(lhs), self.value(rhs));
        if let Some(site) = check {
            let is_zero = self.icmp_zero(y);
            self.fault_if(is_zero, site, |e| (e.int(0), e.int(0)));
        }
        self.int_div(op, self.body.scalar(lhs), x, y, self.body.constant(rhs))
    }

    fn check(&mut self, cond: IrValue, site: Site, values: &[IrValue]) {
        let cond = self.value(cond);
        let (details, zero) = (self.all(values), self.int(0));
        let detail = |at: usize| details.get(at).copied().unwrap_or(zero);
        let fails = self.icmp_zero(cond);
        self.if_rarely(fails, |e| {
            e.record_fault(site, (detail(0), detail(1)));
            e.stop(Stop::Check);
        });
    }

    /// 1 where the integer `x` is 0, else 0.
    pub(super) fn icmp_zero(&mut self, x: Value) -> Value {
        self.builder.ins().icmp_imm_u(IntCC::Equal, x, 0)
    }

    fn array(&mut self, result: IrValue, items: &[IrValue]) -> Value {
        let items = self.all(items);
        let scalar = self.body.scalar(result);
        let place = self.place_or_null(result);
        for (position, item) in items.into_iter().enumerate() {
            let position = self.int(position as i64);
            let address = self.element_address(scalar, place, position);
            self.store(item, address);
        }
        place
    }

    /// The memory of an array that its instruction writes; the plan gives it some.
    pub(super) fn place_or_null(&mut self, value: IrValue) -> Value {
        let place = self.place_of(value);
        debug_assert!(place.is_some(), "{value} has no memory");
        place.unwrap_or_else(|| self.int(0))
    }

    /// Emits a library function in place of its call.
    fn call(&mut self, routine: Routine, args: &[IrValue]) -> Vec<Value> {
        let args = self.all(args);
        let definition = math::definition(routine);
        let values = std::mem::replace(&mut self.values, vec![None; definition.values.len()]);
        let caller = std::mem::replace(&mut self.body, definition);
        let was_in_routine = std::mem::replace(&mut self.is_in_routine, true);
        let results = self.block_with(definition.entry, &args);
        self.body = caller;
        self.values = values;
        self.is_in_routine = was_in_routine;
        results
    }

    fn if_inst(&mut self, data: &'a InstData, cond: IrValue, then: Block, otherwise: Block) -> Vec<Value> {
        let cond = self.value(cond);
        let places: Vec<Option<Value>> =
            data.results.iter().map(|value| self.place_if_array(*value)).collect();
        let types: Vec<Type> = data.results.iter().map(|value| self.type_of(*value)).collect();
        self.if_else(cond, &types, |e| e.arm(then, &places), |e| e.arm(otherwise, &places))
    }

    /// Emits an arm of an `If`; arrays go to their places, or stay where they are if they have none.
    fn arm(&mut self, block: Block, places: &[Option<Value>]) -> Vec<Value> {
        let results = &self.body.blocks[block].results;
        for (result, place) in results.iter().zip(places) {
            self.offer_place(*result, *place);
        }
        let values = self.block(block);
        let arrays = results.iter().zip(places).zip(values);
        let values = arrays.map(|((result, place), value)| match place {
            Some(place) => {
                self.put_array(*result, *place);
                *place
            }
            None => value,
        });
        values.collect()
    }

    /// Tells the instruction that defines `value` where it may write it.
    pub(super) fn offer_place(&mut self, value: IrValue, place: Option<Value>) {
        if self.is_in_routine {
            return;
        }
        if let (Some(Home::InPlace), Some(_)) = (self.plan.home(value), place) {
            self.places[value.index()] = place;
        }
    }

    fn place_if_array(&mut self, value: IrValue) -> Option<Value> {
        match self.body.ty(value).is_array() {
            true => self.place_of(value),
            false => None,
        }
    }

    fn type_of(&self, value: IrValue) -> Type {
        match self.body.ty(value).is_array() {
            true => types::I64,
            false => lane_type(self.body.scalar(value)),
        }
    }

    /// Emits a loop. Each array that it carries alternates between two buffers of its own: `current`, which the body
    /// reads, and `spare`, which it writes.
    fn loop_inst(
        &mut self,
        data: &'a InstData,
        range: [IrValue; 2],
        init: &[IrValue],
        blocks: LoopBlocks,
    ) -> Vec<Value> {
        let body = self.body;
        let [start, end] = range.map(|value| self.value(value));
        let carried: Vec<IrValue> = body.blocks[blocks.body].params[1..].to_vec();
        let buffers: Vec<Option<[Value; 2]>> =
            carried.iter().map(|param| self.carried_buffers(*param)).collect();
        let spares = buffers.iter().flatten().map(|[first, _]| *first);
        let state: Vec<Value> = std::iter::once(start).chain(self.all(init)).chain(spares).collect();
        let count = carried.len();
        let state = self.while_loop(
            &state,
            |e, state| e.loop_goes_on(blocks.cond, end, &state[..=count]),
            |e, state| e.loop_step(blocks.body, &buffers, state),
        );
        let results = data.results.iter().zip(&state[1..]).map(|(result, current)| {
            match self.place_if_array(*result) {
                Some(place) => {
                    let count = self.element_count(*result);
                    self.copy(self.body.scalar(*result), place, *current, count);
                    place
                }
                None => *current,
            }
        });
        results.collect()
    }

    fn carried_buffers(&mut self, param: IrValue) -> Option<[Value; 2]> {
        if self.is_in_routine {
            return None;
        }
        let buffers = self.plan.carried(param)?;
        Some(buffers.map(|scratch| self.scratch[scratch.0 as usize]))
    }

    fn loop_goes_on(&mut self, cond: Option<Block>, end: Value, args: &[Value]) -> Value {
        let in_range = self.icmp(IntCC::SignedLessThan, args[0], end);
        let Some(cond) = cond else { return in_range };
        // The condition may fault, so it is evaluated only for an index in the range.
        let holds = |e: &mut Self| e.block_with(cond, args);
        self.if_else(in_range, &[types::I8], holds, |e| vec![e.builder.ins().iconst(types::I8, 0)])[0]
    }

    fn loop_step(&mut self, block: Block, buffers: &[Option<[Value; 2]>], state: &[Value]) -> Vec<Value> {
        if !self.is_in_routine {
            self.poll();
        }
        let (args, spares) = state.split_at(1 + buffers.len());
        let mut spares = spares.iter().copied();
        let spares: Vec<Option<Value>> =
            buffers.iter().map(|pair| pair.and_then(|_| spares.next())).collect();
        let results = &self.body.blocks[block].results;
        for (result, spare) in results.iter().zip(&spares) {
            self.offer_place(*result, *spare);
        }
        let mut next = self.block_with(block, args);
        let mut next_spares = Vec::new();
        for (position, pair) in buffers.iter().enumerate() {
            let (Some([first, second]), Some(spare)) = (pair, spares[position]) else { continue };
            if next[position] == args[1 + position] {
                next_spares.push(spare);
                continue;
            }
            self.put_array(results[position], spare);
            next[position] = spare;
            // The array that was current is free from now on, unless it was the initial one, which is not ours.
            let both = self.builder.ins().iadd(*first, *second);
            next_spares.push(self.builder.ins().isub(both, spare));
        }
        let one = self.int(1);
        let index = self.builder.ins().iadd(args[0], one);
        std::iter::once(index).chain(next).chain(next_spares).collect()
    }
}

/// The blocks of a loop.
#[derive(Clone, Copy)]
struct LoopBlocks {
    cond: Option<Block>,
    body: Block,
}
