//! FPCR and FPSR, the registers of floating-point arithmetic.

use std::arch::asm;

/// What the registers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    /// FPCR: how arithmetic is done.
    steering: u64,
    /// FPSR: what arithmetic has met so far. It steers nothing.
    flags: u64,
}

/// Round to nearest, keep subnormals, no exceptions; nothing met so far.
pub(super) const DEFAULT: Control = Control { steering: 0, flags: 0 };

/// Flush-to-zero, round up.
#[cfg(test)]
pub(super) const ODD: Control = Control { steering: 1 << 24 | 1 << 22, flags: 0 };

/// The part that steers arithmetic.
pub(super) fn steering(control: Control) -> u64 {
    control.steering
}

pub(super) fn read() -> Control {
    let (steering, flags): (u64, u64);
    // SAFETY: programs may read FPCR, and the instruction changes nothing but its operand.
    unsafe { asm!("mrs {}, fpcr", out(reg) steering, options(nomem, nostack, preserves_flags)) }
    // SAFETY: programs may read FPSR, and the instruction changes nothing but its operand.
    unsafe { asm!("mrs {}, fpsr", out(reg) flags, options(nomem, nostack, preserves_flags)) }
    Control { steering, flags }
}

pub(super) fn write(control: Control) {
    // SAFETY: programs may write FPSR, which steers nothing.
    unsafe { asm!("msr fpsr, {}", in(reg) control.flags, options(nomem, nostack, preserves_flags)) }
    // SAFETY: programs may write FPCR, and the value is the default or came from there. Rust code between here and the
    // restoration is pk's own and expects nothing but the default environment or does no floating-point arithmetic.
    unsafe { asm!("msr fpcr, {}", in(reg) control.steering, options(nomem, nostack, preserves_flags)) }
}
