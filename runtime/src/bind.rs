//! Checking arguments against a signature, and what sizes they give: all of it before anything runs.
//!
//! Only types and shapes enter this room, no elements.

use crate::{
    argument::Value,
    describe,
    driver::Few,
    error::{Error, ErrorKind, Result},
    source::Source,
};
use pk_dsl::{
    codes::Code,
    diagnostic::Diagnostic,
    scalar::{Const, Scalar},
    signature::{Dim, MAX_EXTENT, ParamType, ResultType, Signature, SizeSource},
    size::{Size, SizeVar},
};
use std::sync::Arc;

/// What is known of an argument.
#[derive(Clone, Debug)]
pub(crate) enum ArgType<'a> {
    Scalar(Const),
    Array { scalar: Scalar, shape: &'a [usize] },
}

impl<'a> ArgType<'a> {
    pub(crate) fn scalar(&self) -> Scalar {
        match self {
            ArgType::Scalar(value) => value.scalar(),
            ArgType::Array { scalar, .. } => *scalar,
        }
    }

    fn shape(&self) -> &'a [usize] {
        match self {
            ArgType::Scalar(_) => &[],
            ArgType::Array { shape, .. } => shape,
        }
    }

    /// The type as it would be written.
    pub(crate) fn text(&self) -> String {
        describe::value_type(self.scalar(), self.shape())
    }
}

/// A signature with the text in which mistakes are shown.
pub(crate) struct Binder<'a> {
    pub(crate) signature: &'a Signature,
    pub(crate) source: &'a Arc<Source>,
}

impl Binder<'_> {
    /// The values of the size variables.
    pub(crate) fn bind(&self, args: &[Value<'_>]) -> Result<Few<i64>> {
        self.check_count(args.len())?;
        for (param, arg) in self.signature.params.iter().zip(args) {
            self.check_type(param, &arg.0.arg_type())?;
        }
        let mut sizes = Few::new();
        for var in 0..self.signature.sizes.len() {
            sizes.push(self.size(var, args)?);
        }
        for (param, arg) in self.signature.params.iter().zip(args) {
            for (axis, dim) in param.dims.iter().enumerate() {
                self.check_dim(param, dim, axis, args, &arg.0.arg_type(), &sizes)?;
            }
        }
        Ok(sizes)
    }

    /// The shape of `result`; `None` where the kernel decides, or where it will find the size to be none.
    pub(crate) fn result_shape(&self, result: &ResultType, sizes: &[i64]) -> Vec<Option<usize>> {
        self.result_extents(result, sizes).collect()
    }

    /// As [`Binder::result_shape`], extent by extent.
    pub(crate) fn result_extents<'s>(
        &self,
        result: &'s ResultType,
        sizes: &'s [i64],
    ) -> impl Iterator<Item = Option<usize>> + use<'s> {
        let extent = |size: &Size| usize::try_from(evaluate(size, sizes)?).ok();
        result.dims.iter().map(move |dim| dim.as_ref().and_then(extent))
    }

    fn check_count(&self, given: usize) -> Result<()> {
        let expected = self.signature.params.len();
        if given == expected {
            return Ok(());
        }
        let takes = match expected {
            1 => "1 argument".to_string(),
            _ => format!("{expected} arguments"),
        };
        let message = format!("kernel `{}` takes {takes}, {given} given", self.signature.name);
        let found = Diagnostic::error(Code::ArgumentCount, self.signature.span, message)
            .help(format!("its signature is `{}`", describe::signature(self.signature)));
        Err(Error::diagnosed(ErrorKind::ArgumentCount, self.source, vec![found]))
    }

    fn check_type(&self, param: &ParamType, arg: &ArgType<'_>) -> Result<()> {
        if arg.scalar() == param.scalar && arg.shape().len() == param.dims.len() {
            return Ok(());
        }
        let expected = describe::param_type(self.signature, param);
        let message = format!("argument `{}` must be `{expected}`, `{}` given", param.name, arg.text());
        let is_shape = arg.scalar() == param.scalar && !arg.shape().is_empty() && !param.dims.is_empty();
        let (code, kind) = match is_shape {
            true => (Code::ArgumentShape, ErrorKind::Shape),
            false => (Code::Mismatch, ErrorKind::ArgumentType),
        };
        let found = Diagnostic::error(code, param.span, message).label("declared here");
        Err(Error::diagnosed(kind, self.source, vec![found]))
    }

    /// The value of a size variable: types and ranks of the arguments are known to be right.
    fn size(&self, var: usize, args: &[Value<'_>]) -> Result<i64> {
        let size = &self.signature.sizes[var];
        match size.bound_by {
            SizeSource::Axis { param, axis } => {
                let extent = args.get(param).and_then(|arg| arg.0.arg_type().shape().get(axis));
                let extent = extent.ok_or_else(|| Error::internal("a size without an axis"))?;
                i64::try_from(*extent)
                    .ok()
                    .filter(|extent| extent.unsigned_abs() <= MAX_EXTENT)
                    .ok_or_else(Error::too_large)
            }
            SizeSource::Scalar { param } => {
                let Some(ArgType::Scalar(value)) = args.get(param).map(|arg| arg.0.arg_type()) else {
                    return Err(Error::internal("a size without a scalar"));
                };
                let value = value.as_int().and_then(|value| i64::try_from(value).ok());
                match value.ok_or_else(|| Error::internal("a size that is no integer"))? {
                    value @ 0.. if value.unsigned_abs() > MAX_EXTENT => Err(Error::too_large()),
                    value @ 0.. => Ok(value),
                    value => Err(self.negative_size(var, value)),
                }
            }
        }
    }

    fn negative_size(&self, var: usize, value: i64) -> Error {
        let size = &self.signature.sizes[var];
        let message = format!("argument `{}` is a size and must not be negative, {value} given", size.name);
        let found = Diagnostic::error(Code::NegativeSize, size.span, message).label("declared here");
        Error::diagnosed(ErrorKind::NegativeSize, self.source, vec![found])
    }

    fn check_dim(
        &self,
        param: &ParamType,
        dim: &Dim,
        axis: usize,
        args: &[Value<'_>],
        arg: &ArgType<'_>,
        sizes: &[i64],
    ) -> Result<()> {
        let extent = arg.shape()[axis];
        let wanted = evaluate(&dim.size, sizes);
        if wanted.is_some_and(|wanted| usize::try_from(wanted) == Ok(extent)) {
            return Ok(());
        }
        let wanted = wanted.map_or("too large a number".to_string(), |wanted| wanted.to_string());
        let text = self.signature.size_text(&dim.size);
        let meaning = if dim.size.as_constant().is_some() { String::new() } else { format!("`{text}` is ") };
        let message = format!("axis {axis} of argument `{}` has length {extent}, not {wanted}", param.name);
        let shape = describe::value_type(arg.scalar(), arg.shape());
        let mut found = Diagnostic::error(Code::ArgumentShape, dim.span, message)
            .label(format!("`{}` is a `{shape}`, but {meaning}{wanted}", param.name));
        let mut shown: Vec<SizeVar> = dim.size.vars().collect();
        shown.dedup();
        for var in shown {
            found = self.show_binding(found, var, args, sizes);
        }
        Err(Error::diagnosed(ErrorKind::Shape, self.source, vec![found]))
    }

    /// Adds to `found` where a size variable got its value.
    fn show_binding(&self, found: Diagnostic, var: SizeVar, args: &[Value<'_>], sizes: &[i64]) -> Diagnostic {
        let index = var.0 as usize;
        let (Some(size), Some(value)) = (self.signature.sizes.get(index), sizes.get(index)) else {
            return found;
        };
        let note = match size.bound_by {
            SizeSource::Scalar { .. } => format!("`{}` is {value}", size.name),
            SizeSource::Axis { param, .. } => {
                let shape = args.get(param).map(|arg| arg.0.arg_type().text()).unwrap_or_default();
                let param = self.signature.params.get(param).map_or("", |param| param.name.as_str());
                format!("`{}` is {value} because `{param}` is a `{shape}`", size.name)
            }
        };
        found.other(size.span, note)
    }
}

fn evaluate(size: &Size, sizes: &[i64]) -> Option<i64> {
    size.evaluate(|var| sizes.get(var.0 as usize).copied())
}

#[cfg(test)]
mod tests {
    use crate::{ErrorKind, Program, Result, Value, testing};
    use insta::assert_snapshot;

    /// The error of calling the only kernel of `text` with `args`.
    fn error(text: &str, args: Vec<Value<'_>>) -> crate::Error {
        let program = Program::compile(&testing::context(), text).expect("a good program");
        let kernel = program.kernels().next().expect("one kernel");
        kernel.call::<crate::Outputs>(args).unwrap_err()
    }

    fn array(shape: &[usize]) -> Value<'static> {
        let bytes = vec![0; 4 * shape.iter().product::<usize>()];
        Value::from_bytes(pk_dsl::scalar::Scalar::F32, shape, bytes.into()).expect("as many as the shape has")
    }

    fn scalar(value: i64) -> Value<'static> {
        Value::scalar(value.into())
    }

    #[test]
    fn computed_sizes_show_all_they_depend_on() {
        let text =
            "kernel f(x: [f32; n], y: [f32; m], z: [f32; n + 2 * m]) -> f32 = sum(x) + sum(y) + sum(z);";
        assert_snapshot!(format!("{:#}", error(text, vec![array(&[3]), array(&[4]), array(&[12])])), @"
        error[E0501]: axis 0 of argument `z` has length 12, not 11
          ┌─ <text>:1:45
          │
        1 │ kernel f(x: [f32; n], y: [f32; m], z: [f32; n + 2 * m]) -> f32 = sum(x) + sum(y) + sum(z);
          │                   -            -            ^^^^^^^^^ `z` is a `[f32; 12]`, but `n + 2 * m` is 11
          │                   │            │
          │                   │            `m` is 4 because `y` is a `[f32; 4]`
          │                   `n` is 3 because `x` is a `[f32; 3]`
        ");
    }

    #[test]
    fn fixed_sizes_are_checked() {
        let text = "kernel f(p: [f32; n, 3]) -> f32 = sum(flatten(p));";
        assert_snapshot!(error(text, vec![array(&[5, 4])]), @"<text>:1:22: axis 1 of argument `p` has length 4, not 3");
    }

    #[test]
    fn sizes_given_as_numbers_are_not_negative() {
        let text = "kernel f(n: i64) -> [i64; n] = iota(n);";
        let error = error(text, vec![scalar(-3)]);
        assert_eq!(error.kind(), ErrorKind::NegativeSize);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0502]: argument `n` is a size and must not be negative, -3 given
          ┌─ <text>:1:10
          │
        1 │ kernel f(n: i64) -> [i64; n] = iota(n);
          │          ^ declared here
        ");
    }

    #[test]
    fn huge_results_are_refused_before_they_are_made() {
        let text = "kernel f(n: i64, m: i64) -> [i64; n, m] = [i + j for i in 0..n, j in 0..m];";
        assert_eq!(error(text, vec![scalar(i64::MAX), scalar(i64::MAX)]).kind(), ErrorKind::TooLarge);
        assert_eq!(error(text, vec![scalar(1 << 48), scalar(1 << 8)]).kind(), ErrorKind::OutOfMemory);
    }

    #[test]
    fn a_size_that_becomes_negative_is_an_error_of_the_kernel() {
        let text = "kernel f(x: [f32; n]) -> [f32; n - 2] = x[2..n];";
        assert_eq!(error(text, vec![array(&[1])]).kind(), ErrorKind::NegativeSize);
    }

    #[test]
    fn an_empty_array_may_be_as_long_as_an_axis_can() -> Result<()> {
        let text = "kernel f(x: [f32; n, m, k]) -> ([f32; n, m, k], i64) = (2.0 * x + 1.0, m);";
        for shape in [[1 << 40, 1 << 40, 0], [0, 1 << 40, 1 << 40]] {
            for context in testing::contexts() {
                let f = Program::compile(&context, text)?.kernel("f")?;
                assert_eq!(
                    f.call::<(Vec<f32>, i64)>(Value::array(&[0.0f32; 0], &shape)?)?,
                    (vec![], 1 << 40)
                );
                let x = context.buffer_from_shape(&[0.0f32; 0], &shape)?;
                f.launch(&context.default_queue()).arg(&x).run()?.wait()?;
                let longer = Value::array(&[0.0f32; 0], &[1 << 62, 1, 0])?;
                assert_eq!(f.call::<crate::Outputs>(longer).unwrap_err().kind(), ErrorKind::TooLarge);
            }
        }
        Ok(())
    }

    #[test]
    fn empty_arrays_are_arrays() -> Result<()> {
        let text = "kernel f(x: [f32; n, m]) -> ([f32; n, m], f32, i64) = (x, sum(flatten(x)), n);";
        for context in testing::contexts() {
            let f = Program::compile(&context, text)?.kernel("f")?;
            assert_eq!(f.call::<(Vec<f32>, f32, i64)>(array(&[2, 0]))?, (vec![], 0.0, 2));
        }
        Ok(())
    }
}
