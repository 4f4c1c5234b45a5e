//! Hears what other processes committed and wakes who waits here (design 6).

use crate::app::App;
use std::time::Duration;

const AGAIN: Duration = Duration::from_millis(200);
const NEVER: Duration = Duration::from_hours(24);

/// Listens until the connection is lost; on SQLite there is nobody to listen to.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    Ok(if app.store.listen().await? { AGAIN } else { NEVER })
}
