//! Launches run behind the host's back: queues keep them in order, events wait for them, measure and end them.

use pk::{CancelToken, Context, ErrorKind, LaunchOptions, Program};
use std::time::Duration;

const TEXT: &str = "
    kernel smooth(x: [f64; n]) -> [f64; n] {
        let c = clamp_edges(x);
        [(c[i - 1] + c[i] + c[i + 1]) / 3.0 for i in 0..n]
    }
    kernel spin(x: [f64; n], rounds: i64) -> [f64; n] =
        x.map(|v| loop v = v for _ in 0..rounds { v * 0.5 + 1.0 });
";

fn main() -> pk::Result<()> {
    let context = Context::cpu();
    let program = Program::compile(&context, TEXT)?;
    let (smooth, spin) = (program.kernel("smooth")?, program.kernel("spin")?);
    let queue = context.queue();

    // A buffer may be argument and result of one launch: it changes its contents once they are computed.
    let mut x = context.buffer_from(&[0.0f64, 0.0, 9.0, 0.0, 0.0])?;
    let first = smooth.launch(&queue).arg(&x.clone()).into(&mut x).run()?;
    let second = smooth.launch(&queue).arg(&x.clone()).into(&mut x).run()?;
    second.wait()?;
    // In order: whoever waited for the second need not wait for the first.
    println!("{:?}, first done: {}", x.to_vec()?, first.is_complete());
    println!("time was measured: {}", second.elapsed().is_some());

    // Every kernel ends, but some end late. A time limit ends one launch, a token ends all that have it.
    let many = context.zeros::<f64>(&[1_000_000])?;
    let limit = LaunchOptions::new().time_limit(Duration::from_millis(20));
    let mut y = context.zeros::<f64>(&[1_000_000])?;
    let event = spin.launch(&queue).arg(&many).arg(1i64 << 40).into(&mut y).options(&limit).run()?;
    println!("{:?}", event.wait().map_err(|error| error.kind()));

    let token = CancelToken::new();
    let options = LaunchOptions::new().cancel_token(&token);
    let event = spin.launch(&queue).arg(&many).arg(1i64 << 40).into(&mut y).options(&options).run()?;
    token.cancel();
    println!("cancelled: {}", event.wait().is_err_and(|error| error.kind() == ErrorKind::Cancelled));
    Ok(())
}
