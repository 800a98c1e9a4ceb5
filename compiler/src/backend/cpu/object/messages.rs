//! What an exported function says: a table of the sites of its kernel, then texts that end with 0.

use super::status::{self, Status};
use crate::ir::{Kernel, SiteData};

/// An entry of the table of sites: what to return, and where the message begins; eight bytes each.
pub(super) const SITE_BYTES: i64 = 16;

/// The table of sites and the messages, as they stand in the file.
pub(super) struct Messages(Vec<u8>);

impl Messages {
    /// One entry for each site of `kernel`, and its message.
    pub(super) fn new(kernel: &Kernel, place: &dyn Fn(&SiteData) -> String) -> Messages {
        let mut table = Messages(vec![0; kernel.sites.len() * SITE_BYTES as usize]);
        for (number, (_, site)) in kernel.sites.iter().enumerate() {
            let offset = table.add(&format!("{}: {}", place(site), status::message(site)));
            let entry = &mut table.0[number * SITE_BYTES as usize..][..SITE_BYTES as usize];
            entry[..8].copy_from_slice(&(Status::from(site.kind) as i64).to_ne_bytes());
            entry[8..].copy_from_slice(&offset.to_ne_bytes());
        }
        table
    }

    /// Adds a message; gives its place.
    pub(super) fn add(&mut self, text: &str) -> i64 {
        let offset = self.0.len();
        self.0.extend(text.bytes().filter(|byte| *byte != 0));
        self.0.push(0);
        offset as i64
    }

    /// The contents of the data object.
    pub(super) fn into_bytes(self) -> Box<[u8]> {
        self.0.into_boxed_slice()
    }
}
