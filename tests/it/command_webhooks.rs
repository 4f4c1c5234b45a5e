//! `hitl webhooks` and what `hitl requests` says of callbacks, beside a running server that may send to this machine.

use crate::{
    harness::{World, on_both, question_with},
    process::{Said, Server, make_key, make_owner, run, run_with},
    receiver::{Receiver, status},
};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;

const NOBODY: &str = "65f1234567890abcdef12345";
const OWNER: [&str; 2] = ["--user", "owner@example.com"];

/// `hitl webhooks …`.
async fn hooks(world: &World, arguments: &[&str]) -> Said {
    run(&world.url, &[&["webhooks"], arguments].concat()).await
}

/// The same, as JSON.
async fn told(world: &World, arguments: &[&str]) -> Value {
    hooks(world, &[arguments, &["--json"]].concat()).await.json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
}

/// Asks again and again until it holds; at most ten seconds.
async fn until<F: Future<Output = Value>>(what: &str, ask: impl Fn() -> F, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100 {
        let said = ask().await;
        if holds(&said) {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: never");
}

/// A server that may send to this machine.
async fn serve(world: &World) -> Server {
    Server::start_with(&world.url, &[("HITL_WEBHOOKS_ALLOW", "127.0.0.0/8")]).await
}

async fn post(server: &Server, path: &str, token: &str, body: &Value) -> Value {
    let call = Client::new().post(format!("{}{path}", server.url)).bearer_auth(token).json(body);
    call.send().await.unwrap().json().await.unwrap()
}

on_both! {
    async fn webhooks_are_made_changed_rested_rotated_and_deleted(world: World) {
        make_owner(&world.url).await;
        let looped = run(&world.url, &[&["loops", "create", "--name", "Ops", "--json"], &OWNER[..]].concat()).await.json();
        let loop_id = text(&looped["id"]);
        let url = "https://app.example.com/hook";
        let made = hooks(&world, &[&["create", "--url", url, "--events", "request.*,!request.created"], &OWNER[..]].concat()).await;
        assert!(made.code == Some(0) && made.out.starts_with("whsec_") && made.out.contains("not shown again"), "{made:?}");
        let made = told(&world, &[&["create", "--url", url, "--loop", &loop_id, "--description", "Mine"], &OWNER[..]].concat()).await;
        let (id, secret) = (text(&made["id"]), text(&made["secret"]));
        assert_eq!((&made["loop_id"], &made["events"], &made["description"]), (&json!(loop_id), &json!(["*"]), &json!("Mine")));

        assert_eq!(told(&world, &["list"]).await.as_array().unwrap().len(), 2);
        assert_eq!(told(&world, &[&["list"], &OWNER[..]].concat()).await[0]["id"], json!(id));
        for arguments in [&["list"][..], &["show", &id], &["list", "--json"], &["show", &id, "--json"]] {
            let said = hooks(&world, arguments).await;
            assert!(said.code == Some(0) && said.out.contains(&id) && said.out.contains(url), "{said:?}");
            assert!(!said.out.contains(&secret), "a secret is shown once: {said:?}");
        }
        for (act, enabled) in [("disable", false), ("enable", true)] {
            assert_eq!(told(&world, &[act, &id]).await["enabled"], enabled);
            assert_eq!(told(&world, &["show", &id]).await["enabled"], enabled);
        }
        let changed = told(&world, &["update", &id, "--url", "https://app.example.com/moved", "--events", "request.completed,loop.*"]).await;
        assert_eq!((&changed["url"], &changed["events"]), (&json!("https://app.example.com/moved"), &json!(["request.completed", "loop.*"])));
        assert_eq!((&changed["loop_id"], &changed["description"]), (&json!(loop_id), &json!("Mine")), "what is not named stays");
        let changed = told(&world, &["update", &id, "--all-loops", "--description", "Ours"]).await;
        assert_eq!((&changed["loop_id"], &changed["description"]), (&Value::Null, &json!("Ours")));
        assert_eq!(told(&world, &["update", &id, "--loop", &loop_id]).await["loop_id"], json!(loop_id));
        let rotated = told(&world, &["rotate", &id]).await;
        assert!(text(&rotated["secret"]).starts_with("whsec_") && rotated["secret"] != json!(secret));

        let signing = text(&told(&world, &[&["secret"], &OWNER[..]].concat()).await["secret"]);
        let new = told(&world, &[&["secret", "--rotate"], &OWNER[..]].concat()).await;
        assert!(new["secret"] != json!(signing) && new["previous_until"].is_string(), "{new}");
        assert_eq!(hooks(&world, &[&["secret"], &OWNER[..]].concat()).await.out.trim(), text(&new["secret"]));

        let deleted = told(&world, &["delete", &id]).await;
        assert_eq!((&deleted["id"], deleted["deleted_at"].is_string()), (&json!(id), true));
        for (arguments, code) in [
            (&["show", &id][..], 3),
            (&["update", &id, "--url", url], 3),
            (&["delete", NOBODY], 3),
            (&["log", NOBODY], 3),
            (&["recover", NOBODY, "--since", "2024-01-01T00:00:00Z"], 3),
            (&["create", "--user", "nobody@example.com", "--url", url], 3),
            (&["create", "--user", "owner@example.com", "--url", "ftp://app.example.com"], 4),
            (&["create", "--user", "owner@example.com", "--url", url, "--events", "request.eaten"], 4),
            (&["update", NOBODY, "--loop", NOBODY, "--all-loops"], 2),
            (&["recover", NOBODY], 2),
        ] {
            let said = hooks(&world, arguments).await;
            assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{arguments:?} {said:?}");
        }
    }

    async fn what_was_sent_is_seen_and_sent_again(world: World) {
        make_owner(&world.url).await;
        let (key, receiver) = (make_key(&world.url).await, Receiver::start().await);
        let made = told(&world, &[&["create", "--url", &receiver.url("/hook"), "--events", "loop.created"], &OWNER[..]].concat()).await;
        let id = text(&made["id"]);
        receiver.answers(status(404));
        let server = serve(&world).await;
        let looped = post(&server, "/v1/api/loops", &key, &json!({"name": "Ops"})).await;
        receiver.has(1).await;
        let log = until("the failure", || async { told(&world, &["log", &id, "--status", "failed"]).await }, |log| log[0]["attempt"] == 1).await;
        let delivery = text(&log[0]["id"]);
        let listed = hooks(&world, &["log", &id]).await;
        assert!(listed.out.starts_with("ID") && listed.out.contains(&delivery) && listed.out.contains("404"), "{listed:?}");
        let shown = told(&world, &["delivery", &id, &delivery]).await;
        assert_eq!((&shown["attempts"][0]["response_status"], &shown["attempts"][0]["cause"]), (&json!(404), &json!("event")));
        let human = hooks(&world, &["delivery", &id, &delivery]).await;
        assert!(human.out.contains("ATTEMPT") && human.out.contains("the receiver answered 404"), "{human:?}");

        receiver.take();
        assert_eq!(told(&world, &["redeliver", &id, &delivery]).await["cause"], "manual");
        receiver.has(1).await;
        until("the second failure", || async { told(&world, &["delivery", &id, &delivery]).await }, |it| it["attempts"].as_array().unwrap().len() == 2).await;
        receiver.answers(status(200));
        let since = ["recover", &id, "--since", "2024-01-01T00:00:00Z"];
        assert_eq!(told(&world, &since).await, json!({"count": 1}));
        let sent = until("the success", || async { told(&world, &["delivery", &id, &delivery]).await }, |it| it["status"] == "success").await;
        assert_eq!((&sent["cause"], &sent["attempts"][0]["cause"]), (&json!("recovery"), &json!("recovery")));
        assert_eq!(told(&world, &since).await, json!({"count": 0}));
        assert_eq!(hooks(&world, &["recover", &id, "--since", "yesterday"]).await.code, Some(2));
        assert_eq!(hooks(&world, &["delivery", &id, NOBODY]).await.code, Some(3));

        // The command sends from where it runs, and nobody allowed it there to reach this machine.
        let tested = hooks(&world, &["test", &id, "--json"]).await;
        assert!(tested.code == Some(4) && tested.err.contains("not a public address"), "{tested:?}");

        let body = question_with(&json!({"callback_url": receiver.url("/callback")}));
        let asked = post(&server, &format!("/v1/api/loops/{}/requests", text(&looped["data"]["id"])), &key, &body).await;
        let request = text(&asked["data"]["id"]);
        let answered = run_with(&world.url, &["requests", "respond", &request, "--as", "owner@example.com", "approve"], "").await;
        assert_eq!(answered.code, Some(0), "{answered:?}");
        let callbacks = async || run(&world.url, &["requests", "callbacks", &request, "--json"]).await.json();
        let log = until("the callback", callbacks, |log| log[0]["status"] == "success").await;
        assert_eq!((log.as_array().unwrap().len(), &log[0]["kind"]), (1, &json!("callback")));
        let again = run(&world.url, &["requests", "redeliver", &request, &text(&log[0]["id"]), "--json"]).await.json();
        assert_eq!(again["cause"], "manual");
        until("the callback again", callbacks, |log| log[0]["attempts"].as_array().unwrap().len() == 2).await;
        server.stop().await;
    }
}
