//! The workloads: kernels of the `.pk` files of this folder, each with sizes and inputs.
//!
//! A file lists its workloads in lines `//@ ID TITLE: KERNEL NAME=VALUE …`, where a value is the length of a size, a
//! scalar argument, or the range of a random array. The peers read the same lines.

use crate::Result;
use pk::{
    Const, Context, Kernel, Program, Scalar, Value,
    signature::{ParamType, Signature},
};
use pk_measure::{
    random::{self, Range},
    subject::Arg,
};
use std::path::{Path, PathBuf};

/// A kernel to be measured.
pub(crate) struct Workload {
    pub(crate) id: String,
    pub(crate) title: String,
    file: PathBuf,
    kernel: String,
    settings: Vec<(String, String)>,
}

/// Every workload, in the order of the identifiers.
pub(crate) fn all() -> Result<Vec<Workload>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/throughput");
    let mut workloads = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pk") {
            let text = std::fs::read_to_string(&path)?;
            for line in text.lines().filter_map(|line| line.strip_prefix("//@ ")) {
                let workload = parse(&path, line);
                workloads.push(workload.ok_or_else(|| format!("{}: no workload: {line}", path.display()))?);
            }
        }
    }
    workloads.sort_by_key(|workload| (number(&workload.id), workload.id.clone()));
    Ok(workloads)
}

fn parse(file: &Path, line: &str) -> Option<Workload> {
    let (head, rest) = line.split_once(": ")?;
    let (id, title) = head.split_once(' ')?;
    let mut words = rest.split_whitespace();
    Some(Workload {
        id: id.to_string(),
        title: title.to_string(),
        file: file.to_path_buf(),
        kernel: words.next()?.to_string(),
        settings: words.map(|word| word.split_once('=').map(owned)).collect::<Option<_>>()?,
    })
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_string(), value.to_string())
}

/// The digits of an identifier.
fn number(id: &str) -> u32 {
    id.chars().filter_map(|c| c.to_digit(10)).fold(0, |number, digit| 10 * number + digit)
}

impl Workload {
    /// Whether its identifier begins with `filter`, or its title has it.
    pub(crate) fn matches(&self, filter: &str) -> bool {
        self.title.contains(filter) || self.id.strip_prefix(filter).is_some_and(|rest| number(rest) == 0)
    }

    pub(crate) fn kernel(&self, context: &Context) -> Result<Kernel> {
        Ok(Program::from_file(context, &self.file)?.kernel(&self.kernel)?)
    }

    /// The arguments in place.
    pub(crate) fn args(&self, context: &Context, kernel: &Kernel) -> Result<Vec<Arg>> {
        let signature = kernel.signature();
        let params = signature.params.iter().zip(1..);
        params.map(|(param, seed)| self.arg(context, signature, param, seed)).collect()
    }

    fn arg(&self, context: &Context, signature: &Signature, param: &ParamType, seed: u32) -> Result<Arg> {
        if param.dims.is_empty() {
            return Ok(Arg::Scalar(Value::scalar(Const::from_int(
                param.scalar,
                self.length(&param.name)?.into(),
            ))));
        }
        let extent = |dim: &pk::signature::Dim| {
            let extent = self.length(&signature.size_text(&dim.size))?;
            Ok(usize::try_from(extent)?)
        };
        let shape = param.dims.iter().map(extent).collect::<Result<Vec<usize>>>()?;
        let range = self.range(&param.name, param.scalar)?;
        Ok(Arg::Array(random::array(context, param.scalar, &shape, range, seed)?))
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn length(&self, name: &str) -> Result<i64> {
        let value = self.setting(name).ok_or_else(|| format!("{}: no value for `{name}`", self.id))?;
        Ok(value.parse()?)
    }

    fn range(&self, name: &str, scalar: Scalar) -> Result<Range> {
        match self.setting(name).and_then(|text| text.split_once("..")) {
            Some((low, high)) => Ok(Range { low: low.parse()?, high: high.parse()? }),
            None => Ok(Range::default_for(scalar)),
        }
    }
}
