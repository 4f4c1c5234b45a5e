//! What reviewers do with requests: claim, release, draft, answer (contract 8.1, 8.2, 8.6, 8.7, 16.4, 16.5).

use crate::harness::{Answer, World, on_both, question};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const TAKEN: &str = "Request already claimed by another reviewer";
const ENDED: &str = "Request is no longer available";

/// The statuses that came back, sorted.
async fn statuses(mut calls: JoinSet<Answer>) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(answer) = calls.join_next().await {
        statuses.push(answer.unwrap().status);
    }
    statuses.sort_unstable();
    statuses
}

/// Six members of the loop.
async fn six(world: &World, code: &str) -> Vec<String> {
    let mut sessions = Vec::new();
    for name in ["ann", "bob", "cid", "dan", "eve", "fay"] {
        sessions.push(world.reviewer(&format!("{name}@example.com"), code).await.1);
    }
    sessions
}

on_both! {
    async fn contract_8_1_a_claim_hides_a_request_from_others_until_it_is_released(world: World) {
        let asker = world.asker().await;
        let (ann_is, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let (_, bob) = world.reviewer("bob@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.clock.advance(60);
        let claimed = world.act(&ann, &request, "claim").await;
        claimed.accepted(200, "Request claimed");
        claimed.has_keys("data", "request claim_expires_at draft");
        assert_eq!((claimed.at("data.request.status"), claimed.at("data.request.claimed_by")), (&json!("claimed"), &json!(ann_is.id)));
        assert_eq!((claimed.at("data.request.claimed_at"), claimed.at("data.claim_expires_at")), (&json!("2024-03-15T10:31:00Z"), &json!("2024-03-15T11:01:00Z")));
        assert_eq!(world.inbox(&bob, "active").await.at("data.count"), 0);

        world.clock.advance(60);
        let again = world.act(&ann, &request, "claim").await;
        again.accepted(200, "Request claimed");
        assert_eq!(again.at("data"), claimed.at("data"), "claiming twice prolongs nothing");
        world.act(&bob, &request, "claim").await.refused(409, TAKEN, &Value::Null);
        world.act(&bob, &request, "release").await.refused(409, TAKEN, &Value::Null);
        world.respond(&bob, &request, json!("approve")).await.refused(409, TAKEN, &Value::Null);

        let released = world.act(&ann, &request, "release").await;
        released.accepted(200, "Request released");
        for name in ["claimed_by", "claimed_at"] {
            assert_eq!(released.at(&format!("data.request.{name}")), &Value::Null);
        }
        assert_eq!((released.at("data.request.status"), released.at("data.claim_expires_at")), (&json!("pending"), &Value::Null));
        assert_eq!(world.act(&ann, &request, "release").await.status, 409, "there is nothing to release");
        assert_eq!(world.inbox(&bob, "active").await.at("data.count"), 1);
        world.act(&bob, &request, "claim").await.accepted(200, "Request claimed");
        assert_eq!(world.events(&request).await, ["request.created", "request.claimed", "request.released", "request.claimed"]);
    }

    async fn contract_16_5_of_many_claims_at_once_exactly_one_is_taken(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        let mut calls = JoinSet::new();
        for session in six(&world, &asker.code).await {
            let (world, request) = (world.clone(), request.clone());
            calls.spawn(async move { world.act(&session, &request, "claim").await });
        }
        assert_eq!(statuses(calls).await, [200, 409, 409, 409, 409, 409]);
        assert_eq!(world.events(&request).await, ["request.created", "request.claimed"]);
    }

    async fn contract_8_2_of_many_answers_at_once_exactly_one_is_taken(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        let mut calls = JoinSet::new();
        for session in six(&world, &asker.code).await {
            let (world, request) = (world.clone(), request.clone());
            calls.spawn(async move { world.respond(&session, &request, json!("approve")).await });
        }
        assert_eq!(statuses(calls).await, [200, 409, 409, 409, 409, 409]);
        assert_eq!(world.events(&request).await, ["request.created", "request.completed"]);
    }

    async fn contract_8_7_a_reviewer_holds_five_claims_at_most(world: World) {
        let asker = world.asker().await;
        let mut asked = Vec::new();
        for _ in 0..8 {
            asked.push(world.ask(&asker, &question()).await);
        }
        let mut calls = JoinSet::new();
        for request in asked.clone() {
            let (world, session) = (world.clone(), asker.session.clone());
            calls.spawn(async move { world.act(&session, &request, "claim").await });
        }
        assert_eq!(statuses(calls).await, [200, 200, 200, 200, 200, 409, 409, 409]);
        let held = world.inbox(&asker.session, "mine").await.each("data.requests", "id");
        let open = world.inbox(&asker.session, "active").await.each("data.requests", "id");
        assert_eq!((held.len(), open.len()), (5, 3));
        world.act(&asker.session, &open[0], "claim").await.refused(409, "You have claimed as many requests as you may at once", &Value::Null);
        world.respond(&asker.session, &held[0], json!("approve")).await.accepted(200, "Response submitted");
        world.act(&asker.session, &held[1], "release").await.accepted(200, "Request released");
        for request in &open[..2] {
            world.act(&asker.session, request, "claim").await.accepted(200, "Request claimed");
        }
        world.act(&asker.session, &open[2], "claim").await.refused(409, "You have claimed as many requests as you may at once", &Value::Null);
    }

    async fn contract_14_how_many_claims_a_reviewer_holds_is_a_setting(world: World) {
        let asker = world.asker().await;
        for most in [1, 7] {
            let process = world.beside(|settings| settings.reviews.claims_per_reviewer = most).await;
            let (_, session) = world.reviewer(&format!("{most}@example.com"), &asker.code).await;
            let mut last = String::new();
            for count in 1..=most + 1 {
                last = world.ask(&asker, &question()).await;
                let claimed = process.act(&session, &last, "claim").await;
                assert_eq!(claimed.status, if count <= most { 200 } else { 409 }, "{count} of {most}");
            }
            assert_eq!(process.inbox(&session, "mine").await.at("data.counts.mine"), most);
            let held = process.inbox(&session, "mine").await.each("data.requests", "id");
            process.act(&session, &held[0], "release").await.accepted(200, "Request released");
            process.act(&session, &last, "claim").await.accepted(200, "Request claimed");
            process.app.store.close().await;
        }
    }

    async fn contract_8_6_a_claim_lapses_and_the_request_returns_to_the_queue(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.act(&ann, &request, "claim").await.accepted(200, "Request claimed");
        world.clock.advance(1799);
        world.act(&asker.session, &request, "claim").await.refused(409, TAKEN, &Value::Null);
        world.clock.advance(1);
        assert_eq!(world.inbox(&asker.session, "active").await.each("data.requests", "id"), std::slice::from_ref(&request));
        world.act(&asker.session, &request, "claim").await.accepted(200, "Request claimed");
        world.respond(&ann, &request, json!("approve")).await.refused(409, TAKEN, &Value::Null);
        assert_eq!(world.inbox(&ann, "mine").await.at("data.count"), 0);
    }

    async fn contract_8_1_an_answer_completes_and_claims_on_the_way(world: World) {
        let asker = world.asker().await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.clock.advance(90);
        let answered = world.respond(&session, &request, json!({"selected_value": "approve", "selected_label": "Approve"})).await;
        answered.accepted(200, "Response submitted");
        answered.has_keys("data", "request claim_expires_at draft");
        let at = "2024-03-15T10:31:30Z";
        for (name, value) in [
            ("status", json!("completed")), ("response_data", json!("approve")), ("response_by", json!(ann.id)), ("response_at", json!(at)),
            ("response_details.selected_value", json!("approve")), ("response_details.selected_label", json!("Approve")), ("completed_at", json!(at)),
            ("response_by_user", json!({"id": ann.id, "name": "ann", "email": "ann@example.com"})), ("claimed_by", json!(ann.id)),
            ("claimed_at", json!(at)), ("response_time_seconds", json!(90)),
        ] {
            assert_eq!(answered.at(&format!("data.request.{name}")), &value, "{name}");
        }
        assert_eq!(answered.at("data.request"), world.request(&asker.key, &request).await.at("data.request"));
    }

    async fn contract_16_4_what_has_ended_is_no_longer_available(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let (completed, cancelled, expired) = (world.ask(&asker, &question()).await, world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
        world.act(&ann, &expired, "claim").await.accepted(200, "Request claimed");
        world.respond(&ann, &completed, json!("approve")).await.accepted(200, "Response submitted");
        world.delete(&format!("/v1/api/requests/{cancelled}")).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        world.clock.advance(3600);
        for request in [&completed, &cancelled, &expired] {
            for act in ["claim", "release"] {
                world.act(&ann, request, act).await.refused(409, ENDED, &Value::Null);
            }
            world.respond(&ann, request, json!("reject")).await.refused(409, ENDED, &Value::Null);
            world.respond(&ann, request, json!("nonsense")).await.refused(409, ENDED, &Value::Null);
            let path = format!("/v1/reviewer/requests/{request}/draft");
            world.put(&path).key(&ann).json(&json!({"response_data": "x"})).await.refused(409, ENDED, &Value::Null);
        }
        assert_eq!(world.events(&expired).await, ["request.created", "request.claimed", "request.timeout"]);
        assert_eq!(world.request(&asker.key, &completed).await.at("data.request.response_data"), "approve");
    }

    async fn contract_16_4_an_answer_that_does_not_fit_is_refused_and_changes_nothing(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        for answer in [json!("maybe"), json!(7), json!(["approve"]), json!({}), Value::Null, json!("")] {
            let refused = world.respond(&asker.session, &request, answer.clone()).await;
            assert_eq!((refused.status, refused.at("msg"), refused.at("data").is_string()), (400, &json!("Invalid response"), true), "{answer}: {}", refused.body);
        }
        let path = format!("/v1/reviewer/requests/{request}/respond");
        world.post(&path).key(&asker.session).json(&json!({})).await.refused(400, "Validation failed", &json!("response_data is required"));
        world.post(&path).key(&asker.session).raw("{").await.refused(400, "Invalid request body", &Value::Null);
        assert_eq!(world.request(&asker.key, &request).await.at("data.request.status"), "pending");
        world.respond(&asker.session, &request, json!("Approve")).await.accepted(200, "Response submitted");
    }

    async fn contract_16_2_a_draft_is_ones_own_and_goes_with_the_answer(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        let path = format!("/v1/reviewer/requests/{request}");
        let keep = |body: Value| world.put(&format!("{path}/draft")).key(&ann).json(&body);
        let saved = keep(json!({"response_data": "not yet an answer"})).await;
        saved.accepted(200, "Draft saved");
        assert_eq!(saved.at("data"), &json!({"request_id": request}));
        assert_eq!(world.get(&path).key(&ann).await.at("data.draft"), "not yet an answer");
        assert_eq!(world.get(&path).key(&asker.session).await.at("data.draft"), &Value::Null);
        keep(json!({"response_data": {"selected_value": "app"}})).await.accepted(200, "Draft saved");
        assert_eq!(world.get(&path).key(&ann).await.at("data.draft"), &json!({"selected_value": "app"}));
        keep(json!({})).await.refused(400, "Validation failed", &json!("response_data is required"));
        keep(json!({"response_data": null})).await.accepted(200, "Draft saved");
        assert_eq!(world.get(&path).key(&ann).await.at("data.draft"), &Value::Null, "nothing is typed any more");
        keep(json!({"response_data": "once more"})).await.accepted(200, "Draft saved");
        assert_eq!(world.request(&asker.key, &request).await.at("data.request.status"), "pending");
        world.respond(&ann, &request, json!("approve")).await.accepted(200, "Response submitted");
        assert_eq!(world.get(&path).key(&ann).await.at("data.draft"), &Value::Null);
    }
}
