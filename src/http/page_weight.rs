//! What pages weigh on their way: they and what belongs to them are compressed. Programs' JSON is not, because that would cost
//! every call more than it saves, and streams are not, because they must not wait to be packed.
//!
//! Compressing what holds a secret beside what somebody else chose lets who sees the lengths on the way guess the secret, letter
//! by letter (BREACH). For that, another site must have the victim's browser ask for the page over and over with its guesses. So
//! what another site has opened is not compressed. Over plain http browsers do not say who opened a page; there whoever sees
//! the lengths sees the secret, too.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// In front of the compression: leaves out what another site has opened.
pub async fn keep_guesses_out(mut request: Request, next: Next) -> Response {
    let opened_by = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    if matches!(opened_by, Some(site) if site != b"same-origin" && site != b"none") {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    next.run(request).await
}
