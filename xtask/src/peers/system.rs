//! A system that runs workloads: a process that is asked for one at a time.

use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A running system. It ends when it is dropped.
pub(super) struct System {
    /// What the table calls it.
    pub(super) name: String,
    /// Its name and version, as it says.
    pub(super) version: String,
    process: Child,
    questions: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What a system says about a workload.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// The seconds of a run, and what shows whether results agree.
    Time { seconds: f64, digest: Vec<f64> },
    /// Why there is none.
    None(String),
}

impl System {
    /// Our own benchmark.
    pub(super) fn ours(prefix: &[String], threads: usize) -> Result<System> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
        let threads_text = threads.to_string();
        let words = [&cargo, "bench", "--quiet", "--bench", "throughput", "--", "--serve", &threads_text];
        System::start("pk", prefix, threads, &words)
    }

    /// A peer: a script beside common.py.
    pub(super) fn peer(prefix: &[String], name: &str, script: &[&str], threads: usize) -> Result<System> {
        let python = super::venv().join("bin/python");
        if !python.exists() {
            bail!("not installed: --install does that");
        }
        let path = format!("benches/peers/{}", script[0]);
        let python = python.display().to_string();
        System::start(name, prefix, threads, &[&[python.as_str(), &path], &script[1..]].concat())
    }

    fn start(name: &str, prefix: &[String], threads: usize, words: &[&str]) -> Result<System> {
        let mut all: Vec<String> = prefix.to_vec();
        if Command::new("taskset").arg("--version").output().is_ok() {
            // Some systems take as many threads as there are processors, whatever they are told.
            all.extend(["taskset".to_string(), "-c".to_string(), format!("0-{}", threads - 1)]);
        }
        all.extend(words.iter().map(|word| word.to_string()));
        let mut command = Command::new(&all[0]);
        for variable in
            ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS"]
        {
            command.env(variable, threads.to_string());
        }
        command.args(&all[1..]).current_dir(crate::root());
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (questions, answers) = (process.stdin.take(), process.stdout.take());
        let mut answers = BufReader::new(answers.context("it has no output")?).lines();
        let first = answers.next().transpose()?.unwrap_or_default();
        let Some(version) = first.strip_prefix("ready ") else { bail!("it does not start") };
        Ok(System { name: name.to_string(), version: version.to_string(), process, questions, answers })
    }

    /// Lets it run a workload for a while.
    pub(super) fn ask(&mut self, id: &str) -> Answer {
        let asked = self.questions.as_mut().is_some_and(|questions| writeln!(questions, "{id}").is_ok());
        match self.answers.next() {
            Some(Ok(line)) if asked => answer(id, &line),
            _ => Answer::None("it has ended".to_string()),
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // The end of the questions is the end of the process.
        self.questions = None;
        let _ = self.process.wait();
    }
}

fn answer(id: &str, line: &str) -> Answer {
    let rest = line.strip_prefix(id).unwrap_or("- another answer").trim_start();
    if let Some(reason) = rest.strip_prefix("- ") {
        return Answer::None(reason.to_string());
    }
    let numbers: Result<Vec<f64>, _> = rest.split_whitespace().map(str::parse).collect();
    match numbers.as_deref() {
        Ok([seconds, digest @ ..]) => Answer::Time { seconds: *seconds, digest: digest.to_vec() },
        _ => Answer::None(format!("no answer: {line}")),
    }
}

impl Answer {
    /// The faster one.
    pub(super) fn better(self, other: Answer) -> Answer {
        match (self.seconds(), other.seconds()) {
            (Some(one), Some(two)) if one <= two => self,
            (Some(_), None) => self,
            _ => other,
        }
    }

    /// The seconds of a run.
    pub(super) fn seconds(&self) -> Option<f64> {
        match self {
            Answer::Time { seconds, .. } => Some(*seconds),
            Answer::None(_) => None,
        }
    }

    /// Whether two systems found the same, as far as sums of floats in another order can.
    pub(super) fn agrees(&self, other: &Answer) -> bool {
        /// Some systems add 2^25 numbers one after another.
        const TOLERANCE: f64 = 5e-3;
        let (Answer::Time { digest: ours, .. }, Answer::Time { digest: theirs, .. }) = (self, other) else {
            return false;
        };
        // Length, sum, sum of magnitudes, and three elements for each result.
        let same = |(a, b): (&[f64], &[f64])| {
            let (mean, scale) = (a[2] / a[0].max(1.0), a[2].max(f64::MIN_POSITIVE));
            let near = |at: usize, scale: f64| (a[at] - b[at]).abs() <= TOLERANCE * scale;
            a[0] == b[0] && near(1, scale) && near(2, scale) && (3..6).all(|at| near(at, mean + a[at].abs()))
        };
        ours.len() == theirs.len() && ours.len() % 6 == 0 && ours.chunks(6).zip(theirs.chunks(6)).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_times_or_reasons() {
        let time = Answer::Time { seconds: 2e-3, digest: vec![1.0, -2.0] };
        assert_eq!(answer("W1a", "W1a 2e-3 1 -2"), time);
        assert_eq!(answer("W1a", "W1a - not written for it"), Answer::None("not written for it".to_string()));
        assert!(answer("W1a", "W2 1.0").seconds().is_none());
        let faster = Answer::Time { seconds: 1e-3, digest: Vec::new() };
        assert_eq!(time.clone().better(faster.clone()), faster);
        assert_eq!(time.clone().better(Answer::None(String::new())), time);
    }

    #[test]
    fn sums_may_differ_a_little_and_elements_not() {
        let time = |digest: [f64; 6]| Answer::Time { seconds: 1.0, digest: digest.to_vec() };
        let ours = time([10.0, 100.0, 100.0, 9.0, 11.0, 10.0]);
        assert!(ours.agrees(&time([10.0, 100.3, 100.3, 9.0, 11.0, 10.0])));
        for wrong in [
            [9.0, 100.0, 100.0, 9.0, 11.0, 10.0],
            [10.0, 99.0, 99.0, 9.0, 11.0, 10.0],
            [10.0, 100.0, 100.0, 11.0, 9.0, 10.0],
        ] {
            assert!(!ours.agrees(&time(wrong)), "{wrong:?}");
        }
        assert!(!ours.agrees(&time([10.0, f64::NAN, 100.0, 9.0, 11.0, 10.0])));
    }
}
