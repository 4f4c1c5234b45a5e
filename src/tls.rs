//! TLS by certificate files, for whoever has no proxy in front. They are read at the start, and again on SIGHUP.

use crate::settings::Tls;
use anyhow::{Context, ensure};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The certificate that is shown now.
#[derive(Debug)]
pub struct Certificate {
    files: Tls,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads it.
    pub fn read(files: &Tls) -> anyhow::Result<Arc<Self>> {
        let shown = RwLock::new(Arc::new(read(files)?));
        Ok(Arc::new(Self { files: files.clone(), shown }))
    }

    /// Reads it again; should that fail, the one before is shown on.
    fn read_again(&self) {
        match read(&self.files) {
            Ok(certificate) => {
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the certificate was not read again; the one before is shown on");
            }
        }
    }

    /// What turns connections into those that are secret.
    pub fn acceptor(self: &Arc<Self>) -> anyhow::Result<TlsAcceptor> {
        let versions = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
        let mut config = versions?.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config).into())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

fn read(Tls { certificate, key }: &Tls) -> anyhow::Result<CertifiedKey> {
    let (shown, secret) = (certificate.display(), key.display());
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| format!("tls.certificate: {shown} cannot be read"))?;
    ensure!(!chain.is_empty(), "tls.certificate: {shown} has no certificate in PEM");
    let key = PrivateKeyDer::from_pem_file(key);
    let key = key.with_context(|| format!("tls.key: {secret} has no private key in PEM that can be read"))?;
    let certified = CertifiedKey::from_der(chain, key, &provider());
    certified.with_context(|| format!("tls.certificate {shown} and tls.key {secret} do not go together"))
}

/// Reads the certificate again whenever the process gets SIGHUP, until told to stop.
#[cfg(unix)]
pub async fn read_when_told(certificate: Arc<Certificate>, stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut told = signal(SignalKind::hangup()).expect("the runtime handles signals");
    loop {
        tokio::select! {
            biased;
            _ = told.recv() => certificate.read_again(),
            () = stop.cancelled() => return,
        }
    }
}

/// There is no such signal.
#[cfg(not(unix))]
pub async fn read_when_told(_: Arc<Certificate>, stop: CancellationToken) {
    stop.cancelled().await;
}
