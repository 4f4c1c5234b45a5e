//! The walk of contract section 18 with the people's part done by hand in a browser: from an empty server to feedback.

use crate::{
    browser::Browser,
    cast::PASSWORD,
    harness::{Answer, BASE, World, on_both, question},
};
use hitl_server::service::{deadlines, setup};
use serde_json::{Value, json};

fn remaining(answer: &Answer) -> i64 {
    answer.header("x-ratelimit-remaining").parse().unwrap()
}

/// Makes the first account by the setup link.
pub(crate) async fn set_up_owner(world: &World, browser: &Browser) {
    let link = setup::link(&world.app).await.unwrap().unwrap();
    browser.goto(link.strip_prefix(BASE).unwrap()).await;
    browser.fill("#name", "Olga").await;
    browser.fill("#email", "olga@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.says("You are signed in as olga@example.com").await;
}

/// Sets the server up and makes a key, as its owner; the key.
async fn set_up(world: &World, browser: &Browser) -> String {
    set_up_owner(world, browser).await;
    browser.goto("/keys/new").await;
    browser.fill("#name", "n8n").await;
    browser.click("main form.card button[type=submit]").await;
    browser.says("Keep it now").await;
    browser.value("document.getElementById('token').textContent.trim()").await.as_str().unwrap().to_owned()
}

/// Opens an invite link, makes an account on the way and joins.
async fn join(browser: &Browser, join_url: &str) {
    browser.open(&join_url.replace(BASE, &browser.other_base())).await;
    browser.fill("#new-name", "John").await;
    browser.fill("#new-email", "john@example.com").await;
    browser.fill("#new-password", PASSWORD).await;
    browser.click("details[open] button[type=submit]").await;
    browser.says("You are in Content").await;
}

on_both! {
    async fn contract_18_the_walk_by_hand(world: World) {
        let browser = Browser::on(&world).await;
        let key = set_up(&world, &browser).await;
        let tested = world.get("/v1/test").key(&key).await;
        tested.accepted(200, "API key is valid");
        assert_eq!((tested.at("data.permissions").as_array().unwrap().len(), remaining(&tested)), (4, 99));

        let made = world.post("/v1/api/loops").key(&key).json(&json!({"name": "Content", "description": "Review"})).await;
        made.accepted(200, "Loop created successfully with QR code");
        let (owners, johns) = browser.another_tab().await;
        join(&browser, &made.text("data.join_url")).await;
        browser.open(&format!("{}/inbox", browser.other_base())).await;
        browser.says("Nothing waits for you").await;

        let path = format!("/v1/api/loops/{}/requests", made.text("data.id"));
        let asked = world.post(&path).key(&key).json(&question()).await;
        assert_eq!((asked.status, asked.at("data.broadcasted_to")), (201, &json!(2)));
        let request = asked.text("data.polling_url");
        assert_eq!(world.get(&request).key(&key).await.at("data.request.status"), "pending");

        browser.says("Please review this post").await;
        browser.click(".request-line a").await;
        browser.click("[data-claim]").await;
        browser.says("You have claimed this").await;
        assert_eq!(world.get(&request).key(&key).await.at("data.request.status"), "claimed");
        browser.click("#answer .option:nth-of-type(1)").await;
        browser.click("#answer .send").await;
        browser.says("Nothing waits for you").await;
        let polled = world.get(&request).key(&key).await;
        assert_eq!((polled.at("data.request.status"), polled.at("data.request.response_data")), (&json!("completed"), &json!("approve")));
        assert_eq!(polled.at("data.request.response_by_user.email"), "john@example.com");

        let feedback = json!({"feedback": {"rating": 5, "comment": "Good"}});
        world.post(&format!("{request}/feedback")).key(&key).json(&feedback).await.accepted(200, "Feedback added successfully");
        browser.click(".tabs a:nth-of-type(3)").await;
        browser.says("Feedback").await;

        let second = world.post(&path).key(&key).json(&question()).await;
        let before = remaining(&second);
        let cancelled = world.delete(&second.text("data.polling_url")).key(&key).await;
        assert_eq!((cancelled.status, remaining(&cancelled)), (200, before), "one counted, one given back");
        browser.turn_to(&owners).await;
        browser.goto(&format!("/requests/{}", second.text("data.id"))).await;
        browser.says("It was taken back").await;

        let mut body = question();
        body["timeout_seconds"] = json!(60);
        let third = world.post(&path).key(&key).json(&body).await;
        assert_eq!(remaining(&third), before - 1);
        browser.turn_to(&johns).await;
        browser.open(&format!("{}/inbox/{}", browser.other_base(), third.text("data.id"))).await;
        world.clock.advance(60);
        deadlines::settle(&world.app).await.unwrap();
        browser.says("Nobody answered in time").await;
        let ended = world.get(&third.text("data.polling_url")).key(&key).await;
        assert_eq!((ended.at("data.status"), ended.at("data.request.response_by")), (&json!("timeout"), &Value::Null));
    }
}
