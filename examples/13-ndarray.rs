//! Arrays of the crate `ndarray` as arguments and results: `cargo run --features ndarray --example 13-ndarray`.

use ndarray::{Array2, array, s};
use pk::{Context, Program};

const TEXT: &str = "
    kernel matmul(a: [f64; n, k], b: [f64; k, m]) -> [f64; n, m] =
        [sum(a[i, l] * b[l, j] for l in 0..k) for i in 0..n, j in 0..m];
";

fn main() -> pk::Result<()> {
    let program = Program::compile(&Context::cpu(), TEXT)?;
    let matmul = program.kernel("matmul")?;

    let a = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    let b = array![[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]];
    let c: Array2<f64> = matmul.call((&a, &b))?;
    println!("{c}");

    // Views of any layout go in; those that are not row-major cost a copy.
    let transposed: Array2<f64> = matmul.call((b.t(), a.slice(s![..2, ..])))?;
    println!("{transposed}");
    Ok(())
}
