//! The types of values. During inference a scalar type may still be a variable; in finished HIR none is left.

use crate::{scalar::Scalar, size::Size};
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Stands where an error was reported; agrees with everything, so that one mistake is reported once.
    Error,
    /// A scalar.
    Scalar(Scalar),
    /// The scalar type of a literal that nothing has decided yet.
    Var(TypeVar),
    /// A tuple or a record.
    Tuple(Arc<TupleType>),
    /// An array.
    Array(Arc<ArrayType>),
}

/// A variable of inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeVar(pub u32);

/// A tuple or record type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TupleType {
    /// The fields in order.
    pub fields: Vec<Field>,
}

/// A field of a tuple type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, in a record.
    pub name: Option<Arc<str>>,
    /// Its type.
    pub ty: Type,
}

/// An array type. Invariants: the shape is not empty, and the element is no array: `[[f32; m]; n]` is `[f32; n, m]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayType {
    /// A scalar or a tuple.
    pub elem: Type,
    /// The sizes, outermost first.
    pub shape: Vec<Size>,
}

impl Type {
    /// The array of `shape` with elements of type `elem`; `elem` itself if the shape is empty.
    pub fn array(shape: Vec<Size>, elem: Type) -> Type {
        match elem {
            Type::Error => Type::Error,
            _ if shape.is_empty() => elem,
            Type::Array(inner) => Type::Array(Arc::new(ArrayType {
                elem: inner.elem.clone(),
                shape: [shape, inner.shape.clone()].concat(),
            })),
            _ => Type::Array(Arc::new(ArrayType { elem, shape })),
        }
    }

    /// A tuple without field names.
    pub fn tuple(types: impl IntoIterator<Item = Type>) -> Type {
        Type::record(types.into_iter().map(|ty| Field { name: None, ty }).collect())
    }

    /// A tuple with these fields.
    pub fn record(fields: Vec<Field>) -> Type {
        Type::Tuple(Arc::new(TupleType { fields }))
    }

    /// The shape: empty if it is no array.
    pub fn shape(&self) -> &[Size] {
        match self {
            Type::Array(array) => &array.shape,
            _ => &[],
        }
    }

    /// The type of an element after all axes are indexed; itself if it is no array.
    pub fn elem(&self) -> &Type {
        match self {
            Type::Array(array) => &array.elem,
            _ => self,
        }
    }

    /// The type after the first `axes` axes are indexed.
    pub fn row(&self, axes: usize) -> Type {
        match self {
            Type::Array(array) => {
                Type::array(array.shape[axes.min(array.shape.len())..].to_vec(), array.elem.clone())
            }
            _ => self.clone(),
        }
    }

    /// The scalar type, if that is what it is.
    pub fn as_scalar(&self) -> Option<Scalar> {
        match self {
            Type::Scalar(scalar) => Some(*scalar),
            _ => None,
        }
    }

    /// The fields, if it is a tuple.
    pub fn fields(&self) -> Option<&[Field]> {
        match self {
            Type::Tuple(tuple) => Some(&tuple.fields),
            _ => None,
        }
    }

    /// Whether it is a scalar or will be one.
    pub fn is_scalar_like(&self) -> bool {
        matches!(self, Type::Scalar(_) | Type::Var(_) | Type::Error)
    }

    /// The number of scalars and arrays of scalars it is made of, saturating.
    pub fn leaves(&self) -> usize {
        match self {
            Type::Tuple(tuple) => {
                tuple.fields.iter().fold(0, |sum, field| sum.saturating_add(field.ty.leaves()))
            }
            Type::Array(array) => array.elem.leaves(),
            _ => 1,
        }
    }

    /// How many tuples stand within each other.
    pub fn depth(&self) -> usize {
        match self {
            Type::Tuple(tuple) => 1 + tuple.fields.iter().map(|field| field.ty.depth()).max().unwrap_or(0),
            Type::Array(array) => array.elem.depth(),
            _ => 0,
        }
    }
}
