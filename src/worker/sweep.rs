//! Removes what has run out: sessions, invitations, webhooks that were deleted, addresses that have stopped guessing, and what
//! the settings keep no longer of requests, events and deliveries.

use crate::{
    app::App,
    domain::{Timestamp, loops::INVITATION_SECONDS},
    store::{deliveries, devices, events, idempotency, members, notifications, requests, resets, sessions, webhooks},
};
use std::time::Duration;

const REST: Duration = Duration::from_mins(10);

/// How long an `Idempotency-Key` counts: a day (quality A15).
const REMEMBERED_SECONDS: i64 = 24 * 3600;
/// Rows removed at a time: whoever writes meanwhile waits for some milliseconds.
const BATCH: u64 = 500;
/// Requests removed at a time, with all that hangs on them.
const REQUESTS: u64 = 50;

/// Sweeps once.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    let now = app.now();
    devices::outlive_sessions(&app.store, now).await?;
    let ended = sessions::sweep(&app.store, now).await?;
    notifications::sweep(&app.store).await?;
    resets::sweep(&app.store, now).await?;
    let lapsed = members::sweep(&app.store, now.plus_seconds(-INVITATION_SECONDS)).await?;
    let finished = sweep_requests(&app, REQUESTS).await?;
    let recorded = sweep_events(&app, BATCH).await?;
    let delivered = sweep_deliveries(&app, BATCH).await?;
    if let Some(before) = kept_since(&app, app.settings.retention.deliveries) {
        webhooks::sweep(&app.store, before).await?; // not before their log
    }
    idempotency::sweep(&app.store, now.plus_seconds(-REMEMBERED_SECONDS)).await?;
    app.throttle.sweep(now);
    tracing::debug!(
        sessions = ended,
        invitations = lapsed,
        requests = finished,
        events = recorded,
        deliveries = delivered,
        "swept"
    );
    Ok(REST)
}

/// Removes finished requests that are kept no longer, batch after batch; says how many.
pub async fn sweep_requests(app: &App, batch: u64) -> anyhow::Result<u64> {
    sweep_kept(app, Kept::Requests, app.settings.retention.requests, batch).await
}

/// Removes events that are kept no longer, batch after batch; says how many.
pub async fn sweep_events(app: &App, batch: u64) -> anyhow::Result<u64> {
    sweep_kept(app, Kept::Events, app.settings.retention.events, batch).await
}

/// Removes what the log of deliveries does not keep any longer, batch after batch; says how much.
pub async fn sweep_deliveries(app: &App, batch: u64) -> anyhow::Result<u64> {
    sweep_kept(app, Kept::Deliveries, app.settings.retention.deliveries, batch).await
}

/// What is kept as long as the settings say.
#[derive(Clone, Copy)]
enum Kept {
    Requests,
    Events,
    Deliveries,
}

/// Sweeps until a batch is not full; says how much that was. Between two batches others have their turn.
async fn sweep_kept(app: &App, what: Kept, kept: Option<Duration>, batch: u64) -> anyhow::Result<u64> {
    let Some(before) = kept_since(app, kept) else { return Ok(0) };
    let (store, most) = (&app.store, i64::try_from(batch)?);
    let mut removed = 0;
    loop {
        let count = match what {
            Kept::Requests => {
                let mut tx = store.begin();
                let count = requests::sweep(&mut tx, before, most).await?;
                tx.commit().await?;
                count
            }
            Kept::Events => events::sweep(store, before, most).await?,
            Kept::Deliveries => deliveries::sweep(store, before, most).await?,
        };
        removed += count;
        if count < batch {
            return Ok(removed);
        }
    }
}

/// What is from before then is kept no longer; `None`: all is kept.
fn kept_since(app: &App, kept: Option<Duration>) -> Option<Timestamp> {
    let seconds = i64::try_from(kept?.as_secs()).expect("the settings allow a hundred years");
    Some(app.now().plus_seconds(-seconds))
}
