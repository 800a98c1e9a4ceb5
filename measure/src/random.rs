//! Seeded random arrays, the same on every machine and simple enough to be made by programs in other languages too.
//!
//! The element at position `i` of the array with seed `s` comes from `u = mix(s * 2^32 + i)`, where `mix` is
//! SplitMix64: the upper 53 bits of `u` are a number in [0, 1), which is spread over the range in `f64` and then
//! converted, to an integer by rounding down.

use pk::{Const, Context, Outputs, Program, RawBuffer, Result, Scalar, Value};
use std::fmt::Write;

/// The numbers from `low` on and below `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least number.
    pub low: f64,
    /// What no number reaches, but for rounding to `f32`.
    pub high: f64,
}

impl Range {
    /// What suits a type if nothing else is said: [0, 1) for floats, 0 to 99 for integers, either for `bool`.
    pub fn default_for(scalar: Scalar) -> Range {
        match scalar {
            Scalar::F32 | Scalar::F64 => Range { low: 0.0, high: 1.0 },
            Scalar::Bool => Range { low: 0.0, high: 2.0 },
            _ => Range { low: 0.0, high: 100.0 },
        }
    }
}

/// An array of this type and shape.
///
/// # Errors
/// [`TooLarge`](pk::ErrorKind::TooLarge), [`OutOfMemory`](pk::ErrorKind::OutOfMemory).
pub fn array(
    context: &Context,
    scalar: Scalar,
    shape: &[usize],
    range: Range,
    seed: u32,
) -> Result<RawBuffer> {
    let kernel = Program::compile(context, &text(scalar, shape.len()))?.kernel("make")?;
    let queue = context.default_queue();
    let launch = kernel.launch(&queue).args(args(shape, range, seed));
    let (mut buffers, event) = launch.run_with_results::<Vec<RawBuffer>>()?;
    event.wait()?;
    Ok(buffers.pop().expect("the kernel has one result"))
}

/// The first element of an array of this type.
///
/// # Errors
/// Those of any launch.
pub fn element(context: &Context, scalar: Scalar, range: Range, seed: u32) -> Result<Const> {
    let kernel = Program::compile(context, &text(scalar, 0))?.kernel("make")?;
    let outputs: Outputs = kernel.call(args(&[], range, seed))?;
    Ok(outputs.get("").and_then(|output| output.element(0)).expect("the kernel has one result"))
}

fn args(shape: &[usize], range: Range, seed: u32) -> Vec<Value<'static>> {
    let extents = shape.iter().map(|extent| Const::from_int(Scalar::I64, *extent as i128));
    let scalars = [Const::from(u64::from(seed) << 32), Const::from(range.low), Const::from(range.high)];
    extents.chain(scalars).map(Value::scalar).collect()
}

/// The kernel that makes an array of this type with so many axes.
fn text(scalar: Scalar, rank: usize) -> String {
    let mut position = "0".to_string();
    let (mut params, mut dims, mut clauses) = (String::new(), String::new(), Vec::new());
    for axis in 0..rank {
        position = format!("({position}) * n{axis} + i{axis}");
        // Writing to a `String` cannot fail.
        let _ = write!(params, "n{axis}: i64, ");
        let _ = write!(dims, "{} n{axis}", if axis == 0 { ";" } else { "," });
        clauses.push(format!("i{axis} in 0..n{axis}"));
    }
    let value = match scalar {
        Scalar::F32 | Scalar::F64 => format!("{scalar}(x)"),
        Scalar::Bool => "x >= 1.0".to_string(),
        _ => format!("{scalar}(floor(x))"),
    };
    let (result, body) = match rank {
        0 => (scalar.to_string(), "element(0, start, low, high)".to_string()),
        _ => (
            format!("[{scalar}{dims}]"),
            format!("[element({position}, start, low, high) for {}]", clauses.join(", ")),
        ),
    };
    format!(
        "fn mix(state: u64) -> u64 {{
            let a = (state + 1) * 0x9e3779b97f4a7c15;
            let b = (a ^ (a >> 30)) * 0xbf58476d1ce4e5b9;
            let c = (b ^ (b >> 27)) * 0x94d049bb133111eb;
            c ^ (c >> 31)
        }}
        fn element(position: i64, start: u64, low: f64, high: f64) -> {scalar} {{
            let x = low + (high - low) * (f64(mix(start + u64(position)) >> 11) / 9007199254740992.0);
            {value}
        }}
        kernel make({params}start: u64, low: f64, high: f64) -> {result} = {body};"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pk::Element;

    fn numbers<T: Element>(shape: &[usize], range: Range, seed: u32) -> Vec<T> {
        let raw = array(&Context::cpu(), T::SCALAR, shape, range, seed).expect("it fits");
        assert_eq!(raw.shape().expect("it is known"), shape);
        raw.typed::<T>().expect("of this type").to_vec().expect("it is there")
    }

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The reference implementation started with 0 gives 0xe220_a839_7b1d_cdaf and 0x6e78_9e6a_a1b9_65f4.
        let all = Range { low: 0.0, high: 9007199254740992.0 };
        assert_eq!(
            numbers::<i64>(&[2], all, 0),
            [0xe220_a839_7b1d_cdaf_u64 >> 11, 0x6e78_9e6a_a1b9_65f4 >> 11].map(|n| n as i64)
        );
    }

    #[test]
    fn numbers_fill_their_range() {
        let bytes = numbers::<i8>(&[40, 100], Range { low: -128.0, high: 128.0 }, 7);
        assert_eq!((bytes.iter().min(), bytes.iter().max()), (Some(&-128), Some(&127)));
        let floats = numbers::<f32>(&[4000], Range { low: -2.0, high: 3.0 }, 7);
        assert!(floats.iter().all(|x| (-2.0..3.0).contains(x)));
        assert!((floats.iter().sum::<f32>() / 4000.0 - 0.5).abs() < 0.1);
        let either = numbers::<bool>(&[1000], Range::default_for(Scalar::Bool), 1);
        assert!((400..600).contains(&either.iter().filter(|x| **x).count()));
    }

    #[test]
    fn every_type_and_rank_can_be_made() {
        for scalar in Scalar::ALL {
            let (context, range) = (Context::cpu(), Range::default_for(scalar));
            assert_eq!(element(&context, scalar, range, 1).map(Const::scalar).ok(), Some(scalar));
            for shape in [&[5][..], &[3, 2], &[3, 2, 4]] {
                let made = array(&context, scalar, shape, range, 1).expect("it fits");
                assert_eq!((made.scalar(), made.shape().ok()), (scalar, Some(shape.to_vec())));
            }
        }
    }

    #[test]
    fn seeds_differ_and_repeat() {
        let unit = Range::default_for(Scalar::F64);
        assert_eq!(numbers::<f64>(&[10], unit, 1), numbers::<f64>(&[2, 5], unit, 1));
        assert_ne!(numbers::<f64>(&[10], unit, 1), numbers::<f64>(&[10], unit, 2));
    }
}
