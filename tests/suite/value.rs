//! Values as headers write them: scalars, nested lists, and rules for long arrays.

use pk_compiler::data::{Datum, Tensor};
use pk_dsl::scalar::{Const, Scalar};
use toml::{Table, Value};

/// The value that `value` writes, of this type and rank.
pub(crate) fn parse(value: &Value, scalar: Scalar, rank: usize) -> Result<Datum, String> {
    if rank == 0 {
        return parse_scalar(value, scalar).map(Datum::Scalar);
    }
    let (shape, elements) = match value {
        Value::Table(rule) => by_rule(rule, scalar)?,
        _ => nested(value, scalar, rank)?,
    };
    match shape.len() == rank {
        true => Ok(Datum::Array(tensor(scalar, shape, &elements))),
        false => Err(format!("an array of rank {rank} is wanted, `{value}` has {}", shape.len())),
    }
}

/// A row-major array of these elements.
pub(crate) fn tensor(scalar: Scalar, shape: Vec<usize>, elements: &[Const]) -> Tensor {
    let mut tensor = Tensor { scalar, shape, bytes: vec![0; elements.len() * scalar.bytes()] };
    elements.iter().enumerate().for_each(|(at, element)| tensor.set(at, *element));
    tensor
}

/// A scalar of this type: a number, a boolean, or a string for what TOML cannot write.
pub(crate) fn parse_scalar(value: &Value, scalar: Scalar) -> Result<Const, String> {
    let found = match value {
        Value::Boolean(value) if scalar == Scalar::Bool => Some(Const::from(*value)),
        Value::Integer(value) => from_integer(i128::from(*value), scalar),
        Value::Float(value) => from_float(*value, scalar),
        Value::String(text) if scalar.is_float() => {
            text.parse().ok().and_then(|value| from_float(value, scalar))
        }
        Value::String(text) => text.parse().ok().and_then(|value| from_integer(value, scalar)),
        _ => None,
    };
    found.ok_or_else(|| format!("`{value}` is no `{scalar}`"))
}

fn from_integer(value: i128, scalar: Scalar) -> Option<Const> {
    let fits = match scalar.int_range() {
        Some((least, greatest)) => (least..=greatest).contains(&value),
        None => scalar.is_float(),
    };
    fits.then(|| Const::from_int(scalar, value))
}

fn from_float(value: f64, scalar: Scalar) -> Option<Const> {
    match scalar {
        Scalar::F32 => Some(Const::from(value as f32)),
        Scalar::F64 => Some(Const::from(value)),
        _ => None,
    }
}

fn nested(value: &Value, scalar: Scalar, rank: usize) -> Result<(Vec<usize>, Vec<Const>), String> {
    let list = value.as_array().ok_or_else(|| format!("`{value}` must be a list"))?;
    if rank == 1 {
        let elements =
            list.iter().map(|element| parse_scalar(element, scalar)).collect::<Result<Vec<_>, _>>()?;
        return Ok((vec![elements.len()], elements));
    }
    let rows = list.iter().map(|row| nested(row, scalar, rank - 1)).collect::<Result<Vec<_>, _>>()?;
    let inner = rows.first().map_or(vec![0; rank - 1], |row| row.0.clone());
    if rows.iter().any(|row| row.0 != inner) {
        return Err(format!("the rows of `{value}` differ in length"));
    }
    let shape = [&[rows.len()][..], &inner].concat();
    Ok((shape, rows.into_iter().flat_map(|row| row.1).collect()))
}

/// An array by a rule; the rule's own key gives the shape, a number for one axis:
///
/// * `{ iota = 9, start = 0, step = 1, mod = 4 }`: `start + step * (i % mod)`, without `mod` all `i`;
/// * `{ random = 9, seed = 1, min = 0, max = 5 }`: integers in `min..=max`, floats in `min..max`;
/// * `{ fill = 9, value = 2.5 }`: one value; `{ cycle = [1, 2], shape = 9 }`: these again and again;
/// * `{ flat = [1, 2, 3, 4], shape = [2, 2] }`: all elements row by row.
fn by_rule(rule: &Table, scalar: Scalar) -> Result<(Vec<usize>, Vec<Const>), String> {
    let known = [
        "iota", "start", "step", "mod", "random", "seed", "min", "max", "fill", "value", "cycle", "flat",
        "shape",
    ];
    if let Some(key) = rule.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("a rule for an array has the unknown key `{key}`"));
    }
    if let Some(shape) = rule.get("iota") {
        return filled(shape, |at| iota(rule, scalar, at));
    }
    if let Some(shape) = rule.get("random") {
        let random = random(rule, scalar)?;
        return filled(shape, |at| Ok(random(at)));
    }
    if let Some(shape) = rule.get("fill") {
        let value = parse_scalar(rule.get("value").ok_or("`fill` needs a `value`")?, scalar)?;
        return filled(shape, |_| Ok(value));
    }
    let listed =
        rule.get("cycle").or(rule.get("flat")).ok_or("a rule for an array needs `iota`, `random`, …")?;
    let (_, listed) = nested(listed, scalar, 1)?;
    let shape = shape(rule.get("shape").ok_or("`cycle` and `flat` need a `shape`")?)?;
    let count: usize = shape.iter().product();
    if rule.contains_key("flat") && listed.len() != count {
        return Err(format!("{} elements do not fill {shape:?}", listed.len()));
    }
    Ok((shape, listed.iter().copied().cycle().take(count).collect()))
}

/// A shape: a number, or a list of them.
pub(crate) fn shape(value: &Value) -> Result<Vec<usize>, String> {
    let extent = |value: &Value| value.as_integer().and_then(|extent| usize::try_from(extent).ok());
    let list = match value {
        Value::Array(list) => list.iter().map(extent).collect(),
        _ => extent(value).map(|extent| vec![extent]),
    };
    list.ok_or_else(|| format!("`{value}` is no shape"))
}

fn filled(
    extents: &Value,
    element: impl Fn(usize) -> Result<Const, String>,
) -> Result<(Vec<usize>, Vec<Const>), String> {
    let shape = shape(extents)?;
    let elements = (0..shape.iter().product()).map(element).collect::<Result<_, _>>()?;
    Ok((shape, elements))
}

fn iota(rule: &Table, scalar: Scalar, at: usize) -> Result<Const, String> {
    let at = match rule.get("mod").and_then(Value::as_integer) {
        Some(period @ 1..) => at as i64 % period,
        _ => at as i64,
    };
    let number = |key: &str, default: i64| rule.get(key).unwrap_or(&Value::Integer(default)).clone();
    match (number("start", 0), number("step", 1)) {
        (Value::Integer(start), Value::Integer(step)) => {
            parse_scalar(&Value::Integer(start + step * at), scalar)
        }
        (start, step) => {
            let float = |value: &Value| value.as_float().or(value.as_integer().map(|value| value as f64));
            let value = float(&start).zip(float(&step)).map(|(start, step)| start + step * at as f64);
            parse_scalar(&Value::Float(value.ok_or("`start` and `step` must be numbers")?), scalar)
        }
    }
}

/// Random elements of the SplitMix64 stream of `seed`, so that the authors of headers can compute them too.
fn random(rule: &Table, scalar: Scalar) -> Result<impl Fn(usize) -> Const, String> {
    let seed = rule.get("seed").and_then(Value::as_integer).unwrap_or(0) as u64;
    let bound = |key: &str| rule.get(key).map(|value| parse_scalar(value, scalar)).transpose();
    let (least, greatest) = (bound("min")?, bound("max")?);
    Ok(move |at: usize| random_element(scalar, split_mix(seed, at as u64), least, greatest))
}

fn random_element(scalar: Scalar, bits: u64, least: Option<Const>, greatest: Option<Const>) -> Const {
    let float = |value: Const| value.as_f64().or(value.as_f32().map(f64::from));
    if scalar.is_float() {
        let least = least.and_then(float).unwrap_or(-1.0);
        let greatest = greatest.and_then(float).unwrap_or(1.0);
        let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
        let value = least + (greatest - least) * unit;
        return from_float(value, scalar).unwrap_or(Const::zero(scalar));
    }
    match least.and_then(Const::as_int).zip(greatest.and_then(Const::as_int)) {
        Some((least, greatest)) => {
            Const::from_int(scalar, least + i128::from(bits) % (greatest - least + 1).max(1))
        }
        None => Const::from_bits(scalar, if scalar == Scalar::Bool { bits & 1 } else { bits }),
    }
}

/// The number `at` of the SplitMix64 stream that `seed` begins.
pub(crate) fn split_mix(seed: u64, at: u64) -> u64 {
    let mut z = seed.wrapping_add(at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
