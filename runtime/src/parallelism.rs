//! How many threads launches may use: what the host says, or `PK_THREADS`, or what the machine has.

use crate::error::{Error, ErrorKind, Result};
use std::{env, ffi::OsStr, sync::OnceLock};

/// The variable of the environment that says how many threads a context uses.
const VARIABLE: &str = "PK_THREADS";

/// More threads than this are as good as this many.
pub(crate) const MOST: usize = 1024;

/// How many threads may run at once in this process: the processors that it may use, or the share of them that a
/// control group grants it. Found once.
pub(crate) fn available() -> usize {
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    *AVAILABLE.get_or_init(|| std::thread::available_parallelism().map_or(1, |count| count.get()).min(MOST))
}

/// What the environment says, if it says anything.
///
/// # Errors
/// [`ErrorKind::InvalidOption`] if that is no number of threads.
pub(crate) fn from_environment() -> Result<Option<usize>> {
    env::var_os(VARIABLE).map(|text| parse(&text)).transpose()
}

/// A number that a host gives as a number of threads that can be had.
pub(crate) fn clamp(threads: usize) -> usize {
    threads.clamp(1, MOST)
}

fn parse(text: &OsStr) -> Result<usize> {
    let digits = text.to_str().map(str::trim).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.map(str::parse::<usize>) {
        Some(Ok(threads @ 1..)) => Ok(clamp(threads)),
        Some(Err(cause)) if *cause.kind() == std::num::IntErrorKind::PosOverflow => Ok(MOST),
        _ => {
            let text = text.to_string_lossy();
            let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
            let message =
                format!("the environment variable `{VARIABLE}` must be a whole number from 1, not `{shown}`");
            Err(Error::new(ErrorKind::InvalidOption, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn numbers_are_read_and_large_ones_clamped() {
        let parsed = ["1", " 7\n", "1024", "1025", "1000000000", "99999999999999999999"]
            .map(|text| parse(text.as_ref()).ok());
        assert_eq!(parsed, [Some(1), Some(7), Some(1024), Some(1024), Some(1024), Some(1024)]);
        assert_eq!([0, 1, 3, usize::MAX].map(clamp), [1, 1, 3, 1024]);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["0", "-1", "", "abc", "1e9", "2.0", "+3", "0x10", "٣"] {
            let error = parse(text.as_ref()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidOption, "{text}");
        }
        let error = parse("a\u{1b}[31m".as_ref()).unwrap_err();
        assert_snapshot!(error, @r"the environment variable `PK_THREADS` must be a whole number from 1, not `a\u{1b}[31m`");
    }
}
