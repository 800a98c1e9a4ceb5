//! From a text to kernels that can run: the only room that knows the stages of the compiler and their order.
//!
//! All of it runs on a thread of its own, whose stack fits the deepest program within the limits.

use crate::{
    error::{Error, Result},
    options::Options,
    source::Source,
    thread,
};
use pk_compiler::ir;
use pk_dsl::{diagnostic::Diagnostic, signature::Signature};
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

/// A checked text.
pub(crate) struct Module {
    pub(crate) source: Arc<Source>,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) warnings: Vec<Diagnostic>,
    limits: Limits,
    form: Form,
}

/// What kernels are lowered from.
enum Form {
    Checked,
    #[cfg(test)]
    Ir(Vec<ir::Kernel>),
}

impl Module {
    /// Checks a text.
    pub(crate) fn check(text: &str, options: &Options) -> Result<Module> {
        let name = options.name.clone().unwrap_or_else(|| "<text>".to_string());
        let source = Arc::new(Source { name, text: text.to_string() });
        Ok(Module {
            source,
            signatures: Vec::new(),
            warnings: Vec::new(),
            limits: options.limits.clone(),
            form: Form::Checked,
        })
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

    /// The kernel of this index, optimised.
    pub(crate) fn lower(&self, kernel: usize) -> Result<ir::Kernel> {
        thread::run_on_big_stack(|| self.lower_here(kernel))?
    }

    /// A form of the kernel of this index, as text.
    pub(crate) fn emit(&self, kernel: usize, stage: Stage) -> Result<String> {
        thread::run_on_big_stack(|| self.emit_here(kernel, stage))?
    }

    fn lower_here(&self, kernel: usize) -> Result<ir::Kernel> {
        let _ = &self.limits;
        match &self.form {
            Form::Checked => Err(Error::internal("no front end yet")),
            #[cfg(test)]
            Form::Ir(kernels) => Ok(kernels[kernel].clone()),
        }
    }

    fn emit_here(&self, _kernel: usize, stage: Stage) -> Result<String> {
        Err(Error::internal(format!("the stage {stage} is being written")))
    }
}
