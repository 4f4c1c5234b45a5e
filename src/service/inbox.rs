//! What a reviewer reads: the inbox, their history, their loops, their drafts (contract 16.1 and 16.2).

use super::{
    Error, Result, deadlines,
    loops::{Peopled, with_members},
    reviews,
};
use crate::{
    app::App,
    domain::{
        Account, Id, Invalid, Json, Loop, Request, Sent,
        request_filters::{Page, Query, View, page, view},
        words::{Word, words},
    },
    store::{inbox, loops},
};
use serde_json::Value;

words! {
    /// The parts of an inbox.
    pub enum Tab {
        /// Waiting for somebody.
        Active = "active",
        /// Claimed by me.
        Mine = "mine",
        /// Answered by me.
        Completed = "completed",
    }
}

/// How much is in each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for somebody.
    pub active: i64,
    /// Claimed by me.
    pub mine: i64,
    /// Answered by me: as many as are counted (see [`MOST_COUNTED`]), or fewer.
    pub completed: i64,
}

/// How far it is counted what somebody has answered, or else to the end of the page that is shown, and whether another one
/// follows. An inbox is looked at all day, and what was answered grows for years.
pub const MOST_COUNTED: i64 = 100;

/// A page of the inbox.
pub struct Inbox {
    /// The part shown.
    pub tab: Tab,
    /// Its requests.
    pub requests: Vec<Request>,
    /// How much is in each part.
    pub counts: Counts,
    /// Which page this is.
    pub page: Page,
}

impl Inbox {
    /// How much is in the part shown.
    pub const fn total(&self) -> i64 {
        match self.tab {
            Tab::Active => self.counts.active,
            Tab::Mine => self.counts.mine,
            Tab::Completed => self.counts.completed,
        }
    }
}

/// A page of one part of a person's inbox, narrowed to a loop or a priority where the query says so.
pub async fn show(app: &App, account: Id<Account>, query: &Query) -> Result<Inbox> {
    let tab = match query.value("tab") {
        None => Tab::Active,
        Some(word) => Tab::named(word).ok_or_else(|| Invalid::one_of("tab", &Tab::all_words()))?,
    };
    let (page, view) = (page(query, 50)?, view(query)?);
    deadlines::settle_if_due(app).await?;
    let requests = async {
        match tab {
            Tab::Active => inbox::active(&app.store, account, view, page).await,
            Tab::Mine => inbox::mine(&app.store, account, view, page).await,
            Tab::Completed => inbox::completed(&app.store, account, view, page).await,
        }
    };
    let most = match tab {
        Tab::Completed => page.offset.saturating_add(page.limit + 1).max(MOST_COUNTED),
        Tab::Active | Tab::Mine => MOST_COUNTED,
    };
    let counts = inbox::counts(&app.store, account, view, most);
    // Both at once: on Postgres each takes some milliseconds where very much waits.
    let (requests, (active, mine, completed)) = tokio::try_join!(requests, counts)?;
    Ok(Inbox { tab, requests, counts: Counts { active, mine, completed: completed.min(most) }, page })
}

/// A page of what a person worked on.
pub struct History {
    /// Its requests.
    pub requests: Vec<Request>,
    /// Which page this is.
    pub page: Page,
    /// Whether there is another.
    pub has_more: bool,
}

/// What became of the requests a person worked on.
pub async fn history(app: &App, account: Id<Account>, query: &Query) -> Result<History> {
    let page = page(query, 50)?;
    deadlines::settle_if_due(app).await?;
    let one_more = Page { limit: page.limit + 1, ..page };
    let mut requests = inbox::history(&app.store, account, one_more).await?;
    let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let has_more = requests.len() > wanted;
    requests.truncate(wanted);
    Ok(History { requests, page, has_more })
}

/// What a person may do next: what they have claimed, or else what waits longest for anybody, by the queue's order.
pub async fn next(app: &App, account: Id<Account>) -> Result<Option<Id<Request>>> {
    let (all, first) = (View::default(), Page { limit: 1, offset: 0 });
    deadlines::settle_if_due(app).await?;
    let mut found = inbox::mine(&app.store, account, all, first).await?;
    if found.is_empty() {
        found = inbox::active(&app.store, account, all, first).await?;
    }
    Ok(found.first().map(|request| request.id))
}

/// The loops that a person has joined.
pub async fn loops(app: &App, account: Id<Account>) -> Result<Vec<Peopled>> {
    let joined = loops::joined_by(&app.store, account).await?;
    with_members(app, account, joined).await
}

/// The same without their members.
pub async fn joined(app: &App, account: Id<Account>) -> Result<Vec<Loop>> {
    Ok(loops::joined_by(&app.store, account).await?)
}

/// Keeps what a person has typed so far; it need not be a valid answer, and null is nothing any more.
pub async fn keep_draft(app: &App, account: Id<Account>, id: Id<Request>, sent: Sent) -> Result<()> {
    reviews::show(app, account, id).await?; // what is not there comes before what is wrong with the body
    let sent = sent?;
    let typed = sent.0.get("response_data").ok_or_else(|| Invalid::required("response_data"))?;
    keep(app, account, id, typed).await
}

/// The same with what was typed itself.
pub async fn keep(app: &App, account: Id<Account>, id: Id<Request>, typed: &Value) -> Result<()> {
    if reviews::show(app, account, id).await?.status.is_final() {
        return Err(Error::Conflict("Request is no longer available"));
    }
    if typed.is_null() {
        let mut tx = app.store.begin();
        inbox::drop_draft(&mut tx, id, account).await?;
        return Ok(tx.commit().await?);
    }
    Ok(inbox::put_draft(&app.store, id, account, &Json::of(typed), app.now()).await?)
}

/// What a person had typed so far.
pub async fn draft(app: &App, account: Id<Account>, id: Id<Request>) -> Result<Option<Json>> {
    Ok(inbox::draft(&app.store, id, account).await?)
}
