//! Building IR: a cursor into nested blocks.

use super::{
    Binary, Block, BlockData, Body, Compare, Def, Entity, Inst, InstData, Op, Type, Unary, Value, ValueData,
};
use pk_dsl::scalar::{Const, Scalar};

/// Appends instructions to the innermost open block of a body.
///
/// ```
/// use pk_compiler::ir::{Binary, Builder, Type};
/// use pk_dsl::scalar::Scalar;
///
/// let (mut builder, params) = Builder::new(vec![Type::scalar(Scalar::F32); 2]);
/// let sum = builder.binary(Binary::Add, params[0], params[1]);
/// let body = builder.finish(vec![sum]);
/// assert_eq!(body.blocks[body.entry].results, [sum]);
/// ```
#[derive(Debug)]
pub struct Builder {
    body: Body,
    open: Vec<Block>,
}

/// Where a [`Builder`] stands.
#[derive(Debug)]
pub struct Cursor(Vec<Block>);

impl Builder {
    /// A builder whose cursor stands in a new entry block, and the parameters of that block.
    pub fn new(params: Vec<Type>) -> (Builder, Vec<Value>) {
        let body = Body {
            values: Default::default(),
            insts: Default::default(),
            blocks: Default::default(),
            entry: Block::from_index(0),
        };
        let mut builder = Builder { body, open: Vec::new() };
        let (_, params) = builder.open_block(params);
        (builder, params)
    }

    /// Ends the entry block.
    pub fn finish(mut self, results: Vec<Value>) -> Body {
        self.close_block(results);
        debug_assert!(self.open.is_empty(), "a block is still open");
        self.body
    }

    /// What has been built so far.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Adds a parameter to the entry block.
    pub fn entry_param(&mut self, ty: Type) -> Value {
        self.add_param(self.body.entry, ty)
    }

    /// Opens a block inside the current one; until it is closed, instructions go there.
    pub fn open_block(&mut self, params: Vec<Type>) -> (Block, Vec<Value>) {
        let block = self.body.blocks.push(BlockData::default());
        let params = params.into_iter().map(|ty| self.add_param(block, ty)).collect();
        self.open.push(block);
        (block, params)
    }

    /// Closes the innermost block.
    pub fn close_block(&mut self, results: Vec<Value>) -> Block {
        let block = self.open.pop().unwrap_or(self.body.entry);
        self.body.blocks[block].results = results;
        block
    }

    /// Builds a block: opens it, runs `build` on its parameters, closes it with the results.
    pub fn block(
        &mut self,
        params: Vec<Type>,
        build: impl FnOnce(&mut Builder, &[Value]) -> Vec<Value>,
    ) -> Block {
        let (_, params) = self.open_block(params);
        let results = build(self, &params);
        self.close_block(results)
    }

    /// Runs `build` with the cursor at the end of the entry block, where what is the same for all elements belongs.
    pub fn in_entry<R>(&mut self, build: impl FnOnce(&mut Self) -> R) -> R {
        let inner = std::mem::replace(&mut self.open, vec![self.body.entry]);
        let result = build(self);
        self.open = inner;
        result
    }

    /// Moves the cursor to the end of the entry block; [`Builder::leave_entry`] moves it back.
    pub fn enter_entry(&mut self) -> Cursor {
        Cursor(std::mem::replace(&mut self.open, vec![self.body.entry]))
    }

    /// Moves the cursor back to where [`Builder::enter_entry`] found it.
    pub fn leave_entry(&mut self, cursor: Cursor) {
        self.open = cursor.0;
    }

    /// Whether the cursor stands in the entry block.
    pub fn is_in_entry(&self) -> bool {
        self.open.len() <= 1
    }

    /// Appends an instruction with results of these types.
    pub fn inst(&mut self, op: Op, results: Vec<Type>) -> Inst {
        let inst = self.body.insts.push(InstData { op, results: Vec::new() });
        for (index, ty) in results.into_iter().enumerate() {
            let def = Def::Result { inst, index: index as u32 };
            let value = self.body.values.push(ValueData { ty, def });
            self.body.insts[inst].results.push(value);
        }
        let block = self.open.last().copied().unwrap_or(self.body.entry);
        self.body.blocks[block].insts.push(inst);
        inst
    }

    /// Appends an instruction with several results.
    pub fn multi(&mut self, op: Op, results: Vec<Type>) -> Vec<Value> {
        let inst = self.inst(op, results);
        self.body.insts[inst].results.clone()
    }

    /// Appends an instruction with one result.
    pub fn single(&mut self, op: Op, ty: Type) -> Value {
        let inst = self.inst(op, vec![ty]);
        self.body.insts[inst].results[0]
    }

    /// A constant.
    pub fn constant(&mut self, value: impl Into<Const>) -> Value {
        let value = value.into();
        self.single(Op::Const(value), Type::scalar(value.scalar()))
    }

    /// The integer `value` as a constant of type `scalar`.
    pub fn int(&mut self, scalar: Scalar, value: i128) -> Value {
        self.constant(Const::from_int(scalar, value))
    }

    /// An operation on one operand.
    pub fn unary(&mut self, op: Unary, operand: Value) -> Value {
        let ty = self.scalar_type(operand);
        self.single(Op::Unary(op, operand), ty)
    }

    /// An operation on two operands.
    pub fn binary(&mut self, op: Binary, lhs: Value, rhs: Value) -> Value {
        let ty = self.scalar_type(lhs);
        self.single(Op::Binary(op, lhs, rhs), ty)
    }

    /// A comparison.
    pub fn compare(&mut self, op: Compare, lhs: Value, rhs: Value) -> Value {
        self.single(Op::Compare(op, lhs, rhs), Type::scalar(Scalar::Bool))
    }

    /// `a * b + c`, rounded once.
    pub fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        let ty = self.scalar_type(a);
        self.single(Op::Fma(a, b, c), ty)
    }

    /// `cond ? a : b`, both evaluated.
    pub fn select(&mut self, cond: Value, a: Value, b: Value) -> Value {
        let ty = self.scalar_type(a);
        self.single(Op::Select(cond, a, b), ty)
    }

    /// `operand` as `scalar`; itself if it is that already.
    pub fn convert(&mut self, operand: Value, scalar: Scalar) -> Value {
        match self.body.scalar(operand) == scalar {
            true => operand,
            false => self.single(Op::Convert(operand), Type::scalar(scalar)),
        }
    }

    /// The bits of `operand` as `scalar`; itself if it is that already.
    pub fn bits(&mut self, operand: Value, scalar: Scalar) -> Value {
        match self.body.scalar(operand) == scalar {
            true => operand,
            false => self.single(Op::Bits(operand), Type::scalar(scalar)),
        }
    }

    fn scalar_type(&self, value: Value) -> Type {
        Type::scalar(self.body.scalar(value))
    }

    fn add_param(&mut self, block: Block, ty: Type) -> Value {
        let index = self.body.blocks[block].params.len() as u32;
        let value = self.body.values.push(ValueData { ty, def: Def::Param { block, index } });
        self.body.blocks[block].params.push(value);
        value
    }
}
