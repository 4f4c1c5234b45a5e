//! Everything that was asked: searching it, one request with its whole story, taking one back (contract 7.2, 7.4, 7.6).

use super::{
    extract::Form,
    page_asked::Asked,
    page_notices::Notice,
    page_places::{around, link},
    page_shell::{Section, Shell},
    page_signed_in::Asker,
    page_times::Moment,
    pages::{PageError, PageId, Question, confirm, see_other, shown, with_images},
};
use crate::{
    app::App,
    domain::{Delivery, Key, Loop, Priority, Request, Status, Timestamp, request_filters::Query, words::Word},
    service::{acting::by_hand, audit, callbacks, keys, loops, request_lists, requests, timeline},
    store::events::Line,
};
use askama::Template;
use axum::{extract::State, response::Response};

type Page = std::result::Result<Response, PageError>;

/// A request in a list.
struct Row {
    it: Request,
    line: String,
    answer: Option<String>,
    age: Moment,
    left: Option<Moment>,
}

impl Row {
    fn new(it: Request, now: Timestamp) -> Self {
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
    rows: Vec<Row>,
    total: i64,
    loops: Vec<Loop>,
    keys: Vec<Key>,
    by_hand: String,
    query: Query,
    earlier: Option<String>,
    later: Option<String>,
}

/// What the list can be narrowed by.
const FILTERS: [&str; 6] = ["search", "status", "loop_id", "priority", "api_key_id", "limit"];

impl RequestsPage {
    fn chosen(&self, name: &str, value: &str) -> bool {
        self.query.value(name) == Some(value)
    }

    fn is_filtered(&self) -> bool {
        FILTERS[..5].iter().any(|name| self.query.value(name).is_some())
    }
}

/// One's requests, narrowed and in pages.
pub async fn list(Asker(who): Asker, State(app): State<App>, query: Query) -> Page {
    let found = request_lists::list(&app, &who.who, &query).await?;
    let total = found.total;
    let link = |offset: i64| link("/requests", &query, &FILTERS, Some(("offset", &offset.to_string())));
    let (earlier, later) = around(found.filter.page, total, link);
    Ok(shown(&RequestsPage {
        shell: who.shell(Section::Requests),
        rows: found.requests.into_iter().map(|it| Row::new(it, app.now())).collect(),
        total,
        loops: loops::list(&app, &who.who, false).await?.into_iter().map(|it| it.it).collect(),
        keys: keys::list(&app, Some(who.id())).await?.into_iter().map(|it| it.key).collect(),
        by_hand: by_hand(who.id()).to_string(),
        earlier,
        later,
        query,
    }))
}

/// One step of a request's story.
struct Step {
    name: String,
    actor: String,
    at: Moment,
}

#[derive(Template)]
#[template(path = "request_story.html")]
struct StoryPage {
    shell: Shell,
    row: Row,
    key_name: String,
    asked: String,
    config: String,
    default: Option<String>,
    steps: Vec<Step>,
    deliveries: Vec<Delivery>,
}

/// One request: what was asked, what became of it, and when.
pub async fn show(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Request>) -> Page {
    let request = requests::owned(&app, &who.who, id).await?;
    let lines = timeline::of_request(&app, &who.who, id).await?;
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).expect("JSON serialises");
    let keys = keys::list(&app, Some(who.id())).await?;
    let named = |id: &str| keys.iter().find(|it| it.key.id.to_string() == id).map(|it| it.key.name.clone());
    let (people, _) = audit::names(&app, &lines).await?;
    let steps = lines.iter().map(|line| {
        let id = line.actor_id.as_deref().unwrap_or_default();
        let called = if line.actor_kind == "person" { people.get(id).cloned() } else { named(id) };
        step(line, called, &request, app.now())
    });
    let by_hand = request.api_key_id == by_hand(request.creator_id);
    let asked = Asked::of(&request.content).folded(request.status.is_final());
    let shows_images = asked.shows_images();
    let page = StoryPage {
        shell: who.shell(Section::Requests),
        key_name: if by_hand {
            "by hand".into()
        } else {
            named(&request.api_key_id.to_string()).unwrap_or("a key".into())
        },
        asked: asked.html(),
        config: pretty(&request.content.response_config.0),
        default: request.content.default_response.as_ref().map(|it| it.0.to_string()),
        steps: steps.collect(),
        deliveries: callbacks::everything(&app, &who.who, id).await?,
        row: Row::new(request, app.now()),
    };
    Ok(with_images(shows_images, shown(&page)))
}

fn step(line: &Line, called: Option<String>, request: &Request, now: Timestamp) -> Step {
    let actor = match line.actor_kind.as_str() {
        "key" => called.map_or("a program".to_owned(), |name| format!("the key {name}")),
        "person" if line.actor_id == Some(request.creator_id.to_string()) => "you".to_owned(),
        "person" => called.unwrap_or("a person".to_owned()),
        "operator" => "the operator".to_owned(),
        _ => "the clock".to_owned(),
    };
    let name = line.name.as_str().rsplit('.').next().unwrap_or_default().replace('_', " ");
    Step { name, actor, at: Moment::age(line.at, now) }
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
