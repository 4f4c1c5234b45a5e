//! How one's loops stand and went, in a browser.

use crate::{
    browsing::page,
    cast::PASSWORD,
    harness::{Asker, World, on_both, question, question_with},
    hooking::{deliver, hook, rename},
};
use hitl_server::{
    domain::{Actor, Object, Role},
    service::{accounts, accounts::NewAccount},
    worker::expire,
};
use serde_json::json;

/// The figures at the top, in their order.
fn figures(page: &str) -> Vec<String> {
    let list = page.split_once("<dl class=\"figures\">").unwrap().1.split_once("</dl>").unwrap().0;
    list.split("<dd>").skip(1).map(|rest| text(rest.split("</dd>").next().unwrap())).collect()
}

/// The cells of a loop's row, in their order; without its bars.
fn row(page: &str, name: &str) -> Vec<String> {
    let table = page.split_once("id=\"loops\"").unwrap().1;
    let row = table
        .split("<tr>")
        .find(|row| row.contains(&format!("{name}</a></th>")) || row.contains(&format!("{name}</span></th>")))
        .unwrap();
    row.split("<td")
        .skip(1)
        .take(6)
        .map(|cell| text(cell.split_once('>').unwrap().1.split("<span class=\"unseen\"").next().unwrap()))
        .collect()
}

/// What is to be read.
fn text(html: &str) -> String {
    let words: String = html
        .split('<')
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once('>').map_or("", |it| it.1) })
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn owner(world: &World) -> String {
    let new = NewAccount { email: "olga@example.com".parse().unwrap(), name: "Olga".into(), role: Role::Owner };
    let olga = accounts::create(&world.app, Actor::Operator, new, PASSWORD).await.unwrap();
    world.sign_in(&olga).await
}

/// A request that is answered after that many seconds.
async fn answered_after(world: &World, asker: &Asker, reviewer: &str, seconds: i64) {
    let id = world.ask(asker, &question()).await;
    world.clock.advance(seconds);
    world.act(reviewer, &id, "claim").await;
    assert_eq!(world.respond(reviewer, &id, json!("approve")).await.status, 200);
}

on_both! {
    async fn the_first_steps_are_shown_and_the_line_is_one_that_works(world: World) {
        let asker = world.asker().await;
        let shown = page(&world, "/overview", &asker.session).await;
        assert!(shown.contains("Ask something") && shown.contains("Invite people to Moderation") && !shown.contains("class=\"figures\""), "{shown}");
        let line = shown.split_once("<code id=\"line\">").unwrap().1.split_once("</code>").unwrap().0.replace("&#34;", "\"").replace("&#39;", "'");
        let parts: Vec<_> = line.split('\'').collect();
        assert_eq!((parts[1], parts[3]), (format!("{}/v1/api/loops/{}/requests", crate::harness::BASE, asker.loop_id).as_str(), "Authorization: Bearer YOUR_KEY"));
        let body = Object::parse(parts[7].as_bytes()).unwrap();
        world.ask(&asker, &serde_json::Value::Object(body.0)).await;
        let shown = page(&world, "/overview", &asker.session).await;
        assert!(figures(&shown)[0] == "1" && !shown.contains("id=\"line\""), "{shown}");

        let new = page(&world, "/overview", &owner_without_loop(&world).await).await;
        assert!(new.contains("How to begin") && new.contains("href=\"/loops/new\"") && new.contains("href=\"/keys/new\"") && new.contains("/loops/LOOP_ID/requests"), "{new}");
    }

    async fn what_is_open_and_what_came_of_it_is_counted_by_loop(world: World) {
        let asker = world.asker().await;
        let (_, jane) = world.reviewer("jane@example.com", &asker.code).await;
        for seconds in [10, 100, 4000] {
            answered_after(&world, &asker, &jane, seconds.min(3000)).await;
        }
        world.ask(&asker, &question_with(&json!({"timeout_seconds": 60}))).await;
        world.clock.advance(61);
        expire::step(world.app.clone()).await.unwrap();
        let (quiet, _) = world.loop_named(&asker.key, "Quiet").await;
        let open = world.ask(&asker, &question()).await;
        world.clock.advance(120);
        world.ask(&asker, &question()).await;
        world.act(&jane, &open, "claim").await;

        let shown = page(&world, "/overview", &asker.session).await;
        assert_eq!(figures(&shown), ["2", "2 min ago", "3", "1 min 40 s", "50 min", "1"], "{shown}");
        assert_eq!(row(&shown, "Moderation"), ["2", "2 min ago", "3", "1 min 40 s", "50 min", "1"]);
        assert_eq!(row(&shown, "Quiet"), ["0", "none", "0", "none", "none", "0"]);
        assert!(shown.contains(&format!("href=\"/requests?loop_id={}&#38;status=pending,claimed\"", asker.loop_id)) && !shown.contains(&format!("loop_id={quiet}")));
        assert!(shown.contains("3 answered and 1 timed out in 14 days") && shown.contains("<title>15 Mar: 3 answered, 1 timed out</title>"), "{shown}");
        assert!(shown.contains("<tr><th scope=\"row\">15 Mar</th><td class=\"number\">3</td><td class=\"number\">1</td></tr>"));
        assert!(shown.find(">Moderation</a>").unwrap() < shown.find(">Quiet</a>").unwrap(), "those with open requests first");
    }

    async fn days_are_those_of_utc_and_what_is_long_past_is_not_counted(world: World) {
        let asker = world.asker().await;
        let (_, jane) = world.reviewer("jane@example.com", &asker.code).await;
        answered_after(&world, &asker, &jane, 10).await;
        let day = 24 * 3600;
        world.clock.set("2024-03-15T23:59:59Z".parse().unwrap());
        assert_eq!(figures(&page(&world, "/overview", &asker.session).await)[2], "1");
        world.clock.advance(1);
        let next = page(&world, "/overview", &asker.session).await;
        assert_eq!(figures(&next)[2..4], ["0", "10 s"], "{next}");
        world.clock.advance(6 * day);
        let week = page(&world, "/overview", &asker.session).await;
        assert_eq!(figures(&week)[2..4], ["0", "none"], "{week}");
        assert!(week.contains("1 answered and 0 timed out in 14 days"));
        world.clock.advance(7 * day);
        assert!(page(&world, "/overview", &asker.session).await.contains("Ask something"), "two weeks later nothing is left to show");
    }

    async fn one_sees_the_loops_one_made_and_an_owner_of_the_server_all(world: World) {
        let asker = world.asker().await;
        world.ask(&asker, &question()).await;
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        assert_eq!(world.get("/overview").cookie(&member).await.status, 404);
        let other = world.person("other@example.com").await;
        world.key(&other).await;
        let other = world.sign_in(&other).await;
        let theirs = page(&world, "/overview", &other).await;
        assert!(!theirs.contains("Moderation") && theirs.contains("How to begin"), "{theirs}");
        let all = page(&world, "/overview", &owner(&world).await).await;
        assert_eq!(row(&all, "Moderation")[0], "1");
        assert!(!all.contains(&format!("/loops/{}", asker.loop_id)) && !all.contains(&format!("loop_id={}", asker.loop_id)), "no link to what is not theirs");
    }

    async fn the_state_of_the_api_names_keys_and_webhooks(world: World) {
        let asker = world.asker().await;
        world.clock.advance(7200);
        let (_, narrow) = world.key_with(&asker.owner, |new| (new.name, new.hourly_limit) = ("narrow <i>".into(), Some(7))).await;
        world.get("/v1/test").key(&narrow).await;
        let shown = page(&world, "/overview", &asker.session).await;
        let engine = if world.app.store.engine() == "sqlite" { "on SQLite" } else { "on Postgres" };
        assert!(shown.contains(engine) && shown.contains(&format!("hitl {}", env!("CARGO_PKG_VERSION"))) && shown.contains("2 h ago</time>"), "{shown}");
        assert!(shown.contains("1 of 7") && shown.contains("<meter max=\"7\" high=\"5\"") && !shown.contains("<i>"), "{shown}");
        assert!(text(shown.split_once("<dt>Webhooks</dt>").unwrap().1.split("</dd>").next().unwrap()) == "none");
        hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/in", "events": ["loop.updated"]})).await;
        assert!(page(&world, "/overview", &asker.session).await.contains("1, none failing"));
        rename(&world, &asker, "Two").await;
        deliver(&world).await;
        assert!(page(&world, "/overview", &asker.session).await.contains("1 of 1 failing or disabled"));
    }
}

/// An owner of a server on which nobody has made a loop.
async fn owner_without_loop(world: &World) -> String {
    let who = world.person("new@example.com").await;
    world.key_with(&who, |new| new.expires_at = Some(world.now().plus_seconds(1))).await;
    let session = world.sign_in(&who).await;
    world.clock.advance(2);
    session
}
