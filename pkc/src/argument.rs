//! Arguments of a kernel from the command line: values written out, `.npy` files, columns of CSV files, pipes.

use crate::{Usage, npy};
use anyhow::{Context, Result, anyhow, bail};
use pk::{
    Const, Scalar, Value,
    signature::{ParamType, Signature},
};
use std::{borrow::Cow, io, path::Path};

/// The arguments for the parameters of `signature`, in their order, from texts of the form `NAME=SOURCE`.
pub(crate) fn read_all(signature: &Signature, texts: &[String]) -> Result<Vec<Value<'static>>> {
    let given = texts.iter().map(|text| split(signature, text)).collect::<Result<Vec<_>>>()?;
    if given.iter().filter(|(_, source)| *source == "-").count() > 1 {
        bail!(Usage("standard input can be read only once".to_string()));
    }
    let sources = signature.params.iter().map(|param| {
        let mut sources = given.iter().filter(|(name, _)| *name == param.name).map(|(_, source)| *source);
        match (sources.next(), sources.next()) {
            (Some(source), None) => Ok((param, source)),
            (None, _) => Err(Usage(format!("no argument for `{}`: give `--arg {0}=…`", param.name))),
            (Some(_), Some(_)) => Err(Usage(format!("two arguments for `{}`", param.name))),
        }
    });
    // All names are checked before the first file is read.
    let sources = sources.collect::<Result<Vec<_>, Usage>>()?;
    let read = |(param, source)| read(param, source).with_context(|| format!("argument `{}`", param.name));
    sources.into_iter().map(read).collect()
}

/// `NAME=SOURCE` in two, if the kernel has a parameter of that name.
fn split<'a>(signature: &Signature, text: &'a str) -> Result<(&'a str, &'a str)> {
    let Some((name, source)) = text.split_once('=') else {
        bail!(Usage(format!("`--arg {text}` has no `=`: write `NAME=SOURCE`")));
    };
    if !signature.params.iter().any(|param| param.name == name) {
        let names: Vec<String> = signature.params.iter().map(|param| format!("`{}`", param.name)).collect();
        let has = if names.is_empty() { "none".to_string() } else { names.join(", ") };
        bail!(Usage(format!("kernel `{}` has no parameter `{name}`; it has {has}", signature.name)));
    }
    Ok((name, source))
}

fn read(param: &ParamType, source: &str) -> Result<Value<'static>> {
    if source == "-" {
        return from_npy(npy::read(io::stdin().lock(), None).context("standard input")?);
    }
    if source.ends_with(".npy") {
        return from_npy(npy::read_file(Path::new(source)).with_context(|| source.to_string())?);
    }
    if let Some((file, column)) = source.rsplit_once(".csv:") {
        return from_csv(param.scalar, &format!("{file}.csv"), column);
    }
    match param.dims.is_empty() {
        true => Ok(Value::scalar(parse_scalar(param.scalar, source)?)),
        false => from_list(param.scalar, source),
    }
}

/// An array of no dimensions is a scalar.
fn from_npy(array: npy::NpyArray) -> Result<Value<'static>> {
    let npy::NpyArray { scalar, shape, bytes } = array;
    if !shape.is_empty() {
        return Ok(Value::from_bytes(scalar, &shape, Cow::Owned(bytes))?);
    }
    Ok(Value::scalar(Const::from_ne_bytes(scalar, &bytes)))
}

fn from_csv(scalar: Scalar, file: &str, column: &str) -> Result<Value<'static>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let names = reader.headers().with_context(|| file.to_string())?.clone();
    let by_number = || column.parse().ok().filter(|number| *number < names.len());
    let position = names.iter().position(|name| name == column).or_else(by_number);
    let position = position.ok_or_else(|| {
        let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
        anyhow!("{file} has no column `{column}`; it has {}", names.join(", "))
    })?;
    let mut values = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| file.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let value = parse_scalar(scalar, record.get(position).unwrap_or_default());
        values.push(value.with_context(|| format!("{file}, line {line}, column `{column}`"))?);
    }
    let shape = [values.len()];
    array(scalar, &values, &shape)
}

/// An array from a list in brackets, or from a list of lists.
fn from_list(scalar: Scalar, text: &str) -> Result<Value<'static>> {
    if !text.trim_start().starts_with('[') {
        let message =
            format!("`{text}` is no array: give a `.npy` file, a column `FILE.csv:COLUMN`, `-` or `[…]`");
        bail!(Usage(message));
    }
    let mut list = List { rest: text, values: Vec::new(), shape: Vec::new() };
    list.array(scalar, 0)?;
    match list.rest.trim_start() {
        "" => array(scalar, &list.values, &list.shape),
        rest => bail!(Usage(format!("`{rest}` after the end of the list"))),
    }
}

/// A cursor in a list of lists.
struct List<'a> {
    rest: &'a str,
    values: Vec<Const>,
    /// The lengths found so far, one for each depth that was left at least once.
    shape: Vec<usize>,
}

impl List<'_> {
    /// Reads what stands in brackets at this depth.
    fn array(&mut self, scalar: Scalar, depth: usize) -> Result<()> {
        const MAX_RANK: usize = 8;
        if depth == MAX_RANK {
            bail!(Usage(format!("a list of more than {MAX_RANK} dimensions")));
        }
        if self.shape.len() == depth {
            self.shape.push(usize::MAX);
        }
        self.expect('[')?;
        let mut len = 0;
        while !self.accept(']') {
            self.element(scalar, depth)?;
            len += 1;
            if !self.accept(',') {
                self.expect(']')?;
                break;
            }
        }
        let known = std::mem::replace(&mut self.shape[depth], len);
        match known == usize::MAX || known == len {
            true => Ok(()),
            false => bail!(Usage(format!("rows of {known} and of {len} elements in one list"))),
        }
    }

    fn element(&mut self, scalar: Scalar, depth: usize) -> Result<()> {
        let is_list = self.rest.trim_start().starts_with('[');
        let is_deepest = self.shape.len() == depth + 1;
        if is_list && (self.values.is_empty() || !is_deepest) {
            return self.array(scalar, depth + 1);
        }
        if is_list || !is_deepest {
            bail!(Usage("numbers and lists side by side in one list".to_string()));
        }
        let end = self.rest.find([',', ']']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.values.push(parse_scalar(scalar, text.trim())?);
        self.rest = rest;
        Ok(())
    }

    fn accept(&mut self, character: char) -> bool {
        match self.rest.trim_start().strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, character: char) -> Result<()> {
        match self.accept(character) {
            true => Ok(()),
            false => bail!(Usage(format!("expected `{character}` at `{}`", self.rest))),
        }
    }
}

fn array(scalar: Scalar, values: &[Const], shape: &[usize]) -> Result<Value<'static>> {
    let width = scalar.bytes();
    let mut bytes = vec![0; values.len() * width];
    bytes.chunks_exact_mut(width).zip(values).for_each(|(target, value)| value.write_ne_bytes(target));
    Ok(Value::from_bytes(scalar, shape, Cow::Owned(bytes))?)
}

/// A scalar of this type as the language writes it, but for the sign and without suffix.
fn parse_scalar(scalar: Scalar, text: &str) -> Result<Const> {
    let value = match scalar {
        Scalar::Bool => text.parse().ok().map(|value: bool| Const::from(value)),
        Scalar::F32 => parse_float(text).map(|value: f32| Const::from(value)),
        Scalar::F64 => parse_float(text).map(|value: f64| Const::from(value)),
        _ => parse_int(text)
            .filter(|value| scalar.int_range().is_some_and(|(min, max)| (min..=max).contains(value)))
            .map(|value| Const::from_int(scalar, value)),
    };
    value.ok_or_else(|| anyhow!("`{}` is no `{scalar}`", text.escape_debug()))
}

fn parse_int(text: &str) -> Option<i128> {
    let digits = text.replace('_', "");
    let (sign, magnitude) = digits.strip_prefix('-').map_or((1, &digits[..]), |magnitude| (-1, magnitude));
    let value = match magnitude.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16),
        None => magnitude.parse(),
    };
    value.ok().filter(|value| *value >= 0).map(|value| sign * value)
}

/// A number too large for its type is an error, not infinity; that has its own name.
fn parse_float<T: std::str::FromStr + Into<f64> + Copy>(text: &str) -> Option<T> {
    let value: T = text.replace('_', "").parse().ok()?;
    let is_infinite = value.into().is_infinite();
    (!is_infinite || text.to_ascii_lowercase().contains("inf")).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<String, String> {
        from_list(Scalar::I32, text).map(|value| format!("{value:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_have_shapes() {
        assert_eq!(list("[1, 2,3 ]"), Ok("Value([i32; 3])".to_string()));
        assert_eq!(list("[[1,2],[3,4],[5,6,],]"), Ok("Value([i32; 3, 2])".to_string()));
        assert_eq!(list(" [] "), Ok("Value([i32; 0])".to_string()));
        assert_eq!(list("[[],[]]"), Ok("Value([i32; 2, 0])".to_string()));
    }

    #[test]
    fn bad_lists_are_told_apart() {
        for (text, message) in [
            ("[1, 2", "expected `]` at ``"),
            ("[1] 2", "`2` after the end of the list"),
            ("[[1, 2], [3]]", "rows of 2 and of 1 elements in one list"),
            ("[1, [2]]", "numbers and lists side by side in one list"),
            ("[[1], 2]", "numbers and lists side by side in one list"),
            ("[1, x]", "`x` is no `i32`"),
            ("[,]", "`` is no `i32`"),
            ("[[[[[[[[[1]]]]]]]]]", "a list of more than 8 dimensions"),
        ] {
            assert_eq!(list(text), Err(message.to_string()), "{text}");
        }
    }

    #[test]
    fn scalars_fit_their_types() {
        let parse = |scalar, text| parse_scalar(scalar, text).ok().map(|value| value.to_string());
        assert_eq!(parse(Scalar::I8, "-128"), Some("-128".to_string()));
        assert_eq!(parse(Scalar::I8, "128"), None);
        assert_eq!(parse(Scalar::U64, "0xffff_ffff_ffff_ffff"), Some("18446744073709551615".to_string()));
        assert_eq!(parse(Scalar::U8, "-1"), None);
        assert_eq!(parse(Scalar::I32, "--1"), None);
        assert_eq!(parse(Scalar::F32, "1e-3"), Some("0.001".to_string()));
        assert_eq!(parse(Scalar::F32, "1e39"), None);
        assert_eq!(parse(Scalar::F32, "-inf"), Some("-inf".to_string()));
        assert_eq!(parse(Scalar::Bool, "true"), Some("true".to_string()));
        assert_eq!(parse(Scalar::Bool, "1"), None);
    }
}
