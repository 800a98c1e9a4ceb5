//! The library functions: each is defined once, here, in IR, so that every back end computes the same bits.
//!
//! A definition is scalar code without tables; the path that most arguments take has no branches, so that it can be
//! vectorised, and an `f32` function computes in `f32`. Special values follow C99 Annex F; errors stay within 1.5 units
//! in the last place: `accuracy` has the bound of each function, and `cargo bench --bench accuracy` measures them all.
//! The numbers in the definitions come from `coefficients.py`, the true values of the tests from `vectors.py`. Nothing
//! in this room may depend on a back end or on the host's libm.

#[cfg(test)]
mod accuracy;
#[rustfmt::skip]
mod coefficients;
mod emit;
mod error_function;
mod exp;
mod floats;
mod hyperbolic;
mod inverse_trig;
mod log;
mod power;
mod random;
mod reduction;
mod remainder;
#[cfg(test)]
mod special_values;
mod trig;

use crate::ir::{Body, Op};
use emit::{Emitter, Expr};
use pk_dsl::scalar::Scalar;
use std::sync::OnceLock;

/// A library function for one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Routine {
    /// Which function.
    pub function: MathFn,
    /// The type of its arguments, `f32` or `f64`, where they have one type; else the type of its results.
    pub scalar: Scalar,
}

/// The library functions. Arguments are named x and y in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MathFn {
    /// e^x.
    Exp,
    /// 2^x.
    Exp2,
    /// 10^x.
    Exp10,
    /// e^x - 1.
    Expm1,
    /// Natural logarithm.
    Log,
    /// Logarithm to base 2, exact for powers of two.
    Log2,
    /// Logarithm to base 10.
    Log10,
    /// log(1 + x).
    Log1p,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// The angle of the point (x, y); the arguments are y and x.
    Atan2,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
    /// x^y of floats.
    Pow,
    /// x^y of an integer x and an `i64` y, wrapping; for negative y the reciprocal rounded toward zero.
    PowInt,
    /// Cube root.
    Cbrt,
    /// sqrt(x^2 + y^2).
    Hypot,
    /// Error function.
    Erf,
    /// 1 - erf(x).
    Erfc,
    /// x - trunc(x / y) y, exact; the sign is that of x.
    Fmod,
    /// Four `u32` from a `u64` seed and an `i64` index, by Philox4x32-10.
    Philox,
    /// From the first two words of [`MathFn::Philox`]: an `f64` in [0, 1), of 53 bits.
    Uniform,
    /// From the four words of [`MathFn::Philox`]: two `f64` in [0, 1), of 53 bits.
    Uniform2,
    /// From the first word of [`MathFn::Philox`]: an `f32` in [0, 1), of 24 bits.
    UniformF32,
    /// From the two numbers of [`MathFn::Uniform2`]: a standard normal `f64`.
    Normal,
}

impl MathFn {
    /// Every function.
    pub const ALL: [MathFn; 33] = [
        MathFn::Exp,
        MathFn::Exp2,
        MathFn::Exp10,
        MathFn::Expm1,
        MathFn::Log,
        MathFn::Log2,
        MathFn::Log10,
        MathFn::Log1p,
        MathFn::Sin,
        MathFn::Cos,
        MathFn::Tan,
        MathFn::Asin,
        MathFn::Acos,
        MathFn::Atan,
        MathFn::Atan2,
        MathFn::Sinh,
        MathFn::Cosh,
        MathFn::Tanh,
        MathFn::Asinh,
        MathFn::Acosh,
        MathFn::Atanh,
        MathFn::Pow,
        MathFn::PowInt,
        MathFn::Cbrt,
        MathFn::Hypot,
        MathFn::Erf,
        MathFn::Erfc,
        MathFn::Fmod,
        MathFn::Philox,
        MathFn::Uniform,
        MathFn::Uniform2,
        MathFn::UniformF32,
        MathFn::Normal,
    ];

    /// Its name in printed IR; in the language too, where it has one there.
    pub fn name(self) -> &'static str {
        match self {
            MathFn::Exp => "exp",
            MathFn::Exp2 => "exp2",
            MathFn::Exp10 => "exp10",
            MathFn::Expm1 => "expm1",
            MathFn::Log => "log",
            MathFn::Log2 => "log2",
            MathFn::Log10 => "log10",
            MathFn::Log1p => "log1p",
            MathFn::Sin => "sin",
            MathFn::Cos => "cos",
            MathFn::Tan => "tan",
            MathFn::Asin => "asin",
            MathFn::Acos => "acos",
            MathFn::Atan => "atan",
            MathFn::Atan2 => "atan2",
            MathFn::Sinh => "sinh",
            MathFn::Cosh => "cosh",
            MathFn::Tanh => "tanh",
            MathFn::Asinh => "asinh",
            MathFn::Acosh => "acosh",
            MathFn::Atanh => "atanh",
            MathFn::Pow => "pow",
            MathFn::PowInt => "pow_int",
            MathFn::Cbrt => "cbrt",
            MathFn::Hypot => "hypot",
            MathFn::Erf => "erf",
            MathFn::Erfc => "erfc",
            MathFn::Fmod => "fmod",
            MathFn::Philox => "philox",
            MathFn::Uniform => "uniform",
            MathFn::Uniform2 => "uniform2",
            MathFn::UniformF32 => "uniform_f32",
            MathFn::Normal => "normal",
        }
    }

    /// What [`Routine::scalar`] may be.
    pub fn scalars(self) -> &'static [Scalar] {
        match self {
            MathFn::PowInt => &Scalar::ALL[1..9],
            MathFn::Philox => &[Scalar::U32],
            MathFn::Uniform | MathFn::Uniform2 | MathFn::Normal => &[Scalar::F64],
            MathFn::UniformF32 => &[Scalar::F32],
            _ => &[Scalar::F32, Scalar::F64],
        }
    }

    /// The number of its arguments.
    pub fn arity(self) -> usize {
        match self {
            MathFn::Atan2 | MathFn::Pow | MathFn::PowInt | MathFn::Hypot | MathFn::Fmod => 2,
            _ if self.is_random() => 2,
            _ => 1,
        }
    }

    /// Whether it takes a seed and an index.
    fn is_random(self) -> bool {
        use MathFn::{Normal, Philox, Uniform, Uniform2, UniformF32};
        matches!(self, Philox | Uniform | Uniform2 | UniformF32 | Normal)
    }
}

impl Routine {
    /// The types of its arguments.
    pub fn params(self) -> Vec<Scalar> {
        match self.function {
            MathFn::PowInt => vec![self.scalar, Scalar::I64],
            function if function.is_random() => vec![Scalar::U64, Scalar::I64],
            function => vec![self.scalar; function.arity()],
        }
    }

    /// The types of its results.
    pub fn results(self) -> Vec<Scalar> {
        let count = match self.function {
            MathFn::Philox => 4,
            MathFn::Uniform2 => 2,
            _ => 1,
        };
        vec![self.scalar; count]
    }

    /// Whether the function is defined for the type.
    pub fn is_defined(self) -> bool {
        self.function.scalars().contains(&self.scalar)
    }
}

/// The IR of `routine`, built on first use and kept for the life of the process. The routine must be defined.
pub fn definition(routine: Routine) -> &'static Body {
    static BODIES: [[OnceLock<Body>; Scalar::ALL.len()]; MathFn::ALL.len()] =
        [const { [const { OnceLock::new() }; Scalar::ALL.len()] }; MathFn::ALL.len()];
    debug_assert!(routine.is_defined(), "{routine:?}");
    let slot = &BODIES[routine.function as usize][routine.scalar as usize];
    slot.get_or_init(|| {
        Emitter::body(&routine.params(), |emitter, args| write(routine.function, emitter, args))
    })
}

/// The number of operations that a call of `routine` stands for, with the calls inside it.
pub fn expanded_insts(routine: Routine) -> usize {
    let insts = definition(routine).insts.iter();
    insts
        .map(|(_, inst)| match inst.op {
            Op::Call { routine, .. } => expanded_insts(routine),
            _ => 1,
        })
        .sum()
}

/// Writes the definition of `function` and gives its results. `args` are as many as the function takes.
fn write<'e>(function: MathFn, emitter: &'e Emitter, args: &[Expr<'e>]) -> Vec<Expr<'e>> {
    let (x, y) = (args[0], args[args.len() - 1]);
    let result = match function {
        MathFn::Exp => exp::exp(x),
        MathFn::Exp2 => exp::exp2(x),
        MathFn::Exp10 => exp::exp10(x),
        MathFn::Expm1 => exp::expm1(x),
        MathFn::Log => log::log(x),
        MathFn::Log2 => log::log2(x),
        MathFn::Log10 => log::log10(x),
        MathFn::Log1p => log::log1p(x),
        MathFn::Sin => trig::sin(x),
        MathFn::Cos => trig::cos(x),
        MathFn::Tan => trig::tan(x),
        MathFn::Asin => inverse_trig::asin(x),
        MathFn::Acos => inverse_trig::acos(x),
        MathFn::Atan => inverse_trig::atan(x),
        MathFn::Atan2 => inverse_trig::atan2(x, y),
        MathFn::Sinh => hyperbolic::sinh(x),
        MathFn::Cosh => hyperbolic::cosh(x),
        MathFn::Tanh => hyperbolic::tanh(x),
        MathFn::Asinh => hyperbolic::asinh(x),
        MathFn::Acosh => hyperbolic::acosh(x),
        MathFn::Atanh => hyperbolic::atanh(x),
        MathFn::Pow => power::pow(x, y),
        MathFn::PowInt => power::pow_int(x, y),
        MathFn::Cbrt => power::cbrt(x),
        MathFn::Hypot => power::hypot(x, y),
        MathFn::Erf => error_function::erf(x),
        MathFn::Erfc => error_function::erfc(x),
        MathFn::Fmod => remainder::fmod(x, y),
        MathFn::Philox => return random::philox(emitter, x, y).to_vec(),
        MathFn::Uniform2 => return random::uniform2(emitter, x, y).to_vec(),
        MathFn::Uniform => random::uniform(emitter, x, y),
        MathFn::UniformF32 => random::uniform_f32(emitter, x, y),
        MathFn::Normal => random::normal(emitter, x, y),
    };
    vec![result]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::verify::verify_body;

    fn routines() -> impl Iterator<Item = Routine> {
        let of =
            |function: MathFn| function.scalars().iter().map(move |&scalar| Routine { function, scalar });
        MathFn::ALL.into_iter().flat_map(of)
    }

    #[test]
    fn definitions_are_valid_and_typed_as_said() {
        for routine in routines() {
            let body = definition(routine);
            verify_body(body).unwrap_or_else(|error| panic!("{routine:?}: {error}"));
            let entry = &body.blocks[body.entry];
            let types =
                |values: &[crate::ir::Value]| values.iter().map(|&value| body.scalar(value)).collect();
            let (params, results): (Vec<_>, Vec<_>) = (types(&entry.params), types(&entry.results));
            assert_eq!((params, results), (routine.params(), routine.results()), "{routine:?}");
        }
    }

    #[test]
    fn single_precision_stays_single() {
        for routine in routines().filter(|routine| routine.scalar == Scalar::F32) {
            let body = definition(routine);
            assert!(body.values.iter().all(|(_, value)| value.ty.scalar != Scalar::F64), "{routine:?}");
        }
    }

    #[test]
    fn only_rare_paths_branch() {
        let branches = |routine: &Routine| {
            let body = definition(*routine);
            body.insts.iter().any(|(_, inst)| matches!(inst.op, Op::If { .. } | Op::Loop { .. }))
        };
        let mut found: Vec<_> = routines().filter(branches).map(|routine| routine.function.name()).collect();
        found.dedup();
        assert_eq!(found, ["sin", "cos", "tan", "pow_int", "fmod", "normal"]);
    }

    #[test]
    fn a_definition_is_built_once() {
        let routine = Routine { function: MathFn::Tanh, scalar: Scalar::F32 };
        let bodies: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| definition(routine))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        assert!(bodies.len() == 4 && bodies.iter().all(|body| std::ptr::eq(*body, bodies[0])));
    }
}
