//! Removes what has run out: sessions, invitations, addresses that have stopped guessing.

use crate::{
    app::App,
    domain::loops::INVITATION_SECONDS,
    store::{members, sessions},
};
use std::time::Duration;

const REST: Duration = Duration::from_mins(10);

/// Sweeps once.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    let now = app.now();
    let ended = sessions::sweep(&app.store, now).await?;
    let lapsed = members::sweep(&app.store, now.plus_seconds(-INVITATION_SECONDS)).await?;
    app.throttle.sweep();
    tracing::debug!(sessions = ended, invitations = lapsed, "swept");
    Ok(REST)
}
