//! What was acknowledged is there, whatever happens to the process: invariant 8.

use crate::{
    harness::{World, on_both, question},
    process::{PASSWORD, Server, make_key, make_owner},
};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

/// Somebody who calls a server: with a key, and as the person behind it.
#[derive(Clone)]
struct Caller {
    client: Client,
    base: String,
    key: String,
    session: String,
    loop_id: String,
}

impl Caller {
    async fn sign_in(base: &str, key: &str) -> Self {
        let nobody = Self {
            client: Client::new(),
            base: base.to_owned(),
            key: key.to_owned(),
            session: String::new(),
            loop_id: String::new(),
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let who = json!({"email": "owner@example.com", "password": PASSWORD});
        let signed_in = nobody.post("/v1/reviewer/session", "", &who).await.unwrap();
        let made = nobody.post("/v1/api/loops", key, &json!({"name": "Durable"})).await.unwrap();
        Self { session: text(&signed_in["data"]["token"]), loop_id: text(&made["data"]["id"]), ..nobody }
    }

    /// The answer to a post that was acknowledged.
    async fn post(&self, path: &str, token: &str, body: &Value) -> Option<Value> {
        let call = self.client.post(format!("{}{path}", self.base)).bearer_auth(token).json(body);
        let answer = call.send().await.ok()?;
        let acknowledged = answer.status().is_success();
        let body = answer.json().await.ok()?; // the head alone is no acknowledgement that one could read
        acknowledged.then_some(body)
    }

    async fn create(&self) -> Option<String> {
        let made = self.post(&format!("/v1/api/loops/{}/requests", self.loop_id), &self.key, &question()).await?;
        made["data"]["id"].as_str().map(str::to_owned)
    }

    async fn answer(&self, id: &str) -> Option<Value> {
        self.post(&format!("/v1/reviewer/requests/{id}/respond"), &self.session, &json!({"response_data": "approve"}))
            .await
    }

    async fn cancel(&self, id: &str) -> Option<Value> {
        self.post(&format!("/v1/api/requests/{id}/cancel"), &self.key, &json!({})).await
    }
}

/// The last state of each request that the server acknowledged.
type Acknowledged = Arc<Mutex<BTreeMap<String, &'static str>>>;

/// Creates, and answers or cancels, and notes what was acknowledged, until the server is gone.
async fn work(caller: Caller, acknowledged: Acknowledged) {
    let note = |id: &str, status| acknowledged.lock().unwrap().insert(id.to_owned(), status);
    for turn in 0.. {
        let Some(id) = caller.create().await else { return };
        note(&id, "pending");
        let (end, ended) = match turn % 3 {
            0 => ("completed", caller.answer(&id).await),
            1 => ("cancelled", caller.cancel(&id).await),
            _ => continue,
        };
        if ended.is_none() {
            return;
        }
        note(&id, end);
    }
}

/// What is known to have been acknowledged is there with its event; more may have happened than could be told.
async fn verify(world: &World, caller: &Caller, acknowledged: &BTreeMap<String, &'static str>) {
    for (id, status) in acknowledged {
        let path = format!("{}/v1/api/requests/{id}", caller.base);
        let answer = caller.client.get(path).bearer_auth(&caller.key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "request {id}, acknowledged as {status}, is lost");
        let body: Value = answer.json().await.unwrap();
        let found = body["data"]["status"].as_str().unwrap();
        assert!(found == *status || *status == "pending", "{id} was acknowledged as {status} and is {found}");
        let expected: &[&str] = match found {
            "pending" => &["request.created"],
            "completed" => &["request.created", "request.completed"],
            "cancelled" => &["request.created", "request.cancelled"],
            other => panic!("{id} is {other}"),
        };
        assert_eq!(world.events(id).await, expected, "{id}");
    }
}

on_both! {
    async fn a08_what_was_acknowledged_survives_kill_9_under_load(world: World) {
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let acknowledged: Acknowledged = Arc::default();
        for round in 0..6 {
            let server = Server::start(&world.url).await;
            let caller = Caller::sign_in(&server.url, &key).await;
            let mut workers = JoinSet::new();
            for _ in 0..6 {
                workers.spawn(work(caller.clone(), acknowledged.clone()));
            }
            let before = acknowledged.lock().unwrap().len();
            while acknowledged.lock().unwrap().len() < before + 20 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // Another instant each time, in the middle of whatever is going on.
            tokio::time::sleep(Duration::from_micros(round * 7_713)).await;
            server.kill().await;
            while workers.join_next().await.is_some() {}
        }
        let server = Server::start(&world.url).await;
        let caller = Caller::sign_in(&server.url, &key).await;
        let acknowledged = acknowledged.lock().unwrap().clone();
        let with = |status| acknowledged.values().filter(|it| **it == status).count();
        assert!(with("completed") > 5 && with("cancelled") > 5 && with("pending") > 5, "{}", acknowledged.len());
        verify(&world, &caller, &acknowledged).await;
        server.stop().await;
    }

    async fn a08_the_last_thing_before_kill_9_is_kept(world: World) {
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let mut acknowledged = BTreeMap::new();
        for end in ["pending", "completed", "cancelled"] {
            let server = Server::start(&world.url).await;
            let caller = Caller::sign_in(&server.url, &key).await;
            let id = caller.create().await.unwrap();
            match end {
                "completed" => drop(caller.answer(&id).await.unwrap()),
                "cancelled" => drop(caller.cancel(&id).await.unwrap()),
                _ => {}
            }
            server.kill().await;
            acknowledged.insert(id, end);
        }
        let server = Server::start(&world.url).await;
        let caller = Caller::sign_in(&server.url, &key).await;
        verify(&world, &caller, &acknowledged).await;
        server.stop().await;
    }
}
