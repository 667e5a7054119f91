//! The certificate authorities that TLS connections trust.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::CertificateResult;

use crate::Problem;

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// The system's certificate authorities, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` alone. `Default` is the
/// system's.
#[derive(Clone, Default)]
pub struct Authorities(Option<Arc<RootCertStore>>);

/// The system has no certificate authorities, so no TLS connection could be trusted.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "this machine has no certificate authorities; install the package ca-certificates or set SSL_CERT_FILE"
)]
pub struct NoAuthorities;

impl Authorities {
    /// Reads the certificates that the variables name: a file in PEM form, folders of such files separated by
    /// colons, or both together. If neither is set, the system's authorities are trusted; if a value has a problem,
    /// its certificates are missing.
    pub fn read(mut look_up: impl FnMut(&str) -> Option<String>) -> (Self, Vec<Problem>) {
        let (mut roots, mut problems) = (RootCertStore::empty(), Vec::new());
        let (file, folders) = (look_up(FILE), look_up(FOLDERS));
        if file.is_none() && folders.is_none() {
            return (Self::default(), problems);
        }
        if let Some(file) = file {
            let found = rustls_native_certs::load_certs_from_paths(Some(Path::new(&file)), None);
            let unreadable = found.errors.first().map(cause);
            if let Err(problem) = add(&mut roots, found.certs, unreadable) {
                problems.push((FILE, problem));
            }
        }
        if let Some(folders) = folders {
            let (certificates, unreadable) = in_folders(&folders);
            if let Err(problem) = add(&mut roots, certificates, unreadable) {
                problems.push((FOLDERS, problem));
            }
        }
        (Self(Some(Arc::new(roots))), problems)
    }

    /// The configuration of TLS clients that trust these authorities and no others.
    ///
    /// # Errors
    ///
    /// If the system's authorities are to be trusted and there are none.
    pub fn client_config(&self) -> Result<ClientConfig, NoAuthorities> {
        let roots = match &self.0 {
            Some(roots) => Arc::clone(roots),
            None => Arc::new(system()?),
        };
        Ok(trusting(roots))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => formatter.write_str("Authorities(the system's)"),
            Some(roots) => write!(formatter, "Authorities({} of its own)", roots.len()),
        }
    }
}

/// A configuration that trusts no server, for clients that use no TLS.
pub(crate) fn trusting_none() -> ClientConfig {
    trusting(Arc::new(RootCertStore::empty()))
}

fn trusting(roots: Arc<RootCertStore>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // This fails only for a provider without any cipher suite of TLS 1.2 or 1.3.
    #[expect(clippy::expect_used, reason = "ring supports both default versions of TLS")]
    let builder = builder.expect("ring supports TLS 1.2 and 1.3");
    builder.with_root_certificates(roots).with_no_client_auth()
}

fn system() -> Result<RootCertStore, NoAuthorities> {
    let mut roots = RootCertStore::empty();
    let (valid, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    (valid > 0).then_some(roots).ok_or(NoAuthorities)
}

/// The certificates of all folders, and why the first unreadable folder cannot be read. As with OpenSSL, a folder
/// may contain files without a certificate.
fn in_folders(folders: &str) -> (Vec<CertificateDer<'static>>, Option<String>) {
    let (mut certificates, mut unreadable) = (Vec::new(), None);
    for folder in std::env::split_paths(folders).filter(|folder| !folder.as_os_str().is_empty()) {
        if let Err(error) = std::fs::read_dir(&folder) {
            unreadable.get_or_insert(error.to_string());
            continue;
        }
        let CertificateResult { certs, .. } = rustls_native_certs::load_certs_from_paths(None, Some(&folder));
        certificates.extend(certs);
    }
    (certificates, unreadable)
}

fn add(
    roots: &mut RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
    unreadable: Option<String>,
) -> Result<(), String> {
    if let Some(cause) = unreadable {
        return Err(format!("cannot be read: {cause}"));
    }
    let (valid, _) = roots.add_parsable_certificates(certificates);
    if valid == 0 {
        return Err("holds no certificate; certificates are expected in PEM form".to_owned());
    }
    Ok(())
}

fn cause(error: &rustls_native_certs::Error) -> String {
    match &error.kind {
        rustls_native_certs::ErrorKind::Io { inner, .. } => inner.to_string(),
        _ => "it is damaged".to_owned(),
    }
}
