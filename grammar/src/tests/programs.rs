//! Sound programs: all forms of the language are read, and printing them loses nothing.

use super::parse_ok;
use crate::ast::{ExprKind, IndexArg, ItemKind};
use crate::{Limits, parse, pretty};

/// Every form at least once.
const PROGRAM: &str = "
// Scales and shifts.
kernel axpb(a: f32, b: f32, x: [f32; n]) -> [f32; n] = a * x + b;

/// A running mean over pairs.
type Mean = (count: i64, value: f64);

fn join(a: Mean, b: Mean) -> Mean {
    let count = a.count + b.count;
    let share: f64 = if count == 0 { 0.0 } else { f64(b.count) / f64(count) };
    (count: count, value: a.value + (b.value - a.value) * share,)
}

const ZERO: Mean = (count: 0, value: 0.0);

kernel mean<T>(x: [T; n]) -> Mean = x.map(|v| (count: 1, value: f64(v))).reduce(ZERO, join);

fn newton(a: f64, most: i32) -> (f64, i32) =
    loop (x, steps) = (a, 0) for _ in 0..most while abs(x * x - a) > 1e-12 {
        let next = 0.5 * (x + a / x);
        (next, steps + 1)
    };

kernel outer(x: [f32; n], y: [f32; m]) -> [f32; n, m] = [x[i] * y[j] for i in 0..n, j in 0..m,];
kernel gram(a: [f32; n, k]) -> [f32; n, n] = [sum(a[i, l] * a[j, l] for l in 0..k) for i in 0..n, j in 0..n];
kernel odd(x: [i64; n]) -> [i64] = [x[i] for i in 0..n if x[i] % 2 == 1];
kernel column_sums(a: [f32; n, m]) -> [f32; m] = sum(a, axis: 0);
kernel diffs(x: [f32; n]) -> [f32; n - 1] = x[1..] - x[..n - 1];
kernel corner(a: [f32; n, m]) -> f32 { let row = a[0, ..]; row[.. by 2][0] }
kernel bits(x: [u32; n], by: i64) -> [u32; n] = (x << 3 | x >> 29) ^ 0xdead_beefu32 & !x[.. by by];
kernel all_above(x: [f32; n], low: f32) -> bool = x.map(|v| v >= low).reduce(true, &&) || false;
kernel signs(x: [f32; n]) -> [i8; n] = x.map(|v| if v > 0.0 { 1 } else if v < 0.0 { -1 } else { 0 });
kernel nested(t: ((f32, f32), f32)) -> f32 = t.0.1 ** -2 ** t.1 - f32.pi;
kernel swap(p: (f32, i64)) -> (i64, f32) = { let (a, b) = p; (b, a) };
kernel unit() -> () = ();
kernel hits(n: i64, seed: u64) -> i64 = count({ let u = uniform(seed, i); u * u < 0.5 } for i in 0..n, axis: 0);
fn half(x: f32) -> f32 = x;
";

#[test]
fn all_forms_are_read() {
    let ast = parse_ok(PROGRAM);
    assert_eq!(ast.items.len(), 20);
    assert_eq!(ast.items[1].doc, "A running mean over pairs.");
}

#[test]
fn printing_is_a_fixpoint() {
    let first = pretty::print(&parse_ok(PROGRAM));
    let second = pretty::print(&parse_ok(&first));
    assert_eq!(first, second);
}

#[test]
fn printing_keeps_the_shape() {
    let count = |text: &str| {
        let ast = parse_ok(text);
        (ast.exprs.len(), ast.patterns.len(), ast.types.len(), ast.items.len())
    };
    assert_eq!(count(PROGRAM), count(&pretty::print(&parse_ok(PROGRAM))));
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let plain = pretty::print(&parse_ok(PROGRAM));
    assert_eq!(pretty::print(&parse_ok(&PROGRAM.replace('\n', "\r\n"))), plain);
    assert_eq!(pretty::print(&parse_ok(&format!("\u{feff}{PROGRAM}"))), plain);
}

#[test]
fn words_of_c_and_of_devices_are_ordinary_names() {
    for name in ["half", "main", "NULL", "sin", "__global", "float4", "asm", "v0", "by", "return", "struct"] {
        parse_ok(&format!(
            "kernel {name}({name}: {name}) -> {name} = {name}.{name}({name}, {name}: {name});"
        ));
    }
}

#[test]
fn the_smallest_integer_is_a_negated_literal() {
    let ast = parse_ok("const LOW: i64 = -9223372036854775808;");
    let ItemKind::Const { value, .. } = ast.items[0].kind else { panic!() };
    let ExprKind::Unary(_, operand) = ast.expr(value).kind else { panic!() };
    assert!(matches!(ast.expr(operand).kind, ExprKind::Int { value: 0x8000_0000_0000_0000, suffix: None }));
}

#[test]
fn places_are_those_of_the_text() {
    let text = "fn f(x: T) -> T = g( x.0 ,(y + 1i8)[ ..2 ] , |a| (a));";
    let ast = parse_ok(text);
    let places: Vec<_> = ast.exprs.iter().map(|expr| &text[expr.span.range()]).collect();
    let whole = &text[18..53];
    assert_eq!(places, ["x", "x.0", "y", "1i8", "y + 1i8", "2", "(y + 1i8)[ ..2 ]", "a", "|a| (a)", whole]);
    let (mut suffixes, mut fields, mut slices) = (Vec::new(), Vec::new(), Vec::new());
    for expr in &ast.exprs {
        match &expr.kind {
            ExprKind::Int { suffix: Some(suffix), .. } => suffixes.push(&text[suffix.span.range()]),
            ExprKind::TupleField { index_span, .. } => fields.push(&text[index_span.range()]),
            ExprKind::Index { indices, .. } => slices.extend(indices.iter().map(|index| match index {
                IndexArg::Slice { span, .. } => &text[span.range()],
                IndexArg::At(_) => "",
            })),
            _ => {}
        }
    }
    assert_eq!((suffixes, fields, slices), (vec!["i8"], vec!["0"], vec!["..2"]));
}

#[test]
fn heights_count_the_levels() {
    let height = |text: &str| {
        let ast = parse_ok(&format!("const C: T = {text};"));
        let ItemKind::Const { value, .. } = ast.items[0].kind else { panic!() };
        ast.expr(value).height
    };
    assert_eq!(height("x"), 1);
    assert_eq!(height("(((x)))"), 1);
    assert_eq!(height("a + b + c + d"), 4);
    assert_eq!(height("a + (b + (c + d))"), 4);
    assert_eq!(height("f(a, -b, [c for i in 0..--n])"), 5);
    assert_eq!(height("{ let a = b + c; d }"), 3);
    assert_eq!(height("if a { b } else if c { d } else { e }"), 3);
}

/// Numbers that look random and are the same in every run.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Parses `text`, and checks what holds for every text.
fn survives(text: &str) {
    let parsed = parse(text, &Limits::default());
    for error in &parsed.errors {
        assert!(text.get(error.span.range()).is_some(), "{text:?} {error:?}");
        assert!(error.to_string().len() < 1024);
    }
    if parsed.errors.is_empty() {
        let printed = pretty::print(&parsed.ast);
        assert_eq!(pretty::print(&parse_ok(&printed)), printed, "{text}");
    }
    crate::dump::ast(&parsed.ast);
}

#[test]
fn soups_of_tokens_do_no_harm() {
    let words: Vec<&str> =
        "kernel fn const type let if else loop for in while true by f x _ 1 2.5 .0 0u8 ( ) [ ] { } ( ) \
        [ ] { } , ; : . .. -> = || && == < > | ^ & << + - * / ** ! ? \" \u{f6} \0 // /* */ \n"
            .split(' ')
            .collect();
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let length = random.below(60);
        let soup: Vec<&str> = (0..length).map(|_| words[random.below(words.len())]).collect();
        survives(&format!("fn f() -> T = {}", soup.join(" ")));
    }
}

#[test]
fn changed_programs_do_no_harm() {
    let mut random = Xorshift(0x2545_f491_4f6c_dd1d);
    let sound = PROGRAM.as_bytes();
    for _ in 0..400 {
        let mut bytes = sound.to_vec();
        for _ in 0..1 + random.below(4) {
            let (at, from) = (random.below(bytes.len()), random.below(sound.len()));
            match random.below(3) {
                0 => bytes[at] = sound[from],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, sound[from]),
            }
        }
        survives(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn soups_of_bytes_do_no_harm() {
    let mut random = Xorshift(0xd1b5_4a32_d192_ed03);
    for _ in 0..3000 {
        let length = random.below(40);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        survives(&String::from_utf8_lossy(&bytes));
    }
}
