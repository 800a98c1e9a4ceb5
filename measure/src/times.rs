//! Repeating until the times can be trusted.

use std::time::{Duration, Instant};

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// At least for this time.
    pub time: Duration,
    /// At least so many runs.
    pub runs: usize,
}

/// The times of all runs.
#[derive(Clone, Debug)]
pub struct Times {
    /// In ascending order; at least one.
    sorted: Vec<Duration>,
}

impl Times {
    /// Runs until the budget is spent; `run` gives its time. What a tenth of the budget allows goes before and is not
    /// counted: caches fill, and the clock of the processor rises.
    ///
    /// # Errors
    /// That of a run.
    pub fn take<E>(budget: Budget, mut run: impl FnMut() -> Result<Duration, E>) -> Result<Times, E> {
        /// More would cost memory and change nothing.
        const MAX_RUNS: usize = 1 << 20;
        let start = Instant::now();
        while start.elapsed() < budget.time / 10 {
            run()?;
        }
        let start = Instant::now();
        let mut sorted = vec![run()?];
        while sorted.len() < budget.runs || (start.elapsed() < budget.time && sorted.len() < MAX_RUNS) {
            sorted.push(run()?);
        }
        sorted.sort_unstable();
        Ok(Times { sorted })
    }

    /// How many runs there were.
    pub fn runs(&self) -> usize {
        self.sorted.len()
    }

    /// The time of the fastest run.
    pub fn min(&self) -> Duration {
        self.sorted[0]
    }

    /// The time that half of the runs do not exceed.
    pub fn median(&self) -> Duration {
        self.sorted[(self.sorted.len() - 1) / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_runs_as_asked_for() {
        let budget = Budget { time: Duration::ZERO, runs: 5 };
        let mut clock = [50, 10, 30, 20, 40].map(Duration::from_millis).into_iter();
        let times = Times::take(budget, || clock.next().ok_or("no more")).expect("five runs");
        assert_eq!((times.runs(), times.min().as_millis(), times.median().as_millis()), (5, 10, 30));
        assert_eq!(Times::take(budget, || Err("broken")).unwrap_err(), "broken");
    }
}
