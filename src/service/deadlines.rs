//! What the clock decides: deadlines that pass and claims that lapse (contract 8.3, 8.6).

use super::{Result, record};
use crate::{
    app::App,
    domain::{Actor, EventName, Timestamp, bodies::Step},
    store::transitions,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The same, where only reading tells whether anything is due (contract 7.4). When it was looked up lately it is believed.
pub async fn settle_if_due(app: &App) -> Result<()> {
    let now = app.now();
    let due = match app.next_due.known(now) {
        Some(due) => due,
        None => {
            let due = next_due(app).await?.unwrap_or(NextDue::NEVER);
            app.next_due.learn(now, due);
            due
        }
    };
    if due <= now {
        settle(app).await?;
        app.next_due.forget();
    }
    Ok(())
}

/// What this process believes to be due next.
#[derive(Default)]
pub struct NextDue(Mutex<Option<Believed>>);

/// When somebody looked, and what was due next then.
type Believed = (Timestamp, Timestamp);

impl NextDue {
    /// How long it is believed, in microseconds: nothing nearer can come up meanwhile, in any process, because a timeout is at
    /// least 60 s away and a claim lapses after 10 s at the earliest.
    const BELIEVED: i64 = 5_000_000;

    /// Nothing is due.
    const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

    fn known(&self, now: Timestamp) -> Option<Timestamp> {
        let (looked, due) = (*self.lock())?;
        (0..Self::BELIEVED).contains(&now.micros_since(looked)).then_some(due)
    }

    fn learn(&self, now: Timestamp, due: Timestamp) {
        *self.lock() = Some((now, due));
    }

    fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Believed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When something is due next.
pub async fn next_due(app: &App) -> Result<Option<Timestamp>> {
    Ok(transitions::next_due(&app.store).await?)
}

async fn settle_some(app: &App, now: Timestamp) -> Result<usize> {
    let most = i64::try_from(BATCH).expect("a small number");
    let mut tx = app.store.begin();
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

/// Warns everybody who has claimed what times out in fifteen minutes and can be reached, once each (contract 8.8); says how many.
pub async fn warn(app: &App) -> Result<usize> {
    let most = i64::try_from(BATCH).expect("a small number");
    let mut tx = app.store.begin();
    let near = transitions::take_warnings(&mut tx, most, app.now()).await?;
    for moved in &near {
        record::moved(app, &mut tx, EventName::RequestDeadlineNear, Actor::Clock, moved, Step::default()).await?;
    }
    tx.commit().await?;
    Ok(near.len())
}

/// When somebody is to be warned next.
pub async fn next_warning(app: &App) -> Result<Option<Timestamp>> {
    Ok(transitions::next_warning(&app.store).await?)
}
