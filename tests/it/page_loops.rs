//! Making a loop and keeping it, in a browser (contract 6, 11).

use crate::{
    browsing::{location, page},
    harness::{BASE, on_both},
};
use serde_json::json;

/// The command on a page that asks.
fn asked_by(page: &str) -> String {
    let (_, rest) = page.split_once("<code id=\"command\">").unwrap();
    rest.split('<').next().unwrap().replace("&#39;", "'").replace("&#34;", "\"")
}

on_both! {
    async fn contract_6_2_a_loop_is_made_with_a_name_and_an_icon(world: World) {
        let asker = world.asker().await;
        let form = page(&world, "/loops/new", &asker.session).await;
        assert_eq!(form.matches("name=\"icon\"").count(), 30);
        for (icon, symbol, kept) in [("lock", "", "lock"), ("lock", "🦉", "🦉")] {
            let fields = [("name", " Night <b>watch</b> "), ("description", "one\r\ntwo"), ("icon", icon), ("symbol", symbol)];
            let made = world.post("/loops/new").cookie(&asker.session).form(&fields).await;
            let path = location(&made).strip_suffix("?notice=loop-created").unwrap().to_owned();
            let id = path.rsplit_once('/').unwrap().1;
            let seen = world.loop_seen(&asker.key, id).await;
            let about = ["name", "description", "icon"].map(|name| seen.text(&format!("data.loop.{name}")));
            assert_eq!(about, ["Night <b>watch</b>", "one\ntwo", kept]);
            let shown = page(&world, &path, &asker.session).await;
            assert!(!shown.contains("<b>") && shown.contains(if symbol.is_empty() { "#lock\"" } else { "🦉" }), "{shown}");
            assert!(page(&world, &format!("{path}/edit"), &asker.session).await.contains(if symbol.is_empty() { "value=\"lock\" checked" } else { "value=\"🦉\"" }));
        }
    }

    async fn contract_6_2_what_is_typed_as_an_emoji_is_one(world: World) {
        let asker = world.asker().await;
        for word in ["hello", "Ärger", "日本", "🦉 owl"] {
            let fields = [("name", "Reviews"), ("icon", "star"), ("symbol", word)];
            let refused = world.post("/loops/new").cookie(&asker.session).form(&fields).await;
            let page = refused.page();
            assert!(refused.status == 400 && page.contains("id=\"symbol-error\">Symbol must be one emoji"), "{word}: {page}");
            assert!(page.contains("aria-describedby=\"symbol-error") && page.contains("value=\"star\" checked"), "{page}");
        }
    }

    async fn contract_6_5_a_loop_is_changed_and_what_does_not_do_is_said(world: World) {
        let asker = world.asker().await;
        let path = format!("/loops/{}", asker.loop_id);
        for (form, at) in [("/loops/new".to_owned(), "Name is required"), (format!("{path}/edit"), "Name must be between 1 and 100 characters")] {
            let refused = world.post(&form).cookie(&asker.session).form(&[("name", " "), ("description", "kept \"here\"")]).await;
            let again = refused.page();
            assert!(refused.status == 400 && again.contains(&format!("id=\"name-error\">{at}")) && again.contains("kept &#34;here&#34;"), "{again}");
        }
        let fields = [("name", "Reviews"), ("description", ""), ("icon", "star"), ("symbol", "")];
        let changed = world.post(&format!("{path}/edit")).cookie(&asker.session).form(&fields).await;
        assert_eq!(location(&changed), format!("{path}?notice=loop-changed"));
        assert!(page(&world, &path, &asker.session).await.contains("<h1>Reviews</h1>"));
        assert_eq!(world.loop_events(&asker.loop_id).await, ["loop.created", "loop.updated"]);
    }

    async fn contract_11_people_are_invited_by_link_code_and_address(world: World) {
        let asker = world.asker().await;
        let path = format!("/loops/{}", asker.loop_id);
        let shown = page(&world, &path, &asker.session).await;
        let link = format!("/join/{}", asker.code);
        assert!(shown.contains(&format!("{link}</code>")) && shown.contains(&format!("src=\"/qr/{}.png\"", asker.code)), "{shown}");
        assert_eq!(world.get(&format!("/qr/{}.png", asker.code)).await.status, 200);

        let invite = |email: &'static str| world.post(&format!("{path}/invite")).cookie(&asker.session).form(&[("email", email), ("name", "")]);
        assert_eq!(location(&invite("ann@example.com").await), format!("{path}?notice=invited"));
        let invited = page(&world, &path, &asker.session).await;
        assert!(invited.contains("ann@example.com") && invited.contains("status-pending"), "{invited}");
        let refused = invite("ann").await;
        assert!(refused.status == 400 && refused.page().contains("id=\"email-error\">Email must be a valid"));
        world.reviewer("jane@example.com", &asker.code).await;
        let twice = invite("jane@example.com").await;
        assert!(twice.status == 400 && twice.page().contains("already a member"));
    }

    async fn the_line_on_a_loop_s_page_asks_it(world: World) {
        let asker = world.asker().await;
        let shown = page(&world, &format!("/loops/{}", asker.loop_id), &asker.session).await;
        let line = asked_by(&shown);
        assert!(line.contains(&format!("{BASE}/v1/api/loops/{}/requests", asker.loop_id)) && line.contains("Bearer YOUR_KEY"), "{line}");
        assert!(shown.contains("href=\"/keys\">your keys"), "{shown}");
        let body = line.split_once("-d '").unwrap().1.strip_suffix('\'').unwrap();
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let made = world.post(&path).key(&asker.key).json(&serde_json::from_str(body).unwrap()).await;
        made.accepted(201, "Request created and broadcasted successfully");
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        assert!(!page(&world, &format!("/loops/{}", asker.loop_id), &member).await.contains("YOUR_KEY"));

        let made = world.post("/keys/new").cookie(&asker.session).form(&[("name", "new"), ("scopes", "requests:write"), ("reach", "all")]).await;
        let line = asked_by(&made.page());
        let key = line.split_once("Bearer ").unwrap().1.split('\'').next().unwrap().to_owned();
        assert!(line.contains(&asker.loop_id));
        world.post(&path).key(&key).json(&serde_json::from_str(body).unwrap()).await.accepted(201, "Request created and broadcasted successfully");
        let blind = world.post("/keys/new").cookie(&asker.session).form(&[("name", "new"), ("scopes", "loops:read"), ("reach", "all")]).await;
        assert!(blind.status == 201 && !blind.page().contains("id=\"command\""), "what may not ask is shown no way to");
    }

    async fn contract_11_1_a_new_code_ends_the_old_one(world: World) {
        let asker = world.asker().await;
        let path = format!("/loops/{}/code", asker.loop_id);
        assert!(page(&world, &path, &asker.session).await.contains(&asker.code));
        assert_eq!(location(&world.post(&path).cookie(&asker.session).await), format!("/loops/{}?notice=code-changed", asker.loop_id));
        assert_eq!(world.get(&format!("/join/{}", asker.code)).await.status, 404);
    }

    async fn contract_6_8_a_member_is_removed_after_a_question(world: World) {
        let asker = world.asker().await;
        let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
        let path = format!("/loops/{}/members/{}/remove", asker.loop_id, jane.id);
        assert!(page(&world, &path, &asker.session).await.contains("Remove jane?"));
        assert_eq!(location(&world.post(&path).cookie(&asker.session).await), format!("/loops/{}?notice=member-removed", asker.loop_id));
        assert_eq!(world.get(&format!("/loops/{}", asker.loop_id)).cookie(&session).await.status, 404);
        assert_eq!(world.get(&path).cookie(&asker.session).await.status, 404);
        let oneself = format!("/loops/{}/members/{}/remove", asker.loop_id, asker.owner.id);
        assert_eq!((world.get(&oneself).cookie(&asker.session).await.status, world.post(&oneself).cookie(&asker.session).await.status), (404, 404));
    }

    async fn contract_6_6_a_loop_is_deleted_after_a_clear_warning(world: World) {
        let asker = world.asker().await;
        world.reviewer("jane@example.com", &asker.code).await;
        let request = world.ask(&asker, &crate::harness::question()).await;
        let path = format!("/loops/{}/delete", asker.loop_id);
        let question = page(&world, &path, &asker.session).await;
        assert!(question.contains("people (2) and requests (1)") && question.contains("Open ones (1)"), "{question}");
        assert_eq!(location(&world.post(&path).cookie(&asker.session).await), "/loops?notice=loop-deleted");
        assert_eq!(world.request(&asker.key, &request).await.status, 404);
        assert_eq!(world.events(&request).await, ["request.created", "request.cancelled"]);
    }

    async fn design_7_members_look_and_others_see_nothing(world: World) {
        let asker = world.asker().await;
        let (jane, member) = world.reviewer("jane@example.com", &asker.code).await;
        let outsider = world.sign_in(&world.person("other@example.com").await).await;
        let path = format!("/loops/{}", asker.loop_id);
        let seen = page(&world, &path, &member).await;
        assert!(seen.contains("Moderation") && seen.contains("jane@example.com"));
        assert!(!seen.contains(&asker.code) && !seen.contains("/edit") && !seen.contains("/remove") && !seen.contains("/delete"), "{seen}");
        assert_eq!(world.get(&path).cookie(&outsider).await.status, 404);
        for session in [&member, &outsider] {
            assert_eq!(world.get("/loops/new").cookie(session).await.status, 404);
            for below in ["/edit".to_owned(), "/delete".into(), "/code".into(), format!("/members/{}/remove", jane.id)] {
                assert_eq!(world.get(&format!("{path}{below}")).cookie(session).await.status, 404, "{below}");
                assert_eq!(world.post(&format!("{path}{below}")).cookie(session).form(&[("name", "Mine")]).await.status, 404, "{below}");
            }
            assert_eq!(world.post(&format!("{path}/invite")).cookie(session).form(&[("email", "a@example.com")]).await.status, 404);
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.name"), &json!("Moderation"));
    }
}
