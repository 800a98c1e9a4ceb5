//! What a call of a kernel returns.

use crate::{
    describe,
    driver::{self, Destination, PerResult, Shape},
    element::{self, Element, ElementVec},
    error::{Error, ErrorKind, Result},
};
use pk_dsl::{
    scalar::{Const, Scalar},
    signature::{ResultType, Signature},
};

/// All results of a call, for programs that learn their types only at run time.
#[derive(Debug)]
pub struct Outputs(pub(crate) PerResult<Output>);

/// One result.
pub struct Output {
    name: String,
    scalar: Scalar,
    shape: Shape,
    elements: Elements,
}

enum Elements {
    /// The driver will say.
    None,
    /// Those of a scalar: as many bytes as its type has, then others.
    One([u8; size_of::<u64>()]),
    /// Those of an array.
    Many(ElementVec),
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
        self.0.into_vec().into_iter()
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
        match &self.elements {
            Elements::None => &[],
            Elements::One(bytes) => &bytes[..self.scalar.bytes()],
            Elements::Many(elements) => elements.bytes(),
        }
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
    pub fn into_vec<T: Element>(mut self) -> Result<Vec<T>> {
        let scalar = self.scalar;
        let elements = match &mut self.elements {
            Elements::Many(elements) => elements.take(),
            _ => self.single().map(|element| vec![element]),
        };
        elements.ok_or_else(|| {
            let message = format!("the elements are of type `{scalar}`, asked for as `{}`", T::SCALAR);
            Error::new(ErrorKind::ResultType, message)
        })
    }

    /// The element of a result that is a scalar of this type.
    fn single<T: Element>(&self) -> Option<T> {
        match &self.elements {
            Elements::One(_) if self.scalar == T::SCALAR => element::from_bytes(self.bytes()),
            _ => None,
        }
    }

    /// Nothing yet.
    pub(crate) fn empty() -> Output {
        Output { name: String::new(), scalar: Scalar::Bool, shape: Shape::new(), elements: Elements::None }
    }

    /// Becomes what `result` says; with room for the elements if it is an array whose `extents` are known.
    pub(crate) fn expect(
        &mut self,
        result: &ResultType,
        extents: impl Iterator<Item = Option<usize>>,
    ) -> Result<()> {
        self.name.push_str(&result.name);
        self.scalar = result.scalar;
        for extent in extents {
            let Some(extent) = extent else {
                self.shape.clear();
                return Ok(());
            };
            self.shape.push(extent);
        }
        if !self.shape.is_empty() {
            let bytes = crate::host::byte_len(self.scalar, &self.shape)?;
            let elements = ElementVec::with_room(self.scalar, bytes / self.scalar.bytes());
            self.elements = Elements::Many(elements.ok_or_else(|| Error::out_of_memory(bytes as u64))?);
        }
        Ok(())
    }

    /// Where a driver may write the elements, if there is memory for them.
    pub(crate) fn destination(&mut self) -> Option<&mut dyn Destination> {
        match &mut self.elements {
            Elements::Many(elements) => Some(elements.destination()),
            _ => None,
        }
    }

    /// Takes what a driver has given.
    pub(crate) fn receive(&mut self, given: driver::Output) -> Result<()> {
        match (given, &self.elements) {
            (driver::Output::InPlace, Elements::Many(_)) => {}
            (driver::Output::InPlace, _) => return Err(Error::internal("a result that is nowhere")),
            (driver::Output::Scalar(value), _) => {
                let mut bytes = [0; size_of::<u64>()];
                value.write_ne_bytes(&mut bytes[..value.scalar().bytes()]);
                self.elements = Elements::One(bytes);
            }
            (driver::Output::Array(array), _) => {
                let driver::OutputArray { shape, bytes } = *array;
                let elements = ElementVec::copied(self.scalar, &bytes);
                let elements = elements.ok_or_else(|| Error::out_of_memory(bytes.len() as u64))?;
                (self.shape, self.elements) = (shape, Elements::Many(elements));
            }
        }
        Ok(())
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
        let wrong = || Error::new(ErrorKind::ResultType, "something else was asked for as a scalar");
        output.single().ok_or_else(wrong)
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

    fn from_outputs(mut outputs: Outputs) -> Result<R> {
        R::from_output(next(&mut outputs.0.drain(..))?)
    }
}

macro_rules! results_of_tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: FromOutput),+> FromOutputs for ($($name,)+) {
            fn check(signature: &Signature) -> Result<()> {
                check_results(signature, &[$(($name::accepts, $name::description)),+])
            }

            fn from_outputs(mut outputs: Outputs) -> Result<Self> {
                let mut outputs = outputs.0.drain(..);
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
