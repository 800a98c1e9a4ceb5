//! Files, names and streams that mean harm, or are merely odd: each gives one short message and an exit code.

use super::folder::Folder;
use insta::assert_snapshot;
use std::process::{Command, Output, Stdio};

/// `pkc` under the limits of `ulimit`, by a shell.
#[cfg(target_os = "linux")]
fn within(folder: &Folder, limits: &str, args: &str) -> Output {
    let script = format!("ulimit {limits}; exec \"$0\" {args}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_pkc")]).current_dir(folder.path("."));
    command.stdin(Stdio::null()).output().expect("there is a shell")
}

#[test]
fn nothing_that_a_terminal_obeys_is_repeated() {
    let folder = Folder::new();
    folder.write("a\x1b[31m.csv", b"\x1b[32mprice\n1\n");
    folder.write("a\x1b[31m.npy", b"\x93NUMPY\x01\x00");
    folder.write("a\x1b[31m.pk", b"kernel \x1b[33mf(x: f32) -> f32 = y;");
    for args in [
        &["check", "none\x1b[31m.pk"][..],
        &["check", "a\x1b[31m.pk"],
        &["run", "a\x1b[31m.pk"],
        &["emit", "none\x1b[31m.pk", "--stage", "tokens"],
        &["emit", "a\x1b[31m.pk", "--stage", "tokens"],
        &["emit", "dot.pk", "\x1b[31m", "--stage", "ir"],
        &["run", "dot.pk", "--arg", "\x1b[31m"],
        &["run", "dot.pk", "--arg", "\x1b[31m=1"],
        &["run", "dot.pk", "--arg", "x=\x1b[31m", "--arg", "y=[1]"],
        &["run", "dot.pk", "--arg", "x=[\x1b[31m]", "--arg", "y=[1]"],
        &["run", "dot.pk", "--arg", "x=a\x1b[31m.npy", "--arg", "y=[1]"],
        &["run", "dot.pk", "--arg", "x=a\x1b[31m.csv:p", "--arg", "y=[1]"],
        &["run", "two.pk", "double", "--arg", "x=[1]", "--out", "no\x1b[31m/y.npy"],
        &["run", "two.pk", "range", "--arg", "x=[[1]]", "--out", "\x1b[31m"],
        &["\x1b[31m"],
        &["check", "dot.pk", "--\x1b[31m"],
    ] {
        let text = folder.pkc(args);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{args:?}: {text}");
    }
}

#[test]
fn long_texts_are_not_repeated() {
    let folder = Folder::new();
    let long = "(".repeat(100_000);
    for args in [
        &["run", "dot.pk", "--arg", &long][..],
        &["run", "dot.pk", "--arg", &format!("x={long}"), "--arg", "y=[1]"],
        &["run", "dot.pk", "--arg", &format!("x=[1]{long}"), "--arg", "y=[1]"],
        &["run", "dot.pk", "--arg", &format!("x=[{long}]"), "--arg", "y=[1]"],
        &["run", "dot.pk", &long],
    ] {
        let text = folder.pkc(args);
        assert!(text.len() < 500, "{} bytes: {}", text.len(), &text[..400]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn endless_files_are_given_up() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    for name in ["zero.npy", "zero.csv", "zero.pk"] {
        symlink("/dev/zero", folder.path(name)).expect("a link");
    }
    // 1 GB of addresses and ten seconds of work: whoever reads on fails the test, not the machine.
    for (args, message) in [
        ("run dot.pk --arg x=zero.npy --arg y=[1]", "not a `.npy` file"),
        ("run dot.pk --arg x=zero.csv:0 --arg y=[1]", "a record of more than 1048576 bytes"),
        ("emit zero.pk --stage tokens", "longer than the limit of 1048576 bytes"),
    ] {
        let output = within(&folder, "-v 1000000 -t 10", args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(message), "{args}: {errors}");
        assert_eq!(output.status.code(), Some(1), "{args}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn named_pipes_are_files_like_others() {
    let folder = Folder::new();
    folder.write_npy("x.npy", "<f8", "(2,)", &[1f64.to_le_bytes(), 2f64.to_le_bytes()].concat());
    let script = "mkfifo in.npy out.npy && (cat x.npy > in.npy & cat out.npy > y.npy &
        \"$0\" run two.pk double --arg x=in.npy --out out.npy; wait) && \"$0\" run two.pk double --arg x=y.npy";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_pkc")]).current_dir(folder.path("."));
    let output = command.output().expect("there is a shell");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[4.0, 8.0]\n");
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_system_refuses_is_an_error() {
    let folder = Folder::new();
    let text = |output: Output| {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        format!("{errors}--- exit code {:?}", output.status.code())
    };
    folder.write("zeros.pk", b"kernel zeros(n: i64) -> [f64; n] = fill(n, 0.0);");
    assert_snapshot!(text(within(&folder, "-v 1000000", "run zeros.pk --arg n=1000000000")), @"
    error: no memory for an array of 8000000000 bytes
    --- exit code Some(1)
    ");
    let write = "run two.pk double --arg x=[1] --out";
    assert_snapshot!(text(within(&folder, "-t 10", &format!("{write} /proc/y.npy"))), @"
    error: /proc/y.npy: No such file or directory (os error 2)
    --- exit code Some(1)
    ");
    assert_snapshot!(text(within(&folder, "-t 10", "run two.pk double --arg x=[1] > /dev/full")), @"
    error: No space left on device (os error 28)
    --- exit code Some(1)
    ");
    assert_snapshot!(text(within(&folder, "-t 10", &format!("{write} ''"))), @"
    error: `--out` needs the name of a file

    For more information, try '--help'.
    --- exit code Some(2)
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn links_to_nowhere_are_written_through() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    for (target, link) in [("new.npy", "a.npy"), ("none/y.npy", "b.npy"), ("c.npy", "c.npy")] {
        symlink(target, folder.path(link)).expect("a link");
    }
    let run = |out: &str| folder.pkc(&["run", "two.pk", "double", "--arg", "x=[1.5]", "--out", out]);
    assert_eq!(run("a.npy"), "");
    assert!(folder.path("a.npy").is_symlink() && folder.read("new.npy").starts_with(b"\x93NUMPY"));
    assert_snapshot!([run("b.npy"), run("c.npy")].concat(), @"
    --- stderr
    error: b.npy: No such file or directory (os error 2)
    --- exit code 1
    --- stderr
    error: c.npy: Too many levels of symbolic links (os error 40)
    --- exit code 1
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn paths_need_not_be_text() {
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

    let folder = Folder::new();
    let name = OsStr::from_bytes(b"k\xff.pk");
    fs::copy(folder.path("dot.pk"), folder.path(".").join(name)).expect("any bytes are a name");
    let run = |args: &[&OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pkc"));
        command.args(args).current_dir(folder.path(".")).output().expect("it runs").status.code()
    };
    assert_eq!(run(&["check".as_ref(), name]), Some(0));
    assert_eq!(run(&["check".as_ref(), OsStr::from_bytes(b"none\xff.pk")]), Some(1));
    // Arguments name their parameter too, and are texts.
    assert_eq!(run(&["run".as_ref(), name, "--arg".as_ref(), OsStr::from_bytes(b"x=\xff.npy")]), Some(2));
}
