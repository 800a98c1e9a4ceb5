//! Calls: which function a name is, arguments of scalar builtins and of the program's own functions.

use super::{
    foreign,
    infer::{Binding, Infer},
    items::Header,
    lambdas::count,
    suggest,
    type_exprs::{RESERVED_TYPES, UNKNOWN_LENGTH},
    unify::LiteralKind,
};
use crate::{
    builtins::{self, ArrayFn, Bound, Elementwise, NamedFold, Param, ResultRule, Rule, ScalarFn},
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, SizeData, SizeKind},
    scalar::Scalar,
    size::{Size, SizeVar},
    types::{Field, Type},
};
use pk_grammar::{
    ast::{self, ExprKind as Syntax},
    span::{Ident, Span},
};

/// Functions of the language that are not there yet.
const RESERVED: &[&str] = &["scatter", "sort", "argsort", "sum_precise"];

/// The arguments of a call: from the text, or checked already.
#[derive(Clone, Debug)]
pub(super) struct Args {
    pub(super) positional: Vec<Arg>,
    pub(super) named: Vec<(Ident, ast::ExprId)>,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Arg {
    Syntax(ast::ExprId),
    Checked(ExprId),
}

impl Args {
    pub(super) fn of_exprs(operands: &[ExprId], span: Span) -> Args {
        let positional = operands.iter().map(|operand| Arg::Checked(*operand)).collect();
        Args { positional, named: Vec::new(), span }
    }
}

impl Infer<'_> {
    pub(super) fn infer_call(&mut self, callee: Ident, args: &[ast::Arg], span: Span) -> ExprId {
        if args.first().is_some_and(|receiver| self.reject_module(receiver.value)) {
            return self.push_error(span);
        }
        let mut all = Args { positional: Vec::new(), named: Vec::new(), span };
        for arg in args {
            match arg.name {
                Some(name) => {
                    if let Some((first, _)) = all.named.iter().find(|(other, _)| other.name == name.name) {
                        let message = format!("the argument `{}` is given twice", self.name(name.name));
                        self.report(Diagnostic::duplicate(name.span, first.span, message));
                    }
                    all.named.push((name, arg.value));
                }
                None if all.named.is_empty() => all.positional.push(Arg::Syntax(arg.value)),
                None => {
                    let message = "named arguments come after the others";
                    let span = self.ast_span(arg.value);
                    self.report(Diagnostic::error(Code::ArgumentName, span, message));
                }
            }
        }
        self.call(callee, all, span)
    }

    /// Whether an expression is a module of another language, as in `np.sum(x)`, which is then reported.
    pub(super) fn reject_module(&mut self, id: ast::ExprId) -> bool {
        let Syntax::Name(name) = self.ast.expr(id).kind else { return false };
        let is_known = self.lookup(name.name).is_some()
            || self.size_names.contains_key(&name.name)
            || self.items.functions.contains_key(&name.name);
        let Some(help) = foreign::module(self.name(name.name)).filter(|_| !is_known) else { return false };
        if self.unknown_names.insert(name.name) {
            let message = format!("nothing is named `{}`", self.name(name.name));
            self.report(Diagnostic::error(Code::UnknownName, name.span, message).help(help));
        }
        true
    }

    /// A call of whatever `callee` names.
    pub(super) fn call(&mut self, callee: Ident, args: Args, span: Span) -> ExprId {
        let text = self.name(callee.name);
        if let Some(header) = self.items.functions.get(&callee.name) {
            return self.call_function(callee, header.clone(), args, span);
        }
        if let Some(scalar) = Scalar::from_name(text) {
            return self.call_conversion(scalar, args, span);
        }
        match builtins::find(text) {
            Some(builtin) => match builtin.rule {
                Rule::Scalar { function, bound, params, result } => {
                    self.call_scalar(text, (function, bound, params, result), args, span)
                }
                Rule::Array(function) => self.call_array(function, callee, args, span),
            },
            None => {
                let error = self.unknown_function(callee);
                self.check_arguments_alone(args);
                self.fail_call(error, span)
            }
        }
    }

    fn fail_call(&mut self, error: Diagnostic, span: Span) -> ExprId {
        self.report(error);
        self.push_error(span)
    }

    /// Arguments of a call that is wrong anyway are checked for errors of their own.
    fn check_arguments_alone(&mut self, args: Args) {
        for arg in args.positional {
            if let Arg::Syntax(id) = arg
                && !matches!(self.ast.expr(id).kind, Syntax::Closure { .. } | Syntax::Operator(_))
            {
                self.infer(id);
            }
        }
    }

    fn unknown_function(&self, callee: Ident) -> Diagnostic {
        let text = self.name(callee.name);
        if RESERVED.contains(&text) || RESERVED_TYPES.contains(&text) {
            return Diagnostic::error(
                Code::Unsupported,
                callee.span,
                format!("`{text}` is not supported yet"),
            );
        }
        if self.lookup(callee.name).is_some() {
            return Diagnostic::error(
                Code::NotCallable,
                callee.span,
                format!("`{text}` is a value, not a function"),
            )
            .help(format!("an element is read with brackets: `{text}[i]`"));
        }
        if self.items.kernels.contains_key(&callee.name) {
            return Diagnostic::error(
                Code::NotCallable,
                callee.span,
                format!("the kernel `{text}` cannot be called"),
            )
            .help("kernels are called by the host; move the shared part into a `fn`");
        }
        let known = builtins::BUILTINS.iter().map(|builtin| builtin.name);
        let own = self.items.functions.values().map(|header| header.name.as_str());
        let error =
            Diagnostic::error(Code::UnknownName, callee.span, format!("no function is named `{text}`"));
        let near = || suggest::nearest(text, known.chain(own)).map(|near| format!("did you mean `{near}`?"));
        match foreign::function(text).or_else(near) {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// An argument as a value.
    pub(super) fn value(&mut self, arg: Arg) -> ExprId {
        match arg {
            Arg::Syntax(id) => self.infer(id),
            Arg::Checked(id) => id,
        }
    }

    /// Requires so many positional arguments and no named ones but `allowed`.
    pub(super) fn check_arity(&mut self, name: &str, args: &Args, wanted: usize, allowed: &[&str]) -> bool {
        let given = args.positional.len();
        if given != wanted {
            let message = format!("`{name}` takes {}, but gets {given}", count(wanted));
            let mut error = Diagnostic::error(Code::ArgumentCount, args.span, message);
            if let (2, Some(Arg::Syntax(axis)), true) =
                (given, args.positional.get(1), allowed.contains(&"axis"))
            {
                let axis = self.text(self.ast_span(*axis));
                error = error.help(format!("the axis is named: `{name}(x, axis: {axis})`"));
            } else if let Some(builtin) = builtins::find(name) {
                error = error.help(format!("it is `{name}{}`", builtin.signature));
            }
            self.report(error);
        }
        self.check_names(name, args, allowed) && given == wanted
    }

    pub(super) fn check_names(&mut self, name: &str, args: &Args, allowed: &[&str]) -> bool {
        let unknown: Vec<Ident> = args
            .named
            .iter()
            .map(|(ident, _)| *ident)
            .filter(|i| !allowed.contains(&self.name(i.name)))
            .collect();
        for ident in &unknown {
            let text = self.name(ident.name);
            let message = match (name, text) {
                ("reduce" | "scan" | "exscan", "segments") => {
                    "segmented folds are not supported yet".to_string()
                }
                _ => format!("`{name}` has no argument named `{text}`"),
            };
            let code = if text == "segments" { Code::Unsupported } else { Code::ArgumentName };
            self.report(Diagnostic::error(code, ident.span, message));
        }
        unknown.is_empty()
    }

    fn call_conversion(&mut self, scalar: Scalar, args: Args, span: Span) -> ExprId {
        if !self.check_arity(scalar.name(), &args, 1, &[]) {
            return self.push_error(span);
        }
        let operand = self.value(args.positional[0]);
        let elem = self.elem_type(operand);
        if self.has_error(operand) {
            return self.push_error(span);
        }
        // A literal is rounded once, to the type that it is converted to, if it can have that type at all.
        let is_literal =
            matches!(self.expr(operand).kind, ExprKind::Const(_)) && matches!(elem, Type::Var(_));
        if is_literal && self.vars.unify(&elem, &Type::Scalar(scalar)) {
            return operand;
        }
        self.push_elementwise(Elementwise::Convert(scalar), vec![operand], Type::Scalar(scalar), span)
    }

    fn call_scalar(
        &mut self,
        name: &str,
        (function, bound, params, result): (ScalarFn, Bound, &[Param], ResultRule),
        args: Args,
        span: Span,
    ) -> ExprId {
        if !self.check_arity(name, &args, params.len(), &[]) {
            self.check_arguments_alone(args);
            return self.push_error(span);
        }
        let operands: Vec<ExprId> = args.positional.iter().map(|arg| self.value(*arg)).collect();
        if operands.iter().any(|operand| self.has_error(*operand)) {
            return self.push_error(span);
        }
        let shared = self.vars.fresh(LiteralKind::Any);
        let mut is_right = true;
        for (&operand, param) in operands.iter().zip(params) {
            is_right = is_right && self.check_scalar_argument(name, operand, *param, &shared, bound);
        }
        if !is_right {
            return self.push_error(span);
        }
        let elem = self.scalar_result(result, &shared);
        self.push_elementwise(Elementwise::Function(function), operands, elem, span)
    }

    fn check_scalar_argument(
        &mut self,
        name: &str,
        operand: ExprId,
        param: Param,
        shared: &Type,
        bound: Bound,
    ) -> bool {
        let (elem, span, call) = (self.elem_type(operand), self.span(operand), format!("`{name}`"));
        if !elem.is_scalar_like() {
            let message = format!(
                "{call} takes scalars or arrays of them, but this is {}",
                self.describe(&self.ty(operand))
            );
            self.report(Diagnostic::error(Code::WrongOperand, span, message));
            return false;
        }
        let wanted = match param {
            Param::AnyInt => return self.require_bound(&elem, Bound::Int, span, &call),
            Param::Is(scalar) => Type::Scalar(scalar),
            Param::T => {
                if !self.require_bound(&elem, bound, span, &call) {
                    return false;
                }
                shared.clone()
            }
        };
        if self.vars.unify(&elem, &wanted) {
            return true;
        }
        let message =
            format!("{call} takes {} here, but this is {}", self.describe(&wanted), self.describe(&elem));
        let mut error = Diagnostic::error(Code::Mismatch, span, message);
        if let (Some(to), Some(_)) = (self.vars.resolve(&wanted).as_scalar(), elem.as_scalar()) {
            error = error.help(format!("write `{to}({})`", self.text(span)));
        }
        self.report(error);
        false
    }

    fn scalar_result(&mut self, rule: ResultRule, shared: &Type) -> Type {
        match rule {
            ResultRule::T => self.vars.resolve(shared),
            ResultRule::Is(scalar) => Type::Scalar(scalar),
            ResultRule::Tuple(scalar, count) => Type::tuple(vec![Type::Scalar(scalar); count]),
            ResultRule::BitsOfT => match self.force(shared).map(Scalar::bytes) {
                Some(1) => Type::Scalar(Scalar::U8),
                Some(2) => Type::Scalar(Scalar::U16),
                Some(4) => Type::Scalar(Scalar::U32),
                _ => Type::Scalar(Scalar::U64),
            },
            ResultRule::FloatOfT => match self.force(shared).map(Scalar::bytes) {
                Some(4) => Type::Scalar(Scalar::F32),
                _ => Type::Scalar(Scalar::F64),
            },
        }
    }

    // The program's own functions.

    fn call_function(&mut self, callee: Ident, header: Header, args: Args, span: Span) -> ExprId {
        if header.is_const {
            let message = format!("`{}` is a constant, not a function", header.name);
            return self.fail(Diagnostic::error(Code::NotCallable, callee.span, message));
        }
        if !self.check_arity(&header.name, &args, header.params.len(), &[]) {
            self.check_arguments_alone(args);
            return self.push_error(span);
        }
        if header.makes_unknown_length {
            self.reject_unknown_length(span);
        }
        let operands: Vec<ExprId> = args.positional.iter().map(|arg| self.value(*arg)).collect();
        if operands.iter().any(|o| self.has_error(*o)) || self.items.broken.contains(&callee.name) {
            return self.push_error(span);
        }
        let is_lifted = |infer: &Self, operand: ExprId, param: &Type| {
            param.is_scalar_like() && !infer.ty(operand).shape().is_empty()
        };
        let lifted: Vec<ExprId> = operands
            .iter()
            .zip(&header.params)
            .filter(|(operand, (param, _))| is_lifted(self, **operand, param))
            .map(|(operand, _)| *operand)
            .collect();
        let Some(shape) = self.common_shape(&lifted, span) else { return self.push_error(span) };
        let sizes = self.bind_sizes(&header, &operands);
        let Some(sizes) = sizes else { return self.push_error(span) };
        let mut is_right = true;
        for (&operand, (param, param_span)) in operands.iter().zip(&header.params) {
            is_right &= self.check_argument(operand, param, *param_span, &sizes, &header);
        }
        is_right = is_right && self.check_uniform_sizes(&header, &sizes, &operands);
        if !is_right {
            return self.push_error(span);
        }
        if unknown_lengths(&header.result.0) > 1 {
            let message =
                format!("`{}` gives several arrays of unknown length, and only a kernel may", header.name);
            let error =
                Diagnostic::error(Code::Unsupported, span, message).help("filter one array of tuples");
            return self.fail(error);
        }
        let lifted = shape.len();
        let result = self.foreign_type(&header.result.0, &sizes, header.sizes.clone());
        let ty = self.limit_type(Type::array(shape, result), span);
        let kind = ExprKind::Call { function: header.id, args: operands, sizes, lifted };
        self.push(kind, ty, span)
    }

    /// The values of the callee's size variables that the arguments bind.
    fn bind_sizes(&mut self, header: &Header, operands: &[ExprId]) -> Option<Vec<Size>> {
        let mut sizes = Vec::with_capacity(header.bound_sizes);
        let mut next_param = 0;
        let i64_params: Vec<usize> =
            (0..header.params.len()).filter(|p| header.params[*p].0 == Type::Scalar(Scalar::I64)).collect();
        for (index, data) in header.sizes[..header.bound_sizes].iter().enumerate() {
            let size = match data.kind {
                SizeKind::Axis { param, axis } => self.ty(operands[param]).shape().get(axis).cloned(),
                _ => {
                    let param = i64_params[next_param];
                    next_param += 1;
                    self.argument_size(operands[param], header.uniform_sizes.contains(&SizeVar(index as u32)))
                }
            };
            match size {
                Some(size) => sizes.push(size),
                None => {
                    self.report_argument(header, operands);
                    return None;
                }
            }
        }
        Some(sizes)
    }

    /// The value of an `i64` argument as a size.
    fn argument_size(&mut self, operand: ExprId, must_be_uniform: bool) -> Option<Size> {
        let ty = self.ty(operand);
        if !ty.shape().is_empty() || !must_be_uniform {
            // A lifted argument, or one that no length depends on: its value is never asked for as a size, but a
            // variable stands for it.
            if let Some(size) = self.polynomial(operand) {
                return Some(size);
            }
            let (name, span) = (self.text(self.span(operand)), self.span(operand));
            let is_varying = !ty.shape().is_empty() || !self.is_uniform(operand);
            return Some(Size::var(self.size_var(SizeKind::Value(operand), name, span, is_varying)));
        }
        self.symbolic(operand)
    }

    /// Reports the first argument whose rank is not that of its parameter.
    fn report_argument(&mut self, header: &Header, operands: &[ExprId]) {
        for (&operand, (param, _)) in operands.iter().zip(&header.params) {
            let ty = self.ty(operand);
            if ty.shape().len() < param.shape().len() {
                let message = format!(
                    "`{}` takes an array of rank {} here, but this is {}",
                    header.name,
                    param.shape().len(),
                    self.describe(&ty)
                );
                self.report(Diagnostic::error(Code::Mismatch, self.span(operand), message));
                return;
            }
        }
    }

    fn check_argument(
        &mut self,
        operand: ExprId,
        param: &Type,
        span: Span,
        sizes: &[Size],
        header: &Header,
    ) -> bool {
        let role = format!("this parameter of `{}`", header.name);
        if param.is_scalar_like() {
            let (elem, wanted) = (self.elem_type(operand), param.clone());
            if elem.is_scalar_like() && self.vars.unify(&elem, &wanted) {
                return true;
            }
            return self.expect_type(operand, (&wanted, span), &role);
        }
        let wanted = self.foreign_type(param, sizes, header.sizes.clone());
        self.expect_type(operand, (&wanted, span), &role)
    }

    fn check_uniform_sizes(&mut self, header: &Header, sizes: &[Size], operands: &[ExprId]) -> bool {
        for var in &header.uniform_sizes {
            let size = &sizes[var.0 as usize];
            if size.vars().any(|var| self.function.size(var).varies) {
                let name = &header.sizes[var.0 as usize].name;
                let message = format!(
                    "`{}` makes arrays of size `{name}`, which may differ from element to element here",
                    header.name
                );
                let span = operands.first().map_or(header.span, |first| self.span(*first));
                let error = Diagnostic::error(Code::Irregular, span, message)
                    .help("arrays inside arrays have one size for all");
                self.report(error);
                return false;
            }
        }
        true
    }

    /// A type of another function in terms of this one: its bound size variables have the values `sizes`; lengths that
    /// only the call decides become variables of their own.
    pub(super) fn foreign_type(&mut self, ty: &Type, sizes: &[Size], foreign: Vec<SizeData>) -> Type {
        match ty {
            Type::Tuple(tuple) => {
                let fields = tuple.fields.iter().map(|field| Field {
                    name: field.name.clone(),
                    ty: self.foreign_type(&field.ty, sizes, foreign.clone()),
                });
                Type::record(fields.collect::<Vec<_>>())
            }
            Type::Array(array) => {
                let elem = self.foreign_type(&array.elem, sizes, foreign.clone());
                let shape = array.shape.iter().map(|size| {
                    let known = size.substitute(|var| match var {
                        UNKNOWN_LENGTH => None,
                        var => sizes.get(var.0 as usize).cloned(),
                    });
                    known.unwrap_or_else(|| self.unknown_length(Span::default()))
                });
                let shape = shape.collect::<Vec<_>>();
                Type::array(shape, elem)
            }
            _ => ty.clone(),
        }
    }

    /// The builtin's elementwise form for two arguments, its reduction for one.
    pub(super) fn call_min_max(&mut self, fold: NamedFold, args: Args, span: Span) -> ExprId {
        let (name, function) = match fold {
            NamedFold::Min => ("min", ScalarFn::Min),
            _ => ("max", ScalarFn::Max),
        };
        let rule = (function, Bound::Number, &[Param::T, Param::T][..], ResultRule::T);
        self.call_scalar(name, rule, args, span)
    }

    /// A local that a desugared form binds.
    pub(super) fn hidden_local(&mut self, ty: Type, span: Span) -> crate::hir::LocalId {
        self.add_local("_", ty, span, Binding::default())
    }
}

/// How many lengths of a result type only a call decides.
fn unknown_lengths(ty: &Type) -> usize {
    let unknown = Size::var(UNKNOWN_LENGTH);
    let own = ty.shape().iter().filter(|size| **size == unknown).count();
    own + ty.elem().fields().unwrap_or_default().iter().map(|field| unknown_lengths(&field.ty)).sum::<usize>()
}

/// Named so that callers need not import the table.
pub(super) fn array_name(function: ArrayFn) -> &'static str {
    let row =
        builtins::BUILTINS.iter().find(|builtin| matches!(builtin.rule, Rule::Array(f) if f == function));
    row.map_or("", |builtin| builtin.name)
}
