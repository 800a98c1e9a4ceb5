//! The state of code generation for one function: where the values of the kernel are.

use super::{helper::Helpers, vector};
use crate::{
    ir::{self, Body, Entity, Kernel},
    plan::{Home, Launch, Plan, Scratch, Slot},
};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, condcodes::IntCC, types};
use cranelift_frontend::FunctionBuilder;
use cranelift_module::Module;
use pk_dsl::scalar::{Const, Scalar};

/// The type of a value of type `scalar`, and of a lane of a vector of such values.
pub(super) fn lane_type(scalar: Scalar) -> Type {
    match scalar {
        Scalar::Bool | Scalar::I8 | Scalar::U8 => types::I8,
        Scalar::I16 | Scalar::U16 => types::I16,
        Scalar::I32 | Scalar::U32 => types::I32,
        Scalar::I64 | Scalar::U64 => types::I64,
        Scalar::F32 => types::F32,
        Scalar::F64 => types::F64,
    }
}

/// Accesses never trap, as every address is checked before, and may be unaligned.
pub(super) const MEMORY: MemFlagsData = MemFlagsData::new().with_notrap();

/// Which element of a launch the code at hand computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// None: the code stands outside of nests.
    Outside,
    /// The element of the outermost nest with this flat index.
    At(Value),
    /// None: the code is the operator of a fold.
    InFold,
}

/// Emits the code of one function.
///
/// A scalar is a value of its type, `bool` an `i8` that is 0 or 1; an array is the address of its first element.
pub(super) struct Emitter<'a, 'b> {
    pub(super) builder: FunctionBuilder<'b>,
    pub(super) module: &'a mut dyn Module,
    pub(super) helpers: &'a Helpers,
    pub(super) plan: &'a Plan,
    /// The body whose instructions are being emitted: the kernel's, or that of a library function.
    pub(super) body: &'a Body,
    /// What stands for each value of `body`.
    pub(super) values: Vec<Option<Value>>,
    /// Whether `body` is that of a library function: those are short and have no arrays.
    pub(super) is_in_routine: bool,
    /// Whether the CPU has what vector code needs.
    pub(super) has_vectors: bool,
    /// Whether a value of the kernel is an array that the launch only reads.
    pub(super) is_input: Vec<bool>,
    /// Where arrays go whose home is [`Home::InPlace`].
    pub(super) places: Vec<Option<Value>>,
    /// The element that a fault belongs to.
    pub(super) element: Element,
    /// The address of the frame.
    pub(super) frame: Value,
    /// The addresses of the launch's scratch memory.
    pub(super) scratch: Vec<Value>,
    /// The address of the fault table.
    pub(super) faults: Value,
    /// The address of the cancel flag.
    pub(super) cancel: Value,
}

impl<'a, 'b> Emitter<'a, 'b> {
    /// An emitter whose cursor stands behind the code that loads the inputs of `launch`, and the range of the call.
    pub(super) fn new(
        mut builder: FunctionBuilder<'b>,
        module: &'a mut dyn Module,
        helpers: &'a Helpers,
        kernel: &'a Kernel,
        plan: &'a Plan,
        launch: &Launch,
    ) -> (Self, [Value; 2]) {
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let params = builder.block_params(block);
        let (frame, table, faults, range) = (params[0], params[1], params[2], [params[3], params[4]]);
        let scratch = (0..launch.scratch.len())
            .map(|number| builder.ins().load(types::I64, MEMORY, table, slot_offset(number)))
            .collect();
        let cancel = builder.ins().load(types::I64, MEMORY, frame, slot_offset(Slot::CANCEL.0 as usize));
        let body = &kernel.body;
        let has_vectors = vector::is_supported(module.isa());
        let mut emitter = Emitter {
            builder,
            module,
            helpers,
            plan,
            body,
            values: vec![None; body.values.len()],
            is_in_routine: false,
            has_vectors,
            is_input: vec![false; body.values.len()],
            places: vec![None; body.values.len()],
            element: Element::Outside,
            frame,
            scratch,
            faults,
            cancel,
        };
        for &input in &launch.inputs {
            let is_written = body.def(input).is_some_and(|inst| launch.work.insts().contains(&inst));
            emitter.is_input[input.index()] = body.ty(input).is_array() && !is_written;
            if let Some(slot) = plan.slot(input) {
                let value = emitter.load_slot(input, slot);
                emitter.define(input, value);
            }
        }
        (emitter, range)
    }

    fn load_slot(&mut self, value: ir::Value, slot: Slot) -> Value {
        let ty = match self.body.ty(value).is_array() {
            true => types::I64,
            false => lane_type(self.body.scalar(value)),
        };
        self.load_from(ty, slot)
    }

    /// What is in a slot, as a value of type `ty`.
    pub(super) fn load_from(&mut self, ty: Type, slot: Slot) -> Value {
        self.builder.ins().load(ty, MEMORY, self.frame, slot_offset(slot.0 as usize))
    }

    /// Stores a scalar into its slot.
    pub(super) fn store_slot(&mut self, slot: Slot, value: Value) {
        self.builder.ins().store(MEMORY, value, self.frame, slot_offset(slot.0 as usize));
    }

    /// The address in a slot.
    pub(super) fn load_address(&mut self, slot: Slot) -> Value {
        self.load_from(types::I64, slot)
    }

    /// Lets `code` stand for `value`.
    pub(super) fn define(&mut self, value: ir::Value, code: Value) {
        self.values[value.index()] = Some(code);
    }

    /// What stands for `value`. Constants of the entry block belong to no step, so they are made where they are used.
    pub(super) fn value(&mut self, value: ir::Value) -> Value {
        match (self.values[value.index()], self.body.constant(value)) {
            (Some(code), _) => code,
            (None, Some(constant)) => self.constant(constant),
            (None, None) => {
                debug_assert!(false, "{value} is used before it is defined");
                self.constant(Const::zero(self.body.scalar(value)))
            }
        }
    }

    /// What stands for each of `values`.
    pub(super) fn all(&mut self, values: &[ir::Value]) -> Vec<Value> {
        values.iter().map(|value| self.value(*value)).collect()
    }

    /// A constant.
    pub(super) fn constant(&mut self, constant: Const) -> Value {
        let bits = constant.bits();
        match constant.scalar() {
            Scalar::F32 => self.builder.ins().f32const(f32::from_bits(bits as u32)),
            Scalar::F64 => self.builder.ins().f64const(f64::from_bits(bits)),
            scalar => {
                let ty = lane_type(scalar);
                self.builder.ins().iconst(ty, bits as i64)
            }
        }
    }

    /// An `i64` constant.
    pub(super) fn int(&mut self, value: i64) -> Value {
        self.builder.ins().iconst(types::I64, value)
    }

    /// An integer comparison; 0 or 1.
    pub(super) fn icmp(&mut self, code: IntCC, lhs: Value, rhs: Value) -> Value {
        self.builder.ins().icmp(code, lhs, rhs)
    }

    /// Where an instruction that defines the array `value` shall write it; `None` if it has no memory of its own.
    pub(super) fn place_of(&mut self, value: ir::Value) -> Option<Value> {
        match self.plan.home(value)? {
            Home::Buffer(_) => Some(self.value(value)),
            Home::Scratch(Scratch(number)) => Some(self.scratch[number as usize]),
            Home::InPlace => self.places[value.index()],
            Home::Alias => None,
        }
    }
}

/// The offset of a cell of eight bytes.
pub(super) fn slot_offset(number: usize) -> i32 {
    // The limit on the size of IR keeps frames far below 2^28 slots.
    number as i32 * 8
}
