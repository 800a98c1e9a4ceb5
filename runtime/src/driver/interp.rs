//! The interpreter as a driver: slow, always there, and right by definition.

use super::{
    AlignedBytes, Arg, Destination, Driver, Executable, FaultPolicy, Job, LoadError, Output, OutputArray,
    RunError, room,
};
use pk_compiler::{
    data::{Datum, Tensor},
    deadline::Deadline,
    interp::{self, Options},
    ir::Kernel,
};
use pk_dsl::scalar::Scalar;
use std::sync::Arc;

/// Runs kernels by interpretation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InterpDriver;

impl Driver for InterpDriver {
    fn load(
        &self,
        kernel: Arc<Kernel>,
        _code_bytes: usize,
        _deadline: &Deadline,
    ) -> Result<Arc<dyn Executable>, LoadError> {
        Ok(Arc::new(InterpretedKernel(kernel)))
    }
}

struct InterpretedKernel(Arc<Kernel>);

impl Executable for InterpretedKernel {
    /// It recurses along the program.
    fn needs_big_stack(&self) -> bool {
        true
    }

    fn execute(&self, job: &mut Job<'_, '_>) -> Result<(), RunError> {
        let signature = &self.0.signature;
        if !job.fits(signature) {
            return Err(RunError::BadJob);
        }
        let args = job.args.iter().zip(&signature.params).map(|(arg, param)| datum(arg, param.scalar));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let options = Options { cancel: job.cancel, ignore_faults: job.faults == FaultPolicy::Ignore };
        let results = interp::run_with(&self.0, &args, job.sizes, &options)?;
        let mut destinations = job.destinations.iter_mut();
        for result in results {
            job.outputs.push(output(result, destinations.next().and_then(Option::as_deref_mut))?);
        }
        Ok(())
    }
}

fn datum(arg: &Arg<'_>, scalar: Scalar) -> Result<Datum, RunError> {
    let (shape, bytes) = match arg {
        Arg::Scalar(value) => return Ok(Datum::Scalar(*value)),
        Arg::Array { shape, bytes } => (*shape, *bytes),
    };
    let mut own = Vec::new();
    own.try_reserve_exact(bytes.len()).map_err(|_| out_of_memory(bytes.len()))?;
    match scalar {
        Scalar::Bool => own.extend(bytes.iter().map(|byte| u8::from(*byte != 0))),
        _ => own.extend_from_slice(bytes),
    }
    Ok(Datum::Array(Tensor { scalar, shape: shape.to_vec(), bytes: own }))
}

fn output(result: Datum, destination: Option<&mut dyn Destination>) -> Result<Output, RunError> {
    let Tensor { scalar, shape, bytes } = match result {
        Datum::Scalar(value) => return Ok(Output::Scalar(value)),
        Datum::Array(tensor) => tensor,
    };
    if let Some(given) = destination {
        room::fill(given, scalar, &bytes)?;
        return Ok(Output::InPlace);
    }
    let mut own = AlignedBytes::with_room(bytes.len()).ok_or_else(|| out_of_memory(bytes.len()))?;
    room::fill(&mut own, scalar, &bytes)?;
    Ok(Output::Array(Box::new(OutputArray { shape: shape.into(), bytes: own })))
}

fn out_of_memory(bytes: usize) -> RunError {
    RunError::OutOfMemory { bytes: bytes as u64 }
}

impl From<interp::RunError> for RunError {
    fn from(error: interp::RunError) -> RunError {
        match error {
            interp::RunError::Fault(fault) => RunError::Fault(fault),
            interp::RunError::OutOfMemory { bytes } => out_of_memory(bytes),
            interp::RunError::TooLarge => RunError::TooLarge,
            // A launch has a limit on time, and none on steps.
            interp::RunError::Cancelled | interp::RunError::TooManySteps => RunError::Cancelled,
        }
    }
}
