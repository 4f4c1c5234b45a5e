//! `kill -9` loses nothing that was acknowledged (quality A8, issue 3).

use crate::{
    asking::path,
    harness::{Asker, World},
    listening::soon,
    program::{Process, Receiver, a_minute_passes, json, with_processes_on_both},
};
use hitl_server::store::Db;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

with_processes_on_both! {
    async fn a08_what_was_acknowledged_survives_kill_9_and_is_delivered(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let mut process = Process::start(&world).await;
        let (_, hooks) = world.key_with(&asker.owner, |new| new.scopes = vec![hitl_server::domain::Scope::WebhooksWrite]).await;
        let hook = json!({"url": receiver.url, "events": ["request.created"]});
        assert_eq!(json(process.post("/v1/api/webhooks", &hooks, &hook)).await.0, 201);
        for round in 0..6 {
            let id = process.ask(&asker, &receiver.url).await;
            process.kill();
            process = restarted(&world).await;
            receiver.until("a creation", |it| it.of("request.created").contains_key(&id)).await;

            let (event, state) = end(&process, &asker, &id, round % 2 == 0).await;
            process.kill();
            process = restarted(&world).await;
            assert_eq!(status(&process, &asker, &id).await, state);
            assert_eq!(world.events(&id).await, ["request.created", event]);
            receiver.until(event, |it| it.of(event).contains_key(&id)).await;
        }
    }

    async fn a08_kill_9_at_any_instant_loses_nothing(world: World) {
        let asker = world.asker().await;
        let (callbacks, hooks) = (Receiver::start().await, Receiver::start().await);
        let hook = json!({"url": hooks.url, "events": ["request.completed"]});
        let (_, key) = world.key_with(&asker.owner, |new| new.scopes = vec![hitl_server::domain::Scope::WebhooksWrite]).await;
        let made = world.post("/v1/api/webhooks").key(&key).json(&hook).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let seed = crate::program::present_time(&world).micros();
        println!("{}: killed at instants from the seed {seed}", world.app.store.engine());
        let (asked, answered) = (Ids::default(), Ids::default());
        let mut shared = 0;
        for instant in instants(seed, 12) {
            let process = Arc::new(restarted(&world).await);
            let callers = (0..32).map(|_| tokio::spawn(call(process.clone(), asker.clone(), callbacks.url.clone(), asked.clone(), answered.clone())));
            let callers: Vec<_> = callers.collect();
            let so_far = answered.lock().unwrap().len();
            soon(async {
                while answered.lock().unwrap().len() < so_far + 3 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }).await;
            shared += shared_commits(&world, &process).await;
            tokio::time::sleep(instant).await; // anywhere in a call
            process.kill();
            for caller in callers {
                let error = caller.await.unwrap();
                assert!(!error.is_status() && !error.is_builder(), "a call fails only because the process is gone: {error}");
            }
        }
        assert!(shared > 0, "nobody shared a commit with anybody");
        let process = restarted(&world).await;
        let (asked, answered) = (asked.lock().unwrap().clone(), answered.lock().unwrap().clone());
        let mut completed = HashSet::new();
        for id in &asked {
            let state = status(&process, &asker, id).await;
            assert!(state == "completed" || state == "pending" && !answered.contains(id), "{id} is {state}");
            let told = world.events(id).await;
            assert_eq!(told.iter().filter(|name| *name == "request.completed").count(), usize::from(state == "completed"));
            if state == "completed" {
                completed.insert(id.clone());
            }
        }
        println!("{} asked, {} answered, {} of them acknowledged", asked.len(), completed.len(), answered.len());
        for receiver in [&callbacks, &hooks] {
            // Also what was written, though the answer to whoever wrote it was lost.
            receiver.until("every answer", |it| {
                let delivered = it.of("request.completed");
                completed.iter().all(|id| delivered.contains_key(id))
            }).await;
            let ids: HashSet<_> = receiver.received().into_iter().map(|it| (it.body["request_id"].as_str().unwrap().to_owned(), it.event_id)).collect();
            let requests: HashSet<_> = ids.iter().map(|(request, _)| request).collect();
            assert_eq!(ids.len(), requests.len(), "what came twice came under the same id");
        }
    }
}

/// How many writes were committed together with another one.
async fn shared_commits(world: &World, process: &Process) -> u64 {
    if world.app.store.engine() == "sqlite" {
        let transactions = process.counted("hitl_sqlite_committed_total").await;
        return transactions.saturating_sub(process.counted("hitl_sqlite_commits_total").await);
    }
    let requests = world
        .app
        .store
        .sql("select count(*) - count(distinct cast(xmin as text)) from requests where status = 'pending'");
    let (shared,): (i64,) = requests.one().await.unwrap();
    shared.unsigned_abs()
}

/// So many spans of up to 40 milliseconds that follow from a seed.
fn instants(seed: i64, count: usize) -> impl Iterator<Item = Duration> {
    let mut state = seed.unsigned_abs();
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((state >> 33) % 40_000)
    })
    .take(count)
}

type Ids = Arc<Mutex<HashSet<String>>>;

/// Asks and answers until the process is gone, and remembers what was acknowledged.
async fn call(process: Arc<Process>, asker: Asker, callback: String, asked: Ids, answered: Ids) -> reqwest::Error {
    loop {
        let id = match process.try_to_ask(&asker, &callback).await {
            Ok(id) => id,
            Err(error) => return error,
        };
        asked.lock().unwrap().insert(id.clone());
        if let Err(error) = process.try_to_answer(&asker, &id).await {
            return error;
        }
        answered.lock().unwrap().insert(id);
    }
}

/// A new process after one that died, when the leases of the dead one have run out.
async fn restarted(world: &World) -> Process {
    a_minute_passes(world).await;
    Process::start(world).await
}

async fn status(process: &Process, asker: &Asker, id: &str) -> String {
    let (status, shown): (u16, Value) = json(process.get(&path(id), &asker.key)).await;
    assert_eq!(status, 200, "{id}: {shown}");
    shown["data"]["status"].as_str().unwrap().to_owned()
}

/// Ends a request, and returns when that was acknowledged: the event and the state.
async fn end(process: &Process, asker: &Asker, id: &str, answer: bool) -> (&'static str, &'static str) {
    if answer {
        process.answer(asker, id).await;
        return ("request.completed", "completed");
    }
    let cancel = process.post(&format!("{}/cancel", path(id)), &asker.key, &json!({}));
    assert_eq!(json(cancel).await.0, 200);
    ("request.cancelled", "cancelled")
}
