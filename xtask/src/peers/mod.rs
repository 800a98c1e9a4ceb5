//! Our workloads beside the systems that users would choose instead of pk, in one run and on the same inputs.
//!
//! Each system is a process that answers questions (benches/throughput/serve.rs, benches/peers/common.py). They are
//! asked in turn, several times around, so that a machine that becomes slow does so for all of them.

mod system;
mod table;

use anyhow::{Context, Result, bail};
use std::{fs, path::PathBuf, process::Command, time::Duration};
use system::{Answer, System};

/// What to run, from the command line.
struct Options {
    filters: Vec<String>,
    threads: Vec<usize>,
    passes: usize,
    prefix: Vec<String>,
    rest: Duration,
    install: bool,
    write: bool,
}

/// A workload, as its file lists it.
struct Workload {
    id: String,
    title: String,
}

/// A peer: what the table calls it, its script with arguments, and the package that it needs.
const PEERS: [(&str, &[&str], &str); 6] = [
    ("gcc, fast", &["peer_c.py"], "numpy"),
    ("gcc", &["peer_c.py", "strict"], "numpy"),
    ("numba", &["peer_numba.py"], "numba"),
    ("JAX", &["peer_jax.py"], "jax"),
    ("NumPy", &["peer_numpy.py"], "numpy"),
    ("numexpr", &["peer_numexpr.py"], "numexpr"),
];

/// Runs `cargo xtask bench-peers` with these options.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let options = parse(args)?;
    if options.install {
        install()?;
    }
    let mut workloads = workloads()?;
    workloads
        .retain(|workload| options.filters.is_empty() || options.filters.iter().any(|f| workload.matches(f)));
    let mut page = String::new();
    for &threads in &options.threads {
        let table = compare(&options, threads, &workloads)?;
        println!("{table}");
        page += &format!("{table}\n");
    }
    if options.write { table::write(args, &page) } else { Ok(()) }
}

fn parse(args: &[&str]) -> Result<Options> {
    let all = std::thread::available_parallelism().map_or(1, |count| count.get());
    let threads = if all == 1 { vec![1] } else { vec![1, all] };
    let (filters, prefix) = (Vec::new(), Vec::new());
    let mut options =
        Options { filters, threads, passes: 3, prefix, rest: Duration::ZERO, install: false, write: false };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match *arg {
            "--threads" => options.threads = vec![value()?.parse()?],
            "--passes" => options.passes = value()?.parse()?,
            "--with" => options.prefix = value()?.split_whitespace().map(String::from).collect(),
            "--rest" => options.rest = Duration::from_secs(value()?.parse()?),
            "--install" => options.install = true,
            "--write" => options.write = true,
            _ if arg.starts_with('-') => bail!("{arg}: no such option"),
            filter => options.filters.push(filter.to_string()),
        }
    }
    Ok(options)
}

/// Where the Python of the peers lives.
fn venv() -> PathBuf {
    crate::root().join("target/bench-peers/venv")
}

/// Puts what Python can have into its own folder; what cannot be had is told, and missing later.
fn install() -> Result<()> {
    let mut make = Command::new("python3");
    if !make.args(["-m", "venv"]).arg(venv()).status()?.success() {
        bail!("python3 has no module venv");
    }
    let mut packages: Vec<&str> = PEERS.iter().map(|(_, _, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        let mut pip = Command::new(venv().join("bin/python"));
        if !pip.args(["-m", "pip", "install", "--quiet", package]).status()?.success() {
            eprintln!("{package} cannot be installed");
        }
    }
    Ok(())
}

fn workloads() -> Result<Vec<Workload>> {
    let mut workloads = Vec::new();
    for entry in fs::read_dir(crate::root().join("benches/throughput"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pk") {
            let text = fs::read_to_string(path)?;
            workloads.extend(text.lines().filter_map(workload));
        }
    }
    workloads.sort_by_key(|workload| (workload.number(), workload.id.clone()));
    Ok(workloads)
}

/// The workload of a line `//@ ID TITLE: …`.
fn workload(line: &str) -> Option<Workload> {
    let (head, _) = line.strip_prefix("//@ ")?.split_once(": ")?;
    let (id, title) = head.split_once(' ')?;
    Some(Workload { id: id.to_string(), title: title.to_string() })
}

impl Workload {
    /// The digits of its identifier.
    fn number(&self) -> u32 {
        self.id.chars().filter_map(|c| c.to_digit(10)).fold(0, |number, digit| 10 * number + digit)
    }

    fn matches(&self, filter: &str) -> bool {
        self.title.contains(filter)
            || self.id.trim_end_matches(|c: char| c.is_ascii_lowercase()) == filter
            || self.id == filter
    }
}

/// The table of one number of threads.
fn compare(options: &Options, threads: usize, workloads: &[Workload]) -> Result<String> {
    let mut systems = vec![System::ours(&options.prefix, threads)?];
    let mut missing = Vec::new();
    for (name, script, _) in PEERS {
        match System::peer(&options.prefix, name, script, threads) {
            Ok(system) => systems.push(system),
            Err(error) => missing.push(format!("{name} ({error:#})")),
        }
    }
    let mut rows = Vec::new();
    for workload in workloads {
        eprintln!("{} {} (threads: {threads})", workload.id, workload.title);
        rows.push((workload, ask_all(&mut systems, workload, options.passes)));
        std::thread::sleep(options.rest);
    }
    Ok(table::render(threads, &systems, &rows, &missing))
}

/// The best answer of each system in so many passes.
fn ask_all(systems: &mut [System], workload: &Workload, passes: usize) -> Vec<Answer> {
    let mut best: Vec<Option<Answer>> = systems.iter().map(|_| None).collect();
    for _ in 0..passes {
        for (system, best) in systems.iter_mut().zip(&mut best) {
            let is_hopeless = matches!(best, Some(Answer::None(_)));
            if !is_hopeless {
                let answer = system.ask(&workload.id);
                *best = Some(best.take().map_or(answer.clone(), |known| known.better(answer)));
            }
        }
    }
    best.into_iter().map(|answer| answer.unwrap_or(Answer::None("no pass".to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_listed_by_their_files() {
        let found = workload("//@ W2b sum, in cache: total n=32768").expect("a workload");
        assert_eq!((found.id.as_str(), found.title.as_str(), found.number()), ("W2b", "sum, in cache", 2));
        assert!(found.matches("W2") && found.matches("W2b") && found.matches("cache") && !found.matches("W"));
        assert!(workload("// a comment: of another kind").is_none());
    }

    #[test]
    fn there_are_workloads_of_every_number() -> Result<()> {
        let numbers: std::collections::BTreeSet<u32> = workloads()?.iter().map(Workload::number).collect();
        assert_eq!(numbers, (1..=15).collect());
        Ok(())
    }

    #[test]
    fn options_have_values() {
        let options = parse(&["W1", "--threads", "3", "--with", "nice -n 1"]).expect("good options");
        assert_eq!(
            (options.threads, options.prefix.len(), options.filters),
            (vec![3], 3, vec!["W1".to_string()])
        );
        assert!(parse(&["--threads"]).is_err() && parse(&["--thread", "1"]).is_err());
    }
}
