//! What became of the requests that one worked on: answers, timeouts, feedback (contract 16.1).

use super::{
    page_inbox::Card,
    page_shell::{Section, Shell},
    page_signed_in::SignedIn,
    pages::{PageError, shown},
};
use crate::{app::App, domain::request_filters::Query, service::inbox};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    shell: Shell,
    cards: Vec<Card>,
    earlier: Option<String>,
    later: Option<String>,
}

/// A page of one's history, the latest first.
pub async fn show(who: SignedIn, State(app): State<App>, query: Query) -> Result<Response, PageError> {
    let found = inbox::history(&app, who.id(), &query).await?;
    let place = found.page;
    let link = |offset: i64| format!("/history?limit={}&offset={offset}", place.limit);
    Ok(shown(&HistoryPage {
        shell: who.shell(Section::History),
        cards: found.requests.iter().map(|request| Card::new(request, app.now())).collect(),
        earlier: (place.offset > 0).then(|| link((place.offset - place.limit).max(0))),
        later: found.has_more.then(|| link(place.offset.saturating_add(place.limit))),
    }))
}
