//! Running kernels as users do: through the crate `pk`.

use crate::outcome::{Outcome, SeenFault};
use pk::{
    Backend, Context, Device, Error, ErrorKind, Kernel, LaunchOptions, Limits, Options, Outputs, Program,
    Value,
};
use pk_compiler::data::{Datum, Tensor};
use std::borrow::Cow;

/// The back ends to test, by name; each with its context if it works on this machine.
pub(crate) fn backends() -> Vec<(&'static str, Option<Context>)> {
    let context = |backend| Device::default_for(backend).and_then(|device| Context::new(&device)).ok();
    [Backend::Interp, Backend::Cpu].map(|backend| (backend.name(), context(backend))).into()
}

/// The kernel named `kernel`, or the only one, of a text.
pub(crate) fn compile(
    context: &Context,
    text: &str,
    kernel: Option<&str>,
    limits: &Limits,
) -> Result<Kernel, String> {
    // But for the time: a test runs without optimisation, beside others, and maybe in an emulator.
    let limits = Limits { compile_seconds: 60, ..limits.clone() };
    let options = Options::new().limits(limits);
    let program = Program::compile_with(context, text, &options).map_err(|error| format!("{error:#}"))?;
    match kernel {
        Some(kernel) => program.kernel(kernel).map_err(|error| format!("{error:#}")),
        None => program.kernels().next().ok_or_else(|| "a program without kernels".to_string()),
    }
}

/// Calls `kernel`.
pub(crate) fn run(kernel: &Kernel, args: &[Datum], ignore_faults: bool) -> Result<Outcome, String> {
    run_with(kernel, args, LaunchOptions::new().ignore_faults(ignore_faults))
}

/// Calls `kernel` as `options` say.
pub(crate) fn run_with(kernel: &Kernel, args: &[Datum], options: LaunchOptions) -> Result<Outcome, String> {
    let values = args
        .iter()
        .map(value)
        .collect::<Result<Vec<Value<'_>>, Error>>()
        .map_err(|error| error.to_string())?;
    match kernel.call_with::<Outputs>(&options, values) {
        Ok(outputs) => Ok(Outcome::Values(outputs.iter().map(datum).collect::<Result<_, _>>()?)),
        Err(error) => failure(&error),
    }
}

fn value(arg: &Datum) -> Result<Value<'_>, Error> {
    match arg {
        Datum::Scalar(value) => Ok(Value::scalar(*value)),
        Datum::Array(array) => Value::from_bytes(array.scalar, &array.shape, Cow::Borrowed(&array.bytes)),
    }
}

fn datum(output: &pk::Output) -> Result<Datum, String> {
    if output.shape().is_empty() {
        return output.element(0).map(Datum::Scalar).ok_or_else(|| "a scalar without a value".to_string());
    }
    Ok(Datum::Array(Tensor {
        scalar: output.scalar(),
        shape: output.shape().to_vec(),
        bytes: output.bytes().to_vec(),
    }))
}

fn failure(error: &Error) -> Result<Outcome, String> {
    let code = error.diagnostics().first().map(|found| found.code.to_string());
    match (error.fault(), code, error.kind()) {
        (Some(fault), Some(code), _) => Ok(Outcome::Fault(SeenFault {
            code,
            span: fault.span,
            element: fault.element,
            index: fault.index,
            length: fault.length,
        })),
        (None, Some(code), ErrorKind::Shape | ErrorKind::NegativeSize) => Ok(Outcome::Refused(code)),
        _ => Err(format!("{error:#}")),
    }
}
