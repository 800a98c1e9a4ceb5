//! From a text to kernels that can run: the only room that knows the stages of the compiler and their order.
//!
//! All of it runs on a thread of its own, whose stack fits the deepest program within the limits.

use crate::{
    context::Context,
    driver::{Executable, LoadError},
    error::{Error, ErrorKind, Result},
    options::Options,
    source::Source,
    syntax, thread,
};
use pk_compiler::{
    constants,
    ir::{self, verify::verify},
    lower::lower,
    pass, plan,
};
use pk_dsl::{Checked, codes::Code, diagnostic::Diagnostic, hir, signature::Signature};
use pk_grammar::limits::Limits;
use std::{fmt, sync::Arc};

/// A form that a program takes on its way to code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The tokens of the text.
    Tokens,
    /// The syntax tree of the text.
    Ast,
    /// The kernel with types and resolved names.
    Hir,
    /// The kernel in the intermediate representation, as lowered.
    Ir,
    /// The same after optimisation.
    IrOpt,
    /// The steps that the CPU back end takes.
    Plan,
    /// What the CPU back end gives to Cranelift.
    Clif,
    /// What Cranelift makes of that.
    Asm,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 8] = [
        Stage::Tokens,
        Stage::Ast,
        Stage::Hir,
        Stage::Ir,
        Stage::IrOpt,
        Stage::Plan,
        Stage::Clif,
        Stage::Asm,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Tokens => "tokens",
            Stage::Ast => "ast",
            Stage::Hir => "hir",
            Stage::Ir => "ir",
            Stage::IrOpt => "ir-opt",
            Stage::Plan => "plan",
            Stage::Clif => "clif",
            Stage::Asm => "asm",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// For which instructions [`Stage::Clif`] and [`Stage::Asm`] are shown. Results do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// Those of this machine: what runs.
    #[default]
    Native,
    /// Those that every machine of this architecture has: the same text on all of them.
    Baseline,
}

/// A checked text.
pub(crate) struct Module {
    pub(crate) source: Arc<Source>,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) warnings: Vec<Diagnostic>,
    limits: Limits,
    form: Form,
}

/// A kernel with its code.
pub(crate) struct LoadedCode {
    pub(crate) kernel: Arc<ir::Kernel>,
    pub(crate) executable: Arc<dyn Executable>,
}

/// What kernels are lowered from.
enum Form {
    Hir(hir::Program),
    #[cfg(test)]
    Ir(Vec<ir::Kernel>),
}

impl Form {
    fn hir(&self) -> String {
        match self {
            Form::Hir(program) => program.to_string(),
            #[cfg(test)]
            Form::Ir(_) => String::new(),
        }
    }
}

impl Module {
    /// Checks a text.
    pub(crate) fn check(text: &str, options: &Options) -> Result<Module> {
        let name = options.name.clone().unwrap_or_else(|| "<text>".to_string());
        let source = Arc::new(Source { name, text: text.to_string() });
        let limits = options.limits.clone();
        let (task, bounds) = (source.clone(), limits.clone());
        let check = move || check_text(&task.text, &bounds).map_err(|found| compile_error(&task, found));
        let Checked { program, warnings } = thread::run_within(limits.compile_time(), check)??;
        let signatures = program.kernels.iter().map(|kernel| kernel.signature.clone()).collect();
        Ok(Module { source, signatures, warnings, limits, form: Form::Hir(program) })
    }

    /// A module of kernels without a text.
    #[cfg(test)]
    pub(crate) fn from_ir(text: &str, kernels: Vec<ir::Kernel>) -> Module {
        Module {
            source: Arc::new(Source { name: "test.pk".to_string(), text: text.to_string() }),
            signatures: kernels.iter().map(|kernel| kernel.signature.clone()).collect(),
            warnings: Vec::new(),
            limits: Limits::default(),
            form: Form::Ir(kernels),
        }
    }

    /// The kernel of this index, optimised, and what the driver of `context` makes of it.
    pub(crate) fn load(self: &Arc<Self>, kernel: usize, context: &Context) -> Result<LoadedCode> {
        let (module, context) = (self.clone(), context.clone());
        thread::run_within(self.limits.compile_time(), move || {
            let kernel = Arc::new(module.lower_here(kernel)?);
            let executable = context.driver().load(kernel.clone(), module.limits.code_bytes);
            let executable = executable.map_err(|error| module.load_error(&kernel, error))?;
            Ok(LoadedCode { kernel, executable })
        })?
    }

    /// A form of the kernel of this index, as text.
    pub(crate) fn emit(&self, kernel: usize, stage: Stage, isa: Isa) -> Result<String> {
        thread::run_on_big_stack(|| self.emit_here(kernel, stage, isa))?
    }

    fn lower_here(&self, kernel: usize) -> Result<ir::Kernel> {
        let mut lowered = self.lower_unoptimized(kernel)?;
        pass::optimize(&mut lowered);
        // Code generation relies on these invariants for memory safety, so they are checked in every build.
        verify(&lowered).map_err(Error::internal)?;
        Ok(lowered)
    }

    fn lower_unoptimized(&self, kernel: usize) -> Result<ir::Kernel> {
        match &self.form {
            Form::Hir(program) => {
                lower(program, kernel, &self.limits).map_err(|found| compile_error(&self.source, found))
            }
            #[cfg(test)]
            Form::Ir(kernels) => Ok(kernels[kernel].clone()),
        }
    }

    fn emit_here(&self, kernel: usize, stage: Stage, isa: Isa) -> Result<String> {
        match stage {
            Stage::Tokens => Ok(syntax::tokens(&self.source.text, &self.limits)),
            Stage::Ast => Ok(syntax::tree(&self.source.text, &self.limits)),
            Stage::Hir => Ok(self.form.hir()),
            Stage::Ir => Ok(self.lower_unoptimized(kernel)?.to_string()),
            Stage::IrOpt => Ok(self.lower_here(kernel)?.to_string()),
            Stage::Plan => Ok(plan::cpu(&self.lower_here(kernel)?).to_string()),
            Stage::Clif => self.emit_code(&self.lower_here(kernel)?, CodeForm::Clif, isa),
            Stage::Asm => self.emit_code(&self.lower_here(kernel)?, CodeForm::Assembly, isa),
        }
    }

    #[cfg(feature = "cpu")]
    fn emit_code(&self, kernel: &ir::Kernel, form: CodeForm, isa: Isa) -> Result<String> {
        use crate::driver::cpu::{CpuDriver, Features, Options, Text};

        let text = match form {
            CodeForm::Clif => Text::Clif,
            CodeForm::Assembly => Text::Assembly,
        };
        let features = match isa {
            Isa::Native => Features::Native,
            Isa::Baseline => Features::Baseline,
        };
        let options = Options { text, code_bytes: self.limits.code_bytes };
        CpuDriver { features }.emit(kernel, &options).map_err(|error| self.load_error(kernel, error))
    }

    #[cfg(not(feature = "cpu"))]
    fn emit_code(&self, _: &ir::Kernel, _: CodeForm, _: Isa) -> Result<String> {
        Err(crate::device::unavailable(crate::Backend::Cpu))
    }

    /// Why a back end could not make a kernel ready.
    fn load_error(&self, kernel: &ir::Kernel, error: LoadError) -> Error {
        match error {
            LoadError::Unavailable(_) => {
                Error::caused(ErrorKind::BackendUnavailable, error.to_string(), error)
            }
            LoadError::TooLarge { code_bytes } => {
                let signature = &kernel.signature;
                let message = format!("`{}` needs more than {code_bytes} bytes of code", signature.name);
                compile_error(&self.source, vec![Diagnostic::error(Code::Limit, signature.span, message)])
            }
            LoadError::OutOfMemory(_) => Error::caused(ErrorKind::OutOfMemory, error.to_string(), error),
            LoadError::Internal(_) => Error::internal(error),
        }
    }
}

/// The forms that only the CPU back end has.
enum CodeForm {
    Clif,
    Assembly,
}

/// Checks a text and evaluates its constants.
fn check_text(text: &str, limits: &Limits) -> std::result::Result<Checked, Vec<Diagnostic>> {
    let mut checked = pk_dsl::check(text, limits)?;
    constants::evaluate(&mut checked.program, limits)?;
    Ok(checked)
}

fn compile_error(source: &Arc<Source>, found: Vec<Diagnostic>) -> Error {
    Error::diagnosed(ErrorKind::Compile, source, found)
}
