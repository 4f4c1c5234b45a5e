//! Serves deadlines and lapsing claims: sleeps until the next one.

use crate::{app::App, service::deadlines};
use std::time::Duration;

/// The longest sleep. Another process may bring a nearer deadline, but none nearer than this: a timeout is at least 60 s
/// (contract 7.1.2) and a claim at least 10 s.
const LONGEST: Duration = Duration::from_secs(5);

/// Settles what is due; says how long until something is.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    let settled = deadlines::settle(&app).await?;
    if settled > 0 {
        tracing::info!(settled, "deadlines and lapsed claims were served");
    }
    let Some(due) = deadlines::next_due(&app).await? else { return Ok(LONGEST) };
    let micros = u64::try_from(due.micros_since(app.now())).unwrap_or(0);
    Ok(Duration::from_micros(micros).min(LONGEST))
}
