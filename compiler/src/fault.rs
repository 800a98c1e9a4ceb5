//! Faults of a launch: which one is reported is part of a program's meaning.
//!
//! Of all faults of a launch, the one at the lowest [`Site`] is reported, and of those the one at the lowest element:
//! the flat row-major index of the nest in the entry block in whose body it arose, or 0 for code outside of nests; within
//! one element, the first in order of evaluation. A fault inside the operator of a fold, whose operands are no
//! elements, has element [`Fault::IN_FOLD`] and zero `index` and `length`. A failed check ends the launch; any other
//! fault lets the nest go on, with zero for the value.

use crate::ir::Site;

/// A fault that arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the source.
    pub site: Site,
    /// At which element.
    pub element: u64,
    /// The bad index of an access, the first value of a failed check, else 0.
    pub index: i64,
    /// The length of the axis of an access (the first axis that the index misses), the second value of a failed
    /// check, else 0.
    pub length: i64,
}

impl Fault {
    /// The element of a fault inside a fold's operator.
    pub const IN_FOLD: u64 = u64::MAX;

    /// Whether this fault rather than `other` is the one to report.
    pub fn precedes(&self, other: &Fault) -> bool {
        (self.site, self.element) < (other.site, other.element)
    }
}
