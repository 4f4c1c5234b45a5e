//! Testing a key (contract 6.1).

use super::{
    admission::Anyone,
    reply::{Envelope, Reply},
};
use crate::domain::{Timestamp, words::Word};
use serde::Serialize;
use utoipa::ToSchema;

/// What a key is good for.
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    /// The key.
    #[schema(example = "65f1234567890abcdef12349")]
    api_key_id: String,
    /// The account it acts as.
    #[schema(example = "65f1234567890abcdef12346")]
    user_id: String,
    /// That account's address.
    #[schema(example = "user@example.com")]
    email: String,
    /// `active`, `suspended` or `inactive`.
    #[schema(example = "active")]
    account_status: &'static str,
    /// The window, as in the headers.
    rate_limit: RateLimit,
    /// The scopes, in grant order.
    #[schema(example = json!(["loops:read", "loops:write", "requests:read", "requests:write"]))]
    permissions: Vec<&'static str>,
    /// What its owner calls it.
    #[schema(example = "production")]
    name: String,
    /// When it stops working.
    expires_at: Option<String>,
}

/// The window of a key.
#[derive(Serialize, ToSchema)]
pub struct RateLimit {
    /// Requests an hour.
    #[schema(example = 100)]
    limit: i64,
    /// Requests left, after this one.
    #[schema(example = 95)]
    remaining: i64,
    /// When the window closes.
    #[schema(example = "2024-03-15T15:00:00Z")]
    reset_at: String,
}

/// Tests an API key
///
/// Says whose it is, what it may do and how much of its hourly limit is left. Works with any key, whatever its scopes.
#[utoipa::path(get, path = "/v1/test", tag = "API key",
    responses((status = 200, description = "API key is valid", body = Envelope<KeyView>)),
    security(("api_key" = [])))]
pub async fn test(Anyone { caller, window }: Anyone) -> Reply<KeyView> {
    let holder = caller.holder();
    let key = &holder.key;
    Reply::ok(
        "API key is valid",
        KeyView {
            api_key_id: key.id.to_string(),
            user_id: key.account_id.to_string(),
            email: holder.email.to_string(),
            account_status: holder.account_status.as_str(),
            rate_limit: RateLimit {
                limit: window.limit,
                remaining: window.remaining,
                reset_at: Timestamp::from_seconds(window.reset()).to_string(),
            },
            permissions: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            name: key.name.clone(),
            expires_at: key.expires_at.map(|at| at.to_string()),
        },
    )
}
