//! Each file once more with arrays of other lengths: what holds for three elements must hold for none and for many.
//! Nothing is stated for these lengths; the oracle knows.

use crate::{
    api,
    corpus::File,
    run::{agreed, arguments, compile},
    value::split_mix,
};
use libtest_mimic::Trial;
use pk::Context;
use pk_compiler::data::{Datum, Tensor};
use pk_dsl::{
    scalar::{Const, Scalar},
    signature::{ParamType, Signature, SizeSource},
};
use std::sync::Arc;

/// The lengths that are tried: none, one, and one more than a full vector of lanes.
const LENGTHS: [i64; 3] = [0, 1, 33];

pub(crate) fn trials(files: &[Arc<File>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (backend, context) in api::backends() {
        for file in files.iter().filter(|file| file.is_run() && !file.header.skip.contains_key(backend)) {
            let (file, context) = (Arc::clone(file), context.clone());
            let name = format!("resize/{backend}/{}", file.name);
            let is_missing = context.is_none();
            let test = move || Ok(context.map_or(Ok(()), |context| run(&file, &context))?);
            trials.push(Trial::test(name, test).with_ignored_flag(is_missing));
        }
    }
    trials
}

fn run(file: &File, context: &Context) -> Result<(), String> {
    let compiled = compile(file)?;
    let oracle = compiled.kernel(file.header.kernel.as_deref())?;
    let kernel = api::compile(context, &file.text, file.header.kernel.as_deref(), &file.header.limits)?;
    let Some(case) = file.header.cases.first() else { return Ok(()) };
    let args = arguments(kernel.signature(), &case.args)?;
    for &length in file.header.resize.as_deref().unwrap_or(&LENGTHS) {
        let Some(args) = resized(kernel.signature(), &args, length) else { continue };
        agreed(&kernel, oracle, &args, case.ignore_faults)
            .map_err(|error| format!("length {length}: {error}"))?;
    }
    Ok(())
}

/// `args` with all sizes near `length`, each a little different; nothing if the kernel has no such sizes.
fn resized(signature: &Signature, args: &[Datum], length: i64) -> Option<Vec<Datum>> {
    let sizes: Vec<i64> = (0..signature.sizes.len() as i64).map(|var| length + 2 * var).collect();
    let resize = |(at, (param, arg)): (usize, (&ParamType, &Datum))| match arg {
        Datum::Scalar(value) => {
            let is_this = |source| matches!(source, SizeSource::Scalar { param } if param == at);
            let var = signature.sizes.iter().position(|size| is_this(size.bound_by));
            Some(Datum::Scalar(var.map_or(*value, |var| Const::from(sizes[var]))))
        }
        Datum::Array(array) => {
            let extents =
                param.dims.iter().map(|dim| dim.size.evaluate(|var| sizes.get(var.0 as usize).copied()));
            let shape =
                extents.map(|extent| usize::try_from(extent?).ok()).collect::<Option<Vec<usize>>>()?;
            Some(Datum::Array(repeated(array, shape)))
        }
    };
    signature.params.iter().zip(args).enumerate().map(resize).collect()
}

/// An array of another shape with the elements of `array` again and again, or random ones if it has none.
fn repeated(array: &Tensor, shape: Vec<usize>) -> Tensor {
    let count: usize = shape.iter().product();
    let bytes = vec![0; count * array.scalar.bytes()];
    let mut result = Tensor { scalar: array.scalar, shape, bytes };
    for at in 0..count {
        let element = match array.len() {
            0 => random(array.scalar, at as u64),
            len => array.get(at % len),
        };
        result.set(at, element);
    }
    result
}

fn random(scalar: Scalar, at: u64) -> Const {
    let bits = split_mix(0, at);
    match scalar {
        Scalar::F32 => Const::from((bits >> 40) as f32 / 1e6 - 8.0),
        Scalar::F64 => Const::from((bits >> 11) as f64 / 1e15 - 4.0),
        Scalar::Bool => Const::from(bits & 1 == 1),
        _ => Const::from_int(scalar, i128::from(bits % 16)),
    }
}
