//! What is described of operations because of the layers around them: repeating a POST, asking for what is new, resuming a
//! stream. And what the server itself calls. Does not know what any one operation does.

use super::openapi::failure;
use crate::domain::{EventName, words::Word};
use axum::http::Method;
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, HttpMethod, Object, ObjectBuilder, OpenApi, PathItem, PathsBuilder, Ref,
    RefOr, Response, ResponseBuilder, Schema, Type,
    path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
};

/// Adds what an operation has because of the layers in front of programs' calls.
pub(super) fn describe(operation: &mut Operation, method: &Method) {
    match *method {
        Method::POST => describe_repeating(operation),
        Method::GET if !is_stream(operation) => describe_tag(operation),
        _ => {}
    }
}

/// A POST that is sent twice is done once (quality A15).
fn describe_repeating(operation: &mut Operation) {
    let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)).build();
    let about = "A text of one's own for this call: sent again with the same text and body, it is answered as it was, and not done again";
    add(operation, parameter("Idempotency-Key", ParameterIn::Header, about, key));
    for (status, about) in [
        ("409", "A call with this `Idempotency-Key` is still running; see `Retry-After`"),
        ("422", "This `Idempotency-Key` was used with another body"),
    ] {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| failure(about));
    }
    for (_, response) in operation.responses.responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        put_header(response, "Idempotency-Replayed", "`true` on an answer that was given before");
    }
}

/// Who has it already is told so (contract 3.2).
fn describe_tag(operation: &mut Operation) {
    let about =
        "The `ETag` of what one has: if that is still so, the answer is 304 and costs nothing of the hourly limit";
    add(operation, parameter("If-None-Match", ParameterIn::Header, about, text()));
    if let Some(response) = operation.responses.responses.get_mut("200") {
        put_header(response, "ETag", "What this answer is known by");
    }
    let same = ResponseBuilder::new().description("It is as one has it").build();
    operation.responses.responses.insert("304".to_owned(), same.into());
}

/// Where a stream goes on.
pub(super) fn describe_stream(operation: &mut Operation) {
    if is_stream(operation) {
        let about = "The `id` of the last event that was heard: go on after it";
        add(operation, parameter("Last-Event-ID", ParameterIn::Header, about, text()));
        let about = "The same, for those who cannot set a header";
        add(operation, parameter("last_event_id", ParameterIn::Query, about, text()));
    }
}

fn is_stream(operation: &Operation) -> bool {
    let streams =
        |response: &RefOr<Response>| matches!(response, RefOr::T(it) if it.content.contains_key("text/event-stream"));
    operation.responses.responses.values().any(streams)
}

fn text() -> Object {
    Object::with_type(Type::String)
}

fn parameter(name: &str, place: ParameterIn, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new().name(name).parameter_in(place).description(Some(about)).schema(Some(schema)).build()
}

fn add(operation: &mut Operation, parameter: Parameter) {
    operation.parameters.get_or_insert_default().push(parameter.into());
}

fn put_header(response: &mut RefOr<Response>, name: &str, about: &str) {
    if let RefOr::T(response) = response {
        let header: Header = HeaderBuilder::new().description(Some(about)).build();
        response.headers.insert(name.to_owned(), header.into());
    }
}

/// What is sent to callbacks and webhooks: the one body of contract 12.3.
pub(super) fn describe_webhook(api: &mut OpenApi) {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("EventBody"))).build();
    let about = "Any 2xx takes it. 408, 429, 5xx and silence are tried again, for days; other answers are not";
    let mut operation = OperationBuilder::new()
        .operation_id(Some("webhooks_event"))
        .tag("Webhooks")
        .summary(Some("Something happened"))
        .description(Some(
            "Sent to a request's `callback_url` at its end, and to registered webhooks that match the event.",
        ))
        .request_body(Some(RequestBodyBuilder::new().content("application/json", body).build()))
        .response("2XX", ResponseBuilder::new().description(about).build())
        .build();
    for (name, about) in [
        ("X-HITL-Signature-256", "`sha256=` and the HMAC-SHA256 of the body under the secret, in hex"),
        ("webhook-id", "The event's id, the same whenever it is sent again"),
        ("webhook-timestamp", "When this attempt was made, in Unix seconds"),
        ("webhook-signature", "The signatures of Standard Webhooks"),
    ] {
        add(&mut operation, parameter(name, ParameterIn::Header, about, text()));
    }
    let item = PathItem::new(HttpMethod::Post, operation);
    api.webhooks = Some(PathsBuilder::new().path("event", item).build());
    name_events(api);
}

/// The names of events that are sent, where their body has one.
fn name_events(api: &mut OpenApi) {
    let schemas = api.components.as_mut().map(|components| &mut components.schemas);
    let body = schemas.and_then(|schemas| schemas.get_mut("EventBody"));
    if let Some(RefOr::T(Schema::Object(body))) = body
        && let Some(RefOr::T(Schema::Object(event))) = body.properties.get_mut("event")
    {
        let sent = EventName::ALL.iter().filter(|name| name.is_public());
        event.enum_values = Some(sent.map(|name| name.as_str().into()).collect());
    }
}
