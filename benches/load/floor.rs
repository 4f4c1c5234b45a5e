//! The floor: the least that a server on that database does for the same promise. Bare axum, the same store settings, and
//! one statement a request: a durable insert, sharing its commit as ours do or alone, an update, a point select, a look at the
//! newest ten. Plus a route without a database.

use crate::{database::Database, process::Server};
use anyhow::Context;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::{get, post},
    serve::ListenerExt,
};
use hitl_server::store::{Db, Store};
use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::Mutex};

/// As many connections to Postgres as the server has by default.
const CONNECTIONS: u32 = 16;
/// As often as the server does it.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_millis(100);
/// What a row holds besides its id and what was sent; the length is what matters.
const OTHER_ID: &str = "65f1234567890abcdef12348";
const NOW: i64 = 1_710_498_600_000_000;

#[derive(Clone)]
struct Floor {
    store: Store,
    count: Arc<AtomicU64>,
    /// Held by who commits alone.
    alone: Arc<Mutex<()>>,
}

/// Starts it, in a process of its own.
pub(crate) fn start(database: &Database) -> anyhow::Result<Server> {
    let mut this_program = Command::new(std::env::current_exe()?);
    Server::start(this_program.arg("--floor").env("DATABASE_URL", &database.url))
}

/// Serves on `DATABASE_URL` until ended.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("the floor needs DATABASE_URL")?;
    let store = Store::open(&url, CONNECTIONS).await?;
    store.keep_polls(); // as the server: whoever does not tells another at each commit
    (&store)
        .sql(
            "create table if not exists floor (id text primary key, loop_id text not null, creator_id text not null, status text not null,
                priority bigint not null, body text not null, created_at bigint not null, timeout_at bigint not null, answer text)",
        )
        .run()
        .await?;
    let count = Arc::new(AtomicU64::new(next_number(&store).await?));
    tokio::spawn(checkpoint(store.clone()));
    let router = Router::new()
        .route("/bare", get(async || "ok"))
        .route("/rows", post(insert).get(newest))
        .route("/rows/alone", post(insert_alone))
        .route("/rows/{id}", get(select).post(answer))
        .route("/rows/{id}/claim", post(claim))
        .with_state(Floor { store, count, alone: Arc::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("{}", serde_json::json!({"address": listener.local_addr()?.to_string()}));
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

/// After those that are there.
async fn next_number(store: &Store) -> anyhow::Result<u64> {
    let (last,): (Option<String>,) = store.sql("select max(id) from floor").one().await?;
    last.map_or(Ok(0), |last| Ok(u64::from_str_radix(&last, 16)? + 1))
}

async fn insert(State(floor): State<Floor>, body: String) -> Result<impl IntoResponse, StatusCode> {
    let id = format!("{:024x}", floor.count.fetch_add(1, Ordering::Relaxed));
    (&floor.store)
        .sql(
            "insert into floor (id, loop_id, creator_id, status, priority, body, created_at, timeout_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&id)
        .bind(OTHER_ID)
        .bind(OTHER_ID)
        .bind("pending")
        .bind(1_i64)
        .bind(body)
        .bind(NOW)
        .bind(NOW)
        .run()
        .await
        .map_err(failed)?;
    Ok((StatusCode::CREATED, json(&serde_json::json!({"id": id}))))
}

/// The same with nobody else in its commit.
async fn insert_alone(State(floor): State<Floor>, body: String) -> Result<impl IntoResponse, StatusCode> {
    let _turn = floor.alone.clone().lock_owned().await;
    insert(State(floor), body).await
}

async fn claim(State(floor): State<Floor>, Path(id): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let sql = (&floor.store).sql("update floor set status = 'claimed' where id = $1 and status = 'pending'");
    let touched = sql.bind(&id).run().await.map_err(failed)?;
    one(touched, &id)
}

async fn answer(
    State(floor): State<Floor>,
    Path(id): Path<String>,
    body: String,
) -> Result<impl IntoResponse, StatusCode> {
    let sql = (&floor.store)
        .sql("update floor set status = 'completed', answer = $2 where id = $1 and status in ('pending', 'claimed')");
    let touched = sql.bind(&id).bind(body).run().await.map_err(failed)?;
    one(touched, &id)
}

/// Says which row was touched, if it was one.
fn one(touched: u64, id: &str) -> Result<impl IntoResponse + use<>, StatusCode> {
    if touched == 1 { Ok(json(&serde_json::json!({"id": id}))) } else { Err(StatusCode::CONFLICT) }
}

async fn newest(State(floor): State<Floor>) -> Result<impl IntoResponse, StatusCode> {
    let rows: Vec<Row> = (&floor.store)
        .sql("select id, loop_id, creator_id, status, priority, body, created_at, timeout_at from floor order by id desc limit 10")
        .all()
        .await
        .map_err(failed)?;
    Ok(json(&rows))
}

type Row = (String, String, String, String, i64, String, i64, i64);

async fn select(State(floor): State<Floor>, Path(id): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let row: Option<Row> = (&floor.store)
        .sql("select id, loop_id, creator_id, status, priority, body, created_at, timeout_at from floor where id = $1")
        .bind(id)
        .optional()
        .await
        .map_err(failed)?;
    row.map(|row| json(&row)).ok_or(StatusCode::NOT_FOUND)
}

fn json<T: serde::Serialize>(body: &T) -> impl IntoResponse + use<T> {
    ([(CONTENT_TYPE, "application/json")], serde_json::to_string(body).expect("text and numbers serialise"))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(error: hitl_server::store::Error) -> StatusCode {
    log_error(&error);
    StatusCode::INTERNAL_SERVER_ERROR
}

/// In the form of the server's logs.
fn log_error(error: &hitl_server::store::Error) {
    eprintln!("{}", serde_json::json!({"level": "ERROR", "message": format!("the floor: {error}")}));
}

/// As the server does: no writer waits for the log to be moved into the file.
async fn checkpoint(store: Store) {
    loop {
        tokio::time::sleep(BETWEEN_CHECKPOINTS).await;
        if let Err(error) = store.checkpoint().await {
            log_error(&error);
        }
    }
}
