//! The instruction set of an object file, which need not be that of this machine.

use crate::{driver::LoadError, object::TargetCpu};
use cranelift_codegen::{
    isa::OwnedTargetIsa,
    settings::{self, Configurable},
};

/// The instructions that code for `cpu` may use.
pub(crate) fn for_object(cpu: TargetCpu) -> Result<OwnedTargetIsa, LoadError> {
    let verifies = if cfg!(debug_assertions) { "true" } else { "false" };
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", "speed"),
        // It may become part of a shared library.
        ("is_pic", "true"),
        ("unwind_info", "false"),
        ("enable_verifier", verifies),
        // A frame larger than the guard page must not step over it.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ] {
        flags.set(name, value).map_err(internal)?;
    }
    let mut builder = cranelift_native::builder_with_options(cpu == TargetCpu::Native)
        .map_err(|why| LoadError::Unavailable(why.to_string()))?;
    for setting in cpu.settings() {
        let missing = |_| LoadError::Unavailable(format!("this architecture has no `{setting}`"));
        builder.enable(setting).map_err(missing)?;
    }
    builder.finish(settings::Flags::new(flags)).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> LoadError {
    LoadError::Internal(error.to_string())
}
