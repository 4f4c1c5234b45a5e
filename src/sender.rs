//! Sending one delivery: signing it, connecting to nothing that is forbidden, reading no more than is kept (contract 12.5–12.7,
//! quality B). Knows no database.

use crate::{
    domain::{Delivery, Secret, Timestamp, signatures, targets::Targets, words::Word},
    service::deliveries::Sent,
};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, HeaderValue, RETRY_AFTER},
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::sync::OnceCell;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// From connecting to the last byte.
    pub attempt: Duration,
    /// To connect.
    pub connect: Duration,
}

impl Default for Times {
    /// 30 seconds and 10 (contract 12.6).
    fn default() -> Self {
        Self { attempt: Duration::from_secs(30), connect: Duration::from_secs(10) }
    }
}

/// Bytes of an answer that are read, and that are kept.
const READ: usize = 20_000;
const KEPT: usize = 4096;

/// The one client of a process: no redirects, no proxies, its own eyes on addresses.
#[derive(Debug)]
pub struct Sender {
    /// Made when it is first needed: the certificates that it trusts take up memory.
    client: OnceCell<Client>,
    targets: Targets,
    times: Times,
}

impl Sender {
    /// A sender that connects where these allow.
    pub fn new(targets: Targets) -> Self {
        Self::within(targets, Times::default())
    }

    /// The same that waits no longer than this.
    pub fn within(targets: Targets, times: Times) -> Self {
        // Another part of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: OnceCell::new(), targets, times }
    }

    async fn client(&self) -> reqwest::Result<&Client> {
        let make = async || {
            Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .timeout(self.times.attempt)
                .connect_timeout(self.times.connect)
                .user_agent("HITL-Webhooks/1.0")
                .dns_resolver(Arc::new(Guarded(self.targets.clone())))
                .build()
        };
        self.client.get_or_try_init(make).await
    }

    /// Makes one attempt. The body is the same at each; time and signatures are fresh.
    pub async fn send(&self, it: &Delivery, secrets: &[Secret], now: Timestamp) -> Sent {
        self.post_with(&it.url, headers(it, secrets, now), it.body.clone().into_bytes(), now).await
    }

    /// The same with anything in it: for what goes to people. A header's value that cannot be one is left out.
    pub async fn post(&self, url: &str, named: &[(&'static str, String)], body: Vec<u8>, now: Timestamp) -> Sent {
        let named =
            named.iter().filter_map(|(name, text)| Some((name.parse().ok()?, HeaderValue::from_str(text).ok()?)));
        self.post_with(url, named.collect(), body, now).await
    }

    async fn post_with(&self, url: &str, headers: HeaderMap, body: Vec<u8>, now: Timestamp) -> Sent {
        let url = match self.checked(url) {
            Ok(url) => url,
            Err(error) => return Sent { error: Some(error), hopeless: true, ..Sent::default() },
        };
        let posted = async { self.client().await?.post(url).headers(headers).body(body).send().await };
        match posted.await {
            Ok(response) => received(response, now).await,
            Err(error) => refused(&error, self.times),
        }
    }

    /// An address that is written as one is never resolved: it is checked here.
    fn checked(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|_| "the URL is not valid".to_owned())?;
        let host = url.host_str().unwrap_or_default();
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            self.targets.check(address)?;
        }
        Ok(url)
    }
}

fn headers(it: &Delivery, secrets: &[Secret], now: Timestamp) -> HeaderMap {
    let body = it.body.as_bytes();
    let id = it.event_id.to_string();
    let standard: Vec<String> =
        secrets.iter().map(|secret| signatures::standard(secret, &id, now.seconds(), body)).collect();
    let mut named = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.clone()),
        ("webhook-timestamp", now.seconds().to_string()),
        ("webhook-signature", standard.join(" ")),
        ("x-hitl-event", it.event.as_str().to_owned()),
        ("x-hitl-event-id", id),
        ("x-hitl-delivery", it.id.to_string()),
        ("x-hitl-attempt", (it.attempt + 1).to_string()),
    ];
    for (secret, names) in secrets.iter().zip([
        ["x-hitl-signature-256", "x-hitl-signature"],
        ["x-hitl-signature-256-previous", "x-hitl-signature-previous"],
    ]) {
        let signature = signatures::of_body(secret, body);
        named.push((names[0], format!("sha256={signature}")));
        named.push((names[1], signature));
    }
    let value = |text: &str| HeaderValue::from_str(text).expect("digits, letters and signs");
    named.into_iter().map(|(name, text)| (name.parse().expect("a header's name"), value(&text))).collect()
}

async fn received(mut response: reqwest::Response, now: Timestamp) -> Sent {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    let status = Some(response.status().as_u16());
    let (mut body, mut read) = (Vec::new(), 0);
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        body.extend_from_slice(&chunk[..chunk.len().min(KEPT - body.len().min(KEPT))]);
        if read >= READ {
            break;
        }
    }
    // Neither engine could keep a NUL.
    let mut body = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}");
    body.truncate(body.floor_char_boundary(KEPT));
    Sent { status, retry_after, body: Some(body), ..Sent::default() }
}

/// `Retry-After` in seconds from now: a number of them, or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<i64> {
    let text = text.trim();
    let date = || OffsetDateTime::parse(text, &Rfc2822).ok().map(|date| date.unix_timestamp() - now.seconds());
    text.parse().ok().or_else(date)
}

fn refused(error: &reqwest::Error, times: Times) -> Sent {
    let forbidden =
        causes(error).find_map(|cause| cause.downcast_ref::<Forbidden>().map(|forbidden| forbidden.0.clone()));
    let hopeless = forbidden.is_some();
    let said = forbidden.unwrap_or_else(|| {
        if error.is_timeout() && error.is_connect() {
            return format!("no connection within {} seconds", times.connect.as_secs());
        }
        if error.is_timeout() {
            return format!("no answer within {} seconds", times.attempt.as_secs());
        }
        causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
    });
    Sent { error: Some(said), hopeless, ..Sent::default() }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Why a name was not connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Forbidden(String);

/// Resolves names as the system does, and passes on only addresses that may be connected to: what is checked is what is used.
struct Guarded(Targets);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (mut allowed, mut reason) = (Vec::new(), None);
            for address in found {
                match targets.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => reason = Some(why),
                }
            }
            match (allowed.is_empty(), reason) {
                (true, Some(why)) => Err(Forbidden(format!("{}: {why}", name.as_str())).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2024-03-15T10:30:00Z".parse().unwrap();
        for (text, seconds) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Fri, 15 Mar 2024 10:31:30 GMT", Some(90)),
            ("Fri, 15 Mar 2024 10:29:00 GMT", Some(-60)),
            ("soon", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), seconds, "{text:?}");
        }
    }
}
