//! What a call of a kernel returns.

use crate::{
    describe, driver,
    element::{Element, ElementVec},
    error::{Error, ErrorKind, Result},
};
use pk_dsl::{
    scalar::{Const, Scalar},
    signature::{ResultType, Signature},
};

/// All results of a call, for programs that learn their types only at run time.
#[derive(Debug)]
pub struct Outputs(Vec<Output>);

/// One result.
pub struct Output {
    name: String,
    scalar: Scalar,
    shape: Vec<usize>,
    elements: ElementVec,
}

impl Outputs {
    /// The results in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Output> {
        self.0.iter()
    }

    /// The result named `name`: a field of the kernel's result type, its position, or empty if that is no tuple.
    pub fn get(&self, name: &str) -> Option<&Output> {
        self.0.iter().find(|output| output.name == name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Outputs {
    type Item = Output;
    type IntoIter = std::vec::IntoIter<Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Output {
    /// The name of the field, or its position; empty if the result is no tuple.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements, or of the scalar.
    pub fn scalar(&self) -> Scalar {
        self.scalar
    }

    /// The extents, outermost first; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row-major in native byte order.
    pub fn bytes(&self) -> &[u8] {
        self.elements.bytes()
    }

    /// The element at this position in row-major order.
    pub fn element(&self, position: usize) -> Option<Const> {
        let bytes = self.bytes().chunks_exact(self.scalar.bytes()).nth(position)?;
        Some(Const::from_ne_bytes(self.scalar, bytes))
    }

    /// The elements, row-major.
    ///
    /// # Errors
    /// [`ErrorKind::ResultType`] if they are of another type.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>> {
        let scalar = self.scalar;
        self.elements.into_vec().ok_or_else(|| {
            let message = format!("the elements are of type `{scalar}`, asked for as `{}`", T::SCALAR);
            Error::new(ErrorKind::ResultType, message)
        })
    }

    /// A result with memory for the elements.
    pub(crate) fn zeroed(result: &ResultType, shape: Vec<usize>) -> Result<Output> {
        let bytes = crate::host::byte_len(result.scalar, &shape)?;
        let elements = ElementVec::zeroed(result.scalar, bytes / result.scalar.bytes());
        let elements = elements.ok_or_else(|| Error::out_of_memory(bytes as u64))?;
        Ok(Output { name: result.name.clone(), scalar: result.scalar, shape, elements })
    }

    /// Where a driver may write the elements.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.elements.bytes_mut()
    }

    /// What a driver returned for `result`, where it was not written in place.
    pub(crate) fn returned(result: &ResultType, output: driver::Output) -> Result<Output> {
        match output {
            driver::Output::Scalar(value) => {
                let mut output = Output::zeroed(result, Vec::new())?;
                value.write_ne_bytes(output.bytes_mut());
                Ok(output)
            }
            driver::Output::Array { shape, bytes: Some(bytes) } => {
                let mut output = Output::zeroed(result, shape)?;
                match output.bytes().len() == bytes.len() {
                    true => output.bytes_mut().copy_from_slice(&bytes),
                    false => {
                        return Err(Error::internal("a result with a length that is not that of its shape"));
                    }
                }
                Ok(output)
            }
            driver::Output::Array { bytes: None, .. } => Err(Error::internal("a result that is nowhere")),
        }
    }

    fn describe(&self) -> String {
        describe::value_type(self.scalar, &self.shape)
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.describe())
    }
}

/// A Rust type for one result: a scalar, a `Vec` for an array of any rank, row-major, or with feature `ndarray` an
/// `ndarray` array.
pub trait FromOutput: Sized {
    /// The type as messages call it.
    fn description() -> String;

    /// Whether a result of this type can become one.
    fn accepts(result: &ResultType) -> bool;

    /// The result as this type.
    ///
    /// # Errors
    /// [`ErrorKind::ResultType`] if [`FromOutput::accepts`] does not hold of it.
    fn from_output(output: Output) -> Result<Self>;
}

impl<T: Element> FromOutput for T {
    fn description() -> String {
        T::SCALAR.to_string()
    }

    fn accepts(result: &ResultType) -> bool {
        result.scalar == T::SCALAR && result.dims.is_empty()
    }

    fn from_output(output: Output) -> Result<T> {
        match output.into_vec()?[..] {
            [value] => Ok(value),
            _ => Err(Error::new(ErrorKind::ResultType, "an array was asked for as a scalar")),
        }
    }
}

impl<T: Element> FromOutput for Vec<T> {
    fn description() -> String {
        format!("Vec<{}>", T::SCALAR)
    }

    fn accepts(result: &ResultType) -> bool {
        result.scalar == T::SCALAR && !result.dims.is_empty()
    }

    fn from_output(output: Output) -> Result<Vec<T>> {
        output.into_vec()
    }
}

/// A Rust type for all results of a kernel: one [`FromOutput`], a tuple of them, or [`Outputs`].
pub trait FromOutputs: Sized {
    /// Checks that the results of this kernel can become one, before it runs.
    ///
    /// # Errors
    /// [`ErrorKind::ResultType`] if they cannot.
    fn check(signature: &Signature) -> Result<()>;

    /// The results as this type.
    ///
    /// # Errors
    /// [`ErrorKind::ResultType`] if [`FromOutputs::check`] does not hold of them.
    fn from_outputs(outputs: Outputs) -> Result<Self>;
}

impl FromOutputs for Outputs {
    fn check(_: &Signature) -> Result<()> {
        Ok(())
    }

    fn from_outputs(outputs: Outputs) -> Result<Outputs> {
        Ok(outputs)
    }
}

impl<R: FromOutput> FromOutputs for R {
    fn check(signature: &Signature) -> Result<()> {
        check_results(signature, &[(R::accepts, R::description)])
    }

    fn from_outputs(outputs: Outputs) -> Result<R> {
        R::from_output(next(&mut outputs.into_iter())?)
    }
}

macro_rules! results_of_tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: FromOutput),+> FromOutputs for ($($name,)+) {
            fn check(signature: &Signature) -> Result<()> {
                check_results(signature, &[$(($name::accepts, $name::description)),+])
            }

            fn from_outputs(outputs: Outputs) -> Result<Self> {
                let mut outputs = outputs.into_iter();
                Ok(($($name::from_output(next(&mut outputs)?)?,)+))
            }
        }
    )+};
}
results_of_tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}

fn next(outputs: &mut impl Iterator<Item = Output>) -> Result<Output> {
    outputs.next().ok_or_else(|| Error::new(ErrorKind::ResultType, "the kernel has fewer results"))
}

/// A Rust type for a result: whether it can hold one, and what messages call it.
pub(crate) type Wanted = (fn(&ResultType) -> bool, fn() -> String);

pub(crate) fn check_results(signature: &Signature, wanted: &[Wanted]) -> Result<()> {
    let results = &signature.results;
    let is_match = results.len() == wanted.len()
        && results.iter().zip(wanted).all(|(result, (accepts, _))| accepts(result));
    if is_match {
        return Ok(());
    }
    let names: Vec<String> = wanted.iter().map(|(_, name)| name()).collect();
    let asked = if let [single] = &names[..] { single.clone() } else { format!("({})", names.join(", ")) };
    let declared = describe::signature(signature);
    let message = format!("the result of `{declared}` was asked for as `{asked}`");
    Err(Error::new(ErrorKind::ResultType, message))
}

impl Outputs {
    pub(crate) fn new(outputs: Vec<Output>) -> Outputs {
        Outputs(outputs)
    }
}
