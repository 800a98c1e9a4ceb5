//! The exported function of a kernel: the walk through its plan, which in a process with pk is the runtime's business.
//!
//! The runtime's walk is the model: what is checked, allocated and called, and in which order, is the same. The walk uses
//! the caller's thread alone and needs nothing but `calloc` and `free`, and those only if the plan has memory of its own.

use super::{
    frame::FrameLayout,
    interface::{self, Role},
    messages::Messages,
    status::Status,
};
use crate::{
    backend::cpu::{
        Artifact, CodegenError, FunctionCode, Text,
        define::Definer,
        effort,
        emitter::{MEMORY, lane_type},
    },
    ir::{Kernel, SiteData},
    plan::{Plan, Slot, Step, followers},
};
use cranelift_codegen::ir::{
    AbiParam, Block, FuncRef, InstBuilder, Signature, StackSlotData, StackSlotKind, Type, Value,
    condcodes::IntCC, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{DataDescription, DataId, FuncId, Linkage, Module, ModuleError};
use pk_dsl::signature::{Signature as KernelSignature, SizeSource};

/// Emits the exported function.
pub(super) struct Walk<'a, 'b> {
    pub(super) builder: FunctionBuilder<'b>,
    module: &'a mut dyn Module,
    pub(super) kernel: &'a Kernel,
    pub(super) plan: &'a Plan,
    pub(super) layout: FrameLayout,
    /// The functions of the launches.
    pub(super) steps: Vec<FuncRef>,
    /// `calloc` and `free`, if they are needed.
    pub(super) memory: Option<[FuncRef; 2]>,
    /// The values of the sizes of the signature.
    pub(super) sizes: Vec<Value>,
    /// The arguments.
    pub(super) args: Vec<Value>,
    /// Where the results go.
    pub(super) results: Vec<Value>,
    /// Where the fault goes; may be null.
    pub(super) fault: Value,
    /// The memory on the stack.
    pub(super) base: Value,
    /// The address of the table of sites, which the messages follow.
    pub(super) table: Value,
    pub(super) messages: Messages,
    /// Looks for faults, then goes on to the results.
    pub(super) scan: Block,
    /// Notes a fault; parameters: what to return, the address of the message, element, index, length.
    pub(super) fail: Block,
    /// Frees what is left and returns its parameter.
    pub(super) leave: Block,
}

/// Defines the exported function `symbol` of a kernel and its plan, whose launches are `steps`.
pub(super) fn define(
    (kernel, plan): (&Kernel, &Plan),
    layout: FrameLayout,
    steps: &Artifact,
    module: &mut dyn Module,
    symbol: &str,
    place: &dyn Fn(&SiteData) -> String,
) -> Result<FunctionCode, CodegenError> {
    let failed = |cause| CodegenError::new(symbol, cause);
    let mut context = module.make_context();
    let mut builder_context = FunctionBuilderContext::new();
    context.func.signature = signature(&kernel.signature, module);
    let id = module.declare_function(symbol, Linkage::Export, &context.func.signature).map_err(failed)?;
    let name = format!("{symbol}.messages");
    let data = module.declare_data(&name, Linkage::Local, false, false).map_err(failed)?;
    let builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let messages = Messages::new(kernel, place);
    let mut walk = Walk::new(builder, module, (kernel, plan), layout, data, messages);
    walk.declare_callees(steps).map_err(failed)?;
    walk.whole();
    let messages = walk.finish();
    if !effort::is_bounded(&context.func) {
        return Err(CodegenError::TooComplex);
    }
    let mut description = DataDescription::new();
    description.set_align(8);
    description.define(messages.into_bytes());
    module.define_data(data, &description).map_err(failed)?;
    Definer::new(module, Text::None, None).define_as(id, &mut context, symbol).map_err(|cause| failed(*cause))
}

/// The signature of the exported function.
fn signature(kernel: &KernelSignature, module: &dyn Module) -> Signature {
    let mut signature = module.make_signature();
    let params = interface::params(kernel).into_iter().map(|param| match param.role {
        Role::Argument(number) if kernel.params[number].dims.is_empty() => {
            lane_type(kernel.params[number].scalar)
        }
        Role::Size(_) | Role::Argument(_) | Role::Result(_) => types::I64,
    });
    let fault = types::I64;
    signature.params = params.chain([fault]).map(AbiParam::new).collect();
    signature.returns = vec![AbiParam::new(types::I32)];
    signature
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(
        mut builder: FunctionBuilder<'b>,
        module: &'a mut dyn Module,
        (kernel, plan): (&'a Kernel, &'a Plan),
        layout: FrameLayout,
        data: DataId,
        messages: Messages,
    ) -> Self {
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let values = builder.block_params(entry).to_vec();
        let (fault, given) = values.split_last().map_or((Value::from_u32(0), &[][..]), |(f, g)| (*f, g));
        let (mut axes, mut args, mut results) = (Vec::new(), Vec::new(), Vec::new());
        for (param, value) in interface::params(&kernel.signature).iter().zip(given) {
            match param.role {
                Role::Size(number) => axes.push((number, *value)),
                Role::Argument(_) => args.push(*value),
                Role::Result(_) => results.push(*value),
            }
        }
        let sizes = kernel.signature.sizes.iter().enumerate().map(|(number, size)| match size.bound_by {
            SizeSource::Scalar { param } => args[param],
            SizeSource::Axis { .. } => axes.iter().find(|axis| axis.0 == number).map_or(fault, |axis| axis.1),
        });
        let sizes = sizes.collect();
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, layout.size as u32, 4);
        let slot = builder.create_sized_stack_slot(slot);
        let base = builder.ins().stack_addr(types::I64, slot, 0);
        let data = module.declare_data_in_func(data, builder.func);
        let table = builder.ins().symbol_value(types::I64, data);
        let [scan, fail, leave] = std::array::from_fn(|_| builder.create_block());
        let (steps, memory) = (Vec::new(), None);
        let mut walk = Walk {
            builder,
            module,
            kernel,
            plan,
            layout,
            steps,
            memory,
            sizes,
            args,
            results,
            fault,
            base,
            table,
            messages,
            scan,
            fail,
            leave,
        };
        walk.append_params();
        walk
    }

    /// Gives the blocks at the end their parameters.
    fn append_params(&mut self) {
        for ty in [types::I32, types::I64, types::I64, types::I64, types::I64] {
            self.builder.append_block_param(self.fail, ty);
        }
        self.builder.set_cold_block(self.fail);
        self.builder.append_block_param(self.leave, types::I32);
    }

    #[expect(clippy::result_large_err, reason = "what Cranelift gives is passed on once")]
    fn declare_callees(&mut self, steps: &Artifact) -> Result<(), ModuleError> {
        let own = |walk: &mut Self, id: FuncId| walk.module.declare_func_in_func(id, walk.builder.func);
        self.steps = steps.functions.iter().map(|function| own(self, function.id)).collect();
        if self.layout.owned_count == 0 {
            return Ok(());
        }
        let mut signature = self.module.make_signature();
        signature.params = vec![AbiParam::new(types::I64)];
        let free = self.module.declare_function("free", Linkage::Import, &signature)?;
        signature.params.push(AbiParam::new(types::I64));
        signature.returns = vec![AbiParam::new(types::I64)];
        let calloc = self.module.declare_function("calloc", Linkage::Import, &signature)?;
        self.memory = Some([own(self, calloc), own(self, free)]);
        Ok(())
    }

    fn whole(&mut self) {
        self.clear();
        self.check_sizes();
        self.bind();
        let plan = self.plan;
        let mut number = 0;
        for (at, step) in plan.steps.iter().enumerate() {
            match step {
                Step::Allocate(buffer) => self.allocate(*buffer),
                Step::Release(buffer) => self.release(buffer.0 as usize),
                Step::Run(launch) => {
                    // This thread does all, in order.
                    let is_spared = followers(&plan.steps[at + 1..]).any(|launch| launch.suffices);
                    if !is_spared {
                        self.run(launch, number);
                    }
                    number += 1;
                }
            }
        }
        self.builder.ins().jump(self.scan, &[]);
        self.scan_faults();
        self.write_results();
        let ok = self.builder.ins().iconst(types::I32, Status::Ok as i64);
        self.builder.ins().jump(self.leave, &[ok.into()]);
        self.note_fault();
        self.free_and_return();
    }

    fn finish(mut self) -> Messages {
        self.builder.seal_all_blocks();
        let config = self.module.target_config();
        self.builder.finalize(config);
        self.messages
    }

    /// Sets the memory on the stack to zero.
    fn clear(&mut self) {
        let (count, zero) = (self.int(i64::from(self.layout.size / 8)), self.int(0));
        self.for_each(count, |walk, number| {
            let cell = walk.cell(walk.base, number, 8);
            walk.builder.ins().store(MEMORY, zero, cell, 0);
        });
    }

    /// Emits a loop over `0..count`.
    pub(super) fn for_each(&mut self, count: Value, body: impl FnOnce(&mut Self, Value)) {
        let [head, inside, after] = [(); 3].map(|()| self.builder.create_block());
        let number = self.builder.append_block_param(head, types::I64);
        let zero = self.int(0);
        self.builder.ins().jump(head, &[zero.into()]);
        self.builder.switch_to_block(head);
        let is_inside = self.builder.ins().icmp(IntCC::SignedLessThan, number, count);
        self.builder.ins().brif(is_inside, inside, &[], after, &[]);
        self.builder.switch_to_block(inside);
        body(self, number);
        let next = self.builder.ins().iadd_imm_s(number, 1);
        self.builder.ins().jump(head, &[next.into()]);
        self.builder.switch_to_block(after);
    }

    /// The address of element `number` of an array at `base`.
    pub(super) fn cell(&mut self, base: Value, number: Value, bytes: i64) -> Value {
        let offset = self.builder.ins().imul_imm_s(number, bytes);
        self.builder.ins().iadd(base, offset)
    }

    pub(super) fn int(&mut self, value: i64) -> Value {
        self.builder.ins().iconst(types::I64, value)
    }

    pub(super) fn load_slot(&mut self, ty: Type, slot: Slot) -> Value {
        let at = self.layout.slot(slot);
        self.builder.ins().load(ty, MEMORY, self.base, at)
    }

    pub(super) fn store_slot(&mut self, value: Value, slot: Slot) {
        let at = self.layout.slot(slot);
        self.builder.ins().store(MEMORY, value, self.base, at);
    }
}
