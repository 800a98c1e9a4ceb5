//! Columns of CSV files, read without trust in them: a record has a longest length, and memory is asked for, not taken.

use crate::{
    elements::Elements,
    quote::{quote, quote_all},
    scalar,
};
use anyhow::{Context, Result, anyhow, bail};
use csv::ByteRecord;
use pk::{Scalar, Value};
use std::{
    fs::File,
    io::{self, Read},
};

/// The longest record that is read, in bytes. A quotation mark without its partner makes one of the rest of the file.
const MAX_RECORD: usize = 1 << 20;

/// The column of this name, or of this number from 0, of a file.
pub(crate) fn read_file(scalar: Scalar, path: &str, column: &str) -> Result<Value<'static>> {
    let file = File::open(path).with_context(|| format!("{path}: cannot read"))?;
    read(scalar, path, file, column)
}

/// As [`read_file`], from any source of bytes.
fn read(scalar: Scalar, path: &str, source: impl Read, column: &str) -> Result<Value<'static>> {
    let leash = Leash { source, left: MAX_RECORD };
    // Records of another length than the first are told apart here, in words of our own.
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(leash);
    let names = reader.byte_headers().map_err(|error| told(path, error))?.clone();
    let position = find(&names, path, column)?;
    let mut elements = Elements::new(scalar);
    let mut record = ByteRecord::new();
    loop {
        reader.get_mut().left = MAX_RECORD;
        if !reader.read_byte_record(&mut record).map_err(|error| told(path, error))? {
            return elements.into_value();
        }
        let line = record.position().map_or(0, csv::Position::line);
        let field = record.get(position).filter(|_| record.len() == names.len());
        let field = field.ok_or_else(|| {
            let (found, wanted) = (record.len(), names.len());
            anyhow!("{path}, line {line}: the number of fields is {found}, but {wanted} in the first line")
        })?;
        let value = scalar::parse(scalar, &String::from_utf8_lossy(field));
        elements.push(value.with_context(|| format!("{path}, line {line}, column {}", quote(column)))?)?;
    }
}

/// The position of a column.
fn find(names: &ByteRecord, path: &str, column: &str) -> Result<usize> {
    if names.is_empty() {
        bail!("{path} is empty");
    }
    let by_number = || column.parse().ok().filter(|number| *number < names.len());
    let position = names.iter().position(|name| name == column.as_bytes()).or_else(by_number);
    position.ok_or_else(|| {
        let names = names.iter().map(String::from_utf8_lossy).collect::<Vec<_>>();
        anyhow!("{path} has no column {}; it has {}", quote(column), quote_all(names.iter()))
    })
}

fn told(path: &str, error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(cause) => anyhow::Error::new(cause).context(format!("{path}: cannot read")),
        _ => anyhow!("{path} is no CSV file"),
    }
}

/// A source that ends with an error once a record has become too long.
struct Leash<R> {
    source: R,
    /// How many bytes may still come before the end of the record.
    left: usize,
}

impl<R: Read> Read for Leash<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(target)?;
        let too_long = || io::Error::other(format!("a record of more than {MAX_RECORD} bytes"));
        self.left = self.left.checked_sub(count).ok_or_else(too_long)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(text: &[u8], name: &str) -> String {
        match read(Scalar::F32, "t.csv", text, name) {
            Ok(value) => format!("{value:?}"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn files_of_all_systems_are_read() {
        for text in
            ["a,p\n1,2\n3,4\n", "\u{feff}a, p \r\n1,2\r\n3,4", "a,p\r1,2\r3, 4 \r", "a,\"p\"\n\n1,\"2\"\n3,4"]
        {
            assert_eq!(column(text.as_bytes(), "p"), "Value([f32; 2])", "{text:?}");
            assert_eq!(column(text.as_bytes(), "1"), "Value([f32; 2])", "{text:?}");
        }
        assert_eq!(column(b"p\n", "p"), "Value([f32; 0])");
        // Bytes that are no text matter only where they are read.
        assert_eq!(column(b"n,p\n\xff,1\n", "p"), "Value([f32; 1])");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (text, message) in [
            ("", "t.csv is empty"),
            ("a;p\n1;2\n", "t.csv has no column `p`; it has `a;p`"),
            ("p\x1b[31m\n1\n", "t.csv has no column `p`; it has `p\\u{1b}[31m`"),
            ("a,p\n1,2\n3\n", "t.csv, line 3: the number of fields is 1, but 2 in the first line"),
            ("a,p\n1,2,3\n", "t.csv, line 2: the number of fields is 3, but 2 in the first line"),
            ("p\n1\n1,5\n", "t.csv, line 3: the number of fields is 2, but 1 in the first line"),
            ("p,a\n,1\n", "t.csv, line 2, column `p`: nothing stands where `f32` is wanted"),
            ("p\n\"1\n2\n", "t.csv, line 2, column `p`: `1\\n2` is no `f32`"),
            ("p\n1\0\n", "t.csv, line 2, column `p`: `1\\u{0}` is no `f32`"),
        ] {
            assert_eq!(column(text.as_bytes(), "p"), message, "{text:?}");
        }
        assert_eq!(column(b"p\n1\xff\n", "p"), "t.csv, line 2, column `p`: `1\u{fffd}` is no `f32`");
    }

    #[test]
    fn long_records_and_names_are_not_repeated() {
        let digits = format!("p\n{}\n", "1".repeat(MAX_RECORD / 2));
        assert!(column(digits.as_bytes(), "p").len() < 200);
        let names: Vec<String> = (0..20_000).map(|number| format!("c{number}")).collect();
        assert!(column(names.join(",").as_bytes(), "p").len() < 300);
    }

    #[test]
    fn endless_records_cost_no_more_than_the_longest() {
        let too_long = "t.csv: cannot read: a record of more than 1048576 bytes";
        for byte in [0, b'1', b','] {
            for start in [&b"p\n1\n2"[..], b"p\n\"1\n2\n"] {
                let error =
                    read(Scalar::F32, "t.csv", start.chain(io::repeat(byte)), "p").expect_err("endless");
                assert_eq!(format!("{error:#}"), too_long);
            }
        }
        let lines = b"p\n".iter().chain(b"1234567\n".iter().cycle().take(4 * MAX_RECORD)).copied();
        assert_eq!(column(&lines.collect::<Vec<u8>>(), "p"), format!("Value([f32; {}])", MAX_RECORD / 2));
    }
}
