//! Pages for people: the first account, joining a loop (contract 11.3, 11.4; design 7).

use crate::{
    cast::PASSWORD,
    harness::{BASE, World, on_both},
};
use hitl_server::service::setup;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// The path of a fresh setup link.
async fn setup_link(world: &World) -> String {
    let link = setup::link(&world.app).await.unwrap().unwrap();
    link.strip_prefix(BASE).unwrap().to_owned()
}

fn owner(email: &str) -> [(&'static str, &str); 3] {
    [("email", email), ("name", "Olga"), ("password", PASSWORD)]
}

on_both! {
    async fn design_7_the_setup_link_makes_the_owner_once(world: World) {
        let link = setup_link(&world).await;
        for _ in 0..2 {
            let form = world.get(&link).await;
            assert_eq!(form.status, 200, "looking uses nothing up");
            assert!(form.page().contains("<form") && form.page().contains("name=\"password\""));
        }
        let made = world.post(&link).form(&owner("Olga@Example.com")).await;
        assert_eq!(made.status, 201);
        assert!(made.page().contains("olga@example.com") && !made.page().contains(PASSWORD));
        let signed_in = world.sign_in_with("olga@example.com", PASSWORD).await;
        assert_eq!((signed_in.text("data.user.role"), signed_in.text("data.user.name")), ("owner".into(), "Olga".into()));

        assert_eq!(world.get(&link).await.status, 404);
        assert_eq!(world.post(&link).form(&owner("second@example.com")).await.status, 404);
        assert!(setup::link(&world.app).await.unwrap().is_none(), "there is no other link");
    }

    async fn design_7_a_setup_link_is_dead_once_anybody_has_an_account(world: World) {
        let link = setup_link(&world).await;
        world.signed_up("ann@example.com").await;
        assert_eq!(world.get(&link).await.status, 404);
        assert_eq!(world.post(&link).form(&owner("olga@example.com")).await.status, 404);
        let by_program = json!({"token": link.rsplit_once('/').unwrap().1, "email": "olga@example.com", "name": "Olga", "password": PASSWORD});
        assert_eq!(world.post("/v1/reviewer/setup").json(&by_program).await.status, 404);
        assert_eq!(world.sign_in_with("olga@example.com", PASSWORD).await.status, 401);
    }

    async fn design_7_of_many_who_use_setup_links_at_once_one_is_the_owner(world: World) {
        let links = [setup_link(&world).await, setup_link(&world).await];
        let mut calls = JoinSet::new();
        for index in 0..4 {
            let (world, link) = (world.clone(), links[index % 2].clone());
            calls.spawn(async move { world.post(&link).form(&owner(&format!("olga{index}@example.com"))).await.status });
        }
        let mut statuses = calls.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 404, 404, 404]);
        for link in links {
            assert_eq!(world.get(&link).await.status, 404, "one use is the end of all of them");
        }
    }

    async fn design_7_a_wrong_setup_form_is_shown_again_and_the_link_still_works(world: World) {
        let link = setup_link(&world).await;
        for (fields, problem) in [
            ([("email", "olga@example.com"), ("name", "\"><b>Olga"), ("password", "short pw")], "Password must be between 10 and 1000 characters"),
            ([("email", "nobody"), ("name", "\"><b>Olga"), ("password", PASSWORD)], "Email must be a valid e-mail address"),
            ([("email", "olga@example.com"), ("name", " "), ("password", PASSWORD)], "Name must be between 1 and 100 characters"),
        ] {
            let again = world.post(&link).form(&fields).await;
            assert_eq!(again.status, 400);
            let page = again.page();
            assert!(page.contains(problem) && page.contains(&format!("value=\"{}\"", fields[0].1)), "{page}");
            assert!(!page.contains("<b>") && !page.contains("short pw") && !page.contains(PASSWORD));
        }
        let elsewhere = world.post(&link).header("host", "hitl.test").header("origin", "https://evil.test").form(&owner("eve@example.com")).await;
        assert_eq!(elsewhere.status, 403);
        assert_eq!(world.post(&link).form(&owner("olga@example.com")).await.status, 201);
        assert_eq!(world.get("/setup/0123456789abcdef0123456789abcdef0123456789abcdef").await.status, 404);
    }

    async fn design_7_a_program_may_set_the_server_up_too(world: World) {
        let link = setup_link(&world).await;
        let token = link.rsplit_once('/').unwrap().1;
        let body = json!({"token": token, "email": "olga@example.com", "name": "Olga", "password": PASSWORD});
        for name in ["token", "email", "name", "password"] {
            let mut less = body.clone();
            less[name] = Value::Null;
            world.post("/v1/reviewer/setup").json(&less).await.refused(400, "Validation failed", &json!(format!("{name} is required")));
        }
        let made = world.post("/v1/reviewer/setup").json(&body).await;
        made.accepted(201, "Account created");
        made.has_keys("data", "id email name role");
        assert_eq!((made.text("data.role"), made.text("data.email")), ("owner".into(), "olga@example.com".into()));
        assert_eq!(world.post("/v1/reviewer/setup").json(&body).await.status, 404);
    }

    async fn contract_11_3_the_join_page_names_the_loop_and_escapes_it(world: World) {
        let asker = world.asker().await;
        let change = json!({"name": "<script>alert(1)</script>", "description": "a \"quoted\" <b>text</b>", "icon": "🔒"});
        world.put(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).json(&change).await.accepted(200, "Loop updated successfully");
        let answer = world.get(&format!("/join/{}", asker.code)).await;
        assert_eq!(answer.status, 200);
        let page = answer.page();
        assert!(page.contains("alert(1)") && page.contains("🔒"), "{page}");
        assert!(!page.contains("<script>alert") && !page.contains("<b>"), "{page}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!((answer.header("x-frame-options"), answer.header("cache-control")), ("DENY", "no-store"));
        let missing = world.get("/join/ABCDEFGHJ").await;
        assert_eq!(missing.status, 404);
        assert!(missing.page().contains("No loop found with that invite code"));
    }

    async fn contract_11_4_the_join_page_signs_up_and_joins(world: World) {
        let asker = world.asker().await;
        let invited = world.invite(&asker.key, &asker.loop_id, "ann@example.com").await;
        let path = format!("/join/{}", asker.code.to_lowercase());
        let fields = |password| [("mode", "sign_up"), ("email", "ann@example.com"), ("name", "Ann"), ("password", password)];
        let weak = world.post(&path).form(&fields("short")).await;
        assert_eq!((weak.status, weak.header("set-cookie")), (400, ""));
        assert!(weak.page().contains("Password must be between") && weak.page().contains("value=\"ann@example.com\""));

        let joined = world.post(&path).form(&fields(PASSWORD)).await;
        assert_eq!(joined.status, 200);
        assert!(joined.page().contains("You are in Moderation"));
        let cookie = joined.header("set-cookie").split_once(';').unwrap().0.strip_prefix("hitl_session=").unwrap();
        assert_eq!(world.get("/v1/reviewer/me").cookie(cookie).await.text("data.id"), invited);
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!((seen.at("data.loop.active_count"), seen.at("data.loop.pending_count")), (&json!(2), &json!(0)));
        let wrong = world.post(&path).form(&fields("another password")).await;
        assert!(wrong.status == 409 && wrong.page().contains("If you have an account already, sign in with it"), "{}", wrong.page());
        let again = world.post(&path).form(&fields(PASSWORD)).await;
        assert!(again.status == 200 && again.page().contains("You are in Moderation"), "whoever has an account is let in with it");
    }

    async fn contract_11_4_the_join_page_signs_in_and_joins(world: World) {
        let asker = world.asker().await;
        world.signed_up("ann@example.com").await;
        let path = format!("/join/{}", asker.code);
        let fields = |password| [("mode", "sign_in"), ("email", "ann@example.com"), ("password", password)];
        let wrong = world.post(&path).form(&fields("wrong horse battery")).await;
        assert_eq!((wrong.status, wrong.header("set-cookie")), (401, ""));
        assert!(wrong.page().contains("Invalid email or password"));
        for _ in 0..2 {
            let joined = world.post(&path).form(&fields(PASSWORD)).await;
            assert!(joined.status == 200 && joined.header("set-cookie").contains("HttpOnly"), "also for one who is in already");
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.active_count"), 2);
    }

    async fn design_7_another_sites_form_joins_nobody(world: World) {
        let asker = world.asker().await;
        world.signed_up("ann@example.com").await;
        for mode in ["sign_in", "sign_up"] {
            let fields = [("mode", mode), ("email", "ann@example.com"), ("name", "Ann"), ("password", PASSWORD)];
            for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")] {
                let refused = world.post(&format!("/join/{}", asker.code)).header("host", "hitl.test").header(name, value).form(&fields).await;
                assert_eq!((refused.status, refused.header("set-cookie")), (403, ""));
            }
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.member_count"), 1);
    }
}
