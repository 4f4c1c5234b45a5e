//! A request with gaps, `{name}`, that are filled with what earlier answers said.

use anyhow::{Context, bail};
use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// What is different in each request: for what must not be the same twice.
pub(crate) const UNIQUE: &str = "unique";
static COUNT: AtomicU64 = AtomicU64::new(0);

/// What was taken of answers, by its name.
pub(crate) type Taken = Vec<(String, String)>;

/// The request.
pub(crate) struct Template {
    head: Vec<Piece>,
    body: Option<Vec<Piece>>,
}

enum Piece {
    Text(String),
    Gap(String),
}

impl Template {
    /// One with these lines in its head, each with its end, and perhaps a body.
    pub(crate) fn new(method: &str, path: &str, fields: &str, body: Option<&str>) -> Self {
        Self { head: pieces(&format!("{method} {path} HTTP/1.1\r\n{fields}")), body: body.map(pieces) }
    }

    /// The gaps in it.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = &str> {
        let pieces = self.head.iter().chain(self.body.iter().flatten());
        pieces.filter_map(|piece| if let Piece::Gap(name) = piece { Some(name.as_str()) } else { None })
    }

    /// The bytes to send.
    pub(crate) fn filled(&self, taken: &Taken) -> anyhow::Result<Vec<u8>> {
        let mut request = fill(&self.head, taken)?;
        match &self.body {
            Some(body) => {
                let body = fill(body, taken)?;
                let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
            }
            None => request += "\r\n",
        }
        Ok(request.into_bytes())
    }
}

fn fill(pieces: &[Piece], taken: &Taken) -> anyhow::Result<String> {
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled += text,
            Piece::Gap(name) if name == UNIQUE => filled += &COUNT.fetch_add(1, Ordering::Relaxed).to_string(),
            Piece::Gap(name) => {
                let found = taken.iter().rev().find(|(taken, _)| taken == name);
                filled += &found.with_context(|| format!("no answer has given {name}"))?.1;
            }
        }
    }
    Ok(filled)
}

/// Where a word of small letters stands in braces there is a gap: no JSON looks like that.
fn pieces(text: &str) -> Vec<Piece> {
    let (mut pieces, mut rest, mut from) = (Vec::new(), text, 0);
    while let Some(begin) = rest[from..].find('{').map(|at| from + at) {
        let end = rest[begin..].find('}').map(|at| begin + at);
        let name = end.map(|end| &rest[begin + 1..end]);
        match name.zip(end) {
            Some((name, end)) if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
                pieces.push(Piece::Text(rest[..begin].to_owned()));
                pieces.push(Piece::Gap(name.to_owned()));
                (rest, from) = (&rest[end + 1..], 0);
            }
            _ => from = begin + 1,
        }
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

/// Puts the value of each `${NAME}` in its place.
pub(crate) fn with_settings(text: &str, setting: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let (mut whole, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { bail!("`${{` without its `}}`: {text}") };
        whole += before;
        whole += &setting(name).with_context(|| format!("set {name} in the environment: {text}"))?;
        rest = after;
    }
    Ok(whole + rest)
}
