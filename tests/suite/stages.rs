//! The text of the stages of a few curated files, and how many nests are left of a kernel after fusion.

use crate::{corpus::File, errors::snapshot, oracle, run};
use libtest_mimic::Trial;
use pk::{Backend, Context, Device, Isa, Options, Program, Stage};
use pk_compiler::{deadline::Deadline, ir::Op, pass};
use std::sync::Arc;

pub(crate) fn trials(files: &[Arc<File>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for file in files {
        for stage in file.header.stages.clone() {
            let name = format!("stages/{stage}/{}", file.name);
            let is_missing = !is_here(&stage);
            let file = Arc::clone(file);
            trials.push(Trial::test(name, move || Ok(keeps(&file, &stage)?)).with_ignored_flag(is_missing));
        }
        if let Some(nests) = file.header.nests {
            let file = Arc::clone(file);
            trials.push(Trial::test(format!("nests/{}", file.name), move || Ok(fuses(&file, nests)?)));
        }
    }
    trials
}

/// Machine code and what becomes it are shown for one architecture.
fn is_here(stage: &str) -> bool {
    match stage {
        "clif" | "asm" => Device::default_for(Backend::Cpu).is_ok() && cfg!(target_arch = "x86_64"),
        _ => true,
    }
}

fn keeps(file: &File, stage_name: &str) -> Result<(), String> {
    let stage = Stage::ALL.into_iter().find(|stage| stage.name() == stage_name);
    let stage = stage.ok_or_else(|| format!("there is no stage `{stage_name}`"))?;
    let text = emit(file, stage).map_err(|error| format!("{error:#}"))?;
    snapshot(stage_name, file, &text);
    match text == emit(file, stage).map_err(|error| format!("{error:#}"))? {
        true => Ok(()),
        false => Err("the text differs from run to run".to_string()),
    }
}

fn emit(file: &File, stage: Stage) -> pk::Result<String> {
    let context = Context::new(&Device::default_for(Backend::Interp)?)?;
    let options = Options::new().name(file.source_name()).limits(file.header.limits.clone());
    let program = Program::compile_with(&context, &file.text, &options)?;
    let first = program.kernels().next().map(|kernel| kernel.name().to_string()).unwrap_or_default();
    program.emit_for(file.header.kernel.as_deref().unwrap_or(&first), stage, Isa::Baseline)
}

fn fuses(file: &File, stated: usize) -> Result<(), String> {
    let compiled = run::compile(file)?;
    let mut kernel = compiled.kernel(file.header.kernel.as_deref())?.clone();
    oracle::on_big_stack(|| pass::optimize(&mut kernel, &Deadline::default()))
        .map_err(|error| error.to_string())?;
    let nests = kernel.body.insts.iter().filter(|(_, inst)| matches!(inst.op, Op::Nest(_))).count();
    match nests == stated {
        true => Ok(()),
        false => Err(format!("{stated} nests are stated, {nests} are left:\n{kernel}")),
    }
}
