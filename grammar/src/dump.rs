//! Tokens and trees for people who look into the compiler: one thing a line, with its place in bytes.
//!
//! The same text always gives the same dump. Expressions are gone through with a stack of our own, and the indentation
//! is capped, so that neither the stack nor the dump grows with the square of a tree's height.

use std::fmt::Write;

use crate::ast::{Arg, Ast, ExprId, ExprKind, FieldExpr, ForRange, Function, IndexArg, Item, ItemKind};
use crate::lexer::tokenize;
use crate::limits::Limits;
use crate::operator::{binary_symbol, unary_symbol};
use crate::pretty::{print_pattern, print_type};
use crate::span::{Ident, Span};
use crate::token::Token;

/// The tokens of `source`, up to the first passed limit: `start..end`, the class where it has several words, the text.
pub fn tokens(source: &str, limits: &Limits) -> String {
    let mut text = String::new();
    for lexeme in tokenize(source, limits).tokens {
        let class = match lexeme.token {
            Token::Name(_) | Token::Int(_) | Token::Float(_) => lexeme.token.spelling(),
            Token::DotInt(_) => "field",
            _ => "",
        };
        let space = if class.is_empty() { "" } else { " " };
        let place = Place(lexeme.span).to_string();
        let _ = writeln!(text, "{place:<9} {class}{space}{}", lexeme.token);
    }
    text
}

/// The tree: items, and below each the expressions by their depth.
pub fn ast(ast: &Ast) -> String {
    let mut text = String::new();
    for item in &ast.items {
        dump_item(&mut text, ast, item);
    }
    text
}

/// A span as `start..end`.
struct Place(Span);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.0.start, self.0.end)
    }
}

fn dump_item(text: &mut String, ast: &Ast, item: &Item) {
    let (keyword, body) = match &item.kind {
        ItemKind::Kernel(function) => ("kernel", Some(function.body)),
        ItemKind::Fn(function) => ("fn", Some(function.body)),
        ItemKind::Const { value, .. } => ("const", Some(*value)),
        ItemKind::Type { .. } => ("type", None),
    };
    let _ = writeln!(text, "{keyword} {} {}", ast.names.resolve(item.name.name), Place(item.span));
    for line in item.doc.split('\n').filter(|_| !item.doc.is_empty()) {
        let _ = writeln!(text, "  doc {line:?}");
    }
    match &item.kind {
        ItemKind::Kernel(function) | ItemKind::Fn(function) => dump_signature(text, ast, function),
        ItemKind::Const { ty, .. } | ItemKind::Type { ty } => {
            let _ = writeln!(text, "  type {} {}", print_type(ast, *ty), Place(ast.ty(*ty).span));
        }
    }
    if let Some(body) = body {
        dump_expr(text, ast, body);
    }
}

fn dump_signature(text: &mut String, ast: &Ast, function: &Function) {
    for name in &function.generics {
        let _ = writeln!(text, "  generic {} {}", ast.names.resolve(name.name), Place(name.span));
    }
    for param in &function.params {
        let (name, ty) = (ast.names.resolve(param.name.name), print_type(ast, param.ty));
        let _ = writeln!(text, "  param {name}: {ty} {}", Place(param.name.span.to(ast.ty(param.ty).span)));
    }
    let result = function.result;
    let _ = writeln!(text, "  result {} {}", print_type(ast, result), Place(ast.ty(result).span));
}

/// An expression still to be shown: what it is to the one above, and how deep.
struct Pending {
    role: String,
    id: ExprId,
    depth: usize,
}

fn dump_expr(text: &mut String, ast: &Ast, root: ExprId) {
    let mut pending = vec![Pending { role: String::new(), id: root, depth: 1 }];
    while let Some(Pending { role, id, depth }) = pending.pop() {
        let node = ast.expr(id);
        indent(text, depth);
        text.push_str(&role);
        describe(text, ast, &node.kind);
        let _ = writeln!(text, " {}", Place(node.span));
        let children = children(ast, &node.kind);
        let children = children.into_iter().map(|(role, id)| Pending { role, id, depth: depth + 1 });
        pending.extend(children.rev());
    }
}

/// Two blanks a level; from the deepest shown level on, the number of the level instead of more blanks.
fn indent(text: &mut String, depth: usize) {
    const DEEPEST: usize = 60;
    (0..depth.min(DEEPEST)).for_each(|_| text.push_str("  "));
    if depth > DEEPEST {
        let _ = write!(text, "({depth}) ");
    }
}

/// What the node itself says, without what is below it.
fn describe(text: &mut String, ast: &Ast, kind: &ExprKind) {
    let name = |ident: &Ident| ast.names.resolve(ident.name);
    let suffix = |suffix: &Option<Ident>| suffix.as_ref().map_or("", name);
    let _ = match kind {
        ExprKind::Int { value, suffix: ty } => write!(text, "int {value}{}", suffix(ty)),
        ExprKind::Float { text: digits, suffix: ty } => write!(text, "float {digits}{}", suffix(ty)),
        ExprKind::Bool(value) => write!(text, "{value}"),
        ExprKind::Name(ident) => write!(text, "name {}", name(ident)),
        ExprKind::Unary(op, _) => write!(text, "unary {}", unary_symbol(*op)),
        ExprKind::Binary { op, .. } => write!(text, "binary {}", binary_symbol(*op)),
        ExprKind::Tuple(_) => write!(text, "tuple"),
        ExprKind::Array(_) => write!(text, "array"),
        ExprKind::Comprehension(_) => write!(text, "comprehension"),
        ExprKind::Call { callee, is_method: true, .. } => write!(text, "method {}", name(callee)),
        ExprKind::Call { callee, .. } => write!(text, "call {}", name(callee)),
        ExprKind::Field { name: field, .. } => write!(text, "field .{}", name(field)),
        ExprKind::TupleField { index, .. } => write!(text, "field .{index}"),
        ExprKind::Index { .. } => write!(text, "index"),
        ExprKind::If { .. } => write!(text, "if"),
        ExprKind::Block { .. } => write!(text, "block"),
        ExprKind::Loop(_) => write!(text, "loop"),
        ExprKind::Closure { params, .. } => {
            let params: Vec<_> = params.iter().map(|param| print_pattern(ast, *param)).collect();
            write!(text, "closure |{}|", params.join(", "))
        }
        ExprKind::Operator(op) => write!(text, "operator {}", binary_symbol(*op)),
        ExprKind::Error => write!(text, "error"),
    };
}

/// What is directly below, each with its role where position alone does not tell.
fn children(ast: &Ast, kind: &ExprKind) -> Vec<(String, ExprId)> {
    let plain = |id: &ExprId| (String::new(), *id);
    let named =
        |name: &Option<Ident>| name.map_or(String::new(), |n| format!("{}: ", ast.names.resolve(n.name)));
    match kind {
        ExprKind::Tuple(fields) => {
            fields.iter().map(|FieldExpr { name, value }| (named(name), *value)).collect()
        }
        ExprKind::Call { args, .. } => args.iter().map(|Arg { name, value }| (named(name), *value)).collect(),
        ExprKind::Comprehension(node) => {
            let mut list = vec![plain(&node.body)];
            node.ranges.iter().for_each(|range| list.extend(range_children(ast, range)));
            list.extend(node.cond.map(|cond| ("if: ".to_owned(), cond)));
            list
        }
        ExprKind::Index { base, indices } => {
            let mut list = vec![plain(base)];
            indices.iter().for_each(|index| list.extend(index_children(index)));
            list
        }
        ExprKind::Block { lets, tail } => {
            let mut list: Vec<_> = lets
                .iter()
                .map(|binding| {
                    let ty = binding.ty.map_or(String::new(), |ty| format!(": {}", print_type(ast, ty)));
                    (format!("let {}{ty} = ", print_pattern(ast, binding.pattern)), binding.value)
                })
                .collect();
            list.push(plain(tail));
            list
        }
        ExprKind::Loop(node) => {
            let mut list = vec![(format!("{} = ", print_pattern(ast, node.pattern)), node.init)];
            list.extend(range_children(ast, &node.range));
            list.extend(node.cond.map(|cond| ("while: ".to_owned(), cond)));
            list.push(plain(&node.body));
            list
        }
        other => {
            let mut list = Vec::new();
            crate::walk::for_each_child(other, |id| list.push(plain(&id)));
            list
        }
    }
}

fn range_children(ast: &Ast, range: &ForRange) -> [(String, ExprId); 2] {
    let pattern = print_pattern(ast, range.pattern);
    [(format!("for {pattern} from: "), range.start), (format!("for {pattern} to: "), range.end)]
}

fn index_children(index: &IndexArg) -> Vec<(String, ExprId)> {
    match *index {
        IndexArg::At(at) => vec![(String::new(), at)],
        IndexArg::Slice { lo, hi, step, .. } => {
            let parts = [("from: ", lo), ("to: ", hi), ("by: ", step)];
            parts.into_iter().filter_map(|(role, id)| Some((role.to_owned(), id?))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::Limits;
    use crate::tests::parse_ok;

    #[test]
    fn tokens_have_class_text_and_place() {
        let text = super::tokens("fn by(t: f32) = t.0 ** 0x_ + 1_0u8 // end", &Limits::default());
        insta::assert_snapshot!(text, @"
        0..2      fn
        3..5      name by
        5..6      (
        6..7      name t
        7..8      :
        9..12     name f32
        12..13    )
        14..15    =
        16..17    name t
        17..19    field .0
        20..22    **
        23..26    integer 0
        27..28    +
        29..34    integer 10u8
        ");
    }

    #[test]
    fn every_node_has_a_line() {
        let text = "/// Doc.
kernel f<T>(x: [T; n]) -> [T] {
    let (a, _): (T, T) = g(x, axis: 1u8, -1.5e3f32);
    loop k = a for _ in 0..9 while !true { if k.0 { [|p| p.q, 1][i, 1..2 by 3] } else { (a: [], b: [i for i in 0..n if i]) } }
}";
        insta::assert_snapshot!(super::ast(&parse_ok(text)), @r#"
        kernel f 9..222
          doc "Doc."
          generic T 18..19
          param x: [T; n] 21..30
          result [T] 35..38
          block 39..222
            let (a, _): (T, T) = call g 66..92
              name x 68..69
              axis: int 1u8 77..80
              unary - 82..91
                float 1.5e3f32 83..91
            loop 98..220
              k = name a 107..108
              for _ from: int 0 118..119
              for _ to: int 9 121..122
              while: unary ! 129..134
                true 130..134
              if 137..218
                field .0 140..143
                  name k 140..141
                index 146..172
                  array 146..158
                    closure |p| 147..154
                      field .q 151..154
                        name p 151..152
                    int 1 156..157
                  name i 159..160
                  from: int 1 162..163
                  to: int 2 165..166
                  by: int 3 170..171
                tuple 182..216
                  a: array 186..188
                  b: comprehension 193..215
                    name i 194..195
                    for i from: int 0 205..206
                    for i to: name n 208..209
                    if: name i 213..214
        "#);
    }

    #[test]
    fn deep_trees_do_not_grow_the_indentation() {
        let text = format!("fn f() -> T = x{};", "+1".repeat(4000));
        let dump = super::ast(&parse_ok(&text));
        assert!(dump.lines().all(|line| line.len() < 200));
        assert_eq!(dump.lines().count(), 2 + 8001);
    }
}
