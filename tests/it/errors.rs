//! What goes wrong, and in which order it is told (contract 4), as far as it is the same for many operations.

use crate::{
    accidents,
    harness::{World, on_both, question},
    operations::{Operation, Scene, assert_failure, operations},
};
use hitl_server::{app::Rng, http};
use serde_json::{Value, json};
use std::sync::Arc;

const SOMEBODY: &str = "65f1234567890abcdef12345";

/// What an operation says to ids that it does not know (E11, E12).
fn missing(operation: &Operation) -> Option<&'static str> {
    match operation.path {
        path if path.contains("{request_id}") => Some("Request not found"),
        path if path.contains("{webhook_id}") => Some("Webhook not found"),
        path if path.contains("{loop_id}") || operation.body.contains("{loop_id}") => Some("Loop not found"),
        _ => None,
    }
}

/// Chance that fails where an id is drawn.
struct NoIds;
impl Rng for NoIds {
    fn fill(&self, bytes: &mut [u8]) {
        const ID: usize = 8;
        assert_ne!(bytes.len(), ID, "a fault of the server's own");
        bytes.fill(1);
    }
}

on_both! {
    async fn contract_4_3_e16_a_fault_of_ours_is_an_answer_with_all_its_headers(world: World) {
        let asker = world.asker().await;
        let app = world.app.changed(|parts| parts.rng = Arc::new(NoIds));
        let broken = World { router: http::outside(app.clone()), app, ..world.clone() };
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let answer = broken.post(&path).header("origin", "https://app.example.com").key(&asker.key).json(&question()).await;
        answer.refused(500, "Internal server error", &Value::Null);
        for header in ["x-ratelimit-remaining", "access-control-allow-origin", "x-request-id"] {
            assert!(!answer.header(header).is_empty(), "{header}");
        }
    }

    async fn contract_4_4_v2_v3_malformed_ids_are_refused_by_every_operation(world: World) {
        let asker = world.asker().await;
        let bad = [
            "x", "1", "-1", "null", "65f1234567890abcdef1234", "65f1234567890abcdef123456", "65f1234567890abcdef1234g",
            "65f1234567890abcdef1234%20", "%2065f1234567890abcdef12345", "65f12345-6789-0abc-def1-2345", "+5f1234567890abcdef12345",
            "0x5f1234567890abcdef1234", "%00", "%FF", "%C3%A9", "..%2f..", "65f1234567890abcdef12345%2e", "';drop%20table%20loops;--",
            "%F0%9F%9B%A1", "undefined", "{loop_id}", "%7Brequest_id%7D",
        ];
        for operation in operations().filter(|operation| operation.path.contains('{')) {
            let named = ["request", "webhook", "loop"].into_iter().find(|name| operation.path.contains(&format!("{{{name}_id}}")));
            let msg = format!("Invalid {} ID format", named.unwrap());
            for id in bad.map(|id| id.replace(['{', '}'], "_")) {
                let path = Scene::of(&id).fill(operation.path);
                let answer = world.call(operation.method.parse().unwrap(), &path).key(&asker.key).raw("{").await;
                assert_eq!((answer.status, answer.at("msg")), (400, &json!(msg)), "{} {path}", operation.method);
                assert_failure(&answer, &path);
            }
        }
    }

    async fn contract_4_4_v2_malformed_loop_ids_elsewhere_are_refused_too(world: World) {
        let asker = world.asker().await;
        for id in ["x", "65f1234567890abcdef1234", "65f1234567890abcdef1234g"] {
            let body = crate::harness::question_with(&json!({"loop_id": id}));
            let asked = world.post("/v1/api/requests").key(&asker.key).json(&body).await;
            asked.refused(400, "Invalid loop ID format", &Value::Null);
            let listed = world.get(&format!("/v1/api/requests?loop_id={id}")).key(&asker.key).await;
            listed.refused(400, "Invalid loop ID format", &Value::Null);
        }
    }

    async fn contract_4_4_v4_malformed_user_ids_are_refused_before_existence(world: World) {
        let asker = world.asker().await;
        for loop_id in [&*asker.loop_id, SOMEBODY] {
            for id in ["x", "65f1234567890abcdef1234", "65f1234567890abcdef1234g", "%20"] {
                let answer = world.delete(&format!("/v1/api/loops/{loop_id}/members/{id}")).key(&asker.key).await;
                answer.refused(400, "Invalid user ID format", &Value::Null);
            }
        }
        let answer = world.delete("/v1/api/loops/x/members/x").key(&asker.key).await;
        answer.refused(400, "Invalid loop ID format", &Value::Null);
    }

    async fn contract_4_3_e11_e12_unknown_ids_are_404_before_the_body_is_judged(world: World) {
        let asker = world.asker().await;
        for operation in operations() {
            let Some(msg) = missing(&operation) else { continue };
            let scene = Scene::of_nothing();
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            answer.refused(404, msg, &Value::Null);
            assert!(answer.body.get("data").is_none(), "1.3.2: {}", answer.body);
            if operation.path.contains('{') {
                let answer = operation.call(&world, &scene, operation.path).key(&asker.key).raw("{").await;
                answer.refused(404, msg, &Value::Null);
            }
        }
    }

    async fn contract_4_3_e4_e5_what_is_others_is_403_before_the_body_is_judged(world: World) {
        let asker = world.asker().await;
        let outsider = world.person("outsider@example.com").await;
        let key = world.key(&outsider).await;
        for operation in operations() {
            let msg = match missing(&operation) {
                Some("Request not found") => "Access denied to this request",
                // Another's webhook is not there (12.8).
                Some("Webhook not found") | None => continue,
                Some(_) => "Access denied to this loop",
            };
            let scene = Scene::set(&world, &asker, &operation).await;
            operation.call(&world, &scene, operation.path).key(&key).await.refused(403, msg, &Value::Null);
            if operation.path.contains('{') {
                operation.call(&world, &scene, operation.path).key(&key).raw("{").await.refused(403, msg, &Value::Null);
            }
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            assert_eq!(answer.status, operation.status, "the refused ones changed nothing: {}", answer.body);
        }
    }

    async fn contract_4_3_e16_a_storage_failure_is_told_in_the_operations_words(world: World) {
        let asker = world.asker().await;
        for operation in operations().filter(|it| !it.scope.is_empty() && !it.path.contains("/signing-secret")) {
            let about = format!("{} {}", operation.method, operation.path);
            let scene = Scene::set(&world, &asker, &operation).await;
            let of = |noun: &str| operation.path.contains(noun);
            let table = if of("/requests") { "requests" } else if of("/webhooks") { "webhooks" } else { "loops" };
            accidents::run(&world, &format!("alter table {table} rename to away")).await;
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            accidents::run(&world, &format!("alter table away rename to {table}")).await;

            assert_failure(&answer, &about);
            let msg = answer.text("msg");
            assert_eq!(answer.status, 500, "{about}: {msg}");
            assert!(operation.failed.is_empty() || msg == operation.failed, "{about}: {msg}");
            for word in ["sql", "table", "relation", "away", "column"] {
                assert!(!answer.body.to_string().to_lowercase().contains(word), "{about}: {}", answer.body);
            }
            assert!(!answer.header("x-ratelimit-remaining").is_empty(), "3.3: {about}");
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            assert_eq!(answer.status, operation.status, "{about} works again: {}", answer.body);
        }
    }

    async fn contract_4_3_e16_a_failure_to_find_the_key_or_its_window_is_an_internal_one(world: World) {
        let asker = world.asker().await;
        for table in ["api_keys", "windows"] {
            let process = world.beside(|_| {}).await;
            accidents::run(&world, &format!("alter table {table} rename to away")).await;
            for path in ["/v1/test", "/v1/api/loops", "/v1/api/requests/x"] {
                process.get(path).key(&asker.key).await.refused(500, "Internal server error", &Value::Null);
            }
            let nowhere = process.get("/v1/nope").key(&asker.key).await;
            assert!([404, 500].contains(&nowhere.status), "{}", nowhere.body);
            accidents::run(&world, &format!("alter table away rename to {table}")).await;
            process.get("/v1/test").key(&asker.key).await.accepted(200, "API key is valid");
        }
    }

    async fn contract_4_3_e16_a_reviewer_whose_account_cannot_be_read_is_told_so(world: World) {
        let asker = world.asker().await;
        accidents::run(&world, "alter table accounts rename to away").await;
        let me = world.get("/v1/reviewer/me").key(&asker.session).await;
        accidents::run(&world, "alter table away rename to accounts").await;
        assert_eq!(me.status, 500, "{}", me.body);
        assert_failure(&me, "me");
    }

    async fn contract_4_3_e17_a_database_out_of_reach_is_503_and_the_process_lives(world: World) {
        let asker = world.asker().await;
        let process = world.beside(|_| {}).await;
        process.app.store.close().await;
        for path in ["/v1/test", "/v1/api/loops"] {
            let answer = process.get(path).key(&asker.key).await;
            answer.refused(503, "Service temporarily unavailable", &Value::Null);
            assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
        }
        assert_eq!(process.get("/ready").await.status, 503);
        assert_eq!(process.get("/health").await.body, json!({"status": "ok"}));
        assert_eq!(world.get("/ready").await.status, 200);
    }
}
