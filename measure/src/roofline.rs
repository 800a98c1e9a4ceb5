//! How near a time comes to what the machine allows.

use crate::{limits, subject::Subject};
use pk::{Context, Operations, Result, Scalar};
use std::{collections::HashMap, time::Duration};

/// Something that a run needs much of, and that the machine gives at a limited rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Bytes of arguments and results that move.
    Memory,
    /// Operations on numbers of a type.
    Arithmetic(Scalar),
}

/// How much of a resource a run takes, and how much of it there is.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Which one.
    pub resource: Resource,
    /// Bytes or operations of one run.
    pub amount: u64,
    /// Bytes or operations that the machine can do in a second.
    pub limit: f64,
}

impl Demand {
    /// No run can take less time than this.
    pub fn least_time(&self) -> Duration {
        Duration::try_from_secs_f64(self.amount as f64 / self.limit).unwrap_or_default()
    }

    /// Bytes or operations per second of a run that takes `time`.
    pub fn rate(&self, time: Duration) -> f64 {
        self.amount as f64 / time.as_secs_f64()
    }

    /// Which part of the limit a run uses that takes `time`.
    pub fn reached(&self, time: Duration) -> f64 {
        self.rate(time) / self.limit
    }
}

/// What one run of a kernel needs.
#[derive(Clone, Debug)]
pub struct Roofline {
    /// Memory first, if there is any; then the types.
    pub demands: Vec<Demand>,
    /// The operations, counted.
    pub operations: Operations,
}

impl Roofline {
    /// The demand that takes the most time: no faster kernel is possible with as many bytes and operations.
    pub fn binding(&self) -> Option<&Demand> {
        self.demands.iter().max_by_key(|demand| demand.least_time())
    }
}

/// The limits of this machine for kernels of one context, each measured when it is first needed.
pub struct Machine {
    context: Context,
    arithmetic: HashMap<Scalar, f64>,
    bandwidth: HashMap<(u64, u64), f64>,
}

impl Machine {
    /// Nothing is measured yet.
    pub fn new(context: &Context) -> Machine {
        Machine { context: context.clone(), arithmetic: HashMap::new(), bandwidth: HashMap::new() }
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What a run of `subject` needs, and what there is of it.
    ///
    /// # Errors
    /// Those of the launches that measure the limits.
    pub fn roofline(&mut self, subject: &Subject) -> Result<Roofline> {
        let operations = subject.operations()?;
        let (bytes_in, bytes_out) = (subject.bytes_in(), subject.bytes_out()?);
        let mut demands = Vec::new();
        if let amount @ 1.. = bytes_in + bytes_out {
            let limit = self.bandwidth(bytes_in, bytes_out)?;
            demands.push(Demand { resource: Resource::Memory, amount, limit });
        }
        // Operations on `i64` are left out: most compute indices, which code generation folds into addresses.
        for scalar in Scalar::ALL.into_iter().filter(|scalar| *scalar != Scalar::I64) {
            if let amount @ 1.. = operations.of(scalar) {
                let limit = self.arithmetic(scalar)?;
                demands.push(Demand { resource: Resource::Arithmetic(scalar), amount, limit });
            }
        }
        Ok(Roofline { demands, operations })
    }

    fn bandwidth(&mut self, bytes_in: u64, bytes_out: u64) -> Result<f64> {
        if let Some(known) = self.bandwidth.get(&(bytes_in, bytes_out)) {
            return Ok(*known);
        }
        let measured = limits::bandwidth(&self.context, bytes_in, bytes_out)?;
        self.bandwidth.insert((bytes_in, bytes_out), measured);
        Ok(measured)
    }

    fn arithmetic(&mut self, scalar: Scalar) -> Result<f64> {
        if let Some(known) = self.arithmetic.get(&scalar) {
            return Ok(*known);
        }
        let measured = limits::arithmetic(&self.context, scalar)?;
        self.arithmetic.insert(scalar, measured);
        Ok(measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_resource_binds() {
        let memory = Demand { resource: Resource::Memory, amount: 1000, limit: 100.0 };
        let arithmetic = Demand { resource: Resource::Arithmetic(Scalar::F32), amount: 50, limit: 1.0 };
        let operations = operations();
        let roofline = Roofline { demands: vec![memory.clone(), arithmetic], operations };
        assert_eq!(roofline.binding().map(Demand::least_time), Some(Duration::from_secs(50)));
        assert_eq!(
            (memory.rate(Duration::from_secs(20)), memory.reached(Duration::from_secs(20))),
            (50.0, 0.5)
        );
    }

    fn operations() -> Operations {
        let program = pk::Program::compile(&Context::cpu(), "kernel k(x: f32) -> f32 = x * x;");
        program.and_then(|program| program.kernel("k")?.operations(1.0f32)).expect("it compiles")
    }
}
