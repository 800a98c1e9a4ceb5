//! Executable memory: from plans to functions that can be called.
//!
//! One module for each kernel, so that code is freed with the kernel. Cranelift maps it writable, then executable, never
//! both. This is the only room that makes data into code.

use super::Features;
use crate::{driver::LoadError, thread};
use cranelift_codegen::{
    isa::OwnedTargetIsa,
    settings::{self, Configurable},
};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::default_libcall_names;
use pk_compiler::{
    backend::cpu::{
        self, Artifact, CodeCache, Options,
        fault::FaultRecord,
        helper::{self, Function},
    },
    ir::Kernel,
    plan::Plan,
};
use pk_dsl::scalar::Scalar;
use std::{
    mem::ManuallyDrop,
    sync::{Mutex, OnceLock},
};

/// A compiled launch; `pk_compiler::backend::cpu` says what its arguments are.
pub(super) type StepFunction = unsafe extern "C" fn(
    frame: *mut u64,
    scratch: *const *mut u8,
    faults: *mut FaultRecord,
    begin: i64,
    end: i64,
);

/// The code of a kernel. Its functions live as long as it does, so they are only lent.
pub(super) struct KernelCode {
    /// One function for each launch of the plan.
    functions: Vec<StepFunction>,
    /// What the largest of the functions takes of the stack.
    frame_bytes: usize,
    /// Owns the memory of the functions; only `drop` touches it, the lock is there because it cannot be shared.
    _module: Mutex<OwnedModule>,
}

/// A module whose memory is freed with it, however its making ends: Cranelift's own leaks.
struct OwnedModule(ManuallyDrop<JITModule>);

impl OwnedModule {
    /// # Safety
    ///
    /// Functions of the module may be called only while the value lives.
    unsafe fn new(builder: JITBuilder) -> OwnedModule {
        OwnedModule(ManuallyDrop::new(JITModule::new(builder)))
    }
}

impl Drop for OwnedModule {
    fn drop(&mut self) {
        // SAFETY: the value is not used again: this is its end.
        let module = unsafe { ManuallyDrop::take(&mut self.0) };
        // SAFETY: `new` asked that no function be called after the end of this value.
        unsafe { module.free_memory() }
    }
}

impl KernelCode {
    /// Compiles `plan`, a plan of `kernel`.
    pub(super) fn compile(
        kernel: &Kernel,
        plan: &Plan,
        features: Features,
        options: &Options,
    ) -> Result<KernelCode, LoadError> {
        let cache = cache(features)?;
        KernelCode::compile_into(new_module(cache), cache, kernel, plan, options)
    }

    fn compile_into(
        mut module: OwnedModule,
        cache: &CodeCache,
        kernel: &Kernel,
        plan: &Plan,
        options: &Options,
    ) -> Result<KernelCode, LoadError> {
        let artifact = compile(kernel, plan, &mut module, cache, options)?;
        module.0.finalize_definitions().map_err(|error| {
            LoadError::Unavailable(format!("the system refuses to make code executable: {error}"))
        })?;
        let frame_bytes = artifact.functions.iter().map(|function| function.frame_bytes).max().unwrap_or(0);
        let addresses =
            artifact.functions.iter().map(|function| module.0.get_finalized_function(function.id));
        let functions = addresses.map(as_function).collect();
        Ok(KernelCode { functions, frame_bytes, _module: Mutex::new(module) })
    }

    /// The function of the launch with this number.
    pub(super) fn function(&self, number: usize) -> StepFunction {
        self.functions[number]
    }

    /// What a call of any of the functions takes of the stack.
    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }
}

/// The text of the code of `plan`, a plan of `kernel`.
pub(super) fn text(
    kernel: &Kernel,
    plan: &Plan,
    features: Features,
    options: &Options,
) -> Result<String, LoadError> {
    let cache = cache(features)?;
    let artifact = compile(kernel, plan, &mut new_module(cache), cache, options)?;
    Ok(artifact.text())
}

fn compile(
    kernel: &Kernel,
    plan: &Plan,
    module: &mut OwnedModule,
    cache: &CodeCache,
    options: &Options,
) -> Result<Artifact, LoadError> {
    let artifact = cpu::compile(kernel, plan, &mut *module.0, cache, options)
        .map_err(|error| LoadError::from_codegen(error, options.code_bytes))?;
    // Half, as the host's side of the launch stands on the same stack.
    match artifact.functions.iter().all(|function| function.frame_bytes <= thread::STACK_BYTES / 2) {
        true => Ok(artifact),
        false => Err(LoadError::TooLarge { code_bytes: options.code_bytes }),
    }
}

fn as_function(address: *const u8) -> StepFunction {
    // SAFETY: the address is that of a finished function which the back end gave this signature and the platform's C
    // calling convention.
    unsafe { std::mem::transmute::<*const u8, StepFunction>(address) }
}

fn internal(error: impl std::fmt::Display) -> LoadError {
    LoadError::Internal(error.to_string())
}

/// The code that this process has made, and the instruction set for which it is made.
fn cache(features: Features) -> Result<&'static CodeCache, LoadError> {
    static NATIVE: OnceLock<Result<CodeCache, LoadError>> = OnceLock::new();
    static BASELINE: OnceLock<Result<CodeCache, LoadError>> = OnceLock::new();
    let known = match features {
        Features::Native => &NATIVE,
        Features::Baseline => &BASELINE,
    };
    known.get_or_init(|| find_isa(features).map(CodeCache::new)).as_ref().map_err(Clone::clone)
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

fn new_module(cache: &CodeCache) -> OwnedModule {
    let mut builder = JITBuilder::with_isa(cache.isa().clone(), default_libcall_names());
    for (function, scalar, name) in helper::names() {
        builder.symbol(name, helper_address(function, scalar));
    }
    // SAFETY: addresses of functions leave a module only for `KernelCode`, which owns it.
    unsafe { OwnedModule::new(builder) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::tests::kernels::{kernel, map, read, sum_of_multiples};
    use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
    use cranelift_module::ModuleResult;
    use pk_compiler::{backend::cpu::Text, deadline::Deadline, ir::Binary, plan};
    use std::{
        io,
        panic::{self, AssertUnwindSafe},
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };

    /// Memory that is never given, and tells when it is freed.
    struct NoMemory(Arc<AtomicBool>);

    impl JITMemoryProvider for NoMemory {
        fn allocate(&mut self, _: usize, _: u64, _: JITMemoryKind) -> io::Result<*mut u8> {
            Err(io::ErrorKind::OutOfMemory.into())
        }

        unsafe fn free_memory(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }

        fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
            Ok(())
        }
    }

    fn module_without_memory(cache: &CodeCache, is_freed: &Arc<AtomicBool>) -> OwnedModule {
        let mut builder = JITBuilder::with_isa(cache.isa().clone(), default_libcall_names());
        builder.memory_provider(Box::new(NoMemory(is_freed.clone())));
        // SAFETY: it has no functions.
        unsafe { OwnedModule::new(builder) }
    }

    fn doubled() -> Kernel {
        kernel(1, &[(Scalar::F32, &[0])], |b, sizes, params| {
            vec![map(b, sizes, (Scalar::F32, &[]), |b, i| {
                let x = read(b, params[0], i);
                b.binary(Binary::Add, x, x)
            })]
        })
    }

    #[test]
    fn memory_is_freed_if_there_is_not_enough() {
        let (kernel, is_freed) = (doubled(), Arc::default());
        let cache = cache(Features::Native).expect("tests run where code does");
        let module = module_without_memory(cache, &is_freed);
        let options = Options { text: Text::None, code_bytes: usize::MAX, deadline: Deadline::default() };
        let result = KernelCode::compile_into(module, cache, &kernel, &plan::cpu(&kernel), &options);
        assert!(matches!(result, Err(LoadError::OutOfMemory(_))));
        assert!(is_freed.load(Ordering::Relaxed));
    }

    #[test]
    fn memory_is_freed_by_a_panic() {
        let is_freed = Arc::default();
        let cache = cache(Features::Native).expect("tests run where code does");
        let module = module_without_memory(cache, &is_freed);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            let _module = module;
            panic!("while code is made");
        }));
        assert!(outcome.is_err() && is_freed.load(Ordering::Relaxed));
    }

    /// How much of `kernel` the cache learns.
    fn learnt(cache: &CodeCache, kernel: &Kernel) -> usize {
        let known = cache.count();
        let options = Options { text: Text::None, code_bytes: usize::MAX, deadline: Deadline::default() };
        let code = KernelCode::compile_into(new_module(cache), cache, kernel, &plan::cpu(kernel), &options);
        assert!(code.is_ok());
        cache.count() - known
    }

    #[test]
    fn code_is_made_once() {
        let cache = CodeCache::new(find_isa(Features::Native).expect("tests run where code does"));
        let [sum, another_sum] = [2.0f32, 3.0].map(sum_of_multiples);
        assert_eq!([&sum, &another_sum, &sum].map(|kernel| learnt(&cache, kernel)), [2, 1, 0]);
    }

    #[test]
    fn only_code_for_the_same_processor_is_taken() {
        let [cache, other] = [Features::Native, Features::Baseline]
            .map(|features| CodeCache::new(find_isa(features).expect("tests run where code does")));
        let kernel = doubled();
        let options = Options { text: Text::None, code_bytes: usize::MAX, deadline: Deadline::default() };
        let plan = plan::cpu(&kernel);
        assert!(KernelCode::compile_into(new_module(&other), &cache, &kernel, &plan, &options).is_ok());
        assert_eq!([cache.count(), other.count()], [0, 0]);
    }
}
