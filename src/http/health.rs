//! Whether the server lives, and whether it can work.

use super::reply::json;
use crate::app::App;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

/// How the server is.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or what is wrong in a word.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process lives
#[utoipa::path(get, path = "/health", tag = "Health", responses((status = 200, description = "It lives", body = Health)))]
pub async fn alive() -> Response {
    json(StatusCode::OK, &Health { status: "ok" })
}

/// Says whether the server can work
///
/// The database answers and its schema is this version's.
#[utoipa::path(get, path = "/ready", tag = "Health",
    responses((status = 200, description = "It can work", body = Health), (status = 503, description = "It cannot, at the moment", body = Health)))]
pub async fn ready(State(app): State<App>) -> Response {
    match app.store.check().await {
        Ok(()) => json(StatusCode::OK, &Health { status: "ok" }),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "unavailable" })
        }
    }
}
