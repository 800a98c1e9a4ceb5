//! How deep the text is nested at each token: the one place that keeps depth within `Limits::nesting`.
//!
//! Not only brackets nest. In `- - x`, `a ** b ** c`, `|a| |b| e` and `if if c { … } …` something waits for its right
//! side, and every such thing is a level too. Counting them here, token by token, stops a hostile text early, in
//! linear time and without recursion, before the parser's stack has grown. Only `Limits::height` is left for trees
//! that are tall but not nested (`1 + 1 + …`, `else if …`).

use crate::token::Token;

/// What is open at a place of the text.
#[derive(Debug)]
pub(crate) struct Nesting {
    frames: Vec<Frame>,
    total: usize,
}

/// What waits between one pair of brackets.
#[derive(Debug, Default)]
struct Frame {
    /// Whether the bracket is `[`.
    is_square: bool,
    /// Whether `for` was seen: `..` then belongs to a range, not to a slice.
    has_for: bool,
    /// Unary operators and `**` without their right side.
    operators: usize,
    /// Closures whose body has not ended.
    closures: usize,
    /// Whether this is between the bars of a closure, where a comma ends nothing.
    in_params: bool,
    /// `if` and `loop` whose `{` is still to come.
    headers: usize,
}

impl Frame {
    fn weight(&self) -> usize {
        self.operators + self.closures + self.headers
    }
}

impl Nesting {
    /// Outside all brackets.
    pub(crate) fn new() -> Nesting {
        Nesting { frames: vec![Frame::default()], total: 0 }
    }

    /// Whether `by` after `previous` gives a step: behind an operand, where no name could stand, and directly behind
    /// the `..` of a slice, where a name could, but hardly this one.
    pub(crate) fn is_by_keyword(&self, previous: Option<Token<'_>>) -> bool {
        let in_slice = self.frames.last().is_some_and(|frame| frame.is_square && !frame.has_for);
        in_slice && previous.is_some_and(|token| token.ends_operand() || token == Token::DotDot)
    }

    /// Takes the next token into account; `previous` is the one before. Gives the depth with it.
    pub(crate) fn advance(&mut self, previous: Option<Token<'_>>, token: Token<'_>) -> usize {
        let after_operand = previous.is_some_and(Token::ends_operand);
        if token.starts_item() {
            *self = Nesting::new();
        } else if token.is_close() {
            self.close();
        } else {
            self.wait(after_operand, token);
            if token.is_open() {
                self.total += 1;
                self.frames.push(Frame { is_square: token == Token::OpenBracket, ..Frame::default() });
            }
        }
        self.total
    }

    fn close(&mut self) {
        if self.frames.len() > 1
            && let Some(frame) = self.frames.pop()
        {
            self.total -= 1 + frame.weight();
        }
    }

    /// Counts what starts to wait at `token`, and what no longer does.
    fn wait(&mut self, after_operand: bool, token: Token<'_>) {
        let Some(frame) = self.frames.last_mut() else { return };
        self.total -= frame.weight();
        match token {
            Token::Minus | Token::Bang if !after_operand => frame.operators += 1,
            Token::StarStar => frame.operators += 1,
            Token::Pipe if frame.in_params => frame.in_params = false,
            Token::Pipe if !after_operand => (frame.in_params, frame.closures) = (true, frame.closures + 1),
            Token::If | Token::Loop => frame.headers += 1,
            Token::OpenBrace if after_operand => {
                (frame.operators, frame.headers) = (0, frame.headers.saturating_sub(1));
            }
            Token::For => (frame.operators, frame.has_for) = (0, true),
            Token::Comma if frame.in_params => {}
            Token::Comma | Token::Semicolon => {
                *frame = Frame { is_square: frame.is_square, has_for: frame.has_for, ..Frame::default() }
            }
            // What goes on with an operand, or begins one, leaves everything waiting; all other tokens end it.
            Token::Dot | Token::DotInt(_) | Token::OpenParen | Token::OpenBracket => {}
            _ if after_operand => frame.operators = 0,
            _ => {}
        }
        self.total += frame.weight();
    }
}

#[cfg(test)]
mod tests {
    use super::Nesting;
    use crate::lexer::tokenize;
    use crate::limits::Limits;

    /// The greatest depth in `text`, and the depth at its end.
    fn depth(text: &str) -> (usize, usize) {
        let mut nesting = Nesting::new();
        let (mut most, mut last, mut previous) = (0, 0, None);
        for lexeme in tokenize(text, &Limits::default()).tokens {
            last = nesting.advance(previous, lexeme.token);
            most = most.max(last);
            previous = Some(lexeme.token);
        }
        (most, last)
    }

    #[test]
    fn brackets() {
        assert_eq!(depth("([{}])"), (3, 0));
        assert_eq!(depth("()()()"), (1, 0));
        assert_eq!(depth(")))("), (1, 1));
    }

    #[test]
    fn operators_wait_for_their_operand_only() {
        assert_eq!(depth("- ! - x"), (3, 3));
        assert_eq!(depth("-x + -x + -x;"), (1, 0));
        assert_eq!(depth("x - x - x"), (0, 0));
        assert_eq!(depth("a ** -b ** c * d ** e;"), (3, 0));
        assert_eq!(depth("-(-(-x))"), (5, 1));
    }

    #[test]
    fn closures_last_to_the_comma_behind_them() {
        assert_eq!(depth("|a| |b| |c, d| x;"), (3, 0));
        assert_eq!(depth("f(|a| a, |b| b, |c| c)"), (2, 0));
        assert_eq!(depth("a | b | c"), (0, 0));
    }

    #[test]
    fn headers_last_to_their_brace() {
        assert_eq!(depth("if if if a {"), (3, 3));
        assert_eq!(depth("if a { b } else if c { d } else { e }"), (1, 0));
        assert_eq!(depth("if a { b } else { c } + if a { b } else { c }"), (1, 0));
        assert_eq!(depth("if {0} + if {0} + if {0}"), (4, 3));
        assert_eq!(depth("loop a = b for i in c..d while e { f }"), (1, 0));
    }

    #[test]
    fn items_begin_anew() {
        assert_eq!(depth("((((( fn ("), (5, 1));
    }
}
