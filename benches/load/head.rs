//! The head of an answer: as much of it as is needed to know where the answer ends.

use anyhow::{Context, bail};

/// What the head said, and where the body begins in what was read.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) body: usize,
    pub(crate) length: Length,
    /// Whether the server closes the connection after this.
    pub(crate) closes: bool,
}

/// How long the body is.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    Known(usize),
    Chunked,
    UntilClosed,
}

impl Head {
    /// The head, once it is there as a whole.
    pub(crate) fn parse(read: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&read[..end]).context("the head is not text")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let Some(status) = status else { bail!("not an answer: {text}") };
        let mut head = Self { status, body: end + 4, length: Length::UntilClosed, closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            head.note(name, value.trim())?;
        }
        if matches!(status, 204 | 304) {
            head.length = Length::Known(0);
        }
        Ok(Some(head))
    }

    fn note(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        if name.eq_ignore_ascii_case("content-length") {
            self.length = Length::Known(value.parse().context("an answer with a length that is no number")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            self.length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
            self.closes = true;
        }
        Ok(())
    }
}
