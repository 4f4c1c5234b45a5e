//! A request's callback after the fact: its log with each attempt, telling it again, and the secret that signs it (contract 12.5, 12.9).

use crate::{
    asking::{has, path, respond},
    delivering::is_signed,
    harness::{Asker, World, on_both, question_with},
    hooking::{deliver, hook, log_of_request, named_scopes, subscriber},
    receiver::{Receiver, reaching_loopback, status},
};
use hitl_server::domain::{Secret, signatures};
use serde_json::{Value, json};

const DENIED: &str = "Access denied to this resource";

/// An answered request whose callback is at that receiver; its id.
async fn answered(world: &World, asker: &Asker, receiver: &Receiver) -> String {
    let id = world.ask(asker, &question_with(&json!({"callback_url": receiver.url("/callback")}))).await;
    respond(world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
    id
}

fn again(id: &str, delivery: &Value) -> String {
    format!("{}/deliveries/{}/redeliver", path(id), delivery["id"].as_str().unwrap())
}

/// A key of the asker's that is confined to their loop and has every scope by name.
async fn confined(world: &World, asker: &Asker) -> String {
    let own = asker.loop_id.parse().unwrap();
    let confine = |new: &mut hitl_server::service::keys::NewKey| {
        new.scopes = named_scopes();
        new.loops = Some(vec![own]);
    };
    world.key_with(&asker.owner, confine).await.1
}

on_both! {
    async fn contract_12_9_a_requests_log_is_of_its_callback_alone_with_each_attempt(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = reaching_loopback(&world);
        hook(&world, &asker, &json!({"url": receiver.url("/hook?token=of-a-global-webhook"), "events": ["request.completed"]})).await;
        receiver.answers_next([status(500), status(500)]);
        let id = answered(&world, &asker, &receiver).await;
        deliver(&world).await;
        let key = confined(&world, &asker).await;
        let shown = world.get(&format!("{}/deliveries", path(&id))).key(&key).await;
        shown.accepted(200, "Deliveries retrieved successfully");
        assert_eq!((shown.at("data.total"), shown.at("data.deliveries.0.kind")), (&json!(1), &json!("callback")));
        assert!(!shown.body.to_string().contains("of-a-global-webhook"), "{}", shown.body);
        let entry = &log_of_request(&world, &asker, &id).await[0];
        let attempts = entry["attempts"].as_array().unwrap();
        assert_eq!(json!(attempts.len()), entry["attempt"]);
        let first = attempts.last().unwrap();
        has(first, &json!({"number": 1, "cause": "event", "at": world.now().to_string(), "response_status": 500, "error": "the receiver answered 500"}));
    }

    async fn quality_b_a_callback_that_failed_can_be_told_again(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = reaching_loopback(&world);
        receiver.answers_next([status(404)]);
        let id = answered(&world, &asker, &receiver).await;
        deliver(&world).await;
        let first = receiver.only();
        let failed = &log_of_request(&world, &asker, &id).await[0];
        has(failed, &json!({"status": "failed", "attempt": 1}));
        let queued = world.post(&again(&id, failed)).key(&asker.key).await;
        queued.accepted(200, "Delivery queued successfully");
        has(queued.at("data.delivery"), &json!({"id": failed["id"], "status": "pending", "cause": "manual"}));
        deliver(&world).await;
        assert_eq!(receiver.only().body, first.body);
        let told = &log_of_request(&world, &asker, &id).await[0];
        assert_eq!(told["status"], "success");
        assert_eq!(told["attempts"].as_array().unwrap().len(), 2);

        let stranger = world.person("stranger@example.com").await;
        let (_, foreign) = world.key_with(&stranger, |new| new.scopes = named_scopes()).await;
        world.post(&again(&id, told)).key(&foreign).await.refused(403, "Access denied to this request", &json!(null));
        let other = answered(&world, &asker, &receiver).await;
        world.post(&again(&other, told)).key(&asker.key).await.refused(404, "Delivery not found", &json!(null));
        let webhook = hook(&world, &asker, &json!({"url": receiver.url("/hook"), "events": ["request.completed"]})).await;
        let both = answered(&world, &asker, &receiver).await;
        let of_webhook = &crate::hooking::log(&world, &asker, &webhook, "").await[0];
        assert_eq!(of_webhook["request_id"], json!(both));
        world.post(&again(&both, of_webhook)).key(&asker.key).await.refused(404, "Delivery not found", &json!(null));
    }

    async fn what_a_callback_was_told_outlives_its_loop(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = reaching_loopback(&world);
        let id = answered(&world, &asker, &receiver).await;
        deliver(&world).await;
        let key = confined(&world, &asker).await;
        assert_eq!(world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.status, 200);
        let log = log_of_request(&world, &asker, &id).await;
        has(&log[0], &json!({"status": "success", "request_id": id}));
        let stranger = world.person("stranger@example.com").await;
        for key in [key, world.key(&stranger).await] {
            world.get(&format!("{}/deliveries", path(&id))).key(&key).await.refused(404, "Request not found", &json!(null));
        }
    }

    async fn the_signing_secret_of_all_loops_is_not_for_a_key_confined_to_some(world: World) {
        let asker = subscriber(&world).await;
        let key = confined(&world, &asker).await;
        world.get("/v1/api/webhooks/signing-secret").key(&key).await.refused(403, DENIED, &json!(null));
        world.post("/v1/api/webhooks/signing-secret/rotate").key(&key).await.refused(403, DENIED, &json!(null));
        let secret = world.get("/v1/api/webhooks/signing-secret").key(&asker.key).await;
        assert_eq!(secret.at("data"), &json!({"secret": "whsec_test", "previous_until": null}));
    }

    async fn quality_b_for_a_day_after_a_rotation_both_signing_secrets_sign(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = reaching_loopback(&world);
        let rotated = world.post("/v1/api/webhooks/signing-secret/rotate").key(&asker.key).await;
        rotated.accepted(200, "Signing secret rotated successfully");
        let new = rotated.text("data.secret");
        assert!(new.starts_with("whsec_") && new != "whsec_test", "{new}");
        assert_eq!(rotated.text("data.previous_until"), world.now().plus_seconds(24 * 3600).to_string());
        assert_eq!(world.get("/v1/api/webhooks/signing-secret").key(&asker.key).await.at("data"), rotated.at("data"));
        for (after, both) in [(0, true), (24 * 3600 - 1, true), (1, false)] {
            world.clock.advance(after);
            answered(&world, &asker, &receiver).await;
            deliver(&world).await;
            let it = receiver.only();
            is_signed(&it, &new);
            let old = signatures::of_body(&Secret("whsec_test".into()), it.body.as_bytes());
            assert_eq!(it.header("x-hitl-signature-previous"), if both { old.as_str() } else { "" }, "{after}");
            assert_eq!(it.header("webhook-signature").split(' ').count(), if both { 2 } else { 1 });
        }
        let told: Vec<_> = hitl_server::store::events::last(&world.app.store, &hitl_server::store::events::Wanted::default(), 50).await.unwrap();
        let told: Vec<_> = told.iter().filter(|line| line.name.to_string() == "account.signing_secret_rotated").collect();
        assert_eq!(told.len(), 1);
        assert!(!told[0].data.text().contains("whsec_"), "{}", told[0].data.text());
    }
}
