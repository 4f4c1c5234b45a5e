//! What an operator can set: `config/default.toml` (compiled in) < a file < `HITL_*` variables < flags. A wrong value or name
//! refuses the start, all of them at once, and secrets print as `***`. Does not know what the settings are used for.

mod database;
mod faults;
mod keys;
mod mail;
mod reader;
mod rules;
mod sources;
mod tls;

use crate::domain::targets::Targets;
pub use faults::{Fault, Faults, Place};
pub use mail::{Mail, MailEncryption};
pub use sources::Sources;
pub use tls::Tls;

use database::DatabaseUrl;
use ipnet::IpNet;
use reader::{Line, Reader};
use sources::Layers;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};
use url::Url;

/// The settings in force. `Display` shows them as TOML, each with the place it was written, without secrets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The address people and programs reach the server by; `None`: derived from the listen address (contract section 14).
    pub public_url: Option<Url>,
    /// The folder of the database file; `None` only where the platform has none and `database_url` is set.
    pub data_dir: Option<PathBuf>,
    /// Networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed (contract section 15.6).
    pub trusted_proxies: Vec<IpNet>,
    /// Connections served at a time, 1 to 100 000.
    pub max_connections: usize,
    /// How long a request may take, 1 to 600 s.
    pub request_timeout: Duration,
    /// How long requests under way may take when the server stops, before they are cut; 0 to 600 s.
    pub shutdown: Duration,
    /// `[limits]`
    pub limits: Limits,
    /// `[reviews]`
    pub reviews: Reviews,
    /// `[sessions]`
    pub sessions: Sessions,
    /// `[webhooks]`
    pub webhooks: Webhooks,
    /// `[retention]`
    pub retention: Retention,
    /// `[mail]`; `None`: the server sends none.
    pub mail: Option<Mail>,
    /// `[tls]`; `None`: the server speaks plain HTTP.
    pub tls: Option<Tls>,
    /// `[postgres]`
    pub postgres: Postgres,
    /// `[log]`
    pub log: Log,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[traces]`
    pub traces: Traces,
    database_url: DatabaseUrl,
    lines: Vec<Line>,
}

/// How much is let through.
#[derive(Clone, Debug)]
pub struct Limits {
    /// API requests an hour of a key without a limit of its own; 0: no limit (contract section 3).
    pub requests_per_hour: u32,
    /// Failed sign-ins a minute from one address.
    pub failed_sign_ins_per_minute: NonZeroU32,
    /// Requests a minute with a missing or wrong key from one address (contract section 2.4), and as many with invite codes (11.1).
    pub failed_keys_per_minute: NonZeroU32,
}

/// How people work on requests.
#[derive(Clone, Debug)]
pub struct Reviews {
    /// How long a claim lasts, 10 s to a day (contract section 8.6).
    pub claim: Duration,
    /// Requests one reviewer may hold claimed at a time, 1 to 1000 (contract section 8.7).
    pub claims_per_reviewer: u32,
}

/// How long people stay signed in.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// How long a session lasts, 1 to 365 days.
    pub lifetime: Duration,
}

/// Where webhooks and callbacks may go.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Whether plain `http:` addresses are accepted (contract section 12.7).
    pub allow_http: bool,
    /// Which addresses may be connected to.
    pub targets: Targets,
}

/// How long what is over is kept; `None`: for ever.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Requests, since they ended.
    pub requests: Option<Duration>,
    /// Events, unless their request is open.
    pub events: Option<Duration>,
    /// The log of deliveries, at least 30 days (contract section 12.9).
    pub deliveries: Option<Duration>,
}

/// How Postgres is used.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Connections this process holds at most, 1 to 1000.
    pub connections: u32,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// The directives of a `tracing` filter: levels, some of them by module, such as `info,sqlx=warn`.
    pub level: String,
    /// How it is written.
    pub format: LogFormat,
}

/// Where metrics are served.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Where to listen for whoever scrapes them; `None`: they are not counted.
    pub listen: Option<SocketAddr>,
}

/// Where spans are sent.
#[derive(Clone, Debug)]
pub struct Traces {
    /// An OpenTelemetry collector that takes OTLP over HTTP; `None`: none are made.
    pub collector: Option<Url>,
    /// Of how many requests one is traced, 1 to 1 000 000, where the caller has not decided.
    pub one_in: u32,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads every source; all that is wrong in any of them comes back at once.
    pub fn load(sources: &Sources) -> Result<Self, Faults> {
        let mut reader = Reader::new(Layers::read(sources));
        let settings = Self::read(&mut reader);
        Ok(Self { lines: reader.finish()?, ..settings })
    }

    fn read(reader: &mut Reader) -> Self {
        let listen = reader.take("listen", rules::address);
        let public_url = reader.take("public_url", rules::public_url);
        let (data_dir, database_url) = reader.database();
        Self {
            listen,
            public_url,
            data_dir,
            database_url,
            trusted_proxies: reader.take("trusted_proxies", rules::networks),
            max_connections: reader.take("max_connections", rules::whole(1, 100_000)),
            request_timeout: reader.take("request_timeout_seconds", rules::seconds(1, 600)),
            shutdown: reader.take("shutdown_seconds", rules::seconds(0, 600)),
            limits: Limits {
                requests_per_hour: reader.take("limits.requests_per_hour", rules::whole(0, 1_000_000_000)),
                failed_sign_ins_per_minute: reader.take("limits.failed_sign_ins_per_minute", rules::per_minute),
                failed_keys_per_minute: reader.take("limits.failed_keys_per_minute", rules::per_minute),
            },
            reviews: Reviews {
                claim: reader.take("reviews.claim_seconds", rules::seconds(10, 86_400)),
                claims_per_reviewer: reader.take("reviews.claims_per_reviewer", rules::whole(1, 1000)),
            },
            sessions: Sessions { lifetime: reader.take("sessions.days", rules::days(1, 365)) },
            webhooks: Webhooks {
                allow_http: reader.take("webhooks.allow_http", rules::yes_or_no),
                targets: Targets {
                    private_networks: reader.take("webhooks.allow_private_networks", rules::yes_or_no),
                    allowed: reader.take("webhooks.allow", rules::networks),
                },
            },
            retention: Retention {
                requests: reader.take("retention.requests_days", rules::days_or_for_ever(1)),
                events: reader.take("retention.events_days", rules::days_or_for_ever(1)),
                deliveries: reader.take("retention.deliveries_days", rules::days_or_for_ever(30)),
            },
            mail: mail::take(reader),
            tls: tls::take(reader),
            postgres: Postgres { connections: reader.take("postgres.connections", rules::whole(1, 1000)) },
            log: Log {
                level: reader.take("log.level", rules::log_level),
                format: reader.take("log.format", rules::log_format),
            },
            metrics: Metrics { listen: reader.take("metrics.listen", rules::address_or_none) },
            traces: Traces {
                collector: reader.take("traces.collector", rules::public_url),
                one_in: reader.take("traces.one_in", rules::whole(1, 1_000_000)),
            },
            lines: Vec::new(),
        }
    }

    /// The database in force, `sqlite:…` or `postgres://…`, with its password: not for printing.
    pub fn database_url(&self) -> &str {
        self.database_url.as_str()
    }

    /// The database in force with `***` for its password, for printing.
    pub fn database_url_for_display(&self) -> String {
        self.database_url.to_string()
    }

    /// The address people and programs reach the server by, without a slash at its end: `public_url`, or else `http://` (`https://` with `[tls]`) and the
    /// address it listens on, with the loopback address where that is every interface.
    pub fn base_url(&self, listening: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        self.local_url(listening)
    }

    /// The address by which programs on this machine reach a server that listens there.
    pub fn local_url(&self, listening: SocketAddr) -> String {
        let reachable = match listening.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", SocketAddr::new(reachable, listening.port()))
    }

    /// Whether what this address says in `X-Forwarded-*` is believed. An IPv4 address may come in its IPv6 form.
    pub fn trusts(&self, proxy: IpAddr) -> bool {
        let proxy = proxy.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&proxy))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::load(&Sources::default()).expect("the defaults hold wherever a user has a data folder")
    }
}

impl Settings {
    /// The same as JSON: for each key its value and where it was written, without secrets.
    pub fn to_json(&self) -> serde_json::Value {
        let entry = |line: &Line| {
            (line.key.to_owned(), serde_json::json!({"value": line.value, "from": line.place.to_string()}))
        };
        serde_json::Value::Object(self.lines.iter().map(entry).collect())
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for Line { key, value, place } in &self.lines {
            let (in_section, name) = key.split_once('.').unwrap_or(("", key));
            if in_section != section {
                section = in_section;
                writeln!(out, "\n[{section}]")?;
            }
            writeln!(out, "{:<48} # {place}", format!("{name} = {value}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn with_variables(pairs: &[(&str, &str)]) -> Result<Settings, Faults> {
        Settings::load(&Sources::with_variables(pairs))
    }

    #[test]
    fn every_key_of_the_defaults_is_a_setting() {
        let settings = Settings::default();
        let read: BTreeSet<&str> = settings.lines.iter().map(|line| line.key).collect();
        let keys = keys::Keys::compiled_in();
        let written: BTreeSet<&str> = keys.iter().map(|(key, _)| key).collect();
        assert_eq!(read, written);
        assert!(settings.lines.iter().all(|l| l.place == Place::Default));
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let settings = Settings::default();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.limits.requests_per_hour, 100);
        assert_eq!(settings.reviews.claim, Duration::from_mins(30));
        assert_eq!(settings.reviews.claims_per_reviewer, 5);
        assert!(settings.webhooks.allow_http);
        assert!(settings.database_url().ends_with("hitl.db"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let url = "postgres://user:hunter2@db/hitl";
        let settings = with_variables(&[("DATABASE_URL", url)]).unwrap();
        assert_eq!(settings.database_url(), url);
        let printed = format!("{settings} {settings:?} {}", settings.database_url_for_display());
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("postgres://user:***@db/hitl"), "{printed}");

        for wrong in ["mysql://user:hunter2@db", "postgres://user:hunter2/@db/hitl"] {
            let faults = with_variables(&[("DATABASE_URL", wrong)]).unwrap_err();
            assert!(!format!("{faults} {faults:?}").contains("hunter2"), "{faults}");
        }
        let (sources, _file) = Sources::with_file("database_url = \"postgres://user:hunter2@db/hitl\n");
        let faults = Settings::load(&sources).unwrap_err();
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }

    #[test]
    fn what_is_shown_says_where_it_comes_from_and_loads_again() {
        let settings = with_variables(&[
            ("HITL_LIMITS_REQUESTS_PER_HOUR", "5000"),
            ("HITL_TRUSTED_PROXIES", "10.0.0.0/8,::1"),
            ("HITL_DATA_DIR", "/srv/it's \"here\""),
        ])
        .unwrap();
        let shown = settings.to_string();
        let line = |start: &str| shown.lines().find(|l| l.starts_with(start)).unwrap();
        assert!(line("requests_per_hour = 5000 ").ends_with("# HITL_LIMITS_REQUESTS_PER_HOUR"));
        assert!(line("listen = \"127.0.0.1:8080\" ").ends_with("# default"));

        let (sources, _file) = Sources::with_file(&shown);
        let again = Settings::load(&sources).unwrap();
        let values = |settings: &Settings| {
            let lines = settings.lines.iter();
            lines.map(|line| line.value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(values(&again), values(&settings));
    }

    #[test]
    fn the_public_address_is_derived_from_the_listen_address() {
        let base = |settings: &Settings, at: &str| settings.base_url(at.parse().unwrap());
        let settings = Settings::default();
        assert_eq!(base(&settings, "127.0.0.1:4711"), "http://127.0.0.1:4711");
        assert_eq!(base(&settings, "0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(base(&settings, "[::]:80"), "http://[::1]:80");
        let settings = with_variables(&[("HITL_PUBLIC_URL", "https://hitl.example.com/")]).unwrap();
        assert_eq!(base(&settings, "0.0.0.0:80"), "https://hitl.example.com");
    }

    #[test]
    fn only_named_proxies_are_trusted() {
        let trusts = |settings: &Settings, at: &str| settings.trusts(at.parse().unwrap());
        assert!(!trusts(&Settings::default(), "127.0.0.1"));
        let settings = with_variables(&[("HITL_TRUSTED_PROXIES", "10.0.0.0/8")]).unwrap();
        assert!(trusts(&settings, "10.1.2.3"));
        assert!(trusts(&settings, "::ffff:10.1.2.3"));
        assert!(!trusts(&settings, "11.1.2.3"));
    }
}
