//! Hears what other processes committed and wakes who waits here (design 6).

use crate::app::App;
use std::time::Duration;

const AGAIN: Duration = Duration::from_millis(200);

/// Listens until the connection is lost.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    app.store.listen().await?;
    Ok(AGAIN)
}
