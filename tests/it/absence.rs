//! A Postgres that is gone, silent or slow for a while, under load: who calls hears so soon, nothing acknowledged is lost, and
//! the server comes back by itself (issue 5).

use crate::{
    asking::path,
    cluster::Cluster,
    harness::{Asker, Engine, World, question_with},
    program::{Process, Receiver, present_at, present_time, with_processes},
    proxy::{Proxy, Way},
};
use hitl_server::{
    settings::Settings,
    store::{Db, Store},
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// How long a caller waits at most: for a connection, an answer, and to find that none will come.
const SOON: Duration = Duration::from_secs(12);

/// The same database by another way.
async fn by_a_proxy(world: &World) -> (Proxy, World) {
    let (proxy, url) = Proxy::before(&world.url).await;
    (proxy, World { url, ..world.clone() })
}

/// Asks; the status, the answer, and how long that took.
async fn ask(process: &Process, asker: &Asker, callback: &str) -> (reqwest::Response, Duration) {
    let (began, body) = (Instant::now(), question_with(&json!({"callback_url": callback})));
    let call = process.post(&format!("/v1/api/loops/{}/requests", asker.loop_id), &asker.key, &body);
    let answer = timeout(Duration::from_mins(1), call.send()).await.expect("nobody is left hanging").unwrap();
    (answer, began.elapsed())
}

type Ids = Arc<Mutex<HashSet<String>>>;

/// Asks and answers, whatever comes of it; remembers what was acknowledged. Nothing else but 503 may come meanwhile.
async fn call(process: Arc<Process>, asker: Asker, callback: String, answered: Ids, stop: Arc<AtomicBool>) {
    while !stop.load(Relaxed) {
        let (asked, took) = ask(&process, &asker, &callback).await;
        assert!(took < SOON, "{took:?}");
        if asked.status() == 503 {
            sleep(Duration::from_millis(50)).await;
            continue;
        }
        assert_eq!(asked.status(), 201);
        let id = asked.json::<Value>().await.unwrap()["data"]["id"].as_str().unwrap().to_owned();
        let respond = format!("/v1/reviewer/requests/{id}/respond");
        let answer = process.post(&respond, &asker.session, &json!({"response_data": "approve"})).send().await.unwrap();
        match answer.status().as_u16() {
            200 => {
                answered.lock().unwrap().insert(id);
            }
            503 => {}
            other => {
                let text = answer.text().await.unwrap();
                panic!("{other}: {text}");
            }
        }
    }
}

/// Until the server takes requests again; how long that took.
async fn recovers(process: &Process, asker: &Asker, callback: &str) -> Duration {
    let began = Instant::now();
    while ask(process, asker, callback).await.0.status() != 201 {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not recover");
        sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

/// Whether whoever waits at the process hears at once of an answer given in another.
async fn hears(world: &World, process: &Process, asker: &Asker) -> bool {
    let id = world.ask(asker, &question_with(&json!({}))).await;
    let waiting = tokio::spawn(process.get(&format!("{}/wait?timeout=10", path(&id)), &asker.key).send());
    sleep(Duration::from_millis(300)).await;
    world.clock.set(present_time(world));
    let respond = format!("/v1/reviewer/requests/{id}/respond");
    assert_eq!(world.post(&respond).key(&asker.session).json(&json!({"response_data": "approve"})).await.status, 200);
    let answered = Instant::now();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    answered.elapsed() < Duration::from_secs(1)
}

/// What happens to a process that goes this way while its database is away.
async fn outage(world: World, through: World, away: impl Future<Output = ()>, back: impl Future<Output = ()>) {
    let asker = world.asker().await;
    let (process, receiver) = (Arc::new(Process::start(&through).await), Receiver::start().await);
    let (answered, stop) = (Ids::default(), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = (0..12)
        .map(|_| {
            tokio::spawn(call(process.clone(), asker.clone(), receiver.url.clone(), answered.clone(), stop.clone()))
        })
        .collect();
    let many = |count: usize| {
        let answered = answered.clone();
        async move {
            while answered.lock().unwrap().len() < count {
                sleep(Duration::from_millis(10)).await;
            }
        }
    };
    timeout(Duration::from_secs(30), many(20)).await.expect("it works at first");
    let overdue = world.ask(&asker, &question_with(&json!({}))).await;

    let due = world.app.store.sql("update requests set timeout_at = $1 where id = $2");
    due.bind(present_time(&world).plus_seconds(2)).bind(&overdue).run().await.unwrap();
    away.await;
    let began = Instant::now();
    let refused = loop {
        let (answer, took) = ask(&process, &asker, &receiver.url).await;
        assert!(took < SOON, "{took:?}");
        if answer.status() == 503 {
            break answer;
        }
        assert!(began.elapsed() < SOON, "it goes on without its database");
    };
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], true);
    assert_eq!(process.get("/ready", "").send().await.unwrap().status(), 503);
    assert_eq!(process.get("/health", "").send().await.unwrap().status(), 200);
    sleep(Duration::from_secs(5)).await; // so that everything has noticed

    back.await;
    let world = World::at(&world.url, Settings::default(), world.clock.clone()).await;
    let took = recovers(&process, &asker, &receiver.url).await;
    println!("back after {took:?}");
    let so_far = answered.lock().unwrap().len();
    timeout(Duration::from_secs(30), many(so_far + 20)).await.expect("it works again");
    stop.store(true, Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let ids = answered.lock().unwrap().clone();
    println!("{} answers acknowledged", ids.len());
    for id in &ids {
        let told = world.events(id).await;
        assert_eq!(told.iter().filter(|name| *name == "request.completed").count(), 1, "{id}: {told:?}");
    }
    crate::program::a_minute_passes(&world).await; // what a dead connection held is leased that long
    receiver
        .until("every answer", |it| {
            let delivered = it.of("request.completed");
            ids.iter().all(|id| delivered.contains_key(id))
        })
        .await;
    for _ in 0..100 {
        if world.events(&overdue).await.contains(&"request.timeout".to_owned()) {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    assert!(world.events(&overdue).await.contains(&"request.timeout".to_owned()), "deadlines are served again");
    let mut heard = false;
    for _ in 0..5 {
        heard = heard || hears(&world, &process, &asker).await;
    }
    assert!(heard, "it listens again");
    world.app.store.close().await;
}

/// The way there is barred for a while.
async fn barred(world: World, way: Way) {
    let (proxy, through) = by_a_proxy(&world).await;
    outage(world, through, async { proxy.becomes(way) }, async { proxy.becomes(Way::Open) }).await;
}

/// The server itself is stopped and started.
async fn stopped(mode: &str) {
    let cluster = Cluster::start();
    let world = present_at(&cluster.url()).await;
    outage(world.clone(), world.clone(), async { cluster.stop(mode) }, async { cluster.begin() }).await;
    world.app.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_stopped_and_started_is_missed_only_meanwhile() {
    stopped("fast").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_goes_down_with_its_machine_is_missed_only_meanwhile() {
    stopped("immediate").await;
}

/// Keeps a worker busy, a little at a time.
async fn work() {
    loop {
        #[expect(clippy::disallowed_methods, reason = "it is to block the runtime's thread")]
        std::thread::sleep(Duration::from_millis(1));
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_gets_new_connections_to_a_postgres_that_asks_for_a_password() {
    let cluster = Cluster::start();
    let store = Store::open(&cluster.url(), 3).await.unwrap();
    let busy: Vec<_> = std::iter::repeat_with(|| tokio::spawn(work())).take(16).collect();
    let mut held = [store.begin(), store.begin(), store.begin()];
    let at_once = tokio::spawn(async move {
        for tx in &mut held {
            let (count,): (i64,) = tx.sql("select count(*) from accounts").one().await.unwrap();
            assert_eq!(count, 0);
        }
    });
    at_once.await.unwrap();
    busy.iter().for_each(tokio::task::JoinHandle::abort);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_cannot_be_reached_is_missed_only_meanwhile() {
    with_processes(Engine::Postgres, |world| barred(world, Way::Cut)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_falls_silent_is_missed_only_meanwhile() {
    with_processes(Engine::Postgres, |world| barred(world, Way::Silent)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_postgres_makes_nobody_wait_for_long() {
    with_processes(Engine::Postgres, |world| async move {
        let asker = world.asker().await;
        let (proxy, through) = by_a_proxy(&world).await;
        let process = Arc::new(Process::start(&through).await);
        assert_eq!(ask(&process, &asker, "http://127.0.0.1:9/").await.0.status(), 201);
        proxy.becomes(Way::Slow);
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (process, asker) = (process.clone(), asker.clone());
            calls.spawn(async move { ask(&process, &asker, "http://127.0.0.1:9/").await });
        }
        let (mut served, mut refused) = (0, 0);
        while let Some(call) = calls.join_next().await {
            let (answer, took) = call.unwrap();
            assert!(took < SOON, "{took:?}");
            match answer.status().as_u16() {
                201 => served += 1,
                503 => refused += 1,
                other => panic!("{other}"),
            }
        }
        println!("{served} were served and {refused} refused by a slow database");
        assert!(served > 0, "it is slow, not gone");
        proxy.becomes(Way::Open);
        recovers(&process, &asker, "http://127.0.0.1:9/").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_holds_everybody_up_makes_nobody_wait_for_long() {
    with_processes(Engine::Postgres, |world| async move {
        let asker = world.asker().await;
        // Of so few an hour each is counted in the database.
        let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(500)).await;
        let asker = Asker { key, ..asker };
        let process = Arc::new(Process::start(&world).await);
        assert_eq!(ask(&process, &asker, "http://127.0.0.1:9/").await.0.status(), 201);
        for table in ["requests", "windows"] {
            let mut tx = world.app.store.begin();
            tx.written(format!("lock table {table} in exclusive mode")).run().await.unwrap();
            let mut calls = tokio::task::JoinSet::new();
            for _ in 0..40 {
                let (process, asker) = (process.clone(), asker.clone());
                calls.spawn(async move { ask(&process, &asker, "http://127.0.0.1:9/").await });
            }
            while let Some(call) = calls.join_next().await {
                let (answer, took) = call.unwrap();
                assert!(took < SOON, "{table}: {took:?}");
                assert_eq!(answer.status(), 503, "{table}");
                assert!(answer.headers().contains_key("retry-after"));
            }
            tx.commit().await.unwrap();
            recovers(&process, &asker, "http://127.0.0.1:9/").await;
        }
    })
    .await;
}
