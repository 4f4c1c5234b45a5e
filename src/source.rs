//! Another server's public API, read with a key: no faster than it allows, and again where it fails. Knows no database.

use crate::{
    app::Clock,
    domain::{Secret, Timestamp},
};
use reqwest::{Client, Response, Url, header::HeaderMap};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// For anything more of an answer: a page of requests may be long, and the way slow.
const PATIENCE: Duration = Duration::from_mins(1);
/// To connect.
const CONNECT: Duration = Duration::from_secs(10);
/// How long is waited at most because the source says so, in seconds: longer than its window of an hour.
const LONGEST_WAIT: i64 = 2 * 3600;
/// How long before trying again after a failure, in seconds: doubled each time, up to this.
const LONGEST_PAUSE: i64 = 60;
/// How often in a row it may say that it is too much.
const LIMITED: u32 = 5;
/// The most that an answer may have, in bytes: a hundred requests of a MiB.
const LONGEST: usize = 128 * 1024 * 1024;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The source does not allow it.
    #[error("{url} refuses: {msg} ({status})")]
    Refused {
        /// The whole address.
        url: Url,
        /// Its status.
        status: u16,
        /// What it says.
        msg: String,
    },
    /// It wants to be asked again much later.
    #[error("the source allows no call for {0} seconds: come again then, what was read is kept")]
    TooLong(i64),
    /// It does not speak the API.
    #[error("{0} does not answer as the loop API does: is this its address?")]
    Strange(Url),
    /// It cannot be reached, or fails.
    #[error("{url} could not be read, after {tries} tries: {why}")]
    Failed {
        /// The whole address.
        url: Url,
        /// How often it was tried.
        tries: u32,
        /// What went wrong last.
        why: String,
    },
}

/// What is told whenever it is waited.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// The API.
pub struct Source {
    client: Client,
    base: Url,
    key: Secret,
    tries: u32,
    clock: Arc<dyn Clock>,
    tell: Tell,
    /// Until when it allows no more calls.
    closed_until: Mutex<Option<Timestamp>>,
}

/// What one attempt came to.
enum Outcome {
    Answered(Value),
    Limited(Option<i64>),
    Failed(String),
}

/// Reads where a server's API is: its address, with or without `/v1` and `/v1/api`.
pub fn address(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "not a URL: give one such as https://api.example.com")?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err("not an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a name or a password in it: the key goes into a file");
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api").filter(|path| path.ends_with("/v1")).unwrap_or(path);
    let path = path.strip_suffix("/v1").unwrap_or(path).to_owned();
    url.set_path(&path);
    Ok(url)
}

impl Source {
    /// The API at that address. What fails is tried so often; whenever it is waited, that is told.
    pub fn new(base: Url, key: Secret, tries: u32, clock: Arc<dyn Clock>, tell: Tell) -> reqwest::Result<Self> {
        // Another part of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none()) // the key is for that address alone
            .read_timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .user_agent(concat!("hitl-pull/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, base, key, tries, clock, tell, closed_until: Mutex::default() })
    }

    /// Where it is.
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// What it answers to `GET` of a path, within `data`.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let url = self.url(path, query);
        let (mut failed, mut limited) = (0, 0);
        loop {
            self.wait_until_open().await?;
            match self.attempt(&url).await? {
                Outcome::Answered(data) => return Ok(data),
                Outcome::Limited(seconds) if limited < LIMITED => {
                    limited += 1;
                    self.wait(seconds.unwrap_or(LONGEST_PAUSE), "the source allows no more calls for now").await?;
                }
                Outcome::Limited(seconds) => return Err(Failure::TooLong(seconds.unwrap_or(LONGEST_PAUSE))),
                Outcome::Failed(why) => {
                    failed += 1;
                    if failed >= self.tries {
                        return Err(Failure::Failed { url, tries: failed, why });
                    }
                    let pause = (1_i64 << (failed - 1).min(6)).min(LONGEST_PAUSE);
                    self.wait(pause, &format!("try {failed} of {} failed ({why})", self.tries)).await?;
                }
            }
        }
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn attempt(&self, url: &Url) -> Result<Outcome, Failure> {
        let call = self.client.get(url.clone()).bearer_auth(&self.key.0).send().await;
        let answered = match call {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Failed(reason(&error))),
        };
        let (status, headers) = (answered.status().as_u16(), answered.headers().clone());
        let body = match whole(answered).await {
            Ok(body) => body,
            Err(why) => return Ok(Outcome::Failed(why)),
        };
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        let said = body.as_ref().and_then(|body| body["msg"].as_str()).map(shortened);
        match status {
            200..=299 => {
                self.note(&headers);
                let data = body.and_then(|mut body| body.get_mut("data").map(Value::take)).filter(Value::is_object);
                data.map(Outcome::Answered).ok_or_else(|| Failure::Strange(url.clone()))
            }
            429 => Ok(Outcome::Limited(number(&headers, "retry-after").or_else(|| self.until_reset(&headers)))),
            500..=599 => Ok(Outcome::Failed(format!("{status} {}", said.unwrap_or_default()).trim().to_owned())),
            _ => match said {
                Some(msg) => Err(Failure::Refused { url: url.clone(), status, msg }),
                None => Err(Failure::Strange(url.clone())),
            },
        }
    }

    /// Remembers that the call before was the last that is allowed.
    fn note(&self, headers: &HeaderMap) {
        let used_up = number(headers, "x-ratelimit-remaining") == Some(0);
        let seconds = self.until_reset(headers).filter(|_| used_up);
        let until = seconds.map(|seconds| self.clock.now().plus_seconds(seconds));
        *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Seconds until it allows calls again; what it calls now counts, where it says that.
    fn until_reset(&self, headers: &HeaderMap) -> Option<i64> {
        let now = time_of(headers).unwrap_or_else(|| self.clock.now().seconds());
        number(headers, "x-ratelimit-reset").map(|reset| (reset - now).max(1))
    }

    async fn wait_until_open(&self) -> Result<(), Failure> {
        let closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner).take();
        match closed.map(|until| until.micros_since(self.clock.now())) {
            Some(micros) if micros > 0 => {
                self.wait((micros + 999_999) / 1_000_000, "the calls that the source allows are used up").await
            }
            _ => Ok(()),
        }
    }

    async fn wait(&self, seconds: i64, why: &str) -> Result<(), Failure> {
        if seconds > LONGEST_WAIT {
            return Err(Failure::TooLong(seconds));
        }
        let seconds = seconds.max(1);
        let until: Timestamp = self.clock.now().plus_seconds(seconds);
        (self.tell)(&format!("{why}: waiting {seconds} s, until {until}"));
        tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())).await;
        Ok(())
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// What time it was there.
fn time_of(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(reqwest::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second())
}

async fn whole(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err("its answer is too long".into());
        }
    }
    Ok(body)
}

/// What lies at the bottom of it.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    shortened(&cause.to_string())
}

/// What somebody else wrote, without what could steer a terminal.
fn shortened(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_server_however_it_is_given() {
        for (text, base) in [
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com/v1", "https://api.example.com/"),
            ("https://api.example.com/v1/api/", "https://api.example.com/"),
            ("http://127.0.0.1:8080/hitl/v1/api?x=1#y", "http://127.0.0.1:8080/hitl"),
            ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"),
        ] {
            assert_eq!(address(text).unwrap().as_str(), base);
        }
        for text in ["", "api.example.com", "ftp://example.com", "https://key@example.com", "file:///etc/passwd"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
