//! A folder with files, in which `pkc` runs.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The programs of these tests.
const PROGRAMS: [(&str, &str); 4] = [
    ("dot.pk", "/// The dot product.\nkernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);\n"),
    (
        "two.pk",
        "kernel double(x: [f64; n]) -> [f64; n] = 2.0 * x;\n\
         /// The range of the values.\n\
         kernel range(x: [i64; n, m]) -> (low: [i64; m], all: (i64, bool)) =\n    \
         (low: min(x), all: (sum(flatten(x)), n > m));\n",
    ),
    (
        "scalars.pk",
        "kernel mix(a: i8, b: bool, c: f32, n: i64) -> [f32; n] =\n    [if b { c } else { f32(a) } for i in 0..n];\n",
    ),
    ("bad.pk", "kernel f(x: f32) -> f32 = sqart(x) + y;\n"),
];

/// A temporary folder.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with the programs.
    pub(crate) fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        PROGRAMS.into_iter().for_each(|(name, text)| folder.write(name, text.as_bytes()));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: &[u8]) {
        fs::write(self.path(name), contents).expect("a writable folder");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file")
    }

    /// Writes a `.npy` file of version 1 with elements of `descr`, as NumPy spells types.
    pub(crate) fn write_npy(&self, name: &str, descr: &str, shape: &str, data: &[u8]) {
        self.write(name, &npy(descr, shape, data));
    }

    /// What `pkc` with these arguments does.
    pub(crate) fn pkc(&self, args: &[&str]) -> String {
        self.pkc_with(args, &[])
    }

    /// What `pkc` with these arguments and this standard input does.
    pub(crate) fn pkc_with(&self, args: &[&str], input: &[u8]) -> String {
        self.run(Command::new(env!("CARGO_BIN_EXE_pkc")).args(args), input)
    }

    /// What `pkc` with these arguments and this variable of the environment does.
    pub(crate) fn pkc_where(&self, (name, value): (&str, &str), args: &[&str]) -> String {
        self.run(Command::new(env!("CARGO_BIN_EXE_pkc")).env(name, value).args(args), &[])
    }

    fn run(&self, command: &mut Command, input: &[u8]) -> String {
        command.current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is built");
        let mut stdin = child.stdin.take().expect("it is piped");
        // The program may end without reading all of it.
        let _ = stdin.write_all(input);
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        if !errors.is_empty() {
            let _ = write!(text, "--- stderr\n{errors}");
        }
        match output.status.code() {
            Some(0) => text,
            Some(code) => format!("{text}--- exit code {code}\n"),
            None => format!("{text}--- killed\n"),
        }
    }
}

/// A `.npy` file of version 1.
pub(crate) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}
