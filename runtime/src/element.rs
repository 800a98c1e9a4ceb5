//! The Rust types that elements of arrays and scalars can have, and memory for them.

use pk_dsl::scalar::{Const, Scalar};
use std::{any::Any, num::Wrapping};

/// A Rust type with a counterpart in the language: `bool`, the eight integers, `f32` and `f64`.
///
/// It is sealed: a driver works on the bytes of elements, so that their layout and valid bits must be known here.
pub trait Element: sealed::Layout {
    /// The scalar type of the language.
    const SCALAR: Scalar;
}

mod sealed {
    use super::Const;

    /// How elements lie in memory and cross the border to a driver.
    pub trait Layout: Copy + Send + Sync + 'static {
        /// A type of the same layout for which all bits are valid, so that a driver may write any.
        type Stored: bytemuck::Pod + Send + Sync;

        /// The elements in native byte order.
        fn bytes(elements: &[Self]) -> &[u8];

        /// The same value for a driver.
        fn to_const(self) -> Const;

        /// The elements from what a driver wrote.
        fn restore(stored: Vec<Self::Stored>) -> Vec<Self>;
    }
}

macro_rules! elements {
    ($($ty:ident $scalar:ident,)*) => {$(
        impl Element for $ty {
            const SCALAR: Scalar = Scalar::$scalar;
        }

        impl sealed::Layout for $ty {
            type Stored = $ty;

            fn bytes(elements: &[$ty]) -> &[u8] {
                bytemuck::cast_slice(elements)
            }

            fn to_const(self) -> Const {
                Const::from(self)
            }

            fn restore(stored: Vec<$ty>) -> Vec<$ty> {
                stored
            }
        }
    )*};
}

elements! { i8 I8, i16 I16, i32 I32, i64 I64, u8 U8, u16 U16, u32 U32, u64 U64, f32 F32, f64 F64, }

impl Element for bool {
    const SCALAR: Scalar = Scalar::Bool;
}

impl sealed::Layout for bool {
    /// Not `u8` itself, so that an array of `bool` is not taken for one of `u8`.
    type Stored = Wrapping<u8>;

    fn bytes(elements: &[bool]) -> &[u8] {
        bytemuck::cast_slice(elements)
    }

    fn to_const(self) -> Const {
        Const::from(self)
    }

    fn restore(stored: Vec<Wrapping<u8>>) -> Vec<bool> {
        stored.into_iter().map(|byte| byte.0 != 0).collect()
    }
}

/// A vector of elements whose type only the signature of a kernel knows.
pub(crate) struct ElementVec(Box<dyn Stored>);

trait Stored: Any + Send + Sync {
    fn bytes(&self) -> &[u8];
    fn bytes_mut(&mut self) -> &mut [u8];
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: bytemuck::Pod + Send + Sync> Stored for Vec<T> {
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(self)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl ElementVec {
    /// `len` zeros; `None` if the host has no memory for them.
    pub(crate) fn zeroed(scalar: Scalar, len: usize) -> Option<ElementVec> {
        fn boxed<T: Element>(len: usize) -> Option<Box<dyn Stored>> {
            // Checked here because a request past `isize::MAX` bytes would panic instead of fail.
            let bytes = len.checked_mul(size_of::<T>())?;
            isize::try_from(bytes).ok()?;
            Some(Box::new(bytemuck::allocation::try_zeroed_vec::<T::Stored>(len).ok()?))
        }
        let elements = match scalar {
            Scalar::Bool => boxed::<bool>(len),
            Scalar::I8 => boxed::<i8>(len),
            Scalar::I16 => boxed::<i16>(len),
            Scalar::I32 => boxed::<i32>(len),
            Scalar::I64 => boxed::<i64>(len),
            Scalar::U8 => boxed::<u8>(len),
            Scalar::U16 => boxed::<u16>(len),
            Scalar::U32 => boxed::<u32>(len),
            Scalar::U64 => boxed::<u64>(len),
            Scalar::F32 => boxed::<f32>(len),
            Scalar::F64 => boxed::<f64>(len),
        };
        elements.map(ElementVec)
    }

    /// A copy of `bytes`, whose length is a multiple of the element's size; `None` if there is no memory for it.
    pub(crate) fn copied(scalar: Scalar, bytes: &[u8]) -> Option<ElementVec> {
        let mut elements = ElementVec::zeroed(scalar, bytes.len() / scalar.bytes())?;
        elements.bytes_mut().copy_from_slice(bytes);
        Some(elements)
    }

    /// The elements; `None` if they are of another type.
    pub(crate) fn into_vec<T: Element>(self) -> Option<Vec<T>> {
        self.0.into_any().downcast().ok().map(|stored| T::restore(*stored))
    }

    /// The elements in native byte order.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The elements in native byte order, to be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.bytes_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_has_memory_of_its_width() {
        for scalar in Scalar::ALL {
            let elements = ElementVec::zeroed(scalar, 3).expect("three elements");
            assert_eq!(elements.bytes().len(), 3 * scalar.bytes(), "{scalar}");
        }
    }

    #[test]
    fn elements_come_back_as_their_own_type_only() {
        let copied = |scalar| ElementVec::copied(scalar, &[1, 0, 2, 0]).expect("four bytes");
        assert_eq!(copied(Scalar::U16).into_vec::<u16>(), Some(vec![1, 2]));
        assert_eq!(copied(Scalar::U16).into_vec::<i16>(), None);
        assert_eq!(copied(Scalar::Bool).into_vec::<u8>(), None);
        assert_eq!(copied(Scalar::Bool).into_vec::<bool>(), Some(vec![true, false, true, false]));
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for len in [usize::MAX, isize::MAX as usize, usize::MAX / 8 + 1] {
            assert!(ElementVec::zeroed(Scalar::F64, len).is_none(), "{len}");
        }
    }
}
