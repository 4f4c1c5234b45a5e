//! How the requests of one's loops stand and went. An owner of the server looks at everybody's.

use super::{Result, deadlines};
use crate::{
    app::App,
    domain::{
        Id, Loop, Role,
        overview::{DAYS, Day, Standing, WEEK, borders},
    },
    store::{loops, overview, sessions::SignedIn},
};
use std::collections::HashMap;

/// Loops, and how their requests stand and went.
pub struct Overview {
    /// All of them together.
    pub total: Standing,
    /// Each; those with the most open requests first.
    pub loops: Vec<(Loop, Standing)>,
}

/// What somebody whose programs ask has an eye on.
pub async fn show(app: &App, who: &SignedIn) -> Result<Overview> {
    deadlines::settle_if_due(app).await?;
    let account = (who.role != Role::Owner).then_some(who.account_id);
    let found = match account {
        Some(account) => loops::created_by(&app.store, account).await?,
        None => loops::list(&app.store).await?,
    };
    let mut standings = HashMap::<Id<Loop>, Standing>::new();
    let borders = borders(app.now());
    for (id, open, oldest) in overview::open(&app.store, account).await? {
        let it = standings.entry(id).or_default();
        (it.open, it.oldest) = (open, Some(oldest));
    }
    for (id, day, answered, timed_out) in overview::ended(&app.store, account, &borders).await? {
        let days = &mut standings.entry(id).or_default().days;
        if let Some(day) = usize::try_from(day).ok().and_then(|day| days.get_mut(day)) {
            *day = Day { answered, timed_out };
        }
    }
    for (id, asked, answered) in overview::answered(&app.store, account, borders[DAYS - WEEK]).await? {
        standings.entry(id).or_default().spans.push(answered.micros_since(asked));
    }
    Ok(gathered(found, standings))
}

fn gathered(found: Vec<Loop>, mut standings: HashMap<Id<Loop>, Standing>) -> Overview {
    let mut loops: Vec<_> = found
        .into_iter()
        .map(|it| {
            let mut standing = standings.remove(&it.id).unwrap_or_default();
            standing.spans.sort_unstable();
            (it, standing)
        })
        .collect();
    loops.sort_by_key(|(_, standing)| std::cmp::Reverse(standing.open));
    let total = Standing::sum(loops.iter().map(|(_, standing)| standing));
    Overview { total, loops }
}
