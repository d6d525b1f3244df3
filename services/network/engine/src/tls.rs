//! The C ABI of TLS. A configuration makes sessions of both sides, which outlive it.

mod session;

use std::cell::RefCell;

use crate::abi::{Fault, Table, bytes, bytes_mut, guard, put};
use session::{Config, Options, Progress, Session};

#[derive(Default)]
struct State {
    configs: Table<Config>,
    sessions: Table<Session>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// What a session came to, as two numbers of 32 bits, little endian: how many bytes it took, and
/// these.
const STATUS_SIZE: u32 = 8;
const IS_HANDSHAKING: u32 = 1;
/// The peer has said that it sends no more.
const IS_ENDED: u32 = 2;
/// There is more to be sent.
const IS_PENDING: u32 = 4;

/// Runs a call of a session; answers how many bytes it gave.
fn advance(
    id: u32,
    status: &mut [u8],
    call: impl FnOnce(&mut Session) -> Result<Progress, Fault>,
) -> i32 {
    guard(|| {
        STATE.with_borrow_mut(|state| {
            state.sessions.with(id, |session| {
                let Progress { taken, given } = call(session)?;
                let flags = u32::from(session.is_handshaking()) * IS_HANDSHAKING
                    + u32::from(session.is_ended()) * IS_ENDED
                    + u32::from(session.is_pending()) * IS_PENDING;
                put(status, 0, &u32::try_from(taken)?.to_le_bytes())?;
                put(status, 4, &flags.to_le_bytes())?;
                Ok(i32::try_from(given)?)
            })
        })
    })
}

/// The parts of a text between commas; none of an empty one.
fn names(text: &[u8]) -> Result<Vec<&str>, Fault> {
    Ok(std::str::from_utf8(text)?.split(',').filter(|name| !name.is_empty()).collect())
}

/// Opens a configuration from five texts that follow one another: the PEM texts of the authority,
/// the chain and the key, names for ALPN and of cipher suites, with commas between. `sizes` has the
/// size of each, as 32 bits little endian. Versions are 1 for TLS 1.2, 2 for 1.3 and 3 for both.
/// Answers its number.
///
/// # Safety
/// 20 bytes must be readable at `sizes`, and as many as they tell at `texts`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_open(texts: *const u8, sizes: *const u8, versions: u32) -> i32 {
    let mut total = 0;
    let sizes = unsafe { bytes(sizes, 20) }.chunks_exact(4).map(|size| {
        let size = size.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        total += size;
        size as usize
    });
    let sizes: Vec<usize> = sizes.collect();
    let mut rest = unsafe { bytes(texts, total) };
    guard(|| {
        let mut next = |index: usize| {
            let (text, tail) = rest.split_at(sizes[index]);
            rest = tail;
            text
        };
        let (ca, chain, key) = (next(0), next(1), next(2));
        let (alpn, suites) = (names(next(3))?, names(next(4))?);
        let config = Config::open(Options { ca, chain, key, alpn, suites, versions })?;
        STATE.with_borrow_mut(|state| state.configs.add(config))
    })
}

/// Drops a configuration; its sessions go on.
#[unsafe(no_mangle)]
pub extern "C" fn tls_drop(config: u32) -> i32 {
    guard(|| STATE.with_borrow_mut(|state| state.configs.drop(config)))
}

/// Begins a session; answers its number. Without a name it is the side that was dialled, otherwise
/// the peer's certificate must be valid for the name.
///
/// # Safety
/// `name_size` bytes at `name` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_begin(config: u32, name: *const u8, name_size: u32) -> i32 {
    let name = unsafe { bytes(name, name_size) };
    guard(|| {
        let name = std::str::from_utf8(name)?;
        STATE.with_borrow_mut(|State { configs, sessions }| {
            sessions.add(configs.with(config, |config| config.begin(name))?)
        })
    })
}

/// Forgets a session.
#[unsafe(no_mangle)]
pub extern "C" fn tls_end(session: u32) -> i32 {
    guard(|| STATE.with_borrow_mut(|state| state.sessions.drop(session)))
}

/// Takes bytes of the connection and gives those of the peer; answers how many it gave.
///
/// # Safety
/// `input_size` bytes at `input` must be readable, `out_size` at `out` and 8 at `status` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_receive(
    session: u32,
    input: *const u8,
    input_size: u32,
    out: *mut u8,
    out_size: u32,
    status: *mut u8,
) -> i32 {
    let (input, out) = unsafe { (bytes(input, input_size), bytes_mut(out, out_size)) };
    let status = unsafe { bytes_mut(status, STATUS_SIZE) };
    advance(session, status, |session| session.receive(input, out))
}

/// Takes bytes for the peer and gives those for the connection; answers how many it gave.
///
/// # Safety
/// `input_size` bytes at `input` must be readable, `out_size` at `out` and 8 at `status` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_send(
    session: u32,
    input: *const u8,
    input_size: u32,
    out: *mut u8,
    out_size: u32,
    status: *mut u8,
) -> i32 {
    let (input, out) = unsafe { (bytes(input, input_size), bytes_mut(out, out_size)) };
    let status = unsafe { bytes_mut(status, STATUS_SIZE) };
    advance(session, status, |session| session.send(input, out))
}

/// Makes the alert that tells the peer that no more comes; `tls_send` gives it.
#[unsafe(no_mangle)]
pub extern "C" fn tls_close(session: u32) -> i32 {
    guard(|| {
        STATE.with_borrow_mut(|state| {
            state.sessions.with(session, |session| {
                session.close();
                Ok(0)
            })
        })
    })
}

/// Writes the name of the cipher suite; answers its size.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_suite(session: u32, out: *mut u8, out_size: u32) -> i32 {
    let out = unsafe { bytes_mut(out, out_size) };
    guard(|| {
        STATE.with_borrow_mut(|state| {
            state.sessions.with(session, |session| put(out, 0, session.suite()?.as_bytes()))
        })
    })
}

/// Writes a certificate of the peer in DER, its own at 0; answers its size, 0 if there is none.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_certificate(
    session: u32,
    index: u32,
    out: *mut u8,
    out_size: u32,
) -> i32 {
    let out = unsafe { bytes_mut(out, out_size) };
    guard(|| {
        STATE.with_borrow_mut(|state| {
            state.sessions.with(session, |session| put(out, 0, session.certificate(index as usize)))
        })
    })
}
