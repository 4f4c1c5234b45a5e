//! How one is notified, set in the browser without any script (16.1).

use crate::{
    browsing::{location, page},
    harness::{World, on_both, question},
    hooking::deliver,
    receiver::{Receiver, reaching_loopback},
    telling::preferring,
};
use hitl_server::service::push_keys;
use serde_json::{Value, json};

const HERE: &str = "/account/notifications";

async fn save(world: &World, session: &str, fields: &[(&str, &str)]) -> crate::harness::Answer {
    world.post(HERE).cookie(session).form(fields).await
}

async fn settings(world: &World, session: &str) -> Value {
    world.get("/v1/reviewer/notification-settings").key(session).await.at("data").clone()
}

/// Whether a box is ticked.
fn ticked(page: &str, name: &str, value: &str) -> bool {
    let start = format!("name=\"{name}\" value=\"{value}\"");
    let rest = page.split(&start).nth(1).unwrap_or_else(|| panic!("no {start} in {page}"));
    rest.starts_with(" checked")
}

on_both! {
    async fn what_is_set_is_kept_and_shown(world: World) {
        let asker = world.asker().await;
        let before = page(&world, HERE, &asker.session).await;
        assert!(ticked(&before, "kinds", "new_request") && ticked(&before, "kinds", "feedback_received") && !ticked(&before, "priority_only", "on"));
        assert!(ticked(&before, "sound", "on") && ticked(&before, "badge", "on"));
        assert!(before.contains("data-guess") && !before.contains("name=\"mail\"") && before.contains("There is no way to notify you yet"));
        let fields = [
            ("kinds", "urgent_request"), ("kinds", "deadline_near"), ("priority_only", "on"), ("badge", "on"), ("quiet_from", "22:00"), ("quiet_to", "07:30"),
            ("time_zone", "Asia/Kolkata"), ("ntfy_url", "https://ntfy.example.com/my-topic"),
        ];
        assert_eq!(location(&save(&world, &asker.session, &fields).await), "/account/notifications?notice=notifications-changed");
        let kept = settings(&world, &asker.session).await;
        assert_eq!(kept["kinds"], json!({"new_request": false, "urgent_request": true, "deadline_near": true, "claim_cancelled": false, "feedback_received": false, "loop_activity": false}));
        assert_eq!((&kept["sound"], &kept["badge"]), (&json!(false), &json!(true)));
        assert_eq!((&kept["priority_only"], &kept["quiet_hours"]), (&json!(true), &json!({"from": "22:00", "to": "07:30"})));
        assert_eq!((&kept["time_zone"], &kept["ntfy_url"]), (&json!("Asia/Kolkata"), &json!("https://ntfy.example.com/my-topic")));
        let after = page(&world, HERE, &asker.session).await;
        assert!(!ticked(&after, "kinds", "new_request") && ticked(&after, "priority_only", "on") && !after.contains("data-guess"));
        assert!(after.contains("value=\"22:00\"") && after.contains("<option selected>Asia/Kolkata"), "{after}");
        assert!(after.contains("value=\"https://ntfy.example.com/my-topic\"") && after.contains("Send a test to myself"));
        assert_eq!(location(&save(&world, &asker.session, &[("time_zone", ""), ("ntfy_url", "")]).await), "/account/notifications?notice=notifications-changed");
        let emptied = settings(&world, &asker.session).await;
        assert_eq!((&emptied["time_zone"], &emptied["utc_offset_minutes"]), (&Value::Null, &json!(0)));
        let fixed = json!({"utc_offset_minutes": 330});
        assert_eq!(world.put("/v1/reviewer/notification-settings").key(&asker.session).json(&fixed).await.status, 200);
        assert!(page(&world, HERE, &asker.session).await.contains("<option value=\"\">UTC+05:30</option>"));
        save(&world, &asker.session, &[("time_zone", "")]).await;
        assert_eq!(settings(&world, &asker.session).await["utc_offset_minutes"], json!(330), "what a program has set stays");
        assert_eq!((&emptied["quiet_hours"], &emptied["ntfy_url"], &emptied["priority_only"]), (&Value::Null, &Value::Null, &json!(false)));
    }

    async fn what_is_wrong_stands_beside_its_field_and_nothing_is_lost(world: World) {
        let asker = world.asker().await;
        let refused = save(&world, &asker.session, &[("kinds", "urgent_request"), ("ntfy_url", "https://ntfy.example.com/"), ("time_zone", "Europe/Paris")]).await;
        assert_eq!(refused.status, 400);
        let form = refused.page();
        assert!(form.contains("id=\"ntfy_url-error\">Ntfy url must end in a topic") && form.contains("Problem: Notifications"), "{form}");
        assert!(ticked(&form, "kinds", "urgent_request") && !ticked(&form, "kinds", "new_request") && form.contains("<option selected>Europe/Paris"));
        for fields in [[("quiet_from", "22:00"), ("quiet_to", "")], [("quiet_from", "x"), ("quiet_to", "07:00")], [("time_zone", "Mars/Olympus"), ("quiet_from", "")]] {
            let refused = save(&world, &asker.session, &fields).await;
            let page = refused.page();
            assert!(refused.status == 400 && (page.contains("That did not work.") || page.contains("id=\"time_zone-error\"")), "{fields:?}");
        }
        assert_eq!(settings(&world, &asker.session).await["ntfy_url"], Value::Null);
    }

    async fn a_device_is_listed_and_removed(world: World) {
        let asker = world.asker().await;
        assert!(page(&world, HERE, &asker.session).await.contains("makes its keys when it starts"), "looking makes none");
        push_keys::prepare(&world.app).await.unwrap();
        let key = push_keys::find(&world.app).await.unwrap().unwrap().public_key;
        assert!(page(&world, HERE, &asker.session).await.contains(&format!("data-push-key=\"{key}\"")));
        let keys = json!({"p256dh": key, "auth": "AAAAAAAAAAAAAAAAAAAAAA"});
        let device = json!({"endpoint": "https://push.example.com/secret-endpoint", "keys": keys});
        let agent = "Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile";
        let added = world.post("/v1/reviewer/devices").cookie(&asker.session).header("user-agent", agent).json(&device).await;
        added.accepted(201, "Device added");
        let listed = page(&world, HERE, &asker.session).await;
        assert!(listed.contains("Chrome on Android") && !listed.contains("secret-endpoint"), "{listed}");
        let remove = format!("/account/devices/{}/remove", added.text("data.id"));
        let (_, janes) = world.reviewer("jane@example.com", &asker.code).await;
        world.post(&remove).cookie(&janes).form(&[]).await;
        assert_eq!(settings(&world, &asker.session).await["devices"].as_array().unwrap().len(), 1, "it is not hers");
        for _ in 0..2 {
            assert_eq!(location(&world.post(&remove).cookie(&asker.session).form(&[]).await), "/account/notifications?notice=device-removed");
        }
        assert!(!page(&world, HERE, &asker.session).await.contains("Chrome on Android"));
    }

    async fn a_test_goes_to_oneself(world: World) {
        let (world, receiver) = (reaching_loopback(&world), Receiver::start().await);
        let asker = world.asker().await;
        let test = async || location(&world.post("/account/notifications/test").cookie(&asker.session).form(&[]).await).to_owned();
        assert_eq!(test().await, "/account/notifications?notice=no-way");
        preferring(&world, &asker.session, &json!({"ntfy_url": receiver.url("/mine"), "quiet_hours": {"from": "00:00", "to": "23:59"}})).await;
        assert_eq!(test().await, "/account/notifications?notice=test-sent");
        assert_eq!(deliver(&world).await, 1);
        assert!(page(&world, HERE, &asker.session).await.contains("<strong>ntfy</strong> <span class=\"tag status-success\">success</span>"));
        let it = receiver.only();
        assert_eq!((it.path.as_str(), it.header("title")), ("/mine", "hitl: this is a test"));
        assert_eq!(it.header("click"), "http://hitl.test/account/notifications");
    }

    async fn each_loop_has_its_switch(world: World) {
        let (world, receiver) = (reaching_loopback(&world), Receiver::start().await);
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        preferring(&world, &session, &json!({"ntfy_url": receiver.url("/jane")})).await;
        let switch = format!("/loops/{}/notifications", asker.loop_id);
        let switched = async |to: &str| location(&world.post(&switch).cookie(&session).form(&[("notified", to)]).await).to_owned();
        assert_eq!(switched("off").await, "/loops?notice=loop-muted");
        assert!(page(&world, "/loops", &session).await.contains("· muted"));
        assert!(!page(&world, "/loops", &asker.session).await.contains("· muted"), "for others it is as it was");
        world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 0);
        assert_eq!(switched("on").await, "/loops?notice=loop-notified");
        assert!(!page(&world, "/loops", &session).await.contains("· muted"));
        world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        let stranger = world.sign_in(&world.person("bob@example.com").await).await;
        assert_eq!(world.post(&switch).cookie(&stranger).form(&[("notified", "off")]).await.status, 404);
    }
}
