//! One request with its whole story: what was asked and of whom, each step, everything that was sent (contract 7.4, 10.2, 12.9).

use super::{
    page_asked::Asked,
    page_context::Tree,
    page_deliveries::{DeliveryRow, delivery_page},
    page_notices::Notice,
    page_requests::Row,
    page_shell::{Section, Shell},
    page_signed_in::Asker,
    page_times::{Moment, lasted},
    pages::{PageError, PageId, see_other, shown, with_images},
};
use crate::{
    app::App,
    domain::{Delivery, EventName, Json, Request, Status, Timestamp, words::Word},
    service::{acting::by_hand, audit, callbacks, keys, requests, timeline},
    store::events::Line,
};
use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::Value;

type Page = std::result::Result<Response, PageError>;

/// One step of it.
struct Step {
    name: String,
    actor: String,
    at: Moment,
    /// What there is to say of it beside that it happened; empty where nothing.
    detail: String,
}

/// Somebody whom a new request was put to.
struct Recipient {
    email: String,
    told: bool,
    error: String,
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
    people: Vec<Recipient>,
    steps: Vec<Step>,
    deliveries: Vec<DeliveryRow>,
}

impl StoryPage {
    fn told(&self) -> usize {
        self.people.iter().filter(|it| it.told).count()
    }
}

/// One request: what was asked, what became of it, and when.
pub async fn show(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Request>) -> Page {
    let request = requests::owned(&app, &who.who, id).await?;
    let lines = timeline::of_request(&app, &who.who, id).await?;
    let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("JSON serialises");
    let keys = keys::list(&app, Some(who.id())).await?;
    let named = |id: &str| keys.iter().find(|it| it.key.id.to_string() == id).map(|it| it.key.name.clone());
    let (people, _) = audit::names(&app, &lines).await?;
    let now = app.now();
    let steps = lines.iter().map(|line| {
        let id = line.actor_id.as_deref().unwrap_or_default();
        let called = if line.actor_kind == "person" { people.get(id).cloned() } else { named(id) };
        Step::new(line, called, &request, now)
    });
    let asked = Asked::of(&request.content).folded(request.status.is_final());
    let shows_images = asked.shows_images();
    let made_by_hand = request.api_key_id == by_hand(request.creator_id);
    let key = named(&request.api_key_id.to_string()).unwrap_or("a key".into());
    let page = StoryPage {
        shell: who.shell(Section::Requests),
        key_name: if made_by_hand { "by hand".into() } else { key },
        asked: asked.html(),
        config: pretty(&request.content.response_config.value()),
        default: request.content.default_response.as_ref().map(|it| it.text().to_owned()),
        people: asked_of(&request.broadcasted_to),
        steps: steps.collect(),
        deliveries: callbacks::everything(&app, &who.who, id)
            .await?
            .into_iter()
            .map(|it| DeliveryRow::new(it, now))
            .collect(),
        row: Row::new(request, now),
    };
    Ok(with_images(shows_images, shown(&page)))
}

/// Whom it was put to, and whether they were told by another way than the inbox (contract 10.2).
fn asked_of(recipients: &Json) -> Vec<Recipient> {
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    let asked = |it: &Value| Recipient {
        email: text(it, "email"),
        told: it["notification_sent"] == true,
        error: text(it, "notification_error"),
    };
    recipients.value().as_array().into_iter().flatten().map(asked).collect()
}

impl Step {
    fn new(line: &Line, called: Option<String>, request: &Request, now: Timestamp) -> Self {
        let actor = match line.actor_kind.as_str() {
            "key" => called.map_or("a program".to_owned(), |name| format!("the key {name}")),
            "person" if line.actor_id == Some(request.creator_id.to_string()) => "you".to_owned(),
            "person" => called.unwrap_or("a person".to_owned()),
            "operator" => "the operator".to_owned(),
            _ => "the clock".to_owned(),
        };
        let name = line.name.as_str().rsplit('.').next().unwrap_or_default().replace('_', " ");
        Self { name, actor, at: Moment::age(line.at, now), detail: detail(line, request) }
    }
}

/// What a step was in particular, as it was recorded.
fn detail(line: &Line, request: &Request) -> String {
    let data = &line.data.value()["data"];
    match line.name {
        EventName::RequestUpdated => {
            let changed = data["changed_fields"].as_array().into_iter().flatten();
            let names: Vec<_> = changed.filter_map(Value::as_str).map(|name| name.replace('_', " ")).collect();
            names.join(", ")
        }
        EventName::RequestClaimed => {
            let until = data["estimated_completion"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            until.map_or(String::new(), |until| format!("for {}", lasted(until.micros_since(line.at))))
        }
        EventName::RequestCompleted => {
            format!("{} after it was asked", lasted(line.at.micros_since(request.created_at)))
        }
        EventName::RequestCancelled if data["refund_info"]["refunded"] == true => {
            "one call of the hour was given back".to_owned()
        }
        EventName::RequestReleased if line.actor_kind == "clock" => "the claim lapsed".to_owned(),
        _ => String::new(),
    }
}

/// One time that a callback was told: what was sent, what came back, each attempt.
pub async fn delivery(
    Asker(who): Asker,
    State(app): State<App>,
    PageId(id): PageId<Request>,
    PageId(delivery): PageId<Delivery>,
) -> Page {
    let (it, made) = callbacks::attempts(&app, &who.who, id, delivery).await?;
    let page =
        delivery_page(who.shell(Section::Requests), format!("/requests/{id}"), "The request", it, made, app.now());
    Ok(shown(&page))
}

/// Tells a callback once more, whatever came of it.
pub async fn redeliver(
    Asker(who): Asker,
    State(app): State<App>,
    PageId(id): PageId<Request>,
    PageId(delivery): PageId<Delivery>,
) -> Page {
    callbacks::redeliver(&app, &who.who, id, delivery).await?;
    Ok(see_other(&format!("/requests/{id}/deliveries/{delivery}"), Notice::DeliveryQueued))
}
