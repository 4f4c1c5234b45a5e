//! The audit log in a browser, for the server's owners (issue 12; quality C and D).

use crate::{
    asking::respond,
    browsing::page,
    cast::PASSWORD,
    harness::{Asker, World, on_both, question_with},
};
use hitl_server::{
    domain::{Account, AccountStatus, Actor, Role},
    service::{accounts, accounts::NewAccount, resets},
};
use serde_json::{Value, json};

async fn owner(world: &World) -> (Account, String) {
    let new = NewAccount { email: "olga@example.com".parse().unwrap(), name: "Olga".into(), role: Role::Owner };
    let account = accounts::create(&world.app, Actor::Operator, new, PASSWORD).await.unwrap();
    let session = world.sign_in(&account).await;
    (account, session)
}

/// A loop, a request in it a day later, and its answer the day after.
async fn life(world: &World) -> (Asker, String, Account) {
    let asker = world.asker().await;
    let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
    world.clock.advance(86_400);
    let id =
        world.ask(&asker, &question_with(&json!({"request_text": "Ship <b>it</b>?", "timeout_seconds": 86_400}))).await;
    world.clock.advance(50_000);
    respond(world, &session, &id, &json!("approve")).await;
    (asker, id, jane)
}

/// The names of the events on a page, in order.
fn names(page: &str) -> Vec<&str> {
    let rows = page.split("<a href=\"/audit/").skip(1).filter_map(|rest| rest.split_once('>'));
    rows.filter_map(|(_, rest)| rest.split('<').next()).filter(|name| name.contains('.')).collect()
}

/// What a page says, without its tags.
fn words(page: &str) -> String {
    let text: String = page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

on_both! {
    async fn who_signs_in_and_out_is_in_it(world: World) {
        let (olga, session) = owner(&world).await;
        let signed_in = world.sign_in_with("olga@example.com", crate::cast::PASSWORD).await;
        signed_in.accepted(200, "Signed in");
        let elsewhere = world.sign_in(&olga).await;
        assert_eq!(world.post("/account/other-sessions/end").cookie(&elsewhere).await.status, 303);
        assert_eq!(world.post("/account/other-sessions/end").cookie(&elsewhere).await.status, 303, "there are none any more");
        assert_eq!(world.delete("/v1/reviewer/session").key(&elsewhere).await.status, 200);
        assert_eq!(world.get("/audit").cookie(&session).await.status, 303);
        assert_eq!(world.sign_in_with("olga@example.com", "not the password").await.status, 401);
        let log = page(&world, "/audit", &world.sign_in(&olga).await).await;
        assert_eq!(names(&log)[..3], ["account.signed_out", "account.sessions_ended", "account.signed_in"], "{log}");
        let told = words(&log);
        for sentence in ["Olga signed out account", "Olga ended other sessions of their own account", "Olga signed in account"] {
            assert!(told.contains(sentence), "{sentence} in {told}");
        }
        let only = page(&world, "/audit?event=account.signed_in", &world.sign_in(&olga).await).await;
        assert_eq!(names(&only).len(), 1, "{only}");
    }

    async fn what_happened_is_told_in_words_the_newest_first(world: World) {
        let (asker, id, jane) = life(&world).await;
        let (_, session) = owner(&world).await;
        let log = page(&world, "/audit", &session).await;
        assert_eq!(names(&log)[..3], ["account.created", "request.completed", "request.created"], "{log}");
        let told = words(&log);
        for sentence in ["jane answered Ship it?", "The key test asked Ship it?", "jane joined the loop Moderation", "The key test made the loop Moderation",
            "The operator made the account of Olga", "The operator made the key test"] {
            assert!(told.contains(sentence), "{sentence} in {told}");
        }
        for link in [format!("href=\"/people/{}\">jane</a>", jane.id), format!("href=\"/audit?request_id={id}\""), format!("href=\"/audit?loop_id={}\"", asker.loop_id)] {
            assert!(log.contains(&link), "{link} in {log}");
        }
        assert!(log.contains("2024-03-17 00:23:20 UTC") && !log.contains("<b>"), "{log}");
    }

    async fn who_signed_up_is_told_to_have_done_it(world: World) {
        let asker = world.asker().await;
        let (_, session) = owner(&world).await;
        world.sign_up_with(&asker.code, "ann@example.com").await.accepted(201, "Account created");
        assert!(words(&page(&world, "/audit?event=account", &session).await).contains("Ann signed up"));
    }

    async fn what_is_one_s_own_leads_to_its_page(world: World) {
        let (olga, session) = owner(&world).await;
        let key = world.key(&olga).await;
        let (loop_id, _) = world.loop_named(&key, "Mine").await;
        let id = world.ask(&Asker { owner: olga, key, loop_id: loop_id.clone(), code: String::new(), session: session.clone() }, &crate::harness::question()).await;
        let log = page(&world, "/audit", &session).await;
        assert!(log.contains(&format!("href=\"/requests/{id}\"")) && log.contains(&format!("href=\"/loops/{loop_id}\"")), "{log}");
        let at = log.split("href=\"/keys/").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(world.get(&format!("/keys/{at}")).cookie(&session).await.status, 200);
    }

    async fn the_log_is_narrowed_by_what_who_where_and_when(world: World) {
        let (asker, id, jane) = life(&world).await;
        let (_, session) = owner(&world).await;
        let found = async |query: &str| {
            let log = page(&world, &format!("/audit?{query}"), &session).await;
            names(&log).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(found("event=request.created").await, ["request.created"]);
        assert_eq!(found("event=request").await, ["request.completed", "request.created"]);
        assert_eq!(found(&format!("request_id={id}")).await, ["request.completed", "request.created"]);
        assert_eq!(found(&format!("loop_id={}&event=loop", asker.loop_id)).await, ["loop.member_joined", "loop.created"]);
        for who in ["jane@example.com".to_owned(), " Jane@Example.com ".into(), jane.id.to_string()] {
            assert_eq!(found(&format!("who={}", who.replace(' ', "+"))).await, ["request.completed", "loop.member_joined"], "{who}");
        }
        for who in ["Test", &asker.key[..14]] {
            assert_eq!(found(&format!("who={who}")).await, ["request.created", "loop.created"], "{who}");
        }
        assert_eq!(found("from=2024-03-16&to=2024-03-16").await, ["request.created"], "both days are within");
        assert_eq!(found("from=2024-03-17&event=request&who=&to=").await, ["request.completed"]);
        assert_eq!(found(&format!("account_id={}&event=account", jane.id)).await, Vec::<String>::new());
        assert!(page(&world, "/audit?event=webhook", &session).await.contains("Nothing matches"));
    }

    async fn filters_that_mean_nothing_are_said_beside_their_field(world: World) {
        let (_, session) = owner(&world).await;
        for (query, problem) in [
            ("request_id=x%22%3E%3Cb%3E", "id=\"request_id-error\">Request id must be 24 hex digits"), ("loop_id=x", "id=\"loop_id-error\">Loop id must be"),
            ("event=odd", "id=\"event-error\">Event is unknown"), ("who=nobody@example.com", "id=\"who-error\">Who must be somebody"),
            ("who=%00", "id=\"who-error\">"), ("from=soon", "id=\"from-error\">From must be a date"), ("to=9999-12-31", "id=\"to-error\">To must be a date"), ("from=2024-03-15T00", "id=\"from-error\">From must"), ("to=2024-13-01", "id=\"to-error\">To must be a date"),
            ("before=x", "Before must be a number"), ("limit=0", "Limit must be between"),
        ] {
            let refused = world.get(&format!("/audit?{query}")).cookie(&session).await;
            let page = refused.page();
            assert!(refused.status == 400 && page.contains(problem) && !page.contains("<b>"), "{query}: {page}");
        }
    }

    async fn a_long_log_has_pages_both_ways(world: World) {
        let (asker, ..) = life(&world).await;
        for index in 0..3 {
            world.loop_named(&asker.key, &format!("Loop {index}")).await;
        }
        let (_, session) = owner(&world).await;
        let whole = page(&world, "/audit", &session).await;
        let whole: Vec<_> = names(&whole).into_iter().map(str::to_owned).collect();
        let (mut path, mut read, mut pages) = ("/audit?limit=3".to_owned(), Vec::new(), Vec::new());
        let next = |page: &str, rel: &str| Some(page.split(&format!("rel=\"{rel}\" href=\"")).nth(1)?.split('"').next()?.replace("&#38;", "&"));
        loop {
            let shown = page(&world, &path, &session).await;
            read.extend(names(&shown).into_iter().map(str::to_owned));
            pages.push(shown.clone());
            let Some(older) = next(&shown, "next") else { break };
            path = older;
        }
        assert_eq!(read, whole);
        assert!(next(&pages[0], "prev").is_none() && pages.len() > 2);
        let back = page(&world, &next(&pages[2], "prev").unwrap(), &session).await;
        assert_eq!(names(&back), names(&pages[1]));
        let first = page(&world, &next(&back, "prev").unwrap(), &session).await;
        assert!(names(&first) == names(&pages[0]) && next(&first, "prev").is_none());
        let narrowed = page(&world, "/audit?limit=1&event=loop.created&who=test", &session).await;
        assert!(next(&narrowed, "next").unwrap().contains("event=loop.created&who=test&limit=1&before="), "the filters stay");
    }

    async fn one_event_is_shown_with_all_of_it(world: World) {
        let (_, id, _) = life(&world).await;
        let (_, session) = owner(&world).await;
        let log = page(&world, "/audit?event=request.completed", &session).await;
        let path = format!("/audit/{}", log.split("href=\"/audit/").find_map(|rest| rest.split('"').next()?.parse::<i64>().ok()).unwrap());
        let event = page(&world, &path, &session).await;
        assert!(event.contains("<h1>request.completed</h1>") && event.contains("class=\"tree\"") && event.contains("<dt>response data</dt>"), "{event}");
        assert!(event.contains(&id) && event.contains("jane@example.com") && event.contains("status-pending") && event.contains("status-completed"), "{event}");
        for missing in ["/audit/0", "/audit/99999999", "/audit/x", "/audit/99999999999999999999"] {
            assert_eq!(world.get(missing).cookie(&session).await.status, 404, "{missing}");
        }
    }

    async fn what_is_shown_is_exported_whole_as_lines_of_json(world: World) {
        let (asker, id, _) = life(&world).await;
        let (_, session) = owner(&world).await;
        let exported = async |query: &str| {
            let file = world.get(&format!("/audit/export{query}")).cookie(&session).await;
            assert_eq!((file.status, file.header("content-type"), file.header("content-disposition")),
                (200, "application/jsonl; charset=utf-8", "attachment; filename=\"audit.jsonl\""), "{query}");
            let text = String::from_utf8(file.bytes).unwrap();
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
        };
        let whole = exported("?limit=1").await;
        let told = world.get("/v1/reviewer/audit?limit=1000").key(&session).await;
        assert_eq!(json!(whole), told.at("data.events").clone());
        let narrowed = exported(&format!("?request_id={id}&who=test")).await;
        assert_eq!(narrowed.iter().map(|line| line["event"].clone()).collect::<Vec<_>>(), ["request.created"]);
        let log = page(&world, &format!("/audit?request_id={id}&who=test"), &session).await;
        assert!(log.contains(&format!("href=\"/audit/export?who=test&#38;request_id={id}\"")), "{log}");
        assert_eq!(exported("?event=webhook").await, Vec::<Value>::new());
        assert_eq!(world.get("/audit/export?from=soon").cookie(&session).await.status, 400);
        assert_eq!(world.get("/audit/export").cookie(&asker.session).await.status, 404);
    }

    async fn a_long_log_is_exported_to_its_end(world: World) {
        let (olga, session) = owner(&world).await;
        for index in 0..1100 {
            let who = hitl_server::service::sessions::find(&world.app, Some(&session)).await.unwrap();
            accounts::rename(&world.app, &who, &format!("Olga {index}")).await.unwrap();
        }
        let file = world.get(&format!("/audit/export?account_id={}&event=account.renamed", olga.id)).cookie(&session).await;
        let text = String::from_utf8(file.bytes).unwrap();
        assert_eq!(text.lines().count(), 1100);
        assert!(text.lines().last().unwrap().contains("Olga 1099"));
    }

    async fn no_secret_is_on_any_of_it(world: World) {
        let (asker, ..) = life(&world).await;
        let (olga, session) = owner(&world).await;
        let link = resets::link(&world.app, Actor::Operator, asker.owner.id).await.unwrap();
        let hook = json!({"url": "http://hooks.test/a", "events": ["request.completed"]});
        let made = world.post("/v1/api/webhooks").key(&asker.key).json(&hook).await;
        let secret = made.body.to_string().split("whsec_").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        world.post(&format!("/v1/api/loops/{}/invite", asker.loop_id)).key(&asker.key).await;
        let (key, token) = world.key_with(&olga, |_| {}).await;
        hitl_server::service::keys::rotate(&world.app, Actor::Operator, key.id, 0).await.unwrap();
        let export = String::from_utf8(world.get("/audit/export").cookie(&session).await.bytes).unwrap();
        let log = page(&world, "/audit?limit=100", &session).await;
        assert!(export.contains("webhook.created") && export.contains("api_key.rotated") && export.contains("account.reset_link_created"), "{export}");
        for secret in [&asker.key, &asker.session, &session, &token, &asker.code, link.rsplit_once('/').unwrap().1, &secret.unwrap()] {
            assert!(!export.contains(secret) && !log.contains(secret), "{secret}");
        }
    }

    async fn design_7_the_log_is_there_for_owners_alone_and_as_long_as_they_are(world: World) {
        let asker = world.asker().await;
        let (olga, session) = owner(&world).await;
        let paths = ["/audit", "/audit/export", "/audit/1"];
        for path in paths {
            assert_eq!(world.get(path).cookie(&asker.session).await.status, 404, "{path}");
            assert_eq!(world.get(path).cookie(&session).await.status, 200, "{path}");
        }
        assert!(page(&world, "/menu", &session).await.contains("href=\"/audit\"") && !page(&world, "/menu", &asker.session).await.contains("/audit"));
        accounts::set_status(&world.app, Actor::Operator, olga.id, AccountStatus::Suspended).await.unwrap();
        for path in paths {
            assert_eq!(world.get(path).cookie(&session).await.status, 303, "{path}");
        }
    }
}
