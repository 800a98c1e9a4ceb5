//! HIR as text: one expression a line, operands below what uses them.

use crate::{
    hir::{ExprId, ExprKind, Function, Index, Lambda, Pattern, Program, SizeCheck, View},
    types::Type,
};
use std::fmt::{self, Write};

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernels = self.kernels.iter().map(|kernel| ("kernel", &kernel.function));
        let functions = self.functions.iter().map(|function| ("fn", function));
        for (at, (keyword, function)) in functions.chain(kernels).enumerate() {
            if at > 0 {
                f.write_char('\n')?;
            }
            let mut printer = Printer { program: self, function, out: f };
            printer.function(keyword)?;
        }
        Ok(())
    }
}

struct Printer<'a, 'f, 'b> {
    program: &'a Program,
    function: &'a Function,
    out: &'f mut fmt::Formatter<'b>,
}

impl<'a> Printer<'a, '_, '_> {
    fn function(&mut self, keyword: &str) -> fmt::Result {
        let function = self.function;
        let params = function.params.iter().map(|param| {
            let local = function.local(*param);
            format!("{}: {}", local.name, type_text(function, &local.ty))
        });
        let params = params.collect::<Vec<_>>().join(", ");
        writeln!(self.out, "{keyword} {}({params})", function.name)?;
        function.body.map_or(Ok(()), |body| self.expr(body, 1))
    }

    fn expr(&mut self, id: ExprId, depth: usize) -> fmt::Result {
        let expr = self.function.expr(id);
        for check in &expr.checks {
            let text = self.check_text(check);
            self.line(depth, &text)?;
        }
        let head = self.head(&expr.kind);
        let ty = type_text(self.function, &expr.ty);
        self.line(depth, &format!("{head}: {ty}"))?;
        self.operands(&expr.kind, depth + 1)
    }

    fn line(&mut self, depth: usize, text: &str) -> fmt::Result {
        writeln!(self.out, "{:indent$}{text}", "", indent = 2 * depth)
    }

    fn check_text(&self, check: &SizeCheck) -> String {
        let text = |size| self.function.size_text(size);
        match check {
            SizeCheck::Equal { left, right } => format!("check {} == {}", text(&left.0), text(&right.0)),
            SizeCheck::NonNegative(size, _) => format!("check {} >= 0", text(size)),
            SizeCheck::Slice { lo, count, length, .. } => {
                format!("check {} from {} in 0..{}", text(count), text(lo), text(length))
            }
            SizeCheck::Range { lo, hi, .. } => format!("check {}..{} fits i64", text(lo), text(hi)),
        }
    }

    /// The expression without its operands.
    fn head(&self, kind: &ExprKind) -> String {
        let function = self.function;
        match kind {
            ExprKind::Error => "error".to_string(),
            ExprKind::Const(value) => value.to_string(),
            ExprKind::Local(local) => function.local(*local).name.clone(),
            ExprKind::Size(size) => format!("size {}", function.size_text(size)),
            ExprKind::Tuple(_) => "tuple".to_string(),
            ExprKind::Field(_, index) => format!("field {index}"),
            ExprKind::Array(_) => "array".to_string(),
            ExprKind::Elementwise(op, _) => format!("{op:?}"),
            ExprKind::Call { function, lifted, .. } => {
                let name = &self.program.functions[function.0 as usize].name;
                if *lifted > 0 { format!("call {name} lifted over {lifted}") } else { format!("call {name}") }
            }
            ExprKind::If { .. } => "if".to_string(),
            ExprKind::Block { .. } => "block".to_string(),
            ExprKind::Loop { carried, index, .. } => {
                format!("loop {} for {}", self.pattern(carried), self.local_name(*index))
            }
            ExprKind::Index { indices, .. } => format!("index [{}]", self.places(indices)),
            ExprKind::Get { .. } => "get".to_string(),
            ExprKind::Comprehension { ranges, keep, .. } => {
                let indices: Vec<String> = ranges.iter().map(|range| self.local_name(range.index)).collect();
                let filter = if keep.is_some() { " if" } else { "" };
                format!("for {}{filter}", indices.join(", "))
            }
            ExprKind::Map { function, .. } => format!("map {}", self.params(function)),
            ExprKind::Fold { kind, op, commutative, .. } => {
                let order = if *commutative { " commutative" } else { "" };
                format!("{}{order} {}", format!("{kind:?}").to_lowercase(), self.params(op))
            }
            ExprKind::NamedFold { fold, axis, .. } => {
                format!("{} over axis {axis}", format!("{fold:?}").to_lowercase())
            }
            ExprKind::Filter { keep, .. } => format!("filter {}", self.params(keep)),
            ExprKind::ReduceByIndex { bins, op, .. } => {
                format!("reduce_by_index {} {}", function.size_text(bins), self.params(op))
            }
            ExprKind::View(view) => view_name(view),
        }
    }

    fn operands(&mut self, kind: &ExprKind, depth: usize) -> fmt::Result {
        if let ExprKind::Block { lets, tail } = kind {
            for (pattern, value) in lets {
                let name = self.pattern(pattern);
                self.line(depth, &format!("let {name}"))?;
                self.expr(*value, depth + 1)?;
            }
            return self.expr(*tail, depth);
        }
        let mut operands = Vec::new();
        crate::check::for_each_operand(kind, &mut |operand| operands.push(operand));
        operands.into_iter().try_for_each(|operand| self.expr(operand, depth))
    }

    fn places(&self, indices: &[Index]) -> String {
        let place = |index: &Index| match index {
            Index::At(_) => "at".to_string(),
            Index::Slice { length, step: 1, .. } => format!("{} long", self.function.size_text(length)),
            Index::Slice { length, step, .. } => {
                format!("{} long by {step}", self.function.size_text(length))
            }
        };
        indices.iter().map(place).collect::<Vec<_>>().join(", ")
    }

    fn params(&self, lambda: &Lambda) -> String {
        let params: Vec<String> = lambda.params.iter().map(|param| self.pattern(param)).collect();
        format!("|{}|", params.join(", "))
    }

    fn pattern(&self, pattern: &Pattern) -> String {
        match pattern {
            Pattern::Wildcard => "_".to_string(),
            Pattern::Local(local) => self.function.local(*local).name.clone(),
            Pattern::Tuple(parts) => {
                format!("({})", parts.iter().map(|part| self.pattern(part)).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn local_name(&self, local: Option<crate::hir::LocalId>) -> String {
        local.map_or_else(|| "_".to_string(), |local| self.function.local(local).name.clone())
    }
}

fn view_name(view: &View) -> String {
    match view {
        View::Zip(_) => "zip".to_string(),
        View::Unzip(_) => "unzip".to_string(),
        View::Iota => "iota".to_string(),
        View::Fill(_) => "fill".to_string(),
        View::Reverse(_) => "reverse".to_string(),
        View::Transpose(_) => "transpose".to_string(),
        View::Reshape(_) => "reshape".to_string(),
        View::Concat(_) => "concat".to_string(),
        View::Broadcast(_) => "broadcast".to_string(),
        View::Edges { rule, .. } => format!("{}_edges", format!("{rule:?}").to_lowercase()),
    }
}

/// A type of a finished function as the language writes it.
fn type_text(function: &Function, ty: &Type) -> String {
    match ty {
        Type::Error | Type::Var(_) => "?".to_string(),
        Type::Scalar(scalar) => scalar.to_string(),
        Type::Tuple(tuple) => {
            let fields = tuple.fields.iter().map(|field| {
                let ty = type_text(function, &field.ty);
                field.name.as_ref().map_or_else(|| ty.clone(), |name| format!("{name}: {ty}"))
            });
            format!("({})", fields.collect::<Vec<_>>().join(", "))
        }
        Type::Array(array) => {
            let shape: Vec<String> = array.shape.iter().map(|size| function.size_text(size)).collect();
            format!("[{}; {}]", type_text(function, &array.elem), shape.join(", "))
        }
    }
}
