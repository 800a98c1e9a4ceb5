//! Vector code: groups of neighbouring elements of a nest, computed at once in 128-bit vectors.
//!
//! A *group* has as many elements as fill whole vectors of every type that its body computes with; each value of the body
//! is *uniform* (one scalar for the group), *linear* (an index) or a *pack* of vectors. The bits are those of scalar code.
//! Whatever vector code cannot do for a group — a fault, a rare path of a library function, an element at the edge of an
//! array — makes it *bail*: the group is computed anew by the scalar code that stands beside it. Nothing is stored before
//! the last point at which a group can bail.
//!
//! `analysis` says which nests have vector code; `elements` and `leaf` are the loops over groups. How many elements a
//! vector holds is known to `pack` alone.

mod analysis;
mod columns;
mod control;
mod elements;
mod lanes;
mod leaf;
mod linear;
mod memory;
mod ops;
mod pack;
mod places;
mod running;
mod scan;

pub(super) use analysis::{Shape, columns_shape_of, running_shape_of, scan_shape_of, shape_of};
pub(super) use columns::{Bands, ColumnLoops, Rows};
pub(super) use elements::Row;
pub(super) use lanes::have_identities;

use super::emitter::Emitter;
use crate::ir::{Binary, Block as IrBlock, Compare, Inst, Op, Value as IrValue};
use cranelift_codegen::{
    ir::{Block, InstBuilder, Value},
    isa::TargetIsa,
};
use linear::Linear;
use pack::Pack;
use pk_dsl::scalar::{Const, Scalar};
use std::collections::HashMap;

/// Whether vector code can be made for `isa`: on x86-64 its shuffles and comparisons need SSE4.1.
pub(super) fn is_supported(isa: &dyn TargetIsa) -> bool {
    let flags = isa.isa_flags();
    let sse41 = flags.iter().find(|flag| flag.name == "has_sse41");
    sse41.is_none_or(|flag| flag.as_bool().unwrap_or(false))
}

/// A value of the body as vector code has it.
#[derive(Clone, Debug)]
enum Operand {
    /// One known value for all elements.
    Constant(Const),
    /// One value for all elements.
    Uniform(Value),
    /// See [`Linear`].
    Linear(Linear),
    /// One value for each element.
    Pack(Pack),
}

/// Emits the code of one group.
struct Group<'e, 'a, 'b> {
    e: &'e mut Emitter<'a, 'b>,
    /// The number of elements.
    size: u32,
    /// The width of a mask in bytes where ways meet.
    mask_bytes: u32,
    /// The values of the body at hand that are not uniform; the others are where scalar code has them.
    forms: HashMap<IrValue, Operand>,
    /// The outermost block of the body at hand.
    top: IrBlock,
    /// Where scalar code takes over, once the group has a reason to bail.
    bail: Option<Block>,
    /// Which elements take the way at hand; all if `None`.
    active: Option<Pack>,
    /// Pairs of `i64` of which the first is known to be less: the places of elements that a fold compares.
    ordered: Vec<(IrValue, IrValue)>,
    /// How deep the code is inside of loops and branches of the body, out of which no load may be moved.
    guards: usize,
}

impl<'e, 'a, 'b> Group<'e, 'a, 'b> {
    fn new(e: &'e mut Emitter<'a, 'b>, shape: Shape, top: IrBlock) -> Self {
        Group {
            e,
            size: shape.group,
            mask_bytes: shape.mask_bytes,
            forms: HashMap::new(),
            top,
            bail: None,
            active: None,
            ordered: Vec::new(),
            guards: 0,
        }
    }

    fn set(&mut self, value: IrValue, pack: Pack) {
        self.forms.insert(value, Operand::Pack(pack));
    }

    fn operand(&mut self, value: IrValue) -> Operand {
        match (self.forms.get(&value), self.e.body.constant(value)) {
            (Some(form), _) => form.clone(),
            (None, Some(constant)) => Operand::Constant(constant),
            (None, None) => Operand::Uniform(self.e.value(value)),
        }
    }

    /// What stands for `value`, as a pack.
    fn pack(&mut self, value: IrValue) -> Pack {
        let operand = self.operand(value);
        self.pack_of(self.e.body.scalar(value), operand)
    }

    /// Emits `block` with `args` for its parameters; gives its results.
    fn block_with(&mut self, block: IrBlock, args: Vec<Pack>) -> Vec<IrValue> {
        let body = self.e.body;
        body.blocks[block].params.iter().zip(args).for_each(|(param, arg)| self.set(*param, arg));
        self.block(block)
    }

    /// Emits the instructions of `block`, whose parameters are set; gives its results.
    fn block(&mut self, block: IrBlock) -> Vec<IrValue> {
        let body = self.e.body;
        let data = &body.blocks[block];
        data.insts.iter().for_each(|inst| self.inst(*inst));
        data.results.clone()
    }

    fn is_uniform(&self, inst: Inst) -> bool {
        let body = self.e.body;
        let op = &body.insts[inst].op;
        let mut is_uniform = true;
        let mut visit = |value: IrValue| is_uniform &= !self.forms.contains_key(&value);
        op.for_each_operand(&mut visit);
        op.for_each_block(|block| body.for_each_use(block, &mut visit));
        is_uniform
    }

    fn inst(&mut self, inst: Inst) {
        let body = self.e.body;
        let data = &body.insts[inst];
        if self.is_uniform(inst) {
            if !analysis::is_op_harmless(body, &data.op) {
                self.require_all_active();
            }
            data.results.iter().for_each(|result| drop(self.forms.remove(result)));
            return self.e.inst(inst);
        }
        let single = match &data.op {
            Op::Const(_) | Op::Check { .. } | Op::Nest(_) | Op::Array(_) => {
                debug_assert!(false, "{inst} has no vector form");
                return;
            }
            Op::Unary(op, a) => {
                let x = self.pack(*a);
                self.unary(*op, body.scalar(*a), &x)
            }
            Op::Binary(op, a, b) => {
                let (x, y) = (self.operand(*a), self.operand(*b));
                let scalar = body.scalar(*a);
                let simple = match scalar {
                    Scalar::I64 => self.linear_binary(*op, &x, &y),
                    Scalar::Bool => with_constant(*op, &x, &y),
                    _ => None,
                };
                match simple {
                    Some(operand) => return self.define(data.results[0], operand),
                    None => self.binary(*op, scalar, x, y),
                }
            }
            Op::Compare(op, a, b) => {
                if let Some(holds) = self.known_order(*op, *a, *b) {
                    return self.define(data.results[0], holds);
                }
                let (x, y, scalar) = (self.operand(*a), self.operand(*b), body.scalar(*a));
                let uniform = if scalar == Scalar::I64 { self.linear_compare(*op, &x, &y) } else { None };
                if let Some(uniform) = uniform {
                    return self.define(data.results[0], uniform);
                }
                let (x, y) = (self.pack_of(scalar, x), self.pack_of(scalar, y));
                self.compare(*op, scalar, x, y)
            }
            Op::Select(cond, a, b) => return self.select(data.results[0], *cond, [*a, *b]),
            Op::Fma(a, b, c) => {
                let (x, y, z) = (self.pack(*a), self.pack(*b), self.pack(*c));
                self.fma(body.scalar(*a), &x, &y, &z)
            }
            Op::Convert(a) => {
                let x = self.pack(*a);
                self.convert(body.scalar(*a), body.scalar(data.results[0]), &x)
            }
            Op::Bits(a) => {
                let x = self.pack(*a);
                self.reinterpret(body.scalar(*a), body.scalar(data.results[0]), &x)
            }
            Op::IntDiv { op, lhs, rhs, check } => self.int_div(*op, *lhs, *rhs, *check),
            Op::Index { array, indices, check } => self.index(*array, indices, *check),
            Op::Call { routine, args } => {
                let results = self.call(*routine, args);
                return self.set_all(&data.results, results);
            }
            Op::If { cond, then, otherwise } => {
                let results = self.if_inst(data, *cond, [*then, *otherwise]);
                return self.set_all(&data.results, results);
            }
            Op::Loop { start, end, init, cond, body: block } => {
                let range = [self.e.value(*start), self.e.value(*end)];
                let is_used = self.are_used(&data.results);
                let results = self.loop_inst(range, init, (*cond, *block), &is_used);
                return self.set_all(&data.results, results);
            }
        };
        self.set(data.results[0], single);
    }

    /// What a comparison gives whose operands are a known pair.
    fn known_order(&self, op: Compare, a: IrValue, b: IrValue) -> Option<Operand> {
        let is_less = self.ordered.contains(&(a, b));
        if !is_less && !self.ordered.contains(&(b, a)) {
            return None;
        }
        let holds = match op {
            Compare::Eq => false,
            Compare::Ne => true,
            Compare::Lt | Compare::Le => is_less,
            Compare::Gt | Compare::Ge => !is_less,
        };
        Some(Operand::Constant(Const::from_bits(Scalar::Bool, u64::from(holds))))
    }

    /// Which of `values` anything in the body at hand uses.
    fn are_used(&self, values: &[IrValue]) -> Vec<bool> {
        let mut is_used = vec![false; values.len()];
        self.e.body.for_each_use(self.top, |used| {
            values.iter().zip(&mut is_used).for_each(|(value, is_used)| *is_used |= *value == used);
        });
        is_used
    }

    fn set_all(&mut self, values: &[IrValue], packs: Vec<Pack>) {
        values.iter().zip(packs).for_each(|(value, pack)| self.set(*value, pack));
    }

    fn define(&mut self, value: IrValue, operand: Operand) {
        match operand {
            Operand::Uniform(code) => {
                self.forms.remove(&value);
                self.e.define(value, code);
            }
            _ => drop(self.forms.insert(value, operand)),
        }
    }

    fn select(&mut self, result: IrValue, cond: IrValue, [a, b]: [IrValue; 2]) {
        let scalar = self.e.body.scalar(a);
        let (x, y) = (self.operand(a), self.operand(b));
        if let Operand::Pack(mask) = self.operand(cond) {
            let (x, y) = (self.pack_of(scalar, x), self.pack_of(scalar, y));
            let (x, y) = if scalar == Scalar::Bool { self.same_width(x, y) } else { (x, y) };
            let blended = self.blend(&mask, &x, &y);
            return self.set(result, blended);
        }
        let cond = self.e.value(cond);
        let linear = if scalar == Scalar::I64 { self.linear_select(cond, &x, &y) } else { None };
        if let Some(linear) = linear {
            return self.define(result, linear);
        }
        let (x, y) = (self.pack_of(scalar, x), self.pack_of(scalar, y));
        let (x, y) = if scalar == Scalar::Bool { self.same_width(x, y) } else { (x, y) };
        let chosen = self.zip(&x, &y, x.lane, |g, x, y| g.e.builder.ins().select(cond, x, y));
        self.set(result, chosen);
    }
}

/// An operation on `bool` of which one operand is a constant.
fn with_constant(op: Binary, a: &Operand, b: &Operand) -> Option<Operand> {
    let (constant, other) = match (a, b) {
        (Operand::Constant(constant), other) | (other, Operand::Constant(constant)) => (constant, other),
        _ => return None,
    };
    match (op, constant.bits() != 0) {
        (Binary::And, true) | (Binary::Or, false) => Some(other.clone()),
        (Binary::And, false) | (Binary::Or, true) => Some(Operand::Constant(*constant)),
        _ => None,
    }
}
