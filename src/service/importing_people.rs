//! Who is who: people elsewhere, and the same people here, known by their address.

use super::{Error, Result};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Email, Id, Role, exports::ACCOUNT, records::Record, signatures::new_secret},
    store::{self, accounts},
};
use std::collections::HashMap;

const TAKEN: Error = Error::Conflict("somebody else here has this id");
const NOBODY: Error = Error::invalid("It does not say whose it is");

/// People elsewhere, and who they are here.
pub struct People<'a> {
    app: &'a App,
    /// Whose everything becomes.
    owner: Option<Account>,
    /// Only those whose identifier differs.
    renamed: HashMap<String, String>,
    invited: Vec<Email>,
}

impl<'a> People<'a> {
    pub(super) fn new(app: &'a App, owner: Option<Account>) -> Self {
        Self { app, owner, renamed: HashMap::new(), invited: Vec::new() }
    }

    /// Takes in somebody; says whether they are new here.
    pub(super) async fn take(&mut self, record: &Record) -> Result<bool> {
        let (id, email) = (record.id("id").ok_or(NOBODY)?, record.text("email").ok_or(NOBODY)?);
        let email = Email::parse(email)?;
        let is_owner = *record.kind == ACCOUNT;
        let known = match self.owner.clone().filter(|_| is_owner) {
            Some(owner) => Some(owner),
            None => accounts::find_by_email(&self.app.store, &email).await?,
        };
        let (account, new) = match known {
            Some(account) => (account, false),
            None => (self.make(id, email, record, is_owner).await?, true),
        };
        self.is_here(id, account.id);
        if is_owner {
            self.owner = Some(account);
        }
        Ok(new)
    }

    /// Somebody with that identifier elsewhere has this one here.
    pub fn is_here(&mut self, there: Id<Account>, here: Id<Account>) {
        if there != here {
            self.renamed.insert(there.to_string(), here.to_string());
        }
    }

    /// Nobody can sign in as somebody who is new here before they have a password: people set one when they come with a loop's
    /// code, as whoever was invited does. Nobody else may come as the owner of everything: that takes the operator.
    async fn make(&mut self, id: Id<Account>, email: Email, record: &Record, is_owner: bool) -> Result<Account> {
        let account = Account {
            id,
            email,
            name: record.text("name").unwrap_or_default().to_owned(),
            role: Role::Member,
            status: if is_owner { AccountStatus::Active } else { AccountStatus::Inactive },
            password_hash: None,
            created_at: record.time("created_at").unwrap_or_else(|| self.app.now()),
        };
        let secret = new_secret(self.app.random());
        accounts::insert(&self.app.store, &account, &secret).await.map_err(|error| match error {
            store::Error::Conflict => TAKEN,
            other => other.into(),
        })?;
        self.invited.push(account.email.clone());
        Ok(account)
    }

    /// Puts the identifier here in the place of the one elsewhere.
    pub(super) fn rename(&self, id: &mut String) {
        if let Some(here) = self.renamed.get(id) {
            here.clone_into(id);
        }
    }

    pub(super) fn owner(&self) -> Result<&Account> {
        self.owner.as_ref().ok_or(NOBODY)
    }

    /// Whose everything is, and who is new.
    pub(super) fn known(self) -> Result<(Account, Vec<Email>)> {
        Ok((self.owner.ok_or(NOBODY)?, self.invited))
    }
}
