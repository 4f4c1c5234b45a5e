//! What is over is kept as long as the settings say, and goes with what hangs on it.

use crate::{
    asking::{act, has, in_state, path, respond},
    harness::{Asker, World, on_both, question_with},
    hooking::{at, deliver, hook, rename, subscriber},
    reading::Eye,
    receiver::{Receiver, reaching_loopback},
};
use hitl_server::{settings::Retention, worker::sweep};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const DAY: i64 = 86_400;

const fn days(count: u64) -> Duration {
    Duration::from_hours(24 * count)
}

/// The same server with another retention.
fn keeping(world: &World, retention: Retention) -> World {
    let mut settings = (*world.app.settings).clone();
    settings.retention = retention;
    World { app: world.app.changed(|parts| parts.settings = Arc::new(settings)), ..world.clone() }
}

/// For ever, but for finished requests.
const REQUESTS: Retention = Retention { requests: Some(days(10)), events: None, deliveries: None };
/// For ever, but for events.
const EVENTS: Retention = Retention { requests: None, events: Some(days(10)), deliveries: None };

/// A request with everything that can hang on one: answered from a draft, told by callback and webhook, with feedback.
async fn full_life(world: &World, asker: &Asker, receiver: &Receiver) -> String {
    let id = world.ask(asker, &question_with(&json!({"callback_url": receiver.url("/done")}))).await;
    act(world, &asker.session, &id, "claim").await.accepted(200, "Request claimed");
    respond(world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
    let draft = world.put(&format!("/v1/reviewer/requests/{id}/draft")).key(&asker.session);
    assert_eq!(draft.json(&json!({"response_data": "late"})).await.status, 409);
    let given = world.post(&format!("{}/feedback", path(&id))).key(&asker.key).json(&json!({"rating": 5})).await;
    given.accepted(200, "Feedback added successfully");
    deliver(world).await;
    id
}

on_both! {
    async fn a_finished_request_goes_with_all_that_hangs_on_it_and_nothing_else(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = keeping(&reaching_loopback(&world), REQUESTS);
        hook(&world, &asker, &json!({"url": receiver.url("/hook")})).await;
        let open = world.ask(&asker, &question_with(&json!({"processing_type": "deferred", "timeout_seconds": 30 * DAY}))).await;
        let gone = full_life(&world, &asker, &receiver).await;
        rename(&world, &asker, "New").await;
        world.clock.advance(1);
        let kept = full_life(&world, &asker, &receiver).await;
        deliver(&world).await;
        world.get(&path(&gone)).key(&asker.key).await.accepted(200, "Request retrieved successfully");

        world.clock.advance(10 * DAY - 1);
        let mut eye = Eye::open(&world).await;
        let before = eye.every_row().await;
        for table in ["requests", "feedback", "events", "deliveries"] {
            assert!(before.iter().any(|row| row.starts_with(&format!("{table} ")) && row.contains(&gone)), "{table}");
        }
        let delivery = before.iter().find(|row| row.starts_with("deliveries ") && row.contains(&gone)).unwrap();
        let delivery: Value = serde_json::from_str(delivery.split_once(' ').unwrap().1).unwrap();
        let attempt = delivery["id"].as_str().unwrap();
        assert!(before.iter().any(|row| row.starts_with("attempts ") && row.contains(attempt)));

        assert_eq!(sweep::sweep_requests(&world.app, 50).await.unwrap(), 0, "ten days are not over");
        assert_eq!(eye.every_row().await, before);
        world.clock.advance(1);
        assert_eq!(sweep::sweep_requests(&world.app, 50).await.unwrap(), 1);
        let after = eye.every_row().await;
        let attempts = |rows: &[String]| rows.iter().filter(|row| row.starts_with("attempts ")).count();
        let of_the_one = |row: &&String| !row.contains(&gone) && !row.starts_with("attempts ");
        assert!(before.iter().filter(of_the_one).eq(after.iter().filter(of_the_one)), "all else stays");
        assert!(!after.iter().any(|row| row.contains(&gone)));
        assert!(!after.iter().any(|row| row.contains(attempt)) && attempts(&after) > 0 && attempts(&after) < attempts(&before));

        world.get(&path(&gone)).key(&asker.key).await.refused(404, "Request not found", &Value::Null);
        for id in [&open, &kept] {
            world.get(&path(id)).key(&asker.key).await.accepted(200, "Request retrieved successfully");
        }
    }

    async fn a_request_is_finished_however_it_ended_and_kept_for_ever_by_default(world: World) {
        let asker = world.asker().await;
        for state in ["completed", "cancelled", "timeout"] {
            let id = in_state(&world, &asker, state).await;
            has(world.get(&path(&id)).key(&asker.key).await.at("data.request"), &json!({"status": state}));
        }
        world.clock.advance(20_000 * DAY);
        let asker = Asker { session: world.sign_in(&asker.owner).await, ..asker };
        for state in ["pending", "claimed"] {
            in_state(&world, &asker, state).await; // and nobody has looked since
        }
        world.clock.advance(11 * DAY);
        sweep::step(world.app.clone()).await.unwrap();
        let listed = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(listed.at("data.total"), 5);
        assert_eq!(sweep::sweep_requests(&keeping(&world, REQUESTS).app, 2).await.unwrap(), 3, "in two batches");
    }

    async fn a_request_stays_as_long_as_something_is_to_be_sent_of_it(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let sending = keeping(&reaching_loopback(&world), REQUESTS);
        let id = world.ask(&asker, &question_with(&json!({"callback_url": receiver.url("/done")}))).await;
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        world.clock.advance(11 * DAY);
        assert_eq!(sweep::sweep_requests(&sending.app, 50).await.unwrap(), 0);
        assert_eq!(deliver(&sending).await, 1);
        assert_eq!(sweep::sweep_requests(&sending.app, 50).await.unwrap(), 1);
    }

    async fn events_are_kept_for_90_days(world: World) {
        let asker = world.asker().await;
        let id = in_state(&world, &asker, "completed").await;
        let told = world.events(&id).await;
        world.clock.advance(90 * DAY);
        sweep::step(world.app.clone()).await.unwrap();
        assert_eq!(world.events(&id).await, told);
        world.clock.advance(1);
        rename(&world, &asker, "New").await;
        sweep::step(world.app.clone()).await.unwrap();
        assert_eq!(world.events(&id).await, [""; 0]);
        assert_eq!(world.loop_events(&asker.loop_id).await, ["loop.updated"]);
        has(world.get(&path(&id)).key(&asker.key).await.at("data.request"), &json!({"status": "completed"}));
    }

    async fn events_of_a_request_that_is_open_are_never_swept(world: World) {
        let asker = world.asker().await;
        let world = keeping(&world, EVENTS);
        let month = question_with(&json!({"processing_type": "deferred", "timeout_seconds": 30 * DAY}));
        let (pending, claimed) = (world.ask(&asker, &month).await, world.ask(&asker, &month).await);
        act(&world, &asker.session, &claimed, "claim").await.accepted(200, "Request claimed");
        let ended = in_state(&world, &asker, "completed").await;
        world.clock.advance(20 * DAY);
        assert!(sweep::sweep_events(&world.app, 1).await.unwrap() > 3, "one after the other");
        assert_eq!(world.events(&pending).await, ["request.created"]);
        assert_eq!(world.events(&claimed).await, ["request.created", "request.claimed"]);
        assert_eq!(world.events(&ended).await, [""; 0]);
        world.delete(&path(&pending)).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        sweep::sweep_events(&world.app, 50).await.unwrap();
        assert_eq!(world.events(&pending).await, ["request.cancelled"]);
    }

    async fn who_reads_on_after_a_sweep_misses_nothing_and_sees_nothing_twice(world: World) {
        let asker = world.asker().await;
        rename(&world, &asker, "Old").await;
        world.clock.advance(11 * DAY);
        let last = hitl_server::store::events::last_seq(&world.app.store).await.unwrap();
        sweep::sweep_events(&keeping(&world, EVENTS).app, 50).await.unwrap();
        assert_eq!(hitl_server::store::events::last_seq(&world.app.store).await.unwrap(), 0, "none is left");
        rename(&world, &asker, "New").await;
        let stream = world.get("/v1/api/events").key(&asker.key).header("last-event-id", &last.to_string()).await;
        let told = String::from_utf8(stream.bytes).unwrap();
        assert_eq!(told.matches("event: ").count(), 1, "{told}");
        assert!(told.contains(&format!("id: {}", last + 1)), "{told}");
    }

    async fn deliveries_are_kept_as_long_as_the_settings_say(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        rename(&world, &asker, "Old").await;
        deliver(&world).await;
        world.clock.advance(60 * DAY);
        let left = async |deliveries| {
            let world = keeping(&world, Retention { requests: None, events: None, deliveries });
            sweep::step(world.app.clone()).await.unwrap();
            world.get(&at(&id, "/deliveries")).key(&asker.key).await.at("data.total").clone()
        };
        assert_eq!([left(None).await, left(Some(days(60))).await, left(Some(days(59))).await], [json!(1), json!(1), json!(0)]);
    }
}
