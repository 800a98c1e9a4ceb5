//! The floating-point environment of the calling thread.
//!
//! A host may have set another rounding mode, flush-to-zero or traps; libraries built with fast-math do so when they
//! are loaded, and new threads inherit it. pk's results must not depend on that, so compiled code, the interpreter and
//! the compiler, which evaluates constants, run in the default environment, and the host gets its own back.

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
        if !is_default(saved) {
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

/// The content of MXCSR.
#[cfg(target_arch = "x86_64")]
type Control = u32;

/// Round to nearest, keep subnormals, mask all exceptions.
#[cfg(target_arch = "x86_64")]
const DEFAULT: Control = 0x1F80;

/// What arithmetic has met so far. It steers nothing.
#[cfg(target_arch = "x86_64")]
const FLAGS: Control = 0x3F;

#[cfg(target_arch = "x86_64")]
fn is_default(control: Control) -> bool {
    control & !FLAGS == DEFAULT
}

#[cfg(target_arch = "x86_64")]
fn read() -> Control {
    let mut control: Control = 0;
    // SAFETY: the instruction stores the four bytes of MXCSR at the address, which is that of a `u32`.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut control, options(nostack, preserves_flags)) }
    control
}

#[cfg(target_arch = "x86_64")]
fn write(control: Control) {
    // SAFETY: the value is the default or came from MXCSR, so it has no reserved bit, which would fault. Rust code
    // between here and the restoration is pk's own and expects nothing but the default environment or does no
    // floating-point arithmetic.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &control, options(nostack, readonly)) }
}

/// The content of FPCR.
#[cfg(target_arch = "aarch64")]
type Control = u64;

/// Round to nearest, keep subnormals, no exceptions.
#[cfg(target_arch = "aarch64")]
const DEFAULT: Control = 0;

#[cfg(target_arch = "aarch64")]
fn is_default(control: Control) -> bool {
    control == DEFAULT
}

#[cfg(target_arch = "aarch64")]
fn read() -> Control {
    let control: Control;
    // SAFETY: FPCR is readable in user mode; the instruction changes nothing else.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack, preserves_flags)) }
    control
}

#[cfg(target_arch = "aarch64")]
fn write(control: Control) {
    // SAFETY: the value is the default or came from FPCR; the register only steers floating-point arithmetic, which Rust
    // expects to find in the default environment.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack, preserves_flags)) }
}

/// Other targets have no code generator that could use it.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Control = ();

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const DEFAULT: Control = ();

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn is_default((): Control) -> bool {
    true
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read() -> Control {}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn write((): Control) {}

#[cfg(all(test, target_arch = "x86_64"))]
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

    /// Flush-to-zero, subnormals are zero, round up.
    const ODD: Control = DEFAULT | 0x8040 | 0x4000;

    fn in_odd_environment<R>(run: impl FnOnce() -> R) -> R {
        let before = read();
        write(ODD);
        let result = run();
        let after = read();
        write(before);
        assert_eq!(after & !FLAGS, ODD);
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
