//! Who a node is and whom it trusts, and what TLS makes of it: certificates of one authority on
//! both sides, and nothing that outlives a connection.

use std::fmt::Display;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::abi::Fault;

pub type Versions = [&'static SupportedProtocolVersion];

pub struct Identity {
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// The certificate authority, the node's certificate chain and its key are PEM text.
    pub fn read(ca: &[u8], chain: &[u8], key: &[u8]) -> Result<Self, Fault> {
        let mut roots = RootCertStore::empty();
        for root in certificates(ca).map_err(|fault| named("the CA certificate", fault))? {
            roots.add(root).map_err(|fault| named("the CA certificate", fault))?;
        }
        let chain = certificates(chain).map_err(|fault| named("the certificate", fault))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|fault| named("the key", fault))?;
        Ok(Self { roots: Arc::new(roots), chain, key })
    }

    /// Insists on a certificate of the client.
    pub fn server(
        &self,
        provider: &Arc<CryptoProvider>,
        versions: &Versions,
    ) -> Result<ServerConfig, Fault> {
        let (roots, provider) = (self.roots.clone(), provider.clone());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|fault| named("the certificate with the key", fault))?;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }

    pub fn client(
        &self,
        provider: &Arc<CryptoProvider>,
        versions: &Versions,
    ) -> Result<ClientConfig, Fault> {
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)?
            .with_root_certificates(self.roots.clone())
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|fault| named("the certificate with the key", fault))?;
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// All cipher suites that rustls recommends, or those of them that are named.
pub fn provider(suites: &[&str]) -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    if !suites.is_empty() {
        let is_named = |name: String| suites.contains(&name.as_str());
        provider.cipher_suites.retain(|suite| is_named(format!("{:?}", suite.suite())));
    }
    Arc::new(provider)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(found) }
}

fn named(what: &str, fault: impl Display) -> Fault {
    format!("Cannot use {what}: {fault}").into()
}
