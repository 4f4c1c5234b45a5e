//! The QR images of invite codes (contract 11.3).

use super::{
    error::ApiError,
    extract::{Address, path_text},
    qr,
    views::join_url,
};
use crate::{
    app::App,
    service::{Error, members},
};
use axum::{
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
};

/// The QR code of a loop's join URL
///
/// `{invite_code}.png`; no key is needed.
#[utoipa::path(get, path = "/qr/{file}", tag = "Members", params(("file" = String, Path, example = "ABC123DEF.png")),
    responses((status = 200, description = "A PNG image", content_type = "image/png")))]
pub async fn qr(State(app): State<App>, Address(address): Address, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let file = path_text(&mut parts, &app, "file").await.unwrap_or_default();
    let code = file.strip_suffix(".png").ok_or(Error::Missing("Not found"))?;
    let it = members::invited_to(&app, address, None, code).await?;
    let image = qr::png(&join_url(&it, &app.base_url));
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")], image).into_response())
}
