//! Object files: kernels as plain C functions, for programs that link them and have no pk at run time.
//!
//! [`ObjectFile::add`] compiles the launches of a kernel as for any other module and adds what takes the host's place:
//! one exported function (`walk`) that checks sizes, fills the frame, allocates, calls the launches in order on the
//! caller's thread and says which fault arose. `interface` decides its parameters, [`header`] shows them to C.
//!
//! Nothing here knows the machine's own CPU, a path or an archive: the caller gives the instruction set and stores the
//! bytes.

mod exits;
mod frame;
mod header;
mod interface;
mod messages;
mod results;
mod sizes;
mod status;
mod steps;
mod walk;

pub use header::{HeaderFunction, header};
pub use interface::is_c_name;

use self::frame::FrameLayout;
use super::{
    Artifact, CodegenError, Options, compile_steps,
    define::Definer,
    helper::{Function, Helpers},
};
use crate::{
    ir::{Kernel, SiteData},
    plan::Plan,
};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_module::{ModuleError, default_libcall_names};
use cranelift_object::{
    ObjectBuilder, ObjectModule,
    object::{BinaryFormat, SectionKind},
};
use pk_dsl::scalar::Scalar;

/// What a call takes of the stack at most. It fits the smallest stacks that threads have by default.
pub const MOST_STACK_BYTES: usize = 64 << 10;

/// Why a kernel is in no object file.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The caller could not know how much memory a result needs.
    #[error("the length of a result is known only when the kernel has run")]
    UnknownLength,
    /// More than [`MOST_STACK_BYTES`].
    #[error("a call would take more than {MOST_STACK_BYTES} bytes of the stack")]
    TooMuchStack,
    /// There is no code.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
}

/// An object file in the making.
pub struct ObjectFile {
    module: ObjectModule,
}

impl ObjectFile {
    /// An empty file with code for `isa`.
    pub fn new(isa: OwnedTargetIsa, name: &str) -> Result<ObjectFile, CodegenError> {
        let builder = ObjectBuilder::new(isa, name, default_libcall_names())
            .map_err(|cause| CodegenError::new(name, cause))?;
        Ok(ObjectFile { module: ObjectModule::new(builder) })
    }

    /// Adds `kernel`, of which `plan` is a plan, as the exported function `symbol`, which must be a name of C; `place`
    /// says where in the text a site stands.
    pub fn add(
        &mut self,
        kernel: &Kernel,
        plan: &Plan,
        symbol: &str,
        place: &dyn Fn(&SiteData) -> String,
        options: &Options,
    ) -> Result<(), ObjectError> {
        if kernel.signature.results.iter().any(|result| result.dims.contains(&None)) {
            return Err(ObjectError::UnknownLength);
        }
        let layout = FrameLayout::new(kernel, plan, MOST_STACK_BYTES).ok_or(ObjectError::TooMuchStack)?;
        let module = &mut self.module;
        let helpers =
            Helpers::declare(module, c_symbol).map_err(|cause| CodegenError::new(symbol, *cause))?;
        let stem = format!("{symbol}.step");
        let definer = Definer::new(module, options.text, None);
        let steps = compile_steps(kernel, plan, definer, options, &helpers, &stem)?;
        let walk = walk::define((kernel, plan), layout, &steps, module, symbol, place)?;
        match largest_frame(&steps).checked_add(walk.frame_bytes) {
            Some(0..=MOST_STACK_BYTES) => Ok(()),
            _ => Err(ObjectError::TooMuchStack),
        }
    }

    /// The file.
    pub fn finish(self) -> Result<Vec<u8>, CodegenError> {
        let mut product = self.module.finish();
        // Without it, linkers take the code for one that needs an executable stack.
        if product.object.format() == BinaryFormat::Elf {
            product.object.add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
        }
        product.emit().map_err(|cause| CodegenError::new("object", ModuleError::Backend(cause.into())))
    }
}

fn largest_frame(steps: &Artifact) -> usize {
    steps.functions.iter().map(|function| function.frame_bytes).max().unwrap_or(0)
}

/// The function of the C library that stands in for an instruction; all of them are exact.
fn c_symbol(function: Function, scalar: Scalar) -> &'static str {
    match (function, scalar) {
        (Function::Fma, Scalar::F32) => "fmaf",
        (Function::Fma, _) => "fma",
        (Function::Floor, Scalar::F32) => "floorf",
        (Function::Floor, _) => "floor",
        (Function::Ceil, Scalar::F32) => "ceilf",
        (Function::Ceil, _) => "ceil",
        (Function::Trunc, Scalar::F32) => "truncf",
        (Function::Trunc, _) => "trunc",
        (Function::Nearest, Scalar::F32) => "rintf",
        (Function::Nearest, _) => "rint",
    }
}
