//! What must hold of all IR between passes. Back ends rely on it and need not check again.
//!
//! * Ids: every id that can be reached exists. A block is owned by one operation, an instruction stands in one block,
//!   and the values that these define point back to them. What cannot be reached from the entry block does not matter.
//! * Scopes: a value is used after its definition, in the same block or in one inside it.
//! * Shapes: an extent in a type is an `i64` value of the entry block, defined before the array is; only the extents of
//!   parameters of the entry block may be computed later in it, and those of a filter's columns start with the
//!   filter's own count. The extents of a nest are such values too.
//! * Types: operands, results and blocks of each operation are typed as [`Op`] says. Extents that must agree
//!   are not different constants; that they do agree is the business of checks.
//! * Places: checks and filters stand in the entry block. Sinks other than maps have one dimension.
//! * Sites: each exists and has the kind of fault that its operation raises.
//! * Signature: the entry block takes one `i64` for each size and then the parameters, and gives the results.

mod ops;

use super::{Arena, Block, Body, Def, Entity, Inst, Kernel, Op, Sink, Site, SiteData, Type, Value};
use pk_dsl::scalar::Scalar;
use std::fmt;

/// The first invariant found broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct VerifyError {
    /// Where.
    pub place: Place,
    /// What does not hold.
    pub message: String,
}

/// A place in IR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The signature of the kernel against its entry block.
    Signature,
    /// The parameters or results of a block, or the way that it is owned.
    Block(Block),
    /// An instruction.
    Inst {
        /// Which one.
        inst: Inst,
        /// Its operation as text, with ids as they are in the body.
        op: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Signature => f.write_str("signature"),
            Place::Block(block) => write!(f, "{block}"),
            Place::Inst { inst, op } => write!(f, "{inst} `{op}`"),
        }
    }
}

/// Checks all invariants.
pub fn verify(kernel: &Kernel) -> Result<(), VerifyError> {
    Verifier::new(&kernel.body, Some(&kernel.sites)).run()?;
    verify_signature(kernel).map_err(|message| VerifyError { place: Place::Signature, message })
}

/// Checks the invariants that do not need a kernel: all but those of sites and signatures.
pub fn verify_body(body: &Body) -> Result<(), VerifyError> {
    Verifier::new(body, None).run()
}

fn verify_signature(kernel: &Kernel) -> Result<(), String> {
    let (signature, body) = (&kernel.signature, &kernel.body);
    let entry = &body.blocks[body.entry];
    let found = |values: &[Value]| -> Vec<(Scalar, usize)> {
        values.iter().map(|value| (body.scalar(*value), body.ty(*value).shape.len())).collect()
    };
    let sizes = signature.sizes.iter().map(|_| (Scalar::I64, 0));
    let params = signature.params.iter().map(|param| (param.scalar, param.dims.len()));
    let expected: Vec<_> = sizes.chain(params).collect();
    ensure(found(&entry.params) == expected, || {
        format!("the parameters are {:?} (type, rank), not {expected:?}", found(&entry.params))
    })?;
    let expected: Vec<_> =
        signature.results.iter().map(|result| (result.scalar, result.dims.len())).collect();
    ensure(found(&entry.results) == expected, || {
        format!("the results are {:?} (type, rank), not {expected:?}", found(&entry.results))
    })
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

struct Verifier<'a> {
    body: &'a Body,
    sites: Option<&'a Arena<Site, SiteData>>,
    /// Which values the instruction at hand may use.
    is_visible: Vec<bool>,
    is_entry_value: Vec<bool>,
    is_block_seen: Vec<bool>,
    is_inst_seen: Vec<bool>,
}

impl<'a> Verifier<'a> {
    fn new(body: &'a Body, sites: Option<&'a Arena<Site, SiteData>>) -> Verifier<'a> {
        Verifier {
            body,
            sites,
            is_visible: vec![false; body.values.len()],
            is_entry_value: vec![false; body.values.len()],
            is_block_seen: vec![false; body.blocks.len()],
            is_inst_seen: vec![false; body.insts.len()],
        }
    }

    fn run(mut self) -> Result<(), VerifyError> {
        let entry = self.body.entry;
        self.note_entry_values().map_err(|message| VerifyError { place: Place::Block(entry), message })?;
        self.block(entry)
    }

    fn note_entry_values(&mut self) -> Result<(), String> {
        ensure(self.body.entry.index() < self.body.blocks.len(), || {
            "the entry block does not exist".to_string()
        })?;
        let entry = &self.body.blocks[self.body.entry];
        ensure(entry.insts.iter().all(|inst| inst.index() < self.body.insts.len()), || {
            "an instruction does not exist".to_string()
        })?;
        let results = entry.insts.iter().flat_map(|inst| &self.body.insts[*inst].results);
        for value in entry.params.iter().chain(results) {
            self.exists(*value)?;
            self.is_entry_value[value.index()] = true;
        }
        Ok(())
    }

    fn block(&mut self, block: Block) -> Result<(), VerifyError> {
        let at_block = |message| VerifyError { place: Place::Block(block), message };
        self.open(block).map_err(at_block)?;
        let data = &self.body.blocks[block];
        for &inst in &data.insts {
            self.inst(block, inst)?;
        }
        data.results.iter().try_for_each(|result| self.is_in_scope(*result)).map_err(at_block)?;
        let defined = data.insts.iter().flat_map(|inst| &self.body.insts[*inst].results);
        for value in data.params.iter().chain(defined) {
            self.is_visible[value.index()] = false;
        }
        Ok(())
    }

    /// Checks what a block says of itself, and defines its parameters.
    fn open(&mut self, block: Block) -> Result<(), String> {
        ensure(block.index() < self.body.blocks.len(), || "the block does not exist".to_string())?;
        let is_seen = std::mem::replace(&mut self.is_block_seen[block.index()], true);
        ensure(!is_seen, || "the block has two owners".to_string())?;
        for (index, param) in self.body.blocks[block].params.iter().enumerate() {
            self.exists(*param)?;
            let def = Def::Param { block, index: index as u32 };
            self.has_def(*param, def)?;
            self.shape(*param, |extent| block == self.body.entry || self.is_visible[extent.index()])?;
            self.is_visible[param.index()] = true;
        }
        Ok(())
    }

    fn inst(&mut self, block: Block, inst: Inst) -> Result<(), VerifyError> {
        let body = self.body;
        if inst.index() >= body.insts.len() {
            let message = format!("the instruction {inst} does not exist");
            return Err(VerifyError { place: Place::Block(block), message });
        }
        let data = &body.insts[inst];
        let at_inst = |message| {
            let op = format!("{:?}", data.op);
            VerifyError { place: Place::Inst { inst, op }, message }
        };
        self.before_blocks(inst).map_err(at_inst)?;
        let mut blocks = Vec::new();
        data.op.for_each_block(|block| blocks.push(block));
        blocks.into_iter().try_for_each(|block| self.block(block))?;
        // The types of its blocks can be looked at now that their ids are known to exist.
        self.op(data, block == body.entry).map_err(at_inst)?;
        data.results.iter().for_each(|result| self.is_visible[result.index()] = true);
        Ok(())
    }

    /// Checks all of an instruction that its blocks have no part in.
    fn before_blocks(&mut self, inst: Inst) -> Result<(), String> {
        let is_seen = std::mem::replace(&mut self.is_inst_seen[inst.index()], true);
        ensure(!is_seen, || "the instruction stands in two places".to_string())?;
        let data = &self.body.insts[inst];
        let mut operands = Vec::new();
        data.op.for_each_operand(|operand| operands.push(operand));
        operands.into_iter().try_for_each(|operand| self.is_in_scope(operand))?;
        let own_count = match &data.op {
            Op::Nest(nest) => count_of_filter(&nest.sinks, &data.results),
            _ => vec![],
        };
        for (index, result) in data.results.iter().enumerate() {
            self.exists(*result)?;
            self.has_def(*result, Def::Result { inst, index: index as u32 })?;
            self.shape(*result, |extent| self.is_visible[extent.index()] || own_count.contains(&extent))?;
        }
        Ok(())
    }

    fn exists(&self, value: Value) -> Result<(), String> {
        ensure(value.index() < self.body.values.len(), || format!("{value} does not exist"))
    }

    fn is_in_scope(&self, value: Value) -> Result<(), String> {
        self.exists(value)?;
        ensure(self.is_visible[value.index()], || format!("{value} is not defined here"))
    }

    fn has_def(&self, value: Value, def: Def) -> Result<(), String> {
        let found = self.body.values[value].def;
        ensure(found == def, || format!("{value} is defined as {def:?} but says {found:?}"))
    }

    fn shape(&self, array: Value, is_defined: impl Fn(Value) -> bool) -> Result<(), String> {
        for &extent in &self.body.ty(array).shape {
            self.exists(extent)?;
            self.is_extent(extent)?;
            ensure(is_defined(extent), || format!("the extent {extent} of {array} is not defined yet"))?;
        }
        Ok(())
    }

    fn is_extent(&self, value: Value) -> Result<(), String> {
        let is_size = *self.body.ty(value) == Type::scalar(Scalar::I64);
        ensure(is_size, || format!("the extent {value} is no `i64`"))?;
        ensure(self.is_entry_value[value.index()], || {
            format!("the extent {value} is no value of the entry block")
        })
    }
}

/// The counts that the filters among `sinks` define.
fn count_of_filter(sinks: &[Sink], results: &[Value]) -> Vec<Value> {
    let mut counts = Vec::new();
    let mut results = results;
    for sink in sinks {
        if let (Sink::Filter { .. }, [count, ..]) = (sink, results) {
            counts.push(*count);
        }
        results = results.get(sink.gives()..).unwrap_or_default();
    }
    counts
}

#[cfg(test)]
mod tests;
