//! `bench`: what it prints, and where its arguments come from. How long anything takes is not tested.

use super::folder::Folder;
use insta::assert_snapshot;

/// As few runs as possible.
const QUICK: [&str; 4] = ["--time", "0", "--runs", "2"];

fn bench(folder: &Folder, args: &[&str]) -> String {
    masked(&folder.pkc(&[&["bench"], args, &QUICK].concat()))
}

/// `text` with `#` for what differs from run to run: numbers with a fraction, percentages and prefixes of units.
fn masked(text: &str) -> String {
    let word = |word: &str| {
        let is_number = word.parse::<f64>().is_ok();
        let unit = ["FLOP/s", "OP/s", "B/s", "s"].iter().find(|unit| {
            let prefix = word.strip_suffix(**unit);
            prefix.is_some_and(|prefix| ["", "G", "M", "k", "m", "µ", "n"].contains(&prefix))
        });
        match unit {
            _ if is_number => "#".to_string(),
            Some(unit) => unit.to_string(),
            None => word.to_string(),
        }
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<String>>().join(" ");
    text.lines().map(line).collect::<Vec<String>>().join("\n")
}

#[test]
fn a_kernel_is_held_against_the_machine() {
    let shown = bench(&Folder::new(), &["dot.pk", "--size", "n=1000"]);
    let (head, rest) = shown.split_once('\n').expect("several lines");
    assert!(head.starts_with("`dot` on ") && head.ends_with(", # elements"), "{head}");
    assert_snapshot!(rest, @"
    compile # s from the text to code
    cold # s from the text to the first result
    warm # s median of # runs, # s for each element
    # s fastest run; the rates below are its

    resource each run each element rate limit here reached
    memory # kB # B # B/s # B/s # %
    f32 # kFLOP # FLOP # FLOP/s # FLOP/s # %

    The limit is memory; # % of it is reached.
    ");
}

#[test]
fn the_interpreter_can_be_measured_too() {
    let folder = Folder::new();
    let shown =
        bench(&folder, &["two.pk", "double", "--size", "n=3", "--backend", "interp", "--threads", "1"]);
    assert!(shown.starts_with("`double` on interp: reference interpreter, # thread, # elements"), "{shown}");
}

#[test]
fn nothing_is_held_against_nothing() {
    let shown = bench(&Folder::new(), &["two.pk", "double", "--size", "n=0"]);
    assert!(shown.ends_with("# s fastest run; the rates below are its"), "{shown}");
}

#[test]
fn counts_that_depend_on_data_are_marked() {
    let folder = Folder::new();
    folder.write(
        "root.pk",
        b"kernel root(x: [f64; n]) -> [f64; n] =\n    x.map(|v| loop r = 1.0 for _ in 0..60 while abs(r * r - v) > 1e-12 * v { 0.5 * (r + v / r) });\n",
    );
    let shown = bench(&folder, &["root.pk", "--size", "n=100"]);
    assert!(shown.contains("f64 ~"), "{shown}");
    assert!(
        shown.ends_with("The data decide how many operations (~) there are: shown is the most."),
        "{shown}"
    );
}

#[test]
fn programs_get_json() {
    let folder = Folder::new();
    let args = ["bench", "dot.pk", "--size", "n=1000", "--json"];
    let shown = folder.pkc(&[&args[..], &QUICK].concat());
    let keys: Vec<&str> = shown.split('"').skip(1).step_by(2).collect();
    let (binding, keys) = keys.split_last().expect("it is not empty");
    assert_eq!(keys[..3], ["kernel", "dot", "device"]);
    assert_snapshot!(keys[4..].join(" "), @"threads compile cold median min runs elements operations f32 operations_are_exact roofline resource memory amount rate limit reached resource f32 amount rate limit reached binding");
    // Which of them it is depends on the machine.
    assert!(["memory", "f32"].contains(binding), "{binding}");
    assert!(
        shown.contains(r#""elements":1000,"operations":{"f32":2000},"operations_are_exact":true"#),
        "{shown}"
    );
    assert!(shown.contains(r#"{"resource":"memory","amount":8004,"#), "{shown}");
}

#[test]
fn what_is_not_given_fits_what_is() {
    let folder = Folder::new();
    for args in [
        &["dot.pk", "--arg", "x=[1, 2, 3]"][..],
        &["dot.pk", "--arg", "y=random:3"],
        &["dot.pk", "--arg", "y=random:3:-1..1", "--arg", "x=random:0..5", "--seed", "7"],
        &["two.pk", "range", "--arg", "x=random:3x1"],
        &["scalars.pk", "--size", "n=3"],
        &["scalars.pk", "--arg", "n=3", "--arg", "c=random:0..1"],
    ] {
        let shown = bench(&folder, args);
        assert!(shown.contains("elements\n\ncompile # s"), "{args:?}\n{shown}");
    }
    let json = folder.pkc(&[&["bench", "dot.pk", "--arg", "y=random:3", "--json"], &QUICK[..]].concat());
    assert!(json.contains(r#""elements":3,"#), "{json}");
}

#[test]
fn arguments_that_cannot_be_made_are_told() {
    let folder = Folder::new();
    let run = |args: &[&str]| folder.pkc(&[&["bench"], args].concat());
    assert_snapshot!(run(&["dot.pk"]), @"
    --- stderr
    error: no argument for `x`: give `--arg x=…`, or `--size n=…` for random numbers

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["scalars.pk"]), @"
    --- stderr
    error: no argument for `n`: give `--arg n=…`, or `--size n=…` for random numbers

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--size", "m=3"]), @"
    --- stderr
    error: no size `m` in `kernel dot(x: [f32; n], y: [f32; n]) -> f32`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--size", "n"]), @"
    --- stderr
    error: `--size n` has no `=`: write `NAME=LENGTH`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--size", "n=-1"]), @"
    --- stderr
    error: `--size n=-1` is no length

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--size", "n=1", "--size", "n=2"]), @"
    --- stderr
    error: two lengths for size `n`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--arg", "x=random:2x2"]), @"
    --- stderr
    error: argument `x` must be `[f32; n]`, 2 lengths given

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--arg", "x=random:many"]), @"
    --- stderr
    error: `many` is no length: write `random`, `random:1000`, `random:20x30` or `random:1000:-1..1`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(run(&["dot.pk", "--arg", "x=random:2", "--arg", "y=random:3"]), @"
    --- stderr
    error[E0501]: axis 0 of argument `y` has length 3, not 2
      ┌─ dot.pk:2:34
      │
    2 │ kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
      │                     -            ^ `y` is a `[f32; 3]`, but `n` is 2
      │                     │
      │                     `n` is 2 because `x` is a `[f32; 2]`

    --- exit code 1
    ");
    assert_snapshot!(run(&["dot.pk", "--size", "n=1", "--time", "nan"]), @"
    --- stderr
    error: invalid value 'nan' for '--time <SECONDS>': expected seconds, as `0.5`

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn the_workloads_of_our_own_benchmarks_are_good_programs() {
    let entries = std::fs::read_dir("../benches/throughput")
        .expect("a folder")
        .map(|entry| entry.expect("a file").path());
    let programs: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "pk")).collect();
    assert!(programs.len() > 4);
    for program in programs {
        let path = program.canonicalize().expect("it is there");
        assert_eq!(Folder::new().pkc(&["check", &path.to_string_lossy()]), "");
    }
}
