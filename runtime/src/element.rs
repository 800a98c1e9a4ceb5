//! The Rust types that elements of arrays and scalars can have, and memory for them.

use crate::driver::{Destination, Room, room};
use pk_dsl::scalar::{Const, Scalar};
use std::{any::Any, fmt, num::Wrapping};

/// A Rust type with a counterpart in the language: `bool`, the eight integers, `f32` and `f64`.
///
/// It is sealed: a driver works on the bytes of elements, so that their layout and valid bits must be known here.
pub trait Element: sealed::Layout {
    /// The scalar type of the language.
    const SCALAR: Scalar;
}

mod sealed {
    use super::{Const, fmt};

    /// How elements lie in memory and cross the border to a driver.
    pub trait Layout: Copy + Send + Sync + 'static {
        /// A type of the same layout for which all bits are valid, so that a driver may write any.
        type Stored: bytemuck::Pod + fmt::Debug + Send + Sync;

        /// The elements in native byte order.
        fn bytes(elements: &[Self]) -> &[u8];

        /// The same value for a driver.
        fn to_const(self) -> Const;

        /// The element from what a driver wrote.
        fn restore(stored: Self::Stored) -> Self;

        /// The elements from what a driver wrote.
        fn restore_all(stored: Vec<Self::Stored>) -> Vec<Self>;
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

            fn restore(stored: $ty) -> $ty {
                stored
            }

            fn restore_all(stored: Vec<$ty>) -> Vec<$ty> {
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

    fn restore(stored: Wrapping<u8>) -> bool {
        stored.0 != 0
    }

    fn restore_all(stored: Vec<Wrapping<u8>>) -> Vec<bool> {
        stored.into_iter().map(bool::restore).collect()
    }
}

/// The element that lies in memory as `bytes`; `None` if these are not as many as it has.
pub(crate) fn from_bytes<T: Element>(bytes: &[u8]) -> Option<T> {
    bytemuck::try_pod_read_unaligned(bytes).ok().map(T::restore)
}

macro_rules! element_vec {
    ($($scalar:ident $ty:ty,)*) => {
        /// A vector of elements whose type only the signature of a kernel knows; empty until a driver has filled it.
        #[derive(Debug)]
        pub(crate) enum ElementVec {
            $($scalar(Room<$ty>),)*
        }

        impl ElementVec {
            /// Room for `len` elements; `None` if the host has no memory for them.
            pub(crate) fn with_room(scalar: Scalar, len: usize) -> Option<ElementVec> {
                Some(match scalar {
                    $(Scalar::$scalar => ElementVec::$scalar(Room::new(len)?),)*
                })
            }

            /// Where a driver may write the elements.
            pub(crate) fn destination(&mut self) -> &mut dyn Destination {
                match self {
                    $(ElementVec::$scalar(room) => room,)*
                }
            }

            /// The elements in native byte order.
            pub(crate) fn bytes(&self) -> &[u8] {
                match self {
                    $(ElementVec::$scalar(room) => room.bytes(),)*
                }
            }
        }
    };
}

element_vec! {
    Bool Wrapping<u8>, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64,
}

impl ElementVec {
    /// A copy of `bytes`, whose length is a multiple of the element's size; `None` if there is no memory for it.
    pub(crate) fn copied(scalar: Scalar, bytes: &[u8]) -> Option<ElementVec> {
        let mut elements = ElementVec::with_room(scalar, bytes.len() / scalar.bytes())?;
        room::fill(elements.destination(), scalar, bytes).ok()?;
        Some(elements)
    }

    /// The elements, which leave; `None` if they are of another type.
    pub(crate) fn take<T: Element>(&mut self) -> Option<Vec<T>> {
        let room: &mut dyn Any = self.destination();
        room.downcast_mut().map(|room: &mut Room<T::Stored>| T::restore_all(room.take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_has_memory_of_its_width() {
        for scalar in Scalar::ALL {
            let mut elements = ElementVec::with_room(scalar, 3).expect("three elements");
            assert_eq!(elements.destination().room().len(), 3 * scalar.bytes(), "{scalar}");
            assert_eq!(elements.bytes(), []);
        }
    }

    #[test]
    fn elements_come_back_as_their_own_type_only() {
        let copied = |scalar| ElementVec::copied(scalar, &[1, 0, 2, 0]).expect("four bytes");
        assert_eq!(copied(Scalar::U16).take::<u16>(), Some(vec![1, 2]));
        assert_eq!(copied(Scalar::U16).take::<i16>(), None);
        assert_eq!(copied(Scalar::Bool).take::<u8>(), None);
        assert_eq!(copied(Scalar::Bool).take::<bool>(), Some(vec![true, false, true, false]));
        assert_eq!(
            [from_bytes(&[2]), from_bytes(&[0]), from_bytes(&[0, 0])],
            [Some(true), Some(false), None]
        );
    }
}
