//! Changing an open request (contract 7.5).

use crate::{
    asking::{act, has, in_state, path, show},
    harness::{Answer, Asker, World, on_both, question, question_with},
};
use hitl_server::service::deadlines;
use serde_json::{Value, json};

const UPDATED: &str = "Request updated successfully";
const FAILED: &str = "Validation failed";
const V29: &str = "Request cannot be updated in current state";

async fn change(world: &World, asker: &Asker, id: &str, body: &Value) -> Answer {
    world.patch(&path(id)).key(&asker.key).json(body).await
}

on_both! {
    async fn contract_7_5_what_may_change_does_while_pending_and_claimed(world: World) {
        let asker = world.asker().await;
        for state in ["pending", "claimed"] {
            let id = in_state(&world, &asker, state).await;
            world.clock.advance(5);
            for (field, value) in [
                ("priority", json!("critical")),
                ("request_text", json!("Changed?")),
                ("image_url", json!("https://example.com/b.png")),
                ("context", json!({"z": 1, "a": 1.0})),
                ("timeout_seconds", json!(120)),
                ("default_response", json!("Approve")),
                ("callback_url", json!("https://example.com/other")),
                ("platform_version", json!("2.0")),
                ("tags", json!(["b", 1])),
                ("metadata", json!({"run": 2})),
            ] {
                let before = show(&world, &asker, &id).await;
                let changed = change(&world, &asker, &id, &json!({field: value})).await;
                changed.accepted(200, UPDATED);
                has(changed.at("data"), &json!({"id": id, "request_id": id}));
                let mut expected = before.at("data.request").clone();
                expected[field] = value;
                expected["updated_at"] = changed.at("data.request.updated_at").clone();
                if field == "timeout_seconds" {
                    expected["timeout_at"] = json!(world.now().plus_seconds(120).to_string());
                }
                assert_eq!(changed.at("data.request"), &expected, "{field}, and nothing else, of a {state} request");
                assert_eq!(show(&world, &asker, &id).await.at("data.request"), &expected);
            }
            assert_eq!(world.events(&id).await.iter().filter(|name| *name == "request.updated").count(), 10);
        }
    }

    async fn contract_7_5_the_deadline_counts_from_now(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        world.clock.advance(1800);
        let changed = change(&world, &asker, &id, &json!({"timeout_seconds": 60.0})).await;
        has(changed.at("data.request"), &json!({"timeout_at": "2024-03-15T11:01:00Z", "timeout_seconds": 60}));
        let kept = change(&world, &asker, &id, &json!({"priority": "low"})).await;
        assert_eq!(kept.at("data.request.timeout_at"), "2024-03-15T11:01:00Z");
        world.clock.advance(60);
        assert_eq!(show(&world, &asker, &id).await.at("data.request.status"), "timeout");
    }

    async fn contract_8_6_a_claim_ends_with_the_deadline_as_it_then_is_and_no_sooner_than_its_time(world: World) {
        let asker = world.asker().await;
        let ask = async |seconds: i64| {
            let id = world.ask(&asker, &question_with(&json!({"timeout_seconds": seconds}))).await;
            act(&world, &asker.session, &id, "claim").await.accepted(200, "Request claimed");
            id
        };
        let ends = async |id: &str| {
            let shown = world.get(&format!("/v1/reviewer/requests/{id}")).key(&asker.session).await;
            (shown.at("data.request.timeout_at").clone(), shown.at("data.claim_expires_at").clone())
        };
        let (long, short) = (ask(3600).await, ask(600).await);
        assert_eq!(ends(&long).await, (json!("2024-03-15T11:30:00Z"), json!("2024-03-15T11:00:00Z")));
        assert_eq!(ends(&short).await, (json!("2024-03-15T10:40:00Z"), json!("2024-03-15T10:40:00Z")));
        world.clock.advance(60);
        for (id, seconds, timeout, claim) in [
            (&long, 120, "2024-03-15T10:33:00Z", "2024-03-15T10:33:00Z"),
            (&long, 7200, "2024-03-15T12:31:00Z", "2024-03-15T11:00:00Z"),
            (&short, 900, "2024-03-15T10:46:00Z", "2024-03-15T10:46:00Z"),
            (&short, 7200, "2024-03-15T12:31:00Z", "2024-03-15T11:00:00Z"),
        ] {
            change(&world, &asker, id, &json!({"timeout_seconds": seconds})).await.accepted(200, UPDATED);
            assert_eq!(ends(id).await, (json!(timeout), json!(claim)), "{seconds}");
            change(&world, &asker, id, &json!({"priority": "low"})).await.accepted(200, UPDATED);
            assert_eq!(ends(id).await, (json!(timeout), json!(claim)), "nothing else moves them");
        }
        world.clock.advance(29 * 60 - 1);
        deadlines::settle(&world.app).await.unwrap();
        assert_eq!(show(&world, &asker, &short).await.at("data.status"), "claimed", "longer than its first deadline");
        world.clock.advance(1);
        deadlines::settle(&world.app).await.unwrap();
        for id in [&long, &short] {
            assert_eq!(show(&world, &asker, id).await.at("data.status"), "pending");
            assert_eq!(world.events(id).await.last().unwrap(), "request.released");
        }
    }

    async fn contract_7_5_empty_takes_a_url_away(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for field in ["image_url", "callback_url"] {
            change(&world, &asker, &id, &json!({field: "https://example.com/"})).await.accepted(200, UPDATED);
            let changed = change(&world, &asker, &id, &json!({field: ""})).await;
            changed.accepted(200, UPDATED);
            assert_eq!(changed.at("data.request")[field], json!(null));
        }
    }

    async fn contract_7_5_the_question_itself_changes_only_while_pending(world: World) {
        let asker = world.asker().await;
        let changes = [
            json!({"type": "image", "image_url": "https://example.com/a.png"}),
            json!({"processing_type": "deferred"}),
            json!({"response_type": "boolean", "response_config": {"required": true}, "default_response": false}),
        ];
        let pending = in_state(&world, &asker, "pending").await;
        for body in &changes {
            let changed = change(&world, &asker, &pending, body).await;
            changed.accepted(200, UPDATED);
            has(changed.at("data.request"), body);
        }
        let claimed = in_state(&world, &asker, "claimed").await;
        let before = show(&world, &asker, &claimed).await;
        for body in &changes {
            let refused = change(&world, &asker, &claimed, body).await;
            assert_eq!((refused.status, refused.at("error")), (400, &json!(true)), "{body}");
        }
        assert_eq!(show(&world, &asker, &claimed).await.body, before.body);
    }

    async fn contract_7_5_type_and_configuration_go_together_and_the_default_must_fit(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let unmatched = json!("default_response must match one of the configured options");
        let options = json!({"options": ["Yes", "No"]});
        for (body, msg, data) in [
            (json!({"response_type": "text"}), FAILED, json!("response_config is required")),
            (json!({"response_config": options}), FAILED, json!("response_type is required")),
            (
                json!({"response_type": "single_select", "response_config": {}}),
                "Invalid response configuration",
                json!("options array required for select response type"),
            ),
            (
                json!({"response_type": "single_select", "response_config": options}),
                "Invalid default response",
                unmatched.clone(),
            ),
            (
                json!({"response_type": "boolean", "response_config": {}}),
                "Invalid default response",
                json!("default_response must be a boolean"),
            ),
            (json!({"default_response": "maybe"}), "Invalid default response", unmatched),
        ] {
            change(&world, &asker, &id, &body).await.refused(400, msg, &data);
        }
        let body = json!({"response_type": "single_select", "response_config": options, "default_response": "no"});
        let changed = change(&world, &asker, &id, &body).await;
        changed.accepted(200, UPDATED);
        has(changed.at("data.request"), &body);
    }

    async fn contract_7_5_the_rules_are_those_of_creation(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let before = show(&world, &asker, &id).await;
        let v16 = "Image URL is required when type is image";
        for (body, msg, data) in [
            (json!({"priority": "urgent"}), FAILED, json!("priority must be one of: low, medium, high, critical")),
            (json!({"priority": 1}), "Invalid request body", json!({"field": "priority", "issue": "must be a string"})),
            (json!({"type": "video"}), FAILED, json!("type must be one of: markdown, image")),
            (json!({"type": "image"}), v16, json!("image_url is required when type is image")),
            (json!({"request_text": " "}), "Request text is required", json!("request_text is required")),
            (
                json!({"request_text": "x".repeat(2001)}),
                FAILED,
                json!("request_text must be between 1 and 2000 characters"),
            ),
            (json!({"image_url": "nope"}), FAILED, json!("image_url must be a valid URL")),
            (json!({"context": []}), "Invalid request body", json!({"field": "context", "issue": "must be an object"})),
            (json!({"timeout_seconds": 59}), FAILED, json!("timeout_seconds must be between 60 and 86400")),
            (
                json!({"timeout_seconds": "60"}),
                "Invalid request body",
                json!({"field": "timeout_seconds", "issue": "must be an integer"}),
            ),
            (json!({"callback_url": "nope"}), FAILED, json!("callback_url must be a valid URL")),
            (json!({"priority": "low", "callback_url": "nope"}), FAILED, json!("callback_url must be a valid URL")),
        ] {
            change(&world, &asker, &id, &body).await.refused(400, msg, &data);
        }
        assert_eq!(show(&world, &asker, &id).await.body, before.body, "all or nothing");
    }

    async fn contract_4_4_v10_something_known_must_be_there(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for body in [json!({}), json!({"title": "x", "platform": "n8n"}), json!({"priority": null, "status": null})] {
            let refused = change(&world, &asker, &id, &body).await;
            refused.refused(400, "At least one field must be provided for update", &json!(null));
        }
        for body in ["", "[]", "{"] {
            world.patch(&path(&id)).key(&asker.key).raw(body).await.refused(400, "Invalid request body", &json!(null));
        }
    }

    async fn contract_7_5_a_status_is_cancelled_or_as_it_is(world: World) {
        let asker = world.asker().await;
        for state in ["pending", "claimed"] {
            let id = in_state(&world, &asker, state).await;
            let before = show(&world, &asker, &id).await;
            for wrong in
                ["completed", "timeout", "pending", "claimed", "answered", ""].iter().filter(|wrong| **wrong != state)
            {
                let refused = change(&world, &asker, &id, &json!({"status": wrong, "response_data": "approve"})).await;
                refused.refused(400, FAILED, &json!("status can only be changed to cancelled"));
            }
            change(&world, &asker, &id, &json!({"status": state, "response_data": "x"})).await.accepted(200, UPDATED);
            assert_eq!(show(&world, &asker, &id).await.body, before.body, "nothing changed");
            let changed = change(&world, &asker, &id, &json!({"status": state, "priority": "low"})).await;
            has(changed.at("data.request"), &json!({"status": state, "priority": "low"}));
            let cancelled = change(&world, &asker, &id, &json!({"status": "cancelled"})).await;
            cancelled.accepted(200, UPDATED);
            has(cancelled.at("data.request"), &json!({"status": "cancelled", "response_data": null}));
            assert_eq!(world.events(&id).await.last().unwrap(), "request.cancelled");
        }
    }

    async fn contract_3_7_cancelling_by_update_gives_the_unit_back(world: World) {
        let asker = world.asker().await;
        for (state, refund) in [("pending", 1), ("claimed", 0)] {
            let id = in_state(&world, &asker, state).await;
            let left = |answer: &Answer| answer.header("x-ratelimit-remaining").parse::<i64>().unwrap();
            let before = left(&show(&world, &asker, &id).await);
            let cancelled = change(&world, &asker, &id, &json!({"status": "cancelled"})).await;
            assert_eq!(left(&cancelled), before - 1 + refund, "{state}");
        }
    }

    async fn contract_4_4_v29_what_has_ended_does_not_change(world: World) {
        let asker = world.asker().await;
        for state in ["completed", "timeout", "cancelled"] {
            let id = in_state(&world, &asker, state).await;
            let before = show(&world, &asker, &id).await;
            for body in [
                json!({"priority": "low"}),
                json!({"type": "markdown"}),
                json!({"status": state}),
                json!({"status": "cancelled"}),
            ] {
                change(&world, &asker, &id, &body).await.refused(400, V29, &json!(null));
            }
            let invalid = change(&world, &asker, &id, &json!({"priority": "x"})).await;
            assert_eq!(invalid.at("msg"), FAILED, "the body is judged before the state (4.1)");
            assert_eq!(show(&world, &asker, &id).await.body, before.body);
        }
    }

    async fn contract_7_5_only_its_creator_changes_it_by_patch_or_put(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("john@example.com", &asker.code).await;
        let (member, outsider) = (world.key(&member).await, world.key(&world.person("out@example.com").await).await);
        let id = world.ask(&asker, &question()).await;
        for key in [&member, &outsider] {
            world.patch(&path(&id)).key(key).raw("{").await.refused(403, "Access denied to this request", &json!(null));
        }
        let second = world.key(&asker.owner).await;
        for (priority, path) in [("low", path(&id)), ("medium", format!("/v1/requests/{id}"))] {
            let changed = world.put(&path).key(&second).json(&json!({"priority": priority})).await;
            changed.accepted(200, UPDATED);
            assert_eq!(changed.at("data.request.priority"), priority);
        }
    }
}
