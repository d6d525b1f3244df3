//! The C ABI of QUIC. Times are microseconds since the engine was opened. An address is 18 bytes: an
//! IPv6 address, or a mapped IPv4 one, and the port, big endian.

mod config;
mod engine;

use std::cell::RefCell;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::abi::{Fault, Table, bytes, bytes_mut, cut, guard, put};
use engine::{Engine, Event};

const ADDRESS_SIZE: usize = 18;
/// Set in the answer of `quic_read` beside the count when the stream has ended.
const ENDED: i32 = 1 << 30;
/// An event in front of its text: kind, connection, stream, address, direction.
const EVENT_SIZE: usize = 36;
const STATISTICS_SIZE: usize = 48;

thread_local! {
    static ENGINES: RefCell<Table<Engine>> = RefCell::default();
}

/// Runs a call of an engine.
fn guard_engine(id: u32, call: impl FnOnce(&mut Engine) -> Result<i32, Fault>) -> i32 {
    guard(|| ENGINES.with_borrow_mut(|engines| engines.with(id, call)))
}

fn decode_address(bytes: &[u8]) -> Result<SocketAddr, Fault> {
    let (address, port) = bytes.split_first_chunk::<16>().ok_or("the address is too short")?;
    let port = u16::from_be_bytes(port.try_into()?);
    Ok(SocketAddr::new(Ipv6Addr::from(*address).to_canonical(), port))
}

fn encode_address(address: SocketAddr) -> [u8; ADDRESS_SIZE] {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let mut bytes = [0; ADDRESS_SIZE];
    bytes[..16].copy_from_slice(&ip.octets());
    bytes[16..].copy_from_slice(&address.port().to_be_bytes());
    bytes
}

fn encode_event(event: &Event, out: &mut [u8]) -> Result<i32, Fault> {
    let (mut stream_index, mut address, mut direction) = (0, [0; ADDRESS_SIZE], 0u16);
    let mut text = "";
    let (kind, id) = match event {
        Event::Connected { connection, remote, incoming } => {
            address = encode_address(*remote);
            direction = u16::from(*incoming);
            (1u32, connection)
        }
        Event::Lost { connection, remote, reason } => {
            address = encode_address(*remote);
            text = reason;
            (2, connection)
        }
        Event::Readable { connection, stream } => {
            stream_index = *stream;
            (3, connection)
        }
        Event::Writable { connection, stream } => {
            stream_index = *stream;
            (4, connection)
        }
        Event::Opened { connection, stream } => {
            stream_index = *stream;
            (6, connection)
        }
        Event::Finished { connection, stream } => {
            stream_index = *stream;
            (5, connection)
        }
    };
    put(out, 0, &kind.to_le_bytes())?;
    put(out, 4, &id.to_le_bytes())?;
    put(out, 8, &(stream_index as f64).to_le_bytes())?;
    put(out, 16, &address)?;
    put(out, 34, &direction.to_le_bytes())?;
    put(out, EVENT_SIZE, cut(text, out.len().saturating_sub(EVENT_SIZE)))
}

/// Opens an engine from three PEM texts that follow one another; answers its number.
///
/// # Safety
/// As many bytes as the sizes tell must be readable at `pem`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_open(
    pem: *const u8,
    ca_size: u32,
    chain_size: u32,
    key_size: u32,
) -> i32 {
    let pem = unsafe { bytes(pem, ca_size + chain_size + key_size) };
    guard(|| {
        let (ca, rest) = pem.split_at(ca_size as usize);
        let (chain, key) = rest.split_at(chain_size as usize);
        let engine = Engine::open(ca, chain, key)?;
        ENGINES.with_borrow_mut(|engines| engines.add(engine))
    })
}

/// Drops an engine and all its connections, without a word to their peers.
#[unsafe(no_mangle)]
pub extern "C" fn quic_drop(engine: u32) -> i32 {
    guard(|| ENGINES.with_borrow_mut(|engines| engines.drop(engine)))
}

/// Starts to connect to the peer with the certificate of a domain; answers the connection.
///
/// # Safety
/// `address` must be 18 readable bytes and `domain` so many as its size tells.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_connect(
    engine: u32,
    now: f64,
    address: *const u8,
    domain: *const u8,
    domain_size: u32,
) -> i32 {
    let address = unsafe { bytes(address, ADDRESS_SIZE as u32) };
    let domain = unsafe { bytes(domain, domain_size) };
    guard_engine(engine, |engine| {
        let domain = std::str::from_utf8(domain)?;
        let id = engine.connect(now as u64, decode_address(address)?, domain)?;
        Ok(i32::try_from(id)?)
    })
}

/// Takes a datagram.
///
/// # Safety
/// `address` must be 18 readable bytes and `datagram` so many as its size tells.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_receive(
    engine: u32,
    now: f64,
    address: *const u8,
    datagram: *const u8,
    datagram_size: u32,
) -> i32 {
    let address = unsafe { bytes(address, ADDRESS_SIZE as u32) };
    let datagram = unsafe { bytes(datagram, datagram_size) };
    guard_engine(engine, |engine| {
        engine.receive(now as u64, decode_address(address)?, datagram);
        Ok(0)
    })
}

/// Writes datagrams for one address; answers the size of all, 0 when nothing is to be sent. In
/// front of them are the address and, as 16 bits little endian, the size of all but the last.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_transmit(engine: u32, now: f64, out: *mut u8, out_size: u32) -> i32 {
    let out = unsafe { bytes_mut(out, out_size) };
    guard_engine(engine, |engine| {
        let Some((transmit, datagrams)) = engine.transmit(now as u64) else { return Ok(0) };
        put(out, 0, &encode_address(transmit.remote))?;
        put(out, ADDRESS_SIZE, &(transmit.segment as u16).to_le_bytes())?;
        put(out, ADDRESS_SIZE + 2, datagrams)
    })
}

/// When `quic_handle_timeout` is due; -1 for never.
#[unsafe(no_mangle)]
pub extern "C" fn quic_timeout(engine: u32) -> f64 {
    let mut timeout = -1.0;
    guard_engine(engine, |engine| {
        timeout = engine.timeout().map_or(-1.0, |micros| micros as f64);
        Ok(0)
    });
    timeout
}

/// Does what is due.
#[unsafe(no_mangle)]
pub extern "C" fn quic_handle_timeout(engine: u32, now: f64) -> i32 {
    guard_engine(engine, |engine| {
        engine.handle_timeout(now as u64);
        Ok(0)
    })
}

/// Writes the next event; answers its size, 0 when there is none.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_event(engine: u32, out: *mut u8, out_size: u32) -> i32 {
    let out = unsafe { bytes_mut(out, out_size) };
    guard_engine(engine, |engine| {
        engine.next_event().map_or(Ok(0), |event| encode_event(&event, out))
    })
}

/// Writes the DNS names in the certificate of the peer, with commas between them; answers the size.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_peer_names(
    engine: u32,
    connection: u32,
    out: *mut u8,
    out_size: u32,
) -> i32 {
    let out = unsafe { bytes_mut(out, out_size) };
    guard_engine(engine, |engine| put(out, 0, engine.peer_names(connection)?.join(",").as_bytes()))
}

/// Opens a stream to the peer; answers its number.
#[unsafe(no_mangle)]
pub extern "C" fn quic_open_stream(engine: u32, connection: u32, priority: i32) -> i32 {
    guard_engine(engine, |engine| Ok(i32::try_from(engine.open_stream(connection, priority)?)?))
}

/// Writes to a stream of ours; answers how many bytes it took.
///
/// # Safety
/// `size` bytes at `data` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_write(
    engine: u32,
    connection: u32,
    stream: f64,
    data: *const u8,
    size: u32,
) -> i32 {
    let data = unsafe { bytes(data, size.min(ENDED as u32 - 1)) };
    guard_engine(engine, |engine| {
        Ok(i32::try_from(engine.write(connection, stream as u64, data)?)?)
    })
}

/// Tells the peer that a stream of ours has ended, once all of it has come through.
#[unsafe(no_mangle)]
pub extern "C" fn quic_finish(engine: u32, connection: u32, stream: f64) -> i32 {
    guard_engine(engine, |engine| engine.finish(connection, stream as u64).map(|()| 0))
}

/// Reads from a stream of the peer; answers the count of bytes, with `ENDED` at its end.
///
/// # Safety
/// `out_size` bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_read(
    engine: u32,
    connection: u32,
    stream: f64,
    out: *mut u8,
    out_size: u32,
) -> i32 {
    let out = unsafe { bytes_mut(out, out_size.min(ENDED as u32 - 1)) };
    guard_engine(engine, |engine| {
        let outcome = engine.read(connection, stream as u64, out)?;
        Ok(i32::try_from(outcome.count)? | if outcome.ended { ENDED } else { 0 })
    })
}

/// Tells the peer that no more of its stream is wanted.
#[unsafe(no_mangle)]
pub extern "C" fn quic_stop(engine: u32, connection: u32, stream: f64, code: u32) -> i32 {
    guard_engine(engine, |engine| engine.stop(connection, stream as u64, code).map(|()| 0))
}

/// Ends a connection.
///
/// # Safety
/// `reason_size` bytes at `reason` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_close(
    engine: u32,
    now: f64,
    connection: u32,
    code: u32,
    reason: *const u8,
    reason_size: u32,
) -> i32 {
    let reason = unsafe { bytes(reason, reason_size) };
    guard_engine(engine, |engine| engine.close(now as u64, connection, code, reason).map(|()| 0))
}

/// Writes six doubles, see `Engine::statistics`; answers their size.
///
/// # Safety
/// 48 bytes at `out` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quic_statistics(engine: u32, connection: u32, out: *mut u8) -> i32 {
    let out = unsafe { bytes_mut(out, STATISTICS_SIZE as u32) };
    guard_engine(engine, |engine| {
        let numbers = engine.statistics(connection)?;
        put(out, 0, &numbers.map(f64::to_le_bytes).concat())
    })
}
