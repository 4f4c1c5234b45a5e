//! Reviewing in a real browser: what only a browser shows, such as scripts, keys, races between tabs, and their absence.

use crate::{
    browser::Browser,
    harness::{Asker, World, on_both, question_with},
    webdriver::{CONTROL, ENTER, ESCAPE, TAB},
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

/// Goes on with the tab key until the focus is there.
async fn tab_to(browser: &Browser, css: &str) {
    for _ in 0..40 {
        if browser.value(&format!("document.activeElement.matches({})", json!(css))).await == true {
            return;
        }
        browser.press(&TAB.to_string()).await;
    }
    panic!("the tab key does not lead to {css}");
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

    async fn digits_reach_what_is_beyond_nine_and_between(world: World) {
        let asker = world.asker().await;
        let twelve: Vec<_> = (1..=12).map(|number| format!("Option {number}")).collect();
        let chosen = "document.querySelector('#answer :checked')?.value ?? null";
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        for (kind, config, keys, expected) in [
            ("single_select", json!({"options": twelve}), "12", json!("Option 12")),
            ("single_select", json!({"options": twelve}), "3", json!("Option 3")),
            ("rating", json!({"min": 0, "max": 10}), "10", json!("10")),
            ("rating", json!({"min": 0, "max": 3, "step": 0.5}), "2.5", json!("2.5")),
            ("rating", json!({"min": -2, "max": 2}), "-2", json!("-2")),
        ] {
            let id = ask(&world, &asker, kind, kind, config).await;
            browser.goto(&format!("/inbox/{id}")).await;
            browser.press(keys).await;
            assert_eq!(browser.value(chosen).await, expected, "{keys}");
        }
        let id = ask(&world, &asker, "How much?", "number", json!({"max_value": 500})).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.press("42").await;
        browser.press_with(CONTROL, ENTER).await;
        browser.says("Your answer is sent").await;
        assert_eq!(answered(&world, &asker, &id).await, 42);
    }

    async fn with_the_tab_key_alone_one_signs_in_and_answers(world: World) {
        let asker = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        world.join(&world.sign_in(&ann).await, &asker.code).await.accepted(200, "Joined loop");
        let id = ask(&world, &asker, "Which one?", "single_select", choices()).await;
        let browser = Browser::on(&world).await;
        browser.goto("/sign-in").await;
        tab_to(&browser, "#email").await;
        browser.press("ann@example.com").await;
        tab_to(&browser, "#password").await;
        browser.press(crate::cast::PASSWORD).await;
        tab_to(&browser, "main button[type=submit]").await;
        browser.press(&ENTER.to_string()).await;
        browser.arrived("/inbox").await;
        tab_to(&browser, ".request-line a").await;
        browser.press(&ENTER.to_string()).await;
        browser.arrived(&format!("/inbox/{id}")).await;
        tab_to(&browser, "#answer .option input").await;
        browser.press(" ").await;
        tab_to(&browser, "#answer .send").await;
        browser.press(&ENTER.to_string()).await;
        browser.arrived("/inbox").await;
        assert_eq!(answered(&world, &asker, &id).await, "a");
    }

    async fn what_comes_back_to_the_queue_can_be_answered_on_the_page_that_is_open(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let id = ask_for_text(&world, &asker, "Which one?").await;
        world.act(&ann, &id, "claim").await.accepted(200, "Request claimed");
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.says("has claimed this").await;
        world.act(&ann, &id, "release").await.accepted(200, "Request released");
        browser.until("document.getElementById('answer')").await;
        browser.press("c").await;
        browser.says("You have claimed this").await;
        browser.fill("#response", "So it goes").await;
        browser.click("#answer .send").await;
        browser.arrived("/inbox").await;
        assert_eq!(answered(&world, &asker, &id).await, "So it goes");
    }

    async fn on_a_phone_one_sees_what_is_wrong_with_a_choice(world: World) {
        let asker = world.asker().await;
        let options: Vec<_> = (1..=12).map(|number| format!("Option {number}")).collect();
        let id = ask(&world, &asker, "Which of these?", "multi_select", json!({"options": options, "min_selections": 2})).await;
        let browser = Browser::on(&world).await;
        browser.sized(360, 640).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.value("document.querySelector('#answer .send').click()").await;
        browser.until("document.getElementById('response-error')").await;
        let place = "(({ top, bottom }) => top >= 0 && bottom <= innerHeight)(document.getElementById('response-error').getBoundingClientRect())";
        browser.until(place).await;
        let one = ask(&world, &asker, "Which one?", "single_select", choices()).await;
        browser.goto(&format!("/inbox/{one}")).await;
        browser.value("document.querySelector('#answer .send').click()").await;
        assert_eq!(browser.value("document.activeElement.matches('#answer input:invalid')").await, true, "nothing is sent in vain");
    }

    async fn an_image_is_shown_in_full_size_without_leaving_the_page(world: World) {
        let asker = world.asker().await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        let image = json!({"type": "image", "image_url": format!("{}/assets/icon-512.png", browser.base())});
        let id = world.ask(&asker, &question_with(&image)).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.until("document.querySelector('[data-zoom] img').naturalWidth === 512").await;
        browser.click("[data-zoom]").await;
        browser.until("document.getElementById('zoom').open").await;
        browser.until("document.querySelector('#zoom img').clientWidth === 512").await;
        browser.press(&ESCAPE.to_string()).await;
        browser.until("!document.getElementById('zoom').open").await;
        browser.arrived(&format!("/inbox/{id}")).await;
        assert_eq!(browser.value("document.activeElement.matches('[data-zoom]')").await, true, "the focus is back where it was");
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

        let id = ask(&world, &asker, "How much?", "number", json!({})).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.fill("#response", "7").await;
        browser.says("Draft kept").await;
        browser.fill("#response", "\u{e003}").await;
        let draft = async || world.get(&format!("/v1/reviewer/requests/{id}")).key(&asker.session).await.at("data.draft").clone();
        for _ in 0..200 {
            if draft().await == Value::Null {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("what was emptied is still kept");
    }
}
