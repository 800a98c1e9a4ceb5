//! `pkc devices`: what kernels can run on, the default first.

use super::print;
use anyhow::Result;
use pk::{Context, Device};
use std::fmt::Write;

pub(super) fn run() -> Result<()> {
    let mut text = String::new();
    for device in Device::all() {
        let count = Context::new(&device)?.threads()?;
        let threads = if count == 1 { "thread" } else { "threads" };
        let (backend, architecture) = (device.backend().name(), device.info().architecture);
        writeln!(text, "{backend:<8} {} ({architecture}, {count} {threads})", device.name())?;
    }
    print(&text)
}
