//! API keys: their form, what they may do, and for how long (contract 2 and 13, design 4).

use super::{
    Account, Id, Invalid, Loop, Timestamp,
    id::hex,
    words::{Word, words},
};
use sha2::{Digest, Sha256};
use std::fmt;

words! {
    /// What a key may do (contract 2.8).
    pub enum Scope {
        /// List loops and their members.
        LoopsRead = "loops:read",
        /// Create, change and delete loops; invite and remove members.
        LoopsWrite = "loops:write",
        /// List and read requests.
        RequestsRead = "requests:read",
        /// Create, change and cancel requests; give feedback.
        RequestsWrite = "requests:write",
        /// List webhooks and their deliveries.
        WebhooksRead = "webhooks:read",
        /// Create, change, test and delete webhooks.
        WebhooksWrite = "webhooks:write",
        /// Everything.
        All = "*",
    }
}

impl Scope {
    /// What a key gets when nothing else is asked for (contract 13.4).
    pub const DEFAULT: [Self; 4] = [Self::LoopsRead, Self::LoopsWrite, Self::RequestsRead, Self::RequestsWrite];
}

words! {
    /// What was decided about a key. Whether it has expired is for the clock to say.
    pub enum KeyStatus {
        /// In use.
        Active = "active",
        /// Refused until activated again.
        Suspended = "suspended",
        /// Refused for good.
        Revoked = "revoked",
    }
}

/// An API key as it is kept: everything but the token.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its identifier.
    pub id: Id<Key>,
    /// The account it acts as.
    pub account_id: Id<Account>,
    /// What its owner calls it.
    pub name: String,
    /// The first 14 characters of the token, to tell keys apart.
    pub prefix: String,
    /// The last four characters of the token.
    pub last_four: String,
    /// What it may do, in grant order.
    pub scopes: Vec<Scope>,
    /// The loops it may touch; `None` is all of its account's.
    pub loops: Option<Vec<Id<Loop>>>,
    /// What was decided about it.
    pub status: KeyStatus,
    /// Its own hourly limit; `None` is the server's, 0 is none.
    pub hourly_limit: Option<i64>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, coarse to a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Key {
    /// Whether a call may be made with it at that time.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status == KeyStatus::Active && !self.has_expired(now)
    }

    /// The status that its owner is shown (contract 13.3).
    pub fn shown_status(&self, now: Timestamp) -> &'static str {
        match self.status {
            KeyStatus::Active if self.has_expired(now) => "expired",
            status => status.as_str(),
        }
    }

    /// Whether it was granted that scope (`write` does not imply `read`, contract 2.8.3).
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|held| *held == scope || *held == Scope::All)
    }

    /// Whether it may touch that loop.
    pub fn reaches(&self, loop_id: Id<Loop>) -> bool {
        self.loops.as_ref().is_none_or(|loops| loops.contains(&loop_id))
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// The secret itself: shown once, never kept. Does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The marks by which a token says what it is for (contract 13.1).
    pub const PREFIXES: [&str; 2] = ["hitl_live_", "hitl_test_"];
    /// Tokens longer than this are not looked up.
    pub const LONGEST: usize = 256;

    /// A fresh token.
    pub fn new(random: [u8; 24]) -> Self {
        Self(format!("{}{}", Self::PREFIXES[0], hex(&random)))
    }

    /// A fresh token of a session, of a setup link or the like.
    pub fn marked(mark: &str, random: [u8; 24]) -> Self {
        Self(format!("{mark}{}", hex(&random)))
    }

    /// A token that a caller presented.
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The secret, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it: SHA-256, in hex. With 192 random bits nothing slower is needed (design 4).
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// The part that is shown afterwards.
    pub fn prefix(&self) -> String {
        self.0.chars().take(14).collect()
    }

    /// The end that is shown afterwards.
    pub fn last_four(&self) -> String {
        self.0[self.0.len().saturating_sub(4)..].to_owned()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Reads the scopes that an owner typed: known ones, each once, at least one.
pub fn parse_scopes<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Scope>, Invalid> {
    let mut scopes = Vec::new();
    for word in words {
        let scope = Scope::named(word.trim()).ok_or_else(|| Invalid::one_of("scopes", &Scope::all_words()))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(Invalid::required("scopes"));
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_documented_form() {
        let token = Token::new([0xab; 24]);
        assert_eq!(token.reveal().len(), 58);
        assert!(token.reveal().starts_with("hitl_live_abab"));
        assert_eq!((token.prefix().as_str(), token.last_four().as_str()), ("hitl_live_abab", "abab"));
        assert_eq!(format!("{token:?}"), "***");
    }

    #[test]
    fn scopes_are_known_words() {
        assert_eq!(parse_scopes(["loops:read", " *", "loops:read"]), Ok(vec![Scope::LoopsRead, Scope::All]));
        assert!(parse_scopes(["loops:sing"]).is_err());
        assert!(parse_scopes([]).is_err());
    }
}
