//! The text form of plans, for `pkc emit --stage plan`.

use super::{
    ArraySize, ArraySource, Buffer, Domain, Extent, Launch, Plan, ResultSource, Scratch, Slot, SlotContent,
    Step, Work,
};
use std::fmt;

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot{}", self.0)
    }
}

impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer{}", self.0)
    }
}

impl fmt::Display for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scratch{}", self.0)
    }
}

impl fmt::Display for SlotContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotContent::Cancel => f.write_str("address of the cancel flag"),
            SlotContent::Stopped => f.write_str("why the launch ended early"),
            SlotContent::Value(value) => write!(f, "{value}"),
            SlotContent::Partials(inst) => write!(f, "address of the leaf results of {inst}"),
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Extent::Constant(count) => write!(f, "{count}"),
            Extent::Slot(slot) => write!(f, "{slot}"),
            Extent::LeavesOf(slot) => write!(f, "leaves({slot})"),
        }
    }
}

/// Writes `[f32; slot2, 3]`.
fn write_array(f: &mut fmt::Formatter<'_>, scalar: impl fmt::Display, extents: &[Extent]) -> fmt::Result {
    write!(f, "[{scalar}; ")?;
    write_list(f, extents)?;
    f.write_str("]")
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        write!(f, "{separator}{item}")?;
    }
    Ok(())
}

impl fmt::Display for ArraySize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_array(f, self.scalar, &self.extents)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Work::Serial(insts) => {
                f.write_str("serial ")?;
                write_list(f, insts)
            }
            Work::Prepare(inst) => write!(f, "prepare {inst}"),
            Work::Main(inst) => write!(f, "main {inst}"),
            Work::Combine(inst) => write!(f, "combine {inst}"),
            Work::Apply(inst) => write!(f, "apply {inst}"),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::Once => f.write_str("once"),
            Domain::Elements(extents) => {
                f.write_str("over elements of ")?;
                write_list(f, extents)
            }
            Domain::Leaves(extent) => write!(f, "over leaves of {extent}"),
            Domain::LeavesInOrder(extent) => write!(f, "over leaves of {extent} in order"),
        }
    }
}

impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.work, self.domain)?;
        if !self.scratch.is_empty() {
            f.write_str(", scratch ")?;
            write_list(f, &self.scratch)?;
        }
        Ok(())
    }
}

impl fmt::Display for ResultSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResultSource::Constant(constant) => write!(f, "{constant}"),
            ResultSource::Scalar(scalar, slot) => write!(f, "{scalar} {slot}"),
            ResultSource::Array { source, scalar, shape } => {
                write_array(f, scalar, shape)?;
                write!(f, " {source}")
            }
        }
    }
}

impl fmt::Display for ArraySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArraySource::Buffer(buffer) => write!(f, "{buffer}"),
            ArraySource::Param(number) => write!(f, "copy of parameter {number}"),
            ArraySource::Result(number) => write!(f, "copy of result {number}"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, content) in self.slots.iter().enumerate() {
            writeln!(f, "{}: {content}", Slot(number as u32))?;
        }
        for (number, data) in self.buffers.iter().enumerate() {
            write!(f, "{}: {} at {}", Buffer(number as u32), data.size, data.slot)?;
            match data.result {
                Some(position) => writeln!(f, ", result {position}")?,
                None => writeln!(f)?,
            }
        }
        let mut number = 0;
        for step in &self.steps {
            match step {
                Step::Allocate(buffer) => writeln!(f, "allocate {buffer}")?,
                Step::Release(buffer) => writeln!(f, "release {buffer}")?,
                Step::Run(launch) => {
                    writeln!(f, "run step{number}: {launch}")?;
                    number += 1;
                }
            }
        }
        for result in &self.results {
            writeln!(f, "return {result}")?;
        }
        Ok(())
    }
}
