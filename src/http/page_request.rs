//! One request: what is asked, where it stands, and claiming, releasing and answering it (contract 8, 16.1).

use super::{
    extract::Form,
    page_answer::{self, FIELD, amount, colour, count, length, points, scale, typed, unsigned, words},
    page_context::Tree,
    page_forms::Filled,
    page_markdown::safe_html,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_sign_in::carrying,
    page_signed_in::{SignedIn, Visitor},
    page_times::Moment,
    page_unsent::{Unsent, unsent},
    pages::{ForeignImages, PageError, PageId, page, see_other},
};
use crate::{
    app::App,
    domain::{Id, Invalid, Json, Request, Status, response::Spec},
    service::{Error, Result as Outcome, inbox, reviews},
};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::Value;

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    shell: Shell,
    it: Request,
    line: String,
    text: String,
    spec: Option<Spec>,
    form: Filled,
    is_mine: bool,
    age: Moment,
    left: Moment,
    claim_left: Option<Moment>,
    answered: Option<Moment>,
    /// What came in the way of what was just tried.
    lost: Option<String>,
    /// What was tried to send and stands in no form any more.
    unsent: String,
}

impl RequestPage {
    fn is_open(&self) -> bool {
        self.it.status == Status::Pending || self.is_mine
    }

    /// Who claimed or answered it, as oneself or by name.
    fn who(&self) -> &str {
        let me = self.shell.who.as_ref().map(|who| who.account_id);
        let by = self.it.response_by.or(self.it.claimed_by);
        if by.is_some() && by == me { "You" } else { self.it.reviewer.as_ref().map_or("Somebody", |who| &who.name) }
    }

    /// Where it stands, to be read out when it changes: without the time that is left, which always does.
    fn standing(&self) -> String {
        match self.it.status {
            Status::Pending => "Nobody has claimed this.".to_owned(),
            Status::Claimed if self.is_mine => "You have claimed this.".to_owned(),
            Status::Claimed => format!("{} has claimed this.", self.who()),
            Status::Completed => format!("Answered by {}.", self.who()),
            Status::Timeout => "Time ran out.".to_owned(),
            Status::Cancelled => "Taken back.".to_owned(),
        }
    }

    fn into_response(self, status: StatusCode) -> Response {
        let shows_images = self.it.content.image_url.is_some() || self.text.contains("<img ");
        let mut response = page(status, &self);
        if shows_images {
            response.extensions_mut().insert(ForeignImages);
        }
        response
    }
}

/// The page of a request with that in its form.
fn drawn(app: &App, who: &SignedIn, it: Request, form: Filled) -> RequestPage {
    let now = app.now();
    let is_mine = it.status == Status::Claimed && it.claimed_by == Some(who.id());
    RequestPage {
        shell: who.shell(Section::Inbox),
        line: it.first_line(),
        text: safe_html(&it.content.request_text),
        spec: it.content.spec().ok(),
        form,
        is_mine,
        age: Moment::age(it.created_at, now),
        left: Moment::left(it.timeout_at, now),
        claim_left: it.claim_expires_at.filter(|_| it.status == Status::Claimed).map(|at| Moment::left(at, now)),
        answered: it.response_at.map(|at| Moment::age(at, now)),
        lost: None,
        unsent: String::new(),
        it,
    }
}

/// A form with that in it; an empty one where what is asked cannot be read.
fn filled(it: &Request, typed: &Value) -> Filled {
    it.content.spec().map_or_else(|_| Filled::default(), |spec| page_answer::filled(&spec, typed))
}

/// The request, with what one had typed so far.
pub async fn show(who: SignedIn, State(app): State<App>, PageId(id): PageId<Request>) -> Result<Response, PageError> {
    let it = reviews::show(&app, who.id(), id).await?;
    let draft = inbox::draft(&app, who.id(), id).await?;
    let form = draft.as_ref().map_or_else(Filled::default, |draft| filled(&it, &draft.value()));
    let mut page = drawn(&app, &who, it, form);
    if !page.is_open() {
        page.unsent = draft.and_then(|draft| page.it.answer_in_words(&draft.value())).unwrap_or_default();
    }
    Ok(page.into_response(StatusCode::OK))
}

/// Takes a request on. What was typed meanwhile is kept.
pub async fn claim(
    visitor: Result<Visitor, PageError>,
    State(app): State<App>,
    PageId(id): PageId<Request>,
    form: Form,
) -> Response {
    match sender(visitor, id, &form) {
        Ok(who) => or_given_back(&who, &form, try_claim(&app, &who, id, &form).await),
        Err(refused) => *refused,
    }
}

async fn try_claim(app: &App, who: &SignedIn, id: Id<Request>, form: &Form) -> Outcome<Response> {
    keep_form(app, who, id, form).await?;
    match reviews::claim(app, who.id(), id).await {
        Ok(_) => Ok(see_other(&place(id), Notice::Claimed)),
        Err(Error::Conflict(why)) => lost(app, who, id, why, &Value::Null).await,
        Err(error) => Err(error),
    }
}

/// Gives a request back. One that has come back already is where it was to be.
pub async fn release(
    visitor: Result<Visitor, PageError>,
    State(app): State<App>,
    PageId(id): PageId<Request>,
    form: Form,
) -> Response {
    match sender(visitor, id, &form) {
        Ok(who) => or_given_back(&who, &form, try_release(&app, &who, id, &form).await),
        Err(refused) => *refused,
    }
}

async fn try_release(app: &App, who: &SignedIn, id: Id<Request>, form: &Form) -> Outcome<Response> {
    keep_form(app, who, id, form).await?;
    match reviews::release(app, who.id(), id).await {
        Ok(_) => Ok(see_other("/inbox", Notice::Released)),
        Err(Error::Conflict(why)) => {
            let it = reviews::show(app, who.id(), id).await?;
            if it.status == Status::Pending {
                return Ok(see_other("/inbox", Notice::Released));
            }
            lost(app, who, id, why, &Value::Null).await
        }
        Err(error) => Err(error),
    }
}

/// Who sends a form in which an answer may stand. Whoever's session has ended signs in first, and loses nothing.
fn sender(visitor: Result<Visitor, PageError>, id: Id<Request>, form: &Form) -> Result<SignedIn, Box<Response>> {
    match visitor.map(SignedIn::of) {
        Ok(Ok(who)) => Ok(who),
        Ok(Err(visitor)) => Err(carrying(&visitor, &place(id), form).into()),
        Err(error) => Err(unsent(Unsent::of(form), &error).into()),
    }
}

/// What came of it; where that is nothing, because the request is gone or the server in trouble, why, and what was typed.
fn or_given_back(who: &SignedIn, form: &Form, done: Outcome<Response>) -> Response {
    done.unwrap_or_else(|error| unsent(Unsent::of(form).seen_by(who), &error.into()))
}

/// Keeps what stood in the answer's form when something else was done.
async fn keep_form(app: &App, who: &SignedIn, id: Id<Request>, form: &Form) -> Outcome<()> {
    let it = reviews::show(app, who.id(), id).await?;
    keep_typed(app, who, &it, &typed(it.content.response_type, form)).await
}

/// Keeps what was typed, if it is anything, for as long as the request can be answered.
async fn keep_typed(app: &App, who: &SignedIn, it: &Request, given: &Value) -> Outcome<()> {
    let is_nothing = given.is_null() || *given == "" || given.as_array().is_some_and(Vec::is_empty);
    if is_nothing || it.status.is_final() {
        return Ok(());
    }
    match inbox::keep(app, who.id(), it.id, given).await {
        Err(Error::Conflict(_)) => Ok(()), // it has just ended, and whoever acts on it is told
        kept => kept,
    }
}

/// Sends an answer, and goes on to what is to do next.
pub async fn answer(
    visitor: Result<Visitor, PageError>,
    State(app): State<App>,
    PageId(id): PageId<Request>,
    form: Form,
) -> Response {
    match sender(visitor, id, &form) {
        Ok(who) => or_given_back(&who, &form, send(&app, &who, id, &form).await),
        Err(refused) => *refused,
    }
}

const TORN: &str = "Choose an option or write something else, not both";

async fn send(app: &App, who: &SignedIn, id: Id<Request>, form: &Form) -> Outcome<Response> {
    let it = reviews::show(app, who.id(), id).await?;
    if page_answer::is_torn(it.content.response_type, form) {
        let form = Filled::refused_at(FIELD, form.clone(), &Invalid::failed(TORN).into());
        return Ok(drawn(app, who, it, form).into_response(StatusCode::BAD_REQUEST));
    }
    let given = typed(it.content.response_type, form);
    match reviews::respond(app, who.id(), id, &given).await {
        Ok(_) => onwards(app, who).await,
        Err(Error::Invalid(invalid)) => {
            keep_typed(app, who, &it, &given).await?;
            let form = Filled::refused_at(FIELD, form.clone(), &Error::Invalid(invalid));
            Ok(drawn(app, who, it, form).into_response(StatusCode::BAD_REQUEST))
        }
        Err(Error::Conflict(why)) => lost(app, who, id, why, &given).await,
        Err(error) => Err(error),
    }
}

/// To the next request, or to the inbox where there is none.
async fn onwards(app: &App, who: &SignedIn) -> Outcome<Response> {
    Ok(match inbox::next(app, who.id()).await? {
        Some(next) => see_other(&place(next), Notice::AnsweredNext),
        None => see_other("/inbox", Notice::Answered),
    })
}

/// The request after something came in the way: who was first, and what was typed, kept. The same answer sent twice is sent.
async fn lost(app: &App, who: &SignedIn, id: Id<Request>, why: &str, given: &Value) -> Outcome<Response> {
    let it = reviews::show(app, who.id(), id).await?;
    let meant = it.content.spec().ok().and_then(|spec| spec.answer(given).ok());
    if it.response_by == Some(who.id()) && meant.is_some() && meant == it.response_data.as_ref().map(Json::value) {
        return onwards(app, who).await;
    }
    keep_typed(app, who, &it, given).await?;
    let draft = if given.is_null() { inbox::draft(app, who.id(), id).await? } else { None };
    let typed = draft.as_ref().map(Json::value);
    let mut page = drawn(app, who, it, Filled::default());
    page.form = filled(&page.it, typed.as_ref().unwrap_or(given));
    page.unsent = page.it.answer_in_words(given).filter(|_| !page.is_open()).unwrap_or_default();
    page.lost = Some(what_happened(&page, why));
    Ok(page.into_response(StatusCode::CONFLICT))
}

fn what_happened(page: &RequestPage, why: &str) -> String {
    let (who, is_mine) = (page.who(), page.who() == "You");
    match page.it.status {
        Status::Completed if is_mine => "You have answered this already, in another tab perhaps.".to_owned(),
        Status::Completed => format!("{who} answered first."),
        Status::Claimed if !is_mine => format!("{who} was first and has claimed this request."),
        Status::Timeout => "Time ran out before that.".to_owned(),
        Status::Cancelled => "The request was taken back before that.".to_owned(),
        _ => format!("{why}."),
    }
}

/// Keeps what was filled in before signing in again, for whoever signed in; then shows the request.
pub async fn bring_back(app: &App, who: &SignedIn, id: Id<Request>, form: &Form) -> Response {
    let kept = keep(app, who, id, form).await;
    kept.unwrap_or_else(|error| unsent(Unsent::of(form).seen_by(who), &error.into()))
}

async fn keep(app: &App, who: &SignedIn, id: Id<Request>, form: &Form) -> Outcome<Response> {
    let it = reviews::show(app, who.id(), id).await?;
    let given = typed(it.content.response_type, form);
    match inbox::keep(app, who.id(), id, &given).await {
        Ok(()) => Ok(see_other(&place(id), Notice::Kept)),
        Err(Error::Conflict(why)) => lost(app, who, id, why, &given).await,
        Err(error) => Err(error),
    }
}

/// Where a request is.
pub fn place(id: Id<Request>) -> String {
    format!("/inbox/{id}")
}
