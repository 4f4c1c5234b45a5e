//! Adding a webhook and changing one: a form that becomes the body that a program would send (contract 12.8).

use super::{
    extract::Form,
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::{Asker, SignedIn},
    page_signing_secret::secret_page,
    page_webhooks::own_loops,
    pages::{PageError, PageId, again, see_other, shown},
};
use crate::{
    app::App,
    domain::{Id, Invalid, Loop, Sent, Webhook, request_filters::Query},
    service::{Error, Result, webhooks},
};
use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::json;

type Page = std::result::Result<Response, PageError>;

#[derive(Template)]
#[template(path = "webhook_form.html")]
struct FormPage {
    shell: Shell,
    old: Option<Id<Webhook>>,
    form: Filled,
    loops: Vec<Loop>,
}

impl FormPage {
    fn action(&self) -> String {
        self.old.map_or("/webhooks/new".to_owned(), |id| format!("/webhooks/{id}/edit"))
    }

    fn back(&self) -> String {
        self.old.map_or("/webhooks".to_owned(), |id| format!("/webhooks/{id}"))
    }
}

/// The patterns that most want, with what they stand for.
const COMMON: [(&str, &str); 9] = [
    ("*", "Everything, also what will be added later"),
    ("request.created", "Somebody asked"),
    ("request.claimed", "A person took it on"),
    ("request.completed", "A person answered"),
    ("request.timeout", "Nobody answered in time"),
    ("request.cancelled", "It was taken back"),
    ("loop.*", "A loop was made, changed or deleted; somebody joined or left"),
    ("api_key.*", "A key has used most of its hour, or was refused"),
    ("webhook.*", "A webhook has failed for days, or was disabled for it"),
];

/// The ends of a request: what most programs wait for.
const USUAL: [&str; 3] = ["request.completed", "request.timeout", "request.cancelled"];

async fn form_page(app: &App, who: &SignedIn, old: Option<Id<Webhook>>, form: Filled) -> Result<FormPage> {
    Ok(FormPage { shell: who.shell(Section::Webhooks), old, form, loops: own_loops(app, who).await? })
}

/// The form as it stands for these patterns: the common ones ticked, the others written out.
fn filled<'a>(patterns: impl Iterator<Item = &'a str>, rest: [(&str, &str); 3]) -> Filled {
    let (common, others): (Vec<_>, Vec<_>) = patterns.partition(|one| COMMON.iter().any(|(pattern, _)| pattern == one));
    let others = others.join(" ");
    let ticked = common.into_iter().map(|pattern| ("events", pattern));
    let fields = ticked.chain([("patterns", others.as_str())]).chain(rest);
    Filled::sent(Form(Query(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())))
}

/// The form for a new one.
pub async fn form(Asker(who): Asker, State(app): State<App>) -> Page {
    let form = filled(USUAL.into_iter(), [("url", ""), ("loop_id", ""), ("description", "")]);
    Ok(shown(&form_page(&app, &who, None, form).await?))
}

/// Adds one; its secret is on the page that says so.
pub async fn create(Asker(who): Asker, State(app): State<App>, form: Form) -> Page {
    match webhooks::create(&app, &who.who, sent(&form)).await {
        Ok(made) => Ok(secret_page(&who, "Your new webhook", made, app.now())),
        Err(error) => refused(&app, &who, None, form, error).await,
    }
}

/// The form to change one.
pub async fn edit(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>) -> Page {
    let it = webhooks::show(&app, &who.who, id).await?;
    let loop_id = it.loop_id.map_or_else(String::new, |id| id.to_string());
    let description = it.description.as_deref().unwrap_or_default();
    let rest = [("url", it.url.as_str()), ("loop_id", &loop_id), ("description", description)];
    Ok(shown(&form_page(&app, &who, Some(id), filled(it.events.iter().map(String::as_str), rest)).await?))
}

/// Changes one.
pub async fn update(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>, form: Form) -> Page {
    match webhooks::update(&app, &who.who, id, sent(&form)).await {
        Ok(_) => Ok(see_other(&format!("/webhooks/{id}"), Notice::WebhookChanged)),
        Err(error) => refused(&app, &who, Some(id), form, error).await,
    }
}

/// What can be mended is said on the form; what is not one's own is not there.
async fn refused(app: &App, who: &SignedIn, old: Option<Id<Webhook>>, form: Form, error: Error) -> Page {
    if !matches!(error, Error::Invalid(_)) {
        return Err(error.into());
    }
    Ok(again(&error, &form_page(app, who, old, Filled::refused(form, &error)).await?))
}

fn sent(form: &Form) -> Sent {
    if form.text("url").is_empty() {
        return Err(Invalid::required("url")); // left out, it would stay as it was
    }
    let mut sent = form.sent(&["url", "description"])?;
    let written = form.text("patterns").split([' ', ',']);
    let events: Vec<_> = form.all("events").chain(written).map(str::trim).filter(|text| !text.is_empty()).collect();
    sent.0.insert("events".into(), json!(events));
    match form.text("loop_id") {
        "" => sent.0.insert("type".into(), "global".into()),
        id => sent.0.insert("loop_id".into(), id.into()),
    };
    Ok(sent)
}
