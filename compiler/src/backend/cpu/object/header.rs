//! The header: exported functions as C sees them.

use super::{
    MOST_STACK_BYTES,
    interface::{self, Param, Role},
    status::Status,
};
use pk_dsl::{
    scalar::Scalar,
    signature::{Signature, SizeSource},
    size::Size,
};
use std::fmt::{self, Write};

/// An exported function.
#[derive(Clone, Copy, Debug)]
pub struct HeaderFunction<'a> {
    /// What C calls it.
    pub symbol: &'a str,
    /// The signature of its kernel.
    pub signature: &'a Signature,
    /// The same as text.
    pub text: &'a str,
}

/// The header of `functions`, which need a CPU that `cpu` describes; `guard` keeps it from being read twice.
pub fn header(functions: &[HeaderFunction<'_>], cpu: &str, guard: &str) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = write_header(&mut text, functions, cpu, guard);
    text
}

fn write_header(out: &mut String, functions: &[HeaderFunction<'_>], cpu: &str, guard: &str) -> fmt::Result {
    writeln!(out, "/* Made by pkc. For {cpu}.")?;
    out.push_str(PREFACE);
    writeln!(out, " *\n * A call takes at most {} KiB of the stack. */\n", MOST_STACK_BYTES >> 10)?;
    writeln!(out, "#ifndef {guard}\n#define {guard}\n\n#include <stdbool.h>\n#include <stdint.h>\n")?;
    out.push_str("#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n#ifndef PK_FAULT\n#define PK_FAULT\n\n");
    out.push_str("/* What a function returns. */\nenum pk_status {\n");
    for status in Status::ALL {
        writeln!(out, "    {} = {}, /* {} */", status.name(), status as i32, status.meaning())?;
    }
    out.push_str("};\n\n");
    out.push_str(FAULT);
    out.push_str("\n#endif\n");
    for function in functions {
        write_function(out, function)?;
    }
    out.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    Ok(())
}

const PREFACE: &str = " *
 * Arrays are dense and row-major. A result must not overlap an argument or another result. A pointer to an array
 * without elements may be null, and so may `fault`; no other pointer. Unless PK_OK is returned, the contents of
 * results are unspecified.
 *
 * Functions may be called from any number of threads at once. They use the caller's thread, and `calloc` and `free`
 * where they need memory. The floating-point environment must be the default one: round to nearest, subnormal
 * numbers kept (-ffast-math may change that for a whole process), no exceptions unmasked.
";

const FAULT: &str = "/* Why a function did not return PK_OK. */
typedef struct pk_fault {
    const char *message; /* never freed */
    int64_t element;     /* the flat index of the element being computed; -1 in a reduction, -2 outside of arrays */
    int64_t index;       /* the bad index, or the first of two sizes, else 0 */
    int64_t length;      /* the length that it missed, or the second of two sizes, else 0 */
} pk_fault;
";

fn write_function(out: &mut String, function: &HeaderFunction<'_>) -> fmt::Result {
    let HeaderFunction { symbol, signature, text } = *function;
    out.push_str("\n/*\n");
    let doc = signature.doc.trim();
    let doc = doc.lines().chain((!doc.is_empty()).then_some(""));
    for line in doc.chain([text]) {
        writeln!(out, "{}", format!(" * {}", comment(line)).trim_end())?;
    }
    let params = interface::params(signature);
    let arrays = params.iter().filter_map(|param| Some((&param.name, shape(signature, param, &params)?)));
    let arrays: Vec<String> = arrays.map(|(name, shape)| format!(" * {name}: {shape}\n")).collect();
    if !arrays.is_empty() {
        write!(out, " *\n{}", arrays.concat())?;
    }
    let declared: Vec<String> = params.iter().map(|param| declaration(signature, param)).collect();
    let comma = if declared.is_empty() { "" } else { ", " };
    writeln!(out, " */\nint {symbol}({}{comma}pk_fault *fault);", declared.join(", "))
}

/// A line that a comment may hold, as nothing in it ends the comment.
fn comment(line: &str) -> String {
    let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
    line.replace("*/", "* /").replace("/*", "/ *")
}

/// The shape of an array.
fn shape(signature: &Signature, param: &Param, params: &[Param]) -> Option<String> {
    let dims: Vec<&Size> = match param.role {
        Role::Size(_) => return None,
        Role::Argument(number) => signature.params[number].dims.iter().map(|dim| &dim.size).collect(),
        Role::Result(number) => signature.results[number].dims.iter().flatten().collect(),
    };
    let name = |number: usize| {
        let role = match signature.sizes[number].bound_by {
            SizeSource::Axis { .. } => Role::Size(number),
            SizeSource::Scalar { param } => Role::Argument(param),
        };
        params.iter().find(|param| param.role == role).map_or("?", |param| param.name.as_str())
    };
    let text = |size: &&Size| {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = size.write(&mut text, |var| name(var.0 as usize));
        text
    };
    let dims: Vec<String> = dims.iter().map(text).collect();
    (!dims.is_empty()).then(|| format!("[{}]", dims.join("][")))
}

fn declaration(signature: &Signature, param: &Param) -> String {
    let name = &param.name;
    match param.role {
        Role::Size(_) => format!("int64_t {name}"),
        Role::Argument(number) => {
            let param = &signature.params[number];
            match param.dims.is_empty() {
                true => format!("{} {name}", c_type(param.scalar)),
                false => format!("const {} *{name}", c_type(param.scalar)),
            }
        }
        Role::Result(number) => format!("{} *{name}", c_type(signature.results[number].scalar)),
    }
}

fn c_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::I8 => "int8_t",
        Scalar::I16 => "int16_t",
        Scalar::I32 => "int32_t",
        Scalar::I64 => "int64_t",
        Scalar::U8 => "uint8_t",
        Scalar::U16 => "uint16_t",
        Scalar::U32 => "uint32_t",
        Scalar::U64 => "uint64_t",
        Scalar::F32 => "float",
        Scalar::F64 => "double",
    }
}
