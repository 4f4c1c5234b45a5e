//! Asking in a real browser: the preview that follows what is typed, and the numbers that follow what happens.

use crate::{
    browser::Browser,
    harness::{on_both, question, question_with},
};
use serde_json::json;

on_both! {
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
