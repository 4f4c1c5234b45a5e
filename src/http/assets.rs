//! Style sheets, scripts and icons, compiled into the binary.
//!
//! Pages link to them under a fingerprint of all of them together, so that browsers may keep them for good and scripts
//! can import each other by plain names.

use super::{
    error::failure,
    extract::{Captured, path_text},
};
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
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

/// A browser need never ask again: the address changes with the content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// The address stays when the content changes.
const BRIEFLY: &str = "public, max-age=300";

/// Changes with any of the files.
static FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Assets::iter().collect();
    names.sort_unstable();
    let hashes = names.iter().filter_map(|name| Assets::get(name)).map(|file| file.metadata.sha256_hash());
    hex(&hashes.fold(Sha256::new(), Sha256::chain_update).finalize()[..8])
});

/// Where pages find a file.
pub fn link(name: &str) -> String {
    debug_assert!(Assets::get(name).is_some(), "there is no {name} in assets/");
    format!("/assets/{}/{name}", *FINGERPRINT)
}

/// One file by its plain name, which browsers keep for a while and ask about again.
pub async fn file(Captured(name): Captured, headers: HeaderMap) -> Response {
    served(&name, &headers, BRIEFLY)
}

/// One file under a fingerprint. Under that of another version, which another process may have, it is not kept for good.
pub async fn fingerprinted(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let print = path_text(&mut parts, &app, "print").await.unwrap_or_default();
    let name = path_text(&mut parts, &app, "file").await.unwrap_or_default();
    served(&name, &parts.headers, if print == *FINGERPRINT { FOR_GOOD } else { BRIEFLY })
}

/// What makes the pages an app that can be installed.
pub async fn manifest(headers: HeaderMap) -> Response {
    served("manifest.webmanifest", &headers, BRIEFLY)
}

/// The service worker: at the root, because it serves the paths below it.
pub async fn service_worker(headers: HeaderMap) -> Response {
    served("service-worker.js", &headers, "no-cache")
}

fn served(name: &str, headers: &HeaderMap, keep: &'static str) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Assets::get(name) else {
        return failure(StatusCode::NOT_FOUND, Invalid::new("Not found"));
    };
    // Weak: compressed, the content is the same and the bytes are others.
    let tag = format!("W/\"{}\"", hex(&metadata.sha256_hash()[..16]));
    let fresh = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let kept = [(header::ETAG, tag), (header::CACHE_CONTROL, keep.to_owned())];
    if fresh {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, content_type(name))], data.into_owned()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
