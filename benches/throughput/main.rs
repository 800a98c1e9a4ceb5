//! How fast compiled kernels run: `cargo bench --bench throughput [FILTER]`.
//!
//! The workloads are those that people bring: streams, reductions, formulas of mathematical functions, nests. They
//! stand in the `.pk` files beside this one. Each is called through the public interface, on buffers that are in place.
//! With `--serve`, it answers `cargo xtask bench-peers` instead of printing a table.

mod serve;
mod workload;

use pk::{Backend, Context, Device};
use pk_measure::{
    roofline::{Machine, Resource},
    subject::Subject,
    times::{Budget, Times},
};
use std::time::Duration;
use workload::Workload;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const BUDGET: Budget = Budget { time: Duration::from_millis(300), runs: 5 };

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let device = Device::default_for(Backend::Cpu)?;
    if let Some(at) = args.iter().position(|arg| arg == "--serve") {
        let threads = args.get(at + 1).and_then(|threads| threads.parse().ok()).unwrap_or(1);
        return serve::run(&Context::with_threads(&device, threads)?);
    }
    // Cargo adds an option of its own.
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let mut machines = vec![Machine::new(&Context::with_threads(&device, 1)?)];
    let all = Context::new(&device)?;
    if all.threads()? > 1 {
        machines.push(Machine::new(&all));
    }
    print_head(&machines)?;
    for workload in workload::all()? {
        if filters.is_empty() || filters.iter().any(|filter| workload.matches(filter)) {
            match row(&workload, &mut machines) {
                Ok(row) => println!("{row}"),
                Err(error) => println!("{:<5} {:<28} {error}", workload.id, workload.title),
            }
        }
    }
    Ok(())
}

fn print_head(machines: &[Machine]) -> Result<()> {
    let (mut threads, mut columns) = (" ".repeat(34), format!("{:<5} {:<28}", "", "workload"));
    for machine in machines {
        let count = machine.context().threads()?;
        threads += &format!(
            "  {:^44}",
            if count == 1 { "1 thread".to_string() } else { format!("{count} threads") }
        );
        columns += &format!("  {:>9} {:>10} {:>8} {:>14}", "ms", "ns/element", "GB/s", "of the limit");
    }
    println!("{}\n{columns}", threads.trim_end());
    Ok(())
}

fn row(workload: &Workload, machines: &mut [Machine]) -> Result<String> {
    let mut row = format!("{:<5} {:<28}", workload.id, workload.title);
    for machine in machines {
        row += &format!("  {}", cells(workload, machine)?);
    }
    Ok(row)
}

/// What one context does with a workload.
fn cells(workload: &Workload, machine: &mut Machine) -> Result<String> {
    let context = machine.context().clone();
    let kernel = workload.kernel(&context)?;
    let mut subject = Subject::new(&context, &kernel, &workload.args(&context, &kernel)?)?;
    let time = Times::take(BUDGET, || subject.run())?.min();
    let roofline = machine.roofline(&subject, time)?;
    let limit = roofline.binding().map_or(String::new(), |demand| {
        let reached = 100.0 * demand.reached(time);
        match demand.resource {
            Resource::Memory => format!("{reached:.0} % memory"),
            Resource::Arithmetic(scalar) => format!("{reached:.0} % {:<6}", scalar.name()),
        }
    });
    let seconds = time.as_secs_f64();
    let bytes = subject.bytes_in() + subject.bytes_out()?;
    Ok(format!(
        "{:>9.4} {:>10.3} {:>8.2} {limit:>14}",
        seconds * 1e3,
        seconds * 1e9 / subject.elements()? as f64,
        bytes as f64 / seconds / 1e9,
    ))
}
