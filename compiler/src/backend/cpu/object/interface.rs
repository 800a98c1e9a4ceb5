//! The parameters of an exported function, which its code and the header must agree on.
//!
//! First come the sizes that arrays have, then the arguments, then a pointer for each result, then one for the fault.

use pk_dsl::signature::{Signature, SizeSource};
use std::collections::HashSet;

/// A parameter of the C function; the fault comes after all of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) role: Role,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The size of the signature with this number, an `int64_t`.
    Size(usize),
    /// The parameter with this number: a scalar, or the address of an array.
    Argument(usize),
    /// Where the result with this number goes.
    Result(usize),
}

/// The parameters for `signature`, with names that C allows.
pub(super) fn params(signature: &Signature) -> Vec<Param> {
    let sizes = signature.sizes.iter().enumerate();
    let sizes = sizes.filter(|(_, size)| matches!(size.bound_by, SizeSource::Axis { .. }));
    let sizes = sizes.map(|(number, size)| (size.name.clone(), Role::Size(number)));
    let args = signature.params.iter().enumerate();
    let args = args.map(|(number, param)| (param.name.clone(), Role::Argument(number)));
    let results = signature.results.iter().enumerate();
    let results = results.map(|(number, result)| (result_name(&result.name), Role::Result(number)));
    let mut taken: HashSet<String> = HashSet::from(["fault".to_string()]);
    let all = sizes.chain(args).chain(results);
    all.map(|(wanted, role)| Param { name: free_name(wanted, &mut taken), role }).collect()
}

fn result_name(field: &str) -> String {
    match field {
        "" => "result".to_string(),
        field => format!("result_{}", field.replace('.', "_")),
    }
}

/// The first of `wanted`, `wanted_`, … that is free.
fn free_name(wanted: String, taken: &mut HashSet<String>) -> String {
    let mut name = wanted;
    while is_reserved(&name) || taken.contains(&name) {
        name.push('_');
    }
    taken.insert(name.clone());
    name
}

/// Whether an exported function may have this name.
pub fn is_c_name(name: &str) -> bool {
    let mut letters = name.chars();
    let is_first = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    is_first && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') && !is_reserved(name)
}

/// Whether C, C++ or the header has another use for this name.
fn is_reserved(name: &str) -> bool {
    name.starts_with("PK_") || RESERVED.contains(&name)
}

/// Keywords of C and C++, names of the header, and functions that the code or every program has.
const RESERVED: [&str; 120] = [
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "calloc",
    "case",
    "catch",
    "ceil",
    "ceilf",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "floor",
    "floorf",
    "fma",
    "fmaf",
    "for",
    "free",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "int16_t",
    "int32_t",
    "int64_t",
    "int8_t",
    "long",
    "main",
    "malloc",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "pk_fault",
    "pk_status",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "restrict",
    "return",
    "rint",
    "rintf",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "trunc",
    "truncf",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uint8_t",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
    "linux",
    "unix",
];
