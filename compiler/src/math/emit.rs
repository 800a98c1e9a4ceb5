//! Emission of library functions: expressions that read like the formulas and append IR as they are written.
//!
//! Knows nothing of any particular function. Everything is written once for `f32` and `f64`: a [`Constant`] or
//! [`Polynomial`] holds the numbers of both, and the expression it meets decides which are taken.

use crate::ir::{Binary, Block, Body, Builder, Compare, IntDiv, Op, Type, Unary, Value};
use pk_dsl::scalar::{Const, Scalar};
use std::{
    cell::RefCell,
    ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Shl, Shr, Sub},
};

/// A number for each float format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constant {
    /// For `f32`.
    pub(super) f32: f32,
    /// For `f64`.
    pub(super) f64: f64,
}

impl Constant {
    /// The same number in both formats, rounded.
    pub(super) const fn new(value: f64) -> Constant {
        Constant { f32: value as f32, f64: value }
    }

    /// `2^single` for `f32` and `2^double` for `f64`.
    pub(super) const fn binary_powers(single: i32, double: i32) -> Constant {
        Constant { f32: binary_power(single) as f32, f64: binary_power(double) }
    }
}

impl Neg for Constant {
    type Output = Constant;

    fn neg(self) -> Constant {
        Constant { f32: -self.f32, f64: -self.f64 }
    }
}

/// `2^exponent`, which must be a normal `f64`. The standard library promises no exact powers.
pub(super) const fn binary_power(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Coefficients for each float format, lowest power first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Polynomial {
    /// For `f32`.
    pub(super) f32: &'static [f32],
    /// For `f64`.
    pub(super) f64: &'static [f64],
}

/// The encoding of a float format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Stored bits of the significand.
    pub(super) mantissa_bits: u32,
    /// The encoding of exponent zero; also the greatest exponent.
    pub(super) bias: i64,
    /// The signed integer type of the same width.
    pub(super) int: Scalar,
    /// The unsigned integer type of the same width.
    pub(super) unsigned: Scalar,
}

/// Owns the builder while a function is written.
#[derive(Debug)]
pub(super) struct Emitter {
    builder: RefCell<Builder>,
}

impl Emitter {
    /// A body with these parameters, and the results that `write` gives.
    pub(super) fn body(
        params: &[Scalar],
        write: impl for<'e> FnOnce(&'e Emitter, &[Expr<'e>]) -> Vec<Expr<'e>>,
    ) -> Body {
        let (builder, params) = Builder::new(params.iter().copied().map(Type::scalar).collect());
        let emitter = Emitter { builder: RefCell::new(builder) };
        let params: Vec<_> = params.into_iter().map(|value| emitter.expr(value)).collect();
        let results = values(&write(&emitter, &params));
        emitter.builder.into_inner().finish(results)
    }

    /// A constant of type `scalar`.
    pub(super) fn int(&self, scalar: Scalar, value: i128) -> Expr<'_> {
        self.emit(|builder| builder.int(scalar, value))
    }

    fn expr(&self, value: Value) -> Expr<'_> {
        Expr { emitter: self, value }
    }

    fn emit(&self, append: impl FnOnce(&mut Builder) -> Value) -> Expr<'_> {
        let value = append(&mut self.builder.borrow_mut());
        self.expr(value)
    }

    fn types(&self, exprs: &[Expr<'_>]) -> Vec<Type> {
        exprs.iter().map(|expr| Type::scalar(expr.scalar())).collect()
    }

    fn block<'e>(&'e self, params: Vec<Type>, write: impl FnOnce(&[Expr<'e>]) -> Vec<Expr<'e>>) -> Block {
        let (_, params) = self.builder.borrow_mut().open_block(params);
        let params: Vec<_> = params.into_iter().map(|value| self.expr(value)).collect();
        let results = values(&write(&params));
        self.builder.borrow_mut().close_block(results)
    }

    /// The values of `rare` where `cond` holds, else `common`: for paths that few elements take.
    pub(super) fn rarely<'e, const N: usize>(
        &'e self,
        cond: Expr<'e>,
        common: [Expr<'e>; N],
        rare: impl FnOnce() -> [Expr<'e>; N],
    ) -> [Expr<'e>; N] {
        let then = self.block(Vec::new(), |_| rare().to_vec());
        let otherwise = self.block(Vec::new(), |_| common.to_vec());
        let types = self.types(&common);
        let op = Op::If { cond: cond.value, then, otherwise };
        let results = self.builder.borrow_mut().multi(op, types);
        std::array::from_fn(|index| self.expr(results[index]))
    }

    /// `carried = init; for i in 0..end { carried = step(carried) }`.
    pub(super) fn repeat<'e, const N: usize>(
        &'e self,
        end: Expr<'e>,
        init: [Expr<'e>; N],
        step: impl FnOnce([Expr<'e>; N]) -> [Expr<'e>; N],
    ) -> [Expr<'e>; N] {
        let start = self.int(Scalar::I64, 0);
        let carried = self.types(&init);
        let params = [vec![Type::scalar(Scalar::I64)], carried.clone()].concat();
        let body = self.block(params, |params| step(std::array::from_fn(|index| params[index + 1])).to_vec());
        let op = Op::Loop { start: start.value, end: end.value, init: values(&init), cond: None, body };
        let results = self.builder.borrow_mut().multi(op, carried);
        std::array::from_fn(|index| self.expr(results[index]))
    }
}

fn values(exprs: &[Expr<'_>]) -> Vec<Value> {
    exprs.iter().map(|expr| expr.value).collect()
}

/// A scalar value of the body being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expr<'e> {
    emitter: &'e Emitter,
    value: Value,
}

/// What may stand as the other operand of an operation on an [`Expr`].
pub(super) trait Operand<'e> {
    /// It as an expression of the type of `like`.
    fn to_expr(self, like: Expr<'e>) -> Expr<'e>;
}

impl<'e> Operand<'e> for Expr<'e> {
    fn to_expr(self, _: Expr<'e>) -> Expr<'e> {
        self
    }
}

impl<'e> Operand<'e> for f64 {
    fn to_expr(self, like: Expr<'e>) -> Expr<'e> {
        Constant::new(self).to_expr(like)
    }
}

impl<'e> Operand<'e> for i64 {
    fn to_expr(self, like: Expr<'e>) -> Expr<'e> {
        like.emitter.int(like.scalar(), self.into())
    }
}

impl<'e> Operand<'e> for Constant {
    fn to_expr(self, like: Expr<'e>) -> Expr<'e> {
        let constant = match like.scalar() {
            Scalar::F32 => Const::from(self.f32),
            _ => Const::from(self.f64),
        };
        like.emitter.emit(|builder| builder.constant(constant))
    }
}

impl<'e> Expr<'e> {
    /// The emitter that it belongs to.
    pub(super) fn emitter(self) -> &'e Emitter {
        self.emitter
    }

    /// Its type.
    pub(super) fn scalar(self) -> Scalar {
        self.emitter.builder.borrow().body().scalar(self.value)
    }

    /// The encoding of its type, a float.
    pub(super) fn format(self) -> Format {
        match self.scalar() {
            Scalar::F32 => Format { mantissa_bits: 23, bias: 127, int: Scalar::I32, unsigned: Scalar::U32 },
            _ => Format { mantissa_bits: 52, bias: 1023, int: Scalar::I64, unsigned: Scalar::U64 },
        }
    }

    /// A constant of its type.
    pub(super) fn like(self, operand: impl Operand<'e>) -> Expr<'e> {
        operand.to_expr(self)
    }

    /// The bits of `constant` in the format of this float, as an integer of its width.
    pub(super) fn bits_of(self, constant: Constant) -> Expr<'e> {
        let bits = match self.scalar() {
            Scalar::F32 => i128::from(constant.f32.to_bits() as i32),
            _ => i128::from(constant.f64.to_bits() as i64),
        };
        self.emitter.int(self.format().int, bits)
    }

    fn unary(self, op: Unary) -> Expr<'e> {
        self.emitter.emit(|builder| builder.unary(op, self.value))
    }

    fn binary(self, op: Binary, other: impl Operand<'e>) -> Expr<'e> {
        let other = other.to_expr(self).value;
        self.emitter.emit(|builder| builder.binary(op, self.value, other))
    }

    fn compare(self, op: Compare, other: impl Operand<'e>) -> Expr<'e> {
        let other = other.to_expr(self).value;
        self.emitter.emit(|builder| builder.compare(op, self.value, other))
    }

    /// `|self|`.
    pub(super) fn abs(self) -> Expr<'e> {
        self.unary(Unary::Abs)
    }

    /// Its square root.
    pub(super) fn sqrt(self) -> Expr<'e> {
        self.unary(Unary::Sqrt)
    }

    /// Rounded toward zero.
    pub(super) fn trunc(self) -> Expr<'e> {
        self.unary(Unary::Trunc)
    }

    /// Its magnitude with the sign of `sign`.
    pub(super) fn copysign(self, sign: Expr<'e>) -> Expr<'e> {
        self.binary(Binary::Copysign, sign)
    }

    /// `self * factor + term`, rounded once.
    pub(super) fn mul_add(self, factor: impl Operand<'e>, term: impl Operand<'e>) -> Expr<'e> {
        let (factor, term) = (factor.to_expr(self).value, term.to_expr(self).value);
        self.emitter.emit(|builder| builder.fma(self.value, factor, term))
    }

    /// `self < other`.
    pub(super) fn lt(self, other: impl Operand<'e>) -> Expr<'e> {
        self.compare(Compare::Lt, other)
    }

    /// `self > other`.
    pub(super) fn gt(self, other: impl Operand<'e>) -> Expr<'e> {
        self.compare(Compare::Gt, other)
    }

    /// `self >= other`.
    pub(super) fn ge(self, other: impl Operand<'e>) -> Expr<'e> {
        self.compare(Compare::Ge, other)
    }

    /// `self == other`.
    pub(super) fn eq(self, other: impl Operand<'e>) -> Expr<'e> {
        self.compare(Compare::Eq, other)
    }

    /// `self != other`.
    pub(super) fn ne(self, other: impl Operand<'e>) -> Expr<'e> {
        self.compare(Compare::Ne, other)
    }

    /// `then` where this `bool` holds, else `otherwise`; one of them must be an expression.
    pub(super) fn select(self, then: impl Operand<'e>, otherwise: Expr<'e>) -> Expr<'e> {
        let then = then.to_expr(otherwise).value;
        self.emitter.emit(|builder| builder.select(self.value, then, otherwise.value))
    }

    /// Converted to `scalar`.
    pub(super) fn to(self, scalar: Scalar) -> Expr<'e> {
        self.emitter.emit(|builder| builder.convert(self.value, scalar))
    }

    /// Its bits as a value of type `scalar`.
    pub(super) fn bits_as(self, scalar: Scalar) -> Expr<'e> {
        self.emitter.emit(|builder| builder.bits(self.value, scalar))
    }

    /// The bits of a float as the signed integer of its width.
    pub(super) fn to_bits(self) -> Expr<'e> {
        self.bits_as(self.format().int)
    }

    /// Number of leading zero bits.
    pub(super) fn leading_zeros(self) -> Expr<'e> {
        self.unary(Unary::Clz)
    }

    /// The quotient of integers; the divisor is known not to be zero.
    pub(super) fn quotient(self, divisor: Expr<'e>) -> Expr<'e> {
        self.int_div(IntDiv::Div, divisor)
    }

    /// The remainder of integers; the divisor is known not to be zero.
    pub(super) fn remainder(self, divisor: Expr<'e>) -> Expr<'e> {
        self.int_div(IntDiv::Rem, divisor)
    }

    fn int_div(self, op: IntDiv, divisor: Expr<'e>) -> Expr<'e> {
        let ty = Type::scalar(self.scalar());
        let op = Op::IntDiv { op, lhs: self.value, rhs: divisor.value, check: None };
        self.emitter.emit(|builder| builder.single(op, ty))
    }

    /// The value of `polynomial` here, by Horner's rule; of long ones, the tail as even and odd powers, whose chains of
    /// operations run side by side.
    pub(super) fn polynomial(self, polynomial: &Polynomial) -> Expr<'e> {
        let coefficients: Vec<Const> = match self.scalar() {
            Scalar::F32 => polynomial.f32.iter().map(|&c| Const::from(c)).collect(),
            _ => polynomial.f64.iter().map(|&c| Const::from(c)).collect(),
        };
        let terms: Vec<_> =
            coefficients.into_iter().map(|c| self.emitter.emit(|builder| builder.constant(c))).collect();
        // Rounding errors of the first two terms count, those of the rest hardly.
        match terms.as_slice() {
            [first, second, tail @ ..] if tail.len() > LONGEST_CHAIN => {
                first.plus(self, second.plus(self, self.series(tail)))
            }
            terms => self.series(terms),
        }
    }

    /// The sum of `terms`, each times one more power of this.
    fn series(self, terms: &[Expr<'e>]) -> Expr<'e> {
        match terms {
            [] => self.like(0.0),
            _ if terms.len() > LONGEST_CHAIN => {
                let [even, odd] =
                    [0, 1].map(|first| terms[first..].iter().copied().step_by(2).collect::<Vec<_>>());
                let square = self * self;
                square.series(&even).plus(self, square.series(&odd))
            }
            [lowest] => *lowest,
            [lowest, rest @ ..] => lowest.plus(self, self.series(rest)),
        }
    }

    /// `self + factor * rest`, rounded once.
    fn plus(self, factor: Expr<'e>, rest: Expr<'e>) -> Expr<'e> {
        rest.mul_add(factor, self)
    }
}

/// A longer series is split in two.
const LONGEST_CHAIN: usize = 6;

macro_rules! operator {
    ($($trait:ident $method:ident $op:expr;)*) => {$(
        impl<'e, R: Operand<'e>> $trait<R> for Expr<'e> {
            type Output = Expr<'e>;

            fn $method(self, other: R) -> Expr<'e> {
                self.binary($op, other)
            }
        }

        impl<'e> $trait<Expr<'e>> for f64 {
            type Output = Expr<'e>;

            fn $method(self, other: Expr<'e>) -> Expr<'e> {
                other.like(self).binary($op, other)
            }
        }
    )*};
}
operator! {
    Add add Binary::Add;
    Sub sub Binary::Sub;
    Mul mul Binary::Mul;
    Div div Binary::Div;
    BitAnd bitand Binary::And;
    BitOr bitor Binary::Or;
    BitXor bitxor Binary::Xor;
    Shl shl Binary::Shl;
    Shr shr Binary::Shr;
}

impl<'e> Neg for Expr<'e> {
    type Output = Expr<'e>;

    fn neg(self) -> Expr<'e> {
        self.unary(Unary::Neg)
    }
}

impl<'e> Not for Expr<'e> {
    type Output = Expr<'e>;

    fn not(self) -> Expr<'e> {
        self.unary(Unary::Not)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp::eval;

    const LINE: Polynomial = Polynomial { f32: &[0.1, 2.0], f64: &[0.1, 2.0] };

    #[test]
    fn expressions_append_the_ir_they_say() {
        let body = Emitter::body(&[Scalar::F32], |_, args| vec![1.0 - args[0].polynomial(&LINE).abs()]);
        insta::assert_snapshot!(body, @r"
        body(v0: f32) {
            v1: f32 = const 0.1
            v2: f32 = const 2.0
            v3: f32 = fma v2, v0, v1
            v4: f32 = abs v3
            v5: f32 = const 1.0
            v6: f32 = sub v5, v4
            give v6
        }
        ");
    }

    #[test]
    fn long_polynomials_have_all_their_terms() {
        const DIGITS: [f64; 23] =
            [1., 2., 3., 4., 5., 6., 7., 8., 9., 8., 7., 6., 5., 4., 3., 2., 1., 2., 3., 4., 5., 6., 7.];
        const SEVEN: [f64; 9] = [7., 6., 5., 4., 3., 2., 1., 2., 3.];
        for (coefficients, at) in [(&DIGITS[..], 4.0), (&SEVEN[..], 10.0)] {
            let polynomial = Polynomial { f32: &[], f64: coefficients };
            let body = Emitter::body(&[Scalar::F64], |_, args| vec![args[0].polynomial(&polynomial)]);
            // Integers this small are summed exactly in any order.
            let expected = coefficients.iter().rfold(0.0, |sum, c| sum * at + c);
            assert_eq!(eval(&body, &[at.into()]), [expected.into()]);
        }
    }

    #[test]
    fn rare_paths_and_loops_nest() {
        let body = Emitter::body(&[Scalar::F64, Scalar::I64], |emitter, args| {
            let (x, count) = (args[0], args[1]);
            let rare = || emitter.repeat(count, [x], |[carried]| [carried * 0.5]);
            emitter.rarely(x.gt(1.0), [x], rare).to_vec()
        });
        insta::assert_snapshot!(body, @r"
        body(v0: f64, v1: i64) {
            v2: f64 = const 1.0
            v3: bool = gt v0, v2
            v4: f64 = if v3
                then {
                    v5: i64 = const 0
                    v6: f64 = loop v5..v1 from v0
                        do(v7: i64, v8: f64) {
                            v9: f64 = const 0.5
                            v10: f64 = mul v8, v9
                            give v10
                        }
                    give v6
                }
                else {
                    give v0
                }
            give v4
        }
        ");
    }
}
