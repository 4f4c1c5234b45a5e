//! Style sheets, scripts and the icon, compiled into the binary.

use super::{error::failure, extract::path_text};
use crate::{
    app::App,
    domain::{Invalid, id::hex},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

/// One file, which browsers keep and ask about again.
pub async fn file(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let name = path_text(&mut parts, &app, "file").await.unwrap_or_default();
    match Assets::get(&name) {
        Some(file) => served(&name, &file, &parts.headers),
        None => failure(StatusCode::NOT_FOUND, Invalid::new("Not found")),
    }
}

fn served(name: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..16]));
    let fresh = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let kept = [(header::ETAG, tag), (header::CACHE_CONTROL, "public, max-age=300".to_owned())];
    if fresh {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let kind = [(header::CONTENT_TYPE, content_type(name)), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (kept, kind, file.data.to_vec()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
