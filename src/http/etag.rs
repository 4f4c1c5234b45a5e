//! `ETag` and `If-None-Match`: who has it already gets 304, free of charge (contract 3.2, quality C).

use crate::domain::id::hex;
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// Behind the admission: tags what GET answers.
pub async fn tag(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    // A stream has no length and no tag.
    if response.status() != StatusCode::OK || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let tag = format!("\"{}\"", hex(&Sha256::digest(&bytes)[..12]));
    let value = HeaderValue::from_str(&tag).expect("a tag is hex digits in quotes");
    parts.headers.insert(header::ETAG, value.clone());
    if known.is_some_and(|known| names(&known, &tag)) {
        let kept = [(header::ETAG, value), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether a list of tags names this one; `*` names all, and a weak tag is as good here.
fn names(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(|known| known.trim().trim_start_matches("W/")).any(|known| known == "*" || known == tag)
}
