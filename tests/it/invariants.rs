//! What holds whatever happens: one outcome for each request, and nobody's answer but a person's own. The numbers are those of
//! the list of invariants.

use crate::{
    harness::{on_both, question, question_with},
    hooking::{at, hook, parsed},
    rivals::{at_once, patient, post_at_once, rivals},
};
use hitl_server::{
    domain::{Id, Timestamp},
    service::{deadlines, reviews},
    store, worker,
};
use serde_json::{Value, json};
use std::time::Duration;

const ENDS: [&str; 3] = ["request.completed", "request.timeout", "request.cancelled"];

fn ends(events: &[String]) -> Vec<&str> {
    events.iter().map(String::as_str).filter(|name| ENDS.contains(name)).collect()
}

on_both! {
    async fn a01_twenty_rivals_one_answer(world: World) {
        let asker = world.asker().await;
        let sessions = rivals(&world, &asker, 20).await;
        let id = world.ask(&asker, &question()).await;
        let path = format!("/v1/reviewer/requests/{id}/respond");
        let posts = sessions.iter().map(|session| (session.clone(), path.clone())).collect();
        let answers = post_at_once(&world, posts, &json!({"response_data": "approve"})).await;

        let statuses = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((statuses(200), statuses(409)), (1, 19));
        assert_eq!(world.events(&id).await, ["request.created", "request.completed"]);
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
        assert_eq!(polled.at("data.request.response_by"), winner.at("data.request.response_by"));
    }

    async fn a01_twenty_rivals_one_claim(world: World) {
        let asker = world.asker().await;
        let sessions = rivals(&world, &asker, 20).await;
        let id = world.ask(&asker, &question()).await;
        let path = format!("/v1/reviewer/requests/{id}/claim");
        let posts = sessions.iter().map(|session| (session.clone(), path.clone())).collect();
        let answers = post_at_once(&world, posts, &json!({})).await;

        let statuses = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((statuses(200), statuses(409)), (1, 19));
        assert_eq!(world.events(&id).await, ["request.created", "request.claimed"]);
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
        assert_eq!(polled.at("data.request.claimed_by"), winner.at("data.request.claimed_by"));
    }

    async fn a01_an_answer_and_a_cancellation_have_one_winner(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        let beside = world.beside(|_| {}).await;
        for _ in 0..25 {
            let id = world.ask(&asker, &question()).await;
            let (answering, cancelling) = (world.clone(), beside.clone());
            let (respond, cancel) = (format!("/v1/reviewer/requests/{id}/respond"), format!("/v1/api/requests/{id}"));
            let (session, key) = (session.clone(), asker.key.clone());
            let answered = tokio::spawn(async move {
                answering.post(&respond).key(&session).json(&json!({"response_data": "approve"})).await
            });
            let cancelled = tokio::spawn(async move { cancelling.delete(&cancel).key(&key).await });
            let (answered, cancelled) = (answered.await.unwrap(), cancelled.await.unwrap());

            let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
            let (end, statuses) = match polled.text("data.request.status").as_str() {
                "completed" => ("request.completed", (200, 400)),
                "cancelled" => ("request.cancelled", (409, 200)),
                other => panic!("ended as {other}"),
            };
            assert_eq!((answered.status, cancelled.status), statuses);
            assert_eq!(ends(&world.events(&id).await), [end]);
        }
    }

    async fn a02_an_answer_racing_the_deadline_has_one_outcome(world: World) {
        const ROUNDS: i64 = 200;
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        let beside = world.beside(|_| {}).await;
        let start = world.now();
        let told = json!({"url": "http://127.0.0.1:9/", "events": ["request.completed", "request.timeout"]});
        let webhook = hook(&world, &asker, &told).await;
        let mut answers_taken = 0;
        for round in 0..ROUNDS {
            world.clock.set(start.plus_seconds(round * 120));
            let id = world.ask(&asker, &question_with(&json!({"timeout_seconds": 60}))).await;
            let deadline = world.now().plus_seconds(60);
            let after = (round - ROUNDS / 2) * 500; // microseconds: from 50 ms before the deadline to 50 ms after it
            world.clock.set(Timestamp::from_micros(deadline.micros() + after));

            let (answering, session) = (world.clone(), session.clone());
            let path = format!("/v1/reviewer/requests/{id}/respond");
            let answer = tokio::spawn(async move {
                answering.post(&path).key(&session).json(&json!({"response_data": "approve"})).await
            });
            let app = beside.app.clone();
            let settled = tokio::spawn(async move { deadlines::settle(&app).await });
            tokio::task::yield_now().await;
            world.clock.set(Timestamp::from_micros(deadline.micros() + after + 25_000));
            let answer = answer.await.unwrap();
            settled.await.unwrap().unwrap();

            world.clock.set(deadline.plus_seconds(1));
            let end = if answer.status == 200 { "completed" } else { "timeout" };
            assert!(answer.status == 200 && after < 0 || answer.status == 409, "{after} {answer:?}");
            answers_taken += i64::from(answer.status == 200);
            let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
            let path = format!("/v1/api/loops/{}/requests?limit=1", asker.loop_id);
            let listed = world.get(&path).key(&asker.key).await;
            assert_eq!(listed.at("data.requests.0.id"), &json!(id));
            assert_eq!(
                (polled.at("data.request.status"), listed.at("data.requests.0.status")),
                (&json!(end), &json!(end))
            );
            assert_eq!(ends(&world.events(&id).await), [format!("request.{end}")]);
            let delivered = world.get(&at(&webhook, "/deliveries?limit=1")).key(&asker.key).await;
            assert_eq!(delivered.at("data.total"), &json!(round + 1), "told once");
            let body = parsed(&delivered.text("data.deliveries.0.request_body"));
            assert_eq!((&body["request_id"], &body["status"], &body["event"]), (&json!(id), &json!(end), &json!(format!("request.{end}"))));
        }
        assert!(0 < answers_taken && answers_taken < ROUNDS, "{answers_taken} of {ROUNDS} answers were taken");
    }

    async fn a04_a_late_answer_is_refused_and_changes_nothing(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        let answer = json!({"response_data": "approve"});
        let claimed = world.ask(&asker, &question_with(&json!({"timeout_seconds": 60}))).await;
        world.post(&format!("/v1/reviewer/requests/{claimed}/claim")).key(&session).await.accepted(200, "Request claimed");
        let pending = world.ask(&asker, &question_with(&json!({"timeout_seconds": 60}))).await;
        let cancelled = world.ask(&asker, &question()).await;
        world.delete(&format!("/v1/api/requests/{cancelled}")).key(&asker.key).await;
        let completed = world.ask(&asker, &question()).await;
        world.post(&format!("/v1/reviewer/requests/{completed}/respond")).key(&session).json(&answer).await;

        world.clock.advance(60); // to the deadline itself; nothing has swept
        for (id, end) in [(claimed, "timeout"), (pending, "timeout"), (cancelled, "cancelled"), (completed, "completed")] {
            let path = |act: &str| format!("/v1/reviewer/requests/{id}/{act}");
            let refused = world.post(&path("respond")).key(&session).json(&answer).await;
            refused.refused(409, "Request is no longer available", &Value::Null);
            let before = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
            assert_eq!(before.at("data.request.status"), end);
            for act in ["respond", "claim", "release"] {
                let refused = world.post(&path(act)).key(&session).json(&answer).await;
                refused.refused(409, "Request is no longer available", &Value::Null);
            }
            let after = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
            assert_eq!(before.at("data"), after.at("data"));
            assert_eq!(ends(&world.events(&id).await), [format!("request.{end}")]);
        }
    }

    async fn a06_a_default_never_looks_like_an_answer(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        world.clock.advance(3600);
        let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
        let listed = world.get("/v1/api/requests").key(&asker.key).await;
        for request in [polled.at("data.request"), listed.at("data.requests.0")] {
            assert_eq!((&request["status"], &request["default_response"]), (&json!("timeout"), &json!("reject")));
            for name in [
                "response_data", "response_details", "response_by", "response_by_user", "response_at", "completed_at",
                "response_time_seconds",
            ] {
                assert_eq!(request.get(name), Some(&Value::Null), "{name}");
            }
        }
        assert_eq!((polled.at("data.response_data"), polled.at("data.default_response")), (&Value::Null, &json!("reject")));
        let request: Id<_> = id.parse().unwrap();
        let events = store::events::of_request(&world.app.store, request).await.unwrap();
        let names: Vec<_> = events.iter().map(|(name, kind, by)| (name.as_str(), kind.as_str(), by.is_some())).collect();
        assert_eq!(names, [("request.created", "key", true), ("request.timeout", "clock", false)]);
    }

    async fn a07_an_answer_that_does_not_fit_is_refused_on_every_path(world: World) {
        let asker = world.asker().await;
        let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
        let options = json!([{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]);
        for (kind, config, answers, wrong) in [
            ("boolean", json!({}), json!(["banana", 2, null, [], {}, ""]), ["banana", "2", ""]),
            ("single_select", json!({"options": options}), json!(["c", 1, null, ["a"], {}, {"selected_value": "c"}]), ["c", "1", ""]),
            ("multi_select", json!({"options": options, "min_selections": 1, "max_selections": 1}),
                json!([["a", "b"], ["c"], [], ["a", "a"], 5, null, {"selected_values": ["c"]}]), ["c", "a,b", ""]),
            ("rating", json!({"scale_min": 1, "scale_max": 5}), json!([0, 6, 2.5, "six", null, true, {"rating": 9}]), ["6", "2.5", ""]),
            ("number", json!({"min_value": 0, "max_value": 10, "decimal_places": 1}), json!([-1, 11, 1.25, "ten", null, []]), ["-1", "ten", ""]),
            ("text", json!({"min_length": 3, "max_length": 5, "required": true}), json!(["", "ab", "abcdef", "    ", 7, null]), ["ab", "abcdef", ""]),
        ] {
            let changes = json!({"response_type": kind, "response_config": config, "default_response": null});
            let id = world.ask(&asker, &question_with(&changes)).await;
            let path = format!("/v1/reviewer/requests/{id}/respond");
            for answer in answers.as_array().unwrap() {
                let refused = world.post(&path).key(&session).json(&json!({"response_data": answer})).await;
                assert_eq!((refused.status, refused.at("msg")), (400, &json!("Invalid response")), "{kind} {answer}");
                let request: Id<_> = id.parse().unwrap();
                assert!(reviews::respond(&world.app, jane.id, request, answer).await.is_err(), "{kind} {answer}");
            }
            assert_eq!(world.post(&path).key(&session).json(&json!({})).await.status, 400, "{kind}: no answer at all");
            for typed in wrong {
                let form = [("response", typed)];
                let refused = world.post(&format!("/inbox/{id}/answer")).cookie(&session).form(&form).await;
                assert_eq!(refused.status, 400, "{kind} {typed} on the page");
            }
            let by_key = json!({"status": "completed", "response_data": answers[0]});
            assert_eq!(world.patch(&format!("/v1/api/requests/{id}")).key(&asker.key).json(&by_key).await.status, 400);
            let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
            assert_eq!((polled.at("data.request.status"), polled.at("data.response_data")), (&json!("pending"), &Value::Null));
            assert_eq!(world.events(&id).await, ["request.created"], "{kind}");
        }
    }

    async fn a12_who_decided_comes_from_the_session(world: World) {
        let asker = world.asker().await;
        let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
        let (john, _) = world.reviewer("john@example.com", &asker.code).await;
        let id = world.ask(&asker, &question()).await;
        let body = json!({
            "response_data": "approve", "response_by": john.id.to_string(), "user_id": john.id.to_string(),
            "account_id": john.id.to_string(), "response_by_user": {"id": john.id.to_string(), "email": "john@example.com"}
        });
        let answered = world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(&session).json(&body).await;
        answered.accepted(200, "Response submitted");
        let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
        assert_eq!(polled.at("data.request.response_by"), &json!(jane.id.to_string()));
        assert_eq!(polled.at("data.request.response_by_user.email"), "jane@example.com");
        let events = store::events::of_request(&world.app.store, id.parse().unwrap()).await.unwrap();
        assert_eq!(events.last().unwrap(), &("request.completed".into(), "person".into(), Some(jane.id.to_string())));
    }

    async fn a12_a_key_is_no_reviewer_and_a_session_no_key(world: World) {
        let world = patient(&world);
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let fill = |path: &str| path.replace("{request_id}", &id).replace("{loop_id}", &asker.loop_id).replace("{user_id}", &asker.loop_id);
        let signs_in = ["/v1/reviewer/session", "/v1/reviewer/signup", "/v1/reviewer/setup"];
        for operation in hitl_server::http::reviewed().operations {
            if operation.method == "POST" && signs_in.contains(&operation.path.as_str()) {
                continue; // wants neither
            }
            let call = world.call(operation.method.clone(), &fill(&operation.path)).key(&asker.key);
            let refused = call.json(&json!({"response_data": "approve"})).await;
            assert!([401, 403].contains(&refused.status), "{operation:?} {}", refused.body);
        }
        for operation in hitl_server::http::keyed().operations {
            for path in std::iter::once(&operation.path).chain(&operation.aliases) {
                let refused = world.call(operation.method.clone(), &fill(path)).key(&asker.session).json(&question()).await;
                refused.refused(401, "Invalid authorization token", &Value::Null);
            }
        }
        assert_eq!(world.events(&id).await, ["request.created"]);
    }

    async fn a14_exactly_as_many_claims_as_one_may_hold(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        let mut posts = Vec::new();
        for _ in 0..12 {
            let id = world.ask(&asker, &question()).await;
            posts.push((session.clone(), format!("/v1/reviewer/requests/{id}/claim")));
        }
        let answers = post_at_once(&world, posts, &json!({})).await;
        let statuses = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((statuses(200), statuses(409)), (5, 7));
    }

    async fn a17_an_abandoned_claim_comes_back_by_itself(world: World) {
        let asker = world.asker().await;
        let sessions = rivals(&world, &asker, 2).await;
        let id = world.ask(&asker, &question()).await;
        let claim = format!("/v1/reviewer/requests/{id}/claim");
        world.post(&claim).key(&sessions[0]).await.accepted(200, "Request claimed");
        let due = world.now().plus_seconds(1800);

        world.clock.set(Timestamp::from_micros(due.micros() - 1));
        let rest = worker::expire::step(world.app.clone()).await.unwrap();
        assert!(rest <= Duration::from_micros(1), "{rest:?}");
        world.post(&claim).key(&sessions[1]).await.refused(409, "Request already claimed by another reviewer", &Value::Null);
        world.clock.set(due);
        at_once((0..2).map(|_| worker::expire::step(world.app.clone()))).await;

        let polled = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
        assert_eq!((polled.at("data.request.status"), polled.at("data.request.claimed_by")), (&json!("pending"), &Value::Null));
        assert_eq!(world.events(&id).await, ["request.created", "request.claimed", "request.released"]);
        world.post(&claim).key(&sessions[1]).await.accepted(200, "Request claimed");
        let late = world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(&sessions[0]);
        let late = late.json(&json!({"response_data": "approve"})).await;
        late.refused(409, "Request already claimed by another reviewer", &Value::Null);
    }
}
