//! The CPU driver: kernels compiled by Cranelift, run in this process.

mod execute;
mod fenv;
mod jit;

use super::{Driver, Executable, Job, LoadError, Output, RunError};
use jit::KernelCode;
pub use pk_compiler::backend::cpu::Text;
use pk_compiler::{
    ir::Kernel,
    plan::{self, Plan},
};
use std::sync::Arc;

/// Compiles kernels for this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuDriver;

impl Driver for CpuDriver {
    fn load(&self, kernel: Arc<Kernel>) -> Result<Arc<dyn Executable>, LoadError> {
        let plan = plan::cpu(&kernel);
        let code = KernelCode::compile(&kernel, &plan)?;
        Ok(Arc::new(CompiledKernel { kernel, plan, code }))
    }
}

/// The text of the code of `kernel` for this machine.
pub fn emit(kernel: &Kernel, text: Text) -> Result<String, LoadError> {
    jit::text(kernel, &plan::cpu(kernel), text)
}

struct CompiledKernel {
    kernel: Arc<Kernel>,
    plan: Plan,
    code: KernelCode,
}

impl Executable for CompiledKernel {
    fn execute(&self, job: Job<'_>) -> Result<Vec<Output>, RunError> {
        match job.fits(&self.kernel.signature) {
            true => execute::execute(&self.kernel, &self.plan, &self.code, job),
            false => Err(RunError::BadJob),
        }
    }
}
