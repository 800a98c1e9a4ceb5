//! Static libraries: `ar` archives with a table of symbols, in the form that GNU, LLVM and musl tools share.

/// What every archive starts with.
const MAGIC: &[u8] = b"!<arch>\n";

/// The length of the header before each member.
const HEADER_BYTES: usize = 60;

/// An archive of one object file, in which linkers find `symbols`; `None` if the file is larger than archives can hold.
pub(crate) fn archive(name: &str, object: &[u8], symbols: &[String]) -> Option<Vec<u8>> {
    let names: Vec<u8> = symbols.iter().flat_map(|symbol| [symbol.as_bytes(), b"\0"].concat()).collect();
    let index_bytes = 4 + 4 * symbols.len() + names.len();
    // A name in a header ends with a slash and has at most 16 bytes; a longer one is in a member of its own.
    let is_long = name.len() > 15;
    let long_names = if is_long { format!("{name}/\n").into_bytes() } else { Vec::new() };
    let mut object_at = MAGIC.len() + HEADER_BYTES + even(index_bytes);
    if is_long {
        object_at += HEADER_BYTES + even(long_names.len());
    }
    let mut index = u32::try_from(symbols.len()).ok()?.to_be_bytes().to_vec();
    let object_at = u32::try_from(object_at).ok()?.to_be_bytes();
    symbols.iter().for_each(|_| index.extend(object_at));
    index.extend(names);
    let mut out = MAGIC.to_vec();
    member(&mut out, "/", &index)?;
    if is_long {
        member(&mut out, "//", &long_names)?;
    }
    member(&mut out, &if is_long { "/0".to_string() } else { format!("{name}/") }, object)?;
    Some(out)
}

/// Appends a member. Times and owners are 0, so that the same program gives the same bytes.
fn member(out: &mut Vec<u8>, name: &str, contents: &[u8]) -> Option<()> {
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, contents.len());
    if header.len() != HEADER_BYTES {
        return None;
    }
    out.extend(header.bytes());
    out.extend(contents);
    if !contents.len().is_multiple_of(2) {
        out.push(b'\n');
    }
    Some(())
}

fn even(bytes: usize) -> usize {
    bytes + bytes % 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_where_the_index_says() {
        for name in ["a.o", "a_name_longer_than_a_header_holds.o"] {
            let symbols = ["one".to_string(), "three".to_string()];
            let bytes = archive(name, b"object", &symbols).expect("it is small");
            let index = MAGIC.len() + HEADER_BYTES;
            assert_eq!(bytes[index..index + 4], 2u32.to_be_bytes());
            let at =
                u32::from_be_bytes(bytes[index + 8..index + 12].try_into().expect("four bytes")) as usize;
            assert_eq!(&bytes[at + HEADER_BYTES..], b"object", "{name}");
            assert!(bytes[at..].starts_with(if name.len() < 16 { b"a.o/ " } else { b"/0   " }));
        }
    }
}
