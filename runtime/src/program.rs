//! Programs: a checked text and its kernels.

use crate::{
    compile::{Isa, Module, Stage},
    context::Context,
    error::{Error, ErrorKind, Result},
    kernel::Kernel,
    loaded::Loaded,
    options::Options,
};
use pk_dsl::{diagnostic::Diagnostic, signature::Signature};
use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// A checked text on a context. Clones are handles to the same program.
///
/// Compiling checks all of the text; each kernel becomes code at its first launch, once.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    context: Context,
    module: Arc<Module>,
    kernels: Vec<Slot>,
}

/// The code of one kernel, when it is there.
#[derive(Default)]
struct Slot {
    loaded: OnceLock<Arc<Loaded>>,
    /// Held while the code is made. A failure is not kept: it may come from a machine that is busy.
    making: Mutex<()>,
}

impl Program {
    /// Checks a text.
    ///
    /// ```
    /// # use pk_runtime::*;
    /// # let context = Context::new(&Device::default_for(Backend::Interp)?)?;
    /// let program = Program::compile(&context, "kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);")?;
    /// let dot: f32 = program.kernel("dot")?.call((&[1.0f32, 2.0], &[3.0f32, 4.0]))?;
    /// assert_eq!(dot, 11.0);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Compile`] with all that is wrong.
    pub fn compile(context: &Context, text: &str) -> Result<Program> {
        Program::compile_with(context, text, &Options::default())
    }

    /// Checks a text as `options` say.
    ///
    /// # Errors
    /// [`ErrorKind::Compile`] with all that is wrong; [`ErrorKind::InvalidOption`] as for [`Context::threads`].
    pub fn compile_with(context: &Context, text: &str, options: &Options) -> Result<Program> {
        context.threads_said()?;
        Ok(Program::new(context, Module::check(text, options)?))
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be read, [`ErrorKind::Compile`] with all that is wrong in it.
    pub fn from_file(context: &Context, path: impl AsRef<Path>) -> Result<Program> {
        let name = path.as_ref().display().to_string();
        let cannot = |cause: &dyn fmt::Display| format!("cannot read `{}`: {cause}", name.escape_debug());
        let options = Options::new().name(&name);
        let most = options.limits.source_bytes;
        let bytes = read_start(path.as_ref(), most)
            .map_err(|cause| Error::caused(ErrorKind::Io, cannot(&cause), cause))?;
        let text = match bytes.len() > most {
            // It is refused for its length; what it says does not matter.
            true => String::from_utf8_lossy(&bytes).into_owned(),
            false => String::from_utf8(bytes).map_err(|cause| {
                let offset = cause.utf8_error().valid_up_to();
                Error::caused(ErrorKind::Io, cannot(&format!("no UTF-8 at byte {offset}")), cause)
            })?,
        };
        Program::compile_with(context, &text, &options)
    }

    pub(crate) fn new(context: &Context, module: Module) -> Program {
        let kernels = module.signatures.iter().map(|_| Slot::default()).collect();
        Program(Arc::new(Inner { context: context.clone(), module: Arc::new(module), kernels }))
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownKernel`].
    pub fn kernel(&self, name: &str) -> Result<Kernel> {
        let index = self.index(name)?;
        Ok(Kernel::new(self.clone(), index))
    }

    /// All kernels, in the order of the text.
    pub fn kernels(&self) -> impl ExactSizeIterator<Item = Kernel> {
        (0..self.0.kernels.len()).map(|index| Kernel::new(self.clone(), index))
    }

    /// What is questionable in the text, though it has a meaning.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.0.module.warnings
    }

    /// The text.
    pub fn source_text(&self) -> &str {
        &self.0.module.source.text
    }

    /// A form that a kernel takes on its way to code. The same program gives the same text, on every run; only that of
    /// [`Stage::Clif`] and [`Stage::Asm`] depends on the machine.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownKernel`]; [`ErrorKind::BackendUnavailable`] for stages of a back end that is not there;
    /// [`ErrorKind::Compile`] if the kernel passes a limit.
    pub fn emit(&self, kernel: &str, stage: Stage) -> Result<String> {
        self.emit_for(kernel, stage, Isa::default())
    }

    /// As [`Program::emit`], for chosen instructions.
    ///
    /// # Errors
    /// Those of [`Program::emit`].
    pub fn emit_for(&self, kernel: &str, stage: Stage, isa: Isa) -> Result<String> {
        self.0.module.emit(self.index(kernel)?, stage, isa)
    }

    /// What it was compiled for.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    pub(crate) fn module(&self) -> &Arc<Module> {
        &self.0.module
    }

    pub(crate) fn signature(&self, kernel: usize) -> &Signature {
        &self.0.module.signatures[kernel]
    }

    /// The code of a kernel; many callers at once wait for the one that makes it.
    pub(crate) fn load(&self, kernel: usize) -> Result<&Arc<Loaded>> {
        let slot = &self.0.kernels[kernel];
        if let Some(loaded) = slot.loaded.get() {
            return Ok(loaded);
        }
        let _making = slot.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = slot.loaded.get() {
            return Ok(loaded);
        }
        let made = Arc::new(self.make(kernel)?);
        Ok(slot.loaded.get_or_init(|| made))
    }

    fn make(&self, kernel: usize) -> Result<Loaded> {
        let context = &self.0.context;
        let code = self.0.module.load(kernel, context)?;
        Ok(Loaded::new(code, self.0.module.source.clone()))
    }

    pub(crate) fn index(&self, name: &str) -> Result<usize> {
        let signatures = &self.0.module.signatures;
        signatures.iter().position(|signature| signature.name == name).ok_or_else(|| {
            let names: Vec<String> =
                signatures.iter().map(|signature| format!("`{}`", signature.name)).collect();
            let message = format!("no kernel `{}`; there is {}", name.escape_debug(), names.join(", "));
            Error::new(ErrorKind::UnknownKernel, message)
        })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.module.signatures.iter().map(|signature| &signature.name);
        f.debug_list().entries(names).finish()
    }
}

/// What the file begins with: all of it if it has no more than `most` bytes, else a byte more. Some files never end.
fn read_start(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use insta::assert_snapshot;
    use std::thread;

    const TEXT: &str = "kernel half(x: [f32; n]) -> [f32; n] = 0.5 * x;\nkernel one() -> i64 = 1;";

    #[test]
    fn kernels_are_found_by_name() -> Result<()> {
        for context in testing::contexts() {
            let program = Program::compile(&context, TEXT)?;
            assert_eq!(program.kernel("half")?.call::<Vec<f32>>(&[3.0f32])?, [1.5]);
            assert_eq!(program.kernel("one")?.call::<i64>(())?, 1);
            let names: Vec<_> = program.kernels().map(|kernel| kernel.name().to_string()).collect();
            assert_eq!(names, ["half", "one"]);
        }
        let error = Program::compile(&testing::context(), TEXT)?.kernel("quarter").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownKernel);
        assert_snapshot!(error, @"no kernel `quarter`; there is `half`, `one`");
        Ok(())
    }

    #[test]
    fn mistakes_have_the_name_of_the_text() {
        let options = Options::new().name("formula 7");
        let error =
            Program::compile_with(&testing::context(), "kernel f() -> i64 = x;", &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Compile);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0101]: nothing is named `x`
          ┌─ formula 7:1:21
          │
        1 │ kernel f() -> i64 = x;
          │                     ^
        ");
    }

    #[test]
    fn limits_are_those_of_the_options() {
        let limits = pk_grammar::limits::Limits { tokens: 10, ..Default::default() };
        let options = Options::new().limits(limits);
        let error = Program::compile_with(&testing::context(), TEXT, &options).unwrap_err();
        assert_eq!(error.diagnostics()[0].code, pk_dsl::codes::Code::Limit);
    }

    #[cfg(feature = "cpu")]
    #[test]
    fn code_has_a_limit() -> Result<()> {
        let limits = pk_grammar::limits::Limits { code_bytes: 20, ..Default::default() };
        let program = Program::compile_with(&Context::cpu(), TEXT, &Options::new().limits(limits))?;
        // A constant needs no code.
        assert_eq!(program.kernel("one")?.call::<i64>(())?, 1);
        let error = program.kernel("half")?.call::<Vec<f32>>(&[1.0f32]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Compile);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0009]: `half` needs more than 20 bytes of code
          ┌─ <text>:1:8
          │
        1 │ kernel half(x: [f32; n]) -> [f32; n] = 0.5 * x;
          │        ^^^^
        ");
        let error = program.emit("half", Stage::Asm).unwrap_err();
        assert_eq!(error.diagnostics()[0].code, pk_dsl::codes::Code::Limit);
        Ok(())
    }

    #[test]
    fn a_host_with_small_stacks_can_compile_and_run_deep_programs() {
        let deep = format!("{}x{}", "(".repeat(200), ")".repeat(200));
        let long = format!("x{}", " + 1".repeat(3000));
        let branches = format!("{}0{}", "if x > 5 { 1 } else { ".repeat(100), " }".repeat(100));
        let text = format!("kernel f(x: i64) -> i64 = {deep} + ({long}) + {branches};");
        for context in testing::contexts() {
            let text = text.clone();
            let small = thread::Builder::new().stack_size(64 << 10);
            let run = move || Program::compile(&context, &text)?.kernel("f")?.call::<i64>(2i64);
            let result = small.spawn(run).expect("a thread").join().expect("no panic");
            assert_eq!(result.expect("it runs"), 3004);
        }
    }

    /// A kernel with more values at once than registers, or than a small stack has room for.
    fn crowded(count: usize) -> String {
        let names: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        let lets: String =
            names.iter().enumerate().map(|(i, name)| format!("let {name} = y + {i}.5;\n")).collect();
        // Each value is needed again once all are there.
        let (product, sum) = (names.join(" * "), names.join(" * p + "));
        format!("kernel f(x: [f64; n]) -> [f64; n] = map(x, |y| {{\n{lets}let p = {product};\n{sum}\n}});")
    }

    #[cfg(feature = "cpu")]
    #[test]
    fn what_takes_long_to_compile_is_refused() -> Result<()> {
        let reads = |count: usize| -> String {
            let lets = (1..count).map(|at| format!("let a{at} = x[i + {at}] + a{};\n", at - 1));
            let lets: String = lets.collect();
            format!("kernel f(x: [f64; n], i: i64) -> f64 {{ let a0 = x[i];\n{lets} a{} }}", count - 1)
        };
        let numbers: Vec<f64> = vec![1.0; 2000];
        let call =
            |count| Program::compile(&Context::cpu(), &reads(count))?.kernel("f")?.call((&numbers, 0i64));
        let result: Result<f64> = call(200);
        assert_eq!(result?, 200.0);
        let error = call(1500).unwrap_err();
        assert_snapshot!(error, @"<text>:1:8: `f` is too large to be compiled in time");
        Ok(())
    }

    #[test]
    fn a_host_with_small_stacks_can_run_crowded_kernels() {
        // How long these take to compile is another test's business.
        let limits = pk_grammar::limits::Limits { compile_seconds: 60, ..Default::default() };
        let options = Options::new().limits(limits);
        for context in testing::contexts() {
            for count in [900, 1200] {
                let (context, options) = (context.clone(), options.clone());
                let run = move || -> Result<Vec<f64>> {
                    let f = Program::compile_with(&context, &crowded(count), &options)?.kernel("f")?;
                    let queue = context.queue();
                    let x = context.buffer_from(&[0.5f64; 2])?;
                    f.launch(&queue).arg(&x).run()?.wait()?;
                    f.call(&x)
                };
                let small = thread::Builder::new().stack_size(32 << 10);
                let result = small.spawn(run).expect("a thread").join().expect("no panic");
                assert_eq!(result.expect("it runs").len(), 2);
            }
        }
    }

    #[test]
    fn many_threads_may_compile_at_once() {
        let context = testing::context();
        thread::scope(|scope| {
            for number in 0..16i64 {
                let context = &context;
                scope.spawn(move || {
                    let program = Program::compile(context, &format!("kernel f() -> i64 = {number};"));
                    let result = program.and_then(|program| program.kernel("f")?.call::<i64>(()));
                    assert_eq!(result.expect("it runs"), number);
                });
            }
        });
    }

    #[test]
    fn every_stage_has_a_text() -> Result<()> {
        let program = Program::compile(&testing::context(), TEXT)?;
        for stage in Stage::ALL {
            let is_code = matches!(stage, Stage::Clif | Stage::Asm);
            match program.emit("half", stage) {
                Ok(text) => assert!(!text.is_empty(), "{stage}"),
                Err(error) => assert!(is_code && error.kind() == ErrorKind::BackendUnavailable, "{error}"),
            }
        }
        Ok(())
    }

    #[test]
    fn files_are_read_with_care() {
        let read = |path: &str| Program::from_file(&testing::context(), path).unwrap_err();
        assert_eq!(read("/no/such/file.pk").kind(), ErrorKind::Io);
        assert_eq!(read("/").kind(), ErrorKind::Io);
        #[cfg(unix)]
        assert_eq!(read("/dev/zero").diagnostics()[0].code, pk_dsl::codes::Code::Limit);
    }
}
