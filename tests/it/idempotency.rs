//! `Idempotency-Key`: what is sent twice is done once (quality A15).

use crate::{
    asking::{ids, path, respond},
    harness::{Answer, Asker, World, on_both, question, question_with},
    listening::soon,
};
use hitl_server::{service::idempotency, store::Db, worker::sweep};
use serde_json::{Value, json};
use std::time::Duration;

const USED: &str = "Idempotency-Key was used with a different request";

async fn send(world: &World, asker: &Asker, key: &str, body: &Value) -> Answer {
    post(world, &asker.key, &requests(asker), key, body).await
}

async fn post(world: &World, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    world.post(path).key(token).header("idempotency-key", key).json(body).await
}

fn requests(asker: &Asker) -> String {
    format!("/v1/api/loops/{}/requests", asker.loop_id)
}

async fn all(world: &World, asker: &Asker) -> Vec<String> {
    ids(&world.get("/v1/api/requests?limit=100").key(&asker.key).await)
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

on_both! {
    async fn what_is_done_is_answered_so_where_the_answer_cannot_be_kept(world: World) {
        let asker = world.asker().await;
        let broken = match world.app.store.engine() {
            "sqlite" => "create trigger broken before update on idempotency_keys begin select raise(abort, 'broken'); end",
            _ => "alter table idempotency_keys add constraint broken check (status is null)",
        };
        world.app.store.sql(broken).run().await.unwrap();
        send(&world, &asker, "one", &question()).await.accepted(201, "Request created and broadcasted successfully");
        assert_eq!(all(&world, &asker).await.len(), 1);
    }

    async fn a15_the_same_call_is_answered_the_same_and_marked(world: World) {
        let asker = world.asker().await;
        let first = send(&world, &asker, "one", &question()).await;
        assert_eq!((first.status, replayed(&first)), (201, false));
        world.clock.advance(3600);
        let again = send(&world, &asker, " one ", &question()).await;
        again.accepted(201, "Request created and broadcasted successfully");
        assert_eq!((replayed(&again), &again.bytes), (true, &first.bytes));
        assert!(!again.header("x-ratelimit-remaining").is_empty());
        assert_eq!(all(&world, &asker).await, [first.text("data.id")]);
        let other = send(&world, &asker, "two", &question()).await;
        assert_eq!((other.status, replayed(&other), all(&world, &asker).await.len()), (201, false, 2));
    }

    async fn a15_the_same_call_under_the_other_prefix_is_the_same(world: World) {
        let asker = world.asker().await;
        for (kept, alias) in [("/v1/api", "/v1"), ("/v1", "/v1/api")] {
            let key = format!("first under {kept}");
            let path = |prefix: &str| format!("{prefix}/loops/{}/requests", asker.loop_id);
            let first = post(&world, &asker.key, &path(kept), &key, &question()).await;
            let again = post(&world, &asker.key, &format!("{}/", path(alias)), &key, &question()).await;
            assert_eq!((first.status, replayed(&first)), (201, false));
            assert_eq!((again.status, replayed(&again), &again.bytes), (201, true, &first.bytes));
            let other = question_with(&json!({"priority": "low"}));
            post(&world, &asker.key, &path(alias), &key, &other).await.refused(422, USED, &json!(null));
        }
        assert_eq!(all(&world, &asker).await.len(), 2);
    }

    async fn a15_another_call_under_the_same_key_is_refused(world: World) {
        let asker = world.asker().await;
        let first = send(&world, &asker, "one", &question()).await;
        send(&world, &asker, "one", &question_with(&json!({"priority": "low"}))).await.refused(422, USED, &json!(null));
        let cancel = format!("{}/cancel", path(&first.text("data.id")));
        post(&world, &asker.key, &cancel, "one", &question()).await.refused(422, USED, &json!(null));
        post(&world, &asker.key, "/v1/api/loops", "one", &json!({"name": "Another"})).await.refused(422, USED, &json!(null));
        assert_eq!(all(&world, &asker).await.len(), 1);
        assert_eq!(world.get(&path(&first.text("data.id"))).key(&asker.key).await.text("data.status"), "pending");
    }

    async fn a15_a_call_that_is_still_running_is_answered_409(world: World) {
        let asker = world.asker().await;
        let (key, token) = world.key_with(&asker.owner, |_| {}).await;
        let call = format!("POST {}", requests(&asker));
        let body = question().to_string();
        assert!(matches!(idempotency::begin(&world.app, key.id, "one", &call, body.as_bytes()).await, Ok(idempotency::Begun::First)));
        let running = post(&world, &token, &requests(&asker), "one", &question()).await;
        running.refused(409, "A request with this Idempotency-Key is still running", &json!(null));
        assert_eq!(running.header("retry-after"), "1");
        world.clock.advance(61);
        let later = post(&world, &token, &requests(&asker), "one", &question()).await;
        assert_eq!((later.status, replayed(&later)), (201, false), "what ran died with its process");
        assert!(replayed(&post(&world, &token, &requests(&asker), "one", &question()).await));
        assert_eq!(all(&world, &asker).await.len(), 1);
    }

    async fn a15_parallel_twins_make_one(world: World) {
        let asker = world.asker().await;
        let beside = world.beside(|_| {}).await;
        let calls = (0..40).map(|turn| {
            let (world, asker) = (if turn % 2 == 0 { world.clone() } else { beside.clone() }, asker.clone());
            tokio::spawn(async move { send(&world, &asker, "twin", &question()).await })
        });
        let calls: Vec<_> = calls.collect();
        let (mut first, mut made) = (0, Vec::new());
        for call in calls {
            let answer = soon(call).await.unwrap();
            match answer.status {
                201 => {
                    first += usize::from(!replayed(&answer));
                    made.push(answer.text("data.id"));
                }
                status => assert_eq!((status, answer.header("retry-after")), (409, "1"), "{}", answer.body),
            }
        }
        made.dedup();
        assert_eq!((first, all(&world, &asker).await), (1, made));
        beside.app.store.close().await;
    }

    async fn an_idempotency_key_counts_for_one_api_key(world: World) {
        let asker = world.asker().await;
        let other = Asker { key: world.key(&asker.owner).await, ..asker.clone() };
        let first = send(&world, &asker, "one", &question()).await;
        let second = send(&world, &other, "one", &question()).await;
        assert_eq!((second.status, replayed(&second)), (201, false));
        assert_ne!(first.text("data.id"), second.text("data.id"));
    }

    async fn refusals_are_remembered_and_failures_of_ours_are_not(world: World) {
        let asker = world.asker().await;
        let wrong = question_with(&json!({"request_text": ""}));
        let first = send(&world, &asker, "wrong", &wrong).await;
        let again = send(&world, &asker, "wrong", &wrong).await;
        assert_eq!((first.status, again.status, replayed(&again), &again.body), (400, 400, true, &first.body));

        world.app.store.sql("alter table events rename to events_elsewhere").run().await.unwrap();
        let broken = send(&world, &asker, "broken", &question()).await;
        broken.refused(500, "Failed to create request", &json!(null));
        world.app.store.sql("alter table events_elsewhere rename to events").run().await.unwrap();
        assert!(all(&world, &asker).await.is_empty());
        let mended = send(&world, &asker, "broken", &question()).await;
        assert_eq!((mended.status, replayed(&mended), all(&world, &asker).await.len()), (201, false, 1));
    }

    async fn an_idempotency_key_is_remembered_for_a_day(world: World) {
        let asker = world.asker().await;
        send(&world, &asker, "one", &question()).await;
        world.clock.advance(24 * 3600 - 1);
        sweep::step(world.app.clone()).await.unwrap();
        assert!(replayed(&send(&world, &asker, "one", &question()).await));
        world.clock.advance(2);
        sweep::step(world.app.clone()).await.unwrap();
        let later = send(&world, &asker, "one", &question()).await;
        assert_eq!((later.status, replayed(&later), all(&world, &asker).await.len()), (201, false, 2));
    }

    async fn other_methods_and_calls_without_the_header_are_not_remembered(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for change in [json!({"priority": "low"}), json!({"priority": "critical"})] {
            let changed = world.patch(&path(&id)).key(&asker.key).header("idempotency-key", "one").json(&change).await;
            assert_eq!((changed.status, changed.at("data.request.priority")), (200, &change["priority"]));
            assert!(!replayed(&changed));
        }
        assert_eq!(world.get(&path(&id)).key(&asker.key).header("idempotency-key", "one").await.status, 200);
        let cancelled = world.delete(&path(&id)).key(&asker.key).header("idempotency-key", "one").await;
        assert_eq!(cancelled.status, 200);
        world.ask(&asker, &question()).await;
        world.ask(&asker, &question()).await;
        assert_eq!(all(&world, &asker).await.len(), 3);
    }

    async fn an_idempotency_key_has_1_to_255_characters(world: World) {
        let asker = world.asker().await;
        for key in [String::new(), "  ".into(), "x".repeat(256)] {
            let refused = send(&world, &asker, &key, &question()).await;
            refused.refused(400, "Validation failed", &json!("Idempotency-Key must be 1 to 255 visible characters"));
        }
        assert_eq!(send(&world, &asker, &"x".repeat(255), &question()).await.status, 201);
        let nobody = post(&world, "none", &requests(&asker), "one", &question()).await;
        assert_eq!(nobody.status, 401, "first of all, who calls");
    }

    async fn feedback_and_cancelling_are_done_once(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        respond(&world, &asker.session, &id, &json!("approve")).await;
        let feedback = json!({"feedback": {"rating": 5}});
        for again in [false, true] {
            let given = post(&world, &asker.key, &format!("{}/feedback", path(&id)), "f", &feedback).await;
            assert_eq!((given.status, replayed(&given)), (200, again), "{}", given.body);
        }
        let id = world.ask(&asker, &question()).await;
        for again in [false, true] {
            let cancel = world.post(&format!("{}/cancel", path(&id))).key(&asker.key).header("idempotency-key", "c").await;
            assert_eq!((cancel.status, replayed(&cancel), cancel.text("data.status")), (200, again, "cancelled".into()));
        }
    }

    async fn whoever_hangs_up_finds_the_answer_later(world: World) {
        let asker = world.asker().await;
        for turn in 0..20 {
            let key = format!("hung up {turn}");
            let body = question();
            let call = send(&world, &asker, &key, &body);
            let patience = Duration::from_micros(150 * turn);
            let _ = tokio::time::timeout(patience, call).await;
            let answer = soon(async {
                loop {
                    let answer = send(&world, &asker, &key, &question()).await;
                    if answer.status != 409 {
                        return answer;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            assert_eq!(answer.await.status, 201);
        }
        assert_eq!(all(&world, &asker).await.len(), 20, "each was asked once");
    }
}
