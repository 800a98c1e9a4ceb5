//! `pkc devices`: what kernels can run on, the default first.

use super::print;
use anyhow::Result;
use pk::Device;
use std::fmt::Write;

pub(super) fn run() -> Result<()> {
    let mut text = String::new();
    for device in Device::all() {
        let info = device.info();
        let threads = if info.threads == 1 { "thread" } else { "threads" };
        let backend = device.backend().name();
        writeln!(text, "{backend:<8} {} ({}, {} {threads})", device.name(), info.architecture, info.threads)?;
    }
    print(&text)
}
