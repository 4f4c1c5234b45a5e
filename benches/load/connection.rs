//! One keep-alive connection, as thin as a client can be: HTTP/1.1 with `Content-Length`, nothing else.

use anyhow::{Context, bail, ensure};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection, and what was read from it.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// Where the body begins in what was read, and what the head said.
struct Head {
    status: u16,
    body: usize,
    length: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("the server took no connection")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(16 * 1024) })
    }

    /// Sends one request and reads the whole answer, which must have that status; its body.
    pub(crate) async fn call(&mut self, request: &[u8], expected: u16) -> anyhow::Result<&str> {
        self.send(request).await?;
        self.answer(expected).await
    }

    /// Sends one request.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.read.clear();
        self.stream.write_all(request).await.context("the server closed the connection")
    }

    /// Reads the whole answer to what was sent, which must have that status; its body.
    pub(crate) async fn answer(&mut self, expected: u16) -> anyhow::Result<&str> {
        let head = loop {
            self.fill().await?;
            if let Some(head) = Head::parse(&self.read)? {
                break head;
            }
        };
        while self.read.len() < head.body + head.length {
            self.fill().await?;
        }
        ensure!(self.read.len() == head.body + head.length, "the server sent more than one answer");
        let body = std::str::from_utf8(&self.read[head.body..]).context("the answer is not text")?;
        ensure!(head.status == expected, "expected status {expected}, not {}: {body}", head.status);
        Ok(body)
    }

    /// Reads the stream that answers what was sent, until that is in it.
    pub(crate) async fn follow(&mut self, until: &str) -> anyhow::Result<()> {
        while !self.read.windows(until.len()).any(|part| part == until.as_bytes()) {
            self.fill().await?;
        }
        ensure!(self.read.starts_with(b"HTTP/1.1 200 "), "no stream: {}", String::from_utf8_lossy(&self.read));
        Ok(())
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.read).await.context("the server closed the connection")?;
        ensure!(count > 0, "the server closed the connection before its answer was complete");
        Ok(())
    }
}

impl Head {
    /// The head, once it is there as a whole.
    fn parse(read: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&read[..end]).context("the head is not text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let Some(status) = status else { bail!("not an answer: {head}") };
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
        });
        let length = length.with_context(|| format!("an answer without a length: {head}"))?;
        Ok(Some(Self { status, body: end + 4, length }))
    }
}

/// A request without a body; no token where it is empty.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{}\r\n", fields(token)).into_bytes()
}

/// A request with a JSON body; no token where it is empty.
pub(crate) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let fields = fields(token);
    format!("POST {path} HTTP/1.1\r\n{fields}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn fields(token: &str) -> String {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    format!("Host: localhost\r\nUser-Agent: hitl-load\r\n{authorization}")
}
