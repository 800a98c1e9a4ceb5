//! A tree as text again, in one canonical layout: `parse(print(tree))` is the same tree, places apart.
//!
//! Comments and the base of numbers are lost, since the tree does not have them. Printing keeps its own stack of
//! things still to print and never recurses: trees may be as tall as `Limits::height` allows.

use std::fmt::Write;

use crate::ast::{
    Arg, Ast, Comprehension, ExprId, ExprKind, FieldExpr, FieldType, ForRange, Function, IndexArg, Item,
    ItemKind, Let, Loop, PatternId, PatternKind, TypeExprKind, TypeId,
};
use crate::operator::{binary_symbol, level, unary_symbol};
use crate::span::{Ident, Symbol};

/// The whole text, with a line feed at its end.
pub fn print(ast: &Ast) -> String {
    let mut printer = Printer::new(ast);
    for (at, item) in ast.items.iter().enumerate() {
        if at > 0 {
            printer.text.push('\n');
        }
        printer.item(item);
    }
    printer.text
}

/// One expression.
pub fn print_expr(ast: &Ast, id: ExprId) -> String {
    print_one(ast, Work::Expr(id, level::ANY))
}

/// One type.
pub fn print_type(ast: &Ast, id: TypeId) -> String {
    print_one(ast, Work::Type(id))
}

/// One pattern.
pub fn print_pattern(ast: &Ast, id: PatternId) -> String {
    print_one(ast, Work::Pattern(id))
}

fn print_one(ast: &Ast, work: Work) -> String {
    let mut printer = Printer::new(ast);
    printer.run(vec![work]);
    printer.text
}

/// Something still to be printed.
#[derive(Clone, Copy)]
enum Work {
    Text(&'static str),
    Name(Symbol),
    Number(u32),
    /// An expression; in brackets where it binds looser than the level.
    Expr(ExprId, u8),
    /// An expression between braces.
    Braced(ExprId),
    Type(TypeId),
    Pattern(PatternId),
    Let(Let),
    /// A new line, this many levels further in or out.
    Line(i32),
}

struct Printer<'a> {
    ast: &'a Ast,
    text: String,
    indent: i32,
    /// What is still to be printed, last thing first.
    stack: Vec<Work>,
}

impl<'a> Printer<'a> {
    fn new(ast: &'a Ast) -> Printer<'a> {
        Printer { ast, text: String::new(), indent: 0, stack: Vec::new() }
    }

    /// Prints `work` and all that comes of it.
    fn run(&mut self, work: Vec<Work>) {
        self.later(work);
        while let Some(next) = self.stack.pop() {
            match next {
                Work::Text(text) => self.text.push_str(text),
                Work::Name(name) => self.name(name),
                Work::Number(number) => self.text.push_str(&number.to_string()),
                Work::Expr(id, least) => self.expr(id, least),
                Work::Braced(id) => self.braced(id),
                Work::Type(id) => self.ty(id),
                Work::Pattern(id) => self.pattern(id),
                Work::Let(binding) => self.binding(binding),
                Work::Line(step) => {
                    self.indent += step;
                    self.text.push('\n');
                    (0..self.indent).for_each(|_| self.text.push_str("    "));
                }
            }
        }
    }

    /// Puts `work` on the stack, to be printed in this order.
    fn later(&mut self, work: Vec<Work>) {
        self.stack.extend(work.into_iter().rev());
    }

    fn name(&mut self, name: Symbol) {
        let name = self.ast.names.resolve(name);
        // Right behind the dots of a slice `by` would be taken for the keyword.
        let is_keyword = name == "by" && self.text.ends_with("..");
        self.text.push_str(if is_keyword { "(by)" } else { name });
    }
}

/// Items.
impl Printer<'_> {
    fn item(&mut self, item: &Item) {
        for line in item.doc.split('\n').filter(|_| !item.doc.is_empty()) {
            let space = if line.is_empty() { "" } else { " " };
            let _ = writeln!(self.text, "///{space}{line}");
        }
        let name = Work::Name(item.name.name);
        let work = match &item.kind {
            ItemKind::Kernel(function) => self.function("kernel ", name, function),
            ItemKind::Fn(function) => self.function("fn ", name, function),
            ItemKind::Const { ty, value } => vec![
                Work::Text("const "),
                name,
                Work::Text(": "),
                Work::Type(*ty),
                Work::Text(" = "),
                Work::Expr(*value, level::ANY),
                Work::Text(";"),
            ],
            ItemKind::Type { ty } => {
                vec![Work::Text("type "), name, Work::Text(" = "), Work::Type(*ty), Work::Text(";")]
            }
        };
        self.run(work);
        self.text.push('\n');
    }

    fn function(&self, keyword: &'static str, name: Work, function: &Function) -> Vec<Work> {
        let mut work = vec![Work::Text(keyword), name];
        if !function.generics.is_empty() {
            let names = function.generics.iter().map(|name| vec![Work::Name(name.name)]);
            list(&mut work, "<", names, ">");
        }
        let params = function.params.iter();
        let params = params.map(|p| vec![Work::Name(p.name.name), Work::Text(": "), Work::Type(p.ty)]);
        list(&mut work, "(", params, ")");
        work.extend([Work::Text(" -> "), Work::Type(function.result)]);
        if matches!(self.ast.expr(function.body).kind, ExprKind::Block { .. }) {
            work.extend([Work::Text(" "), Work::Braced(function.body)]);
        } else {
            work.extend([Work::Text(" = "), Work::Expr(function.body, level::ANY), Work::Text(";")]);
        }
        work
    }
}

/// Types and patterns.
impl Printer<'_> {
    fn ty(&mut self, id: TypeId) {
        let mut work = Vec::new();
        match &self.ast.ty(id).kind {
            TypeExprKind::Name(name) => work.push(Work::Name(name.name)),
            TypeExprKind::Tuple(fields) => {
                let parts = fields.iter().map(|FieldType { name, ty }| named(*name, Work::Type(*ty)));
                tuple(&mut work, parts, matches!(fields[..], [FieldType { name: None, .. }]));
            }
            TypeExprKind::Array { elem, sizes } => {
                work.extend([Work::Text("["), Work::Type(*elem)]);
                if !sizes.is_empty() {
                    let sizes = sizes.iter().map(|size| vec![Work::Expr(*size, level::OPERAND)]);
                    list(&mut work, "; ", sizes, "");
                }
                work.push(Work::Text("]"));
            }
            TypeExprKind::Error => work.push(Work::Text("<error>")),
        }
        self.later(work);
    }

    fn pattern(&mut self, id: PatternId) {
        let mut work = Vec::new();
        match &self.ast.pattern(id).kind {
            PatternKind::Wildcard => work.push(Work::Text("_")),
            PatternKind::Name(name) => work.push(Work::Name(name.name)),
            PatternKind::Tuple(parts) => {
                tuple(&mut work, parts.iter().map(|part| vec![Work::Pattern(*part)]), parts.len() == 1);
            }
        }
        self.later(work);
    }
}

/// Expressions.
impl Printer<'_> {
    fn expr(&mut self, id: ExprId, least: u8) {
        let kind = &self.ast.expr(id).kind;
        if level::of(kind) < least {
            return self.later(vec![Work::Text("("), Work::Expr(id, level::ANY), Work::Text(")")]);
        }
        let work = match kind {
            ExprKind::Int { value, suffix } => {
                let _ = write!(self.text, "{value}");
                suffix.iter().map(|suffix| Work::Name(suffix.name)).collect()
            }
            ExprKind::Float { text, suffix } => {
                self.text.push_str(text);
                suffix.iter().map(|suffix| Work::Name(suffix.name)).collect()
            }
            ExprKind::Bool(value) => vec![Work::Text(if *value { "true" } else { "false" })],
            ExprKind::Name(name) => vec![Work::Name(name.name)],
            ExprKind::Unary(op, operand) => {
                vec![Work::Text(unary_symbol(*op)), Work::Expr(*operand, level::UNARY)]
            }
            ExprKind::Binary { op, lhs, rhs, .. } => {
                let (left, right) = level::operands(*op);
                let text = [Work::Text(" "), Work::Text(binary_symbol(*op)), Work::Text(" ")];
                [&[Work::Expr(*lhs, left)], &text[..], &[Work::Expr(*rhs, right)]].concat()
            }
            ExprKind::If { cond, then, otherwise } => self.choice(*cond, *then, *otherwise),
            ExprKind::Block { .. } => vec![Work::Braced(id)],
            ExprKind::Loop(node) => repetition(node),
            ExprKind::Closure { params, body } => {
                let mut work = Vec::new();
                list(&mut work, "|", params.iter().map(|param| vec![Work::Pattern(*param)]), "| ");
                work.push(Work::Expr(*body, level::ANY));
                work
            }
            ExprKind::Operator(op) => vec![Work::Text(binary_symbol(*op))],
            ExprKind::Error => vec![Work::Text("<error>")],
            other => self.postfix(other),
        };
        self.later(work);
    }

    /// What ends in a bracket or a field.
    fn postfix(&mut self, kind: &ExprKind) -> Vec<Work> {
        let mut work = Vec::new();
        match kind {
            ExprKind::Tuple(fields) => {
                let parts = fields.iter();
                let parts =
                    parts.map(|FieldExpr { name, value }| named(*name, Work::Expr(*value, level::ANY)));
                tuple(&mut work, parts, matches!(fields[..], [FieldExpr { name: None, .. }]));
            }
            ExprKind::Array(elements) => {
                list(
                    &mut work,
                    "[",
                    elements.iter().map(|element| vec![Work::Expr(*element, level::ANY)]),
                    "]",
                );
            }
            ExprKind::Comprehension(node) => comprehension(&mut work, node),
            ExprKind::Call { callee, args, is_method: true } if !args.is_empty() => {
                work.extend([
                    Work::Expr(args[0].value, level::POSTFIX),
                    Work::Text("."),
                    Work::Name(callee.name),
                ]);
                call(&mut work, &args[1..]);
            }
            ExprKind::Call { callee, args, .. } => {
                work.push(Work::Name(callee.name));
                call(&mut work, args);
            }
            ExprKind::Field { base, name } => {
                work.extend([Work::Expr(*base, level::POSTFIX), Work::Text("."), Work::Name(name.name)]);
            }
            ExprKind::TupleField { base, index, .. } => return self.tuple_field(*base, *index),
            ExprKind::Index { base, indices } => {
                work.push(Work::Expr(*base, level::POSTFIX));
                list(&mut work, "[", indices.iter().map(index_arg), "]");
            }
            _ => {}
        }
        work
    }

    fn tuple_field(&self, base: ExprId, index: u32) -> Vec<Work> {
        // `1.0` would be a float.
        let is_int = matches!(self.ast.expr(base).kind, ExprKind::Int { .. });
        let (open, close) = if is_int { ("(", ").") } else { ("", ".") };
        vec![Work::Text(open), Work::Expr(base, level::POSTFIX), Work::Text(close), Work::Number(index)]
    }

    fn choice(&self, cond: ExprId, then: ExprId, otherwise: ExprId) -> Vec<Work> {
        let is_chain = matches!(self.ast.expr(otherwise).kind, ExprKind::If { .. });
        let rest = if is_chain { Work::Expr(otherwise, level::ANY) } else { Work::Braced(otherwise) };
        let head = [Work::Text("if "), Work::Expr(cond, level::OPERAND), Work::Text(" "), Work::Braced(then)];
        [&head[..], &[Work::Text(" else "), rest]].concat()
    }

    fn braced(&mut self, id: ExprId) {
        let work = match &self.ast.expr(id).kind {
            ExprKind::Block { lets, tail } => {
                let mut work = vec![Work::Text("{"), Work::Line(1)];
                work.extend(lets.iter().flat_map(|binding| [Work::Let(*binding), Work::Line(0)]));
                work.extend([Work::Expr(*tail, level::ANY), Work::Line(-1), Work::Text("}")]);
                work
            }
            _ => vec![Work::Text("{ "), Work::Expr(id, level::ANY), Work::Text(" }")],
        };
        self.later(work);
    }

    fn binding(&mut self, binding: Let) {
        let mut work = vec![Work::Text("let "), Work::Pattern(binding.pattern)];
        work.extend(binding.ty.into_iter().flat_map(|ty| [Work::Text(": "), Work::Type(ty)]));
        work.extend([Work::Text(" = "), Work::Expr(binding.value, level::ANY), Work::Text(";")]);
        self.later(work);
    }
}

fn repetition(node: &Loop) -> Vec<Work> {
    let mut work = vec![Work::Text("loop "), Work::Pattern(node.pattern), Work::Text(" = ")];
    work.extend([Work::Expr(node.init, level::OPERAND), Work::Text(" for ")]);
    work.extend(range(&node.range));
    work.extend(
        node.cond.into_iter().flat_map(|cond| [Work::Text(" while "), Work::Expr(cond, level::OPERAND)]),
    );
    work.extend([Work::Text(" "), Work::Braced(node.body)]);
    work
}

fn comprehension(work: &mut Vec<Work>, node: &Comprehension) {
    work.extend([Work::Text("["), Work::Expr(node.body, level::ANY)]);
    list(work, " for ", node.ranges.iter().map(range), "");
    work.extend(
        node.cond.into_iter().flat_map(|cond| [Work::Text(" if "), Work::Expr(cond, level::OPERAND)]),
    );
    work.push(Work::Text("]"));
}

fn range(range: &ForRange) -> Vec<Work> {
    let ends =
        [Work::Expr(range.start, level::OPERAND), Work::Text(".."), Work::Expr(range.end, level::OPERAND)];
    [&[Work::Pattern(range.pattern), Work::Text(" in ")], &ends[..]].concat()
}

fn call(work: &mut Vec<Work>, args: &[Arg]) {
    list(work, "(", args.iter().map(|arg| named(arg.name, Work::Expr(arg.value, level::ANY))), ")");
}

fn index_arg(index: &IndexArg) -> Vec<Work> {
    match *index {
        IndexArg::At(at) => vec![Work::Expr(at, level::ANY)],
        IndexArg::Slice { lo, hi, step, .. } => {
            let part = |id: Option<ExprId>| id.map(|id| Work::Expr(id, level::OPERAND));
            let by = step.map(|_| Work::Text(" by "));
            [part(lo), Some(Work::Text("..")), part(hi), by, part(step)].into_iter().flatten().collect()
        }
    }
}

/// `name: value`, or only the value.
fn named(name: Option<Ident>, value: Work) -> Vec<Work> {
    match name {
        Some(name) => vec![Work::Name(name.name), Work::Text(": "), value],
        None => vec![value],
    }
}

/// `open a, b, c close`
fn list(
    work: &mut Vec<Work>,
    open: &'static str,
    parts: impl Iterator<Item = Vec<Work>>,
    close: &'static str,
) {
    work.push(Work::Text(open));
    for (at, part) in parts.enumerate() {
        work.extend((at > 0).then_some(Work::Text(", ")));
        work.extend(part);
    }
    work.push(Work::Text(close));
}

/// `(a, b)`; a comma keeps a lone part from being read as a thing in brackets.
fn tuple(work: &mut Vec<Work>, parts: impl Iterator<Item = Vec<Work>>, is_lone: bool) {
    list(work, "(", parts, if is_lone { ",)" } else { ")" });
}

#[cfg(test)]
mod tests {
    use super::print;
    use crate::tests::{parse_expr, parse_ok};

    /// Whether two expressions are the same tree.
    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(parse_expr(one), parse_expr(other));
    }

    #[track_caller]
    fn kept(text: &str) {
        assert_eq!(parse_expr(text), text);
    }

    #[test]
    fn levels_bind_as_documented() {
        same(
            "a || b && c == d | e ^ f & g << h + i * -j ** k",
            "a || (b && (c == (d | (e ^ (f & (g << (h + (i * (-(j ** k))))))))))",
        );
        same(
            "a ** b * c + d >> e & f ^ g | h < i && j || k",
            "((((((((((a ** b) * c) + d) >> e) & f) ^ g) | h) < i) && j) || k)",
        );
        same("a - b - c", "(a - b) - c");
        same("a / b % c * d", "((a / b) % c) * d");
        same("a ** b ** c", "a ** (b ** c)");
        same("-a ** 2", "-(a ** 2)");
        same("2 ** -a ** b * c", "(2 ** (-(a ** b))) * c");
        same("!a && b", "(!a) && b");
        same("-x.f(1)[0].0", "-(((x.f(1))[0]).0)");
        same("|a| |b| a + b", "(|a| (|b| (a + b)))");
        same("if a { b } else { c } + d", "(if a { b } else { c }) + d");
    }

    #[test]
    fn brackets_are_kept_where_they_are_needed() {
        kept("(a + b) * c");
        kept("a - (b - c)");
        kept("(a ** b) ** c");
        kept("(-a) ** 2");
        kept("(a < b) == c");
        kept("(|a| a) + 1");
        kept("f((|a| a)[0])");
        kept("(1).0");
        kept("1.5.0");
        kept("(a + b).f().g(x, axis: 1)");
        kept("x[..(by) + 1 by by]");
        kept("x[1..2 by 3, .., a.., ..b, .. by -1]");
        kept("(a,)");
        kept("(x: 1)");
        kept("()");
        kept("[]");
    }

    #[test]
    fn blocks_and_brackets_around_one_thing_are_no_nodes() {
        same("{ { (a) } }", "a");
        same("if a { { b } } else { if c { d } else { e } }", "if a { b } else if c { d } else { e }");
    }

    #[test]
    fn items_are_laid_out() {
        let text = "/// Twice.\n///\n///  And so on.\nkernel f<T,>(x:[T;n,],)->(a:T,b:T){let y:T=x[0];(a:y,b:y)}const N:i64=1;";
        insta::assert_snapshot!(print(&parse_ok(text)), @"
        /// Twice.
        ///
        ///  And so on.
        kernel f<T>(x: [T; n]) -> (a: T, b: T) {
            let y: T = x[0];
            (a: y, b: y)
        }

        const N: i64 = 1;
        ");
    }
}
