//! `hitl requests`: what was asked, and answering it for a person of the loop.

use super::{
    arguments, deliveries,
    failure::Failure,
    output::{Format, beginning, or_dash, record, table},
    users,
};
use crate::{
    app::App,
    domain::{
        AccountStatus, Email, Id, Loop, Request, Status,
        request_filters::{Page, RequestFilter, Sort},
        response::{ResponseType, Spec},
    },
    service::{self, Acting, request_lists, requests, reviews},
};
use clap::Subcommand;
use serde_json::{Value, json};

const RESPOND: &str = "\
Examples:
  hitl requests respond 65f1234567890abcdef12348 --as ann@example.com true
  hitl requests respond 65f1234567890abcdef12348 --as ann@example.com 'Ship it, but not on Friday'
  hitl requests respond 65f1234567890abcdef12348 --as ann@example.com '[\"red\", \"blue\"]'

The person must be in the loop; the answer is checked and recorded as theirs.";

/// What can be done with requests.
#[derive(Subcommand)]
pub(super) enum Requests {
    /// List requests, the newest first
    List(List),
    /// Show a request, and its answer if it has one
    Show(One),
    /// Answer a request for a person of its loop
    #[command(after_help = RESPOND)]
    Respond(Respond),
    /// Show what a request's callback was told
    Callbacks(deliveries::OfRequest),
    /// Tell a request's callback once more, by the running server
    Redeliver(deliveries::NamedOfRequest),
}

#[derive(clap::Args)]
pub(super) struct List {
    /// Only with these statuses, comma-separated
    #[arg(long, value_delimiter = ',', value_parser = arguments::word::<Status>())]
    status: Vec<Status>,
    /// Only those of this loop
    #[arg(long = "loop", value_name = "ID")]
    loop_id: Option<Id<Loop>>,
    /// How many, 1 to 100
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100))]
    limit: i64,
    /// How many to pass over
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    offset: i64,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct One {
    /// The request's id
    id: Id<Request>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Respond {
    #[command(flatten)]
    one: One,
    /// Whose answer it is
    #[arg(long = "as", value_parser = arguments::email, value_name = "EMAIL")]
    person: Email,
    /// The answer: JSON if it reads as JSON, unless the request asks for text; else the text itself
    #[arg(allow_hyphen_values = true)]
    answer: String,
    /// Take the answer as JSON in any case
    #[arg(long)]
    json_answer: bool,
}

impl Requests {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        match self {
            Self::List(list) => self::list(app, list).await,
            Self::Show(One { id, format }) => show(&format, &found(app, id).await?),
            Self::Respond(respond) => self::respond(app, respond).await,
            Self::Callbacks(of) => of.show(app).await,
            Self::Redeliver(named) => named.send_again(app).await,
        }
    }
}

async fn list(app: &App, list: List) -> anyhow::Result<()> {
    let filter = RequestFilter {
        statuses: list.status,
        priority: None,
        loop_id: list.loop_id,
        api_key_id: None,
        text: None,
        created_after: None,
        created_before: None,
        sort: Sort::CreatedAtDesc,
        page: Page { limit: list.limit, offset: list.offset },
    };
    let listed = request_lists::list_all(app, filter).await?;
    list.format.print(&listed.requests.iter().map(properties).collect(), || {
        let row = |it: &Request| {
            [
                it.id.to_string(),
                it.status.to_string(),
                it.content.priority.to_string(),
                it.content.response_type.to_string(),
                beginning(&it.loop_name, 24),
                beginning(&it.content.request_text, 48),
                it.timeout_at.to_string(),
            ]
        };
        let rows = listed.requests.iter().map(row);
        let table = table(["ID", "STATUS", "PRIORITY", "ANSWER", "LOOP", "REQUEST", "TIMES OUT"], rows);
        format!("{table}\n\n{} of {}", listed.requests.len(), listed.total)
    })
}

async fn respond(app: &App, respond: Respond) -> anyhow::Result<()> {
    let Respond { one, person, answer, json_answer } = respond;
    let request = found(app, one.id).await?;
    let account = users::of(app, &person).await?;
    if account.status != AccountStatus::Active {
        return Err(Failure::Refused(format!("{person} cannot answer: the account is {}", account.status)).into());
    }
    let spec = request.content.spec().map_err(Failure::Refused)?;
    let answer = read_answer(&spec, &answer, json_answer)?;
    let answered = reviews::respond(app, account.id, request.id, &answer).await.map_err(|error| match error {
        // What a person may not see is not there; the operator has just seen it.
        service::Error::Missing(_) => {
            anyhow::Error::new(Failure::Refused(format!("{person} is not in the loop {:?}", request.loop_name)))
        }
        other => other.into(),
    })?;
    show(&one.format, &answered)
}

/// What was typed, as JSON. Of two ways to read it, the one that answers the request: an option may be called `true`.
fn read_answer(spec: &Spec, typed: &str, json: bool) -> Result<Value, Failure> {
    let text = Value::from(typed);
    match serde_json::from_str(typed) {
        Ok(value) if json => Ok(value),
        Err(error) if json => Err(Failure::Usage(format!("the answer is not JSON: {error}"))),
        Ok(value) if spec.response_type() != ResponseType::Text => {
            let only_as_text = spec.answer(&value).is_err() && spec.answer(&text).is_ok();
            Ok(if only_as_text { text } else { value })
        }
        _ => Ok(text),
    }
}

async fn found(app: &App, id: Id<Request>) -> anyhow::Result<Request> {
    requests::any(app, id).await.map_err(|error| match error {
        service::Error::Missing(_) => {
            Failure::Missing(format!("there is no request {id}: see `hitl requests list`")).into()
        }
        other => other.into(),
    })
}

/// Whoever made the request with that id.
pub(super) async fn maker_of(app: &App, id: Id<Request>) -> anyhow::Result<Acting<'static>> {
    Ok(Acting::by_operator(found(app, id).await?.creator_id))
}

fn show(format: &Format, it: &Request) -> anyhow::Result<()> {
    format.print(&properties(it), || {
        let content = &it.content;
        let compact = |value: &Option<crate::domain::Json>| or_dash(value.as_ref().map(crate::domain::Json::text));
        record([
            ("id", it.id.to_string()),
            ("status", it.status.to_string()),
            ("loop", format!("{} ({})", it.loop_name, it.loop_id)),
            ("priority", content.priority.to_string()),
            ("request", content.request_text.clone()),
            ("image", or_dash(content.image_url.as_ref())),
            ("context", compact(&content.context)),
            ("asks for", format!("{} {}", content.response_type, content.response_config.text())),
            ("default", compact(&content.default_response)),
            ("created", it.created_at.to_string()),
            ("times out", it.timeout_at.to_string()),
            ("answer", compact(&it.response_data)),
            ("answered by", or_dash(it.reviewer.as_ref().filter(|_| it.response_by.is_some()).map(|who| &who.email))),
            ("answered", or_dash(it.response_at)),
            ("cancelled", or_dash(it.cancelled_at)),
            ("reason", or_dash(it.cancel_reason.as_ref())),
            ("feedback", compact(&it.feedback)),
        ])
    })
}

/// The fields of contract 5.2, by their names.
fn properties(it: &Request) -> Value {
    let content = &it.content;
    let responder = it
        .response_by
        .zip(it.reviewer.as_ref())
        .map(|(id, who)| json!({"id": id, "name": who.name, "email": who.email}));
    json!({
        "id": it.id,
        "loop_id": it.loop_id,
        "loop_name": it.loop_name,
        "creator_id": it.creator_id,
        "api_key_id": it.api_key_id,
        "status": it.status,
        "processing_type": content.processing_type,
        "type": content.kind,
        "priority": content.priority,
        "request_text": content.request_text,
        "image_url": content.image_url,
        "context": content.context,
        "response_type": content.response_type,
        "response_config": content.response_config,
        "default_response": content.default_response,
        "timeout_seconds": content.timeout_seconds,
        "timeout_at": it.timeout_at,
        "claimed_by": it.claimed_by,
        "claimed_at": it.claimed_at,
        "response_by": it.response_by,
        "response_by_user": responder,
        "response_at": it.response_at,
        "response_data": it.response_data,
        "response_details": it.response_details(),
        "response_time_seconds": it.response_seconds(),
        "cancelled_at": it.cancelled_at,
        "cancel_reason": it.cancel_reason,
        "feedback": it.feedback,
        "created_at": it.created_at,
        "updated_at": it.updated_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_json_where_it_can_be() {
        let read = |kind, config: Value, typed| {
            let spec = Spec::parse(kind, config.as_object().unwrap()).unwrap();
            read_answer(&spec, typed, false).unwrap()
        };
        let options = json!({"options": ["red", "true", "7"]});
        for (kind, config, typed, answer) in [
            (ResponseType::Text, json!({}), "true", json!("true")),
            (ResponseType::Text, json!({}), "\"quoted\"", json!("\"quoted\"")),
            (ResponseType::Boolean, json!({}), "true", json!(true)),
            (ResponseType::Boolean, json!({}), "yes", json!("yes")),
            (ResponseType::Number, json!({}), "-7.5", json!(-7.5)),
            (ResponseType::SingleSelect, options.clone(), "red", json!("red")),
            (ResponseType::SingleSelect, options.clone(), "true", json!("true")),
            (ResponseType::SingleSelect, options.clone(), "7", json!("7")),
            (ResponseType::SingleSelect, options.clone(), "8", json!(8)),
            (ResponseType::MultiSelect, options.clone(), "[\"red\", \"7\"]", json!(["red", "7"])),
        ] {
            assert_eq!(read(kind, config, typed), answer, "{typed}");
        }
    }

    #[test]
    fn an_answer_can_be_forced_to_be_json() {
        let spec = Spec::parse(ResponseType::Text, &serde_json::Map::new()).unwrap();
        assert_eq!(read_answer(&spec, "{\"text\": \"yes\"}", true).unwrap(), json!({"text": "yes"}));
        assert!(matches!(read_answer(&spec, "yes", true), Err(Failure::Usage(_))));
    }
}
