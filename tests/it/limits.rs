//! The hourly window of a key (contract 3), seen from one process.

use crate::{
    harness::{Answer, World, on_both, question_with},
    operations::{Scene, operations},
};
use hitl_server::domain::{Scope, Timestamp};
use serde_json::{Value, json};

const PATH: &str = "/v1/test";
const EXCEEDED: &str = "API rate limit exceeded";

/// Limit, remaining and reset, as the headers tell them (3.3).
#[track_caller]
fn window(answer: &Answer) -> (i64, i64, i64) {
    let number =
        |name: &str| answer.header(name).parse().unwrap_or_else(|_| panic!("{name} is {:?}", answer.header(name)));
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"))
}

fn remaining(answer: &Answer) -> i64 {
    window(answer).1
}

async fn key_of(world: &World, limit: Option<i64>) -> String {
    let email = format!("{}@example.com", world.app.new_id::<()>());
    let owner = world.person(&email).await;
    world.key_with(&owner, |new| new.hourly_limit = limit).await.1
}

on_both! {
    async fn contract_3_1_a_window_opens_at_the_first_request_and_closes_an_hour_later(world: World) {
        let key = key_of(&world, Some(5)).await;
        let start = world.now().seconds();
        for (second, left, closes) in [
            (1000, 4, 4600), // long after the key was made, and not on the hour
            (1000, 3, 4600),
            (1010, 2, 4600),
            (4599, 1, 4600),
            (4600, 4, 8200), // closed: the next request opens another
            (8199, 3, 8200),
            (20_000, 4, 23_600), // not aligned to the windows before it
        ] {
            world.clock.set(Timestamp::from_seconds(start + second));
            assert_eq!(window(&world.get(PATH).key(&key).await), (5, left, start + closes), "at {second}");
        }
    }

    async fn contract_3_2_every_authenticated_request_counts(world: World) {
        let asker = world.asker().await;
        let scopes = vec![Scope::LoopsRead, Scope::LoopsWrite];
        let (_, key) = world.key_with(&asker.owner, |new| {
            new.scopes = scopes;
            new.hourly_limit = Some(100);
        }).await;
        let mut left = 100;
        for (method, path, status) in [
            ("GET", "/v1/test", 200),
            ("GET", "/v1/api/test", 200),
            ("GET", "/v1/api/loops", 200),
            ("GET", "/v1/loops/", 200),
            ("HEAD", "/v1/api/loops", 200),
            ("GET", "/v1/api/loops/x", 400),
            ("POST", "/v1/api/loops", 400),
            ("GET", "/v1/api/requests", 403),
            ("GET", "/v1/api/loops/65f1234567890abcdef12345", 404),
            ("GET", "/v1/nope", 404),
            ("DELETE", "/v1/test", 405),
        ] {
            let answer = world.call(method.parse().unwrap(), path).key(&key).await;
            left -= 1;
            assert_eq!((answer.status, remaining(&answer)), (status, left), "{method} {path}");
        }
        world.post("/v1/api/loops").key(&key).raw("x".repeat(2 << 20)).await.refused(413, "Request body too large", &Value::Null);
        left -= 1;
        for (method, path, given) in [
            ("OPTIONS", "/v1/test", &*key),
            ("GET", "/health", &*key),
            ("GET", "/v1/health", &*key),
            ("GET", &*format!("/qr/{}.png", asker.code), &*key),
            ("GET", &*format!("/join/{}", asker.code), &*key),
            ("GET", "/v1/test", "hitl_live_wrong"),
            ("GET", "/v1/nope", "hitl_live_wrong"),
        ] {
            let answer = world.call(method.parse().unwrap(), path).key(given).await;
            assert_eq!(answer.headers.get("x-ratelimit-limit"), None, "{method} {path}");
        }
        assert_eq!(remaining(&world.get(PATH).key(&key).await), left - 1);
    }

    async fn contract_3_3_the_headers_are_on_every_answer_with_their_ietf_kin(world: World) {
        let key = key_of(&world, Some(3)).await;
        let reset = world.now().seconds() + 3600;
        for (path, status, left, seconds) in [
            ("/v1/test", 200, 2, 3600),
            ("/v1/api/loops/x", 400, 1, 3590),
            ("/v1/nope", 404, 0, 3580),
            ("/v1/test", 429, 0, 3570),
            ("/v1/nope", 429, 0, 3560),
        ] {
            let answer = world.get(path).key(&key).await;
            assert_eq!((answer.status, window(&answer)), (status, (3, left, reset)), "{path}");
            assert_eq!(answer.header("ratelimit-policy"), r#""hour";q=3;w=3600"#);
            assert_eq!(answer.header("ratelimit"), format!(r#""hour";r={left};t={seconds}"#));
            world.clock.advance(10);
        }
    }

    async fn contract_3_4_a_used_up_window_is_429_until_it_closes(world: World) {
        let key = key_of(&world, Some(2)).await;
        let start = world.now();
        for _ in 0..2 {
            world.get(PATH).key(&key).await.accepted(200, "API key is valid");
        }
        let closes = start.plus_seconds(3600);
        let body = json!({"usage_count": 2, "usage_limit": 2, "remaining": 0, "reset_at": closes});
        for (micros, seconds) in [(0, 3600), (1, 3600), (1_000_000, 3599), (1_800_500_000, 1800), (3_599_000_000, 1), (3_599_999_999_i64, 1)] {
            world.clock.set(Timestamp::from_micros(start.micros() + micros));
            let answer = world.get(PATH).key(&key).await;
            answer.refused(429, EXCEEDED, &body);
            assert_eq!((answer.header("retry-after"), remaining(&answer)), (&*seconds.to_string(), 0), "at {micros}");
        }
        world.clock.set(closes);
        assert_eq!(window(&world.get(PATH).key(&key).await), (2, 1, closes.seconds() + 3600), "the refused did not count");
    }

    async fn contract_3_4_waiting_as_told_is_enough(world: World) {
        for fraction in [0, 1, 300_000, 999_999] {
            let key = key_of(&world, Some(1)).await;
            world.clock.set(Timestamp::from_micros(world.now().seconds() * 1_000_000 + fraction));
            let opened = world.get(PATH).key(&key).await;
            opened.accepted(200, "API key is valid");
            world.clock.set(Timestamp::from_micros(world.now().micros() + 3_000_200_000));
            let refused = world.get(PATH).key(&key).await;
            assert_eq!((refused.status, window(&refused)), (429, window(&opened)));
            world.clock.advance(refused.header("retry-after").parse().unwrap());
            world.get(PATH).key(&key).await.accepted(200, "API key is valid");

            let again = world.get(PATH).key(&key).await;
            assert_eq!(again.status, 429);
            world.clock.set(Timestamp::from_seconds(window(&again).2));
            world.get(PATH).key(&key).await.accepted(200, "API key is valid");
        }
    }

    async fn contract_4_1_the_limit_comes_before_scopes_ids_and_bodies(world: World) {
        let asker = world.asker().await;
        let (_, key) = world.key_with(&asker.owner, |new| {
            new.scopes = vec![Scope::WebhooksRead];
            new.hourly_limit = Some(1);
        }).await;
        world.get(PATH).key(&key).await.accepted(200, "API key is valid");
        for operation in operations() {
            for path in operation.paths() {
                let answer = operation.call(&world, &Scene::of("not-an-id"), &path).key(&key).raw("{").await;
                assert_eq!((answer.status, answer.at("msg")), (429, &json!(EXCEEDED)), "{} {path}", operation.method);
                assert_eq!((answer.header("retry-after"), remaining(&answer)), ("3600", 0));
            }
        }
        assert_eq!(world.delete(PATH).key(&key).await.status, 429);
        assert_eq!(world.get("/v1/nope").key(&key).await.status, 429);
    }

    async fn contract_3_1_the_limit_is_a_keys_own(world: World) {
        let asker = world.asker().await;
        let (_, first) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(1)).await;
        let (_, second) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(2)).await;
        let reset = world.now().seconds() + 3600;
        assert_eq!(window(&world.get(PATH).key(&first).await), (1, 0, reset));
        assert_eq!(world.get(PATH).key(&first).await.status, 429);
        world.clock.advance(7);
        assert_eq!(window(&world.get(PATH).key(&second).await), (2, 1, reset + 7), "the same account's other key");
    }

    async fn contract_3_8_the_limit_is_set_for_a_key_or_for_the_server(world: World) {
        let seven = world.beside(|settings| settings.limits.requests_per_hour = 7).await;
        let none = world.beside(|settings| settings.limits.requests_per_hour = 0).await;
        for (process, own, limit) in [(&world, None, 100), (&world, Some(3), 3), (&seven, None, 7), (&seven, Some(9), 9), (&none, Some(2), 2)] {
            let key = key_of(process, own).await;
            assert_eq!(window(&process.get(PATH).key(&key).await).0, limit);
            for _ in 1..limit {
                process.get(PATH).key(&key).await.accepted(200, "API key is valid");
            }
            assert_eq!(process.get(PATH).key(&key).await.status, 429, "{limit}");
        }
        for (process, own) in [(&world, Some(0)), (&none, None), (&seven, Some(0))] {
            let key = key_of(process, own).await;
            let mut left = i64::MAX;
            for _ in 0..120 {
                let answer = process.get(PATH).key(&key).await;
                answer.accepted(200, "API key is valid");
                assert!((1..left).contains(&remaining(&answer)), "without a limit there is always more");
                left = remaining(&answer);
            }
        }
    }

    async fn contract_3_6_testing_a_key_tells_what_the_headers_tell(world: World) {
        let key = key_of(&world, Some(3)).await;
        world.clock.set(Timestamp::from_micros(world.now().micros() + 700_000));
        for _ in 0..3 {
            let tested = world.get(PATH).key(&key).await;
            let (limit, remaining, reset) = window(&tested);
            let told = json!({"limit": limit, "remaining": remaining, "reset_at": Timestamp::from_seconds(reset)});
            assert_eq!(tested.at("data.rate_limit"), &told);
            world.clock.advance(1);
        }
        let refused = world.get(PATH).key(&key).await;
        assert_eq!(refused.at("data.reset_at"), &json!(Timestamp::from_seconds(window(&refused).2)));
    }

    async fn contract_3_7_cancelling_what_is_pending_gives_one_back(world: World) {
        let asker = world.asker().await;
        for limit in [10, 5000] {
            let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(limit)).await;
            let ask = async || {
                let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
                let body = question_with(&json!({"timeout_seconds": 86_400}));
                let made = world.post(&path).key(&key).json(&body).await;
                (format!("/v1/api/requests/{}", made.text("data.id")), limit - remaining(&made))
            };
            let used = |answer: &Answer| limit - remaining(answer);

            let (first, so_far) = ask().await;
            assert_eq!(so_far, 1);
            let cancelled = world.delete(&first).key(&key).await;
            assert_eq!((cancelled.at("data.refund_info.refunded"), used(&cancelled)), (&json!(true), 1), "two counted, one given back");
            let again = world.delete(&first).key(&key).await;
            assert_eq!((again.status, used(&again)), (400, 2), "a refused cancellation gives nothing back");

            let (second, so_far) = ask().await;
            assert_eq!(so_far, 3);
            let claim = second.replace("/v1/api", "/v1/reviewer") + "/claim";
            world.post(&claim).key(&asker.session).await.accepted(200, "Request claimed");
            let cancelled = world.delete(&second).key(&key).await;
            assert_eq!((cancelled.at("data.refund_info.refunded"), used(&cancelled)), (&json!(false), 4), "claimed: nothing");

            let (third, _) = ask().await;
            let cancelled = world.post(&format!("{third}/cancel")).key(&key).await;
            assert_eq!((cancelled.status, used(&cancelled)), (200, 5));
            let (fourth, _) = ask().await;
            let cancelled = world.patch(&fourth).key(&key).json(&json!({"status": "cancelled"})).await;
            assert_eq!((cancelled.status, used(&cancelled)), (200, 6));
            assert_eq!(used(&world.get(PATH).key(&key).await), 7, "and it stays given back");

            let (fifth, _) = ask().await;
            world.clock.advance(3600);
            let cancelled = world.delete(&fifth).key(&key).await;
            assert_eq!((cancelled.status, used(&cancelled)), (200, 0), "never below none");
            assert_eq!(used(&world.get(PATH).key(&key).await), 1);
        }
    }

    async fn contract_3_7_what_is_given_back_can_be_used(world: World) {
        let asker = world.asker().await;
        let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(2)).await;
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let made = world.post(&path).key(&key).json(&crate::harness::question()).await;
        let cancelled = world.delete(&made.text("data.polling_url")).key(&key).await;
        assert_eq!((cancelled.status, remaining(&cancelled)), (200, 1));
        assert_eq!(remaining(&world.get(PATH).key(&key).await), 0);
        assert_eq!(world.get(PATH).key(&key).await.status, 429);
    }
}
