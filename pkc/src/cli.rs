//! The command line as types.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// Check, run and inspect pk kernels.
#[derive(Debug, Parser)]
#[command(name = "pkc", version = version(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look for mistakes in a file
    Check(Check),
    /// Run a kernel and print or store its results
    Run(Run),
    /// Measure how fast a kernel is, and how fast this machine would let it be
    Bench(Bench),
    /// Make an object file, a static library and a C header of kernels, for programs without pk
    Build(Build),
    /// Print a form that a kernel takes on its way to code
    Emit(Emit),
    /// List what kernels can run on
    Devices,
    /// Print a reference of the kernels of a file as Markdown
    Doc(Doc),
    /// Print a completion script for a shell
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The program
    pub(crate) file: PathBuf,
    /// Print the findings as a JSON array on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The program
    pub(crate) file: PathBuf,
    /// Which kernel; may be left out if there is only one
    pub(crate) kernel: Option<String>,
    /// An argument. SOURCE is a value (`2.5`, `true`, `[1, 2, 3]`), a file (`x.npy`), a column of a file (`x.csv:price`,
    /// by name or number from 0), or `-` for `.npy` on standard input
    #[arg(long = "arg", value_name = "NAME=SOURCE")]
    pub(crate) args: Vec<String>,
    /// Store the result, or one field of it, as `.npy` instead of printing it; `-` is standard output
    #[arg(long = "out", value_name = "[FIELD=]FILE")]
    pub(crate) outs: Vec<String>,
    /// How to run it; the fastest way is the default
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendName>,
    /// How many threads to use at most; results do not depend on it. The default is the environment variable `PK_THREADS`
    /// or, without it, what the machine has
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The program
    pub(crate) file: PathBuf,
    /// Which kernel; may be left out if there is only one
    pub(crate) kernel: Option<String>,
    /// A size of the signature: random arrays have this length along every axis of that name
    #[arg(long = "size", value_name = "NAME=LENGTH")]
    pub(crate) sizes: Vec<String>,
    /// An argument; those that are not given are random. SOURCE is as for `run`, or `random[:LENGTH][:LOW..HIGH]` as in
    /// `random:-10..10`, `random:1000000`, `random:480x640:0..1`
    #[arg(long = "arg", value_name = "NAME=SOURCE")]
    pub(crate) args: Vec<String>,
    /// Other random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u16,
    /// For how long to repeat it at least
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) time: Duration,
    /// How often to repeat it at least
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) runs: NonZeroUsize,
    /// How to run it; the fastest way is the default
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendName>,
    /// How many threads to use at most; the default is that of `run`
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Print the measurement as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The program
    pub(crate) file: PathBuf,
    /// Which kernels; all of them if none is named
    pub(crate) kernels: Vec<String>,
    /// What to make code for
    #[arg(long, value_enum, default_value = "cpu")]
    pub(crate) target: TargetName,
    /// Which CPUs can run it; the default is `x86-64-v3`, or `baseline` on another architecture
    #[arg(long, value_enum)]
    pub(crate) cpu: Option<CpuName>,
    /// What the names of the functions start with; the default is the name of the file and `_`
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// Where to put the files
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Emit {
    /// The program
    pub(crate) file: PathBuf,
    /// Which kernel; may be left out if there is only one
    pub(crate) kernel: Option<String>,
    /// Which form
    #[arg(long, value_enum)]
    pub(crate) stage: StageName,
    /// For which machine the stages `clif` and `asm` are
    #[arg(long, value_enum, default_value = "native")]
    pub(crate) isa: IsaName,
}

#[derive(Debug, Args)]
pub(crate) struct Doc {
    /// The program
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}

/// A back end by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BackendName {
    /// The reference interpreter
    Interp,
    /// Machine code for this CPU
    Cpu,
}

impl From<BackendName> for pk::Backend {
    fn from(name: BackendName) -> pk::Backend {
        match name {
            BackendName::Interp => pk::Backend::Interp,
            BackendName::Cpu => pk::Backend::Cpu,
        }
    }
}

/// A stage by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StageName {
    /// The tokens of the text
    Tokens,
    /// The syntax tree of the text
    Ast,
    /// The kernel with types and resolved names
    Hir,
    /// The intermediate representation
    Ir,
    /// The same after optimisation
    IrOpt,
    /// The steps of the CPU back end
    Plan,
    /// What the CPU back end gives to Cranelift
    Clif,
    /// What Cranelift makes of that
    Asm,
}

impl From<StageName> for pk::Stage {
    fn from(name: StageName) -> pk::Stage {
        match name {
            StageName::Tokens => pk::Stage::Tokens,
            StageName::Ast => pk::Stage::Ast,
            StageName::Hir => pk::Stage::Hir,
            StageName::Ir => pk::Stage::Ir,
            StageName::IrOpt => pk::Stage::IrOpt,
            StageName::Plan => pk::Stage::Plan,
            StageName::Clif => pk::Stage::Clif,
            StageName::Asm => pk::Stage::Asm,
        }
    }
}

/// A set of instructions by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum IsaName {
    /// This machine
    Native,
    /// Every machine of this architecture
    Baseline,
}

impl From<IsaName> for pk::Isa {
    fn from(name: IsaName) -> pk::Isa {
        match name {
            IsaName::Native => pk::Isa::Native,
            IsaName::Baseline => pk::Isa::Baseline,
        }
    }
}

/// A kind of machine by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TargetName {
    /// CPUs of this machine's architecture and system
    Cpu,
}

/// A set of CPUs by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CpuName {
    /// Those that have all that this machine has
    Native,
    /// All of this architecture; code may call the C library's mathematical functions
    Baseline,
    /// Those of x86-64 since about 2009; code may call the C library's mathematical functions
    #[value(name = "x86-64-v2")]
    X86_64V2,
    /// Those of x86-64 with AVX2 and FMA, since about 2015
    #[value(name = "x86-64-v3")]
    X86_64V3,
}

impl From<CpuName> for pk::TargetCpu {
    fn from(name: CpuName) -> pk::TargetCpu {
        match name {
            CpuName::Native => pk::TargetCpu::Native,
            CpuName::Baseline => pk::TargetCpu::Baseline,
            CpuName::X86_64V2 => pk::TargetCpu::X86_64V2,
            CpuName::X86_64V3 => pk::TargetCpu::X86_64V3,
        }
    }
}

/// A time of at most a day.
fn seconds(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86_400.0;
    let seconds = text.parse().ok().filter(|seconds| (0.0..=DAY).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds, as `0.5`".to_string())
}

/// The version of the program, and of the bits that it computes.
fn version() -> String {
    format!("{} (numerics = {})", env!("CARGO_PKG_VERSION"), pk::NUMERICS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn stages_and_back_ends_have_their_names() {
        for name in StageName::value_variants() {
            let shown = name.to_possible_value().expect("none is hidden");
            assert_eq!(shown.get_name(), pk::Stage::from(*name).name());
        }
        for name in BackendName::value_variants() {
            let shown = name.to_possible_value().expect("none is hidden");
            assert_eq!(shown.get_name(), pk::Backend::from(*name).name());
        }
    }
}
