//! Commands that look at programs: `check`, `emit`, `doc`, and the command line itself.

use super::folder::Folder;
use insta::assert_snapshot;

#[test]
fn a_good_program_passes_in_silence() {
    assert_eq!(Folder::new().pkc(&["check", "dot.pk"]), "");
    assert_eq!(Folder::new().pkc(&["check", "dot.pk", "--json"]), "[]\n");
}

#[test]
fn all_mistakes_are_told() {
    assert_snapshot!(Folder::new().pkc(&["check", "bad.pk"]), @"
    --- stderr
    error[E0101]: no function is named `sqart`
      ┌─ bad.pk:1:27
      │
    1 │ kernel f(x: f32) -> f32 = sqart(x) + y;
      │                           ^^^^^
      │
      = help: did you mean `sqrt`?

    error[E0101]: nothing is named `y`
      ┌─ bad.pk:1:38
      │
    1 │ kernel f(x: f32) -> f32 = sqart(x) + y;
      │                                      ^

    --- exit code 1
    ");
    assert_snapshot!(Folder::new().pkc(&["check", "bad.pk", "--json"]), @r#"
    [{"code":"E0101","severity":"error","message":"no function is named `sqart`","span":{"start":26,"end":31,"line":1,"column":27},"label":"","labels":[],"help":"did you mean `sqrt`?"},{"code":"E0101","severity":"error","message":"nothing is named `y`","span":{"start":37,"end":38,"line":1,"column":38},"label":"","labels":[],"help":null}]
    --- exit code 1
    "#);
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let folder = Folder::new();
    folder.write("latin.pk", b"// caf\xe9\n");
    folder.write("empty.pk", b"");
    assert_snapshot!(folder.pkc(&["check", "none.pk"]), @"
    --- stderr
    error: cannot read `none.pk`: No such file or directory (os error 2)
    --- exit code 1
    ");
    assert_snapshot!(folder.pkc(&["check", "."]), @"
    --- stderr
    error: cannot read `.`: Is a directory (os error 21)
    --- exit code 1
    ");
    assert_snapshot!(folder.pkc(&["check", "latin.pk"]), @"
    --- stderr
    error: cannot read `latin.pk`: no UTF-8 at byte 6
    --- exit code 1
    ");
    assert_snapshot!(folder.pkc(&["check", "empty.pk"]), @"
    --- stderr
    error[E0006]: the text declares nothing
      ┌─ empty.pk:1:1
      │
    1 │
      │ ^

    --- exit code 1
    ");
}

#[test]
fn a_mistake_in_the_command_line_is_code_2() {
    let folder = Folder::new();
    assert_snapshot!(folder.pkc(&["chekc"]), @"
    --- stderr
    error: unrecognized subcommand 'chekc'

      tip: a similar subcommand exists: 'check'

    Usage: pkc <COMMAND>

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(folder.pkc(&["emit", "dot.pk"]), @"
    --- stderr
    error: the following required arguments were not provided:
      --stage <STAGE>

    Usage: pkc emit --stage <STAGE> <FILE> [KERNEL]

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(folder.pkc(&["emit", "dot.pk", "dto", "--stage", "ir"]), @"
    --- stderr
    error: no kernel `dto`; there is `dot`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(folder.pkc(&["emit", "two.pk", "--stage", "ir"]), @"
    --- stderr
    error: which kernel? There is `double`, `range`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(folder.pkc(&["run", "dot.pk", "--threads", "0"]), @"
    --- stderr
    error: invalid value '0' for '--threads <N>': number would be zero for non-zero type

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn the_version_tells_that_of_the_arithmetic() {
    let version = Folder::new().pkc(&["--version"]);
    assert!(version.starts_with("pkc ") && version.ends_with(" (numerics = 1)\n"), "{version}");
}

#[test]
fn a_text_with_mistakes_still_has_tokens() {
    let folder = Folder::new();
    folder.write("broken.pk", b"kernel (");
    assert_snapshot!(folder.pkc(&["emit", "broken.pk", "--stage", "tokens"]), @"
    0..6      kernel
    7..8      (
    ");
    assert_snapshot!(folder.pkc(&["emit", "dot.pk", "--stage", "ast"]), @r#"
    kernel dot 21..78
      doc "The dot product."
      param x: [f32; n] 32..43
      param y: [f32; n] 45..56
      result f32 61..64
      call sum 67..77
        binary * 71..76
          name x 71..72
          name y 75..76
    "#);
}

#[test]
fn every_stage_has_a_text() {
    let folder = Folder::new();
    for (stage, part) in [
        ("hir", "kernel dot"),
        ("ir", "reduce"),
        ("ir-opt", "reduce"),
        ("plan", "run step0"),
        ("clif", "function"),
        ("asm", "ret"),
    ] {
        let emit = || folder.pkc(&["emit", "dot.pk", "--stage", stage, "--isa", "baseline"]);
        let text = emit();
        assert!(text.contains(part), "{stage}: {text}");
        assert_eq!(text, emit(), "{stage} is always the same");
    }
}

#[test]
fn doc_is_markdown() {
    assert_snapshot!(Folder::new().pkc(&["doc", "two.pk"]), @"
    # Kernels of `two.pk`

    ## `double`

    ```pk
    kernel double(x: [f64; n]) -> [f64; n]
    ```

    ## `range`

    ```pk
    kernel range(x: [i64; n, m]) -> (low: [i64; m], all: (i64, bool))
    ```

    The range of the values.
    ");
}

#[test]
fn the_interpreter_is_always_a_device() {
    let devices = Folder::new().pkc(&["devices"]);
    assert!(devices.starts_with("cpu ") && devices.contains("\ninterp "), "{devices}");
}

#[test]
fn the_environment_says_how_many_threads_to_use() {
    let folder = Folder::new();
    for (value, shown) in [("1", "1 thread)"), ("5", "5 threads)"), ("1000000000", "1024 threads)")] {
        let devices = folder.pkc_where(("PK_THREADS", value), &["devices"]);
        assert!(devices.lines().next().is_some_and(|first| first.ends_with(shown)), "{devices}");
    }
    let run = ["run", "two.pk", "double", "--arg", "x=[1.5, 2]"];
    assert_eq!(folder.pkc_where(("PK_THREADS", "3"), &run), "[3.0, 4.0]\n");
    for value in ["0", "-1", "abc", "1e9", ""] {
        for command in [&["devices"][..], &run] {
            let found = folder.pkc_where(("PK_THREADS", value), command);
            let wanted = format!("must be a whole number from 1, not `{value}`\n--- exit code 1\n");
            assert!(found.ends_with(&wanted), "{found}");
        }
    }
    assert_snapshot!(folder.pkc_where(("PK_THREADS", "many"), &["devices"]), @"
    --- stderr
    error: the environment variable `PK_THREADS` must be a whole number from 1, not `many`
    --- exit code 1
    ");
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "fish", "zsh"] {
        let script = Folder::new().pkc(&["completions", shell]);
        assert!(script.contains("ir-opt"), "{shell}");
    }
}
