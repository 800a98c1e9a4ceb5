//! Walking IR: the operands, blocks and sites of an operation, and the instructions of a tree of blocks.
//!
//! Who handles all operations alike (printer, verifier, passes, back ends) does it through here, so that a new
//! operation has one place to be added. What an operation means is nobody's business in this room.

use super::{Block, Body, Entity, Fold, Inst, Op, Sink, Site, Value};

impl Op {
    /// Calls `visit` with each operand, in order. The extents in the types of the results are not operands.
    pub fn for_each_operand(&self, mut visit: impl FnMut(Value)) {
        match self {
            Op::Const(_) => {}
            Op::Unary(_, a) | Op::Convert(a) | Op::Bits(a) => visit(*a),
            Op::Binary(_, a, b) | Op::Compare(_, a, b) | Op::IntDiv { lhs: a, rhs: b, .. } => {
                [a, b].into_iter().for_each(|value| visit(*value));
            }
            Op::Fma(a, b, c) | Op::Select(a, b, c) => [a, b, c].into_iter().for_each(|value| visit(*value)),
            Op::Call { args: list, .. } | Op::Array(list) => list.iter().for_each(|value| visit(*value)),
            Op::If { cond, .. } => visit(*cond),
            Op::Loop { start, end, init, .. } => {
                [start, end].into_iter().chain(init).for_each(|value| visit(*value));
            }
            Op::Index { array: first, indices: rest, .. } | Op::Check { cond: first, values: rest, .. } => {
                [first].into_iter().chain(rest).for_each(|value| visit(*value));
            }
            Op::Nest(nest) => {
                nest.dims.iter().for_each(|value| visit(*value));
                nest.sinks.iter().for_each(|sink| sink.for_each_operand(&mut visit));
            }
        }
    }

    /// Replaces each operand by what `map` gives for it, in the order of [`Op::for_each_operand`].
    pub fn map_operands(&mut self, mut map: impl FnMut(Value) -> Value) {
        let mut replace = |value: &mut Value| *value = map(*value);
        match self {
            Op::Const(_) => {}
            Op::Unary(_, a) | Op::Convert(a) | Op::Bits(a) => replace(a),
            Op::Binary(_, a, b) | Op::Compare(_, a, b) | Op::IntDiv { lhs: a, rhs: b, .. } => {
                [a, b].into_iter().for_each(replace);
            }
            Op::Fma(a, b, c) | Op::Select(a, b, c) => [a, b, c].into_iter().for_each(replace),
            Op::Call { args: list, .. } | Op::Array(list) => list.iter_mut().for_each(replace),
            Op::If { cond, .. } => replace(cond),
            Op::Loop { start, end, init, .. } => [start, end].into_iter().chain(init).for_each(replace),
            Op::Index { array: first, indices: rest, .. } | Op::Check { cond: first, values: rest, .. } => {
                [first].into_iter().chain(rest).for_each(replace);
            }
            Op::Nest(nest) => {
                nest.dims.iter_mut().for_each(&mut replace);
                nest.sinks.iter_mut().for_each(|sink| sink.map_operands(&mut map));
            }
        }
    }

    /// Calls `visit` with each block that the operation owns, in order of evaluation; a nest's body comes before the
    /// operators of its sinks.
    pub fn for_each_block(&self, mut visit: impl FnMut(Block)) {
        match self {
            Op::If { then, otherwise, .. } => {
                visit(*then);
                visit(*otherwise);
            }
            Op::Loop { cond, body, .. } => {
                cond.iter().for_each(|block| visit(*block));
                visit(*body);
            }
            Op::Nest(nest) => {
                visit(nest.body);
                nest.sinks.iter().filter_map(Sink::fold).for_each(|fold| visit(fold.op));
            }
            _ => {}
        }
    }

    /// Calls `visit` with each site at which the operation itself, not its blocks, can fault.
    pub fn for_each_site(&self, mut visit: impl FnMut(Site)) {
        match self {
            Op::IntDiv { check, .. } | Op::Index { check, .. } => check.iter().for_each(|site| visit(*site)),
            Op::Check { site, .. } => visit(*site),
            Op::Nest(nest) => {
                for sink in &nest.sinks {
                    if let Sink::Reduce { on_empty: Some(site), .. } = sink {
                        visit(*site);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Sink {
    /// Its operator, if it combines.
    pub fn fold(&self) -> Option<&Fold> {
        match self {
            Sink::Map | Sink::Filter { .. } => None,
            Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } | Sink::ReduceByIndex { fold, .. } => {
                Some(fold)
            }
        }
    }

    /// How many results of the nest's body it takes.
    pub fn takes(&self) -> usize {
        match self {
            Sink::Map => 1,
            Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } => fold.width(),
            Sink::Filter { width } => 1 + width,
            Sink::ReduceByIndex { fold, .. } => 1 + fold.width(),
        }
    }

    /// How many results of the nest it defines.
    pub fn gives(&self) -> usize {
        match self {
            Sink::Map => 1,
            Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } | Sink::ReduceByIndex { fold, .. } => {
                fold.width()
            }
            Sink::Filter { width } => 1 + width,
        }
    }

    fn for_each_operand(&self, visit: &mut impl FnMut(Value)) {
        if let Sink::ReduceByIndex { bins, .. } = self {
            visit(*bins);
        }
        self.fold().into_iter().flat_map(|fold| &fold.neutral).for_each(|value| visit(*value));
    }

    fn map_operands(&mut self, map: &mut impl FnMut(Value) -> Value) {
        let fold = match self {
            Sink::Map | Sink::Filter { .. } => return,
            Sink::Reduce { fold, .. } | Sink::Scan { fold, .. } => fold,
            Sink::ReduceByIndex { bins, fold } => {
                *bins = map(*bins);
                fold
            }
        };
        fold.neutral.iter_mut().for_each(|value| *value = map(*value));
    }
}

impl Body {
    /// Calls `visit` with `block` and all blocks inside it, each before those it owns.
    pub fn for_each_block(&self, block: Block, mut visit: impl FnMut(Block)) {
        // A stack of its own: how deep blocks nest is up to the input.
        let mut open = vec![block];
        while let Some(block) = open.pop() {
            visit(block);
            let first = open.len();
            for inst in &self.blocks[block].insts {
                self.insts[*inst].op.for_each_block(|inner| open.push(inner));
            }
            open[first..].reverse();
        }
    }

    /// Calls `visit` with each instruction in `block` and in all blocks inside it, in order; an instruction comes
    /// before those of its blocks.
    pub fn for_each_inst(&self, block: Block, mut visit: impl FnMut(Inst)) {
        let mut open = vec![self.blocks[block].insts.iter()];
        while let Some(insts) = open.last_mut() {
            let Some(&inst) = insts.next() else {
                open.pop();
                continue;
            };
            visit(inst);
            let first = open.len();
            self.insts[inst].op.for_each_block(|inner| open.push(self.blocks[inner].insts.iter()));
            open[first..].reverse();
        }
    }

    /// Whether anything in `block` can fault.
    pub fn has_sites(&self, block: Block) -> bool {
        let mut has_sites = false;
        self.for_each_inst(block, |inst| self.insts[inst].op.for_each_site(|_| has_sites = true));
        has_sites
    }

    /// The values that `block` and the blocks inside it use but do not define, each once, in the order in which
    /// [`Body::for_each_use`] meets them.
    pub fn captures(&self, block: Block) -> Vec<Value> {
        let mut is_inside = vec![false; self.blocks.len()];
        let mut blocks = Vec::new();
        self.for_each_block(block, |inner| {
            is_inside[inner.index()] = true;
            blocks.push(inner);
        });
        let mut is_known = vec![false; self.values.len()];
        for block in &blocks {
            self.blocks[*block].params.iter().for_each(|param| is_known[param.index()] = true);
            for inst in &self.blocks[*block].insts {
                self.insts[*inst].results.iter().for_each(|result| is_known[result.index()] = true);
            }
        }
        let mut captured = Vec::new();
        self.for_each_use(block, |value| {
            if !std::mem::replace(&mut is_known[value.index()], true) {
                captured.push(value);
            }
        });
        captured
    }

    /// Calls `visit` with each use of a value in `block` and in all blocks inside it: operands, results of blocks, and
    /// extents in the types of what they define. A block's results come after its instructions' operands.
    pub fn for_each_use(&self, block: Block, mut visit: impl FnMut(Value)) {
        self.for_each_block(block, |block| {
            let data = &self.blocks[block];
            data.params
                .iter()
                .for_each(|param| self.ty(*param).shape.iter().for_each(|extent| visit(*extent)));
            for inst in &data.insts {
                let inst = &self.insts[*inst];
                inst.op.for_each_operand(&mut visit);
                inst.results.iter().for_each(|result| self.ty(*result).shape.iter().for_each(|v| visit(*v)));
            }
            data.results.iter().for_each(|result| visit(*result));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Builder, Nest, Order, Type};
    use pk_dsl::scalar::Scalar;

    /// `sum(factor * i for i in 0..n)` and the values and blocks worth naming.
    fn scaled_sum() -> (Body, Op, [Value; 3]) {
        let (mut builder, params) = Builder::new(vec![Type::scalar(Scalar::I64); 2]);
        let (n, factor) = (params[0], params[1]);
        let zero = builder.int(Scalar::I64, 0);
        let i64s = |count| vec![Type::scalar(Scalar::I64); count];
        let body = builder.block(i64s(1), |b, index| vec![b.binary(Binary::Mul, factor, index[0])]);
        let op = builder.block(i64s(2), |b, sides| vec![b.binary(Binary::Add, sides[0], sides[1])]);
        let fold = Fold { neutral: vec![zero], op, order: Order::Ordered };
        let sinks = vec![Sink::Reduce { fold, on_empty: Some(Site::from_index(7)) }];
        let nest = Op::Nest(Nest { dims: vec![n], body, sinks });
        let sum = builder.single(nest.clone(), Type::scalar(Scalar::I64));
        (builder.finish(vec![sum]), nest, [n, factor, zero])
    }

    #[test]
    fn operands_of_a_nest_are_its_extents_and_neutral_elements() {
        let (_, mut nest, [n, factor, zero]) = scaled_sum();
        let mut operands = Vec::new();
        nest.for_each_operand(|value| operands.push(value));
        assert_eq!(operands, [n, zero]);
        nest.map_operands(|_| factor);
        operands.clear();
        nest.for_each_operand(|value| operands.push(value));
        assert_eq!(operands, [factor, factor]);
        let mut sites = Vec::new();
        nest.for_each_site(|site| sites.push(site.index()));
        assert_eq!(sites, [7]);
    }

    #[test]
    fn mapping_reaches_the_operands_that_visiting_reaches_in_the_same_order() {
        let value = Value::from_index;
        let block = Block::from_index(0);
        let ops = [
            Op::Select(value(1), value(2), value(3)),
            Op::Loop { start: value(1), end: value(2), init: vec![value(3)], cond: None, body: block },
            Op::Index { array: value(4), indices: vec![value(5), value(6)], check: None },
            Op::Check { cond: value(4), site: Site::from_index(0), values: vec![value(5)] },
            Op::Array(vec![value(9), value(8)]),
        ];
        for mut op in ops {
            let mut visited = Vec::new();
            op.for_each_operand(|operand| visited.push(operand));
            let mut mapped = Vec::new();
            op.map_operands(|operand| {
                mapped.push(operand);
                operand
            });
            assert!(!visited.is_empty() && visited == mapped, "{op:?}");
        }
    }

    #[test]
    fn instructions_come_before_those_of_their_blocks() {
        let (body, ..) = scaled_sum();
        let mut order = Vec::new();
        body.for_each_inst(body.entry, |inst| order.push(inst.index()));
        // Built: 0 the constant, 1 the product, 2 the sum, 3 the nest that owns both.
        assert_eq!(order, [0, 3, 1, 2]);
    }

    #[test]
    fn captures_are_the_values_from_outside() {
        let (body, nest, [_, factor, _]) = scaled_sum();
        let Op::Nest(nest) = nest else { panic!("built as a nest") };
        assert_eq!(body.captures(nest.body), [factor]);
        assert_eq!(body.captures(body.entry), []);
    }
}
