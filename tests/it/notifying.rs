//! Who is told of what by ntfy, and what becomes of it (contract 10, 16.1): by the worker's step and a clock that stands still.

use crate::{
    asking::{act, create, path, respond, show},
    harness::{Asker, BASE, World, on_both, question, question_with},
    hooking::{deliver, log_of_request},
    receiver::{Receiver, Reply, reaching_loopback, status, with_header},
    telling::{prefer, preferring, queued, told},
};
use hitl_server::{
    domain::Account,
    service::deadlines,
    store::Db,
    worker::{deliver as worker, warn},
};
use serde_json::{Value, json};
use std::time::Duration;

/// A world that may send here, somebody who asks, and Jane, who is told at a topic here.
async fn set(world: &World) -> (World, Asker, Receiver, Account, String) {
    let (world, receiver) = (reaching_loopback(world), Receiver::start().await);
    let asker = world.asker().await;
    let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
    preferring(&world, &session, &json!({"ntfy_url": receiver.url("/jane-topic")})).await;
    (world, asker, receiver, jane, session)
}

const NO_CHANNEL: &str = "No notification channel configured";
const UNWANTED: &str = "Not wanted by this person's notification settings";

on_both! {
    async fn contract_10_2_who_has_a_topic_is_told_there(world: World) {
        let (world, asker, receiver, jane, _) = set(&world).await;
        let body = question_with(&json!({"request_text": format!("# Is this **good**, {}?", "x".repeat(150)), "context": {"customer": "confidential"}}));
        let made = create(&world, &asker, &body).await;
        assert_eq!((made.status, made.at("data.broadcasted_to"), made.at("data.notifications_sent")), (201, &json!(2), &json!(0)));
        let id = made.text("data.id");
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, Value::Null), "it is on its way");
        assert_eq!(deliver(&world).await, 1);
        let it = receiver.only();
        assert_eq!((it.path.as_str(), it.header("title"), it.header("priority")), ("/jane-topic", "Moderation: high priority", "high"));
        assert_eq!(it.header("click"), format!("{BASE}/inbox/{id}"));
        assert!(it.body.starts_with("Is this good, xxx") && it.body.ends_with("\nDeadline: 15 Mar 11:30 (UTC)"), "{}", it.body);
        assert!(it.body.chars().count() < 140 && !it.body.contains("confidential"), "{}", it.body);
        assert_eq!(told(&world, &asker, &id, &jane).await, (true, Value::Null));
        assert_eq!(told(&world, &asker, &id, &asker.owner).await, (false, json!(NO_CHANNEL)));
        assert!(log_of_request(&world, &asker, &id).await.is_empty(), "where she is told is hers to know");
        let listed = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(listed.at("data.requests.0.broadcasted_to"), show(&world, &asker, &id).await.at("data.request.broadcasted_to"));
    }

    async fn what_became_of_each_of_many_is_kept(world: World) {
        let (world, asker, receiver, jane, _) = set(&world).await;
        let mut people = vec![jane];
        for number in 0..7 {
            let (who, session) = world.reviewer(&format!("person{number}@example.com"), &asker.code).await;
            preferring(&world, &session, &json!({"ntfy_url": receiver.url(&format!("/{number}"))})).await;
            people.push(who);
        }
        let other = reaching_loopback(&world.beside(|_| {}).await);
        let id = world.ask(&asker, &question()).await;
        let (one, two) = tokio::join!(deliver(&world), deliver(&other));
        assert_eq!((one + two, receiver.received().len()), (8, 8));
        for who in &people {
            assert_eq!(told(&world, &asker, &id, who).await, (true, Value::Null));
        }
        other.app.store.close().await;
    }

    async fn for_people_without_a_way_nothing_is_written(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        preferring(&world, &session, &json!({"priority_only": true})).await;
        let id = world.ask(&asker, &question()).await;
        act(&world, &session, &id, "claim").await;
        world.delete(&path(&id)).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        assert_eq!(queued(&world).await, 0);
    }

    async fn a_topic_that_fails_is_tried_three_times_within_ten_minutes(world: World) {
        let (world, asker, receiver, jane, _) = set(&world).await;
        receiver.answers(status(500));
        let id = world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, Value::Null), "it is tried again");
        for (after, attempts) in [(29, 0), (1, 1), (299, 0), (1, 1), (3000, 0)] {
            world.clock.advance(after);
            assert_eq!(deliver(&world).await, attempts, "after {after}");
        }
        assert_eq!(receiver.received().len(), 3);
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, json!("ntfy: the receiver answered 500")));
        receiver.take();
        receiver.answers_next([with_header(429, "retry-after", "700")]);
        let id = world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        world.clock.advance(900);
        assert_eq!(deliver(&world).await, 0, "that would be too late");
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, json!("ntfy: the receiver answered 429")));
    }

    async fn a_topic_at_a_closed_address_is_not_tried(world: World) {
        let (_, asker, receiver, jane, _) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        world.clock.advance(600);
        assert_eq!(deliver(&world).await, 0);
        assert!(receiver.received().is_empty());
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, json!("ntfy: could not be delivered")));
    }

    async fn contract_10_4_a_topic_that_hangs_delays_no_create(world: World) {
        let (world, asker, receiver, jane, _) = set(&world).await;
        receiver.answers(Reply { hangs: true, ..status(200) });
        let stop = tokio_util::sync::CancellationToken::new();
        let worker = tokio::spawn(worker::run(world.app.clone(), stop.clone()));
        let first = world.ask(&asker, &question()).await;
        receiver.has(1).await;
        let second = world.ask(&asker, &question()).await;
        assert_eq!(told(&world, &asker, &second, &jane).await, (false, Value::Null));
        receiver.has(2).await;
        stop.cancel();
        receiver.goes_on();
        tokio::time::timeout(Duration::from_secs(10), worker).await.expect("the worker ends").unwrap();
        for id in [first, second] {
            assert_eq!(told(&world, &asker, &id, &jane).await, (true, Value::Null));
        }
    }

    async fn nothing_is_sent_once_there_is_nothing_left_to_do(world: World) {
        let (world, asker, receiver, jane, janes) = set(&world).await;
        let cancelled = world.ask(&asker, &question()).await;
        world.delete(&path(&cancelled)).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        let answered = world.ask(&asker, &question()).await;
        respond(&world, &asker.session, &answered, &json!("approve")).await.accepted(200, "Response submitted");
        let claimed = world.ask(&asker, &question()).await;
        act(&world, &janes, &claimed, "claim").await;
        assert_eq!(deliver(&world).await, 3);
        assert!(receiver.received().is_empty());
        assert_eq!(told(&world, &asker, &cancelled, &jane).await, (false, json!("ntfy: could not be delivered")));
        receiver.answers(status(500));
        let retried = world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, receiver.take().len()), (1, 1));
        world.delete(&path(&retried)).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        world.clock.advance(30);
        assert_eq!((deliver(&world).await, receiver.take().len()), (1, 0));
    }

    async fn contract_16_7_who_was_removed_meanwhile_is_told_nothing(world: World) {
        let (world, asker, receiver, jane, _) = set(&world).await;
        world.ask(&asker, &question()).await;
        let path = format!("/v1/api/loops/{}/members/{}", asker.loop_id, jane.id);
        world.delete(&path).key(&asker.key).await.accepted(200, "Member removed from loop successfully");
        assert_eq!((deliver(&world).await, receiver.received().len()), (1, 0));
        world.ask(&asker, &question()).await;
        assert_eq!(queued(&world).await, 1);
    }

    async fn what_a_person_does_not_want_is_not_sent(world: World) {
        let (world, asker, receiver, jane, session) = set(&world).await;
        let medium = question_with(&json!({"priority": "medium"}));
        let quiet = |from: &str, to: &str| json!({"quiet_hours": {"from": from, "to": to}, "utc_offset_minutes": 60});
        let muted = json!({"loops": {asker.loop_id.clone(): false}});
        for (settings, back, body) in [
            (json!({"kinds": {"new_request": false}}), json!({"kinds": {"new_request": true}}), &medium),
            (json!({"kinds": {"urgent_request": false}}), json!({"kinds": {"urgent_request": true}}), &question()),
            (json!({"priority_only": true}), json!({"priority_only": false}), &medium),
            (quiet("11:30", "12:00"), json!({"quiet_hours": null}), &question()),
            (muted, json!({"loops": {asker.loop_id.clone(): true}}), &question()),
        ] {
            preferring(&world, &session, &settings).await;
            let id = world.ask(&asker, body).await;
            assert_eq!((deliver(&world).await, told(&world, &asker, &id, &jane).await), (0, (false, json!(UNWANTED))), "{settings}");
            preferring(&world, &session, &back).await;
            world.ask(&asker, body).await;
            assert_eq!((deliver(&world).await, receiver.take().len()), (1, 1), "{back}");
        }
        preferring(&world, &session, &quiet("11:31", "11:30")).await;
        world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, receiver.take().len()), (1, 1), "outside of quiet hours");
        preferring(&world, &session, &json!({"ntfy_url": null})).await;
        let id = world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, told(&world, &asker, &id, &jane).await), (0, (false, json!(NO_CHANNEL))));
    }

    async fn who_had_claimed_it_hears_that_it_was_taken_back(world: World) {
        let (world, asker, receiver, _, session) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        deliver(&world).await;
        receiver.take();
        act(&world, &session, &id, "claim").await;
        world.delete(&path(&id)).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        assert_eq!(deliver(&world).await, 1);
        let it = receiver.only();
        assert_eq!((it.header("title"), it.body.as_str()), ("Moderation: taken back, nothing left to do", "Please review this post"));
        preferring(&world, &asker.session, &json!({"ntfy_url": receiver.url("/owner")})).await;
        let own = world.ask(&asker, &question()).await;
        act(&world, &asker.session, &own, "claim").await;
        deliver(&world).await;
        receiver.take();
        let form = world.post(&format!("/requests/{own}/cancel")).cookie(&asker.session).form(&[]).await;
        assert_eq!(form.status, 303);
        assert_eq!(deliver(&world).await, 0, "who did it knows");
    }

    async fn who_had_claimed_it_hears_that_its_loop_was_deleted(world: World) {
        let (world, asker, receiver, _, session) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        world.ask(&asker, &question()).await;
        deliver(&world).await;
        receiver.take();
        act(&world, &session, &id, "claim").await;
        world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.accepted(200, "Loop deleted successfully");
        deliver(&world).await;
        assert_eq!(receiver.only().header("title"), "Moderation: taken back, nothing left to do");
    }

    async fn who_answered_hears_of_feedback(world: World) {
        let (world, asker, receiver, _, session) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        deliver(&world).await;
        respond(&world, &session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        receiver.take();
        let feedback = json!({"feedback": {"rating": 5, "comment": "confidential"}});
        let given = world.post(&format!("{}/feedback", path(&id))).key(&asker.key).json(&feedback).await;
        given.accepted(200, "Feedback added successfully");
        assert_eq!(given.at("data.reviewer_notified"), true);
        assert_eq!(deliver(&world).await, 1);
        let it = receiver.only();
        assert_eq!((it.header("title"), it.header("click")), ("Moderation: feedback on your answer", &*format!("{BASE}/inbox/{id}")));
        assert!(!it.body.contains("confidential"));
        preferring(&world, &session, &json!({"kinds": {"feedback_received": false}})).await;
        for answering in [&session, &asker.session] {
            let id = world.ask(&asker, &question()).await;
            respond(&world, answering, &id, &json!("approve")).await.accepted(200, "Response submitted");
            deliver(&world).await;
            receiver.take();
            let given = world.post(&format!("{}/feedback", path(&id))).key(&asker.key).json(&feedback).await;
            assert_eq!(given.at("data.reviewer_notified"), false, "who does not want it, and who has no way to be told");
            assert_eq!(deliver(&world).await, 0);
        }
    }

    async fn contract_8_8_who_has_claimed_it_is_warned_once_15_minutes_before(world: World) {
        let (world, asker, receiver, _, session) = set(&world).await;
        let patient = reaching_loopback(&world.beside(|settings| settings.reviews.claim = Duration::from_hours(2)).await);
        let other = world.beside(|_| {}).await;
        let [early, late, short, free] = [3600, 3600, 900, 3600].map(|seconds| question_with(&json!({"timeout_seconds": seconds})));
        let early = world.ask(&asker, &early).await;
        let late = world.ask(&asker, &late).await;
        let short = world.ask(&asker, &short).await;
        let free = world.ask(&asker, &free).await;
        deliver(&world).await;
        receiver.take();
        for id in [&early, &short] {
            act(&patient, &session, id, "claim").await.accepted(200, "Request claimed");
        }
        act(&patient, &asker.session, &free, "claim").await.accepted(200, "Request claimed");
        world.clock.advance(45 * 60 - 1);
        assert_eq!(deadlines::next_warning(&world.app).await.unwrap(), Some(world.now().plus_seconds(1)));
        assert_eq!(warn::step(world.app.clone()).await.unwrap(), Duration::from_secs(1), "it is not time yet");
        world.clock.advance(2);
        act(&patient, &session, &late, "claim").await.accepted(200, "Request claimed");
        let (one, two) = tokio::join!(deadlines::warn(&world.app), deadlines::warn(&other.app));
        assert_eq!(one.unwrap() + two.unwrap(), 1, "who claims it later knows, and who cannot be reached is not");
        assert_eq!(deliver(&world).await, 1);
        let it = receiver.only();
        assert_eq!((it.header("title"), it.header("click")), ("Moderation: 15 minutes left for what you have claimed", &*format!("{BASE}/inbox/{early}")));
        assert_eq!(deadlines::next_warning(&world.app).await.unwrap(), None);
        assert_eq!(warn::step(world.app.clone()).await.unwrap(), Duration::from_secs(5), "the worker rests");
        assert_eq!(world.events(&early).await, ["request.created", "request.claimed", "request.deadline_near"]);
        patient.app.store.close().await;
        other.app.store.close().await;
    }

    async fn a12_a_notification_decides_nothing_it_only_leads_to_the_request(world: World) {
        let (world, asker, receiver, _, session) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        deliver(&world).await;
        let click = receiver.only().header("click").strip_prefix(BASE).unwrap().to_owned();
        let scanned = world.get(&click).await;
        assert_eq!(crate::browsing::location(&scanned), format!("/sign-in?next=%2Finbox%2F{id}"));
        let page = crate::browsing::page(&world, &click, &session).await;
        assert!(page.contains("Please review this post"));
        assert_eq!(show(&world, &asker, &id).await.at("data.request.status"), "pending");
        assert_eq!(world.events(&id).await, ["request.created"]);
    }

    async fn contract_16_1_who_made_a_loop_hears_who_joins_and_leaves(world: World) {
        let (world, receiver) = (reaching_loopback(&world), Receiver::start().await);
        let asker = world.asker().await;
        let topic = json!({"ntfy_url": receiver.url("/owner-topic")});
        preferring(&world, &asker.session, &topic).await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        assert_eq!(deliver(&world).await, 1);
        let joined = receiver.only();
        assert_eq!((joined.header("title"), joined.body.as_str()), ("Moderation: jane has joined", "jane@example.com"));
        assert_eq!((joined.header("click"), joined.header("priority")), (format!("{BASE}/loops/{}", asker.loop_id).as_str(), "default"));
        let leave = format!("/v1/reviewer/loops/{}/leave", asker.loop_id);
        assert_eq!(world.post(&leave).key(&session).await.status, 200);
        assert_eq!(deliver(&world).await, 1);
        assert_eq!(receiver.only().header("title"), "Moderation: jane is no longer in it");
        // What one does oneself, has switched off, or wants nothing of from that loop.
        let (mary, _) = world.reviewer("mary@example.com", &asker.code).await;
        assert_eq!(deliver(&world).await, 1);
        let member = format!("/v1/api/loops/{}/members/{}", asker.loop_id, mary.id);
        assert_eq!(world.delete(&member).key(&asker.key).await.status, 200);
        for off in [json!({"kinds": {"loop_activity": false}}), json!({"kinds": {"loop_activity": true}, "loops": {&asker.loop_id: false}})] {
            preferring(&world, &asker.session, &off).await;
            world.reviewer(&format!("{}@example.com", off.to_string().len()), &asker.code).await;
            assert_eq!(deliver(&world).await, 0, "{off}");
        }
    }

    async fn contract_16_1_without_a_sound_and_without_a_number(world: World) {
        let (world, asker, receiver, _, session) = set(&world).await;
        let shown = world.get("/v1/reviewer/notification-settings").key(&session).await;
        assert_eq!((shown.at("data.sound"), shown.at("data.badge")), (&json!(true), &json!(true)));
        let inbox = || async { crate::browsing::page(&world, "/inbox", &session).await };
        assert!(inbox().await.contains(r#"data-badge="0""#));
        preferring(&world, &session, &json!({"sound": false, "badge": false})).await;
        let shown = world.get("/v1/reviewer/notification-settings").key(&session).await;
        assert_eq!((shown.at("data.sound"), shown.at("data.badge")), (&json!(false), &json!(false)));
        assert!(!inbox().await.contains("data-badge"));
        world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        assert_eq!(receiver.only().header("priority"), "low");
        let (body,): (String,) = (&world.app.store).sql("select body from deliveries").one().await.unwrap();
        let message: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&message["silent"], &message["badge"]), (&json!(true), &json!(false)));
    }

    async fn what_is_wrong_with_settings_is_said_and_changes_nothing(world: World) {
        let asker = world.asker().await;
        let before = world.get("/v1/reviewer/notification-settings").key(&asker.session).await;
        before.accepted(200, "Notification settings retrieved successfully");
        assert_eq!((before.at("data.ntfy_url"), before.at("data.mail"), before.at("data.mail_available")), (&Value::Null, &json!(false), &json!(false)));
        assert_eq!(before.at("data.loops"), &json!([{"loop_id": asker.loop_id, "name": "Moderation", "enabled": true}]));
        let nowhere = "0123456789abcdef01234567";
        for (body, code, detail) in [
            (json!({"ntfy_url": "ftp://ntfy.example.com/topic"}), 400, "ntfy_url must be a valid URL"),
            (json!({"ntfy_url": "https://user:secret@ntfy.example.com/topic"}), 400, "ntfy_url must be a valid URL"),
            (json!({"ntfy_url": "https://ntfy.example.com/"}), 400, "ntfy_url must end in a topic, such as https://ntfy.example.com/my-topic"),
            (json!({"mail": true}), 400, "mail cannot be switched on: this server sends none"),
            (json!({"utc_offset_minutes": 5000}), 400, "utc_offset_minutes must be between -720 and 1440"),
            (json!({"priority_only": true, "loops": {nowhere: true}}), 404, ""),
            (json!({"priority_only": true, "loops": {"x": true}}), 400, ""),
            (json!({"priority_only": "yes"}), 400, ""),
        ] {
            let refused = prefer(&world, &asker.session, &body).await;
            assert_eq!(refused.status, code, "{body} {}", refused.body);
            assert!(detail.is_empty() || refused.at("data") == detail, "{body} {}", refused.body);
        }
        let after = world.get("/v1/reviewer/notification-settings").key(&asker.session).await;
        assert_eq!(after.body, before.body);
        assert_eq!(world.get("/v1/reviewer/notification-settings").key(&asker.key).await.status, 401);
    }
}
