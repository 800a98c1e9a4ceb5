//! Which fault a launch reports, found as faults arise in any order.

use crate::{fault::Fault, ir::Site};

/// The faults of a launch, and where evaluation stands.
#[derive(Debug, Default)]
pub(super) struct FaultLog {
    /// The one to report so far.
    pub(super) first: Option<Fault>,
    /// The element of the outermost nest; `None` outside of nests.
    pub(super) element: Option<u64>,
    /// How many operators of folds evaluation is inside of.
    pub(super) fold_depth: u32,
}

impl FaultLog {
    /// Notes a fault at the current element.
    pub(super) fn record(&mut self, site: Site, index: i64, length: i64) {
        let fault = match self.fold_depth {
            0 => Fault { site, element: self.element.unwrap_or(Fault::OUTSIDE), index, length },
            _ => Fault { site, element: Fault::IN_FOLD, index: 0, length: 0 },
        };
        if self.first.is_none_or(|first| fault.precedes(&first)) {
            self.first = Some(fault);
        }
    }
}
