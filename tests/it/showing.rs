//! Showing a request: every key, the mirrors, who may see it, and what time does to it (contract 5.2, 7.4, 8.3, 8.4).

use crate::{
    asking::{act, has, ids, in_state, path, respond, show},
    harness::{Answer, on_both, question, question_with},
};
use serde_json::{Value, json};

/// Every field of 5.2 but those that are echoed only if sent.
const KEYS: [&str; 38] = [
    "id",
    "loop_id",
    "loop_name",
    "creator_id",
    "api_key_id",
    "processing_type",
    "type",
    "priority",
    "request_text",
    "image_url",
    "context",
    "platform",
    "platform_version",
    "response_type",
    "response_config",
    "default_response",
    "timeout_seconds",
    "timeout_at",
    "callback_url",
    "broadcasted_to",
    "broadcasted_at",
    "status",
    "claimed_by",
    "claimed_at",
    "response_by",
    "response_by_user",
    "response_at",
    "completed_at",
    "response_data",
    "response_details",
    "response_time_seconds",
    "cancelled_at",
    "cancel_reason",
    "feedback",
    "assignee_role",
    "user_agent",
    "created_at",
    "updated_at",
];
const ECHOED: [&str; 2] = ["tags", "metadata"];
const UNANSWERED: [&str; 7] = [
    "response_by",
    "response_by_user",
    "response_at",
    "completed_at",
    "response_data",
    "response_details",
    "response_time_seconds",
];

/// A request with everything in it.
fn full() -> Value {
    question_with(&json!({
        "type": "image", "image_url": "https://example.com/a.png", "context": {"post": 7}, "platform_version": "1.0.0",
        "callback_url": "https://example.com/hook", "tags": ["a"], "metadata": {"run": 1},
    }))
}

fn keys(request: &Value) -> Vec<&str> {
    request.as_object().unwrap().keys().map(String::as_str).collect()
}

on_both! {
    async fn contract_5_2_every_key_is_there_in_every_state_and_every_list(world: World) {
        let asker = world.asker().await;
        let of_loop = format!("/v1/api/loops/{}/requests", asker.loop_id);
        for state in ["pending", "claimed", "completed", "timeout", "cancelled"] {
            let id = in_state(&world, &asker, state).await;
            let shown = show(&world, &asker, &id).await;
            let request = shown.at("data.request");
            assert_eq!(request["status"], state);
            for key in KEYS {
                assert!(request.get(key).is_some(), "{key} of a {state} request");
            }
            for list in ["/v1/api/requests", &of_loop] {
                let listed = world.get(&format!("{list}?status={state}")).key(&asker.key).await;
                assert_eq!(ids(&listed), vec![id.clone()]);
                assert_eq!(listed.at("data.requests.0"), request, "lists show whole requests");
            }
        }
        let shown = show(&world, &asker, &world.ask(&asker, &full()).await).await;
        for key in keys(shown.at("data.request")) {
            assert!(KEYS.contains(&key) || ECHOED.contains(&key), "{key} is not in the contract");
        }
    }

    async fn contract_5_2_a_pending_request(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        insta::assert_json_snapshot!("pending_request", show(&world, &asker, &id).await.body);
    }

    async fn contract_5_2_a_completed_request(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("john@example.com", &asker.code).await;
        let post = world.post(&format!("/v1/api/loops/{}/requests", asker.loop_id)).key(&asker.key);
        let id = post.header("user-agent", "hitl-mcp-server/0.1.0").json(&full()).await.text("data.id");
        world.clock.advance(60);
        act(&world, &session, &id, "claim").await.accepted(200, "Request claimed");
        world.clock.advance(185);
        respond(&world, &session, &id, &json!("Approve")).await.accepted(200, "Response submitted");
        let feedback = world.post(&format!("{}/feedback", path(&id))).key(&asker.key);
        feedback
            .json(&json!({"feedback": {"rating": 4.5, "comment": "Good"}}))
            .await
            .accepted(200, "Feedback added successfully");
        insta::assert_json_snapshot!("completed_request", show(&world, &asker, &id).await.body);
    }

    async fn contract_7_4_the_top_level_mirrors_the_request(world: World) {
        let asker = world.asker().await;
        for state in ["pending", "claimed", "completed", "timeout", "cancelled"] {
            let shown = show(&world, &asker, &in_state(&world, &asker, state).await).await;
            let (data, request) = (shown.at("data"), shown.at("data.request"));
            for key in [
                "id",
                "loop_id",
                "status",
                "response_type",
                "default_response",
                "response_data",
                "timeout_at",
                "completed_at",
            ] {
                assert_eq!(data.get(key), request.get(key), "{key}");
            }
            assert_eq!(data["request_id"], request["id"]);
            assert_eq!(data["response_data"], if state == "completed" { json!("approve") } else { json!(null) });
        }
    }

    async fn contract_7_4_the_creator_and_active_members_see_it_and_nobody_else(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("john@example.com", &asker.code).await;
        let member = world.key(&member).await;
        let second = world.key(&asker.owner).await;
        let invited = world.person("late@example.com").await;
        let invite = world.post(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key);
        assert!(crate::harness::is_success(invite.json(&json!({"email": "late@example.com"})).await.status));
        let (invited, outsider) = (world.key(&invited).await, world.key(&world.person("out@example.com").await).await);
        let id = world.ask(&asker, &question()).await;
        for key in [&asker.key, &second, &member] {
            world.get(&path(&id)).key(key).await.accepted(200, "Request retrieved successfully");
        }
        let denied = |answer: &Answer| answer.refused(403, "Access denied to this request", &json!(null));
        for key in [&invited, &outsider] {
            denied(&world.get(&path(&id)).key(key).await);
        }
        world
            .post(&format!("/v1/reviewer/loops/{}/leave", asker.loop_id))
            .key(&session)
            .await
            .accepted(200, "Left loop");
        denied(&world.get(&path(&id)).key(&member).await);
    }

    async fn contract_4_4_v3_and_e12_on_every_way_to_a_request(world: World) {
        let asker = world.asker().await;
        let deleted = world.ask(&asker, &question()).await;
        let gone = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        assert_eq!(gone.status, 200);
        let unknown = "f".repeat(24);
        let (short, wrong, long) = ("a".repeat(23), "g".repeat(24), "a".repeat(25));
        for (method, end) in [
            ("GET", ""),
            ("GET", "/status"),
            ("GET", "/response"),
            ("PATCH", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("POST", "/cancel"),
            ("POST", "/feedback"),
        ] {
            for prefix in ["/v1/api/requests", "/v1/requests"] {
                let to = |id: &str| {
                    world.call(method.parse().unwrap(), &format!("{prefix}/{id}{end}")).key(&asker.key).raw("{")
                };
                for id in ["x", &short, &wrong, &long] {
                    to(id).await.refused(400, "Invalid request ID format", &json!(null));
                }
                for id in [&unknown, &deleted] {
                    to(id).await.refused(404, "Request not found", &json!(null));
                }
            }
        }
    }

    async fn contract_1_1_4_other_paths_show_the_same(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let shown = show(&world, &asker, &id).await;
        for prefix in ["/v1/api/requests", "/v1/requests"] {
            for id in [&id, &id.to_uppercase()] {
                for end in ["", "/status", "/response", "/"] {
                    let again = world.get(&format!("{prefix}/{id}{end}")).key(&asker.key).await;
                    assert_eq!(again.body, shown.body, "{prefix} {end}");
                }
            }
        }
    }

    async fn contract_8_3_time_is_over_at_timeout_at_and_not_before(world: World) {
        let asker = world.asker().await;
        for (seconds, claimed) in [(60, false), (60, true), (3600, true)] {
            let id = world.ask(&asker, &question_with(&json!({"timeout_seconds": seconds}))).await;
            world.clock.advance(seconds - 1);
            if claimed {
                act(&world, &asker.session, &id, "claim").await.accepted(200, "Request claimed");
            }
            let open = if claimed { "claimed" } else { "pending" };
            assert_eq!(show(&world, &asker, &id).await.at("data.request.status"), open);
            world.clock.advance(1);
            assert_eq!(show(&world, &asker, &id).await.at("data.request.status"), "timeout");
            assert_eq!(world.events(&id).await.last().unwrap(), "request.timeout");
        }
    }

    async fn contract_8_4_a_timeout_is_nobody_s_answer(world: World) {
        let asker = world.asker().await;
        let id = in_state(&world, &asker, "timeout").await;
        let late = respond(&world, &asker.session, &id, &json!("approve")).await;
        late.refused(409, "Request is no longer available", &json!(null));
        let shown = show(&world, &asker, &id).await;
        for field in UNANSWERED {
            assert_eq!(shown.at("data.request")[field], json!(null), "{field}");
        }
        has(shown.at("data"), &json!({"status": "timeout", "default_response": "reject", "response_data": null}));
        has(shown.at("data.request"), &json!({"status": "timeout", "default_response": "reject"}));
    }
}
