//! Runs the tests as code for AArch64 on a machine that is none: an emulator shows whether the bits are the same there.
//!
//! Nothing is installed. What is missing is said, with the way to get it.

use anyhow::{Result, bail};
use std::{
    path::Path,
    process::{Command, Stdio},
};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64";

/// How much of its addresses a program may use. An emulator that knows no bound remembers something of every page that
/// a program ever had, and the tests have many large stacks.
const ADDRESSES: &str = "16G";

/// Where Debian has the C library of the other architecture.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// The packages that depend on the machine, and whose tests start no other programs.
const PACKAGES: [&str; 4] =
    ["--package=pk-compiler", "--package=pk-runtime", "--package=pk", "--features=pk/ndarray,pk/object"];

/// The package whose tests do.
const STARTS_PROGRAMS: &str = "--package=pkc";

/// Builds the tests and runs those that one of `filters` selects, or all.
pub(crate) fn run(filters: &[&str]) -> Result<()> {
    if cfg!(target_arch = "aarch64") {
        bail!("this machine needs no emulator: ./test runs the tests");
    }
    crate::report(&missing())?;
    let all = [&PACKAGES[..], &[STARTS_PROGRAMS]].concat();
    cargo(&all, &["--no-run"])?;
    let runs_programs = is_started(&crate::root().join("target").join(TARGET).join("debug/pkc"), "--version");
    let options = [&["--no-fail-fast", "--"], filters].concat();
    match runs_programs {
        true => cargo(&all, &options),
        false => {
            println!(
                "skipped: the tests of pkc, as Linux starts no programs for AArch64 (Debian: qemu-user-binfmt)"
            );
            cargo(&PACKAGES, &options)
        }
    }
}

/// What must be installed first.
fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    for (program, package) in
        [(EMULATOR, "qemu-user"), (LINKER, "gcc-aarch64-linux-gnu libc6-dev-arm64-cross")]
    {
        if !is_started(Path::new(program), "--version") {
            missing.push(format!("`{program}` is missing (Debian: apt-get install {package})"));
        }
    }
    if !has_target() {
        missing.push(format!("Rust's library for AArch64 is missing: rustup target add {TARGET}"));
    }
    missing
}

fn is_started(program: &Path, option: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(option).env("QEMU_LD_PREFIX", LIBRARIES).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn has_target() -> bool {
    let asked = Command::new("rustc").args(["--print=target-libdir", "--target", TARGET]).output();
    asked.is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_dir())
}

/// `cargo test` of `packages`, but not of their documentation, which shows nothing more here and takes long.
fn cargo(packages: &[&str], options: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
    let mut command = Command::new(cargo);
    command.args(["test", "--tests"]).args(packages).args(options).current_dir(crate::root());
    command.env("CARGO_BUILD_TARGET", TARGET);
    command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER);
    command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", EMULATOR);
    command.env("QEMU_LD_PREFIX", LIBRARIES).env("QEMU_RESERVED_VA", ADDRESSES).env("CC", LINKER);
    // The emulator is slow, so that optimised code pays; checks for debugging stay.
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_DEBUG", "0");
    match command.status()?.success() {
        true => Ok(()),
        false => bail!("the tests for AArch64 failed"),
    }
}
