//! `ETag` and `If-None-Match`: who has it already gets 304, free of charge (contract 3.2, quality C).

use axum::{
    body::{Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use twox_hash::XxHash3_128;

/// The tag of a body, beside an answer whose handler knows it already.
#[derive(Clone)]
pub(super) struct Tag(Bytes);

impl Tag {
    /// Of that body. Two bodies of one caller's have the same by chance once in 2¹²⁸; it need not withstand more.
    pub(super) fn of(body: &[u8]) -> Self {
        Self(format!("\"{:032x}\"", XxHash3_128::oneshot(body)).into())
    }

    /// One that was made before.
    pub(super) const fn known(tag: Bytes) -> Self {
        Self(tag)
    }

    /// The text, in quotes.
    pub(super) fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Behind the admission: tags what GET answers, and so HEAD.
pub async fn tag<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return next(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next(request).await;
    // A stream has no length and no tag.
    if response.status() != StatusCode::OK || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, mut body) = response.into_parts();
    let Tag(tag) = match parts.extensions.remove::<Tag>() {
        Some(tag) => tag,
        None => {
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            let tag = Tag::of(&bytes);
            body = bytes.into();
            tag
        }
    };
    let value = HeaderValue::from_maybe_shared(tag.clone()).expect("a tag is hex digits in quotes");
    parts.headers.insert(header::ETAG, value.clone());
    if known.is_some_and(|known| names(&known, &tag)) {
        let kept = [(header::ETAG, value), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    Response::from_parts(parts, body)
}

/// Whether a list of tags names this one; `*` names all, and a weak tag is as good here.
fn names(known: &HeaderValue, tag: &[u8]) -> bool {
    let known = known.to_str().unwrap_or_default();
    known
        .split(',')
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known.as_bytes() == tag)
}
