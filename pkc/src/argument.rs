//! Arguments of a kernel from the command line: values written out, `.npy` files, columns of CSV files, pipes.

use crate::{
    Usage, column,
    elements::Elements,
    npy,
    quote::{quote, quote_all},
    scalar,
};
use anyhow::{Context, Result, bail};
use pk::{
    Const, Scalar, Value,
    signature::{ParamType, Signature},
};
use std::{borrow::Cow, io, path::Path};

/// The arguments for the parameters of `signature`, in their order, from texts of the form `NAME=SOURCE`.
pub(crate) fn read_all(signature: &Signature, texts: &[String]) -> Result<Vec<Value<'static>>> {
    let given = sources(signature, texts)?;
    let missing = |param: &ParamType| Usage(format!("no argument for `{}`: give `--arg {0}=…`", param.name));
    let all = signature.params.iter().zip(given);
    let all = all.map(|(param, source)| Ok((param, source.ok_or_else(|| missing(param))?)));
    // All names are checked before the first file is read.
    let all = all.collect::<Result<Vec<_>, Usage>>()?;
    all.into_iter().map(|(param, source)| read(param, source)).collect()
}

/// The source that texts of the form `NAME=SOURCE` give for each parameter, if any.
pub(crate) fn sources<'a>(signature: &Signature, texts: &'a [String]) -> Result<Vec<Option<&'a str>>> {
    let given = texts.iter().map(|text| split(signature, text)).collect::<Result<Vec<_>>>()?;
    if given.iter().filter(|(_, source)| *source == "-").count() > 1 {
        bail!(Usage("standard input can be read only once".to_string()));
    }
    let sources = signature.params.iter().map(|param| {
        let mut sources = given.iter().filter(|(name, _)| *name == param.name).map(|(_, source)| *source);
        match (sources.next(), sources.next()) {
            (_, Some(_)) => Err(Usage(format!("two arguments for `{}`", param.name)).into()),
            (source, None) => Ok(source),
        }
    });
    sources.collect()
}

/// The argument that a source is.
pub(crate) fn read(param: &ParamType, source: &str) -> Result<Value<'static>> {
    read_source(param, source).with_context(|| format!("argument `{}`", param.name))
}

/// `NAME=SOURCE` in two, if the kernel has a parameter of that name.
fn split<'a>(signature: &Signature, text: &'a str) -> Result<(&'a str, &'a str)> {
    let Some((name, source)) = text.split_once('=') else {
        bail!(Usage(format!("{} has no `=`: write `NAME=SOURCE`", quote(&format!("--arg {text}")))));
    };
    if !signature.params.iter().any(|param| param.name == name) {
        let has = match signature.params.is_empty() {
            true => "none".to_string(),
            false => quote_all(signature.params.iter().map(|param| &param.name)),
        };
        bail!(Usage(format!("kernel `{}` has no parameter {}; it has {has}", signature.name, quote(name))));
    }
    Ok((name, source))
}

fn read_source(param: &ParamType, source: &str) -> Result<Value<'static>> {
    if source == "-" {
        return from_npy(npy::read(io::stdin().lock(), None).context("standard input")?);
    }
    if source.ends_with(".npy") {
        return from_npy(npy::read_file(Path::new(source)).with_context(|| source.to_string())?);
    }
    if let Some((file, column)) = source.rsplit_once(".csv:") {
        return column::read_file(param.scalar, &format!("{file}.csv"), column);
    }
    match param.dims.is_empty() {
        true => Ok(Value::scalar(scalar::parse(param.scalar, source)?)),
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

/// An array from a list in brackets, or from a list of lists.
fn from_list(scalar: Scalar, text: &str) -> Result<Value<'static>> {
    if !text.trim_start().starts_with('[') {
        let give = "give a `.npy` file, a column `FILE.csv:COLUMN`, `-` or `[…]`";
        bail!(Usage(format!("{} is no array: {give}", quote(text))));
    }
    let mut list = List { rest: text, elements: Elements::new(scalar), shape: Vec::new() };
    list.array(scalar, 0)?;
    match list.rest.trim_start() {
        "" => list.elements.into_shaped(&list.shape),
        rest => bail!(Usage(format!("{} after the end of the list", quote(rest)))),
    }
}

/// A cursor in a list of lists.
struct List<'a> {
    rest: &'a str,
    elements: Elements,
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
        if is_list && (self.elements.len() == 0 || !is_deepest) {
            return self.array(scalar, depth + 1);
        }
        if is_list || !is_deepest {
            bail!(Usage("numbers and lists side by side in one list".to_string()));
        }
        let end = self.rest.find([',', ']']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.elements.push(scalar::parse(scalar, text.trim())?)?;
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
            false if self.rest.trim().is_empty() => {
                bail!(Usage(format!("a list without its last `{character}`")))
            }
            false => bail!(Usage(format!("expected `{character}` at {}", quote(self.rest)))),
        }
    }
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
            ("[1, 2", "a list without its last `]`"),
            ("[1] 2", "`2` after the end of the list"),
            ("[[1, 2], [3]]", "rows of 2 and of 1 elements in one list"),
            ("[1, [2]]", "numbers and lists side by side in one list"),
            ("[[1], 2]", "numbers and lists side by side in one list"),
            ("[1, x]", "`x` is no `i32`"),
            ("[,]", "nothing stands where `i32` is wanted"),
            ("[[[[[[[[[1]]]]]]]]]", "a list of more than 8 dimensions"),
        ] {
            assert_eq!(list(text), Err(message.to_string()), "{text}");
        }
    }
}
