//! The envelope of every answer (contract 1.3).

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// What every answer looks like: `{"error": false, "msg": …, "data": …}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// `false`.
    #[schema(example = false)]
    pub error: bool,
    /// What was done, in words.
    pub msg: &'static str,
    /// What was asked for.
    pub data: T,
}

/// What every refusal looks like: `{"error": true, "msg": …, "data": …}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// `true`.
    #[schema(example = true)]
    pub error: bool,
    /// What is wrong, in the contract's words.
    #[schema(example = "Validation failed")]
    pub msg: String,
    /// A detail: a sentence or an object; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, example = "name must be between 1 and 100 characters")]
    pub data: Option<serde_json::Value>,
}

/// A success.
pub struct Reply<T> {
    status: StatusCode,
    envelope: Envelope<T>,
}

impl<T: Serialize> Reply<T> {
    /// 200 with these words and this data.
    pub fn ok(msg: &'static str, data: T) -> Self {
        Self { status: StatusCode::OK, envelope: Envelope { error: false, msg, data } }
    }

    /// 201 with these words and this data.
    pub fn created(msg: &'static str, data: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(msg, data) }
    }

    /// The body.
    pub fn into_json(self) -> Vec<u8> {
        serde_json::to_vec(&self.envelope).expect("our own structures serialise")
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json_text(self.status, self.into_json())
    }
}

/// JSON with the content type that clients look for (contract 1.3.1).
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_text(status, serde_json::to_vec(body).expect("our own structures serialise"))
}

/// The same with JSON that is text already.
pub fn json_text(status: StatusCode, body: impl Into<Body>) -> Response {
    const TYPE: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
    const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
    (status, [(header::CONTENT_TYPE, TYPE), (header::CACHE_CONTROL, NO_STORE)], body.into()).into_response()
}
