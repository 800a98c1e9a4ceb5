//! What the sinks of a nest have gathered so far.

use super::{RunError, Slot, machine::Machine, slot};
use crate::{
    data::Tensor,
    ir::{Fold, Sink, Site, Value},
    tree::{Reduction, Scan},
};
use pk_dsl::scalar::Const;

/// The components of one operand of a fold, or why evaluation stopped on the way to them.
type Tuple = Result<Vec<Const>, RunError>;

/// A sink at work.
pub(super) enum Accumulator<'a> {
    Map(Tensor),
    Reduce { fold: &'a Fold, on_empty: Option<Site>, tree: Box<Reduction<Tuple>> },
    Scan { fold: &'a Fold, exclusive: bool, tree: Scan<Tuple>, columns: Vec<Tensor> },
    Filter { count: i64, columns: Vec<Tensor> },
    ReduceByIndex { fold: &'a Fold, bins: Vec<Tensor> },
}

impl<'a> Accumulator<'a> {
    /// The start of `sink`, which will define `results`.
    pub(super) fn open(
        machine: &Machine<'a>,
        sink: &'a Sink,
        results: &[Value],
    ) -> Result<Accumulator<'a>, RunError> {
        let reserved = |result: &Value| {
            machine.reserve(machine.type_of(*result), machine.extents(machine.sizes(*result))?)
        };
        Ok(match sink {
            Sink::Map => Accumulator::Map(reserved(&results[0])?),
            Sink::Reduce { fold, on_empty } => {
                let tree = Box::new(Reduction::new(fold.order));
                Accumulator::Reduce { fold, on_empty: *on_empty, tree }
            }
            Sink::Scan { fold, exclusive } => {
                let columns = results.iter().map(reserved).collect::<Result<_, _>>()?;
                Accumulator::Scan { fold, exclusive: *exclusive, tree: Scan::default(), columns }
            }
            Sink::Filter { .. } => {
                let columns = results[1..].iter().map(|column| empty(machine, *column));
                Accumulator::Filter { count: 0, columns: columns.collect::<Result<_, _>>()? }
            }
            Sink::ReduceByIndex { bins, fold } => {
                let extent = machine.extents(&[*bins])?[0];
                let bins = fold.neutral.iter().map(|neutral| {
                    let mut bins = machine.reserve(machine.type_of(*neutral), vec![extent])?;
                    slot::fill(&mut bins, machine.scalar(*neutral))?;
                    Ok(bins)
                });
                Accumulator::ReduceByIndex { fold, bins: bins.collect::<Result<_, _>>()? }
            }
        })
    }

    /// Takes the results of the body for the next index.
    pub(super) fn take(&mut self, machine: &mut Machine<'a>, values: &[Value]) -> Result<(), RunError> {
        match self {
            Accumulator::Map(tensor) => slot::append(tensor, machine.slot(values[0])),
            Accumulator::Reduce { fold, tree, .. } => {
                tree.push(Ok(tuple(machine, values)), |a, b| machine.combine(fold, a?, b?));
                Ok(())
            }
            Accumulator::Scan { fold, exclusive, tree, columns } => {
                let element = Ok(tuple(machine, values));
                let place = match exclusive {
                    true => {
                        let place = tree.exclusive(|a, b| machine.combine(fold, a?, b?));
                        tree.push(element, |a, b| machine.combine(fold, a?, b?));
                        place
                    }
                    false => {
                        tree.push(element, |a, b| machine.combine(fold, a?, b?));
                        tree.inclusive(|a, b| machine.combine(fold, a?, b?))
                    }
                };
                let place = place.unwrap_or_else(|| Ok(tuple(machine, &fold.neutral)))?;
                append_tuple(columns, &place)
            }
            Accumulator::Filter { count, columns } => {
                if machine.scalar(values[0]).bits() == 0 {
                    return Ok(());
                }
                *count += 1;
                let mut columns = columns.iter_mut().zip(&values[1..]);
                columns.try_for_each(|(column, value)| slot::append(column, machine.slot(*value)))
            }
            Accumulator::ReduceByIndex { fold, bins } => {
                let bin = machine.int(values[0]);
                add_to_bin(machine, fold, bins, bin, &values[1..])
            }
        }
    }

    /// Sets `results`.
    pub(super) fn finish(self, machine: &mut Machine<'a>, results: &[Value]) -> Result<(), RunError> {
        match self {
            Accumulator::Map(tensor) => machine.set(results[0], Slot::array(tensor)),
            Accumulator::Scan { columns, .. } | Accumulator::ReduceByIndex { bins: columns, .. } => {
                set_arrays(machine, results, columns);
            }
            Accumulator::Reduce { fold, on_empty, tree } => {
                let total = tree.finish(|a, b| machine.combine(fold, a?, b?));
                let total = match (total, on_empty) {
                    (Some(total), _) => total?,
                    (None, None) => tuple(machine, &fold.neutral),
                    (None, Some(site)) => {
                        machine.faults.record(site, 0, 0);
                        results.iter().map(|result| Const::zero(machine.type_of(*result))).collect()
                    }
                };
                results.iter().zip(total).for_each(|(result, value)| machine.set_scalar(*result, value));
            }
            Accumulator::Filter { count, mut columns } => {
                machine.set_scalar(results[0], count);
                columns.iter_mut().for_each(|column| column.shape[0] = count as usize);
                set_arrays(machine, &results[1..], columns);
            }
        }
        Ok(())
    }
}

/// A column of a filter: its first extent is not known before the end.
fn empty(machine: &Machine<'_>, column: Value) -> Result<Tensor, RunError> {
    let sizes = &machine.sizes(column)[1..];
    let shape = [0].into_iter().chain(machine.extents(sizes)?).collect();
    slot::reserved(machine.type_of(column), shape)
}

fn tuple(machine: &Machine<'_>, values: &[Value]) -> Vec<Const> {
    values.iter().map(|value| machine.scalar(*value)).collect()
}

fn append_tuple(columns: &mut [Tensor], tuple: &[Const]) -> Result<(), RunError> {
    let mut columns = columns.iter_mut().zip(tuple);
    columns.try_for_each(|(column, value)| slot::append(column, &Slot::Scalar(*value)))
}

fn add_to_bin<'a>(
    machine: &mut Machine<'a>,
    fold: &'a Fold,
    bins: &mut [Tensor],
    bin: i64,
    values: &[Value],
) -> Result<(), RunError> {
    let extent = bins.first().map_or(0, |column| column.shape[0]);
    let Some(bin) = usize::try_from(bin).ok().filter(|bin| *bin < extent) else {
        return Ok(());
    };
    let before = bins.iter().map(|column| column.get(bin)).collect();
    let element = tuple(machine, values);
    let after = machine.combine(fold, before, element)?;
    bins.iter_mut().zip(after).for_each(|(column, value)| column.set(bin, value));
    Ok(())
}

fn set_arrays(machine: &mut Machine<'_>, results: &[Value], columns: Vec<Tensor>) {
    results.iter().zip(columns).for_each(|(result, column)| machine.set(*result, Slot::array(column)));
}
