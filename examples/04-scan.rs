//! Prefix folds, and arrays whose length only the run can tell.

use pk::{Context, Program};

const TEXT: &str = "
    /// The balance after each movement; integers of 32 bits are widened first.
    kernel balance(movements: [i32; n]) -> [i64; n] = i64(movements).scan(0, +);

    /// The highest value so far.
    kernel record(x: [f64; n]) -> [f64; n] = x.scan(max);

    /// Where the movements are withdrawals.
    kernel withdrawals(movements: [i32; n]) -> [i64] = [i for i in 0..n if movements[i] < 0];
";

fn main() -> pk::Result<()> {
    let program = Program::compile(&Context::cpu(), TEXT)?;
    let movements = [100, -30, 45, -80, 10, -5];

    let balance: Vec<i64> = program.kernel("balance")?.call(&movements)?;
    println!("balance: {balance:?}");

    let as_float: Vec<f64> = balance.iter().map(|value| *value as f64).collect();
    let record: Vec<f64> = program.kernel("record")?.call(&as_float)?;
    println!("record: {record:?}");

    let withdrawals: Vec<i64> = program.kernel("withdrawals")?.call(&movements)?;
    println!("withdrawals at: {withdrawals:?}");
    Ok(())
}
