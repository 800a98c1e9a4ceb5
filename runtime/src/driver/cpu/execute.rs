//! Walking a plan: the host's side of a launch.
//!
//! Compiled code trusts the addresses and sizes in the frame, so this room is where memory safety is decided: every
//! size is computed in checked arithmetic, every address comes from a live allocation or a borrowed slice of exactly
//! the size that the plan names, and the job was found to fit the signature before the walk begins.

use super::{
    divide::{self, Division, Ranges},
    hand::{Frame, Hand, Scratch, merge_faults, zeroed},
    jit::KernelCode,
};
use crate::driver::{
    AlignedBytes, Arg, FaultPolicy, Few, Job, Output, RunError, Sharing,
    pool::{self, Pool},
};
use pk_compiler::{
    backend::cpu::fault::FaultRecord,
    fault::Fault,
    ir::{Entity, Kernel, Site},
    plan::{ArraySource, Buffer, Domain, Extent, LEAF, Launch, Plan, ResultSource, Slot, Step, Stop},
};
use pk_dsl::scalar::{Const, Scalar};
use smallvec::smallvec;
use std::{
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

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
    frame: Frame,
    faults: Vec<FaultRecord>,
    buffers: Few<Option<Storage<'a>>>,
    args: Vec<Arg<'a>>,
    destinations: Vec<Option<&'a mut [u8]>>,
    cancel: &'a AtomicBool,
    sharing: Sharing,
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
        frame: smallvec![0; plan.slots.len()],
        faults: vec![FaultRecord::default(); kernel.sites.len()],
        buffers: plan.buffers.iter().map(|_| None).collect(),
        cancel: job.cancel.unwrap_or(&NEVER),
        sharing: job.sharing,
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
        for (param, bits) in body.blocks[body.entry].params.iter().zip(sizes.chain(args)) {
            let slot = self.plan.slot(*param).ok_or(RunError::BadJob)?;
            self.frame[slot.0 as usize] = bits;
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
        let (mut steps, mut number) = (&self.plan.steps[..], 0);
        while let Some((step, rest)) = steps.split_first() {
            steps = rest;
            match step {
                Step::Allocate(buffer) => self.allocate(*buffer)?,
                Step::Release(buffer) => self.buffers[buffer.0 as usize] = None,
                Step::Run(launch) => {
                    let followers = followers(rest);
                    let done = self.run(launch, &followers, number)?;
                    steps = &rest[done - 1..];
                    number += done;
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
        let (mut is_empty, mut product) = (false, Some(1u64));
        for extent in extents {
            let extent = self.extent(*extent)?;
            is_empty |= extent == 0;
            product = product.and_then(|product| product.checked_mul(extent));
        }
        // An empty array has no elements, however large its other extents are.
        if is_empty { Ok(0) } else { product.ok_or(RunError::TooLarge) }
    }

    fn bytes(&self, scalar: Scalar, extents: &[Extent]) -> Result<usize, RunError> {
        let bytes = self.product(extents)?.checked_mul(scalar.bytes() as u64);
        let bytes = bytes.and_then(|bytes| isize::try_from(bytes).ok()).ok_or(RunError::TooLarge)?;
        Ok(bytes as usize)
    }

    fn allocate(&mut self, buffer: Buffer) -> Result<(), RunError> {
        let data = &self.plan.buffers[buffer.0 as usize];
        let bytes = self.bytes(data.size.scalar, &data.size.extents)?;
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

    /// Runs `launch`, and those that follow it if this thread does all of it; gives how many have run.
    fn run(&mut self, launch: &Launch, followers: &[&Launch], number: usize) -> Result<usize, RunError> {
        let (units, division) = self.divide(launch)?;
        let units = i64::try_from(units).map_err(|_| RunError::TooLarge)?;
        let ranges = Ranges::new(units, division.piece);
        match (division.threads, followers) {
            (1, []) => self.run_alone(&[launch], number, &ranges)?,
            (1, _) => {
                let all = [&[launch], followers].concat();
                self.run_alone(&all, number, &Ranges::new(units, divide::LEAVES_BY_TURNS))?;
                return Ok(all.len());
            }
            (threads, _) => self.run_shared(launch, number, &ranges, threads - 1)?,
        }
        Ok(1)
    }

    /// How many units the domain of `launch` has, and how it is divided.
    fn divide(&self, launch: &Launch) -> Result<(u64, Division), RunError> {
        let (units, unit, may_share) = match &launch.domain {
            Domain::Once => (1, 1, false),
            Domain::Elements(extents) => (self.product(extents)?, 1, true),
            Domain::Leaves(extent) => (self.leaves(*extent)?, LEAF as u64, true),
            Domain::LeavesInOrder(extent) => (self.leaves(*extent)?, LEAF as u64, false),
        };
        let cost = match units {
            0 | 1 => 0,
            _ => launch.cost.picoseconds(&|extent| self.extent(extent).unwrap_or(0)),
        };
        let extent = divide::Extent { units, unit, cost };
        // Workers have stacks of an ordinary size.
        let fits = self.code.frame_bytes() <= pool::STACK_BYTES / 2;
        Ok((units, if may_share && fits { extent.shared(self.sharing) } else { extent.alone() }))
    }

    fn leaves(&self, extent: Extent) -> Result<u64, RunError> {
        Ok(self.extent(extent)?.div_ceil(LEAF as u64))
    }

    /// Runs `launches`, whose first has number `number`, by turns for each range.
    fn run_alone(&mut self, launches: &[&Launch], number: usize, ranges: &Ranges) -> Result<(), RunError> {
        let scratches: Few<Scratch> =
            launches.iter().map(|launch| self.scratch(launch)).collect::<Result<_, _>>()?;
        while let Some(range) = ranges.take() {
            for (at, scratch) in scratches.iter().enumerate() {
                let mut hand = Hand { frame: &mut self.frame, faults: &mut self.faults, scratch };
                let function = self.code.function(number + at);
                // SAFETY: the function was compiled for this launch of this plan; `bind` and `allocate` filled the
                // slots of the frame, the fault table has a record for each site, and `range` lies in the domain.
                match unsafe { hand.work(function, &Ranges::single(range), self.cancel) } {
                    None => {}
                    Some(Stop::Check) => {
                        return Err(self.first_fault().map_or(RunError::Cancelled, RunError::Fault));
                    }
                    Some(Stop::Cancel) => return Err(RunError::Cancelled),
                }
            }
        }
        Ok(())
    }

    /// Lets up to `helpers` workers take part. Code of a launch that may be shared gives nothing back in its frame, and
    /// has no checks that could end it.
    fn run_shared(
        &mut self,
        launch: &Launch,
        number: usize,
        ranges: &Ranges,
        helpers: usize,
    ) -> Result<(), RunError> {
        let faults = Mutex::new(mem::take(&mut self.faults));
        let (is_cancelled, failure) = (AtomicBool::new(false), Mutex::new(None));
        Pool::of_process().run(helpers, &|| match self.scratch(launch) {
            Ok(scratch) => {
                let (mut frame, mut found) =
                    (self.frame.clone(), vec![FaultRecord::default(); self.kernel.sites.len()]);
                let mut hand = Hand { frame: &mut frame, faults: &mut found, scratch: &scratch };
                // SAFETY: as in `run_alone`, with a copy of the frame and a fault table of the same length.
                let stop = unsafe { hand.work(self.code.function(number), ranges, self.cancel) };
                if stop.is_some() {
                    is_cancelled.store(true, Ordering::Relaxed);
                    ranges.end();
                }
                merge_faults(&mut faults.lock().unwrap_or_else(PoisonError::into_inner), &found);
            }
            Err(error) => *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        });
        self.faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            _ if is_cancelled.into_inner() => Err(RunError::Cancelled),
            // Others did what a thread without memory could not.
            Some(error) if !ranges.are_taken() => Err(error),
            _ => Ok(()),
        }
    }

    fn scratch(&self, launch: &Launch) -> Result<Scratch, RunError> {
        Scratch::allocate(launch.scratch.iter().map(|size| self.bytes(size.scalar, &size.extents)))
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
                    let len = self.bytes(*scalar, shape)?;
                    let bytes = self.array_output(position, *source, (*scalar, len), &outputs)?;
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
        (scalar, len): (Scalar, usize),
        earlier: &[Output],
    ) -> Result<Option<AlignedBytes>, RunError> {
        let buffer = match source {
            ArraySource::Buffer(buffer) => buffer.0 as usize,
            ArraySource::Param(number) => {
                let Some(Arg::Array { bytes, .. }) = self.args.get(number) else {
                    return Err(RunError::BadJob);
                };
                return give(self.destinations.get_mut(position).and_then(Option::take), scalar, bytes);
            }
            ArraySource::Result(number) => {
                let destination = self.destinations.get_mut(position).and_then(Option::take);
                return give(destination, scalar, self.earlier_result(number, earlier)?);
            }
        };
        // Given memory stays in its place, from where a later result may be copied.
        if let Some(Storage::Given(_)) = &self.buffers[buffer] {
            return Ok(None);
        }
        match self.buffers[buffer].take() {
            Some(Storage::Owned(mut owned)) => {
                // A filter had room for more than what passed.
                owned.truncate(len);
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

/// The launches at the beginning of `steps` that follow the one before.
fn followers(steps: &[Step]) -> Few<&Launch> {
    let launches = steps.iter().map_while(|step| match step {
        Step::Run(launch) if launch.follows => Some(launch),
        _ => None,
    });
    launches.collect()
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
