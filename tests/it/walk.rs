//! The walk of contract section 18: what the vendor's API-keys page does, in its order.

use crate::harness::{on_both, question};
use serde_json::json;

on_both! {
    async fn contract_18_the_walk(world: World) {
        let owner = world.person("user@example.com").await;
        let (_, key) = world.key_with(&owner, |new| new.hourly_limit = None).await;
        let remaining = |answer: &crate::harness::Answer| answer.header("x-ratelimit-remaining").parse::<i64>().unwrap();

        let tested = world.get("/v1/test").key(&key).await;
        tested.accepted(200, "API key is valid");
        assert_eq!(tested.at("data.permissions"), &json!(["loops:read", "loops:write", "requests:read", "requests:write"]));
        assert_eq!((remaining(&tested), tested.at("data.rate_limit.remaining")), (99, &json!(99)));

        let made = world.post("/v1/api/loops").key(&key).json(&json!({"name": "Content", "description": "Review"})).await;
        made.accepted(200, "Loop created successfully with QR code");
        assert_eq!(made.at("data.id"), made.at("data.loop.id"));
        let loop_id = made.text("data.id");

        let (reviewer, session) = world.reviewer("john@example.com", &made.text("data.invite_code")).await;

        let path = format!("/v1/api/loops/{loop_id}/requests");
        let asked = world.post(&path).key(&key).json(&question()).await;
        asked.accepted(201, "Request created and broadcasted successfully");
        assert_eq!(asked.at("data.broadcasted_to"), 2);
        let request = asked.text("data.polling_url");

        let polled = world.get(&request).key(&key).await;
        assert_eq!((polled.at("data.request.status"), polled.at("data.response_data")), (&json!("pending"), &json!(null)));

        let id = asked.text("data.id");
        let review = |act: &str| format!("/v1/reviewer/requests/{id}/{act}");
        world.clock.advance(60);
        world.post(&review("claim")).key(&session).await.accepted(200, "Request claimed");
        assert_eq!(world.get(&request).key(&key).await.at("data.request.status"), "claimed");
        world.clock.advance(185);
        let answered = world.post(&review("respond")).key(&session).json(&json!({"response_data": "Approve"})).await;
        answered.accepted(200, "Response submitted");

        let polled = world.get(&request).key(&key).await;
        assert_eq!((polled.at("data.request.status"), polled.at("data.request.response_data")), (&json!("completed"), &json!("approve")));
        assert_eq!(polled.at("data.request.response_by_user.id"), &json!(reviewer.id.to_string()));
        assert_eq!(polled.at("data.request.response_time_seconds"), &json!(245));

        let feedback = format!("{request}/feedback");
        let given = world.post(&feedback).key(&key).json(&json!({"feedback": {"rating": 5, "comment": "Good"}})).await;
        given.accepted(200, "Feedback added successfully");

        let second = world.post(&path).key(&key).json(&question()).await;
        let before = remaining(&second);
        let cancelled = world.delete(&format!("/v1/api/requests/{}", second.text("data.id"))).key(&key).await;
        cancelled.accepted(200, "Request cancelled successfully");
        assert_eq!(remaining(&cancelled), before, "one counted, one given back");

        let mut body = question();
        body["timeout_seconds"] = json!(60);
        let third = world.post(&path).key(&key).json(&body).await;
        assert_eq!(remaining(&third), before - 1);
        world.clock.advance(60);
        let ended = world.get(&third.text("data.polling_url")).key(&key).await;
        assert_eq!((ended.at("data.status"), ended.at("data.default_response")), (&json!("timeout"), &json!("reject")));
        assert_eq!((ended.at("data.request.response_data"), ended.at("data.request.response_by")), (&json!(null), &json!(null)));
    }
}
