//! A request's whole story, in a browser: who was asked and told, what each step was, what was sent (contract 7.4, 10.2, 12.9).

use crate::{
    asking::path,
    browsing::{location, page},
    harness::{on_both, question_with},
    hooking::{deliver, subscriber},
    receiver::{Receiver, reaching_loopback, status},
};
use hitl_server::{service::timeline, store::events::Wanted};
use serde_json::json;

/// The part of a page from one text to the next.
fn part<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} in {page}")).0
}

on_both! {
    async fn contract_7_5_the_story_says_what_was_changed_and_for_how_long_it_was_claimed(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let id = world.ask(&asker, &question_with(&json!({}))).await;
        let patch = async |body: serde_json::Value| world.patch(&path(&id)).key(&asker.key).json(&body).await.status;
        assert_eq!(patch(json!({"priority": "low", "request_text": "Another", "tags": ["x"]})).await, 200);
        assert_eq!(patch(json!({"timeout_seconds": 3600})).await, 200);
        world.act(&ann, &id, "claim").await.accepted(200, "Request claimed");
        world.clock.advance(75);
        world.respond(&ann, &id, json!("approve")).await.accepted(200, "Response submitted");
        let story = page(&world, &format!("/requests/{id}"), &asker.session).await;
        let step = |name: &str| part(&story, &format!("<strong>{name}</strong>"), "</li>").to_owned();
        assert!(step("Updated").contains("priority, request text, tags"), "{story}");
        assert!(story.contains("<span class=\"hint\">timeout seconds</span>"), "{story}");
        assert!(step("Claimed").contains("for "), "{}", step("Claimed"));
        assert!(step("Completed").contains("1 min 15 s after it was asked"), "{}", step("Completed"));
        let wanted = Wanted { request_id: Some(id.parse().unwrap()), ..Wanted::default() };
        let lines = timeline::last(&world.app, &wanted, 10).await.unwrap();
        let changed = lines.iter().map(|line| line.data.value().pointer("/data/changed_fields").cloned().unwrap_or_default());
        let expected = [json!(null), json!(["priority", "request_text", "tags"]), json!(["timeout_seconds"]), json!(null), json!(null)];
        assert_eq!(changed.collect::<Vec<_>>(), expected, "of updates alone");
    }

    async fn contract_10_2_the_story_says_who_was_asked_and_told(world: World) {
        let asker = world.asker().await;
        world.reviewer("ann@example.com", &asker.code).await;
        let id = world.ask(&asker, &question_with(&json!({}))).await;
        let story = page(&world, &format!("/requests/{id}"), &asker.session).await;
        let asked = part(&story, "id=\"recipients\"", "</section>");
        assert!(asked.contains("2 people, each by the inbox alone") && asked.contains("ann@example.com"), "{asked}");
        assert_eq!(asked.matches("No notification channel configured").count(), 2, "{asked}");
    }

    async fn contract_12_9_what_a_callback_was_told_has_a_page_and_is_sent_again_from_it(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let world = reaching_loopback(&world);
        receiver.answers_next([status(404)]);
        let id = world.ask(&asker, &question_with(&json!({"callback_url": receiver.url("/callback")}))).await;
        world.respond(&asker.session, &id, json!("approve")).await.accepted(200, "Response submitted");
        deliver(&world).await;
        receiver.only();
        let story = page(&world, &format!("/requests/{id}"), &asker.session).await;
        let place = format!("/requests/{id}/deliveries/{}", part(&story, &format!("href=\"/requests/{id}/deliveries/"), "\""));
        let shown = page(&world, &place, &asker.session).await;
        for said in ["the receiver answered 404", "request.completed", "<dd>1 of ", "&#34;event&#34;: &#34;request.completed&#34;"] {
            assert!(shown.contains(said), "{said} in {shown}");
        }
        assert!(shown.contains(&format!("<a href=\"/requests/{id}\">The request</a>")), "{shown}");
        let again = format!("{place}/redeliver");
        let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
        world.key(&jane).await; // her programs ask too
        assert_eq!(world.get(&place).cookie(&session).await.status, 404, "it is its maker's");
        assert_eq!(world.post(&again).cookie(&session).await.status, 404);
        assert_eq!(location(&world.post(&again).cookie(&asker.session).await), format!("{place}?notice=delivery-queued"));
        deliver(&world).await;
        receiver.only();
        let shown = page(&world, &place, &asker.session).await;
        assert!(shown.contains("status-success") && shown.matches("data-label=\"Why\"").count() == 2, "{shown}");
    }
}
