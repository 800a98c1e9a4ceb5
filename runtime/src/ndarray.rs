//! Arrays of the crate `ndarray` as arguments and results.

use crate::{
    argument::{Argument, Value, ValueKind},
    element::Element,
    error::{Error, ErrorKind, Result},
    output::{FromOutput, Output},
};
use ndarray::{Array, ArrayBase, ArrayView, Data, Dimension, IxDyn};
use pk_dsl::signature::ResultType;
use std::borrow::Cow;

/// Any layout will do; one that is not row-major and contiguous costs a copy.
impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> Argument<'a> for &'a ArrayBase<S, D> {
    fn into_value(self) -> Result<Value<'a>> {
        match self.as_slice() {
            Some(elements) => Value::array(elements, self.shape()),
            None => copied(self.view()),
        }
    }
}

impl<'a, T: Element, D: Dimension> Argument<'a> for ArrayView<'a, T, D> {
    fn into_value(self) -> Result<Value<'a>> {
        match self.to_slice() {
            Some(elements) => Value::array(elements, self.shape()),
            None => copied(self),
        }
    }
}

fn copied<T: Element, D: Dimension>(view: ArrayView<'_, T, D>) -> Result<Value<'static>> {
    let elements: Vec<T> = view.iter().copied().collect();
    let bytes = Cow::Owned(T::bytes(&elements).to_vec());
    Ok(Value(ValueKind::Array { scalar: T::SCALAR, shape: view.shape().into(), bytes }))
}

impl<T: Element, D: Dimension> FromOutput for Array<T, D> {
    fn description() -> String {
        match D::NDIM {
            Some(rank) => format!("Array<{}, Ix{rank}>", T::SCALAR),
            None => format!("Array<{}, IxDyn>", T::SCALAR),
        }
    }

    fn accepts(result: &ResultType) -> bool {
        result.scalar == T::SCALAR && D::NDIM.is_none_or(|rank| rank == result.dims.len())
    }

    fn from_output(output: Output) -> Result<Array<T, D>> {
        let shape = IxDyn(output.shape());
        let array = Array::from_shape_vec(shape, output.into_vec()?).map_err(Error::internal)?;
        array.into_dimensionality().map_err(|cause| {
            Error::caused(ErrorKind::ResultType, "the result has another number of dimensions", cause)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{ErrorKind, Result, testing};
    use ndarray::{Array1, Array2, ArrayD, array, s};

    #[test]
    fn arrays_of_any_layout_go_in_and_arrays_come_out() -> Result<()> {
        let double = testing::load(&testing::context(), testing::double());
        let x = array![1.0f32, 2.0, 3.0, 4.0];
        assert_eq!(double.call::<Array1<f32>>(&x)?, array![2.0, 4.0, 6.0, 8.0]);
        assert_eq!(double.call::<Array1<f32>>(x.slice(s![..;-2]))?, array![8.0, 4.0]);
        let table = array![[1.0f32, 2.0], [3.0, 4.0]];
        assert_eq!(double.call::<ArrayD<f32>>(table.column(1))?, array![4.0, 8.0].into_dyn());
        Ok(())
    }

    #[test]
    fn ranks_are_checked_on_both_sides() {
        let double = testing::load(&testing::context(), testing::double());
        let table = array![[1.0f32, 2.0], [3.0, 4.0]];
        assert_eq!(double.call::<ArrayD<f32>>(&table).unwrap_err().kind(), ErrorKind::Shape);
        let error = double.call::<Array2<f32>>(&[1.0f32]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResultType);
        assert!(error.to_string().ends_with("asked for as `Array<f32, Ix2>`"), "{error}");
    }
}
