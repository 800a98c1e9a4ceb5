//! Walking a plan: the host's side of a launch.
//!
//! Compiled code trusts the addresses and sizes in the frame, so this room is where memory safety is decided: every
//! size is computed in checked arithmetic, every address comes from a live allocation or a borrowed slice of exactly
//! the size that the plan names, and the job was found to fit the signature before the walk begins.

mod shared;

use super::{
    divide::{self, Division, Range, Ranges},
    hand::{Faults, Frame, Hand, Scratch, allocate},
    jit::KernelCode,
};
use crate::driver::{
    AlignedBytes, Arg, Destination, FaultPolicy, Few, Job, Output, OutputArray, RunError, Shape, pool, room,
};
use pk_compiler::{
    backend::cpu::fault::FaultRecord,
    fault::Fault,
    ir::{Entity, Kernel, Site},
    plan::{
        ArraySource, Buffer, Domain, Extent, LEAF, Launch, Plan, ResultSource, Slot, Step, Stop, followers,
    },
};
use pk_dsl::scalar::{Const, Scalar};
use smallvec::SmallVec;
use std::{iter, sync::atomic::AtomicBool};

/// A launch of a kernel under way.
pub(super) struct Execution<'e, 'a, 'd> {
    kernel: &'e Kernel,
    plan: &'e Plan,
    code: &'e KernelCode,
    frame: Frame,
    faults: Faults,
    /// The buffers that are there, other than those in a destination.
    buffers: Few<Option<AlignedBytes>>,
    /// What threads have in bins of their own, to be merged by the next launch.
    own_bins: Vec<Scratch>,
    cancel: &'e AtomicBool,
    job: &'e mut Job<'a, 'd>,
}

/// Runs `job`, which must fit the signature of `kernel`.
pub(super) fn execute(
    kernel: &Kernel,
    plan: &Plan,
    code: &KernelCode,
    job: &mut Job<'_, '_>,
) -> Result<(), RunError> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let mut execution = Execution {
        kernel,
        plan,
        code,
        frame: Frame::new(),
        faults: Faults::new(),
        buffers: Few::new(),
        own_bins: Vec::new(),
        cancel: job.cancel.unwrap_or(&NEVER),
        job,
    };
    // They are filled where they stay, as moving what most often is short takes longer than filling it.
    execution.frame.resize(plan.slots.len(), 0);
    execution.faults.resize(kernel.sites.len(), FaultRecord::default());
    execution.buffers.resize_with(plan.buffers.len(), || None);
    execution.bind()?;
    execution.walk()?;
    match execution.first_fault() {
        Some(fault) if execution.job.faults == FaultPolicy::Report => Err(RunError::Fault(fault)),
        _ => execution.add_outputs(),
    }
}

impl Execution<'_, '_, '_> {
    /// Puts the parameters of the entry block into their slots.
    fn bind(&mut self) -> Result<(), RunError> {
        let sizes = self.job.sizes.iter().map(|size| *size as u64);
        let args = self.job.args.iter().map(|arg| match arg {
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
                    let done = self.run(launch, rest, number)?;
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
        let address = match data.result.and_then(|result| destination(self.job.destinations, result)) {
            Some(given) => {
                let room = given.room();
                if room.len() != bytes {
                    return Err(RunError::BadJob);
                }
                room.as_mut_ptr().cast()
            }
            None => self.buffers[buffer.0 as usize].insert(allocate(bytes)?).as_mut_ptr(),
        };
        self.set(data.slot, address as u64);
        Ok(())
    }

    /// Runs `launch`, and those that follow it in `rest` if this thread does all of it; gives how many have run.
    fn run(&mut self, launch: &Launch, rest: &[Step], number: usize) -> Result<usize, RunError> {
        if launch.domain == Domain::OwnBins {
            self.merge_bins(number)?;
            return Ok(1);
        }
        let (units, division) = self.divide(launch)?;
        let units = i64::try_from(units).map_err(|_| RunError::TooLarge)?;
        if division.threads > 1 {
            let ranges = Ranges::new(units, division.piece);
            self.run_shared(launch, number, &ranges, division.threads - 1)?;
            return Ok(1);
        }
        let mut launches: Few<&Launch> = Few::new();
        launches.push(launch);
        if !launch.follows {
            // One that follows comes here on its own after threads have shared the launch before.
            launches.extend(followers(rest));
        }
        let count = launches.len();
        let spared = launches.iter().rposition(|launch| launch.suffices).unwrap_or(0);
        let piece = if count - spared > 1 { divide::LEAVES_BY_TURNS } else { division.piece };
        self.run_alone(&launches[spared..], number + spared, divide::in_order(units, piece))?;
        Ok(count)
    }

    /// How many units the domain of `launch` has, and how it is divided.
    fn divide(&self, launch: &Launch) -> Result<(u64, Division), RunError> {
        let (units, unit, may_share) = match &launch.domain {
            Domain::Once | Domain::OwnBins => (1, 1, false),
            Domain::Elements(extents) => (self.product(extents)?, 1, true),
            Domain::Leaves(extent) => (self.leaves(*extent)?, LEAF as u64, true),
            Domain::LeavesInOrder(extent) => {
                let leaves = self.leaves(*extent)?;
                (leaves, LEAF as u64, self.may_share_in_order(launch, leaves)?)
            }
        };
        let cost = match units {
            0 | 1 => 0,
            _ => launch.cost.picoseconds(&|extent| self.extent(extent).unwrap_or(0)),
        };
        let extent = divide::Extent { units, unit, cost };
        // Workers have stacks of an ordinary size.
        let fits = self.code.frame_bytes() <= pool::STACK_BYTES / 2;
        Ok((units, if may_share && fits { extent.shared(self.job.sharing) } else { extent.alone() }))
    }

    fn leaves(&self, extent: Extent) -> Result<u64, RunError> {
        Ok(self.extent(extent)?.div_ceil(LEAF as u64))
    }

    /// Runs `launches`, whose first has number `number`, by turns for each range.
    fn run_alone(
        &mut self,
        launches: &[&Launch],
        number: usize,
        ranges: impl Iterator<Item = Range>,
    ) -> Result<(), RunError> {
        let mut scratches: SmallVec<[Scratch; 1]> = SmallVec::new();
        scratches.resize_with(launches.len(), Scratch::default);
        for (scratch, launch) in scratches.iter_mut().zip(launches) {
            scratch.allocate(self.scratch_sizes(launch))?;
        }
        for range in ranges {
            for (at, scratch) in scratches.iter().enumerate() {
                let mut hand = Hand { frame: &mut self.frame, faults: &mut self.faults, scratch };
                let function = self.code.function(number + at);
                // SAFETY: the function was compiled for this launch of this plan; `bind` and `allocate` filled the
                // slots of the frame, the fault table has a record for each site, and `range` lies in the domain.
                match unsafe { hand.work(function, iter::once(range), self.cancel) } {
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

    fn scratch_sizes(&self, launch: &Launch) -> impl Iterator<Item = Result<usize, RunError>> {
        launch.scratch.iter().map(|size| self.bytes(size.scalar, &size.extents))
    }

    /// The fault to report: sites are numbered in the order of the language, and each knows its lowest element.
    fn first_fault(&self) -> Option<Fault> {
        let mut records = self.faults.iter().enumerate();
        records.find_map(|(number, record)| record.fault(Site::from_index(number)))
    }

    fn add_outputs(&mut self) -> Result<(), RunError> {
        let plan = self.plan;
        for (position, source) in plan.results.iter().enumerate() {
            let output = match source {
                ResultSource::Constant(value) => Output::Scalar(*value),
                ResultSource::Scalar(scalar, slot) => {
                    Output::Scalar(Const::from_bits(*scalar, self.get(*slot)))
                }
                ResultSource::Array { source, scalar, shape } => {
                    match self.array_output(position, *source, *scalar, shape)? {
                        Some(bytes) => {
                            let shape = self.shape(shape)?;
                            Output::Array(Box::new(OutputArray { shape, bytes }))
                        }
                        None => Output::InPlace,
                    }
                }
            };
            self.job.outputs.push(output);
        }
        Ok(())
    }

    fn shape(&self, extents: &[Extent]) -> Result<Shape, RunError> {
        let extent = |extent: &Extent| usize::try_from(self.extent(*extent)?).map_err(|_| RunError::TooLarge);
        extents.iter().map(extent).collect()
    }

    /// The elements of a result, `None` if they are in the job's destination.
    fn array_output(
        &mut self,
        position: usize,
        source: ArraySource,
        scalar: Scalar,
        shape: &[Extent],
    ) -> Result<Option<AlignedBytes>, RunError> {
        let own = position.min(self.job.destinations.len());
        let (before, from) = self.job.destinations.split_at_mut(own);
        let bytes = match source {
            ArraySource::Buffer(buffer) => {
                return self.take_buffer(position, buffer, self.bytes(scalar, shape)?);
            }
            ArraySource::Param(number) => match self.job.args.get(number) {
                Some(Arg::Array { bytes, .. }) => bytes,
                _ => return Err(RunError::BadJob),
            },
            ArraySource::Result(number) => match (self.job.outputs.get(number), before.get(number)) {
                (Some(Output::Array(array)), _) => &array.bytes,
                (Some(Output::InPlace), Some(Some(given))) => given.bytes(),
                _ => return Err(RunError::BadJob),
            },
        };
        give(destination(from, 0), scalar, bytes)
    }

    /// A buffer that has become a result of `len` bytes.
    fn take_buffer(
        &mut self,
        position: usize,
        buffer: Buffer,
        len: usize,
    ) -> Result<Option<AlignedBytes>, RunError> {
        if let Some(mut owned) = self.buffers[buffer.0 as usize].take() {
            // SAFETY: the launches of the plan have ended, and they write every element of a result. Of a filter's, that
            // is as many as passed; there was room for more.
            unsafe { owned.show(len) }
            return Ok(Some(owned));
        }
        let given = destination(self.job.destinations, position).ok_or(RunError::BadJob)?;
        if given.room().len() != len {
            return Err(RunError::BadJob);
        }
        // SAFETY: as above, and there are no more bytes than those of the result.
        unsafe { given.set_filled() }
        Ok(None)
    }
}

/// Where the result with this number goes, if the host says so.
fn destination<'d>(
    destinations: &'d mut [Option<&mut dyn Destination>],
    number: usize,
) -> Option<&'d mut dyn Destination> {
    destinations.get_mut(number)?.as_deref_mut()
}

/// Copies `bytes` to where a result is wanted: `given`, or memory of its own.
fn give(
    given: Option<&mut dyn Destination>,
    scalar: Scalar,
    bytes: &[u8],
) -> Result<Option<AlignedBytes>, RunError> {
    if let Some(given) = given {
        return room::fill(given, scalar, bytes).map(|()| None);
    }
    let mut own = allocate(bytes.len())?;
    room::fill(&mut own, scalar, bytes)?;
    Ok(Some(own))
}
