//! What a caller can do, one function each: check, decide (domain), write (store) in one transaction.
//! Errors are in words; which status they become is for `http` to know.

pub mod accounts;
pub mod acting;
pub mod admission;
pub mod audit;
pub mod callbacks;
pub mod callers;
pub mod copying;
pub mod deadlines;
pub mod deliveries;
pub mod exporting;
pub mod idempotency;
pub mod importing;
pub mod importing_people;
pub mod inbox;
pub mod invitation_mail;
pub mod keys;
pub mod loops;
pub mod members;
pub mod notification_settings;
pub mod notifications;
mod omissions;
pub mod overview;
pub mod passwords;
pub mod people;
pub mod polls;
mod pulled_pages;
pub mod pulling;
pub mod push_keys;
pub mod readings;
pub mod record;
pub mod request_lists;
pub mod requests;
pub mod resets;
pub mod reviews;
pub mod sessions;
pub mod setup;
pub mod sign_ups;
pub mod throttle;
pub mod timeline;
pub mod webhooks;

use crate::{
    domain::{Invalid, Window},
    store,
};

pub use acting::Acting;
pub use callers::Caller;

/// What can go wrong, in the service's own words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Who calls is not known.
    #[error("{msg}")]
    Unauthenticated {
        /// What the caller is told.
        msg: &'static str,
        /// A detail beside it.
        detail: Option<&'static str>,
    },
    /// The key's window is used up.
    #[error("API rate limit exceeded")]
    Limited {
        /// The window.
        window: Window,
        /// Seconds until the next one, at least 1.
        retry_after: i64,
    },
    /// Too many guesses from one address.
    #[error("API rate limit exceeded")]
    Throttled {
        /// Seconds to wait, at least 1.
        retry_after: i64,
    },
    /// More is under way than the server can take on.
    #[error("Service temporarily unavailable")]
    Busy,
    /// The caller is known and may not.
    #[error("{0}")]
    Denied(Invalid),
    /// There is no such thing, or not for this caller.
    #[error("{0}")]
    Missing(&'static str),
    /// What was sent does not do, or not now.
    #[error("{}", described(.0))]
    Invalid(#[from] Invalid),
    /// Somebody else was faster.
    #[error("{0}")]
    Conflict(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a service function returns.
pub type Result<T> = std::result::Result<T, Error>;

/// For the command line, where there is no place beside the message: both.
fn described(invalid: &Invalid) -> String {
    match invalid.data.as_ref().map(|data| data.as_str().map_or_else(|| data.to_string(), str::to_owned)) {
        Some(detail) if detail != *invalid.msg => format!("{}: {detail}", invalid.msg),
        _ => invalid.msg.to_string(),
    }
}

impl Error {
    /// A refusal without a detail.
    pub(crate) const fn denied(msg: &'static str) -> Self {
        Self::Denied(Invalid::new(msg))
    }

    /// A refusal of what was sent, or of doing it now, without a detail.
    pub(crate) const fn invalid(msg: &'static str) -> Self {
        Self::Invalid(Invalid::new(msg))
    }
}
