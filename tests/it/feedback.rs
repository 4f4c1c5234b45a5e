//! Telling what an answer was worth (contract 7.7).

use crate::{
    asking::{has, in_state, path, show},
    harness::{Answer, Asker, World, on_both},
};
use serde_json::{Value, json};

const ADDED: &str = "Feedback added successfully";
const FAILED: &str = "Validation failed";
const V22: &str = "Feedback can only be added to completed requests";
const V23: &str = "Rating values must be between 1 and 5";
const V24: &str = "Comment exceeds maximum length of 1000 characters";
const V25: &str = "Feedback already submitted for this request";

async fn give(world: &World, asker: &Asker, id: &str, body: &Value) -> Answer {
    world.post(&format!("{}/feedback", path(id))).key(&asker.key).json(body).await
}

on_both! {
    async fn contract_7_7_feedback_is_kept_as_sent(world: World) {
        let asker = world.asker().await;
        let rows = [
            (json!({"feedback": {"rating": 5}}), json!({"rating": 5})),
            (
                json!({"feedback": {"comment": "é".repeat(1000), "tags": ["a", "b"], "category": "issue"}}),
                json!({"comment": "é".repeat(1000), "tags": ["a", "b"], "category": "issue"}),
            ),
            (
                json!({"feedback": {"rating": 1, "accuracy": 4.5, "timeliness": 5, "helpfulness": 1.0,
                "would_recommend": false,
                "follow_up_needed": true, "category": "constructive", "mood": {"z": 1, "a": [null]}}}),
                json!({"rating": 1, "accuracy": 4.5, "timeliness": 5, "helpfulness": 1.0, "would_recommend": false,
                "follow_up_needed": true, "category": "constructive", "mood": {"z": 1, "a": [null]}}),
            ),
            (
                json!({"feedback": {"rating": 4, "category": "positive"}, "would_recommend": true, "comment": "Good", "x": 1}),
                json!({"rating": 4, "category": "positive", "comment": "Good", "would_recommend": true}),
            ),
            (json!({"rating": 3}), json!({"rating": 3})),
            (json!({"feedback": {}, "would_recommend": true}), json!({"would_recommend": true})),
        ];
        for (body, stored) in rows {
            let id = in_state(&world, &asker, "completed").await;
            let given = give(&world, &asker, &id, &body).await;
            given.accepted(200, ADDED);
            let now = world.now().to_string();
            has(
                given.at("data"),
                &json!({"request_id": id, "feedback": stored, "submitted_at": now, "reviewer_notified": false}),
            );
            assert_eq!(given.text("data.feedback_id").len(), 24);
            assert_eq!(show(&world, &asker, &id).await.at("data.request.feedback"), &stored);
            assert_eq!(world.events(&id).await.last().unwrap(), "request.feedback");
            give(&world, &asker, &id, &body).await.refused(400, V25, &json!(null));
        }
    }

    async fn contract_7_7_each_fault_has_its_words(world: World) {
        let asker = world.asker().await;
        let id = in_state(&world, &asker, "completed").await;
        let required = json!("feedback is required");
        let wrong = |field: &str, issue: &str| json!({"field": field, "issue": issue});
        let mut rows = vec![
            (json!({}), FAILED, required.clone()),
            (json!({"feedback": null}), FAILED, required.clone()),
            (json!({"feedback": {}}), FAILED, required.clone()),
            (json!({"feedback": "good"}), FAILED, required.clone()),
            (json!({"feedback": [5]}), FAILED, required.clone()),
            (json!({"unknown": 1}), FAILED, required),
            (json!({"feedback": {"comment": "é".repeat(1001)}}), V24, json!(null)),
            (
                json!({"feedback": {"category": "bad"}}),
                FAILED,
                json!("category must be one of: positive, constructive, issue"),
            ),
            (
                json!({"feedback": {"rating": 5}, "category": "bad"}),
                FAILED,
                json!("category must be one of: positive, constructive, issue"),
            ),
            (json!({"feedback": {"rating": "5"}}), "Invalid request body", wrong("rating", "must be a number")),
            (json!({"feedback": {"comment": 5}}), "Invalid request body", wrong("comment", "must be a string")),
            (json!({"feedback": {"tags": "a"}}), "Invalid request body", wrong("tags", "must be an array of strings")),
            (json!({"feedback": {"tags": [1]}}), "Invalid request body", wrong("tags", "must be an array of strings")),
        ];
        for field in ["rating", "accuracy", "timeliness", "helpfulness"] {
            for value in [json!(0), json!(0.9), json!(5.1), json!(6), json!(-1), json!(1e300)] {
                rows.push((json!({"feedback": {field: value}}), V23, json!(field)));
            }
        }
        for field in ["would_recommend", "follow_up_needed"] {
            rows.push((json!({"feedback": {field: "yes"}}), "Invalid request body", wrong(field, "must be a boolean")));
        }
        for (body, msg, data) in rows {
            give(&world, &asker, &id, &body).await.refused(400, msg, &data);
        }
        for body in ["", "[]", "{"] {
            let refused = world.post(&format!("{}/feedback", path(&id))).key(&asker.key).raw(body).await;
            refused.refused(400, "Invalid request body", &json!(null));
        }
        assert_eq!(show(&world, &asker, &id).await.at("data.request.feedback"), &json!(null));
        give(&world, &asker, &id, &json!({"feedback": {"rating": 5}})).await.accepted(200, ADDED);
    }

    async fn contract_7_7_checks_come_in_order(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("john@example.com", &asker.code).await;
        let (member, outsider) = (world.key(&member).await, world.key(&world.person("out@example.com").await).await);
        let (good, bad) = (json!({"feedback": {"rating": 5}}), json!({"feedback": {"rating": 9}}));
        for state in ["pending", "claimed", "timeout", "cancelled"] {
            let id = in_state(&world, &asker, state).await;
            for key in [&member, &outsider] {
                let refused = world.post(&format!("{}/feedback", path(&id))).key(key).json(&bad).await;
                refused.refused(403, "Access denied to this request", &json!(null));
            }
            for body in [&good, &bad] {
                give(&world, &asker, &id, body).await.refused(400, V22, &json!(null));
            }
        }
        let id = in_state(&world, &asker, "completed").await;
        world.post(&format!("{}/feedback", path(&id))).key(&member).json(&good).await.refused(
            403,
            "Access denied to this request",
            &json!(null),
        );
        world.post(&format!("{}/feedback", path(&id))).key(&session).json(&good).await.refused(
            401,
            "Invalid authorization token",
            &json!(null),
        );
        let second = Asker { key: world.key(&asker.owner).await, ..asker.clone() };
        give(&world, &second, &id, &good).await.accepted(200, ADDED);
        give(&world, &asker, &id, &bad).await.refused(400, V23, &json!("rating"));
        give(&world, &asker, &id, &good).await.refused(400, V25, &json!(null));
    }
}
