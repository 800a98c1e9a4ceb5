//! What was measured, as a table for people and as JSON for programs.

use pk::Scalar;
use pk_measure::{
    roofline::{Demand, Resource, Roofline},
    times::Times,
};
use std::{fmt::Write, time::Duration};

/// Everything that `pkc bench` finds out about a kernel.
pub(crate) struct Report {
    pub(crate) kernel: String,
    pub(crate) device: String,
    pub(crate) threads: usize,
    /// From the file to code.
    pub(crate) compile: Duration,
    /// From the file to the first result.
    pub(crate) cold: Duration,
    pub(crate) times: Times,
    /// Of the largest argument or result.
    pub(crate) elements: u64,
    pub(crate) roofline: Roofline,
}

impl Report {
    /// A small table.
    pub(crate) fn table(&self) -> String {
        let (median, min) = (self.times.median(), self.times.min());
        let per_element = median.as_secs_f64() / self.elements.max(1) as f64;
        let threads =
            if self.threads == 1 { "1 thread".to_string() } else { format!("{} threads", self.threads) };
        let mut text =
            format!("`{}` on {}, {threads}, {} elements\n\n", self.kernel, self.device, self.elements);
        let mut line = |name: &str, time: f64, note: String| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{name:<8} {:>10}   {note}", scaled(time, "s"));
        };
        line("compile", self.compile.as_secs_f64(), "from the text to code".to_string());
        line("cold", self.cold.as_secs_f64(), "from the text to the first result".to_string());
        let runs = self.times.runs();
        let note = format!("median of {runs} runs, {} for each element", scaled(per_element, "s"));
        line("warm", median.as_secs_f64(), note);
        line("", min.as_secs_f64(), "fastest run; the rates below are its".to_string());
        text + &self.roofline_table()
    }

    fn roofline_table(&self) -> String {
        if self.roofline.demands.is_empty() {
            return String::new();
        }
        let fastest = self.times.min();
        let mut text = format!(
            "\n{:<8} {:>12} {:>12} {:>15} {:>15} {:>8}\n",
            "resource", "each run", "each element", "rate", "limit here", "reached"
        );
        for demand in &self.roofline.demands {
            let (unit, rate) = units(demand.resource);
            let _ = writeln!(
                text,
                "{:<8} {:>12} {:>12} {:>15} {:>15} {:>6.0} %",
                name(demand.resource),
                self.about(demand, scaled(demand.amount as f64, unit)),
                self.about(demand, scaled(demand.amount as f64 / self.elements.max(1) as f64, unit)),
                scaled(demand.rate(fastest), rate),
                scaled(demand.limit, rate),
                100.0 * demand.reached(fastest),
            );
        }
        if let Some(binding) = self.roofline.binding() {
            let reached = 100.0 * binding.reached(fastest);
            let what = match binding.resource {
                Resource::Memory => "memory".to_string(),
                Resource::Arithmetic(scalar) => format!("arithmetic on `{scalar}`"),
            };
            let _ = writeln!(text, "\nThe limit is {what}; {reached:.0} % of it is reached.");
        }
        if !self.roofline.operations.is_exact() {
            text += "The data decide how many operations (~) there are: shown is the most.\n";
        }
        text
    }

    /// Marks what is not exact.
    fn about(&self, demand: &Demand, text: String) -> String {
        match demand.resource {
            Resource::Arithmetic(_) if !self.roofline.operations.is_exact() => format!("~{text}"),
            _ => text,
        }
    }

    /// One JSON object on a line. Times are in seconds; rates, in bytes or operations per second, are those of the
    /// fastest run.
    pub(crate) fn json(&self) -> String {
        let seconds = |time: Duration| time.as_secs_f64();
        let operations: Vec<String> = Scalar::ALL
            .into_iter()
            .filter(|scalar| self.roofline.operations.of(*scalar) > 0)
            .map(|scalar| format!("\"{scalar}\":{}", self.roofline.operations.of(scalar)))
            .collect();
        let demands: Vec<String> =
            self.roofline.demands.iter().map(|demand| demand_json(demand, self.times.min())).collect();
        let binding =
            self.roofline.binding().map_or("null".to_string(), |demand| quoted(name(demand.resource)));
        format!(
            "{{\"kernel\":{},\"device\":{},\"threads\":{},\"compile\":{},\"cold\":{},\"median\":{},\"min\":{},\"runs\":{},\
             \"elements\":{},\"operations\":{{{}}},\"operations_are_exact\":{},\"roofline\":[{}],\"binding\":{binding}}}\n",
            quoted(&self.kernel),
            quoted(&self.device),
            self.threads,
            seconds(self.compile),
            seconds(self.cold),
            seconds(self.times.median()),
            seconds(self.times.min()),
            self.times.runs(),
            self.elements,
            operations.join(","),
            self.roofline.operations.is_exact(),
            demands.join(","),
        )
    }
}

fn demand_json(demand: &Demand, time: Duration) -> String {
    format!(
        "{{\"resource\":{},\"amount\":{},\"rate\":{},\"limit\":{},\"reached\":{}}}",
        quoted(name(demand.resource)),
        demand.amount,
        number(demand.rate(time)),
        number(demand.limit),
        number(demand.reached(time)),
    )
}

fn name(resource: Resource) -> &'static str {
    match resource {
        Resource::Memory => "memory",
        Resource::Arithmetic(scalar) => scalar.name(),
    }
}

/// The units of an amount and of a rate.
fn units(resource: Resource) -> (&'static str, &'static str) {
    match resource {
        Resource::Memory => ("B", "B/s"),
        Resource::Arithmetic(scalar) if scalar.is_float() => ("FLOP", "FLOP/s"),
        Resource::Arithmetic(_) => ("OP", "OP/s"),
    }
}

/// A number with three digits and the prefix that suits it: `1.23 ms`.
fn scaled(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 8] =
        [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];
    // 999.6 would have four digits in the smaller unit.
    let fits = |(factor, _): &&(f64, &str)| value >= 0.9995 * factor;
    let (factor, prefix) = PREFIXES.iter().find(fits).copied().unwrap_or((1e-12, "p"));
    let value = if value == 0.0 { 0.0 } else { value / factor };
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {prefix}{unit}")
}

/// JSON has no infinity.
fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { "null".to_string() }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() => {
                // Writing to a `String` cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (value, expected) in [
            (0.0012345, "1.23 ms"),
            (0.9996, "1.00 s"),
            (12.345, "12.3 s"),
            (123.4, "123 s"),
            (999.7, "1.00 ks"),
            (4.2e-8, "42.0 ns"),
            (3e-13, "0.30 ps"),
            (5e13, "50.0 Ts"),
        ] {
            assert_eq!(scaled(value, "s"), expected);
        }
    }

    #[test]
    fn texts_in_json_are_escaped() {
        assert_eq!(quoted("a \"b\" \\ \n"), r#""a \"b\" \\ \u000a""#);
        assert_eq!(number(f64::INFINITY), "null");
    }
}
