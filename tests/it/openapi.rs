//! The description says what the server does, all of it and nothing else.

use crate::asking::{act, in_state, path, respond};
use crate::harness::{Asker, World, on_both, question};
use crate::hooking::{bodies, hook, parsed, rename, subscriber};
use axum::http::Method;
use hitl_server::domain::Scope;
use hitl_server::http::{keyed, openapi, openapi::Description, reviewed};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::OpenApi;

fn description() -> Value {
    serde_json::to_value(Description::openapi()).unwrap()
}

/// Every operation in the document: its method, path and content.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let items = paths.iter().flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)));
    items.map(|(path, (method, operation))| (method.to_uppercase(), path.clone(), operation)).collect()
}

/// What a `$ref` leads to; of what may be null, what it is otherwise.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    if let Some(one) = value["oneOf"].as_array().and_then(|all| all.iter().find(|it| it["type"] != "null")) {
        return resolved(document, one);
    }
    let Some(reference) = value["$ref"].as_str() else { return value };
    let pointer = reference.strip_prefix('#').unwrap();
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_document_is_openapi_3_1_and_whole() {
    let document = description();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for name in ["title", "version", "description"] {
        assert!(!document["info"][name].as_str().unwrap().is_empty(), "info.{name}");
    }
    for reference in references(&document) {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
    let ids: Vec<_> = operations(&document).iter().map(|(.., it)| it["operationId"].clone()).collect();
    let unique: BTreeSet<_> = ids.iter().map(Value::to_string).collect();
    assert_eq!(ids.len(), unique.len(), "operationId is unique: {ids:?}");
}

#[test]
fn every_operation_is_described_and_nothing_else_is() {
    let document = description();
    let described: BTreeSet<_> = operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let served = openapi::described().into_iter().map(|it| (it.method.to_string(), it.path)).collect();
    assert_eq!(described, served);
}

#[test]
fn what_may_be_any_json_may_be_null() {
    // With a name of its own it would stand beside null, and null fit both.
    let named = &description()["components"]["schemas"];
    assert!(named["Value"].is_null() && named["Json"].is_null(), "{named}");
    let shown = &named["RequestView"]["properties"]["response_data"];
    assert!(shown["oneOf"].is_null() && shown["type"].is_null(), "{shown}");
}

#[test]
fn every_operation_says_what_it_does_takes_and_answers() {
    let document = description();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at} has no summary");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{at} has one tag");
        let responses = operation["responses"].as_object().unwrap();
        let successes: Vec<_> = responses.iter().filter(|(status, _)| status.starts_with('2')).collect();
        assert!(!successes.is_empty(), "{at} never succeeds");
        for (status, response) in responses.iter().filter(|(status, _)| !["204", "304"].contains(&status.as_str())) {
            let response = resolved(&document, response);
            let content = response["content"].as_object().unwrap_or_else(|| panic!("{at} {status} has no content"));
            for (kind, media) in content {
                let is_json = kind.starts_with("application/json");
                let documents_itself = path == "/openapi.json" || !is_json;
                assert!(documents_itself || !media["schema"].is_null(), "{at} {status} {kind} has no schema");
            }
        }
        for name in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
            let parameters = operation["parameters"].as_array().unwrap();
            let there = |it: &&Value| it["name"] == name && it["in"] == "path" && it["required"] == true;
            assert!(parameters.iter().any(|it| there(&it)), "{at} does not describe {{{name}}}");
        }
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            let schema = resolved(&document, &content["application/json"]["schema"]);
            assert!(schema["example"].is_object() || schema["examples"].is_array(), "{at} has no example of its body");
        }
    }
}

#[test]
fn contract_1_2_2_what_is_called_without_a_body_requires_none() {
    let document = description();
    for it in crate::operations::operations().filter(|it| !it.takes_body()) {
        let body = &document["paths"][it.path][it.method.to_lowercase()]["requestBody"];
        assert_ne!(body["required"], true, "{} {}", it.method, it.path);
    }
}

/// The scopes of contract 2.8.2.
fn scope(method: &str, path: &str) -> Option<&'static str> {
    let about_requests = path.contains("/requests") || path == "/v1/api/events";
    Some(match (method, about_requests) {
        _ if path == "/v1/test" => return None,
        // A secret is not for everybody who may read.
        _ if path.contains("/signing-secret") => "webhooks:write",
        ("GET", _) if path.contains("/webhooks") => "webhooks:read",
        _ if path.contains("/webhooks") => "webhooks:write",
        ("GET", true) => "requests:read",
        ("GET", false) => "loops:read",
        (_, true) => "requests:write",
        (_, false) => "loops:write",
    })
}

#[test]
fn contract_2_8_2_every_operation_says_how_one_is_let_in() {
    let document = description();
    let listed = |routes: hitl_server::http::routes::Routes| -> BTreeSet<(String, String)> {
        routes.operations.into_iter().map(|it| (it.method.to_string(), it.path)).collect()
    };
    let (keyed, reviewed) = (listed(keyed()), listed(reviewed()));
    let without_session = ["/v1/reviewer/signup", "/v1/reviewer/setup"];
    for (method, path, operation) in operations(&document) {
        let at = (method.clone(), path.clone());
        let security = &operation["security"];
        if keyed.contains(&at) {
            assert_eq!(security, &json!([{"api_key": []}]), "{at:?}");
            assert_eq!(operation["x-scope"].as_str(), scope(&method, &path), "{at:?}");
        } else {
            let signs_in = without_session.contains(&path.as_str()) || (method == "POST" && path.ends_with("/session"));
            let with_session = reviewed.contains(&at) && !signs_in;
            assert_eq!(security == &json!([{"session": []}]), with_session, "{at:?} {security}");
            assert!(operation["x-scope"].is_null(), "{at:?}");
        }
    }
}

/// Whether an operation takes that parameter there.
fn takes(operation: &Value, place: &str, name: &str) -> bool {
    let parameters = operation["parameters"].as_array();
    parameters
        .is_some_and(|all| all.iter().any(|it| it["in"] == place && it["name"] == name && !it["schema"].is_null()))
}

#[test]
fn every_operation_says_what_the_layers_around_it_do() {
    let document = description();
    let keyed: BTreeSet<_> = keyed().operations.into_iter().map(|it| (it.method.to_string(), it.path)).collect();
    let mut streams = Vec::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let (responses, by_key) = (&operation["responses"], keyed.contains(&(method.clone(), path.clone())));
        let streamed = responses["200"]["content"].get("text/event-stream").is_some();
        assert_eq!(!responses["408"].is_null(), !operation["requestBody"].is_null(), "{at} 408");
        assert_eq!(takes(operation, "header", "Last-Event-ID"), streamed, "{at}");
        assert_eq!(takes(operation, "query", "last_event_id"), streamed, "{at}");
        streams.extend(streamed.then(|| path.clone()));

        let (repeatable, tagged) = (by_key && method == "POST", by_key && method == "GET" && !streamed);
        assert_eq!(takes(operation, "header", "Idempotency-Key"), repeatable, "{at}");
        assert_eq!(!responses["422"].is_null(), repeatable, "{at} 422");
        assert!(!repeatable || !responses["409"].is_null(), "{at} 409");
        assert_eq!(takes(operation, "header", "If-None-Match"), tagged, "{at}");
        assert_eq!(!responses["304"].is_null(), tagged, "{at} 304");
        assert_eq!(!responses["200"]["headers"]["ETag"].is_null(), tagged, "{at}");
    }
    assert_eq!(streams, ["/v1/api/events", "/v1/api/requests/{request_id}/events", "/v1/reviewer/events"]);
    for path in ["/v1/api/requests/{request_id}", "/v1/api/requests/{request_id}/status"] {
        assert!(takes(&document["paths"][path]["get"], "query", "wait"), "{path}");
    }
}

#[test]
fn contract_7_1_the_bodies_of_new_requests_name_every_field_and_require_no_other() {
    let document = description();
    let shared = "type processing_type priority request_text image_url context timeout_seconds response_type response_config \
        default_response platform platform_version callback_url tags metadata";
    for (path, own, required) in [
        ("/v1/api/loops/{loop_id}/requests", "", "type request_text response_type response_config"),
        ("/v1/api/requests", "loop_id timeout_minutes", "loop_id request_text response_type response_config"),
    ] {
        let content = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
        let schema = resolved(&document, &content["schema"]);
        let words = |text: &'static str| -> BTreeSet<&str> { text.split_whitespace().collect() };
        let named: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(named, &words(shared) | &words(own), "{path}");
        let demanded: BTreeSet<_> =
            schema["required"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(demanded, words(required), "{path}");
    }
}

/// Asserts that an object has no key that its schema does not name, and every key that it requires; and so on inside.
fn is_described(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolved(document, schema);
    let (Some(named), Some(fields)) = (schema["properties"].as_object(), value.as_object()) else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(fields.get(name.as_str().unwrap()).is_some_and(|it| !it.is_null()), "{at} lacks {name}");
    }
    for (name, value) in fields {
        let schema = named.get(name).unwrap_or_else(|| panic!("{at}.{name} is not described"));
        is_described(document, schema, value, &format!("{at}.{name}"));
    }
}

/// The example of an operation's body in the description.
fn example(document: &Value, method: &str, path: &str) -> Value {
    let operation = &document["paths"][path][method.to_lowercase()];
    let schema = resolved(document, &operation["requestBody"]["content"]["application/json"]["schema"]);
    let example = if schema["example"].is_null() { &schema["examples"][0] } else { &schema["example"] };
    assert!(example.is_object(), "{method} {path} has no example");
    example.clone()
}

/// A body that is an example, with names that exist in the places of those that do not.
fn with_real(mut body: Value, real: &[(&str, &str)]) -> Value {
    for (name, value) in real {
        if !body[*name].is_null() {
            body[*name] = json!(value);
        }
    }
    body
}

async fn send(
    world: &World,
    asker: &Asker,
    token: &str,
    (method, path): (&str, &str),
    request: &str,
    real: &[(&str, &str)],
) -> u16 {
    let body = with_real(example(&description(), method, path), real);
    let path =
        path.replace("{loop_id}", &asker.loop_id).replace("{request_id}", request).replace("{webhook_id}", request);
    let answer = world.call(method.parse().unwrap(), &path).key(token).json(&body).await;
    assert!(crate::harness::is_success(answer.status), "{method} {path} {body}: {}", answer.body);
    answer.status
}

on_both! {
    async fn the_examples_of_bodies_are_accepted(world: World) {
        let first = hitl_server::service::setup::link(&world.app).await.unwrap().unwrap();
        let token = first.rsplit('/').next().unwrap().to_owned();
        let set_up = with_real(example(&description(), "POST", "/v1/reviewer/setup"), &[("token", &token)]);
        world.post("/v1/reviewer/setup").json(&set_up).await.accepted(201, "Account created");

        let asker = world.person("asker@example.com").await;
        let webhooks = [Scope::WebhooksRead, Scope::WebhooksWrite];
        let (_, key) = world.key_with(&asker, |new| new.scopes.extend(webhooks)).await;
        let made = world.post("/v1/api/loops").key(&key).json(&example(&description(), "POST", "/v1/api/loops")).await;
        made.accepted(200, "Loop created successfully with QR code");
        let session = world.sign_in(&asker).await;
        let asker = Asker { owner: asker, key, loop_id: made.text("data.id"), code: made.text("data.invite_code"), session };
        let real = [("invite_code", asker.code.as_str()), ("loop_id", asker.loop_id.as_str())];
        let signed_up = world.post("/v1/reviewer/signup").json(&with_real(example(&description(), "POST", "/v1/reviewer/signup"), &real)).await;
        signed_up.accepted(201, "Account created");
        let signed_in = world.post("/v1/reviewer/session").json(&example(&description(), "POST", "/v1/reviewer/session")).await;
        signed_in.accepted(200, "Signed in");
        let jane = signed_in.text("data.token");
        world.post(&format!("/v1/reviewer/loops/{}/leave", asker.loop_id)).key(&jane).await.accepted(200, "Left loop");

        let request = world.ask(&asker, &question()).await;
        let cancelled = world.ask(&asker, &question()).await;
        let posted = world.ask(&asker, &question()).await;
        let hook = example(&description(), "POST", "/v1/api/webhooks");
        let hook = world.post("/v1/api/webhooks").key(&asker.key).json(&hook).await.text("data.id");
        let sent = [
            (asker.key.as_str(), ("POST", "/v1/api/webhooks"), ""),
            (&asker.key, ("POST", "/v1/api/webhooks/{webhook_id}/recover"), &hook),
            (&asker.key, ("PATCH", "/v1/api/webhooks/{webhook_id}"), &hook),
            (&asker.key, ("PUT", "/v1/api/webhooks/{webhook_id}"), &hook),

            (&asker.key, ("POST", "/v1/api/loops/{loop_id}/members"), ""),
            (&jane, ("POST", "/v1/reviewer/loops/join"), ""),
            (&asker.key, ("PUT", "/v1/api/loops/{loop_id}"), ""),
            (&asker.key, ("PATCH", "/v1/api/loops/{loop_id}"), ""),
            (&asker.key, ("POST", "/v1/api/loops/{loop_id}/requests"), ""),
            (&asker.key, ("POST", "/v1/api/requests"), ""),
            (&asker.key, ("PATCH", "/v1/api/requests/{request_id}"), request.as_str()),
            (&asker.key, ("PUT", "/v1/api/requests/{request_id}"), &request),
            (&jane, ("PUT", "/v1/reviewer/requests/{request_id}/draft"), &request),
            (&jane, ("POST", "/v1/reviewer/requests/{request_id}/respond"), &request),
            (&asker.key, ("POST", "/v1/api/requests/{request_id}/feedback"), &request),
            (&asker.key, ("DELETE", "/v1/api/requests/{request_id}"), &cancelled),
            (&asker.key, ("POST", "/v1/api/requests/{request_id}/cancel"), &posted),
            (&jane, ("PUT", "/v1/reviewer/notification-settings"), ""),
            (&jane, ("POST", "/v1/reviewer/devices"), ""),
            (&jane, ("POST", "/v1/reviewer/password"), ""),
        ];
        let mut tried = BTreeSet::from(["POST /v1/reviewer/setup", "POST /v1/api/loops", "POST /v1/reviewer/signup", "POST /v1/reviewer/session"].map(String::from));
        for (token, operation, request) in sent {
            send(&world, &asker, token, operation, request, &real).await;
            tried.insert(format!("{} {}", operation.0, operation.1));
        }
        let document = description();
        let with_body = operations(&document).into_iter().filter(|(.., it)| !it["requestBody"].is_null());
        assert_eq!(tried, with_body.map(|(method, path, _)| format!("{method} {path}")).collect());
    }

    async fn contract_12_3_what_is_sent_to_webhooks_is_described(world: World) {
        let document = description();
        let post = &document["webhooks"]["event"]["post"];
        let schema = &post["requestBody"]["content"]["application/json"]["schema"];
        let named = &resolved(&document, schema)["properties"]["event"]["enum"];
        let asker = subscriber(&world).await;
        let hook = hook(&world, &asker, &json!({"url": "https://app.example.com/hooks/hitl"})).await;
        let (_, limited) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(1)).await;
        let (_, session) = world.reviewer("john@example.com", &asker.code).await;
        let id = world.ask(&asker, &question()).await;
        act(&world, &session, &id, "claim").await.accepted(200, "Request claimed");
        respond(&world, &session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        in_state(&world, &asker, "cancelled").await;
        let late = in_state(&world, &asker, "timeout").await;
        world.get(&path(&late)).key(&asker.key).await.accepted(200, "Request retrieved successfully");
        for status in [200, 429] {
            assert_eq!(world.get("/v1/test").key(&limited).await.status, status);
        }
        rename(&world, &asker, "Renamed").await;
        let sent = bodies(&world, &asker, &hook).await;
        let mut heard = BTreeSet::new();
        for body in sent.iter().map(|body| parsed(body)) {
            let event = body["event"].as_str().unwrap().to_owned();
            assert!(named.as_array().unwrap().contains(&body["event"]), "{event} in {named}");
            is_described(&document, schema, &body, &event);
            heard.insert(event);
        }
        assert_eq!(heard.into_iter().collect::<Vec<_>>(), [
            "api_key.limit_exceeded", "api_key.quota_warning", "loop.member_joined", "loop.updated", "request.cancelled",
            "request.claimed", "request.completed", "request.created", "request.timeout",
        ]);
        for header in ["X-HITL-Signature-256", "webhook-id", "webhook-timestamp", "webhook-signature"] {
            assert!(takes(post, "header", header), "{header}");
        }
    }

    async fn the_document_is_served_to_everybody(world: World) {
        let answer = world.get("/openapi.json").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
        assert_eq!(answer.body, description());
        assert_eq!(world.call(Method::HEAD, "/openapi.json").await.status, 200);
    }
}
