//! Arguments of a kernel that is measured: given ones, and random ones that fit them.

use crate::{Usage, argument, quote::quote, scalar};
use anyhow::{Result, bail};
use pk::{
    Const, Context, RawBuffer, Scalar, Value, describe,
    signature::{ParamType, Signature, SizeSource},
};
use pk_measure::{
    random::{self, Range},
    subject::Arg,
};

/// What the command line says about the arguments.
pub(crate) struct Options<'a> {
    /// `NAME=SOURCE` for some parameters.
    pub(crate) args: &'a [String],
    /// `NAME=LENGTH` for some sizes.
    pub(crate) sizes: &'a [String],
    /// For other random numbers.
    pub(crate) seed: u16,
}

/// Where an argument comes from.
enum Source<'a> {
    /// A value, a file, or a pipe.
    Given(&'a str),
    Random(Random),
}

/// Which random numbers.
#[derive(Debug, Default, PartialEq)]
struct Random {
    shape: Option<Vec<usize>>,
    range: Option<Range>,
}

/// The arguments for the parameters of `signature`, in place.
pub(crate) fn place(context: &Context, signature: &Signature, options: &Options<'_>) -> Result<Vec<Arg>> {
    let sources = argument::sources(signature, options.args)?;
    let sources = sources.into_iter().map(source).collect::<Result<Vec<_>>>()?;
    let mut placer =
        Placer { context, signature, seed: options.seed, sizes: given_sizes(signature, options.sizes)? };
    // What gives sizes comes first, whatever the order of the parameters.
    let early = sources.iter().enumerate().map(|(at, source)| placer.early(at, source));
    let early = early.collect::<Result<Vec<_>>>()?;
    let all = early.into_iter().zip(&sources).enumerate().map(|(at, (arg, source))| match (arg, source) {
        (Some(arg), _) => Ok(arg),
        (None, Source::Random(random)) => placer.late(at, random),
        (None, Source::Given(_)) => bail!("an argument that is given was not placed"),
    });
    all.collect()
}

fn source(text: Option<&str>) -> Result<Source<'_>> {
    match text {
        None | Some("random") => Ok(Source::Random(Random::default())),
        Some(text) => match text.strip_prefix("random:") {
            Some(rest) => Ok(Source::Random(random(rest)?)),
            None => Ok(Source::Given(text)),
        },
    }
}

/// `[LENGTH][:LOW..HIGH]`, where a length is several with `x` between them for an array of several axes.
fn random(text: &str) -> Result<Random, Usage> {
    let mut random = Random::default();
    for part in text.split(':') {
        let is_new = match part.split_once("..") {
            Some((low, high)) => random.range.replace(range(low, high)?).is_none(),
            None => random.shape.replace(shape(part)?).is_none(),
        };
        if !is_new {
            return Err(Usage(format!("{} is said twice: {FORM}", quote(part))));
        }
    }
    Ok(random)
}

const FORM: &str = "write `random`, `random:1000`, `random:20x30` or `random:1000:-1..1`";

fn shape(text: &str) -> Result<Vec<usize>, Usage> {
    text.split('x')
        .map(length)
        .collect::<Option<_>>()
        .ok_or_else(|| Usage(format!("{} is no length: {FORM}", quote(text))))
}

fn length(text: &str) -> Option<usize> {
    let value = scalar::parse(Scalar::I64, text).ok()?;
    usize::try_from(value.as_int()?).ok()
}

fn range(low: &str, high: &str) -> Result<Range, Usage> {
    let number =
        |text: &str| scalar::parse(Scalar::F64, text).ok()?.as_f64().filter(|value| value.is_finite());
    match number(low).zip(number(high)) {
        Some((low, high)) if low < high => Ok(Range { low, high }),
        _ => Err(Usage(format!("{} is no range: {FORM}", quote(&format!("{low}..{high}"))))),
    }
}

/// The values of the size variables that the command line gives.
fn given_sizes(signature: &Signature, texts: &[String]) -> Result<Vec<Option<i64>>, Usage> {
    let mut sizes = vec![None; signature.sizes.len()];
    for text in texts {
        let shown = quote(&format!("--size {text}"));
        let (name, value) =
            text.split_once('=').ok_or_else(|| Usage(format!("{shown} has no `=`: write `NAME=LENGTH`")))?;
        let Some(at) = signature.sizes.iter().position(|size| size.name == name) else {
            let signature = describe::signature(signature);
            return Err(Usage(format!("no size {} in `{signature}`", quote(name))));
        };
        let value = length(value).and_then(|value| i64::try_from(value).ok());
        let value = value.ok_or_else(|| Usage(format!("{shown} is no length")))?;
        if sizes[at].replace(value).is_some() {
            return Err(Usage(format!("two lengths for size {}", quote(name))));
        }
    }
    Ok(sizes)
}

/// Puts arguments in place, and keeps what they say about sizes.
struct Placer<'a> {
    context: &'a Context,
    signature: &'a Signature,
    seed: u16,
    sizes: Vec<Option<i64>>,
}

impl Placer<'_> {
    /// The argument at `at`, unless it needs sizes that others give.
    fn early(&mut self, at: usize, source: &Source<'_>) -> Result<Option<Arg>> {
        let param = &self.signature.params[at];
        let buffer = match source {
            Source::Given(text) => {
                let value = argument::read(param, text)?;
                let buffer = self.context.buffer_from_value(&value)?;
                if param.dims.is_empty() {
                    self.note_scalar(at, buffer);
                    return Ok(Some(Arg::Scalar(value)));
                }
                buffer
            }
            Source::Random(Random { shape: Some(shape), range }) => self.random(at, shape, *range)?,
            Source::Random(_) => return Ok(None),
        };
        self.note_axes(at, &buffer.shape()?);
        Ok(Some(Arg::Array(buffer)))
    }

    /// A random argument that fits the others.
    fn late(&self, at: usize, random: &Random) -> Result<Arg> {
        let param = &self.signature.params[at];
        if param.dims.is_empty() {
            return self.scalar(at, random.range);
        }
        let mut shape = Vec::new();
        for dim in &param.dims {
            let extent = dim.size.evaluate(|var| self.sizes[var.0 as usize]);
            let extent = extent.ok_or_else(|| self.unknown(param))?;
            shape.push(usize::try_from(extent).map_err(|_| {
                let size = self.signature.size_text(&dim.size);
                Usage(format!("argument `{}`: its size `{size}` is {extent}", param.name))
            })?);
        }
        self.random(at, &shape, random.range).map(Arg::Array)
    }

    /// A scalar that nobody gave: a size, or any number.
    fn scalar(&self, at: usize, range: Option<Range>) -> Result<Arg> {
        let param = &self.signature.params[at];
        let value = match self.size_bound_by(at) {
            Some(var) => Const::from(self.sizes[var].ok_or_else(|| self.unknown(param))?),
            None => {
                let range = range.unwrap_or(Range::default_for(param.scalar));
                random::element(self.context, param.scalar, range, self.seed_of(at))?
            }
        };
        Ok(Arg::Scalar(Value::scalar(value)))
    }

    fn random(&self, at: usize, shape: &[usize], range: Option<Range>) -> Result<RawBuffer> {
        let param = &self.signature.params[at];
        if shape.len() != param.dims.len() {
            let expected = describe::param_type(self.signature, param);
            let message =
                format!("argument `{}` must be `{expected}`, {} lengths given", param.name, shape.len());
            bail!(Usage(message));
        }
        let range = range.unwrap_or(Range::default_for(param.scalar));
        Ok(random::array(self.context, param.scalar, shape, range, self.seed_of(at))?)
    }

    /// Every parameter has numbers of its own.
    fn seed_of(&self, at: usize) -> u32 {
        (u32::from(self.seed) << 16) + at as u32 + 1
    }

    fn size_bound_by(&self, at: usize) -> Option<usize> {
        self.signature.sizes.iter().position(|size| size.bound_by == SizeSource::Scalar { param: at })
    }

    fn note_scalar(&mut self, at: usize, value: RawBuffer) {
        if let Some(var) = self.size_bound_by(at) {
            self.sizes[var] = value.typed::<i64>().and_then(|value| value.value().ok());
        }
    }

    /// What contradicts an earlier length is left to be found by the check of the arguments.
    fn note_axes(&mut self, at: usize, shape: &[usize]) {
        for (dim, extent) in self.signature.params[at].dims.iter().zip(shape) {
            if let Some(var) = dim.size.as_var() {
                self.sizes[var.0 as usize].get_or_insert(*extent as i64);
            }
        }
    }

    fn unknown(&self, param: &ParamType) -> Usage {
        let unknown = self.signature.sizes.iter().zip(&self.sizes).find(|(_, value)| value.is_none());
        let size = unknown.map_or("n", |(size, _)| size.name.as_str());
        Usage(format!(
            "no argument for `{0}`: give `--arg {0}=…`, or `--size {size}=…` for random numbers",
            param.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_have_shapes_and_ranges() {
        let random = |text| random(text).map_err(|error| error.to_string());
        let range = Some(Range { low: -1.0, high: 2.5 });
        assert_eq!(random("1_000"), Ok(Random { shape: Some(vec![1000]), range: None }));
        assert_eq!(random("-1..2.5"), Ok(Random { shape: None, range }));
        assert_eq!(random("2x3:-1..2.5"), Ok(Random { shape: Some(vec![2, 3]), range }));
        assert_eq!(random("-1..2.5:0"), Ok(Random { shape: Some(vec![0]), range }));
    }

    #[test]
    fn what_is_no_random_array_is_told() {
        for (text, told) in [
            ("", "`` is no length"),
            ("2x", "`2x` is no length"),
            ("-5", "`-5` is no length"),
            ("1e6", "`1e6` is no length"),
            ("2:3", "`3` is said twice"),
            ("1..1", "`1..1` is no range"),
            ("nan..1", "`nan..1` is no range"),
            ("0..inf", "`0..inf` is no range"),
        ] {
            let error = random(text).expect_err(text).to_string();
            assert_eq!(error, format!("{told}: {FORM}"), "{text}");
        }
    }
}
