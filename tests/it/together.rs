//! What many want at once goes to Postgres together, and each gets what it alone would get (issue 5). SQLite is held to the same.

use crate::harness::{Answer, Asker, World, on_both, question, question_with};
use futures_util::future::join_all;
use hitl_server::store;
use serde_json::json;
use std::{collections::HashSet, time::Duration};
use tokio::time::timeout;

/// Calls at once: more than go together.
const MANY: usize = 150;

async fn ask(world: &World, asker: &Asker, loop_id: &str) -> Answer {
    world.post(&format!("/v1/api/loops/{loop_id}/requests")).key(&asker.key).json(&question()).await
}

/// What follows says nothing where none went together.
fn went_together(world: &World) {
    let together = world.app.store.usage().together;
    assert!(together.is_none_or(|calls| calls > 0), "each went alone");
}

on_both! {
    async fn each_of_many_reads_its_own(world: World) {
        let asker = world.asker().await;
        let mut asked = Vec::new();
        for number in 0..30 {
            let text = format!("Number {number}");
            asked.push((world.ask(&asker, &question_with(&json!({"request_text": text}))).await, text));
        }
        let reads = (0..MANY).map(|number| {
            let (id, text) = &asked[number % asked.len()];
            let read = world.request(&asker.key, id);
            async move { (read.await, text) }
        });
        for (read, text) in join_all(reads).await {
            assert_eq!(&read.text("data.request.request_text"), text);
        }
        went_together(&world);
    }

    async fn each_of_many_is_asked_and_answered_once(world: World) {
        let asker = world.asker().await;
        let asked = join_all((0..MANY).map(|_| ask(&world, &asker, &asker.loop_id))).await;
        let ids: HashSet<_> = asked.iter().map(|asked| asked.text("data.request_id")).collect();
        assert_eq!(ids.len(), MANY);
        // Twice each, so that some that go together cannot all be done.
        let answers = ids.iter().chain(&ids).map(|id| world.respond(&asker.session, id, json!("approve")));
        let statuses: Vec<_> = join_all(answers).await.iter().map(|answer| answer.status).collect();
        for status in [200, 409] {
            assert_eq!(statuses.iter().filter(|it| **it == status).count(), MANY, "{statuses:?}");
        }
        for id in &ids {
            assert_eq!(world.events(id).await, ["request.created", "request.completed"]);
        }
        went_together(&world);
    }

    async fn equal_lists_are_looked_up_once_and_show_what_was_there_when_they_were_asked_for(world: World) {
        let asker = world.asker().await;
        let list = || async { world.get("/v1/api/requests?limit=100").key(&asker.key).await };
        let asked = (0..60).map(|_| async {
            let id = ask(&world, &asker, &asker.loop_id).await.text("data.request_id");
            assert!(list().await.each("data.requests", "id").contains(&id), "it was there before it was looked for");
        });
        join_all(asked).await;
        let before = world.app.store.usage().together;
        for listed in join_all((0..60).map(|_| list())).await {
            assert_eq!(listed.each("data.requests", "id").len(), 60);
        }
        assert!(world.app.store.usage().together > before || before.is_none(), "each was looked up alone");
        let (_, other) = world.key_with(&world.person("other@example.com").await, |_| {}).await;
        let list_of_other = || async { world.get("/v1/api/requests?limit=100").key(&other).await };
        let (mine, theirs) = tokio::join!(join_all((0..20).map(|_| list())), join_all((0..20).map(|_| list_of_other())));
        assert!(mine.iter().all(|it| it.each("data.requests", "id").len() == 60) && theirs.iter().all(|it| it.each("data.requests", "id").is_empty()));
    }

    async fn nobody_bears_anothers_fault(world: World) {
        let asker = world.asker().await;
        let (doomed, _) = world.loop_named(&asker.key, "Doomed").await;
        let asks = join_all((0..MANY).map(|number| {
            let loop_id = if number % 2 == 0 { &asker.loop_id } else { &doomed };
            ask(&world, &asker, loop_id)
        }));
        let path = format!("/v1/api/loops/{doomed}");
        let (asked, deleted) = tokio::join!(asks, world.delete(&path).key(&asker.key).into_future());
        assert_eq!(deleted.status, 200, "{}", deleted.body);
        for (number, asked) in asked.into_iter().enumerate() {
            let expected: &[u16] = if number % 2 == 0 { &[201] } else { &[201, 404] };
            assert!(expected.contains(&asked.status), "{number}: {} {}", asked.status, asked.body);
        }
    }

    async fn who_waits_for_something_holds_up_only_those_who_want_it(world: World) {
        let asker = world.asker().await;
        let (held, _) = world.loop_named(&asker.key, "Held").await;
        if world.app.store.engine() == "sqlite" {
            return; // one writes at a time
        }
        // As if it were being deleted.
        let mut deletion = world.app.store.begin();
        assert!(store::loops::delete(&mut deletion, held.parse().unwrap()).await.unwrap());
        let mut waits = std::pin::pin!(join_all((0..5).map(|_| ask(&world, &asker, &held))));
        let goes_on = join_all((0..50).map(|_| ask(&world, &asker, &asker.loop_id)));
        let done = tokio::select! {
            _ = &mut waits => panic!("they wait for the end of the deletion"),
            done = timeout(Duration::from_secs(2), goes_on) => done.expect("they have nothing to wait for"),
        };
        assert!(done.iter().all(|asked| asked.status == 201));
        drop(deletion);
        assert!(waits.await.iter().all(|asked| asked.status == 201));
    }
}
