//! Guessing is slowed down, address by address (contract 2.4 and 15.5). Governor's own clock runs here: what is waited for is long.

use crate::{
    cast::PASSWORD,
    harness::{Answer, World, on_both},
    rivals::at_once,
};
use serde_json::{Value, json};

/// Three failures a minute, and the tests' own address is a proxy that is believed.
async fn strict(world: &World) -> World {
    let change = |settings: &mut hitl_server::settings::Settings| {
        settings.limits.failed_keys_per_minute = 3.try_into().unwrap();
        settings.limits.failed_sign_ins_per_minute = 3.try_into().unwrap();
        settings.trusted_proxies = vec!["0.0.0.0/32".parse().unwrap()];
    };
    world.beside(change).await
}

/// The answer to somebody who guessed too often: when to come back, and no window.
#[track_caller]
fn is_slowed_down(answer: &Answer) {
    answer.refused(429, "API rate limit exceeded", &Value::Null);
    let seconds: u64 = answer.header("retry-after").parse().expect("whole seconds");
    assert!((1..=20).contains(&seconds), "three a minute: {seconds}");
    assert_eq!(answer.headers.get("x-ratelimit-limit"), None, "2.4");
}

on_both! {
    async fn contract_2_4_failed_keys_are_slowed_down_by_address(world: World) {
        let (world, asker) = (strict(&world).await, world.asker().await);
        let test = |from: &str| world.get("/v1/test").header("x-forwarded-for", from);
        for (turn, wrong) in ["hitl_live_a", "hitl_live_b", "hitl_live_c"].into_iter().enumerate() {
            assert_eq!(test("203.0.113.7").key(wrong).await.status, 401, "{turn}");
            test("203.0.113.7").key(&asker.key).await.accepted(200, "API key is valid");
        }
        is_slowed_down(&test("203.0.113.7").key("hitl_live_d").await);
        is_slowed_down(&test("203.0.113.7").await);
        is_slowed_down(&world.get("/v1/api/loops").header("x-forwarded-for", "203.0.113.7").key("hitl_live_a").await);
        assert_eq!(test("203.0.113.8").key("hitl_live_d").await.status, 401, "another address");
        assert_eq!(test("2001:db8::1").key("hitl_live_d").await.status, 401, "another address");
        for _ in 0..10 {
            test("203.0.113.7").key(&asker.key).await.accepted(200, "API key is valid");
        }
    }

    async fn contract_15_6_an_address_is_taken_from_a_header_only_behind_a_proxy_that_is_trusted(world: World) {
        let world = world.beside(|settings| settings.limits.failed_keys_per_minute = 2.try_into().unwrap()).await;
        let mut statuses = Vec::new();
        for last in 1..=4 {
            let from = format!("203.0.113.{last}");
            statuses.push(world.get("/v1/test").header("x-forwarded-for", &from).key("hitl_live_wrong").await.status);
        }
        assert_eq!(statuses, [401, 401, 429, 429]);
    }

    async fn sign_ins_are_slowed_down_by_address_and_by_account(world: World) {
        let (world, asker) = (strict(&world).await, world.asker().await);
        let sign_in = |from: &str, email: &str| {
            let body = json!({"email": email, "password": "wrong password"});
            world.post("/v1/reviewer/session").header("x-forwarded-for", from).json(&body)
        };
        for name in ["a", "b", "c"] {
            assert_eq!(sign_in("203.0.113.7", &format!("{name}@example.com")).await.status, 401);
        }
        is_slowed_down(&sign_in("203.0.113.7", "d@example.com").await);
        for last in 10..40 {
            assert_eq!(sign_in(&format!("203.0.113.{last}"), "owner@example.com").await.status, 401);
        }
        is_slowed_down(&sign_in("203.0.113.40", "Owner@Example.com").await);
        assert_eq!(sign_in("203.0.113.40", "e@example.com").await.status, 401);
        world.get("/v1/test").header("x-forwarded-for", "203.0.113.7").key(&asker.key).await.accepted(200, "API key is valid");
        let me = world.get("/v1/reviewer/me").header("x-forwarded-for", "203.0.113.7").key(&asker.session).await;
        assert_eq!(me.status, 200, "who is signed in stays so: {}", me.body);
    }

    async fn only_failures_to_sign_in_are_counted(world: World) {
        let world = strict(&world).await;
        world.signed_up("ann@example.com").await;
        let sign_in = async |password: &str| world.sign_in_with("ann@example.com", password).await;
        for _ in 0..5 {
            assert_eq!(sign_in(PASSWORD).await.status, 200);
        }
        for _ in 0..3 {
            assert_eq!(sign_in("wrong password").await.status, 401);
        }
        is_slowed_down(&sign_in(PASSWORD).await);
        world.clock.advance(19);
        assert_eq!(sign_in(PASSWORD).await.header("retry-after"), "1");
        world.clock.advance(1);
        for _ in 0..5 {
            assert_eq!(sign_in(PASSWORD).await.status, 200, "one place is free, and stays so");
        }
        assert_eq!(sign_in("wrong password").await.status, 401);
        is_slowed_down(&sign_in("wrong password").await);
    }

    async fn many_guesses_at_once_are_counted_exactly(world: World) {
        let world = strict(&world).await;
        world.signed_up("ann@example.com").await;
        let guesses = at_once((0..12).map(|_| {
            let world = world.clone();
            async move { world.sign_in_with("ann@example.com", "wrong password").await.status }
        })).await;
        let count = |status| guesses.iter().filter(|it| **it == status).count();
        assert_eq!((count(401), count(429)), (3, 9));
    }

    async fn contract_15_5_invite_codes_are_slowed_down_by_address(world: World) {
        let (world, asker) = (strict(&world).await, world.asker().await);
        let second = world.sign_in(&world.person("second@example.com").await).await;
        let third = world.sign_in(&world.person("third@example.com").await).await;
        let join = |from: &str, session: &str, code: &str| {
            let call = world.post("/v1/reviewer/loops/join").header("x-forwarded-for", from).key(session);
            call.json(&json!({"invite_code": code}))
        };
        for code in ["AAAAAAAAA", "BBBBBBBBB", "CCCCCCCCC"] {
            assert_eq!(join("203.0.113.7", &asker.session, code).await.status, 404);
        }
        is_slowed_down(&join("203.0.113.7", &second, "DDDDDDDDD").await);
        assert_eq!(join("203.0.113.9", &third, "DDDDDDDDD").await.status, 404);
    }

    async fn contract_15_5_invite_codes_are_slowed_down_by_account(world: World) {
        let (world, asker) = (strict(&world).await, world.asker().await);
        let join = |last: u8, session: &str| {
            let call = world.post("/v1/reviewer/loops/join").header("x-forwarded-for", &format!("203.0.113.{last}")).key(session);
            call.json(&json!({"invite_code": "AAAAAAAAA"}))
        };
        for last in 1..=3 {
            assert_eq!(join(last, &asker.session).await.status, 404);
        }
        is_slowed_down(&join(4, &asker.session).await);
        let second = world.sign_in(&world.person("second@example.com").await).await;
        assert_eq!(join(4, &second).await.status, 404, "somebody else");
    }
}
