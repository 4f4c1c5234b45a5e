//! Everything at once for a while: the process does not grow, nothing is left behind, and all counts agree (issue 5).
//!
//! Twenty seconds unless `HITL_SOAK_SECONDS` says more.

use crate::{
    asking::path,
    harness::{Asker, World},
    program::{Process, Receiver, with_processes_on_both},
};
use futures_util::StreamExt;
use hitl_server::store::Db;
use serde_json::{Value, json};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// How much the process may grow from the first third on, in kB: what its allocator keeps and pages of SQLite's, which are soon
/// as many as they will be, and a little in each hour.
const SETTLES: u64 = 16 * 1024;
const HOURLY: u64 = 4 * 1024;

/// What was acknowledged.
#[derive(Default)]
struct Done {
    asked: AtomicUsize,
    answered: AtomicUsize,
    cancelled: AtomicUsize,
    read: AtomicUsize,
    waited: AtomicUsize,
    streamed: AtomicUsize,
}

/// Who takes part.
#[derive(Clone)]
struct Part {
    process: Arc<Process>,
    asker: Asker,
    callback: String,
    done: Arc<Done>,
    ends: Instant,
}

impl Part {
    async fn get(&self, path: &str, token: &str) -> Value {
        let answer = self.process.get(path, token).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> u16 {
        self.process.post(path, &self.asker.session, &body).send().await.unwrap().status().as_u16()
    }

    /// Asks; every fifth is taken back.
    async fn write(self, turn: usize) {
        let id = self.process.try_to_ask(&self.asker, &self.callback).await.unwrap();
        self.done.asked.fetch_add(1, Relaxed);
        if turn.is_multiple_of(5) {
            let cancel = self.process.post(&format!("{}/cancel", path(&id)), &self.asker.key, &json!({}));
            if cancel.send().await.unwrap().status() == 200 {
                self.done.cancelled.fetch_add(1, Relaxed);
            }
        }
    }

    async fn read(self, turn: usize) {
        let list = self.get(&format!("/v1/api/requests?limit=20&offset={}", turn % 50), &self.asker.key).await;
        if let Some(id) = list["data"]["requests"][0]["id"].as_str() {
            self.get(&path(id), &self.asker.key).await;
        }
        self.done.read.fetch_add(1, Relaxed);
    }

    /// Claims what is first, and answers it or every fourth time gives it back.
    async fn review(self, turn: usize) {
        let inbox = self.get("/v1/reviewer/inbox?limit=10", &self.asker.session).await;
        let found = inbox["data"]["requests"].as_array().unwrap();
        let Some(id) = found.get(turn % 10).or(found.first()).and_then(|it| it["id"].as_str()) else { return };
        let at = |step: &str| format!("/v1/reviewer/requests/{id}/{step}");
        if self.post(&at("claim"), json!({})).await != 200 {
            return; // somebody else has it, or it was taken back
        }
        if turn.is_multiple_of(4) {
            self.post(&at("release"), json!({})).await;
        } else if self.post(&at("respond"), json!({"response_data": "approve"})).await == 200 {
            self.done.answered.fetch_add(1, Relaxed);
        }
    }

    async fn wait(self, _: usize) {
        let list = self.get("/v1/api/requests?status=pending&limit=1", &self.asker.key).await;
        if let Some(id) = list["data"]["requests"][0]["id"].as_str() {
            self.get(&format!("{}/wait?timeout=1", path(id)), &self.asker.key).await;
        }
        self.done.waited.fetch_add(1, Relaxed);
    }

    /// Listens for a moment and hangs up.
    async fn listen(self, _: usize) {
        let answer = self.process.get("/v1/api/events", &self.asker.key).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut bytes = answer.bytes_stream();
        while let Ok(Some(_)) = timeout(Duration::from_millis(300), bytes.next()).await {
            self.done.streamed.fetch_add(1, Relaxed);
            if self.done.streamed.load(Relaxed).is_multiple_of(20) {
                return;
            }
        }
    }
}

/// Does it again and again until the end.
async fn again<F: Future<Output = ()>>(part: Part, rest: Duration, work: impl Fn(Part, usize) -> F) {
    for turn in 0.. {
        if Instant::now() >= part.ends {
            return;
        }
        work(part.clone(), turn).await;
        sleep(rest).await;
    }
}

async fn count(world: &World, what: &'static str) -> i64 {
    let (count,): (i64,) = world.app.store.sql(what).one().await.unwrap();
    count
}

with_processes_on_both! {
    async fn a_mixed_load_leaves_nothing_behind(world: World) {
        let seconds = std::env::var("HITL_SOAK_SECONDS").map_or(20, |text| text.parse().expect("a number of seconds"));
        let asker = world.asker().await;
        let owner = asker.owner.clone();
        let (_, key) = world.key_with(&owner, |new| new.hourly_limit = Some(0)).await;
        let asker = Asker { key, ..asker };
        let (callbacks, hooks) = (Receiver::start().await, Receiver::start().await);
        let (_, hooks_key) = world.key_with(&owner, |new| new.scopes = vec![hitl_server::domain::Scope::WebhooksWrite]).await;
        let process = Arc::new(Process::start(&world).await);
        let hook = json!({"url": hooks.url, "events": ["request.created"]});
        assert_eq!(process.post("/v1/api/webhooks", &hooks_key, &hook).send().await.unwrap().status(), 201);
        let ends = Instant::now() + Duration::from_secs(seconds);
        let part = Part { process: process.clone(), asker, callback: callbacks.url.clone(), done: Arc::default(), ends };
        let mut parts = JoinSet::new();
        for _ in 0..4 {
            parts.spawn(again(part.clone(), Duration::from_millis(20), Part::write));
            parts.spawn(again(part.clone(), Duration::from_millis(10), Part::read));
            parts.spawn(again(part.clone(), Duration::from_millis(5), Part::review));
            parts.spawn(again(part.clone(), Duration::from_millis(5), Part::wait));
            parts.spawn(again(part.clone(), Duration::from_millis(5), Part::listen));
        }
        sleep(Duration::from_secs(seconds) / 3).await;
        let early = process.memory();
        while let Some(ended) = parts.join_next().await {
            ended.unwrap();
        }
        let late = process.memory();
        let done = &part.done;
        let of = |counter: &AtomicUsize| i64::try_from(counter.load(Relaxed)).unwrap();
        println!(
            "{}: {} asked, {} answered, {} cancelled, {} reads, {} waits, {} pieces of streams; {early} kB, then {late} kB",
            world.app.store.engine(), of(&done.asked), of(&done.answered), of(&done.cancelled), of(&done.read), of(&done.waited), of(&done.streamed),
        );
        assert!(of(&done.answered) > 10 && of(&done.cancelled) > 0 && of(&done.streamed) > 0 && of(&done.waited) > 0);
        let most = early + SETTLES + HOURLY * seconds * 2 / 3 / 3600;
        assert!(late < most, "it grows: {early} kB, then {late} kB, more than {most} kB");

        for _ in 0..150 {
            if count(&world, "select count(*) from deliveries where next_attempt_at is not null").await == 0 {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(count(&world, "select count(*) from deliveries where status <> 'success'").await, 0, "all was sent");
        assert_eq!(count(&world, "select count(*) from deliveries where locked_until is not null").await, 0, "no lease is left");
        assert_eq!(count(&world, "select count(*) from requests where status = 'claimed'").await, 0, "no claim is left");
        assert_eq!(count(&world, "select count(*) from requests").await, of(&done.asked));
        assert_eq!(count(&world, "select count(*) from requests where status = 'completed'").await, of(&done.answered));
        assert_eq!(count(&world, "select count(*) from requests where status = 'cancelled'").await, of(&done.cancelled));
        assert_eq!(count(&world, "select count(*) from events where name = 'request.created'").await, of(&done.asked));
        assert_eq!(count(&world, "select count(*) from events where name = 'request.completed'").await, of(&done.answered));
        assert_eq!(count(&world, "select count(*) from events where name = 'request.cancelled'").await, of(&done.cancelled));
        assert_eq!(i64::try_from(hooks.of("request.created").len()).unwrap(), of(&done.asked));
        assert_eq!(i64::try_from(callbacks.of("request.completed").len()).unwrap(), of(&done.answered));
    }
}
