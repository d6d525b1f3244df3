//! TLS without a socket: bytes of a connection come in and go out.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, Connection, KeyLogFile, ServerConfig, ServerConnection,
};

use crate::abi::Fault;
use crate::identity::{Identity, Versions, provider};

/// What a configuration is made from.
pub struct Options<'a> {
    pub ca: &'a [u8],
    pub chain: &'a [u8],
    pub key: &'a [u8],
    /// Offered when dialling. A server has none, so that it refuses nobody for them.
    pub alpn: Vec<&'a str>,
    /// Those that may be used; all when there are none.
    pub suites: Vec<&'a str>,
    /// 1 for TLS 1.2, 2 for 1.3, 3 for both.
    pub versions: u32,
}

/// What both sides accept and offer.
pub struct Config {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Config {
    pub fn open(options: Options) -> Result<Self, Fault> {
        let identity = Identity::read(options.ca, options.chain, options.key)?;
        let provider = provider(&options.suites);
        let versions: &Versions = match options.versions {
            1 => &[&TLS12],
            2 => &[&TLS13],
            _ => &[&TLS13, &TLS12],
        };
        let mut server = identity.server(&provider, versions)?;
        let mut client = identity.client(&provider, versions)?;
        client.alpn_protocols = options.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let key_log = Arc::new(KeyLogFile::new());
        server.key_log = key_log.clone();
        client.key_log = key_log;
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }

    /// Without a name it is the side that was dialled.
    pub fn begin(&self, name: &str) -> Result<Session, Fault> {
        let connection = if name.is_empty() {
            ServerConnection::new(self.server.clone())?.into()
        } else {
            let name = ServerName::try_from(name.to_owned())?;
            ClientConnection::new(self.client.clone(), name)?.into()
        };
        Ok(Session { connection, is_ended: false })
    }
}

/// How many bytes went in and came out.
pub struct Progress {
    pub taken: usize,
    pub given: usize,
}

/// One connection. What it holds is bounded by rustls: a record or a message of the handshake on
/// the way in, 64 KiB on the way out.
pub struct Session {
    connection: Connection,
    is_ended: bool,
}

impl Session {
    /// Takes bytes of the connection while there is room for what is in them. After a failure there
    /// may be an alert to be sent.
    pub fn receive(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Fault> {
        let mut rest = input;
        let mut given = self.take(out)?;
        while !rest.is_empty() && (given < out.len() || self.is_handshaking()) {
            if self.connection.read_tls(&mut rest)? == 0 {
                break;
            }
            let state = self.connection.process_new_packets()?;
            self.is_ended = state.peer_has_closed();
            given += self.take(&mut out[given..])?;
        }
        Ok(Progress { taken: input.len() - rest.len(), given })
    }

    /// Takes bytes for the peer while there is room for what becomes of them.
    pub fn send(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Fault> {
        let (mut taken, mut given) = (0, 0);
        loop {
            while self.is_pending() && given < out.len() {
                given += self.connection.write_tls(&mut &mut out[given..])?;
            }
            if given == out.len() || taken == input.len() {
                return Ok(Progress { taken, given });
            }
            let count = self.connection.writer().write(&input[taken..])?;
            if count == 0 {
                return Err("the session takes no data".into());
            }
            taken += count;
        }
    }

    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }

    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    pub fn is_pending(&self) -> bool {
        self.connection.wants_write()
    }

    pub fn suite(&self) -> Result<String, Fault> {
        let suite = self.connection.negotiated_cipher_suite().ok_or("there is no suite yet")?;
        Ok(format!("{:?}", suite.suite()))
    }

    /// Empty when there is no such certificate.
    pub fn certificate(&self, index: usize) -> &[u8] {
        let chain = self.connection.peer_certificates().unwrap_or_default();
        chain.get(index).map_or(&[], |certificate| certificate.as_ref())
    }

    fn take(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        match self.connection.reader().read(out) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            outcome => Ok(outcome?),
        }
    }
}
