//! Plans: what a host does to run a kernel, as plain data.
//!
//! A plan cuts the entry block of a kernel into [`Step`]s over a *frame* of 8-byte [`Slot`]s. Every value of the entry
//! block that crosses a step has a slot: a scalar's bits or an array's address. The host walks the steps: it allocates
//! and releases memory, whose sizes it computes from slots, and calls the code of each [`Launch`] for ranges of the
//! launch's domain. The back end compiles one function for each launch; what it must know about memory stands here too
//! ([`Home`]), so that host and code cannot disagree.
//!
//! No instruction of a machine, no address and no driver may enter this room.

mod columns;
mod cost;
mod cpu;
mod home;
pub(crate) mod identity;
mod print;
mod running;

pub use columns::{BAND_COLUMNS, Columns, TILE};
pub use cost::Cost;
pub use cpu::cpu;
pub use running::RunsOn;

use crate::{
    ir::{Inst, Value},
    tree,
};
use pk_dsl::scalar::{Const, Scalar};

/// The number of elements of a leaf of the reduction trees, as a size.
pub const LEAF: i64 = tree::LEAF as i64;

/// The number of lanes of a leaf, as a size.
pub const LANES: i64 = tree::LANES as i64;

/// The number of levels of the tree over leaves: no domain has more than 2^63 elements.
pub const LEVELS: i64 = 64;

/// The number of cells that a fold needs for each component: one for each lane of a leaf, two for each level.
pub const CELLS: i64 = LANES + 2 * LEVELS;

/// A schedule of one kernel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the slots of the frame hold.
    pub slots: Vec<SlotContent>,
    /// The memory that lives across steps.
    pub buffers: Vec<BufferData>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// Where the results of the kernel are in the end.
    pub results: Vec<ResultSource>,
    /// For each value of the kernel's body, where its memory is, if it is an array that an instruction defines.
    homes: Vec<Option<Home>>,
    /// For each value of the kernel's body, its slot, if it has one.
    value_slots: Vec<Option<Slot>>,
    /// For each value of the kernel's body, the two buffers of an array that a loop carries, if the value is the
    /// parameter of the loop's body.
    carried: Vec<Option<[Scratch; 2]>>,
    /// For each instruction, the buffer of its leaf results, if it is a nest of the entry block that folds.
    partials: Vec<Option<Buffer>>,
    /// For each instruction, the cells of its folds, if it is a nest that folds.
    cells: Vec<Option<Scratch>>,
    /// For each instruction, the memory of the reduction inside, if it is a nest that reduces along columns.
    columns: Vec<Option<Columns>>,
    /// For each instruction, where its scans go on, if it is a nest whose scans do.
    runs_on: Vec<Option<RunsOn>>,
}

impl Plan {
    /// The memory of an array that an instruction defines.
    pub fn home(&self, value: Value) -> Option<Home> {
        self.homes[index(value)]
    }

    /// The slot of a value of the entry block.
    pub fn slot(&self, value: Value) -> Option<Slot> {
        self.value_slots[index(value)]
    }

    /// The two buffers of an array that a loop carries; `param` is the parameter of the loop's body.
    pub fn carried(&self, param: Value) -> Option<[Scratch; 2]> {
        self.carried[index(param)]
    }

    /// The leaf results of a nest of the entry block: for each component of each reduction and scan, in order, one cell
    /// of eight bytes for each leaf.
    pub fn partials(&self, nest: Inst) -> Option<Buffer> {
        self.partials[index(nest)]
    }

    /// The cells in which a nest keeps values of its folds: [`CELLS`] for each component of each reduction and scan.
    pub fn cells(&self, nest: Inst) -> Option<Scratch> {
        self.cells[index(nest)]
    }

    /// The reduction inside `nest`, if it is one along columns.
    pub fn columns(&self, nest: Inst) -> Option<&Columns> {
        self.columns[index(nest)].as_ref()
    }

    /// Where the scans of `nest` go on from one range of leaves to the next, if they do.
    pub fn runs_on(&self, nest: Inst) -> Option<&RunsOn> {
        self.runs_on[index(nest)].as_ref()
    }

    /// The launches, in order; the position of a launch here is its number.
    pub fn launches(&self) -> impl Iterator<Item = &Launch> {
        self.steps.iter().filter_map(|step| match step {
            Step::Run(launch) => Some(launch),
            Step::Allocate(_) | Step::Release(_) => None,
        })
    }
}

/// The launches at the beginning of `steps` that follow the one before.
pub fn followers(steps: &[Step]) -> impl Iterator<Item = &Launch> {
    steps.iter().map_while(|step| match step {
        Step::Run(launch) if launch.follows => Some(launch),
        _ => None,
    })
}

fn index(id: impl crate::ir::Entity) -> usize {
    id.index()
}

/// Eight bytes of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

impl Slot {
    /// Holds the address of a byte that is not 0 once the launch is to end early.
    pub const CANCEL: Slot = Slot(0);
    /// Holds the number of a [`Stop`] once code has ended the launch, else 0.
    pub const STOPPED: Slot = Slot(1);
}

/// Why code ended the launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A check failed; the fault is on record.
    Check = 1,
    /// The cancel flag was set.
    Cancel = 2,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotContent {
    /// See [`Slot::CANCEL`].
    Cancel,
    /// See [`Slot::STOPPED`].
    Stopped,
    /// The bits of a scalar, zero-extended, or the address of an array.
    Value(Value),
    /// The address of leaf results.
    Partials(Inst),
    /// Part of the [`RunsOn`] of a nest.
    RunsOn(Inst),
}

/// Memory that the host allocates and releases; an index into [`Plan::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buffer(pub u32);

/// A buffer.
#[derive(Clone, Debug)]
pub struct BufferData {
    /// The slot of its address.
    pub slot: Slot,
    /// Its size.
    pub size: ArraySize,
    /// The result of the kernel that it is, if it is one.
    pub result: Option<usize>,
}

/// How many elements of what type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArraySize {
    /// The type of the elements.
    pub scalar: Scalar,
    /// The factors of their number.
    pub extents: Vec<Extent>,
}

/// A number that the host knows when it reaches a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Known when compiling.
    Constant(i64),
    /// The `i64` in a slot.
    Slot(Slot),
    /// The number of leaves of a domain of that many elements.
    LeavesOf(Slot),
}

/// One thing that the host does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Allocates a buffer and puts its address into its slot.
    Allocate(Buffer),
    /// Calls compiled code.
    Run(Launch),
    /// Frees a buffer.
    Release(Buffer),
}

/// Compiled code and the domain over which it runs.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What the code does.
    pub work: Work,
    /// For which indices.
    pub domain: Domain,
    /// The values of the entry block, no constants, whose slots the code reads.
    pub inputs: Vec<Value>,
    /// The memory that each thread needs for the length of the launch.
    pub scratch: Vec<ArraySize>,
    /// About what an element of the domain, or of its leaves, costs; nothing for a launch that is one call.
    pub cost: Cost,
    /// Whether a range may be computed as soon as the launch before, which has the same domain, has computed it and all
    /// that come before it. Then its operands are still in a cache.
    pub follows: bool,
    /// Whether it needs none of the launches that it follows if one thread computes all its ranges in order.
    pub suffices: bool,
    /// What threads have of their own for what each element finds from those before it, if there is anything and they can.
    pub own: Option<OwnParts>,
}

/// What each thread has of its own in a launch over leaves in order, so that a range needs nothing from those before it.
#[derive(Clone, Debug, Default)]
pub struct OwnParts {
    /// Arrays for what passes filters in a range; the host copies it to its place.
    pub filters: Vec<Filtered>,
    /// Bins, whose operator may take values in any order; they are merged in the end.
    pub bins: Vec<Bins>,
}

/// The results of a filter.
#[derive(Clone, Debug)]
pub struct Filtered {
    /// The slot of the number of elements that passed so far.
    pub count: Slot,
    /// The slot of the address of each array, and the size of an element.
    pub arrays: Vec<(Slot, ArraySize)>,
}

/// The bins of a reduction by index.
#[derive(Clone, Debug)]
pub struct Bins {
    /// The slot of their address.
    pub slot: Slot,
    /// Their number and type.
    pub size: ArraySize,
    /// What they hold before the first value, so that merging them adds nothing else.
    pub identity: Const,
}

/// What the code of a launch does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Evaluates these instructions of the entry block.
    Serial(Vec<Inst>),
    /// Gives the bins of a nest their neutral elements and sets its counts to zero.
    Prepare(Inst),
    /// Evaluates the body of a nest for a range of indices and feeds its sinks.
    Main(Inst),
    /// Combines the leaf results of a nest: totals for reductions, prefixes for scans.
    Combine(Inst),
    /// Applies the prefixes of a nest's scans to a range of leaves.
    Apply(Inst),
    /// Merges a thread's own bins of a nest, which the last pieces of its scratch memory are, into those of all.
    Merge(Inst),
}

impl Work {
    /// The instructions of the entry block of which it is a part.
    pub fn insts(&self) -> &[Inst] {
        match self {
            Work::Serial(insts) => insts,
            Work::Prepare(inst)
            | Work::Main(inst)
            | Work::Combine(inst)
            | Work::Apply(inst)
            | Work::Merge(inst) => std::slice::from_ref(inst),
        }
    }

    /// The nest of which it is a part, if it is of one.
    pub fn nest(&self) -> Option<Inst> {
        match self {
            Work::Serial(_) => None,
            Work::Prepare(inst)
            | Work::Main(inst)
            | Work::Combine(inst)
            | Work::Apply(inst)
            | Work::Merge(inst) => Some(*inst),
        }
    }
}

/// The indices of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// One call, the range means nothing.
    Once,
    /// The flat row-major indices of these extents, cut into ranges in any way.
    Elements(Vec<Extent>),
    /// The leaves of a one-dimensional domain, cut into ranges in any way.
    Leaves(Extent),
    /// The leaves of a one-dimensional domain, in ranges that follow each other.
    LeavesInOrder(Extent),
    /// One call for each thread that had bins of its own in the launch before, with its scratch memory; none if one
    /// thread did it all.
    OwnBins,
}

/// Memory of one thread during a launch; an index into [`Launch::scratch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scratch(pub u32);

/// Where the memory of an array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In a buffer.
    Buffer(Buffer),
    /// In the thread's scratch memory.
    Scratch(Scratch),
    /// Where the consumer of the block's result wants it.
    InPlace,
    /// It has none of its own: the value is the address of whichever array was chosen.
    Alias,
}

/// Where a result of the kernel is.
#[derive(Clone, Debug)]
pub enum ResultSource {
    /// It is known.
    Constant(Const),
    /// A scalar in a slot.
    Scalar(Scalar, Slot),
    /// An array.
    Array {
        /// Which one.
        source: ArraySource,
        /// The type of its elements.
        scalar: Scalar,
        /// Its extents.
        shape: Vec<Extent>,
    },
}

/// Which array a result of the kernel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArraySource {
    /// A buffer, which the result takes over.
    Buffer(Buffer),
    /// A copy of the parameter with this number.
    Param(usize),
    /// A copy of the result with this number, which comes before.
    Result(usize),
}
