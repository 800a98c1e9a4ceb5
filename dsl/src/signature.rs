//! What a host must know to call a kernel: plain data, all the runtime ever sees of a kernel's types.

use crate::{
    scalar::Scalar,
    size::{Size, SizeVar},
};
use pk_grammar::span::Span;

/// The greatest length of an axis, and the greatest value of a parameter that is a size: far above any memory, and so
/// far below `i64::MAX` that sums of sizes do not overflow.
pub const MAX_EXTENT: u64 = 1 << 48;

/// The outside of one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// The size variables, indexed by [`SizeVar`]: named sizes of the parameters and `i64` parameters used as sizes.
    pub sizes: Vec<SizeName>,
    /// The parameters in order.
    pub params: Vec<ParamType>,
    /// The results in order; one without a name if the result is no tuple.
    pub results: Vec<ResultType>,
    /// Where the name stands.
    pub span: Span,
}

/// A size variable that the arguments give a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeName {
    /// Its name.
    pub name: String,
    /// What gives it its value.
    pub bound_by: SizeSource,
    /// Where it is bound in the text.
    pub span: Span,
}

/// Where a size gets its value at launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeSource {
    /// The length of an axis of an array parameter.
    Axis {
        /// Index of the parameter.
        param: usize,
        /// The axis, 0 outermost.
        axis: usize,
    },
    /// The value of an `i64` parameter; it must not be negative.
    Scalar {
        /// Index of the parameter.
        param: usize,
    },
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamType {
    /// Its name.
    pub name: String,
    /// The type of its elements, or of itself.
    pub scalar: Scalar,
    /// The sizes of an array, outermost first; empty for a scalar.
    pub dims: Vec<Dim>,
    /// Where the parameter stands.
    pub span: Span,
}

/// One axis of an array parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dim {
    /// The size that it must have.
    pub size: Size,
    /// Where that is written.
    pub span: Span,
}

/// One result; a tuple result is several, nested tuples flattened with names joined by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultType {
    /// The field's name, or its position; empty if the result is no tuple.
    pub name: String,
    /// The type of its elements, or of itself.
    pub scalar: Scalar,
    /// The sizes of an array; `None` for one known only when the kernel has run.
    pub dims: Vec<Option<Size>>,
}

impl Signature {
    /// Writes `size` with the names of this signature.
    pub fn size_text(&self, size: &Size) -> String {
        let mut text = String::new();
        let name = |var: SizeVar| self.sizes.get(var.0 as usize).map_or("?", |size| size.name.as_str());
        // Writing to a `String` cannot fail.
        let _ = size.write(&mut text, name);
        text
    }
}
