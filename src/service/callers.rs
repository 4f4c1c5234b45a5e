//! Who calls by API key, and what the key may touch (contract 2, design 4).

use super::{Error, Result};
use crate::{
    domain::{Account, AccountStatus, Actor, Id, Invalid, Key, Loop, Scope, words::Word},
    store::keys::Holder,
};
use std::sync::Arc;

/// A program that presented a usable key. It acts as the key's account.
#[derive(Clone, Debug)]
pub struct Caller {
    holder: Arc<Holder>,
}

impl Caller {
    pub(super) fn new(holder: Arc<Holder>) -> Self {
        Self { holder }
    }

    /// The key and its account.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.holder.key
    }

    /// The account it acts as.
    pub fn account_id(&self) -> Id<Account> {
        self.holder.key.account_id
    }

    /// Who did it, for the record.
    pub fn actor(&self) -> Actor {
        Actor::Key(self.holder.key.id)
    }

    /// Refuses unless the account is active (contract 2.7) and the key was granted the scope (2.8.4).
    pub fn require(&self, scope: Scope) -> Result<()> {
        const MSG: &str = "Access denied to this resource";
        if self.holder.account_status != AccountStatus::Active {
            return Err(Error::denied(MSG));
        }
        if !self.key().allows(scope) {
            let detail = serde_json::json!({"required_permission": scope.as_str()});
            return Err(Error::Denied(Invalid::with(MSG, detail)));
        }
        Ok(())
    }

    /// The loops that the key is confined to; `None` is all of its account's.
    pub fn confined_to(&self) -> Option<&[Id<Loop>]> {
        self.key().loops.as_deref()
    }
}
