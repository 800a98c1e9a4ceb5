//! A reduction of one's own, over records: mean and variance in one pass.

use pk::{Context, Outputs, Program};

fn main() -> pk::Result<()> {
    let context = Context::cpu();
    let program = Program::compile(&context, include_str!("mean_var.pk"))?;
    let kernel = program.kernel("mean_var")?;

    // Far from zero, where the textbook formula loses every digit.
    let x: Vec<f64> = (0..10_000).map(|i| 1e9 + f64::from(i % 10)).collect();

    // Several results are a tuple …
    let (mean, var): (f64, f64) = kernel.call(&x)?;
    println!("mean {mean}, variance {var}");

    // … or are asked for by name, where the types are known only at run time.
    let outputs: Outputs = kernel.call(&x)?;
    for output in outputs.iter() {
        println!("{}: {} of shape {:?}", output.name(), output.scalar(), output.shape());
    }
    Ok(())
}
