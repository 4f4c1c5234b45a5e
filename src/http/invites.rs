//! The QR images of invite codes (contract 11.3).

use super::{error::failure, extract::path_text, qr, views::join_url};
use crate::{app::App, domain::Invalid, http::error::ApiError, service::loops};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// The QR code of a loop's join URL
///
/// `{invite_code}.png`; no key is needed.
#[utoipa::path(get, path = "/qr/{file}", tag = "Members", params(("file" = String, Path, example = "ABC123DEF.png")),
    responses((status = 200, description = "A PNG image", content_type = "image/png")))]
pub async fn qr(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let file = path_text(&mut parts, &app, "file").await.unwrap_or_default();
    let found = match file.strip_suffix(".png") {
        Some(code) => loops::by_code(&app, code).await?,
        None => None,
    };
    let Some(it) = found else { return Ok(failure(StatusCode::NOT_FOUND, Invalid::new("Not found"))) };
    let image = qr::png(&join_url(&it, &app.base_url));
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")], image).into_response())
}
