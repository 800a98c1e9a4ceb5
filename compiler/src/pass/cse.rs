//! Common subexpressions: an instruction that computes what an earlier one has computed is replaced by it.
//!
//! Value numbering over the tree of blocks: an instruction may be replaced by one that stands before it in its own or
//! an enclosing block, since that one has been evaluated whenever this one is. Whole nests, conditionals and loops are
//! compared by structure, the names inside them not counting. Constants are merged within a block only: where they are
//! used they cost nothing, and carried in from outside they cost a register.
//!
//! One of two instructions that can fault may go if the other reports every fault of it at a lower site, so that the
//! report stays the same.

use super::rewrite::Replacements;
use super::simplify::is_commutative;
use crate::deadline::Deadline;
use crate::ir::{
    Binary, Block, Body, Compare, Entity, Fold, Inst, IntDiv, Kernel, Nest, Op, Order, Sink, Site, Unary,
    Value,
};
use crate::math::Routine;
use pk_dsl::scalar::{Const, Scalar};
use std::collections::HashMap;

/// Down to this many open blocks, instructions are compared however long they are.
const DEEP: usize = 8;

/// Below that, only those whose text has no more words: each level of a chain of conditionals owns all further ones, so
/// that comparing them whole would take time with the square of its length.
const MOST_WORDS: usize = 1000;

/// Merges equal instructions; whether anything changed.
pub(super) fn run(kernel: &mut Kernel, deadline: &Deadline) -> bool {
    let entry = kernel.body.entry;
    let mut numbering = Numbering {
        body: &mut kernel.body,
        deadline,
        known: HashMap::new(),
        shadowed: Vec::new(),
        depth: 0,
        replacements: Replacements::default(),
        is_changed: false,
    };
    numbering.block(entry);
    numbering.replacements.apply(numbering.body);
    numbering.is_changed
}

/// A word of the canonical text of an instruction: equal texts compute equal results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Word {
    Unary(Unary),
    Binary(Binary),
    Compare(Compare),
    IntDiv(IntDiv),
    Routine(Routine),
    Order(Order),
    Other(&'static str),
    /// An operand that is a constant, wherever it is defined.
    Const(Const),
    /// A value from outside of the instruction.
    Outer(Value),
    /// A value defined in a block of the instruction, numbered in order of appearance.
    Inner(usize),
    Type(Scalar),
    Count(usize),
}

/// An instruction whose results are known.
#[derive(Clone, Debug)]
struct Known {
    inst: Inst,
    block: Block,
    /// Of each check in it, in order of appearance.
    sites: Vec<Option<Site>>,
}

struct Numbering<'a> {
    body: &'a mut Body,
    deadline: &'a Deadline,
    known: HashMap<Vec<Word>, Known>,
    /// What the open blocks have put into `known`, and what stood there before.
    shadowed: Vec<(Vec<Word>, Option<Known>)>,
    /// How many blocks are open.
    depth: usize,
    replacements: Replacements,
    is_changed: bool,
}

impl Numbering<'_> {
    fn block(&mut self, block: Block) {
        let first = self.shadowed.len();
        self.depth += 1;
        let mut insts = std::mem::take(&mut self.body.blocks[block].insts);
        insts.retain(|inst| self.deadline.has_passed() || self.is_new(block, *inst));
        self.body.blocks[block].insts = insts;
        self.depth -= 1;
        for (text, before) in self.shadowed.drain(first..).rev() {
            match before {
                Some(known) => self.known.insert(text, known),
                None => self.known.remove(&text),
            };
        }
    }

    /// Whether `inst` stays; otherwise its results are replaced.
    fn is_new(&mut self, block: Block, inst: Inst) -> bool {
        let replacements = &self.replacements;
        self.body.insts[inst].op.map_operands(|value| replacements.get(value));
        let mut inner = Vec::new();
        self.body.insts[inst].op.for_each_block(|block| inner.push(block));
        inner.into_iter().for_each(|block| self.block(block));

        let most_words = if self.depth <= DEEP { usize::MAX } else { MOST_WORDS };
        let mut writer = Writer::new(self.body, &self.replacements, most_words);
        writer.inst(inst);
        let Writer { text, sites, .. } = writer;
        if text.len() > most_words {
            return true;
        }
        let candidate = Known { inst, block, sites };
        if let Some(earlier) = self.known.get(&text)
            && self.can_stand_for(earlier, &candidate)
        {
            self.replacements
                .insert_all(&self.body.insts[inst].results, &self.body.insts[earlier.inst].results);
            self.is_changed = true;
            return false;
        }
        let before = self.known.insert(text.clone(), candidate);
        self.shadowed.push((text, before));
        true
    }

    fn can_stand_for(&self, earlier: &Known, later: &Known) -> bool {
        match self.body.insts[later.inst].op {
            Op::Const(_) => earlier.block == later.block,
            // Whatever its site, after a failed check there is no second one.
            Op::Check { .. } => true,
            _ => earlier.sites.iter().zip(&later.sites).all(|(earlier_site, later_site)| {
                let (Some(first), Some(second)) = (earlier_site, later_site) else {
                    // Known not to fault here, hence with these operands nowhere.
                    return true;
                };
                // At one site, only within one block do both report the same element.
                first < second || (first == second && earlier.block == later.block)
            }),
        }
    }
}

/// Writes the canonical text of an instruction.
struct Writer<'a> {
    body: &'a Body,
    replacements: &'a Replacements,
    inner: HashMap<Value, usize>,
    text: Vec<Word>,
    sites: Vec<Option<Site>>,
    /// Longer texts are not finished.
    most_words: usize,
}

impl<'a> Writer<'a> {
    fn new(body: &'a Body, replacements: &'a Replacements, most_words: usize) -> Writer<'a> {
        let (inner, text, sites) = (HashMap::new(), Vec::new(), Vec::new());
        Writer { body, replacements, inner, text, sites, most_words }
    }

    fn inst(&mut self, inst: Inst) {
        let data = &self.body.insts[inst];
        self.op(&data.op);
        self.text.extend(data.results.iter().map(|result| Word::Type(self.body.scalar(*result))));
    }

    fn op(&mut self, op: &Op) {
        match op {
            Op::Const(constant) => self.text.push(Word::Const(*constant)),
            Op::Unary(op, a) => self.words(Word::Unary(*op), &[*a]),
            Op::Binary(op, a, b) if is_commutative(*op) => {
                self.words(Word::Binary(*op), &self.sorted(*a, *b))
            }
            Op::Binary(op, a, b) => self.words(Word::Binary(*op), &[*a, *b]),
            Op::Compare(op @ (Compare::Eq | Compare::Ne), a, b) => {
                self.words(Word::Compare(*op), &self.sorted(*a, *b));
            }
            Op::Compare(Compare::Gt, a, b) => self.words(Word::Compare(Compare::Lt), &[*b, *a]),
            Op::Compare(Compare::Ge, a, b) => self.words(Word::Compare(Compare::Le), &[*b, *a]),
            Op::Compare(op, a, b) => self.words(Word::Compare(*op), &[*a, *b]),
            Op::Fma(a, b, c) => self.words(Word::Other("fma"), &[*a, *b, *c]),
            Op::Select(cond, a, b) => self.words(Word::Other("select"), &[*cond, *a, *b]),
            Op::Convert(a) => self.words(Word::Other("convert"), &[*a]),
            Op::Bits(a) => self.words(Word::Other("bits"), &[*a]),
            Op::IntDiv { op, lhs, rhs, check } => {
                self.sites.push(*check);
                self.words(Word::IntDiv(*op), &[*lhs, *rhs]);
            }
            Op::Call { routine, args } => self.words(Word::Routine(*routine), args),
            Op::Array(elements) => self.words(Word::Other("array"), elements),
            Op::Index { array, indices, check } => {
                self.sites.push(*check);
                self.words(Word::Other("index"), &[*array]);
                self.values(indices);
            }
            Op::Check { cond, .. } => self.words(Word::Other("check"), &[*cond]),
            Op::If { cond, then, otherwise } => {
                self.words(Word::Other("if"), &[*cond]);
                self.block(*then);
                self.block(*otherwise);
            }
            Op::Loop { start, end, init, cond, body } => {
                self.words(Word::Other("loop"), &[*start, *end]);
                self.values(init);
                self.text.push(Word::Count(cond.iter().len()));
                cond.iter().chain([body]).for_each(|block| self.block(*block));
            }
            Op::Nest(nest) => self.nest(nest),
        }
    }

    fn nest(&mut self, nest: &Nest) {
        self.words(Word::Other("nest"), &nest.dims);
        self.block(nest.body);
        for sink in &nest.sinks {
            match sink {
                Sink::Map => self.text.push(Word::Other("map")),
                Sink::Reduce { fold, on_empty } => {
                    self.sites.push(*on_empty);
                    self.fold("reduce", fold);
                }
                Sink::Scan { fold, exclusive: false } => self.fold("scan", fold),
                Sink::Scan { fold, exclusive: true } => self.fold("exscan", fold),
                Sink::Filter { width } => {
                    self.text.extend([Word::Other("filter"), Word::Count(*width)]);
                }
                Sink::ReduceByIndex { bins, fold } => {
                    self.values(&[*bins]);
                    self.fold("reduce_by_index", fold);
                }
            }
        }
    }

    fn fold(&mut self, name: &'static str, fold: &Fold) {
        self.text.push(Word::Order(fold.order));
        self.words(Word::Other(name), &fold.neutral);
        self.block(fold.op);
    }

    fn block(&mut self, block: Block) {
        let data = &self.body.blocks[block];
        self.define(&data.params);
        self.text.extend(data.params.iter().map(|param| Word::Type(self.body.scalar(*param))));
        for inst in &data.insts {
            if self.text.len() > self.most_words {
                return;
            }
            let inst_data = &self.body.insts[*inst];
            if !matches!(inst_data.op, Op::Const(_)) {
                self.inst(*inst);
                self.define(&inst_data.results);
            }
        }
        self.values(&data.results);
    }

    fn define(&mut self, values: &[Value]) {
        for value in values {
            self.inner.insert(*value, self.inner.len());
        }
    }

    /// An operation and its operands.
    fn words(&mut self, word: Word, operands: &[Value]) {
        self.text.push(word);
        self.values(operands);
    }

    fn values(&mut self, values: &[Value]) {
        self.text.push(Word::Count(values.len()));
        for value in values {
            let word = self.value(*value);
            self.text.push(word);
        }
    }

    fn value(&self, value: Value) -> Word {
        let value = self.replacements.get(value);
        match (self.body.constant(value), self.inner.get(&value)) {
            (Some(constant), _) => Word::Const(constant),
            (None, Some(number)) => Word::Inner(*number),
            (None, None) => Word::Outer(value),
        }
    }

    /// The operands of an operation that does not tell them apart, in one of their two orders.
    fn sorted(&self, a: Value, b: Value) -> [Value; 2] {
        let rank = |value| match self.value(value) {
            Word::Inner(number) => (0, number),
            Word::Outer(value) => (1, value.index()),
            _ => (2, 0),
        };
        if rank(b) < rank(a) { [b, a] } else { [a, b] }
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::{kernel, site};
    use crate::ir::{Binary, Builder, Compare, FaultKind, Kernel, Op, Type, Unary, Value};
    use crate::pass::testing::{after, element, map, scalars, sum};
    use crate::pass::{CSE, DCE};
    use pk_dsl::scalar::Scalar;

    /// `x[at]` of `x: [f32; n]`, checked at the site with this number.
    fn read_at(b: &mut Builder, array: Value, at: Value, number: Option<usize>) -> Value {
        let check = number.map(|number| site(FaultKind::OutOfBounds, number));
        b.single(Op::Index { array, indices: vec![at], check }, Type::scalar(Scalar::F32))
    }

    fn over_vector(build: impl FnOnce(&mut Builder, Value, Value) -> Vec<Value>) -> Kernel {
        kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| build(b, sizes[0], params[0]))
    }

    #[test]
    fn operands_that_may_change_places_and_mirrored_comparisons_are_equal() {
        let equal = scalars(&[Scalar::F32; 2], |b, params| {
            let (x, y) = (params[0], params[1]);
            vec![
                b.binary(Binary::Mul, x, y),
                b.binary(Binary::Mul, y, x),
                b.compare(Compare::Lt, x, y),
                b.compare(Compare::Gt, y, x),
                b.binary(Binary::Sub, x, y),
                b.binary(Binary::Sub, y, x),
            ]
        });
        insta::assert_snapshot!(after(equal, &[CSE]), @"
        kernel test(v0: f32, v1: f32) {
            v2: f32 = mul v0, v1
            v3: bool = lt v0, v1
            v4: f32 = sub v0, v1
            v5: f32 = sub v1, v0
            give v2, v2, v3, v3, v4, v5
        }
        ");
    }

    #[test]
    fn equal_nests_are_one_whatever_their_names() {
        let sums = over_vector(|b, size, x| {
            let total = |b: &mut Builder| sum(b, size, |b, i| element(b, x, &[i]));
            vec![total(b), total(b)]
        });
        insta::assert_snapshot!(after(sums, &[CSE, DCE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: f32 = const 0.0
            v3: f32 = nest v0
                body(v4: i64) {
                    v5: f32 = index v1[v4]
                    give v5
                }
                reduce(interleaved) v2 by(v6: f32, v7: f32) {
                    v8: f32 = add v6, v7
                    give v8
                }
            give v3, v3
        }
        ");
    }

    #[test]
    fn an_arm_sees_what_stands_before_it_and_not_the_other_arm() {
        let arms = scalars(&[Scalar::Bool, Scalar::F32], |b, params| {
            let root = |b: &mut Builder| b.unary(Unary::Sqrt, params[1]);
            let floor = |b: &mut Builder| b.unary(Unary::Floor, params[1]);
            let outside = root(b);
            let arms = [0, 1].map(|_| {
                b.block(vec![], |b, _| {
                    let (root, floor) = (root(b), floor(b));
                    vec![b.binary(Binary::Add, root, floor)]
                })
            });
            let op = Op::If { cond: params[0], then: arms[0], otherwise: arms[1] };
            vec![b.single(op, Type::scalar(Scalar::F32)), outside]
        });
        let text = after(arms, &[CSE]);
        assert_eq!((text.matches("sqrt").count(), text.matches("floor").count()), (1, 2));
    }

    #[test]
    fn of_two_faults_the_lower_site_stays() {
        let reads = |first, second| {
            let kernel =
                over_vector(|b, size, x| vec![read_at(b, x, size, first), read_at(b, x, size, second)]);
            after(kernel, &[CSE]).lines().filter(|line| line.contains("index")).map(str::to_string).collect()
        };
        let lines: Vec<String> = reads(Some(1), Some(2));
        assert_eq!(lines, ["    v2: f32 = index v1[v0] check s1"]);
        assert_eq!(reads(Some(1), Some(1)).len(), 1);
        assert_eq!(reads(Some(2), Some(1)).len(), 2);
        assert_eq!(reads(None, Some(1)).len(), 1);
        assert_eq!(reads(Some(1), None).len(), 1);
    }

    #[test]
    fn at_one_site_elements_are_told_apart() {
        let reads = |inner| {
            let kernel = over_vector(|b, size, x| {
                let first = read_at(b, x, size, Some(1));
                vec![first, map(b, &[size], |b, _| read_at(b, x, size, Some(inner)))]
            });
            after(kernel, &[CSE]).matches("index").count()
        };
        assert_eq!((reads(1), reads(2)), (2, 1));
    }

    #[test]
    fn a_check_holds_for_good() {
        let checks = over_vector(|b, size, _| {
            let zero = b.constant(0i64);
            for number in [1, 0] {
                let cond = b.compare(Compare::Ge, size, zero);
                let site = site(FaultKind::NegativeSize, number);
                b.inst(Op::Check { cond, site, values: vec![size] }, vec![]);
            }
            vec![size]
        });
        insta::assert_snapshot!(after(checks, &[CSE]), @"
        kernel test(v0: i64, v1: [f32; v0]) {
            v2: i64 = const 0
            v3: bool = ge v0, v2
            check s17 unless v3 [v0]
            give v0
        }
        ");
    }
}
