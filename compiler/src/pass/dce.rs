//! Dead code: what nothing uses and what cannot fault is removed, down to single sinks of nests, carries of loops and
//! results of conditionals.
//!
//! What can fault stays, without the results that nothing uses, since a fault is a result of the launch.

use super::rewrite::{set_params, set_results};
use crate::deadline::Deadline;
use crate::ir::{Block, Body, Def, Entity, Inst, Kernel, Op, Sink, Value};

/// Removes dead code; whether there was any.
pub(super) fn run(kernel: &mut Kernel, _: &Deadline) -> bool {
    let body = &mut kernel.body;
    let needs = Needs::of(body);
    let mut is_changed = false;
    let mut blocks = Vec::new();
    body.for_each_block(body.entry, |block| blocks.push(block));
    for block in blocks {
        let before = body.blocks[block].insts.len();
        body.blocks[block].insts.retain(|inst| needs.insts[inst.index()]);
        is_changed |= body.blocks[block].insts.len() != before;
        for inst in body.blocks[block].insts.clone() {
            is_changed |= prune(body, &needs, inst);
        }
    }
    is_changed
}

/// Removes the results of an instruction that are not needed, with what computes them; whether there were any.
fn prune(body: &mut Body, needs: &Needs, inst: Inst) -> bool {
    match body.insts[inst].op {
        Op::If { then, otherwise, .. } => prune_conditional(body, needs, inst, [then, otherwise]),
        Op::Loop { cond, body: step, .. } => prune_loop(body, needs, inst, cond, step),
        Op::Nest(_) => prune_nest(body, needs, inst),
        _ => false,
    }
}

fn prune_conditional(body: &mut Body, needs: &Needs, inst: Inst, arms: [Block; 2]) -> bool {
    let keep: Vec<bool> = body.insts[inst].results.iter().map(|result| needs.value(*result)).collect();
    for arm in arms {
        retain_where(&mut body.blocks[arm].results, &keep);
    }
    retain_results(body, inst, &keep)
}

fn prune_loop(body: &mut Body, needs: &Needs, inst: Inst, cond: Option<Block>, step: Block) -> bool {
    // What the body or the condition reads of a carry needs its result too, so this speaks for the parameters.
    let keep: Vec<bool> = body.insts[inst].results.iter().map(|result| needs.value(*result)).collect();
    let keep_params: Vec<bool> = [true].into_iter().chain(keep.iter().copied()).collect();
    for block in cond.into_iter().chain([step]) {
        let mut params = body.blocks[block].params.clone();
        retain_where(&mut params, &keep_params);
        set_params(body, block, params);
    }
    retain_where(&mut body.blocks[step].results, &keep);
    if let Op::Loop { init, .. } = &mut body.insts[inst].op {
        retain_where(init, &keep);
    }
    retain_results(body, inst, &keep)
}

fn prune_nest(body: &mut Body, needs: &Needs, inst: Inst) -> bool {
    let Op::Nest(nest) = &mut body.insts[inst].op else { return false };
    let keep_sinks = &needs.sinks[inst.index()];
    let spread = |count: fn(&Sink) -> usize| -> Vec<bool> {
        let sinks = nest.sinks.iter().zip(keep_sinks);
        sinks.flat_map(|(sink, keep)| vec![*keep; count(sink)]).collect()
    };
    let (keep_taken, keep_given) = (spread(Sink::takes), spread(Sink::gives));
    retain_where(&mut nest.sinks, keep_sinks);
    let block = nest.body;
    retain_where(&mut body.blocks[block].results, &keep_taken);
    retain_results(body, inst, &keep_given)
}

fn retain_results(body: &mut Body, inst: Inst, keep: &[bool]) -> bool {
    let mut results = body.insts[inst].results.clone();
    retain_where(&mut results, keep);
    let is_changed = results.len() != body.insts[inst].results.len();
    set_results(body, inst, results);
    is_changed
}

fn retain_where<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().copied().unwrap_or(true));
}

/// What is needed of a body.
struct Needs {
    insts: Vec<bool>,
    values: Vec<bool>,
    /// Of each nest, which of its sinks.
    sinks: Vec<Vec<bool>>,
}

impl Needs {
    fn of(body: &Body) -> Needs {
        let mut search = Search::new(body);
        let entry = &body.blocks[body.entry];
        search.add_all(&entry.results);
        // The parameters stay, and their extents may be computed in the body.
        search.add_all(&entry.params);
        body.for_each_inst(body.entry, |inst| search.add_if_faulting(inst));
        while let Some(value) = search.pending.pop() {
            search.visit(value);
        }
        search.needs
    }

    fn value(&self, value: Value) -> bool {
        self.values[value.index()]
    }
}

/// The search for what is needed, backwards from the results of the kernel and from what can fault.
struct Search<'a> {
    body: &'a Body,
    /// Where each instruction stands.
    homes: Vec<Block>,
    /// Who owns each block; nobody owns the entry.
    owners: Vec<Option<Inst>>,
    needs: Needs,
    /// Values whose definitions are yet to be looked at.
    pending: Vec<Value>,
}

impl<'a> Search<'a> {
    fn new(body: &'a Body) -> Search<'a> {
        let mut homes = vec![body.entry; body.insts.len()];
        let mut owners = vec![None; body.blocks.len()];
        let mut sinks = vec![Vec::new(); body.insts.len()];
        body.for_each_block(body.entry, |block| {
            for inst in &body.blocks[block].insts {
                homes[inst.index()] = block;
                let op = &body.insts[*inst].op;
                op.for_each_block(|inner| owners[inner.index()] = Some(*inst));
                if let Op::Nest(nest) = op {
                    sinks[inst.index()] = vec![false; nest.sinks.len()];
                }
            }
        });
        let needs =
            Needs { insts: vec![false; body.insts.len()], values: vec![false; body.values.len()], sinks };
        Search { body, homes, owners, needs, pending: Vec::new() }
    }

    fn add(&mut self, value: Value) {
        if !std::mem::replace(&mut self.needs.values[value.index()], true) {
            self.pending.push(value);
        }
    }

    fn add_all(&mut self, values: &[Value]) {
        values.iter().for_each(|value| self.add(*value));
    }

    /// A fault is needed, and with it whatever decides whether it arises.
    fn add_if_faulting(&mut self, inst: Inst) {
        let body = self.body;
        let mut can_fault = false;
        body.insts[inst].op.for_each_site(|_| can_fault = true);
        if !can_fault {
            return;
        }
        self.add_inst(inst);
        if let Op::Nest(nest) = &body.insts[inst].op {
            for (at, sink) in nest.sinks.iter().enumerate() {
                if matches!(sink, Sink::Reduce { on_empty: Some(_), .. }) {
                    self.add_sink(inst, at);
                }
            }
        }
    }

    /// `inst` is evaluated, for which of its results remains to be said.
    fn add_inst(&mut self, inst: Inst) {
        if std::mem::replace(&mut self.needs.insts[inst.index()], true) {
            return;
        }
        let body = self.body;
        match &body.insts[inst].op {
            Op::If { cond, .. } => self.add(*cond),
            Op::Loop { start, end, cond, .. } => {
                self.add_all(&[*start, *end]);
                cond.iter().for_each(|block| self.add_all(&body.blocks[*block].results));
            }
            Op::Nest(nest) => self.add_all(&nest.dims),
            op => op.for_each_operand(|value| self.add(value)),
        }
        self.add_owner_of(inst);
    }

    fn add_owner_of(&mut self, inst: Inst) {
        let home = self.homes[inst.index()];
        let Some(owner) = self.owners[home.index()] else { return };
        self.add_inst(owner);
        if let Op::Nest(nest) = &self.body.insts[owner].op {
            let is_operator = |sink: &Sink| sink.fold().is_some_and(|fold| fold.op == home);
            if let Some(at) = nest.sinks.iter().position(is_operator) {
                self.add_sink(owner, at);
            }
        }
    }

    fn add_sink(&mut self, inst: Inst, at: usize) {
        let body = self.body;
        let Op::Nest(nest) = &body.insts[inst].op else { return };
        if std::mem::replace(&mut self.needs.sinks[inst.index()][at], true) {
            return;
        }
        let first: usize = nest.sinks[..at].iter().map(Sink::takes).sum();
        let sink = &nest.sinks[at];
        self.add_all(&body.blocks[nest.body].results[first..first + sink.takes()]);
        if let Sink::ReduceByIndex { bins, .. } = sink {
            self.add(*bins);
        }
        if let Some(fold) = sink.fold() {
            self.add_all(&fold.neutral);
            self.add_all(&body.blocks[fold.op].results);
        }
    }

    fn visit(&mut self, value: Value) {
        self.add_all(&self.body.ty(value).shape);
        match self.body.values[value].def {
            Def::Result { inst, index } => {
                self.add_inst(inst);
                self.add_result(inst, index as usize);
            }
            Def::Param { block, index } => self.add_carry(block, index as usize),
        }
    }

    /// What only the result `index` of `inst` needs.
    fn add_result(&mut self, inst: Inst, index: usize) {
        let body = self.body;
        match &body.insts[inst].op {
            Op::If { then, otherwise, .. } => {
                self.add(body.blocks[*then].results[index]);
                self.add(body.blocks[*otherwise].results[index]);
            }
            Op::Loop { init, body: step, .. } => {
                self.add(init[index]);
                self.add(body.blocks[*step].results[index]);
            }
            Op::Nest(nest) => {
                let mut given = 0;
                let is_its_sink = |sink: &Sink| {
                    given += sink.gives();
                    index < given
                };
                if let Some(at) = nest.sinks.iter().position(is_its_sink) {
                    self.add_sink(inst, at);
                }
            }
            _ => {}
        }
    }

    /// A parameter of a loop's blocks is one of its carries, unless it is the index.
    fn add_carry(&mut self, block: Block, index: usize) {
        let Some(owner) = self.owners[block.index()] else { return };
        let data = &self.body.insts[owner];
        if let (Op::Loop { .. }, true) = (&data.op, index > 0) {
            self.add(data.results[index - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{i64_type, kernel, nest, read};
    use crate::ir::{Binary, Builder, Kernel, Op, Sink, Type, Value};
    use crate::pass::DCE;
    use crate::pass::testing::{after, element, map, scalars, sum};
    use pk_dsl::scalar::Scalar;

    fn over_vector(build: impl FnOnce(&mut Builder, Value, Value) -> Vec<Value>) -> Kernel {
        kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| build(b, sizes[0], params[0]))
    }

    #[test]
    fn what_nothing_needs_goes_with_all_that_it_needed() {
        let unused = over_vector(|b, size, x| {
            let doubled = map(b, &[size], |b, i| {
                let value = element(b, x, i);
                b.binary(Binary::Add, value, value)
            });
            sum(b, size, |b, i| element(b, doubled, &[i]));
            vec![size]
        });
        insta::assert_snapshot!(after(unused, &[DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            give v0
        }
        ");
    }

    #[test]
    fn what_can_fault_stays_without_its_results() {
        let faulting = over_vector(|b, size, x| {
            map(b, &[size], |b, i| {
                let next = b.binary(Binary::Add, i[0], i[0]);
                let value = read(b, x, next);
                b.binary(Binary::Mul, value, value)
            });
            vec![size]
        });
        insta::assert_snapshot!(after(faulting, &[DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            nest v0
                body(v2: i64) {
                    v3: i64 = add v2, v2
                    v4: f32 = index v1[v3] check s0
                    give 
                }
            give v0
        }
        ");
    }

    #[test]
    fn sinks_are_needed_one_by_one() {
        let one_of_two = over_vector(|b, size, x| {
            let types = vec![Type { scalar: Scalar::F32, shape: vec![size] }; 2];
            let results = nest(b, &[size], vec![Sink::Map, Sink::Map], types, |b, i| {
                let value = element(b, x, i);
                vec![b.binary(Binary::Add, value, value), b.binary(Binary::Mul, value, value)]
            });
            vec![results[1]]
        });
        insta::assert_snapshot!(after(one_of_two, &[DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: [f32; v0] = nest v0
                body(v3: i64) {
                    v4: f32 = index v1[v3]
                    v5: f32 = mul v4, v4
                    give v5
                }
                map
            give v2
        }
        ");
    }

    #[test]
    fn carries_and_arms_are_needed_one_by_one() {
        let kernel = scalars(&[Scalar::Bool, Scalar::I64], |b, params| {
            let body = b.block(vec![i64_type(); 4], |b, p| {
                // The first carry is needed by the second, the third by nobody but itself.
                let next = b.binary(Binary::Add, p[2], p[1]);
                vec![b.binary(Binary::Mul, p[1], p[0]), next, b.binary(Binary::Xor, p[3], p[0])]
            });
            let (start, end, init) = (params[1], params[1], vec![params[1]; 3]);
            let carried = b.multi(Op::Loop { start, end, init, cond: None, body }, vec![i64_type(); 3]);
            let arms = [0, 1].map(|arm| b.block(vec![], |_, _| vec![carried[1 - arm], carried[2]]));
            let op = Op::If { cond: params[0], then: arms[0], otherwise: arms[1] };
            vec![b.multi(op, vec![i64_type(); 2])[0]]
        });
        insta::assert_snapshot!(after(kernel, &[DCE]), @"
        kernel test(v0: bool, v1: i64) {
            v2: i64, v3: i64 = loop v1..v1 from v1, v1
                do(v4: i64, v5: i64, v6: i64) {
                    v7: i64 = add v6, v5
                    v8: i64 = mul v5, v4
                    give v8, v7
                }
            v9: i64 = if v0
                then {
                    give v3
                }
                else {
                    give v2
                }
            give v9
        }
        ");
    }

    #[test]
    fn extents_of_parameters_stay() {
        let kernel = kernel(1, &[(Scalar::F32, &[2])], |b, sizes, _| {
            // The extent of the parameter is this value.
            b.binary(Binary::Add, sizes[0], sizes[0]);
            vec![sizes[0]]
        });
        assert!(after(kernel, &[DCE]).contains("add"));
    }
}
