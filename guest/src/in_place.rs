//! Lets what the host makes of a buffer take the place of what was in it: else a
//! large message would be in memory once more.

use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::slice;

thread_local! {
    // A component has one thread.
    /// Where the next list of the host goes if it fits, and how long it may be.
    static PLACE: Cell<Option<(*mut u8, usize)>> = const { Cell::new(None) };
}

/// Calls the host with the content of `buffer`, and gives what came back: in the
/// same buffer if that has room for it. The host has read the argument whole before
/// it asks for room for its answer (Canonical ABI: parameters are lifted before
/// results are lowered).
pub(crate) fn in_place(mut buffer: Vec<u8>, call: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let (place, len) = (buffer.as_mut_ptr(), buffer.len());
    PLACE.set(Some((place, buffer.capacity())));
    // SAFETY: so many octets of the buffer are initialised, and the buffer lives
    // until after the call. When the host writes there the argument has been used.
    let answer = call(unsafe { slice::from_raw_parts(place, len) });
    PLACE.set(None);
    match answer {
        Some(answer) if answer.as_ptr() == place.cast_const() => {
            // It is the buffer itself, which must not be freed twice.
            let len = ManuallyDrop::new(answer).len();
            // SAFETY: the host wrote so many octets there, and `cabi_realloc` saw
            // to it that they fit.
            unsafe { buffer.set_len(len) };
            Some(buffer)
        }
        None => {
            // Perhaps half of a plaintext.
            buffer.fill(0);
            None
        }
        elsewhere => elsewhere,
    }
}

/// Where the host puts what it hands over. It takes the place of the function that
/// wit-bindgen brings, which is a weak symbol, and does the same but for
/// [`in_place`].
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
