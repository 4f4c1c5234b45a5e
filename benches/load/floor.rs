//! The floor: the least that a server on that database does for the same promise. Bare axum, the same store settings, and
//! one statement a request: a durable insert, sharing its commit as ours do or alone, an update, a point select, a look at the
//! newest ten. Plus a route without a database.

use crate::{
    database::Database,
    floor_rows::{answer, claim, insert, insert_alone, newest, select},
    process::Server,
};
use anyhow::Context;
use axum::{
    Router,
    routing::{get, post},
    serve::ListenerExt,
};
use hitl_server::store::{Db, Store};
use std::{
    process::Command,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Mutex};

/// As many connections to Postgres as the server has by default.
const CONNECTIONS: u32 = 16;
/// As often as the server does it.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_millis(100);
/// What its routes share.
#[derive(Clone)]
pub(crate) struct Floor {
    pub(crate) store: Store,
    pub(crate) count: Arc<AtomicU64>,
    /// Held by who commits alone.
    pub(crate) alone: Arc<Mutex<()>>,
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

/// In the form of the server's logs.
pub(crate) fn log_error(error: &hitl_server::store::Error) {
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
