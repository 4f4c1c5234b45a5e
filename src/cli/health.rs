//! `hitl health`: asks a running server whether it is ready, as container platforms want it. Needs no database, and settings only
//! where it is not told whom to ask.

use super::{failure::Failure, output::Format, place::Place};
use crate::settings::Settings;
use anyhow::{Context, bail};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

const PATIENCE: Duration = Duration::from_secs(2);
/// How often a server is asked that is waited for.
const BETWEEN_TRIES: Duration = Duration::from_millis(250);
/// More than any status line has, in bytes.
const LONGEST_LINE: u64 = 1024;

const EXAMPLES: &str = "\
Examples:
  hitl health                            the server of these settings, on this machine
  hitl health --wait 60                  until it is ready, for a minute at most
  hitl health --url http://10.0.0.7:8080

It asks /ready and has two seconds to answer. Exit code 0: ready; 1: not ready, or not there.";

/// Asks a running server whether it is ready.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Health {
    /// The server's address, http only [default: where the settings say that it listens]
    #[arg(long)]
    url: Option<Url>,
    /// Where it listens, in place of what the settings say
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "url")]
    listen: Option<String>,
    /// Ask again until it is ready, for so many seconds at most
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
    #[command(flatten)]
    format: Format,
}

impl Health {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<()> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => of_settings(&place.settings(self.listen.iter().map(|at| ("listen", at.clone())).collect())?)?,
        };
        let (host, port) = address(&url, self.url.is_none())?;
        let end = Instant::now() + Duration::from_secs(self.wait);
        let asked = loop {
            let (asked, next) = (in_time(&url, &host, port).await, Instant::now() + BETWEEN_TRIES);
            if matches!(asked, Ok(200)) || next > end {
                break asked;
            }
            sleep_until(next).await;
        };
        let json = match &asked {
            Ok(status) => json!({"url": url.as_str(), "ready": *status == 200, "status": status}),
            Err(error) => {
                json!({"url": url.as_str(), "ready": false, "status": null, "error": format!("{error:#}")})
            }
        };
        match asked {
            Ok(200) => self.format.print(&json, || "ready".to_owned()),
            Ok(status) => {
                self.format.print_json(&json)?;
                bail!("{url} is not ready: it answers {status}")
            }
            Err(error) => {
                self.format.print_json(&json)?;
                Err(error)
            }
        }
    }
}

/// Where a server with these settings is reached from this machine.
fn of_settings(settings: &Settings) -> Result<Url, Failure> {
    if settings.listen.port() == 0 {
        let what = "listen has port 0, any that is free: name the server by --url, its log says where it listens";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(settings.local_url(settings.listen).parse().expect("an address and a port make a URL"))
}

async fn in_time(url: &Url, host: &str, port: u16) -> anyhow::Result<u16> {
    let asked = timeout(PATIENCE, ask(url, host, port)).await;
    let status = asked.with_context(|| format!("{url} did not answer in time"))?;
    status.with_context(|| format!("{url} cannot be asked"))
}

/// Whom to ask. With TLS only the server of these settings is, on this machine.
fn address(url: &Url, ours: bool) -> Result<(String, u16), Failure> {
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => String::new(),
    };
    match url.port_or_known_default() {
        Some(port) if (ours || url.scheme() == "http") && !host.is_empty() => Ok((host, port)),
        _ => Err(Failure::Usage(format!("{url} must be a plain http address: name the server behind the TLS proxy"))),
    }
}

/// The status that the server answers with.
async fn ask(url: &Url, host: &str, port: u16) -> anyhow::Result<u16> {
    let stream = TcpStream::connect((host, port)).await?;
    if url.scheme() == "https" {
        let name = ServerName::try_from(host.to_owned())?;
        return asked(url, host, port, connector()?.connect(name, stream).await?).await;
    }
    asked(url, host, port, stream).await
}

/// The certificate is not looked at: nothing secret is said, and it is for another name than this machine's address.
fn connector() -> anyhow::Result<TlsConnector> {
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config =
        versions.with_safe_default_protocol_versions()?.dangerous().with_custom_certificate_verifier(Arc::new(Any));
    Ok(Arc::new(config.with_no_client_auth()).into())
}

async fn asked(
    url: &Url,
    host: &str,
    port: u16,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> anyhow::Result<u16> {
    let (path, named) = (url.path().trim_end_matches('/'), url.host_str().unwrap_or(host));
    let request = format!("GET {path}/ready HTTP/1.1\r\nHost: {named}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line).await?;
    status(&line).with_context(|| format!("it does not speak HTTP: {:?}", line.trim_end()))
}

/// Takes any certificate.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn status(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_the_second_word() {
        assert_eq!(status("HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status("HTTP/1.1 503\r\n"), Some(503));
        for line in ["", "HTTP/1.1", "HTTP/1.1 OK", "SSH-2.0-x 200"] {
            assert_eq!(status(line), None, "{line}");
        }
    }

    #[test]
    fn only_plain_http_is_asked() {
        let of = |url: &str| address(&url.parse().unwrap(), false);
        assert_eq!(of("http://[::1]:8080").unwrap(), ("::1".to_owned(), 8080));
        assert_eq!(of("http://localhost").unwrap(), ("localhost".to_owned(), 80));
        assert!(of("https://hitl.example.com").is_err());
    }
}
