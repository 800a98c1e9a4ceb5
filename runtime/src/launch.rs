//! Launches: kernels that run on a queue, with their results in buffers.

#[cfg(test)]
mod tests;

use crate::{
    argument::{Argument, Arguments, Value},
    buffer::{Buffer, Contents, RawBuffer},
    describe,
    driver::{self, AlignedBytes, Destination, Few},
    element::Element,
    error::{Error, ErrorKind, Result},
    event::{Event, EventState},
    host::{self, HostArray},
    kernel::{self, Kernel},
    loaded::{Control, Loaded},
    options::LaunchOptions,
    output::{Wanted, check_results},
    queue::Queue,
    thread,
};
use pk_dsl::{
    scalar::Scalar,
    signature::{ResultType, Signature},
};
use std::sync::Arc;

/// A launch that is being described; [`Launch::run`] starts it.
///
/// ```
/// # use pk_runtime::*;
/// # let context = Context::new(&Device::default_for(Backend::Interp)?)?;
/// let program = Program::compile(&context, "kernel double(x: [f32; n]) -> [f32; n] = 2.0 * x;")?;
/// let x = context.buffer_from(&[1.0f32, 2.0])?;
/// let mut y = context.zeros::<f32>(&[2])?;
/// let double = program.kernel("double")?;
/// double.launch(&context.default_queue()).arg(&x).into(&mut y).run()?.wait()?;
/// assert_eq!(y.to_vec()?, [2.0, 4.0]);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "a launch does nothing until it is run"]
pub struct Launch<'a> {
    kernel: &'a Kernel,
    queue: &'a Queue,
    args: Result<Vec<Value<'static>>>,
    targets: Vec<&'a mut RawBuffer>,
    options: LaunchOptions,
}

impl<'a> Launch<'a> {
    pub(crate) fn new(kernel: &'a Kernel, queue: &'a Queue) -> Launch<'a> {
        Launch { kernel, queue, args: Ok(Vec::new()), targets: Vec::new(), options: LaunchOptions::default() }
    }

    /// Adds an argument: a scalar or a buffer. The launch keeps what the buffer holds now.
    pub fn arg(self, arg: impl Argument<'static>) -> Launch<'a> {
        self.extend(arg.into_value().map(|value| [value]))
    }

    /// Adds arguments.
    pub fn args(self, args: impl Arguments<'static>) -> Launch<'a> {
        self.extend(args.into_values())
    }

    /// Lets the next result go into `buffer`, whose shape must be that of the result. Give one for each result, or
    /// none.
    pub fn into<T: Element>(self, buffer: &'a mut Buffer<T>) -> Launch<'a> {
        self.into_raw(&mut buffer.raw)
    }

    /// As [`Launch::into`], for a buffer whose type is known only at run time.
    pub fn into_raw(mut self, buffer: &'a mut RawBuffer) -> Launch<'a> {
        self.targets.push(buffer);
        self
    }

    /// Runs as `options` say.
    pub fn options(mut self, options: &LaunchOptions) -> Launch<'a> {
        self.options = options.clone();
        self
    }

    /// Queues the launch and returns at once. Its faults are the errors of waiting for the event, and of reading the
    /// buffers that it was to write.
    ///
    /// # Errors
    /// [`ErrorKind::ArgumentCount`], [`ErrorKind::ArgumentType`], [`ErrorKind::Shape`],
    /// [`ErrorKind::ForeignObject`].
    pub fn run(mut self) -> Result<Event> {
        let targets = std::mem::take(&mut self.targets);
        let (contents, work) = self.prepare(&targets)?;
        let event = work.event.clone();
        let work = QueuedRun { recycled: replace(targets, &contents), ..work };
        self.queue.submit(Box::new(move || work.run()));
        Ok(Event::new(event))
    }

    /// Queues the launch and returns at once, with new buffers for the results: a [`Buffer`], or a tuple of them.
    /// A scalar result is a buffer of one element.
    ///
    /// # Errors
    /// As for [`Launch::run`]; [`ErrorKind::ResultType`] if the results are of other types.
    pub fn run_with_results<R: FromBuffers>(self) -> Result<(R, Event)> {
        R::check(self.kernel.signature())?;
        if !self.targets.is_empty() {
            let message = "the results of a launch go into given buffers or into new ones, not both";
            return Err(Error::new(ErrorKind::ArgumentCount, message));
        }
        let (contents, work) = self.prepare(&[])?;
        let event = work.event.clone();
        self.queue.submit(Box::new(move || work.run()));
        let context = self.kernel.context().id();
        let mut buffers = contents.into_iter().map(|contents| RawBuffer { context, contents });
        Ok((R::from_buffers(&mut buffers)?, Event::new(event)))
    }

    fn extend(mut self, values: Result<impl IntoIterator<Item = Value<'static>>>) -> Launch<'a> {
        self.args = self.args.and_then(|mut args| {
            args.extend(values?);
            Ok(args)
        });
        self
    }

    /// Makes all checks; gives the contents to be, and the work that makes them.
    fn prepare(&self, targets: &[&mut RawBuffer]) -> Result<(Vec<Arc<Contents>>, QueuedRun)> {
        let values = self.args.clone()?;
        self.kernel.check_owner(self.queue.context(), "a queue")?;
        let sizes = self.kernel.bind(&values)?;
        let results = &self.kernel.signature().results;
        let shapes: Vec<_> =
            results.iter().map(|result| self.kernel.binder().result_shape(result, &sizes)).collect();
        self.check_targets(targets, &shapes)?;
        let loaded = self.kernel.load()?.clone();
        let mut control = Control::new(&self.options, self.kernel.threads(&self.options)?);
        let event = Arc::new(EventState::new(control.cancel_flag()));
        let contents: Vec<Arc<Contents>> = results
            .iter()
            .zip(shapes)
            .map(|(result, shape)| Arc::new(Contents::pending(result.scalar, shape, event.clone())))
            .collect();
        let recycled = contents.iter().map(|_| None).collect();
        let work = QueuedRun { loaded, sizes, values, contents: contents.clone(), recycled, control, event };
        Ok((contents, work))
    }

    fn check_targets(&self, targets: &[&mut RawBuffer], shapes: &[Vec<Option<usize>>]) -> Result<()> {
        let signature = self.kernel.signature();
        if !targets.is_empty() && targets.len() != signature.results.len() {
            let results = signature.results.len();
            let message =
                format!("kernel `{}` has {results} results, {} buffers given", signature.name, targets.len());
            return Err(Error::new(ErrorKind::ArgumentCount, message));
        }
        for ((target, result), shape) in targets.iter().zip(&signature.results).zip(shapes) {
            self.kernel.check_owner(target.context, "a buffer")?;
            check_target(signature, result, shape, &target.contents)?;
        }
        Ok(())
    }
}

/// Gives each target its new contents; returns the old ones.
fn replace(targets: Vec<&mut RawBuffer>, contents: &[Arc<Contents>]) -> Vec<Option<Arc<Contents>>> {
    let mut old: Vec<_> = contents.iter().map(|_| None).collect();
    for ((target, new), old) in targets.into_iter().zip(contents).zip(&mut old) {
        *old = Some(std::mem::replace(&mut target.contents, new.clone()));
    }
    old
}

fn check_target(
    signature: &Signature,
    result: &ResultType,
    shape: &[Option<usize>],
    target: &Contents,
) -> Result<()> {
    let is_same_type = target.scalar == result.scalar && target.shape.len() == shape.len();
    let agree = |(a, b): (&Option<usize>, &Option<usize>)| a.is_none() || b.is_none() || a == b;
    if is_same_type && target.shape.iter().zip(shape).all(agree) {
        return Ok(());
    }
    let name = if result.name.is_empty() { String::new() } else { format!(" `{}`", result.name) };
    let message = format!(
        "the result{name} of kernel `{}` is `{}`, here {}; the buffer given is {}",
        signature.name,
        describe::result_type(signature, result),
        shape_text(result.scalar, shape),
        shape_text(target.scalar, &target.shape),
    );
    let kind = if is_same_type { ErrorKind::Shape } else { ErrorKind::ArgumentType };
    Err(Error::new(kind, message))
}

fn shape_text(scalar: Scalar, shape: &[Option<usize>]) -> String {
    let extents: Vec<String> =
        shape.iter().map(|extent| extent.map_or("_".to_string(), |extent| extent.to_string())).collect();
    if extents.is_empty() { format!("`{scalar}`") } else { format!("`[{scalar}; {}]`", extents.join(", ")) }
}

/// A launch in a queue. It owns what it needs, so that handles may be dropped in any order.
struct QueuedRun {
    loaded: Arc<Loaded>,
    sizes: Few<i64>,
    values: Vec<Value<'static>>,
    /// What the results become.
    contents: Vec<Arc<Contents>>,
    /// Contents that the results replace; their memory is used again if nobody else can see it.
    recycled: Vec<Option<Arc<Contents>>>,
    control: Control,
    event: Arc<EventState>,
}

impl QueuedRun {
    fn run(self) {
        let QueuedRun { loaded, sizes, values, contents, recycled, control, event } = self;
        event.start();
        let arrays =
            thread::contain_panics(|| execute(&loaded, sizes, &values, &contents, recycled, &control));
        let result = match arrays.and_then(|arrays| arrays) {
            Ok(arrays) => {
                contents.iter().zip(arrays).for_each(|(contents, array)| contents.set(Ok(array)));
                Ok(())
            }
            Err(error) => {
                contents.iter().for_each(|contents| contents.set(Err(error.clone())));
                Err(error)
            }
        };
        // These go first, so that whoever waited finds their memory free to be used again.
        drop((values, contents));
        event.end(result);
    }
}

fn execute(
    loaded: &Loaded,
    sizes: Few<i64>,
    values: &[Value<'static>],
    contents: &[Arc<Contents>],
    recycled: Vec<Option<Arc<Contents>>>,
    control: &Control,
) -> Result<Vec<HostArray>> {
    let args = values.iter().map(kernel::driver_arg).collect::<Result<Vec<_>>>()?;
    let mut memory: Vec<Option<AlignedBytes>> =
        contents.iter().zip(recycled).map(|(new, old)| recycle(new, old?)).collect();
    let mut destinations: Vec<Option<&mut dyn Destination>> =
        memory.iter_mut().map(|bytes| Some(bytes.as_mut()? as _)).collect();
    let mut job = control.job(&sizes, &args, &mut destinations);
    loaded.run(&mut job, control)?;
    let returned = job.outputs;
    let outputs = contents.iter().zip(memory).zip(returned);
    outputs.map(|((contents, memory), output)| host_array(contents, memory, output)).collect()
}

/// Memory for the new contents from the old ones.
fn recycle(new: &Contents, old: Arc<Contents>) -> Option<AlignedBytes> {
    let shape = new.known_shape()?;
    match shape.is_empty() {
        true => None,
        false => Contents::recycle(old, host::byte_len(new.scalar, &shape).ok()?),
    }
}

fn host_array(
    contents: &Contents,
    memory: Option<AlignedBytes>,
    output: driver::Output,
) -> Result<HostArray> {
    let scalar = contents.scalar;
    match output {
        driver::Output::InPlace => match (contents.known_shape(), memory) {
            (Some(shape), Some(bytes)) => Ok(HostArray { scalar, shape, bytes }),
            _ => Err(Error::internal("a result that is nowhere")),
        },
        driver::Output::Scalar(value) => {
            let mut array = HostArray::zeroed(scalar, &[])?;
            value.write_ne_bytes(&mut array.bytes);
            Ok(array)
        }
        driver::Output::Array(array) => {
            Ok(HostArray { scalar, shape: array.shape.into_vec(), bytes: array.bytes })
        }
    }
}

/// Buffers for all results of a launch: a [`Buffer`], a tuple of them, or a vector of [`RawBuffer`]s.
pub trait FromBuffers: Sized {
    /// Checks that the results of this kernel fit.
    ///
    /// # Errors
    /// [`ErrorKind::ResultType`] if they do not.
    fn check(signature: &Signature) -> Result<()>;

    /// The buffers with their types.
    ///
    /// # Errors
    /// [`ErrorKind::ResultType`] if [`FromBuffers::check`] does not hold of the kernel that writes them.
    fn from_buffers(buffers: &mut dyn Iterator<Item = RawBuffer>) -> Result<Self>;
}

impl<T: Element> FromBuffers for Buffer<T> {
    fn check(signature: &Signature) -> Result<()> {
        check_results(signature, &[buffer_type::<T>()])
    }

    fn from_buffers(buffers: &mut dyn Iterator<Item = RawBuffer>) -> Result<Buffer<T>> {
        let typed = buffers.next().and_then(RawBuffer::typed);
        typed.ok_or_else(|| Error::new(ErrorKind::ResultType, "the kernel has results of other types"))
    }
}

/// For programs that learn the types of the results only at run time.
impl FromBuffers for Vec<RawBuffer> {
    fn check(_: &Signature) -> Result<()> {
        Ok(())
    }

    fn from_buffers(buffers: &mut dyn Iterator<Item = RawBuffer>) -> Result<Vec<RawBuffer>> {
        Ok(buffers.collect())
    }
}

fn buffer_type<T: Element>() -> Wanted {
    (|result| result.scalar == T::SCALAR, || format!("Buffer<{}>", T::SCALAR))
}

macro_rules! buffers_of_tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Element),+> FromBuffers for ($(Buffer<$name>,)+) {
            fn check(signature: &Signature) -> Result<()> {
                check_results(signature, &[$(buffer_type::<$name>()),+])
            }

            fn from_buffers(buffers: &mut dyn Iterator<Item = RawBuffer>) -> Result<Self> {
                Ok(($(Buffer::<$name>::from_buffers(buffers)?,)+))
            }
        }
    )+};
}
buffers_of_tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}
