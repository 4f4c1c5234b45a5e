//! The binary itself, run as a process, and a receiver of webhooks: for what one process alone cannot show.

use crate::{
    harness::{Asker, Database, Engine, World, question_with},
    listening::soon,
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use hitl_server::{
    app::{App, StoppedClock},
    domain::Timestamp,
    settings::Settings,
    store::Db,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

/// A world at the present time, so that processes can take part in it.
pub(crate) async fn present_at(url: &str) -> World {
    let clock = Arc::new(StoppedClock::at(Timestamp::from_seconds(0)));
    let mut settings = Settings::default();
    settings.postgres.connections = 4; // they stay open once they were needed, and processes need some
    let world = World::at(url, settings, clock).await;
    world.clock.set(present_time(&world));
    world
}

/// The time that processes have.
pub(crate) fn present_time(world: &World) -> Timestamp {
    App::new(world.app.store.clone(), Settings::default(), crate::harness::BASE).now()
}

/// Lets the leases of dead processes run out: each is a minute long. One that Postgres had been asked for is waited for: it comes
/// though nobody lives who asked for it.
pub(crate) async fn a_minute_passes(world: &World) {
    let mut tx = world.app.store.begin();
    if world.app.store.engine() == "postgres" {
        tokio::time::sleep(Duration::from_millis(50)).await; // until it has begun
        tx.sql("lock table deliveries in exclusive mode").run().await.unwrap();
    }
    let leased = "update deliveries set locked_until = $1, next_attempt_at = $1 where locked_until is not null";
    tx.sql(leased).bind(present_time(world)).run().await.unwrap();
    tx.commit().await.unwrap();
}

/// Makes a call; the status and the body.
pub(crate) async fn json(call: reqwest::RequestBuilder) -> (u16, Value) {
    let response = soon(call.send()).await.unwrap();
    (response.status().as_u16(), soon(response.json()).await.unwrap())
}

/// Runs a test on a database that processes share, at the present time.
pub(crate) async fn with_processes<F: Future<Output = ()> + Send + 'static>(
    engine: Engine,
    test: impl FnOnce(World) -> F,
) {
    let database = Database::create(engine).await;
    let world = present_at(&database.url).await;
    let store = world.app.store.clone();
    let outcome = tokio::spawn(test(world)).await;
    store.close().await;
    database.drop().await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// Writes such a test once and runs it on both engines.
macro_rules! with_processes_on_both {
    ($($(#[$about:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        $(#[$about])*
        async fn $name($world: $crate::harness::World) $body
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::program::with_processes($crate::harness::Engine::Sqlite, super::$name).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::program::with_processes($crate::harness::Engine::Postgres, super::$name).await;
            }
        }
    )+};
}
pub(crate) use with_processes_on_both;

/// A server in a process of its own, which ends with it.
pub(crate) struct Process {
    child: Mutex<Child>,
    pub(crate) url: String,
    metrics: String,
    client: reqwest::Client,
}

impl Process {
    /// Starts one on the world's database; it may deliver to this machine. Returns once it listens.
    pub(crate) async fn start(world: &World) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hitl"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .envs([
                ("DATABASE_URL", world.url.as_str()),
                ("HITL_WEBHOOKS_ALLOW", "127.0.0.0/8"),
                ("HOME", "/nonexistent"),
            ])
            .envs([("HITL_LOG_FORMAT", "json"), ("HITL_POSTGRES_CONNECTIONS", "8")])
            .env("HITL_METRICS_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let entry: Value = serde_json::from_str(&line).unwrap_or(json!({"message": line}));
                if entry["level"] != "INFO" {
                    eprintln!("a process says: {line}");
                }
                let _ = sender.send(entry);
            }
        });
        let said = tokio::task::spawn_blocking(move || {
            ["serving metrics", "listening"].map(|message| address_in(&receiver, message))
        });
        let [metrics, url] = said.await.unwrap().map(|address| format!("http://{address}"));
        Self { child: Mutex::new(child), url, metrics, client: reqwest::Client::new() }
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url)).bearer_auth(token)
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.url)).bearer_auth(token).json(body)
    }

    /// Puts a request with that callback to the asker's loop; its id. Fails where the process dies.
    pub(crate) async fn try_to_ask(&self, asker: &Asker, callback: &str) -> reqwest::Result<String> {
        let body = question_with(&json!({"callback_url": callback}));
        let made = self.post(&format!("/v1/api/loops/{}/requests", asker.loop_id), &asker.key, &body).send().await?;
        assert_eq!(made.status(), 201);
        Ok(made.json::<Value>().await?["data"]["id"].as_str().unwrap().to_owned())
    }

    /// Answers it. Fails where the process dies.
    pub(crate) async fn try_to_answer(&self, asker: &Asker, id: &str) -> reqwest::Result<()> {
        let path = format!("/v1/reviewer/requests/{id}/respond");
        let answered = self.post(&path, &asker.session, &json!({"response_data": "approve"})).send().await?;
        assert_eq!(answered.status(), 200);
        Ok(())
    }

    pub(crate) async fn ask(&self, asker: &Asker, callback: &str) -> String {
        soon(self.try_to_ask(asker, callback)).await.unwrap()
    }

    pub(crate) async fn answer(&self, asker: &Asker, id: &str) {
        soon(self.try_to_answer(asker, id)).await.unwrap();
    }

    /// How far it has counted by that name.
    pub(crate) async fn counted(&self, name: &str) -> u64 {
        let metrics = soon(self.client.get(format!("{}/metrics", self.metrics)).send()).await.unwrap();
        let text = soon(metrics.text()).await.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("{name} is not counted"))
    }

    /// `kill -9`: nothing is finished.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The memory that it has, in kB.
    pub(crate) fn memory(&self) -> u64 {
        let id = self.child.lock().unwrap().id().to_string();
        let said = Command::new("ps").args(["-o", "rss=", "-p", &id]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().parse().unwrap()
    }

    /// Tells it to stop.
    pub(crate) fn terminate(&self) {
        let id = self.child.lock().unwrap().id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
    }

    /// Whether it has ended, and well.
    pub(crate) fn ended(&self) -> Option<bool> {
        self.child.lock().unwrap().try_wait().unwrap().map(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The address in the line of a log that says so.
fn address_in(log: &mpsc::Receiver<Value>, message: &str) -> String {
    loop {
        let entry = log.recv_timeout(Duration::from_secs(30)).expect("the process starts");
        if entry["message"] == message {
            return entry["address"].as_str().unwrap().to_owned();
        }
    }
}

/// Runs a command of the binary on the world's database: its exit code, and what it printed.
pub(crate) async fn command(world: &World, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitl"));
    command.args(arguments).env_clear().env("DATABASE_URL", &world.url).env("HOME", "/nonexistent");
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let printed = if done.status.success() { done.stdout } else { done.stderr };
    (done.status.code().unwrap(), String::from_utf8(printed).unwrap())
}

/// What a receiver was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) event: String,
    pub(crate) event_id: String,
    pub(crate) attempt: String,
    pub(crate) body: Value,
}

/// A receiver of webhooks on this machine.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<Inbox>>,
}

#[derive(Default)]
struct Inbox {
    received: Vec<Received>,
    hangs: bool,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(Inbox::default()));
        let router = Router::new().fallback(receive).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// From now on it takes what is sent and does not answer, or answers again.
    pub(crate) fn hang(&self, hangs: bool) {
        self.state.lock().unwrap().hangs = hangs;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// How often each event of that name came, by request.
    pub(crate) fn of(&self, event: &str) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for it in self.received().iter().filter(|it| it.event == event) {
            *counts.entry(it.body["request_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Waits until that holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} did not come; what came: {:?}", self.received());
    }
}

async fn receive(State(state): State<Arc<Mutex<Inbox>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let hangs = {
        let mut inbox = state.lock().unwrap();
        inbox.received.push(Received {
            event: header("x-hitl-event"),
            event_id: header("x-hitl-event-id"),
            attempt: header("x-hitl-attempt"),
            body: serde_json::from_slice(&body).unwrap(),
        });
        inbox.hangs
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    StatusCode::NO_CONTENT
}
