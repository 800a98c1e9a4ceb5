//! Executable memory: from plans to functions that can be called.
//!
//! One module for each kernel, so that code is freed with the kernel. Cranelift maps it writable, then executable, never
//! both. This is the only room that makes data into code.

use super::Features;
use crate::driver::LoadError;
use cranelift_codegen::{
    isa::OwnedTargetIsa,
    settings::{self, Configurable},
};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::default_libcall_names;
use pk_compiler::{
    backend::cpu::{
        self, Text,
        fault::FaultRecord,
        helper::{self, Function},
    },
    ir::Kernel,
    plan::Plan,
};
use pk_dsl::scalar::Scalar;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A compiled launch; `pk_compiler::backend::cpu` says what its arguments are.
pub(super) type StepFunction = unsafe extern "C" fn(
    frame: *mut u64,
    scratch: *const *mut u8,
    faults: *mut FaultRecord,
    begin: i64,
    end: i64,
);

/// The code of a kernel. Its functions live as long as it does, so they are only lent.
#[derive(Debug)]
pub(super) struct KernelCode {
    /// One function for each launch of the plan.
    functions: Vec<StepFunction>,
    /// Owns the memory of the functions; only `drop` touches it, the lock is there because it cannot be shared.
    module: Mutex<Option<Module>>,
}

/// A finished module.
struct Module(JITModule);

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Module")
    }
}

impl KernelCode {
    /// Compiles `plan`, a plan of `kernel`.
    pub(super) fn compile(kernel: &Kernel, plan: &Plan, features: Features) -> Result<KernelCode, LoadError> {
        let mut module = new_module(isa(features)?);
        let artifact = cpu::compile(kernel, plan, &mut module, Text::None).map_err(internal)?;
        module.finalize_definitions().map_err(internal)?;
        let addresses = artifact.functions.iter().map(|function| module.get_finalized_function(function.id));
        let functions = addresses.map(as_function).collect();
        Ok(KernelCode { functions, module: Mutex::new(Some(Module(module))) })
    }

    /// The function of the launch with this number.
    pub(super) fn function(&self, number: usize) -> StepFunction {
        self.functions[number]
    }
}

impl Drop for KernelCode {
    fn drop(&mut self) {
        let module = self.module.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Module(module)) = module {
            // SAFETY: the functions are private to this value and are called only while it is borrowed, so none of them
            // runs now or will run again.
            unsafe { module.free_memory() }
        }
    }
}

/// The text of the code of `plan`, a plan of `kernel`.
pub(super) fn text(
    kernel: &Kernel,
    plan: &Plan,
    features: Features,
    text: Text,
) -> Result<String, LoadError> {
    let mut module = new_module(isa(features)?);
    let artifact = cpu::compile(kernel, plan, &mut module, text).map_err(internal);
    // SAFETY: no pointer to a function of the module was ever taken.
    unsafe { module.free_memory() }
    Ok(artifact?.text())
}

fn as_function(address: *const u8) -> StepFunction {
    // SAFETY: the address is that of a finished function which the back end gave this signature and the platform's C
    // calling convention.
    unsafe { std::mem::transmute::<*const u8, StepFunction>(address) }
}

fn internal(error: impl std::fmt::Display) -> LoadError {
    LoadError::Internal(error.to_string())
}

/// The instruction set for which code is made, found once for the process.
fn isa(features: Features) -> Result<OwnedTargetIsa, LoadError> {
    static NATIVE: OnceLock<Result<OwnedTargetIsa, LoadError>> = OnceLock::new();
    static BASELINE: OnceLock<Result<OwnedTargetIsa, LoadError>> = OnceLock::new();
    let known = match features {
        Features::Native => &NATIVE,
        Features::Baseline => &BASELINE,
    };
    known.get_or_init(|| find_isa(features)).clone()
}

fn find_isa(features: Features) -> Result<OwnedTargetIsa, LoadError> {
    let verifies = if cfg!(debug_assertions) { "true" } else { "false" };
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", "speed"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("unwind_info", "false"),
        ("enable_verifier", verifies),
        // A frame larger than the guard page must not step over it.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ] {
        flags.set(name, value).map_err(internal)?;
    }
    let builder = cranelift_native::builder_with_options(features == Features::Native)
        .map_err(|why| LoadError::Unavailable(why.to_string()))?;
    builder.finish(settings::Flags::new(flags)).map_err(internal)
}

fn new_module(isa: OwnedTargetIsa) -> JITModule {
    let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
    for (function, scalar, name) in helper::names() {
        builder.symbol(name, helper_address(function, scalar));
    }
    JITModule::new(builder)
}

fn helper_address(function: Function, scalar: Scalar) -> *const u8 {
    match (function, scalar) {
        (Function::Fma, Scalar::F32) => fma_f32 as *const u8,
        (Function::Fma, _) => fma_f64 as *const u8,
        (Function::Floor, Scalar::F32) => floor_f32 as *const u8,
        (Function::Floor, _) => floor_f64 as *const u8,
        (Function::Ceil, Scalar::F32) => ceil_f32 as *const u8,
        (Function::Ceil, _) => ceil_f64 as *const u8,
        (Function::Trunc, Scalar::F32) => trunc_f32 as *const u8,
        (Function::Trunc, _) => trunc_f64 as *const u8,
        (Function::Nearest, Scalar::F32) => nearest_f32 as *const u8,
        (Function::Nearest, _) => nearest_f64 as *const u8,
    }
}

extern "C" fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

extern "C" fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

extern "C" fn floor_f32(x: f32) -> f32 {
    x.floor()
}

extern "C" fn floor_f64(x: f64) -> f64 {
    x.floor()
}

extern "C" fn ceil_f32(x: f32) -> f32 {
    x.ceil()
}

extern "C" fn ceil_f64(x: f64) -> f64 {
    x.ceil()
}

extern "C" fn trunc_f32(x: f32) -> f32 {
    x.trunc()
}

extern "C" fn trunc_f64(x: f64) -> f64 {
    x.trunc()
}

extern "C" fn nearest_f32(x: f32) -> f32 {
    x.round_ties_even()
}

extern "C" fn nearest_f64(x: f64) -> f64 {
    x.round_ties_even()
}
