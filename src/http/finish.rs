//! What changes something is finished even if whoever asked hangs up: hyper drops the work of a connection that ends, and
//! that could be between two steps, or between a commit and telling those who wait for it.

use super::unread::Unread;
use crate::turns::in_turn;
use axum::{extract::Request, http::StatusCode, middleware::Next, response::Response};
use tracing::Instrument;

/// Runs the rest on a task of its own, unless the method promises to change nothing.
pub(super) async fn once_begun(request: Request, next: Next) -> Response {
    let changes_nothing = request.method().is_safe();
    if changes_nothing {
        return in_turn(finished(request, next)).await;
    }
    match tokio::spawn(in_turn(finished(request, next)).in_current_span()).await {
        Ok(response) => response,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

async fn finished(request: Request, next: Next) -> Response {
    let (request, unread) = Unread::of(request);
    let response = next.run(request).await;
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        unread.read().await;
    }
    response
}
