//! What people are told about their mistakes: one message a mistake, with help where it is known.

use super::errors_of;

#[test]
fn comparisons_are_not_chained() {
    insta::assert_snapshot!(errors_of("fn f(a: T) -> bool = 1.0 < a < 2.0;"), @r#"
    29..30 "<": comparison operators cannot be chained
      help: write `a < b && b < c`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> bool = a > 0.0 & a < 2.0;"), @r#"
    33..34 "<": comparison operators cannot be chained
      help: `&` binds tighter than a comparison: write `&&`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> bool = a == b == c == d;"), @r#"
    28..30 "==": comparison operators cannot be chained
      help: write `a < b && b < c`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = g<f32>(a);"), @r#"
    23..24 ">": comparison operators cannot be chained
      help: types are not passed at a call: they are inferred
    "#);
}

#[test]
fn a_choice_has_two_branches_in_braces() {
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = if a > 0.0 { 1.0 };"), @r#"
    36..37 ";": an `if` without `else`
      help: add `else { … }`: an `if` is an expression
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = if a > 0.0 { 1.0 } elif a < 1.0 { 2.0 } else { 3.0 };"), @r#"
    37..41 "elif": an `if` without `else`
      help: write `else if`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = if a > 0.0: 1.0 else 2.0;"), @r#"
    28..29 ":": expected an operator or `{`, found `:`
      help: the branches of an `if` stand in braces: `if c { a } else { b }`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = if a > 0.0 then 1.0 else 2.0;"), @r#"
    29..33 "then": expected an operator or `{`, found `then`
      help: the branches of an `if` stand in braces: `if c { a } else { b }`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = a if a > 0.0 else 2.0;"), @r#"
    20..22 "if": expected `;`, found `if`
      help: a choice is written `if c { a } else { b }`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = a > 0.0 ? a : 2.0;"), @r#"
    26..27 "?": unknown character `?` U+003F
      help: a choice is written `if c { a } else { b }`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { if a = 0.0 { 1.0 } else { 2.0 } }"), @r#"
    23..24 "=": expected an operator or `{`, found `=`
      help: equality is written `==`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = if a > 0.0 and a < 1.0 { 1 } else { 2 };"), @r#"
    29..32 "and": expected an operator or `{`, found `and`
      help: write `&&`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = not a;"), @r#"
    22..23 "a": expected `;` or an operator, found `a`
      help: write `!`
    "#);
}

#[test]
fn blocks_bind_and_end_with_a_value() {
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { let b = a * 2.0\n    let c = 1.0; b + c }"), @r#"
    38..41 "let": expected `;` or an operator, found `let`
      help: a `let` ends with `;`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T {\n    let b = a * 2.0\n    b + 1\n}"), @r#"
    42..43 "b": expected `;` or an operator, found `b`
      help: a `;` is missing before this
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { b = a * 2.0; b }"), @r#"
    20..21 "=": expected `}` or an operator, found `=`
      help: a name is bound with `let x = e;`; equality is `==`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { return a * 2.0; }"), @r#"
    25..26 "a": expected `}` or an operator, found `a`
      help: a block's last expression is its value; there is no `return`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { let mut b = a; b += 2.0; b }"), @r#"
    26..27 "b": expected `=` or `:`, found `b`
      help: bindings do not change: leave out `mut`
    36..37 "=": expected an expression, found `=`
      help: values do not change: bind the new one with `let`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { a; }"), @r#"
    19..20 ";": expected `}`, found `;`
      help: a block is `let … ;` and then its value, without `;`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { let b = 1; }"), @r#"
    29..30 "}": expected an expression or `let`, found `}`
      help: a block ends with its value, without `;`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { }"), @r#"
    18..19 "}": expected an expression or `let`, found `}`
      help: a block ends with its value, without `;`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { const b: T = 1; b }"), @r#"
    16..17 "{": this `{` is never closed
      help: constants stand outside of functions; inside, a name is bound with `let`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { for i in 0..n { s += a[i]; } s }"), @r#"
    18..21 "for": expected an expression or `let`, found `for`
      help: a loop is written `loop x = init for i in a..b { next }`, an array `[e for i in a..b]`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { while a < 1.0 { a } }"), @r#"
    18..23 "while": expected an expression or `let`, found `while`
      help: the only loop is `loop x = init for i in a..b while c { next }`
    "#);
}

#[test]
fn types_put_the_element_first() {
    insta::assert_snapshot!(errors_of("fn f(a: [n]f32) -> T = 1;"), @r#"
    11..14 "f32": expected `,` or `)`, found `f32`
      help: the element stands first: `[f32; n]`, `[f32; n, m]`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: f32[n]) -> T = 1;"), @r#"
    11..12 "[": expected `,` or `)`, found `[`
      help: the element stands first: `[f32; n]`, `[f32; n, m]`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: [f32, n]) -> T = 1;"), @r#"
    12..13 ",": expected `;` or `]`, found `,`
      help: the element stands first: `[f32; n]`, `[f32; n, m]`
    "#);
}

#[test]
fn signatures_are_complete() {
    insta::assert_snapshot!(errors_of("fn f(a) -> T = a;"), @r#"
    6..7 ")": expected `:`, found `)`
      help: parameters are written `name: type`
    "#);
    insta::assert_snapshot!(errors_of("fn f(float a) -> T = a;"), @r#"
    11..12 "a": expected `:`, found `a`
      help: parameters are written `name: type`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) = a;"), @r#"
    11..12 "=": expected `->`, found `=`
      help: the type of the result is always written: `f(x: f32) -> f32`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) { a }"), @r#"
    11..12 "{": expected `->`, found `{`
      help: the type of the result is always written: `f(x: f32) -> f32`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T b: T) -> T = a;"), @r#"10..11 "b": expected `,` or `)`, found `b`"#);
    insta::assert_snapshot!(errors_of("fn f(a: T, 1, b: T) -> T = c d;"), @r#"
    11..12 "1": expected a name or `)`, found `1`
    29..30 "d": expected `;` or an operator, found `d`
    "#);
    insta::assert_snapshot!(errors_of("fn loop(a: T) -> T = a;"), @r#"
    3..7 "loop": expected a name, found `loop`
      help: this word is reserved; a name must be another
    "#);
    insta::assert_snapshot!(errors_of("const N = 3;"), @r#"
    8..9 "=": expected `:`, found `=`
      help: a constant has a type: `const N: i64 = 1;`
    "#);
    insta::assert_snapshot!(errors_of("const N: i64 = 3"), @r#"
    16..16 "": expected `;` or an operator, found the end of the text
      help: a `;` is missing at the end
    "#);
}

#[test]
fn calls_and_closures() {
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = map(a, || 1);"), @r#"
    28..29 "1": expected `,` or `)`, found `1`
      help: a closure has parameters: `|x| e`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = map(a, |x: f32| 1);"), @r#"
    27..28 ":": expected `,` or `|`, found `:`
      help: the parameters of closures take no types: they are inferred
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = map(a, x => x * 2);"), @r#"
    27..28 "=": expected `,`, `)` or an operator, found `=`
      help: a closure is written `|x| e`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = map(a, lambda x: x * 2);"), @r#"
    32..33 "x": expected `,`, `)` or an operator, found `x`
      help: a closure is written `|x| e`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = 1 + |x| x;"), @r#"
    22..23 "|": expected an expression, found `|`
      help: a closure is a whole expression or an argument: put it in brackets
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = (f)(a);"), @r#"
    21..22 "(": expected `;` or an operator, found `(`
      help: only names can be called
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = sum(a, axis = 1);"), @r#"
    30..31 "=": expected `,`, `)` or an operator, found `=`
      help: an argument is named with a colon: `axis: 1`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = f32::pi;"), @r#"
    21..22 ":": expected `;` or an operator, found `:`
      help: members follow a dot: `f32.pi`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = a as f64;"), @r#"
    20..22 "as": expected `;` or an operator, found `as`
      help: a conversion is written like a call: `f32(x)`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = g(a b, c d);"), @r#"
    22..23 "b": expected `,`, `)` or an operator, found `b`
    27..28 "d": expected `,`, `)` or an operator, found `d`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = g(x, e for i in 0..n);"), @r#"
    25..28 "for": expected `,` or `)`, found `for`
      help: put it in brackets: `f(x, [e for i in a..b])`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = g(e for i in 0..n, x);"), @r#"
    38..39 ")": expected `:` or `in`, found `)`
      help: put it in brackets: `f(x, [e for i in a..b])`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = a.g(e for i in 0..n);"), @r#"
    22..37 "e for i in 0..n": a comprehension without brackets must be the only positional argument
      help: put it in brackets: `f(x, [e for i in a..b])`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = [e for i in 0..n if i > 1, j in 1..2];"), @r#"45..54 "j in 1..2": the `if` of a comprehension must follow its last range"#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = g(e for i in 0..n, axis: 1, j in 0..m);"), @r#"46..55 "j in 0..m": the ranges of a comprehension must stand before named arguments"#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = [e for i in range(n)];"), @r#"
    38..39 "]": expected `..`, found `]`
      help: a range is written `a..b`
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = a..b;"), @r#"
    19..21 "..": expected `;`, found `..`
      help: ranges stand only between `[…]` and behind `in`
    "#);
}

#[test]
fn numbers() {
    insta::assert_snapshot!(errors_of("fn f() -> T = [.5, 5., 1e, 1_, 0x, 12km, 1.5i32, 0b2, t.0x1, 18446744073709551616];"), @r#"
    15..17 ".5": expected an expression or `]`, found `.5`
      help: a float has digits on both sides of the dot: `0.5`
    21..22 ",": expected a name, found `,`
      help: a float has digits on both sides of the dot: `1.0`
    23..25 "1e": an exponent without digits
    27..29 "1_": an underscore in a number must stand between two digits
    31..33 "0x": a number without digits
    35..39 "12km": a number directly followed by letters that are no type for it
      help: types that may follow a number: `i8` … `i64`, `u8` … `u64`, `f32`, `f64`
    41..47 "1.5i32": a number directly followed by letters that are no type for it
      help: types that may follow a number: `i8` … `i64`, `u8` … `u64`, `f32`, `f64`
    49..52 "0b2": a digit that is too large for the base of this number
    55..59 ".0x1": a dot must be followed by a plain field number, as in `t.0`, or by a name
    61..81 "18446744073709551616": an integer too large for any type
      help: the largest integer is 18446744073709551615; a float has a dot: `1.0e30`
    "#);
}

#[test]
fn brackets_are_closed_within_their_item() {
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = (a + 1;"), @r#"24..25 ";": expected `,` or `)`, found `;`"#);
    insta::assert_snapshot!(errors_of("fn f(a: T"), @r#"4..5 "(": this `(` is never closed"#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { a\nfn g(a: T) -> T { a }"), @r#"
    16..17 "{": this `{` is never closed
      help: it must be closed before the next item
    "#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = (a];"), @r#"20..21 "]": expected `,`, `)` or an operator, found `]`"#);
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T = a);"), @r#"19..20 ")": expected `;`, found `)`"#);
}

#[test]
fn only_items_stand_outside_of_items() {
    insta::assert_snapshot!(errors_of("def f(x): return x"), @r#"
    0..3 "def": expected an item, found `def`
      help: write `fn`, or `kernel` for what the host calls
    "#);
    insta::assert_snapshot!(errors_of("let x = 1;"), @r#"
    0..3 "let": expected an item, found `let`
      help: a constant is written `const N: i64 = 1;`
    "#);
    insta::assert_snapshot!(errors_of("fn f() -> T { a };"), @r#"
    17..18 ";": expected an item, found `;`
      help: no `;` follows the braces of an item
    "#);
    insta::assert_snapshot!(errors_of("x"), @r#"
    0..1 "x": expected an item, found `x`
      help: a text is a list of `kernel`, `fn`, `const` and `type`
    "#);
    insta::assert_snapshot!(errors_of("fn f() -> T = a; import b"), @r#"
    17..23 "import": expected an item, found `import`
      help: a text stands alone; nothing is imported
    "#);
}

#[test]
fn several_mistakes_are_reported_at_once() {
    insta::assert_snapshot!(errors_of("fn f(a: T) -> T { let b = 1 +; let c = (2, *, 3); b c }\nfn g(a: T, *) -> T = a a;\nfn h() -> T = [1 2, x[3 4]];"), @r#"
    29..30 ";": expected an expression, found `;`
    43..44 "*": expected an expression or `)`, found `*`
    52..53 "c": expected `}` or an operator, found `c`
    67..68 "*": expected a name or `)`, found `*`
    79..80 "a": expected `;` or an operator, found `a`
    99..100 "2": expected `,`, `]` or an operator, found `2`
    106..107 "4": expected `,`, `]`, `..` or an operator, found `4`
    "#);
}

#[test]
fn nothing_of_the_text_reaches_the_terminal_as_it_is() {
    insta::assert_snapshot!(errors_of("fn f() -> T = a */ asm(\"\");\nfn g() -> T = \"); system(\";\nfn h() -> T = ??/;\n#pragma once\n\\"), @r##"
    17..18 "/": expected an expression, found `/`
    23..25 "\"\"": there are no strings in this language
    42..54 "\"); system(\"": there are no strings in this language
    70..72 "??": unknown character `?` U+003F
      help: a choice is written `if c { a } else { b }`
    75..76 "#": unknown character `#` U+0023
      help: a comment starts with `//`
    88..89 "\\": unknown character `\` U+005C
    "##);
    insta::assert_snapshot!(errors_of("fn f() -> T = \u{1b}[31m;"), @r#"
    14..15 "\u{1b}": the character U+001B is not allowed in a source text
    16..19 "31m": a number directly followed by letters that are no type for it
      help: types that may follow a number: `i8` … `i64`, `u8` … `u64`, `f32`, `f64`
    19..20 ";": expected `,`, `]` or `for`, found `;`
    "#);
}
