//! Who calls (contract 2.1 to 2.7), and how soon a decision about a key holds (quality A13).

use crate::{
    harness::{Answer, on_both},
    operations::{Scene, operations},
};
use hitl_server::{
    domain::{AccountStatus, Actor, KeyStatus},
    service::{accounts, keys},
};
use serde_json::{Value, json};

const INVALID: &str = "Invalid authorization token";
const FORM: &str = "Invalid Authorization header format. Use 'Bearer <api_key>'";
const PATH: &str = "/v1/test";

/// No key was recognised, so there is no window to tell of (2.4).
#[track_caller]
fn without_window(answer: &Answer) {
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy"] {
        assert_eq!(answer.headers.get(name), None, "{name}");
    }
    assert!(["", "Bearer"].contains(&answer.header("www-authenticate")), "2.5");
}

on_both! {
    async fn contract_2_1_the_scheme_is_matched_whatever_its_case_and_spaces_around_it_do_not_count(world: World) {
        let asker = world.asker().await;
        for name in ["Authorization", "authorization", "AUTHORIZATION"] {
            for before in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer    ", "  Bearer "] {
                for after in ["", " ", "   "] {
                    let value = format!("{before}{}{after}", asker.key);
                    world.get(PATH).header(name, &value).await.accepted(200, "API key is valid");
                }
            }
        }
    }

    async fn contract_2_3_each_bad_header_has_its_answer(world: World) {
        let asker = world.asker().await;
        let key = &asker.key;
        world.get(PATH).await.refused(401, "Missing or invalid authorization header", &json!("Missing Authorization header"));
        let long = "a".repeat(300);
        for (value, data) in [
            (format!("Basic {key}"), json!(FORM)),
            (format!("Token {key}"), json!(FORM)),
            (format!("Bearer{key}"), json!(FORM)),
            (format!("Bearer\t{key}"), json!(FORM)),
            (format!("Bearer: {key}"), json!(FORM)),
            (format!("Bearer {key} {key}"), json!(FORM)),
            (format!("Bearer, {key}"), json!(FORM)),
            (key.clone(), json!(FORM)),
            ("Bearer".to_owned(), json!("Empty API key")),
            ("Bearer ".to_owned(), json!("Empty API key")),
            ("Bearer    ".to_owned(), json!("Empty API key")),
            ("Bearer nonsense".to_owned(), Value::Null),
            ("Bearer hitl_live_".to_owned(), Value::Null),
            (format!("Bearer hitl_live_{}", "0".repeat(48)), Value::Null),
            (format!("Bearer {key}0"), Value::Null),
            (format!("Bearer {}", &key[..key.len() - 1]), Value::Null),
            (format!("Bearer {}", key.to_uppercase()), Value::Null),
            (format!("Bearer \"{key}\""), Value::Null),
            (format!("Bearer {}", asker.session), Value::Null),
            (format!("Bearer {long}"), Value::Null),
            ("Bearer %00'; drop table api_keys; --".replace(' ', "%20").replacen("%20", " ", 1), Value::Null),
            ("Bearer clé".to_owned(), Value::Null),
        ] {
            let answer = world.get(PATH).header("authorization", &value).await;
            assert_eq!(answer.status, 401, "{value}");
            answer.refused(401, INVALID, &data);
            without_window(&answer);
        }
        world.get(PATH).header("authorization", "").await.refused(401, INVALID, &json!(FORM));
        let latin = world.get(PATH).header("authorization", b"Bearer cl\xe9").await;
        assert_eq!((latin.status, latin.at("msg")), (401, &json!(INVALID)));
        world.get(PATH).key(key).await.accepted(200, "API key is valid");
    }

    async fn contract_2_2_a_key_counts_nowhere_but_in_the_authorization_header(world: World) {
        let asker = world.asker().await;
        let key = &asker.key;
        let calls = [
            world.get(PATH).header("x-api-key", key),
            world.get(PATH).header("api-key", key),
            world.get(&format!("{PATH}?api_key={key}")),
            world.get(&format!("{PATH}?access_token={key}&key={key}&token={key}")),
            world.get(PATH).header("cookie", &format!("hitl_session={key}; api_key={key}")),
            world.get(PATH).header("cookie", &format!("hitl_session={}", asker.session)),
            world.get(PATH).header("proxy-authorization", &format!("Bearer {key}")),
        ];
        for call in calls {
            let answer = call.await;
            answer.refused(401, "Missing or invalid authorization header", &json!("Missing Authorization header"));
            without_window(&answer);
        }
    }

    async fn contract_2_1_every_operation_wants_a_key(world: World) {
        let world = world.beside(|settings| settings.limits.failed_keys_per_minute = 1_000_000.try_into().unwrap()).await;
        for operation in operations() {
            for path in operation.paths() {
                let call = || operation.call(&world, &Scene::of_nothing(), &path);
                let missing = call().await;
                missing.refused(401, "Missing or invalid authorization header", &json!("Missing Authorization header"));
                let wrong = call().key("hitl_live_wrong").await;
                wrong.refused(401, INVALID, &Value::Null);
                without_window(&missing);
                without_window(&wrong);
            }
        }
    }

    async fn contract_2_3_suspended_expired_and_revoked_keys_are_refused(world: World) {
        let asker = world.asker().await;
        let expires_at = Some(world.now().plus_seconds(60));
        let (suspended, first) = world.key_with(&asker.owner, |_| {}).await;
        let (revoked, second) = world.key_with(&asker.owner, |_| {}).await;
        let (_, expiring) = world.key_with(&asker.owner, |new| new.expires_at = expires_at).await;
        for token in [&first, &second, &expiring] {
            world.get(PATH).key(token).await.accepted(200, "API key is valid");
        }
        let decide = |key: &hitl_server::domain::Key, status| {
            let (app, id) = (world.app.clone(), key.id);
            async move { keys::set_status(&app, Actor::Operator, id, status).await.unwrap() }
        };
        decide(&suspended, KeyStatus::Suspended).await;
        decide(&revoked, KeyStatus::Revoked).await;
        world.clock.advance(59);
        world.get(PATH).key(&first).await.refused(401, INVALID, &json!("API key is inactive"));
        world.get(PATH).key(&second).await.refused(401, INVALID, &Value::Null);
        world.get(PATH).key(&expiring).await.accepted(200, "API key is valid");
        world.clock.advance(1);
        let expired = world.get(PATH).key(&expiring).await;
        expired.refused(401, INVALID, &json!("API key is inactive"));
        without_window(&expired);

        decide(&suspended, KeyStatus::Active).await;
        world.clock.advance(1);
        world.get(PATH).key(&first).await.accepted(200, "API key is valid");
        assert!(keys::set_status(&world.app, Actor::Operator, revoked.id, KeyStatus::Active).await.is_err(), "13.3: for good");
        world.get(PATH).key(&second).await.refused(401, INVALID, &Value::Null);
    }

    async fn a13_a_decision_about_a_key_holds_everywhere_within_a_second(world: World) {
        let other = world.beside(|_| {}).await;
        let asker = world.asker().await;
        for status in [KeyStatus::Suspended, KeyStatus::Revoked] {
            let (key, token) = world.key_with(&asker.owner, |_| {}).await;
            for process in [&world, &other] {
                process.get(PATH).key(&token).await.accepted(200, "API key is valid");
            }
            keys::set_status(&world.app, Actor::Operator, key.id, status).await.unwrap();
            world.clock.advance(1);
            for process in [&world, &other] {
                assert_eq!(process.get(PATH).key(&token).await.status, 401);
                assert_eq!(process.get("/v1/api/loops").key(&token).await.status, 401);
            }
        }
    }

    async fn contract_2_7_an_account_that_is_not_active_may_only_test_its_key(world: World) {
        let asker = world.asker().await;
        for (status, word) in [(AccountStatus::Suspended, "suspended"), (AccountStatus::Inactive, "inactive")] {
            accounts::set_status(&world.app, Actor::Operator, asker.owner.id, status).await.unwrap();
            world.clock.advance(1);
            for operation in operations() {
                let answer = operation.call(&world, &Scene::of_nothing(), operation.path).key(&asker.key).await;
                assert!(!answer.header("x-ratelimit-remaining").is_empty(), "{}", operation.path);
                if operation.path == PATH {
                    answer.accepted(200, "API key is valid");
                    assert_eq!(answer.at("data.account_status"), word);
                } else {
                    let told = (answer.status, answer.at("msg"));
                    assert_eq!(told, (403, &json!("Access denied to this resource")), "{}", operation.path);
                }
            }
        }
        accounts::set_status(&world.app, Actor::Operator, asker.owner.id, AccountStatus::Active).await.unwrap();
        world.clock.advance(1);
        world.get("/v1/api/loops").key(&asker.key).await.accepted(200, "Loops retrieved successfully");
    }

    async fn contract_6_1_testing_a_key_says_whose_it_is_and_what_it_may(world: World) {
        let asker = world.asker().await;
        let (key, token) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(10)).await;
        let tested = world.get(PATH).key(&token).await;
        tested.accepted(200, "API key is valid");
        let reset_at = world.now().plus_seconds(3600).to_string();
        for (path, value) in [
            ("data.api_key_id", json!(key.id)),
            ("data.user_id", json!(asker.owner.id)),
            ("data.email", json!("owner@example.com")),
            ("data.account_status", json!("active")),
            ("data.rate_limit", json!({"limit": 10, "remaining": 9, "reset_at": reset_at})),
            ("data.permissions", json!(["loops:read", "loops:write", "requests:read", "requests:write"])),
        ] {
            assert_eq!(tested.at(path), &value, "{path}");
        }
        assert!(!String::from_utf8(tested.bytes).unwrap().contains(&token), "15.1");
    }
}
