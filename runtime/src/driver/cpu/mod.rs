//! The CPU driver: kernels compiled by Cranelift, run in this process.

mod divide;
mod execute;
mod hand;
#[cfg(feature = "object")]
pub(crate) mod isa;
mod jit;

use super::{Driver, Executable, Job, LoadError, RunError};
use jit::KernelCode;
pub(crate) use pk_compiler::backend::cpu::{Options, Text};
use pk_compiler::{
    backend::cpu::CodegenError,
    deadline::Deadline,
    ir::Kernel,
    plan::{self, Plan},
};
use std::sync::Arc;

/// Compiles kernels for this machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuDriver {
    /// Which instructions code may use.
    pub features: Features,
}

/// Which instructions code may use. Results do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Features {
    /// All that this machine has.
    #[default]
    Native,
    /// Those that every machine of its architecture has; slower, but the same code everywhere.
    Baseline,
}

impl CpuDriver {
    /// The text of the code for `kernel`.
    pub(crate) fn emit(&self, kernel: &Kernel, options: &Options) -> Result<String, LoadError> {
        jit::text(kernel, &plan::cpu(kernel), self.features, options)
    }
}

impl LoadError {
    /// Why there is no code, of which there may be `code_bytes`.
    pub(crate) fn from_codegen(error: CodegenError, code_bytes: usize) -> LoadError {
        match error {
            CodegenError::TooLarge => LoadError::TooLarge { code_bytes },
            CodegenError::TooComplex => LoadError::TooComplex,
            CodegenError::Late(_) => LoadError::Late,
            CodegenError::OutOfMemory(_) => LoadError::OutOfMemory(error.to_string()),
            CodegenError::Failed { .. } => LoadError::Internal(error.to_string()),
        }
    }
}

impl Driver for CpuDriver {
    fn load(
        &self,
        kernel: Arc<Kernel>,
        code_bytes: usize,
        deadline: &Deadline,
    ) -> Result<Arc<dyn Executable>, LoadError> {
        let plan = plan::cpu(&kernel);
        let options = Options { text: Text::None, code_bytes, deadline: deadline.clone() };
        let code = KernelCode::compile(&kernel, &plan, self.features, &options)?;
        Ok(Arc::new(CompiledKernel { kernel, plan, code }))
    }
}

/// Frames of this size fit the stack of any thread that a host may have, together with the host's side of a launch.
const MOST_FRAME_BYTES: usize = 8 << 10;

struct CompiledKernel {
    kernel: Arc<Kernel>,
    plan: Plan,
    code: KernelCode,
}

impl Executable for CompiledKernel {
    fn execute(&self, job: &mut Job<'_, '_>) -> Result<(), RunError> {
        match job.fits(&self.kernel.signature) {
            true => execute::execute(&self.kernel, &self.plan, &self.code, job),
            false => Err(RunError::BadJob),
        }
    }

    fn needs_big_stack(&self) -> bool {
        self.code.frame_bytes() > MOST_FRAME_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::tests::kernels::{fold, kernel, read, reduce};
    use pk_compiler::ir::{Binary, Order};
    use pk_dsl::scalar::Scalar;

    fn emit(kernel: &Kernel, text: Text) -> Result<String, LoadError> {
        let driver = CpuDriver { features: Features::Baseline };
        driver.emit(kernel, &Options { text, code_bytes: 1 << 20, deadline: Deadline::default() })
    }

    /// Without vectors, which every CPU of other architectures has, and with the calling convention of Linux.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn a_map_is_one_loop_with_the_fault_out_of_the_way() {
        use crate::driver::tests::kernels::{map, read_checked};

        let kernel = kernel(1, &[(Scalar::F32, &[0]), (Scalar::I64, &[0])], |b, sizes, params| {
            vec![map(b, sizes, (Scalar::F32, &[]), |b, i| {
                let index = read(b, params[1], i);
                let x = read_checked(b, params[0], &[index], 0);
                b.binary(Binary::Add, x, x)
            })]
        });
        insta::assert_snapshot!(emit(&kernel, Text::Clif).expect("valid kernels compile"), @r"
        ; step0
        function u0:0(i64, i64, i64, i64, i64) system_v {
        block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64):
            v5 = load.i64 notrap v0
            v6 = load.i64 notrap v0+16
            v7 = load.i64 notrap v0+40
            v8 = load.i64 notrap v0+32
            v9 = load.i64 notrap v0+24
            v11 = icmp slt v3, v4
            brif v11, block1(v3), block2

        block1(v10: i64):
            v12 = iconst.i64 3
            v13 = ishl v10, v12  ; v12 = 3
            v14 = iadd.i64 v8, v13
            v15 = load.i64 notrap v14
            v16 = icmp uge v15, v6
            brif v16, block3, block4

        block3 cold:
            v18 = iconst.i64 0
            v19 = iconst.i64 1
            v20 = load.i64 notrap v2
            v21 = load.i64 notrap v2+8
            v22 = icmp eq v20, v18  ; v18 = 0
            v23 = icmp.i64 ult v10, v21
            v24 = bor v22, v23
            v25 = load.i64 notrap v2
            v26 = select v24, v19, v25  ; v19 = 1
            store notrap v26, v2
            v27 = load.i64 notrap v2+8
            v28 = select.i64 v24, v10, v27
            store notrap v28, v2+8
            v29 = load.i64 notrap v2+16
            v30 = select.i64 v24, v15, v29
            store notrap v30, v2+16
            v31 = load.i64 notrap v2+24
            v32 = select.i64 v24, v6, v31
            store notrap v32, v2+24
            v33 = f32const 0.0
            jump block5(v33)  ; v33 = 0.0

        block4:
            v34 = iconst.i64 2
            v35 = ishl.i64 v15, v34  ; v34 = 2
            v36 = iadd.i64 v9, v35
            v37 = load.f32 notrap v36
            jump block5(v37)

        block5(v17: f32):
            v38 = fadd v17, v17
            v39 = iconst.i64 2
            v40 = ishl.i64 v10, v39  ; v39 = 2
            v41 = iadd.i64 v7, v40
            store notrap v38, v41
            v42 = iconst.i64 1
            v43 = iadd.i64 v10, v42  ; v42 = 1
            v44 = icmp slt v43, v4
            brif v44, block1(v43), block2

        block2:
            return
        }
        ");
    }

    #[test]
    fn assembly_is_that_of_the_machine() {
        let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            let sum = fold(b, Binary::Mul, 1.0f32, Order::Interleaved);
            reduce(b, sizes[0], sum, |b, i| vec![read(b, params[0], &[i])])
        });
        let text = emit(&kernel, Text::Assembly).expect("valid kernels compile");
        assert!(text.starts_with("; step0\n") && text.contains("; step1\n"), "{text}");
        let product = if cfg!(target_arch = "x86_64") { "mulss" } else { "fmul" };
        assert!(text.contains(product), "{text}");
    }
}
