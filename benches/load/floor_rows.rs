//! What the floor does with its rows: a statement a request.

use crate::floor::{Floor, log_error};
use axum::{
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use hitl_server::store::Db;
use std::sync::atomic::Ordering;

/// What a row holds besides its id and what was sent; the length is what matters.
const OTHER_ID: &str = "65f1234567890abcdef12348";
const NOW: i64 = 1_710_498_600_000_000;

pub(crate) async fn insert(State(floor): State<Floor>, body: String) -> Result<impl IntoResponse, StatusCode> {
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
pub(crate) async fn insert_alone(State(floor): State<Floor>, body: String) -> Result<impl IntoResponse, StatusCode> {
    let _turn = floor.alone.clone().lock_owned().await;
    insert(State(floor), body).await
}

pub(crate) async fn claim(State(floor): State<Floor>, Path(id): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let sql = (&floor.store).sql("update floor set status = 'claimed' where id = $1 and status = 'pending'");
    let touched = sql.bind(&id).run().await.map_err(failed)?;
    one(touched, &id)
}

pub(crate) async fn answer(
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

pub(crate) async fn newest(State(floor): State<Floor>) -> Result<impl IntoResponse, StatusCode> {
    let rows: Vec<Row> = (&floor.store)
        .sql("select id, loop_id, creator_id, status, priority, body, created_at, timeout_at from floor order by id desc limit 10")
        .all()
        .await
        .map_err(failed)?;
    Ok(json(&rows))
}

type Row = (String, String, String, String, i64, String, i64, i64);

pub(crate) async fn select(
    State(floor): State<Floor>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
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
