//! The one place where an error becomes a status, and the one place where it is logged.

use super::reply::{Failure, json};
use crate::{
    domain::{Invalid, Window},
    service::Error,
    store,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde_json::{Value, json as object};
use std::{any::Any, panic::AssertUnwindSafe};

/// An error on its way out, with what the contract says when the operation itself fails (E16).
#[derive(Debug)]
pub struct ApiError {
    error: Error,
    failed: &'static str,
}

/// What is said of a failure that no operation names (E16).
pub const INTERNAL: &str = "Internal server error";

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self { error: error.into(), failed: INTERNAL }
    }
}

/// Says what failed, should the store fail.
pub trait OrFailed<T> {
    /// `"Failed to retrieve loops"` and its kin (E16).
    fn or_failed(self, failed: &'static str) -> Result<T, ApiError>;
}

impl<T> OrFailed<T> for crate::service::Result<T> {
    fn or_failed(self, failed: &'static str) -> Result<T, ApiError> {
        self.map_err(|error| ApiError { error, failed })
    }
}

/// The status of an error: here and nowhere else.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
        Error::Limited { .. } | Error::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Denied(_) => StatusCode::FORBIDDEN,
        Error::Missing(_) => StatusCode::NOT_FOUND,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Error::Store(error) if is_out_of_reach(error) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = status(&self.error);
        match self.error {
            Error::Unauthenticated { msg, detail } => {
                let response = failure(status, Invalid { msg: msg.into(), data: detail.map(Value::from) });
                with_header(response, header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Error::Limited { window, retry_after } => limited(window, retry_after),
            Error::Throttled { retry_after } => {
                retry_later(failure(status, Invalid::new("API rate limit exceeded")), retry_after)
            }
            Error::Busy => retry_later(failure(status, Invalid::new("Service temporarily unavailable")), 1),
            Error::Denied(invalid) | Error::Invalid(invalid) => failure(status, invalid),
            Error::Missing(msg) | Error::Conflict(msg) => failure(status, Invalid::new(msg)),
            Error::Store(error) => broken(status, &error, self.failed),
        }
    }
}

/// The window is used up (contract 3.4). The headers of the limit are put on by the layer in front.
fn limited(window: Window, retry_after: i64) -> Response {
    let data = object!({
        "usage_count": window.used(), "usage_limit": window.limit, "remaining": window.remaining,
        "reset_at": crate::domain::Timestamp::from_seconds(window.reset()),
    });
    let mut response = failure(StatusCode::TOO_MANY_REQUESTS, Invalid::with("API rate limit exceeded", data));
    response.extensions_mut().insert(window);
    retry_later(response, retry_after)
}

/// The store failed: logged here, told in general terms. One that is out of reach may be back soon.
fn broken(status: StatusCode, error: &store::Error, failed: &'static str) -> Response {
    tracing::error!(%error, failed, "a request failed in the store");
    if is_out_of_reach(error) {
        return retry_later(failure(status, Invalid::new("Service temporarily unavailable")), 1);
    }
    failure(status, Invalid::new(failed))
}

fn is_out_of_reach(error: &store::Error) -> bool {
    matches!(error, store::Error::Unreachable(_))
}

/// A refusal with any status.
pub fn failure(status: StatusCode, invalid: Invalid) -> Response {
    json(status, &Failure { error: true, msg: invalid.msg.into_owned(), data: invalid.data })
}

/// Says when to come again.
pub fn retry_later(response: Response, seconds: i64) -> Response {
    with_header(response, header::RETRY_AFTER, HeaderValue::from(seconds))
}

fn with_header(mut response: Response, name: header::HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}

/// The answer, also where what makes it panics.
pub fn caught(answer: impl Future<Output = Response>) -> impl Future<Output = Response> {
    AssertUnwindSafe(answer).catch_unwind().map(|answer| answer.unwrap_or_else(panicked))
}

/// A handler panicked: a fault of ours, said as such.
#[expect(clippy::needless_pass_by_value, reason = "whoever catches it hands it over")]
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let cause =
        cause.downcast_ref::<&str>().map(ToString::to_string).or_else(|| cause.downcast_ref::<String>().cloned());
    tracing::error!(cause = cause.unwrap_or_default(), "a handler panicked");
    failure(StatusCode::INTERNAL_SERVER_ERROR, Invalid::new(INTERNAL))
}
