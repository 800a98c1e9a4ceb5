//! MXCSR, the register of SSE arithmetic.

use std::arch::asm;

/// What the register holds.
pub(super) type Control = u32;

/// Round to nearest, keep subnormals, mask all exceptions; nothing met so far.
pub(super) const DEFAULT: Control = 0x1F80;

/// Flush-to-zero, subnormals are zero, round up.
#[cfg(test)]
pub(super) const ODD: Control = DEFAULT | 0x8040 | 0x4000;

/// What arithmetic has met so far. It steers nothing.
const FLAGS: Control = 0x3F;

/// The part that steers arithmetic.
pub(super) fn steering(control: Control) -> u32 {
    control & !FLAGS
}

pub(super) fn read() -> Control {
    let mut control: Control = 0;
    // SAFETY: the instruction stores the four bytes of MXCSR at the address, which is that of a `u32`.
    unsafe { asm!("stmxcsr [{}]", in(reg) &mut control, options(nostack, preserves_flags)) }
    control
}

pub(super) fn write(control: Control) {
    // SAFETY: the value is the default or came from MXCSR, so it has no reserved bit, which would fault. Rust code
    // between here and the restoration is pk's own and expects nothing but the default environment or does no
    // floating-point arithmetic.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &control, options(nostack, readonly)) }
}
