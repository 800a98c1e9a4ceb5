//! A stencil, iterated: two buffers take turns as argument and result, and no memory is allocated on the way.

use pk::{Context, Program};

const SIDE: usize = 8;
const STEPS: usize = 20;

fn main() -> pk::Result<()> {
    let context = Context::cpu();
    let program = Program::compile(&context, include_str!("jacobi.pk"))?;
    let jacobi = program.kernel("jacobi")?;
    let queue = context.queue();

    let mut plate = vec![0.0f32; SIDE * SIDE];
    plate[..SIDE].fill(100.0);
    let mut from = context.buffer_from_shape(&plate, &[SIDE, SIDE])?;
    let mut to = context.zeros::<f32>(&[SIDE, SIDE])?;
    for _ in 0..STEPS {
        // Launches on one queue run in order, so that nobody has to wait in between.
        jacobi.launch(&queue).arg(&from).into(&mut to).run()?;
        std::mem::swap(&mut from, &mut to);
    }

    // Reading waits for the launch that writes.
    for row in from.to_vec()?.chunks(SIDE) {
        let cells: Vec<String> = row.iter().map(|cell| format!("{cell:5.2}")).collect();
        println!("{}", cells.join(" "));
    }
    Ok(())
}
