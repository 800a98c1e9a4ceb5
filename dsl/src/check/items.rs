//! Declarations: their names, their headers, and the order in which bodies are checked.

use super::{
    graph,
    infer::{Binding, Infer},
    type_exprs::{Place, RESERVED_TYPES, UNKNOWN_LENGTH},
};
use crate::{
    codes::Code,
    diagnostic::Diagnostic,
    hir::{self, FunctionId, Program, SizeData, SizeKind},
    scalar::Scalar,
    signature::{Dim, ParamType, ResultType, Signature, SizeName, SizeSource},
    size::{Size, SizeVar},
    types::Type,
};
use pk_grammar::{
    ast::{self, Ast, Item, ItemKind, TypeId},
    limits::Limits,
    span::{Ident, Span, Symbol},
};
use std::collections::HashMap;

/// What bodies see of the declarations.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) limits: Limits,
    /// Names of types that have been checked.
    pub(super) aliases: HashMap<Symbol, Type>,
    /// Functions and constants that have been checked.
    pub(super) functions: HashMap<Symbol, Header>,
    /// Constants of type `i64` that may stand in sizes.
    pub(super) const_sizes: HashMap<Symbol, i64>,
    /// Kernels, which cannot be called.
    pub(super) kernels: HashMap<Symbol, Span>,
    /// Functions whose bodies had errors: calls of them are not reported again.
    pub(super) broken: Vec<Symbol>,
}

/// A checked function, as its callers see it.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) id: FunctionId,
    pub(super) name: String,
    pub(super) params: Vec<(Type, Span)>,
    pub(super) result: (Type, Span),
    /// The size variables, all of them, so that sizes of types can be written.
    pub(super) sizes: Vec<SizeData>,
    pub(super) bound_sizes: usize,
    /// Bound variables on which sizes inside depend: their values must be the same for all elements.
    pub(super) uniform_sizes: Vec<SizeVar>,
    pub(super) is_const: bool,
    pub(super) makes_unknown_length: bool,
    /// Expressions once all calls are expanded, and the height of the expanded tree; both saturate.
    pub(super) nodes: usize,
    pub(super) height: usize,
    pub(super) span: Span,
}

/// Checks a whole program.
pub(super) struct Checker<'a> {
    ast: &'a Ast,
    source: &'a str,
    items: Items,
    program: Program,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(ast: &'a Ast, source: &'a str, limits: &Limits) -> Checker<'a> {
        let items = Items {
            limits: limits.clone(),
            aliases: HashMap::new(),
            functions: HashMap::new(),
            const_sizes: HashMap::new(),
            kernels: HashMap::new(),
            broken: Vec::new(),
        };
        Checker { ast, source, items, program: Program::default(), diagnostics: Vec::new() }
    }

    pub(super) fn run(mut self) -> (Program, Vec<Diagnostic>) {
        self.collect_names();
        match graph::order_items(self.ast) {
            Ok(order) => self.check_items(&order),
            Err(cycle) => self.report_cycle(&cycle),
        }
        (self.program, self.diagnostics)
    }

    fn check_items(&mut self, order: &[&'a Item]) {
        for item in order {
            match &item.kind {
                ItemKind::Type { ty } => self.check_alias(item, *ty),
                _ => self.check_function(item),
            }
        }
        for item in &self.ast.items {
            if let ItemKind::Kernel(function) = &item.kind {
                self.check_kernel(item, function);
            }
        }
    }

    fn name(&self, symbol: Symbol) -> &'a str {
        self.ast.names.resolve(symbol)
    }

    fn collect_names(&mut self) {
        let mut seen: HashMap<Symbol, Span> = HashMap::new();
        for item in &self.ast.items {
            let text = self.name(item.name.name);
            let first = *seen.entry(item.name.name).or_insert(item.name.span);
            if first != item.name.span {
                let message = format!("`{text}` is declared twice");
                self.diagnostics.push(Diagnostic::duplicate(item.name.span, first, message));
            }
            if Scalar::from_name(text).is_some() || RESERVED_TYPES.contains(&text) {
                let message = format!("`{text}` is a type and cannot be declared");
                self.diagnostics.push(Diagnostic::error(Code::Duplicate, item.name.span, message));
            }
            if let ItemKind::Kernel(_) = &item.kind {
                self.items.kernels.insert(item.name.name, item.name.span);
            }
        }
    }

    /// Reports declarations that need themselves.
    fn report_cycle(&mut self, cycle: &[&'a Item]) {
        let names: Vec<&str> = cycle.iter().map(|item| self.name(item.name.name)).collect();
        let (first, path) = (names[0], arrow(&names));
        let error = |message| Diagnostic::error(Code::Recursion, cycle[0].name.span, message);
        self.diagnostics.push(match cycle[0].kind {
            ItemKind::Type { .. } => error(format!("the type `{first}` contains itself: {path}")),
            _ => error(format!("`{first}` needs itself: {path}"))
                .help("there is no recursion; `loop … for i in a..b while c` repeats"),
        });
    }

    fn check_alias(&mut self, item: &'a Item, ty: TypeId) {
        let mut infer = Infer::new(self.ast, self.source, &self.items, "");
        let lowered = infer.lower_type(ty, Place::Local);
        self.diagnostics.append(&mut infer.diagnostics);
        self.items.aliases.insert(item.name.name, lowered);
    }

    fn check_function(&mut self, item: &'a Item) {
        let name = self.name(item.name.name);
        let mut infer = Infer::new(self.ast, self.source, &self.items, name);
        let (params, result, is_const) = match &item.kind {
            ItemKind::Fn(function) => {
                let params = infer.function_params(function);
                (params, infer.check_body(function.result, function.body), false)
            }
            ItemKind::Const { ty, value } => {
                infer.function.constant = Some(item.name.span);
                (Vec::new(), infer.check_body(*ty, *value), true)
            }
            _ => return,
        };
        infer.finish();
        let header = infer.header(item, params, result, is_const, &self.program);
        let const_size = is_const.then(|| infer.constant_value()).flatten();
        let has_errors = infer.has_errors();
        let (function, mut diagnostics) = (infer.function, infer.diagnostics);
        self.diagnostics.append(&mut diagnostics);
        if has_errors {
            self.items.broken.push(item.name.name);
        }
        if let Some(value) = const_size {
            self.items.const_sizes.insert(item.name.name, value);
        }
        self.limit_size(&header);
        self.items.functions.insert(item.name.name, header);
        self.program.functions.push(function);
    }

    /// A program that grows too large when its calls are expanded is refused before they are.
    fn limit_size(&mut self, header: &Header) {
        let limits = &self.items.limits;
        let reason = match (header.nodes > limits.ir_nodes, header.height > 2 * limits.height as usize) {
            (true, _) => format!("has more than {} operations once its calls are expanded", limits.ir_nodes),
            (_, true) => "nests its calls too deeply".to_string(),
            _ => return,
        };
        let already = self.diagnostics.iter().any(|d| d.code == Code::Limit);
        if !already {
            let message = format!("`{}` {reason}", header.name);
            self.diagnostics.push(Diagnostic::error(Code::Limit, header.span, message));
        }
    }

    fn check_kernel(&mut self, item: &'a Item, function: &ast::Function) {
        let name = self.name(item.name.name);
        let mut infer = Infer::new(self.ast, self.source, &self.items, name);
        infer.is_kernel = true;
        let params = infer.kernel_params(function);
        let result = infer.check_body(function.result, function.body);
        infer.finish();
        let signature = infer.signature(item, function, &params, &result);
        let header = infer.header(item, params, result, false, &self.program);
        let (function, mut diagnostics) = (infer.function, infer.diagnostics);
        self.diagnostics.append(&mut diagnostics);
        self.limit_size(&header);
        self.program.kernels.push(hir::Kernel { signature, function });
    }
}

/// `f → g → f`, shortened in the middle.
fn arrow(cycle: &[&str]) -> String {
    const MOST: usize = 8;
    let mut names: Vec<&str> = cycle.iter().take(MOST).copied().collect();
    if cycle.len() > MOST {
        names.push("…");
    }
    names.push(cycle[0]);
    names.join(" → ")
}

impl Infer<'_> {
    /// Declares the parameters of a function; each `i64` is a size variable, for its sizes may depend on it.
    fn function_params(&mut self, function: &ast::Function) -> Vec<(Type, Span)> {
        let params = self.declare_params(function, false);
        for local in self.function.params.clone() {
            let (name, span) = (self.function.local(local).name.clone(), self.function.local(local).span);
            if self.function.local(local).ty == Type::Scalar(Scalar::I64) {
                let var = self.size_var(SizeKind::Local(local), name, span, false);
                self.bindings[local.0 as usize].size = Some(Size::var(var));
            }
        }
        self.function.bound_sizes = self.function.sizes.len();
        params
    }

    /// Declares the parameters of a kernel; the size variables are those of its types.
    fn kernel_params(&mut self, function: &ast::Function) -> Vec<(Type, Span)> {
        let params = self.declare_params(function, true);
        // The result type comes first once, to see which `i64` parameters are sizes; its errors come with the second.
        let (known, unknown_names) = (self.diagnostics.len(), self.unknown_names.clone());
        self.lower_type(function.result, Place::Result);
        self.diagnostics.truncate(known);
        self.unknown_names = unknown_names;
        self.function.bound_sizes = self.function.sizes.len();
        params
    }

    fn declare_params(&mut self, function: &ast::Function, is_kernel: bool) -> Vec<(Type, Span)> {
        for generic in &function.generics {
            let message = "type parameters are not supported yet";
            self.report(Diagnostic::error(Code::Unsupported, generic.span, message));
            self.unknown_names.insert(generic.name);
        }
        let scalars = function.params.iter().map(|param| self.is_scalar_type(param.ty)).collect::<Vec<_>>();
        // Scalars are declared first, so that a size named after an `i64` parameter finds it wherever it stands.
        let mut types = vec![(Type::Error, Span::default()); function.params.len()];
        let mut locals = vec![hir::LocalId(0); function.params.len()];
        for wants_scalar in [true, false] {
            for (index, param) in function.params.iter().enumerate() {
                if scalars[index] != wants_scalar {
                    continue;
                }
                let mut earlier = function.params[..index].iter().map(|other| other.name);
                if let Some(first) = earlier.find(|other| other.name == param.name.name) {
                    let message = format!("the parameter `{}` is declared twice", self.name(param.name.name));
                    self.report(Diagnostic::duplicate(param.name.span, first.span, message));
                }
                let ty = self.lower_type(param.ty, Place::Param(index));
                types[index] = (ty.clone(), self.ast.ty(param.ty).span);
                let binding = Binding { is_kernel_param: is_kernel, is_quiet: true, ..Binding::default() };
                locals[index] = self.declare(param.name, ty, binding);
            }
        }
        for param in &function.params {
            self.reject_size_name(param.name);
        }
        self.function.params = locals;
        types
    }

    /// A parameter that is no `i64` and so no size must not be named like one: the body could mean either.
    fn reject_size_name(&mut self, param: Ident) {
        let Some(&var) = self.size_names.get(&param.name) else { return };
        let span = self.function.size(var).span;
        let error = self.no_size(Ident { span, ..param });
        self.diagnostics.extend(error);
    }

    fn is_scalar_type(&self, id: TypeId) -> bool {
        matches!(self.ast.ty(id).kind, ast::TypeExprKind::Name(_))
    }

    /// Checks the body against the result type.
    fn check_body(&mut self, result: TypeId, body: ast::ExprId) -> (Type, Span) {
        let span = self.ast.ty(result).span;
        let wanted = self.lower_type(result, Place::Result);
        let id = self.scoped(|infer| infer.infer(body));
        self.expect_type(id, (&wanted, span), "the result");
        let checks = std::mem::take(&mut self.pending);
        self.function.exprs[id.0 as usize].checks.extend(checks);
        self.function.body = Some(id);
        (wanted, span)
    }

    fn header(
        &self,
        item: &Item,
        params: Vec<(Type, Span)>,
        result: (Type, Span),
        is_const: bool,
        program: &Program,
    ) -> Header {
        let (nodes, height) = self.expanded_size();
        Header {
            id: FunctionId(program.functions.len() as u32),
            name: self.function.name.clone(),
            params,
            result,
            sizes: self.function.sizes.clone(),
            bound_sizes: self.function.bound_sizes,
            uniform_sizes: self.uniform_sizes(),
            is_const,
            makes_unknown_length: self.makes_unknown_length,
            nodes,
            height,
            span: item.name.span,
        }
    }

    /// The bound size variables that are not lengths of arguments but on which lengths inside depend.
    fn uniform_sizes(&self) -> Vec<SizeVar> {
        let is_bound_local = |var: &SizeVar| {
            (var.0 as usize) < self.function.bound_sizes
                && matches!(self.function.size(*var).kind, SizeKind::Local(_))
        };
        let mut needed: Vec<SizeVar> = Vec::new();
        for data in &self.function.sizes {
            match &data.kind {
                SizeKind::NonNegative(size) => needed.extend(size.vars()),
                SizeKind::Value(id) => needed.extend(self.vars_below(*id)),
                _ => {}
            }
        }
        for expr in &self.function.exprs {
            needed.extend(expr.ty.shape().iter().flat_map(|size| size.vars()));
        }
        needed.retain(is_bound_local);
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    fn signature(
        &mut self,
        item: &Item,
        function: &ast::Function,
        params: &[(Type, Span)],
        result: &(Type, Span),
    ) -> Signature {
        let sizes = self.function.sizes[..self.function.bound_sizes].to_vec();
        Signature {
            name: self.function.name.clone(),
            doc: item.doc.clone(),
            sizes: sizes.into_iter().map(|data| self.size_name(data)).collect(),
            params: function.params.iter().zip(params).map(|(p, (ty, _))| self.param_type(p, ty)).collect(),
            results: self.result_types(result),
            span: item.name.span,
        }
    }

    fn size_name(&self, data: SizeData) -> SizeName {
        let bound_by = match data.kind {
            SizeKind::Axis { param, axis } => SizeSource::Axis { param, axis },
            SizeKind::Local(local) => SizeSource::Scalar {
                param: self.function.params.iter().position(|p| *p == local).unwrap_or_default(),
            },
            // `kernel_params` makes no other kind.
            _ => SizeSource::Scalar { param: 0 },
        };
        SizeName { name: data.name, bound_by, span: data.span }
    }

    fn param_type(&mut self, param: &ast::Param, ty: &Type) -> ParamType {
        let name = self.name(param.name.name).to_string();
        let scalar = ty.elem().as_scalar();
        if scalar.is_none() && !super::infer::has_error(ty) {
            let message = format!("a kernel cannot take {}", self.describe(ty));
            let error = Diagnostic::error(Code::KernelType, self.ast.ty(param.ty).span, message)
                .help("kernels take scalars and arrays of scalars; pass each field by itself");
            self.report(error);
        }
        let spans: Vec<Span> = match &self.ast.ty(param.ty).kind {
            ast::TypeExprKind::Array { sizes, .. } => sizes.iter().map(|size| self.ast_span(*size)).collect(),
            _ => Vec::new(),
        };
        let whole = self.ast.ty(param.ty).span;
        let dims = ty
            .shape()
            .iter()
            .enumerate()
            .map(|(axis, size)| Dim { size: size.clone(), span: spans.get(axis).copied().unwrap_or(whole) });
        ParamType { name, scalar: scalar.unwrap_or(Scalar::I64), dims: dims.collect(), span: param.name.span }
    }

    fn result_types(&mut self, result: &(Type, Span)) -> Vec<ResultType> {
        let mut results = Vec::new();
        if !self.flatten_result("", &[], &result.0, &mut results) && !super::infer::has_error(&result.0) {
            let message = format!("a kernel cannot give {}", self.describe(&result.0));
            let error = Diagnostic::error(Code::KernelType, result.1, message)
                .help("kernels give scalars, arrays of scalars, and tuples of them");
            self.report(error);
        }
        results
    }

    /// Appends the scalars and arrays of a result type; `false` if it has none.
    fn flatten_result(&self, name: &str, outer: &[Size], ty: &Type, results: &mut Vec<ResultType>) -> bool {
        let shape = [outer, ty.shape()].concat();
        match ty.elem() {
            Type::Scalar(scalar) => {
                let dims = shape.iter().map(|size| self.signature_size(size)).collect();
                results.push(ResultType { name: name.to_string(), scalar: *scalar, dims });
                true
            }
            Type::Tuple(tuple) => {
                let parts = tuple.fields.iter().enumerate().map(|(index, field)| {
                    let own = field.name.as_deref().map_or_else(|| index.to_string(), str::to_string);
                    let full = if name.is_empty() { own } else { format!("{name}.{own}") };
                    (full, &field.ty)
                });
                let mut all = !tuple.fields.is_empty();
                for (full, field) in parts {
                    all &= self.flatten_result(&full, &shape, field, results);
                }
                all
            }
            _ => false,
        }
    }

    /// The size, if the arguments alone decide it.
    fn signature_size(&self, size: &Size) -> Option<Size> {
        let is_bound = |var: SizeVar| var != UNKNOWN_LENGTH && (var.0 as usize) < self.function.bound_sizes;
        size.vars().all(is_bound).then(|| size.clone())
    }
}
