//! How near a time comes to what the machine allows.

use crate::{limits, subject::Subject};
use pk::{Context, Operations, Result, Scalar};
use std::{collections::HashMap, hash::Hash, time::Duration};

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

    /// What a run of `subject` needs, and what there is of it. The fastest run so far took `time`.
    ///
    /// # Errors
    /// Those of the launches that measure the limits.
    pub fn roofline(&mut self, subject: &Subject, time: Duration) -> Result<Roofline> {
        let operations = subject.operations()?;
        let (bytes_in, bytes_out) = (subject.bytes_in(), subject.bytes_out()?);
        let mut demands = Vec::new();
        if let amount @ 1.. = bytes_in + bytes_out {
            let least = amount as f64 / time.as_secs_f64();
            let measure = |context: &Context| limits::bandwidth(context, bytes_in, bytes_out);
            let limit =
                known_limit(&self.context, &mut self.bandwidth, (bytes_in, bytes_out), least, measure)?;
            demands.push(Demand { resource: Resource::Memory, amount, limit });
        }
        // Operations on `i64` are left out: most compute indices, which code generation folds into addresses.
        for scalar in Scalar::ALL.into_iter().filter(|scalar| *scalar != Scalar::I64) {
            if let amount @ 1.. = operations.of(scalar) {
                let least = if operations.is_exact() { amount as f64 / time.as_secs_f64() } else { 0.0 };
                let measure = |context: &Context| limits::arithmetic(context, scalar);
                let limit = known_limit(&self.context, &mut self.arithmetic, scalar, least, measure)?;
                demands.push(Demand { resource: Resource::Arithmetic(scalar), amount, limit });
            }
        }
        Ok(Roofline { demands, operations })
    }
}

/// The limit in `known`, or what `measure` finds. If it is below `least`, a rate that was already seen, other programs
/// had their part of the machine, and it is measured again.
fn known_limit<K: Copy + Eq + Hash>(
    context: &Context,
    known: &mut HashMap<K, f64>,
    key: K,
    least: f64,
    measure: impl Fn(&Context) -> Result<f64>,
) -> Result<f64> {
    const TRIES: usize = 3;
    let mut limit = known.get(&key).copied().unwrap_or_default();
    for _ in 0..TRIES {
        if limit > 0.0 && limit >= least {
            break;
        }
        limit = limit.max(measure(context)?);
    }
    known.insert(key, limit);
    Ok(limit)
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

    #[test]
    fn a_limit_that_was_exceeded_is_measured_again() -> Result<()> {
        let (context, mut known) = (Context::cpu(), HashMap::new());
        let tries = std::cell::Cell::new(0);
        let mut limit = |least| {
            known_limit(&context, &mut known, (), least, |_| {
                tries.set(tries.get() + 1);
                Ok([5.0, 3.0, 7.0, 1.0, 1.0, 1.0][tries.get() - 1])
            })
        };
        assert_eq!((limit(4.0)?, limit(5.0)?, tries.get()), (5.0, 5.0, 1));
        assert_eq!((limit(6.0)?, tries.get()), (7.0, 3));
        assert_eq!((limit(100.0)?, tries.get()), (7.0, 6));
        Ok(())
    }

    fn operations() -> Operations {
        let program = pk::Program::compile(&Context::cpu(), "kernel k(x: f32) -> f32 = x * x;");
        program.and_then(|program| program.kernel("k")?.operations(1.0f32)).expect("it compiles")
    }
}
