//! How fast compiled kernels run: `cargo bench --bench throughput [NAME]`.
//!
//! The workloads are those that people bring: streams, reductions, formulas of mathematical functions, nests. Each is
//! called through the public API on buffers that are in place, often enough for a stable minimum.

use pk::{Buffer, Context, Element, FromBuffers, Kernel, Launch, Program, Queue};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A workload.
struct Workload {
    name: &'static str,
    text: &'static str,
    /// Runs it and gives the time of one launch.
    time: fn(&Kernel, &Queue, &[Place]) -> Result<Duration>,
    args: &'static [Arg],
    /// The number of elements for the time per element.
    elements: usize,
}

/// What an argument holds: numbers spread over a range.
enum Arg {
    F32(&'static [usize], f32, f32),
    F64(&'static [usize], f64, f64),
    I32(&'static [usize]),
    U32(&'static [usize]),
    U8(&'static [usize]),
}

const BIG: usize = 1 << 25;
const MIDDLE: usize = 1 << 22;
const SMALL: usize = 1 << 15;

const WORKLOADS: &[Workload] = &[
    Workload {
        name: "saxpy",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> [f32; n] = 2.5 * x + y;",
        args: &[Arg::F32(&[BIG], 0.0, 1.0), Arg::F32(&[BIG], 0.0, 1.0)],
        elements: BIG,
    },
    Workload {
        name: "saxpy in cache",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> [f32; n] = 2.5 * x + y;",
        args: &[Arg::F32(&[SMALL], 0.0, 1.0), Arg::F32(&[SMALL], 0.0, 1.0)],
        elements: SMALL,
    },
    Workload {
        name: "sum",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> f32 = sum(x);",
        args: &[Arg::F32(&[BIG], 0.0, 1.0)],
        elements: BIG,
    },
    Workload {
        name: "sum in cache",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> f32 = sum(x);",
        args: &[Arg::F32(&[SMALL], 0.0, 1.0)],
        elements: SMALL,
    },
    Workload {
        name: "dot",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);",
        args: &[Arg::F32(&[BIG], 0.0, 1.0), Arg::F32(&[BIG], 0.0, 1.0)],
        elements: BIG,
    },
    Workload {
        name: "dot in cache",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);",
        args: &[Arg::F32(&[SMALL], 0.0, 1.0), Arg::F32(&[SMALL], 0.0, 1.0)],
        elements: SMALL,
    },
    Workload {
        name: "dot f64 in cache",
        time: time::<Buffer<f64>>,
        text: "kernel k(x: [f64; n], y: [f64; n]) -> f64 = sum(x * y);",
        args: &[Arg::F64(&[SMALL], 0.0, 1.0), Arg::F64(&[SMALL], 0.0, 1.0)],
        elements: SMALL,
    },
    Workload {
        name: "norm",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> f32 = sum(sqrt(x * x + y * y));",
        args: &[Arg::F32(&[BIG], 0.0, 1.0), Arg::F32(&[BIG], 0.0, 1.0)],
        elements: BIG,
    },
    Workload {
        name: "norm in cache",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> f32 = sum(sqrt(x * x + y * y));",
        args: &[Arg::F32(&[SMALL], 0.0, 1.0), Arg::F32(&[SMALL], 0.0, 1.0)],
        elements: SMALL,
    },
    Workload {
        name: "black-scholes f32",
        time: time::<(Buffer<f32>, Buffer<f32>)>,
        text: BLACK_SCHOLES_F32,
        args: &[
            Arg::F32(&[MIDDLE], 10.0, 50.0),
            Arg::F32(&[MIDDLE], 10.0, 50.0),
            Arg::F32(&[MIDDLE], 0.1, 2.0),
        ],
        elements: MIDDLE,
    },
    Workload {
        name: "black-scholes f64",
        time: time::<(Buffer<f64>, Buffer<f64>)>,
        text: BLACK_SCHOLES_F64,
        args: &[
            Arg::F64(&[MIDDLE], 10.0, 50.0),
            Arg::F64(&[MIDDLE], 10.0, 50.0),
            Arg::F64(&[MIDDLE], 0.1, 2.0),
        ],
        elements: MIDDLE,
    },
    Workload {
        name: "exp f32",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> [f32; n] = exp(x);",
        args: &[Arg::F32(&[MIDDLE], -10.0, 10.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "exp f64",
        time: time::<Buffer<f64>>,
        text: "kernel k(x: [f64; n]) -> [f64; n] = exp(x);",
        args: &[Arg::F64(&[MIDDLE], -10.0, 10.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "log f32",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> [f32; n] = log(x);",
        args: &[Arg::F32(&[MIDDLE], 0.1, 10.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "log f64",
        time: time::<Buffer<f64>>,
        text: "kernel k(x: [f64; n]) -> [f64; n] = log(x);",
        args: &[Arg::F64(&[MIDDLE], 0.1, 10.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "sin f32",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> [f32; n] = sin(x);",
        args: &[Arg::F32(&[MIDDLE], -10.0, 10.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "sin f64",
        time: time::<Buffer<f64>>,
        text: "kernel k(x: [f64; n]) -> [f64; n] = sin(x);",
        args: &[Arg::F64(&[MIDDLE], -10.0, 10.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "tanh f32",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> [f32; n] = tanh(x);",
        args: &[Arg::F32(&[MIDDLE], -3.0, 3.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "pow f32",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n], y: [f32; n]) -> [f32; n] = pow(x, y);",
        args: &[Arg::F32(&[MIDDLE], 0.1, 10.0), Arg::F32(&[MIDDLE], -3.0, 3.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "mandelbrot",
        time: time::<Buffer<i32>>,
        text: MANDELBROT,
        args: &[],
        elements: 1 << 20,
    },
    Workload {
        name: "row sums",
        time: time::<Buffer<f32>>,
        text: "kernel k(a: [f32; n, m]) -> [f32; n] = sum(a, axis: 1);",
        args: &[Arg::F32(&[4096, 4096], 0.0, 1.0)],
        elements: 1 << 24,
    },
    Workload {
        name: "column sums",
        time: time::<Buffer<f32>>,
        text: "kernel k(a: [f32; n, m]) -> [f32; m] = sum(a, axis: 0);",
        args: &[Arg::F32(&[4096, 4096], 0.0, 1.0)],
        elements: 1 << 24,
    },
    Workload {
        name: "softmax",
        time: time::<Buffer<f32>>,
        text: SOFTMAX,
        args: &[Arg::F32(&[4096, 1024], -3.0, 3.0)],
        elements: MIDDLE,
    },
    Workload {
        name: "scan f32",
        time: time::<Buffer<f32>>,
        text: "kernel k(x: [f32; n]) -> [f32; n] = scan(x, 0.0, |a, b| a + b);",
        args: &[Arg::F32(&[BIG], 0.0, 1.0)],
        elements: BIG,
    },
    Workload {
        name: "scan i32",
        time: time::<Buffer<i32>>,
        text: "kernel k(x: [i32; n]) -> [i32; n] = scan(x, 0, |a, b| a + b);",
        args: &[Arg::I32(&[BIG])],
        elements: BIG,
    },
    Workload {
        name: "argmax",
        time: time::<Buffer<i64>>,
        text: "kernel k(x: [f32; n]) -> i64 = argmax(x);",
        args: &[Arg::F32(&[BIG], 0.0, 1.0)],
        elements: BIG,
    },
    Workload {
        name: "histogram",
        time: time::<Buffer<i64>>,
        text: "kernel k(x: [u8; n]) -> [i64; 256] = reduce_by_index(256, i64(x), fill(n, 1), 0, +);",
        args: &[Arg::U8(&[BIG])],
        elements: BIG,
    },
    Workload {
        name: "xorshift",
        time: time::<Buffer<u32>>,
        text: XORSHIFT,
        args: &[Arg::U32(&[1 << 24])],
        elements: 1 << 24,
    },
    Workload {
        name: "stencil",
        time: time::<Buffer<f32>>,
        text: STENCIL,
        args: &[Arg::F32(&[4096, 4096], 0.0, 1.0)],
        elements: 1 << 24,
    },
    Workload {
        name: "n-body",
        time: time::<(Buffer<f32>, Buffer<f32>, Buffer<f32>)>,
        text: N_BODY,
        args: &[
            Arg::F32(&[4096], 0.0, 1.0),
            Arg::F32(&[4096], 0.0, 1.0),
            Arg::F32(&[4096], 0.0, 1.0),
            Arg::F32(&[4096], 0.0, 1.0),
        ],
        elements: 1 << 24,
    },
    Workload {
        name: "matmul",
        time: time::<Buffer<f32>>,
        text: "kernel k(a: [f32; n, p], b: [f32; p, m]) -> [f32; n, m] = [sum([a[i, k] * b[k, j] for k in 0..p]) for i in 0..n, j in 0..m];",
        args: &[Arg::F32(&[512, 512], 0.0, 1.0), Arg::F32(&[512, 512], 0.0, 1.0)],
        elements: 1 << 27,
    },
];

const BLACK_SCHOLES_F32: &str = "
fn cdf(x: f32) -> f32 = 0.5 * (1.0 + erf(x * 0.70710678));
kernel k(s: [f32; n], x: [f32; n], t: [f32; n]) -> ([f32; n], [f32; n]) = {
    let root = 0.3 * sqrt(t);
    let d1 = (log(s / x) + (0.02 + 0.045) * t) / root;
    let (p1, p2) = (cdf(d1), cdf(d1 - root));
    let discount = x * exp(-0.02 * t);
    (s * p1 - discount * p2, discount * (1.0 - p2) - s * (1.0 - p1))
};";

const BLACK_SCHOLES_F64: &str = "
fn cdf(x: f64) -> f64 = 0.5 * (1.0 + erf(x * 0.7071067811865476));
kernel k(s: [f64; n], x: [f64; n], t: [f64; n]) -> ([f64; n], [f64; n]) = {
    let root = 0.3 * sqrt(t);
    let d1 = (log(s / x) + (0.02 + 0.045) * t) / root;
    let (p1, p2) = (cdf(d1), cdf(d1 - root));
    let discount = x * exp(-0.02 * t);
    (s * p1 - discount * p2, discount * (1.0 - p2) - s * (1.0 - p1))
};";

const MANDELBROT: &str = "
fn escape(cr: f32, ci: f32) -> i32 {
    let (_, _, steps) = loop (zr, zi, k) = (0.0, 0.0, 0) for _ in 0..256 while zr * zr + zi * zi <= 4.0 {
        (zr * zr - zi * zi + cr, 2.0 * zr * zi + ci, k + 1)
    };
    steps
}
kernel k() -> [i32; 1024, 1024] = [escape(f32(x) * 0.0029296875 - 2.0, f32(y) * 0.00244140625 - 1.25) for y in 0..1024, x in 0..1024];";

const SOFTMAX: &str = "
kernel k(a: [f32; n, m]) -> [f32; n, m] = a.map(|row| {
    let e = exp(row - max(row));
    e / sum(e)
});";

const XORSHIFT: &str = "
fn step(x: u32) -> u32 {
    let a = x ^ (x << 13);
    let b = a ^ (a >> 17);
    b ^ (b << 5)
}
kernel k(x: [u32; n]) -> [u32; n] = x.map(|v| step(step(step(step(step(step(step(step(v)))))))));";

const STENCIL: &str = "
kernel k(a: [f32; n, m]) -> [f32; n - 2, m - 2] =
    [0.2 * (a[i + 1, j + 1] + a[i, j + 1] + a[i + 2, j + 1] + a[i + 1, j] + a[i + 1, j + 2]) for i in 0..n - 2, j in 0..m - 2];";

const N_BODY: &str = "
fn pull(xi: f32, yi: f32, zi: f32, x: f32, y: f32, z: f32, m: f32) -> (f32, f32, f32) {
    let (dx, dy, dz) = (x - xi, y - yi, z - zi);
    let d = dx * dx + dy * dy + dz * dz + 0.01;
    let f = m / (d * sqrt(d));
    (f * dx, f * dy, f * dz)
}
kernel k(x: [f32; n], y: [f32; n], z: [f32; n], m: [f32; n]) -> [(f32, f32, f32); n] =
    [reduce([pull(x[i], y[i], z[i], x[j], y[j], z[j], m[j]) for j in 0..n], (0.0, 0.0, 0.0), |(a, b, c), (d, e, f)| (a + d, b + e, c + f)) for i in 0..n];";

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let context = Context::cpu();
    println!("{:<20} {:>10} {:>10} {:>10}", "workload", "compile ms", "ms", "ns/element");
    for workload in WORKLOADS {
        if wanted.is_empty() || wanted.iter().any(|name| workload.name.contains(name.as_str())) {
            if let Err(error) = measure(&context, workload) {
                println!("{:<20} {error}", workload.name);
            }
        }
    }
    Ok(())
}

/// An argument in place.
enum Place {
    F32(Buffer<f32>),
    F64(Buffer<f64>),
    I32(Buffer<i32>),
    U32(Buffer<u32>),
    U8(Buffer<u8>),
}

fn place(context: &Context, arg: &Arg) -> Result<Place> {
    let mut state = 88172645463325252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut unit = || (next() >> 11) as f64 / (1u64 << 53) as f64;
    Ok(match arg {
        Arg::F32(shape, low, high) => {
            let data: Vec<f32> =
                (0..shape.iter().product()).map(|_| low + (high - low) * unit() as f32).collect();
            Place::F32(context.buffer_from_shape(&data, shape)?)
        }
        Arg::F64(shape, low, high) => {
            let data: Vec<f64> = (0..shape.iter().product()).map(|_| low + (high - low) * unit()).collect();
            Place::F64(context.buffer_from_shape(&data, shape)?)
        }
        Arg::I32(shape) => {
            let data: Vec<i32> = (0..shape.iter().product()).map(|_| (unit() * 100.0) as i32).collect();
            Place::I32(context.buffer_from_shape(&data, shape)?)
        }
        Arg::U32(shape) => {
            let data: Vec<u32> = (0..shape.iter().product()).map(|_| (unit() * 4e9) as u32).collect();
            Place::U32(context.buffer_from_shape(&data, shape)?)
        }
        Arg::U8(shape) => {
            let data: Vec<u8> = (0..shape.iter().product()).map(|_| (unit() * 256.0) as u8).collect();
            Place::U8(context.buffer_from_shape(&data, shape)?)
        }
    })
}

fn measure(context: &Context, workload: &Workload) -> Result<()> {
    let start = Instant::now();
    let program = Program::compile(context, workload.text)?;
    let kernel = program.kernel("k")?;
    let compile = start.elapsed();
    let args = workload.args.iter().map(|arg| place(context, arg)).collect::<Result<Vec<Place>>>()?;
    let time = (workload.time)(&kernel, &context.default_queue(), &args)?;
    let per_element = time.as_secs_f64() * 1e9 / workload.elements as f64;
    println!(
        "{:<20} {:>10.3} {:>10.4} {:>10.3}",
        workload.name,
        compile.as_secs_f64() * 1e3,
        time.as_secs_f64() * 1e3,
        per_element
    );
    Ok(())
}

/// Results of a kernel that its next launch writes again.
trait Targets {
    fn attach<'a>(&'a mut self, launch: Launch<'a>) -> Launch<'a>;
}

impl<T: Element> Targets for Buffer<T> {
    fn attach<'a>(&'a mut self, launch: Launch<'a>) -> Launch<'a> {
        launch.into(self)
    }
}

impl<A: Targets, B: Targets> Targets for (A, B) {
    fn attach<'a>(&'a mut self, launch: Launch<'a>) -> Launch<'a> {
        self.1.attach(self.0.attach(launch))
    }
}

impl<A: Targets, B: Targets, C: Targets> Targets for (A, B, C) {
    fn attach<'a>(&'a mut self, launch: Launch<'a>) -> Launch<'a> {
        self.2.attach(self.1.attach(self.0.attach(launch)))
    }
}

/// The least time of a launch, as the events measure it.
fn time<R: FromBuffers + Targets>(kernel: &Kernel, queue: &Queue, args: &[Place]) -> Result<Duration> {
    let (mut results, event) = with_args(kernel.launch(queue), args).run_with_results::<R>()?;
    event.wait()?;
    let mut best = Duration::MAX;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        let event = results.attach(with_args(kernel.launch(queue), args)).run()?;
        event.wait()?;
        best = best.min(event.elapsed().unwrap_or(best));
    }
    Ok(best)
}

fn with_args<'a>(launch: Launch<'a>, args: &[Place]) -> Launch<'a> {
    args.iter().fold(launch, |launch, arg| match arg {
        Place::F32(buffer) => launch.arg(buffer),
        Place::F64(buffer) => launch.arg(buffer),
        Place::I32(buffer) => launch.arg(buffer),
        Place::U32(buffer) => launch.arg(buffer),
        Place::U8(buffer) => launch.arg(buffer),
    })
}
