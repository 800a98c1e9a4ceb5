//! What a kernel can be called with.

use crate::{
    bind::ArgType,
    buffer::{Buffer, BufferView, RawBuffer},
    driver::Shape,
    element::Element,
    error::{Error, ErrorKind, Result},
    host,
};
use pk_dsl::scalar::{Const, Scalar};
use std::borrow::Cow;

/// An argument of any type; what [`Argument`] makes of all others.
///
/// Programs that learn the types of their kernels only at run time make these themselves.
#[derive(Clone, Debug)]
pub struct Value<'a>(pub(crate) ValueKind<'a>);

#[derive(Clone)]
pub(crate) enum ValueKind<'a> {
    Scalar(Const),
    Array { scalar: Scalar, shape: Shape, bytes: Cow<'a, [u8]> },
    Buffer { buffer: RawBuffer, start: usize, shape: Shape },
}

impl std::fmt::Debug for ValueKind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.arg_type().text())
    }
}

impl<'a> Value<'a> {
    /// A scalar.
    pub fn scalar(value: Const) -> Value<'static> {
        Value(ValueKind::Scalar(value))
    }

    /// An array of rank 1.
    fn vector<T: Element>(elements: &'a [T]) -> Value<'a> {
        let mut shape = Shape::new();
        shape.push(elements.len());
        Value(ValueKind::Array { scalar: T::SCALAR, shape, bytes: Cow::Borrowed(T::bytes(elements)) })
    }

    /// A row-major array of this shape.
    ///
    /// ```
    /// # use pk_runtime::{Error, Value};
    /// let rows = Value::array(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the number of elements is not that of the shape.
    pub fn array<T: Element>(elements: &'a [T], shape: &[usize]) -> Result<Value<'a>> {
        Value::from_bytes(T::SCALAR, shape, Cow::Borrowed(T::bytes(elements)))
    }

    /// A row-major array of this shape, its elements in native byte order at any alignment.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the number of bytes is not that of the shape.
    pub fn from_bytes(scalar: Scalar, shape: &[usize], bytes: Cow<'a, [u8]>) -> Result<Value<'a>> {
        let wanted = host::byte_len(scalar, shape)?;
        if bytes.len() == wanted {
            return Ok(Value(ValueKind::Array { scalar, shape: shape.into(), bytes }));
        }
        let given = bytes.len() / scalar.bytes();
        let wanted = wanted / scalar.bytes();
        let message = format!("{given} elements do not fill the shape {shape:?}, which has {wanted}");
        Err(Error::new(ErrorKind::Shape, message))
    }
}

impl ValueKind<'_> {
    pub(crate) fn arg_type(&self) -> ArgType<'_> {
        match self {
            ValueKind::Scalar(value) => ArgType::Scalar(*value),
            ValueKind::Array { scalar, shape, .. } => ArgType::Array { scalar: *scalar, shape },
            ValueKind::Buffer { buffer, shape, .. } => {
                ArgType::Array { scalar: buffer.contents.scalar, shape }
            }
        }
    }
}

/// One argument: a scalar, a slice, a buffer, or with feature `ndarray` a view of an `ndarray` array.
///
/// What borrows nothing, as scalars and buffers, is an `Argument<'static>` and may be given to a launch on a queue.
pub trait Argument<'a> {
    /// The argument in the form that all have in common.
    ///
    /// # Errors
    /// Those of a failed launch that was to write a buffer.
    fn into_value(self) -> Result<Value<'a>>;
}

impl<T: Element> Argument<'_> for T {
    fn into_value(self) -> Result<Value<'static>> {
        Ok(Value::scalar(self.to_const()))
    }
}

impl<'a> Argument<'a> for Value<'a> {
    fn into_value(self) -> Result<Value<'a>> {
        Ok(self)
    }
}

impl<'a, T: Element> Argument<'a> for &'a [T] {
    fn into_value(self) -> Result<Value<'a>> {
        Ok(Value::vector(self))
    }
}

impl<'a, T: Element> Argument<'a> for &'a Vec<T> {
    fn into_value(self) -> Result<Value<'a>> {
        Ok(Value::vector(self))
    }
}

/// A nested array is an array of rank 2, and so on: only the outermost is taken as a slice.
impl<'a, T: Element, const N: usize> Argument<'a> for &'a [T; N] {
    fn into_value(self) -> Result<Value<'a>> {
        Ok(Value::vector(self))
    }
}

impl<T: Element> Argument<'_> for &Buffer<T> {
    fn into_value(self) -> Result<Value<'static>> {
        self.view()?.into_value()
    }
}

impl Argument<'_> for &RawBuffer {
    fn into_value(self) -> Result<Value<'static>> {
        let shape = self.shape()?.into();
        Ok(Value(ValueKind::Buffer { buffer: self.clone(), start: 0, shape }))
    }
}

impl<T: Element> Argument<'_> for BufferView<T> {
    fn into_value(self) -> Result<Value<'static>> {
        Ok(Value(ValueKind::Buffer { buffer: self.raw, start: self.start, shape: self.shape.into() }))
    }
}

impl<T: Element> Argument<'_> for &BufferView<T> {
    fn into_value(self) -> Result<Value<'static>> {
        self.clone().into_value()
    }
}

/// All arguments of a call: a tuple of [`Argument`]s, a single one, or a vector of [`Value`]s.
pub trait Arguments<'a> {
    /// So many [`Value`]s.
    type Values: AsRef<[Value<'a>]> + IntoIterator<Item = Value<'a>>;

    /// The arguments in order.
    ///
    /// # Errors
    /// Those of [`Argument::into_value`].
    fn into_values(self) -> Result<Self::Values>;
}

impl<'a> Arguments<'a> for Vec<Value<'a>> {
    type Values = Self;

    fn into_values(self) -> Result<Vec<Value<'a>>> {
        Ok(self)
    }
}

impl<'a, A: Argument<'a>> Arguments<'a> for A {
    type Values = [Value<'a>; 1];

    fn into_values(self) -> Result<[Value<'a>; 1]> {
        Ok([self.into_value()?])
    }
}

impl<'a> Arguments<'a> for () {
    type Values = [Value<'a>; 0];

    fn into_values(self) -> Result<[Value<'a>; 0]> {
        Ok([])
    }
}

macro_rules! arguments_of_tuples {
    ($($count:literal ($($name:ident)+))+) => {$(
        impl<'a, $($name: Argument<'a>),+> Arguments<'a> for ($($name,)+) {
            type Values = [Value<'a>; $count];

            #[expect(non_snake_case, reason = "each variable is named as its type parameter")]
            fn into_values(self) -> Result<[Value<'a>; $count]> {
                let ($($name,)+) = self;
                Ok([$($name.into_value()?),+])
            }
        }
    )+};
}
arguments_of_tuples! {
    1 (A) 2 (A B) 3 (A B C) 4 (A B C D) 5 (A B C D E) 6 (A B C D E F) 7 (A B C D E F G) 8 (A B C D E F G H)
    9 (A B C D E F G H I) 10 (A B C D E F G H I J) 11 (A B C D E F G H I J K) 12 (A B C D E F G H I J K L)
}
