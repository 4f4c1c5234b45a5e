//! Polls that are answered from memory say what the store would say (design 3, `store/polls.rs`).

use crate::{
    asking::{act, in_state, path, respond},
    harness::{Asker, World, on_both, question, question_with},
};
use hitl_server::store;
use serde_json::{Value, json};

/// What the asker is told, which must be what a process without a memory would tell.
async fn poll(world: &World, asker: &Asker, id: &str) -> (u16, Value) {
    let told = world.get(&path(id)).key(&asker.key).await;
    let truth = world.beside(|_| {}).await.get(&path(id)).key(&asker.key).await;
    assert_eq!((told.status, &told.body), (truth.status, &truth.body));
    (told.status, told.body)
}

/// Asserts that the next poll is answered from memory, where there is one.
fn is_kept(world: &World, id: &str) {
    if let Some(polls) = world.app.store.polls() {
        assert!(polls.find(id.parse().unwrap(), world.now()).is_some(), "it is not kept");
    }
}

/// Polls until it is kept, changes something, and asserts that the next poll shows it.
async fn seen(world: &World, asker: &Asker, id: &str, what: &str, change: impl AsyncFnOnce()) {
    let before = poll(world, asker, id).await;
    is_kept(world, id);
    assert_eq!(poll(world, asker, id).await, before);
    change().await;
    assert_ne!(poll(world, asker, id).await, before, "{what} is not seen");
}

on_both! {
    async fn whatever_changes_a_request_shows_in_the_next_poll(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let patch = json!({"request_text": "Please look again"});
        seen(&world, &asker, &id, "a changed text", async || {
            world.patch(&path(&id)).key(&asker.key).json(&patch).await.accepted(200, "Request updated successfully");
        }).await;
        for step in ["claim", "release", "claim"] {
            world.clock.advance(1);
            seen(&world, &asker, &id, step, async || assert_eq!(act(&world, &asker.session, &id, step).await.status, 200)).await;
        }
        seen(&world, &asker, &id, "an answer", async || {
            assert_eq!(respond(&world, &asker.session, &id, &json!("approve")).await.status, 200);
        }).await;
        seen(&world, &asker, &id, "feedback", async || {
            let given = world.post(&format!("{}/feedback", path(&id))).key(&asker.key).json(&json!({"rating": 5})).await;
            assert_eq!(given.status, 200, "{}", given.body);
        }).await;
        seen(&world, &asker, &id, "the name of who answered", async || {
            store::accounts::set_name(&world.app.store, asker.owner.id, "Somebody Else").await.unwrap();
        }).await;
        seen(&world, &asker, &id, "the loop's name", async || {
            let renamed = world.put(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).json(&json!({"name": "Another"})).await;
            assert_eq!(renamed.status, 200, "{}", renamed.body);
        }).await;
        seen(&world, &asker, &id, "the end of the loop", async || {
            assert_eq!(world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.status, 200);
        }).await;
        assert_eq!(poll(&world, &asker, &id).await.0, 404);
    }

    async fn time_shows_in_the_next_poll(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question_with(&json!({"timeout_seconds": 60}))).await;
        seen(&world, &asker, &id, "a timeout", async || world.clock.advance(60)).await;
        let id = in_state(&world, &asker, "claimed").await;
        seen(&world, &asker, &id, "a lapsed claim", async || world.clock.advance(1801)).await;
    }

    async fn what_another_process_does_shows_in_the_next_poll(world: World) {
        let asker = world.asker().await;
        let other = world.beside(|_| {}).await;
        let id = world.ask(&asker, &question()).await;
        seen(&world, &asker, &id, "a claim there", async || {
            assert_eq!(act(&other, &asker.session, &id, "claim").await.status, 200);
        }).await;
        seen(&world, &asker, &id, "a cancellation there", async || {
            assert_eq!(other.delete(&path(&id)).key(&asker.key).await.status, 200);
        }).await;
    }

    async fn what_is_kept_is_for_its_owners_only(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let stranger = world.person("stranger@example.com").await;
        let (_, confined) = world.key_with(&asker.owner, |new| new.loops = Some(vec![])).await;
        for key in [world.key(&stranger).await, confined] {
            poll(&world, &asker, &id).await;
            is_kept(&world, &id);
            let refused = world.get(&path(&id)).key(&key).await;
            refused.refused(403, "Access denied to this request", &Value::Null);
        }
    }

    async fn many_who_poll_while_it_is_answered_never_see_it_open_again(world: World) {
        let asker = world.asker().await;
        for _ in 0..20 {
            let id = world.ask(&asker, &question()).await;
            let polls = async {
                let mut states = vec![];
                while states.last().is_none_or(|state| state != "completed") {
                    states.push(world.get(&path(&id)).key(&asker.key).await.text("data.status"));
                    tokio::task::yield_now().await;
                }
                states
            };
            let answer = async {
                let answered = respond(&world, &asker.session, &id, &json!("approve")).await;
                assert_eq!(answered.status, 200);
                world.get(&path(&id)).key(&asker.key).await.text("data.status")
            };
            let (states, afterwards) = tokio::join!(polls, answer);
            assert_eq!(afterwards, "completed", "an answer that was acknowledged is there");
            assert!(states.iter().rev().skip(1).all(|state| state == "pending"), "{states:?}");
        }
    }
}
