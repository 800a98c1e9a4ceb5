//! What an exported function returns, and the text that goes with it.

use crate::ir::{FaultKind, SiteData};

/// What an exported function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok = 0,
    OutOfBounds = 1,
    DivisionByZero = 2,
    EmptyReduction = 3,
    Shape = 4,
    NegativeSize = 5,
    TooLarge = 6,
    OutOfMemory = 7,
}

impl Status {
    pub(super) const ALL: [Status; 8] = [
        Status::Ok,
        Status::OutOfBounds,
        Status::DivisionByZero,
        Status::EmptyReduction,
        Status::Shape,
        Status::NegativeSize,
        Status::TooLarge,
        Status::OutOfMemory,
    ];

    /// What C calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Ok => "PK_OK",
            Status::OutOfBounds => "PK_OUT_OF_BOUNDS",
            Status::DivisionByZero => "PK_DIVISION_BY_ZERO",
            Status::EmptyReduction => "PK_EMPTY_REDUCTION",
            Status::Shape => "PK_SHAPE",
            Status::NegativeSize => "PK_NEGATIVE_SIZE",
            Status::TooLarge => "PK_TOO_LARGE",
            Status::OutOfMemory => "PK_OUT_OF_MEMORY",
        }
    }

    /// What it means.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Status::Ok => "all went well",
            Status::OutOfBounds => "an index outside of its array",
            Status::DivisionByZero => "an integer divided by zero",
            Status::EmptyReduction => "a reduction without neutral element over nothing",
            Status::Shape => "two sizes that must agree do not",
            Status::NegativeSize => "a size is negative",
            Status::TooLarge => "a size is greater than 2^48, or an array than memory can be",
            Status::OutOfMemory => "calloc gave no memory",
        }
    }
}

impl From<FaultKind> for Status {
    fn from(kind: FaultKind) -> Status {
        match kind {
            FaultKind::OutOfBounds => Status::OutOfBounds,
            FaultKind::DivisionByZero => Status::DivisionByZero,
            FaultKind::EmptyReduction => Status::EmptyReduction,
            FaultKind::SizeMismatch => Status::Shape,
            FaultKind::NegativeSize => Status::NegativeSize,
            FaultKind::SizeOverflow => Status::TooLarge,
        }
    }
}

/// What goes wrong at `site`, in words that hold for every call.
pub(super) fn message(site: &SiteData) -> String {
    let text = |at: usize| site.texts.get(at).map(String::as_str);
    match (site.kind, text(0), text(1)) {
        (FaultKind::OutOfBounds, Some(array), _) => format!("an index is outside of `{array}`"),
        (FaultKind::OutOfBounds, None, _) => "an index is outside of its array".to_string(),
        (FaultKind::DivisionByZero, ..) => "division by zero".to_string(),
        (FaultKind::EmptyReduction, Some(name), _) => format!("`{name}` of an empty array"),
        (FaultKind::EmptyReduction, None, _) => "reduction of an empty array".to_string(),
        (FaultKind::SizeMismatch, Some(one), Some(other)) => format!("`{one}` is not `{other}`"),
        (FaultKind::SizeMismatch, ..) => "two sizes differ".to_string(),
        (FaultKind::NegativeSize, size, _) => format!("the size `{}` is negative", size.unwrap_or("?")),
        (FaultKind::SizeOverflow, size, _) => format!("the size `{}` is too large", size.unwrap_or("?")),
    }
}
