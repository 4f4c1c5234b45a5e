//! `Idempotency-Key`: a POST that is sent twice is done once (quality A15).

use super::{
    admission::admitted,
    bodies,
    error::{ApiError, failure},
    reply::json_text,
};
use crate::{
    app::App,
    domain::{Id, Invalid, Key},
    service::{
        Error,
        idempotency::{self, Begun},
    },
};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header::RETRY_AFTER, request::Parts},
    response::{IntoResponse, Response},
};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST: usize = 255;

/// Behind the admission: remembers what a POST with the header answered, and answers the same again.
pub async fn once<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let Some(key) = request.headers().get(HEADER).filter(|_| request.method() == Method::POST) else {
        return next(request).await;
    };
    match Box::pin(guarded(app, key.clone(), request, next)).await {
        Ok(response) | Err(response) => response,
    }
}

async fn guarded<F: Future<Output = Response>>(
    app: &App,
    key: HeaderValue,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Result<Response, Response> {
    let sound = key.to_str().ok().map(str::trim).filter(|key| !key.is_empty() && key.len() <= LONGEST);
    let key = sound.ok_or_else(|| {
        failure(StatusCode::BAD_REQUEST, Invalid::failed("Idempotency-Key must be 1 to 255 visible characters"))
    })?;
    let (parts, body) = request.into_parts();
    let caller = admitted(&parts).map_err(IntoResponse::into_response)?.caller;
    let what = format!("{} {}", parts.method, documented(parts.uri.path()));
    let call = Call { api_key: caller.key().id, key: key.to_owned(), what };
    let body = bodies::received(app, Request::from_parts(parts.clone(), body));
    let body = body.await.map_err(IntoResponse::into_response)?;
    call.made(app, parts, body, next).await.map_err(|error| ApiError::from(error).into_response())
}

/// The path under the documented prefix: under the other one it is the same operation (contract 1.1.2).
fn documented(path: &str) -> String {
    let rest = path.strip_prefix("/v1/api/").or_else(|| path.strip_prefix("/v1/")).unwrap_or(path);
    format!("/v1/api/{rest}")
}

/// A call under an idempotency key: `what` is its method and path.
struct Call {
    api_key: Id<Key>,
    key: String,
    what: String,
}

impl Call {
    async fn made<F: Future<Output = Response>>(
        self,
        app: &App,
        parts: Parts,
        body: Bytes,
        next: impl FnOnce(Request) -> F,
    ) -> Result<Response, Error> {
        let begun = idempotency::begin(app, self.api_key, &self.key, &self.what, &body).await?;
        Ok(match begun {
            Begun::First => self.answered(app, next(bodies::with_received(parts, body))).await,
            Begun::Answered(status, text) => replayed(status, text),
            Begun::Different => {
                let msg = "Idempotency-Key was used with a different request";
                failure(StatusCode::UNPROCESSABLE_ENTITY, Invalid::new(msg))
            }
            Begun::Running => {
                let msg = "A request with this Idempotency-Key is still running";
                let mut response = failure(StatusCode::CONFLICT, Invalid::new(msg));
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(1));
                response
            }
        })
    }

    async fn answered(self, app: &App, answer: impl Future<Output = Response>) -> Response {
        let (parts, body) = answer.await.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let kept = idempotency::finish(app, self.api_key, &self.key, parts.status.as_u16(), &text).await;
        if let Err(error) = kept {
            // It is done all the same. Who heard otherwise would come again, and in the end it would be done twice.
            tracing::warn!(%error, "what was answered to an Idempotency-Key was not kept");
        }
        Response::from_parts(parts, Body::from(body))
    }
}

fn replayed(status: u16, text: String) -> Response {
    let mut response = json_text(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), text);
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
