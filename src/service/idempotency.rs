//! Doing once what is asked twice (quality A15).

use super::Result;
use crate::{
    app::App,
    domain::{Id, Key, id::hex},
    store::idempotency,
};
use sha2::{Digest, Sha256};

/// After this long a call without an answer died with its process, in seconds.
const STALE_SECONDS: i64 = 60;

/// Whether a call is the first under its key.
pub enum Begun {
    /// It is: go on.
    First,
    /// The same call was answered: its status and body.
    Answered(u16, String),
    /// Another call was made under this key.
    Different,
    /// The same call is under way.
    Running,
}

/// Begins a call: `call` is its method and path.
pub async fn begin(app: &App, api_key: Id<Key>, key: &str, call: &str, body: &[u8]) -> Result<Begun> {
    let hash = hex(&Sha256::new().chain_update(call).chain_update([0]).chain_update(body).finalize());
    let now = app.now();
    if idempotency::begin(&app.store, api_key, key, &hash, now.plus_seconds(-STALE_SECONDS), now).await? {
        return Ok(Begun::First);
    }
    Ok(match idempotency::find(&app.store, api_key, key).await? {
        Some(earlier) if earlier.call_hash != hash => Begun::Different,
        Some(idempotency::Call { status: Some(status), body, .. }) => {
            Begun::Answered(u16::try_from(status).unwrap_or(500), body.unwrap_or_default())
        }
        _ => Begun::Running,
    })
}

/// Keeps the answer; a failure of ours is forgotten, so that the call can be made again.
pub async fn finish(app: &App, api_key: Id<Key>, key: &str, status: u16, body: &str) -> Result<()> {
    if status >= 500 {
        return Ok(idempotency::forget(&app.store, api_key, key).await?);
    }
    Ok(idempotency::finish(&app.store, api_key, key, status.into(), body).await?)
}
