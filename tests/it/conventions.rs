//! Paths, methods, and what every answer looks like (contract 1.1, 1.3 and 1.4).

use crate::{
    harness::{Answer, on_both},
    operations::{Scene, assert_failure, operations},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What an answer is made of: the same keys in the same places, with the kinds of their values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
    }
}

fn words(list: &str) -> BTreeSet<String> {
    list.split(',').map(|word| word.trim().to_ascii_lowercase()).collect()
}

fn window(answer: &Answer) -> [&str; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| answer.header(name))
}

on_both! {
    async fn contract_1_1_2_both_prefixes_answer_identically(world: World) {
        let asker = world.asker().await;
        for operation in operations() {
            let mut answers = Vec::new();
            for path in operation.paths() {
                let scene = Scene::set(&world, &asker, &operation).await;
                let answer = operation.call(&world, &scene, &path).key(&asker.key).await;
                assert_eq!(answer.status, operation.status, "{} {path}: {}", operation.method, answer.body);
                answers.push((answer.at("msg").clone(), shape(answer.at("data"))));
            }
            if operation.path == "/v1/api/loops" || operation.path == "/v1/api/requests" {
                for (_, data) in &mut answers {
                    data.as_object_mut().unwrap().retain(|name, _| name != "loops" && name != "requests");
                }
            }
            assert_eq!(answers[0], answers[1], "{} {}", operation.method, operation.path);
        }
    }

    async fn contract_1_3_2_every_success_has_the_envelope_and_its_words(world: World) {
        let asker = world.asker().await;
        for operation in operations() {
            let about = format!("{} {}", operation.method, operation.path);
            let scene = Scene::set(&world, &asker, &operation).await;
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            assert_eq!(answer.status, operation.status, "{about}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{about}");
            assert_eq!(answer.body.as_object().unwrap().keys().collect::<Vec<_>>(), ["error", "msg", "data"], "{about}");
            assert_eq!(answer.at("error"), false, "{about}");
            assert!(answer.at("data").is_object(), "{about}: {}", answer.body);
            let msg = answer.text("msg");
            assert!(if operation.msg.is_empty() { !msg.is_empty() } else { msg == operation.msg }, "{about}: {msg}");
        }
    }

    async fn contract_1_1_4_the_aliases_of_samples_are_served(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &crate::harness::question()).await;
        let shown = world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await;
        for path in ["/v1/requests/{}/status", "/v1/requests/{}/response", "/v1/api/requests/{}/status"] {
            let again = world.get(&path.replace("{}", &id)).key(&asker.key).await;
            assert_eq!((again.status, &again.body), (200, &shown.body), "{path}");
        }
        for path in ["/health", "/v1/health"] {
            let health = world.get(path).await;
            assert_eq!((health.status, &health.body), (200, &json!({"status": "ok"})), "{path}");
        }
        let qr = world.get(&format!("/qr/{}.png", asker.code)).await;
        assert_eq!((qr.status, qr.header("content-type"), &qr.bytes[..8]), (200, "image/png", &b"\x89PNG\r\n\x1a\n"[..]));
        let page = world.get(&format!("/join/{}", asker.code)).await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").starts_with("text/html"));
        let cancelled = world.post(&format!("/v1/requests/{id}/cancel")).key(&asker.key).await;
        cancelled.accepted(200, "Request cancelled successfully");
    }

    async fn contract_1_1_5_a_trailing_slash_is_tolerated_without_a_redirect(world: World) {
        let asker = world.asker().await;
        for operation in operations() {
            let scene = Scene::set(&world, &asker, &operation).await;
            let answer = operation.call(&world, &scene, &format!("{}/", operation.path)).key(&asker.key).await;
            assert_eq!(answer.status, operation.status, "{} {}/: {}", operation.method, operation.path, answer.body);
        }
        world.get("/v1/api/requests/?limit=1").key(&asker.key).await.accepted(200, "Requests retrieved successfully");
        assert_eq!(world.get("/health/").await.status, 200);
    }

    async fn contract_1_1_5_paths_are_case_sensitive_and_hex_ids_are_not(world: World) {
        let asker = world.asker().await;
        for path in ["/V1/test", "/v1/Test", "/v1/API/loops", "/v1/api/Loops"] {
            world.get(path).key(&asker.key).await.refused(404, "Not found", &Value::Null);
        }
        let path = |id: &str| format!("/v1/api/loops/{id}");
        let lower = world.get(&path(&asker.loop_id)).key(&asker.key).await;
        let upper = world.get(&path(&asker.loop_id.to_uppercase())).key(&asker.key).await;
        assert_eq!((upper.status, &upper.body), (200, &lower.body));
        let body = crate::harness::question_with(&json!({"loop_id": asker.loop_id.to_uppercase()}));
        let asked = world.post("/v1/requests").key(&asker.key).json(&body).await;
        assert_eq!((asked.status, asked.at("data.loop_id")), (201, &json!(asker.loop_id)));
        let id = asked.text("data.id");
        let members = world.get(&path(&asker.loop_id)).key(&asker.key).await;
        for id in [id, asker.loop_id, members.text("data.loop.creator_id")] {
            assert!(id.len() == 24 && id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{id}");
        }
    }

    async fn contract_1_1_6_an_unknown_path_is_404_in_json(world: World) {
        let asker = world.asker().await;
        for path in ["/nope", "/v1", "/v1/nope", "/v1/api/nope", "/v1/api/loops/a/b/c/d", "/v2/test", "/v1//test", "/index.php"] {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                for key in [None, Some(&asker.key)] {
                    let call = world.call(method.parse().unwrap(), path);
                    let answer = if let Some(key) = key { call.key(key).await } else { call.await };
                    answer.refused(404, "Not found", &Value::Null);
                    assert!(answer.at("data").is_null() && answer.body.get("data").is_none(), "{}", answer.body);
                }
            }
        }
    }

    async fn contract_1_1_6_a_wrong_method_is_405_with_allow(world: World) {
        let asker = world.asker().await;
        let loop_path = format!("/v1/api/loops/{}", asker.loop_id);
        for (method, path, allowed) in [
            ("DELETE", "/v1/test", "GET,HEAD"),
            ("POST", "/v1/api/test", "GET,HEAD"),
            ("PUT", "/v1/loops", "GET,HEAD,POST"),
            ("POST", &*loop_path, "GET,HEAD,PUT,PATCH,DELETE"),
            ("GET", &*format!("{loop_path}/invite"), "POST"),
            ("PATCH", "/v1/api/requests", "GET,HEAD,POST"),
            ("HEAD", "/v1/reviewer/loops/join", "POST"),
            ("GET", "/v1/reviewer/session", "POST,DELETE"),
            ("POST", "/health", "GET,HEAD"),
            ("TRACE", "/v1/test", "GET,HEAD"),
            ("BREW", "/v1/test", "GET,HEAD"),
        ] {
            let answer = world.call(method.parse().unwrap(), path).await;
            assert_eq!((answer.status, words(answer.header("allow"))), (405, words(allowed)), "{method} {path}");
            if method != "HEAD" {
                answer.refused(405, "Method not allowed", &Value::Null);
            }
            let answer = world.call(method.parse().unwrap(), path).key(&asker.key).await;
            assert_eq!((answer.status, words(answer.header("allow"))), (405, words(allowed)), "{method} {path} with a key");
        }
    }

    async fn head_answers_what_get_does_without_the_body(world: World) {
        let asker = world.asker().await;
        for path in ["/v1/test", "/v1/api/loops", &*format!("/v1/loops/{}", asker.loop_id), "/v1/api/requests", "/health"] {
            let got = world.get(path).key(&asker.key).await;
            let head = world.call("HEAD".parse().unwrap(), path).key(&asker.key).await;
            assert_eq!((head.status, head.bytes.len()), (got.status, 0), "{path}");
            assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
        }
        assert_eq!(world.call("HEAD".parse().unwrap(), "/v1/test").await.status, 401);
    }

    async fn contract_1_3_5_browsers_may_call_from_anywhere(world: World) {
        let asker = world.asker().await;
        let calls = [
            (world.get("/v1/test").key(&asker.key), 200),
            (world.get("/v1/test"), 401),
            (world.get("/v1/api/loops/x").key(&asker.key), 400),
            (world.get("/v1/nope"), 404),
            (world.delete("/v1/test"), 405),
            (world.get("/v1/health"), 200),
            (world.get("/v1/reviewer/me"), 401),
        ];
        for (call, status) in calls {
            let answer = call.header("origin", "https://docs.example.com").await;
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, "*"));
            let exposed = words(answer.header("access-control-expose-headers"));
            assert!(exposed.is_superset(&words("x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset,retry-after")), "{exposed:?}");
            assert!(exposed.is_superset(&words("etag,idempotency-replayed")), "what a page polls and repeats by: {exposed:?}");
            assert_eq!(answer.header("cache-control"), "no-store", "1.3.6: {}", answer.body);
        }
    }

    async fn contract_1_3_5_options_is_204_without_a_key(world: World) {
        let asker = world.asker().await;
        let limit = world.get("/v1/test").key(&asker.key).await;
        for path in ["/v1/test", "/v1/api/loops", "/v1/api/requests/x", "/v1/reviewer/me", "/v1/nope"] {
            for key in [None, Some(&asker.key)] {
                let call = world.call("OPTIONS".parse().unwrap(), path).header("origin", "https://docs.example.com");
                let answer = if let Some(key) = key { call.key(key).await } else { call.await };
                assert_eq!((answer.status, answer.bytes.len()), (204, 0), "{path}");
                assert_eq!(answer.header("access-control-allow-origin"), "*");
                assert_eq!(window(&answer), [""; 3]);
                let allowed = words(answer.header("access-control-allow-headers"));
                assert!(allowed.is_superset(&words("authorization,content-type")), "{allowed:?}");
                let methods = words(answer.header("access-control-allow-methods"));
                assert!(methods.is_superset(&words("get,post,put,patch,delete,options")), "{methods:?}");
            }
        }
        let next = world.get("/v1/test").key(&asker.key).await;
        let left = |answer: &Answer| answer.at("data.rate_limit.remaining").as_i64().unwrap();
        assert_eq!(left(&next), left(&limit) - 1, "3.2: OPTIONS does not count");
    }

    async fn contract_1_3_6_nothing_under_v1_is_stored(world: World) {
        let asker = world.asker().await;
        for operation in operations() {
            let scene = Scene::set(&world, &asker, &operation).await;
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{} {}", operation.method, operation.path);
        }
    }

    async fn contract_1_4_2_times_are_whole_seconds_in_utc(world: World) {
        let asker = world.asker().await;
        world.clock.set(hitl_server::domain::Timestamp::from_micros(world.now().micros() + 123_456));
        let made = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Fractions"})).await;
        assert_eq!(made.at("data.loop.created_at"), "2024-03-15T10:30:00Z");
        let asked = world.ask(&asker, &crate::harness::question()).await;
        let shown = world.get(&format!("/v1/api/requests/{asked}")).key(&asker.key).await;
        assert_eq!(shown.at("data.request.created_at"), "2024-03-15T10:30:00Z");
        assert_eq!(shown.at("data.request.timeout_at"), "2024-03-15T11:30:00Z");
        let tested = world.get("/v1/test").key(&asker.key).await.text("data.rate_limit.reset_at");
        assert!(tested.len() == 20 && tested.ends_with('Z'), "{tested}");
    }

    async fn contract_1_3_1_every_refusal_of_every_operation_is_json(world: World) {
        let (asker, nothing) = (world.asker().await, Scene::of_nothing());
        let patient = world.beside(|settings| settings.limits.failed_keys_per_minute = 1_000_000.try_into().unwrap()).await;
        let routes = [hitl_server::http::keyed(), hitl_server::http::reviewed()];
        for operation in routes.into_iter().flat_map(|routes| routes.operations) {
            for path in std::iter::once(&operation.path).chain(&operation.aliases) {
                let call = || patient.call(operation.method.clone(), &nothing.fill(path));
                let about = format!("{} {path}", operation.method);
                let unauthenticated = call().raw("{").await;
                assert_failure(&unauthenticated, &about);
                assert!([400, 401, 429].contains(&unauthenticated.status), "{about}: {}", unauthenticated.body);
                let garbage = call().key(&asker.key).raw("{").await;
                if garbage.status >= 400 {
                    assert_failure(&garbage, &about);
                } else {
                    // What an account has one of is named by no id and needs no body.
                    let of_account = path.ends_with("/webhooks/signing-secret/rotate");
                    assert!(operation.method == "GET" || of_account, "{about}: only reading succeeds on nothing");
                }
            }
        }
    }
}
