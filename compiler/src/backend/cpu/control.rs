//! Structured control flow: branches and loops as functions that take what is inside as closures.

use super::emitter::{Emitter, MEMORY};
use crate::plan::{Slot, Stop};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Type, Value, condcodes::IntCC, types};

impl Emitter<'_, '_> {
    /// Evaluates `then` if `cond` is not 0, else `otherwise`; both give values of `types`.
    pub(super) fn if_else(
        &mut self,
        cond: Value,
        types: &[Type],
        then: impl FnOnce(&mut Self) -> Vec<Value>,
        otherwise: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Vec<Value> {
        let (on_true, on_false) = (self.builder.create_block(), self.builder.create_block());
        let (merge, results) = self.block_with_params(types);
        self.builder.ins().brif(cond, on_true, &[], on_false, &[]);
        self.builder.switch_to_block(on_true);
        let values = then(self);
        self.jump(merge, &values);
        self.builder.switch_to_block(on_false);
        let values = otherwise(self);
        self.jump(merge, &values);
        self.builder.switch_to_block(merge);
        results
    }

    /// Runs `then` if `cond` is not 0.
    pub(super) fn if_then(&mut self, cond: Value, then: impl FnOnce(&mut Self)) {
        let (on_true, merge) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(cond, on_true, &[], merge, &[]);
        self.builder.switch_to_block(on_true);
        then(self);
        self.jump(merge, &[]);
        self.builder.switch_to_block(merge);
    }

    /// Like [`Emitter::if_then`], for what nearly always happens: the way to `then` and on takes no jump.
    pub(super) fn if_mostly(&mut self, cond: Value, then: impl FnOnce(&mut Self)) {
        let [on_true, around, merge] = [0; 3].map(|_| self.builder.create_block());
        self.builder.set_cold_block(around);
        self.builder.ins().brif(cond, on_true, &[], around, &[]);
        self.builder.switch_to_block(around);
        self.jump(merge, &[]);
        self.builder.switch_to_block(on_true);
        then(self);
        self.jump(merge, &[]);
        self.builder.switch_to_block(merge);
    }

    /// Like [`Emitter::if_then`], for what hardly ever happens.
    pub(super) fn if_rarely(&mut self, cond: Value, then: impl FnOnce(&mut Self)) {
        self.if_then(cond, |e| {
            if let Some(block) = e.builder.current_block() {
                e.builder.set_cold_block(block);
            }
            then(e);
        });
    }

    /// Runs `body` for each index in `start..end` with the carried values, of which it gives the next ones; gives the
    /// last.
    pub(super) fn for_range(
        &mut self,
        start: Value,
        end: Value,
        carried: &[Value],
        body: impl FnOnce(&mut Self, Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        self.for_each_step((start, end, 1), carried, body)
    }

    /// As [`Emitter::for_range`], `times` indices in each round as long as there are so many: for bodies so short that the
    /// jumps take longer. There are less than 2^63 indices, and `times` is a power of two.
    pub(super) fn for_range_unrolled(
        &mut self,
        [start, end]: [Value; 2],
        times: i64,
        carried: &[Value],
        mut body: impl FnMut(&mut Self, Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        if times == 1 {
            return self.for_range(start, end, carried, body);
        }
        let count = self.builder.ins().isub(end, start);
        let rounds = self.builder.ins().band_imm_s(count, -times);
        let rest = self.builder.ins().iadd(start, rounds);
        let carried = self.for_each_step((start, rest, times), carried, |e, first, carried| {
            (0..times).fold(carried.to_vec(), |carried, number| {
                let index = e.builder.ins().iadd_imm_s(first, number);
                body(e, index, &carried)
            })
        });
        self.for_range(rest, end, &carried, body)
    }

    /// Runs `body` for each `step`-th index from `start` on that is less than `end`, a whole number of
    /// steps behind `start`.
    fn for_each_step(
        &mut self,
        (start, end, step): (Value, Value, i64),
        carried: &[Value],
        body: impl FnOnce(&mut Self, Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let types = self.types(carried);
        let (head, params) = self.block_with_params(&[&[types::I64], &types[..]].concat());
        let (exit, results) = self.block_with_params(&types);
        let is_some = self.icmp(IntCC::SignedLessThan, start, end);
        self.branch(is_some, head, &[&[start], carried].concat(), exit, carried);
        self.builder.switch_to_block(head);
        let index = params[0];
        let next = body(self, index, &params[1..]);
        let step = self.int(step);
        let index = self.builder.ins().iadd(index, step);
        let goes_on = self.icmp(IntCC::SignedLessThan, index, end);
        self.branch(goes_on, head, &[&[index], &next[..]].concat(), exit, &next);
        self.builder.switch_to_block(exit);
        results
    }

    /// Repeats `body` on `state` as long as `cond` gives other than 0; gives the last state.
    pub(super) fn while_loop(
        &mut self,
        state: &[Value],
        cond: impl FnOnce(&mut Self, &[Value]) -> Value,
        body: impl FnOnce(&mut Self, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let types = self.types(state);
        let (head, params) = self.block_with_params(&types);
        let inside = self.builder.create_block();
        let exit = self.builder.create_block();
        self.jump(head, state);
        self.builder.switch_to_block(head);
        let goes_on = cond(self, &params);
        self.branch(goes_on, inside, &[], exit, &[]);
        self.builder.switch_to_block(inside);
        let next = body(self, &params);
        self.jump(head, &next);
        self.builder.switch_to_block(exit);
        params
    }

    /// Ends the launch if the cancel flag is set.
    pub(super) fn poll(&mut self) {
        let flag = self.builder.ins().load(types::I8, MEMORY, self.cancel, 0);
        self.if_rarely(flag, |e| e.stop(Stop::Cancel));
    }

    /// Ends the launch. Returning at once, not just leaving a loop, keeps half-done values from being used.
    pub(super) fn stop(&mut self, reason: Stop) {
        let reason = self.int(reason as i64);
        self.store_slot(Slot::STOPPED, reason);
        self.builder.ins().return_(&[]);
        let unreachable = self.builder.create_block();
        self.builder.switch_to_block(unreachable);
    }

    /// The types of `values`.
    pub(super) fn types(&self, values: &[Value]) -> Vec<Type> {
        values.iter().map(|value| self.builder.func.dfg.value_type(*value)).collect()
    }

    /// A new block with parameters of these types.
    pub(super) fn block_with_params(&mut self, types: &[Type]) -> (Block, Vec<Value>) {
        let block = self.builder.create_block();
        let params = types.iter().map(|ty| self.builder.append_block_param(block, *ty)).collect();
        (block, params)
    }

    pub(super) fn jump(&mut self, to: Block, args: &[Value]) {
        self.builder.ins().jump(to, &block_args(args));
    }

    pub(super) fn branch(
        &mut self,
        cond: Value,
        then: Block,
        then_args: &[Value],
        other: Block,
        other_args: &[Value],
    ) {
        self.builder.ins().brif(cond, then, &block_args(then_args), other, &block_args(other_args));
    }
}

fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|value| BlockArg::from(*value)).collect()
}
