//! Matrices: arguments with a shape, and kernels that work on rows.

use pk::{Context, Output, Outputs, Program, Value};

fn main() -> pk::Result<()> {
    let context = Context::cpu();
    let program = Program::compile(&context, include_str!("softmax.pk"))?;

    // Row-major elements and a shape. The feature `ndarray` takes and gives arrays of that crate instead.
    let scores = [1.0f32, 2.0, 3.0, 1000.0, 1000.0, 0.0];
    let matrix = || Value::array(&scores, &[2, 3]);

    let outputs: Outputs = program.kernel("softmax")?.call(matrix()?)?;
    for output in outputs {
        print_rows(output)?;
    }
    let classes: Vec<i64> = program.kernel("classify")?.call(matrix()?)?;
    println!("classes: {classes:?}");
    Ok(())
}

fn print_rows(output: Output) -> pk::Result<()> {
    let columns = output.shape()[1];
    for row in output.into_vec::<f32>()?.chunks(columns) {
        let numbers: Vec<String> = row.iter().map(|value| format!("{value:.4}")).collect();
        println!("{}", numbers.join("  "));
    }
    Ok(())
}
