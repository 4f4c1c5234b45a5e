//! Reviewing in a real browser: what only a browser shows, such as scripts, keys, races between tabs, and their absence.

use crate::{
    browser::Browser,
    harness::{Asker, World, on_both, question_with},
    webdriver::{CONTROL, ENTER, ESCAPE},
};
use serde_json::{Value, json};

/// A question with an answer of that type; its id.
async fn ask(world: &World, asker: &Asker, text: &str, kind: &str, config: Value) -> String {
    world.clock.advance(1);
    let changes =
        json!({"request_text": text, "response_type": kind, "response_config": config, "default_response": null});
    world.ask(asker, &question_with(&changes)).await
}

async fn answered(world: &World, asker: &Asker, id: &str) -> Value {
    world.request(&asker.key, id).await.at("data.request.response_data").clone()
}

async fn ask_for_text(world: &World, asker: &Asker, text: &str) -> String {
    ask(world, asker, text, "text", json!({"prompt": "Why?", "max_length": 200})).await
}

fn choices() -> Value {
    json!({"options": [{"value": "a", "label": "First"}, {"value": "b", "label": "Second"}, {"value": "c", "label": "Third"}]})
}

/// Answers a request of each type, with the mouse and what is typed.
async fn answer_each_type(world: &World, asker: &Asker, browser: &Browser) {
    browser.has_session(&browser.base(), &asker.session).await;
    let second = "#answer .option:nth-of-type(2) input";
    let amount = json!({"min_value": 0, "max_value": 500, "prefix": "$", "decimal_places": 2});
    for (kind, config, clicked, typed, expected) in [
        ("text", json!({"max_length": 50}), "#response", "Looks fine 👍", json!("Looks fine 👍")),
        ("single_select", choices(), second, "", json!("b")),
        ("multi_select", choices(), second, "", json!(["b"])),
        ("rating", json!({"min": 1, "max": 5}), "#answer .point:nth-of-type(4) input", "", json!(4)),
        ("rating", json!({"min": 1, "max": 100}), "#response", "77", json!(77)),
        ("number", amount, "#response", "12.5", json!(12.5)),
        ("boolean", json!({"false_label": "Hold"}), "#answer .decision[value=false]", "", json!(false)),
    ] {
        let id = ask(world, asker, kind, kind, config).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.click(clicked).await;
        if !typed.is_empty() {
            browser.fill("#response", typed).await;
        }
        if kind != "boolean" {
            browser.click("#answer .send").await;
        }
        browser.arrived("/inbox").await;
        browser.says("Nothing waits for you").await;
        assert_eq!(answered(world, asker, &id).await, expected, "{kind}");
    }
}

on_both! {
    async fn each_type_is_answered_with_the_mouse(world: World) {
        let asker = world.asker().await;
        answer_each_type(&world, &asker, &Browser::on(&world).await).await;
    }

    async fn without_javascript_each_type_is_answered(world: World) {
        let asker = world.asker().await;
        let browser = Browser::without_script(&world).await;
        answer_each_type(&world, &asker, &browser).await;
        let id = ask(&world, &asker, "Once more", "text", json!({})).await;
        browser.goto(&format!("/inbox/{id}")).await;
        assert_eq!(browser.value("document.querySelector('[data-help]').hidden").await, true, "no script has run");
    }

    async fn of_two_who_answer_at_once_one_wins_and_the_other_keeps_the_text(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let id = ask_for_text(&world, &asker, "Which one?").await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.has_session(&browser.other_base(), &ann).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.fill("#response", "The first to send").await;
        let (first, second) = browser.another_tab().await;
        browser.open(&format!("{}/inbox/{id}", browser.other_base())).await;
        browser.fill("#response", "A long thought that must not be lost").await;
        browser.turn_to(&first).await;
        browser.click("#answer .send").await;
        browser.arrived("/inbox").await;

        browser.turn_to(&second).await;
        browser.says("Answered").await;
        assert_eq!(browser.value("document.getElementById('response').value").await, "A long thought that must not be lost");
        browser.click("#answer .send").await;
        browser.says("Your answer was not sent").await;
        assert_eq!(browser.value("document.querySelector('.unsent').textContent").await, "A long thought that must not be lost");
        assert_eq!(browser.value("document.activeElement.getAttribute('role')").await, "alert", "it is told to those who do not see it");
        assert_eq!(answered(&world, &asker, &id).await, "The first to send");
    }

    async fn a_session_that_ends_while_somebody_types_costs_no_letter(world: World) {
        let asker = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
        let id = ask_for_text(&world, &asker, "Which one?").await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &session).await;
        browser.goto(&format!("/inbox/{id}")).await;
        world.delete("/v1/reviewer/session").key(&session).await.accepted(200, "Signed out");
        browser.fill("#response", "Two lines\nof thought").await;
        browser.says("You are signed out").await;
        browser.click("#answer .send").await;
        browser.says("what you had filled in is kept").await;
        browser.signs_in("ann@example.com").await;
        browser.arrived(&format!("/inbox/{id}")).await;
        assert_eq!(browser.value("document.getElementById('response').value").await, "Two lines\nof thought");
        browser.click("#answer .send").await;
        browser.arrived("/inbox").await;
        assert_eq!(answered(&world, &asker, &id).await, "Two lines\nof thought");
    }

    async fn without_javascript_everything_works(world: World) {
        let asker = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
        let id = ask(&world, &asker, "May it go out?", "boolean", json!({"true_label": "Ship it"})).await;
        let browser = Browser::without_script(&world).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.signs_in("ann@example.com").await;
        browser.arrived(&format!("/inbox/{id}")).await;
        assert_eq!(browser.value("document.querySelector('[data-help]').hidden").await, true, "no script has run");
        browser.click("#standing button:not([hidden])").await;
        browser.says("You have claimed this").await;
        browser.click("#standing button:not([hidden])").await;
        browser.says("It is back in the queue").await;
        browser.click(".request-line a").await;
        browser.click("#answer .decision[value=true]").await;
        browser.arrived("/inbox").await;
        assert_eq!(answered(&world, &asker, &id).await, true);
        browser.click(".tabs a:nth-of-type(3)").await;
        browser.says("Ship it").await;
    }

    async fn the_keyboard_alone_is_enough(world: World) {
        let asker = world.asker().await;
        let ids = [
            ask(&world, &asker, "One", "single_select", choices()).await,
            ask(&world, &asker, "Two", "text", json!({})).await,
            ask(&world, &asker, "Three", "boolean", json!({})).await,
        ];
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto("/inbox").await;
        browser.press("?").await;
        browser.until("document.getElementById('keys').open").await;
        browser.press(&ESCAPE.to_string()).await;
        browser.until("!document.getElementById('keys').open").await;

        browser.press("jjk").await;
        assert_eq!(browser.value("document.activeElement.textContent").await, "One", "down, down and up again");
        browser.press(&ENTER.to_string()).await;
        browser.arrived(&format!("/inbox/{}", ids[0])).await;
        browser.press("c").await;
        browser.says("You have claimed this").await;
        browser.press("2").await;
        browser.press_with(CONTROL, ENTER).await;
        browser.arrived(&format!("/inbox/{}", ids[1])).await; // the next that waits
        assert_eq!(answered(&world, &asker, &ids[0]).await, "b");

        browser.goto("/inbox").await;
        browser.press("jjc").await; // claims it from the list
        browser.arrived(&format!("/inbox/{}", ids[2])).await;
        browser.says("You have claimed this").await;
        browser.press("2").await;
        assert_eq!(answered(&world, &asker, &ids[2]).await, Value::Null, "a digit decides nothing");
        browser.press(&ENTER.to_string()).await;
        browser.arrived(&format!("/inbox/{}", ids[1])).await;
        assert_eq!(answered(&world, &asker, &ids[2]).await, false);

        browser.fill("#response", "j and c are letters here").await;
        browser.press_with(CONTROL, ENTER).await;
        browser.arrived("/inbox").await;
        assert_eq!(answered(&world, &asker, &ids[1]).await, "j and c are letters here");
    }

    async fn what_happens_elsewhere_is_shown_by_itself(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto("/inbox").await;
        assert_eq!(browser.title().await, "Inbox · hitl");
        let id = ask_for_text(&world, &asker, "Suddenly there").await;
        browser.says("Suddenly there").await;
        assert_eq!(browser.title().await, "(1) Inbox · hitl");
        world.act(&ann, &id, "claim").await.accepted(200, "Request claimed");
        browser.says("Nothing waits for you").await;
        assert_eq!(browser.title().await, "Inbox · hitl");

        browser.goto(&format!("/inbox/{id}")).await;
        browser.says("has claimed this").await;
        world.respond(&ann, &id, json!("done")).await.accepted(200, "Response submitted");
        browser.says("Answered").await;
        let story = world.request(&asker.key, &id).await;
        assert_eq!(story.at("data.request.status"), "completed");
    }

    async fn a_draft_is_kept_while_one_types(world: World) {
        let asker = world.asker().await;
        let id = ask_for_text(&world, &asker, "Which one?").await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.fill("#response", "Half a thou").await;
        browser.says("11 of 200").await;
        browser.says("Draft kept").await;
        browser.reload().await;
        assert_eq!(browser.value("document.getElementById('response').value").await, "Half a thou");
        world.act(&asker.session, &id, "claim").await.accepted(200, "Request claimed");
        browser.says("You have claimed this").await;
        assert_eq!(browser.value("document.getElementById('response').value").await, "Half a thou", "what is shown anew leaves it alone");
    }
}
