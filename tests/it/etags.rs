//! `ETag` and `If-None-Match`: who has it already is told so, free of charge (contract 3.2, quality C).

use crate::{
    asking::{act, in_state, path},
    harness::{Answer, World, on_both, question},
};
use axum::http::Method;
use serde_json::json;

async fn get(world: &World, key: &str, path: &str, known: &str) -> Answer {
    world.get(path).key(key).header("if-none-match", known).await
}

on_both! {
    async fn contract_3_2_an_answer_of_304_is_free(world: World) {
        let asker = world.asker().await;
        let id = in_state(&world, &asker, "claimed").await;
        let (_, key) = world.key_with(&asker.owner, |new| {
            new.hourly_limit = Some(100);
            new.scopes.push(hitl_server::domain::Scope::WebhooksRead);
        }).await;
        let mut left = 100;
        for path in [
            path(&id), format!("/v1/requests/{id}"), format!("{}/status", path(&id)), format!("{}/timeline", path(&id)),
            format!("{}/deliveries", path(&id)), "/v1/api/requests".into(), "/v1/api/requests?status=claimed&limit=1".into(),
            "/v1/api/loops".into(), format!("/v1/api/loops/{}", asker.loop_id), format!("/v1/api/loops/{}/members", asker.loop_id),
            format!("/v1/api/loops/{}/stats", asker.loop_id), format!("/v1/api/loops/{}/requests", asker.loop_id), "/v1/api/webhooks".into(),
        ] {
            left -= 1;
            let first = world.get(&path).key(&key).await;
            assert_eq!((first.status, first.header("x-ratelimit-remaining")), (200, left.to_string().as_str()), "{path}");
            let tag = first.header("etag").to_owned();
            assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{path}: {tag}");
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
                let again = get(&world, &key, &path, &known).await;
                assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, tag.as_str()), "{path} {known}");
                assert_eq!(again.header("x-ratelimit-remaining"), left.to_string(), "{path} {known}");
                assert_eq!((again.header("x-ratelimit-limit"), again.header("cache-control")), ("100", "no-store"));
                assert!(!again.header("x-ratelimit-reset").is_empty());
            }
            left -= 1;
            let other = get(&world, &key, &path, "\"other\"").await;
            assert_eq!((other.status, other.body), (200, first.body), "{path}");
        }
    }

    async fn contract_3_2_head_is_told_what_get_is(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for path in [path(&id), "/v1/api/requests".into(), "/v1/api/loops".into()] {
            let got = world.get(&path).key(&asker.key).await;
            let head = world.call(Method::HEAD, &path).key(&asker.key).await;
            assert_eq!((head.status, head.bytes.len(), head.header("etag")), (200, 0, got.header("etag")), "{path}");
            assert_eq!(head.header("content-length"), got.bytes.len().to_string(), "{path}");
            let again = world.call(Method::HEAD, &path).key(&asker.key).header("if-none-match", got.header("etag")).await;
            assert_eq!((again.status, again.header("x-ratelimit-remaining")), (304, head.header("x-ratelimit-remaining")), "{path}");
        }
    }

    async fn polling_with_the_tag_never_uses_the_limit_up(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(2)).await;
        let tag = world.get(&path(&id)).key(&key).await.header("etag").to_owned();
        for _ in 0..20 {
            let polled = get(&world, &key, &path(&id), &tag).await;
            assert_eq!((polled.status, polled.header("x-ratelimit-remaining")), (304, "1"));
        }
        act(&world, &asker.session, &id, "claim").await;
        let changed = get(&world, &key, &path(&id), &tag).await;
        assert_eq!((changed.status, changed.text("data.status"), changed.header("x-ratelimit-remaining")), (200, "claimed".into(), "0"));
        assert_ne!(changed.header("etag"), tag);
        let refused = get(&world, &key, &path(&id), changed.header("etag")).await;
        assert_eq!(refused.status, 429, "a call that may not be made cannot find out that it would have been free");
    }

    async fn what_is_no_success_of_a_get_has_no_tag(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let (_, blind) = world.key_with(&asker.owner, |new| new.scopes.clear()).await;
        for answer in [
            get(&world, &asker.key, "/v1/api/requests/65f1234567890abcdef12345", "*").await,
            get(&world, &asker.key, "/v1/api/requests?limit=0", "*").await,
            get(&world, &blind, &path(&id), "*").await,
            get(&world, "none", &path(&id), "*").await,
            world.post("/v1/api/loops").key(&asker.key).header("if-none-match", "*").json(&json!({"name": "Another"})).await,
            world.delete(&path(&id)).key(&asker.key).header("if-none-match", "*").await,
        ] {
            assert!(answer.header("etag").is_empty() && answer.status != 304 && !answer.body.is_null(), "{answer:?}");
        }
    }
}
