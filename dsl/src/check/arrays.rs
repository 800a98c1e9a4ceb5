//! The array builtins, each with its type rule.

use super::{
    calls::{Arg, Args, array_name},
    infer::Infer,
    lambdas::count,
};
use crate::{
    builtins::{ArrayFn, Bound, EdgeRule, NamedFold},
    codes::Code,
    diagnostic::Diagnostic,
    hir::{ExprId, ExprKind, FoldKind, SizeCheck, View},
    scalar::Scalar,
    size::Size,
    types::Type,
};
use pk_grammar::{
    ast::{self, ExprKind as Syntax},
    span::{Ident, Span},
};

impl Infer<'_> {
    /// A call of an array builtin.
    pub(super) fn call_array(&mut self, function: ArrayFn, callee: Ident, args: Args, span: Span) -> ExprId {
        let known = self.diagnostics.len();
        let built = match function {
            ArrayFn::Map => self.call_map(&args, span),
            ArrayFn::Reduce => self.call_fold(FoldKind::Reduce, &args, span),
            ArrayFn::Scan => self.call_fold(FoldKind::Scan, &args, span),
            ArrayFn::Exscan => self.call_fold(FoldKind::Exscan, &args, span),
            ArrayFn::Named(fold @ (NamedFold::Min | NamedFold::Max)) if args.positional.len() == 2 => {
                Some(self.call_min_max(fold, args.clone(), span))
            }
            ArrayFn::Named(fold) => self.call_named_fold(fold, &args, span),
            ArrayFn::Filter => self.call_filter(&args, span),
            ArrayFn::ReduceByIndex => self.call_reduce_by_index(&args, span),
            ArrayFn::Zip => self.call_zip(&args, span),
            ArrayFn::Unzip => self.call_unzip(&args, span),
            ArrayFn::Iota => self.call_iota(&args, span),
            ArrayFn::Fill => self.call_fill(&args, span),
            ArrayFn::Reverse => self.call_reverse(&args, span),
            ArrayFn::Transpose => self.call_transpose(&args, span),
            ArrayFn::Reshape => self.call_reshape(&args, span),
            ArrayFn::Flatten => self.call_flatten(&args, span),
            ArrayFn::Concat => self.call_concat(&args, span),
            ArrayFn::Len => self.call_len(&args, span),
            ArrayFn::Broadcast => self.call_broadcast(&args, span),
            ArrayFn::Edges(rule) => self.call_edges(rule, &args, span),
            ArrayFn::Get => self.call_get(&args, span),
        };
        debug_assert!(
            built.is_some() || self.diagnostics.len() > known || self.has_wrong_argument(&args),
            "`{}` fails without a word",
            self.name(callee.name)
        );
        built.unwrap_or_else(|| self.push_error(span))
    }

    fn has_wrong_argument(&self, args: &Args) -> bool {
        self.diagnostics.iter().any(|diagnostic| {
            diagnostic.span.start >= args.span.start && diagnostic.span.end <= args.span.end
        }) || self.function.exprs.iter().any(|expr| expr.ty == Type::Error)
    }

    /// The arguments as values; `None` if one has an error or their number is wrong.
    fn values(&mut self, function: ArrayFn, args: &Args, wanted: usize) -> Option<Vec<ExprId>> {
        let is_right = self.check_arity(array_name(function), args, wanted, &[]);
        let values: Vec<ExprId> = match is_right {
            true => args.positional.iter().map(|arg| self.value(*arg)).collect(),
            false => return None,
        };
        (!values.iter().any(|value| self.has_error(*value))).then_some(values)
    }

    /// The only argument, an array.
    fn array(
        &mut self,
        function: ArrayFn,
        args: &Args,
    ) -> Option<(ExprId, std::sync::Arc<crate::types::ArrayType>)> {
        let values = self.values(function, args, 1)?;
        let array = self.require_array(values[0], &format!("the argument of `{}`", array_name(function)))?;
        Some((values[0], array))
    }

    /// The syntax of an argument that must be a function.
    fn function_argument(&mut self, arg: Arg, role: &str) -> Option<ast::ExprId> {
        match arg {
            Arg::Syntax(id) => Some(id),
            Arg::Checked(id) => {
                let message = format!("{role} is a function, and a function cannot be passed on");
                self.report(Diagnostic::error(Code::Closure, self.span(id), message));
                None
            }
        }
    }

    // Map and folds.

    fn call_map(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if args.positional.len() < 2 {
            let message = format!(
                "`map` takes one or more arrays and a function, but gets {}",
                count(args.positional.len())
            );
            let error =
                Diagnostic::error(Code::ArgumentCount, span, message).help("as in `map(x, y, |a, b| a + b)`");
            self.report(error);
            return None;
        }
        self.check_names("map", args, &[]);
        let (function, arrays) = args.positional.split_last()?;
        let arrays: Vec<ExprId> = arrays.iter().map(|arg| self.value(*arg)).collect();
        let length = self.common_length(&arrays, "an argument of `map`", span)?;
        let rows: Vec<Type> = arrays.iter().map(|array| self.ty(*array).row(1)).collect();
        let function = self.function_argument(*function, "the last argument of `map`")?;
        let function = self.lambda(function, &rows, "the last argument of `map`")?;
        let ty = Type::array(vec![length], self.ty(function.body));
        let ty = self.limit_type(ty, span);
        Some(self.push(ExprKind::Map { arrays, function }, ty, span))
    }

    /// The first extent that arrays have in common.
    fn common_length(&mut self, arrays: &[ExprId], role: &str, span: Span) -> Option<Size> {
        let mut common: Option<(Vec<Size>, Span)> = None;
        let mut is_right = true;
        for &array in arrays {
            let Some(ty) = self.require_array(array, role) else {
                is_right = false;
                continue;
            };
            let here = (vec![ty.shape[0].clone()], self.span(array));
            match common.clone() {
                None => common = Some(here),
                Some(first) => is_right &= self.shapes_agree(&first, &here, span),
            }
        }
        common.filter(|_| is_right).map(|(mut shape, _)| shape.remove(0))
    }

    fn call_fold(&mut self, kind: FoldKind, args: &Args, span: Span) -> Option<ExprId> {
        let name = match kind {
            FoldKind::Reduce => "reduce",
            FoldKind::Scan => "scan",
            FoldKind::Exscan => "exscan",
        };
        if !self.check_names(name, args, &["commutative"]) {
            return None;
        }
        let declared = self.commutative_argument(args)?;
        let (array, neutral, op) = match args.positional[..] {
            [array, op] => (array, None, op),
            [array, neutral, op] => (array, Some(neutral), op),
            _ => {
                self.check_arity(name, args, 3, &["commutative"]);
                return None;
            }
        };
        let array = self.value(array);
        let ty = Type::Array(self.require_array(array, &format!("the first argument of `{name}`"))?);
        let elem = ty.row(1);
        self.require_small_elem(&elem, self.span(array), name)?;
        if let Some(neutral) = neutral
            && self.is_function(neutral)
            && !self.is_function(op)
        {
            let message = format!("the operator of `{name}` comes last");
            let error = Diagnostic::error(Code::Closure, self.arg_span(neutral), message)
                .help(format!("it is `{name}(x, neutral, operator)`"));
            self.report(error);
            return None;
        }
        let neutral = neutral.map(|arg| self.value(arg));
        if let Some(neutral) = neutral {
            let wanted = (&elem, self.span(array));
            if !self.expect_type(neutral, wanted, "the neutral element of these values") {
                return None;
            }
        }
        let role = format!("the operator of `{name}`");
        let op_syntax = self.function_argument(op, &role)?;
        let (op, is_commutative) = self.fold_operator(op_syntax, &elem)?;
        let neutral = match neutral {
            Some(neutral) => Some(neutral),
            None => self.derive_neutral(kind, op_syntax, &elem)?,
        };
        let ty = match kind {
            FoldKind::Reduce => self.vars.resolve(&elem),
            _ => self.vars.resolve(&ty),
        };
        let commutative = is_commutative || declared;
        Some(self.push(ExprKind::Fold { kind, array, neutral, op, commutative }, ty, span))
    }

    /// Whether an argument is a closure or an operator.
    fn is_function(&self, arg: Arg) -> bool {
        match arg {
            Arg::Syntax(id) => {
                matches!(self.ast.expr(id).kind, Syntax::Closure { .. } | Syntax::Operator(_))
            }
            Arg::Checked(_) => false,
        }
    }

    fn arg_span(&self, arg: Arg) -> Span {
        match arg {
            Arg::Syntax(id) => self.ast_span(id),
            Arg::Checked(id) => self.span(id),
        }
    }

    /// The value of `commutative: true`.
    fn commutative_argument(&mut self, args: &Args) -> Option<bool> {
        let Some((_, value)) = args.named.first() else { return Some(false) };
        match self.ast.expr(*value).kind {
            Syntax::Bool(value) => Some(value),
            _ => {
                let span = self.ast_span(*value);
                self.report(Diagnostic::error(Code::Mismatch, span, "`commutative` is `true` or `false`"));
                None
            }
        }
    }

    /// Folds work on scalars and small arrays, for these are what registers hold.
    fn require_small_elem(&mut self, elem: &Type, span: Span, name: &str) -> Option<()> {
        if is_small(elem) {
            return Some(());
        }
        let message =
            format!("`{name}` of arrays with more than {MOST_ELEMENTS} elements is not supported yet");
        let error = Diagnostic::error(Code::Unsupported, span, message).help(
            "their length must be a literal; `sum`, `min`, `max` and their like fold columns of any length: \
             `sum(a, axis: 0)`",
        );
        self.report(error);
        None
    }

    /// The neutral element of an operator that has one by itself; of a reduction without one, nothing.
    fn derive_neutral(&mut self, kind: FoldKind, op: ast::ExprId, elem: &Type) -> Option<Option<ExprId>> {
        let span = self.ast_span(op);
        let resolved = self.vars.resolve(elem);
        if let (Some(fold), true) = (self.derived_neutral(op), resolved.is_scalar_like()) {
            let scalar = self.force(&resolved)?;
            let value = match &self.ast.expr(op).kind {
                Syntax::Operator(op) => operator_neutral(*op, scalar),
                _ => super::constants::find(scalar, if fold == NamedFold::Min { "max" } else { "min" }),
            };
            let value = match (fold, scalar.is_float()) {
                (NamedFold::Min, true) => super::constants::find(scalar, "inf"),
                (NamedFold::Max, true) => negative_infinity(scalar),
                _ => value,
            };
            let value = value?;
            return Some(Some(self.push(ExprKind::Const(value), Type::Scalar(scalar), span)));
        }
        if kind != FoldKind::Exscan {
            return Some(None);
        }
        let error = Diagnostic::error(
            Code::ArgumentCount,
            span,
            "`exscan` with this operator needs a neutral element",
        )
        .help("it is the first element of the result: `exscan(x, neutral, op)`");
        self.report(error);
        None
    }

    fn call_named_fold(&mut self, fold: NamedFold, args: &Args, span: Span) -> Option<ExprId> {
        let name = array_name(ArrayFn::Named(fold));
        if !self.check_arity(name, args, 1, &["axis"]) {
            return None;
        }
        let array = self.value(args.positional[0]);
        let ty = self.require_array(array, &format!("the argument of `{name}`"))?;
        let axis = self.axis_argument(args, ty.shape.len())?;
        let elem = self.vars.resolve(&ty.elem);
        let bound = match fold {
            NamedFold::Any | NamedFold::All | NamedFold::Count => {
                if elem.as_scalar() != Some(Scalar::Bool) {
                    let message = format!(
                        "`{name}` takes an array of `bool`, but this is {}",
                        self.describe(&self.ty(array))
                    );
                    let error = Diagnostic::error(Code::WrongOperand, self.span(array), message)
                        .help(format!("compare first: `{name}(x > 0)`"));
                    self.report(error);
                    return None;
                }
                Bound::Any
            }
            _ => Bound::Number,
        };
        if !self.require_bound(&elem, bound, self.span(array), &format!("`{name}`")) {
            return None;
        }
        let scalar = self.force(&elem)?;
        let mut shape = ty.shape.clone();
        shape.remove(axis);
        let ty = Type::array(shape, Type::Scalar(fold_result(fold, scalar)));
        Some(self.push(ExprKind::NamedFold { fold, array, axis }, ty, span))
    }

    fn axis_argument(&mut self, args: &Args, rank: usize) -> Option<usize> {
        let Some((_, value)) = args.named.first() else { return Some(0) };
        let span = self.ast_span(*value);
        let axis = match self.ast.expr(*value).kind {
            Syntax::Int { value, .. } => usize::try_from(value).ok(),
            _ => None,
        };
        match axis {
            Some(axis) if axis < rank => Some(axis),
            Some(axis) => {
                let message = format!("there is no axis {axis} in an array of rank {rank}");
                let error =
                    Diagnostic::error(Code::Rank, span, message).help("axes count from 0, the outermost");
                self.report(error);
                None
            }
            None => {
                self.report(Diagnostic::error(
                    Code::NotConst,
                    span,
                    "an axis is an integer literal, 0 for the outermost",
                ));
                None
            }
        }
    }

    fn call_filter(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if !self.check_arity("filter", args, 2, &[]) {
            return None;
        }
        self.reject_unknown_length(span);
        let array = self.value(args.positional[0]);
        let ty = Type::Array(self.require_array(array, "the first argument of `filter`")?);
        let keep = self.function_argument(args.positional[1], "the second argument of `filter`")?;
        let keep = self.lambda(keep, &[ty.row(1)], "the second argument of `filter`")?;
        if !self.require_scalar(keep.body, Scalar::Bool, "the result of this function") {
            return None;
        }
        let shape = [&[self.unknown_length(span)], &ty.shape()[1..]].concat();
        let ty = Type::array(shape, ty.elem().clone());
        Some(self.push(ExprKind::Filter { array, keep }, ty, span))
    }

    fn call_reduce_by_index(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if !self.check_arity("reduce_by_index", args, 5, &[]) {
            return None;
        }
        let [bins, index, values, neutral, op] = args.positional[..] else { return None };
        let bins = self.size_argument(bins, "the number of bins")?;
        let (index, values) = (self.value(index), self.value(values));
        let index_ty = self.require_array(index, "the bins of the values")?;
        let wanted = Type::array(index_ty.shape.clone(), Type::Scalar(Scalar::I64));
        let index_is_right = self.expect_type(index, (&wanted, self.span(index)), "the bins of the values");
        self.common_length(&[index, values], "an argument of `reduce_by_index`", span)?;
        if index_ty.shape.len() > 1 || self.ty(values).shape().len() > 1 {
            self.report(Diagnostic::error(
                Code::Rank,
                span,
                "`reduce_by_index` takes arrays of one dimension",
            ));
            return None;
        }
        let elem = self.ty(values).row(1);
        self.require_small_elem(&elem, self.span(values), "reduce_by_index")?;
        let neutral = self.value(neutral);
        let wanted = (&elem, self.span(values));
        if !self.expect_type(neutral, wanted, "the neutral element of these values") || !index_is_right {
            return None;
        }
        let op = self.function_argument(op, "the operator")?;
        let (op, _) = self.fold_operator(op, &elem)?;
        let ty = Type::array(vec![bins.clone()], self.vars.resolve(&elem));
        Some(self.push(ExprKind::ReduceByIndex { bins, index, values, neutral, op }, ty, span))
    }

    // Structure.

    fn call_zip(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if args.positional.len() < 2 {
            self.check_arity("zip", args, 2, &[]);
            return None;
        }
        self.check_names("zip", args, &[]);
        let arrays: Vec<ExprId> = args.positional.iter().map(|arg| self.value(*arg)).collect();
        let length = self.common_length(&arrays, "an argument of `zip`", span)?;
        let elem = Type::tuple(arrays.iter().map(|array| self.ty(*array).row(1)));
        let ty = self.limit_type(Type::array(vec![length], elem), span);
        Some(self.push(ExprKind::View(View::Zip(arrays)), ty, span))
    }

    fn call_unzip(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        let (array, ty) = self.array(ArrayFn::Unzip, args)?;
        let Type::Tuple(tuple) = &ty.elem else {
            let message =
                format!("`unzip` takes an array of tuples, but this is {}", self.describe(&self.ty(array)));
            self.report(Diagnostic::error(Code::WrongOperand, span, message));
            return None;
        };
        let mut fields = tuple.fields.clone();
        for field in &mut fields {
            field.ty = Type::array(ty.shape.clone(), field.ty.clone());
        }
        Some(self.push(ExprKind::View(View::Unzip(array)), Type::record(fields), span))
    }

    /// An argument that is a size.
    fn size_argument(&mut self, arg: Arg, role: &str) -> Option<Size> {
        let value = self.value(arg);
        if self.has_error(value) || !self.require_scalar(value, Scalar::I64, role) {
            return None;
        }
        let size = self.symbolic(value)?;
        let span = self.span(value);
        let extent = self.extent(size.clone(), span)?;
        if extent != size {
            // A range may be empty backwards, but an array of negative length is a mistake.
            self.pending.push(SizeCheck::NonNegative(size.clone(), span));
        }
        Some(size)
    }

    /// An argument that is a size, or several in brackets.
    fn shape_argument(&mut self, arg: Arg, role: &str) -> Option<Vec<Size>> {
        if let Arg::Syntax(id) = arg {
            let ast = self.ast;
            if let Syntax::Array(sizes) = &ast.expr(id).kind {
                let sizes: Vec<_> =
                    sizes.iter().map(|size| self.size_argument(Arg::Syntax(*size), role)).collect();
                return sizes.into_iter().collect();
            }
        }
        self.size_argument(arg, role).map(|size| vec![size])
    }

    fn call_iota(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if !self.check_arity("iota", args, 1, &[]) {
            return None;
        }
        let length = self.size_argument(args.positional[0], "the length")?;
        let ty = Type::array(vec![length], Type::Scalar(Scalar::I64));
        Some(self.push(ExprKind::View(View::Iota), ty, span))
    }

    fn call_fill(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if !self.check_arity("fill", args, 2, &[]) {
            return None;
        }
        let shape = self.shape_argument(args.positional[0], "the length")?;
        let value = self.value(args.positional[1]);
        let ty = self.limit_type(Type::array(shape, self.ty(value)), span);
        Some(self.push(ExprKind::View(View::Fill(value)), ty, span))
    }

    fn call_reverse(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        let (array, _) = self.array(ArrayFn::Reverse, args)?;
        let ty = self.ty(array);
        Some(self.push(ExprKind::View(View::Reverse(array)), ty, span))
    }

    fn call_transpose(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        let (array, ty) = self.array(ArrayFn::Transpose, args)?;
        let mut shape = ty.shape.clone();
        if shape.len() < 2 {
            let message = format!(
                "`transpose` takes two dimensions or more, but this is {}",
                self.describe(&self.ty(array))
            );
            self.report(Diagnostic::error(Code::Rank, span, message));
            return None;
        }
        shape.swap(0, 1);
        let ty = Type::array(shape, ty.elem.clone());
        Some(self.push(ExprKind::View(View::Transpose(array)), ty, span))
    }

    fn call_reshape(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if !self.check_arity("reshape", args, 2, &[]) {
            return None;
        }
        let array = self.value(args.positional[0]);
        let ty = self.require_array(array, "the first argument of `reshape`")?;
        let shape = self.shape_argument(args.positional[1], "a length")?;
        let (before, after) = (self.product(&ty.shape, span)?, self.product(&shape, span)?);
        if !self.agree_sizes((&before, self.span(array)), (&after, span)) {
            let (old, new) = (self.function.size_text(&before), self.function.size_text(&after));
            let message = format!("`reshape` keeps the number of elements, but `{old}` is never `{new}`");
            self.report(Diagnostic::error(Code::Shape, span, message));
            return None;
        }
        let ty = self.limit_type(Type::array(shape, ty.elem.clone()), span);
        Some(self.push(ExprKind::View(View::Reshape(array)), ty, span))
    }

    fn product(&mut self, shape: &[Size], span: Span) -> Option<Size> {
        let product = shape.iter().try_fold(Size::constant(1), |product, size| product.mul(size));
        if product.is_none() {
            self.report(Diagnostic::error(Code::Size, span, "this size is too large to reason about"));
        }
        product
    }

    fn call_flatten(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        let (array, ty) = self.array(ArrayFn::Flatten, args)?;
        let length = self.product(&ty.shape, span)?;
        let ty = Type::array(vec![length], ty.elem.clone());
        Some(self.push(ExprKind::View(View::Reshape(array)), ty, span))
    }

    fn call_concat(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if args.positional.len() < 2 {
            self.check_arity("concat", args, 2, &[]);
            return None;
        }
        self.check_names("concat", args, &[]);
        let arrays: Vec<ExprId> = args.positional.iter().map(|arg| self.value(*arg)).collect();
        let mut total = Size::constant(0);
        for &array in &arrays {
            let ty = self.ty(array);
            if ty.is_scalar_like() && !self.has_error(array) {
                let message =
                    format!("an argument of `concat` is an array, but this is {}", self.describe(&ty));
                let error = Diagnostic::error(Code::Mismatch, self.span(array), message)
                    .help(format!("write `[{}]` for an array of one element", self.text(self.span(array))));
                self.report(error);
                return None;
            }
            let ty = self.require_array(array, "an argument of `concat`")?;
            total = total.add(&ty.shape[0])?;
            self.require_same_rows(arrays[0], array)?;
        }
        let ty = Type::array(vec![total], self.ty(arrays[0]).row(1));
        Some(self.push(ExprKind::View(View::Concat(arrays)), ty, span))
    }

    /// Requires that two arrays to be concatenated differ in nothing but their lengths.
    fn require_same_rows(&mut self, first: ExprId, other: ExprId) -> Option<()> {
        let (wanted, found) = (self.ty(first), self.ty(other));
        let (place, span) = (self.span(first), self.span(other));
        let Err(disagreement) = self.unify((&found.row(1), span), (&wanted.row(1), place)) else {
            return Some(());
        };
        let (wanted_text, found_text) = (self.describe(&wanted), self.describe(&found));
        let message = format!("{found_text} cannot follow {wanted_text} in `concat`");
        let mut error = Diagnostic::error(disagreement.code(), span, message)
            .label(format!("this is {found_text}"))
            .other(place, format!("this is {wanted_text}"));
        if let Some(help) = self.mismatch_help(&found, &wanted, span) {
            error = error.help(help);
        }
        self.report(error);
        None
    }

    fn call_len(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        let (array, ty) = self.array(ArrayFn::Len, args)?;
        let length = self.push(ExprKind::Size(ty.shape[0].clone()), Type::Scalar(Scalar::I64), span);
        if matches!(self.expr(array).kind, ExprKind::Local(_)) {
            return Some(length);
        }
        // The array is evaluated before its length is asked for: it may decide the length, or have conditions on it.
        let lets = vec![(crate::hir::Pattern::Wildcard, array)];
        Some(self.push(ExprKind::Block { lets, tail: length }, Type::Scalar(Scalar::I64), span))
    }

    fn call_broadcast(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        if !self.check_arity("broadcast", args, 2, &[]) {
            return None;
        }
        let value = self.value(args.positional[0]);
        let shape = self.shape_argument(args.positional[1], "a length")?;
        let ty = self.ty(value);
        let rank = ty.shape().len();
        if shape.len() < rank {
            let message = format!("an array of rank {rank} cannot be broadcast to rank {}", shape.len());
            self.report(Diagnostic::error(Code::Rank, span, message));
            return None;
        }
        let inner = (shape[shape.len() - rank..].to_vec(), span);
        if rank > 0 && !self.shapes_agree(&(ty.shape().to_vec(), self.span(value)), &inner, span) {
            return None;
        }
        let ty = self.limit_type(Type::array(shape, ty.elem().clone()), span);
        Some(self.push(ExprKind::View(View::Broadcast(value)), ty, span))
    }

    fn call_edges(&mut self, rule: EdgeRule, args: &Args, span: Span) -> Option<ExprId> {
        let function = ArrayFn::Edges(rule);
        let values = self.values(function, args, if rule == EdgeRule::Pad { 2 } else { 1 })?;
        let array = self.require_array(values[0], &format!("the argument of `{}`", array_name(function)))?;
        let pad = values.get(1).copied();
        if let Some(pad) = pad
            && !self.expect_type(pad, (&array.elem, self.span(values[0])), "the value outside of this array")
        {
            return None;
        }
        let ty = self.ty(values[0]);
        Some(self.push(ExprKind::View(View::Edges { rule, array: values[0], pad }), ty, span))
    }

    fn call_get(&mut self, args: &Args, span: Span) -> Option<ExprId> {
        let Some(&array) = args.positional.first() else {
            self.check_arity("get", args, 3, &[]);
            return None;
        };
        let array = self.value(array);
        let ty = self.require_array(array, "the first argument of `get`")?;
        let rank = ty.shape.len();
        if !self.check_arity("get", args, rank + 2, &[]) {
            return None;
        }
        let mut indices = Vec::with_capacity(rank);
        for arg in &args.positional[1..=rank] {
            let index = self.value(*arg);
            if !self.require_scalar(index, Scalar::I64, "an index") {
                return None;
            }
            indices.push(index);
        }
        let default = self.value(args.positional[rank + 1]);
        if !self.expect_type(default, (&ty.elem, self.span(array)), "the value outside of this array") {
            return None;
        }
        let ty = self.vars.resolve(&ty.elem);
        Some(self.push(ExprKind::Get { array, indices, default }, ty, span))
    }
}

/// The most elements of an array that a fold combines.
const MOST_ELEMENTS: i64 = 16;

/// Whether every array in it has few elements, a number known at compile time.
fn is_small(ty: &Type) -> bool {
    let count = ty
        .shape()
        .iter()
        .try_fold(1i64, |count, size| size.as_constant().and_then(|size| count.checked_mul(size)));
    count.is_some_and(|count| (1..=MOST_ELEMENTS).contains(&count))
        && ty.elem().fields().unwrap_or_default().iter().all(|field| is_small(&field.ty))
}

/// The type of a named fold of an array of `scalar`.
fn fold_result(fold: NamedFold, scalar: Scalar) -> Scalar {
    match fold {
        NamedFold::Sum | NamedFold::Prod if scalar.is_signed_int() => Scalar::I64,
        NamedFold::Sum | NamedFold::Prod if scalar.is_int() => Scalar::U64,
        NamedFold::Sum | NamedFold::Prod | NamedFold::Min | NamedFold::Max => scalar,
        NamedFold::Any | NamedFold::All => Scalar::Bool,
        NamedFold::Count | NamedFold::Argmin | NamedFold::Argmax => Scalar::I64,
        NamedFold::Mean if scalar.is_int() => Scalar::F64,
        NamedFold::Mean => scalar,
    }
}

/// The neutral element of an operator.
fn operator_neutral(op: ast::BinaryOp, scalar: Scalar) -> Option<crate::scalar::Const> {
    use crate::scalar::Const;
    use ast::BinaryOp::{Add, AndThen, BitAnd, BitOr, BitXor, Mul, OrElse};
    match op {
        Add | BitOr | BitXor | OrElse => Some(Const::zero(scalar)),
        Mul => Some(Const::from_int(scalar, 1)),
        BitAnd | AndThen => Some(Const::from_bits(scalar, u64::MAX)),
        _ => None,
    }
}

fn negative_infinity(scalar: Scalar) -> Option<crate::scalar::Const> {
    match scalar {
        Scalar::F32 => Some(f32::NEG_INFINITY.into()),
        Scalar::F64 => Some(f64::NEG_INFINITY.into()),
        _ => None,
    }
}
