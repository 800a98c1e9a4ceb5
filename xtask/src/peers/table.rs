//! What was found out, as Markdown.

use super::{
    Workload,
    system::{Answer, System},
};
use anyhow::{Context, Result};
use std::{fmt::Write, fs, process::Command};

/// The lines of the page between which the tables stand.
const MARKS: [&str; 2] = ["<!-- bench-peers -->\n", "<!-- /bench-peers -->\n"];

/// What a peer says of a workload that it does not have (benches/peers/common.py); any other reason is news.
const NOT_WRITTEN: &str = "not written for it";

/// The table of one number of threads: our times, and for each peer its time divided by ours.
pub(super) fn render(
    threads: usize,
    systems: &[System],
    rows: &[(&Workload, Vec<Answer>)],
    missing: &[String],
) -> String {
    let names: Vec<&str> = systems.iter().skip(1).map(|system| system.name.as_str()).collect();
    let title = if threads == 1 { "1 thread".to_string() } else { format!("{threads} threads") };
    let mut text = format!("### {title}\n\n| | workload | pk, ms | {} |\n|---|---|---:|", names.join(" | "));
    text += &"---:|".repeat(names.len());
    let mut ratios: Vec<Vec<f64>> = names.iter().map(|_| Vec::new()).collect();
    for (workload, answers) in rows {
        let (ours, peers) = (&answers[0], &answers[1..]);
        let time = ours.seconds().map_or("–".to_string(), |seconds| digits(seconds * 1e3));
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n| {} | {} | {time} |", workload.id, workload.title);
        for (peer, ratios) in peers.iter().zip(&mut ratios) {
            let _ = write!(text, " {} |", cell(ours, peer, ratios));
        }
    }
    text += "\n| | geometric mean | |";
    for ratios in &ratios {
        let _ = write!(text, " {} |", geometric_mean(ratios));
    }
    let versions: Vec<&str> = systems.iter().map(|system| system.version.as_str()).collect();
    let _ = writeln!(text, "\n\nVersions: {}.", versions.join(", "));
    for (workload, answers) in rows {
        for (system, answer) in systems.iter().zip(answers) {
            if let Answer::None(reason) = answer
                && !reason.contains(NOT_WRITTEN)
            {
                let _ = writeln!(text, "{} has no {}: {reason}.", system.name, workload.id);
            }
        }
    }
    if !missing.is_empty() {
        let _ = writeln!(text, "Not there: {}.", missing.join(", "));
    }
    text
}

/// How many times as long as we a peer takes; a wrong result does not count.
fn cell(ours: &Answer, peer: &Answer, ratios: &mut Vec<f64>) -> String {
    let Some((ours_seconds, seconds)) = ours.seconds().zip(peer.seconds()) else { return "–".to_string() };
    let ratio = seconds / ours_seconds;
    if !ours.agrees(peer) {
        return format!("({} ≠)", digits(ratio));
    }
    ratios.push(ratio);
    digits(ratio)
}

fn geometric_mean(ratios: &[f64]) -> String {
    match ratios.len() {
        0 => "–".to_string(),
        count => digits((ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count as f64).exp()),
    }
}

/// Three digits, or all before the point.
fn digits(value: f64) -> String {
    match value {
        ..0.00995 => format!("{value:.5}"),
        ..0.0995 => format!("{value:.4}"),
        ..0.995 => format!("{value:.3}"),
        ..9.95 => format!("{value:.2}"),
        ..99.5 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Puts the tables into benches/README.md.
pub(super) fn write(args: &[&str], tables: &str) -> Result<()> {
    let path = crate::root().join("benches/README.md");
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (head, rest) = page.split_once(MARKS[0]).context("benches/README.md has no place for tables")?;
    let (_, tail) = rest.split_once(MARKS[1]).context("benches/README.md has no end of the tables")?;
    let quoted = |arg: &&str| if arg.contains(' ') { format!("\"{arg}\"") } else { arg.to_string() };
    let command = args.iter().map(quoted).collect::<Vec<String>>().join(" ");
    let machine =
        format!("Measured on {} with `cargo xtask bench-peers {command}`, {}.", processor(), date()?);
    Ok(fs::write(&path, format!("{head}{}\n{machine}\n\n{tables}{}{tail}", MARKS[0], MARKS[1]))?)
}

/// The processor and how many of it there are.
fn processor() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or(std::env::consts::ARCH, |(_, name)| name);
    let count = std::thread::available_parallelism().map_or(1, |count| count.get());
    format!("{name} ({count} processors)")
}

fn date() -> Result<String> {
    let output = Command::new("date").arg("+%Y-%m-%d").output().context("cannot run `date`")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.001234, 0.01234, 0.1234, 0.9999, 1.234, 12.34, 99.96, 1234.0].map(digits);
        assert_eq!(shown, ["0.00123", "0.0123", "0.123", "1.00", "1.23", "12.3", "100", "1234"]);
        assert_eq!([geometric_mean(&[1.0, 4.0]), geometric_mean(&[])], ["2.00", "–"]);
    }

    #[test]
    fn wrong_results_are_marked_and_do_not_count() {
        let answer = |seconds, first| Answer::Time { seconds, digest: vec![1.0, 5.0, 5.0, first, 5.0, 5.0] };
        let mut ratios = Vec::new();
        assert_eq!(cell(&answer(2.0, 5.0), &answer(3.0, 5.0), &mut ratios), "1.50");
        assert_eq!(cell(&answer(2.0, 5.0), &answer(3.0, 6.0), &mut ratios), "(1.50 ≠)");
        assert_eq!(cell(&answer(2.0, 5.0), &Answer::None(String::new()), &mut ratios), "–");
        assert_eq!(ratios, [1.5]);
    }
}
