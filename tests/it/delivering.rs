//! How deliveries are sent and tried again (contract 12.6, quality A8, A9 and B), by the worker's step and a clock that stands still.

use crate::{
    asking::{has, respond},
    harness::{Asker, START, World, on_both, question_with},
    hooking::{deliver, hook, log, rename, shown, subscriber},
    listening::soon,
    receiver::{Received, Receiver, Reply, reaching_loopback, status, with_header},
};
use hitl_server::{
    domain::{Secret, Timestamp, signatures},
    service::deliveries,
};
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &str = "whsec_0123456789abcdef0123456789abcdef";

/// A world that may send here, somebody in it, a receiver, and a webhook there that hears of changes of loops.
async fn set(world: &World) -> (World, Asker, Receiver, String) {
    let (asker, receiver) = (subscriber(world).await, Receiver::start().await);
    let body = json!({"url": receiver.url("/hook"), "events": ["loop.updated"], "secret": SECRET});
    let id = hook(world, &asker, &body).await;
    (reaching_loopback(world), asker, receiver, id)
}

/// Seconds from now until a delivery is sent again.
fn wait(world: &World, entry: &Value) -> i64 {
    let next: Timestamp = entry["next_retry_at"].as_str().unwrap().parse().unwrap();
    next.seconds() - world.now().seconds()
}

fn same<'r>(came: &'r [Received], what: impl Fn(&'r Received) -> &'r str) -> bool {
    came.windows(2).all(|pair| what(&pair[0]) == what(&pair[1]))
}

fn different<'r>(came: &'r [Received], what: impl Fn(&'r Received) -> &'r str) -> bool {
    came.windows(2).all(|pair| what(&pair[0]) != what(&pair[1]))
}

/// Asserts the signatures of contract 12.5 and of Standard Webhooks.
pub(crate) fn is_signed(it: &Received, secret: &str) {
    let secret = Secret(secret.to_owned());
    let hex = signatures::of_body(&secret, it.body.as_bytes());
    assert_eq!((it.header("x-hitl-signature-256"), it.header("x-hitl-signature")), (&*format!("sha256={hex}"), &*hex));
    let seconds = it.header("webhook-timestamp").parse().unwrap();
    let standard = signatures::standard(&secret, it.header("webhook-id"), seconds, it.body.as_bytes());
    assert_eq!(it.header("webhook-signature").split(' ').next(), Some(&*standard));
}

on_both! {
    async fn contract_12_6_nine_attempts_on_the_schedule_and_then_no_more(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        receiver.answers(status(500));
        rename(&world, &asker, "New").await;
        assert_eq!(deliver(&world).await, 2, "the first is tried again at once");
        for (attempts, delay) in (2..).zip([15, 60, 300, 1800, 7200, 43_200, 86_400]) {
            let entry = &log(&world, &asker, &id, "").await[0];
            has(entry, &json!({"status": "retrying", "attempt": attempts, "max_attempts": 9, "response_status": 500}));
            let wait = wait(&world, entry);
            assert!((delay * 4 / 5 - 1..=delay * 6 / 5 + 1).contains(&wait), "{wait} for {delay}");
            world.clock.advance(wait - 1);
            assert_eq!(deliver(&world).await, 0, "not before its time");
            world.clock.advance(2);
            assert_eq!(deliver(&world).await, 1);
        }
        let entry = &log(&world, &asker, &id, "").await[0];
        has(entry, &json!({"status": "failed", "attempt": 9, "next_retry_at": null, "delivered_at": null, "error": "the receiver answered 500"}));
        world.clock.advance(10 * 86_400);
        assert_eq!(deliver(&world).await, 0);

        let came = receiver.received();
        let attempts: Vec<_> = came.iter().map(|it| it.header("x-hitl-attempt")).collect();
        assert_eq!(attempts, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert!(same(&came, |it| &it.body) && same(&came, |it| it.header("webhook-id")) && same(&came, |it| it.header("x-hitl-delivery")));
        assert!(different(&came[1..], |it| it.header("webhook-timestamp")) && different(&came[1..], |it| it.header("webhook-signature")));
        for it in &came {
            is_signed(it, SECRET);
        }
        assert_eq!(came[0].json()["timestamp"], START, "the event's time");
    }

    async fn contract_12_6_what_a_status_means(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        for code in [200, 201, 202, 204, 299] {
            receiver.answers_next([status(code)]);
            rename(&world, &asker, &format!("{code}")).await;
            assert_eq!(deliver(&world).await, 1);
            let now = world.now().to_string();
            has(&log(&world, &asker, &id, "").await[0], &json!({
                "status": "success", "success": true, "attempt": 1, "response_status": code, "error": null,
                "delivered_at": now, "next_retry_at": null,
            }));
            has(&shown(&world, &asker, &id).await, &json!({"last_status": code, "last_delivery_at": now, "failure_count": 0}));
        }
        for code in [400, 401, 403, 404, 405, 422, 451] {
            receiver.answers_next([status(code)]);
            rename(&world, &asker, &format!("{code}")).await;
            assert_eq!(deliver(&world).await, 1, "{code} is final");
            has(&log(&world, &asker, &id, "").await[0], &json!({
                "status": "failed", "success": false, "attempt": 1, "response_status": code,
                "error": format!("the receiver answered {code}"), "delivered_at": null, "next_retry_at": null,
            }));
        }
        has(&shown(&world, &asker, &id).await, &json!({"last_status": 451, "failure_count": 7, "enabled": true}));
        for code in [301, 302, 307, 308, 408, 429, 500, 502, 503, 504] {
            receiver.answers_next([with_header(code, "location", &receiver.url("/elsewhere"))]);
            rename(&world, &asker, &format!("{code}")).await;
            assert_eq!(deliver(&world).await, 2, "{code} is tried again");
            has(&log(&world, &asker, &id, "").await[0], &json!({"status": "success", "attempt": 2, "response_status": 200, "error": null}));
        }
        assert!(receiver.received().iter().all(|it| it.path == "/hook"), "redirects are not followed");
        has(&shown(&world, &asker, &id).await, &json!({"last_status": 200, "failure_count": 0}));
    }

    async fn contract_12_6_retry_after_is_waited_for_within_bounds(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        for (code, after, wanted) in [
            (429, "30", 30),
            (503, "30", 30),
            (429, "3600", 3600),
            (503, "86400", 3600),
            (429, "Fri, 15 Mar 2030 00:00:00 GMT", 3600),
            (429, "-5", 0),
            (429, "soon", 0),
            (500, "30", 0),
        ] {
            receiver.answers_next([with_header(code, "retry-after", after)]);
            rename(&world, &asker, after).await;
            if wanted > 0 {
                assert_eq!(deliver(&world).await, 1, "{code} {after}");
                let entry = &log(&world, &asker, &id, "").await[0];
                assert_eq!((&entry["status"], wait(&world, entry)), (&json!("retrying"), wanted), "{code} {after}");
                world.clock.advance(wanted - 1);
                assert_eq!(deliver(&world).await, 0, "{code} {after}");
                world.clock.advance(1);
                assert_eq!(deliver(&world).await, 1, "{code} {after}");
            } else {
                assert_eq!(deliver(&world).await, 2, "{code} {after}");
            }
        }
    }

    async fn contract_12_6_no_answer_is_tried_again(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        let closed = receiver.url("/hook");
        drop(receiver);
        tokio::time::sleep(Duration::from_millis(50)).await;
        rename(&world, &asker, "New").await;
        assert_eq!(deliver(&world).await, 2, "{closed}");
        let entry = &log(&world, &asker, &id, "").await[0];
        has(entry, &json!({"status": "retrying", "attempt": 2, "response_status": null, "response_body": null}));
        assert!(entry["error"].as_str().unwrap().to_lowercase().contains("refused"), "{entry}");
    }

    async fn contract_12_5_a_delivery_has_all_headers(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        rename(&world, &asker, "Ünïcode \u{1F980}").await;
        deliver(&world).await;
        let it = receiver.only();
        let entry = &log(&world, &asker, &id, "").await[0];
        for (name, value) in [
            ("content-type", "application/json"),
            ("user-agent", "HITL-Webhooks/1.0"),
            ("x-hitl-event", "loop.updated"),
            ("x-hitl-delivery", entry["id"].as_str().unwrap()),
            ("x-hitl-event-id", entry["event_id"].as_str().unwrap()),
            ("webhook-id", entry["event_id"].as_str().unwrap()),
            ("x-hitl-attempt", "1"),
            ("webhook-timestamp", &world.now().seconds().to_string()),
        ] {
            assert_eq!(it.header(name), value, "{name}");
        }
        assert_eq!((&json!(it.body), &it.json()["event_id"]), (&entry["request_body"], &entry["event_id"]));
        is_signed(&it, SECRET);
        assert!(!it.headers.contains_key("x-hitl-signature-previous") && !it.headers.contains_key("authorization"));
    }

    async fn a_callback_is_signed_with_the_accounts_secret(world: World) {
        let (world, asker, receiver, _) = set(&world).await;
        let secret = world.get("/v1/api/webhooks/signing-secret").key(&asker.key).await.text("data.secret");
        let id = world.ask(&asker, &question_with(&json!({"callback_url": receiver.url("/callback?run=1")}))).await;
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        assert_eq!(deliver(&world).await, 1);
        let it = receiver.only();
        assert_eq!((it.path.as_str(), it.event()), ("/callback", "request.completed".into()));
        is_signed(&it, &secret);
    }

    async fn quality_b_for_a_day_after_a_rotation_both_secrets_sign(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        let rotated = world.post(&crate::hooking::at(&id, "/rotate-secret")).key(&asker.key).await;
        let new = rotated.text("data.secret");
        assert!(new.starts_with("whsec_") && new != SECRET && rotated.text("data.webhook.secret") == new);
        for (after, both) in [(0, true), (24 * 3600 - 1, true), (1, false)] {
            world.clock.advance(after);
            rename(&world, &asker, &format!("After {after}")).await;
            deliver(&world).await;
            let it = receiver.only();
            is_signed(&it, &new);
            let standard: Vec<_> = it.header("webhook-signature").split(' ').collect();
            let old = Secret(SECRET.into());
            if both {
                let seconds = world.now().seconds();
                assert_eq!(standard[1], signatures::standard(&old, it.header("webhook-id"), seconds, it.body.as_bytes()));
                assert_eq!(it.header("x-hitl-signature-previous"), signatures::of_body(&old, it.body.as_bytes()));
            } else {
                assert!(standard.len() == 1 && it.header("x-hitl-signature-256-previous").is_empty(), "{standard:?}");
            }
        }
        let own = world.patch(&crate::hooking::at(&id, "")).key(&asker.key).json(&json!({"secret": "a secret of mine"})).await;
        own.accepted(200, "Webhook updated successfully");
        rename(&world, &asker, "Mine").await;
        deliver(&world).await;
        let it = receiver.only();
        is_signed(&it, "a secret of mine");
        assert_eq!(it.header("x-hitl-signature-previous"), signatures::of_body(&Secret(new), it.body.as_bytes()));
    }

    async fn contract_12_9_at_most_4_kb_of_an_answer_are_kept(world: World) {
        let (world, asker, receiver, id) = set(&world).await;
        for (sent, kept) in [
            ("é".repeat(50_000), "é".repeat(2048)),
            (format!("x{}", "é".repeat(50_000)), format!("x{}", "é".repeat(2047))),
            ("\0".repeat(5000), "\u{fffd}".repeat(1365)),
            ("fine\0".to_owned(), "fine\u{fffd}".to_owned()),
            (String::new(), String::new()),
        ] {
            receiver.answers(Reply { body: sent, ..status(200) });
            rename(&world, &asker, "New").await;
            deliver(&world).await;
            let entry = &log(&world, &asker, &id, "").await[0];
            assert_eq!((&entry["status"], &entry["response_body"]), (&json!("success"), &json!(kept)));
        }
    }

    async fn a08_what_a_dead_process_had_queued_or_leased_is_sent_by_the_next(world: World) {
        let (first, asker, receiver, id) = set(&world).await;
        rename(&first, &asker, "Queued").await;
        rename(&first, &asker, "Leased").await;
        let leased = deliveries::lease(&first.app, &[], 1, 1).await.unwrap().leased;
        assert_eq!(leased.len(), 1);
        drop(first);
        let next = reaching_loopback(&world.beside(|_| {}).await);
        assert_eq!(deliver(&next).await, 1, "what is leased is somebody's for a minute");
        next.clock.advance(60);
        assert_eq!(deliver(&next).await, 1);
        assert_eq!(receiver.received().len(), 2);
        assert!(log(&next, &asker, &id, "").await.iter().all(|entry| entry["status"] == "success" && entry["attempt"] == 1));
        next.app.store.close().await;
    }

    async fn quality_b_two_processes_never_send_the_same_attempt_twice(world: World) {
        let (one, asker, receiver, id) = set(&world).await;
        let other = reaching_loopback(&world.beside(|_| {}).await);
        for count in 0..60 {
            rename(&one, &asker, &format!("Name {count}")).await;
        }
        let (by_one, by_other) = tokio::join!(deliver(&one), deliver(&other));
        assert_eq!(by_one + by_other, 60);
        let mut sent: Vec<_> = receiver.received().iter().map(|it| it.header("x-hitl-delivery").to_owned()).collect();
        sent.sort();
        sent.dedup();
        assert_eq!((receiver.received().len(), sent.len()), (60, 60));
        assert!(log(&one, &asker, &id, "?limit=100").await.iter().all(|entry| entry["attempt"] == 1));
        other.app.store.close().await;
    }

    async fn a09_a_receiver_that_hangs_delays_nobody(world: World) {
        let (world, asker, slow, _) = set(&world).await;
        let quick = Receiver::start().await;
        slow.answers(Reply { hangs: true, ..status(200) });
        let stop = tokio_util::sync::CancellationToken::new();
        let worker = tokio::spawn(hitl_server::worker::deliver::run(world.app.clone(), stop.clone()));
        for count in 0..30 {
            rename(&world, &asker, &format!("Name {count}")).await;
        }
        slow.has(9).await;
        hook(&world, &asker, &json!({"url": quick.url("/"), "events": ["loop.updated"]})).await;
        for count in 1..=10 {
            rename(&world, &asker, &format!("Later {count}")).await;
            quick.has(count).await;
        }
        let held = slow.received().len();
        assert!((9..=16).contains(&held), "it holds its own places: {held}");
        let id = world.ask(&asker, &question_with(&json!({"callback_url": slow.url("/callback")}))).await;
        let answered = soon(respond(&world, &asker.session, &id, &json!("approve"))).await;
        answered.accepted(200, "Response submitted"); // though its own callback hangs
        stop.cancel();
        slow.answers(status(200));
        slow.goes_on();
        tokio::time::timeout(Duration::from_secs(10), worker).await.expect("the worker ends").unwrap();
    }
}
