//! Evaluation of nests: the body once for each index, its results into the sinks.

use super::{RunError, machine::Machine, sink::Accumulator, slot};
use crate::ir::{Fold, Nest, Value};
use pk_dsl::scalar::Const;

impl<'a> Machine<'a> {
    pub(super) fn nest(&mut self, nest: &'a Nest, results: &'a [Value]) -> Result<(), RunError> {
        let extents = self.extents(&nest.dims)?;
        let count = slot::checked_product(extents.iter().copied())?;
        let mut sinks = self.open_sinks(nest, results)?;
        let is_outermost = self.faults.element.is_none();
        let mut index = vec![0; extents.len()];
        for element in 0..count {
            self.poll()?;
            if is_outermost {
                self.faults.element = Some(element as u64);
            }
            self.feed(nest, &index, &mut sinks)?;
            advance(&mut index, &extents);
        }
        if is_outermost {
            self.faults.element = None;
        }
        let mut results = results;
        for (sink, accumulator) in nest.sinks.iter().zip(sinks) {
            let (own, rest) = results.split_at(sink.gives());
            accumulator.finish(self, own)?;
            results = rest;
        }
        Ok(())
    }

    fn open_sinks(&self, nest: &'a Nest, results: &[Value]) -> Result<Vec<Accumulator<'a>>, RunError> {
        let mut results = results;
        let mut sinks = Vec::with_capacity(nest.sinks.len());
        for sink in &nest.sinks {
            let (own, rest) = results.split_at(sink.gives());
            sinks.push(Accumulator::open(self, sink, own)?);
            results = rest;
        }
        Ok(sinks)
    }

    /// Evaluates the body for one index.
    fn feed(
        &mut self,
        nest: &'a Nest,
        index: &[usize],
        sinks: &mut [Accumulator<'a>],
    ) -> Result<(), RunError> {
        for (param, at) in self.params_of(nest.body).iter().zip(index) {
            self.set_scalar(*param, *at as i64);
        }
        self.block(nest.body)?;
        let mut values = self.results_of(nest.body);
        for (sink, accumulator) in nest.sinks.iter().zip(sinks) {
            let (own, rest) = values.split_at(sink.takes());
            accumulator.take(self, own)?;
            values = rest;
        }
        Ok(())
    }

    /// `op(left, right)`.
    pub(super) fn combine(
        &mut self,
        fold: &'a Fold,
        mut left: Vec<Const>,
        right: Vec<Const>,
    ) -> Result<Vec<Const>, RunError> {
        for (param, value) in self.params_of(fold.op).iter().zip(left.iter().chain(&right)) {
            self.set_scalar(*param, *value);
        }
        self.faults.fold_depth += 1;
        self.block(fold.op)?;
        self.faults.fold_depth -= 1;
        for (component, result) in left.iter_mut().zip(self.results_of(fold.op)) {
            *component = self.scalar(*result);
        }
        Ok(left)
    }
}

/// The next index in row-major order.
fn advance(index: &mut [usize], extents: &[usize]) {
    for (at, extent) in index.iter_mut().zip(extents).rev() {
        *at += 1;
        if *at < *extent {
            return;
        }
        *at = 0;
    }
}
