//! The tests of pk over `.pk` files: each file, on each back end, is one test with a name.
//!
//! A file is found at run time, so that adding a test is adding a file: `tests/kernels/README.md` says what its header
//! may state. What is not there on this machine is reported as ignored, never passed over in silence. Tests of one crate
//! stand in that crate; here is what needs the whole of pk.

mod api;
mod corpus;
mod coverage;
mod docs;
mod errors;
mod exhaustive;
mod faults;
mod generate;
mod header;
mod oracle;
mod outcome;
mod peers;
mod property;
mod resize;
mod robust;
mod run;
mod safety;
mod stages;
mod value;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = match corpus::load() {
        Ok(files) => [
            run::trials(&files),
            resize::trials(&files),
            errors::trials(&files),
            stages::trials(&files),
            coverage::trials(&files),
            docs::trials(),
            exhaustive::trials(),
            faults::trials(),
            peers::trials(),
            property::trials(),
            robust::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Err(message) => vec![Trial::test("corpus", move || Err(message.into()))],
    };
    trials.extend(safety::trials(trials.iter().map(|trial| trial.name().to_string()).collect()));
    libtest_mimic::run(&arguments, trials).exit_code()
}
