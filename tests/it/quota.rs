//! The owner of a key hears when its window is nearly and wholly used up (contract 3.9).

use crate::{
    accidents,
    harness::{Asker, World, on_both},
    hooking::{bodies, hook, names, parsed, subscriber},
};
use serde_json::json;

/// Somebody with a webhook that hears of keys, and another key of theirs: its id and token.
async fn set(world: &World, limit: i64) -> (Asker, String, String, String) {
    let asker = subscriber(world).await;
    let id = hook(world, &asker, &json!({"url": "https://app.example.com/", "events": ["api_key.*"]})).await;
    let (key, token) = world
        .key_with(&asker.owner, |new| {
            new.name = "n8n".into();
            new.hourly_limit = Some(limit);
        })
        .await;
    (asker, id, key.id.to_string(), token)
}

async fn call(world: &World, token: &str) -> u16 {
    world.get("/v1/test").key(token).await.status
}

on_both! {
    async fn contract_3_9_each_event_comes_once_a_window(world: World) {
        let (asker, id, key, token) = set(&world, 10).await;
        let reset = world.now().plus_seconds(3600).to_string();
        for window in 1..=2 {
            for count in 1..=13 {
                assert_eq!(call(&world, &token).await, if count <= 10 { 200 } else { 429 }, "{count}");
                let expected = (window - 1) * 2 + usize::from(count >= 8) + usize::from(count >= 11);
                let told = names(&bodies(&world, &asker, &id).await);
                assert_eq!(told.len(), expected, "{count} in window {window}: {told:?}");
            }
            world.clock.advance(3600);
        }
        let told = bodies(&world, &asker, &id).await;
        let both = ["api_key.quota_warning", "api_key.limit_exceeded"];
        assert_eq!(names(&told), [both, both].concat());
        for (body, remaining) in told.iter().zip([2, 0]) {
            let body = parsed(body);
            assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["event", "event_id", "timestamp", "data"]);
            assert_eq!(body["data"], json!({
                "api_key": {"id": key, "name": "n8n"}, "rate_limit": {"limit": 10, "remaining": remaining, "reset_at": reset},
            }));
        }
    }

    async fn contract_3_9_a_refund_does_not_bring_the_warning_again(world: World) {
        let (asker, id, _, token) = set(&world, 10).await;
        for _ in 0..7 {
            call(&world, &token).await;
        }
        let asking = Asker { key: token.clone(), ..asker.clone() };
        for _ in 0..2 {
            let request = world.ask(&asking, &crate::harness::question()).await;
            world.delete(&crate::asking::path(&request)).key(&asking.key).await.accepted(200, "Request cancelled successfully");
        }
        assert_eq!(names(&bodies(&world, &asker, &id).await), ["api_key.quota_warning"]);
    }

    async fn contract_3_9_two_processes_tell_once_too(world: World) {
        let (asker, id, _, token) = set(&world, 20).await;
        let beside = world.beside(|_| {}).await;
        let mut accepted = 0;
        for _ in 0..15 {
            let (one, other) = tokio::join!(call(&world, &token), call(&beside, &token));
            accepted += [one, other].iter().filter(|status| **status == 200).count();
        }
        assert_eq!(accepted, 20);
        let mut told = names(&bodies(&world, &asker, &id).await);
        told.sort();
        assert_eq!(told, ["api_key.limit_exceeded", "api_key.quota_warning"]);
        beside.app.store.close().await;
    }

    async fn contract_3_9_what_could_not_be_written_is_told_with_the_next_call(world: World) {
        let (asker, id, _, token) = set(&world, 10).await;
        let fails = async |calls: usize| {
            accidents::run(&world, "alter table events rename to away").await;
            for _ in 0..calls {
                call(&world, &token).await;
            }
            accidents::run(&world, "alter table away rename to events").await;
        };
        for _ in 0..7 {
            assert_eq!(call(&world, &token).await, 200);
        }
        fails(1).await;
        assert_eq!(names(&bodies(&world, &asker, &id).await), [""; 0]);
        call(&world, &token).await;
        assert_eq!(names(&bodies(&world, &asker, &id).await), ["api_key.quota_warning"]);
        assert_eq!(call(&world, &token).await, 200);
        fails(2).await;
        assert_eq!(names(&bodies(&world, &asker, &id).await).len(), 1);
        for _ in 0..3 {
            assert_eq!(call(&world, &token).await, 429);
        }
        assert_eq!(names(&bodies(&world, &asker, &id).await), ["api_key.quota_warning", "api_key.limit_exceeded"]);
    }
}
