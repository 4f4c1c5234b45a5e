//! A body that comes in chunks, as some servers send even short ones.

use anyhow::Context;

/// The whole body, once its last chunk is there.
pub(crate) fn joined(mut read: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some((line, rest)) = split_line(read) else { return Ok(None) };
        let size = std::str::from_utf8(line).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let size = size.context("a chunk does not say how long it is")?;
        if size == 0 {
            return Ok(ends(rest).then_some(body));
        }
        let Some((chunk, rest)) = rest.split_at_checked(size) else { return Ok(None) };
        let Some(rest) = rest.strip_prefix(b"\r\n") else { return Ok(None) };
        body.extend_from_slice(chunk);
        read = rest;
    }
}

/// Whether the trailers are over, which are rarely any.
fn ends(trailers: &[u8]) -> bool {
    trailers == b"\r\n" || trailers.ends_with(b"\r\n\r\n")
}

fn split_line(read: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = read.windows(2).position(|two| two == b"\r\n")?;
    Some((&read[..end], &read[end + 2..]))
}
