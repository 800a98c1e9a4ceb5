//! Formulas that users of a product type in: whatever they type, the host keeps running.

use pk::{Context, Error, LaunchOptions, Limits, Options, Program};
use std::time::Duration;

const FORMULAS: [&str; 5] = [
    "price * (1.0 - discount)",
    "price * (1.0 - discont)",
    "sum(price) / f64(n)",
    "price[n]",
    "((((((((((((((((((((((((((((((((((((((((price))))))))))))))))))))))))))))))))))))))))",
];

fn main() {
    let context = Context::cpu();
    let price = [10.0, 20.0, 30.0];
    let discount = [0.0, 0.5, 0.1];
    for formula in FORMULAS {
        println!("{formula}");
        match evaluate(&context, formula, &price, &discount) {
            Ok(result) => println!("  {result:?}"),
            Err(error) => println!("  {error}"),
        }
    }
}

/// The value of a formula for each article.
fn evaluate(context: &Context, formula: &str, price: &[f64], discount: &[f64]) -> Result<Vec<f64>, Error> {
    // A formula is pasted into a kernel. Breaking out of its place gains nothing: the language cannot do harm.
    let text = format!(
        "kernel formula(price: [f64; n], discount: [f64; n]) -> [f64; n] = broadcast({formula}, [n]);"
    );
    let limits = Limits { source_bytes: 4096, tokens: 500, nesting: 32, ..Limits::default() };
    let options = Options::new().name("formula").limits(limits);
    let program = Program::compile_with(context, &text, &options)?;
    let launch = LaunchOptions::new().time_limit(Duration::from_secs(1));
    program.kernel("formula")?.call_with(&launch, (price, discount))
}
