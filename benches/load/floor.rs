//! The floor: the least that a server on that database does for the same promise. Bare axum, the same store settings, and
//! one statement a request: one durable insert, sharing its commit as ours do or alone, or one point select. Plus a route without a database.

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

/// Serves on `DATABASE_URL` until ended.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("the floor needs DATABASE_URL")?;
    let store = Store::open(&url, CONNECTIONS).await?;
    store.keep_polls(); // as the server: whoever does not tells another at each commit
    (&store)
        .sql(
            "create table floor (id text primary key, loop_id text not null, creator_id text not null, status text not null,
                priority bigint not null, body text not null, created_at bigint not null, timeout_at bigint not null)",
        )
        .run()
        .await?;
    tokio::spawn(checkpoint(store.clone()));
    let router = Router::new()
        .route("/bare", get(async || "ok"))
        .route("/rows", post(insert))
        .route("/rows/alone", post(insert_alone))
        .route("/rows/{id}", get(select))
        .with_state(Floor { store, count: Arc::default(), alone: Arc::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("{}", serde_json::json!({"address": listener.local_addr()?.to_string()}));
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
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
