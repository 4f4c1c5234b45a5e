//! Sends what is due: leases, sends outside any transaction, records (design 5). Who may have how many attempts under way, so
//! that receivers that hang delay nobody, however many they are, is decided in `places`.

use super::places::{BATCH_EACH, Places};
use crate::{
    app::App,
    domain::{Delivery, Secret, webhooks::DeliveryStatus},
    service::{
        deliveries::{self, Sent},
        notifications,
    },
    store::deliveries::Leased,
    traces,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span};

/// Deliveries leased at a time.
const BATCH: i64 = 64;
/// The longest rest: another process may have queued something whose notice was lost.
const LONGEST: Duration = Duration::from_secs(5);
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Sends one delivery and records what came of it.
pub async fn send(app: &App, leased: &Leased) -> crate::service::Result<()> {
    if leased.delivery.kind.is_notification() {
        return tell(app, &leased.delivery).await;
    }
    let (it, secrets) = match deliveries::ready(app, &leased.delivery).await? {
        Ok(ready) => ready,
        Err(reason) => {
            tracing::debug!(delivery = %leased.delivery.id, reason, "not sent");
            return deliveries::end(app, &leased.delivery, reason).await;
        }
    };
    let sent = attempt(app, &it, &secrets).await;
    tracing::debug!(delivery = %it.id, event = %it.event, status = sent.status, millis = sent.millis, error = sent.error, "sent");
    let millis = sent.millis;
    let status = deliveries::record(app, &it, sent).await?;
    count(app, &it, status, millis);
    Ok(())
}

/// The same for what goes to a person.
async fn tell(app: &App, it: &Delivery) -> crate::service::Result<()> {
    let (sent, millis) = timed(super::notify::send(app, it)).instrument(span(app, it)).await;
    let sent = Sent { millis, ..sent? };
    tracing::debug!(delivery = %it.id, event = %it.event, kind = %it.kind, status = sent.status, millis, error = sent.error, "told");
    let status = notifications::record(app, it, sent).await?;
    count(app, it, status, millis);
    Ok(())
}

fn count(app: &App, it: &Delivery, status: DeliveryStatus, millis: i64) {
    if let Some(metrics) = &app.metrics {
        metrics.delivered(it.kind, status, millis);
    }
}

async fn attempt(app: &App, it: &Delivery, secrets: &[Secret]) -> Sent {
    let span = span(app, it);
    let (sent, millis) = timed(app.sender.send(it, secrets, app.now())).instrument(span.clone()).await;
    if let Some(status) = sent.status.filter(|_| app.is_traced()) {
        traces::answered(&span, status);
    }
    Sent { millis, ..sent }
}

/// The span of an attempt, where it is exported.
fn span(app: &App, it: &Delivery) -> Span {
    if !app.is_traced() {
        return Span::none();
    }
    let name = format!("{} {}", it.kind, it.event);
    tracing::info_span!("delivery", otel.name = name, otel.kind = "client", id = %it.id, attempt = it.attempt + 1)
}

#[expect(clippy::disallowed_methods, reason = "measures how long an attempt took")]
async fn timed<T>(attempt: impl Future<Output = T>) -> (T, i64) {
    let start = std::time::Instant::now();
    let outcome = attempt.await;
    (outcome, i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX))
}

/// Sends everything that is due now and waits for it; says how much that was. For tests.
pub async fn step(app: &App) -> anyhow::Result<usize> {
    let mut sent = 0;
    loop {
        let leased = deliveries::lease(app, &[], BATCH_EACH, BATCH).await?.leased;
        if leased.is_empty() {
            return Ok(sent);
        }
        sent += leased.len();
        let mut under_way = JoinSet::new();
        for it in leased {
            let app = app.clone();
            under_way.spawn(async move { send(&app, &it).await });
        }
        while let Some(done) = under_way.join_next().await {
            done??;
        }
    }
}

/// Sends what is due, as it comes due, until told to stop; what is under way is finished.
pub async fn run(app: App, stop: CancellationToken) {
    let (places, tasks) = (Arc::new(Places::default()), TaskTracker::new());
    let mut queued = app.store.wakeups().deliveries();
    while !stop.is_cancelled() {
        queued.mark_unchanged();
        let rest = match start_some(&app, &places, &tasks).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::error!(%error, "deliveries could not be leased; trying again");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(rest) => {}
            _ = queued.changed() => {}
            () = places.freed() => {}
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Starts what is due and has a place; says how long until something is due.
async fn start_some(app: &App, places: &Arc<Places>, tasks: &TaskTracker) -> anyhow::Result<Duration> {
    let room = places.room();
    let busy: Vec<&str> = room.busy.iter().map(String::as_str).collect();
    let taken = deliveries::lease(app, &busy, room.each, BATCH.min(room.free)).await?;
    for it in taken.leased {
        let (app, place) = (app.clone(), places.take(&it.endpoint));
        tasks.spawn(async move {
            if let Err(error) = send(&app, &it).await {
                tracing::error!(%error, delivery = %it.delivery.id, "a delivery was not recorded; it will be sent again");
            }
            drop(place);
        });
    }
    let until = taken.next_due.map(|due| Duration::from_micros(due.micros_since(app.now()).max(0).unsigned_abs()));
    Ok(until.map_or(LONGEST, |until| until.min(LONGEST)))
}
