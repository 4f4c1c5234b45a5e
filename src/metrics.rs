//! What is counted while the server works, for whoever scrapes it. There is none of it unless the settings say where to serve it.
//! What can be read off at any time, such as the length of a queue, is read when it is asked for: `http/metrics.rs`.

use crate::{
    domain::{
        webhooks::{DeliveryKind, DeliveryStatus},
        words::Word,
    },
    version,
};
use axum::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use std::{borrow::Cow, fmt};

/// Seconds in which calls are answered, from those out of memory to those that wait for a person.
const ANSWERED: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];
/// Seconds that an attempt of a delivery takes; at 30 it is given up.
const SENT: [f64; 9] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0];

type Histograms<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Histograms<Called>,
    in_flight: Gauge,
    refusals: Family<Refused, Counter>,
    streams: Family<Streamed, Gauge>,
    deliveries: Family<Delivered, Counter>,
    delivery_durations: Histograms<Sent>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: Cow<'static, str>,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    method: &'static str,
    route: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    limit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Streamed {
    of: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivered {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    kind: &'static str,
}

/// Something that is counted for as long as this is kept.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    fn of(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let (requests, in_flight, refusals) = (Family::default(), Gauge::default(), Family::default());
        let durations: Histograms<Called> = Family::new_with_constructor(|| Histogram::new(ANSWERED));
        let (streams, deliveries) = (Family::default(), Family::default());
        let delivery_durations: Histograms<Sent> = Family::new_with_constructor(|| Histogram::new(SENT));
        let mut registry = Registry::default();
        let build = Info::new([
            ("version", version::VERSION),
            ("commit", version::COMMIT.unwrap_or_default()),
            ("target", version::TARGET),
            ("profile", version::PROFILE),
        ]);
        let mut add = Adding(&mut registry);
        add.metric("build", "What this program is", build);
        add.metric("http_requests", "Requests answered, by the template of their route", requests.clone());
        let help = "From a request to the head of its answer: of calls that wait, the waiting too";
        add.metric("http_request_duration_seconds", help, durations.clone());
        add.metric(
            "http_requests_in_flight",
            "Requests that are being worked on, those that wait too",
            in_flight.clone(),
        );
        let help = "Refusals with 429: by the hourly limit of a key, or for too many guesses from an address";
        add.metric("limit_refusals", help, refusals.clone());
        add.metric("streams_open", "Streams of server-sent events, by what they tell of", streams.clone());
        add.metric("deliveries", "Attempts of deliveries, by what came of them", deliveries.clone());
        add.metric("delivery_duration_seconds", "How long attempts of deliveries took", delivery_durations.clone());
        Self { registry, requests, durations, in_flight, refusals, streams, deliveries, delivery_durations }
    }
}

impl Metrics {
    /// A request that is being worked on.
    pub fn begin(&self) -> Open {
        Open::of(self.in_flight.clone())
    }

    /// A request was answered. `route` is the template of its path, never the path: there are as many of those as anybody likes.
    pub fn answered(&self, method: &Method, route: String, status: u16, micros: i64) {
        let (method, route) = (known(method), Cow::Owned(route));
        let called = Called { method, route };
        self.durations.get_or_create(&called).observe(seconds(micros, 1_000_000));
        let Called { method, route } = called;
        self.requests.get_or_create(&Answered { method, route, status }).inc();
    }

    /// A request was refused because there were too many.
    pub fn refused(&self, by_hourly_limit: bool) {
        let limit = if by_hourly_limit { "hourly" } else { "guesses" };
        self.refusals.get_or_create(&Refused { limit }).inc();
    }

    /// A stream that is open.
    pub fn stream(&self, of: &'static str) -> Open {
        Open::of(self.streams.get_or_create_owned(&Streamed { of }))
    }

    /// How many streams of that kind are open.
    pub fn streams_open(&self, of: &'static str) -> i64 {
        self.streams.get(&Streamed { of }).map_or(0, |open| open.get())
    }

    /// An attempt of a delivery, and what came of it.
    pub fn delivered(&self, kind: DeliveryKind, outcome: DeliveryStatus, millis: i64) {
        let (kind, outcome) = (kind.as_str(), outcome.as_str());
        self.delivery_durations.get_or_create(&Sent { kind }).observe(seconds(millis, 1000));
        self.deliveries.get_or_create(&Delivered { kind, outcome }).inc();
    }

    /// All of it and what was just read, as text: `OpenMetrics`, which Prometheus reads.
    pub fn text(&self, readings: &Registry) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode_registry(&mut written, &self.registry)?;
        text::encode_registry(&mut written, readings)?;
        text::encode_eof(&mut written)?;
        Ok(written)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Metrics")
    }
}

/// Adds ours to a registry.
pub struct Adding<'a>(pub &'a mut Registry);

impl Adding<'_> {
    /// One of ours; a counter gets `_total` at its end, and the build's description `_info`.
    pub fn metric(&mut self, name: &str, help: &str, metric: impl prometheus_client::registry::Metric) {
        self.0.register(format!("hitl_{name}"), help, metric);
    }

    /// What is so at this moment.
    pub fn gauge(&mut self, name: &str, help: &str, value: i64) {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        self.metric(name, help, gauge);
    }

    /// What was counted until this moment.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.metric(name, help, counter);
    }
}

/// The method's name, if it is one that we know: a client may call anything a method.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[expect(clippy::cast_precision_loss, reason = "nothing takes so long that it matters")]
fn seconds(units: i64, per_second: i64) -> f64 {
    units.max(0) as f64 / per_second as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_called_a_method_is_one_of_a_few() {
        assert_eq!(known(&Method::PATCH), "PATCH");
        assert_eq!(known(&Method::from_bytes(b"ANYTHING").unwrap()), "other");
    }

    #[test]
    fn what_is_open_is_counted_until_it_is_dropped() {
        let metrics = Metrics::default();
        let (one, other) = (metrics.stream("request"), metrics.stream("request"));
        assert_eq!((metrics.streams_open("request"), metrics.streams_open("person")), (2, 0));
        drop((one, other));
        assert_eq!(metrics.streams_open("request"), 0);
    }
}
