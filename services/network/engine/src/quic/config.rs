//! Mutual TLS 1.3 below one certificate authority, and the limits of a connection.

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn_proto::{ClientConfig, MtuDiscoveryConfig, ServerConfig, TransportConfig, VarInt};
use rustls::version::TLS13;

use crate::abi::Fault;
use crate::identity::{Identity, provider};

/// Without a sign of life for this long a connection is lost (spec/network.md, section 5).
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The dialling side shows a sign of life this often.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// A peer may send so much on a stream before we read it.
const STREAM_WINDOW: u32 = 4 << 20;
/// The same for all streams together; also what we keep until the peer has acknowledged it. It is a
/// multiple of the stream window, so that full streams leave room for the others.
const CONNECTION_WINDOW: u32 = 16 << 20;
const INCOMING_STREAMS_MAX: u32 = 100;

/// The largest datagrams on a network, for which Ethernet sets the limit, and within a machine,
/// where every datagram costs the same. QUIC finds out by itself how large they may really be.
const NETWORK_DATAGRAM_SIZE_MAX: u16 = 1_452;
pub const LOCAL_DATAGRAM_SIZE_MAX: u16 = 16 << 10;

/// What a node accepts and how it dials.
pub struct Sides {
    pub server: Arc<ServerConfig>,
    pub client: ClientConfig,
}

/// The sides for peers of other machines and for those of the same one. All three are PEM text.
pub fn configure(ca: &[u8], chain: &[u8], key: &[u8]) -> Result<[Sides; 2], Fault> {
    let identity = Identity::read(ca, chain, key)?;
    let provider = provider(&[]);
    let server = identity.server(&provider, &[&TLS13])?;
    let client = identity.client(&provider, &[&TLS13])?;
    let server = Arc::new(QuicServerConfig::try_from(server)?);
    let client = Arc::new(QuicClientConfig::try_from(client)?);
    let sides = |datagram_size_max| -> Result<Sides, Fault> {
        let mut incoming = ServerConfig::with_crypto(server.clone());
        incoming.transport_config(Arc::new(transport(datagram_size_max)?));
        let mut outgoing = ClientConfig::new(client.clone());
        let mut outgoing_transport = transport(datagram_size_max)?;
        outgoing_transport.keep_alive_interval(Some(KEEP_ALIVE));
        outgoing.transport_config(Arc::new(outgoing_transport));
        Ok(Sides { server: Arc::new(incoming), client: outgoing })
    };
    Ok([sides(NETWORK_DATAGRAM_SIZE_MAX)?, sides(LOCAL_DATAGRAM_SIZE_MAX)?])
}

fn transport(datagram_size_max: u16) -> Result<TransportConfig, Fault> {
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(datagram_size_max);
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(IDLE_TIMEOUT.try_into()?))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(INCOMING_STREAMS_MAX))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(CONNECTION_WINDOW.into())
        .mtu_discovery_config(Some(discovery))
        .datagram_receive_buffer_size(None);
    Ok(config)
}
