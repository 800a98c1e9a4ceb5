//! Object files: kernels for programs that have no pk at run time.
//!
//! Nothing is written here: the caller gets bytes and text.

use crate::{
    compile::Module,
    describe,
    driver::{
        LoadError,
        cpu::{self, Text, isa},
    },
    error::{Error, ErrorKind, Result},
    program::Program,
    thread,
};
use pk_compiler::{
    backend::cpu::object::{self, HeaderFunction, ObjectError, ObjectFile},
    deadline::Deadline,
    ir::{Kernel, SiteData},
    plan,
};

/// For which CPUs the code of an object file is. Results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetCpu {
    /// Those that have all that this machine has.
    Native,
    /// All of this machine's architecture. On x86-64, code then calls the C library for what they lack.
    Baseline,
    /// Those of x86-64 since about 2009. Code calls the C library for fused multiply-add.
    X86_64V2,
    /// Those of x86-64 since about 2015, with AVX2 and FMA.
    X86_64V3,
}

impl TargetCpu {
    /// What Cranelift calls that which the CPUs have on top of what it starts from.
    pub(crate) fn settings(self) -> &'static [&'static str] {
        match self {
            TargetCpu::Native | TargetCpu::Baseline => &[],
            TargetCpu::X86_64V2 => &["x86-64-v2"],
            // Cranelift's level has AVX2 without AVX.
            TargetCpu::X86_64V3 => &["x86-64-v3", "has_avx"],
        }
    }

    /// What the header says of it.
    fn description(self) -> &'static str {
        match self {
            TargetCpu::Native => "CPUs that have all instructions of the one on which this was made",
            TargetCpu::Baseline if cfg!(target_arch = "x86_64") => "any x86-64 CPU; link with -lm",
            TargetCpu::Baseline => "any CPU of this architecture",
            TargetCpu::X86_64V2 => "CPUs with x86-64-v2; link with -lm",
            TargetCpu::X86_64V3 => "CPUs with x86-64-v3, that is with AVX2 and FMA",
        }
    }
}

impl Default for TargetCpu {
    /// x86-64-v3, or the baseline of another architecture.
    fn default() -> TargetCpu {
        if cfg!(target_arch = "x86_64") { TargetCpu::X86_64V3 } else { TargetCpu::Baseline }
    }
}

/// How to make an object file.
///
/// ```
/// # use pk_runtime::{ObjectOptions, TargetCpu};
/// let options = ObjectOptions::new("blas").prefix("my_").cpu(TargetCpu::Baseline);
/// ```
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    name: String,
    prefix: String,
    cpu: TargetCpu,
}

impl ObjectOptions {
    /// Functions whose names begin with `name` and `_`, for the default CPUs.
    pub fn new(name: &str) -> ObjectOptions {
        let mut name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name.insert_str(0, "pk_");
        }
        ObjectOptions { prefix: format!("{name}_"), name, cpu: TargetCpu::default() }
    }

    /// What stands before the kernel's name in the name of its function; may be empty.
    pub fn prefix(mut self, prefix: impl Into<String>) -> ObjectOptions {
        self.prefix = prefix.into();
        self
    }

    /// For which CPUs.
    pub fn cpu(mut self, cpu: TargetCpu) -> ObjectOptions {
        self.cpu = cpu;
        self
    }
}

/// Kernels as C functions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Object {
    /// An object file of this platform.
    pub bytes: Vec<u8>,
    /// The names of the functions in it, in the order of the kernels.
    pub symbols: Vec<String>,
    /// The declarations of the functions, for C and C++.
    pub header: String,
}

impl Program {
    /// Makes an object file of the kernels with these names, or of all if there are none: one function for each, with
    /// the interface of C, that needs nothing of pk.
    ///
    /// ```
    /// # use pk_runtime::*;
    /// # let context = Context::new(&Device::default_for(Backend::Interp)?)?;
    /// let program = Program::compile(&context, "kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);")?;
    /// let object = program.object(&[], &ObjectOptions::new("blas"))?;
    /// let declaration = "int blas_dot(int64_t n, const float *x, const float *y, float *result, pk_fault *fault);";
    /// assert!(object.header.contains(declaration));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::UnknownKernel`]; [`ErrorKind::Unsupported`] if a kernel decides how long a result is, or needs too much
    /// stack; [`ErrorKind::InvalidOption`] if the name of a function is none of C, or taken;
    /// [`ErrorKind::BackendUnavailable`] if this machine's architecture has no such CPU; [`ErrorKind::Compile`] if a
    /// kernel passes a limit; [`ErrorKind::Timeout`].
    pub fn object(&self, kernels: &[&str], options: &ObjectOptions) -> Result<Object> {
        let mut chosen = Vec::new();
        for name in kernels {
            let index = self.index(name)?;
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
        if kernels.is_empty() {
            chosen.extend(0..self.module().signatures.len());
        }
        let (module, options) = (self.module().clone(), options.clone());
        let limit = module.limits.compile_time();
        thread::run_within(limit, move |deadline| make(&module, &chosen, &options, deadline))?
    }
}

fn make(module: &Module, kernels: &[usize], options: &ObjectOptions, deadline: &Deadline) -> Result<Object> {
    let signatures = || kernels.iter().map(|kernel| &module.signatures[*kernel]);
    let symbols = signatures().map(|signature| symbol(&signature.name, options));
    let symbols = symbols.collect::<Result<Vec<String>>>()?;
    let isa = isa::for_object(options.cpu).map_err(unavailable)?;
    let mut file = ObjectFile::new(isa, &options.name).map_err(Error::internal)?;
    for (kernel, symbol) in kernels.iter().zip(&symbols) {
        let kernel = module.lower_here(*kernel, deadline)?;
        add(&mut file, module, (&kernel, symbol), deadline)?;
    }
    let texts: Vec<String> = signatures().map(describe::signature).collect();
    let functions: Vec<HeaderFunction<'_>> = signatures()
        .zip(&symbols)
        .zip(&texts)
        .map(|((signature, symbol), text)| HeaderFunction { symbol, signature, text })
        .collect();
    let guard = format!("PK_{}_H", options.name.to_ascii_uppercase());
    let header = object::header(&functions, options.cpu.description(), &guard);
    Ok(Object { bytes: file.finish().map_err(Error::internal)?, symbols, header })
}

fn symbol(kernel: &str, options: &ObjectOptions) -> Result<String> {
    let symbol = format!("{}{kernel}", options.prefix);
    match object::is_c_name(&symbol) {
        true => Ok(symbol),
        false => {
            let message =
                format!("no function of C can be called `{}`; choose another prefix", symbol.escape_debug());
            Err(Error::new(ErrorKind::InvalidOption, message))
        }
    }
}

fn add(
    file: &mut ObjectFile,
    module: &Module,
    (kernel, symbol): (&Kernel, &str),
    deadline: &Deadline,
) -> Result<()> {
    let code_bytes = module.limits.code_bytes;
    let options = cpu::Options { text: Text::None, code_bytes, deadline: deadline.clone() };
    let place = |site: &SiteData| module.source.place(site.span).to_string();
    file.add(kernel, &plan::cpu(kernel), symbol, &place, &options).map_err(|error| match error {
        ObjectError::Codegen(error) => module.load_error(kernel, LoadError::from_codegen(error, code_bytes)),
        ObjectError::UnknownLength | ObjectError::TooMuchStack => {
            let name = &kernel.signature.name;
            Error::new(
                ErrorKind::Unsupported,
                format!("kernel `{name}` cannot be in an object file: {error}"),
            )
        }
    })
}

fn unavailable(error: LoadError) -> Error {
    match error {
        LoadError::Unavailable(_) => Error::caused(ErrorKind::BackendUnavailable, error.to_string(), error),
        error => Error::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use insta::assert_snapshot;

    fn object(text: &str, options: &ObjectOptions) -> Result<Object> {
        Program::compile(&testing::context(), text)?.object(&[], options)
    }

    #[test]
    fn functions_have_names_that_c_allows() -> Result<()> {
        let text = "kernel f() -> i64 = 1;\nkernel g() -> i64 = 2;";
        assert_eq!(object(text, &ObjectOptions::new("2 up"))?.symbols, ["pk_2_up_f", "pk_2_up_g"]);
        assert_eq!(object(text, &ObjectOptions::new("x").prefix(""))?.symbols, ["f", "g"]);
        for prefix in ["0", "a-", "é", "int\0"] {
            let error = object(text, &ObjectOptions::new("x").prefix(prefix)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidOption);
        }
        let error = object(text, &ObjectOptions::new("x").prefix("i")).unwrap_err();
        assert_snapshot!(error, @"no function of C can be called `if`; choose another prefix");
        Ok(())
    }

    #[test]
    fn no_function_takes_much_of_the_stack() {
        let reads: Vec<String> = (0..2100).map(|i| format!("x[i + {i}]")).collect();
        let text = format!("kernel f(x: [f32; n], i: i64) -> f32 = {};", reads.join(" + "));
        let error = object(&text, &ObjectOptions::new("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_snapshot!(error, @"kernel `f` cannot be in an object file: a call would take more than 65536 bytes of the stack");
    }
}
