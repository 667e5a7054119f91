//! A certificate authority of a test's own, and TLS before servers that have none.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A certificate authority that no machine trusts by itself.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a test's own");
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its certificate, as `SSL_CERT_FILE` expects it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// What a server needs to be known under this name or address.
    fn server(&self, name: &str) -> anyhow::Result<Arc<ServerConfig>> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &self.0)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.into()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        Ok(Arc::new(config))
    }
}

/// Takes TLS connections on the loopback and hands on what they say. It ends when this value is dropped.
#[derive(Debug)]
pub struct Terminator {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Terminator {
    /// Stands before `target`, known under this name or address.
    ///
    /// # Errors
    /// Where no certificate can be made.
    pub async fn start(authority: &Authority, name: &str, target: SocketAddr) -> anyhow::Result<Self> {
        let acceptor = TlsAcceptor::from(authority.server(name)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // A client that does not trust us ends its conversation, and no other.
                tokio::spawn(hand_on(acceptor.clone(), connection, target));
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Terminator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn hand_on(acceptor: TlsAcceptor, connection: TcpStream, target: SocketAddr) -> io::Result<()> {
    let mut client = acceptor.accept(connection).await?;
    let mut server = TcpStream::connect(target).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
