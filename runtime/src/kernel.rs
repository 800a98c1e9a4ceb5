//! Kernels: checking arguments, and running with them at once. Running later is the business of `launch`.

use crate::{
    argument::{Arguments, Value, ValueKind},
    bind::Binder,
    buffer::RawBuffer,
    context::{Context, ContextId},
    driver::{self, Few, PerResult},
    error::{Error, ErrorKind, Result},
    launch::Launch,
    loaded::{Control, Loaded},
    options::LaunchOptions,
    output::{FromOutputs, Output, Outputs},
    program::Program,
    queue::Queue,
    thread,
};
use pk_compiler::work::Operations;
use pk_dsl::signature::Signature;
use std::{fmt, sync::Arc};

/// A kernel of a program. It keeps the program alive.
#[derive(Clone)]
pub struct Kernel {
    program: Program,
    index: usize,
}

impl Kernel {
    pub(crate) fn new(program: Program, index: usize) -> Kernel {
        Kernel { program, index }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.signature().name
    }

    /// Its parameters and results.
    pub fn signature(&self) -> &Signature {
        self.program.signature(self.index)
    }

    /// Runs it now and returns its results.
    ///
    /// `args` is a tuple of scalars, slices, buffers and views; the result type is a scalar, a `Vec`, a tuple of them,
    /// or [`Outputs`].
    ///
    /// # Errors
    /// Before anything runs: [`ErrorKind::ArgumentCount`], [`ErrorKind::ArgumentType`], [`ErrorKind::Shape`],
    /// [`ErrorKind::ResultType`], [`ErrorKind::ForeignObject`]. After: the kind of fault, as
    /// [`ErrorKind::OutOfBounds`].
    pub fn call<'a, R: FromOutputs>(&self, args: impl Arguments<'a>) -> Result<R> {
        self.call_with(&LaunchOptions::default(), args)
    }

    /// Runs it now, as `options` say, and returns its results.
    ///
    /// # Errors
    /// As for [`Kernel::call`]; [`ErrorKind::Cancelled`], [`ErrorKind::Timeout`].
    pub fn call_with<'a, R: FromOutputs>(
        &self,
        options: &LaunchOptions,
        args: impl Arguments<'a>,
    ) -> Result<R> {
        R::check(self.signature())?;
        let mut outputs = Outputs(PerResult::new());
        self.call_values(options, args.into_values()?.as_ref(), &mut outputs)?;
        R::from_outputs(outputs)
    }

    /// Makes its code now, which its first call or launch would do else.
    ///
    /// # Errors
    /// [`ErrorKind::Compile`] if it passes a limit.
    pub fn prepare(&self) -> Result<()> {
        self.load().map(|_| ())
    }

    /// How many scalar operations a call with these arguments takes, after optimisation. Nothing runs.
    ///
    /// ```
    /// # use pk_runtime::*;
    /// # let context = Context::new(&Device::default_for(Backend::Interp)?)?;
    /// let program = Program::compile(&context, "kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);")?;
    /// let operations = program.kernel("dot")?.operations((&[1.0f32; 100], &[1.0f32; 100]))?;
    /// assert_eq!(operations.total(), 200);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Kernel::call`], before anything runs.
    pub fn operations<'a>(&self, args: impl Arguments<'a>) -> Result<Operations> {
        let values = args.into_values()?;
        let values = values.as_ref();
        let sizes = self.bind(values)?;
        let scalar = |Value(value): &Value<'_>| match value {
            ValueKind::Scalar(value) => Some(*value),
            _ => None,
        };
        let scalars: Vec<_> = values.iter().map(scalar).collect();
        let kernel = self.load()?.ir();
        thread::run_on_big_stack(|| pk_compiler::work::count(kernel, &sizes, &scalars))
    }

    /// Starts to describe a launch on `queue`.
    pub fn launch<'a>(&'a self, queue: &'a Queue) -> Launch<'a> {
        Launch::new(self, queue)
    }

    pub(crate) fn context(&self) -> &Context {
        self.program.context()
    }

    pub(crate) fn load(&self) -> Result<&Arc<Loaded>> {
        self.program.load(self.index)
    }

    pub(crate) fn binder(&self) -> Binder<'_> {
        Binder { signature: self.signature(), source: &self.program.module().source }
    }

    /// Checks arguments; gives the values of the sizes.
    pub(crate) fn bind(&self, values: &[Value<'_>]) -> Result<Few<i64>> {
        self.context().check_process()?;
        for Value(value) in values {
            if let ValueKind::Buffer { buffer, .. } = value {
                self.check_owner(buffer.context, "a buffer")?;
            }
        }
        self.binder().bind(values)
    }

    /// An error unless something of the context `owner` may be used with this kernel.
    pub(crate) fn check_owner(&self, owner: ContextId, what: &str) -> Result<()> {
        match owner == self.context().id() {
            true => Ok(()),
            false => {
                let message = format!("{what} of another context was given to kernel `{}`", self.name());
                Err(Error::new(ErrorKind::ForeignObject, message))
            }
        }
    }

    fn call_values(
        &self,
        options: &LaunchOptions,
        values: &[Value<'_>],
        outputs: &mut Outputs,
    ) -> Result<()> {
        let sizes = self.bind(values)?;
        let loaded = self.load()?;
        let mut args = Few::new();
        for value in values {
            args.push(driver_arg(value)?);
        }
        self.place_results(&sizes, outputs)?;
        let mut destinations = PerResult::new();
        for output in &mut outputs.0 {
            destinations.push(output.destination());
        }
        let control = Control::new(options, self.threads(options)?);
        let mut job = control.job(&sizes, &args, &mut destinations);
        loaded.run(&mut job, &control)?;
        let given = job.outputs;
        drop(destinations);
        outputs.0.iter_mut().zip(given).try_for_each(|(output, given)| output.receive(given))
    }

    /// How many threads a launch may use: what the options say, or else the context.
    pub(crate) fn threads(&self, options: &LaunchOptions) -> Result<Option<usize>> {
        match options.threads {
            Some(threads) => Ok(Some(threads)),
            None => self.context().threads_said(),
        }
    }

    /// The results to be, with memory for arrays of known shape.
    fn place_results(&self, sizes: &[i64], outputs: &mut Outputs) -> Result<()> {
        let results = &self.signature().results;
        outputs.0.resize_with(results.len(), Output::empty);
        let mut pairs = outputs.0.iter_mut().zip(results);
        pairs.try_for_each(|(output, result)| {
            output.expect(result, self.binder().result_extents(result, sizes))
        })
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::describe::signature(self.signature()))
    }
}

/// An argument as a driver takes it, once a buffer's contents are there.
// A few words, which else would go through memory twice.
#[inline(always)]
pub(crate) fn driver_arg<'a>(Value(value): &'a Value<'_>) -> Result<driver::Arg<'a>> {
    Ok(match value {
        ValueKind::Scalar(value) => driver::Arg::Scalar(*value),
        ValueKind::Array { shape, bytes, .. } => driver::Arg::Array { shape, bytes },
        ValueKind::Buffer { buffer, start, shape } => {
            driver::Arg::Array { shape, bytes: viewed_bytes(buffer, *start, shape)? }
        }
    })
}

/// The elements of a view.
fn viewed_bytes<'a>(buffer: &'a RawBuffer, start: usize, shape: &[usize]) -> Result<&'a [u8]> {
    let array = buffer.contents.wait()?;
    let start = start * array.scalar.bytes();
    let len = crate::host::byte_len(array.scalar, shape)?;
    let bytes = array.bytes.get(start..start + len);
    bytes.ok_or_else(|| Error::internal("a view outside of its buffer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CancelToken, testing};
    use insta::assert_snapshot;
    use std::time::Duration;

    #[test]
    fn slices_go_in_and_values_come_out() -> Result<()> {
        for context in testing::contexts() {
            let dot: f32 =
                testing::load(&context, testing::dot()).call((&[1.0f32, 2.0], &vec![3.0f32, 4.0]))?;
            assert_eq!(dot, 11.0);
            let double = testing::load(&context, testing::double());
            assert_eq!(double.call::<Vec<f32>>(&[1.5f32, 2.0][..])?, [3.0, 4.0]);
            assert_eq!(double.call::<Vec<f32>>(&context.buffer_from(&[1.5f32])?)?, [3.0]);
            assert_eq!(double.call::<Vec<f32>>(&[0.0f32; 0])?, []);
            let kept: (Vec<f32>,) =
                testing::load(&context, testing::keep()).call(&[0.0f32, 7.0, 0.0, 8.0])?;
            assert_eq!(kept.0, [7.0, 8.0]);
        }
        Ok(())
    }

    #[test]
    fn untyped_results_know_their_types() -> Result<()> {
        let outputs: Outputs = testing::load(&testing::context(), testing::double()).call(&[1.0f32, 2.0])?;
        let output = outputs.get("").expect("the only result");
        assert_eq!(
            (output.shape(), output.element(1).map(|value| value.to_string())),
            (&[2][..], Some("4.0".into()))
        );
        assert_eq!(output.element(2), None);
        Ok(())
    }

    #[test]
    fn arguments_are_checked_before_anything_runs() {
        let dot = testing::load(&testing::context(), testing::dot());
        let error = dot.call::<f32>((&[1.0f32, 2.0],)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ArgumentCount);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0204]: kernel `dot` takes 2 arguments, 1 given
          ┌─ test.pk:1:8
          │
        1 │ kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
          │        ^^^
          │
          = help: its signature is `kernel dot(x: [f32; n], y: [f32; n]) -> f32`
        ");
        let error = dot.call::<f32>((&[1.0f32, 2.0], &[1.0f64, 2.0])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ArgumentType);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0201]: argument `y` must be `[f32; n]`, `[f64; 2]` given
          ┌─ test.pk:1:25
          │
        1 │ kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
          │                         ^^^^^^^^^^^ declared here
        ");
        let table = Value::array(&[1.0f32, 2.0], &[1, 2]).expect("two elements");
        let error = dot.call::<f32>((table, 1.0f32)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        assert_snapshot!(error, @"test.pk:1:12: argument `x` must be `[f32; n]`, `[f32; 1, 2]` given");
    }

    #[test]
    fn shapes_that_do_not_agree_are_both_shown() {
        let dot = testing::load(&testing::context(), testing::dot());
        let error = dot.call::<f32>((&[1.0f32, 2.0, 3.0], &[1.0f32, 2.0])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        assert_snapshot!(format!("{error:#}"), @"
        error[E0501]: axis 0 of argument `y` has length 2, not 3
          ┌─ test.pk:1:34
          │
        1 │ kernel dot(x: [f32; n], y: [f32; n]) -> f32 = sum(x * y);
          │                     -            ^ `y` is a `[f32; 2]`, but `n` is 3
          │                     │
          │                     `n` is 3 because `x` is a `[f32; 3]`
        ");
    }

    #[test]
    fn results_of_another_type_are_refused() {
        let dot = testing::load(&testing::context(), testing::dot());
        let error = dot.call::<(f64, Vec<i32>)>((&[1.0f32], &[1.0f32])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResultType);
        assert_snapshot!(error, @"the result of `kernel dot(x: [f32; n], y: [f32; n]) -> f32` was asked for as `(f64, Vec<i32>)`");
    }

    #[test]
    fn a_fault_is_an_error_unless_ignored() -> Result<()> {
        for context in testing::contexts() {
            let next = testing::load(&context, testing::next());
            let error = next.call::<Vec<f32>>(&[1.0f32, 2.0, 3.0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfBounds);
            let fault = error.fault().expect("a fault");
            assert_eq!((fault.element, fault.index, fault.length), (Some(2), 3, 3));
            let ignore = LaunchOptions::new().ignore_faults(true);
            assert_eq!(next.call_with::<Vec<f32>>(&ignore, &[1.0f32, 2.0, 3.0])?, [2.0, 3.0, 0.0]);
        }
        Ok(())
    }

    #[test]
    fn objects_of_other_contexts_are_refused() -> Result<()> {
        let dot = testing::load(&testing::context(), testing::double());
        let foreign = testing::context().buffer_from(&[1.0f32])?;
        assert_eq!(dot.call::<Vec<f32>>(&foreign).unwrap_err().kind(), ErrorKind::ForeignObject);
        Ok(())
    }

    #[test]
    fn launches_can_be_limited_in_time_and_cancelled() {
        let many = vec![1.0f32; 200_000];
        for context in testing::contexts() {
            let spin = testing::load(&context, testing::spin());
            let limit = LaunchOptions::new().time_limit(Duration::from_millis(20));
            assert_eq!(spin.call_with::<Vec<f32>>(&limit, &many).unwrap_err().kind(), ErrorKind::Timeout);
            let token = CancelToken::new();
            token.cancel();
            let cancelled = LaunchOptions::new().cancel_token(&token);
            assert_eq!(
                spin.call_with::<Vec<f32>>(&cancelled, &many).unwrap_err().kind(),
                ErrorKind::Cancelled
            );
        }
    }

    #[test]
    fn first_launches_at_once_share_one_compilation() {
        let double = testing::load(&testing::context(), testing::double());
        let loaded: Vec<usize> = std::thread::scope(|scope| {
            let load = || Arc::as_ptr(double.load().expect("it compiles")) as usize;
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(load)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(loaded.iter().all(|address| *address == loaded[0]));
    }

    #[test]
    fn handles_cross_threads() {
        fn assert_send_and_sync<T: Send + Sync>() {}
        assert_send_and_sync::<(Kernel, Program, Context, Queue, crate::Event)>();
        assert_send_and_sync::<(crate::Buffer<f32>, crate::BufferView<bool>, CancelToken, Error, Outputs)>();
        assert_send_and_sync::<(Value<'static>, LaunchOptions, crate::Options, crate::Device)>();
    }
}
