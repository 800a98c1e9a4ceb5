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
    let results: Vec<String> = signature.results.iter().map(|result| field(signature, result)).collect();
    let results = match &signature.results[..] {
        [single] if single.name.is_empty() => results.concat(),
        _ => format!("({})", results.join(", ")),
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

/// A field of the result; positions are no names.
fn field(signature: &Signature, result: &ResultType) -> String {
    let ty = result_type(signature, result);
    let is_name = result.name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if is_name { format!("{}: {ty}", result.name) } else { ty }
}
