//! Two real processes on one database work as one (issue 3; quality A 5, 13, 14).

use crate::{
    asking::path,
    harness::Engine,
    listening::soon,
    program::{Process, Receiver, a_minute_passes, json, present_time, with_processes},
};
use futures_util::StreamExt;
use hitl_server::{
    domain::{Actor, EventName, KeyStatus, Timestamp},
    service::keys,
    store::{
        Db,
        events::{self, Wanted},
    },
};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Writes a test of two processes on Postgres.
macro_rules! on_two_processes {
    ($($(#[$about:meta])* async fn $name:ident($world:ident: World, $one:ident: Process, $other:ident: Process) $body:block)+) => {$(
        $(#[$about])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            with_processes(Engine::Postgres, |$world| async move {
                let ($one, $other) = tokio::join!(Process::start(&$world), Process::start(&$world));
                $body
            })
            .await;
        }
    )+};
}

/// How many of so many calls at once to these processes were let through.
async fn let_through(processes: &[&Process], token: &str, calls: usize) -> usize {
    let calls = (0..calls).map(|turn| tokio::spawn(processes[turn % processes.len()].get("/v1/test", token).send()));
    let calls: Vec<_> = calls.collect();
    let mut passed = 0;
    for call in calls {
        match soon(call).await.unwrap().unwrap().status().as_u16() {
            200 => passed += 1,
            status => assert_eq!(status, 429),
        }
    }
    passed
}

on_two_processes! {
    async fn a14_exactly_as_many_calls_pass_as_the_limit_allows(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        for limit in [30, 1000] {
            let (_, token) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(limit)).await;
            let half = usize::try_from(limit).unwrap() / 2;
            let first = let_through(&[&one, &other], &token, half).await;
            let then = let_through(&[&other, &one], &token, half + 100).await;
            assert_eq!(first + then, 2 * half, "of {limit}");
            assert_eq!(let_through(&[&one, &other], &token, 10).await, 0);
        }
        let (_, token) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(30)).await;
        assert_eq!(let_through(&[&one, &other], &token, 20).await, 20);
        other.kill();
        let again = Process::start(&world).await;
        assert_eq!(let_through(&[&again, &one], &token, 50).await, 10, "a restart neither gives nor takes");
    }

    async fn a13_a_revoked_key_is_refused_on_both_within_a_second(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        let (key, token) = world.key_with(&asker.owner, |_| {}).await;
        for process in [&one, &other] {
            assert_eq!(process.get("/v1/test", &token).send().await.unwrap().status(), 200);
        }
        keys::set_status(&world.app, Actor::Operator, key.id, KeyStatus::Revoked).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        for process in [&one, &other] {
            assert_eq!(process.get("/v1/test", &token).send().await.unwrap().status(), 401);
        }
    }

    async fn waits_and_streams_hear_of_what_the_other_process_did(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let mut late = Vec::new();
        for _ in 0..20 {
            let id = other.ask(&asker, &receiver.url).await;
            let wait = tokio::spawn(json(one.get(&format!("{}?wait=60", path(&id)), &asker.key)));
            let stream = soon(one.get(&format!("{}/events", path(&id)), &asker.key).send()).await.unwrap();
            let account = soon(one.get("/v1/api/events", &asker.key).send()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            other.answer(&asker, &id).await;
            let answered = Instant::now();
            let (status, told) = soon(wait).await.unwrap();
            late.push(answered.elapsed());
            assert_eq!((status, &told["data"]["response_data"]), (200, &json!("approve")));
            let told = soon(stream.text()).await.unwrap();
            assert!(told.contains("event: request.completed"), "{told}");
            let mut account = account.bytes_stream();
            let told = soon(account.next()).await.unwrap().unwrap();
            assert!(String::from_utf8_lossy(&told).contains("event: request.completed"), "{told:?}");
        }
        late.sort();
        println!("between processes: woken after p50 {:?}, p99 {:?}", late[10], late[19]);
        assert!(late[19] < Duration::from_secs(1), "{:?}", late[19]);
    }

    async fn a05_a_deadline_is_served_once_within_a_second(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let mut ids = Vec::new();
        for turn in 0..20 {
            ids.push([&one, &other][turn % 2].ask(&asker, &receiver.url).await);
        }
        // Their hour passes: a deadline is at least a minute away, and both look at least every five seconds.
        let due: Timestamp = present_time(&world).plus_seconds(6);
        world.app.store.sql("update requests set timeout_at = $1").bind(due).run().await.unwrap();
        receiver.until("every timeout", |it| it.of("request.timeout").len() == ids.len()).await;
        let delivered = present_time(&world).micros_since(due);
        let wanted = Wanted { names: vec![EventName::RequestTimeout], ..Wanted::default() };
        for line in events::list(&world.app.store, &wanted, 100).await.unwrap() {
            let late = line.at.micros_since(due);
            assert!((0..1_000_000).contains(&late), "served {late} µs, delivered {delivered} µs after the deadline");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(receiver.of("request.timeout").values().all(|count| *count == 1), "{:?}", receiver.of("request.timeout"));
        for id in ids {
            assert_eq!(world.events(&id).await, ["request.created", "request.timeout"]);
        }
    }

    async fn a_callback_is_delivered_once_though_both_processes_deliver(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let mut ids = Vec::new();
        for turn in 0..60 {
            let id = [&one, &other][turn % 2].ask(&asker, &receiver.url).await;
            [&other, &one][turn % 2].answer(&asker, &id).await;
            ids.push(id);
        }
        receiver.until("every callback", |it| it.of("request.completed").len() == ids.len()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(receiver.received().len(), ids.len(), "each once, and nothing else");
    }

    async fn what_a_killed_process_was_sending_is_sent_by_the_other(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        other.kill(); // so that it is known who sends
        let receiver = Receiver::start().await;
        receiver.hang(true);
        let id = one.ask(&asker, &receiver.url).await;
        one.answer(&asker, &id).await;
        receiver.until("the first attempt", |it| it.received().len() == 1).await;
        let other = Process::start(&world).await;
        one.kill();
        receiver.hang(false);
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(receiver.received().len(), 1, "the dead process' lease holds for a minute");
        a_minute_passes(&world).await;
        receiver.until("the second attempt", |it| it.received().len() == 2).await;
        let [first, second] = &receiver.received()[..] else { panic!("two") };
        assert_eq!((&first.event_id, &first.body), (&second.event_id, &second.body));
        assert_eq!((first.attempt.as_str(), second.attempt.as_str()), ("1", "1"), "what was not recorded did not happen");
        let (_, log) = json(other.get(&format!("{}/deliveries", path(&id)), &asker.key)).await;
        assert_eq!((&log["data"]["deliveries"][0]["status"], &log["data"]["total"]), (&json!("success"), &json!(1)));
    }

    async fn a_process_that_stops_lets_go_of_who_waits(world: World, one: Process, other: Process) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let id = other.ask(&asker, &receiver.url).await;
        let wait = tokio::spawn(json(one.get(&format!("{}?wait=300", path(&id)), &asker.key)));
        let stream = soon(one.get("/v1/api/events", &asker.key).send()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        one.terminate();
        let (status, told) = soon(wait).await.unwrap();
        assert_eq!((status, &told["data"]["status"]), (200, &json!("pending")));
        soon(stream.text()).await.unwrap();
        let ended = soon(async {
            loop {
                match one.ended() {
                    Some(well) => return well,
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        assert!(ended.await, "it stops at once, and well");
        let (_, told) = json(other.get(&path(&id), &asker.key)).await;
        assert_eq!(told["data"]["status"], "pending");
    }
}
