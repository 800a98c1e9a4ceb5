//! What a kernel means: its IR as lowered, unoptimised, in the reference interpreter. Every other way of running it must
//! give the same bits.

use crate::outcome::{Outcome, SeenFault};
use pk::Limits;
use pk_compiler::{
    constants,
    data::Datum,
    deadline::Deadline,
    fault::Fault,
    interp::{self, RunError},
    ir::{FaultKind, Kernel},
    lower::lower,
};
use pk_dsl::{
    codes::Code,
    diagnostic::Diagnostic,
    signature::{Signature, SizeSource},
};

/// A text that compiled.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    /// The kernels as lowered.
    pub(crate) kernels: Vec<Kernel>,
    /// What the checker warned of.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Compiled {
    /// The kernel of this name, or the only one.
    pub(crate) fn kernel(&self, name: Option<&str>) -> Result<&Kernel, String> {
        match (name, &self.kernels[..]) {
            (None, [only]) => Ok(only),
            (None, _) => Err("the file has several kernels, and its header names none".to_string()),
            (Some(name), kernels) => {
                let found = kernels.iter().find(|kernel| kernel.signature.name == name);
                found.ok_or_else(|| format!("there is no kernel `{name}`"))
            }
        }
    }
}

/// Checks and lowers a text.
pub(crate) fn compile(text: &str, limits: &Limits) -> Result<Compiled, Vec<Diagnostic>> {
    on_big_stack(|| {
        let mut checked = pk_dsl::check(text, limits)?;
        constants::evaluate(&mut checked.program, limits, &Deadline::default())?;
        let kernels = 0..checked.program.kernels.len();
        let kernels = kernels
            .map(|kernel| lower(&checked.program, kernel, limits, &Deadline::default()))
            .collect::<Result<_, _>>()?;
        Ok(Compiled { kernels, warnings: checked.warnings })
    })
}

/// Runs `kernel` as it stands.
pub(crate) fn run(kernel: &Kernel, args: &[Datum], ignore_faults: bool) -> Result<Outcome, String> {
    let Some(sizes) = bind(&kernel.signature, args) else {
        return Ok(Outcome::Refused(refusal(&kernel.signature, args).to_string()));
    };
    let options = interp::Options { ignore_faults, ..interp::Options::default() };
    match on_big_stack(|| interp::run_with(kernel, args, &sizes, &options)) {
        Ok(values) => Ok(Outcome::Values(values)),
        Err(RunError::Fault(fault)) => seen(kernel, &fault).map(Outcome::Fault),
        Err(error) => Err(error.to_string()),
    }
}

/// The values of the sizes, if the arguments agree on them.
fn bind(signature: &Signature, args: &[Datum]) -> Option<Vec<i64>> {
    let sizes = signature.sizes.iter().map(|size| match (size.bound_by, args) {
        (SizeSource::Axis { param, axis }, args) => match &args[param] {
            Datum::Array(array) => i64::try_from(array.shape[axis]).ok(),
            Datum::Scalar(_) => None,
        },
        (SizeSource::Scalar { param }, args) => match &args[param] {
            Datum::Scalar(value) => value.as_int().and_then(|value| i64::try_from(value).ok()),
            Datum::Array(_) => None,
        },
    });
    let sizes: Vec<i64> = sizes.collect::<Option<_>>()?;
    (sizes.iter().all(|size| *size >= 0) && shapes_fit(signature, args, &sizes)).then_some(sizes)
}

fn shapes_fit(signature: &Signature, args: &[Datum], sizes: &[i64]) -> bool {
    signature.params.iter().zip(args).all(|(param, arg)| match arg {
        Datum::Scalar(_) => true,
        Datum::Array(array) => param.dims.iter().zip(&array.shape).all(|(dim, extent)| {
            let wanted = dim.size.evaluate(|var| sizes.get(var.0 as usize).copied());
            wanted.and_then(|wanted| usize::try_from(wanted).ok()) == Some(*extent)
        }),
    })
}

/// The code with which arguments that do not bind are refused.
fn refusal(signature: &Signature, args: &[Datum]) -> Code {
    let is_negative = signature.sizes.iter().any(|size| match size.bound_by {
        SizeSource::Scalar { param } => {
            matches!(&args[param], Datum::Scalar(value) if value.as_int().is_some_and(|value| value < 0))
        }
        SizeSource::Axis { .. } => false,
    });
    if is_negative { Code::NegativeSize } else { Code::ArgumentShape }
}

fn seen(kernel: &Kernel, fault: &Fault) -> Result<SeenFault, String> {
    let found = kernel.sites.iter().find(|(site, _)| *site == fault.site);
    let (_, site) = found.ok_or("a fault at an unknown site")?;
    let code = match site.kind {
        FaultKind::OutOfBounds => Code::OutOfBounds,
        FaultKind::DivisionByZero => Code::DivisionByZero,
        FaultKind::EmptyReduction => Code::EmptyReduction,
        FaultKind::SizeMismatch => Code::SizeMismatch,
        FaultKind::NegativeSize => Code::NegativeSize,
        FaultKind::SizeOverflow => Code::TooLarge,
    };
    Ok(SeenFault {
        code: code.to_string(),
        span: site.span,
        element: (fault.element < Fault::OUTSIDE).then_some(fault.element),
        index: fault.index,
        length: fault.length,
    })
}

/// Runs `work` where recursion along the deepest program within the limits has room; the runtime does so itself.
pub(crate) fn on_big_stack<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    const STACK: usize = 512 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.expect("a thread").join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
