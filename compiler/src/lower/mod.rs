//! HIR to IR: calls are inlined, tuples and arrays of tuples become several values, lifting and views become indices.
//!
//! A value of HIR is a `Repr`: a scalar, a tuple of them, or an array that is computed when it is read. An array is
//! stored, by a nest, only when something may read an element more than once; then `fuse` may still undo it. Sizes are
//! computed in the entry block, once for each polynomial, so that equal sizes are one IR value.
//! Nothing here optimises; nothing here can fail on a checked program but by growing past a limit.

mod arrays;
mod checks;
mod exprs;
mod folds;
mod layout;
mod nests;
mod powers;
mod read;
mod scalars;
mod sizes;

use crate::{
    deadline::Deadline,
    ir::{Arena, Builder, FaultKind, Kernel, Site, SiteData, Type, Value},
};
use arrays::Array;
use pk_dsl::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, Function, FunctionId, LocalId, Program},
    scalar::Scalar,
    signature::{Signature, SizeSource},
    size::Size,
    types,
};
use pk_grammar::{limits::Limits, span::Span};
use std::{collections::HashMap, rc::Rc};

/// Lowers kernel number `kernel` of a checked program.
///
/// # Errors
///
/// A diagnostic if the kernel grows past [`Limits::ir_nodes`], if there is no such kernel, or if the deadline passes.
pub fn lower(
    program: &Program,
    kernel: usize,
    limits: &Limits,
    deadline: &Deadline,
) -> Result<Kernel, Vec<Diagnostic>> {
    let Some(source) = program.kernels.get(kernel) else {
        return Err(vec![Diagnostic::error(Code::UnknownName, Span::default(), "there is no such kernel")]);
    };
    let mut lowering = Lowering::new(program, limits, deadline);
    let results = lowering.kernel(source);
    finish(lowering, results, source.signature.clone(), limits)
}

/// Lowers a constant of a checked program to a kernel without parameters, whose results are its scalars and arrays.
///
/// # Errors
///
/// A diagnostic if it grows past [`Limits::ir_nodes`], or if the deadline passes.
pub fn lower_constant(
    program: &Program,
    constant: FunctionId,
    limits: &Limits,
    deadline: &Deadline,
) -> Result<Kernel, Vec<Diagnostic>> {
    let function = &program.functions[constant.0 as usize];
    let mut lowering = Lowering::new(program, limits, deadline);
    lowering.frames.push(Frame::new(function, None));
    let results = function.body.map_or_else(Vec::new, |body| {
        let value = lowering.expr(body);
        lowering.results(value)
    });
    let signature = Signature {
        name: function.name.clone(),
        doc: String::new(),
        sizes: Vec::new(),
        params: Vec::new(),
        results: Vec::new(),
        span: function.constant.unwrap_or_default(),
    };
    finish(lowering, results, signature, limits)
}

fn finish(
    lowering: Lowering<'_>,
    results: Vec<Value>,
    signature: Signature,
    limits: &Limits,
) -> Result<Kernel, Vec<Diagnostic>> {
    if lowering.has_unknown_size {
        let message = "a size in this kernel depends on a value that is not known when sizes are compared";
        let error = Diagnostic::error(Code::Irregular, signature.span, message)
            .help("bind the value with `let` before the `if` or the block whose result has that size");
        return Err(vec![error]);
    }
    if lowering.is_cut_short() {
        let message = format!("`{}` needs more than {} operations", signature.name, limits.ir_nodes);
        return Err(vec![Diagnostic::error(Code::Limit, signature.span, message)]);
    }
    let body = lowering.builder.finish(results);
    Ok(Kernel { signature, body, sites: lowering.sites })
}

/// What a value of HIR is while it is lowered.
#[derive(Clone, Debug)]
enum Repr {
    /// A scalar.
    Scalar(Value),
    /// A tuple.
    Tuple(Vec<Repr>),
    /// An array.
    Array(Array),
}

/// One body being inlined.
#[derive(Debug)]
struct Frame<'a> {
    function: &'a Function,
    locals: Vec<Option<Binding>>,
    sizes: Vec<Option<Value>>,
    /// The frame of the caller and what it gives for the bound sizes.
    caller: Option<(usize, Rc<[Size]>)>,
    /// The lengths that expressions have decided.
    lengths: HashMap<ExprId, Value>,
}

impl<'a> Frame<'a> {
    fn new(function: &'a Function, caller: Option<(usize, Rc<[Size]>)>) -> Frame<'a> {
        Frame {
            function,
            locals: vec![None; function.locals.len()],
            sizes: vec![None; function.sizes.len()],
            caller,
            lengths: HashMap::new(),
        }
    }
}

/// A bound local.
#[derive(Clone, Debug)]
struct Binding {
    repr: Repr,
    /// Whether it can be used in the entry block.
    is_in_entry: bool,
    /// The expression of its `let`.
    init: Option<ExprId>,
}

/// An index of an axis.
#[derive(Clone, Copy, Debug)]
struct At {
    value: Value,
    /// Set if it is not known to lie inside.
    unproven: Option<Unproven>,
}

/// What the user is told of an index that lies outside.
#[derive(Clone, Copy, Debug)]
struct Unproven {
    /// Where the index stands.
    span: Span,
    /// The array, if it has a name.
    array: Option<ArrayName>,
}

/// A name of an array, in [`Lowering::array_names`].
#[derive(Clone, Copy, Debug)]
struct ArrayName(u32);

impl At {
    fn inside(value: Value) -> At {
        At { value, unproven: None }
    }
}

struct Lowering<'a> {
    program: &'a Program,
    builder: Builder,
    sites: Arena<Site, SiteData>,
    /// The names of arrays that indices may miss.
    array_names: Vec<String>,
    frames: Vec<Frame<'a>>,
    /// The frame whose body is being lowered.
    current: usize,
    /// Whether code for sizes is being lowered into the entry block.
    in_entry: bool,
    integers: HashMap<i64, Value>,
    /// The constants of the program that have been used.
    constants: HashMap<FunctionId, Repr>,
    /// Arithmetic of sizes, each done once.
    size_code: HashMap<(sizes::SizeOp, Value, Value), Value>,
    /// The extent of the dimension that a value counts.
    ranges: HashMap<Value, Value>,
    /// How many times the code being lowered is repeated by unrolling.
    unrolled: usize,
    max_insts: usize,
    /// What calls of library functions expand to.
    called_insts: usize,
    deadline: &'a Deadline,
    /// Whether a size was asked for before what decides it.
    has_unknown_size: bool,
}

impl<'a> Lowering<'a> {
    fn new(program: &'a Program, limits: &Limits, deadline: &'a Deadline) -> Lowering<'a> {
        Lowering {
            program,
            builder: Builder::new(Vec::new()).0,
            sites: Arena::default(),
            array_names: Vec::new(),
            frames: Vec::new(),
            current: 0,
            in_entry: false,
            integers: HashMap::new(),
            constants: HashMap::new(),
            size_code: HashMap::new(),
            ranges: HashMap::new(),
            unrolled: 1,
            max_insts: limits.ir_nodes,
            called_insts: 0,
            deadline,
            has_unknown_size: false,
        }
    }

    fn kernel(&mut self, kernel: &'a pk_dsl::hir::Kernel) -> Vec<Value> {
        let signature = &kernel.signature;
        let sizes: Vec<Value> =
            signature.sizes.iter().map(|_| self.builder.entry_param(Type::scalar(Scalar::I64))).collect();
        self.frames.push(Frame::new(&kernel.function, None));
        for (slot, value) in self.frames[0].sizes.iter_mut().zip(&sizes) {
            *slot = Some(*value);
        }
        for (param, &local) in signature.params.iter().zip(&kernel.function.params) {
            let shape: Vec<Value> = param.dims.iter().map(|dim| self.size(&dim.size)).collect();
            let value = self.builder.entry_param(Type { scalar: param.scalar, shape: shape.clone() });
            let repr = match shape.is_empty() {
                true => Repr::Scalar(value),
                false => Repr::Array(Array::stored(shape, value)),
            };
            self.bind_local(local, repr, None);
        }
        self.bind_scalar_sizes(signature);
        let Some(body) = kernel.function.body else { return Vec::new() };
        let result = self.expr(body);
        self.results(result)
    }

    /// An `i64` parameter that is a size is one value, whichever of the two it is read as.
    fn bind_scalar_sizes(&mut self, signature: &Signature) {
        for (index, size) in signature.sizes.iter().enumerate() {
            if let SizeSource::Scalar { param } = size.bound_by {
                let local = self.frames[0].function.params[param];
                if let Some(value) = self.frames[0].sizes[index] {
                    self.bind_local(local, Repr::Scalar(value), None);
                }
            }
        }
    }

    /// The values of a kernel's result; a parameter that is a result as it stands is copied.
    fn results(&mut self, result: Repr) -> Vec<Value> {
        match result {
            Repr::Scalar(value) => vec![value],
            Repr::Tuple(parts) => parts.into_iter().flat_map(|part| self.results(part)).collect(),
            Repr::Array(array) => {
                let is_param =
                    array.stored_value().is_some_and(|value| self.builder.body().def(value).is_none());
                let leaves = match is_param {
                    true => self.copy(&array),
                    false => self.store(&array),
                };
                leaves.leaves()
            }
        }
    }

    // The program being lowered.

    fn function(&self) -> &'a Function {
        self.frames[self.current].function
    }

    fn bind_local(&mut self, local: LocalId, repr: Repr, init: Option<ExprId>) {
        let is_in_entry = self.in_entry || self.builder.is_in_entry();
        let binding = Binding { repr, is_in_entry, init };
        self.frames[self.current].locals[local.0 as usize] = Some(binding);
    }

    /// Whether there is no use in going on.
    fn is_cut_short(&self) -> bool {
        self.builder.body().insts.len() + self.called_insts > self.max_insts || self.deadline.has_passed()
    }

    /// A new site; sites are numbered in the order of evaluation.
    fn site(&mut self, kind: FaultKind, span: Span) -> Site {
        self.sites.push(SiteData { kind, span, other: None, texts: Vec::new() })
    }

    /// A new site of an access that may miss its array.
    fn access_site(&mut self, unproven: Unproven) -> Site {
        let name = unproven.array.map(|ArrayName(number)| self.array_names[number as usize].clone());
        let texts = name.into_iter().collect();
        self.sites.push(SiteData { kind: FaultKind::OutOfBounds, span: unproven.span, other: None, texts })
    }

    /// What messages call the array that an expression is, if it is as simple as a name or a path.
    fn array_name(&mut self, id: ExprId) -> Option<ArrayName> {
        let name = path(self.function(), id)?;
        let number = self.array_names.len() as u32;
        self.array_names.push(name);
        Some(ArrayName(number))
    }

    /// The constant `value` in the entry block.
    fn int(&mut self, value: i64) -> Value {
        if let Some(known) = self.integers.get(&value) {
            return *known;
        }
        let constant = self.builder.in_entry(|builder| builder.constant(value));
        self.integers.insert(value, constant);
        constant
    }

    /// The value of a constant.
    fn known_int(&self, value: Value) -> Option<i64> {
        self.builder.body().constant(value)?.as_int().and_then(|value| i64::try_from(value).ok())
    }

    fn scalar_type(&self, value: Value) -> Scalar {
        self.builder.body().scalar(value)
    }
}

/// A local, or a field of one, as it is written.
fn path(function: &Function, id: ExprId) -> Option<String> {
    match &function.expr(id).kind {
        ExprKind::Local(local) => Some(function.local(*local).name.clone()),
        ExprKind::Field(base, index) => {
            let fields = match &function.expr(*base).ty {
                types::Type::Array(array) => array.elem.fields()?,
                ty => ty.fields()?,
            };
            let field = match &fields.get(*index)?.name {
                Some(name) => name.to_string(),
                None => index.to_string(),
            };
            Some(format!("{}.{field}", path(function, *base)?))
        }
        _ => None,
    }
}

impl Repr {
    /// The scalar; the checker has made sure that it is one.
    fn scalar(&self) -> Value {
        match self {
            Repr::Scalar(value) => *value,
            Repr::Tuple(parts) => parts[0].scalar(),
            Repr::Array(array) => array.leaves()[0],
        }
    }
}
