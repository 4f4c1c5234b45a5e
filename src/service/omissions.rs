//! What pulls leave out, over all their runs: each thing once, however often it is found, until it comes after all.

use super::Result;
use crate::{
    app::App,
    domain::{Account, Id, exports::Kind, id::hex},
    store::omissions,
};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// What an account here lacks of what is somebody's on another server.
pub(super) struct Omissions<'a> {
    app: &'a App,
    account: Id<Account>,
    there: Id<Account>,
    hashes: HashSet<String>,
}

impl<'a> Omissions<'a> {
    /// Those of the runs before.
    pub(super) async fn so_far(app: &'a App, account: Id<Account>, there: Id<Account>) -> Result<Self> {
        let hashes = omissions::of(&app.store, account, there).await?.into_iter().collect();
        Ok(Self { app, account, there, hashes })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// This is one.
    pub(super) async fn note(&mut self, kind: &Kind, identity: &str) -> Result<()> {
        let hash = hash(kind, identity);
        if !self.hashes.contains(&hash) {
            omissions::insert(&self.app.store, self.account, self.there, &hash).await?;
            self.hashes.insert(hash);
        }
        Ok(())
    }

    /// This is none, or none any longer.
    pub(super) async fn came(&mut self, kind: &Kind, identity: &str) -> Result<()> {
        let hash = hash(kind, identity);
        if self.hashes.remove(&hash) {
            omissions::delete(&self.app.store, self.account, self.there, &hash).await?;
        }
        Ok(())
    }
}

/// What another server calls a thing may be of any length.
fn hash(kind: &Kind, identity: &str) -> String {
    hex(&Sha256::new().chain_update(kind.name).chain_update([0]).chain_update(identity).finalize())
}
