//! What a test file states of itself: TOML in its comments that begin with `//@`.

use pk::Limits;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The statements of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    /// The kernel to run, if the file has several.
    pub(crate) kernel: Option<String>,
    /// With which arguments to run it, and what must come out.
    pub(crate) cases: Vec<Case>,
    /// The codes of the errors, in order, of a file that must not compile.
    pub(crate) error: Vec<String>,
    /// The codes of the warnings, in order.
    pub(crate) warning: Vec<String>,
    /// Back ends on which the file is known to fail, each with the reason.
    pub(crate) skip: BTreeMap<String, String>,
    /// The stages whose text is kept as a snapshot.
    pub(crate) stages: Vec<String>,
    /// How many nests the optimised kernel has.
    pub(crate) nests: Option<usize>,
    /// The sizes with which the kernel is run once more, instead of the usual ones.
    pub(crate) resize: Option<Vec<i64>>,
    /// Under which limits to compile.
    pub(crate) limits: Limits,
}

/// One run of a kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// The arguments by name.
    pub(crate) args: Table,
    /// The result, or a table of the results by name.
    pub(crate) output: Option<Value>,
    /// The fault that must be reported instead.
    pub(crate) fault: Option<FaultPattern>,
    /// The relative error that is allowed against `output`; nothing is ever allowed between back ends.
    pub(crate) rtol: f64,
    /// Whether results are wanted in spite of faults.
    pub(crate) ignore_faults: bool,
}

/// What a file states of a fault; what it leaves out may be anything.
#[derive(Clone, Debug)]
pub(crate) struct FaultPattern {
    /// The code of its diagnostic.
    pub(crate) code: String,
    /// The source text that it points to.
    pub(crate) text: Option<String>,
    /// The element in which it arose.
    pub(crate) element: Option<i64>,
    /// The index, or the first size.
    pub(crate) index: Option<i64>,
    /// The length, or the second size.
    pub(crate) length: Option<i64>,
}

/// Reads the header of a file.
pub(crate) fn parse(text: &str) -> Result<Header, String> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("//@"));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let table: Table = text.parse().map_err(|error| format!("in the header: {error}"))?;
    let mut header = Header::default();
    let mut only = Case::default();
    let mut states_case = false;
    for (key, value) in &table {
        match key.as_str() {
            "case" => header.cases = tables(value)?.into_iter().map(case).collect::<Result<_, _>>()?,
            "kernel" => header.kernel = Some(string(value)?),
            "error" => header.error = strings(value)?,
            "warning" => header.warning = strings(value)?,
            "stages" => header.stages = strings(value)?,
            "skip" => header.skip = reasons(value)?,
            "nests" => header.nests = Some(number(value)?),
            "resize" => header.resize = Some(numbers(value)?),
            "limits" => header.limits = limits(value)?,
            _ => {
                states_case = true;
                set_case(&mut only, key, value)?;
            }
        }
    }
    match (states_case, header.cases.is_empty()) {
        (true, true) => header.cases.push(only),
        (true, false) => {
            return Err("a header with `[[case]]` states arguments and results only there".into());
        }
        (false, _) => {}
    }
    Ok(header)
}

fn case(table: &Table) -> Result<Case, String> {
    let mut case = Case::default();
    for (key, value) in table {
        set_case(&mut case, key, value)?;
    }
    Ok(case)
}

fn set_case(case: &mut Case, key: &str, value: &Value) -> Result<(), String> {
    match key {
        "args" => case.args = value.as_table().ok_or("`args` must be a table")?.clone(),
        "output" => case.output = Some(value.clone()),
        "rtol" => case.rtol = value.as_float().ok_or("`rtol` must be a float")?,
        "fault" => case.fault = Some(fault(value)?),
        "ignore_faults" => case.ignore_faults = value.as_bool().ok_or("`ignore_faults` must be a boolean")?,
        _ => return Err(format!("the header has the unknown key `{key}`")),
    }
    Ok(())
}

fn fault(value: &Value) -> Result<FaultPattern, String> {
    let table = value.as_table().ok_or("`fault` must be a table")?;
    let integer = |key: &str| table.get(key).map(number).transpose();
    let known = ["code", "text", "element", "index", "length"];
    if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("`fault` has the unknown key `{key}`"));
    }
    Ok(FaultPattern {
        code: string(table.get("code").ok_or("`fault` needs a `code`")?)?,
        text: table.get("text").map(string).transpose()?,
        element: integer("element")?,
        index: integer("index")?,
        length: integer("length")?,
    })
}

fn limits(value: &Value) -> Result<Limits, String> {
    let mut limits = Limits::default();
    for (key, value) in value.as_table().ok_or("`limits` must be a table")? {
        match key.as_str() {
            "source_bytes" => limits.source_bytes = number(value)?,
            "tokens" => limits.tokens = number(value)?,
            "nesting" => limits.nesting = number(value)?,
            "height" => limits.height = number(value)?,
            "identifier_bytes" => limits.identifier_bytes = number(value)?,
            "params" => limits.params = number(value)?,
            "functions" => limits.functions = number(value)?,
            "ir_nodes" => limits.ir_nodes = number(value)?,
            "type_leaves" => limits.type_leaves = number(value)?,
            "tuple_depth" => limits.tuple_depth = number(value)?,
            "fold_steps" => limits.fold_steps = number(value)?,
            _ => return Err(format!("`limits` has the unknown key `{key}`")),
        }
    }
    Ok(limits)
}

fn string(value: &Value) -> Result<String, String> {
    value.as_str().map(String::from).ok_or_else(|| format!("`{value}` must be a string"))
}

fn strings(value: &Value) -> Result<Vec<String>, String> {
    value.as_array().ok_or_else(|| format!("`{value}` must be a list"))?.iter().map(string).collect()
}

fn number<T: TryFrom<i64>>(value: &Value) -> Result<T, String> {
    let number = value.as_integer().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("`{value}` must be an integer"))
}

fn numbers(value: &Value) -> Result<Vec<i64>, String> {
    value.as_array().ok_or_else(|| format!("`{value}` must be a list"))?.iter().map(number).collect()
}

fn tables(value: &Value) -> Result<Vec<&Table>, String> {
    let list = value.as_array().ok_or("`case` must be written `[[case]]`")?;
    list.iter().map(|case| case.as_table().ok_or("`case` must be written `[[case]]`".to_string())).collect()
}

fn reasons(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let table = value.as_table().ok_or("`skip` must be a table of reasons")?;
    table.iter().map(|(backend, reason)| Ok((backend.clone(), string(reason)?))).collect()
}
