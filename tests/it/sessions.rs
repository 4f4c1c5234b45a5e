//! Signing in and out, by token and by cookie (design 7).

use crate::{
    cast::PASSWORD,
    harness::{Answer, World, on_both},
};
use axum::http::HeaderMap;
use hitl_server::{
    domain::{AccountStatus, Actor},
    http,
    service::accounts,
};
use serde_json::{Value, json};

const SIGN_IN_FIRST: &str = "Sign in first";

async fn is_signed_in(world: &World, token: &str) -> bool {
    world.get("/v1/reviewer/me").key(token).await.status == 200
}

/// The headers, without the one that differs for each request.
fn but_id(answer: &Answer) -> HeaderMap {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    headers
}

on_both! {
    async fn design_7_signing_in_gives_a_token_and_a_cookie(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let opened = world.sign_in_with(" ANN@example.com ", PASSWORD).await;
        opened.accepted(200, "Signed in");
        opened.has_keys("data", "token expires_at user");
        assert_eq!(opened.at("data.user"), &json!({"id": ann.id, "email": "ann@example.com", "name": "Ann", "role": "member"}));
        assert_eq!(opened.at("data.expires_at"), "2024-04-14T10:30:00Z", "30 days");
        let token = opened.text("data.token");
        assert_eq!(opened.header("set-cookie"), format!("hitl_session={token}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"));

        for me in [world.get("/v1/reviewer/me").key(&token).await, world.get("/v1/reviewer/me").cookie(&token).await] {
            me.accepted(200, "Signed in");
            assert_eq!(me.at("data"), opened.at("data.user"));
        }
        let again = world.sign_in_with("ann@example.com", PASSWORD).await.text("data.token");
        assert_ne!(again, token);
        assert!(is_signed_in(&world, &token).await, "both stand");
    }

    async fn design_7_the_cookie_is_for_https_only_where_the_server_is_reached_by_it(world: World) {
        world.signed_up("ann@example.com").await;
        let app = world.app.changed(|parts| parts.base_url = "https://hitl.test".into());
        let secure = World { router: http::outside(app.clone()), app, ..world };
        let opened = secure.sign_in_with("ann@example.com", PASSWORD).await;
        assert!(opened.header("set-cookie").ends_with("; HttpOnly; SameSite=Lax; Secure"), "{}", opened.header("set-cookie"));
    }

    async fn contract_15_6_the_cookie_keeps_to_https_where_a_trusted_proxy_says_so(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let behind = world.beside(|settings| settings.trusted_proxies = vec!["0.0.0.0/32".parse().unwrap()]).await;
        let plain = "; HttpOnly; SameSite=Lax";
        let secure = format!("{plain}; Secure");
        for (process, said, end) in [
            (&behind, "https", secure.as_str()), (&behind, "HTTPS, http", &secure), (&behind, "http", plain), (&behind, "http, https", plain),
            (&behind, "", plain), (&world, "https", plain),
        ] {
            let (body, session) = (json!({"email": "ann@example.com", "password": PASSWORD}), process.sign_in(&ann).await);
            for answer in [
                process.post("/v1/reviewer/session").header("x-forwarded-proto", said).json(&body).await,
                process.post("/sign-in").header("x-forwarded-proto", said).form(&[("email", "ann@example.com"), ("password", PASSWORD)]).await,
                process.post("/sign-out").header("x-forwarded-proto", said).cookie(&session).form(&[]).await,
            ] {
                let cookie = answer.header("set-cookie");
                assert!(cookie.starts_with("hitl_session=") && cookie.ends_with(end), "{said:?}: {cookie}");
            }
            let page = process.get("/sign-in").header("x-forwarded-proto", said).await;
            assert_eq!((page.status, page.header("set-cookie")), (200, ""), "nothing is made of nothing");
        }
        behind.app.store.close().await;
    }

    async fn design_7_wrong_passwords_and_unknown_people_are_answered_alike(world: World) {
        let owner = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        let suspended = world.signed_up("suspended@example.com").await;
        world.invite(&owner.key, &owner.loop_id, "invited@example.com").await;
        accounts::set_status(&world.app, Actor::Operator, suspended.id, AccountStatus::Suspended).await.unwrap();
        let unknown = world.sign_in_with("nobody@example.com", PASSWORD).await;
        unknown.refused(401, "Invalid email or password", &Value::Null);
        for (email, password) in [
            (ann.email.as_str(), "wrong horse battery"), ("suspended@example.com", PASSWORD), ("suspended@example.com", "wrong"),
            ("invited@example.com", PASSWORD), ("nobody", PASSWORD), ("owner@example.com", "none"), (ann.email.as_str(), &PASSWORD.to_uppercase()),
        ] {
            let refused = world.sign_in_with(email, password).await;
            assert_eq!((refused.status, &refused.bytes, but_id(&refused)), (401, &unknown.bytes, but_id(&unknown)), "{email}");
        }
    }

    async fn design_7_signing_in_needs_both_fields(world: World) {
        let call = |body: Value| world.post("/v1/reviewer/session").json(&body);
        call(json!({"password": PASSWORD})).await.refused(400, "Validation failed", &json!("email is required"));
        call(json!({"email": "ann@example.com", "password": ""})).await.refused(400, "Validation failed", &json!("password is required"));
        call(json!([])).await.refused(400, "Invalid request body", &Value::Null);
        call(json!({"email": ["ann@example.com"], "password": "x"})).await
            .refused(400, "Invalid request body", &json!({"field": "email", "issue": "must be a string"}));
    }

    async fn design_4_passwords_cannot_be_guessed_at_will(world: World) {
        world.signed_up("ann@example.com").await;
        let strict = world.beside(|settings| settings.limits.failed_sign_ins_per_minute = 2.try_into().unwrap()).await;
        for password in ["wrong horse 1", "wrong horse 2"] {
            assert_eq!(strict.sign_in_with("ann@example.com", password).await.status, 401);
        }
        let limited = strict.sign_in_with("ann@example.com", PASSWORD).await;
        limited.refused(429, "API rate limit exceeded", &Value::Null);
        assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|wait| wait >= 1));
    }

    async fn design_7_signing_out_ends_this_session_alone(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let (here, there) = (world.sign_in(&ann).await, world.sign_in(&ann).await);
        let out = world.delete("/v1/reviewer/session").key(&here).await;
        out.accepted(200, "Signed out");
        assert_eq!(out.header("set-cookie"), "hitl_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        world.get("/v1/reviewer/me").key(&here).await.refused(401, SIGN_IN_FIRST, &Value::Null);
        world.delete("/v1/reviewer/session").key(&here).await.refused(401, SIGN_IN_FIRST, &Value::Null);
        assert!(is_signed_in(&world, &there).await);
        world.delete("/v1/reviewer/session").cookie(&there).await.accepted(200, "Signed out");
        assert!(!is_signed_in(&world, &there).await);
    }

    async fn design_7_a_session_ends_by_itself(world: World) {
        let brief = world.beside(|settings| settings.sessions.lifetime = std::time::Duration::from_mins(1)).await;
        let token = brief.sign_in(&world.person("ann@example.com").await).await;
        world.clock.advance(59);
        assert!(is_signed_in(&world, &token).await);
        world.clock.advance(1);
        assert!(!is_signed_in(&world, &token).await);
    }

    async fn design_7_a_new_password_ends_the_other_sessions(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let (here, there) = (world.sign_in(&ann).await, world.sign_in(&ann).await);
        let other = world.sign_in(&world.person("bob@example.com").await).await;
        let change = |current: &str, new: &str| {
            world.post("/v1/reviewer/password").key(&here).json(&json!({"current_password": current, "new_password": new}))
        };
        change("wrong horse", "a better secret").await.refused(400, "Validation failed", &json!("current_password is wrong"));
        change(PASSWORD, "too short").await.refused(400, "Validation failed", &json!("password must be between 10 and 1000 characters"));
        change("", "a better secret").await.refused(400, "Validation failed", &json!("current_password is required"));
        change(PASSWORD, "").await.refused(400, "Validation failed", &json!("new_password is required"));
        assert!(is_signed_in(&world, &there).await, "nothing has changed yet");

        change(PASSWORD, "a better secret").await.accepted(200, "Password changed");
        assert!(is_signed_in(&world, &here).await && is_signed_in(&world, &other).await);
        assert!(!is_signed_in(&world, &there).await);
        assert_eq!(world.sign_in_with("ann@example.com", PASSWORD).await.status, 401);
        world.sign_in_with("ann@example.com", "a better secret").await.accepted(200, "Signed in");
    }
}
