//! Signatures as text: for messages and for documentation.

use pk_dsl::{
    scalar::Scalar,
    signature::{ParamType, ResultType, Signature},
};

/// The signature as it would be declared: `kernel dot(x: [f32; n], y: [f32; n]) -> f32`.
pub fn signature(signature: &Signature) -> String {
    let params: Vec<String> = signature
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, param_type(signature, param)))
        .collect();
    let results = match &signature.results[..] {
        [single] if single.name.is_empty() => result_type(signature, single),
        results => tuple(signature, results.iter().map(|result| (result.name.as_str(), result)).collect()),
    };
    format!("kernel {}({}) -> {results}", signature.name, params.join(", "))
}

/// The type of a parameter: `[f32; n, 3]`.
pub fn param_type(signature: &Signature, param: &ParamType) -> String {
    let dims: Vec<String> = param.dims.iter().map(|dim| signature.size_text(&dim.size)).collect();
    array_type(param.scalar, &dims)
}

/// The type of a result: `[f32; n]`, or `[f32]` where the length is known only at run time.
pub fn result_type(signature: &Signature, result: &ResultType) -> String {
    let known: Option<Vec<String>> =
        result.dims.iter().map(|dim| dim.as_ref().map(|size| signature.size_text(size))).collect();
    match known {
        Some(dims) => array_type(result.scalar, &dims),
        None if result.dims.len() == 1 => format!("[{}]", result.scalar),
        None => array_type(result.scalar, &unknown_dims(signature, result)),
    }
}

/// The type of a value of this shape: `[f32; 2, 3]`.
pub(crate) fn value_type(scalar: Scalar, shape: &[usize]) -> String {
    let dims: Vec<String> = shape.iter().map(|extent| extent.to_string()).collect();
    array_type(scalar, &dims)
}

fn unknown_dims(signature: &Signature, result: &ResultType) -> Vec<String> {
    let text = |dim: &Option<_>| dim.as_ref().map_or("_".to_string(), |size| signature.size_text(size));
    result.dims.iter().map(text).collect()
}

fn array_type(scalar: Scalar, dims: &[String]) -> String {
    match dims {
        [] => scalar.to_string(),
        _ => format!("[{scalar}; {}]", dims.join(", ")),
    }
}

/// A tuple of fields; those of a nested tuple follow each other and have names that begin with its name and a dot.
fn tuple(signature: &Signature, mut fields: Vec<(&str, &ResultType)>) -> String {
    let mut parts = Vec::new();
    while let Some((first, result)) = fields.first().copied() {
        let head = first.split('.').next().unwrap_or_default();
        let ty = match first == head {
            true => {
                fields.remove(0);
                result_type(signature, result)
            }
            false => {
                let inner = |name: &str| name.strip_prefix(head).is_some_and(|rest| rest.starts_with('.'));
                let count = fields.iter().take_while(|(name, _)| inner(name)).count();
                let nested = fields.drain(..count).map(|(name, result)| (&name[head.len() + 1..], result));
                tuple(signature, nested.collect())
            }
        };
        let is_position = head.bytes().all(|byte| byte.is_ascii_digit());
        parts.push(if is_position { ty } else { format!("{head}: {ty}") });
    }
    let comma = if parts.len() == 1 { "," } else { "" };
    format!("({}{comma})", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use crate::{Program, Result, testing};

    #[test]
    fn signatures_read_as_they_were_declared() -> Result<()> {
        for (declared, body) in [
            (
                "kernel f(x: [f32; n, 3], i: i64) -> [f32; n, 2 * i + 1]",
                "[x[j, 0] for j in 0..n, k in 0..2 * i + 1]",
            ),
            ("kernel f(x: [f64; n]) -> [f64]", "x.filter(|v| v > 0.0)"),
            ("kernel f(x: bool) -> (i8, (u16, bool), f32)", "(1, (2, x), 3.0)"),
            (
                "kernel f(x: [i32; n]) -> (low: i32, rest: (all: [i32; n], sum: (i64, i64)), n: i64)",
                "(low: min(x), rest: (all: x, sum: (sum(x), count(x > 0))), n: n)",
            ),
        ] {
            let program = Program::compile(&testing::context(), &format!("{declared} = {body};"))?;
            assert_eq!(super::signature(program.kernel("f")?.signature()), declared);
        }
        Ok(())
    }
}
