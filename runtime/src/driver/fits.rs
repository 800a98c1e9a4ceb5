//! Whether a job fits a kernel, without which running it would not be safe.

use super::{Arg, Job};
use pk_dsl::signature::{ParamType, Signature};

impl Job<'_, '_> {
    /// Whether the arguments have the number, the types and the shapes that `signature` asks for.
    pub(super) fn fits(&self, signature: &Signature) -> bool {
        self.sizes.len() == signature.sizes.len()
            && self.sizes.iter().all(|size| *size >= 0)
            && self.args.len() == signature.params.len()
            && self.destinations.len() <= signature.results.len()
            && self.args.iter().zip(&signature.params).all(|(arg, param)| self.arg_fits(arg, param))
    }

    fn arg_fits(&self, arg: &Arg<'_>, param: &ParamType) -> bool {
        match arg {
            Arg::Scalar(value) => param.dims.is_empty() && value.scalar() == param.scalar,
            Arg::Array { shape, bytes } => {
                let wanted_bytes = match shape.contains(&0) {
                    true => Some(0),
                    false => shape
                        .iter()
                        .try_fold(param.scalar.bytes(), |bytes, extent| bytes.checked_mul(*extent)),
                };
                let size = |var: pk_dsl::size::SizeVar| self.sizes.get(var.0 as usize).copied();
                let extents = param.dims.iter().map(|dim| dim.size.evaluate(size));
                let wanted = shape.iter().map(|extent| i64::try_from(*extent).ok());
                // `[]` is the shape of no array.
                !shape.is_empty() && wanted_bytes == Some(bytes.len()) && extents.eq(wanted)
            }
        }
    }
}
