//! Walking a plan: the host's side of a launch.
//!
//! Compiled code trusts the addresses and sizes in the frame, so this room is where memory safety is decided: every
//! size is computed in checked arithmetic, every address comes from a live allocation or a borrowed slice of exactly
//! the size that the plan names, and the job was found to fit the signature before the walk begins.

use super::jit::KernelCode;
use crate::driver::{AlignedBytes, Arg, FaultPolicy, Job, Output, RunError, fenv::DefaultEnvironment};
use pk_compiler::{
    backend::cpu::fault::FaultRecord,
    fault::Fault,
    ir::{Entity, Kernel, Site},
    plan::{
        ArraySize, ArraySource, Buffer, Domain, Extent, LEAF, Launch, Plan, ResultSource, Slot, Step, Stop,
    },
};
use pk_dsl::scalar::{Const, Scalar};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many elements the code of a launch computes between two looks at the cancel flag.
const CHUNK: u64 = 1 << 16;

/// The memory of a buffer.
enum Storage<'a> {
    Owned(AlignedBytes),
    Given(&'a mut [u8]),
}

/// A launch of a kernel under way.
pub(super) struct Execution<'a> {
    kernel: &'a Kernel,
    plan: &'a Plan,
    code: &'a KernelCode,
    frame: Vec<u64>,
    faults: Vec<FaultRecord>,
    buffers: Vec<Option<Storage<'a>>>,
    args: Vec<Arg<'a>>,
    destinations: Vec<Option<&'a mut [u8]>>,
    cancel: &'a AtomicBool,
}

/// Runs `job`, which must fit the signature of `kernel`.
pub(super) fn execute<'a>(
    kernel: &'a Kernel,
    plan: &'a Plan,
    code: &'a KernelCode,
    job: Job<'a>,
) -> Result<Vec<Output>, RunError> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let policy = job.faults;
    let mut execution = Execution {
        kernel,
        plan,
        code,
        frame: vec![0; plan.slots.len()],
        faults: vec![FaultRecord::default(); kernel.sites.len()],
        buffers: plan.buffers.iter().map(|_| None).collect(),
        cancel: job.cancel.unwrap_or(&NEVER),
        args: job.args,
        destinations: job.destinations,
    };
    execution.bind(job.sizes)?;
    execution.walk()?;
    match execution.first_fault() {
        Some(fault) if policy == FaultPolicy::Report => Err(RunError::Fault(fault)),
        _ => execution.outputs(),
    }
}

impl<'a> Execution<'a> {
    /// Puts the parameters of the entry block into their slots.
    fn bind(&mut self, sizes: &[i64]) -> Result<(), RunError> {
        let sizes = sizes.iter().map(|size| *size as u64);
        let args = self.args.iter().map(|arg| match arg {
            Arg::Scalar(value) => value.bits(),
            // Code never writes to parameters.
            Arg::Array { bytes, .. } => bytes.as_ptr() as u64,
        });
        let body = &self.kernel.body;
        let bits: Vec<u64> = sizes.chain(args).collect();
        for (param, bits) in body.blocks[body.entry].params.iter().zip(bits) {
            let slot = self.plan.slot(*param).ok_or(RunError::BadJob)?;
            self.set(slot, bits);
        }
        self.set(Slot::CANCEL, self.cancel.as_ptr() as u64);
        Ok(())
    }

    fn get(&self, slot: Slot) -> u64 {
        self.frame[slot.0 as usize]
    }

    fn set(&mut self, slot: Slot, bits: u64) {
        self.frame[slot.0 as usize] = bits;
    }

    fn walk(&mut self) -> Result<(), RunError> {
        let plan = self.plan;
        let mut number = 0;
        for step in &plan.steps {
            match step {
                Step::Allocate(buffer) => self.allocate(*buffer)?,
                Step::Release(buffer) => self.buffers[buffer.0 as usize] = None,
                Step::Run(launch) => {
                    self.run(launch, number)?;
                    number += 1;
                }
            }
        }
        Ok(())
    }

    fn extent(&self, extent: Extent) -> Result<u64, RunError> {
        let count = |slot| i64::try_from(self.get(slot)).map_err(|_| RunError::TooLarge);
        let value = match extent {
            Extent::Constant(value) => value,
            Extent::Slot(slot) => count(slot)?,
            Extent::LeavesOf(slot) => {
                let count = count(slot)?;
                count / LEAF + i64::from(count % LEAF != 0)
            }
        };
        u64::try_from(value).map_err(|_| RunError::TooLarge)
    }

    fn product(&self, extents: &[Extent]) -> Result<u64, RunError> {
        let extents = extents.iter().map(|extent| self.extent(*extent)).collect::<Result<Vec<u64>, _>>()?;
        // An empty array has no elements, however large its other extents are.
        if extents.contains(&0) {
            return Ok(0);
        }
        extents.into_iter().try_fold(1u64, u64::checked_mul).ok_or(RunError::TooLarge)
    }

    fn bytes(&self, size: &ArraySize) -> Result<usize, RunError> {
        let bytes = self.product(&size.extents)?.checked_mul(size.scalar.bytes() as u64);
        let bytes = bytes.and_then(|bytes| isize::try_from(bytes).ok()).ok_or(RunError::TooLarge)?;
        Ok(bytes as usize)
    }

    fn allocate(&mut self, buffer: Buffer) -> Result<(), RunError> {
        let data = &self.plan.buffers[buffer.0 as usize];
        let bytes = self.bytes(&data.size)?;
        let destination =
            data.result.and_then(|result| self.destinations.get_mut(result)).and_then(Option::take);
        let (storage, address) = match destination {
            Some(given) if given.len() == bytes => {
                let address = given.as_mut_ptr();
                (Storage::Given(given), address)
            }
            Some(_) => return Err(RunError::BadJob),
            None => {
                let mut owned = zeroed(bytes)?;
                let address = owned.as_mut_ptr();
                (Storage::Owned(owned), address)
            }
        };
        self.set(data.slot, address as u64);
        self.buffers[buffer.0 as usize] = Some(storage);
        Ok(())
    }

    fn run(&mut self, launch: &Launch, number: usize) -> Result<(), RunError> {
        let mut scratch = Scratch::allocate(self, &launch.scratch)?;
        let (count, chunk) = match &launch.domain {
            Domain::Once => (1, 1),
            Domain::Elements(extents) => (self.product(extents)?, CHUNK),
            Domain::Leaves(extent) | Domain::LeavesInOrder(extent) => {
                (self.extent(*extent)?.div_ceil(LEAF as u64), CHUNK / LEAF as u64)
            }
        };
        let count = i64::try_from(count).map_err(|_| RunError::TooLarge)?;
        let mut begin = 0;
        while begin < count {
            let end = begin.saturating_add(chunk as i64).min(count);
            self.call(number, &mut scratch, begin, end)?;
            begin = end;
        }
        Ok(())
    }

    fn call(&mut self, number: usize, scratch: &mut Scratch, begin: i64, end: i64) -> Result<(), RunError> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(RunError::Cancelled);
        }
        let function = self.code.function(number);
        let (frame, faults) = (self.frame.as_mut_ptr(), self.faults.as_mut_ptr());
        {
            let _environment = DefaultEnvironment::enter();
            // SAFETY: the function was compiled for this launch of this plan, and the frame, the fault table and the
            // scratch table have the lengths and contents that the plan asks for: `bind` and `allocate` filled the
            // slots, `Scratch::allocate` the table, and `begin..end` lies inside of the domain.
            unsafe { function(frame, scratch.addresses.as_ptr(), faults, begin, end) }
        }
        match self.get(Slot::STOPPED) {
            0 => Ok(()),
            reason if reason == Stop::Check as u64 => {
                Err(self.first_fault().map_or(RunError::Cancelled, RunError::Fault))
            }
            _ => Err(RunError::Cancelled),
        }
    }

    /// The fault to report: sites are numbered in the order of the language, and each knows its lowest element.
    fn first_fault(&self) -> Option<Fault> {
        let mut records = self.faults.iter().enumerate();
        records.find_map(|(number, record)| record.fault(Site::from_index(number)))
    }

    fn outputs(mut self) -> Result<Vec<Output>, RunError> {
        let plan = self.plan;
        let mut outputs = Vec::with_capacity(plan.results.len());
        for (position, source) in plan.results.iter().enumerate() {
            let output = match source {
                ResultSource::Constant(value) => Output::Scalar(*value),
                ResultSource::Scalar(scalar, slot) => {
                    Output::Scalar(Const::from_bits(*scalar, self.get(*slot)))
                }
                ResultSource::Array { source, scalar, shape } => {
                    let size = ArraySize { scalar: *scalar, extents: shape.clone() };
                    let bytes = self.array_output(position, *source, &size, &outputs)?;
                    Output::Array { shape: self.shape(shape)?, bytes }
                }
            };
            outputs.push(output);
        }
        Ok(outputs)
    }

    fn shape(&self, extents: &[Extent]) -> Result<Vec<usize>, RunError> {
        let extent = |extent: &Extent| usize::try_from(self.extent(*extent)?).map_err(|_| RunError::TooLarge);
        extents.iter().map(extent).collect()
    }

    /// The elements of a result, `None` if they are in the job's destination.
    fn array_output(
        &mut self,
        position: usize,
        source: ArraySource,
        size: &ArraySize,
        earlier: &[Output],
    ) -> Result<Option<AlignedBytes>, RunError> {
        let bytes = self.bytes(size)?;
        let buffer = match source {
            ArraySource::Buffer(buffer) => buffer.0 as usize,
            ArraySource::Param(number) => {
                let Some(Arg::Array { bytes, .. }) = self.args.get(number) else {
                    return Err(RunError::BadJob);
                };
                return give(self.destinations.get_mut(position).and_then(Option::take), size.scalar, bytes);
            }
            ArraySource::Result(number) => {
                let destination = self.destinations.get_mut(position).and_then(Option::take);
                return give(destination, size.scalar, self.earlier_result(number, earlier)?);
            }
        };
        // Given memory stays in its place, from where a later result may be copied.
        if let Some(Storage::Given(_)) = &self.buffers[buffer] {
            return Ok(None);
        }
        match self.buffers[buffer].take() {
            Some(Storage::Owned(mut owned)) => {
                // A filter had room for more than what passed.
                owned.truncate(bytes);
                Ok(Some(owned))
            }
            _ => Err(RunError::BadJob),
        }
    }

    fn earlier_result<'r>(&'r self, number: usize, earlier: &'r [Output]) -> Result<&'r [u8], RunError> {
        let buffer = self.plan.buffers.iter().position(|data| data.result == Some(number));
        match (&earlier[number], buffer.and_then(|buffer| self.buffers[buffer].as_ref())) {
            (Output::Array { bytes: Some(bytes), .. }, _) => Ok(bytes),
            (_, Some(Storage::Given(bytes))) => Ok(bytes),
            _ => Err(RunError::BadJob),
        }
    }
}

/// Copies `bytes` to where a result is wanted.
fn give(
    destination: Option<&mut [u8]>,
    scalar: Scalar,
    bytes: &[u8],
) -> Result<Option<AlignedBytes>, RunError> {
    let mut own = None;
    let target = match destination {
        Some(given) => given,
        None => &mut **own.insert(zeroed(bytes.len())?),
    };
    if target.len() != bytes.len() {
        return Err(RunError::BadJob);
    }
    match scalar {
        // A host's `bool` may be any byte, pk's is 0 or 1.
        Scalar::Bool => target.iter_mut().zip(bytes).for_each(|(to, from)| *to = u8::from(*from != 0)),
        _ => target.copy_from_slice(bytes),
    }
    Ok(own)
}

fn zeroed(bytes: usize) -> Result<AlignedBytes, RunError> {
    AlignedBytes::zeroed(bytes).ok_or(RunError::OutOfMemory { bytes: bytes as u64 })
}

/// The scratch memory of a launch.
struct Scratch {
    /// One for each scratch array.
    addresses: Vec<*mut u8>,
    /// What the addresses point into.
    _blocks: Vec<AlignedBytes>,
}

impl Scratch {
    fn allocate(execution: &Execution<'_>, sizes: &[ArraySize]) -> Result<Scratch, RunError> {
        let blocks = sizes.iter().map(|size| zeroed(execution.bytes(size)?));
        let mut blocks = blocks.collect::<Result<Vec<_>, _>>()?;
        let addresses = blocks.iter_mut().map(AlignedBytes::as_mut_ptr).collect();
        Ok(Scratch { addresses, _blocks: blocks })
    }
}
