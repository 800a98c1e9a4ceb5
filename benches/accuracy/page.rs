//! The page that the measurements are written to, and read from.

use crate::{
    Result,
    draws::Format,
    error::Worst,
    functions::{FUNCTIONS, Function},
};
use std::fmt::{self, Display, Formatter};

/// Where the page is.
pub(crate) const PATH: &str = "docs/accuracy.md";

const HEAD: &str = "\
# Accuracy

<!-- Written by `cargo bench --bench accuracy`. -->

The library functions are pk's own, and give the same bits on every device; so the errors below are those of every device.
An error is the distance between the result and the true value, in units in the last place of the true value; 0.5 is the best that rounding allows.
Every function is required to stay within 1.5; overflow, underflow and special values (those of C99, Annex F) included.

For `f32`, functions of one argument were tried at all 2^32 arguments, functions of two at random ones, against functions of `f64`.
For `f64`, all were tried at random arguments, boundaries and known worst cases, against MPFR with 160 bits.
The third column says which arguments gave the greatest error, the fourth how many were tried.

| function | greatest error | at | tried |
|---|---|---|---|
";

/// What was found about a function in one format.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    name: String,
    error: String,
    /// The arguments that gave the error.
    pub(crate) args: Vec<f64>,
    count: String,
}

impl Row {
    /// The row that says `worst` of `function`.
    pub(crate) fn new(function: &Function, format: Format, worst: &Worst) -> Row {
        Row {
            name: format!("{} {}", function.name, format.name()),
            error: format!("{:.3}", worst.error),
            args: worst.args[..function.arity()].to_vec(),
            count: match worst.count {
                4_294_967_296 => "all".into(),
                count => count.to_string(),
            },
        }
    }

    /// Whether the other says the same of the same function, from however many arguments.
    pub(crate) fn agrees(&self, other: &Row) -> bool {
        self.name == other.name && self.error == other.error && self.args == other.args
    }

    fn parse(line: &str) -> Option<Row> {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, name, error, args, count, _] = cells[..] else { return None };
        let is_single = name.ends_with(Format::F32.name());
        let number =
            |arg: &str| if is_single { arg.parse::<f32>().ok().map(f64::from) } else { arg.parse().ok() };
        let args = args.split(", ").map(number).collect::<Option<Vec<f64>>>()?;
        Some(Row { name: name.into(), error: error.into(), args, count: count.into() })
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_single = self.name.ends_with(Format::F32.name());
        let shortest = |arg: &f64| if is_single { format!("{:e}", *arg as f32) } else { format!("{arg:e}") };
        let args: Vec<String> = self.args.iter().map(shortest).collect();
        write!(f, "| `{}` | {} | `{}` | {} |", self.name, self.error, args.join(", "), self.count)
    }
}

/// All rows.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    rows: Vec<Row>,
}

impl Page {
    /// The page as it is; without rows if there is none.
    pub(crate) fn read() -> Result<Page> {
        let text = match std::fs::read_to_string(path()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        Ok(Page { rows: text.lines().filter_map(Row::parse).collect() })
    }

    /// Writes it, in the order of [`FUNCTIONS`].
    pub(crate) fn write(&self) -> Result<()> {
        let order = FUNCTIONS.iter().flat_map(|function| Format::ALL.map(|format| (function, format)));
        let rows = order.filter_map(|(function, format)| self.row(function, format));
        let rows: String = rows.map(|row| format!("{row}\n")).collect();
        Ok(std::fs::write(path(), format!("{HEAD}{rows}"))?)
    }

    /// What it says of `function`.
    pub(crate) fn row(&self, function: &Function, format: Format) -> Option<&Row> {
        let name = format!("{} {}", function.name, format.name());
        self.rows.iter().find(|row| row.name == name)
    }

    /// Adds a row, or replaces it.
    pub(crate) fn set(&mut self, row: Row) {
        self.rows.retain(|old| old.name != row.name);
        self.rows.push(row);
    }
}

fn path() -> String {
    format!("{}/{PATH}", env!("CARGO_MANIFEST_DIR"))
}
