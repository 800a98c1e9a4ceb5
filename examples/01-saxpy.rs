//! The first kernel: a text goes in, host slices go in, a vector comes out.

use pk::{Context, Program};

const TEXT: &str = "
    /// y ← a·x + y
    kernel saxpy(a: f32, x: [f32; n], y: [f32; n]) -> [f32; n] = a * x + y;
";

fn main() -> pk::Result<()> {
    // A context is a device in use; this one is the CPU, for machine code.
    let context = Context::cpu();
    // Compiling checks everything that the text alone can decide.
    let program = Program::compile(&context, TEXT)?;
    let saxpy = program.kernel("saxpy")?;

    let x = [1.0f32, 2.0, 3.0];
    let y = [10.0f32, 20.0, 30.0];
    // Number, types and shapes of the arguments are checked before anything runs.
    let z: Vec<f32> = saxpy.call((2.0f32, &x, &y))?;
    println!("{z:?}");
    Ok(())
}
