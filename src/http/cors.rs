//! Browsers on any page may call the API: it takes no cookies there (contract 1.3.5).

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const ALLOWED: &str = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, If-None-Match";
const EXPOSED: &str = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, RateLimit, RateLimit-Policy, \
                       X-Request-Id, ETag, Idempotency-Replayed";

/// Answers every `OPTIONS` under `/v1` with 204, and puts the headers on everything else there.
pub async fn allow<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    if !request.uri().path().starts_with("/v1") {
        return next(request).await;
    }
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight { StatusCode::NO_CONTENT.into_response() } else { next(request).await };
    let mut put = |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
    put(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    put(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    put(header::CACHE_CONTROL, "no-store");
    if preflight {
        put(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        put(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
        put(header::ACCESS_CONTROL_MAX_AGE, "86400");
    }
    response
}
