//! Hostile and odd files: each test names what is wrong with them.

use super::*;
use insta::assert_snapshot;
use std::io::{self, Read};

/// A file with this version, dictionary and data.
fn file(version: u8, dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((dictionary.len() as u16 + 1).to_le_bytes()),
        _ => bytes.extend((dictionary.len() as u32 + 1).to_le_bytes()),
    }
    bytes.extend(dictionary.as_bytes());
    bytes.push(b'\n');
    bytes.extend(data);
    bytes
}

fn dictionary(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

fn read_known(bytes: &[u8]) -> Result<NpyArray, NpyError> {
    read(bytes, Some(bytes.len() as u64))
}

/// The error of reading `bytes` from a file, which must be that of reading them from a pipe but for the offset.
fn error(bytes: &[u8]) -> String {
    read(bytes, None).expect_err("also from a pipe");
    read_known(bytes).expect_err("an error").to_string()
}

fn bytes_of<const N: usize, const M: usize>(values: [[u8; N]; M]) -> Vec<u8> {
    values.concat()
}

#[test]
fn all_versions_and_layouts_of_the_dictionary_are_read() -> Result<(), NpyError> {
    let data = bytes_of([1.5f32, -2.0].map(f32::to_ne_bytes));
    let texts = [
        dictionary("'<f4'", "False", "(2,)"),
        "{ \"shape\":(2,),'fortran_order' :True,'descr':'<f4'}   ".to_string(),
        "\n{'fortran_order': False,\t'descr': '=f4', 'shape': (2 , ) , }\r".to_string(),
    ];
    for version in [1, 2, 3] {
        for text in &texts {
            let array = read_known(&file(version, text, &data))?;
            assert_eq!(array, NpyArray { scalar: Scalar::F32, shape: vec![2], bytes: data.clone() });
        }
    }
    Ok(())
}

#[test]
fn what_is_written_is_read() -> Result<(), NpyError> {
    for scalar in Scalar::ALL {
        for shape in [&[][..], &[0], &[3], &[2, 3], &[1, 0, 5]] {
            let len = shape.iter().product::<usize>() * scalar.bytes();
            let bytes: Vec<u8> = (0..len).map(|at| (at % 2) as u8).collect();
            let mut written = Vec::new();
            write(&mut written, scalar, shape, &bytes).expect("a vector takes all");
            assert_eq!((written.len() - len) % 64, 0);
            assert_eq!(read_known(&written)?, NpyArray { scalar, shape: shape.to_vec(), bytes });
        }
    }
    Ok(())
}

#[test]
fn files_that_are_none_are_refused() {
    let whole = file(1, &dictionary("'<f4'", "False", "(1,)"), &[0; 4]);
    let mut errors: Vec<String> = [0, 5, 7, 9, 40].iter().map(|len| error(&whole[..*len])).collect();
    errors.push(error(b"PK\x03\x04 is a .npz"));
    errors.push(error(&file(4, "", &[])));
    assert_snapshot!(errors.join("\n"), @r"
    the file ends within the magic string of a `.npy` file (at byte 0)
    the file ends within the magic string of a `.npy` file (at byte 5)
    the file ends within the version (at byte 7)
    the file ends within the length of the header (at byte 9)
    the header has 58 bytes, more than the file has left (at byte 8)
    not a `.npy` file: it does not start with `\x93NUMPY` (at byte 0)
    unknown version 4.0 of the format (at byte 6)
    ");
}

#[test]
fn a_long_header_is_refused_before_it_is_allocated() {
    let mut version_1 = file(1, "", &[]);
    version_1[8..10].copy_from_slice(&[255, 255]);
    let mut version_2 = file(2, "", &[]);
    version_2[8..12].copy_from_slice(&[255; 4]);
    assert_snapshot!([error(&version_1), error(&version_2)].join("\n"), @"
    the header has 65535 bytes, more than the file has left (at byte 8)
    the header has 4294967295 bytes, more than the file has left (at byte 8)
    ");
    let from_pipe = read(&version_2[..], None).expect_err("too long");
    assert_snapshot!(from_pipe, @"the header has 4294967295 bytes, more than the 65536 that are read (at byte 8)");
}

#[test]
fn only_the_three_keys_are_understood() {
    let nested = format!("{{'descr': {}", "[".repeat(60_000));
    let texts = [
        "__import__('os').system('true')",
        "{'descr': __import__('os')}",
        &nested,
        "{'descr': '<f4', 'shape': ()}",
        "{'descr': '<f4', 'descr': '<f4'}",
        "{'descr': '<f4', 'colour': 'red'}",
        "{'descr': '<f4', 'fortran_order': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} + {}",
        "{'descr': '\u{e9}4'}",
        "{'descr': 'x",
    ];
    let errors: Vec<String> = texts.iter().map(|text| error(&file(3, text, &[]))).collect();
    assert_snapshot!(errors.join("\n"), @r"
    bad header: expected `{`, found `_` (at byte 12)
    bad header: expected a string, found `_` (at byte 22)
    unsupported type: records and arrays as elements are not read (at byte 22)
    no key `fortran_order` in the header (at byte 12)
    key `descr` twice in the header (at byte 29)
    unknown key `colour` in the header (at byte 29)
    bad header: expected `True` or `False`, found `1` (at byte 46)
    bad header: expected the end of the header, found `+` (at byte 66)
    unsupported type `\xc3\xa94`: save it as bool, an integer type, float32 or float64 (at byte 22)
    bad header: expected a string of less than 64 bytes, found `'` (at byte 22)
    ");
}

#[test]
fn a_header_without_line_feed_is_refused() {
    let mut bytes = file(1, &dictionary("'<f4'", "False", "(0,)"), &[]);
    let last = bytes.len() - 1;
    bytes[last] = b' ';
    assert_snapshot!(error(&bytes), @"the header does not end with a line feed (at byte 68)");
}

#[test]
fn fortran_order_is_transposed() -> Result<(), NpyError> {
    let text = dictionary("'|u1'", "True", "(2, 3)");
    let array = read_known(&file(1, &text, &[1, 4, 2, 5, 3, 6]))?;
    assert_eq!((array.shape, array.bytes), (vec![2, 3], vec![1, 2, 3, 4, 5, 6]));
    let empty = read_known(&file(1, &dictionary("'<f8'", "True", "(3, 0)"), &[]))?;
    assert_eq!((empty.shape, empty.bytes), (vec![3, 0], vec![]));
    Ok(())
}

#[test]
fn byte_orders_are_those_of_the_file() -> Result<(), NpyError> {
    let data = |descr, bytes: &[u8]| read_known(&file(1, &dictionary(descr, "False", "(1,)"), bytes));
    assert_eq!(data("'>f4'", &1.5f32.to_be_bytes())?.bytes, 1.5f32.to_ne_bytes());
    assert_eq!(data("'<i8'", &(-2i64).to_le_bytes())?.bytes, (-2i64).to_ne_bytes());
    assert_eq!(data("'=u2'", &7u16.to_ne_bytes())?.bytes, 7u16.to_ne_bytes());
    assert_eq!(data("'|b1'", &[1])?.scalar, Scalar::Bool);
    assert_eq!(data("'>u1'", &[9])?.bytes, [9]);
    Ok(())
}

#[test]
fn types_that_pk_does_not_have_are_refused_by_name() {
    let types = [
        "'<f2'",
        "'<c8'",
        "'<U8'",
        "'<M8[ns]'",
        "'|V16'",
        "'|f4'",
        "'f4'",
        "''",
        "[('a', '<f4')]",
        "('<f4', (2,))",
    ];
    let errors: Vec<String> =
        types.iter().map(|descr| error(&file(1, &dictionary(descr, "False", "(1,)"), &[0; 16]))).collect();
    assert_snapshot!(errors.join("\n"), @"
    unsupported type `<f2`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type `<c8`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type `<U8`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type `<M8[ns]`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type `|V16`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type `|f4`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type `f4`: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type ``: save it as bool, an integer type, float32 or float64 (at byte 20)
    unsupported type: records and arrays as elements are not read (at byte 20)
    unsupported type: records and arrays as elements are not read (at byte 20)
    ");
}

#[test]
fn objects_are_refused_and_why() {
    assert_snapshot!(error(&file(1, &dictionary("'|O'", "False", "(1,)"), b"\x80\x04.")), @"arrays of Python objects are refused: reading one would run code from the file (at byte 20)");
}

#[test]
fn shapes_are_checked_before_anything_is_allocated() {
    let shapes = [
        "(1099511627776,)",
        "(18446744073709551615, 18446744073709551615)",
        "(1000000000000000000000000000000,)",
        "(-1,)",
        "(3)",
        "(1.5,)",
        "(,)",
    ];
    let mut errors: Vec<String> =
        shapes.iter().map(|shape| error(&file(1, &dictionary("'<f4'", "False", shape), &[0; 10]))).collect();
    let rank_33 = format!("({})", "1,".repeat(33));
    errors.push(error(&file(1, &dictionary("'<f4'", "False", &rank_33), &[0; 4])));
    assert_snapshot!(errors.join("\n"), @"
    the file ends within 4398046511104 bytes of data (at byte 90)
    an array of shape [18446744073709551615, 18446744073709551615] is larger than the address space (at byte 108)
    bad header: expected a length that fits the address space, found `1` (at byte 61)
    bad header: expected a length, found `-` (at byte 61)
    bad header: expected `,`, found `)` (at byte 62)
    bad header: expected `,`, found `.` (at byte 62)
    bad header: expected a length, found `,` (at byte 61)
    bad header: expected at most 32 dimensions, found `1` (at byte 125)
    ");
}

#[test]
fn empty_shapes_are_one_or_no_elements() -> Result<(), NpyError> {
    let read = |shape, data: &[u8]| read_known(&file(1, &dictionary("'|u1'", "False", shape), data));
    assert_eq!(read("()", &[7])?.bytes, [7]);
    assert_eq!(read("(0,)", &[])?.shape, [0]);
    // NumPy would refuse this product, though nothing is there to be too large.
    assert_eq!(read("(0, 18446744073709551615, 2)", &[])?.bytes, []);
    Ok(())
}

#[test]
fn trailing_bytes_are_refused() {
    let bytes = file(1, &dictionary("'|u1'", "False", "(2,)"), &[1, 2, 3]);
    assert_snapshot!(error(&bytes), @"the file goes on after its data (at byte 70)");
}

#[test]
fn a_pipe_costs_no_more_than_it_gives() {
    struct Endless;
    impl Read for Endless {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            target.fill(0);
            Ok(target.len())
        }
    }
    assert_snapshot!(read(Endless, None).expect_err("no magic"), @r"not a `.npy` file: it does not start with `\x93NUMPY` (at byte 0)");
    let huge = file(1, &dictionary("'<f8'", "False", "(1000000000000,)"), &[0; 3_000_000]);
    assert_snapshot!(read(&huge[..], None).expect_err("too short"), @"the file ends within 8000000000000 bytes of data (at byte 3000080)");
    let short = file(1, &dictionary("'|u1'", "False", "(2,)"), &[1, 2]);
    assert!(
        read((&short[..]).chain(Endless), None)
            .expect_err("too long")
            .to_string()
            .starts_with("the file goes on")
    );
}

#[test]
fn directories_and_missing_files_are_errors() {
    let cause = |path: &str| read_file(path.as_ref()).expect_err("no file").cause.map(|cause| cause.kind());
    assert_eq!(cause("/"), Some(io::ErrorKind::IsADirectory));
    assert_eq!(cause("/no/such/file.npy"), Some(io::ErrorKind::NotFound));
}

#[test]
fn every_change_of_a_byte_is_survived() {
    let whole = file(1, &dictionary("'<f4'", "True", "(2, 2)"), &[7; 16]);
    for at in 0..whole.len() {
        for value in [0, b'\'', b'(', b'9', b'{', 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            // What counts is that it returns, with at most the elements that are there.
            if let Ok(array) = read_known(&changed) {
                assert!(array.bytes.len() <= whole.len());
            }
        }
    }
}
