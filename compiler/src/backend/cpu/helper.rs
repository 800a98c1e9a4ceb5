//! Functions of the host that code calls where the CPU lacks an instruction.
//!
//! Fused multiply-add needs FMA and rounding needs SSE4.1 on x86-64; every other supported CPU has both. The names are
//! pk's own and whoever loads the code must define all that [`names`] lists: left to itself, Cranelift would look up
//! symbols of the C library at run time.

use cranelift_codegen::{
    ir::{AbiParam, types},
    isa::TargetIsa,
};
use cranelift_module::{FuncId, Linkage, Module, ModuleError};
use pk_dsl::scalar::Scalar;

/// What a helper computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `a * b + c`, rounded once.
    Fma,
    /// Toward minus infinity.
    Floor,
    /// Toward plus infinity.
    Ceil,
    /// Toward zero.
    Trunc,
    /// To nearest, ties to even.
    Nearest,
}

impl Function {
    const ALL: [Function; 5] =
        [Function::Fma, Function::Floor, Function::Ceil, Function::Trunc, Function::Nearest];

    fn arity(self) -> usize {
        if self == Function::Fma { 3 } else { 1 }
    }

    /// The CPU feature of x86-64 that makes the helper unnecessary.
    fn feature(self) -> &'static str {
        if self == Function::Fma { "has_fma" } else { "has_sse41" }
    }

    /// The symbol that code uses for it.
    pub(super) fn symbol(self, scalar: Scalar) -> &'static str {
        match (self, scalar) {
            (Function::Fma, Scalar::F32) => "pk_fma_f32",
            (Function::Fma, _) => "pk_fma_f64",
            (Function::Floor, Scalar::F32) => "pk_floor_f32",
            (Function::Floor, _) => "pk_floor_f64",
            (Function::Ceil, Scalar::F32) => "pk_ceil_f32",
            (Function::Ceil, _) => "pk_ceil_f64",
            (Function::Trunc, Scalar::F32) => "pk_trunc_f32",
            (Function::Trunc, _) => "pk_trunc_f64",
            (Function::Nearest, Scalar::F32) => "pk_nearest_f32",
            (Function::Nearest, _) => "pk_nearest_f64",
        }
    }
}

/// Each helper with its type, `f32` or `f64`, and the symbol that code uses for it.
pub fn names() -> impl Iterator<Item = (Function, Scalar, &'static str)> {
    Function::ALL.into_iter().flat_map(|function| {
        [Scalar::F32, Scalar::F64].map(|scalar| (function, scalar, function.symbol(scalar)))
    })
}

/// The helpers that code for a module's CPU needs.
pub(super) struct Helpers {
    declared: Vec<(Function, Scalar, FuncId)>,
}

impl Helpers {
    /// Declares what the CPU of `module` needs, by the symbols that `symbol` gives.
    pub(super) fn declare(
        module: &mut dyn Module,
        symbol: impl Fn(Function, Scalar) -> &'static str,
    ) -> Result<Helpers, Box<ModuleError>> {
        let mut declared = Vec::new();
        for (function, scalar, _) in names() {
            if is_native(function, module.isa()) {
                continue;
            }
            let ty = if scalar == Scalar::F32 { types::F32 } else { types::F64 };
            let mut signature = module.make_signature();
            signature.params = vec![AbiParam::new(ty); function.arity()];
            signature.returns = vec![AbiParam::new(ty)];
            let id = module
                .declare_function(symbol(function, scalar), Linkage::Import, &signature)
                .map_err(Box::new)?;
            declared.push((function, scalar, id));
        }
        Ok(Helpers { declared })
    }

    /// The helper to call, or `None` if the CPU has an instruction.
    pub(super) fn get(&self, function: Function, scalar: Scalar) -> Option<FuncId> {
        let found = self.declared.iter().find(|(known, ty, _)| (*known, *ty) == (function, scalar));
        found.map(|(_, _, id)| *id)
    }
}

fn is_native(function: Function, isa: &dyn TargetIsa) -> bool {
    let flags = isa.isa_flags();
    let flag = flags.iter().find(|flag| flag.name == function.feature());
    flag.is_none_or(|flag| flag.as_bool().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn symbols_are_distinct_and_cannot_be_those_of_another_library() {
        let symbols: HashSet<&str> = names().map(|(_, _, symbol)| symbol).collect();
        assert_eq!(symbols.len(), 10);
        assert!(symbols.iter().all(|symbol| symbol.starts_with("pk_")));
    }
}
