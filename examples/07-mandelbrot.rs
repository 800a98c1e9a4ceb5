//! A loop with an early end in every element: the Mandelbrot set, drawn with characters.

use pk::{Context, Program};

const SHADES: &[u8] = b" .:-=+*#%@";
const LIMIT: i32 = 100;

fn main() -> pk::Result<()> {
    let program = Program::compile(&Context::cpu(), include_str!("mandelbrot.pk"))?;
    let (width, height) = (60i64, 20i64);

    // The shape of the result follows from scalars: `[i32; height, width]`.
    let steps: Vec<i32> = program.kernel("mandelbrot")?.call((width, height, LIMIT))?;

    for row in steps.chunks(width as usize) {
        let line: String = row.iter().map(|steps| shade(*steps)).collect();
        println!("{}", line.trim_end());
    }
    Ok(())
}

/// The darker, the longer a point stays; points that never leave are darkest.
fn shade(steps: i32) -> char {
    let level = f64::from(steps).ln() / f64::from(LIMIT).ln() * (SHADES.len() - 1) as f64;
    char::from(SHADES[(level as usize).min(SHADES.len() - 1)])
}
