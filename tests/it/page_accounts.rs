//! Signing in and out in a browser, one's account, and setting a password by a link.

use crate::{
    browsing::location,
    cast::PASSWORD,
    harness::{BASE, World, on_both},
};
use hitl_server::{
    domain::{Account, AccountStatus, Actor},
    service::{accounts, resets},
    store::Db,
};

const BETTER: &str = " a better secret ";

async fn reset_link(world: &World, who: &Account) -> String {
    let link = resets::link(&world.app, Actor::Operator, who.id).await.unwrap();
    link.strip_prefix(BASE).unwrap().to_owned()
}

async fn is_signed_in(world: &World, session: &str) -> bool {
    world.get("/v1/reviewer/me").cookie(session).await.status == 200
}

async fn can_sign_in(world: &World, password: &str) -> bool {
    world.sign_in_with("ann@example.com", password).await.status == 200
}

/// The sessions that the page offers to end.
fn ends(page: &str) -> Vec<String> {
    let found = page.split("action=\"/account/sessions/").skip(1).filter_map(|rest| rest.split('"').next());
    found.map(|path| format!("/account/sessions/{path}")).collect()
}

on_both! {
    async fn a_wrong_password_and_an_unknown_person_are_told_the_same(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let patient = world.beside(|settings| settings.limits.failed_sign_ins_per_minute = 100.try_into().unwrap()).await;
        let wrong = |email: &'static str, password: &'static str| {
            let world = patient.clone();
            async move {
                let answer = world.post("/sign-in").form(&[("email", email), ("password", password)]).await;
                assert_eq!((answer.status, answer.header("set-cookie")), (401, ""), "{email}");
                answer.page().replace(email, "EMAIL")
            }
        };
        let first = wrong("ann@example.com", "wrong horse battery").await;
        assert!(first.contains("Invalid email or password") && first.contains("value=\"EMAIL\"") && !first.contains("wrong horse"));
        assert_eq!(wrong("nobody@example.com", PASSWORD).await, first);
        accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Suspended).await.unwrap();
        assert_eq!(wrong("ann@example.com", PASSWORD).await, first);
    }

    async fn guessing_passwords_on_the_page_is_slowed_down(world: World) {
        world.signed_up("ann@example.com").await;
        let strict = world.beside(|settings| settings.limits.failed_sign_ins_per_minute = 2.try_into().unwrap()).await;
        let attempt = |password: &'static str| strict.post("/sign-in").form(&[("email", "ann@example.com"), ("password", password)]);
        for password in ["wrong horse 1", "wrong horse 2"] {
            assert_eq!(attempt(password).await.status, 401);
        }
        let limited = attempt(PASSWORD).await;
        assert!(limited.status == 429 && limited.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert!(limited.page().contains("Too many attempts"));
    }

    async fn whoever_joins_after_the_session_has_ended_signs_in_first(world: World) {
        let asker = world.asker().await;
        let joining = world.post(&format!("/join/{}", asker.code)).form(&[("x", "")]).await;
        assert_eq!(location(&joining), format!("/sign-in?next=/join/{}", asker.code));
    }

    async fn signing_out_ends_the_session(world: World) {
        let session = world.sign_in(&world.signed_up("ann@example.com").await).await;
        assert_eq!(world.get("/sign-out").cookie(&session).await.status, 303);
        assert!(is_signed_in(&world, &session).await, "a link signs nobody out");
        let out = world.post("/sign-out").cookie(&session).await;
        assert_eq!(location(&out), "/sign-in?notice=signed-out");
        assert!(out.header("set-cookie").starts_with("hitl_session=; Path=/; Max-Age=0"));
        assert!(!is_signed_in(&world, &session).await);
        assert!(world.get("/sign-in?notice=signed-out").await.page().contains("You are signed out."));
    }

    async fn who_is_signed_in_starts_at_the_inbox(world: World) {
        assert_eq!(world.get("/").await.status, 200);
        let session = world.sign_in(&world.signed_up("ann@example.com").await).await;
        assert_eq!(location(&world.get("/").cookie(&session).await), "/inbox");
    }

    async fn one_s_name_is_one_s_own_to_change(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        let wrong = world.post("/account/name").cookie(&session).form(&[("name", " ")]).await;
        assert_eq!(wrong.status, 400);
        let page = wrong.page();
        assert!(page.contains("id=\"name-error\">Name must be between 1 and 100 characters</p>"), "{page}");
        assert!(page.contains("aria-invalid=\"true\" autofocus aria-describedby=\"name-error name-hint\""), "{page}");
        let changed = world.post("/account/name").cookie(&session).form(&[("name", " Ann <b> Lee ")]).await;
        assert_eq!(location(&changed), "/account?notice=name-changed");
        assert_eq!(world.get("/v1/reviewer/me").cookie(&session).await.text("data.name"), "Ann <b> Lee");
        assert!(!world.get("/account").cookie(&session).await.page().contains("<b>"));
    }

    async fn one_s_password_is_changed_by_who_knows_it(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let (here, there) = (world.sign_in(&ann).await, world.sign_in(&ann).await);
        let change = |current: &'static str, new: &'static str| {
            world.post("/account/password").cookie(&here).form(&[("current_password", current), ("password", new)])
        };
        let wrong = change("wrong horse", BETTER).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.page().contains("id=\"current_password-error\">Current password is wrong</p>"));
        let short = change(PASSWORD, "short").await;
        assert!(short.status == 400 && short.page().contains("id=\"password-error\">Password must be between"));
        assert!(is_signed_in(&world, &there).await);
        assert_eq!(location(&change(PASSWORD, BETTER).await), "/account?notice=password-changed");
        assert!(is_signed_in(&world, &here).await && !is_signed_in(&world, &there).await);
        assert!(can_sign_in(&world, BETTER).await && !can_sign_in(&world, PASSWORD).await, "as it was typed, spaces and all");
    }

    async fn one_s_sessions_are_listed_and_ended(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let (here, there, third) = (world.sign_in(&ann).await, world.sign_in(&ann).await, world.sign_in(&ann).await);
        let bob = world.sign_in(&world.person("bob@example.com").await).await;
        let listed = world.get("/account").cookie(&here).await.page();
        assert_eq!((ends(&listed).len(), listed.matches("this one").count()), (2, 1), "{listed}");

        let theirs = ends(&listed)[0].clone();
        assert_eq!(world.post(&theirs).cookie(&bob).await.status, 404, "what is another's is not there");
        assert_eq!(world.post("/account/sessions/x/end").cookie(&here).await.status, 404);
        assert_eq!(location(&world.post(&theirs).cookie(&here).await), "/account?notice=session-ended");
        assert_eq!(world.post(&theirs).cookie(&here).await.status, 404);
        assert_ne!(is_signed_in(&world, &there).await, is_signed_in(&world, &third).await, "one of them");
        assert_eq!(location(&world.post("/account/other-sessions/end").cookie(&here).await), "/account?notice=sessions-ended");
        assert!(!is_signed_in(&world, &there).await && !is_signed_in(&world, &third).await);
        assert!(is_signed_in(&world, &here).await && is_signed_in(&world, &bob).await);
    }

    async fn a_reset_link_sets_a_password_once(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        let link = reset_link(&world, &ann).await;
        let token = link.rsplit_once('/').unwrap().1;
        let (kept,): (String,) = (&world.app.store).sql("select token_hash from reset_links").one().await.unwrap();
        assert!(kept.len() == 64 && kept != token, "only its hash is kept");
        for _ in 0..2 {
            let form = world.get(&link).await;
            assert_eq!(form.status, 200, "looking uses nothing up");
            assert!(form.page().contains("ann@example.com"));
        }
        let weak = world.post(&link).form(&[("password", "short")]).await;
        assert!(weak.status == 400 && weak.page().contains("Password must be between") && can_sign_in(&world, PASSWORD).await);
        assert_eq!(location(&world.post(&link).form(&[("password", BETTER)]).await), "/sign-in?notice=password-set");
        assert!(!is_signed_in(&world, &session).await && can_sign_in(&world, BETTER).await && !can_sign_in(&world, PASSWORD).await);
        assert_eq!(world.get(&link).await.status, 404);
        assert_eq!(world.post(&link).form(&[("password", "yet another secret")]).await.status, 404);
        assert!(can_sign_in(&world, BETTER).await);
    }

    async fn of_many_who_use_a_reset_link_at_once_one_sets_the_password(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let link = reset_link(&world, &ann).await;
        let mut calls = tokio::task::JoinSet::new();
        for index in 0..4 {
            let (world, link) = (world.clone(), link.clone());
            calls.spawn(async move { world.post(&link).form(&[("password", &format!("password number {index}"))]).await.status });
        }
        let mut statuses = calls.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 404, 404, 404]);
    }

    async fn a_reset_link_runs_out_and_is_replaced(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let first = reset_link(&world, &ann).await;
        let second = reset_link(&world, &ann).await;
        assert_eq!((world.get(&first).await.status, world.get(&second).await.status), (404, 200));
        world.clock.advance(24 * 3600 - 1);
        assert_eq!(world.get(&second).await.status, 200);
        world.clock.advance(1);
        for link in [&first, &second, &"/reset/0123456789abcdef0123456789abcdef0123456789abcdef".to_owned()] {
            let dead = world.get(link).await;
            assert!(dead.status == 404 && dead.page().contains("used already, has run out, or never was one"));
            assert_eq!(world.post(link).form(&[("password", BETTER)]).await.status, 404);
        }
        assert!(can_sign_in(&world, PASSWORD).await);
    }

    async fn a_reset_link_does_not_let_the_suspended_in(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Suspended).await.unwrap();
        let link = reset_link(&world, &ann).await;
        assert_eq!(world.post(&link).form(&[("password", BETTER)]).await.status, 303);
        assert!(!can_sign_in(&world, BETTER).await);
    }

    async fn guessing_reset_links_is_slowed_down(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let link = reset_link(&world, &ann).await;
        let strict = world.beside(|settings| settings.limits.failed_keys_per_minute = 2.try_into().unwrap()).await;
        for _ in 0..2 {
            assert_eq!(strict.get("/reset/0123").await.status, 404);
        }
        assert_eq!((strict.get(&link).await.status, strict.post(&link).form(&[("password", BETTER)]).await.status), (429, 429));
        assert!(can_sign_in(&world, PASSWORD).await);
    }

    async fn contract_11_1_a_code_is_typed_as_one_likes(world: World) {
        let asker = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        let code = asker.code.to_lowercase();
        let typed = format!(" {}-{} {} ", &code[..3], &code[3..6], &code[6..]);
        let found = world.post("/join").cookie(&session).form(&[("code", &typed)]).await;
        assert_eq!(location(&found), format!("/join/{}", asker.code));
        let wrong = world.post("/join").cookie(&session).form(&[("code", "abc\"<def")]).await;
        let page = wrong.page();
        assert!(wrong.status == 404 && page.contains("id=\"code-error\">No loop found with that invite code</p>") && !page.contains("\"<def"));

        let invitation = world.get(location(&found)).cookie(&session).await.page();
        assert!(invitation.contains("signed in as <strong>Ann</strong>") && !invitation.contains("type=\"password\""), "{invitation}");
        for _ in 0..2 {
            let joined = world.post(location(&found)).cookie(&session).await;
            assert_eq!(location(&joined), "/inbox?notice=joined", "also for one who is in already");
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.active_count"), 2);
    }
}
