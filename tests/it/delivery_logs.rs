//! The log of deliveries, sending again, and test events (contract 12.8 and 12.9).

use crate::{
    asking::{has, respond},
    harness::{on_both, question},
    hooking::{at, deliver, hook, log, rename, shown, subscriber},
    receiver::{Receiver, Reply, reaching_loopback, status},
};
use serde_json::{Value, json};

/// The keys of an entry as contract 12.9 lists them; ours (`success`, `cause`) come between.
const KEYS: [&str; 20] = [
    "id",
    "webhook_id",
    "kind",
    "event",
    "event_id",
    "request_id",
    "url",
    "status",
    "success",
    "attempt",
    "max_attempts",
    "cause",
    "response_status",
    "response_time_ms",
    "error",
    "request_body",
    "response_body",
    "created_at",
    "delivered_at",
    "next_retry_at",
];

fn ids(log: &[Value]) -> Vec<&str> {
    log.iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

on_both! {
    async fn contract_12_9_an_entry_has_all_keys(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/hook"), "events": ["request.completed"]})).await;
        let request = world.ask(&asker, &question()).await;
        respond(&world, &asker.session, &request, &json!("approve")).await.accepted(200, "Response submitted");
        let created = world.now().to_string();
        let pending = &log(&world, &asker, &id, "").await[0];
        assert_eq!(pending.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
        has(pending, &json!({
            "webhook_id": id, "kind": "webhook", "event": "request.completed", "request_id": request,
            "url": receiver.url("/hook"), "status": "pending", "attempt": 0, "max_attempts": 9, "response_status": null,
            "response_time_ms": null, "error": null, "response_body": null, "created_at": created, "delivered_at": null,
        }));
        world.clock.advance(2);
        receiver.answers(Reply { body: "thanks".into(), ..status(202) });
        let sending = reaching_loopback(&world);
        deliver(&sending).await;
        let sent = &log(&world, &asker, &id, "").await[0];
        assert_eq!(sent.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
        has(sent, &json!({
            "id": pending["id"], "event_id": pending["event_id"], "status": "success", "attempt": 1, "cause": "event",
            "response_status": 202, "response_body": "thanks", "created_at": created,
            "delivered_at": world.now().to_string(), "next_retry_at": null,
        }));
        assert!(sent["response_time_ms"].as_i64().unwrap() >= 0);
        has(&shown(&world, &asker, &id).await, &json!({"last_status": 202, "last_delivery_at": world.now().to_string()}));
    }

    async fn contract_12_9_the_log_is_filtered_and_paged(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/hook")})).await;
        let sending = reaching_loopback(&world);
        receiver.answers(status(400));
        rename(&world, &asker, "Failed").await;
        deliver(&sending).await;
        receiver.answers(status(500));
        rename(&world, &asker, "Retrying").await;
        deliver(&sending).await;
        receiver.answers(status(200));
        world.ask(&asker, &question()).await;
        deliver(&sending).await;
        rename(&world, &asker, "Pending").await;
        let all = log(&world, &asker, &id, "").await;
        let states: Vec<_> = all.iter().map(|entry| entry["status"].as_str().unwrap()).collect();
        assert_eq!(states, ["pending", "success", "retrying", "failed"], "the newest first");
        for (index, query) in ["?status=pending", "?status=success", "?status=retrying", "?status=failed"].iter().enumerate() {
            assert_eq!(ids(&log(&world, &asker, &id, query).await), [ids(&all)[index]], "{query}");
        }
        for (query, found) in [
            ("?event=request.created", vec![1]),
            ("?event=loop.updated", vec![0, 2, 3]),
            ("?event=loop.updated&status=failed", vec![3]),
            ("?event=loop.deleted", vec![]),
            ("?limit=2", vec![0, 1]),
            ("?limit=2&offset=1", vec![1, 2]),
            ("?offset=4", vec![]),
        ] {
            let found: Vec<_> = found.into_iter().map(|index: usize| ids(&all)[index]).collect();
            assert_eq!(ids(&log(&world, &asker, &id, query).await), found, "{query}");
        }
        let page = world.get(&at(&id, "/deliveries?limit=2&offset=1")).key(&asker.key).await;
        has(page.at("data"), &json!({"count": 2, "total": 4, "has_more": true}));
        has(page.at("data.pagination"), &json!({"limit": 2, "offset": 1}));
        let last = world.get(&at(&id, "/deliveries?limit=2&offset=2")).key(&asker.key).await;
        has(last.at("data"), &json!({"count": 2, "total": 4, "has_more": false}));
    }

    async fn contract_12_9_wrong_filters_are_refused(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "https://app.example.com/"})).await;
        for (query, msg, data) in [
            ("status=done", "Validation failed", "status must be one of: pending, success, failed, retrying"),
            ("event=done", "Validation failed", "event is unknown"),
            ("limit=0", "Invalid pagination parameters", "limit must be between 1 and 100"),
            ("limit=101", "Invalid pagination parameters", "limit must be between 1 and 100"),
            ("offset=-1", "Invalid pagination parameters", "offset must be 0 or greater"),
        ] {
            let refused = world.get(&at(&id, &format!("/deliveries?{query}"))).key(&asker.key).await;
            refused.refused(400, msg, &json!(data));
        }
    }

    async fn contract_12_9_the_log_is_kept_for_30_days(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/hook")})).await;
        rename(&world, &asker, "Old").await;
        deliver(&reaching_loopback(&world)).await;
        rename(&world, &asker, "Never sent").await;
        world.clock.advance(30 * 86_400);
        hitl_server::worker::sweep::step(world.app.clone()).await.unwrap();
        assert_eq!(log(&world, &asker, &id, "").await.len(), 2);
        world.clock.advance(1);
        hitl_server::worker::sweep::step(world.app.clone()).await.unwrap();
        let left = log(&world, &asker, &id, "").await;
        assert_eq!((left.len(), &left[0]["status"]), (1, &json!("pending")), "what is still to be sent stays");
    }

    async fn contract_12_8_redelivering_sends_the_same_event_again(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/hook"), "events": ["loop.updated"]})).await;
        let sending = reaching_loopback(&world);
        rename(&world, &asker, "New").await;
        deliver(&sending).await;
        let first = receiver.only();
        world.clock.advance(7);
        let path = at(&id, &format!("/deliveries/{}/redeliver", first.header("x-hitl-delivery")));
        let queued = world.post(&path).key(&asker.key).await;
        queued.accepted(200, "Delivery queued successfully");
        has(queued.at("data.delivery"), &json!({"status": "pending", "success": false, "cause": "manual", "delivered_at": null}));
        deliver(&sending).await;
        let again = receiver.only();
        assert_eq!((&first.body, first.header("webhook-id")), (&again.body, again.header("webhook-id")));
        assert_eq!(first.header("x-hitl-delivery"), again.header("x-hitl-delivery"));
        let times = [&first, &again].map(|it| it.header("webhook-timestamp").parse::<i64>().unwrap());
        assert_eq!(times[1] - times[0], 7);
        assert_ne!(first.header("webhook-signature"), again.header("webhook-signature"));
        has(&log(&world, &asker, &id, "").await[0], &json!({"status": "success", "cause": "manual", "attempt": 1}));
    }

    async fn what_is_sent_again_goes_where_the_webhook_points_by_now(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/old"), "events": ["loop.updated"]})).await;
        let sending = reaching_loopback(&world);
        rename(&world, &asker, "New").await;
        deliver(&sending).await;
        let first = receiver.only();
        let moved = world.patch(&at(&id, "")).key(&asker.key).json(&json!({"url": receiver.url("/new")})).await;
        assert_eq!(moved.status, 200);
        let path = at(&id, &format!("/deliveries/{}/redeliver", first.header("x-hitl-delivery")));
        assert_eq!(world.post(&path).key(&asker.key).await.status, 200);
        deliver(&sending).await;
        assert_eq!((first.path.as_str(), receiver.only().path.as_str()), ("/old", "/new"));
    }

    async fn a_delivery_that_is_being_sent_is_not_sent_again_meanwhile(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        rename(&world, &asker, "New").await;
        let leased = hitl_server::service::deliveries::lease(&world.app, &[], 1, 1).await.unwrap().leased;
        let path = at(&id, &format!("/deliveries/{}/redeliver", leased[0].delivery.id));
        let refused = world.post(&path).key(&asker.key).await;
        refused.refused(400, "Delivery is being sent at this moment", &json!(null));
    }

    async fn quality_b_recovering_sends_all_that_failed_since_then(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/hook"), "events": ["loop.updated"]})).await;
        let other = hook(&world, &asker, &json!({"url": receiver.url("/other"), "events": ["loop.updated"]})).await;
        let sending = reaching_loopback(&world);
        let mut times = Vec::new();
        for (name, code) in [("Old", 400), ("First", 404), ("Fine", 200), ("Second", 400)] {
            world.clock.advance(60);
            times.push(world.now().to_string());
            receiver.answers(status(code));
            rename(&world, &asker, name).await;
            deliver(&sending).await;
        }
        receiver.answers(status(200));
        receiver.take();
        let path = at(&id, "/recover");
        let recovered = world.post(&path).key(&asker.key).json(&json!({"since": times[1]})).await;
        recovered.accepted(200, "Deliveries queued successfully");
        assert_eq!(recovered.at("data"), &json!({"count": 2}));
        deliver(&sending).await;
        let mut names: Vec<_> = receiver.take().iter().map(|it| {
            assert_eq!((it.path.as_str(), it.header("x-hitl-attempt")), ("/hook", "1"));
            it.json()["data"]["loop"]["name"].as_str().unwrap().to_owned()
        }).collect();
        names.sort();
        assert_eq!(names, ["First", "Second"]);
        assert_eq!(log(&world, &asker, &other, "?status=failed").await.len(), 3, "another webhook's stay as they are");
        let again = world.post(&path).key(&asker.key).json(&json!({"since": times[1]})).await;
        assert_eq!(again.at("data.count"), 0);
        has(&log(&world, &asker, &id, "").await[0], &json!({"status": "success", "cause": "recovery"}));

        for (body, data) in [
            (json!({}), "since is required"),
            (json!({"since": "yesterday"}), "since must be an RFC 3339 timestamp"),
        ] {
            world.post(&path).key(&asker.key).json(&body).await.refused(400, "Validation failed", &json!(data));
        }
        world.patch(&at(&id, "")).key(&asker.key).json(&json!({"enabled": false})).await.accepted(200, "Webhook updated successfully");
        let refused = world.post(&path).key(&asker.key).json(&json!({"since": times[0]})).await;
        refused.refused(400, "Webhook is disabled", &json!(null));
    }

    async fn contract_12_8_a_test_event_is_sent_at_once(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let body = json!({"url": receiver.url("/hook"), "events": ["request.completed"], "enabled": false});
        let id = hook(&world, &asker, &body).await;
        let sending = reaching_loopback(&world);
        let tested = sending.post(&at(&id, "/test")).key(&asker.key).await;
        tested.accepted(200, "Test webhook sent successfully");
        has(tested.at("data.delivery"), &json!({
            "event": "webhook.test", "status": "success", "success": true, "attempt": 1, "max_attempts": 1, "cause": "test", "response_status": 200,
            "webhook_id": id, "request_id": null, "kind": "webhook",
        }));
        let came = receiver.only();
        let keys: Vec<_> = came.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["event", "event_id", "timestamp", "data"]);
        assert_eq!(came.json()["data"], json!({"webhook": {"id": id, "url": receiver.url("/hook")}}));
        assert_eq!(came.header("x-hitl-event"), "webhook.test");
        assert_eq!(log(&world, &asker, &id, "?event=webhook.test").await.len(), 1);
        assert_eq!(deliver(&sending).await, 0, "and not again");
    }

    async fn contract_12_8_a_test_of_a_dead_target_tells_so_and_is_not_tried_again(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let sending = reaching_loopback(&world);
        let refusing = hook(&world, &asker, &json!({"url": receiver.url("/hook")})).await;
        receiver.answers(status(503));
        let closed = format!("http://127.0.0.1:{}/", unused_port());
        let closed = hook(&world, &asker, &json!({"url": closed})).await;
        for (id, code, error) in [(&refusing, json!(503), "the receiver answered 503"), (&closed, json!(null), "refused")] {
            let tested = sending.post(&at(id, "/test")).key(&asker.key).await;
            tested.accepted(200, "Test webhook sent successfully");
            has(tested.at("data.delivery"), &json!({
                "status": "failed", "success": false, "response_status": code, "attempt": 1, "next_retry_at": null,
            }));
            assert!(tested.text("data.delivery.error").contains(error), "{}", tested.body);
            has(&shown(&world, &asker, id).await, &json!({"failure_count": 1, "last_status": code}));
        }
        world.clock.advance(86_400);
        assert_eq!(deliver(&sending).await, 0);
    }

    async fn contract_12_9_one_delivery_is_shown_with_each_attempt(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let id = hook(&world, &asker, &json!({"url": receiver.url("/hook"), "events": ["loop.updated"]})).await;
        let sending = reaching_loopback(&world);
        receiver.answers_next([Reply { body: "not now".into(), ..status(500) }]);
        rename(&world, &asker, "New").await;
        deliver(&sending).await;
        let listed = &log(&world, &asker, &id, "").await[0];
        assert_eq!(listed.get("attempts"), None, "a list stays short");
        for prefix in ["/v1/api", "/v1"] {
            let path = format!("{prefix}/webhooks/{id}/deliveries/{}", listed["id"].as_str().unwrap());
            let shown = world.get(&path).key(&asker.key).await;
            shown.accepted(200, "Webhook delivery retrieved successfully");
            has(shown.at("data.delivery"), listed);
            let attempts = shown.at("data.delivery.attempts").as_array().unwrap();
            assert_eq!(attempts.len(), 2);
            has(&attempts[0], &json!({"number": 2, "cause": "retry", "response_status": 200, "response_body": "", "error": null}));
            has(&attempts[1], &json!({
                "number": 1, "cause": "event", "at": world.now().to_string(), "response_status": 500, "response_body": "not now",
                "error": "the receiver answered 500",
            }));
        }
        let other = hook(&world, &asker, &json!({"url": receiver.url("/other")})).await;
        let elsewhere = at(&other, &format!("/deliveries/{}", listed["id"].as_str().unwrap()));
        world.get(&elsewhere).key(&asker.key).await.refused(404, "Delivery not found", &json!(null));
    }

    async fn contract_12_9_what_is_being_sent_has_no_next_time(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        rename(&world, &asker, "New").await;
        assert_eq!(log(&world, &asker, &id, "").await[0]["next_retry_at"], json!(world.now().to_string()));
        hitl_server::service::deliveries::lease(&world.app, &[], 1, 1).await.unwrap();
        has(&log(&world, &asker, &id, "").await[0], &json!({"status": "pending", "next_retry_at": null, "max_attempts": 9}));
    }

    async fn contract_12_9_sweeping_goes_on_until_nothing_old_is_left(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        for count in 0..10 {
            rename(&world, &asker, &format!("Name {count}")).await;
        }
        deliver(&world).await; // not to this machine: each has failed for good
        world.clock.advance(30 * 86_400 + 1);
        rename(&world, &asker, "New").await;
        assert_eq!(hitl_server::worker::sweep::sweep_deliveries(&world.app, 3).await.unwrap(), 10);
        assert_eq!(log(&world, &asker, &id, "").await.len(), 1);
    }

    async fn deleted_webhooks_are_removed_when_their_log_is(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        let kept = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        world.delete(&at(&id, "")).key(&asker.key).await.accepted(200, "Webhook deleted successfully");
        let there = async |id: &str| {
            hitl_server::worker::sweep::step(world.app.clone()).await.unwrap();
            hitl_server::store::webhooks::find_any(&world.app.store, id.parse().unwrap()).await.unwrap().is_some()
        };
        world.clock.advance(30 * 86_400);
        assert!(there(&id).await);
        world.clock.advance(1);
        assert!(!there(&id).await && there(&kept).await);
    }
}

/// A port of this machine where nobody listens.
fn unused_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
