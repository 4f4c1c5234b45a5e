//! When a webhook is disabled, and how it comes back (contract 12.6, quality B).

use crate::{
    accidents,
    asking::has,
    harness::{Asker, World, on_both},
    hooking::{at, bodies, deliver, hook, log, names, parsed, rename, shown, subscriber},
    receiver::{Receiver, reaching_loopback, status},
};
use serde_json::json;

const HOUR: i64 = 3600;

/// A world that may send here, somebody, a receiver of changes of loops, and a webhook that hears what becomes of webhooks.
async fn set(world: &World) -> (World, Asker, Receiver, [String; 2]) {
    let (asker, receiver) = (subscriber(world).await, Receiver::start().await);
    let id = hook(world, &asker, &json!({"url": receiver.url("/hook"), "events": ["loop.updated"]})).await;
    let watching = json!({"url": "http://127.0.0.1:9/", "events": ["webhook.failing", "webhook.disabled"]});
    let watcher = hook(world, &asker, &watching).await;
    (reaching_loopback(world), asker, receiver, [id, watcher])
}

on_both! {
    async fn quality_b_410_disables_at_once(world: World) {
        let (world, asker, receiver, [id, watcher]) = set(&world).await;
        receiver.answers_next([status(500), status(500)]);
        rename(&world, &asker, "Waits for its next attempt").await;
        deliver(&world).await;
        receiver.answers(status(410));
        rename(&world, &asker, "Gone").await;
        deliver(&world).await;
        has(&shown(&world, &asker, &id).await, &json!({
            "enabled": false, "disabled_reason": "the receiver answered 410 Gone", "last_status": 410, "failure_count": 3,
        }));
        let log = log(&world, &asker, &id, "").await;
        has(&log[0], &json!({"status": "failed", "attempt": 1, "response_status": 410, "next_retry_at": null}));
        has(&log[1], &json!({
            "status": "failed", "attempt": 2, "next_retry_at": null,
            "error": "the webhook was disabled: the receiver answered 410 Gone",
        }));
        let told = bodies(&world, &asker, &watcher).await;
        assert_eq!(names(&told), ["webhook.disabled"]);
        assert_eq!(parsed(&told[0])["data"], json!({
            "webhook": {"id": id, "url": receiver.url("/hook"), "loop_id": null}, "reason": "the receiver answered 410 Gone",
        }));
        receiver.take();
        rename(&world, &asker, "Unheard").await;
        world.clock.advance(86_400);
        deliver(&world).await;
        assert_eq!(receiver.received().len(), 0, "nothing is sent to it");

        receiver.answers(status(200));
        let enabled = world.patch(&at(&id, "")).key(&asker.key).json(&json!({"enabled": true})).await;
        has(enabled.at("data.webhook"), &json!({"enabled": true, "disabled_reason": null, "failure_count": 0}));
        rename(&world, &asker, "Heard").await;
        deliver(&world).await;
        assert_eq!(receiver.only().json()["data"]["loop"]["name"], "Heard");
    }

    async fn quality_b_after_5_days_of_failure_it_is_disabled_with_a_warning_before(world: World) {
        let (world, asker, receiver, [id, watcher]) = set(&world).await;
        receiver.answers(status(500));
        let began = world.now();
        for half_day in 0..10 {
            rename(&world, &asker, &format!("After {half_day} half days")).await;
            deliver(&world).await;
            has(&shown(&world, &asker, &id).await, &json!({"enabled": true, "last_status": 500}));
            let told = names(&bodies(&world, &asker, &watcher).await);
            assert_eq!(told.len(), usize::from(half_day >= 6), "warned once, after three days: {half_day}");
            world.clock.advance(12 * HOUR);
        }
        rename(&world, &asker, "After five days").await;
        deliver(&world).await;
        has(&shown(&world, &asker, &id).await, &json!({"enabled": false, "disabled_reason": "nothing but failure for 5 days"}));
        let told = bodies(&world, &asker, &watcher).await;
        assert_eq!(names(&told), ["webhook.failing", "webhook.disabled"]);
        has(&parsed(&told[0])["data"], &json!({
            "failing_since": began.to_string(), "disabled_at": began.plus_seconds(5 * 24 * HOUR).to_string(),
        }));
        receiver.take();
        world.clock.advance(30 * 24 * HOUR);
        deliver(&world).await;
        assert_eq!(receiver.received().len(), 0, "what was on its way is given up");
    }

    async fn quality_b_one_success_ends_the_count(world: World) {
        let (world, asker, receiver, [id, watcher]) = set(&world).await;
        for day in 0..12 {
            receiver.answers(status(if day % 4 == 3 { 200 } else { 400 }));
            rename(&world, &asker, &format!("Day {day}")).await;
            deliver(&world).await;
            let failures = if day % 4 == 3 { 0 } else { day % 4 + 1 };
            has(&shown(&world, &asker, &id).await, &json!({"enabled": true, "failure_count": failures}));
            world.clock.advance(24 * HOUR - 1);
        }
        assert_eq!(bodies(&world, &asker, &watcher).await, [""; 0], "never three days of nothing but failure");
    }

    async fn quality_b_a_webhook_that_is_rarely_used_is_warned_a_day_before_too(world: World) {
        let (world, asker, receiver, [id, watcher]) = set(&world).await;
        receiver.answers(status(400));
        for (days, enabled, told) in [(0, true, vec![]), (6, true, vec!["webhook.failing"]), (1, false, vec!["webhook.failing", "webhook.disabled"])] {
            world.clock.advance(days * 24 * HOUR);
            for name in ["One", "Two"] {
                rename(&world, &asker, name).await;
                deliver(&world).await;
            }
            has(&shown(&world, &asker, &id).await, &json!({"enabled": enabled}));
            assert_eq!(names(&bodies(&world, &asker, &watcher).await), told, "{days}");
        }
    }

    async fn a_disabled_or_deleted_webhook_is_not_sent_what_was_queued(world: World) {
        let (world, asker, receiver, [id, _]) = set(&world).await;
        rename(&world, &asker, "Queued").await;
        let path = at(&id, "");
        world.patch(&path).key(&asker.key).json(&json!({"enabled": false})).await.accepted(200, "Webhook updated successfully");
        deliver(&world).await;
        has(&log(&world, &asker, &id, "").await[0], &json!({"status": "failed", "error": "the webhook is paused", "response_status": null, "attempt": 0}));
        has(&shown(&world, &asker, &id).await, &json!({"failure_count": 0, "last_delivery_at": null, "last_status": null}));
        world.patch(&path).key(&asker.key).json(&json!({"enabled": true})).await.accepted(200, "Webhook updated successfully");
        let since = json!({"since": world.now().to_string()});
        let recovered = world.post(&at(&id, "/recover")).key(&asker.key).json(&since).await;
        assert_eq!(recovered.at("data"), &json!({"count": 1}));
        assert_eq!((deliver(&world).await, receiver.take().len()), (1, 1), "and comes after all when it is recovered");

        rename(&world, &asker, "Queued again").await;
        world.delete(&path).key(&asker.key).await.accepted(200, "Webhook deleted successfully");
        deliver(&world).await;
        assert_eq!(receiver.received().len(), 0);
    }

    async fn what_was_queued_while_its_webhook_was_deleted_is_not_sent(world: World) {
        let (world, asker, receiver, [id, _]) = set(&world).await;
        for (cause, name) in [("event", "One"), ("manual", "Two")] {
            rename(&world, &asker, name).await;
            // As a transaction leaves it that had read the webhook before, and ended after.
            let waits = format!("update deliveries set status = 'pending', next_attempt_at = created_at, cause = '{cause}' where webhook_id = '{id}'");
            if cause == "event" {
                world.delete(&at(&id, "")).key(&asker.key).await.accepted(200, "Webhook deleted successfully");
            }
            accidents::run(&world, &waits).await;
            assert!(deliver(&world).await > 0);
            assert_eq!(receiver.received().len(), 0, "{cause}");
        }
    }
}
