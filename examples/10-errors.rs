//! What goes wrong, and what it looks like: in the text, in the arguments, in the data.

use pk::{Context, Error, ErrorKind, Program};

fn main() -> pk::Result<()> {
    let context = Context::cpu();

    // `{}` is a line for logs, `{:#}` shows the place in the text.
    let text = "kernel f(x: [f32; n]) -> f32 = sum(sqr(x)) / n;\nkernel g(i: i64) -> f32 = 0.5 * i;";
    show(Program::compile(&context, text).err());

    let text = "kernel shift(x: [f32; n], by: i64) -> [f32; n] = [x[i + by] for i in 0..n];
kernel add(x: [f32; n], y: [f32; n]) -> [f32; n] = x + y;";
    let program = Program::compile(&context, text)?;

    let add = program.kernel("add")?;
    show(add.call::<Vec<f32>>((&[1.0f32, 2.0, 3.0], &[1.0f32])).err());

    // An access outside an array is never made: the launch fails and says where.
    let shift = program.kernel("shift")?;
    let error = shift.call::<Vec<f32>>((&[1.0f32, 2.0, 3.0], 1i64)).err();
    if let Some(fault) = error.as_ref().and_then(Error::fault) {
        println!("element {:?} read index {} of {}", fault.element, fault.index, fault.length);
    }
    show(error);
    Ok(())
}

fn show(error: Option<Error>) {
    let Some(error) = error else { return };
    // Kinds are for programs, the text is for people.
    match error.kind() {
        ErrorKind::Compile => println!("the text is wrong, {} times:", error.diagnostics().len()),
        kind => println!("{kind:?}:"),
    }
    println!("{error:#}");
}
