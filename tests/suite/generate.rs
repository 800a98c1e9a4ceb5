//! Random programs that are well typed, by a seed. Few of them make sense; all of them must mean one thing.

use crate::value::{split_mix, tensor};
use pk_compiler::data::Datum;
use pk_dsl::scalar::{Const, Scalar};

/// A program with one kernel of the parameters `x: [a; n]`, `y: [b; n]` and `s: c`.
#[derive(Clone, Debug)]
pub(crate) struct Generated {
    /// The text.
    pub(crate) text: String,
    params: [Scalar; 3],
}

impl Generated {
    /// Arguments with arrays of `length` elements: edge cases and random numbers.
    pub(crate) fn args(&self, length: usize, seed: u64) -> Vec<Datum> {
        let mut random = Random::new(seed);
        let [x, y, s] = self.params;
        let mut array = |scalar| {
            let elements: Vec<Const> = (0..length).map(|_| random.element(scalar)).collect();
            Datum::Array(tensor(scalar, vec![length], &elements))
        };
        let arrays = [array(x), array(y)];
        [arrays.to_vec(), vec![Datum::Scalar(random.element(s))]].concat()
    }
}

/// The program of this seed.
pub(crate) fn program(seed: u64) -> Generated {
    let mut random = Random::new(seed);
    let params = [random.scalar(), random.scalar(), random.scalar()];
    let mut writer = Writer { random, params, fresh: 0 };
    let results: Vec<(String, String)> = (0..3).map(|_| writer.result()).collect();
    let types: Vec<&str> = results.iter().map(|result| result.0.as_str()).collect();
    let values: Vec<&str> = results.iter().map(|result| result.1.as_str()).collect();
    let [x, y, s] = params;
    let text = format!(
        "kernel f(x: [{x}; n], y: [{y}; n], s: {s})\n    -> ({}) =\n    (\n        {}\n    );\n",
        types.join(", "),
        values.join(",\n        ")
    );
    Generated { text, params }
}

/// Random choices.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    seed: u64,
    at: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random { seed, at: 0 }
    }

    fn bits(&mut self) -> u64 {
        self.at += 1;
        split_mix(self.seed, self.at)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// One of `choices`.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn scalar(&mut self) -> Scalar {
        self.pick(&Scalar::ALL)
    }

    /// A value of a type, an edge case as often as not.
    fn element(&mut self, scalar: Scalar) -> Const {
        let bits = self.bits();
        match (scalar, self.below(2) == 0) {
            (Scalar::F32, true) => Const::from(self.pick(&[
                0.0,
                -0.0,
                1.0,
                -1.0,
                f32::INFINITY,
                f32::NAN,
                1e-45,
                f32::MAX,
                0.5,
                -2.5,
            ])),
            (Scalar::F64, true) => Const::from(self.pick(&[
                0.0,
                -0.0,
                1.0,
                -1.0,
                f64::INFINITY,
                f64::NAN,
                5e-324,
                f64::MAX,
                0.5,
                -2.5,
            ])),
            (Scalar::F32, false) => Const::from((bits as i32 >> 8) as f32 / 65536.0),
            (Scalar::F64, false) => Const::from((bits as i64 >> 11) as f64 / (1u64 << 40) as f64),
            (Scalar::Bool, _) => Const::from(bits & 1 == 1),
            (_, true) => {
                let (least, greatest) = scalar.int_range().unwrap_or_default();
                Const::from_int(scalar, self.pick(&[least, greatest, 0, 1, 2, 3, least + 1, 7]))
            }
            (_, false) => Const::from_bits(scalar, bits),
        }
    }
}

struct Writer {
    random: Random,
    params: [Scalar; 3],
    fresh: usize,
}

/// Scalars in scope: names with their types.
type Scope = Vec<(String, Scalar)>;

impl Writer {
    fn name(&mut self, prefix: &str) -> String {
        self.fresh += 1;
        format!("{prefix}{}", self.fresh)
    }

    /// A result of the kernel: its type and its text.
    fn result(&mut self) -> (String, String) {
        let scalar = self.random.scalar();
        match self.random.below(8) {
            0 => (scalar.to_string(), self.scalar(scalar, &self.top(), 4)),
            1 => self.named_fold(),
            2 => {
                let array = self.array(scalar, 2);
                (format!("[{scalar}]"), format!("{array}.filter(|v| {})", self.filter_test(scalar)))
            }
            3 => self.nested(scalar),
            _ => (format!("[{scalar}; n]"), self.array(scalar, 3)),
        }
    }

    fn filter_test(&mut self, scalar: Scalar) -> String {
        let scope = [self.top(), vec![("v".to_string(), scalar)]].concat();
        self.scalar(Scalar::Bool, &scope, 2)
    }

    fn top(&self) -> Scope {
        vec![("s".to_string(), self.params[2]), ("n".to_string(), Scalar::I64)]
    }

    /// A reduction of an array by name.
    fn named_fold(&mut self) -> (String, String) {
        let scalar = self.random.scalar();
        let array = self.array(scalar, 2);
        let wide = match scalar {
            _ if scalar.is_float() => scalar,
            _ if scalar.is_signed_int() => Scalar::I64,
            _ => Scalar::U64,
        };
        if scalar == Scalar::Bool {
            let fold = self.random.pick(&[("any", "bool"), ("all", "bool"), ("count", "i64")]);
            return (fold.1.to_string(), format!("{}({array})", fold.0));
        }
        match self.random.pick(&["sum", "prod", "min", "max", "argmin", "argmax", "mean", "reduce"]) {
            fold @ ("sum" | "prod") => (wide.to_string(), format!("{fold}({array})")),
            fold @ ("argmin" | "argmax") => ("i64".to_string(), format!("{fold}({array})")),
            "mean" => {
                let result = if scalar.is_float() { scalar } else { Scalar::F64 };
                (result.to_string(), format!("mean({array})"))
            }
            "reduce" => (scalar.to_string(), self.fold("reduce", scalar, &array)),
            fold => (scalar.to_string(), format!("{fold}({array})")),
        }
    }

    /// A fold with an operator that need not be associative: the tree is fixed, and so is the result.
    fn fold(&mut self, fold: &str, scalar: Scalar, array: &str) -> String {
        let neutral = self.literal(scalar);
        let scope = vec![("p".to_string(), scalar), ("q".to_string(), scalar)];
        let op = self.scalar(scalar, &scope, 2);
        format!("{array}.{fold}({neutral}, |p, q| {op})")
    }

    /// A matrix by rows, each with a reduction of its own in it.
    fn nested(&mut self, scalar: Scalar) -> (String, String) {
        let mut scope = self.top();
        scope.extend([("i".to_string(), Scalar::I64), ("j".to_string(), Scalar::I64)]);
        let body = self.element(scalar, &scope, 2);
        (format!("[{scalar}; n, 3]"), format!("[{body} for i in 0..n, j in 0..3]"))
    }

    /// An array of length `n`.
    fn array(&mut self, scalar: Scalar, depth: usize) -> String {
        if depth == 0 {
            return self.array_leaf(scalar);
        }
        match self.random.below(9) {
            0 => self.array_leaf(scalar),
            1 => format!("reverse({})", self.array(scalar, depth - 1)),
            2 => {
                let array = self.array(scalar, depth - 1);
                let fold = self.random.pick(&["scan", "exscan"]);
                self.fold(fold, scalar, &array)
            }
            3 | 4 => {
                let inner = self.random.scalar();
                let (array, name) = (self.array(inner, depth - 1), self.name("v"));
                let scope = [self.top(), vec![(name.clone(), inner)]].concat();
                format!("{array}.map(|{name}| {})", self.scalar(scalar, &scope, 3))
            }
            5 => {
                let (left, right) = (self.random.scalar(), self.random.scalar());
                let (a, b) = (self.array(left, depth - 1), self.array(right, depth - 1));
                let (p, q) = (self.name("p"), self.name("q"));
                let scope = [self.top(), vec![(p.clone(), left), (q.clone(), right)]].concat();
                format!("map({a}, {b}, |{p}, {q}| {})", self.scalar(scalar, &scope, 3))
            }
            6 => {
                let (name, bound) = (self.name("a"), self.random.scalar());
                let init = self.array(bound, depth - 1);
                let i = self.name("at");
                let scope =
                    [self.top(), vec![(i.clone(), Scalar::I64), (format!("{name}[{i}]"), bound)]].concat();
                let body = self.scalar(scalar, &scope, 3);
                format!(
                    "{{ let _{name} = {init}; [{} for {i} in 0..n] }}",
                    body.replace(&name, &format!("_{name}"))
                )
            }
            _ => {
                let i = self.name("at");
                let scope = [self.top(), vec![(i.clone(), Scalar::I64)]].concat();
                format!("[{} for {i} in 0..n]", self.element(scalar, &scope, 3))
            }
        }
    }

    fn array_leaf(&mut self, scalar: Scalar) -> String {
        let [x, y, _] = self.params;
        let array = if self.random.below(2) == 0 { ("x", x) } else { ("y", y) };
        match array.1 == scalar {
            true => array.0.to_string(),
            false => format!("{scalar}({})", array.0),
        }
    }

    /// A scalar in which the parameters are read at some index, in bounds or by a view; rarely out of bounds.
    fn element(&mut self, scalar: Scalar, scope: &Scope, depth: usize) -> String {
        let (array, elem) =
            if self.random.below(2) == 0 { ("x", self.params[0]) } else { ("y", self.params[1]) };
        let i = scope
            .iter()
            .rev()
            .find(|(_, scalar)| *scalar == Scalar::I64)
            .map_or("0", |(name, _)| name.as_str());
        let view = self.random.pick(&["clamp_edges", "wrap_edges", "mirror_edges"]);
        let read = match self.random.below(6) {
            0 => format!("{view}({array})[{i} - 2]"),
            1 => format!("{array}.get({i} + 1, {})", self.literal(elem)),
            2 => format!("pad_edges({array}, {})[2 * {i} - 3]", self.literal(elem)),
            3 if self.random.below(4) == 0 => format!("{array}[{i} + 1]"),
            4 => format!("max({array}[{i}..{i} + 1])"),
            _ => format!("{array}.get({i}, {})", self.literal(elem)),
        };
        // The greatest of `bool` has no meaning.
        let read = if elem == Scalar::Bool { read.replace("max(", "any(") } else { read };
        let scope = [scope.clone(), vec![(read, elem)]].concat();
        self.scalar(scalar, &scope, depth)
    }

    fn scalar(&mut self, scalar: Scalar, scope: &Scope, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(scalar, scope);
        }
        match self.random.below(10) {
            0 => self.leaf(scalar, scope),
            1 => {
                let from = self.random.scalar();
                format!("{scalar}({})", self.scalar(from, scope, depth - 1))
            }
            2 => {
                let test = self.scalar(Scalar::Bool, scope, depth - 1);
                let [a, b] = [0; 2].map(|_| self.scalar(scalar, scope, depth - 1));
                format!("(if {test} {{ {a} }} else {{ {b} }})")
            }
            3 => {
                let (bound, name) = (self.random.scalar(), self.name("_l"));
                let init = self.scalar(bound, scope, depth - 1);
                let inner = [scope.clone(), vec![(name.clone(), bound)]].concat();
                format!("{{ let {name}: {bound} = {init}; {} }}", self.scalar(scalar, &inner, depth - 1))
            }
            4 => self.sequential(scalar, scope, depth),
            _ => self.operation(scalar, scope, depth),
        }
    }

    fn sequential(&mut self, scalar: Scalar, scope: &Scope, depth: usize) -> String {
        let (carried, counter, count) = (self.name("c"), self.name("k"), self.random.below(4));
        let init = self.scalar(scalar, scope, depth - 1);
        let inner = [scope.clone(), vec![(carried.clone(), scalar), (counter.clone(), Scalar::I64)]].concat();
        let next = self.scalar(scalar, &inner, depth - 1);
        let test = match self.random.below(2) {
            0 => String::new(),
            _ => format!(" while {}", self.scalar(Scalar::Bool, &inner, 1)),
        };
        format!("(loop {carried} = {init} for {counter} in 0..{count}{test} {{ {next} }})")
    }

    fn leaf(&mut self, scalar: Scalar, scope: &Scope) -> String {
        let fitting: Vec<&(String, Scalar)> = scope.iter().filter(|(_, ty)| *ty == scalar).collect();
        if !fitting.is_empty() && self.random.below(4) > 0 {
            return fitting[self.random.below(fitting.len())].0.clone();
        }
        if !scope.is_empty() && self.random.below(2) > 0 {
            let (name, _) = &scope[self.random.below(scope.len())];
            return format!("{scalar}({name})");
        }
        self.literal(scalar)
    }

    fn literal(&mut self, scalar: Scalar) -> String {
        if scalar.is_float() {
            let text = self
                .random
                .pick(&["0.0", "-0.0", "1.0", "-1.5", "1e30", "1e-40", "inf", "nan", "max", "eps"]);
            let is_number = text.ends_with(|c: char| c.is_ascii_digit());
            return if is_number { format!("{scalar}({text}{scalar})") } else { format!("{scalar}.{text}") };
        }
        match scalar {
            Scalar::Bool => self.random.pick(&["true", "false"]).to_string(),
            _ => match self.random.below(4) {
                0 => format!("{scalar}.min"),
                1 => format!("{scalar}.max"),
                _ => format!("{}{scalar}", self.random.below(100)),
            },
        }
    }

    fn operation(&mut self, scalar: Scalar, scope: &Scope, depth: usize) -> String {
        if scalar == Scalar::Bool {
            return self.test(scope, depth);
        }
        const FLOAT: &[&str] = &[
            "(A + B)",
            "(A - B)",
            "(A * B)",
            "(A / B)",
            "(A % B)",
            "-(A)",
            "abs(A)",
            "sign(A)",
            "min(A, B)",
            "max(A, B)",
            "clamp(A, B, A)",
            "fma(A, B, A)",
            "floor(A)",
            "ceil(A)",
            "round(A)",
            "trunc(A)",
            "rint(A)",
            "fract(A)",
            "copysign(A, B)",
            "sqrt(A)",
            "rsqrt(A)",
            "exp(A)",
            "log(A)",
            "sin(A)",
            "cos(A)",
            "tanh(A)",
            "pow(A, B)",
            "erf(A)",
            "atan2(A, B)",
            "hypot(A, B)",
            "(A ** 3)",
            "(A ** -2)",
            "select(T, A, B)",
            "from_bits(bits(A))",
        ];
        // The right side of `/`, `%` and of shifts is no literal: a wrong one would not compile.
        const INT: &[&str] = &[
            "(A + B)",
            "(A - B)",
            "(A * B)",
            "(A / (B | A))",
            "(A % (B ^ A))",
            "abs(A)",
            "sign(A)",
            "min(A, B)",
            "max(A, B)",
            "clamp(A, B, A)",
            "div_floor(A, B)",
            "mod_floor(A, B)",
            "(A & B)",
            "(A | B)",
            "(A ^ B)",
            "!(A)",
            "(A << (B | A))",
            "(A >> (B ^ A))",
            "rotl(A, B)",
            "rotr(A, B)",
            "popcount(A)",
            "clz(A)",
            "ctz(A)",
            "(A ** 3)",
            "select(T, A, B)",
        ];
        let form = self.random.pick(if scalar.is_float() { FLOAT } else { INT });
        let [a, b] = [0; 2].map(|_| self.scalar(scalar, scope, depth - 1));
        let test = self.scalar(Scalar::Bool, scope, depth - 1);
        fill(form, &[('A', &a), ('B', &b), ('T', &test)])
    }

    fn test(&mut self, scope: &Scope, depth: usize) -> String {
        const TESTS: &[&str] = &[
            "(A < B)", "(A <= B)", "(A == B)", "(A != B)", "(A > B)", "(A >= B)", "(S && T)", "(S || T)",
            "!(T)", "(S ^ T)",
        ];
        let form = self.random.pick(TESTS);
        let scalar = self.random.pick(&Scalar::ALL[1..]);
        let [a, b] = [0; 2].map(|_| self.scalar(scalar, scope, depth - 1));
        let [s, t] = [0; 2].map(|_| self.scalar(Scalar::Bool, scope, depth - 1));
        fill(form, &[('A', &a), ('B', &b), ('S', &s), ('T', &t)])
    }
}

/// `form` with each capital letter replaced by its text.
fn fill(form: &str, texts: &[(char, &str)]) -> String {
    let text = |c: char| texts.iter().find(|(letter, _)| *letter == c).map(|(_, text)| text.to_string());
    form.chars().map(|c| text(c).unwrap_or_else(|| c.to_string())).collect()
}
