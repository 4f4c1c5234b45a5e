//! Joining a loop, with an account or by making one (contract 11.4).

use crate::{cast::PASSWORD, harness::on_both};
use serde_json::{Value, json};
use std::future::IntoFuture;

on_both! {
    async fn contract_11_4_joining_makes_an_active_member(world: World) {
        let asker = world.asker().await;
        let ann = world.person("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        world.clock.advance(30);
        let joined = world.join(&session, &asker.code).await;
        joined.accepted(200, "Joined loop");
        joined.has_keys("data", "loop");
        assert_eq!(joined.at("data.loop"), &json!({"id": asker.loop_id, "name": "Moderation", "description": "", "icon": "shield-check", "role": "member", "member_count": 2}));
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!(seen.at("data.loop.members.1"), &json!({"user_id": ann.id, "email": "ann@example.com", "status": "active", "joined_at": world.now()}));
        assert_eq!(seen.at("data.loop.updated_at"), &json!(world.now()));
        assert_eq!(world.loop_events(&asker.loop_id).await, ["loop.created", "loop.member_joined"]);

        world.clock.advance(30);
        world.join(&session, &asker.code).await.refused(409, "You are already a member of this loop", &Value::Null);
        world.join(&asker.session, &asker.code).await.refused(409, "You are already a member of this loop", &Value::Null);
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.body, seen.body, "nothing changed");
    }

    async fn contract_11_4_joining_is_refused(world: World) {
        let session = world.asker().await.session;
        let call = || world.post("/v1/reviewer/loops/join").key(&session);
        call().json(&json!({"invite_code": "ABCDEFGHJ"})).await.refused(404, "No loop found with that invite code", &Value::Null);
        call().json(&json!({"invite_code": "%' or 1=1"})).await.refused(404, "No loop found with that invite code", &Value::Null);
        for missing in [json!({}), json!({"invite_code": null}), json!({"invite_code": " "})] {
            call().json(&missing).await.refused(400, "Validation failed", &json!("invite_code is required"));
        }
        call().json(&json!({"invite_code": 123})).await.refused(400, "Invalid request body", &json!({"field": "invite_code", "issue": "must be a string"}));
        call().raw("{").await.refused(400, "Invalid request body", &Value::Null);
    }

    async fn contract_11_4_an_invitation_becomes_the_membership_when_an_account_joins(world: World) {
        let asker = world.asker().await;
        let ann = world.person("ann@example.com").await;
        let id = world.invite(&asker.key, &asker.loop_id, "ann@example.com").await;
        world.clock.advance(60);
        world.join(&world.sign_in(&ann).await, &asker.code).await.accepted(200, "Joined loop");
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!((seen.at("data.loop.member_count"), seen.at("data.loop.pending_count")), (&json!(2), &json!(0)), "not one more");
        assert_eq!(seen.at("data.loop.members.1"), &json!({"user_id": id, "email": "ann@example.com", "status": "active", "joined_at": world.now()}));
    }

    async fn contract_11_4_who_was_invited_without_an_account_signs_up_and_keeps_the_id(world: World) {
        let asker = world.asker().await;
        let (other, other_code) = world.loop_named(&asker.key, "Other").await;
        let id = world.invite(&asker.key, &asker.loop_id, "new@example.com").await;
        assert_eq!(world.sign_in_with("new@example.com", PASSWORD).await.status, 401, "there is no account yet");

        let signed_up = world.sign_up_with(&other_code, "New@Example.com").await;
        signed_up.accepted(201, "Account created");
        assert_eq!((signed_up.text("data.user.id"), signed_up.text("data.loop.id")), (id.clone(), other));
        let invited = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!(invited.at("data.loop.members.1.status"), "pending", "an account alone joins nothing");

        world.clock.advance(60);
        world.join(&signed_up.text("data.token"), &asker.code).await.accepted(200, "Joined loop");
        let list = world.get(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key).await;
        assert_eq!((list.at("data.active_count"), list.at("data.pending_count")), (&json!(2), &json!(0)));
        assert_eq!(list.at("data.members.1"), &json!({"user_id": id, "email": "new@example.com", "status": "active",
            "joined_at": world.now(), "name": "Ann", "role": "member", "last_active": null}));
    }

    async fn contract_11_4_signing_up_makes_an_account_a_session_and_a_membership(world: World) {
        let asker = world.asker().await;
        let signed_up = world.sign_up_with(&asker.code.to_lowercase(), "Ann@Example.com").await;
        signed_up.accepted(201, "Account created");
        signed_up.has_keys("data", "token expires_at user loop");
        signed_up.has_keys("data.user", "id email name role");
        assert_eq!((signed_up.text("data.user.email"), signed_up.text("data.user.role")), ("ann@example.com".into(), "member".into()));
        assert_eq!((signed_up.text("data.loop.id"), signed_up.text("data.loop.role")), (asker.loop_id.clone(), "member".into()));
        let token = signed_up.text("data.token");
        assert!(signed_up.header("set-cookie").starts_with(&format!("hitl_session={token};")));
        assert_eq!(world.get("/v1/reviewer/me").key(&token).await.at("data"), signed_up.at("data.user"));
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.members.1.user_id"), signed_up.at("data.user.id"));
        world.sign_in_with("ann@example.com", PASSWORD).await.accepted(200, "Signed in");
        assert!(!signed_up.body.to_string().contains(PASSWORD));
    }

    async fn contract_11_4_signing_up_is_refused_and_makes_nothing(world: World) {
        let asker = world.asker().await;
        world.signed_up("taken@example.com").await;
        let good = json!({"invite_code": asker.code, "email": "new@example.com", "name": "Ann", "password": PASSWORD});
        let failed = |text: &str| (400, "Validation failed", json!(text));
        for (field, value, (status, msg, data)) in [
            ("invite_code", Value::Null, failed("invite_code is required")),
            ("email", json!(""), failed("email is required")),
            ("name", Value::Null, failed("name is required")),
            ("password", Value::Null, failed("password is required")),
            ("invite_code", json!("ABCDEFGHJ"), (404, "No loop found with that invite code", Value::Null)),
            ("email", json!("nobody"), failed("email must be a valid e-mail address")),
            ("name", json!("x".repeat(101)), failed("name must be between 1 and 100 characters")),
            ("password", json!("123456789"), failed("password must be between 10 and 1000 characters")),
            ("password", json!("x".repeat(1001)), failed("password must be between 10 and 1000 characters")),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let refused = world.post("/v1/reviewer/signup").json(&body).await;
            refused.refused(status, msg, &data);
            assert_eq!(refused.header("set-cookie"), "");
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.member_count"), 1);
        world.post("/v1/reviewer/signup").json(&good).await.accepted(201, "Account created");
    }

    async fn contract_11_4_who_has_an_account_signs_in_by_the_same_form_and_nobody_finds_out_who_has_one(world: World) {
        let asker = world.asker().await;
        world.signed_up("taken@example.com").await;
        let sign_up = |email: &str, password: &str| {
            let body = json!({"invite_code": asker.code, "email": email, "name": "Ann", "password": password});
            world.post("/v1/reviewer/signup").json(&body).into_future()
        };
        let wrong = sign_up("TAKEN@example.com", "not the password").await;
        wrong.refused(409, "This did not work. If you have an account already, sign in with it", &Value::Null);
        assert_eq!(wrong.header("set-cookie"), "");
        let members = async || world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.member_count").clone();
        assert_eq!(members().await, 1);
        for _ in 0..2 {
            let entered = sign_up("taken@example.com", PASSWORD).await;
            entered.accepted(200, "Signed in");
            assert!(entered.header("set-cookie").starts_with("hitl_session="));
            assert_eq!(members().await, 2, "once, however often");
        }
        let mut refused = 0;
        while sign_up("owner@example.com", "not the password").await.status != 429 {
            refused += 1;
            assert!(refused <= 30, "guesses are counted as attempts to sign in");
        }
        assert!(refused > 0);
    }
}
