//! Scans that run on: one thread that takes ranges of leaves in order needs no pass over them before.
//!
//! Where an operator is associative to the last bit, an element of a scan may be computed from all that stand before it
//! in any bracketing, so also from the last element of the range before.

use super::{Slot, cost::Cost, identity};
use crate::ir::{Body, Nest, Sink};

/// Where code keeps what precedes the next range of a scan that runs on. A frame belongs to one thread, so what it holds
/// is of the ranges that this thread has computed; in the beginning there is none, and all slots are zero.
#[derive(Clone, Debug)]
pub struct RunsOn {
    /// The number of the leaf that comes next.
    pub next: Slot,
    /// For each scan, the fold of all elements before that leaf, if it is not the first.
    pub before: Vec<Slot>,
}

/// Up to this cost, in picoseconds, an element is computed anew rather than stored and read again.
const CHEAP: u64 = 1000;

/// Whether the scans of `nest`, an element of which costs `element`, run on. Where several threads share it, its body is
/// evaluated twice.
pub(super) fn runs_on(body: &Body, nest: &Nest, element: &Cost) -> bool {
    let mut folds = nest.sinks.iter().filter_map(Sink::fold).peekable();
    let are_scalars = body.blocks[nest.body].results.iter().all(|result| !body.ty(*result).is_array());
    let is_cheap = element.flat().is_some_and(|picoseconds| picoseconds <= CHEAP);
    folds.peek().is_some()
        && folds.all(|fold| identity::of_exact(body, fold).is_some())
        && nest.sinks.iter().all(|sink| matches!(sink, Sink::Map | Sink::Scan { .. }))
        && are_scalars
        && is_cheap
}
