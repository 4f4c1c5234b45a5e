//! A world for a test: the server on a database of its own, a clock that stands still, people and keys.

use axum::{
    Router,
    body::{Body, HttpBody},
    http::{HeaderMap, Method, Request, StatusCode},
};
use futures_util::StreamExt;
use hitl_server::{
    app::{App, CountingRng, StoppedClock},
    domain::{Account, AccountStatus, Actor, Email, Id, Key, Role, Scope, Secret, Timestamp, Token},
    http,
    service::{keys, keys::NewKey, sessions},
    settings::Settings,
    store::{self, Store},
};
use serde_json::{Value, json};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tower::ServiceExt;
use tower_http::normalize_path::NormalizePath;

/// Writes a test once and runs it on SQLite and on Postgres: the function `name` becomes the tests `name::sqlite` and
/// `name::postgres`.
macro_rules! on_both {
    ($($(#[$about:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        $(#[$about])*
        async fn $name($world: $crate::harness::World) $body
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::harness::in_world($crate::harness::Engine::Sqlite, super::$name).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::harness::in_world($crate::harness::Engine::Postgres, super::$name).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Runs a test in a fresh world and takes the world down again, whatever came of it.
pub(crate) async fn in_world<F: Future<Output = ()> + Send + 'static>(engine: Engine, test: impl FnOnce(World) -> F) {
    let database = Database::create(engine).await;
    let world = World::on(&database, Settings::default()).await;
    let store = world.app.store.clone();
    let outcome = tokio::spawn(test(world)).await;
    store.close().await;
    database.drop().await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// A database of a test's own.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) engine: Engine,
    folder: tempfile::TempDir,
}

impl Database {
    pub(crate) async fn create(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("hitl.db").display()),
            Engine::Postgres => {
                // A schema of its own: a database would take a hundred times as long to make.
                let schema = unique_name(folder.path());
                administer(&format!("create schema {schema}")).await;
                let server = server_url();
                let joined = if server.contains('?') { '&' } else { '?' };
                format!("{server}{joined}options[search_path]={schema}")
            }
        };
        Self { url, engine, folder }
    }

    pub(crate) async fn drop(self) {
        if self.engine == Engine::Postgres {
            administer(&format!("drop schema {} cascade", unique_name(self.folder.path()))).await;
        }
    }
}

/// A name that no other test has: the temporary folder's, which is random.
fn unique_name(folder: &std::path::Path) -> String {
    use std::fmt::Write;
    let name = folder.file_name().unwrap().to_string_lossy();
    name.bytes().fold("hitl_test_".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// `postgres://…/database`, which `scripts/test` sets. Missing is a failure, never a silent skip.
fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL must name a Postgres server, such as postgres://root@127.0.0.1:5432/postgres; scripts/test finds or starts one")
}

async fn administer(statement: &str) {
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(&server_url()).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

/// The server and its surroundings.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) url: String,
    pub(crate) router: NormalizePath<Router>,
}

/// When every world begins.
pub(crate) const START: &str = "2024-03-15T10:30:00Z";

/// Where the server believes it is reached.
pub(crate) const BASE: &str = "http://hitl.test";

/// How many worlds stand beside another: each draws from another place.
static STEP: AtomicU64 = AtomicU64::new(1);

impl World {
    /// A server on that database, with a clock of its own.
    pub(crate) async fn on(database: &Database, settings: Settings) -> Self {
        Self::at(&database.url, settings, Arc::new(StoppedClock::at(START.parse().unwrap()))).await
    }

    /// A server with that clock: the second process on a database.
    pub(crate) async fn at(url: &str, settings: Settings, clock: Arc<StoppedClock>) -> Self {
        Self::drawing(url, settings, clock, CountingRng::default()).await
    }

    async fn drawing(url: &str, settings: Settings, clock: Arc<StoppedClock>, rng: CountingRng) -> Self {
        let store = Store::open(url, settings.postgres.connections).await.unwrap();
        store.keep_polls(); // as a server does
        let app = App::with(store, settings, BASE, clock.clone(), Arc::new(rng));
        Self { router: http::outside(app.clone()), app, clock, url: url.to_owned() }
    }

    /// The same database and clock behind another process, with other settings. What it draws differs from the first.
    pub(crate) async fn beside(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = (*self.app.settings).clone();
        change(&mut settings);
        let rng = CountingRng::from(STEP.fetch_add(1, Ordering::Relaxed) * 100_000);
        Self::drawing(&self.url, settings, self.clock.clone(), rng).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// Somebody who can act. The password cannot be used: [`Self::sign_in`] opens a session without one.
    pub(crate) async fn person(&self, email: &str) -> Account {
        let account = Account {
            id: self.app.new_id(),
            email: Email::parse(email).unwrap(),
            name: email.split('@').next().unwrap().to_owned(),
            role: Role::Member,
            status: AccountStatus::Active,
            password_hash: Some(Secret("none".into())),
            created_at: self.now(),
        };
        store::accounts::insert(&self.app.store, &account, &Secret("whsec_test".into())).await.unwrap();
        account
    }

    /// A key with the four usual scopes.
    pub(crate) async fn key(&self, owner: &Account) -> String {
        self.key_with(owner, |_| {}).await.1
    }

    /// A key with other settings; the key and its token.
    pub(crate) async fn key_with(&self, owner: &Account, change: impl FnOnce(&mut NewKey)) -> (Key, String) {
        let mut new = NewKey {
            account_id: owner.id,
            name: "test".into(),
            scopes: Scope::DEFAULT.to_vec(),
            loops: None,
            hourly_limit: Some(100_000),
            expires_at: None,
        };
        change(&mut new);
        let (key, token): (Key, Token) = keys::create(&self.app, Actor::Operator, new).await.unwrap();
        (key, token.reveal().to_owned())
    }

    /// A session's token.
    pub(crate) async fn sign_in(&self, who: &Account) -> String {
        sessions::open_for(&self.app, who.clone(), None).await.unwrap().token.reveal().to_owned()
    }

    /// A person with a key, and a loop of theirs: the usual start.
    pub(crate) async fn asker(&self) -> Asker {
        let owner = self.person("owner@example.com").await;
        let webhooks = [Scope::WebhooksRead, Scope::WebhooksWrite];
        let (_, key) = self.key_with(&owner, |new| new.scopes.extend(webhooks)).await;
        let made = self.post("/v1/api/loops").key(&key).json(&json!({"name": "Moderation"})).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let loop_id = made.text("data.id");
        let code = made.text("data.invite_code");
        let session = self.sign_in(&owner).await;
        Asker { owner, key, loop_id, code, session }
    }

    /// Somebody who has joined that loop: the account and a session.
    pub(crate) async fn reviewer(&self, email: &str, code: &str) -> (Account, String) {
        let who = self.person(email).await;
        let session = self.sign_in(&who).await;
        let joined = self.post("/v1/reviewer/loops/join").key(&session).json(&json!({"invite_code": code})).await;
        assert_eq!(joined.status, 200, "{}", joined.body);
        (who, session)
    }

    /// A request in the asker's loop; its id.
    pub(crate) async fn ask(&self, asker: &Asker, body: &Value) -> String {
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let made = self.post(&path).key(&asker.key).json(body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.text("data.id")
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }
    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }
    pub(crate) fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }
    pub(crate) fn patch(&self, path: &str) -> Call<'_> {
        self.call(Method::PATCH, path)
    }
    pub(crate) fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        // No test waits for a minute because it did not say for how long.
        let path = if path.ends_with("/wait") { format!("{path}?timeout=1") } else { path.to_owned() };
        Call { world: self, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// The names of what happened to a request, in order.
    pub(crate) async fn events(&self, request: &str) -> Vec<String> {
        let id: Id<hitl_server::domain::Request> = request.parse().unwrap();
        let rows = store::events::of_request(&self.app.store, id).await.unwrap();
        rows.into_iter().map(|(name, ..)| name).collect()
    }
}

/// Who asks: a person, their key, session and loop.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) owner: Account,
    pub(crate) key: String,
    pub(crate) loop_id: String,
    pub(crate) code: String,
    pub(crate) session: String,
}

/// The usual question: approve or reject, within an hour, `reject` by default.
pub(crate) fn question() -> Value {
    json!({
        "processing_type": "time-sensitive", "type": "markdown", "priority": "high",
        "request_text": "Please review this post", "timeout_seconds": 3600,
        "response_type": "single_select",
        "response_config": {"options": [{"value": "approve", "label": "Approve"}, {"value": "reject", "label": "Reject"}]},
        "default_response": "reject", "platform": "api"
    })
}

/// The usual question with some fields replaced; `null` removes one.
pub(crate) fn question_with(changes: &Value) -> Value {
    let mut body = question();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().shift_remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

/// A call being written. Awaiting it makes it.
pub(crate) struct Call<'w> {
    world: &'w World,
    request: axum::http::request::Builder,
    body: Body,
}

impl Call<'_> {
    /// With a bearer token: an API key, or a session's.
    pub(crate) fn key(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &(impl AsRef<[u8]> + ?Sized)) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        let mut call = self.header("content-type", "application/json");
        call.body = Body::from(body.to_string());
        call
    }

    pub(crate) fn raw(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }
}

impl<'w> IntoFuture for Call<'w> {
    type Output = Answer;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Answer> + Send + 'w>>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let request = self.request.body(self.body).unwrap();
            let response = self.world.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = whole(body).await;
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Answer { status: parts.status.as_u16(), headers: parts.headers, body, bytes }
        })
    }
}

/// The body; of a stream, what comes until it falls silent.
async fn whole(body: Body) -> Vec<u8> {
    if body.size_hint().exact().is_some() {
        return axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    }
    let (mut frames, mut bytes) = (body.into_data_stream(), Vec::new());
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(300), frames.next()).await {
        bytes.extend_from_slice(&frame.unwrap());
    }
    bytes
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The JSON, or null where it is none.
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The value at a dotted path, such as `data.request.status`; null where there is none.
    pub(crate) fn at(&self, path: &str) -> &Value {
        path.split('.').fold(&self.body, |value, name| match name.parse::<usize>() {
            Ok(index) => &value[index],
            Err(_) => &value[name],
        })
    }

    /// The text at a dotted path.
    pub(crate) fn text(&self, path: &str) -> String {
        self.at(path).as_str().unwrap_or_else(|| panic!("no text at {path} in {}", self.body)).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a refusal: status, `msg` and `data` (null for none).
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, msg: &str, data: &Value) {
        assert_eq!(
            (self.status, self.at("msg"), self.at("error")),
            (status, &json!(msg), &json!(true)),
            "{}",
            self.body
        );
        assert_eq!(self.at("data"), data, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
    }

    /// Asserts a success: status and `msg`.
    #[track_caller]
    pub(crate) fn accepted(&self, status: u16, msg: &str) {
        assert_eq!(
            (self.status, self.at("msg"), self.at("error")),
            (status, &json!(msg), &json!(false)),
            "{}",
            self.body
        );
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
    }
}

/// Whether a status is one of success.
pub(crate) fn is_success(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}
