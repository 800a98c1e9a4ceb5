//! Arrays that belong to a context.
//!
//! A buffer is a variable, its contents are values: a launch that writes into a buffer gives it new contents, which are
//! there once the launch has ended, and launches queued before go on to see the old ones. So no launch, on whatever
//! queue, can see half-written memory, and the same buffer may be an argument and a result.

use crate::{
    context::ContextId,
    driver::{AlignedBytes, Destination},
    element::Element,
    error::{Error, ErrorKind, Result},
    event::EventState,
    host::{self, HostArray},
};
use pk_dsl::scalar::Scalar;
use std::{
    fmt,
    marker::PhantomData,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// An array on a context's device. Clones share the contents until one of them is written.
///
/// ```
/// # use pk_runtime::*;
/// # let context = Context::new(&Device::default_for(Backend::Interp)?)?;
/// let table = context.buffer_from_shape(&[1, 2, 3, 4, 5, 6], &[2, 3])?;
/// assert_eq!(table.shape()?, [2, 3]);
/// assert_eq!(table.slice(1..2)?.to_vec()?, [4, 5, 6]);
/// # Ok::<(), Error>(())
/// ```
pub struct Buffer<T> {
    pub(crate) raw: RawBuffer,
    element: PhantomData<T>,
}

/// A buffer whose element type only its contents know.
#[derive(Clone)]
pub struct RawBuffer {
    pub(crate) context: ContextId,
    pub(crate) contents: Arc<Contents>,
}

/// The contents of a buffer between two writes.
pub(crate) struct Contents {
    /// The type of the elements.
    pub(crate) scalar: Scalar,
    /// The shape as far as it is known before the launch that writes it has run.
    pub(crate) shape: Vec<Option<usize>>,
    /// The launch that writes it.
    writer: Option<Arc<EventState>>,
    array: OnceLock<Result<HostArray>>,
}

impl Contents {
    fn ready(array: HostArray) -> Contents {
        let shape = array.shape.iter().copied().map(Some).collect();
        Contents { scalar: array.scalar, shape, writer: None, array: OnceLock::from(Ok(array)) }
    }

    /// Contents that the launch of `writer` will set.
    pub(crate) fn pending(scalar: Scalar, shape: Vec<Option<usize>>, writer: Arc<EventState>) -> Contents {
        Contents { scalar, shape, writer: Some(writer), array: OnceLock::new() }
    }

    /// Sets what the writer has written; only the first time counts.
    pub(crate) fn set(&self, array: Result<HostArray>) {
        // A second setting comes from cleaning up after a launch that had already delivered.
        let _ = self.array.set(array);
    }

    /// The array, once the writer has ended.
    pub(crate) fn wait(&self) -> Result<&HostArray> {
        if let (None, Some(writer)) = (self.array.get(), &self.writer) {
            // Its error, if any, stands in the contents as well.
            let _ = writer.wait();
        }
        match self.array.get() {
            Some(array) => array.as_ref().map_err(Clone::clone),
            None => Err(Error::internal("a launch ended without results")),
        }
    }

    /// The shape; waits for the writer if the kernel decides it.
    pub(crate) fn shape(&self) -> Result<Vec<usize>> {
        match self.known_shape() {
            Some(shape) => Ok(shape),
            None => Ok(self.wait()?.shape.clone()),
        }
    }

    /// The shape, if it is known before the launch that writes it has run.
    pub(crate) fn known_shape(&self) -> Option<Vec<usize>> {
        self.shape.iter().copied().collect()
    }

    /// Memory of this length, if nobody else can see these contents.
    pub(crate) fn recycle(contents: Arc<Contents>, len: usize) -> Option<AlignedBytes> {
        let mut array = Arc::into_inner(contents)?.array.into_inner()?.ok()?;
        (array.bytes.room().len() == len).then_some(array.bytes)
    }
}

impl RawBuffer {
    /// The type of its elements.
    pub fn scalar(&self) -> Scalar {
        self.contents.scalar
    }

    /// Its extents, outermost first; empty for a buffer of one scalar.
    ///
    /// # Errors
    /// Those of a failed launch that was to write it, if only that launch could tell the shape.
    pub fn shape(&self) -> Result<Vec<usize>> {
        self.contents.shape()
    }

    /// A buffer with a copy of `bytes`, which are as many as the shape asks for.
    pub(crate) fn copied(
        context: ContextId,
        scalar: Scalar,
        shape: &[usize],
        bytes: &[u8],
    ) -> Result<RawBuffer> {
        let mut array = HostArray::zeroed(scalar, shape)?;
        array.bytes.copy_from_slice(bytes);
        Ok(RawBuffer { context, contents: Arc::new(Contents::ready(array)) })
    }

    /// The same buffer, if its elements are of this type.
    pub fn typed<T: Element>(self) -> Option<Buffer<T>> {
        (self.contents.scalar == T::SCALAR).then_some(Buffer { raw: self, element: PhantomData })
    }
}

impl fmt::Debug for RawBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawBuffer<{}>{:?}", self.contents.scalar, self.contents.shape)
    }
}

impl<T: Element> Buffer<T> {
    pub(crate) fn copied(context: ContextId, elements: &[T], shape: &[usize]) -> Result<Buffer<T>> {
        check_count(elements.len(), shape)?;
        let raw = RawBuffer::copied(context, T::SCALAR, shape, T::bytes(elements))?;
        Ok(Buffer { raw, element: PhantomData })
    }

    pub(crate) fn zeros(context: ContextId, shape: &[usize]) -> Result<Buffer<T>> {
        Ok(Buffer::new(context, Contents::ready(HostArray::zeroed(T::SCALAR, shape)?)))
    }

    /// A buffer with contents of this element type.
    fn new(context: ContextId, contents: Contents) -> Buffer<T> {
        Buffer { raw: RawBuffer { context, contents: Arc::new(contents) }, element: PhantomData }
    }

    /// Its extents, outermost first; empty for a buffer of one scalar.
    ///
    /// # Errors
    /// Those of a failed launch that was to write it, if only that launch could tell the shape.
    pub fn shape(&self) -> Result<Vec<usize>> {
        self.raw.contents.shape()
    }

    /// All of it.
    ///
    /// # Errors
    /// As for [`Buffer::shape`].
    pub fn view(&self) -> Result<BufferView<T>> {
        let shape = self.shape()?;
        Ok(BufferView { raw: self.raw.clone(), start: 0, shape, element: PhantomData })
    }

    /// The part of it with these indices of the first axis.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfBounds`], and those of [`Buffer::shape`].
    pub fn slice(&self, range: Range<usize>) -> Result<BufferView<T>> {
        self.view()?.slice(range)
    }

    /// A copy of the elements, row-major, once the launch that writes them has ended.
    ///
    /// # Errors
    /// Those of that launch, [`ErrorKind::OutOfMemory`].
    pub fn to_vec(&self) -> Result<Vec<T>> {
        self.view()?.to_vec()
    }

    /// The element of a buffer that has only one, as the result of a reduction.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if there are more or none, and those of [`Buffer::to_vec`].
    pub fn value(&self) -> Result<T> {
        match self.to_vec()?[..] {
            [value] => Ok(value),
            _ => Err(Error::new(ErrorKind::Shape, "the buffer has not exactly one element")),
        }
    }
}

impl<T> Clone for Buffer<T> {
    fn clone(&self) -> Buffer<T> {
        Buffer { raw: self.raw.clone(), element: PhantomData }
    }
}

impl<T: Element> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>{:?}", T::SCALAR, self.raw.contents.shape)
    }
}

/// A contiguous part of a buffer's contents, which it keeps as they are: a later write into the buffer does not change
/// the view.
pub struct BufferView<T> {
    pub(crate) raw: RawBuffer,
    /// The position of the first element in the contents.
    pub(crate) start: usize,
    pub(crate) shape: Vec<usize>,
    element: PhantomData<T>,
}

impl<T: Element> BufferView<T> {
    /// Its extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The part with these indices of the first axis.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfBounds`] if they are not among those of the view.
    pub fn slice(&self, range: Range<usize>) -> Result<BufferView<T>> {
        let Some((_, row)) = self.shape.split_first().filter(|(len, _)| range.end <= **len) else {
            let message = format!("{range:?} is outside of a buffer of shape {:?}", self.shape);
            return Err(Error::new(ErrorKind::OutOfBounds, message));
        };
        let range = range.start.min(range.end)..range.end;
        let row_len = host::element_count(row)?;
        let shape = [&[range.len()], row].concat();
        Ok(BufferView {
            raw: self.raw.clone(),
            start: self.start + range.start * row_len,
            shape,
            element: PhantomData,
        })
    }

    /// The same elements, row-major, in another shape.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if that shape has another number of elements.
    pub fn reshape(&self, shape: &[usize]) -> Result<BufferView<T>> {
        check_count(host::element_count(&self.shape)?, shape)?;
        Ok(BufferView {
            raw: self.raw.clone(),
            start: self.start,
            shape: shape.to_vec(),
            element: PhantomData,
        })
    }

    /// A copy of the elements, row-major, once the launch that writes them has ended.
    ///
    /// # Errors
    /// Those of that launch, [`ErrorKind::OutOfMemory`].
    pub fn to_vec(&self) -> Result<Vec<T>> {
        let bytes = self.bytes()?;
        let elements = crate::element::ElementVec::copied(T::SCALAR, bytes);
        let mut elements = elements.ok_or_else(|| Error::out_of_memory(bytes.len() as u64))?;
        elements.take().ok_or_else(|| Error::internal("a buffer with elements of another type"))
    }

    /// Copies the elements, row-major, into `target`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if it has another length, and those of [`BufferView::to_vec`].
    pub fn copy_to(&self, target: &mut [T]) -> Result<()> {
        check_count(target.len(), &self.shape)?;
        target.copy_from_slice(&self.to_vec()?);
        Ok(())
    }

    fn bytes(&self) -> Result<&[u8]> {
        let array = self.raw.contents.wait()?;
        let len = host::byte_len(T::SCALAR, &self.shape)?;
        let start = self.start * size_of::<T>();
        array.bytes.get(start..start + len).ok_or_else(|| Error::internal("a view outside of its buffer"))
    }
}

impl<T> Clone for BufferView<T> {
    fn clone(&self) -> BufferView<T> {
        BufferView {
            raw: self.raw.clone(),
            start: self.start,
            shape: self.shape.clone(),
            element: PhantomData,
        }
    }
}

impl<T: Element> fmt::Debug for BufferView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BufferView<{}>{:?}", T::SCALAR, self.shape)
    }
}

fn check_count(elements: usize, shape: &[usize]) -> Result<()> {
    let wanted = host::element_count(shape)?;
    match elements == wanted {
        true => Ok(()),
        false => {
            let message = format!("{elements} elements do not fill the shape {shape:?}, which has {wanted}");
            Err(Error::new(ErrorKind::Shape, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Backend, Context, Device, ErrorKind, Result};

    fn context() -> Context {
        Device::default_for(Backend::Interp).and_then(|device| Context::new(&device)).expect("always there")
    }

    #[test]
    fn views_are_parts_of_the_contents() -> Result<()> {
        let table = context().buffer_from_shape(&[1u8, 2, 3, 4, 5, 6], &[3, 2])?;
        assert_eq!(table.slice(1..3)?.to_vec()?, [3, 4, 5, 6]);
        assert_eq!(table.slice(1..3)?.slice(1..2)?.to_vec()?, [5, 6]);
        assert_eq!(table.view()?.reshape(&[2, 3])?.slice(0..1)?.to_vec()?, [1, 2, 3]);
        assert!(table.slice(3..3)?.to_vec()?.is_empty());
        let mut target = [0; 4];
        table.slice(0..2)?.copy_to(&mut target)?;
        assert_eq!(target, [1, 2, 3, 4]);
        Ok(())
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "such a range is what is tested")]
    fn parts_outside_are_errors() -> Result<()> {
        let table = context().buffer_from(&[true, false])?;
        for range in [0..3, 3..3, usize::MAX - 1..usize::MAX] {
            assert_eq!(table.slice(range).unwrap_err().kind(), ErrorKind::OutOfBounds);
        }
        assert!(table.slice(9..1)?.to_vec()?.is_empty());
        assert_eq!(table.view()?.reshape(&[3]).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(table.view()?.copy_to(&mut [true]).unwrap_err().kind(), ErrorKind::Shape);
        Ok(())
    }

    #[test]
    fn one_element_is_a_value() -> Result<()> {
        let context = context();
        assert_eq!(context.buffer_from_shape(&[2.5f64], &[])?.value()?, 2.5);
        assert_eq!(context.buffer_from::<f64>(&[])?.value().unwrap_err().kind(), ErrorKind::Shape);
        Ok(())
    }

    #[test]
    fn impossible_shapes_are_refused() {
        let kind = |shape: &[usize]| context().zeros::<f64>(shape).unwrap_err().kind();
        assert_eq!(kind(&[usize::MAX, 2]), ErrorKind::TooLarge);
        assert_eq!(kind(&[1 << 58]), ErrorKind::OutOfMemory);
        let mismatch = context().buffer_from_shape(&[1.0f32; 5], &[2, 3]).unwrap_err();
        assert_eq!(mismatch.to_string(), "5 elements do not fill the shape [2, 3], which has 6");
    }
}
