//! API keys in a browser (contract 13.3–13.7).

use crate::{
    browsing::location,
    harness::{World, on_both},
};

const NEW: [(&str, &str); 4] =
    [("name", "n8n <b>"), ("scopes", "loops:read"), ("scopes", "requests:write"), ("reach", "all")];

/// The token on a page; empty where there is none.
fn token(page: &str) -> String {
    let rest = page.split_once("id=\"token\">").map_or("", |(_, rest)| rest);
    rest.split('<').next().unwrap().to_owned()
}

/// The page of the newest key in the list.
async fn newest(world: &World, session: &str) -> String {
    let list = world.get("/keys").cookie(session).await.page();
    let path = list.split("<th scope=\"row\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    path.to_owned()
}

async fn calls(world: &World, token: &str) -> u16 {
    world.get("/v1/test").key(token).await.status
}

on_both! {
    async fn contract_13_4_a_key_is_made_and_its_token_shown_once(world: World) {
        let asker = world.asker().await;
        let form = world.get("/keys/new").cookie(&asker.session).await.page();
        assert!(form.contains("value=\"loops:read\" checked") && form.contains("value=\"webhooks:read\">") && form.contains("Moderation"), "{form}");
        let fields = [&NEW[..], &[("limit", "7"), ("expires", "2030-01-31")]].concat();
        let made = world.post("/keys/new").cookie(&asker.session).form(&fields).await;
        assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
        let token = token(&made.page());
        assert!(token.starts_with("hitl_live_") && token.len() == 58, "{token}");
        let called = world.get("/v1/api/loops").key(&token).await;
        assert_eq!((called.status, called.header("x-ratelimit-limit")), (200, "7"));
        assert_eq!(world.get("/v1/api/requests").key(&token).await.status, 403, "only what was ticked");

        let page = newest(&world, &asker.session).await;
        for path in ["/keys", &page] {
            let later = world.get(path).cookie(&asker.session).await.page();
            assert!(!later.contains(&token) && !later.contains("<b>") && later.contains(&token[54..]), "{later}");
            assert!(later.contains("loops:read") && later.contains("requests:write"), "{later}");
        }
        assert!(world.get("/keys").cookie(&asker.session).await.page().contains("2<span class=\"hint\"> of 7</span>"));
        assert!(world.get(&page).cookie(&asker.session).await.page().contains("2030-01-31"));
    }

    async fn contract_13_4_what_does_not_do_is_said_and_makes_no_key(world: World) {
        let asker = world.asker().await;
        let before = world.get("/keys").cookie(&asker.session).await.page();
        for (change, problem) in [
            (("name", " "), "id=\"name-error\">Name must be between 1 and 100 characters"),
            (("limit", "-1"), "id=\"limit-error\">Limit must be between 0 and"),
            (("limit", "many"), "id=\"limit-error\">Limit must be a whole number"),
            (("expires", "2001-01-01"), "id=\"expires-error\">Expires must be in the future"),
            (("expires", "soon"), "id=\"expires-error\">Expires must be a date"),
            (("reach", "chosen"), "id=\"reach-error\">Reach must name at least one loop"),
            (("scopes", "loops:sing"), "Scopes must be one of"),
        ] {
            let fields = [&NEW[..], &[change]].concat();
            let refused = world.post("/keys/new").cookie(&asker.session).form(&fields).await;
            let page = refused.page();
            assert!(refused.status == 400 && page.contains(problem), "{problem}: {page}");
            assert!(page.contains("value=\"requests:write\" checked") && token(&page).is_empty(), "what was filled in stays");
        }
        assert_eq!(world.get("/keys").cookie(&asker.session).await.page(), before);
    }

    async fn contract_13_4_a_key_may_be_confined_to_loops(world: World) {
        let asker = world.asker().await;
        let (other, _) = world.loop_named(&asker.key, "Other").await;
        let fields = [("name", "narrow"), ("scopes", "loops:read"), ("reach", "chosen"), ("loops", asker.loop_id.as_str())];
        let token = token(&world.post("/keys/new").cookie(&asker.session).form(&fields).await.page());
        assert_eq!(world.get(&format!("/v1/api/loops/{}", asker.loop_id)).key(&token).await.status, 200);
        assert_eq!(world.get(&format!("/v1/api/loops/{other}")).key(&token).await.status, 403);
        let page = newest(&world, &asker.session).await;
        assert!(world.get(&page).cookie(&asker.session).await.page().contains("<dd>Moderation</dd>"));
    }

    async fn contract_13_6_a_key_is_suspended_activated_and_revoked(world: World) {
        let asker = world.asker().await;
        let token = token(&world.post("/keys/new").cookie(&asker.session).form(&NEW).await.page());
        let page = newest(&world, &asker.session).await;
        let act = |act: &str| world.post(&format!("{page}/{act}")).cookie(&asker.session);
        let suspended = act("suspend").await;
        assert_eq!(location(&suspended), format!("{page}?notice=key-suspended"));
        world.clock.advance(1);
        assert_eq!(calls(&world, &token).await, 401);
        assert!(world.get(&page).cookie(&asker.session).await.page().contains("status-suspended"));
        assert_eq!(location(&act("activate").await), format!("{page}?notice=key-activated"));
        world.clock.advance(1);
        assert_eq!(calls(&world, &token).await, 200);

        let question = world.get(&format!("{page}/revoke")).cookie(&asker.session).await.page();
        assert!(question.contains(&format!("action=\"{page}/revoke\"")) && question.contains("for good"), "{question}");
        assert_eq!(location(&act("revoke").await), "/keys?notice=key-revoked");
        world.clock.advance(1);
        assert_eq!(calls(&world, &token).await, 401);
        let again = act("activate").await;
        assert!(again.status == 409 && again.page().contains("This key was revoked"));
    }

    async fn contract_13_5_a_rotated_key_lives_on_for_the_overlap(world: World) {
        let asker = world.asker().await;
        let old = token(&world.post("/keys/new").cookie(&asker.session).form(&NEW).await.page());
        let page = newest(&world, &asker.session).await;
        let rotate = |overlap: &'static str| world.post(&format!("{page}/rotate")).cookie(&asker.session).form(&[("overlap", overlap)]);
        for wrong in ["2592001", "-1", "x", ""] {
            let refused = rotate(wrong).await;
            assert!(refused.status == 400 && refused.page().contains("id=\"overlap-error\">Overlap must be"), "{wrong}");
        }
        let rotated = rotate("3600").await;
        assert_eq!(rotated.status, 201);
        let new = token(&rotated.page());
        assert!(new != old && calls(&world, &new).await == 200 && calls(&world, &old).await == 200);
        world.clock.advance(3601);
        assert_eq!((calls(&world, &new).await, calls(&world, &old).await), (200, 401));
    }

    async fn contract_13_8_another_s_keys_are_not_there(world: World) {
        let asker = world.asker().await;
        let page = newest(&world, &asker.session).await;
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        let other = world.person("other@example.com").await;
        world.key(&other).await;
        let other = world.sign_in(&other).await;
        for session in [&member, &other] {
            for path in [page.clone(), format!("{page}/revoke")] {
                assert_eq!(world.get(&path).cookie(session).await.status, 404, "{path}");
            }
            for act in ["suspend", "activate", "rotate", "revoke"] {
                assert_eq!(world.post(&format!("{page}/{act}")).cookie(session).form(&[("overlap", "0")]).await.status, 404, "{act}");
            }
        }
        for path in ["/keys", "/keys/new"] {
            assert_eq!(world.get(path).cookie(&member).await.status, 404, "{path}");
        }
        assert_eq!(world.post("/keys/new").cookie(&member).form(&NEW).await.status, 404);
        assert_eq!(calls(&world, &asker.key).await, 200);
    }
}
