//! What all functions of the C ABI share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

pub type Fault = Box<dyn std::error::Error>;

pub const FAILED: i32 = -1;
/// After it numbers begin again with those that are free.
const ID_MAX: u32 = i32::MAX as u32;

thread_local! {
    /// Why the last call that failed did.
    static FAILURE: RefCell<String> = RefCell::default();
}

/// Runs a call; a panic is a failure of it.
pub fn guard(call: impl FnOnce() -> Result<i32, Fault>) -> i32 {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    outcome.unwrap_or_else(|_| Err("the engine has a fault".into())).unwrap_or_else(|fault| {
        FAILURE.set(fault.to_string());
        FAILED
    })
}

/// Things that JavaScript knows by their numbers.
pub struct Table<Item> {
    items: HashMap<u32, Box<Item>>,
    last_id: u32,
}

impl<Item> Default for Table<Item> {
    fn default() -> Self {
        Self { items: HashMap::new(), last_id: 0 }
    }
}

impl<Item> Table<Item> {
    /// Answers the number.
    pub fn add(&mut self, item: Item) -> Result<i32, Fault> {
        let mut id = self.last_id;
        loop {
            id = id % ID_MAX + 1;
            if !self.items.contains_key(&id) {
                break;
            }
        }
        self.last_id = id;
        self.items.insert(id, Box::new(item));
        Ok(i32::try_from(id)?)
    }

    pub fn drop(&mut self, id: u32) -> Result<i32, Fault> {
        Ok(i32::from(self.items.remove(&id).is_some()))
    }

    /// Does something with an item; one that panics is gone, since its state may be wrong.
    pub fn with<Outcome>(
        &mut self,
        id: u32,
        call: impl FnOnce(&mut Item) -> Result<Outcome, Fault>,
    ) -> Result<Outcome, Fault> {
        let mut item = self.items.remove(&id).ok_or("there is no such handle")?;
        let outcome = call(&mut item);
        self.items.insert(id, item);
        outcome
    }
}

/// # Safety
/// `size` bytes at `start` must be readable while the slice is used.
pub unsafe fn bytes<'a>(start: *const u8, size: u32) -> &'a [u8] {
    if size == 0 { &[] } else { unsafe { slice::from_raw_parts(start, size as usize) } }
}

/// # Safety
/// `size` bytes at `start` must be writable, and nobody else's, while the slice is used.
pub unsafe fn bytes_mut<'a>(start: *mut u8, size: u32) -> &'a mut [u8] {
    if size == 0 { &mut [] } else { unsafe { slice::from_raw_parts_mut(start, size as usize) } }
}

pub fn put(out: &mut [u8], offset: usize, bytes: &[u8]) -> Result<i32, Fault> {
    let end = offset + bytes.len();
    out.get_mut(offset..end).ok_or("the buffer is too small")?.copy_from_slice(bytes);
    Ok(i32::try_from(end)?)
}

/// As much of a text as there is room for.
pub fn cut(text: &str, size: usize) -> &[u8] {
    &text.as_bytes()[..text.len().min(size)]
}

/// Writes why the last call failed; answers the size of the text.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_failure(out: *mut u8, out_size: u32) -> i32 {
    let out = unsafe { bytes_mut(out, out_size) };
    let text = FAILURE.with_borrow(String::clone);
    put(out, 0, cut(&text, out.len())).unwrap_or(FAILED)
}
