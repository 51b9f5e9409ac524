//! TLS and tokens from files, which may be exchanged while the client runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

const RELOAD: Duration = Duration::from_secs(1); // how old a token may be that is sent

/// Files in PEM form for TLS; all of them are optional. They are read again for each connection, so that
/// new ones need no restart.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The authorities that the server's certificate may come from; none takes those of this machine.
    pub ca: Option<PathBuf>,
    /// The client's own certificate, for servers that demand one; it comes with `key`.
    pub cert: Option<PathBuf>,
    /// The key of the client's own certificate.
    pub key: Option<PathBuf>,
    /// The name in the server's certificate, where it is not that of the target.
    pub server_name: Option<String>,
}

impl Tls {
    /// Trusts the authorities in a file.
    pub fn trusting(ca: impl Into<PathBuf>) -> Self {
        Self {
            ca: Some(ca.into()),
            ..Self::default()
        }
    }

    /// Shows the client's own certificate (mutual TLS).
    #[must_use]
    pub fn showing(mut self, cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.cert = Some(cert.into());
        self.key = Some(key.into());
        self
    }

    /// What the files say now.
    pub(crate) fn config(&self) -> io::Result<ClientConfig> {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(self.roots()?);
        let mut config = match (&self.cert, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| within(key, error))?;
                let chain = certificates(cert)?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| within(cert, error))?
            }
            _ => return Err(io::Error::other("cert and key come together")),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    fn roots(&self) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let found = match &self.ca {
            Some(ca) => certificates(ca)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let (taken, _) = roots.add_parsable_certificates(found);
        if taken == 0 {
            return Err(io::Error::other("there is no authority to trust; give ca"));
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let found = read.map_err(|error| within(path, error))?;
    if found.is_empty() {
        return Err(within(path, "it has no certificate"));
    }
    Ok(found)
}

fn within(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

/// A key or token in a file.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
    now: Mutex<(HeaderValue, Instant)>,
}

impl TokenFile {
    pub fn open(path: PathBuf) -> Result<Self> {
        let header = read(&path).map_err(|why| Error::invalid("token_file", why))?;
        let now = Mutex::new((header, Instant::now()));
        Ok(Self { path, now })
    }

    /// The header as of now. The file is small, and read once a second at most.
    pub fn header(&self, now: Instant) -> HeaderValue {
        let mut held = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(held.1) >= RELOAD {
            // One that is being replaced: the old token counts until the server refuses it.
            if let Ok(fresh) = read(&self.path) {
                held.0 = fresh;
            }
            held.1 = now;
        }
        held.0.clone()
    }
}

fn read(path: &Path) -> std::result::Result<HeaderValue, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    let header = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut header =
        header.map_err(|_| format!("{} has signs that no token has", path.display()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    #[test]
    fn tokens_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first\n").unwrap();
        let file = TokenFile::open(path.clone()).unwrap();
        let begun = Instant::now();
        let expect = |after: Duration, want: &str| {
            assert_eq!(file.header(begun + after), format!("Bearer {want}"));
        };
        expect(Duration::ZERO, "first");
        fs::write(&path, "second").unwrap();
        expect(RELOAD / 2, "first"); // not older than a second
        expect(RELOAD * 2, "second");
        fs::write(&path, "").unwrap(); // being replaced
        expect(RELOAD * 4, "second");
        assert!(TokenFile::open(path).is_err(), "an empty file is taken");
    }

    #[test]
    fn a_token_is_not_sent_in_the_clear() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "secret").unwrap();
        for (target, allowed) in [
            ("127.0.0.1:8500", true),
            ("dns:///localhost:8500", true),
            ("scores.example:8500", false),
            ("dns:///10.0.0.1:8500", false),
        ] {
            let built = Client::builder(target).token_file(&path).build();
            assert_eq!(built.is_ok(), allowed, "{target}");
        }
        let encrypted = Client::builder("scores.example:1")
            .token_file(&path)
            .tls(Tls::default());
        assert!(encrypted.build().is_ok() || Tls::default().config().is_err());
    }

    #[test]
    fn files_that_are_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "no certificate").unwrap();
        let half = Tls {
            cert: Some(path.clone()),
            ..Tls::default()
        };
        for tls in [
            Tls::trusting(folder.path().join("nothing")),
            Tls::trusting(&path),
            half,
        ] {
            assert!(
                Client::builder("a:1").tls(tls.clone()).build().is_err(),
                "{tls:?}"
            );
        }
    }
}
