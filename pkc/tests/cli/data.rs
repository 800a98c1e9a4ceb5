//! `run`: where arguments come from, and what is wrong with them.

use super::folder::{Folder, npy};
use insta::assert_snapshot;

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn values_may_stand_in_the_command_line() {
    let folder = Folder::new();
    assert_eq!(folder.pkc(&["run", "dot.pk", "--arg", "x=[1, 2, 3]", "--arg", "y=[4, 5, 6]"]), "32.0\n");
    let scalars = ["--arg", "a=-128", "--arg", "b=false", "--arg", "c=1e-3", "--arg", "n=3"];
    assert_eq!(folder.pkc(&[&["run", "scalars.pk"][..], &scalars].concat()), "[-128.0, -128.0, -128.0]\n");
}

#[test]
fn both_back_ends_run() {
    for backend in ["interp", "cpu"] {
        let args = ["--backend", backend, "--threads", "2", "--arg", "x=[1.5, 2]"];
        assert_eq!(Folder::new().pkc(&[&["run", "two.pk", "double"][..], &args].concat()), "[3.0, 4.0]\n");
    }
}

#[test]
fn arrays_come_from_files_columns_and_pipes() {
    let folder = Folder::new();
    folder.write_npy("x.npy", "<f4", "(3,)", &floats(&[1.0, 2.0, 3.0]));
    folder.write("t.csv", b"day, price \n1, 0.5\n2,\"1.5\"\n3,2.5\n");
    assert_eq!(folder.pkc(&["run", "dot.pk", "--arg", "x=x.npy", "--arg", "y=t.csv:price"]), "11.0\n");
    assert_eq!(folder.pkc(&["run", "dot.pk", "--arg", "x=x.npy", "--arg", "y=t.csv:0"]), "14.0\n");
    let piped = npy("<f4", "(3,)", &floats(&[1.0, 10.0, 100.0]));
    assert_eq!(folder.pkc_with(&["run", "dot.pk", "--arg", "x=x.npy", "--arg", "y=-"], &piped), "321.0\n");
    folder.write_npy("n.npy", "<i8", "()", &2i64.to_le_bytes());
    let scalars = ["--arg", "a=1", "--arg", "b=true", "--arg", "c=inf", "--arg", "n=n.npy"];
    assert_eq!(folder.pkc(&[&["run", "scalars.pk"][..], &scalars].concat()), "[inf, inf]\n");
}

#[test]
fn arguments_must_be_those_of_the_kernel() {
    let folder = Folder::new();
    let run = |args: &[&str]| folder.pkc(&[&["run", "dot.pk"][..], args].concat());
    assert_snapshot!(run(&["--arg", "x=[1]"]), @"
    --- stderr
    error: no argument for `y`: give `--arg y=…`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--arg", "x=[1]", "--arg", "z=[1]"]), @"
    --- stderr
    error: kernel `dot` has no parameter `z`; it has `x`, `y`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--arg", "x=[1]", "--arg", "x=[2]", "--arg", "y=[1]"]), @"
    --- stderr
    error: two arguments for `x`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--arg", "x"]), @"
    --- stderr
    error: `--arg x` has no `=`: write `NAME=SOURCE`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--arg", "x=-", "--arg", "y=-"]), @"
    --- stderr
    error: standard input can be read only once

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--arg", "x=1", "--arg", "y=[1]"]), @"
    --- stderr
    error: `1` is no array: give a `.npy` file, a column `FILE.csv:COLUMN`, `-` or `[…]`

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn data_must_fit_the_kernel() {
    let folder = Folder::new();
    folder.write_npy("x.npy", "<f8", "(1,)", &1f64.to_le_bytes());
    folder.write("t.csv", b"price\n0.5\nmuch\n");
    let run = |x: &str, y: &str| folder.pkc(&["run", "dot.pk", "--arg", x, "--arg", y]);
    assert_snapshot!(run("x=[1, 2, 3]", "y=[1, 2]"), @"
    --- stderr
    error[E0501]: axis 0 of argument `y` has length 2, not 3
      ┌─ dot.pk:2:34
      │
    2 │ kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
      │                     -            ^ `y` is a `[f32; 2]`, but `n` is 3
      │                     │
      │                     `n` is 3 because `x` is a `[f32; 3]`

    --- exit code 1
    ");
    assert_snapshot!(run("x=x.npy", "y=[1]"), @"
    --- stderr
    error[E0201]: argument `x` must be `[f32; n]`, `[f64; 1]` given
      ┌─ dot.pk:2:12
      │
    2 │ kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
      │            ^ declared here

    --- exit code 1
    ");
    assert_snapshot!(run("x=[1, two]", "y=[1]"), @"
    --- stderr
    error: argument `x`: `two` is no `f32`
    --- exit code 1
    ");
    assert_snapshot!(run("x=t.csv:price", "y=[1]"), @"
    --- stderr
    error: argument `x`: t.csv, line 3, column `price`: `much` is no `f32`
    --- exit code 1
    ");
    assert_snapshot!(run("x=t.csv:cost", "y=[1]"), @"
    --- stderr
    error: argument `x`: t.csv has no column `cost`; it has `price`
    --- exit code 1
    ");
}

#[test]
fn bad_files_are_told_with_the_offset() {
    let folder = Folder::new();
    folder.write_npy("long.npy", "<f4", "(2,)", &floats(&[1.0, 2.0, 3.0]));
    folder.write_npy("objects.npy", "|O", "(1,)", b"\x80\x04.");
    folder.write("other.npy", b"GIF89a");
    let run = |x: &str| folder.pkc(&["run", "dot.pk", "--arg", x, "--arg", "y=[1]"]);
    assert_snapshot!(run("x=long.npy"), @"
    --- stderr
    error: argument `x`: long.npy: the file goes on after its data (at byte 76)
    --- exit code 1
    ");
    assert_snapshot!(run("x=objects.npy"), @"
    --- stderr
    error: argument `x`: objects.npy: arrays of Python objects are refused: reading one would run code from the file (at byte 20)
    --- exit code 1
    ");
    assert_snapshot!(run("x=other.npy"), @r"
    --- stderr
    error: argument `x`: other.npy: not a `.npy` file: it does not start with `\x93NUMPY` (at byte 0)
    --- exit code 1
    ");
    assert_snapshot!(run("x=none.npy"), @"
    --- stderr
    error: argument `x`: none.npy: cannot read: No such file or directory (os error 2)
    --- exit code 1
    ");
    assert_snapshot!(run("x=-"), @"
    --- stderr
    error: argument `x`: standard input: the file ends within the magic string of a `.npy` file (at byte 0)
    --- exit code 1
    ");
}

#[test]
fn a_fault_is_shown_in_the_source() {
    let folder = Folder::new();
    folder.write("next.pk", b"kernel next(x: [i32; n]) -> [i32; n] = [x[i + 1] / x[i] for i in 0..n];\n");
    assert_snapshot!(folder.pkc(&["run", "next.pk", "--arg", "x=[1, 2, 3]"]), @"
    --- stderr
    error[E0503]: index 3 is outside of `x`, which has length 3
      ┌─ next.pk:1:43
      │
    1 │ kernel next(x: [i32; n]) -> [i32; n] = [x[i + 1] / x[i] for i in 0..n];
      │                                           ^^^^^ in element 2
      │
      = help: `x.get(i, default)` and the edge views accept any index

    --- exit code 1
    ");
    assert_snapshot!(folder.pkc(&["run", "next.pk", "--arg", "x=[0, 2]"]), @"
    --- stderr
    error[E0503]: index 2 is outside of `x`, which has length 2
      ┌─ next.pk:1:43
      │
    1 │ kernel next(x: [i32; n]) -> [i32; n] = [x[i + 1] / x[i] for i in 0..n];
      │                                           ^^^^^ in element 1
      │
      = help: `x.get(i, default)` and the edge views accept any index

    --- exit code 1
    ");
}
