//! Who acts on loops, requests and webhooks, whichever way they came in: one function serves them all.

use super::Caller;
use crate::{
    domain::{Account, Actor, Id, Key, Loop},
    store::sessions::SignedIn,
};

/// A program by its key, a person who is signed in, or the operator for an account.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'c> {
    account_id: Id<Account>,
    actor: Actor,
    caller: Option<&'c Caller>,
}

impl<'c> From<&'c Caller> for Acting<'c> {
    fn from(caller: &'c Caller) -> Self {
        Self { account_id: caller.account_id(), actor: caller.actor(), caller: Some(caller) }
    }
}

impl From<&SignedIn> for Acting<'_> {
    fn from(who: &SignedIn) -> Self {
        Self { account_id: who.account_id, actor: Actor::Person(who.account_id), caller: None }
    }
}

impl<'c> Acting<'c> {
    /// The operator, for an account.
    pub fn by_operator(account_id: Id<Account>) -> Self {
        Self { account_id, actor: Actor::Operator, caller: None }
    }

    /// The account whose things these are.
    pub fn account_id(self) -> Id<Account> {
        self.account_id
    }

    /// Who did it, for the record.
    pub fn actor(self) -> Actor {
        self.actor
    }

    /// The program, if it is one: its key's limit counts what it does.
    pub(super) fn caller(self) -> Option<&'c Caller> {
        self.caller
    }

    /// The key that a request is made with. Made by hand there is none, and the account's own id stands in its place: it has the
    /// form that clients read, can be filtered by, and no token leads to it.
    pub fn key_id(self) -> Id<Key> {
        self.caller.map_or_else(|| by_hand(self.account_id), |caller| caller.key().id)
    }

    /// The loops that the key is confined to; `None` is all of the account's.
    pub fn confined_to(self) -> Option<&'c [Id<Loop>]> {
        self.caller.and_then(Caller::confined_to)
    }

    /// Whether it may touch that loop.
    pub fn reaches(self, id: Id<Loop>) -> bool {
        self.confined_to().is_none_or(|loops| loops.contains(&id))
    }
}

/// What stands in the place of a key where an account made a request by hand.
pub fn by_hand(account: Id<Account>) -> Id<Key> {
    account.retyped()
}
