//! `/metrics`, on an address of its own: what was counted, and what is so at the moment it is asked.

use crate::{
    app::App,
    metrics::{Adding, Metrics},
    service::readings::{self, Queues},
    store::Usage,
};
use anyhow::Context;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{fs, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What Prometheus takes for `OpenMetrics`.
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Scraped {
    app: App,
    metrics: Arc<Metrics>,
}

/// Where it is served, if it is.
pub async fn listen(app: &App) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = app.settings.metrics.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address} for metrics (metrics.listen)"))?;
    tracing::info!(address = %listener.local_addr()?, "serving metrics");
    Ok(Some(listener))
}

/// Serves it until told to stop.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) {
    let Some(metrics) = app.metrics.clone() else { return };
    let router = Router::new().route("/metrics", get(scrape)).with_state(Scraped { app, metrics });
    tokio::select! {
        () = stop.cancelled() => {}
        served = axum::serve(listener, router) => {
            if let Err(error) = served {
                tracing::error!(%error, "metrics are not served any longer");
            }
        }
    }
}

async fn scrape(State(Scraped { app, metrics }): State<Scraped>) -> Response {
    let queues = readings::queues(&app).await;
    if let Err(error) = &queues {
        tracing::warn!(%error, "the database was not asked for metrics");
    }
    let mut registry = Registry::default();
    let mut add = Adding(&mut registry);
    add.gauge("database_up", "Whether the database answers", queues.is_ok().into());
    if let Ok(queues) = queues {
        add_queues(&mut add, &queues);
    }
    let waiting = i64::try_from(app.store.wakeups().waiting()).unwrap_or(i64::MAX);
    let calls = (waiting - metrics.streams_open("request")).max(0);
    add.gauge("waiting_calls", "Calls that wait for the end of a request", calls);
    add_usage(&mut add, &app.store.usage());
    add_process(&mut registry, &app);
    match metrics.text(&registry) {
        Ok(text) => ([(header::CONTENT_TYPE, TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics were not written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn add_queues(add: &mut Adding<'_>, it: &Queues) {
    let help = "Deliveries to webhooks and callbacks that are due and that nobody sends yet; of all processes";
    add.gauge("deliveries_due", help, it.deliveries_due);
    let help = "Notifications that are due and that nobody sends yet; of all processes";
    add.gauge("notifications_due", help, it.notifications_due);
    add.gauge("limit_windows_open", "Hourly windows of keys that are open; of all processes", it.windows_open);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

fn add_usage(add: &mut Adding<'_>, it: &Usage) {
    let connections = Family::<Connections, Gauge>::default();
    connections.get_or_create(&Connections { state: "in_use" }).set(count(it.in_use));
    connections.get_or_create(&Connections { state: "idle" }).set(count(it.idle));
    add.metric("database_connections", "Connections to the database; on SQLite those that read", connections);
    if let Some(waits) = &it.connection_waits {
        add.gauge("database_waiting", "Calls that wait for a connection", count(it.waiting));
        let (waited, seconds) = counters(waits.times, waits.micros);
        add.metric("database_waits", "Times that a connection was waited for", waited);
        add.metric("database_wait_seconds", "How long connections were waited for, together", seconds);
    }
    if let Some(calls) = it.together {
        add.counter("database_together", "Statements that went to the database as one with others", calls);
    }
    if let Some(turns) = &it.writer_turns {
        let (turns, seconds) = counters(turns.times, turns.micros);
        add.metric("sqlite_writer_turns", "Times that somebody had the turn at SQLite's one writer", turns);
        add.metric("sqlite_writer_wait_seconds", "How long those turns were waited for, together", seconds);
    }
    if let Some(commits) = it.commits {
        add.counter("sqlite_commits", "Commits of that writer, each for all who came together", commits.commits);
        add.counter("sqlite_committed", "Transactions that those commits made last", commits.transactions);
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of centuries")]
fn counters(times: u64, micros: u64) -> (Counter, Counter<f64, std::sync::atomic::AtomicU64>) {
    let (counted, seconds) = (Counter::default(), Counter::default());
    counted.inc_by(times);
    seconds.inc_by(micros as f64 / 1e6);
    (counted, seconds)
}

/// By the names that Prometheus' own libraries give them, where the system tells.
fn add_process(registry: &mut Registry, app: &App) {
    let mut add = |name: &str, help: &str, value: Option<i64>| {
        let gauge = Gauge::<i64>::default();
        let Some(value) = value else { return };
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let started = Some(app.started_at.seconds());
    add("process_start_time_seconds", "When the process began to serve, in Unix seconds", started);
    let status = fs::read_to_string("/proc/self/status").ok();
    add("process_resident_memory_bytes", "Memory that the process takes", status.as_deref().and_then(resident));
    let files = fs::read_dir("/proc/self/fd").ok().map(|files| count(files.count()));
    add("process_open_fds", "Files and connections that the process has open", files);
}

/// Bytes, of a line such as `VmRSS:      9876 kB`.
fn resident(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<i64>().ok()? * 1024)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident("VmHWM:\t  1 kB\nVmRSS:\t   9876 kB\nRssAnon: 1 kB\n"), Some(9876 * 1024));
        assert_eq!(resident("VmRSS: many"), None);
    }
}
