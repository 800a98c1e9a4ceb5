//! The codes of all diagnostics, each with the line that the reference prints.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $summary:literal;)*) => {
        /// The kind of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $summary] $name,)*
        }

        impl Code {
            /// Every code, in order of number.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// Its number: `E0203` has 203.
            pub fn number(self) -> u16 {
                match self {
                    $(Code::$name => $number,)*
                }
            }

            /// What it means, in a line.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Code::$name => $summary,)*
                }
            }
        }
    };
}

codes! {
    // 00xx: the text itself.
    Character = 1, "a character that the language does not use";
    Literal = 2, "a number that cannot be read or does not fit its type";
    Unterminated = 3, "a comment that does not end";
    Syntax = 4, "the text does not follow the grammar";
    Chained = 5, "comparisons in a chain";
    Empty = 6, "no kernel in the text";
    Limit = 9, "a limit on the size of texts is passed";
    // 01xx: names.
    UnknownName = 101, "a name that nothing declares";
    Duplicate = 102, "a name declared twice";
    Recursion = 103, "a function or constant that needs itself";
    NotCallable = 104, "a value used as a function, or a function as a value";
    Unsupported = 105, "a part of the language that is not there yet";
    // 02xx: types.
    Mismatch = 201, "a value of another type than its place asks for";
    MixedOperands = 202, "operands of different types; there are no implicit conversions";
    WrongOperand = 203, "a type for which the operation has no meaning";
    ArgumentCount = 204, "too many or too few arguments";
    ArgumentName = 205, "a named argument that the function does not have";
    UnknownField = 206, "a field that the record does not have";
    Pattern = 207, "a pattern that does not fit its value";
    Closure = 208, "a closure where none may stand, or the other way round";
    KernelType = 209, "a type that a kernel cannot take or give";
    TypeTooLarge = 210, "a type with too many parts";
    // 03xx: shapes and sizes.
    Size = 301, "something that is no size";
    Shape = 302, "sizes that can never agree";
    Rank = 303, "too many indices, axes or dimensions";
    Irregular = 304, "a size that differs from element to element";
    UnknownLength = 305, "an array of unknown length where its length matters";
    // 04xx: values known at compile time.
    ZeroDivisor = 401, "a division by a literal zero";
    ShiftAmount = 402, "a literal shift by the width or more";
    ConstIndex = 403, "an index that always lies outside";
    NotConst = 404, "a value that is not known at compile time";
    // 05xx: found when a kernel is launched or runs.
    ArgumentShape = 501, "an argument whose shape does not agree with the kernel or with another argument";
    NegativeSize = 502, "a size that is negative";
    OutOfBounds = 503, "an index outside its array";
    DivisionByZero = 504, "an integer division by zero";
    EmptyReduction = 505, "a reduction of an empty array without neutral element";
    SizeMismatch = 506, "sizes that must agree and do not";
    TooLarge = 507, "a size too large for the machine's integers";
    // 09xx: warnings.
    Unused = 901, "something that nothing uses";
    WideLiteral = 902, "an f64 that only a literal asks for";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = if self.number() >= 900 { 'W' } else { 'E' };
        write!(f, "{letter}{:04}", self.number())
    }
}
