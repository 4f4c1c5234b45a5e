//! Who may do what on the reviewers' side: not keys, not other sites, not the suspended (contract 16.6, 16.7; design 7).

use crate::{
    cast::PASSWORD,
    harness::{Call, World, on_both, question},
};
use hitl_server::{
    domain::{AccountStatus, Actor},
    http,
    service::{accounts, setup},
    store::Db,
};
use serde_json::{Value, json};

/// What needs no session, because it opens one or makes an account.
const OPENING: [&str; 3] = ["/v1/reviewer/session", "/v1/reviewer/signup", "/v1/reviewer/setup"];
const TABLES: [&str; 8] = [
    "select count(*) from accounts",
    "select count(*) from sessions",
    "select count(*) from setup_links",
    "select count(*) from loops",
    "select count(*) from members",
    "select count(*) from requests",
    "select count(*) from drafts",
    "select count(*) from events",
];

/// How much there is of everything. Every change is in `events` too.
async fn census(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in TABLES {
        let (count,): (i64,) = (&world.app.store).sql(table).one().await.unwrap();
        counts.push(count);
    }
    counts
}

/// One call of each operation that needs a session.
fn every_operation(world: &World) -> Vec<(String, Call<'_>)> {
    let operations = http::reviewed().operations.into_iter();
    let guarded = operations.filter(|it| !(it.method == "POST" && OPENING.contains(&it.path.as_str())));
    let made: Vec<_> = guarded
        .map(|it| {
            let path = it
                .path
                .replace("{request_id}", "0123456789abcdef01234567")
                .replace("{loop_id}", "0123456789abcdef01234567");
            (format!("{} {path}", it.method), world.call(it.method, &path))
        })
        .collect();
    assert!(made.len() >= 12, "the reviewers' operations are walked");
    made
}

/// Every path that needs no key.
fn every_path() -> Vec<String> {
    let operations = [http::pages(), http::reviewed(), http::open()].into_iter().flat_map(|routes| routes.operations);
    operations.flat_map(|it| [vec![it.path], it.aliases].concat()).collect()
}

on_both! {
    async fn contract_16_6_an_api_key_is_no_session_anywhere(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        let (_, all) = world.key_with(&asker.owner, |new| new.scopes = hitl_server::domain::Scope::DEFAULT.to_vec()).await;
        for key in [&asker.key, &all] {
            for (name, call) in every_operation(&world) {
                assert_eq!(call.key(key).await.status, 401, "{name}");
            }
            world.act(key, &request, "claim").await.refused(401, "Sign in first", &Value::Null);
            world.respond(key, &request, json!("approve")).await.refused(401, "Sign in first", &Value::Null);
            let both = world.post(&format!("/v1/reviewer/requests/{request}/claim")).cookie(&asker.session).key(key).await;
            both.refused(401, "Sign in first", &Value::Null);
        }
        let as_cookie = world.get("/v1/reviewer/me").cookie(&asker.key).await;
        as_cookie.refused(401, "Sign in first", &Value::Null);
        assert_eq!(world.events(&request).await, ["request.created"]);
    }

    async fn design_7_without_a_session_nothing_is_seen_or_done(world: World) {
        for (name, call) in every_operation(&world) {
            let refused = call.await;
            assert_eq!((refused.status, refused.at("msg"), refused.header("www-authenticate")), (401, &json!("Sign in first"), "Bearer"), "{name}");
        }
        for token in ["", "x", "hitl_session_", "hitl_session_0123456789abcdef0123456789abcdef0123456789abcdef", "hitl_session_%00"] {
            assert_eq!(world.get("/v1/reviewer/me").key(token).await.status, 401, "{token}");
            assert_eq!(world.get("/v1/reviewer/me").cookie(token).await.status, 401, "{token}");
        }
    }

    async fn contract_2_2_a_session_is_no_api_key(world: World) {
        let asker = world.asker().await;
        let refused = world.get("/v1/api/loops").key(&asker.session).await;
        assert_eq!((refused.status, refused.at("msg")), (401, &json!("Invalid authorization token")));
        let refused = world.get("/v1/api/loops").cookie(&asker.session).await;
        assert_eq!((refused.status, refused.at("msg")), (401, &json!("Missing or invalid authorization header")));
    }

    async fn design_7_another_sites_page_cannot_act_with_the_cookie(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        let claim = || world.post(&format!("/v1/reviewer/requests/{request}/claim")).cookie(&asker.session);
        let leave = || world.post(&format!("/v1/reviewer/loops/{}/leave", asker.loop_id)).cookie(&asker.session);
        let out = || world.delete("/v1/reviewer/session").cookie(&asker.session);
        for (name, value) in [
            ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test"),
            ("origin", "http://evil.hitl.test"), ("origin", "http://hitl.test:81"), ("origin", "null"), ("origin", "hitl.test"),
        ] {
            for call in [claim(), leave(), out()] {
                call.header(name, value).await.refused(403, "Cross-site request refused", &Value::Null);
            }
        }
        assert_eq!(world.events(&request).await, ["request.created"]);
        let read = world.get("/v1/reviewer/me").cookie(&asker.session).header("sec-fetch-site", "cross-site").await;
        assert_eq!(read.status, 200, "a link from elsewhere may show a page");
        claim().header("origin", "http://hitl.test").await.accepted(200, "Request claimed");
        claim().header("sec-fetch-site", "same-origin").header("origin", "http://hitl.test").await.accepted(200, "Request claimed");
        claim().await.accepted(200, "Request claimed");
        out().header("sec-fetch-site", "none").await.accepted(200, "Signed out");
    }

    async fn design_7_another_sites_page_cannot_sign_anybody_in_or_up(world: World) {
        let asker = world.asker().await;
        world.signed_up("ann@example.com").await;
        let before = census(&world).await;
        let sign_in = json!({"email": "ann@example.com", "password": PASSWORD});
        let sign_up = json!({"invite_code": asker.code, "email": "new@example.com", "name": "Ann", "password": PASSWORD});
        let set_up = json!({"token": "hitl_setup_x", "email": "new@example.com", "name": "Ann", "password": PASSWORD});
        for (path, body) in OPENING.into_iter().zip([&sign_in, &sign_up, &set_up]) {
            for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")] {
                let refused = world.post(path).header("host", "hitl.test").header(name, value).json(body).await;
                refused.refused(403, "Cross-site request refused", &Value::Null);
                assert_eq!(refused.header("set-cookie"), "");
            }
        }
        assert_eq!(census(&world).await, before);
    }

    async fn design_7_a_program_with_a_token_may_come_from_anywhere(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        let claim = world.post(&format!("/v1/reviewer/requests/{request}/claim")).key(&asker.session);
        claim.header("origin", "https://elsewhere.test").header("sec-fetch-site", "cross-site").await.accepted(200, "Request claimed");
    }

    async fn contract_16_7_suspending_an_account_ends_its_access_at_once(world: World) {
        let asker = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        let (session, second) = (world.sign_in(&ann).await, world.sign_in(&ann).await);
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
        let request = world.ask(&asker, &question()).await;
        world.act(&session, &request, "claim").await.accepted(200, "Request claimed");

        accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Suspended).await.unwrap();
        for token in [&session, &second] {
            world.respond(token, &request, json!("approve")).await.refused(401, "Sign in first", &Value::Null);
            assert_eq!(world.get("/v1/reviewer/inbox").cookie(token).await.status, 401);
        }
        assert_eq!(world.sign_in_with("ann@example.com", PASSWORD).await.status, 401);
        let returned = world.request(&asker.key, &request).await;
        assert_eq!((returned.at("data.request.status"), returned.at("data.request.claimed_by")), (&json!("pending"), &Value::Null));
        assert_eq!(world.events(&request).await, ["request.created", "request.claimed", "request.released"]);
        let asked = world.ask(&asker, &question()).await;
        assert_eq!(world.request(&asker.key, &asked).await.each("data.request.broadcasted_to", "email"), ["owner@example.com"]);

        accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Active).await.unwrap();
        assert_eq!(world.get("/v1/reviewer/me").key(&session).await.status, 401, "a session that ended stays ended");
        let session = world.sign_in_with("ann@example.com", PASSWORD).await.text("data.token");
        assert_eq!(world.inbox(&session, "active").await.at("data.count"), 2);
    }

    async fn design_5_no_get_or_head_changes_anything(world: World) {
        let asker = world.asker().await;
        let bob = world.sign_in(&world.person("bob@example.com").await).await;
        let request = world.ask(&asker, &question()).await;
        world.act(&asker.session, &request, "claim").await.accepted(200, "Request claimed");
        let before = (census(&world).await, world.request(&asker.key, &request).await.body, world.loop_seen(&asker.key, &asker.loop_id).await.body);
        let mut walked = 0;
        for path in every_path() {
            let path = path.replace("{request_id}", &request).replace("{loop_id}", &asker.loop_id).replace("{code}", &asker.code)
                .replace("{file}", &format!("{}.png", asker.code)).replace("{token}", "0123456789abcdef");
            for session in [&asker.session, &bob] {
                for method in ["GET", "HEAD"] {
                    let answer = world.call(method.parse().unwrap(), &path).cookie(session).await;
                    assert!(answer.status < 500 && answer.header("set-cookie").is_empty(), "{method} {path}: {}", answer.status);
                    walked += 1;
                }
            }
        }
        assert!(walked > 80, "{walked}");
        let after = (census(&world).await, world.request(&asker.key, &request).await.body, world.loop_seen(&asker.key, &asker.loop_id).await.body);
        assert_eq!(after, before);
    }

    async fn design_7_a_person_can_be_set_up_only_on_an_empty_server(world: World) {
        assert!(setup::link(&world.app).await.unwrap().is_some());
        world.person("ann@example.com").await;
        assert!(setup::link(&world.app).await.unwrap().is_none());
    }
}
