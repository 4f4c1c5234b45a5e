//! Asking in a real browser: the preview that follows what is typed, and the numbers that follow what happens.

use crate::{
    browser::Browser,
    harness::{on_both, question, question_with},
};
use serde_json::json;

on_both! {
    async fn the_preview_follows_what_is_typed(world: World) {
        let asker = world.asker().await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto("/requests/new").await;
        browser.says("It appears here while you write").await;
        browser.fill("#request_text", "Shall we **refund** order 7?").await;
        let shown = |css: &str| format!("document.querySelector('#preview-place {css}')");
        browser.until(&format!("{}?.textContent === 'refund'", shown(".markdown strong"))).await;
        assert_eq!(browser.value("document.activeElement.id").await, "request_text", "it takes the focus from nobody");

        browser.click("[name=response_type][value=single_select]").await;
        browser.says("Not complete yet. Options array required").await;
        browser.fill("#options", "Yes\nOnly half").await;
        browser.until(&format!("{}?.textContent.includes('Only half')", shown(".option:nth-of-type(2)"))).await;
        assert_eq!(browser.value("document.getElementById('preview-told').hidden").await, true);
        let made = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(made.at("data.requests").as_array().unwrap().len(), 0, "nobody was asked");
        browser.click("main form.card button[type=submit]").await;
        browser.says("It is put before the people of the loop").await;
    }

    async fn without_javascript_a_preview_is_had_by_its_button(world: World) {
        let asker = world.asker().await;
        let browser = Browser::without_script(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto("/requests/new").await;
        assert_eq!(browser.value("document.getElementById('preview-none').checkVisibility()").await, false);
        browser.fill("#request_text", "Shall we **refund** order 7?").await;
        browser.click("button[value=preview]").await;
        browser.says("What they will see").await;
        assert_eq!(browser.value("document.querySelector('#preview-place strong').textContent").await, "refund");
        assert_eq!(browser.value("document.getElementById('request_text').value").await, "Shall we **refund** order 7?");
    }

    async fn the_overview_and_webhooks_follow_what_happens(world: World) {
        let asker = world.asker().await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        let webhook = json!({"url": "https://hooks.example.com/a", "events": ["request.created"]});
        let made = world.post("/v1/api/webhooks").key(&asker.key).json(&webhook).await;
        let (overview, second) = browser.another_tab().await;
        browser.goto(&format!("/webhooks/{}", made.text("data.webhook.id"))).await;
        browser.says("Nothing was sent yet").await;
        browser.turn_to(&overview).await;
        browser.goto("/overview").await;
        browser.says("Send a request").await;

        let id = world.ask(&asker, &question()).await;
        browser.until("document.querySelector('.figures dd')?.textContent === '1'").await;
        browser.turn_to(&second).await;
        browser.until("document.querySelectorAll('#deliveries tbody tr').length === 1").await;
        browser.says("pending").await;

        browser.goto(&format!("/requests/{id}")).await;
        browser.says("Take this request back").await;
        world.respond(&asker.session, &id, json!("approve")).await.accepted(200, "Response submitted");
        browser.says("What came of it").await;
        browser.says("Completed").await;
        browser.until("!document.body.innerText.includes('Take this request back')").await;
        browser.turn_to(&overview).await;
        browser.until("document.querySelector('.figures dd')?.textContent === '0'").await;
    }

    async fn an_image_in_the_text_keeps_its_place_before_it_comes(world: World) {
        let asker = world.asker().await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        let text = format!("Look:\n\n![one]({0}/assets/icon-512.png)\n\n![none]({0}/assets/none.png)\n\n![small]({0}/assets/icon-180.png)", browser.base());
        let id = world.ask(&asker, &question_with(&json!({"request_text": text}))).await;
        browser.sized(360, 780).await;
        browser.goto(&format!("/inbox/{id}")).await;
        browser.value("document.querySelectorAll('.markdown img').forEach(it => it.loading = 'eager')").await;
        let images = "[...document.querySelectorAll('.markdown img')]";
        browser.until(&format!("{images}.every(it => it.complete) && {images}[0].naturalWidth === 512")).await;
        let sizes = browser.value(&format!("{images}.map(it => it.clientHeight + 'x' + it.clientWidth)")).await;
        let sizes: std::collections::HashSet<_> = sizes.as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(sizes.len(), 1, "whatever comes, or nothing: {sizes:?}");
    }
}
