//! The code of small functions, kept by content: what was compiled before is not compiled again.
//!
//! Kernels repeat each other: the step that adds the sums of leaves is the same for every sum of one type, and many hosts
//! compile one text again and again. Bytes are kept, not executable memory: each kernel has its own copy, which ends
//! with it.

use super::define::frame_bytes;
use cranelift_codegen::{
    CompiledCode,
    ir::{Function, function::FunctionStencil},
    isa::{OwnedTargetIsa, TargetIsa},
};
use lru::LruCache;
use rustc_hash::FxBuildHasher;
use std::{
    fmt,
    num::NonZeroUsize,
    ptr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// So many functions are kept: those that were used last.
const MOST_FUNCTIONS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// Larger code is not kept: with it stays what it was made from, which is larger still.
const MOST_BYTES: usize = 8 << 10;

type Codes = LruCache<Content, Arc<KeptCode>, FxBuildHasher>;

/// The code of the functions that were compiled last, for one instruction set.
pub struct CodeCache {
    isa: OwnedTargetIsa,
    codes: Mutex<Codes>,
}

/// All that the code of a function depends on, if it refers to nothing outside.
#[derive(PartialEq, Hash)]
pub(super) struct Content(FunctionStencil);

/// It holds no floating-point numbers, only their bits.
impl Eq for Content {}

impl Content {
    /// That of a function which is still to be compiled.
    pub(super) fn of(function: &Function) -> Content {
        Content(function.stencil.clone())
    }
}

/// Code without relocations.
pub(super) struct KeptCode {
    pub(super) bytes: Vec<u8>,
    pub(super) alignment: u64,
    pub(super) frame_bytes: usize,
}

impl CodeCache {
    /// An empty cache for modules of this instruction set.
    pub fn new(isa: OwnedTargetIsa) -> CodeCache {
        CodeCache { isa, codes: Mutex::new(LruCache::with_hasher(MOST_FUNCTIONS, FxBuildHasher)) }
    }

    /// The instruction set of all its code.
    pub fn isa(&self) -> &OwnedTargetIsa {
        &self.isa
    }

    /// How many functions it has.
    pub fn count(&self) -> usize {
        self.codes().len()
    }

    /// Whether code for `isa` is what it keeps: it knows only its own, not its equals.
    pub(super) fn serves(&self, isa: &dyn TargetIsa) -> bool {
        ptr::addr_eq(&*self.isa, isa)
    }

    /// The code of a function of this content, if it is there.
    pub(super) fn get(&self, content: &Content) -> Option<Arc<KeptCode>> {
        self.codes().get(content).cloned()
    }

    /// Keeps the code of a function of this content, if it is small and stands alone.
    pub(super) fn keep(&self, content: Content, code: &CompiledCode) {
        let bytes = code.code_buffer();
        if bytes.len() <= MOST_BYTES && code.buffer.relocs().is_empty() {
            let alignment = u64::from(code.buffer.alignment);
            let code = KeptCode { bytes: bytes.to_vec(), alignment, frame_bytes: frame_bytes(code) };
            self.codes().put(content, Arc::new(code));
        }
    }

    fn codes(&self) -> MutexGuard<'_, Codes> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CodeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeCache").field("count", &self.count()).finish_non_exhaustive()
    }
}
