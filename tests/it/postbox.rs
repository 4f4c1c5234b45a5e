//! A mail server on a free port of this machine: it takes what comes, or refuses it, and keeps it.

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A letter as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) text: String,
}

#[derive(Default)]
struct Inner {
    letters: Mutex<Vec<Letter>>,
    /// What it says to the next recipients.
    refuses: Mutex<Vec<String>>,
}

pub(crate) struct Postbox {
    inner: Arc<Inner>,
    port: u16,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Postbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Postbox {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, inner) = (listener.local_addr().unwrap().port(), Arc::new(Inner::default()));
        let kept = inner.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, kept.clone()));
            }
        });
        Self { inner, port, server }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Says this to the next one who names a recipient.
    pub(crate) fn refuses(&self, with: &str) {
        self.inner.refuses.lock().unwrap().push(with.to_owned());
    }

    /// The letters that came since last asked.
    pub(crate) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.inner.letters.lock().unwrap())
    }
}

async fn talk(stream: TcpStream, inner: Arc<Inner>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut letter = Letter::default();
    write.write_all(b"220 postbox\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-postbox\r\n250 8BITMIME".to_owned(),
            "RCPT" => {
                letter.to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                inner.refuses.lock().unwrap().pop().unwrap_or_else(|| "250 fine".into())
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    letter.text.extend([line.as_str(), "\n"]);
                }
                inner.letters.lock().unwrap().push(std::mem::take(&mut letter));
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 fine".to_owned(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}
