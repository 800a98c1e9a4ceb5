//! `run`: where results go, and what they look like.

use super::folder::Folder;
use insta::assert_snapshot;
use std::process::{Command, Stdio};

#[test]
fn fields_are_printed_with_their_names() {
    assert_snapshot!(Folder::new().pkc(&["run", "two.pk", "range", "--arg", "x=[[1, 5], [3, 2], [9, 9]]"]), @"
    low: [1, 2]
    all.0: 29
    all.1: true
    ");
}

#[test]
fn long_arrays_are_shortened() {
    let folder = Folder::new();
    folder.write("long.pk", b"kernel long(n: i64, m: i64) -> (a: [i64; n], b: [f64; n, m]) =\n    (a: iota(n), b: [f64(i) / f64(j + 1) for i in 0..n, j in 0..m]);\n");
    assert_snapshot!(folder.pkc(&["run", "long.pk", "--arg", "n=30", "--arg", "m=3"]), @"
    a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
        21, 22, 23, 24, 25, 26, 27, 28, 29]
    b: [[0.0, 0.0, 0.0],
        [1.0, 0.5, 0.3333333333333333],
        [2.0, 1.0, 0.6666666666666666],
        [3.0, 1.5, 1.0],
        [4.0, 2.0, 1.3333333333333333],
        [5.0, 2.5, 1.6666666666666667],
        [6.0, 3.0, 2.0],
        [7.0, 3.5, 2.3333333333333335],
        [8.0, 4.0, 2.6666666666666665],
        [9.0, 4.5, 3.0],
        [10.0, 5.0, 3.3333333333333335],
        [11.0, 5.5, 3.6666666666666665],
        [12.0, 6.0, 4.0],
        [13.0, 6.5, 4.333333333333333],
        [14.0, 7.0, 4.666666666666667],
        [15.0, 7.5, 5.0],
        [16.0, 8.0, 5.333333333333333],
        [17.0, 8.5, 5.666666666666667],
        [18.0, 9.0, 6.0],
        [19.0, 9.5, 6.333333333333333],
        [20.0, 10.0, 6.666666666666667],
        [21.0, 10.5, 7.0],
        [22.0, 11.0, 7.333333333333333],
        [23.0, 11.5, 7.666666666666667],
        [24.0, 12.0, 8.0],
        [25.0, 12.5, 8.333333333333334],
        [26.0, 13.0, 8.666666666666666],
        [27.0, 13.5, 9.0],
        [28.0, 14.0, 9.333333333333334],
        [29.0, 14.5, 9.666666666666666]]
    ");
    assert_snapshot!(folder.pkc(&["run", "long.pk", "--arg", "n=2000", "--arg", "m=4"]), @"
    a: [0, 1, 2, …, 1997, 1998, 1999]
    b: [[0.0, 0.0, 0.0, 0.0],
        [1.0, 0.5, 0.3333333333333333, 0.25],
        [2.0, 1.0, 0.6666666666666666, 0.5],
        …,
        [1997.0, 998.5, 665.6666666666666, 499.25],
        [1998.0, 999.0, 666.0, 499.5],
        [1999.0, 999.5, 666.3333333333334, 499.75]]
    ");
    assert_snapshot!(folder.pkc(&["run", "long.pk", "--arg", "n=0", "--arg", "m=2"]), @"
    a: []
    b: []
    ");
}

#[test]
fn results_go_into_files() {
    let folder = Folder::new();
    let args = [
        "run",
        "two.pk",
        "range",
        "--arg",
        "x=[[1, 5], [3, 2]]",
        "--out",
        "low=low.npy",
        "--out",
        "all.1=b.npy",
    ];
    assert_eq!(folder.pkc(&args), "");
    let low = folder.read("low.npy");
    assert!(low.starts_with(b"\x93NUMPY\x01\x00"));
    assert!(low.ends_with(&[1i64.to_le_bytes(), 2i64.to_le_bytes()].concat()));
    assert_eq!(low.len() % 64, 16);
    assert_eq!(folder.read("b.npy").last(), Some(&0));
    assert_eq!(folder.pkc(&["run", "two.pk", "double", "--arg", "x=[1.5]", "--out", "y.npy"]), "");
    assert!(folder.read("y.npy").ends_with(&3f64.to_le_bytes()));
}

#[test]
fn a_file_may_be_argument_and_result() {
    let folder = Folder::new();
    folder.write_npy("x.npy", "<f8", "(1,)", &1f64.to_le_bytes());
    for _ in 0..3 {
        assert_eq!(folder.pkc(&["run", "two.pk", "double", "--arg", "x=x.npy", "--out", "x.npy"]), "");
    }
    assert_eq!(folder.pkc(&["run", "two.pk", "double", "--arg", "x=x.npy"]), "[16.0]\n");
}

#[test]
fn targets_that_cannot_be_are_told() {
    let folder = Folder::new();
    let run = |out: &[&str]| folder.pkc(&[&["run", "two.pk", "range", "--arg", "x=[[1]]"][..], out].concat());
    assert_snapshot!(run(&["--out", "y.npy"]), @"
    --- stderr
    error: `--out y.npy` names no result of kernel `range`: write `FIELD=FILE` with one of `low`, `all.0`, `all.1`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--out", "low=y.npy", "--out", "all.0=y.npy"]), @"
    --- stderr
    error: two results with the same `--out`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["--out", "low=none/y.npy"]), @"
    --- stderr
    error: none/y.npy: No such file or directory (os error 2)
    --- exit code 1
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn devices_and_links_are_written_through() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let folder = Folder::new();
    symlink("/dev/full", folder.path("full.npy")).expect("a link");
    symlink(folder.path("y.npy"), folder.path("link.npy")).expect("a link");
    folder.write("y.npy", b"old");
    let run = |out: &str| folder.pkc(&["run", "two.pk", "double", "--arg", "x=[1.5]", "--out", out]);
    assert_snapshot!(run("full.npy"), @"
    --- stderr
    error: full.npy: No space left on device (os error 28)
    --- exit code 1
    ");
    assert!(std::fs::metadata("/dev/full").expect("it is still there").file_type().is_char_device());
    assert_eq!(run("link.npy"), "");
    assert!(folder.read("y.npy").ends_with(&3f64.to_le_bytes()));
}

#[test]
fn a_result_may_go_through_a_pipe() {
    let folder = Folder::new();
    let mut first = Command::new(env!("CARGO_BIN_EXE_pkc"));
    first.args(["run", "two.pk", "double", "--arg", "x=[1, 2]", "--out", "-"]).current_dir(folder.path("."));
    let piped = first.output().expect("it runs").stdout;
    assert_eq!(folder.pkc_with(&["run", "two.pk", "double", "--arg", "x=-"], &piped), "[4.0, 8.0]\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pkc"));
    command.args(["completions", "bash"]).current_dir(folder.path("."));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn().expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
}
