//! A kernel in a file of its own, and two ways to call it: with slices, and with buffers on a queue.

use pk::{Buffer, Context, Program};

fn main() -> pk::Result<()> {
    let context = Context::cpu();
    // The file becomes part of the binary; `Program::from_file` would read it at run time.
    let program = Program::compile(&context, include_str!("dot.pk"))?;
    let dot = program.kernel("dot")?;
    println!("{dot:?}");

    let x: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
    let y = vec![2.0f32; 1000];
    let sum: f32 = dot.call((&x, &y))?;
    println!("with slices: {sum}");

    // Buffers stay where the device can read them, so that many launches share one copy.
    let (x, y) = (context.buffer_from(&x)?, context.buffer_from(&y)?);
    let queue = context.default_queue();
    let (sum, event) = dot.launch(&queue).arg(&x).arg(&y).run_with_results::<Buffer<f32>>()?;
    event.wait()?;
    println!("with buffers: {}", sum.value()?);
    Ok(())
}
