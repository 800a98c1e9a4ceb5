//! Two arrays from one pass, and a function of the text that lifts over arrays.

use pk::{Context, Program};

fn main() -> pk::Result<()> {
    let program = Program::compile(&Context::cpu(), include_str!("black_scholes.pk"))?;
    let kernel = program.kernel("black_scholes")?;

    let strikes: Vec<f64> = (0..5).map(|step| 80.0 + 10.0 * f64::from(step)).collect();
    let spots = vec![100.0f64; strikes.len()];
    let years = vec![0.5f64; strikes.len()];
    let (calls, puts): (Vec<f64>, Vec<f64>) = kernel.call((&spots, &strikes, &years, 0.03f64, 0.2f64))?;

    println!("strike     call      put");
    for ((strike, call), put) in strikes.iter().zip(&calls).zip(&puts) {
        println!("{strike:6.1} {call:8.4} {put:8.4}");
    }
    // Buying a call and selling a put is worth the spot less the discounted strike, whatever the volatility.
    let gap = |i: usize| calls[i] - puts[i] - (spots[i] - strikes[i] * (-0.03f64 * years[i]).exp());
    println!("parity holds: {}", (0..strikes.len()).all(|i| gap(i).abs() < 1e-10));
    Ok(())
}
