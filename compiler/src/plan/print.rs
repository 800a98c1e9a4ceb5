//! The text form of plans, for `pkc emit --stage plan`.

use super::{
    ArraySize, ArraySource, Buffer, Columns, Domain, Extent, Launch, Plan, ResultSource, Scratch, Slot,
    SlotContent, Step, Work,
};
use crate::ir::{Entity, Inst};
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
            SlotContent::RunsOn(inst) => write!(f, "where the scans of {inst} go on"),
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
            Work::Merge(inst) => write!(f, "merge {inst}"),
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
            Domain::OwnBins => f.write_str("for each thread with bins of its own"),
        }
    }
}

impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.work, self.domain)?;
        if self.follows {
            f.write_str(", following")?;
        }
        if self.suffices {
            f.write_str(", alone if in order")?;
        }
        if self.own.is_some() {
            f.write_str(", shared")?;
        }
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

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reduces along columns: {} in {}", self.reduction, self.cells)?;
        for (position, (read, memory)) in self.shared.iter().enumerate() {
            let separator = if position == 0 { ", in bands that share " } else { ", " };
            write!(f, "{separator}{read} in {memory}")?;
        }
        Ok(())
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
        for (number, columns) in self.columns.iter().enumerate() {
            if let Some(columns) = columns {
                writeln!(f, "{} {columns}", Inst::from_index(number))?;
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

#[cfg(test)]
mod tests {
    use crate::{
        ir::{
            Binary, Builder, Kernel, Order, Sink, Type, Value,
            testing::{fold, kernel, nest, read},
        },
        plan::cpu,
    };
    use pk_dsl::scalar::Scalar;

    fn vector(extent: Value) -> Type {
        Type { scalar: Scalar::F64, shape: vec![extent] }
    }

    fn map(b: &mut Builder, extent: Value, build: impl FnOnce(&mut Builder, Value) -> Value) -> Value {
        nest(b, &[extent], vec![Sink::Map], vec![vector(extent)], |b, i| vec![build(b, i[0])])[0]
    }

    fn sum(b: &mut Builder, extent: Value, build: impl FnOnce(&mut Builder, Value) -> Value) -> Value {
        let zero = b.constant(0.0f64);
        let fold = fold(b, Binary::Add, zero, Order::Interleaved);
        let sinks = vec![Sink::Reduce { fold, on_empty: None }];
        nest(b, &[extent], sinks, vec![Type::scalar(Scalar::F64)], |b, i| vec![build(b, i[0])])[0]
    }

    /// `x / sum(x)` through an array that only later steps read.
    fn normalize() -> Kernel {
        kernel(1, &[(Scalar::F64, &[0])], |b, sizes, params| {
            let squares = map(b, sizes[0], |b, i| {
                let x = read(b, params[0], i);
                b.binary(Binary::Mul, x, x)
            });
            let total = sum(b, sizes[0], |b, i| read(b, squares, i));
            let one = b.constant(1.0f64);
            let scale = b.binary(Binary::Div, one, total);
            let scaled = map(b, sizes[0], |b, i| {
                let x = read(b, squares, i);
                b.binary(Binary::Mul, x, scale)
            });
            vec![scaled, total, params[0]]
        })
    }

    #[test]
    fn memory_lives_from_its_first_to_its_last_step() {
        insta::assert_snapshot!(cpu(&normalize()), @r"
        slot0: address of the cancel flag
        slot1: why the launch ended early
        slot2: v0
        slot3: v1
        slot4: v5
        slot5: v12
        slot6: v18
        slot7: v14
        slot8: address of the leaf results of i6
        buffer0: [f64; slot2] at slot4
        buffer1: [f64; slot2] at slot6, result 0
        buffer2: [u64; leaves(slot2), 1] at slot8
        allocate buffer0
        run step0: main i2 over elements of slot2
        allocate buffer2
        run step1: main i6 over leaves of slot2, scratch [u64; 160]
        run step2: combine i6 once, scratch [u64; 160]
        release buffer2
        run step3: serial i8 once
        allocate buffer1
        run step4: main i11 over elements of slot2
        release buffer0
        return [f64; slot2] buffer1
        return f64 slot5
        return [f64; slot2] copy of parameter 0
        ");
    }

    #[test]
    fn rows_are_written_in_place_and_their_inputs_to_scratch() {
        let kernel = kernel(2, &[(Scalar::F64, &[0, 1])], |b, sizes, _| {
            let rows = Type { scalar: Scalar::F64, shape: sizes.to_vec() };
            nest(b, &sizes[..1], vec![Sink::Map], vec![rows], |b, i| {
                let hidden = map(b, sizes[1], |b, j| {
                    let sum = b.binary(Binary::Add, i[0], j);
                    b.convert(sum, Scalar::F64)
                });
                let total = sum(b, sizes[1], |b, j| read(b, hidden, j));
                vec![map(b, sizes[1], |b, j| {
                    let x = read(b, hidden, j);
                    b.binary(Binary::Div, x, total)
                })]
            })
        });
        insta::assert_snapshot!(cpu(&kernel), @r"
        slot0: address of the cancel flag
        slot1: why the launch ended early
        slot2: v0
        slot3: v1
        slot4: v2
        slot5: v19
        buffer0: [f64; slot2, slot3] at slot5, result 0
        allocate buffer0
        run step0: main i10 over elements of slot2, scratch [f64; slot3], [u64; 160]
        return [f64; slot2, slot3] buffer0
        ");
    }

    #[test]
    fn scans_and_histograms_take_several_launches() {
        let kernel = kernel(1, &[(Scalar::F64, &[0])], |b, sizes, params| {
            let zero = b.constant(0.0f64);
            let bins = b.int(Scalar::I64, 10);
            let sinks = vec![
                Sink::Scan { fold: fold(b, Binary::Add, zero, Order::Ordered), exclusive: true },
                Sink::ReduceByIndex { bins, fold: fold(b, Binary::Add, zero, Order::Ordered) },
            ];
            let types = vec![vector(sizes[0]), vector(bins)];
            nest(b, sizes, sinks, types, |b, i| {
                let x = read(b, params[0], i[0]);
                vec![x, i[0], x]
            })
        });
        insta::assert_snapshot!(cpu(&kernel), @r"
        slot0: address of the cancel flag
        slot1: why the launch ended early
        slot2: v0
        slot3: v1
        slot4: v12
        slot5: v13
        slot6: address of the leaf results of i5
        buffer0: [f64; slot2] at slot4, result 0
        buffer1: [f64; 10] at slot5, result 1
        buffer2: [u64; leaves(slot2), 1] at slot6
        allocate buffer0
        allocate buffer1
        allocate buffer2
        run step0: prepare i5 once, scratch [u64; 160]
        run step1: main i5 over leaves of slot2 in order, scratch [u64; 160]
        run step2: combine i5 once, scratch [u64; 160]
        run step3: apply i5 over leaves of slot2, scratch [u64; 160]
        release buffer2
        return [f64; slot2] buffer0
        return [f64; 10] buffer1
        ");
    }

    #[test]
    fn a_size_that_is_computed_is_known_before_memory_of_that_size_is_needed() {
        let kernel = kernel(1, &[(Scalar::F64, &[0])], |b, sizes, _| {
            let two = b.int(Scalar::I64, 2);
            let inner = b.binary(Binary::Sub, sizes[0], two);
            let items = b.convert(inner, Scalar::F64);
            let then = b.block(Vec::new(), |b, _| vec![map(b, inner, |_, _| items)]);
            let otherwise = b.block(Vec::new(), |b, _| vec![map(b, inner, |b, j| b.convert(j, Scalar::F64))]);
            let zero = b.int(Scalar::I64, 0);
            let cond = b.compare(crate::ir::Compare::Lt, zero, inner);
            let op = crate::ir::Op::If { cond, then, otherwise };
            b.multi(op, vec![vector(inner)])
        });
        insta::assert_snapshot!(cpu(&kernel), @r"
        slot0: address of the cancel flag
        slot1: why the launch ended early
        slot2: v0
        slot3: v1
        slot4: v11
        slot5: v12
        slot6: v3
        slot7: v4
        buffer0: [f64; slot6] at slot5, result 0
        run step0: serial i1, i2, i7 once
        allocate buffer0
        run step1: serial i8 once
        return [f64; slot6] buffer0
        ");
    }
}
