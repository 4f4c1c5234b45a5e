//! `hitl health`: asks a running server whether it is ready, as container platforms want it. Needs no settings.

use super::{failure::Failure, output::Format};
use anyhow::{Context, bail};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use url::{Host, Url};

const PATIENCE: Duration = Duration::from_secs(2);
/// More than any status line has, in bytes.
const LONGEST_LINE: u64 = 1024;

/// Asks `/ready`, for two seconds at most; exit code 0 when it answers 200.
#[derive(clap::Args)]
pub(super) struct Health {
    /// The server's address, http only
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    #[command(flatten)]
    format: Format,
}

impl Health {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (host, port) = address(&self.url)?;
        let asked = self.ask(&host, port).await;
        let json = match &asked {
            Ok(status) => json!({"url": self.url.as_str(), "ready": *status == 200, "status": status}),
            Err(error) => {
                json!({"url": self.url.as_str(), "ready": false, "status": null, "error": format!("{error:#}")})
            }
        };
        match asked {
            Ok(200) => self.format.print(&json, || "ready".to_owned()),
            Ok(status) => {
                self.format.print_json(&json)?;
                bail!("{} is not ready: it answers {status}", self.url)
            }
            Err(error) => {
                self.format.print_json(&json)?;
                Err(error)
            }
        }
    }

    async fn ask(&self, host: &str, port: u16) -> anyhow::Result<u16> {
        let asked = timeout(PATIENCE, ask(&self.url, host, port)).await;
        let status = asked.with_context(|| format!("{} did not answer in time", self.url))?;
        status.with_context(|| format!("{} cannot be asked", self.url))
    }
}

fn address(url: &Url) -> Result<(String, u16), Failure> {
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => String::new(),
    };
    match url.port_or_known_default() {
        Some(port) if url.scheme() == "http" && !host.is_empty() => Ok((host, port)),
        _ => Err(Failure::Usage(format!("{url} must be a plain http address: name the server behind the TLS proxy"))),
    }
}

/// The status that the server answers with.
async fn ask(url: &Url, host: &str, port: u16) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect((host, port)).await?;
    let (path, named) = (url.path().trim_end_matches('/'), url.host_str().unwrap_or(host));
    let request = format!("GET {path}/ready HTTP/1.1\r\nHost: {named}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line).await?;
    status(&line).with_context(|| format!("it does not speak HTTP: {:?}", line.trim_end()))
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
        let of = |url: &str| address(&url.parse().unwrap());
        assert_eq!(of("http://[::1]:8080").unwrap(), ("::1".to_owned(), 8080));
        assert_eq!(of("http://localhost").unwrap(), ("localhost".to_owned(), 80));
        assert!(of("https://hitl.example.com").is_err());
    }
}
