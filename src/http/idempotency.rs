//! `Idempotency-Key`: a POST that is sent twice is done once (quality A15).

use super::{
    admission::admitted,
    error::{ApiError, failure},
    extract::bytes,
    reply::json_text,
};
use crate::{
    app::App,
    domain::Invalid,
    service::idempotency::{self, Begun},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST: usize = 255;

/// Behind the admission: remembers what a POST with the header answered, and answers the same again.
pub async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(HEADER).filter(|_| request.method() == Method::POST) else {
        return next.run(request).await;
    };
    match guarded(&app, key.clone(), request, next).await {
        Ok(response) | Err(response) => response,
    }
}

async fn guarded(app: &App, key: HeaderValue, request: Request, next: Next) -> Result<Response, Response> {
    let sound = key.to_str().ok().map(str::trim).filter(|key| !key.is_empty() && key.len() <= LONGEST);
    let key = sound.ok_or_else(|| {
        failure(StatusCode::BAD_REQUEST, Invalid::failed("Idempotency-Key must be 1 to 255 visible characters"))
    })?;
    let failed = |error| ApiError::from(error).into_response();
    let (parts, body) = request.into_parts();
    let caller = admitted(&parts).map_err(IntoResponse::into_response)?.caller;
    let call = format!("{} {}", parts.method, parts.uri.path());
    let body = bytes(Request::from_parts(parts.clone(), body)).await?;
    let api_key = caller.key().id;
    match idempotency::begin(app, api_key, key, &call, &body).await.map_err(failed)? {
        Begun::First => {}
        Begun::Answered(status, text) => return Ok(replayed(status, text)),
        Begun::Different => {
            let msg = "Idempotency-Key was used with a different request";
            return Err(failure(StatusCode::UNPROCESSABLE_ENTITY, Invalid::new(msg)));
        }
        Begun::Running => {
            let mut response =
                failure(StatusCode::CONFLICT, Invalid::new("A request with this Idempotency-Key is still running"));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(1));
            return Err(response);
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    idempotency::finish(app, api_key, key, parts.status.as_u16(), &text).await.map_err(failed)?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replayed(status: u16, text: String) -> Response {
    let mut response = json_text(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), text);
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
