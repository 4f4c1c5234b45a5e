//! Asking by hand: a form that becomes the body that a program would send, so that both are judged by the same rules (contract 7.1, 9).

use super::{
    extract::{Form, UserAgent},
    page_asked::Asked,
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::Asker,
    pages::{PageError, again, see_other, shown, with_images},
};
use crate::{
    app::App,
    domain::{
        Content, Id, Invalid, Loop, Object, Priority, Sent, request_filters::Query, response::ResponseType, words::Word,
    },
    service::{Error, Result, loops, requests},
};
use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::{Map, Value, json};

type Page = std::result::Result<Response, PageError>;

#[derive(Template)]
#[template(path = "request_new.html")]
struct NewRequestPage {
    shell: Shell,
    form: Filled,
    loops: Vec<Loop>,
    preview: Option<Content>,
}

/// The types of answers, with what people call them.
const KINDS: [(ResponseType, &str); 6] = [
    (ResponseType::Boolean, "Yes or no"),
    (ResponseType::SingleSelect, "One of several"),
    (ResponseType::MultiSelect, "Any of several"),
    (ResponseType::Rating, "Rating"),
    (ResponseType::Number, "Number"),
    (ResponseType::Text, "Text"),
];

/// The form.
pub async fn form(asker: Asker, State(app): State<App>, query: Query) -> Page {
    let of = query.value("loop_id").unwrap_or_default();
    let usual =
        [("loop_id", of), ("response_type", "boolean"), ("priority", "medium"), ("timeout", "1"), ("unit", "3600")];
    Ok(with_images(true, shown(&form_page(&app, &asker, Filled::with(usual), None).await?))) // for the preview
}

async fn form_page(app: &App, Asker(who): &Asker, form: Filled, preview: Option<Content>) -> Result<NewRequestPage> {
    let loops = loops::list(app, &who.who, false).await?.into_iter().map(|it| it.it).collect();
    Ok(NewRequestPage { shell: who.shell(Section::Requests), form, loops, preview })
}

/// Puts the request to the loop; or, if that was asked for, shows first what its people will see.
pub async fn create(asker: Asker, State(app): State<App>, UserAgent(agent): UserAgent, form: Form) -> Page {
    let done = match form.text("act") {
        "preview" => preview(&app, &asker, &form).await.map(Err),
        _ => put(&app, &asker, &form, agent.as_deref()).await.map(Ok),
    };
    Ok(match done {
        Ok(Ok(made)) => made,
        Ok(Err(preview)) => {
            with_images(true, shown(&form_page(&app, &asker, Filled::sent(form), Some(preview)).await?))
        }
        Err(error) => {
            with_images(true, again(&error, &form_page(&app, &asker, Filled::refused(form, &error), None).await?))
        }
    })
}

async fn put(app: &App, Asker(who): &Asker, form: &Form, agent: Option<&str>) -> Result<Response> {
    let made = requests::create(app, &who.who, loop_id(form)?, body(form), agent).await?;
    Ok(see_other(&format!("/requests/{}", made.id), Notice::RequestCreated))
}

async fn preview(app: &App, Asker(who): &Asker, form: &Form) -> Result<Content> {
    let content = requests::preview(app, &who.who, loop_id(form)?, body(form)).await?;
    content.spec().map_err(Invalid::failed)?;
    Ok(content)
}

fn loop_id(form: &Form) -> Result<Id<Loop>> {
    form.text("loop_id").parse().map_err(|_| Error::from(Invalid::failed("loop_id must be one of your loops")))
}

/// The form as the body of a creation.
fn body(form: &Form) -> Sent {
    let Object(mut body) = form.sent(&["request_text", "image_url", "priority", "response_type", "callback_url"])?;
    body.insert("type".into(), if form.text("image_url").is_empty() { "markdown" } else { "image" }.into());
    body.insert("platform".into(), "web_portal".into());
    let seconds = number(form, "timeout")?.unwrap_or(1.0) * number(form, "unit")?.unwrap_or(3600.0);
    body.insert("processing_type".into(), if seconds > 86_400.0 { "deferred" } else { "time-sensitive" }.into());
    body.insert("timeout_seconds".into(), json!(seconds));
    if !form.text("context").is_empty() {
        let context = serde_json::from_str(form.text("context"));
        body.insert("context".into(), context.map_err(|_| Invalid::failed("context must be a JSON object"))?);
    }
    let tags: Vec<_> = form.text("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    if !tags.is_empty() {
        body.insert("tags".into(), json!(tags));
    }
    body.insert("response_config".into(), Value::Object(config(form)?));
    if !form.text("default_response").is_empty() {
        body.insert("default_response".into(), default(form)?);
    }
    // Once more through the door that refuses what neither engine could keep.
    Object::parse(Value::Object(body).to_string().as_bytes())
}

fn number(form: &Form, name: &str) -> std::result::Result<Option<f64>, Invalid> {
    let parse = |text: &str| text.parse().map_err(|_| Invalid::failed(format!("{name} must be a number")));
    Some(form.text(name)).filter(|text| !text.is_empty()).map(parse).transpose()
}

/// What of the form shapes the answer: the fields of the chosen type, where something stands in them.
fn config(form: &Form) -> std::result::Result<Map<String, Value>, Invalid> {
    let (numbers, texts): (&[&str], &[&str]) = match ResponseType::named(form.text("response_type")) {
        Some(ResponseType::Rating) => (&["min", "max", "step"], &["min_label", "max_label"]),
        Some(ResponseType::Number) => (&["min", "max", "step", "decimal_places"], &["prefix", "suffix"]),
        Some(ResponseType::MultiSelect) => (&["min_selections", "max_selections"], &[]),
        Some(ResponseType::Text) => (&["min_length", "max_length"], &["placeholder"]),
        Some(ResponseType::Boolean) => (&[], &["true_label", "false_label"]),
        _ => (&[], &[]),
    };
    let mut config = Map::from_iter([("required".to_owned(), true.into())]);
    for name in numbers {
        if let Some(number) = number(form, name)? {
            config.insert((*name).into(), json!(number));
        }
    }
    for name in ["prompt"].iter().chain(texts).filter(|name| !form.text(name).is_empty()) {
        config.insert((*name).into(), form.text(name).into());
    }
    let is_select = matches!(
        ResponseType::named(form.text("response_type")),
        Some(ResponseType::SingleSelect | ResponseType::MultiSelect)
    );
    if is_select {
        let lines = form.text("options").lines().map(str::trim).filter(|line| !line.is_empty());
        config.insert("options".into(), lines.map(option).collect());
        if form.text("allow_other") == "on" {
            config.insert("allow_other".into(), true.into());
        }
    }
    Ok(config)
}

/// `Reject | It breaks a rule | #c00`: an option, what it means, and its colour. One that is nothing but a word is only that.
fn option(line: &str) -> Value {
    let mut parts = line.splitn(3, '|').map(str::trim);
    let label = parts.next().unwrap_or_default();
    let rest: Vec<_> = ["description", "color"].into_iter().zip(parts).filter(|(_, text)| !text.is_empty()).collect();
    if rest.is_empty() {
        return label.into();
    }
    let mut option = json!({"value": label, "label": label});
    for (name, text) in rest {
        option[name] = text.into();
    }
    option
}

/// What stands if nobody answers, as its type writes it.
fn default(form: &Form) -> std::result::Result<Value, Invalid> {
    let text = form.text("default_response");
    Ok(match ResponseType::named(form.text("response_type")) {
        Some(ResponseType::Boolean) if text.eq_ignore_ascii_case("yes") => true.into(),
        Some(ResponseType::Boolean) if text.eq_ignore_ascii_case("no") => false.into(),
        Some(ResponseType::Rating | ResponseType::Number) => json!(number(form, "default_response")?),
        Some(ResponseType::MultiSelect) => text.lines().flat_map(|line| line.split(',')).map(str::trim).collect(),
        _ => text.into(),
    })
}
