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
    deadline::Deadline,
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
    pub(crate) limits: Limits,
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
        let check = move |deadline: &Deadline| {
            check_text(&task.text, &bounds, deadline).map_err(|found| compile_error(&task, found))
        };
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
        thread::run_within(self.limits.compile_time(), move |deadline| {
            let kernel = Arc::new(module.lower_here(kernel, deadline)?);
            let executable = context.driver().load(kernel.clone(), module.limits.code_bytes, deadline);
            let executable = executable.map_err(|error| module.load_error(&kernel, error))?;
            Ok(LoadedCode { kernel, executable })
        })?
    }

    /// A form of the kernel of this index, as text.
    pub(crate) fn emit(self: &Arc<Self>, kernel: usize, stage: Stage, isa: Isa) -> Result<String> {
        let module = self.clone();
        thread::run_within(self.limits.compile_time(), move |deadline| {
            module.emit_here(kernel, (stage, isa), deadline)
        })?
    }

    /// The kernel of this index, optimised; it takes a thread with a big stack.
    pub(crate) fn lower_here(&self, kernel: usize, deadline: &Deadline) -> Result<ir::Kernel> {
        let mut lowered = self.lower_unoptimized(kernel, deadline)?;
        pass::optimize(&mut lowered, deadline).map_err(|_| self.late())?;
        // Code generation relies on these invariants for memory safety, so they are checked in every build.
        verify(&lowered).map_err(Error::internal)?;
        Ok(lowered)
    }

    fn lower_unoptimized(&self, kernel: usize, deadline: &Deadline) -> Result<ir::Kernel> {
        match &self.form {
            Form::Hir(program) => {
                let lowered = lower(program, kernel, &self.limits, deadline);
                lowered.map_err(|found| compile_error(&self.source, found))
            }
            #[cfg(test)]
            Form::Ir(kernels) => Ok(kernels[kernel].clone()),
        }
    }

    fn emit_here(&self, kernel: usize, (stage, isa): (Stage, Isa), deadline: &Deadline) -> Result<String> {
        let optimized = || self.lower_here(kernel, deadline);
        match stage {
            Stage::Tokens => Ok(syntax::tokens(&self.source.text, &self.limits)),
            Stage::Ast => Ok(syntax::tree(&self.source.text, &self.limits)),
            Stage::Hir => Ok(self.form.hir()),
            Stage::Ir => Ok(self.lower_unoptimized(kernel, deadline)?.to_string()),
            Stage::IrOpt => Ok(optimized()?.to_string()),
            Stage::Plan => Ok(plan::cpu(&optimized()?).to_string()),
            Stage::Clif => self.emit_code(&optimized()?, (CodeForm::Clif, isa), deadline),
            Stage::Asm => self.emit_code(&optimized()?, (CodeForm::Assembly, isa), deadline),
        }
    }

    #[cfg(feature = "cpu")]
    fn emit_code(
        &self,
        kernel: &ir::Kernel,
        (form, isa): (CodeForm, Isa),
        deadline: &Deadline,
    ) -> Result<String> {
        use crate::driver::cpu::{CpuDriver, Features, Options, Text};

        let text = match form {
            CodeForm::Clif => Text::Clif,
            CodeForm::Assembly => Text::Assembly,
        };
        let features = match isa {
            Isa::Native => Features::Native,
            Isa::Baseline => Features::Baseline,
        };
        let options = Options { text, code_bytes: self.limits.code_bytes, deadline: deadline.clone() };
        CpuDriver { features }.emit(kernel, &options).map_err(|error| self.load_error(kernel, error))
    }

    #[cfg(not(feature = "cpu"))]
    fn emit_code(&self, _: &ir::Kernel, _: (CodeForm, Isa), _: &Deadline) -> Result<String> {
        Err(crate::device::unavailable(crate::Backend::Cpu))
    }

    /// What a compilation gives whose deadline has passed; nobody waits for it any more.
    fn late(&self) -> Error {
        thread::late(self.limits.compile_time())
    }

    /// Why a back end could not make a kernel ready.
    pub(crate) fn load_error(&self, kernel: &ir::Kernel, error: LoadError) -> Error {
        match error {
            LoadError::Unavailable(_) => {
                Error::caused(ErrorKind::BackendUnavailable, error.to_string(), error)
            }
            LoadError::TooLarge { code_bytes } => {
                let signature = &kernel.signature;
                let message = format!("`{}` needs more than {code_bytes} bytes of code", signature.name);
                compile_error(&self.source, vec![Diagnostic::error(Code::Limit, signature.span, message)])
            }
            LoadError::TooComplex => {
                let signature = &kernel.signature;
                let message = format!("`{}` is too large to be compiled in time", signature.name);
                let report = Diagnostic::error(Code::Limit, signature.span, message)
                    .help("repeat code with a loop or over an array, or split the kernel into several");
                compile_error(&self.source, vec![report])
            }
            LoadError::Late => self.late(),
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
fn check_text(
    text: &str,
    limits: &Limits,
    deadline: &Deadline,
) -> std::result::Result<Checked, Vec<Diagnostic>> {
    let mut checked = pk_dsl::check(text, limits)?;
    constants::evaluate(&mut checked.program, limits, deadline)?;
    Ok(checked)
}

fn compile_error(source: &Arc<Source>, found: Vec<Diagnostic>) -> Error {
    Error::diagnosed(ErrorKind::Compile, source, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::time::{Duration, Instant};

    /// A module whose kernel takes seconds to compile, and has no time for it.
    fn late_module() -> Arc<Module> {
        let lets: String = (1..4_000).map(|at| format!("let a{at} = x[i + {at}] + a{};\n", at - 1)).collect();
        let text = format!("kernel f(x: [f64; n], i: i64) -> f64 {{ let a0 = x[i]; {lets} a3999 }}");
        let options = Options::new().limits(Limits { compile_seconds: 60, ..Limits::default() });
        let mut module = Module::check(&text, &options).expect("it has no mistakes");
        module.limits.compile_seconds = 0;
        Arc::new(module)
    }

    /// The thread of a compilation holds the module as long as it lives.
    fn ends_soon(module: &Arc<Module>) {
        let start = Instant::now();
        while Arc::strong_count(module) > 1 {
            assert!(start.elapsed() < Duration::from_millis(500), "the thread goes on");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_compilation_ends_soon_after_its_deadline() {
        let module = late_module();
        for context in testing::contexts() {
            let error = module.load(0, &context).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            ends_soon(&module);
        }
        for stage in [Stage::Ir, Stage::IrOpt, Stage::Plan, Stage::Clif] {
            let error = module.emit(0, stage, Isa::Native).unwrap_err();
            assert_eq!(error.to_string(), "the compilation took longer than 0ns", "{stage}");
            ends_soon(&module);
        }
    }
}
