//! Webhooks, as their owner manages them (contract 12.8). A secret is on the page that made it, and on no other.

use super::{
    page_deliveries::DeliveryRow,
    page_forms::Filled,
    page_notices::Notice,
    page_places::around,
    page_shell::{Section, Shell},
    page_signed_in::{Asker, SignedIn},
    page_signing_secret::{question, running, secret_page},
    page_times::Moment,
    pages::{PageError, PageId, Question, confirm, see_other, shown},
};
use crate::{
    app::App,
    domain::{Id, Loop, Object, Timestamp, Webhook, request_filters::Query, signatures},
    service::{Result, loops, webhooks},
};
use askama::Template;
use axum::{extract::State, response::Response};
use url::form_urlencoded::Serializer;

type Page = std::result::Result<Response, PageError>;

/// A webhook, in a list or alone.
pub(super) struct WebhookRow {
    it: Webhook,
    standing: &'static str,
    reach: String,
    last: Option<Moment>,
    failing: Option<Moment>,
}

impl WebhookRow {
    fn new(it: Webhook, own: &[Loop], now: Timestamp) -> Self {
        let name =
            |id: Id<Loop>| own.iter().find(|it| it.id == id).map_or_else(|| id.to_string(), |it| it.name.clone());
        Self {
            standing: it.standing(),
            reach: it.loop_id.map_or_else(|| "all".to_owned(), name),
            last: it.last_delivery_at.map(|at| Moment::age(at, now)),
            failing: it.failing_since.filter(|_| it.enabled).map(|at| Moment::age(at, now)),
            it,
        }
    }

    /// How the latest delivery ended, in a word that is coloured.
    fn outcome(&self) -> &'static str {
        if self.it.failing_since.is_some() { "failed" } else { "success" }
    }
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    shell: Shell,
    rows: Vec<WebhookRow>,
}

#[derive(Template)]
#[template(path = "webhook.html")]
pub(super) struct WebhookPage {
    shell: Shell,
    row: WebhookRow,
    secret: String,
    old_until: Option<String>,
    deliveries: Vec<DeliveryRow>,
    total: i64,
    filter: String,
    recovery: Filled,
    earlier: Option<String>,
    later: Option<String>,
}

/// The loops that somebody has made, which their webhooks may be about.
pub(super) async fn own_loops(app: &App, who: &SignedIn) -> Result<Vec<Loop>> {
    Ok(loops::list(app, &who.who, false).await?.into_iter().map(|it| it.it).collect())
}

/// All of one's webhooks.
pub async fn list(Asker(who): Asker, State(app): State<App>) -> Page {
    let own = own_loops(&app, &who).await?;
    let found = webhooks::list(&app, &who.who).await?;
    let rows = found.into_iter().map(|it| WebhookRow::new(it, &own, app.now())).collect();
    Ok(shown(&WebhooksPage { shell: who.shell(Section::Webhooks), rows }))
}

/// One of them, and what was sent to it.
pub async fn show(asker: Asker, State(app): State<App>, PageId(id): PageId<Webhook>, query: Query) -> Page {
    let recovery = Filled::with([("hours", "24")]);
    Ok(shown(&webhook_page(&app, &asker, id, &query, recovery).await?))
}

/// The page of one, which is shown again when what had failed could not be sent.
pub(super) async fn webhook_page(
    app: &App,
    Asker(who): &Asker,
    id: Id<Webhook>,
    query: &Query,
    recovery: Filled,
) -> Result<WebhookPage> {
    let it = webhooks::show(app, &who.who, id).await?;
    let filter = query.value("status").unwrap_or_default().to_owned();
    let log = webhooks::log(app, &who.who, id, &short(query)).await?;
    let now = app.now();
    let link = |offset: i64| {
        let mut link = Serializer::new(String::new());
        link.append_pair("status", &filter).append_pair("offset", &offset.to_string());
        format!("/webhooks/{id}?{}#deliveries", link.finish())
    };
    let (earlier, later) = around(log.page, log.total, link);
    Ok(WebhookPage {
        shell: who.shell(Section::Webhooks),
        secret: signatures::preview(&it.secret),
        old_until: running(it.previous_until, now),
        earlier,
        later,
        deliveries: log.deliveries.into_iter().map(|it| DeliveryRow::new(it, now)).collect(),
        total: log.total,
        row: WebhookRow::new(it, &own_loops(app, who).await?, now),
        filter,
        recovery,
    })
}

/// Twenty a page, unless told otherwise: on a phone each is a card.
fn short(query: &Query) -> Query {
    Query([vec![("limit".to_owned(), "20".to_owned())], query.0.clone()].concat())
}

/// Sends it nothing until it is resumed.
pub async fn pause(asker: Asker, app: State<App>, id: PageId<Webhook>) -> Page {
    set_enabled(&asker, &app, id, false, Notice::WebhookPaused).await
}

/// Sends to one again that was paused, or disabled by the server.
pub async fn resume(asker: Asker, app: State<App>, id: PageId<Webhook>) -> Page {
    set_enabled(&asker, &app, id, true, Notice::WebhookResumed).await
}

async fn set_enabled(Asker(who): &Asker, app: &App, PageId(id): PageId<Webhook>, to: bool, said: Notice) -> Page {
    let fields = Object([("enabled".to_owned(), to.into())].into_iter().collect());
    webhooks::update(app, &who.who, id, Ok(fields)).await?;
    Ok(see_other(&format!("/webhooks/{id}"), said))
}

/// Asks before a secret is replaced.
pub async fn ask_rotate(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>) -> Page {
    let it = webhooks::show(&app, &who.who, id).await?;
    let (place, old_until) = (format!("/webhooks/{id}"), running(it.previous_until, app.now()));
    Ok(question(&who, "Make a new secret?", &it.url, old_until, (format!("{place}/rotate"), place)))
}

/// Replaces a secret; the new one is on the page that says so.
pub async fn rotate(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>) -> Page {
    let rotated = webhooks::rotate(&app, &who.who, id).await?;
    Ok(secret_page(&who, "The new secret", rotated, app.now()))
}

/// Asks before a webhook is deleted.
pub async fn ask_delete(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>) -> Page {
    let it = webhooks::show(&app, &who.who, id).await?;
    let question = Question {
        title: "Delete this webhook?".to_owned(),
        text: format!(
            "{}\n\nThis cannot be undone. What is still on its way is given up, and its log of deliveries is out of reach. \
             To rest it for a while, pause it.",
            it.url
        ),
        reason: None,
        label: "Delete the webhook",
        action: format!("/webhooks/{id}/delete"),
        back: format!("/webhooks/{id}"),
    };
    Ok(confirm(who.shell(Section::Webhooks), question))
}

/// Deletes a webhook.
pub async fn delete(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>) -> Page {
    webhooks::delete(&app, &who.who, id).await?;
    Ok(see_other("/webhooks", Notice::WebhookDeleted))
}
