//! Asking and answering: what the tests of requests share.

use crate::harness::{Answer, Asker, World, question, question_with};
use serde_json::{Value, json};

/// Puts a request to the asker's loop, which may refuse it.
pub(crate) async fn create(world: &World, asker: &Asker, body: &Value) -> Answer {
    world.post(&format!("/v1/api/loops/{}/requests", asker.loop_id)).key(&asker.key).json(body).await
}

/// Where a request is read.
pub(crate) fn path(id: &str) -> String {
    format!("/v1/api/requests/{id}")
}

/// The request as its asker reads it.
pub(crate) async fn show(world: &World, asker: &Asker, id: &str) -> Answer {
    let shown = world.get(&path(id)).key(&asker.key).await;
    shown.accepted(200, "Request retrieved successfully");
    shown
}

/// Claims, releases or the like, as a reviewer.
pub(crate) async fn act(world: &World, session: &str, id: &str, act: &str) -> Answer {
    world.post(&format!("/v1/reviewer/requests/{id}/{act}")).key(session).await
}

/// Answers, as a reviewer.
pub(crate) async fn respond(world: &World, session: &str, id: &str, answer: &Value) -> Answer {
    let body = json!({"response_data": answer});
    world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(session).json(&body).await
}

/// A request that has come to that state; its id. Getting to `timeout` takes a minute.
pub(crate) async fn in_state(world: &World, asker: &Asker, state: &str) -> String {
    if state == "timeout" {
        let id = world.ask(asker, &question_with(&json!({"timeout_seconds": 60}))).await;
        world.clock.advance(60);
        return id;
    }
    let id = world.ask(asker, &question()).await;
    let done = match state {
        "pending" => return id,
        "claimed" => act(world, &asker.session, &id, "claim").await,
        "completed" => respond(world, &asker.session, &id, &json!("approve")).await,
        "cancelled" => world.delete(&path(&id)).key(&asker.key).await,
        other => panic!("no such state: {other}"),
    };
    assert_eq!(done.status, 200, "{}", done.body);
    id
}

/// Asserts that an object has these keys with these values, whatever else it has.
#[track_caller]
pub(crate) fn has(actual: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(actual.get(name), Some(value), "{name} in {actual}");
    }
}

/// The ids of a list of requests.
pub(crate) fn ids(answer: &Answer) -> Vec<String> {
    let requests = answer.at("data.requests").as_array().unwrap_or_else(|| panic!("no list in {}", answer.body));
    requests.iter().map(|request| request["id"].as_str().unwrap().to_owned()).collect()
}
