//! What this machine can do at most, as far as pk can use it: the bandwidth of memory, and the rate of arithmetic.
//!
//! Each limit is measured with a kernel that does nothing else, in the process and at the size of what is compared
//! with it: what fits a cache is held against the cache.

use crate::{
    random::{self, Range},
    subject::{Arg, Subject},
    times::{Budget, Times},
};
use pk::{Const, Context, Kernel, Program, Result, Scalar, Value, signature::ParamType};
use std::time::Duration;

/// The kernels that move bytes.
const MEMORY: &str = include_str!("limits.pk");

/// Long enough for the fastest of some runs to be near the truth.
const BUDGET: Budget = Budget { time: Duration::from_millis(150), runs: 5 };

/// The greatest bandwidth for a kernel that takes and gives so many bytes, in bytes per second: that of reading,
/// writing, or both, whichever is closest.
///
/// # Errors
/// Those of the launches, as a lack of memory.
pub fn bandwidth(context: &Context, bytes_in: u64, bytes_out: u64) -> Result<f64> {
    /// One of the two counts for nothing if it is so many times smaller.
    const NEGLIGIBLE: u64 = 8;
    /// Less would measure the call, more nothing new.
    const WORKING_SET: (u64, u64) = (1 << 14, 1 << 30);
    let bytes = bytes_in.saturating_add(bytes_out).clamp(WORKING_SET.0, WORKING_SET.1);
    let kernels: &[&str] = match () {
        () if bytes_in / NEGLIGIBLE >= bytes_out => &["read", "read_two"],
        () if bytes_out / NEGLIGIBLE >= bytes_in => &["write"],
        () => &["copy", "triad"],
    };
    let program = Program::compile(context, MEMORY)?;
    let mut best = 0.0f64;
    for name in kernels {
        best = best.max(transfer_rate(context, &program.kernel(name)?, bytes)?);
    }
    Ok(best)
}

/// How many bytes per second `kernel` moves if its arguments and results are `bytes` together.
fn transfer_rate(context: &Context, kernel: &Kernel, bytes: u64) -> Result<f64> {
    let signature = kernel.signature();
    let arrays = signature.params.iter().filter(|param| !param.dims.is_empty()).map(|param| param.scalar);
    let results =
        signature.results.iter().filter(|result| !result.dims.is_empty()).map(|result| result.scalar);
    let width: usize = arrays.chain(results).map(Scalar::bytes).sum();
    let len = bytes as usize / width;
    let arg = |param: &ParamType| match (param.dims.is_empty(), param.scalar) {
        (false, scalar) => {
            random::array(context, scalar, &[len], Range::default_for(scalar), 0).map(Arg::Array)
        }
        // The only scalars are a length and a value.
        (true, Scalar::I64) => Ok(Arg::Scalar(Value::scalar(Const::from(len as i64)))),
        (true, scalar) => Ok(Arg::Scalar(Value::scalar(Const::from_int(scalar, 1)))),
    };
    let args = signature.params.iter().map(arg).collect::<Result<Vec<_>>>()?;
    let mut subject = Subject::new(context, kernel, &args)?;
    let time = Times::take(BUDGET, || subject.run())?.min();
    Ok((len * width) as f64 / time.as_secs_f64())
}

/// The greatest rate of operations on numbers of a type, in operations per second. For floats it is that of fused
/// multiply-adds, which count as two each.
///
/// # Errors
/// Those of the launches.
pub fn arithmetic(context: &Context, scalar: Scalar) -> Result<f64> {
    let program = Program::compile(context, &arithmetic_text(scalar))?;
    let kernel = program.kernel("peak")?;
    let mut elements = 1 << 8;
    loop {
        let mut subject = chains(context, &kernel, scalar, elements)?;
        // The first run may be slow for other reasons.
        if elements >= 1 << 15 || subject.run()? >= Duration::from_millis(1) {
            let operations = subject.operations()?.of(scalar);
            let time = Times::take(BUDGET, || subject.run())?.min();
            return Ok(operations as f64 / time.as_secs_f64());
        }
        elements *= 8;
    }
}

/// The kernel of [`arithmetic_text`] on so many elements.
fn chains(context: &Context, kernel: &Kernel, scalar: Scalar, elements: usize) -> Result<Subject> {
    const STEPS: i64 = 64;
    let one = Const::from_int(scalar, 1);
    let scalars = [Const::from(STEPS), one, one].map(|value| Arg::Scalar(Value::scalar(value)));
    let numbers = random::array(context, scalar, &[elements], Range::default_for(scalar), 0)?;
    let args: Vec<Arg> = std::iter::once(Arg::Array(numbers)).chain(scalars).collect();
    Subject::new(context, kernel, &args)
}

/// Independent chains of the operation that does most: as many as hide its latency and fit the registers.
fn arithmetic_text(scalar: Scalar) -> String {
    let once = |inner: String| match scalar.is_float() {
        true => format!("fma({inner}, a, b)"),
        false => format!("(({inner} ^ a) + b)"),
    };
    let step = |name: &str| (0..4).fold(name.to_string(), |inner, _| once(inner));
    let (p, q, r) = (step("p"), step("q"), step("r"));
    format!(
        "kernel peak(x: [{scalar}; n], steps: i64, a: {scalar}, b: {scalar}) -> [{scalar}; n] = x.map(|v| {{
            let (p, q, r) = loop (p, q, r) = (v, v + a, v - a) for _ in 0..steps {{ ({p}, {q}, {r}) }};
            p + q + r
        }});"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_memory_can_be_measured() -> Result<()> {
        let context = Context::cpu();
        for (bytes_in, bytes_out) in [(1 << 16, 8), (8, 1 << 16), (1 << 16, 1 << 15), (0, 0)] {
            assert!(bandwidth(&context, bytes_in, bytes_out)? > 0.0);
        }
        Ok(())
    }

    #[test]
    fn every_number_has_a_rate() -> Result<()> {
        for scalar in Scalar::ALL.into_iter().filter(|scalar| scalar.is_numeric()) {
            assert!(arithmetic(&Context::cpu(), scalar)? > 0.0, "{scalar}");
        }
        Ok(())
    }
}
