//! Registering webhooks and looking at what was sent: what the tests of deliveries share.

use crate::harness::{Answer, Asker, World};
use hitl_server::{
    domain::{Scope, words::Word},
    worker::deliver,
};
use serde_json::{Value, json};

/// An asker whose key may do everything by name.
pub(crate) async fn subscriber(world: &World) -> Asker {
    let asker = world.asker().await;
    let (_, key) = world.key_with(&asker.owner, |new| new.scopes = named_scopes()).await;
    Asker { key, ..asker }
}

/// All scopes but the star.
pub(crate) fn named_scopes() -> Vec<Scope> {
    Scope::ALL.iter().copied().filter(|scope| *scope != Scope::All).collect()
}

/// Tries to add a webhook.
pub(crate) async fn register(world: &World, key: &str, body: &Value) -> Answer {
    world.post("/v1/api/webhooks").key(key).json(body).await
}

/// Adds a webhook; its id.
pub(crate) async fn hook(world: &World, asker: &Asker, body: &Value) -> String {
    let made = register(world, &asker.key, body).await;
    made.accepted(201, "Webhook created successfully");
    made.text("data.id")
}

/// Where a webhook is managed.
pub(crate) fn at(id: &str, end: &str) -> String {
    format!("/v1/api/webhooks/{id}{end}")
}

/// The webhook as its owner sees it.
pub(crate) async fn shown(world: &World, asker: &Asker, id: &str) -> Value {
    let shown = world.get(&at(id, "")).key(&asker.key).await;
    shown.accepted(200, "Webhook retrieved successfully");
    shown.at("data.webhook").clone()
}

/// A webhook's deliveries, the newest first.
pub(crate) async fn log(world: &World, asker: &Asker, id: &str, query: &str) -> Vec<Value> {
    let log = world.get(&at(id, &format!("/deliveries{query}"))).key(&asker.key).await;
    log.accepted(200, "Webhook deliveries retrieved successfully");
    log.at("data.deliveries").as_array().unwrap().clone()
}

/// A request's deliveries, the newest first.
pub(crate) async fn log_of_request(world: &World, asker: &Asker, id: &str) -> Vec<Value> {
    let log = world.get(&format!("/v1/api/requests/{id}/deliveries")).key(&asker.key).await;
    log.accepted(200, "Deliveries retrieved successfully");
    log.at("data.deliveries").as_array().unwrap().clone()
}

/// The bodies of a webhook's deliveries in the order of what happened.
pub(crate) async fn bodies(world: &World, asker: &Asker, id: &str) -> Vec<String> {
    let log = log(world, asker, id, "?limit=100").await;
    log.iter().rev().map(|entry| entry["request_body"].as_str().unwrap().to_owned()).collect()
}

/// The names of events in a list of bodies.
pub(crate) fn names(bodies: &[String]) -> Vec<String> {
    bodies.iter().map(|body| parsed(body)["event"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

/// Sends all that is due; says how many attempts that took.
pub(crate) async fn deliver(world: &World) -> usize {
    deliver::step(&world.app).await.unwrap()
}

/// A loop event, which a webhook of that loop's owner hears of.
pub(crate) async fn rename(world: &World, asker: &Asker, name: &str) {
    let path = format!("/v1/api/loops/{}", asker.loop_id);
    let renamed = world.put(&path).key(&asker.key).json(&json!({"name": name})).await;
    assert_eq!(renamed.status, 200, "{}", renamed.body);
}
