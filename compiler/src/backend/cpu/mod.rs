//! The CPU back end: plans to machine code through Cranelift.
//!
//! Each launch of a plan becomes one function `step<n>(frame, scratch, faults, begin, end)`:
//!
//! | parameter | what it points to |
//! |---|---|
//! | `frame` | the slots of the plan, 8 bytes each |
//! | `scratch` | the addresses of the launch's scratch memory, 8 bytes each, as 64-byte aligned blocks |
//! | `faults` | a [`FaultRecord`](fault::FaultRecord) for each site of the kernel |
//! | `begin`, `end` | no pointers: the range of elements or leaves, `begin <= end` |
//!
//! The code traps on nothing and calls nothing but the symbols of [`helper`]. It reads and writes only the memory that
//! the frame and the scratch table name. When the cancel flag is set or a check fails, it sets [`Slot::STOPPED`] and
//! returns at once.
//!
//! [`Slot::STOPPED`]: crate::plan::Slot::STOPPED
//!
//! No memory is made executable here and no pointer is called: the caller owns the `Module`.

mod cache;
mod control;
mod convert;
mod define;
mod effort;
mod emitter;
pub mod fault;
mod fold;
pub mod helper;
mod inst;
mod launch;
mod memory;
mod nest;
#[cfg(feature = "object")]
pub mod object;
mod running;
mod scalar;
mod sink;
mod vector;
mod workspace;

use crate::{
    deadline::{Deadline, Passed},
    ir::Kernel,
    plan::Plan,
};
use cranelift_codegen::CodegenError as CraneliftError;
use cranelift_module::{Module, ModuleError};
use define::Definer;
use workspace::Workspace;

pub use cache::CodeCache;
pub use define::{FunctionCode, Text};

/// The code of a plan.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// One function for each launch of the plan, in order.
    pub functions: Vec<FunctionCode>,
}

impl Artifact {
    /// The texts of all functions, one after the other.
    pub fn text(&self) -> String {
        let texts: Vec<&str> =
            self.functions.iter().filter_map(|function| function.text.as_deref()).collect();
        texts.join("\n")
    }
}

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which text of the code to keep.
    pub text: Text,
    /// How many bytes of code a kernel may have.
    pub code_bytes: usize,
    /// When to give up.
    pub deadline: Deadline,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// The kernel needs more code than it may have, or than Cranelift can make.
    #[error("the code is too large")]
    TooLarge,
    /// One launch does so much that Cranelift would take too long for it.
    #[error("the code takes too long to make")]
    TooComplex,
    /// The deadline has passed.
    #[error(transparent)]
    Late(#[from] Passed),
    /// The system gives no memory for code.
    #[error("no memory for code: {0}")]
    OutOfMemory(std::io::Error),
    /// A bug of pk, as no valid kernel makes code generation fail.
    #[error("in {function}: {cause}")]
    Failed {
        /// The name of the function.
        function: String,
        /// What Cranelift says.
        #[source]
        cause: Box<ModuleError>,
    },
}

impl CodegenError {
    fn new(function: &str, cause: ModuleError) -> CodegenError {
        match cause {
            ModuleError::Compilation(CraneliftError::CodeTooLarge | CraneliftError::ImplLimitExceeded) => {
                CodegenError::TooLarge
            }
            ModuleError::Allocation { err } => CodegenError::OutOfMemory(err),
            cause => CodegenError::Failed { function: function.to_string(), cause: Box::new(cause) },
        }
    }
}

/// Compiles each launch of `plan`, which must be a plan of `kernel`, into a function of `module`; what `cache` has is
/// taken from there.
pub fn compile(
    kernel: &Kernel,
    plan: &Plan,
    module: &mut dyn Module,
    cache: &CodeCache,
    options: &Options,
) -> Result<Artifact, CodegenError> {
    let helpers = helper::Helpers::declare(module, helper::Function::symbol)
        .map_err(|cause| CodegenError::new("helpers", *cause))?;
    let definer = Definer::new(module, options.text, Some(cache));
    compile_steps(kernel, plan, definer, options, &helpers, "step")
}

/// Compiles each launch of `plan` into a function whose name is `stem` and the number of the launch.
fn compile_steps(
    kernel: &Kernel,
    plan: &Plan,
    mut definer: Definer<'_>,
    options: &Options,
    helpers: &helper::Helpers,
    stem: &str,
) -> Result<Artifact, CodegenError> {
    let mut workspace = Workspace::take(definer.module);
    let Workspace { context, builder } = &mut workspace;
    let mut functions = Vec::new();
    let mut room = options.code_bytes;
    for (number, launch) in plan.launches().enumerate() {
        options.deadline.check()?;
        context.func.signature = launch::signature(definer.module);
        launch::build(kernel, plan, launch, helpers, definer.module, &mut context.func, builder);
        if !effort::is_bounded(&context.func) {
            return Err(CodegenError::TooComplex);
        }
        let name = format!("{stem}{number}");
        let function = definer.define(context, &name).map_err(|cause| CodegenError::new(&name, *cause))?;
        room = room.checked_sub(function.code_bytes).ok_or(CodegenError::TooLarge)?;
        functions.push(function);
        definer.module.clear_context(context);
    }
    workspace.keep();
    Ok(Artifact { functions })
}
