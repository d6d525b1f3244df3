//! The connections of one node. Nothing here touches a socket or a clock: datagrams and the time
//! come in, datagrams and events go out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::{
    Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig, Event as QuicEvent,
    Incoming, ReadError, StreamEvent, StreamId, VarInt, WriteError,
};
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::abi::Fault;
use crate::quic::config::{IDLE_TIMEOUT, LOCAL_DATAGRAM_SIZE_MAX, Sides, configure};

/// Connections of all kinds; those to peers are far fewer.
const CONNECTIONS_MAX: usize = 1_024;
/// Places that only this node's own dials may take.
const OWN_DIALS: usize = 256;
/// Strangers are incoming connections whose peer has not proved who it is.
const STRANGERS_MAX: usize = 256;
/// With so many strangers a new one must first show that its address is its own.
const UNCHECKED_STRANGERS_MAX: usize = 32;
/// So many of one host, so that it cannot lock out the others.
const STRANGERS_PER_HOST_MAX: usize = 16;
/// Answers without a connection that wait to be sent; the rest is as if lost on the line.
const ANSWERS_MAX: usize = 64;
/// Datagrams of one connection that are made at once.
const BATCH_DATAGRAMS_MAX: usize = 16;
/// A part of what sockets hold, or their peers would lose much of it.
const BATCH_SIZE_MAX: usize = 64 << 10;

/// What happened, in the order that it did.
pub enum Event {
    /// Both sides have proved who they are; `incoming` tells who dialled.
    Connected { connection: u32, remote: SocketAddr, incoming: bool },
    /// Also of incoming connections that never came to be connected.
    Lost { connection: u32, remote: SocketAddr, reason: String },
    /// The peer has opened a stream, of which there may be something to read.
    Opened { connection: u32, stream: u64 },
    /// A stream of the peer has data or an end to read, unless that was read already.
    Readable { connection: u32, stream: u64 },
    /// A stream of ours takes data again.
    Writable { connection: u32, stream: u64 },
    /// The peer has acknowledged all of a stream that we finished, or wants no more of it.
    Finished { connection: u32, stream: u64 },
}

/// Datagrams to one address: all of `segment` bytes but the last, which may be shorter.
pub struct Transmit {
    pub remote: SocketAddr,
    pub segment: usize,
}

#[derive(Default)]
pub struct ReadOutcome {
    pub count: usize,
    pub ended: bool,
}

struct Link {
    handle: ConnectionHandle,
    connection: Connection,
    began: Instant,
    /// The address of the peer is its own, shown by an answer to it.
    is_checked: bool,
    is_confirmed: bool,
    is_lost: bool,
    /// Whether there may be something to send.
    is_busy: bool,
}

impl Link {
    fn new(
        handle: ConnectionHandle,
        connection: Connection,
        began: Instant,
        is_checked: bool,
    ) -> Self {
        let (is_confirmed, is_lost, is_busy) = (false, false, true);
        Self { handle, connection, began, is_checked, is_confirmed, is_lost, is_busy }
    }

    /// Also one that was closed: it keeps its place for as long as its peer chooses to be slow.
    fn is_stranger(&self) -> bool {
        self.connection.side().is_server() && (!self.is_confirmed || self.is_lost)
    }

    /// Until when a peer must have proved who it is.
    fn deadline(&self) -> Option<Instant> {
        (!self.is_confirmed && !self.is_lost).then(|| self.began + IDLE_TIMEOUT)
    }

    fn timeout(&mut self) -> Option<Instant> {
        let deadline = self.deadline();
        self.connection.poll_timeout().into_iter().chain(deadline).min()
    }

    /// A server knows its peer when the handshake is complete; a client knows that it was accepted
    /// when the server confirms, since TLS 1.3 checks the client's certificate last.
    fn is_accepted(&self) -> bool {
        !self.connection.is_handshaking()
            && (self.connection.side().is_server()
                || self.connection.stats().frame_rx.handshake_done > 0)
    }
}

pub struct Engine {
    origin: Instant,
    endpoint: Endpoint,
    /// For peers of other machines, and for those of the same one.
    sides: [Sides; 2],
    links: BTreeMap<u32, Link>,
    ids: HashMap<ConnectionHandle, u32>,
    last_id: u32,
    /// The connection that made the last datagrams.
    served: u32,
    answers: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Event>,
    batch: Vec<u8>,
}

impl Engine {
    /// The certificate authority, the node's certificate chain and its key are PEM text.
    pub fn open(ca: &[u8], chain: &[u8], key: &[u8]) -> Result<Self, Fault> {
        let sides = configure(ca, chain, key)?;
        let mut config = EndpointConfig::default();
        config.max_udp_payload_size(LOCAL_DATAGRAM_SIZE_MAX)?;
        Ok(Self {
            origin: Instant::now(),
            endpoint: Endpoint::new(Arc::new(config), Some(sides[0].server.clone()), true, None),
            sides,
            links: BTreeMap::new(),
            ids: HashMap::new(),
            last_id: 0,
            served: 0,
            answers: VecDeque::new(),
            events: VecDeque::new(),
            batch: Vec::with_capacity(BATCH_SIZE_MAX),
        })
    }

    /// Starts to connect; `domain` must be a name in the certificate of the peer.
    pub fn connect(&mut self, now: u64, remote: SocketAddr, domain: &str) -> Result<u32, Fault> {
        if self.links.len() >= CONNECTIONS_MAX {
            return Err("there are too many connections".into());
        }
        let now = self.instant(now);
        let config = self.sides_for(remote).client.clone();
        let (handle, connection) = self.endpoint.connect(now, config, remote, domain)?;
        Ok(self.add(Link::new(handle, connection, now, true)))
    }

    /// Takes a datagram that came from an address.
    pub fn receive(&mut self, now: u64, remote: SocketAddr, datagram: &[u8]) {
        let now = self.instant(now);
        let mut answer = Vec::new();
        let datagram = BytesMut::from(datagram);
        match self.endpoint.handle(now, remote, None, None, datagram, &mut answer) {
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                let Some(&id) = self.ids.get(&handle) else { return };
                if let Some(link) = self.links.get_mut(&id) {
                    link.connection.handle_event(event);
                }
                self.settle(id);
            }
            Some(DatagramEvent::NewConnection(incoming)) => self.meet(incoming, now),
            Some(DatagramEvent::Response(transmit)) => self.answer(transmit.destination, answer),
            None => {}
        }
    }

    /// Makes datagrams for one address; `None` when nothing is to be sent now.
    pub fn transmit(&mut self, now: u64) -> Option<(Transmit, &[u8])> {
        let now = self.instant(now);
        self.batch.clear();
        if let Some((remote, answer)) = self.answers.pop_front() {
            self.batch.extend_from_slice(&answer);
            return Some((Transmit { remote, segment: answer.len() }, &self.batch));
        }
        while let Some(id) = self.next_busy() {
            self.served = id;
            let link = self.links.get_mut(&id)?;
            let room = BATCH_SIZE_MAX / usize::from(link.connection.current_mtu());
            let count = room.clamp(1, BATCH_DATAGRAMS_MAX);
            let transmit = link.connection.poll_transmit(now, count, &mut self.batch);
            let Some(transmit) = transmit else {
                link.is_busy = false;
                continue;
            };
            let segment = transmit.segment_size.unwrap_or(transmit.size);
            let remote = transmit.destination;
            return Some((Transmit { remote, segment }, &self.batch[..transmit.size]));
        }
        None
    }

    /// The connection after the last one that may have something to send: all have their turn.
    fn next_busy(&self) -> Option<u32> {
        let after = self.links.range((Bound::Excluded(self.served), Bound::Unbounded));
        let mut turns = after.chain(self.links.range(..=self.served));
        turns.find(|(_, link)| link.is_busy).map(|(id, _)| *id)
    }

    /// When `handle_timeout` wants to be called, unless something else happens before.
    pub fn timeout(&mut self) -> Option<u64> {
        let next = self.links.values_mut().filter_map(Link::timeout).min()?;
        Some(next.saturating_duration_since(self.origin).as_micros() as u64)
    }

    pub fn handle_timeout(&mut self, now: u64) {
        let now = self.instant(now);
        let due = |link: &mut Link| link.timeout().is_some_and(|timeout| timeout <= now);
        let links = self.links.iter_mut();
        let ids: Vec<u32> = links.filter_map(|(id, link)| due(link).then_some(*id)).collect();
        for id in ids {
            let Some(link) = self.links.get_mut(&id) else { continue };
            link.connection.handle_timeout(now);
            if link.deadline().is_some_and(|deadline| deadline <= now) {
                link.connection.close(now, VarInt::from_u32(0), Default::default());
                self.lose(id, "the handshake took too long".into());
            }
            self.settle(id);
        }
    }

    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The DNS names in the certificate of the peer.
    pub fn peer_names(&self, id: u32) -> Result<Vec<String>, Fault> {
        let link = self.links.get(&id).ok_or(UNKNOWN)?;
        let identity = link.connection.crypto_session().peer_identity();
        let chain = identity.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
        let leaf = chain.as_ref().and_then(|chain| chain.first());
        let leaf = EndEntityCert::try_from(leaf.ok_or("the peer has shown no certificate")?)?;
        Ok(leaf.valid_dns_names().map(String::from).collect())
    }

    /// Opens a stream to the peer; streams with a higher priority are sent first.
    pub fn open_stream(&mut self, id: u32, priority: i32) -> Result<u64, Fault> {
        let connection = self.connection(id)?;
        let stream = connection.streams().open(Dir::Uni).ok_or("the peer takes no more streams")?;
        connection.send_stream(stream).set_priority(priority)?;
        Ok(stream.index())
    }

    /// How many of the bytes the stream took: fewer than all when its buffer is full, which only
    /// counts as such once it has taken nothing.
    pub fn write(&mut self, id: u32, stream: u64, bytes: &[u8]) -> Result<usize, Fault> {
        let connection = self.connection(id)?;
        let stream = own_stream(connection, stream);
        let mut count = 0;
        while count < bytes.len() {
            match connection.send_stream(stream).write(&bytes[count..]) {
                Ok(taken) => count += taken,
                Err(WriteError::Blocked) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(count)
    }

    pub fn finish(&mut self, id: u32, stream: u64) -> Result<(), Fault> {
        let connection = self.connection(id)?;
        let stream = own_stream(connection, stream);
        Ok(connection.send_stream(stream).finish()?)
    }

    /// Reads from a stream of the peer, in order.
    pub fn read(&mut self, id: u32, stream: u64, out: &mut [u8]) -> Result<ReadOutcome, Fault> {
        let connection = self.connection(id)?;
        let stream = peer_stream(connection, stream);
        let mut receiver = connection.recv_stream(stream);
        let mut chunks = receiver.read(true)?;
        let mut outcome = ReadOutcome::default();
        while outcome.count < out.len() {
            match chunks.next(out.len() - outcome.count) {
                Ok(Some(chunk)) => {
                    let end = outcome.count + chunk.bytes.len();
                    out[outcome.count..end].copy_from_slice(&chunk.bytes);
                    outcome.count = end;
                }
                Ok(None) => {
                    outcome.ended = true;
                    break;
                }
                Err(ReadError::Blocked) => break,
                Err(error) => return Err(error.into()),
            }
        }
        let _ = chunks.finalize();
        Ok(outcome)
    }

    /// Tells the peer that no more of its stream is wanted.
    pub fn stop(&mut self, id: u32, stream: u64, code: u32) -> Result<(), Fault> {
        let connection = self.connection(id)?;
        let stream = peer_stream(connection, stream);
        Ok(connection.recv_stream(stream).stop(VarInt::from_u32(code))?)
    }

    /// Ends a connection; there are no more events of it.
    pub fn close(&mut self, now: u64, id: u32, code: u32, reason: &[u8]) -> Result<(), Fault> {
        let now = self.instant(now);
        let link = self.links.get_mut(&id).ok_or(UNKNOWN)?;
        let reason = reason.to_vec().into();
        link.connection.close(now, VarInt::from_u32(code), reason);
        link.is_busy = true;
        link.is_lost = true;
        self.settle(id);
        Ok(())
    }

    /// Round trip in microseconds; datagrams sent, lost; bytes sent, received; size of a datagram.
    pub fn statistics(&self, id: u32) -> Result<[f64; 6], Fault> {
        let link = self.links.get(&id).ok_or(UNKNOWN)?;
        let statistics = link.connection.stats();
        let path = statistics.path;
        Ok([
            path.rtt.as_micros() as f64,
            path.sent_packets as f64,
            path.lost_packets as f64,
            statistics.udp_tx.bytes as f64,
            statistics.udp_rx.bytes as f64,
            path.current_mtu.into(),
        ])
    }

    /// Decides about a stranger: a flood with false addresses costs an answer each and no memory.
    fn meet(&mut self, incoming: Incoming, now: Instant) {
        let is_checked = incoming.remote_address_validated();
        let host = host_of(incoming.remote_address().ip());
        let (mut count, mut count_of_host) = (0, 0);
        for link in self.links.values().filter(|link| link.is_stranger()) {
            let is_same = host_of(link.connection.remote_address().ip()) == host;
            count += 1;
            count_of_host += usize::from(is_same && link.is_checked);
        }
        let mut answer = Vec::new();
        if count >= UNCHECKED_STRANGERS_MAX && !is_checked {
            if let Ok(transmit) = self.endpoint.retry(incoming, &mut answer) {
                self.answer(transmit.destination, answer);
            }
        } else if count >= STRANGERS_MAX
            || count_of_host >= STRANGERS_PER_HOST_MAX
            || self.links.len() >= CONNECTIONS_MAX - OWN_DIALS
        {
            self.endpoint.ignore(incoming);
        } else {
            let config = self.sides_for(incoming.remote_address()).server.clone();
            match self.endpoint.accept(incoming, now, &mut answer, Some(config)) {
                Ok((handle, connection)) => {
                    self.add(Link::new(handle, connection, now, is_checked));
                }
                Err(error) => {
                    if let Some(transmit) = error.response {
                        self.answer(transmit.destination, answer);
                    }
                }
            }
        }
    }

    fn add(&mut self, link: Link) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        let id = self.last_id;
        self.ids.insert(link.handle, id);
        self.links.insert(id, link);
        self.settle(id);
        id
    }

    fn answer(&mut self, remote: SocketAddr, datagram: Vec<u8>) {
        if self.answers.len() < ANSWERS_MAX {
            self.answers.push_back((remote, datagram));
        }
    }

    /// Takes what a connection has to tell after something was done to it.
    fn settle(&mut self, id: u32) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.is_busy = true;
        while let Some(event) = link.connection.poll_endpoint_events() {
            if let Some(reply) = self.endpoint.handle_event(link.handle, event) {
                link.connection.handle_event(reply);
            }
        }
        while let Some(link) = self.links.get_mut(&id) {
            let Some(event) = link.connection.poll() else { break };
            self.report(id, event);
        }
        self.confirm(id);
        if let Some(link) = self.links.get(&id).filter(|link| link.connection.is_drained()) {
            self.ids.remove(&link.handle);
            self.links.remove(&id);
        }
    }

    fn report(&mut self, connection: u32, event: QuicEvent) {
        match event {
            QuicEvent::ConnectionLost { reason } => self.lose(connection, reason.to_string()),
            QuicEvent::Stream(StreamEvent::Opened { dir }) => {
                let Ok(link) = self.connection(connection) else { return };
                let streams = std::iter::from_fn(|| link.streams().accept(dir));
                for stream in streams.map(StreamId::index).collect::<Vec<_>>() {
                    self.events.push_back(Event::Opened { connection, stream });
                }
            }
            QuicEvent::Stream(StreamEvent::Readable { id }) => {
                self.events.push_back(Event::Readable { connection, stream: id.index() });
            }
            QuicEvent::Stream(StreamEvent::Writable { id }) => {
                self.events.push_back(Event::Writable { connection, stream: id.index() });
            }
            QuicEvent::Stream(StreamEvent::Finished { id }) => {
                self.events.push_back(Event::Finished { connection, stream: id.index() });
            }
            QuicEvent::Stream(StreamEvent::Stopped { id, error_code }) => {
                // the answer gives the stream's place back; it may be over for us already
                if let Ok(link) = self.connection(connection) {
                    let _ = link.send_stream(id).reset(error_code);
                }
                self.events.push_back(Event::Finished { connection, stream: id.index() });
            }
            _ => {}
        }
    }

    /// Reports a connection as soon as both sides know each other.
    fn confirm(&mut self, id: u32) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.is_confirmed || link.is_lost || !link.is_accepted() {
            return;
        }
        link.is_confirmed = true;
        let (remote, incoming) =
            (link.connection.remote_address(), link.connection.side().is_server());
        self.events.push_back(Event::Connected { connection: id, remote, incoming });
    }

    fn lose(&mut self, id: u32, reason: String) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.is_lost {
            return;
        }
        link.is_lost = true;
        let remote = link.connection.remote_address();
        self.events.push_back(Event::Lost { connection: id, remote, reason });
    }

    fn sides_for(&self, remote: SocketAddr) -> &Sides {
        &self.sides[usize::from(remote.ip().is_loopback())]
    }

    /// The connection, which then may have something to send.
    fn connection(&mut self, id: u32) -> Result<&mut Connection, Fault> {
        let link = self.links.get_mut(&id).ok_or(UNKNOWN)?;
        link.is_busy = true;
        Ok(&mut link.connection)
    }

    fn instant(&self, now: u64) -> Instant {
        self.origin + Duration::from_micros(now)
    }
}

const UNKNOWN: &str = "there is no such connection";

fn own_stream(connection: &Connection, index: u64) -> StreamId {
    StreamId::new(connection.side(), Dir::Uni, index)
}

fn peer_stream(connection: &Connection, index: u64) -> StreamId {
    StreamId::new(!connection.side(), Dir::Uni, index)
}

/// What one attacker can have: an address, or the 64 bits of a network that are given to a host.
fn host_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}
