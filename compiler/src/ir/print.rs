//! The text form of IR, for people and for snapshots.
//!
//! Values are numbered in the order in which the text defines them, so that the text depends on what the IR says and
//! not on how passes got there. One instruction is one line; the blocks that it owns follow, indented:
//!
//! ```text
//! v3: i64 = nest v0
//!     body(v4: i64) {
//!         v5: i64 = index v1[v4] check s0
//!         give v5
//!     }
//!     reduce(ordered) v2 by(v6: i64, v7: i64) {
//!         v8: i64 = add v6, v7
//!         give v8
//!     }
//! ```
//!
//! IR that the verifier rejects prints too, if its ids exist: a value used before its definition is `v?`. Nothing
//! reads the text back.

use super::{
    Binary, Block, Body, Compare, Entity, Fold, InstData, IntDiv, Kernel, Op, Order, Sink, Site, Unary, Value,
};
use std::fmt;

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer::new(&self.body, f).block(&format!("kernel {}", self.signature.name), self.body.entry)
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer::new(self, f).block("body", self.entry)
    }
}

struct Printer<'a, 'f, 'o> {
    body: &'a Body,
    /// The number of each value that has one.
    numbers: Vec<Option<usize>>,
    next_number: usize,
    depth: usize,
    out: &'f mut fmt::Formatter<'o>,
}

impl<'a, 'f, 'o> Printer<'a, 'f, 'o> {
    fn new(body: &'a Body, out: &'f mut fmt::Formatter<'o>) -> Self {
        Printer { body, numbers: vec![None; body.values.len()], next_number: 0, depth: 0, out }
    }

    fn line(&mut self, text: impl fmt::Display) -> fmt::Result {
        writeln!(self.out, "{:indent$}{text}", "", indent = 4 * self.depth)
    }

    fn block(&mut self, head: &str, block: Block) -> fmt::Result {
        let data = &self.body.blocks[block];
        self.define(&data.params);
        match &data.params[..] {
            [] => self.line(format_args!("{head} {{"))?,
            params => {
                let params = self.definitions(params);
                self.line(format_args!("{head}({params}) {{"))?;
            }
        }
        self.depth += 1;
        for inst in &data.insts {
            self.inst(&self.body.insts[*inst])?;
        }
        let results = self.list(&data.results);
        self.line(format_args!("give {results}"))?;
        self.depth -= 1;
        self.line("}")
    }

    fn inst(&mut self, inst: &'a InstData) -> fmt::Result {
        self.define(&inst.results);
        let text = self.op(&inst.op);
        match &inst.results[..] {
            [] => self.line(text)?,
            results => {
                let results = self.definitions(results);
                self.line(format_args!("{results} = {text}"))?;
            }
        }
        self.depth += 1;
        self.blocks_of(&inst.op)?;
        self.depth -= 1;
        Ok(())
    }

    fn op(&self, op: &Op) -> String {
        match op {
            Op::Const(value) => format!("const {value}"),
            Op::Unary(op, a) => format!("{} {}", op.name(), self.name(*a)),
            Op::Binary(op, a, b) => format!("{} {}", op.name(), self.list(&[*a, *b])),
            Op::Compare(op, a, b) => format!("{} {}", op.name(), self.list(&[*a, *b])),
            Op::Fma(a, b, c) => format!("fma {}", self.list(&[*a, *b, *c])),
            Op::Select(cond, a, b) => format!("select {}", self.list(&[*cond, *a, *b])),
            Op::Convert(a) => format!("convert {}", self.name(*a)),
            Op::Bits(a) => format!("bits {}", self.name(*a)),
            Op::IntDiv { op, lhs, rhs, check } => {
                format!("{} {}{}", op.name(), self.list(&[*lhs, *rhs]), check_text(*check))
            }
            Op::Call { routine, args } => {
                format!("call {}.{} {}", routine.function.name(), routine.scalar, self.list(args))
            }
            Op::If { cond, .. } => format!("if {}", self.name(*cond)),
            Op::Loop { start, end, init, .. } => {
                let range = format!("{}..{}", self.name(*start), self.name(*end));
                format!("loop {range} from {}", self.list(init))
            }
            Op::Index { array, indices, check } => {
                format!("index {}[{}]{}", self.name(*array), self.list(indices), check_text(*check))
            }
            Op::Array(elements) => format!("array [{}]", self.list(elements)),
            Op::Nest(nest) => format!("nest {}", self.list(&nest.dims)),
            Op::Check { cond, site, values } => {
                format!("check {site} unless {} [{}]", self.name(*cond), self.list(values))
            }
        }
    }

    fn blocks_of(&mut self, op: &'a Op) -> fmt::Result {
        match op {
            Op::If { then, otherwise, .. } => {
                self.block("then", *then)?;
                self.block("else", *otherwise)
            }
            Op::Loop { cond, body, .. } => {
                cond.map_or(Ok(()), |cond| self.block("while", cond))?;
                self.block("do", *body)
            }
            Op::Nest(nest) => {
                self.block("body", nest.body)?;
                nest.sinks.iter().try_for_each(|sink| self.sink(sink))
            }
            _ => Ok(()),
        }
    }

    fn sink(&mut self, sink: &Sink) -> fmt::Result {
        match sink {
            Sink::Map => self.line("map"),
            Sink::Filter { width } => self.line(format_args!("filter({width})")),
            Sink::Reduce { fold, on_empty } => {
                let order = match fold.order {
                    Order::Interleaved => "interleaved",
                    Order::Ordered => "ordered",
                };
                self.fold(&format!("reduce({order})"), fold, *on_empty)
            }
            Sink::Scan { fold, exclusive: false } => self.fold("scan", fold, None),
            Sink::Scan { fold, exclusive: true } => self.fold("exscan", fold, None),
            Sink::ReduceByIndex { bins, fold } => {
                self.fold(&format!("reduce_by_index({})", self.name(*bins)), fold, None)
            }
        }
    }

    fn fold(&mut self, head: &str, fold: &Fold, check: Option<Site>) -> fmt::Result {
        let neutral = self.list(&fold.neutral);
        self.block(&format!("{head} {neutral}{} by", check_text(check)), fold.op)
    }

    fn define(&mut self, values: &[Value]) {
        for value in values {
            self.numbers[value.index()] = Some(self.next_number);
            self.next_number += 1;
        }
    }

    fn name(&self, value: Value) -> String {
        match self.numbers.get(value.index()) {
            Some(Some(number)) => format!("v{number}"),
            _ => "v?".to_string(),
        }
    }

    fn list(&self, values: &[Value]) -> String {
        let names: Vec<_> = values.iter().map(|value| self.name(*value)).collect();
        names.join(", ")
    }

    /// The values with their types.
    fn definitions(&self, values: &[Value]) -> String {
        let definition = |value: &Value| {
            let ty = self.body.ty(*value);
            match ty.is_array() {
                true => format!("{}: [{}; {}]", self.name(*value), ty.scalar, self.list(&ty.shape)),
                false => format!("{}: {}", self.name(*value), ty.scalar),
            }
        };
        values.iter().map(definition).collect::<Vec<_>>().join(", ")
    }
}

fn check_text(check: Option<Site>) -> String {
    check.map_or(String::new(), |site| format!(" check {site}"))
}

impl Unary {
    /// Its name in printed IR.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Not => "not",
            Unary::Abs => "abs",
            Unary::Sqrt => "sqrt",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Trunc => "trunc",
            Unary::Rint => "rint",
            Unary::Popcount => "popcount",
            Unary::Clz => "clz",
            Unary::Ctz => "ctz",
        }
    }
}

impl Binary {
    /// Its name in printed IR.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Min => "min",
            Binary::Max => "max",
            Binary::And => "and",
            Binary::Or => "or",
            Binary::Xor => "xor",
            Binary::Shl => "shl",
            Binary::Shr => "shr",
            Binary::Rotl => "rotl",
            Binary::Rotr => "rotr",
            Binary::Copysign => "copysign",
        }
    }
}

impl Compare {
    /// Its name in printed IR.
    pub fn name(self) -> &'static str {
        match self {
            Compare::Eq => "eq",
            Compare::Ne => "ne",
            Compare::Lt => "lt",
            Compare::Le => "le",
            Compare::Gt => "gt",
            Compare::Ge => "ge",
        }
    }
}

impl IntDiv {
    /// Its name in printed IR; not that of the division of floats.
    pub fn name(self) -> &'static str {
        match self {
            IntDiv::Div => "int_div",
            IntDiv::Rem => "int_rem",
            IntDiv::DivFloor => "div_floor",
            IntDiv::ModFloor => "mod_floor",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        ir::{
            Binary, Compare, Entity, FaultKind, IntDiv, Nest, Op, Order, Sink, Type, Value,
            testing::{fold, i64_type, kernel, nest, read, site},
        },
        math::{MathFn, Routine},
    };
    use pk_dsl::scalar::Scalar;

    #[test]
    fn nests_show_their_body_and_sinks() {
        let kernel = kernel(2, &[(Scalar::I64, &[0])], |b, sizes, params| {
            let zero = b.int(Scalar::I64, 0);
            let sum = fold(b, Binary::Add, zero, Order::Interleaved);
            let product = fold(b, Binary::Mul, zero, Order::Ordered);
            let counts = fold(b, Binary::Add, zero, Order::Ordered);
            let on_empty = Some(site(FaultKind::EmptyReduction, 0));
            let sinks = vec![
                Sink::Map,
                Sink::Reduce { fold: sum, on_empty },
                Sink::Scan { fold: product, exclusive: true },
                Sink::ReduceByIndex { bins: sizes[1], fold: counts },
            ];
            let [by_element, by_bin] =
                [sizes[0], sizes[1]].map(|size| Type { scalar: Scalar::I64, shape: vec![size] });
            let types = vec![by_element.clone(), i64_type(), by_element, by_bin];
            nest(b, &sizes[..1], sinks, types, |b, index| {
                let x = read(b, params[0], index[0]);
                vec![x, x, x, index[0], x]
            })
        });
        insta::assert_snapshot!(kernel, @"
        kernel test(v0: i64, v1: i64, v2: [i64; v0]) {
            v3: i64 = const 0
            v4: [i64; v0], v5: i64, v6: [i64; v0], v7: [i64; v1] = nest v0
                body(v8: i64) {
                    v9: i64 = index v2[v8] check s0
                    give v9, v9, v9, v8, v9
                }
                map
                reduce(interleaved) v3 check s8 by(v10: i64, v11: i64) {
                    v12: i64 = add v10, v11
                    give v12
                }
                exscan v3 by(v13: i64, v14: i64) {
                    v15: i64 = mul v13, v14
                    give v15
                }
                reduce_by_index(v1) v3 by(v16: i64, v17: i64) {
                    v18: i64 = add v16, v17
                    give v18
                }
            give v4, v5, v6, v7
        }
        ");
    }

    #[test]
    fn scalar_code_is_one_line_for_each_instruction() {
        let kernel = kernel(0, &[(Scalar::F32, &[]), (Scalar::I64, &[])], |b, _, params| {
            let (x, n) = (params[0], params[1]);
            let half = b.constant(0.5f32);
            let fused = b.fma(x, half, x);
            let routine = Routine { function: MathFn::Exp, scalar: Scalar::F32 };
            let exp = b.single(Op::Call { routine, args: vec![fused] }, Type::scalar(Scalar::F32));
            let is_less = b.compare(Compare::Lt, exp, half);
            let site = site(FaultKind::DivisionByZero, 1);
            let then = b.block(vec![], |b, _| {
                let op = Op::IntDiv { op: IntDiv::ModFloor, lhs: n, rhs: n, check: Some(site) };
                vec![b.single(op, i64_type())]
            });
            let otherwise = b.block(vec![], |_, _| vec![n]);
            let chosen = b.single(Op::If { cond: is_less, then, otherwise }, i64_type());
            let cond = b.block(vec![i64_type(), i64_type()], |_, _| vec![is_less]);
            let body = b.block(vec![i64_type(), i64_type()], |_, p| vec![p[0]]);
            let repeated = Op::Loop { start: n, end: n, init: vec![chosen], cond: Some(cond), body };
            let last = b.single(repeated, i64_type());
            b.inst(Op::Check { cond: is_less, site, values: vec![last] }, vec![]);
            let shape = vec![n];
            vec![b.single(Op::Array(vec![x, half]), Type { scalar: Scalar::F32, shape })]
        });
        insta::assert_snapshot!(kernel, @"
        kernel test(v0: f32, v1: i64) {
            v2: f32 = const 0.5
            v3: f32 = fma v0, v2, v0
            v4: f32 = call exp.f32 v3
            v5: bool = lt v4, v2
            v6: i64 = if v5
                then {
                    v7: i64 = mod_floor v1, v1 check s5
                    give v7
                }
                else {
                    give v1
                }
            v8: i64 = loop v1..v1 from v6
                while(v9: i64, v10: i64) {
                    give v5
                }
                do(v11: i64, v12: i64) {
                    give v11
                }
            check s5 unless v5 [v8]
            v13: [f32; v1] = array [v0, v2]
            give v13
        }
        ");
    }

    #[test]
    fn numbers_follow_the_text_and_not_the_arenas() {
        let kernel = kernel(1, &[], |b, sizes, _| {
            // The body of the nest is built first, so that its values come first in the arena.
            let body = b.block(vec![i64_type()], |b, _| vec![b.constant(true)]);
            let count = Value::from_index(b.body().values.len());
            assert_eq!(count.index(), 3);
            let sinks = vec![Sink::Filter { width: 0 }];
            b.multi(Op::Nest(Nest { dims: sizes.to_vec(), body, sinks }), vec![i64_type()])
        });
        insta::assert_snapshot!(kernel, @"
        kernel test(v0: i64) {
            v1: i64 = nest v0
                body(v2: i64) {
                    v3: bool = const true
                    give v3
                }
                filter(0)
            give v1
        }
        ");
    }

    #[test]
    fn broken_ir_prints_too() {
        let kernel = kernel(0, &[], |b, _, _| {
            let later = Value::from_index(1);
            let early = b.single(Op::Convert(later), i64_type());
            b.constant(1i64);
            vec![early]
        });
        insta::assert_snapshot!(kernel.body, @"
        body {
            v0: i64 = convert v?
            v1: i64 = const 1
            give v0
        }
        ");
    }
}
