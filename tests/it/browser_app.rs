//! The pages as an app in a real browser: installed, told by push, following what happens.

use crate::{
    browser::Browser,
    harness::{on_both, question_with},
};
use hitl_server::service::push_keys;
use serde_json::json;

on_both! {
    async fn the_app_can_be_installed_and_shows_what_is_pushed_to_it(world: World) {
        let asker = world.asker().await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        let may = json!({"origin": browser.base(), "permissions": ["notifications"]});
        browser.chromium("Browser.grantPermissions", may).await;
        browser.goto("/inbox").await;
        let active = "navigator.serviceWorker.ready.then(it => it.active.scriptURL)";
        assert_eq!(browser.value(active).await, format!("{}/service-worker.js", browser.base()));
        let manifest = browser.chromium("Page.getAppManifest", json!({})).await;
        assert_eq!(manifest["errors"], json!([]), "{manifest}");
        let hindered = browser.chromium("Page.getInstallabilityErrors", json!({})).await;
        assert_eq!(hindered["installabilityErrors"], json!([]), "{hindered}");

        let message = json!({"title": "Moderation: high priority", "text": "Ship it?", "path": "/inbox/1", "tag": "1", "urgent": true, "silent": false, "badge": true});
        browser.chromium("ServiceWorker.enable", json!({})).await;
        let pushed = json!({"origin": browser.base(), "registrationId": "0", "data": message.to_string()});
        let shown = "navigator.serviceWorker.ready.then(it => it.getNotifications())";
        // Chromium drops what comes before it has written the registration down.
        for _ in 0..50 {
            browser.chromium("ServiceWorker.deliverPushMessage", pushed.clone()).await;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            if browser.value(&format!("{shown}.then(it => it.length)")).await == 1 {
                break;
            }
        }
        let told = browser.value(&format!("{shown}.then(([it]) => [it.title, it.body, it.data.path, it.requireInteraction])")).await;
        assert_eq!(told, json!(["Moderation: high priority", "Ship it?", "/inbox/1", true]));
    }

    async fn a_browser_is_enabled_for_notifications(world: World) {
        let asker = world.asker().await;
        push_keys::prepare(&world.app).await.unwrap();
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.chromium("Browser.grantPermissions", json!({"origin": browser.base(), "permissions": ["notifications"]})).await;
        browser.goto("/account/notifications").await;
        // No push service can be reached from here: what it would give is given in its place.
        let service = "PushManager.prototype.subscribe = async (options) => {
            window.asked = options.userVisibleOnly && options.applicationServerKey.length;
            return { endpoint: 'https://push.example.com/abc', keys: {
                p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' } };
        };";
        browser.run(service, &[]).await;
        browser.click("[data-push-key]").await;
        browser.says("Send a test to myself").await;
        let settings = world.get("/v1/reviewer/notification-settings").key(&asker.session).await;
        assert_eq!(settings.at("data.devices").as_array().unwrap().len(), 1, "{}", settings.body);
    }

    async fn the_inbox_follows_a_steady_stream(world: World) {
        let asker = world.asker().await;
        let browser = Browser::on(&world).await;
        browser.has_session(&browser.base(), &asker.session).await;
        browser.goto("/inbox").await;
        browser.says("Nothing waits for you").await;
        for number in 0..40 {
            world.ask(&asker, &question_with(&json!({"request_text": format!("Number {number}.")}))).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(browser.value("document.body.innerText.includes('Number 5.')").await, true, "while more come");
    }
}
