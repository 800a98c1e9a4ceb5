//! Operators: how each is written, and how tightly the forms of expressions bind. The grammar itself is the authority
//! on the latter; the printer's tests check that the two agree.

use crate::ast::{BinaryOp, UnaryOp};

/// How `op` is written.
pub fn unary_symbol(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Neg => "-",
        UnaryOp::Not => "!",
    }
}

/// How `op` is written.
pub fn binary_symbol(op: BinaryOp) -> &'static str {
    use BinaryOp::*;
    match op {
        OrElse => "||",
        AndThen => "&&",
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Le => "<=",
        Gt => ">",
        Ge => ">=",
        BitOr => "|",
        BitXor => "^",
        BitAnd => "&",
        Shl => "<<",
        Shr => ">>",
        Add => "+",
        Sub => "-",
        Mul => "*",
        Div => "/",
        Rem => "%",
        Pow => "**",
    }
}

/// How tightly the forms bind, as in `pk.lalrpop`.
pub(crate) mod level {
    use crate::ast::{BinaryOp, ExprKind};

    /// Closures too.
    pub(crate) const ANY: u8 = 0;
    /// All but closures.
    pub(crate) const OPERAND: u8 = 1;
    pub(crate) const UNARY: u8 = 10;
    pub(crate) const POWER: u8 = 11;
    pub(crate) const POSTFIX: u8 = 12;

    pub(crate) fn of(kind: &ExprKind) -> u8 {
        match kind {
            ExprKind::Closure { .. } => ANY,
            ExprKind::Binary { op, .. } => of_binary(*op),
            ExprKind::Unary(..) => UNARY,
            _ => POSTFIX,
        }
    }

    pub(crate) fn of_binary(op: BinaryOp) -> u8 {
        use BinaryOp::*;
        match op {
            OrElse => OPERAND,
            AndThen => 2,
            Eq | Ne | Lt | Le | Gt | Ge => 3,
            BitOr => 4,
            BitXor => 5,
            BitAnd => 6,
            Shl | Shr => 7,
            Add | Sub => 8,
            Mul | Div | Rem => 9,
            Pow => POWER,
        }
    }

    /// The levels the left and the right operand must have to stand without brackets.
    pub(crate) fn operands(op: BinaryOp) -> (u8, u8) {
        match of_binary(op) {
            POWER => (POSTFIX, UNARY),
            comparison @ 3 => (comparison + 1, comparison + 1),
            left => (left, left + 1),
        }
    }
}
