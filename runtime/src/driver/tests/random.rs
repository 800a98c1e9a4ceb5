//! Random kernels: a nest whose body is a random tree of operations, branches, loops and inner nests.

use super::{
    Both, FaultPolicy, constants,
    kernels::{composition, fold, int, kernel, map, read_checked, reduce, site},
    random,
};
use pk_compiler::ir::{Binary, Builder, Compare, FaultKind, IntDiv, Kernel, Op, Order, Type, Value};
use pk_dsl::scalar::{Const, Scalar};

/// Grows the body of a nest: a pool of values, each of which may be used again.
struct Grower<'a> {
    choices: Box<dyn Iterator<Item = u64>>,
    /// The vectors that may be read.
    arrays: &'a [Value],
    /// The extent of inner nests.
    extent: Value,
}

impl Grower<'_> {
    fn choose(&mut self, below: usize) -> usize {
        self.choices.next().map_or(0, |bits| (bits >> 20) as usize % below)
    }

    fn pick(&mut self, pool: &[Value]) -> Value {
        pool[self.choose(pool.len())]
    }

    /// Adds `steps` values of type `i64` to `pool`.
    fn grow(&mut self, b: &mut Builder, pool: &mut Vec<Value>, depth: usize, steps: usize) {
        for _ in 0..steps {
            let (x, y) = (self.pick(pool), self.pick(pool));
            let value = match self.choose(if depth == 0 { 5 } else { 10 }) {
                0 => self.arithmetic(b, x, y),
                1 => self.division(b, x, y),
                2 => self.read(b, x),
                3 => self.through_floats(b, x, y),
                4 => b.constant(self.choose(1000) as i64 - 500),
                5 => self.branch(b, pool, depth, x, y),
                6 => self.repeat(b, pool, depth, x),
                7 | 8 => self.inner_sum(b, pool, depth),
                _ => self.inner_map(b, pool, depth),
            };
            pool.push(value);
        }
    }

    fn arithmetic(&mut self, b: &mut Builder, x: Value, y: Value) -> Value {
        let ops =
            [Binary::Add, Binary::Sub, Binary::Mul, Binary::Min, Binary::Xor, Binary::Shr, Binary::Rotl];
        b.binary(ops[self.choose(ops.len())], x, y)
    }

    fn division(&mut self, b: &mut Builder, lhs: Value, rhs: Value) -> Value {
        let ops = [IntDiv::Div, IntDiv::Rem, IntDiv::DivFloor, IntDiv::ModFloor];
        let check = Some(site(FaultKind::DivisionByZero, self.choose(4)));
        let op = Op::IntDiv { op: ops[self.choose(4)], lhs, rhs, check };
        b.single(op, Type::scalar(Scalar::I64))
    }

    fn read(&mut self, b: &mut Builder, index: Value) -> Value {
        let array = self.pick(self.arrays);
        // Mostly inside.
        let mask = int(b, 3);
        let index = if self.choose(8) == 0 { index } else { b.binary(Binary::And, index, mask) };
        read_checked(b, array, &[index], self.choose(4))
    }

    fn through_floats(&mut self, b: &mut Builder, x: Value, y: Value) -> Value {
        let scalar = [Scalar::F32, Scalar::F64][self.choose(2)];
        let (x, y) = (b.convert(x, scalar), b.convert(y, scalar));
        let ops = [Binary::Add, Binary::Mul, Binary::Div, Binary::Max, Binary::Copysign];
        let result = b.binary(ops[self.choose(ops.len())], x, y);
        b.convert(result, Scalar::I64)
    }

    /// A block that grows on what is visible and gives one value.
    fn block(&mut self, b: &mut Builder, pool: &[Value], depth: usize) -> Value {
        let mut pool = pool.to_vec();
        self.grow(b, &mut pool, depth - 1, 3);
        pool[pool.len() - 1]
    }

    fn branch(&mut self, b: &mut Builder, pool: &[Value], depth: usize, x: Value, y: Value) -> Value {
        let cond = b.compare(Compare::Lt, x, y);
        let then = b.block(Vec::new(), |b, _| vec![self.block(b, pool, depth)]);
        let otherwise = b.block(Vec::new(), |b, _| vec![self.block(b, pool, depth)]);
        b.single(Op::If { cond, then, otherwise }, Type::scalar(Scalar::I64))
    }

    fn repeat(&mut self, b: &mut Builder, pool: &[Value], depth: usize, init: Value) -> Value {
        let (start, end) = (int(b, 0), int(b, self.choose(4) as i64));
        let body = b.block(vec![Type::scalar(Scalar::I64); 2], |b, args| {
            vec![self.block(b, &[pool, args].concat(), depth)]
        });
        let op = Op::Loop { start, end, init: vec![init], cond: None, body };
        b.single(op, Type::scalar(Scalar::I64))
    }

    fn inner_sum(&mut self, b: &mut Builder, pool: &[Value], depth: usize) -> Value {
        if self.choose(3) == 0 {
            let fold = composition(b);
            let pair = reduce(b, self.extent, fold, |b, i| {
                let value = self.block(b, &[pool, &[i]].concat(), depth);
                vec![value, i]
            });
            return pair[self.choose(2)];
        }
        let order = [Order::Interleaved, Order::Ordered][self.choose(2)];
        let sum = fold(b, Binary::Add, 0i64, order);
        reduce(b, self.extent, sum, |b, i| vec![self.block(b, &[pool, &[i]].concat(), depth)])[0]
    }

    fn inner_map(&mut self, b: &mut Builder, pool: &[Value], depth: usize) -> Value {
        let mapped =
            map(b, &[self.extent], (Scalar::I64, &[]), |b, i| self.block(b, &[pool, i].concat(), depth));
        let index = self.pick(pool);
        read_checked(b, mapped, &[index], self.choose(4))
    }
}

/// `[random(i) for i in 0..n]` over two vectors, with inner nests over `0..m`.
fn random_kernel(seed: u64) -> Kernel {
    let params: [(Scalar, &[usize]); 2] = [(Scalar::I64, &[0]), (Scalar::I64, &[1])];
    kernel(2, &params, |b, sizes, params| {
        vec![map(b, &sizes[..1], (Scalar::I64, &[]), |b, i| {
            let choices = Box::new(random(usize::MAX, seed));
            let mut grower = Grower { choices, arrays: params, extent: sizes[1] };
            let mut pool = vec![i[0]];
            grower.grow(b, &mut pool, 2, 6);
            pool[pool.len() - 1]
        })]
    })
}

#[test]
fn random_kernels_have_one_meaning() {
    for seed in 0..40 {
        let kernel = random_kernel(seed * 77 + 1);
        let both = Both::new(&kernel);
        for (n, m) in [(5, 4), (3, 40), (2, 0)] {
            let args = [n, m].map(|count| {
                let elements = random(count, seed + count as u64).map(|bits| Const::from(bits as i64 >> 40));
                constants(Scalar::I64, &[count], elements)
            });
            for faults in [FaultPolicy::Report, FaultPolicy::Ignore] {
                let _ = both.run(&[n as i64, m as i64], &args, faults);
            }
        }
    }
}
