//! Programs: a checked text and its kernels.

use crate::{
    compile::{Module, Stage},
    context::Context,
    driver::LoadError,
    error::{Error, ErrorKind, Result},
    kernel::{Kernel, Loaded},
    options::Options,
};
use pk_dsl::{diagnostic::Diagnostic, signature::Signature};
use std::{
    fmt,
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
    module: Module,
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
    /// [`ErrorKind::Compile`] with all that is wrong.
    pub fn compile_with(context: &Context, text: &str, options: &Options) -> Result<Program> {
        Ok(Program::new(context, Module::check(text, options)?))
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be read, [`ErrorKind::Compile`] with all that is wrong in it.
    pub fn from_file(context: &Context, path: impl AsRef<Path>) -> Result<Program> {
        let name = path.as_ref().display().to_string();
        let cannot = |cause: &dyn fmt::Display| format!("cannot read `{}`: {cause}", name.escape_debug());
        let bytes =
            std::fs::read(&path).map_err(|cause| Error::caused(ErrorKind::Io, cannot(&cause), cause))?;
        let text = String::from_utf8(bytes).map_err(|cause| {
            let offset = cause.utf8_error().valid_up_to();
            Error::caused(ErrorKind::Io, cannot(&format!("no UTF-8 at byte {offset}")), cause)
        })?;
        Program::compile_with(context, &text, &Options::new().name(name))
    }

    pub(crate) fn new(context: &Context, module: Module) -> Program {
        let kernels = module.signatures.iter().map(|_| Slot::default()).collect();
        Program(Arc::new(Inner { context: context.clone(), module, kernels }))
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
        self.0.module.emit(self.index(kernel)?, stage)
    }

    /// What it was compiled for.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    pub(crate) fn module(&self) -> &Module {
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
        let ir = Arc::new(self.0.module.lower(kernel)?);
        let context = &self.0.context;
        let code = crate::thread::run_on_big_stack(|| context.driver().load(ir.clone()))?;
        let executable = code.map_err(|error| match error {
            LoadError::Unavailable(_) => {
                Error::caused(ErrorKind::BackendUnavailable, error.to_string(), error)
            }
            LoadError::Internal(_) => Error::internal(error),
        })?;
        Ok(Loaded::new(ir, executable, context.device().backend(), self.0.module.source.clone()))
    }

    fn index(&self, name: &str) -> Result<usize> {
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
