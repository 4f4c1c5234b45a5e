//! Waiting for the end of a request without polling (issue 3; contract 3.2, quality C).

use crate::{
    asking::{act, in_state, path, respond},
    harness::{Answer, Asker, World, on_both, question, question_with},
    listening::{parked, soon, waits_for},
};
use futures_util::future::poll_immediate;
use hitl_server::{
    domain::{Actor, KeyStatus},
    http::{around_all, around_keyed},
    service::{deadlines, keys, requests},
    worker,
};
use serde_json::json;
use std::time::Duration;
use tokio::{task::JoinHandle, time::Instant};

/// A call on its way, which has come to rest at waiting.
async fn waiting(world: &World, asker: &Asker, id: &str, seconds: u32) -> JoinHandle<Answer> {
    let call = calling(world, &asker.key, &format!("{}?wait={seconds}", path(id)));
    parked(world, id).await;
    call
}

fn calling(world: &World, key: &str, path: &str) -> JoinHandle<Answer> {
    let (world, key, path) = (world.clone(), key.to_owned(), path.to_owned());
    tokio::spawn(async move { world.get(&path).key(&key).await })
}

/// Has that call had its first look: another, begun later, has waited for a second.
async fn looked(world: &World, asker: &Asker, id: &str) {
    parked(world, id).await;
    let later = world.get(&format!("{}?wait=1", path(id))).key(&asker.key).await;
    assert_eq!(later.text("data.status"), "pending");
}

/// The bytes that a call of an async function holds from its start to its end.
fn held<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}

fn held_by_three<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn a_waiting_call_holds_little() {
    // Of 10,000 that wait, each holds this. What a look at the store takes is given back before the wait.
    assert!(held(requests::show_after) < 1024, "{}", held(requests::show_after));
    assert!(held(around_keyed) < 3072, "{}", held(around_keyed));
    assert!(held_by_three(around_all) < 3072, "{}", held_by_three(around_all));
}

fn remaining(answer: &Answer) -> i64 {
    answer.header("x-ratelimit-remaining").parse().unwrap()
}

on_both! {
    async fn what_is_final_is_answered_at_once(world: World) {
        let asker = world.asker().await;
        for state in ["completed", "cancelled", "timeout"] {
            let id = in_state(&world, &asker, state).await;
            let shown = world.get(&path(&id)).key(&asker.key).await;
            for way in ["?wait=300", "/wait?timeout=300", "/wait", "/status?wait=300", "/response?wait=300"] {
                let waited = soon(world.get(&format!("{}{way}", path(&id))).key(&asker.key).into_future()).await;
                waited.accepted(200, "Request retrieved successfully");
                assert_eq!((waited.text("data.status"), &waited.body), (state.to_owned(), &shown.body), "{way}");
            }
            assert!(!waits_for(&world, &id), "nothing is left behind");
        }
    }

    async fn an_end_during_the_wait_is_answered_then(world: World) {
        let asker = world.asker().await;
        for state in ["completed", "cancelled", "timeout"] {
            let id = world.ask(&asker, &question()).await;
            let calls = [
                waiting(&world, &asker, &id, 300).await,
                calling(&world, &asker.key, &format!("{}/wait?timeout=300", path(&id))),
                calling(&world, &asker.key, &format!("/v1/requests/{id}?wait=300")),
            ];
            assert_eq!(act(&world, &asker.session, &id, "claim").await.status, 200);
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(calls.iter().all(|call| !call.is_finished()), "a claim is not the end");
            match state {
                "completed" => drop(respond(&world, &asker.session, &id, &json!("approve")).await),
                "cancelled" => drop(world.delete(&path(&id)).key(&asker.key).await),
                _ => {
                    world.clock.advance(3600);
                    deadlines::settle(&world.app).await.unwrap();
                }
            }
            for call in calls {
                let waited = soon(call).await.unwrap();
                waited.accepted(200, "Request retrieved successfully");
                assert_eq!(waited.text("data.request.status"), state);
                let answer = if state == "completed" { json!("approve") } else { json!(null) };
                assert_eq!(waited.at("data.response_data"), &answer, "silence is never an answer");
            }
        }
    }

    async fn whoever_hangs_up_while_answering_still_wakes_who_waits(world: World) {
        let asker = world.asker().await;
        for turn in 0..12 {
            let id = world.ask(&asker, &question()).await;
            let wait = waiting(&world, &asker, &id, 60).await;
            let body = json!({"response_data": "approve"});
            let answering = world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(&asker.session).json(&body);
            let mut answering = answering.into_future();
            if turn == 0 {
                assert!(poll_immediate(&mut answering).await.is_none(), "it has begun, and waits for the store");
            } else {
                let _ = tokio::time::timeout(Duration::from_micros(300 * turn), &mut answering).await;
            }
            drop(answering);
            let told = soon(wait).await.unwrap();
            assert_eq!((told.text("data.status"), told.text("data.response_data")), ("completed".into(), "approve".into()));
        }
    }

    async fn a_wait_serves_the_deadline_by_itself(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        world.clock.advance(3599);
        let call = waiting(&world, &asker, &id, 300).await;
        world.clock.advance(1);
        let waited = soon(call).await.unwrap();
        assert_eq!((waited.text("data.status"), waited.at("data.request.response_by")), ("timeout".into(), &json!(null)));
        assert_eq!(world.events(&id).await, ["request.created", "request.timeout"]);
    }

    async fn at_its_own_end_a_wait_tells_the_state_as_it_is(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for (way, claim) in [("?wait=1", false), ("/wait?timeout=1", true)] {
            let start = Instant::now();
            let call = calling(&world, &asker.key, &format!("{}{way}", path(&id)));
            parked(&world, &id).await;
            if claim {
                act(&world, &asker.session, &id, "claim").await;
            }
            let waited = soon(call).await.unwrap();
            waited.accepted(200, "Request retrieved successfully");
            assert_eq!(waited.text("data.status"), if claim { "claimed" } else { "pending" });
            assert!((1000..3000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        }
    }

    async fn a_wait_is_1_to_300_whole_seconds(world: World) {
        let asker = world.asker().await;
        let open = world.ask(&asker, &question()).await;
        let ended = in_state(&world, &asker, "completed").await;
        for id in [&open, &ended] {
            for seconds in ["0", "301", "-1", "1.5", "abc", "1s", "18446744073709551616"] {
                for way in ["?wait=", "/wait?timeout="] {
                    let waited = world.get(&format!("{}{way}{seconds}", path(id))).key(&asker.key).await;
                    waited.refused(400, "Validation failed", &json!("the seconds to wait must be between 1 and 300"));
                }
            }
        }
        let stranger = world.person("stranger@example.com").await;
        let theirs = world.key(&stranger).await;
        let denied = world.get(&format!("{}?wait=0", path(&open))).key(&theirs).await;
        denied.refused(403, "Access denied to this request", &json!(null));
        let denied = soon(world.get(&format!("{}?wait=300", path(&open))).key(&theirs).into_future()).await;
        assert_eq!(denied.status, 403, "nobody waits for what they may not see");
        let missing = soon(world.get("/v1/api/requests/65f1234567890abcdef12345?wait=300").key(&asker.key).into_future()).await;
        missing.refused(404, "Request not found", &json!(null));
        let wrong = world.get("/v1/api/requests/nonsense?wait=300").key(&asker.key).await;
        wrong.refused(400, "Invalid request ID format", &json!(null));
        assert!(!waits_for(&world, &open));
    }

    async fn contract_3_2_a_wait_counts_once(world: World) {
        let asker = world.asker().await;
        let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(10)).await;
        let id = world.ask(&asker, &question()).await;
        assert_eq!(remaining(&world.get("/v1/test").key(&key).await), 9);
        let call = calling(&world, &key, &format!("{}?wait=1", path(&id)));
        parked(&world, &id).await;
        for turn in ["claim", "release", "claim"] {
            assert_eq!(act(&world, &asker.session, &id, turn).await.status, 200);
        }
        assert_eq!(remaining(&soon(call).await.unwrap()), 8);
        assert_eq!(remaining(&world.get("/v1/test").key(&key).await), 7);
    }

    async fn contract_3_2_a_wait_that_tells_nothing_new_is_free(world: World) {
        let asker = world.asker().await;
        let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(2)).await;
        let id = world.ask(&asker, &question()).await;
        let shown = world.get(&path(&id)).key(&key).await;
        let known = shown.header("etag").to_owned();
        assert_eq!((shown.status, remaining(&shown), known.is_empty()), (200, 1, false));
        for _ in 0..2 {
            let waited = world.get(&format!("{}?wait=1", path(&id))).key(&key).header("if-none-match", &known).await;
            assert_eq!((waited.status, remaining(&waited), waited.bytes.len()), (304, 1, 0), "waits, and costs nothing");
        }
        let call = {
            let (world, key, known, path) = (world.clone(), key.clone(), known.clone(), format!("{}?wait=300", path(&id)));
            tokio::spawn(async move { world.get(&path).key(&key).header("if-none-match", &known).await })
        };
        parked(&world, &id).await;
        respond(&world, &asker.session, &id, &json!("approve")).await;
        let waited = soon(call).await.unwrap();
        assert_eq!((waited.status, waited.text("data.status"), remaining(&waited)), (200, "completed".into(), 0));
    }

    async fn contract_3_2_a_free_wait_over_the_end_of_its_window_gives_the_next_nothing(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question_with(&json!({"timeout_seconds": 86_400}))).await;
        for limit in [2, 10_000] {
            let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(limit)).await;
            let shown = world.get(&path(&id)).key(&key).await;
            let known = shown.header("etag").to_owned();
            let call = {
                let (world, key, path) = (world.clone(), key.clone(), format!("{}?wait=2", path(&id)));
                tokio::spawn(async move { world.get(&path).key(&key).header("if-none-match", &known).await })
            };
            parked(&world, &id).await;
            world.clock.advance(3600);
            for left in 1..=2 {
                assert_eq!(remaining(&world.get("/v1/test").key(&key).await), limit - left, "another window");
            }
            assert_eq!(soon(call).await.unwrap().status, 304);
            let after = world.get("/v1/test").key(&key).await;
            let expected = if limit == 2 { (429, 0) } else { (200, limit - 3) };
            assert_eq!((after.status, remaining(&after)), expected, "nothing more may be asked in it");
        }
    }

    async fn a_wait_that_is_dropped_leaves_nothing_behind(world: World) {
        let asker = world.asker().await;
        for ways in [["?wait=300"; 1].as_slice(), &["?wait=300", "/wait?timeout=300", "/events"]] {
            let id = world.ask(&asker, &question()).await;
            let calls: Vec<_> = ways.iter().map(|way| calling(&world, &asker.key, &format!("{}{way}", path(&id)))).collect();
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(waits_for(&world, &id));
            for call in calls {
                call.abort();
                assert!(call.await.unwrap_err().is_cancelled());
            }
            assert!(!waits_for(&world, &id));
            assert_eq!(world.events(&id).await, ["request.created"]);
        }
    }

    async fn a13_a_key_that_is_revoked_while_it_waits_is_told_nothing(world: World) {
        let asker = world.asker().await;
        let (key, token) = world.key_with(&asker.owner, |_| {}).await;
        let id = world.ask(&asker, &question()).await;
        let call = calling(&world, &token, &format!("{}?wait=300", path(&id)));
        looked(&world, &asker, &id).await;
        keys::set_status(&world.app, Actor::Operator, key.id, KeyStatus::Revoked).await.unwrap();
        respond(&world, &asker.session, &id, &json!("approve")).await;
        soon(call).await.unwrap().refused(401, "Invalid authorization token", &json!(null));
    }

    async fn contract_16_7_a_member_removed_while_they_wait_is_told_nothing(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("member@example.com", &asker.code).await;
        let key = world.key(&member).await;
        let id = world.ask(&asker, &question()).await;
        let call = calling(&world, &key, &format!("{}?wait=300", path(&id)));
        looked(&world, &asker, &id).await;
        let removed = world.delete(&format!("/v1/api/loops/{}/members/{}", asker.loop_id, member.id)).key(&asker.key).await;
        assert_eq!(removed.status, 200, "{}", removed.body);
        respond(&world, &asker.session, &id, &json!("approve")).await;
        soon(call).await.unwrap().refused(403, "Access denied to this request", &json!(null));
    }

    async fn all_who_wait_are_told_and_nobody_else_is_woken(world: World) {
        let asker = world.asker().await;
        let (id, other) = (world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
        let calls: Vec<_> = (0..200).map(|_| calling(&world, &asker.key, &format!("{}?wait=300", path(&id)))).collect();
        let elsewhere = waiting(&world, &asker, &other, 300).await;
        parked(&world, &id).await;
        respond(&world, &asker.session, &id, &json!("reject")).await;
        for call in calls {
            assert_eq!(soon(call).await.unwrap().text("data.response_data"), "reject");
        }
        assert!(!elsewhere.is_finished() && waits_for(&world, &other) && !waits_for(&world, &id));
        elsewhere.abort();
    }

    async fn a_wait_hears_of_it_in_less_than_a_second(world: World) {
        let asker = world.asker().await;
        let mut late = Vec::new();
        for _ in 0..50 {
            let id = world.ask(&asker, &question()).await;
            let call = waiting(&world, &asker, &id, 300).await;
            let heard = tokio::spawn(async move { (call.await.unwrap().status, Instant::now()) });
            respond(&world, &asker.session, &id, &json!("approve")).await;
            let committed = Instant::now();
            let (status, at) = soon(heard).await.unwrap();
            assert_eq!(status, 200);
            late.push(at.saturating_duration_since(committed));
        }
        late.sort();
        println!("{}: woken after p50 {:?}, p99 {:?}", world.app.store.engine(), late[25], late[49]);
        assert!(late[49] < Duration::from_secs(1), "{:?}", late[49]);
    }

    async fn an_answer_through_another_process_ends_a_wait(world: World) {
        let asker = world.asker().await;
        let hearing = tokio::spawn(worker::hear::step(world.app.clone()));
        let beside = world.beside(|_| {}).await;
        for answer in ["approve", "reject"] {
            let id = world.ask(&asker, &question()).await;
            let call = waiting(&world, &asker, &id, 300).await;
            tokio::time::sleep(Duration::from_millis(100)).await; // until it listens
            respond(&beside, &asker.session, &id, &json!(answer)).await;
            assert_eq!(soon(call).await.unwrap().text("data.response_data"), answer);
        }
        hearing.abort();
        beside.app.store.close().await;
    }

    async fn whoever_waits_when_the_process_stops_is_told_the_state(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let call = waiting(&world, &asker, &id, 300).await;
        world.app.store.wakeups().close();
        let waited = soon(call).await.unwrap();
        assert_eq!((waited.status, waited.text("data.status")), (200, "pending".into()));
    }
}
