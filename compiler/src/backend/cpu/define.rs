//! Functions of a module: from what was built for Cranelift to machine code.

use super::cache::{CodeCache, Content, KeptCode};
use cranelift_codegen::{CompiledCode, Context};
use cranelift_module::{FuncId, Linkage, Module, ModuleError};

/// The code of one launch.
#[derive(Clone, Debug)]
pub struct FunctionCode {
    /// Its number in the module.
    pub id: FuncId,
    /// The size of the code.
    pub code_bytes: usize,
    /// What it takes of the stack; the helpers that it calls are leaves and take next to nothing.
    pub frame_bytes: usize,
    /// Its text, if it was asked for.
    pub text: Option<String>,
}

/// Which text of the code to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Text {
    /// None.
    #[default]
    None,
    /// Cranelift's intermediate form, before its own optimisation.
    Clif,
    /// The machine's instructions.
    Assembly,
}

/// Gives functions of a module their code.
pub(super) struct Definer<'a> {
    pub(super) module: &'a mut dyn Module,
    text: Text,
    cache: Option<&'a CodeCache>,
}

impl<'a> Definer<'a> {
    /// Looks for code in `cache` first, unless a text is wanted, which is not kept there.
    pub(super) fn new(module: &'a mut dyn Module, text: Text, cache: Option<&'a CodeCache>) -> Definer<'a> {
        let cache = cache.filter(|cache| text == Text::None && cache.serves(module.isa()));
        Definer { module, text, cache }
    }

    /// Adds the function in `context` to the module.
    pub(super) fn define(
        &mut self,
        context: &mut Context,
        name: &str,
    ) -> Result<FunctionCode, Box<ModuleError>> {
        let signature = &context.func.signature;
        let id = self.module.declare_function(name, Linkage::Local, signature).map_err(Box::new)?;
        let Some(cache) = self.cache else { return self.define_as(id, context, name) };
        let content = Content::of(&context.func);
        if let Some(code) = cache.get(&content) {
            return self.define_again(id, &code);
        }
        let function = self.define_as(id, context, name)?;
        if let Some(code) = context.compiled_code() {
            cache.keep(content, code);
        }
        Ok(function)
    }

    /// Gives the function `id` the code in `context`.
    pub(super) fn define_as(
        &mut self,
        id: FuncId,
        context: &mut Context,
        name: &str,
    ) -> Result<FunctionCode, Box<ModuleError>> {
        let clif = (self.text == Text::Clif).then(|| format!("; {name}\n{}", context.func.display()));
        context.set_disasm(self.text == Text::Assembly);
        self.module.define_function(id, context).map_err(Box::new)?;
        let code = context.compiled_code();
        let assembly = code.and_then(|code| code.vcode.as_ref());
        let text = clif.or_else(|| assembly.map(|assembly| format!("; {name}\n{assembly}")));
        let code_bytes = code.map_or(0, |code| code.code_buffer().len());
        Ok(FunctionCode { id, code_bytes, frame_bytes: code.map_or(0, frame_bytes), text })
    }

    fn define_again(&mut self, id: FuncId, code: &KeptCode) -> Result<FunctionCode, Box<ModuleError>> {
        self.module.define_function_bytes(id, code.alignment, &code.bytes, &[]).map_err(Box::new)?;
        Ok(FunctionCode { id, code_bytes: code.bytes.len(), frame_bytes: code.frame_bytes, text: None })
    }
}

/// What a call of this code takes of the stack.
pub(super) fn frame_bytes(code: &CompiledCode) -> usize {
    // The saved frame pointer and the return address.
    code.buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset as usize + 16)
}
