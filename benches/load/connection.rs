//! One keep-alive connection, as thin as a client can be: HTTP/1.1, one request after another, nothing else.

use crate::{
    chunks,
    head::{Head, Length},
};
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection, and what was read from it.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    read: Vec<u8>,
    /// The body, where it is not what was read.
    joined: Vec<u8>,
    /// Whether the server does not go on with it.
    closed: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = connect(address).await?;
        Ok(Self { address, stream, read: Vec::with_capacity(16 * 1024), joined: Vec::new(), closed: false })
    }

    /// Sends one request and reads the whole answer, which must have that status; its body.
    pub(crate) async fn call(&mut self, request: &[u8], expected: u16) -> anyhow::Result<&str> {
        self.call_for(request, &[expected]).await
    }

    /// The same where the answer may have one of several statuses.
    pub(crate) async fn call_for(&mut self, request: &[u8], expected: &[u16]) -> anyhow::Result<&str> {
        self.send(request).await?;
        self.answer_of(expected).await
    }

    /// Sends one request, over a new connection where the server closed the last.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        if self.closed {
            self.stream = connect(self.address).await?;
            self.closed = false;
        }
        self.read.clear();
        self.stream.write_all(request).await.context("the server closed the connection")
    }

    /// Reads the whole answer to what was sent, which must have that status; its body.
    pub(crate) async fn answer(&mut self, expected: u16) -> anyhow::Result<&str> {
        self.answer_of(&[expected]).await
    }

    async fn answer_of(&mut self, expected: &[u16]) -> anyhow::Result<&str> {
        let head = loop {
            self.fill().await?;
            if let Some(head) = Head::parse(&self.read)? {
                break head;
            }
        };
        self.closed = head.closes;
        let body = match head.length {
            Length::Known(length) => self.known(head.body, length).await?,
            Length::Chunked => self.chunked(head.body).await?,
            Length::UntilClosed => self.rest(head.body).await?,
        };
        let body = std::str::from_utf8(body).context("the answer is not text")?;
        ensure!(expected.contains(&head.status), "expected status {expected:?}, not {}: {body}", head.status);
        Ok(body)
    }

    async fn known(&mut self, begin: usize, length: usize) -> anyhow::Result<&[u8]> {
        while self.read.len() < begin + length {
            self.fill().await?;
        }
        ensure!(self.read.len() == begin + length, "the server sent more than one answer");
        Ok(&self.read[begin..])
    }

    async fn chunked(&mut self, begin: usize) -> anyhow::Result<&[u8]> {
        self.joined = loop {
            if let Some(body) = chunks::joined(&self.read[begin..])? {
                break body;
            }
            self.fill().await?;
        };
        Ok(&self.joined)
    }

    async fn rest(&mut self, begin: usize) -> anyhow::Result<&[u8]> {
        self.closed = true;
        self.stream.read_to_end(&mut self.read).await?;
        Ok(&self.read[begin..])
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

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await.context("the server took no connection")?;
    stream.set_nodelay(true)?;
    Ok(stream)
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

/// What stands in the head of each of our requests.
pub(crate) fn fields(token: &str) -> String {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    format!("Host: localhost\r\nUser-Agent: hitl-load\r\n{authorization}")
}
