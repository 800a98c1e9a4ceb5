//! The floating-point environment of the calling thread.
//!
//! A host may have set another rounding mode, flush-to-zero or traps; libraries built with fast-math do so when they
//! are loaded, and new threads inherit it. pk's results must not depend on that, so compiled code, the interpreter and
//! the compiler, which evaluates constants, run in the default environment, and the host gets its own back.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "other.rs")]
mod register;

use register::{Control, DEFAULT, read, steering, write};
use std::marker::PhantomData;

/// The default environment, as long as it lives; then the environment that was there before.
///
/// Most hosts have the default one, and reading the register takes far less time than writing it.
#[derive(Debug)]
pub(crate) struct DefaultEnvironment {
    saved: Control,
    /// The register belongs to one thread, so the guard must not leave it.
    not_send: PhantomData<*mut ()>,
}

impl DefaultEnvironment {
    /// Enters the default environment.
    pub(crate) fn enter() -> DefaultEnvironment {
        let saved = read();
        if steering(saved) != steering(DEFAULT) {
            write(DEFAULT);
        }
        DefaultEnvironment { saved, not_send: PhantomData }
    }
}

impl Drop for DefaultEnvironment {
    fn drop(&mut self) {
        if read() != self.saved {
            write(self.saved);
        }
    }
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;
    use crate::driver::{
        Arg, Driver, Executable, Job, Output,
        cpu::CpuDriver,
        tests::kernels::{self, kernel, map},
    };
    use crate::{Program, Result, testing};
    use pk_compiler::{deadline::Deadline, ir::Binary};
    use pk_dsl::scalar::Scalar;
    use std::sync::Arc;

    fn in_odd_environment<R>(run: impl FnOnce() -> R) -> R {
        let before = read();
        write(register::ODD);
        let result = run();
        let after = read();
        write(before);
        assert_eq!(steering(after), steering(register::ODD));
        result
    }

    #[test]
    fn the_hosts_environment_comes_back() {
        let inside = in_odd_environment(|| {
            let _guard = DefaultEnvironment::enter();
            read()
        });
        assert_eq!(inside, DEFAULT);
    }

    #[test]
    fn the_hosts_flags_come_back() {
        let before = read();
        write(DEFAULT);
        {
            let _guard = DefaultEnvironment::enter();
            std::hint::black_box(std::hint::black_box(1.0f32) / std::hint::black_box(3.0f32));
        }
        let after = read();
        write(before);
        assert_eq!(after, DEFAULT);
    }

    /// `[x / 3]`.
    fn thirds() -> Arc<dyn Executable> {
        let kernel = kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            vec![map(b, sizes, (Scalar::F32, &[]), |b, i| {
                let x = kernels::read(b, params[0], i);
                let three = b.constant(3.0f32);
                b.binary(Binary::Div, x, three)
            })]
        });
        CpuDriver::default()
            .load(Arc::new(kernel), 1 << 20, &Deadline::default())
            .expect("valid kernels compile")
    }

    #[test]
    fn results_do_not_depend_on_the_hosts_environment() {
        let executable = thirds();
        let numbers = [1.0f32.to_ne_bytes(), f32::from_bits(300).to_ne_bytes()].concat();
        let outputs = in_odd_environment(|| {
            let args = [Arg::Array { shape: &[2], bytes: &numbers }];
            executable.run(Job { sizes: &[2], args: &args, ..Job::default() })
        });
        let outputs = outputs.expect("nothing can fault");
        let Output::Array(found) = &outputs[0] else { panic!("an array") };
        let wanted = [(1.0f32 / 3.0).to_ne_bytes(), f32::from_bits(100).to_ne_bytes()].concat();
        assert_eq!(found.bytes[..], wanted);
    }

    #[test]
    fn neither_constants_nor_any_back_end_depend_on_it() -> Result<()> {
        let text = "const third: f32 = 1.0 / 3.0;
            const tiny: f32 = 1e-38 / 1000.0;
            kernel f(x: f32) -> (f32, f32, f32, f32) = (third, tiny, x / 3.0, x * 1e-39);";
        let tiny = 1e-38f32 / 1000.0;
        let wanted = [1.0 / 3.0, tiny, 2.0 / 3.0, 2.0 * 1e-39f32].map(f32::to_bits);
        for context in testing::contexts() {
            let (compiled_odd, run_odd) = in_odd_environment(|| {
                let program = Program::compile(&context, text)?;
                let outcome = program.kernel("f")?.call::<(f32, f32, f32, f32)>(2.0f32)?;
                Ok::<_, crate::Error>((program, outcome))
            })?;
            let run_later = compiled_odd.kernel("f")?.call::<(f32, f32, f32, f32)>(2.0f32)?;
            for (a, b, c, d) in [run_odd, run_later] {
                assert_eq!([a, b, c, d].map(f32::to_bits), wanted);
            }
        }
        Ok(())
    }
}
