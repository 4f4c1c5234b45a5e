//! Taking a request back (contract 7.6, 3.7, 1.2.2).

use crate::{
    asking::{act, has, in_state, path, show},
    harness::{Answer, on_both, question},
};
use axum::http::Method;
use serde_json::{Value, json};

const CANCELLED: &str = "Request cancelled successfully";
const V21: &str = "Request cannot be cancelled in current state";

fn left(answer: &Answer) -> i64 {
    answer.header("x-ratelimit-remaining").parse().unwrap()
}

on_both! {
    async fn contract_7_6_open_requests_are_cancelled_and_pending_ones_refunded(world: World) {
        let asker = world.asker().await;
        for (state, refund, reason) in [
            ("pending", 1, "Request cancelled before processing began"),
            ("claimed", 0, "Request was already being processed by reviewer"),
        ] {
            for (method, end) in [(Method::DELETE, ""), (Method::POST, "/cancel")] {
                let id = in_state(&world, &asker, state).await;
                let before = show(&world, &asker, &id).await;
                world.clock.advance(45);
                let now = world.now().to_string();
                let cancelled = world.call(method, &format!("{}{end}", path(&id))).key(&asker.key).await;
                cancelled.accepted(200, CANCELLED);
                assert_eq!(
                    cancelled.at("data"),
                    &json!({
                        "request_id": id, "status": "cancelled", "cancelled_at": now, "previous_status": state,
                        "refund_info": {"refunded": refund == 1, "reason": reason},
                    })
                );
                assert_eq!(left(&cancelled), left(&before) - 1 + refund, "a refund for {state}");
                let shown = show(&world, &asker, &id).await;
                assert_eq!(left(&shown), left(&cancelled) - 1, "the refund stays");
                has(
                    shown.at("data.request"),
                    &json!({
                        "status": "cancelled", "cancelled_at": now, "cancel_reason": null, "response_data": null,
                        "response_by": null, "claimed_by": before.at("data.request.claimed_by"),
                        "claimed_at": before.at("data.request.claimed_at"),
                    }),
                );
                assert_eq!(world.events(&id).await.last().unwrap(), "request.cancelled");
            }
        }
        let inbox = world.get("/v1/reviewer/inbox").key(&asker.session).await;
        assert_eq!(inbox.at("data.counts"), &json!({"active": 0, "mine": 0, "completed": 0}));
    }

    async fn contract_1_2_2_the_body_is_optional_and_may_be_anything(world: World) {
        let asker = world.asker().await;
        let bodies: [(&str, Value); 12] = [
            (r#"{"reason": "No longer needed"}"#, json!("No longer needed")),
            (r#"{"reason": "  Später 🎉 "}"#, json!("Später 🎉")),
            (r#"{"reason": ""}"#, json!(null)),
            (r#"{"reason": null}"#, json!(null)),
            (r#"{"reason": 7}"#, json!(null)),
            (r#"{"reason": "a\u0000b"}"#, json!(null)),
            ("{}", json!(null)),
            ("", json!(null)),
            ("{", json!(null)),
            ("[]", json!(null)),
            ("reason=x", json!(null)),
            (r#""reason""#, json!(null)),
        ];
        for (method, end) in [(Method::DELETE, ""), (Method::POST, "/cancel")] {
            for (body, reason) in &bodies {
                let id = world.ask(&asker, &question()).await;
                let call = world.call(method.clone(), &format!("{}{end}", path(&id))).key(&asker.key);
                call.header("content-type", "application/json").raw(*body).await.accepted(200, CANCELLED);
                assert_eq!(show(&world, &asker, &id).await.at("data.request.cancel_reason"), reason, "{body}");
            }
        }
        let id = world.ask(&asker, &question()).await;
        let long = json!({"reason": "é".repeat(501)});
        world.delete(&path(&id)).key(&asker.key).json(&long).await.accepted(200, CANCELLED);
        let kept = show(&world, &asker, &id).await.text("data.request.cancel_reason");
        assert!(kept.chars().count() <= 500);
    }

    async fn contract_4_4_v21_what_has_ended_is_not_cancelled(world: World) {
        let asker = world.asker().await;
        for state in ["completed", "timeout", "cancelled"] {
            let id = in_state(&world, &asker, state).await;
            let before = show(&world, &asker, &id).await;
            for (method, end) in [(Method::DELETE, ""), (Method::POST, "/cancel")] {
                let refused = world.call(method, &format!("{}{end}", path(&id))).key(&asker.key).await;
                refused.refused(400, V21, &json!({"status": state}));
            }
            let after = show(&world, &asker, &id).await;
            assert_eq!(after.body, before.body);
            assert_eq!(left(&after), left(&before) - 3, "nothing is refunded");
        }
    }

    async fn contract_7_6_only_its_owner_cancels(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("john@example.com", &asker.code).await;
        let (member, outsider) = (world.key(&member).await, world.key(&world.person("out@example.com").await).await);
        for state in ["pending", "cancelled"] {
            let id = in_state(&world, &asker, state).await;
            for key in [&member, &outsider] {
                let refused = world.delete(&path(&id)).key(key).await;
                refused.refused(403, "Access denied to this request", &json!(null));
            }
        }
        let id = world.ask(&asker, &question()).await;
        act(&world, &session, &id, "claim").await.accepted(200, "Request claimed");
        let second = world.key(&asker.owner).await;
        world.delete(&path(&id)).key(&second).await.accepted(200, CANCELLED);
        act(&world, &session, &id, "release").await.refused(409, "Request is no longer available", &json!(null));
    }
}
