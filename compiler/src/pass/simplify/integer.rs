//! Identities of integers and of `bool`, whose arithmetic wraps, so that they may be reassociated.

use super::{Outcome, Simplifier};
use crate::ir::{Binary, IntDiv, Op, Site, Unary, Value};
use crate::scalar_ops;
use pk_dsl::scalar::{Const, Scalar};

impl Simplifier<'_> {
    pub(super) fn integer_binary(&mut self, op: Binary, a: Value, b: Value) -> Outcome {
        if self.body.scalar(a) == Scalar::Bool && matches!(op, Binary::Min | Binary::Max) {
            let logical = if op == Binary::Min { Binary::And } else { Binary::Or };
            return Outcome::Op(Op::Binary(logical, a, b));
        }
        if a == b {
            return self.of_equal_operands(op, a);
        }
        match self.int(b) {
            Some(constant) => self.with_constant(op, a, b, constant),
            None => self.without_constant(op, a, b),
        }
    }

    fn of_equal_operands(&self, op: Binary, a: Value) -> Outcome {
        match op {
            Binary::And | Binary::Or | Binary::Min | Binary::Max => Outcome::value(a),
            Binary::Sub | Binary::Xor => Outcome::constant(Const::zero(self.body.scalar(a))),
            _ => Outcome::Keep,
        }
    }

    fn without_constant(&self, op: Binary, a: Value, b: Value) -> Outcome {
        match (op, self.int(a), self.op(b)) {
            (Binary::Sub, Some(0), _) => Outcome::Op(Op::Unary(Unary::Neg, b)),
            (Binary::Add, _, Some(&Op::Unary(Unary::Neg, inner))) => {
                Outcome::Op(Op::Binary(Binary::Sub, a, inner))
            }
            (Binary::Sub, _, Some(&Op::Unary(Unary::Neg, inner))) => {
                Outcome::Op(Op::Binary(Binary::Add, a, inner))
            }
            _ => Outcome::Keep,
        }
    }

    /// `a op b`, where `b` is `constant`.
    fn with_constant(&mut self, op: Binary, a: Value, b: Value, constant: i128) -> Outcome {
        let scalar = self.body.scalar(a);
        let is_all_ones = self.body.constant(b) == Some(Const::from_bits(scalar, u64::MAX));
        match (op, constant) {
            (Binary::Add | Binary::Sub | Binary::Or | Binary::Xor, 0) => Outcome::value(a),
            (Binary::Mul | Binary::And, 0) => Outcome::value(b),
            (Binary::Mul, 1) => Outcome::value(a),
            (Binary::And, _) if is_all_ones => Outcome::value(a),
            (Binary::Or, _) if is_all_ones => Outcome::value(b),
            (Binary::Xor, _) if is_all_ones => Outcome::Op(Op::Unary(Unary::Not, a)),
            (Binary::Mul, _) if is_all_ones => Outcome::Op(Op::Unary(Unary::Neg, a)),
            (Binary::Shl | Binary::Shr | Binary::Rotl | Binary::Rotr, amount)
                if amount.rem_euclid(i128::from(scalar.bits())) == 0 =>
            {
                Outcome::value(a)
            }
            // One form for both, so that offsets add up.
            (Binary::Sub, _) => {
                let negated = self.add_constant(Const::from_int(scalar, -constant));
                Outcome::Op(Op::Binary(Binary::Add, a, negated))
            }
            (
                Binary::Add
                | Binary::Mul
                | Binary::And
                | Binary::Or
                | Binary::Xor
                | Binary::Min
                | Binary::Max,
                _,
            ) => self.reassociate(op, a, b),
            _ => Outcome::Keep,
        }
    }

    /// `(x op c) op b` as `x op (c op b)`, for constants `c` and `b`.
    fn reassociate(&mut self, op: Binary, a: Value, b: Value) -> Outcome {
        let Some(&Op::Binary(inner, x, c)) = self.op(a) else { return Outcome::Keep };
        match (inner == op, self.body.constant(c), self.body.constant(b)) {
            (true, Some(c), Some(b)) => {
                let folded = self.add_constant(scalar_ops::binary(op, c, b));
                Outcome::Op(Op::Binary(op, x, folded))
            }
            _ => Outcome::Keep,
        }
    }

    pub(super) fn int_div(&mut self, op: IntDiv, lhs: Value, rhs: Value, check: Option<Site>) -> Outcome {
        let Some(divisor) = self.int(rhs).filter(|divisor| *divisor != 0) else { return Outcome::Keep };
        self.by_constant(op, lhs, divisor).or_else(|| match check {
            Some(_) => Outcome::Op(Op::IntDiv { op, lhs, rhs, check: None }),
            None => Outcome::Keep,
        })
    }

    /// A division by `divisor`, which is not zero, without a division.
    fn by_constant(&mut self, op: IntDiv, lhs: Value, divisor: i128) -> Outcome {
        let scalar = self.body.scalar(lhs);
        let is_quotient = matches!(op, IntDiv::Div | IntDiv::DivFloor);
        match (is_quotient, divisor) {
            (true, 1) => return Outcome::value(lhs),
            (false, 1) => return Outcome::constant(Const::zero(scalar)),
            _ => {}
        }
        // Shifts and masks round toward minus infinity, which for unsigned integers is toward zero.
        let rounds_down = !scalar.is_signed_int() || matches!(op, IntDiv::DivFloor | IntDiv::ModFloor);
        if !rounds_down || divisor < 0 || !(divisor as u64).is_power_of_two() {
            return Outcome::Keep;
        }
        let (shift_or_mask, amount) = match is_quotient {
            true => (Binary::Shr, i128::from(divisor.trailing_zeros())),
            false => (Binary::And, divisor - 1),
        };
        let amount = self.add_constant(Const::from_int(scalar, amount));
        Outcome::Op(Op::Binary(shift_or_mask, lhs, amount))
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::site;
    use crate::ir::{Binary, FaultKind, IntDiv, Op, Type, Unary};
    use crate::pass::testing::simplified;
    use pk_dsl::scalar::Scalar;

    /// `x op constant`
    fn with(scalar: Scalar, op: Binary, constant: i128) -> String {
        simplified(&[scalar], |b, params| {
            let constant = b.int(scalar, constant);
            b.binary(op, params[0], constant)
        })
    }

    #[test]
    fn neutral_and_absorbing_constants() {
        for (op, constant) in [
            (Binary::Add, 0),
            (Binary::Sub, 0),
            (Binary::Mul, 1),
            (Binary::And, -1),
            (Binary::Or, 0),
            (Binary::Shl, 32),
            (Binary::Rotl, 0),
        ] {
            assert_eq!(with(Scalar::I32, op, constant), "give v0", "{op:?} {constant}");
        }
        assert_eq!(with(Scalar::U8, Binary::Mul, 0), "v1: u8 = const 0; give v1");
        assert_eq!(with(Scalar::U8, Binary::Or, 255), "v1: u8 = const 255; give v1");
        assert_eq!(with(Scalar::I64, Binary::Xor, -1), "v1: i64 = not v0; give v1");
        assert_eq!(with(Scalar::I64, Binary::Mul, -1), "v1: i64 = neg v0; give v1");
        assert_eq!(with(Scalar::I64, Binary::Mul, 3), "v1: i64 = const 3; v2: i64 = mul v0, v1; give v2");
    }

    #[test]
    fn equal_operands() {
        let of = |op| simplified(&[Scalar::I16], |b, params| b.binary(op, params[0], params[0]));
        assert_eq!(of(Binary::Sub), "v1: i16 = const 0; give v1");
        assert_eq!(of(Binary::And), "give v0");
        assert_eq!(of(Binary::Add), "v1: i16 = add v0, v0; give v1");
    }

    #[test]
    fn offsets_add_up_and_wrap() {
        let sum = simplified(&[Scalar::U8], |b, params| {
            let (one, large) = (b.int(Scalar::U8, 1), b.int(Scalar::U8, 250));
            let sum = b.binary(Binary::Sub, params[0], one);
            b.binary(Binary::Add, large, sum)
        });
        assert_eq!(sum, "v1: u8 = const 249; v2: u8 = add v0, v1; give v2");
    }

    #[test]
    fn a_negative_operand_is_subtracted() {
        let sum = simplified(&[Scalar::I32; 2], |b, params| {
            let negative = b.unary(Unary::Neg, params[1]);
            b.binary(Binary::Add, params[0], negative)
        });
        assert_eq!(sum, "v2: i32 = sub v0, v1; give v2");
    }

    fn divided(scalar: Scalar, op: IntDiv, divisor: i128) -> String {
        simplified(&[scalar], |b, params| {
            let rhs = b.int(scalar, divisor);
            let check = Some(site(FaultKind::DivisionByZero, 0));
            b.single(Op::IntDiv { op, lhs: params[0], rhs, check }, Type::scalar(scalar))
        })
    }

    #[test]
    fn powers_of_two_divide_by_shifting_where_that_rounds_alike() {
        let shifted = "v1: u32 = const 3; v2: u32 = shr v0, v1; give v2";
        assert_eq!(divided(Scalar::U32, IntDiv::Div, 8), shifted);
        assert_eq!(divided(Scalar::I32, IntDiv::DivFloor, 8), shifted.replace("u32", "i32"));
        assert_eq!(
            divided(Scalar::I32, IntDiv::ModFloor, 8),
            "v1: i32 = const 7; v2: i32 = and v0, v1; give v2"
        );
        assert_eq!(
            divided(Scalar::I32, IntDiv::Div, 8),
            "v1: i32 = const 8; v2: i32 = int_div v0, v1; give v2"
        );
        assert_eq!(divided(Scalar::I32, IntDiv::DivFloor, 1), "give v0");
    }

    #[test]
    fn only_zero_keeps_the_check() {
        assert_eq!(
            divided(Scalar::I32, IntDiv::Rem, -3),
            "v1: i32 = const -3; v2: i32 = int_rem v0, v1; give v2"
        );
        assert_eq!(
            divided(Scalar::I32, IntDiv::Rem, 0),
            "v1: i32 = const 0; v2: i32 = int_rem v0, v1 check s4; give v2"
        );
    }
}
