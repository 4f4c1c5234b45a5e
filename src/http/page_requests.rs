//! Everything that was asked: searching it, taking one back (contract 7.2, 7.6). One with its whole story is in `page_story`.

use super::{
    extract::Form,
    page_forms::Filled,
    page_notices::Notice,
    page_places::{around, link},
    page_shell::{Section, Shell},
    page_signed_in::{Asker, SignedIn},
    page_times::{Moment, start_of_day},
    pages::{PageError, PageId, Question, again, confirm, see_other, shown},
};
use crate::{
    app::App,
    domain::{
        Invalid, Key, Loop, Priority, Request, Status, Timestamp,
        request_filters::{Query, Sort},
        words::Word,
    },
    service::{Error, Result, acting::by_hand, keys, loops, request_lists, request_lists::Listed, requests},
};
use askama::Template;
use axum::{extract::State, response::Response};

type Page = std::result::Result<Response, PageError>;

/// A request in a list, or at the head of its story.
pub(super) struct Row {
    pub(super) it: Request,
    pub(super) line: String,
    pub(super) answer: Option<String>,
    age: Moment,
    pub(super) left: Option<Moment>,
}

impl Row {
    pub(super) fn new(it: Request, now: Timestamp) -> Self {
        Self {
            line: it.first_line(),
            answer: it.answer_line(),
            age: Moment::age(it.created_at, now),
            left: (!it.status.is_final()).then(|| Moment::left(it.timeout_at, now)),
            it,
        }
    }
}

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    shell: Shell,
    form: Filled,
    rows: Vec<Row>,
    total: i64,
    loops: Vec<Loop>,
    keys: Vec<Key>,
    by_hand: String,
    is_filtered: bool,
    earlier: Option<String>,
    later: Option<String>,
}

/// What the list can be narrowed by.
const NARROWING: [&str; 7] = ["search", "status", "loop_id", "priority", "api_key_id", "from", "to"];

/// The orders of the list, in words.
const ORDERS: [(Sort, &str); 4] = [
    (Sort::CreatedAtDesc, "The newest first"),
    (Sort::CreatedAtAsc, "The oldest first"),
    (Sort::PriorityDesc, "The most urgent first"),
    (Sort::StatusAsc, "By status"),
];

/// One's requests, narrowed, in an order and in pages.
pub async fn list(Asker(who): Asker, State(app): State<App>, query: Query) -> Page {
    let found = match wanted(&query) {
        Ok(wanted) => request_lists::list(&app, &who.who, &wanted).await,
        Err(error) => Err(error.into()),
    };
    let mut form = Form(query.clone());
    form.0.0.retain(|(name, _)| NARROWING.contains(&name.as_str()) || name == "sort");
    Ok(match found {
        Ok(found) => shown(&requests_page(&app, &who, &query, Filled::sent(form), Some(found)).await?),
        Err(error @ Error::Invalid(_)) => {
            let form = Filled::refused(form, &error);
            again(&error, &requests_page(&app, &who, &query, form, None).await?)
        }
        Err(error) => return Err(error.into()),
    })
}

async fn requests_page(
    app: &App,
    who: &SignedIn,
    query: &Query,
    form: Filled,
    found: Option<Listed>,
) -> Result<RequestsPage> {
    let kept = [&NARROWING[..], &["sort", "limit"]].concat();
    let total = found.as_ref().map_or(0, |found| found.total);
    let link = |offset: i64| link("/requests", query, &kept, Some(("offset", &offset.to_string())));
    let (earlier, later) = found.as_ref().map_or((None, None), |found| around(found.filter.page, total, link));
    let rows = found.map_or(vec![], |found| found.requests);
    Ok(RequestsPage {
        shell: who.shell(Section::Requests),
        form,
        rows: rows.into_iter().map(|it| Row::new(it, app.now())).collect(),
        total,
        loops: loops::list(app, &who.who, false).await?.into_iter().map(|it| it.it).collect(),
        keys: keys::list(app, Some(who.id())).await?.into_iter().map(|it| it.key).collect(),
        by_hand: by_hand(who.id()).to_string(),
        is_filtered: NARROWING.iter().any(|name| query.value(name).is_some()),
        earlier,
        later,
    })
}

/// The filters of the page as those of the list itself: days, both of them included, become the instants around them.
fn wanted(query: &Query) -> std::result::Result<Query, Invalid> {
    let mut wanted = query.clone();
    for (field, name, days_later, micros) in [("from", "created_after", 0, -1), ("to", "created_before", 1, 0)] {
        if let Some(text) = query.value(field) {
            let wrong = || Invalid::failed(format!("{field} must be a date such as 2030-01-31"));
            let start = start_of_day(text, days_later).ok_or_else(wrong)?;
            wanted.0.push((name.to_owned(), Timestamp::from_micros(start.micros() + micros).to_string()));
        }
    }
    Ok(wanted)
}

/// Asks before a request is taken back.
pub async fn ask_cancel(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Request>) -> Page {
    let request = requests::owned(&app, &who.who, id).await?;
    let question = Question {
        title: "Take this request back?".to_owned(),
        text: format!("{}\n\nNobody can answer it any more, and whoever waits for it is told.", request.first_line()),
        reason: Some("Reason"),
        label: "Cancel the request",
        action: format!("/requests/{id}/cancel"),
        back: format!("/requests/{id}"),
    };
    Ok(confirm(who.shell(Section::Requests), question))
}

/// Takes a request back.
pub async fn cancel(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Request>, form: Form) -> Page {
    let reason = requests::reason(&form.sent(&["reason"]));
    requests::cancel(&app, &who.who, id, reason.as_deref()).await?;
    Ok(see_other(&format!("/requests/{id}"), Notice::RequestCancelled))
}
