//! Cutting the domain of a launch into ranges, and for how many threads.
//!
//! Results do not depend on any of this: the elements of a range are those that code would have computed without it.

use crate::{driver::Sharing, parallelism};
use std::{
    iter,
    sync::atomic::{AtomicU64, Ordering},
};

/// How many elements the code of a launch computes at most between two looks at the cancel flag; so many elements of a
/// few arrays also stay in a cache for the next launch.
const MOST_ELEMENTS: u64 = 1 << 16;

/// How many leaves a launch computes before those that follow it get them; their elements stay in the first caches.
pub(super) const LEAVES_BY_TURNS: u64 = 8;

/// Sharing work that takes less time than this costs more than it saves; in picoseconds.
const WORTH_SHARING: u64 = 20_000_000;

/// The least work for which it is worth the trouble to ask for the next range; in picoseconds.
const WORTH_ASKING: u64 = 5_000_000;

/// How many ranges a thread gets, about: more are better for threads of unequal speed.
const RANGES_PER_THREAD: u64 = 4;

/// Long ranges begin at multiples of this many elements, so that vectors and cache lines are not cut.
const ALIGNMENT: u64 = 1024;

/// A domain to be divided. A unit is what is never cut: an element, or a leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub units: u64,
    /// How many elements a unit has.
    pub unit: u64,
    /// What an element costs, in picoseconds.
    pub cost: u64,
}

/// How a domain is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Division {
    /// How many threads work on it; at least one.
    pub threads: usize,
    /// How many units a range has, but the last; at least one.
    pub piece: u64,
}

impl Extent {
    /// How one thread goes through it.
    pub(super) fn alone(&self) -> Division {
        Division { threads: 1, piece: (MOST_ELEMENTS / self.unit).max(1) }
    }

    /// How it is best shared.
    pub(super) fn shared(&self, sharing: Sharing) -> Division {
        let most = self.alone().piece;
        let cost = self.cost.saturating_mul(self.unit).max(1);
        let work = self.units.saturating_mul(cost);
        let is_forced = sharing.piece.is_some();
        if self.units < 2 || (work < WORTH_SHARING && !is_forced) {
            return self.alone();
        }
        let allowed = sharing.threads.unwrap_or_else(parallelism::available) as u64;
        let piece = match sharing.piece {
            Some(elements) => (elements / self.unit).clamp(1, most),
            None => {
                let fair = self.units / (allowed * RANGES_PER_THREAD);
                self.round(fair.max(WORTH_ASKING / cost)).clamp(1, most)
            }
        };
        let useful = if is_forced { allowed } else { work / (WORTH_SHARING / 2) };
        match allowed.min(useful).min(self.units.div_ceil(piece)) {
            0 | 1 => self.alone(),
            threads => Division { threads: threads as usize, piece },
        }
    }

    /// So many units or some more.
    fn round(&self, units: u64) -> u64 {
        let alignment = ALIGNMENT / self.unit.min(ALIGNMENT);
        if units < alignment { units } else { units.next_multiple_of(alignment) }
    }
}

/// Where a range begins and ends, in units.
pub(super) type Range = (i64, i64);

/// The ranges of a domain, `piece` units each, for one thread that goes through all.
pub(super) fn in_order(units: i64, piece: u64) -> impl Iterator<Item = Range> {
    let piece = i64::try_from(piece).unwrap_or(i64::MAX);
    let mut end = 0i64;
    iter::from_fn(move || {
        let begin = end;
        end = begin.saturating_add(piece).min(units);
        (begin < end).then_some((begin, end))
    })
}

/// The ranges of a domain, each given to the first who asks.
pub(super) struct Ranges {
    units: u64,
    piece: u64,
    next: AtomicU64,
}

impl Ranges {
    /// Ranges of `piece` units; no more than 2^63 units.
    pub(super) fn new(units: i64, piece: u64) -> Ranges {
        Ranges { units: units.max(0) as u64, piece, next: AtomicU64::new(0) }
    }

    /// How many units a range has at most.
    pub(super) fn piece(&self) -> u64 {
        self.piece
    }

    /// Those that one of many threads gets.
    pub(super) fn iter(&self) -> impl Iterator<Item = Range> {
        iter::from_fn(|| self.take())
    }

    /// The first range that nobody has.
    fn take(&self) -> Option<Range> {
        // It stops close to 2^63 plus a piece for each thread, and so never wraps.
        let begin = self.next.fetch_add(self.piece, Ordering::Relaxed);
        (begin < self.units).then(|| (begin as i64, (begin + self.piece).min(self.units) as i64))
    }

    /// Nobody gets what is left.
    pub(super) fn end(&self) {
        self.next.store(self.units, Ordering::Relaxed);
    }

    /// Whether somebody has taken each of them.
    pub(super) fn are_taken(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREADS: Sharing = Sharing { threads: Some(4), piece: None };

    fn elements(units: u64) -> Extent {
        Extent { units, unit: 1, cost: 1000 }
    }

    #[test]
    fn small_work_stays_where_it_is() {
        for units in [0, 1, 100, 19_999] {
            assert_eq!(elements(units).shared(THREADS), Division { threads: 1, piece: 1 << 16 });
        }
        let one = Sharing { threads: Some(1), piece: None };
        assert_eq!(elements(1 << 30).shared(one), elements(1 << 30).alone());
    }

    #[test]
    fn as_many_threads_work_as_have_something_to_do() {
        let threads = |units| elements(units).shared(THREADS).threads;
        assert_eq!([20_000, 30_000, 50_000, u64::MAX >> 1].map(threads), [2, 3, 4, 4]);
        let heavy = Extent { units: 3, unit: 1, cost: u64::MAX };
        assert_eq!(heavy.shared(THREADS), Division { threads: 3, piece: 1 });
    }

    #[test]
    fn ranges_are_neither_tiny_nor_huge_and_begin_at_round_numbers() {
        assert_eq!(elements(20_000).shared(THREADS).piece, 5 * 1024);
        assert_eq!(elements(1_000_000).shared(THREADS).piece, 62 * 1024);
        assert_eq!(elements(1 << 40).shared(THREADS).piece, 1 << 16);
        let rows = Extent { units: 1000, unit: 1, cost: 1_000_000 };
        assert_eq!(rows.shared(THREADS).piece, 62);
        let leaves = Extent { units: 1 << 20, unit: 1024, cost: 100 };
        assert_eq!(leaves.shared(THREADS).piece, 64);
    }

    #[test]
    fn tests_may_ask_for_any_division() {
        let forced = Sharing { threads: Some(7), piece: Some(3) };
        assert_eq!(elements(10).shared(forced), Division { threads: 4, piece: 3 });
        assert_eq!(elements(1).shared(forced), elements(1).alone());
    }

    #[test]
    fn every_unit_is_in_one_range() {
        for (units, piece) in [(0, 1), (1, 5), (10, 3), (i64::MAX, 1 << 61)] {
            let ranges = Ranges::new(units, piece);
            assert!(in_order(units, piece).eq(Ranges::new(units, piece).iter()));
            let mut end = 0;
            while let Some(range) = ranges.take() {
                assert_eq!(range.0, end);
                end = range.1;
            }
            assert_eq!((end, ranges.take(), ranges.are_taken()), (units, None, true));
        }
        let ranges = Ranges::new(10, 3);
        assert_eq!((ranges.take(), ranges.are_taken()), (Some((0, 3)), false));
        ranges.end();
        assert_eq!((ranges.take(), ranges.are_taken()), (None, true));
    }
}
