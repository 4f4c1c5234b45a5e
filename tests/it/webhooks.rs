//! Registering webhooks and managing them (contract 12.8).

use crate::{
    asking::has,
    harness::on_both,
    hooking::{at, deliver, hook, register, rename, shown, subscriber},
    receiver::{Receiver, reaching_loopback},
};
use hitl_server::domain::{Secret, signatures};
use serde_json::{Value, json};

/// Nothing is sent to this machine unless the test says so.
const URL: &str = "http://127.0.0.1:9/hooks/hitl";
const NOT_FOUND: &str = "Webhook not found";

/// All its keys, in order, as contract 12.8 lists them, and ours beside them.
const KEYS: [&str; 14] = [
    "id",
    "url",
    "type",
    "loop_id",
    "events",
    "enabled",
    "disabled_reason",
    "description",
    "secret_preview",
    "created_at",
    "updated_at",
    "last_delivery_at",
    "last_status",
    "failure_count",
];

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

on_both! {
    async fn contract_12_8_a_new_webhook_has_defaults_and_shows_its_secret_once(world: World) {
        let asker = subscriber(&world).await;
        let made = register(&world, &asker.key, &json!({"url": URL})).await;
        made.accepted(201, "Webhook created successfully");
        let (id, secret) = (made.text("data.id"), made.text("data.secret"));
        assert_eq!((made.text("data.webhook.id"), made.text("data.webhook.secret")), (id.clone(), secret.clone()));
        let hex = secret.strip_prefix("whsec_").unwrap();
        assert!(hex.len() == 32 && hex.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')), "{secret}");

        let webhook = shown(&world, &asker, &id).await;
        assert_eq!(keys(&webhook), KEYS, "the secret is not shown again");
        let now = world.now().to_string();
        assert_eq!(webhook, json!({
            "id": id, "url": URL, "type": "global", "loop_id": null, "events": ["*"], "enabled": true,
            "disabled_reason": null, "description": null, "secret_preview": format!("whsec_…{}", &secret[secret.len() - 4..]),
            "created_at": now, "updated_at": now, "last_delivery_at": null, "last_status": null, "failure_count": 0,
        }));
    }

    async fn contract_12_8_both_prefixes_lead_to_all_operations(world: World) {
        let asker = subscriber(&world).await;
        for prefix in ["/v1/api/webhooks", "/v1/webhooks"] {
            let key = &asker.key;
            let made = world.post(prefix).key(key).json(&json!({"url": URL, "secret": "12345678"})).await;
            made.accepted(201, "Webhook created successfully");
            assert_eq!((made.text("data.secret"), made.text("data.webhook.secret_preview")), ("12345678".into(), "…5678".into()));
            let path = format!("{prefix}/{}", made.text("data.id"));
            let listed = world.get(prefix).key(key).await;
            listed.accepted(200, "Webhooks retrieved successfully");
            assert_eq!((listed.at("data.count"), listed.at("data.webhooks.0.id")), (&json!(1), made.at("data.id")));
            assert_eq!(keys(listed.at("data.webhooks.0")), KEYS);
            for (answer, name) in [
                (world.patch(&path).key(key).json(&json!({"description": "one"})).await, "one"),
                (world.put(&path).key(key).json(&json!({"description": "two"})).await, "two"),
            ] {
                answer.accepted(200, "Webhook updated successfully");
                assert_eq!(answer.at("data.webhook.description"), name);
            }
            let rotated = world.post(&format!("{path}/rotate-secret")).key(key).await;
            rotated.accepted(200, "Webhook secret rotated successfully");
            world.post(&format!("{path}/test")).key(key).await.accepted(200, "Test webhook sent successfully");
            let log = world.get(&format!("{path}/deliveries")).key(key).await;
            log.accepted(200, "Webhook deliveries retrieved successfully");
            let one = format!("{path}/deliveries/{}", log.text("data.deliveries.0.id"));
            let shown = world.get(&one).key(key).await;
            shown.accepted(200, "Webhook delivery retrieved successfully");
            assert_eq!(shown.at("data.delivery.attempts.0.cause"), "test");
            let again = format!("{one}/redeliver");
            world.post(&again).key(key).await.accepted(200, "Delivery queued successfully");
            let since = json!({"since": world.now().to_string()});
            let recovered = world.post(&format!("{path}/recover")).key(key).json(&since).await;
            recovered.accepted(200, "Deliveries queued successfully");
            let secret = world.get(&format!("{prefix}/signing-secret")).key(key).await;
            secret.accepted(200, "Signing secret retrieved successfully");
            let rotated = world.post(&format!("{prefix}/signing-secret/rotate")).key(key).await;
            rotated.accepted(200, "Signing secret rotated successfully");
            let deleted = world.delete(&path).key(key).await;
            deleted.accepted(200, "Webhook deleted successfully");
            assert_eq!(deleted.at("data"), &json!({"webhook_id": made.at("data.id"), "deleted_at": world.now().to_string()}));
            world.get(&path).key(key).await.refused(404, NOT_FOUND, &json!(null));
        }
    }

    async fn contract_12_8_fields_are_checked(world: World) {
        let asker = subscriber(&world).await;
        let long = |length: usize| "x".repeat(length);
        let failed = "Validation failed";
        let id = hook(&world, &asker, &json!({"url": URL})).await;
        for (field, value, msg, data) in [
            ("secret", json!(long(7)), failed, json!("secret must be between 8 and 256 characters")),
            ("secret", json!(long(257)), failed, json!("secret must be between 8 and 256 characters")),
            ("type", json!("team"), failed, json!("type must be one of: global, loop")),
            ("type", json!("loop"), failed, json!("loop_id is required")),
            ("loop_id", json!("xyz"), "Invalid loop ID format", json!(null)),
            ("description", json!(long(501)), failed, json!("description must be at most 500 characters")),
            ("events", json!([]), failed, json!("events must contain between 1 and 50 items")),
            ("events", json!(["request.done"]), failed, json!("events contains an unknown event: request.done")),
            ("events", json!(["*", "!nothing.*"]), failed, json!("events contains an unknown event: !nothing.*")),
            ("events", json!(["loop.xyz.*"]), failed, json!("events contains an unknown event: loop.xyz.*")),
            ("events", json!(["account.created"]), failed, json!("events contains an unknown event: account.created")),
            ("events", json!("*"), "Invalid request body", json!({"field": "events", "issue": "must be an array of strings"})),
            ("events", json!([7]), "Invalid request body", json!({"field": "events", "issue": "must be an array of strings"})),
            ("enabled", json!("yes"), "Invalid request body", json!({"field": "enabled", "issue": "must be a boolean"})),
        ] {
            let mut body = json!({"url": URL});
            body[field] = value.clone();
            register(&world, &asker.key, &body).await.refused(400, msg, &data);
            world.patch(&at(&id, "")).key(&asker.key).json(&json!({field: value})).await.refused(400, msg, &data);
        }
        register(&world, &asker.key, &json!({"events": ["*"]})).await.refused(400, failed, &json!("url is required"));
        for body in [json!({}), json!({"color": "red"}), json!({"url": null})] {
            let refused = world.patch(&at(&id, "")).key(&asker.key).json(&body).await;
            refused.refused(400, "At least one field must be provided for update", &json!(null));
        }
        let malformed = world.post("/v1/api/webhooks").key(&asker.key).raw("{").await;
        malformed.refused(400, "Invalid request body", &json!(null));
        let listed = world.get("/v1/api/webhooks").key(&asker.key).await;
        assert_eq!(listed.at("data.count"), 1, "nothing was made");
    }

    async fn contract_12_8_every_name_of_12_2_and_every_pattern_is_taken(world: World) {
        let asker = subscriber(&world).await;
        let of_loop = format!("loop.{}.*", asker.loop_id);
        let events = json!([
            "*", "request.*", "loop.*", "api_key.*", "user.*", "!request.created", "!loop.*", of_loop,
            "request.created", "request.claimed", "request.completed", "request.cancelled", "request.timeout",
            "loop.created", "loop.updated", "loop.deleted", "loop.member_joined", "loop.member_left",
            "api_key.limit_exceeded", "api_key.quota_warning", "webhook.test",
            "request.assigned", "request.escalated", "loop.archived", "user.invited", "user.joined",
            "system.performance", "system.error", "webhook.failing", "webhook.disabled", "webhook.*",
        ]);
        let id = hook(&world, &asker, &json!({"url": URL, "events": events})).await;
        assert_eq!(shown(&world, &asker, &id).await["events"], events, "as they were sent");
    }

    async fn contract_12_8_a_webhook_of_a_loop_needs_a_loop_of_ones_own(world: World) {
        let asker = subscriber(&world).await;
        let (member, _) = world.reviewer("john@example.com", &asker.code).await;
        let (_, foreign) = world.key_with(&member, |new| new.scopes = crate::hooking::named_scopes()).await;
        let wanted = json!({"url": URL, "loop_id": asker.loop_id});
        register(&world, &foreign, &wanted).await.refused(403, "Access denied to this loop", &json!(null));
        let unknown = json!({"url": URL, "loop_id": "65f1234567890abcdef12345"});
        register(&world, &asker.key, &unknown).await.refused(404, "Loop not found", &json!(null));
        let both = json!({"url": URL, "type": "global", "loop_id": asker.loop_id});
        register(&world, &asker.key, &both).await.refused(400, "Validation failed", &json!("loop_id cannot be given with type global"));
        let id = hook(&world, &asker, &wanted).await;
        has(&shown(&world, &asker, &id).await, &json!({"type": "loop", "loop_id": asker.loop_id}));

        let path = at(&id, "");
        let global = world.patch(&path).key(&asker.key).json(&json!({"type": "global"})).await;
        has(global.at("data.webhook"), &json!({"type": "global", "loop_id": null}));
        let back = world.patch(&path).key(&asker.key).json(&json!({"type": "loop", "loop_id": asker.loop_id})).await;
        has(back.at("data.webhook"), &json!({"type": "loop", "loop_id": asker.loop_id}));
        let refused = world.patch(&path).key(&asker.key).json(&json!({"loop_id": "65f1234567890abcdef12345"})).await;
        refused.refused(404, "Loop not found", &json!(null));
    }

    async fn contract_12_8_another_accounts_webhook_is_not_there(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": URL})).await;
        world.post(&at(&id, "/test")).key(&asker.key).await.accepted(200, "Test webhook sent successfully");
        let delivery = crate::hooking::log(&world, &asker, &id, "").await[0]["id"].as_str().unwrap().to_owned();
        let stranger = world.person("stranger@example.com").await;
        let (_, key) = world.key_with(&stranger, |new| new.scopes = crate::hooking::named_scopes()).await;
        let since = json!({"since": "2024-01-01T00:00:00Z"});
        for call in [
            world.get(&at(&id, "")),
            world.patch(&at(&id, "")).json(&json!({"enabled": false})),
            world.patch(&at(&id, "")).json(&json!({"enabled": "existence comes before what was sent"})),
            world.delete(&at(&id, "")),
            world.post(&at(&id, "/test")),
            world.post(&at(&id, "/rotate-secret")),
            world.get(&at(&id, "/deliveries")),
            world.get(&at(&id, &format!("/deliveries/{delivery}"))),
            world.post(&at(&id, &format!("/deliveries/{delivery}/redeliver"))),
            world.post(&at(&id, "/recover")).json(&since),
        ] {
            call.key(&key).await.refused(404, NOT_FOUND, &json!(null));
        }
        assert_eq!(world.get("/v1/api/webhooks").key(&key).await.at("data"), &json!({"webhooks": [], "count": 0}));
        has(&shown(&world, &asker, &id).await, &json!({"enabled": true, "url": URL}));

        let other = hook(&world, &asker, &json!({"url": URL})).await;
        let elsewhere = at(&other, &format!("/deliveries/{delivery}/redeliver"));
        world.post(&elsewhere).key(&asker.key).await.refused(404, "Delivery not found", &json!(null));
        world.get(&at("xyz", "")).key(&asker.key).await.refused(400, "Invalid webhook ID format", &json!(null));
        let malformed = at(&id, "/deliveries/xyz/redeliver");
        world.post(&malformed).key(&asker.key).await.refused(400, "Invalid delivery ID format", &json!(null));
    }

    async fn contract_2_8_webhooks_have_scopes_of_their_own(world: World) {
        let asker = world.asker().await;
        let denied = |scope: &str| json!({"required_permission": scope});
        let msg = "Access denied to this resource";
        let plain = world.key(&asker.owner).await;
        let read = world.get("/v1/api/webhooks").key(&plain).await;
        read.refused(403, msg, &denied("webhooks:read"));
        register(&world, &plain, &json!({"url": URL})).await.refused(403, msg, &denied("webhooks:write"));
        let (_, reader) = world.key_with(&asker.owner, |new| new.scopes = vec![hitl_server::domain::Scope::WebhooksRead]).await;
        world.get("/v1/api/webhooks").key(&reader).await.accepted(200, "Webhooks retrieved successfully");
        register(&world, &reader, &json!({"url": URL})).await.refused(403, msg, &denied("webhooks:write"));
        let secret = world.get("/v1/api/webhooks/signing-secret").key(&reader).await;
        secret.refused(403, msg, &denied("webhooks:write"));
    }

    async fn a_key_confined_to_loops_reaches_their_webhooks_only(world: World) {
        let asker = subscriber(&world).await;
        let own = asker.loop_id.parse().unwrap();
        let (_, confined) = world.key_with(&asker.owner, |new| {
            new.scopes = crate::hooking::named_scopes();
            new.loops = Some(vec![own]);
        }).await;
        let global = hook(&world, &asker, &json!({"url": URL})).await;
        world.get(&at(&global, "")).key(&confined).await.refused(404, NOT_FOUND, &json!(null));
        let msg = "Access denied to this resource";
        for body in [json!({"url": URL}), json!({"url": URL, "type": "global"})] {
            register(&world, &confined, &body).await.refused(403, msg, &json!(null));
        }
        let made = register(&world, &confined, &json!({"url": URL, "loop_id": asker.loop_id})).await;
        made.accepted(201, "Webhook created successfully");
        let widened = world.patch(&at(&made.text("data.id"), "")).key(&confined).json(&json!({"type": "global"})).await;
        widened.refused(403, msg, &json!(null));
        assert_eq!(world.get("/v1/api/webhooks").key(&confined).await.at("data.count"), 1);
    }

    async fn contract_12_8_an_update_changes_what_it_names(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": URL, "events": ["request.*"], "description": "Old"})).await;
        let before = shown(&world, &asker, &id).await;
        world.clock.advance(5);
        for (field, value) in [
            ("url", json!("http://n8n.local:5678/webhook/a?b=c")),
            ("events", json!(["*", "!loop.*"])),
            ("enabled", json!(false)),
            ("description", json!("New")),
        ] {
            let changed = world.patch(&at(&id, "")).key(&asker.key).json(&json!({field: value})).await;
            changed.accepted(200, "Webhook updated successfully");
            assert_eq!(changed.at("data.webhook")[field], value);
            assert_eq!(changed.at("data.webhook.secret"), &json!(null), "a secret is not shown");
        }
        let after = shown(&world, &asker, &id).await;
        has(&after, &json!({"updated_at": world.now().to_string(), "created_at": before["created_at"], "type": "global"}));
        assert_eq!(after["secret_preview"], before["secret_preview"]);
    }

    async fn a_secret_that_stays_the_same_throws_no_other_away(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = reaching_loopback(&world);
        let fields = json!({"url": receiver.url("/"), "secret": "the first secret", "events": ["loop.updated"]});
        let id = hook(&world, &asker, &fields).await;
        let change = async |secret: &str| {
            let body = json!({"secret": secret});
            world.patch(&at(&id, "")).key(&asker.key).json(&body).await.accepted(200, "Webhook updated successfully");
            rename(&world, &asker, secret).await;
            deliver(&world).await;
            let it = receiver.only();
            let signed = |text: &str| signatures::of_body(&Secret(text.into()), it.body.as_bytes());
            let names = ["x-hitl-signature", "x-hitl-signature-previous"];
            let known = ["the first secret", "the second secret", "the third secret"];
            names.map(|name| known.into_iter().find(|text| signed(text) == it.header(name)))
        };
        assert_eq!(change("the second secret").await, [Some("the second secret"), Some("the first secret")]);
        world.clock.advance(12 * 3600);
        assert_eq!(change("the second secret").await, [Some("the second secret"), Some("the first secret")]);
        world.clock.advance(12 * 3600);
        assert_eq!(change("the second secret").await, [Some("the second secret"), None], "nor does the day begin anew");
        assert_eq!(change("the first secret").await, [Some("the first secret"), Some("the second secret")]);
        assert_eq!(change("the third secret").await, [Some("the third secret"), Some("the first secret")], "the newest two");
    }
}
