//! Those who get in each other's way: each gets on in the end, and nobody is told what is not so.

use crate::{
    harness::{on_both, question},
    hooking::{at, hook, subscriber},
    rivals::{at_once, patient},
};
use hitl_server::{
    domain::{Actor, Object, loops::Invitation},
    service::{Error, members},
    store::loops,
};
use serde_json::json;

on_both! {
    async fn changes_of_one_request_at_once_are_all_made(world: World) {
        let world = patient(&world);
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for round in 0..10 {
            let changes = (0..8).map(|number| {
                let (world, key, path) = (world.clone(), asker.key.clone(), format!("/v1/api/requests/{id}"));
                let body = json!({"request_text": format!("Round {round}, change {number}")});
                async move { world.patch(&path).key(&key).json(&body).await }
            });
            for answer in at_once(changes).await {
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        }
    }

    async fn an_answer_beside_changes_is_taken(world: World) {
        let world = patient(&world);
        let asker = world.asker().await;
        let (_, session) = world.reviewer("ann@example.com", &asker.code).await;
        for _ in 0..10 {
            let id = world.ask(&asker, &question()).await;
            let calls = (0..9).map(|number| {
                let (world, key, session, id) = (world.clone(), asker.key.clone(), session.clone(), id.clone());
                async move {
                    match number {
                        0 => {
                            let respond = world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(&session);
                            assert_eq!(respond.json(&json!({"response_data": "approve"})).await.status, 200);
                        }
                        1 => {
                            let claimed = world.post(&format!("/v1/reviewer/requests/{id}/claim")).key(&session).await;
                            let told = claimed.status == 200 || claimed.body["msg"] == "Request is no longer available";
                            assert!(told, "{claimed:?}");
                        }
                        _ => {
                            let change = world.patch(&format!("/v1/api/requests/{id}")).key(&key);
                            assert!([200, 400].contains(&change.json(&json!({"priority": "high"})).await.status));
                        }
                    }
                }
            });
            at_once(calls).await;
            assert_eq!(world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await.text("data.status"), "completed");
        }
    }

    async fn an_answer_and_a_removal_do_not_wait_for_each_other(world: World) {
        let world = patient(&world);
        let asker = world.asker().await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        for _ in 0..20 {
            world.join(&session, &asker.code).await;
            let id = world.ask(&asker, &question()).await;
            let review = |act: &str| format!("/v1/reviewer/requests/{id}/{act}");
            assert_eq!(world.post(&review("claim")).key(&session).await.status, 200);
            let respond = {
                let (world, session, path) = (world.clone(), session.clone(), review("respond"));
                tokio::spawn(async move { world.post(&path).key(&session).json(&json!({"response_data": "approve"})).await })
            };
            let removed = world.delete(&format!("/v1/api/loops/{}/members/{}", asker.loop_id, ann.id)).key(&asker.key).await;
            assert_eq!(removed.status, 200, "{removed:?}");
            let answered = respond.await.unwrap();
            assert!([200, 404, 409].contains(&answered.status), "{answered:?}");
        }
    }

    async fn quality_b_a_new_secret_is_not_undone_by_another_change(world: World) {
        let world = patient(&world);
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
        for round in 0..20 {
            let rotate = {
                let (world, key, path) = (world.clone(), asker.key.clone(), at(&id, "/rotate-secret"));
                tokio::spawn(async move { world.post(&path).key(&key).await.text("data.secret") })
            };
            let change = world.patch(&at(&id, "")).key(&asker.key).json(&json!({"description": format!("{round}")})).await;
            assert_eq!(change.status, 200);
            let secret = rotate.await.unwrap();
            let preview = world.get(&at(&id, "")).key(&asker.key).await.body.to_string();
            assert!(preview.contains(&secret[secret.len() - 4..]), "{secret} {preview}");
        }
    }

    async fn contract_4_3_e11_nobody_is_invited_to_a_loop_that_was_just_deleted(world: World) {
        let asker = world.asker().await;
        let it = loops::find(&world.app.store, asker.loop_id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.status, 200);
        let invitation = Invitation::parse(&Object::parse(br#"{"email": "new@example.com"}"#).unwrap()).unwrap();
        let invited = members::invite_to(&world.app, Actor::Operator, it, invitation).await;
        assert!(matches!(invited, Err(Error::Missing("Loop not found"))), "{:?}", invited.map(drop));
    }

    async fn a_long_story_is_told_whole(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("ann@example.com", &asker.code).await;
        let id = world.ask(&asker, &question()).await;
        for number in 0..205 {
            let change = world.patch(&format!("/v1/api/requests/{id}")).key(&asker.key).json(&json!({"request_text": format!("{number}")}));
            assert_eq!(change.await.status, 200);
        }
        let answer = json!({"response_data": "approve"});
        assert_eq!(world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(&session).json(&answer).await.status, 200);
        let story = world.get(&format!("/v1/api/requests/{id}/timeline")).key(&asker.key).await;
        assert_eq!((story.at("data.count"), story.text("data.timeline.206.event")), (&json!(207), "request.completed".into()));
        let last = i64::MAX.to_string();
        let resumed = world.get(&format!("/v1/api/requests/{id}/events")).key(&asker.key).header("last-event-id", &last).await;
        assert_eq!(resumed.status, 204);
    }
}
