//! AES-GCM by the host with the answer in the place of the argument: else a large
//! message would be in memory once more.
//!
//! This is the one place of the guest with `unsafe` code of its own. The generated
//! functions take references, behind which nobody may write as long as they are
//! called; here the imports are declared with pointers, and no reference to the
//! buffer lives across a call.

use core::cell::Cell;
use core::mem::ManuallyDrop;

use zeroize::Zeroize as _;

#[link(wasm_import_module = "wasmime:filter/accelerator@0.1.0")]
unsafe extern "C" {
    #[link_name = "aes-gcm-seal"]
    fn aes_gcm_seal(
        key: *const u8,
        key_len: usize,
        nonce: *const u8,
        nonce_len: usize,
        associated_data: *const u8,
        associated_data_len: usize,
        text: *const u8,
        text_len: usize,
        answer: *mut List,
    );
    #[link_name = "aes-gcm-open"]
    fn aes_gcm_open(
        key: *const u8,
        key_len: usize,
        nonce: *const u8,
        nonce_len: usize,
        associated_data: *const u8,
        associated_data_len: usize,
        text: *const u8,
        text_len: usize,
        answer: *mut OptionalList,
    );
}

/// A `list<u8>` as the Canonical ABI returns it.
#[repr(C)]
struct List {
    octets: *mut u8,
    len: usize,
}

/// An `option<list<u8>>` as the Canonical ABI returns it.
#[repr(C)]
struct OptionalList {
    is_some: u8,
    list: List,
}

/// Seals `text` in its buffer, if that has room for the tag.
pub(crate) fn seal(key: &[u8], nonce: &[u8], associated_data: &[u8], text: Vec<u8>) -> Vec<u8> {
    let mut text = Buffer::new(text);
    let mut answer = List { octets: core::ptr::null_mut(), len: 0 };
    let (data, data_len) = (associated_data.as_ptr(), associated_data.len());
    // SAFETY: each pointer is to as many octets as stand beside it. That of the text
    // is the buffer's own, to which there is no reference: the host reads it before
    // it writes the answer there (parameters are lifted before results are lowered).
    unsafe {
        text.lend();
        aes_gcm_seal(
            key.as_ptr(),
            key.len(),
            nonce.as_ptr(),
            nonce.len(),
            data,
            data_len,
            text.start,
            text.len,
            &mut answer,
        );
        text.take_back(answer)
    }
}

/// Opens `text` in its buffer; none if the tag is wrong. What was there is wiped then.
pub(crate) fn open(key: &[u8], nonce: &[u8], associated_data: &[u8], text: Vec<u8>) -> Option<Vec<u8>> {
    let mut text = Buffer::new(text);
    let mut answer = OptionalList { is_some: 0, list: List { octets: core::ptr::null_mut(), len: 0 } };
    let (data, data_len) = (associated_data.as_ptr(), associated_data.len());
    // SAFETY: as in `seal`.
    unsafe {
        text.lend();
        aes_gcm_open(
            key.as_ptr(),
            key.len(),
            nonce.as_ptr(),
            nonce.len(),
            data,
            data_len,
            text.start,
            text.len,
            &mut answer,
        );
        if answer.is_some == 0 {
            text.take_back(List { octets: text.start, len: text.len }).zeroize();
            return None;
        }
        Some(text.take_back(answer.list))
    }
}

/// A vector, taken apart.
struct Buffer {
    start: *mut u8,
    len: usize,
    capacity: usize,
}

impl Buffer {
    fn new(octets: Vec<u8>) -> Self {
        let mut octets = ManuallyDrop::new(octets);
        Self { start: octets.as_mut_ptr(), len: octets.len(), capacity: octets.capacity() }
    }

    /// Lets the next answer of the host be put here, if it fits.
    fn lend(&mut self) {
        PLACE.set(Some((self.start, self.capacity)));
    }

    /// The answer as a vector: this one, where the host put it here, or its own.
    ///
    /// # Safety
    /// `answer` is what the host gave after [`Self::lend`], and this is called once.
    unsafe fn take_back(&mut self, answer: List) -> Vec<u8> {
        PLACE.set(None);
        let len = if answer.octets == self.start { answer.len } else { 0 };
        // SAFETY: these are the parts of the vector that was taken apart, and so many
        // octets of it were written: `cabi_realloc` saw to it that they fit.
        let own = unsafe { Vec::from_raw_parts(self.start, len, self.capacity) };
        if answer.octets == self.start || answer.len == 0 {
            return own;
        }
        // SAFETY: the host has it from `cabi_realloc`, of exactly this size.
        unsafe { Vec::from_raw_parts(answer.octets, answer.len, answer.len) }
    }
}

thread_local! {
    // A component has one thread.
    /// Where the next list of the host goes if it fits, and how long it may be.
    static PLACE: Cell<Option<(*mut u8, usize)>> = const { Cell::new(None) };
}

/// Where the host puts what it hands over. It takes the place of the function that
/// wit-bindgen brings, which is a weak symbol, and does the same but for the place
/// that was lent.
///
/// # Safety
/// As the Canonical ABI has it: `old` and `old_len` are what an earlier call gave,
/// or 0.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    if old_len == 0
        && align == 1
        && let Some((place, _)) = PLACE.take().filter(|(_, room)| (1..=*room).contains(&new_len))
    {
        return place;
    }
    // SAFETY: the arguments are the caller's.
    unsafe { wit_bindgen::rt::cabi_realloc(old, old_len, align, new_len) }
}
