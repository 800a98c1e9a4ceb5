//! `build`: C and Rust programs call the functions, and get the bits that `run` gives.

use super::folder::{Folder, npy};
use insta::assert_snapshot;
use std::{env, ffi::OsString, process::Command};

/// Kernels of every kind of sink and result.
const KERNELS: &str = "
/// The dot product.
kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
kernel softmax(x: [f32; n]) -> [f32; n] { let e = exp(x - max(x)); e / sum(e) }
kernel prefix(x: [f32; n]) -> (sums: [f32; n], last: (f32, i64)) {
    let s = scan(x, 0.0, |a, b| a + b);
    (sums: s, last: (s[n - 1], n))
}
kernel matmul(a: [f32; n, k], b: [f32; k, m]) -> [f32; n, m] =
    [sum(a[i, l] * b[l, j] for l in 0..k) for i in 0..n, j in 0..m];
kernel mean_of_large(x: [f32; n], least: f32) -> f32 = sum(filter(x, |v| v > least));
kernel same(x: [f32; n], flags: [bool; n]) -> (a: [bool; n], b: [bool; n], c: [f32; 3], d: i8) =
    (a: flags, b: flags, c: [x[0], x[1], x[2]], d: -3);
";

/// What the tests pass: 5000 numbers that no sum represents.
fn numbers() -> Vec<u8> {
    (0..5000u32)
        .flat_map(|i| ((i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1.7e7 - 0.3).to_le_bytes())
        .collect()
}

/// The C compiler, which whoever builds for another architecture has named.
fn c_compiler() -> OsString {
    env::var_os("CC").unwrap_or_else(|| "cc".into())
}

/// A folder with the library of `text` and its inputs; `None`, with a message, if there is no C compiler.
fn built(text: &str, options: &[&str]) -> Option<Folder> {
    let compiler = c_compiler();
    if Command::new(&compiler).arg("--version").output().is_err() {
        eprintln!("skipped: there is no C compiler `{}`", compiler.display());
        return None;
    }
    let folder = Folder::new();
    folder.write("k.pk", text.as_bytes());
    assert_eq!(folder.pkc(&[&["build", "k.pk"], options].concat()), "./k.o\n./libk.a\n./k.h\n");
    folder.write("x.bin", &numbers());
    folder.write("x.npy", &npy("<f4", "(5000,)", &numbers()));
    Some(folder)
}

/// What `program` prints when it is linked to the library in `folder`.
fn run_c(folder: &Folder, program: &str, options: &[&str]) -> String {
    folder.write("main.c", program.as_bytes());
    let mut command = Command::new(c_compiler());
    command.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main", "-Wl,--fatal-warnings"]);
    run_linked(folder, command.args(options).args(["-L.", "-lk", "-lm"]))
}

fn run_linked(folder: &Folder, linker: &mut Command) -> String {
    let linked = linker.current_dir(folder.path("")).output().expect("it was found before");
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    let ran = Command::new(folder.path("main")).current_dir(folder.path("")).output().expect("it is linked");
    assert!(ran.status.success(), "{:?}\n{}", ran.status, String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Calls each kernel and stores its results; counts what it allocates and frees.
const PROGRAM: &str = r#"
#include "k.h"
#include <stdio.h>
#include <stdlib.h>

static float x[5000];
static long blocks;

void *__real_calloc(size_t, size_t);
void __real_free(void *);
void *__wrap_calloc(size_t n, size_t size) { blocks++; return __real_calloc(n, size); }
void __wrap_free(void *block) { if (block) blocks--; __real_free(block); }

static void check(int status) { if (status != PK_OK) exit(10 + status); }

static void store(const char *name, const void *data, size_t bytes) {
    FILE *file = fopen(name, "wb");
    if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file)) exit(2);
}

int main(void) {
    FILE *file = fopen("x.bin", "rb");
    if (!file || fread(x, sizeof x, 1, file) != 1) return 1;
    static float sums[5000], product[2500];
    static bool flags[5000], a[5000], b[5000];
    float number, c[3];
    int64_t count;
    int8_t d;
    check(k_dot(5000, x, x, &number, NULL));
    store("dot.out", &number, sizeof number);
    check(k_softmax(5000, x, sums, NULL));
    store("softmax.out", sums, sizeof sums);
    check(k_prefix(5000, x, sums, &number, &count, NULL));
    store("sums.out", sums, sizeof sums);
    store("last.0.out", &number, sizeof number);
    check(k_matmul(50, 100, 50, x, x, product, NULL));
    store("matmul.out", product, sizeof product);
    check(k_mean_of_large(5000, x, 0.25f, &number, NULL));
    store("mean_of_large.out", &number, sizeof number);
    for (int i = 0; i < 5000; i++) *(unsigned char *)&flags[i] = i % 5;
    check(k_same(5000, x, flags, a, b, c, &d, NULL));
    int wrong = count != 5000 || d != -3 || c[0] != x[0] || c[2] != x[2];
    for (int i = 0; i < 5000; i++) wrong += *(unsigned char *)&a[i] != (i % 5 != 0) || a[i] != b[i];
    printf("%d wrong, %ld blocks left\n", wrong, blocks);
    return 0;
}
"#;

const COUNTING: [&str; 2] = ["-Wl,--wrap=calloc", "-Wl,--wrap=free"];

fn has_the_bits_of_run(folder: &Folder) {
    folder.write("m.npy", &npy("<f4", "(50, 100)", &numbers()));
    folder.write("w.npy", &npy("<f4", "(100, 50)", &numbers()));
    for (kernel, args, outs) in [
        ("dot", &["x=x.npy", "y=x.npy"][..], &["dot"][..]),
        ("softmax", &["x=x.npy"], &["softmax"]),
        ("prefix", &["x=x.npy"], &["sums", "last.0"]),
        ("matmul", &["a=m.npy", "b=w.npy"], &["matmul"]),
        ("mean_of_large", &["x=x.npy", "least=0.25"], &["mean_of_large"]),
    ] {
        let args: Vec<String> = args.iter().map(|arg| format!("--arg={arg}")).collect();
        let outs = outs.iter().map(|out| match *out == kernel {
            true => format!("--out={out}.npy"),
            false => format!("--out={out}={out}.npy"),
        });
        let args: Vec<String> = args.into_iter().chain(outs).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(folder.pkc(&[&["run", "k.pk", kernel], &args[..]].concat()), "");
    }
    for name in ["dot", "softmax", "sums", "last.0", "matmul", "mean_of_large"] {
        let (got, wanted) = (folder.read(&format!("{name}.out")), folder.read(&format!("{name}.npy")));
        assert!(wanted.ends_with(&got) && wanted.len() < got.len() + 200, "{name}");
    }
}

#[test]
fn c_gets_the_bits_of_run_on_any_cpu() {
    for cpu in ["native", "x86-64-v3", "x86-64-v2", "baseline"] {
        let is_x86 = cfg!(target_arch = "x86_64");
        if !is_x86 && cpu.starts_with("x86") {
            continue;
        }
        let Some(folder) = built(KERNELS, &["--cpu", cpu]) else { return };
        assert_eq!(run_c(&folder, PROGRAM, &COUNTING), "0 wrong, 0 blocks left\n", "{cpu}");
        has_the_bits_of_run(&folder);
    }
}

#[test]
fn the_program_of_the_readme_works() {
    let readme = include_str!("../../../README.md");
    let program =
        readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a C program");
    let Some(folder) =
        built("kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);", &["--prefix", "dot_"])
    else {
        return;
    };
    folder.write("dot.h", &folder.read("k.h"));
    assert_eq!(run_c(&folder, program, &[]), "32\n");
}

#[test]
fn rust_gets_the_bits_of_run() {
    let Some(folder) = built("kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);", &[]) else {
        return;
    };
    let program = "
        #[link(name = \"k\", kind = \"static\")]
        unsafe extern \"C\" {
            fn k_dot(n: i64, x: *const f32, y: *const f32, result: *mut f32, fault: *mut u8) -> i32;
        }
        fn main() {
            let bytes = std::fs::read(\"x.bin\").unwrap();
            let x: Vec<f32> = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            let mut result = 0.0;
            let pointer = x.as_ptr();
            let status = unsafe { k_dot(5000, pointer, pointer, &mut result, std::ptr::null_mut()) };
            println!(\"{status} {result}\");
        }";
    folder.write("main.rs", program.as_bytes());
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "main.rs", "-o", "main", "-L."]);
    rustc.arg("-C").arg(["linker=".into(), c_compiler()].into_iter().collect::<OsString>());
    if let Some(target) = env::var_os("CARGO_BUILD_TARGET") {
        rustc.arg("--target").arg(target);
    }
    let got = run_linked(&folder, &mut rustc);
    let wanted = folder.pkc(&["run", "k.pk", "--arg=x=x.npy", "--arg=y=x.npy"]);
    assert_eq!(got, format!("0 {wanted}"));
}

#[test]
fn faults_are_told_with_their_place() {
    let text = "kernel at(x: [f32; n], i: [i64; m]) -> [f32; m] = [x[i[j]] for j in 0..m];
kernel divide(a: i32, b: i32) -> i32 = a / b;
kernel largest(x: [f32; n]) -> f32 = reduce(x, |a, b| max(a, b));
kernel inner(x: [f32; n]) -> [f32; n - 2] = x[1..n - 1];
kernel sums(x: [f32; n], y: [f32; m]) -> [f32; n] = x + y;
kernel range(n: i64, m: i64) -> [i64; n, m] = [i + j for i in 0..n, j in 0..m];
kernel odd(x: [f32; n], y: [f32; n - 1]) -> f32 = sum(x) + sum(y);
kernel needy(x: [f32; n]) -> [f32; n] { let s = sum(x); x / s }
";
    let program = r#"
#include "k.h"
#include <stdio.h>
#include <stdlib.h>

static int is_poor;
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t n, size_t size) { return is_poor ? NULL : __real_calloc(n, size); }

int main(void) {
    float x[4] = {1, 2, 3, 4}, r[4];
    int64_t i[3] = {0, 9, -1}, grid[4];
    int32_t q = 0;
    pk_fault f = {"no fault", 0, 0, 0};
#define SHOW(CALL) do { f.message = "no fault"; int status = CALL; \
        printf("%d %s; %d %d %d\n", status, f.message, (int)f.element, (int)f.index, (int)f.length); } while (0)
    SHOW(k_at(4, 3, x, i, r, &f));
    SHOW(k_divide(7, 0, &q, &f));
    SHOW(k_largest(0, NULL, r, &f));
    SHOW(k_inner(1, x, r, &f));
    SHOW(k_sums(4, 3, x, x, r, &f));
    SHOW(k_sums(-1, 3, x, x, r, &f));
    SHOW(k_sums(((int64_t)1 << 48) + 1, 3, x, x, r, &f));
    SHOW(k_range((int64_t)1 << 40, (int64_t)1 << 40, grid, &f));
    SHOW(k_range(2, -2, grid, &f));
    SHOW(k_odd(0, x, x, r, &f));
    is_poor = 1;
    SHOW(k_needy(4, x, r, &f));
    SHOW(k_divide(7, 2, &q, NULL));
    return q == 3 && k_divide(7, 0, &q, NULL) == PK_DIVISION_BY_ZERO ? 0 : 1;
}
"#;
    let Some(folder) = built(text, &[]) else { return };
    assert_snapshot!(run_c(&folder, program, &["-Wl,--wrap=calloc"]), @"
    1 k.pk:1:54: an index is outside of `x`; 1 9 4
    2 k.pk:2:40: division by zero; -2 0 0
    3 k.pk:3:38: reduction of an empty array; -2 0 0
    5 k.pk:4:30: the size `n - 2` is negative; -2 -1 0
    4 k.pk:5:53: `n` is not `m`; -2 4 3
    5 `n` is negative; -2 -1 0
    6 `n` is too large; -2 1 0
    6 an array would be larger than memory can be; -2 0 0
    5 `m` is negative; -2 -2 0
    5 `n - 1` is negative; -2 -1 0
    7 out of memory; -2 0 0
    0 no fault; -2 0 0
    ");
}

#[test]
fn a_header_says_what_a_caller_must_know() {
    let folder = Folder::new();
    folder.write("all.pk", b"/// Ends */ nothing.\nkernel f(int: i8, on: bool, x: [u16; n, 3], y: [f64; 2 * n], k: i64) -> (a: [f32; n, k], b: (bool, u64)) =\n    (a: [f32(y[0]) for i in 0..n, j in 0..k], b: (on, u64(int)));\nkernel one() -> i64 = 1;\n");
    assert_snapshot!(folder.pkc(&["build", "all.pk", "--prefix", "my_", "-o", "new/folder", "--cpu", "baseline"]), @"
    new/folder/all.o
    new/folder/liball.a
    new/folder/all.h
    ");
    let header = String::from_utf8(folder.read("new/folder/all.h")).expect("text");
    let from = header.find("typedef").expect("a type");
    assert_snapshot!(&header[from..], @"
    typedef struct pk_fault {
        const char *message; /* never freed */
        int64_t element;     /* the flat index of the element being computed; -1 in a reduction, -2 outside of arrays */
        int64_t index;       /* the bad index, or the first of two sizes, else 0 */
        int64_t length;      /* the length that it missed, or the second of two sizes, else 0 */
    } pk_fault;

    #endif

    /*
     * Ends * / nothing.
     *
     * kernel f(int: i8, on: bool, x: [u16; n, 3], y: [f64; 2 * n], k: i64) -> (a: [f32; n, k], b: (bool, u64))
     *
     * x: [n][3]
     * y: [2 * n]
     * result_a: [n][k]
     */
    int my_f(int64_t n, int8_t int_, bool on, const uint16_t *x, const double *y, int64_t k, float *result_a, bool *result_b_0, uint64_t *result_b_1, pk_fault *fault);

    /*
     * kernel one() -> i64
     */
    int my_one(int64_t *result, pk_fault *fault);

    #ifdef __cplusplus
    }
    #endif

    #endif
    ");
}

#[test]
fn what_cannot_be_built_is_said() {
    let folder = Folder::new();
    folder.write(
        "f.pk",
        b"kernel some(x: [f32; n]) -> [f32] = filter(x, |v| v > 0.0);\nkernel free(x: f32) -> f32 = x;\n",
    );
    assert_snapshot!(folder.pkc(&["build", "f.pk"]), @"
    --- stderr
    error: kernel `some` cannot be in an object file: the length of a result is known only when the kernel has run; name the kernels to build, without this one
    --- exit code 1
    ");
    assert!(!folder.path("f.o").exists());
    assert_snapshot!(folder.pkc(&["build", "f.pk", "free", "--prefix", ""]), @"
    --- stderr
    error: no function of C can be called `free`; choose another prefix

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(folder.pkc(&["build", "f.pk", "other"]), @"
    --- stderr
    error: no kernel `other`; there is `some`, `free`

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(folder.pkc(&["build", "f.pk", "free", "free"]), @"
    ./f.o
    ./libf.a
    ./f.h
    ");
    // The same program gives the same bytes.
    let before = folder.read("libf.a");
    folder.pkc(&["build", "f.pk", "free"]);
    assert!(folder.read("libf.a") == before);
}
