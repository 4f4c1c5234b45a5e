//! What a key may do (contract 2.8), which loops it may touch (13.4), and what no key may (16.6).

use crate::{
    harness::{on_both, question},
    operations::{Scene, assert_failure, operations},
};
use hitl_server::{
    domain::{Scope, words::Word},
    service::keys::NewKey,
};
use serde_json::{Value, json};

/// Those that take no session: what they want is in the body.
const OPEN: [(&str, &str); 3] =
    [("POST", "/v1/reviewer/session"), ("POST", "/v1/reviewer/signup"), ("POST", "/v1/reviewer/setup")];

on_both! {
    async fn contract_2_8_2_each_operation_wants_its_scope_and_no_other(world: World) {
        let asker = world.asker().await;
        for operation in operations() {
            let about = format!("{} {}", operation.method, operation.path);
            let others = |scope: &Scope| *scope != Scope::All && scope.as_str() != operation.scope;
            let all_others: Vec<Scope> = Scope::ALL.iter().copied().filter(others).collect();
            let its_own: Vec<Scope> = Scope::named(operation.scope).into_iter().collect();
            for (scopes, enough) in [(all_others, operation.scope.is_empty()), (its_own, true), (vec![Scope::All], true)] {
                let (_, key) = world.key_with(&asker.owner, |new| new.scopes = scopes).await;
                let scene = Scene::set(&world, &asker, &operation).await;
                let answer = operation.call(&world, &scene, operation.path).key(&key).await;
                if enough {
                    assert_eq!(answer.status, operation.status, "{about}: {}", answer.body);
                } else {
                    let detail = json!({"required_permission": operation.scope});
                    answer.refused(403, "Access denied to this resource", &detail);
                }
                assert!(!answer.header("x-ratelimit-remaining").is_empty(), "{about}");
            }
        }
    }

    async fn contract_2_8_4_the_description_names_the_same_scopes(world: World) {
        let described = world.get("/openapi.json").await;
        let canonical = |path: &str| path != "/v1/api/requests/{request_id}/response"; // an alias there
        for operation in operations().filter(|operation| canonical(operation.path)) {
            let it = &described.body["paths"][operation.path][operation.method.to_lowercase()];
            assert!(it.is_object(), "{} {}", operation.method, operation.path);
            assert_eq!(it["x-scope"].as_str().unwrap_or_default(), operation.scope, "{} {}", operation.method, operation.path);
        }
    }

    async fn contract_4_1_the_scope_comes_before_ids_and_bodies(world: World) {
        let asker = world.asker().await;
        for operation in operations().filter(|operation| !operation.scope.is_empty()) {
            let other = if operation.scope == "webhooks:read" { Scope::LoopsRead } else { Scope::WebhooksRead };
            let (_, key) = world.key_with(&asker.owner, |new| new.scopes = vec![other]).await;
            let answer = operation.call(&world, &Scene::of("not-an-id"), operation.path).key(&key).raw("{").await;
            answer.refused(403, "Access denied to this resource", &json!({"required_permission": operation.scope}));
        }
    }

    async fn contract_13_4_a_key_touches_only_its_loops(world: World) {
        let asker = world.asker().await;
        let mine = world.ask(&asker, &question()).await;
        let confined = |new: &mut NewKey| {
            new.loops = Some(vec![asker.loop_id.parse().unwrap()]);
            new.scopes = vec![Scope::All];
        };
        let (_, key) = world.key_with(&asker.owner, confined).await;
        for operation in operations() {
            let about = format!("{} {}", operation.method, operation.path);
            let scene = Scene::set(&world, &asker, &operation).await;
            let answer = operation.call(&world, &scene, operation.path).key(&key).await;
            if operation.path.contains("{webhook_id}") {
                answer.refused(404, "Webhook not found", &Value::Null); // one of no loop is not this key's
                continue;
            }
            let msg = match (operation.method, operation.path) {
                ("POST", "/v1/api/loops" | "/v1/api/webhooks") => "Access denied to this resource",
                (_, path) if path.contains("/signing-secret") => "Access denied to this resource", // it signs for all loops
                ("POST", "/v1/api/requests") => "Access denied to this loop",
                (_, path) if path.contains("{request_id}") => "Access denied to this request",
                (_, path) if path.contains("{loop_id}") => "Access denied to this loop",
                _ => {
                    assert_eq!(answer.status, 200, "{about}: {}", answer.body);
                    continue;
                }
            };
            assert_eq!((answer.status, answer.at("msg")), (403, &json!(msg)), "{about}");
        }
        let ids = |list: &Value| list.as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
        let loops = world.get("/v1/api/loops").key(&key).await;
        assert_eq!((ids(loops.at("data.loops")), loops.at("data.count")), (vec![json!(asker.loop_id)], &json!(1)));
        let requests = world.get("/v1/api/requests").key(&key).await;
        assert_eq!((ids(requests.at("data.requests")), requests.at("data.total")), (vec![json!(mine)], &json!(1)));
        world.get(&format!("/v1/api/requests/{mine}")).key(&key).await.accepted(200, "Request retrieved successfully");
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let asked = world.post(&path).key(&key).json(&question()).await;
        asked.accepted(201, "Request created and broadcasted successfully");
    }

    async fn contract_16_6_no_key_opens_what_is_for_people(world: World) {
        let asker = world.asker().await;
        let (_, key) = world.key_with(&asker.owner, |new| new.scopes = vec![Scope::All]).await;
        let request = world.ask(&asker, &question()).await;
        for operation in hitl_server::http::reviewed().operations {
            let path = operation.path.replace("{loop_id}", &asker.loop_id).replace("{request_id}", &request);
            let about = format!("{} {path}", operation.method);
            let call = || world.call(operation.method.clone(), &path);
            let body = json!({"response_data": "approve", "invite_code": asker.code});
            let bearer = call().key(&key).json(&body).await;
            assert_failure(&bearer, &about);
            let cookie = call().header("cookie", &format!("hitl_session={key}")).json(&body).await;
            assert_failure(&cookie, &about);
            if !OPEN.contains(&(operation.method.as_str(), operation.path.as_str())) {
                assert_eq!((bearer.status, cookie.status), (401, 401), "{about}");
            }
        }
        assert_eq!(world.events(&request).await, ["request.created"], "nothing happened to it");
    }

    async fn a12_a_key_cannot_say_who_decided_or_what(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        let path = format!("/v1/api/requests/{request}");
        for body in [
            json!({"status": "completed", "response_data": "approve"}),
            json!({"status": "claimed", "claimed_by": asker.owner.id}),
            json!({"response_data": "approve", "response_by": asker.owner.id}),
            json!({"status": "timeout"}),
        ] {
            let answer = world.patch(&path).key(&asker.key).json(&body).await;
            assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        }
        let shown = world.get(&path).key(&asker.key).await;
        let told = ["status", "response_data", "response_by", "claimed_by"].map(|name| &shown.body["data"]["request"][name]);
        assert_eq!(told, [&json!("pending"), &Value::Null, &Value::Null, &Value::Null]);
    }
}
