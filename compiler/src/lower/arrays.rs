//! Arrays during lowering: stored ones, unrolled ones, and those that exist only as a way to compute an element.

use super::{At, Repr, Unproven};
use crate::ir::Value;
use pk_dsl::{
    builtins::{EdgeRule, Elementwise},
    hir::FunctionId,
    size::Size,
};
use pk_grammar::span::Span;
use std::rc::Rc;

/// An array.
#[derive(Clone, Debug)]
pub(super) struct Array {
    /// The extents, outermost first; values of the entry block.
    pub(super) shape: Vec<Value>,
    /// Where its elements come from.
    pub(super) source: Source,
}

/// Where the elements of an array come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// IR arrays.
    Stored(Tree),
    /// The rows themselves, a few of them: an array that lives in registers.
    Elements(Rc<[Repr]>),
    /// The index.
    Iota,
    /// One value, a scalar or a tuple.
    Fill(Rc<Repr>),
    /// Reads another array elsewhere.
    Reverse(Rc<Array>),
    Transpose(Rc<Array>),
    Reshape(Rc<Array>),
    /// The array for each index of new leading axes.
    Broadcast(Rc<Array>),
    /// Some axes fixed, others shifted and stretched; axes after the places are whole.
    Slice(Rc<Array>, Rc<[Place]>),
    /// Tuples of the elements of arrays of one first extent.
    Zip(Rc<[Array]>),
    /// A field of the elements.
    Field(Rc<Array>, usize),
    /// One after the other.
    Concat(Rc<[Array]>),
    /// Any index has an element.
    Edges(Rc<Edges>),
    /// An operation on the elements of arrays and on scalars.
    Lifted(Rc<Lifted>),
}

/// An array in which every index has an element.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    pub(super) rule: EdgeRule,
    pub(super) base: Array,
    /// What stands outside of `base`, instead of an element by the rule.
    pub(super) pad: Option<Repr>,
    /// What the user is told if `base` has no elements at all.
    pub(super) unproven: Unproven,
}

/// A lifted operation.
#[derive(Clone, Debug)]
pub(super) struct Lifted {
    pub(super) op: LiftedOp,
    pub(super) args: Vec<Repr>,
    /// How many axes it is lifted over.
    pub(super) rank: usize,
    /// Where it stands.
    pub(super) span: Span,
    /// The frame in which it stands.
    pub(super) frame: usize,
}

#[derive(Clone, Debug)]
pub(super) enum LiftedOp {
    Elementwise(Elementwise),
    /// A function; which arguments are lifted, and its bound sizes.
    Call {
        function: FunctionId,
        is_lifted: Vec<bool>,
        sizes: Rc<[Size]>,
    },
}

/// An axis of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    At(At),
    From { start: Value, step: i64, unproven: Option<Unproven> },
}

/// IR arrays in the shape of an element: one for each scalar of it.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// An IR array. It has more axes than the array if the element is an array.
    Leaf(Value),
    Tuple(Rc<[Tree]>),
}

impl Array {
    /// The array that an IR value is.
    pub(super) fn stored(shape: Vec<Value>, value: Value) -> Array {
        Array { shape, source: Source::Stored(Tree::Leaf(value)) }
    }

    /// The IR value, if it is one array as it stands.
    pub(super) fn stored_value(&self) -> Option<Value> {
        match &self.source {
            Source::Stored(Tree::Leaf(value)) => Some(*value),
            _ => None,
        }
    }

    /// The IR arrays of a stored array.
    pub(super) fn leaves(&self) -> Vec<Value> {
        match &self.source {
            Source::Stored(tree) => tree.leaves(),
            _ => Vec::new(),
        }
    }

    /// Whether it can be read again and again, at indices that may lie outside: what a name may stand for.
    pub(super) fn is_reusable(&self) -> bool {
        match &self.source {
            Source::Stored(_) | Source::Elements(_) | Source::Iota | Source::Fill(_) => true,
            Source::Transpose(base) | Source::Field(base, _) => base.is_reusable(),
            Source::Edges(edges) => edges.base.is_reusable(),
            Source::Slice(base, places) => {
                places.iter().all(|place| matches!(place, Place::At(_))) && base.is_reusable()
            }
            _ => false,
        }
    }
}

impl Tree {
    pub(super) fn leaves(&self) -> Vec<Value> {
        match self {
            Tree::Leaf(value) => vec![*value],
            Tree::Tuple(parts) => parts.iter().flat_map(Tree::leaves).collect(),
        }
    }
}
