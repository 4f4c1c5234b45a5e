//! Guesses: failed keys, sign-ins and invite codes, counted per address, some per account too (contract 2.4, 11.1, 15.5; design 4).

use super::{Error, Result};
use crate::{
    domain::{Account, Id},
    settings::Limits,
};
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock as _, clock::DefaultClock};
use std::{hash::Hash, net::IpAddr, num::NonZeroU32};

/// The counts of this process. An address that guesses is slowed down; nobody else is.
pub struct Throttle {
    keys: DefaultKeyedRateLimiter<IpAddr>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    accounts: DefaultKeyedRateLimiter<String>,
    codes: DefaultKeyedRateLimiter<IpAddr>,
    joins: DefaultKeyedRateLimiter<Id<Account>>,
    clock: DefaultClock,
}

impl Throttle {
    /// Nobody has guessed yet.
    pub fn new(limits: &Limits) -> Self {
        let per_minute = |count: NonZeroU32| Quota::per_minute(count);
        Self {
            keys: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_keys_per_minute)),
            sign_ins: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_sign_ins_per_minute)),
            accounts: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_sign_ins_per_minute)),
            codes: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_keys_per_minute)),
            joins: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_keys_per_minute)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a failed authentication by key.
    pub fn failed_key(&self, address: IpAddr) -> Result<()> {
        self.check(&self.keys, &address)
    }

    /// Counts an attempt to sign in, whether or not it succeeds: what it guards is the work of hashing too.
    pub fn sign_in(&self, address: IpAddr, email: &str) -> Result<()> {
        self.check(&self.sign_ins, &address)?;
        self.sign_in_as(email)
    }

    /// Counts an attempt to prove that one is this person, from wherever.
    pub fn sign_in_as(&self, email: &str) -> Result<()> {
        self.check(&self.accounts, &email.to_owned())
    }

    /// Counts a look at what an invite code or another secret in a link leads to. To be asked before looking, and for
    /// right ones too: a limit on wrong guesses alone would still let the right one through.
    pub fn guess(&self, address: IpAddr) -> Result<()> {
        self.check(&self.codes, &address)
    }

    /// Counts an attempt of somebody to join with a code, from wherever (contract 15.5).
    pub fn join(&self, account: Id<Account>) -> Result<()> {
        self.check(&self.joins, &account)
    }

    /// Forgets addresses that have been quiet.
    pub fn sweep(&self) {
        self.keys.retain_recent();
        self.sign_ins.retain_recent();
        self.accounts.retain_recent();
        self.codes.retain_recent();
        self.joins.retain_recent();
    }

    fn check<K: Hash + Eq + Clone>(&self, counts: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
        counts.check_key(key).map_err(|refused| {
            let seconds = refused.wait_time_from(self.clock.now()).as_secs_f64().ceil();
            #[expect(clippy::cast_possible_truncation, reason = "a minute at most")]
            let retry_after = (seconds as i64).max(1);
            Error::Throttled { retry_after }
        })
    }
}
