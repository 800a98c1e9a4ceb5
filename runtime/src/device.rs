//! What kernels can run on.

use crate::{
    driver::Driver,
    error::{Error, ErrorKind, Result},
};
use std::fmt;

/// A way of running kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The reference interpreter: slow, needs no executable memory, defines what the others must compute.
    Interp,
    /// Machine code for this CPU.
    Cpu,
}

impl Backend {
    /// Every back end, the preferred ones first, whether or not it is there.
    pub const ALL: [Backend; 2] = [Backend::Cpu, Backend::Interp];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Interp => "interp",
            Backend::Cpu => "cpu",
        }
    }

    pub(crate) fn driver(self) -> Result<Box<dyn Driver>> {
        match self {
            Backend::Interp => Ok(Box::new(crate::driver::interp::InterpDriver)),
            #[cfg(feature = "cpu")]
            Backend::Cpu => Ok(Box::new(crate::driver::cpu::CpuDriver::default())),
            #[cfg(not(feature = "cpu"))]
            Backend::Cpu => Err(unavailable(self)),
        }
    }

    fn is_compiled_in(self) -> bool {
        match self {
            Backend::Interp => true,
            Backend::Cpu => cfg!(feature = "cpu"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that runs kernels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    backend: Backend,
}

impl Device {
    /// Every device of this process, the preferred ones first. There is always at least one.
    ///
    /// ```
    /// # use pk_runtime::{Backend, Device};
    /// assert!(Device::all().iter().any(|device| device.backend() == Backend::Interp));
    /// ```
    pub fn all() -> Vec<Device> {
        Backend::ALL.into_iter().filter_map(|backend| Device::default_for(backend).ok()).collect()
    }

    /// The device that `backend` would choose.
    ///
    /// # Errors
    /// [`ErrorKind::BackendUnavailable`] if the back end was not compiled in.
    pub fn default_for(backend: Backend) -> Result<Device> {
        match backend.is_compiled_in() {
            true => Ok(Device { backend }),
            false => Err(unavailable(backend)),
        }
    }

    /// This CPU.
    #[cfg(feature = "cpu")]
    pub(crate) fn cpu() -> Device {
        Device { backend: Backend::Cpu }
    }

    /// How it runs kernels.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The name of the hardware, or of what stands in for it.
    pub fn name(&self) -> String {
        match self.backend {
            Backend::Interp => "reference interpreter".to_string(),
            Backend::Cpu => cpu_name().unwrap_or_else(|| std::env::consts::ARCH.to_string()),
        }
    }

    /// What is known about it.
    pub fn info(&self) -> DeviceInfo {
        let threads = crate::parallelism::available();
        DeviceInfo {
            threads: if self.backend == Backend::Interp { 1 } else { threads },
            architecture: std::env::consts::ARCH,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend, self.name())
    }
}

/// Facts about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// How many threads this process may run at once on it: what launches use unless they are told otherwise.
    pub threads: usize,
    /// The instruction set, as Rust calls it.
    pub architecture: &'static str,
}

pub(crate) fn unavailable(backend: Backend) -> Error {
    let message =
        format!("the back end `{backend}` is not part of this build of pk (cargo feature `{backend}`)");
    Error::new(ErrorKind::BackendUnavailable, message)
}

/// The CPU's name where the system tells it in a file.
fn cpu_name() -> Option<String> {
    use std::io::Read;

    // The file repeats itself for each CPU, and there may be hundreds.
    let mut start = String::new();
    std::fs::File::open("/proc/cpuinfo").ok()?.take(4096).read_to_string(&mut start).ok()?;
    let line = start.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_device_comes_first() {
        let backends: Vec<Backend> = Device::all().iter().map(Device::backend).collect();
        assert_eq!(backends.last(), Some(&Backend::Interp));
        assert_eq!(backends.contains(&Backend::Cpu), cfg!(feature = "cpu"));
    }

    #[test]
    fn every_device_has_a_name() {
        assert!(Device::all().iter().all(|device| !device.name().is_empty() && device.info().threads >= 1));
    }
}
