//! Somebody who has never seen this: from the setup link to an answer, led by the pages alone. Each step is on the page before.

use crate::{
    browser::Browser,
    browser_story::set_up_owner,
    cast::PASSWORD,
    harness::{BASE, World, on_both},
};
use serde_json::{Value, json};

/// What stands between two marks of a command.
fn between<'a>(command: &'a str, begin: &str, end: &str) -> &'a str {
    command.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_else(|| panic!("{command}")).0
}

/// What stands in an element.
async fn text(browser: &Browser, id: &str) -> String {
    let script = format!("document.getElementById({}).textContent.trim()", json!(id));
    browser.value(&script).await.as_str().unwrap().to_owned()
}

/// Makes the first account and a loop; the link that leads there.
async fn begin(world: &World, browser: &Browser) -> String {
    set_up_owner(world, browser).await;
    browser.click("main a.button").await;
    browser.fill("#name", "Content").await;
    browser.click("main form.card button[type=submit]").await;
    browser.says("The loop is there. Invite people to it.").await;
    text(browser, "link").await
}

/// Signs up on a phone by the link.
async fn join(browser: &Browser, link: &str) {
    browser.sized(360, 780).await;
    browser.open(&link.replace(BASE, &browser.other_base())).await;
    browser.fill("#new-name", "John").await;
    browser.fill("#new-email", "john@example.com").await;
    browser.fill("#new-password", PASSWORD).await;
    fits(browser).await;
    browser.click("details[open] button[type=submit]").await;
    browser.says("You are in Content").await;
    let ways = "[...document.querySelectorAll('main a')].map(it => it.getAttribute('href'))";
    assert_eq!(browser.value(ways).await, json!(["/inbox", "/account/notifications"]));
    fits(browser).await;
    browser.click("main a[href='/account/notifications']").await;
    browser.says("Devices").await;
    fits(browser).await;
    browser.click("nav a[href='/inbox']").await;
    browser.says("Nothing waits for you").await;
}

/// Nothing is wider than the screen.
async fn fits(browser: &Browser) {
    assert_eq!(browser.value("document.scrollingElement.scrollWidth - innerWidth").await, 0, "{}", browser.url().await);
}

/// Makes a key, as the loop's page says; the command that it comes with.
async fn command(browser: &Browser) -> String {
    browser.click("main a[href^='/keys/new']").await;
    browser.fill("#name", "My program").await;
    browser.click("main form.card button[type=submit]").await;
    browser.says("Keep it now").await;
    browser.says("Ask with it").await;
    text(browser, "command").await
}

on_both! {
    async fn a_stranger_is_led_from_the_setup_link_to_an_answer(world: World) {
        let browser = Browser::on(&world).await;
        let link = begin(&world, &browser).await;
        let (first, second) = browser.another_tab().await;
        join(&browser, &link).await;

        browser.turn_to(&first).await;
        let command = command(&browser).await;
        let path = between(&command, BASE, "'");
        let body: Value = serde_json::from_str(between(&command, "-d '", "'")).unwrap();
        let asked = world.post(path).key(between(&command, "Bearer ", "'")).json(&body).await;
        assert_eq!((asked.status, asked.at("data.broadcasted_to")), (201, &json!(2)), "{}", asked.body);
        browser.click("main a[href='/requests']").await;
        browser.says("pending").await;

        browser.turn_to(&second).await;
        browser.says("all right?").await;
        fits(&browser).await;
        browser.click(".request-line a").await;
        browser.says("Claim it to work on it alone, or answer right away").await;
        fits(&browser).await;
        let button = "#answer .decision[value=true]";
        browser.value(&format!("document.querySelector({}).scrollIntoView({{block: 'center'}})", json!(button))).await;
        browser.click(button).await;
        browser.says("Your answer is sent").await;

        browser.turn_to(&first).await;
        browser.says("completed").await;
        browser.click(".table th a").await;
        browser.says("What came of it").await;
        browser.says("John, john@example.com").await;
    }
}
