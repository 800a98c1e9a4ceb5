//! Runs the transcripts of the documentation: what a `console` block shows is what a reader gets.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// The pages with transcripts.
const PAGES: [&str; 2] = ["README.md", "examples/README.md"];

/// A command and what it is to print.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    output: String,
}

/// Runs all transcripts; fails if one prints something else, or if an example has none.
pub(crate) fn run() -> Result<()> {
    let mut steps = Vec::new();
    for page in PAGES {
        let text = std::fs::read_to_string(crate::root().join(page))
            .with_context(|| format!("cannot read {page}"))?;
        steps.extend(transcripts(&text));
    }
    let mut findings = missing(&steps)?;
    for step in &steps {
        let printed = output_of(&step.command)?;
        match printed == step.output {
            true => println!("ok      {}", step.command),
            false => {
                println!("FAILED  {}", step.command);
                findings.push(format!("$ {}\n{printed}--- expected\n{}", step.command, step.output));
            }
        }
    }
    crate::report(&findings)
}

/// The steps of the `console` blocks of a page. A line that ends in `\` goes on.
fn transcripts(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut is_console, mut goes_on) = (false, false);
    for line in page.lines() {
        if line.starts_with("```") {
            (is_console, goes_on) = (line == "```console", false);
            continue;
        }
        match (steps.last_mut(), line.strip_prefix("$ ")) {
            _ if !is_console => {}
            (Some(step), _) if goes_on => step.command += &format!("\n{line}"),
            (_, Some(command)) => steps.push(Step { command: command.to_string(), output: String::new() }),
            (Some(step), None) => step.output += &format!("{line}\n"),
            (None, None) => {}
        }
        goes_on = line.ends_with('\\');
    }
    steps
}

/// The examples that no transcript runs.
fn missing(steps: &[Step]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(crate::root().join("examples"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let mention = match name.split_once('.') {
            Some((stem, "rs")) => format!("--example {stem}"),
            Some((_, "pk")) => format!("examples/{name}"),
            _ => continue,
        };
        if !steps.iter().any(|step| step.command.contains(&mention)) {
            findings.push(format!("no transcript in {} runs examples/{name}", PAGES.join(" or ")));
        }
    }
    Ok(findings)
}

/// What a command prints: its standard output, and its standard error where the command asks for it.
fn output_of(command: &str) -> Result<String> {
    let root = crate::root();
    let path = std::env::var("PATH").unwrap_or_default();
    let pkc = root.join("target/release");
    // The transcripts call `pkc` by its name, as users do once it is installed.
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", pkc.display()))
        .current_dir(&root)
        .output()?;
    if output.status.code().is_none() {
        bail!("`{command}` was killed");
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_console_blocks_are_transcripts() {
        let page = "```rust\n$ no\n```\n```console\n$ pkc run a.pk \\\n    --arg x=1\n2.0\n\n$ pkc devices\n```\n$ no\n";
        let step =
            |command: &str, output: &str| Step { command: command.to_string(), output: output.to_string() };
        assert_eq!(
            transcripts(page),
            [step("pkc run a.pk \\\n    --arg x=1", "2.0\n\n"), step("pkc devices", "")]
        );
    }
}
