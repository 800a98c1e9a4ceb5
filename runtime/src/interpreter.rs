//! The reference interpreter as a driver.

use crate::driver::{AlignedBytes, Arg, Driver, Executable, FaultPolicy, Job, LoadError, Output, RunError};
use pk_compiler::{
    data::{Datum, Tensor},
    interp,
    ir::Kernel,
};
use std::sync::Arc;

/// Runs IR as it stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InterpDriver;

impl Driver for InterpDriver {
    fn load(&self, kernel: Arc<Kernel>) -> Result<Arc<dyn Executable>, LoadError> {
        Ok(Arc::new(Interpreted(kernel)))
    }
}

struct Interpreted(Arc<Kernel>);

impl Executable for Interpreted {
    fn execute(&self, job: Job<'_>) -> Result<Vec<Output>, RunError> {
        let params = self.0.signature.params.iter();
        let args: Vec<Datum> = job
            .args
            .iter()
            .zip(params)
            .map(|(arg, param)| datum(arg, param.scalar))
            .collect::<Result<_, _>>()?;
        let options =
            interp::Options { cancel: job.cancel, ignore_faults: job.faults == FaultPolicy::Ignore };
        let results = interp::run_with(&self.0, &args, &job.sizes, &options).map_err(run_error)?;
        let destinations = job.destinations.into_iter().chain(std::iter::repeat_with(|| None));
        results.into_iter().zip(destinations).map(|(datum, target)| output(datum, target)).collect()
    }
}

fn datum(arg: &Arg<'_>, scalar: pk_dsl::scalar::Scalar) -> Result<Datum, RunError> {
    match arg {
        Arg::Scalar(value) => Ok(Datum::Scalar(*value)),
        Arg::Array { shape, bytes } => {
            let mut copy = Vec::new();
            let size = bytes.len() as u64;
            copy.try_reserve_exact(bytes.len()).map_err(|_| RunError::OutOfMemory { bytes: size })?;
            copy.extend_from_slice(bytes);
            Ok(Datum::Array(Tensor { scalar, shape: shape.to_vec(), bytes: copy }))
        }
    }
}

fn output(datum: Datum, target: Option<&mut [u8]>) -> Result<Output, RunError> {
    let tensor = match datum {
        Datum::Scalar(value) => return Ok(Output::Scalar(value)),
        Datum::Array(tensor) => tensor,
    };
    let bytes = match target {
        Some(target) if target.len() == tensor.bytes.len() => {
            target.copy_from_slice(&tensor.bytes);
            None
        }
        Some(_) => return Err(RunError::BadJob),
        None => {
            let size = tensor.bytes.len();
            let mut bytes = AlignedBytes::zeroed(size).ok_or(RunError::OutOfMemory { bytes: size as u64 })?;
            bytes.copy_from_slice(&tensor.bytes);
            Some(bytes)
        }
    };
    Ok(Output::Array { shape: tensor.shape, bytes })
}

fn run_error(error: interp::RunError) -> RunError {
    match error {
        interp::RunError::Fault(fault) => RunError::Fault(fault),
        interp::RunError::OutOfMemory { bytes } => RunError::OutOfMemory { bytes: bytes as u64 },
        interp::RunError::TooLarge => RunError::TooLarge,
        interp::RunError::Cancelled => RunError::Cancelled,
    }
}
