//! Web Push (16.1): what a browser's push service gets can be read by that browser alone, and proves whose it is. What is sealed here
//! is opened by a library of its own.

use crate::{
    harness::{Answer, Asker, BASE, World, on_both, question},
    hooking::deliver,
    receiver::{Received, Receiver, reaching_loopback, status},
    telling::{queued, told},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hitl_server::{
    domain::Account,
    service::{push_keys, sessions},
    store, worker,
};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use web_push_native::{
    Auth, decrypt,
    p256::{self, elliptic_curve::sec1::ToEncodedPoint},
};

/// A browser that takes Web Push: its keys, and where its push service takes messages.
struct Browser {
    secret: p256::SecretKey,
    auth: Auth,
    endpoint: String,
}

impl Browser {
    fn at(receiver: &Receiver, path: &str, seed: u8) -> Self {
        Self {
            secret: p256::SecretKey::from_slice(&[seed; 32]).unwrap(),
            auth: Auth::from([seed; 16]),
            endpoint: receiver.url(path),
        }
    }

    /// As a browser describes itself.
    fn subscription(&self) -> Value {
        let point = self.secret.public_key().to_encoded_point(false);
        json!({
            "endpoint": self.endpoint, "expirationTime": null,
            "keys": {"p256dh": BASE64_URL_SAFE_NO_PAD.encode(point.as_bytes()), "auth": BASE64_URL_SAFE_NO_PAD.encode(self.auth)},
        })
    }

    fn read(&self, it: &Received) -> Value {
        let message = decrypt(it.bytes.to_vec(), &self.secret, &self.auth).expect("this browser can read it");
        serde_json::from_slice(&message).unwrap()
    }
}

async fn add(world: &World, session: &str, browser: &Browser) -> Answer {
    let call = world.post("/v1/reviewer/devices").key(session).header("user-agent", "Firefox");
    call.json(&browser.subscription()).await
}

/// A world that may send here and has its keys, somebody who asks, Jane, and her browser.
async fn set(world: &World) -> (World, Asker, Receiver, Account, String, Browser) {
    let (world, receiver) = (reaching_loopback(world), Receiver::start().await);
    push_keys::prepare(&world.app).await.unwrap();
    receiver.answers(status(201));
    let asker = world.asker().await;
    let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
    let browser = Browser::at(&receiver, "/push/jane", 7);
    add(&world, &session, &browser).await.accepted(201, "Device added");
    (world, asker, receiver, jane, session, browser)
}

async fn settings(world: &World, session: &str) -> Value {
    world.get("/v1/reviewer/notification-settings").key(session).await.at("data").clone()
}

on_both! {
    async fn a_browser_is_told_what_nobody_else_can_read(world: World) {
        let (world, asker, receiver, jane, _, browser) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        let it = receiver.only();
        let message = browser.read(&it);
        assert_eq!(message["title"], "Moderation: high priority");
        assert_eq!(message["text"], "Please review this post\nDeadline: 15 Mar 11:30 (UTC)");
        assert_eq!((&message["path"], &message["tag"]), (&json!(format!("/inbox/{id}")), &json!(id)));
        for (name, value) in [("content-encoding", "aes128gcm"), ("ttl", "3600"), ("urgency", "high"), ("topic", &id)] {
            assert_eq!(it.header(name), value, "{name}");
        }
        let other = Browser::at(&receiver, "/push/other", 8);
        assert!(decrypt(it.bytes.to_vec(), &other.secret, &other.auth).is_err());
        assert!(!it.body.contains("review"), "it is sealed");
        assert_eq!(told(&world, &asker, &id, &jane).await, (true, Value::Null));
    }

    async fn a_push_service_can_tell_whose_it_is(world: World) {
        let (world, asker, receiver, _, session, _) = set(&world).await;
        world.ask(&asker, &question()).await;
        deliver(&world).await;
        let it = receiver.only();
        let proof = it.header("authorization").strip_prefix("vapid t=").unwrap();
        let (token, key) = proof.split_once(", k=").unwrap();
        assert_eq!(settings(&world, &session).await["push_key"], key, "browsers are given the same key");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decoded(key));
        public.verify(signed.as_bytes(), &decoded(signature)).expect("the signature is the key's");
        let (head, claims) = signed.split_once('.').unwrap();
        let parsed = |text: &str| serde_json::from_slice::<Value>(&decoded(text)).unwrap();
        assert_eq!(parsed(head), json!({"typ": "JWT", "alg": "ES256"}));
        let audience = receiver.url("");
        assert_eq!(parsed(claims), json!({"aud": audience, "exp": world.now().seconds() + 12 * 3600, "sub": BASE}));
    }

    async fn every_start_and_every_process_has_the_same_keys(world: World) {
        let other = world.beside(|_| {}).await;
        let (one, two) = tokio::join!(push_keys::prepare(&world.app), push_keys::prepare(&other.app));
        assert!(one.is_ok() && two.is_ok());
        let first = push_keys::find(&world.app).await.unwrap().unwrap().public_key;
        push_keys::prepare(&other.app).await.unwrap();
        assert_eq!(push_keys::find(&other.app).await.unwrap().unwrap().public_key, first);
        other.app.store.close().await;
    }

    async fn a_device_that_is_gone_is_removed(world: World) {
        let (world, asker, receiver, jane, session, _) = set(&world).await;
        let second = Browser::at(&receiver, "/push/second", 9);
        add(&world, &session, &second).await.accepted(201, "Device added");
        for code in [410, 404] {
            receiver.answers_next([status(code)]);
            let id = world.ask(&asker, &question()).await;
            let left = settings(&world, &session).await["devices"].as_array().unwrap().len();
            assert_eq!(deliver(&world).await, left);
            assert_eq!(settings(&world, &session).await["devices"].as_array().unwrap().len(), left - 1, "{code}");
            let expected = if left == 2 { (true, Value::Null) } else { (false, json!("push: the receiver answered 404")) };
            assert_eq!(told(&world, &asker, &id, &jane).await, expected);
        }
        let (before, id) = (queued(&world).await, world.ask(&asker, &question()).await);
        assert_eq!((queued(&world).await, told(&world, &asker, &id, &jane).await.1), (before, json!("No notification channel configured")));
    }

    async fn a_browser_is_whose_it_is_now(world: World) {
        let (world, asker, receiver, jane, session, browser) = set(&world).await;
        let device = settings(&world, &session).await["devices"][0].clone();
        assert_eq!((device["user_agent"].as_str(), device.get("endpoint"), device.get("auth")), (Some("Firefox"), None, None));
        add(&world, &session, &browser).await.accepted(201, "Device added");
        assert_eq!(settings(&world, &session).await["devices"].as_array().unwrap().len(), 1, "it is the same one");

        let (bob, bobs) = world.reviewer("bob@example.com", &asker.code).await;
        let id = device["id"].as_str().unwrap().to_owned();
        world.delete(&format!("/v1/reviewer/devices/{id}")).key(&bobs).await.refused(404, "Device not found", &Value::Null);
        add(&world, &bobs, &browser).await.accepted(201, "Device added");
        let asked = world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, receiver.take().len()), (1, 1));
        assert_eq!(told(&world, &asker, &asked, &bob).await, (true, Value::Null));
        assert_eq!(told(&world, &asker, &asked, &jane).await.1, json!("No notification channel configured"));
        world.delete(&format!("/v1/reviewer/devices/{id}")).key(&bobs).await.accepted(200, "Device removed");
        world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 0);
    }

    async fn who_signs_out_is_told_nothing_there_any_more(world: World) {
        let (world, asker, receiver, jane, session, browser) = set(&world).await;
        world.delete("/v1/reviewer/session").key(&session).await.accepted(200, "Signed out");
        world.ask(&asker, &question()).await;
        assert_eq!(queued(&world).await, 0);
        let again = world.sign_in(&jane).await;
        add(&world, &again, &browser).await.accepted(201, "Device added");
        world.clock.advance(31 * 24 * 3600);
        worker::sweep::step(world.app.clone()).await.unwrap();
        assert!(store::sessions::of_account(&world.app.store, jane.id, world.now()).await.unwrap().is_empty());
        world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, receiver.take().len()), (1, 1), "a session that merely ran out takes nothing with it");
        assert!(sessions::list(&world.app, jane.id).await.unwrap().is_empty());
    }

    async fn what_is_no_subscription_is_refused(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let good = Browser::at(&receiver, "/push", 7).subscription();
        for (pointer, value, detail) in [
            ("/endpoint", json!("http://user@push.example.com/"), "endpoint must be a valid URL"),
            ("/endpoint", Value::Null, "endpoint is required"),
            ("/keys/p256dh", json!("abc"), "keys must be those of a push subscription"),
            ("/keys/auth", json!("abc"), "keys must be those of a push subscription"),
            ("/keys/auth", Value::Null, "auth is required"),
            ("/keys", Value::Null, "keys is required"),
        ] {
            let mut body = good.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            let refused = world.post("/v1/reviewer/devices").key(&asker.session).json(&body).await;
            refused.refused(400, "Validation failed", &json!(detail));
        }
        let mut body = good.clone();
        for number in 0..21 {
            body["endpoint"] = json!(receiver.url(&format!("/push/{number}")));
            let added = world.post("/v1/reviewer/devices").key(&asker.session).json(&body).await;
            assert_eq!(added.status, if number < 20 { 201 } else { 400 }, "{number}");
        }
        assert_eq!(settings(&world, &asker.session).await["devices"].as_array().unwrap().len(), 20);
    }

    async fn one_can_try_how_one_is_told(world: World) {
        let (world, _, receiver, _, session, browser) = set(&world).await;
        let tried = world.post("/v1/reviewer/notification-settings/test").key(&session).await;
        tried.accepted(200, "Test notification queued");
        assert_eq!(tried.at("data.notifications"), 1);
        assert_eq!(deliver(&world).await, 1);
        assert_eq!(browser.read(&receiver.only())["title"], "hitl: this is a test");
        for (after, sent) in [(9, 0), (1, 1)] {
            world.clock.advance(after);
            let again = world.post("/v1/reviewer/notification-settings/test").key(&session).await;
            assert_eq!((again.at("data.notifications"), deliver(&world).await), (&json!(1), sent), "after {after} seconds");
        }
    }
}
