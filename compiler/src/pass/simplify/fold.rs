//! Constant folding, with the interpreter's own definitions of the operations.

use crate::ir::{Body, Inst, Op};
use crate::scalar_ops;
use pk_dsl::scalar::{Const, Scalar};

/// What `inst` gives, of type `scalar`, if its operands are constants. A division by zero is a fault, not a constant.
pub(super) fn fold(body: &Body, inst: Inst, scalar: Scalar) -> Option<Const> {
    let constant = |value| body.constant(value);
    Some(match body.insts[inst].op {
        Op::Unary(op, a) => scalar_ops::unary(op, constant(a)?),
        Op::Binary(op, a, b) => scalar_ops::binary(op, constant(a)?, constant(b)?),
        Op::Compare(op, a, b) => scalar_ops::compare(op, constant(a)?, constant(b)?),
        Op::Fma(a, b, c) => scalar_ops::fma(constant(a)?, constant(b)?, constant(c)?),
        Op::Select(cond, a, b) => scalar_ops::select(constant(cond)?, constant(a)?, constant(b)?),
        Op::Convert(a) => scalar_ops::convert(constant(a)?, scalar),
        Op::Bits(a) => scalar_ops::bits(constant(a)?, scalar),
        Op::IntDiv { op, lhs, rhs, .. } => match scalar_ops::int_div(op, constant(lhs)?, constant(rhs)?) {
            (value, false) => value,
            (_, true) => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::ir::testing::site;
    use crate::ir::{Binary, FaultKind, IntDiv, Op, Type};
    use crate::pass::testing::simplified;
    use pk_dsl::scalar::Scalar;

    #[test]
    fn constants_fold_as_they_are_computed() {
        let sum = simplified(&[], |b, _| {
            let (large, one) = (b.int(Scalar::I8, 127), b.int(Scalar::I8, 1));
            let wrapped = b.binary(Binary::Add, large, one);
            b.convert(wrapped, Scalar::F32)
        });
        assert_eq!(sum, "v0: f32 = const -128.0; give v0");
    }

    #[test]
    fn a_division_by_zero_stays_a_fault() {
        let of = |divisor: i64| {
            simplified(&[], |b, _| {
                let (lhs, rhs) = (b.constant(7i64), b.constant(divisor));
                let check = Some(site(FaultKind::DivisionByZero, 0));
                b.single(Op::IntDiv { op: IntDiv::Div, lhs, rhs, check }, Type::scalar(Scalar::I64))
            })
        };
        assert_eq!(of(2), "v0: i64 = const 3; give v0");
        assert!(of(0).contains("check"));
    }
}
