//! The inbox in a browser: its parts, their order, filters, counts and pages (contract 8.7, 16.1).

use crate::harness::{Asker, World, on_both, question_with};
use hitl_server::domain::{AccountStatus, Actor};
use serde_json::{Value, json};

async fn inbox(world: &World, session: &str, query: &str) -> String {
    let answer = world.get(&format!("/inbox{query}")).cookie(session).await;
    assert_eq!(answer.status, 200);
    answer.page()
}

/// The first lines on the page, in order.
fn lines(page: &str) -> Vec<String> {
    let cards = page.split("<h2 class=\"request-line\">").skip(1);
    cards.filter_map(|card| card.split('>').nth(1)?.split('<').next()).map(str::to_owned).collect()
}

/// The numbers on the tabs.
fn counts(page: &str) -> Vec<i64> {
    let counts = page.split("<span class=\"count\">").skip(1).filter_map(|rest| rest.split('<').next());
    counts.map(|count| count.parse().unwrap()).collect()
}

fn title(page: &str) -> &str {
    page.split("<title>").nth(1).unwrap().split('<').next().unwrap()
}

async fn ask(world: &World, asker: &Asker, text: &str, changes: Value) -> String {
    let mut body = question_with(&changes);
    body["request_text"] = json!(text);
    world.clock.advance(1);
    world.ask(asker, &body).await
}

fn deferred() -> Value {
    json!({"processing_type": "deferred", "timeout_seconds": null, "priority": "medium"})
}

on_both! {
    async fn contract_8_7_the_most_urgent_comes_first(world: World) {
        let asker = world.asker().await;
        ask(&world, &asker, "low", json!({"priority": "low"})).await;
        ask(&world, &asker, "deferred", deferred()).await;
        ask(&world, &asker, "older", json!({"priority": "medium"})).await;
        ask(&world, &asker, "newer", json!({"priority": "medium"})).await;
        ask(&world, &asker, "# *critical* `one`\n\nmore", json!({"priority": "critical"})).await;
        let page = inbox(&world, &asker.session, "").await;
        assert_eq!(lines(&page), ["critical one", "older", "newer", "deferred", "low"]);
        assert_eq!((counts(&page), title(&page)), (vec![5, 0, 0], "(5) Inbox · hitl"));
        assert!(page.contains("request-critical") && page.contains("icons.svg#single_select") && page.contains(">Moderation</span>"), "{page}");
        assert!(page.contains("datetime=\"2024-03-15T11:30:01Z\" data-tick=\"left\">59 min left</time>"), "{page}");
    }

    async fn each_part_has_what_belongs_to_it(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let ids = [ask(&world, &asker, "one", json!({})).await, ask(&world, &asker, "two", json!({})).await, ask(&world, &asker, "three", json!({})).await];
        world.act(&ann, &ids[0], "claim").await.accepted(200, "Request claimed");
        world.respond(&ann, &ids[1], json!("approve")).await.accepted(200, "Response submitted");
        for (query, expected) in [("", "three"), ("?tab=mine", "one"), ("?tab=completed", "two")] {
            let page = inbox(&world, &ann, query).await;
            assert_eq!((lines(&page), counts(&page)), (vec![expected.to_owned()], vec![1, 1, 1]), "{query}");
            assert_eq!(page.matches("aria-current=\"page\"").count(), 2, "the section and the part");
        }
        assert!(inbox(&world, &ann, "?tab=completed").await.contains("Answer: </span>Approve</p>"), "the label, not the value");
        let page = inbox(&world, &asker.session, "").await;
        assert_eq!((lines(&page), counts(&page)), (vec!["three".to_owned()], vec![1, 0, 0]), "a claim is the claimant's alone");
    }

    async fn in_one_loop_there_are_priorities_to_narrow_by(world: World) {
        let asker = world.asker().await;
        assert!(!inbox(&world, &asker.session, "").await.contains("name=\"priority\""), "nothing to narrow yet");
        ask(&world, &asker, "one", json!({})).await;
        let page = inbox(&world, &asker.session, "").await;
        assert!(page.contains("name=\"priority\"") && !page.contains("name=\"loop_id\""), "{page}");
    }

    async fn filters_narrow_every_part_and_its_count(world: World) {
        let asker = world.asker().await;
        let (other, _) = world.loop_named(&asker.key, "Other").await;
        let there = Asker { loop_id: other.clone(), ..asker.clone() };
        ask(&world, &asker, "here, high", json!({"priority": "high"})).await;
        ask(&world, &asker, "here, low", json!({"priority": "low"})).await;
        ask(&world, &there, "there, low", json!({"priority": "low"})).await;
        for (query, expected) in [
            (format!("?loop_id={other}"), vec!["there, low"]),
            (format!("?loop_id={}&priority=", asker.loop_id), vec!["here, high", "here, low"]),
            ("?priority=low&loop_id=".to_owned(), vec!["here, low", "there, low"]),
            (format!("?loop_id={}&priority=low", asker.loop_id), vec!["here, low"]),
        ] {
            let page = inbox(&world, &asker.session, &query).await;
            assert_eq!(lines(&page), expected, "{query}");
            assert_eq!(counts(&page)[0], i64::try_from(expected.len()).unwrap(), "{query}");
        }
        let none = inbox(&world, &asker.session, &format!("?loop_id={other}&priority=critical")).await;
        assert!(none.contains("Nothing matches") && none.contains(&format!("<option value=\"{other}\" selected>Other</option>")), "{none}");
        assert!(none.contains(&format!("href=\"/inbox?tab=mine&#38;loop_id={other}&#38;priority=critical\"")), "the other parts keep the filter: {none}");
        let listed = world.get(&format!("/v1/reviewer/inbox?loop_id={other}")).key(&asker.session).await;
        assert_eq!((listed.at("data.count"), listed.at("data.counts.active")), (&json!(1), &json!(1)), "the same for programs");
        assert_eq!(world.get("/inbox?loop_id=x").cookie(&asker.session).await.status, 400);
        assert_eq!(world.get("/inbox?tab=x").cookie(&asker.session).await.status, 400);
    }

    async fn a_long_inbox_has_pages(world: World) {
        let asker = world.asker().await;
        for number in 0..5 {
            ask(&world, &asker, &format!("number {number}"), json!({})).await;
        }
        let first = inbox(&world, &asker.session, "?limit=2").await;
        assert_eq!(lines(&first), ["number 0", "number 1"]);
        assert!(first.contains("rel=\"next\" href=\"/inbox?tab=active&#38;limit=2&#38;offset=2\"") && !first.contains("rel=\"prev\""), "{first}");
        let second = inbox(&world, &asker.session, "?tab=active&limit=2&offset=2").await;
        assert_eq!(lines(&second), ["number 2", "number 3"]);
        assert!(second.contains("rel=\"prev\" href=\"/inbox?tab=active&#38;limit=2\"") && second.contains("offset=4"), "{second}");
        let last = inbox(&world, &asker.session, "?tab=active&limit=2&offset=4").await;
        assert!(lines(&last) == ["number 4"] && !last.contains("rel=\"next\"") && last.contains("rel=\"prev\""), "{last}");
    }

    async fn only_one_s_own_loops_are_seen_and_no_longer_than_one_is_in(world: World) {
        let asker = world.asker().await;
        ask(&world, &asker, "secret", json!({})).await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        let bob = world.sign_in(&world.person("bob@example.com").await).await;
        assert_eq!(lines(&inbox(&world, &session, "").await), ["secret"]);
        let outside = inbox(&world, &bob, &format!("?loop_id={}", asker.loop_id)).await;
        assert!(counts(&outside) == [0, 0, 0] && !outside.contains("secret") && !outside.contains("Moderation"), "{outside}");
        world.delete(&format!("/v1/api/loops/{}/members/{}", asker.loop_id, ann.id)).key(&asker.key).await.accepted(200, "Member removed from loop successfully");
        let removed = inbox(&world, &session, "").await;
        assert!(lines(&removed).is_empty() && removed.contains("You are in no loop yet"), "{removed}");
        hitl_server::service::accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Suspended).await.unwrap();
        assert_eq!(world.get("/inbox").cookie(&session).await.status, 303);
    }

    async fn an_empty_inbox_says_what_to_expect(world: World) {
        let asker = world.asker().await;
        for (query, words) in [("", "Nothing waits for you"), ("?tab=mine", "You have claimed nothing"), ("?tab=completed", "You have answered nothing yet")] {
            let page = inbox(&world, &asker.session, query).await;
            assert!(page.contains(words) && title(&page) == "Inbox · hitl", "{query}");
        }
        let nobody = world.sign_in(&world.person("bob@example.com").await).await;
        let page = inbox(&world, &nobody, "").await;
        assert!(page.contains("You are in no loop yet") && page.contains("action=\"/join\"") && !page.contains("/loops/new"), "{page}");
    }

    async fn who_is_in_no_loop_is_shown_the_ways_on(world: World) {
        let bob = world.person("bob@example.com").await;
        let session = world.sign_in(&bob).await;
        let found = world.post("/join").cookie(&session).form(&[("code", "nothing")]).await;
        assert_eq!(found.status, 404, "the form of the inbox leads to that of the code");
        assert!(inbox(&world, &session, "").await.contains("name=\"code\""));
        world.key(&bob).await; // whose programs ask may make loops
        let page = inbox(&world, &session, "").await;
        assert!(page.contains("You are in no loop yet") && page.contains("href=\"/loops/new\""), "{page}");
        assert!(world.get("/loops").cookie(&session).await.page().contains("href=\"/loops/new\">New loop"));
        let asker = world.asker().await;
        assert!(inbox(&world, &asker.session, "").await.contains("href=\"/requests/new\">Ask something by hand"));
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        assert!(!inbox(&world, &member, "").await.contains("/requests/new"));
    }

    async fn what_was_asked_is_shown_as_text(world: World) {
        let asker = world.asker().await;
        ask(&world, &asker, "<script>alert(1)</script> & <img src=x onerror=alert(2)>", json!({})).await;
        ask(&world, &asker, "`<script>alert(3)</script>`", json!({})).await;
        let page = inbox(&world, &asker.session, "").await;
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
        assert_eq!(lines(&page).len(), 2);
    }
}
