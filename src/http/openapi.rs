//! The API's description, generated from the handlers, with what all of them share added here.

use super::{
    audit, deliveries, event_schemas::EventBody, health, invites, keyed, keys, live, loops, members, notifications,
    open, openapi_layers, reply::Failure, requests, review_session, reviewed, reviewer, routes::Operation, webhooks,
};
use axum::{
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::LazyLock;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, HttpMethod, Ref, RefOr, Response as Answer, ResponseBuilder,
        extensions::Extensions,
        path::{Operation as Described, Parameter, ParameterIn},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// Everything that programs and reviewers can call.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "hitl",
        description = "A human's decision in an automated process. Programs create *requests* in *loops*; people claim and answer them; \
                       programs read the answers. Wire-compatible with the HITL.sh loop API.",
    ),
    paths(
        keys::test,
        loops::list, loops::create, loops::show, loops::update, loops::patch, loops::delete, loops::statistics, loops::rotate_code,
        members::list, members::invite, members::remove,
        requests::create, requests::list_of_loop, requests::list, requests::create_legacy, requests::show, requests::show_again,
        requests::update, requests::replace, requests::cancel, requests::cancel_by_post, requests::give_feedback, requests::wait,
        live::stream_of_request, live::timeline, live::stream_of_account, live::stream_of_person,
        webhooks::create, webhooks::list, webhooks::show, webhooks::update, webhooks::replace, webhooks::delete, webhooks::test,
        webhooks::rotate_secret, webhooks::signing_secret, webhooks::rotate_signing_secret, deliveries::log, deliveries::show_delivery,
        deliveries::redeliver, deliveries::recover, deliveries::of_request, deliveries::redeliver_callback,
        audit::log,
        review_session::open, review_session::close, review_session::sign_up, review_session::set_up, review_session::change_password,
        reviewer::me, reviewer::inbox, reviewer::history, reviewer::show, reviewer::claim, reviewer::release, reviewer::respond,
        reviewer::keep_draft, reviewer::loops, reviewer::join, reviewer::leave,
        notifications::settings, notifications::update_settings, notifications::test, notifications::add_device, notifications::remove_device,
        health::alive, health::ready, document, invites::qr,
    ),
    components(schemas(Failure, EventBody)),
    modifiers(&Shared),
    tags(
        (name = "API key", description = "Whose key it is, and what it may do."),
        (name = "Loops", description = "Groups of people who answer."),
        (name = "Members", description = "Who is in a loop, and how people get in."),
        (name = "Requests", description = "Questions put to a loop, and their answers."),
        (name = "Webhooks", description = "Addresses that hear of events, and what was sent to them."),
        (name = "Reviewer: session", description = "Signing in. A session is for people: an API key is refused."),
        (name = "Reviewer: work", description = "Claiming and answering."),
        (name = "Reviewer: loops", description = "Joining and leaving."),
        (name = "Reviewer: notifications", description = "Of what one is told, when, and by which ways."),
        (name = "Health", description = "For whoever runs the server."),
    )
)]
pub struct Description;

/// What all operations share: how one is let in, what can go wrong, and the other paths that lead to them.
struct Shared;

impl Modify for Shared {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, about) in [
            ("api_key", "An API key: `Authorization: Bearer hitl_live_…`"),
            ("session", "A reviewer's session: the token of `POST /v1/reviewer/session`, as bearer or cookie"),
        ] {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(about.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
        for route in described() {
            let path = api.paths.paths.get_mut(&route.path);
            if let Some(operation) = path.and_then(|item| operation_of(item, &route.method)) {
                name(operation);
                name_aliases(operation, &route);
                add_failures(operation);
                openapi_layers::describe_stream(operation);
            }
        }
        for route in keyed().operations {
            let path = api.paths.paths.get_mut(&route.path);
            if let Some(operation) = path.and_then(|item| operation_of(item, &route.method)) {
                openapi_layers::describe(operation, &route.method);
            }
        }
        openapi_layers::describe_webhook(api);
    }
}

/// Every operation that the description must have.
pub fn described() -> Vec<Operation> {
    [keyed(), reviewed(), open()].into_iter().flat_map(|routes| routes.operations).collect()
}

/// The operation that a path item has for a method.
pub fn operation_of<'a>(item: &'a mut utoipa::openapi::PathItem, method: &Method) -> Option<&'a mut Described> {
    let method = match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        _ => HttpMethod::Delete,
    };
    match method {
        HttpMethod::Get => item.get.as_mut(),
        HttpMethod::Post => item.post.as_mut(),
        HttpMethod::Put => item.put.as_mut(),
        HttpMethod::Patch => item.patch.as_mut(),
        _ => item.delete.as_mut(),
    }
}

/// A name that no other operation has, such as `loops_list`, for clients that are generated: its group's and its handler's.
fn name(operation: &mut Described) {
    let group = operation.tags.iter().flatten().next().map_or("", String::as_str);
    let words = group.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.map(str::to_lowercase).chain(operation.operation_id.take());
    operation.operation_id = Some(words.collect::<Vec<_>>().join("_"));
}

fn name_aliases(operation: &mut Described, route: &Operation) {
    if !route.aliases.is_empty() {
        let aliases = Extensions::builder().add("x-aliases", serde_json::json!(route.aliases)).build();
        operation.extensions.get_or_insert_default().merge(aliases);
    }
}

/// The failures that follow from what an operation takes.
fn add_failures(operation: &mut Described) {
    let secured = operation.security.as_ref().is_some_and(|security| !security.is_empty());
    let scoped = operation.extensions.as_ref().is_some_and(|extensions| extensions.get("x-scope").is_some());
    let named = has_parameter(operation, &ParameterIn::Path);
    let takes_body = operation.request_body.is_some();
    let queried = has_parameter(operation, &ParameterIn::Query);
    let reviewing = operation.tags.iter().flatten().any(|tag| tag.starts_with("Reviewer"));
    let open = !secured && !reviewing && !named;
    for (status, applies, about) in [
        ("400", named || takes_body || queried, "Something that was sent does not do, or not in the current state"),
        (
            "401",
            secured || reviewing,
            "Who calls is not known: the key or session is missing, unknown, suspended, expired or revoked",
        ),
        ("403", scoped || reviewing, "The caller may not"),
        ("404", named || reviewing, "There is no such thing, or not for this caller"),
        ("408", takes_body, "The body did not arrive in time"),
        ("409", reviewing, "Somebody else was faster, or it is so already"),
        ("413", takes_body, "The body is larger than 1 MiB"),
        ("429", secured || reviewing, "The hourly limit is used up, or too many attempts; see `Retry-After`"),
        ("500", !open, "The operation failed on the server"),
        ("503", !open, "The database is out of reach for the moment, or too much is under way; see `Retry-After`"),
    ] {
        if applies && !operation.responses.responses.contains_key(status) {
            operation.responses.responses.insert(status.to_owned(), failure(about));
        }
    }
}

/// A refusal in the form that all of them have.
pub(super) fn failure(about: &str) -> RefOr<Answer> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Failure"))).build();
    ResponseBuilder::new().description(about).content("application/json", content).build().into()
}

fn has_parameter(operation: &Described, place: &ParameterIn) -> bool {
    let is_there = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.parameter_in == *place);
    operation.parameters.iter().flatten().any(is_there)
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "Health",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub async fn document() -> Response {
    static DOCUMENT: LazyLock<String> =
        LazyLock::new(|| Description::openapi().to_json().expect("our own structures serialise"));
    let headers =
        [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (StatusCode::OK, headers, DOCUMENT.as_str()).into_response()
}
