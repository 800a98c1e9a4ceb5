//! Every stage of a kernel is a text, the same on every run: a snapshot test shows in a review what a change of the
//! kernel, or of pk, does to the code.
//!
//! `cargo test --example 09-snapshot-your-kernel` runs the test.

use pk::{Context, Program, Stage};

const TEXT: &str = "kernel spread(x: [f32; n]) -> f32 = max(x) - min(x);";

fn optimised() -> pk::Result<String> {
    Program::compile(&Context::cpu(), TEXT)?.emit("spread", Stage::IrOpt)
}

fn main() -> pk::Result<()> {
    print!("{}", optimised()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_reductions_are_one_pass() {
        let text = super::optimised().expect("the kernel is right");
        assert_eq!(text.matches("nest").count(), 1);
        insta::assert_snapshot!(text, @r"
        kernel spread(v0: i64, v1: [f32; v0]) {
            v2: f32 = const -inf
            v3: f32 = const inf
            v4: f32, v5: f32 = nest v0
                body(v6: i64) {
                    v7: f32 = index v1[v6]
                    give v7, v7
                }
                reduce(interleaved) v2 by(v8: f32, v9: f32) {
                    v10: f32 = max v8, v9
                    give v10
                }
                reduce(interleaved) v3 by(v11: f32, v12: f32) {
                    v13: f32 = min v11, v12
                    give v13
                }
            v14: f32 = sub v4, v5
            give v14
        }
        ");
    }
}
