//! Which webhook hears of which event (contract 12.1, 12.2 and the patterns of 12.8).

use crate::{
    asking::{act, in_state, path, respond},
    harness::{Asker, World, on_both, question_with},
    hooking::{at, bodies, deliver, hook, log, log_of_request, names, rename, subscriber},
    receiver::{Received, Receiver, reaching_loopback},
};
use serde_json::{Value, json};

const URL: &str = "https://app.example.com/hooks/hitl";

/// One event of each kind about the asker's loop, in this order.
const HAPPENS: [&str; 8] = [
    "loop.member_joined",
    "loop.updated",
    "request.created",
    "request.claimed",
    "request.completed",
    "request.created",
    "request.cancelled",
    "loop.member_left",
];

async fn happen(world: &World, asker: &Asker) {
    let (member, session) = world.reviewer("john@example.com", &asker.code).await;
    rename(world, asker, "Renamed").await;
    let id = world.ask(asker, &question_with(&json!({}))).await;
    act(world, &session, &id, "claim").await.accepted(200, "Request claimed");
    act(world, &session, &id, "release").await.accepted(200, "Request released");
    respond(world, &session, &id, &json!("approve")).await.accepted(200, "Response submitted");
    in_state(world, asker, "cancelled").await;
    let member = format!("/v1/api/loops/{}/members/{}", asker.loop_id, member.id);
    assert_eq!(world.delete(&member).key(&asker.key).await.status, 200);
}

fn matching(wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    HAPPENS.into_iter().filter(|name| wanted(name)).collect()
}

on_both! {
    async fn contract_12_8_patterns_choose_what_a_webhook_hears_of(world: World) {
        let asker = subscriber(&world).await;
        let other = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Other"})).await.text("data.id");
        let mut hooks = Vec::new();
        for (events, heard) in [
            (json!(["*"]), HAPPENS.to_vec()),
            (json!(["request.*"]), matching(|name| name.starts_with("request."))),
            (json!(["request.completed", "loop.updated"]), matching(|name| name == "request.completed" || name == "loop.updated")),
            (json!(["*", "!request.created"]), matching(|name| name != "request.created")),
            (json!(["!request.created", "request.*"]), matching(|name| name.starts_with("request.") && name != "request.created")),
            (json!(["request.created", "!request.*"]), vec![]),
            (json!(["!request.created"]), vec![]),
            (json!([format!("loop.{}.*", asker.loop_id)]), HAPPENS.to_vec()),
            (json!([format!("loop.{}.*", asker.loop_id), "!loop.*"]), matching(|name| name.starts_with("request."))),
            (json!([format!("loop.{other}.*")]), vec![]),
            (json!(["*", format!("!loop.{}.*", asker.loop_id)]), vec![]),
            (json!(["api_key.*", "webhook.test", "user.*"]), vec![]),
        ] {
            let id = hook(&world, &asker, &json!({"url": URL, "events": events})).await;
            hooks.push((id, events, heard));
        }
        for (loop_id, heard) in [(asker.loop_id.clone(), HAPPENS.to_vec()), (other, vec![])] {
            hooks.push((hook(&world, &asker, &json!({"url": URL, "loop_id": loop_id})).await, json!(loop_id), heard));
        }
        hooks.push((hook(&world, &asker, &json!({"url": URL, "enabled": false})).await, json!("disabled"), vec![]));
        happen(&world, &asker).await;
        for (id, events, heard) in hooks {
            assert_eq!(names(&bodies(&world, &asker, &id).await), heard, "{events}");
        }
    }

    async fn contract_12_2_loops_are_made_and_deleted_before_the_eyes_of_webhooks(world: World) {
        let asker = subscriber(&world).await;
        let receiver = Receiver::start().await;
        let global = hook(&world, &asker, &json!({"url": receiver.url("/global")})).await;
        let made = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Short"})).await.text("data.id");
        let of_loop = hook(&world, &asker, &json!({"url": receiver.url("/loop"), "loop_id": made})).await;
        let asker = Asker { loop_id: made, ..asker };
        world.ask(&asker, &question_with(&json!({}))).await;
        let gone = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        assert_eq!(gone.status, 200, "{}", gone.body);
        let heard = ["loop.created", "request.created", "request.cancelled", "loop.deleted"];
        assert_eq!(names(&bodies(&world, &asker, &global).await), heard);
        let refused = world.get(&at(&of_loop, "")).key(&asker.key).await;
        refused.refused(404, "Webhook not found", &json!(null));

        deliver(&reaching_loopback(&world)).await;
        let came = receiver.received();
        let mut events: Vec<_> = came.iter().filter(|it| it.path == "/loop").map(Received::event).collect();
        events.sort();
        assert_eq!(events, ["loop.deleted", "request.cancelled", "request.created"], "what was queued is sent (12.6)");
        assert_eq!(came.len(), 3 + 4);
    }

    async fn contract_12_1_a_callback_hears_of_the_three_ends_only(world: World) {
        let asker = subscriber(&world).await;
        let body = question_with(&json!({"callback_url": URL, "timeout_seconds": 60}));
        let completed = world.ask(&asker, &body).await;
        act(&world, &asker.session, &completed, "claim").await.accepted(200, "Request claimed");
        assert_eq!(log_of_request(&world, &asker, &completed).await, [json!(null); 0]);
        respond(&world, &asker.session, &completed, &json!("approve")).await.accepted(200, "Response submitted");
        let cancelled = world.ask(&asker, &body).await;
        world.delete(&path(&cancelled)).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        let timeout = world.ask(&asker, &body).await;
        world.clock.advance(60);
        crate::asking::show(&world, &asker, &timeout).await;
        for (id, event) in [(completed, "request.completed"), (cancelled, "request.cancelled"), (timeout, "request.timeout")] {
            let log = log_of_request(&world, &asker, &id).await;
            assert_eq!(log.len(), 1, "{event}");
            crate::asking::has(&log[0], &json!({
                "kind": "callback", "webhook_id": null, "event": event, "request_id": id, "url": URL, "status": "pending",
            }));
        }
    }

    async fn a_callback_and_a_webhook_hear_of_the_same_event(world: World) {
        let asker = subscriber(&world).await;
        let webhook = hook(&world, &asker, &json!({"url": URL, "events": ["request.completed"]})).await;
        let id = world.ask(&asker, &question_with(&json!({"callback_url": "https://n8n.example.com/webhook-waiting/1"}))).await;
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        let log = [log(&world, &asker, &webhook, "").await, log_of_request(&world, &asker, &id).await].concat();
        let of = |field: &str| log.iter().map(|entry| entry[field].clone()).collect::<Vec<Value>>();
        assert_eq!(of("kind"), [json!("webhook"), json!("callback")]);
        assert_eq!((&of("event_id")[0], &of("request_body")[0]), (&of("event_id")[1], &of("request_body")[1]));
        let stranger = world.person("stranger@example.com").await;
        let key = world.key(&stranger).await;
        let refused = world.get(&format!("{}/deliveries", path(&id))).key(&key).await;
        refused.refused(403, "Access denied to this request", &json!(null));
    }
}
