//! Warns whoever has claimed a request of its deadline: sleeps until the next one is to be warned of.

use crate::{app::App, service::deadlines};
use std::time::Duration;

/// The longest sleep: somebody may claim what is to be warned of sooner.
const LONGEST: Duration = Duration::from_secs(5);
/// The rest where another process was first.
const SHORT: Duration = Duration::from_secs(1);

/// Warns of what is near; says how long until something is. Looking costs no write.
pub async fn step(app: App) -> anyhow::Result<Duration> {
    let Some(due) = deadlines::next_warning(&app).await? else { return Ok(LONGEST) };
    let until = due.micros_since(app.now());
    if until > 0 {
        return Ok(Duration::from_micros(until.unsigned_abs()).min(LONGEST));
    }
    let warned = deadlines::warn(&app).await?;
    tracing::debug!(warned, "people were warned of deadlines");
    Ok(if warned > 0 { Duration::ZERO } else { SHORT })
}
