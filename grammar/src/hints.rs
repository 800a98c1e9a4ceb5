//! What a mistake probably meant: the slips of people who come from Python, C, Rust or NumPy.
//!
//! Each hint looks at a few tokens around the mistake, never further, and says what to write. A mistake that no hint
//! knows is reported without one; a wrong hint is worse than none.

use std::ops::Range;

use crate::ast::{Ast, BinaryOp, Expr, ExprId, ExprKind};
use crate::lexer::Lexeme;
use crate::token::Token;

/// For comprehensions among other arguments.
pub(crate) const BRACKETS: &str = "put it in brackets: `f(x, [e for i in a..b])`";

const BRACES: &str = "the branches of an `if` stand in braces: `if c { a } else { b }`";

const RETURN: &str = "a block's last expression is its value; there is no `return`";

const SLICE: &str =
    "a slice is written `x[lo..hi]` or `x[lo..hi by 2]`, a whole axis `..`; `reverse(x)` turns it round";

/// A mistake and the tokens around it.
pub(crate) struct Place<'a> {
    pub(crate) source: &'a str,
    pub(crate) tokens: &'a [Lexeme<'a>],
    /// The index of the token that did not fit.
    pub(crate) found: usize,
    /// The tokens of the item.
    pub(crate) item: Range<usize>,
    /// The terminals that could have stood there.
    pub(crate) expected: &'a [&'a str],
}

impl Place<'_> {
    /// The token `back` places before the mistake.
    fn before(&self, back: usize) -> Option<Token<'_>> {
        let at = self.found.checked_sub(back).filter(|&at| at >= self.item.start)?;
        self.tokens.get(at).map(|lexeme| lexeme.token)
    }

    /// The token that did not fit.
    fn found(&self) -> Option<Token<'_>> {
        self.tokens.get(self.found).map(|lexeme| lexeme.token)
    }

    /// The token behind the mistake.
    fn next(&self) -> Option<Token<'_>> {
        self.tokens.get(self.found + 1).map(|lexeme| lexeme.token)
    }

    /// Whether the mistake is the first thing on its line.
    fn begins_line(&self) -> bool {
        let (Some(previous), Some(found)) = (self.found.checked_sub(1), self.tokens.get(self.found)) else {
            return false;
        };
        let gap = self.tokens[previous].span.end as usize..found.span.start as usize;
        self.source.get(gap).is_some_and(|gap| gap.contains('\n'))
    }

    fn expects(&self, name: &str) -> bool {
        self.expected.contains(&name)
    }

    /// Whether only `name` could have stood there.
    fn expects_only(&self, name: &str) -> bool {
        self.expected == [name]
    }

    /// Whether an operator could have stood there: an operand has just ended.
    fn after_operand(&self) -> bool {
        self.expects("*") && !self.expects("integer")
    }
}

/// The first hint that knows the mistake.
pub(crate) fn hint(place: &Place<'_>) -> Option<&'static str> {
    let hints = [
        keyword_hint,
        word_hint,
        number_hint,
        operator_hint,
        type_hint,
        closure_hint,
        block_hint,
        shape_hint,
    ];
    hints.iter().find_map(|hint| hint(place))
}

/// Words of pk in places where other languages have them.
fn keyword_hint(place: &Place<'_>) -> Option<&'static str> {
    let begins = place.expects("integer");
    match place.found()? {
        Token::For if begins => {
            Some("a loop is written `loop x = init for i in a..b { next }`, an array `[e for i in a..b]`")
        }
        Token::While if begins => Some("the only loop is `loop x = init for i in a..b while c { next }`"),
        Token::For if place.expects(")") => Some(BRACKETS),
        Token::Else if place.after_operand() => Some(BRACES),
        Token::If if place.expects(";") => Some("a choice is written `if c { a } else { b }`"),
        Token::Let if place.expects(";") => Some("a `let` ends with `;`"),
        Token::Let if begins => Some("bindings stand in a block: `{ let x = 1; x }`"),
        found if place.expects("name") && !begins && is_keyword(found) => {
            Some("this word is reserved; a name must be another")
        }
        _ => None,
    }
}

fn is_keyword(token: Token<'_>) -> bool {
    use Token::*;
    matches!(token, Kernel | Fn | Const | Type | Let | If | Else | Loop | For | In | While | True | False)
}

/// Names that are keywords elsewhere.
fn word_hint(place: &Place<'_>) -> Option<&'static str> {
    match place.found()? {
        Token::Name("and") => return Some("write `&&`"),
        Token::Name("or") => return Some("write `||`"),
        Token::Name("elif" | "elsif" | "elseif") => return Some("write `else if`"),
        Token::Name("then") => return Some(BRACES),
        Token::Name("as") => return Some("a conversion is written like a call: `f32(x)`"),
        Token::Name("return") => return Some(RETURN),
        _ => {}
    }
    match place.before(1)? {
        Token::Name("not") => Some("write `!`"),
        Token::Name("return") => Some(RETURN),
        Token::Name("lambda") => Some("a closure is written `|x| e`"),
        Token::Name("mut") if place.before(2) == Some(Token::Let) => {
            Some("bindings do not change: leave out `mut`")
        }
        Token::Name("var" | "auto" | "val") if place.after_operand() => {
            Some("a name is bound with `let x = e;`")
        }
        _ => None,
    }
}

/// Floats without digits on one side of the dot.
fn number_hint(place: &Place<'_>) -> Option<&'static str> {
    if let Some(Token::DotInt(_)) = place.found()
        && place.expects("integer")
    {
        return Some("a float has digits on both sides of the dot: `0.5`");
    }
    match (place.before(2), place.before(1)) {
        (Some(Token::Int(_)), Some(Token::Dot)) => Some("a float has digits on both sides of the dot: `1.0`"),
        _ => None,
    }
}

/// Assignment, and signs that are no operators here.
fn operator_hint(place: &Place<'_>) -> Option<&'static str> {
    use Token::*;
    if place.found() == Some(Assign) && place.next() == Some(Gt) {
        return Some("a closure is written `|x| e`");
    }
    match (place.before(1), place.found()?) {
        (Some(Plus | Minus | Star | Slash | Percent | Pipe | Amp | Caret | Shl | Shr), Assign) => {
            Some("values do not change: bind the new one with `let`")
        }
        (Some(OpenBracket | Comma), Colon) if place.expects("integer") => Some(SLICE),
        (_, Colon) if place.expects("by") || (place.expects("..") && place.expects("]")) => Some(SLICE),
        (Some(DotDot), Dot) => Some(SLICE),
        (_, Colon) if place.next() == Some(Colon) => Some("members follow a dot: `f32.pi`"),
        (_, Colon) if place.next() == Some(Assign) => Some("a name is bound with `let x = e;`"),
        (_, Colon) if place.expects("{") && place.after_operand() => Some(BRACES),
        (Some(Plus), Plus) => Some("values do not change: there is no `++`"),
        (Some(_), Assign) if place.after_operand() => match place.before(2) {
            Some(OpenBrace | Semicolon) => Some("a name is bound with `let x = e;`; equality is `==`"),
            _ if place.before(1) == Some(CloseBracket) && place.expects("}") => {
                Some("elements do not change: a new array is written `[e for i in a..b]`")
            }
            Some(OpenParen | Comma) if place.expects(")") => {
                Some("an argument is named with a colon: `axis: 1`")
            }
            _ => Some("equality is written `==`"),
        },
        (_, DotDot) => Some("ranges stand only between `[…]` and behind `in`"),
        _ if place.expects("..") && !place.expects("integer") && in_range(place) => {
            Some(match place.before(2) {
                Some(In) => {
                    "a range is written `a..b`; over the elements of an array goes `x.map(|v| v + 1)`"
                }
                _ => "a range is written `a..b`",
            })
        }
        _ => None,
    }
}

/// Whether the mistake stands in the range of a `for`: near its `in`.
fn in_range(place: &Place<'_>) -> bool {
    (2..8).any(|back| place.before(back) == Some(Token::In))
}

/// Types in the order of other languages.
fn type_hint(place: &Place<'_>) -> Option<&'static str> {
    const ARRAY: &str = "an array is written `[f32; n]`";
    const ORDER: &str = "the element stands first: `[f32; n]`, `[f32; n, m]`";
    use Token::*;
    match (place.before(1)?, place.found()?) {
        (CloseBracket, Name(name)) if is_type(name) => Some(ORDER),
        (Name(name), OpenBracket) if is_type(name) => Some(ORDER),
        (_, Comma) if place.expects(";") && place.expects("]") => Some(ORDER),
        (Name(_), Comma | CloseParen | Name(_) | Star) if place.expects_only(":") => {
            Some("parameters are written `name: type`")
        }
        (Name(_), Lt) if !place.after_operand() && place.expects(")") => Some(ARRAY),
        (Colon, Amp | Star) => Some(ARRAY),
        (CloseParen, Assign | OpenBrace | Colon) if place.expects_only("->") => {
            Some("the type of the result is always written: `f(x: f32) -> f32`")
        }
        (Name(_), Assign) if place.expects_only(":") => Some("a constant has a type: `const N: i64 = 1;`"),
        _ => None,
    }
}

fn is_type(name: &str) -> bool {
    const TYPES: [&str; 18] = [
        "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64", "c64",
        "c128", "float", "double", "int",
    ];
    TYPES.contains(&name)
}

/// Closures.
fn closure_hint(place: &Place<'_>) -> Option<&'static str> {
    use Token::*;
    match (place.before(1)?, place.found()?) {
        (OrElse, _) if place.expects(")") && !place.expects("integer") => {
            Some("a closure has parameters: `|x| e`")
        }
        (_, OrElse) if place.expects("integer") => Some("a closure has parameters: `|x| e`"),
        (_, Colon) if place.expects("|") && place.expects(",") => {
            Some("the parameters of closures take no types: they are inferred")
        }
        (_, Pipe) if place.expects("integer") => {
            Some("a closure is a whole expression or an argument: put it in brackets")
        }
        (_, OpenParen) if place.after_operand() => Some("only names can be called"),
        _ => None,
    }
}

/// Blocks and semicolons.
fn block_hint(place: &Place<'_>) -> Option<&'static str> {
    use Token::*;
    match (place.before(1)?, place.found()?) {
        (Semicolon | OpenBrace, CloseBrace) => Some("a block ends with its value, without `;`"),
        (_, Semicolon) if place.expects("}") => Some("a block is `let … ;` and then its value, without `;`"),
        (_, found) if place.expects(";") && (found == CloseBrace || place.begins_line()) => {
            Some("a `;` is missing before this")
        }
        (CloseBrace, _) if place.expects_only("else") => Some("add `else { … }`: an `if` is an expression"),
        _ => None,
    }
}

/// The shape of calls.
fn shape_hint(place: &Place<'_>) -> Option<&'static str> {
    if place.expects("in") && place.expects(":") {
        return Some(BRACKETS);
    }
    if place.found() == Some(Token::Comma) && place.expects(";") {
        return Some("several values are one tuple: `(a, b)`");
    }
    if place.before(1) == Some(Token::CloseParen) && place.expects("{") && follows_if(place) {
        return Some(BRACES);
    }
    (place.found().is_none() && place.expects(";")).then_some("a `;` is missing at the end")
}

/// Whether the mistake stands in what an `if` asks: nothing else that has braces is nearer.
fn follows_if(place: &Place<'_>) -> bool {
    use Token::*;
    let headers = (1..)
        .map_while(|back| place.before(back))
        .find(|token| matches!(token, If | Loop | While | OpenBrace));
    headers == Some(If)
}

/// A bracket that is still open where the next item begins.
pub(crate) fn unclosed(place: &Place<'_>) -> Option<&'static str> {
    match place.found()? {
        Token::Const => Some("constants stand outside of functions; inside, a name is bound with `let`"),
        _ => Some("it must be closed before the next item"),
    }
}

/// Something else than an item between items.
pub(crate) fn item_hint(place: &Place<'_>) -> Option<&'static str> {
    use Token::*;
    match place.found()? {
        Name("def" | "function" | "func" | "fun") => Some("write `fn`, or `kernel` for what the host calls"),
        Name("__kernel" | "__global__" | "void" | "float" | "double" | "int" | "inline" | "static") => {
            Some("a kernel is written `kernel name(x: [f32; n]) -> f32 = e;`")
        }
        Name("struct" | "class") => Some("a record is written `type Name = (x: f32, y: f32);`"),
        Name("import" | "include" | "use" | "from" | "mod") => {
            Some("a text stands alone; nothing is imported")
        }
        Name("pub") => Some("leave out `pub`: every kernel can be called"),
        Let => Some("a constant is written `const N: i64 = 1;`"),
        Semicolon => Some("no `;` follows the braces of an item"),
        _ => None,
    }
    .or_else(|| (place.found == 0).then_some("a text is a list of `kernel`, `fn`, `const` and `type`"))
}

/// For `lhs op …`, where `lhs` is a comparison already.
pub(crate) fn chained(ast: &Ast, lhs: ExprId, op: BinaryOp) -> &'static str {
    let Expr { kind: ExprKind::Binary { op: first, lhs: left, rhs: middle, .. }, .. } = ast.expr(lhs) else {
        return "put brackets around one of them";
    };
    let is_name = |id: ExprId| matches!(ast.expr(id).kind, ExprKind::Name(_));
    match &ast.expr(*middle).kind {
        ExprKind::Binary { op: BinaryOp::BitAnd, .. } => "`&` binds tighter than a comparison: write `&&`",
        ExprKind::Binary { op: BinaryOp::BitOr, .. } => "`|` binds tighter than a comparison: write `||`",
        ExprKind::Name(_) if (*first, op) == (BinaryOp::Lt, BinaryOp::Gt) && is_name(*left) => {
            "types are not passed at a call: they are inferred"
        }
        _ => "write `a < b && b < c`",
    }
}
