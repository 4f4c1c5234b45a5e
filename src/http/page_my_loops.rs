//! The loops one is in or has made, and leaving one (contract 11.7). Making and changing loops is on pages of their own.

use super::{
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::SignedIn,
    pages::{PageError, PageId, see_other, shown},
};
use crate::{
    app::App,
    domain::{Id, Loop, MemberStatus},
    service::{Error, loops, loops::Peopled, members, notification_settings},
};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "my_loops.html")]
struct MyLoopsPage {
    shell: Shell,
    loops: Vec<Row>,
}

/// One loop.
struct Row {
    it: Loop,
    people: usize,
    is_mine: bool,
    is_in: bool,
    is_notified: bool,
}

#[derive(Template)]
#[template(path = "leave.html")]
struct LeavePage {
    shell: Shell,
    row: Row,
}

impl Row {
    fn new(peopled: Peopled, who: &SignedIn, muted: &[Id<Loop>]) -> Self {
        let joined = |member: &&crate::domain::Member| member.status == MemberStatus::Active;
        let people = peopled.members.iter().filter(joined).count();
        let is_notified = !muted.contains(&peopled.it.id);
        let is_in = peopled.members.iter().filter(joined).any(|member| member.account_id == who.id());
        Self { is_mine: peopled.it.creator_id == who.id(), is_in, people, is_notified, it: peopled.it }
    }
}

async fn rows(app: &App, who: &SignedIn) -> Result<Vec<Row>, Error> {
    let muted = notification_settings::muted(app, who.id()).await?;
    Ok(loops::list(app, &who.who, true).await?.into_iter().map(|it| Row::new(it, who, &muted)).collect())
}

/// The loops one is in, and those that one made.
pub async fn list(who: SignedIn, State(app): State<App>) -> Result<Response, PageError> {
    Ok(shown(&MyLoopsPage { shell: who.shell(Section::Loops), loops: rows(&app, &who).await? }))
}

/// Whether one means it.
pub async fn confirm(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Result<Response, PageError> {
    let found = rows(&app, &who).await?.into_iter().find(|row| row.it.id == id && row.is_in);
    let row = found.ok_or(Error::Missing("You are not in that loop."))?;
    Ok(shown(&LeavePage { shell: who.shell(Section::Loops), row }))
}

/// Leaves a loop.
pub async fn leave(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Result<Response, PageError> {
    members::leave(&app, who.id(), id).await?;
    Ok(see_other("/loops", Notice::Left))
}
