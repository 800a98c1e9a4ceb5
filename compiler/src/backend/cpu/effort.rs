//! How long Cranelift may take for a function: known before it starts, because it cannot be stopped.
//!
//! Its time grows with the instructions, and where values live across many blocks with the product of instructions and
//! blocks. The limits stand for about two seconds.

use cranelift_codegen::ir::Function;

/// The most instructions of a function.
const MOST_INSTRUCTIONS: usize = 1 << 19;

/// The most that instructions times blocks may be.
const MOST_PRODUCT: usize = 1 << 27;

/// Whether Cranelift can compile `function` within the time for one compilation.
pub(super) fn is_bounded(function: &Function) -> bool {
    let (instructions, blocks) = (function.dfg.num_insts(), function.dfg.num_blocks());
    instructions <= MOST_INSTRUCTIONS && instructions.saturating_mul(blocks) <= MOST_PRODUCT
}
