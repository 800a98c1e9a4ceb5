//! Fusion: arrays that are only read elementwise are never stored, and what runs over one domain is one pass.
//!
//! Three rewritings, in this order in each block, outside in:
//!
//! * [`inline`]: a producer so cheap that computing it again costs less than reading it moves to where it is read.
//! * [`curry`]: a producer over more dimensions than its one consumer becomes a nest of nests whose outer dimensions
//!   are the consumer's, so that a matrix that is reduced by rows is needed one row at a time.
//! * [`merge`]: nests over the same domain become one nest with the sinks of both, if what one reads of the other is
//!   the element of its own index.
//!
//! No element is computed twice but by the first, which has a limit on its cost. What can fault faults at the same
//! elements as before, in the same order where order matters.

mod curry;
mod graph;
mod inline;
mod merge;

use crate::deadline::Deadline;
use crate::ir::{Block, Body, Kernel};

/// Fuses wherever it can; whether anything changed.
pub(super) fn run(kernel: &mut Kernel, deadline: &Deadline) -> bool {
    let body = &mut kernel.body;
    let mut is_changed = inline::run(body, deadline);
    let mut pending = vec![body.entry];
    while let Some(block) = pending.pop() {
        is_changed |= curry::run(body, block, deadline);
        is_changed |= merge::run(body, block, deadline);
        if deadline.has_passed() {
            break;
        }
        pending.extend(inner_blocks(body, block));
    }
    is_changed
}

/// The blocks that the instructions of `block` own.
fn inner_blocks(body: &Body, block: Block) -> Vec<Block> {
    let mut blocks = Vec::new();
    for inst in &body.blocks[block].insts {
        body.insts[*inst].op.for_each_block(|inner| blocks.push(inner));
    }
    blocks
}
