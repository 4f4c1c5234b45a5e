//! Removes what has run out: sessions, invitations, deliveries, webhooks that were deleted, addresses that have stopped guessing.

use crate::{
    app::App,
    domain::loops::INVITATION_SECONDS,
    store::{deliveries, devices, idempotency, members, notifications, resets, sessions, webhooks},
};
use std::time::Duration;

const REST: Duration = Duration::from_mins(10);

/// How long the log of deliveries is kept: 30 days (contract 12.9).
const KEPT_SECONDS: i64 = 30 * 24 * 3600;
/// How long an `Idempotency-Key` counts: a day (quality A15).
const REMEMBERED_SECONDS: i64 = 24 * 3600;
/// Deliveries removed at a time, so that nobody waits for it.
const BATCH: u64 = 1_000;

/// Sweeps once.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    let now = app.now();
    devices::outlive_sessions(&app.store, now).await?;
    let ended = sessions::sweep(&app.store, now).await?;
    notifications::sweep(&app.store).await?;
    resets::sweep(&app.store, now).await?;
    let lapsed = members::sweep(&app.store, now.plus_seconds(-INVITATION_SECONDS)).await?;
    sweep_deliveries(&app, BATCH).await?;
    webhooks::sweep(&app.store, now.plus_seconds(-KEPT_SECONDS)).await?;
    idempotency::sweep(&app.store, now.plus_seconds(-REMEMBERED_SECONDS)).await?;
    app.throttle.sweep(now);
    tracing::debug!(sessions = ended, invitations = lapsed, "swept");
    Ok(REST)
}

/// Removes what the log does not keep any longer, batch after batch until one is not full; says how much that was.
pub async fn sweep_deliveries(app: &App, batch: u64) -> anyhow::Result<u64> {
    let (before, most) = (app.now().plus_seconds(-KEPT_SECONDS), i64::try_from(batch)?);
    let mut removed = 0;
    loop {
        let count = deliveries::sweep(&app.store, before, most).await?;
        removed += count;
        if count < batch {
            return Ok(removed);
        }
    }
}
