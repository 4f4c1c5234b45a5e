//! Server-sent events: a request's story, and what happens to all of an account (issue 3, design 6).

use crate::{
    asking::{act, in_state, path, respond},
    harness::{Asker, World, on_both, question},
    listening::{Events, Heard, soon, waits_for},
};
use hitl_server::{
    domain::{Actor, Event, EventName, JsonText, KeyStatus},
    service::{deadlines, keys},
    store::{self, Tx},
};
use serde_json::json;
use std::collections::HashSet;

fn of_request(id: &str) -> String {
    format!("{}/events", path(id))
}

fn names(heard: &[Heard]) -> Vec<&str> {
    heard.iter().map(|heard| heard.name.as_str()).collect()
}

on_both! {
    async fn a_final_request_s_whole_story_is_told_and_ends(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for turn in ["claim", "release", "claim"] {
            act(&world, &asker.session, &id, turn).await;
        }
        respond(&world, &asker.session, &id, &json!("approve")).await;
        let mut stream = Events::open(&world, &of_request(&id), &asker.key, None).await;
        assert_eq!((stream.status, &stream.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
        assert_eq!((&stream.headers["cache-control"], &stream.headers["x-accel-buffering"]), (&"no-store".parse().unwrap(), &"no".parse().unwrap()));
        assert!(stream.headers.contains_key("x-ratelimit-remaining"), "counted, once");
        let heard = stream.rest().await;
        assert_eq!(names(&heard), ["request.created", "request.claimed", "request.released", "request.claimed", "request.completed"]);
        for event in &heard {
            assert_eq!((&event.data["event"], &event.data["request_id"]), (&json!(event.name), &json!(id)));
        }
        let answered = &heard[4].data;
        assert_eq!((&answered["status"], &answered["response_data"]), (&json!("completed"), &json!("approve")));
        let numbers: Vec<i64> = heard.iter().map(|heard| heard.id.parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let told: HashSet<&str> = heard.iter().map(|heard| heard.data["event_id"].as_str().unwrap()).collect();
        assert_eq!(told.len(), 5, "each has an id of its own, the same as in webhooks");
    }

    async fn each_step_is_told_as_it_happens_to_the_end(world: World) {
        let asker = world.asker().await;
        for end in ["request.completed", "request.cancelled", "request.timeout"] {
            let id = world.ask(&asker, &question()).await;
            let other = world.ask(&asker, &question()).await;
            let mut stream = Events::open(&world, &of_request(&id), &asker.key, None).await;
            assert_eq!(stream.names(1).await, ["request.created"]);
            stream.silent().await;
            act(&world, &asker.session, &other, "claim").await;
            act(&world, &asker.session, &other, "release").await;
            act(&world, &asker.session, &id, "claim").await;
            assert_eq!(stream.names(1).await, ["request.claimed"], "and nothing of the other request");
            match end {
                "request.completed" => drop(respond(&world, &asker.session, &id, &json!("approve")).await),
                "request.cancelled" => drop(world.delete(&path(&id)).key(&asker.key).await),
                _ => {
                    world.clock.advance(3600);
                    deadlines::settle(&world.app).await.unwrap();
                }
            }
            let rest = stream.rest().await;
            assert_eq!(names(&rest).last(), Some(&end), "then the stream ends");
            drop(stream);
            assert!(!waits_for(&world, &id));
        }
    }

    async fn last_event_id_resumes_a_request_s_story(world: World) {
        let asker = world.asker().await;
        let id = in_state(&world, &asker, "claimed").await;
        let mut stream = Events::open(&world, &of_request(&id), &asker.key, None).await;
        let first = stream.next().await.unwrap();
        drop(stream);
        let query = format!("{}?last_event_id={}", of_request(&id), first.id);
        for (path, header) in [(of_request(&id), Some(first.id.as_str())), (query, None)] {
            let mut stream = Events::open(&world, &path, &asker.key, header).await;
            assert_eq!(stream.names(1).await, ["request.claimed"]);
            stream.silent().await;
        }
        respond(&world, &asker.session, &id, &json!("approve")).await;
        let mut stream = Events::open(&world, &of_request(&id), &asker.key, Some(&first.id)).await;
        let rest = stream.rest().await;
        assert_eq!(names(&rest), ["request.claimed", "request.completed"]);
        let told = Events::open(&world, &of_request(&id), &asker.key, Some(&rest[1].id)).await;
        assert_eq!(told.status, 204, "all was told: a browser stops asking");
        let mut unsound = Events::open(&world, &of_request(&id), &asker.key, Some("nonsense")).await;
        assert_eq!(names(&unsound.rest().await).len(), 3, "from the beginning");
    }

    async fn a_stream_is_for_whoever_may_see_the_request(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let stranger = world.person("stranger@example.com").await;
        let theirs = world.key(&stranger).await;
        let (_, blind) = world.key_with(&asker.owner, |new| new.scopes.clear()).await;
        for (path, key, status) in [
            (of_request(&id), theirs.as_str(), 403),
            (of_request(&id), &blind, 403),
            ("/v1/api/events".into(), &blind, 403),
            (of_request(&id), "hitl_live_none", 401),
            ("/v1/events".into(), "hitl_live_none", 401),
            (of_request("65f1234567890abcdef12345"), &asker.key, 404),
            (of_request("nonsense"), &asker.key, 400),
        ] {
            assert_eq!(Events::open(&world, &path, key, None).await.status, status, "{path}");
        }
        let (member, _) = world.reviewer("member@example.com", &asker.code).await;
        let theirs = world.key(&member).await;
        let mut stream = Events::open(&world, &of_request(&id), &theirs, None).await;
        assert_eq!(stream.names(1).await, ["request.created"]);
        let removed = world.delete(&format!("/v1/api/loops/{}/members/{}", asker.loop_id, member.id)).key(&asker.key).await;
        assert_eq!(removed.status, 200);
        respond(&world, &asker.session, &id, &json!("approve")).await;
        assert_eq!(stream.next().await, None, "a member who was removed hears no more");
    }

    async fn an_account_s_stream_begins_now_and_tells_of_nobody_else(world: World) {
        let asker = world.asker().await;
        let before = world.ask(&asker, &question()).await;
        let mut stream = Events::open(&world, "/v1/api/events", &asker.key, None).await;
        let other = world.person("other@example.com").await;
        let theirs = world.key(&other).await;
        assert_eq!(world.post("/v1/api/loops").key(&theirs).json(&json!({"name": "Theirs"})).await.status, 200);
        stream.silent().await;
        let (_, session) = world.reviewer("john@example.com", &asker.code).await;
        act(&world, &session, &before, "claim").await;
        act(&world, &session, &before, "release").await; // for the audit log only
        let id = world.ask(&asker, &question()).await;
        respond(&world, &session, &id, &json!("approve")).await;
        let told = ["loop.member_joined", "request.claimed", "request.created", "request.completed"];
        assert_eq!(stream.names(4).await, told);
        stream.silent().await;
    }

    async fn an_id_of_another_database_does_not_silence_a_request_s_stream(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let mut stream = Events::open(&world, &of_request(&id), &asker.key, Some("999999999")).await;
        respond(&world, &asker.session, &id, &json!("approve")).await;
        assert_eq!(names(&stream.rest().await), ["request.completed"]);
    }

    async fn last_event_id_resumes_an_account_s_stream(world: World) {
        let asker = world.asker().await;
        let mut stream = Events::open(&world, "/v1/events", &asker.key, None).await;
        let ids = [world.ask(&asker, &question()).await, world.ask(&asker, &question()).await];
        let first = stream.next().await.unwrap();
        assert_eq!(first.data["request_id"], json!(ids[0]));
        drop(stream);
        world.clock.advance(60);
        let third = world.ask(&asker, &question()).await;
        let mut stream = Events::open(&world, "/v1/events", &asker.key, Some(&first.id)).await;
        let mut told = Vec::new();
        while told.last() != Some(&third) {
            told.push(stream.next().await.unwrap().data["request_id"].as_str().unwrap_or_default().to_owned());
        }
        if world.app.store.engine() == "sqlite" {
            assert_eq!(told, [ids[1].clone(), third], "each once");
        } else {
            assert_eq!(told[told.len() - 2..], [ids[1].clone(), third], "none is left out; shortly before, some are repeated");
        }
        stream.silent().await;
        let mut ahead = Events::open(&world, "/v1/events", &asker.key, Some("9000000000000000000")).await;
        world.clock.advance(60);
        let fourth = world.ask(&asker, &question()).await;
        while ahead.next().await.unwrap().data["request_id"] != json!(fourth) {}
    }

    async fn a_confined_key_hears_of_its_loops_only(world: World) {
        let asker = world.asker().await;
        let made = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Secret"})).await;
        let secret = Asker { loop_id: made.text("data.id"), ..asker.clone() };
        let (_, key) = world.key_with(&asker.owner, |new| new.loops = Some(vec![asker.loop_id.parse().unwrap()])).await;
        let mut stream = Events::open(&world, "/v1/api/events", &key, None).await;
        let hidden = world.ask(&secret, &question()).await;
        let seen = world.ask(&asker, &question()).await;
        let heard = stream.next().await.unwrap();
        assert_eq!((heard.name.as_str(), &heard.data["request_id"]), ("request.created", &json!(seen)));
        stream.silent().await;
        assert_eq!(Events::open(&world, &of_request(&hidden), &key, None).await.status, 403);
    }

    async fn a13_a_revoked_key_hears_no_more(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let (key, token) = world.key_with(&asker.owner, |_| {}).await;
        let mut account = Events::open(&world, "/v1/api/events", &token, None).await;
        let mut request = Events::open(&world, &of_request(&id), &token, None).await;
        assert_eq!(request.names(1).await, ["request.created"]);
        keys::set_status(&world.app, Actor::Operator, key.id, KeyStatus::Revoked).await.unwrap();
        respond(&world, &asker.session, &id, &json!("approve")).await;
        assert_eq!((request.next().await, account.next().await), (None, None));
    }

    async fn streams_end_when_the_process_stops(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let mut account = Events::open(&world, "/v1/api/events", &asker.key, None).await;
        let mut request = Events::open(&world, &of_request(&id), &asker.key, None).await;
        assert_eq!(request.names(1).await, ["request.created"]);
        world.app.store.wakeups().close();
        assert_eq!((request.next().await, account.next().await), (None, None));
    }

    async fn many_events_at_once_are_each_told_once(world: World) {
        let asker = world.asker().await;
        let mut stream = Events::open(&world, "/v1/api/events", &asker.key, None).await;
        let asking = (0..300).map(|_| {
            let (world, asker) = (world.clone(), asker.clone());
            tokio::spawn(async move { world.ask(&asker, &question()).await })
        });
        let asking: Vec<_> = asking.collect();
        let mut told = HashSet::new();
        for _ in 0..300 {
            let heard = stream.next().await.unwrap();
            assert!(told.insert(heard.data["request_id"].as_str().unwrap().to_owned()), "told twice: {heard:?}");
        }
        for id in asking {
            assert!(told.contains(&soon(id).await.unwrap()));
        }
        stream.silent().await;
    }
}

/// Writes a line without committing it.
async fn line(world: &World, asker: &Asker, note: &str) -> Tx {
    let mut tx = world.app.store.begin();
    let event = Event {
        id: world.app.new_id(),
        at: world.now(),
        name: EventName::LoopUpdated,
        actor: Actor::Clock,
        account_id: asker.owner.id,
        loop_id: None,
        request_id: None,
        from: None,
        to: None,
        data: JsonText::of(&json!({"note": note})),
    };
    store::events::insert(&mut tx, &event).await.unwrap();
    store::events::last_seq(&mut tx).await.unwrap(); // has the line written now, not with the commit
    tx
}

/// On Postgres a line may be committed behind one that is numbered later; on SQLite one writes at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_committed_late_are_told() {
    crate::harness::in_world(crate::harness::Engine::Postgres, |world| async move {
        let asker = world.asker().await;
        let mut early = Events::open(&world, "/v1/api/events", &asker.key, None).await;
        let slow = line(&world, &asker, "slow").await;
        line(&world, &asker, "quick").await.commit().await.unwrap();
        let quick = early.next().await.unwrap();
        assert_eq!(quick.data["note"], "quick");
        // One more who begins now, and one who goes on behind the line that came first.
        let mut now = Events::open(&world, "/v1/api/events", &asker.key, None).await;
        now.silent().await;
        drop(Events::open(&world, "/v1/api/events", &asker.key, None).await);
        slow.commit().await.unwrap();
        world.clock.advance(60);
        let mut again = Events::open(&world, "/v1/api/events", &asker.key, Some(&quick.id)).await;
        for stream in [&mut early, &mut now, &mut again] {
            let heard = soon(async {
                loop {
                    let heard = stream.next().await.unwrap();
                    if heard.data["note"] == "slow" {
                        return heard;
                    }
                }
            });
            assert!(heard.await.id.parse::<i64>().unwrap() < quick.id.parse().unwrap());
        }
        early.silent().await;
        now.silent().await;
    })
    .await;
}
