//! The audit log as its readers turn its pages, with the names of who is in it. Each function is for the server's owners.

use super::{Error, Result, timeline};
use crate::{
    app::App,
    domain::{Account, Email, Id, request_filters::Query},
    store::{accounts, events, events::Line, keys},
};
use std::collections::HashMap;

/// A page of the log, the newest first.
#[derive(Default)]
pub struct Log {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Whether there are later ones.
    pub has_newer: bool,
    /// Whether there are earlier ones.
    pub has_older: bool,
}

/// The lines before the one that the query calls `before`, or right after the one it calls `after`; else the last ones.
pub async fn page(app: &App, who: Id<Account>, query: &Query) -> Result<Log> {
    timeline::check_owner(app, who).await?;
    let (wanted, limit) = timeline::parse(query)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    if wanted.after.is_some() {
        let mut lines = events::list(&app.store, &wanted, limit + 1).await?;
        let has_newer = lines.len() > most;
        lines.truncate(most);
        lines.reverse();
        return Ok(Log { lines, has_newer, has_older: true });
    }
    let mut lines = events::last(&app.store, &wanted, limit + 1).await?;
    lines.reverse();
    let has_older = lines.len() > most;
    lines.truncate(most);
    Ok(Log { lines, has_newer: wanted.before.is_some(), has_older })
}

/// One line.
pub async fn line(app: &App, who: Id<Account>, seq: i64) -> Result<Line> {
    timeline::check_owner(app, who).await?;
    events::find(&app.store, seq).await?.ok_or(Error::Missing("There is no such event"))
}

/// What the people and the keys of these lines are called, by their ids.
pub async fn names(app: &App, lines: &[Line]) -> Result<(HashMap<String, String>, HashMap<String, String>)> {
    let mut ids: Vec<String> = lines.iter().map(|line| line.account_id.to_string()).collect();
    ids.extend(lines.iter().filter_map(|line| line.actor_id.clone()));
    let of_key =
        |line: &Line| line.data.value().pointer("/data/api_key_id").and_then(|id| id.as_str()).map(str::to_owned);
    ids.extend(lines.iter().filter_map(of_key));
    ids.sort_unstable();
    ids.dedup();
    let people = accounts::names(&app.store, &ids).await?.into_iter().collect();
    Ok((people, keys::names(&app.store, &ids).await?.into_iter().collect()))
}

/// The id of whoever is meant: by it, by a person's address, or by a key's name or first characters.
pub async fn actor(app: &App, meant: &str) -> Result<String> {
    if let Ok(id) = meant.parse::<Id<Account>>() {
        return Ok(id.to_string());
    }
    let person = match Email::parse(meant) {
        Ok(email) => accounts::find_by_email(&app.store, &email).await?,
        Err(_) => None,
    };
    if let Some(person) = person {
        return Ok(person.id.to_string());
    }
    let is_meant = |key: &crate::domain::Key| key.name.to_lowercase() == meant.to_lowercase() || key.prefix == meant;
    let found = keys::list(&app.store, None).await?.into_iter().find(|holder| is_meant(&holder.key));
    let unknown = || crate::domain::Invalid::failed("who must be somebody’s e-mail, a key’s name, or an id");
    Ok(found.ok_or_else(unknown)?.key.id.to_string())
}
