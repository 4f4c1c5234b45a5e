//! What the clock decides: deadlines that pass and claims that lapse (contract 8.3, 8.6).

use super::{Result, record};
use crate::{
    app::App,
    domain::{Actor, EventName, Timestamp},
    store::transitions,
};

/// Requests ended in one transaction.
const BATCH: usize = 200;

/// Ends every request whose time is over and frees every claim that has lapsed; says how many that were.
pub async fn settle(app: &App) -> Result<usize> {
    let mut settled = 0;
    loop {
        let ended = settle_some(app, app.now()).await?;
        settled += ended;
        if ended < BATCH {
            return Ok(settled);
        }
    }
}

/// The same, where only reading tells whether anything is due: costs one look at two indexes when nothing is (contract 7.4).
pub async fn settle_if_due(app: &App) -> Result<()> {
    if next_due(app).await?.is_some_and(|due| due <= app.now()) {
        settle(app).await?;
    }
    Ok(())
}

/// When something is due next.
pub async fn next_due(app: &App) -> Result<Option<Timestamp>> {
    Ok(transitions::next_due(&app.store).await?)
}

async fn settle_some(app: &App, now: Timestamp) -> Result<usize> {
    let most = i64::try_from(BATCH).expect("a small number");
    let mut tx = app.store.begin().await?;
    let expired = transitions::expire(&mut tx, most, now).await?;
    for moved in &expired {
        record::ended(app, &mut tx, EventName::RequestTimeout, Actor::Clock, moved).await?;
    }
    let lapsed = transitions::lapse(&mut tx, most, now).await?;
    for moved in &lapsed {
        record::released(app, &mut tx, Actor::Clock, moved).await?;
    }
    tx.commit().await?;
    Ok(expired.len().max(lapsed.len()))
}
